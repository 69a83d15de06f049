"""Codes that rows store, in words for people. What is not named here is shown as it is stored."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from newsletter.models import Consent

# By `Delivery.why`. Codes of relays ("452") stand for "put off too often".
WHY: dict[str, str | Promise] = {
    "hard-bounce": gettext_lazy("The mailbox does not exist."),
    "soft-bounce": gettext_lazy("The mailbox is full, or took nothing for the time being."),
    "policy": gettext_lazy("The mailbox's provider does not want it, for its content or its sender."),
    "rejected": gettext_lazy("Our mail provider did not send it."),
    "too-often": gettext_lazy("It was put off too often."),
    "too-large": gettext_lazy("The mail is too large for the mailbox."),
    "bad-address": gettext_lazy("The address cannot be written into a mail."),
    "no-smtputf8": gettext_lazy("The relay cannot carry an address with such letters."),
    "refused": gettext_lazy("It was refused for another reason."),
    "unsubscribed": gettext_lazy("The reader left before their turn."),
    "paused": gettext_lazy("The reader had paused the newsletter."),
    "suppressed": gettext_lazy("The address came on the stop list before its turn."),
    "erased": gettext_lazy("The reader was erased before their turn."),
    "cancelled": gettext_lazy("The edition was cancelled."),
    "duplicate": gettext_lazy("The new address had the issue already."),
}

# The same for what is unknown: it was on its way, and that is all.
HAPPENED: dict[str, str | Promise] = {
    "worker-lost": gettext_lazy("The worker ended while the mail was on its way."),
    "no-answer": gettext_lazy("The mail was handed over, and no answer came."),
    "bad-answer": gettext_lazy("The mail was handed over, and the answer could not be understood."),
    "server-error": gettext_lazy("The mail was handed over, and the provider had a fault of its own."),
    "lane-failed": gettext_lazy("The worker failed while the mail was on its way."),
}

# By `AuditEntry.action`.
DEEDS: dict[str, str | Promise] = {
    "subscriber.change": gettext_lazy("changed by staff"),
    "subscriber.unsubscribe": gettext_lazy("unsubscribed by staff"),
    "subscriber.link": gettext_lazy("personal links sent by staff"),
    "suppression.add": gettext_lazy("staff put the address on the stop list"),
    "suppression.lift": gettext_lazy("The entry was lifted: mail may go to the address again."),
}


def source(stored: str) -> str:
    """Where an address came from: a `Subscriber.source` is a list's own name, or the road of a sign-up."""
    return str(dict(Consent.How.choices).get(stored, stored))
