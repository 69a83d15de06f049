"""What readers do to their own subscription. THE DOOR to readers for everything outside this app.

Log lines name a reader by number only: an address on this list can endanger the person behind it.
"""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter.models import Subscriber, Suppression
from picum import links

logger = logging.getLogger(__name__)
LANGUAGES = [code for code, _name in settings.LANGUAGES]


class UnknownLanguages(ValueError):
    """Not an order of languages: empty, a double, or a language the newsletter does not have. Says which."""


def token_for(subscriber: Subscriber) -> str:
    """The token of a reader's links; see `reader_for`."""
    return links.sign(subscriber.handle, purpose="reader")


def reader_for(token: str) -> Subscriber | None:
    """Whose link this is; None when the reader has been erased meanwhile. Raises `links.BadToken` when the token
    is not ours. It never expires: people leave by the link of a mail that is years old."""
    return Subscriber.objects.filter(handle=links.unsign(token, purpose="reader")).first()


@transaction.atomic
def unsubscribe(subscriber: Subscriber, *, how: str) -> bool:
    """The reader leaves, at once: sending looks at the state again just before each mail.

    Their key goes on the stop list, so that no later import brings the address back. `how` says by which road they
    left ("one-click", "page") and is logged. Repeating it changes nothing; True if this call made the change.
    Nobody is told.
    """
    left = Subscriber.State.UNSUBSCRIBED
    changed = bool(
        Subscriber.objects.filter(pk=subscriber.pk)
        .exclude(state=left)
        .update(state=left, unsubscribed_at=(now := timezone.now()))
    )
    # A key that is there already stays as it is: "does not exist" must not become "unsubscribed".
    stop = Suppression(address_key=subscriber.address_key, reason=Suppression.Reason.UNSUBSCRIBED)
    Suppression.objects.bulk_create([stop], ignore_conflicts=True)
    if changed:
        subscriber.state, subscriber.unsubscribed_at = left, now
        logger.info("Reader %s left the newsletter: %s.", subscriber.pk, how)
    return changed


def change_languages(subscriber: Subscriber, languages: Sequence[str]) -> Subscriber:
    """Set the order of languages, first choice first. Raises UnknownLanguages. Issues that are frozen keep theirs."""
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown:
        raise UnknownLanguages(
            _("“%(codes)s” is not among the languages of the newsletter (%(known)s).")
            % {"codes": " ".join(unknown), "known": " ".join(LANGUAGES)}
        )
    if not languages:
        raise UnknownLanguages(_("At least one language is needed."))
    if len(set(languages)) < len(languages):
        raise UnknownLanguages(_("A language can be chosen only once."))
    chosen = " ".join(languages)
    Subscriber.objects.filter(pk=subscriber.pk).exclude(languages=chosen).update(languages=chosen)
    subscriber.languages = chosen
    return subscriber


def masked(subscriber: Subscriber) -> str:
    """Enough of the address for its owner to know it, and for nobody else: "a…@e…"."""
    local, _at, domain = subscriber.address.rpartition("@")
    return f"{local[:1]}…@{domain[:1]}…"
