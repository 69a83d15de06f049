"""A recipient refused in the conversation itself: the same news as a bounce, only sooner."""

import datetime

from newsletter.bounces.classifying import classify
from newsletter.mime import Letter, delivery_token
from newsletter.models import DeliveryEvent
from newsletter.tracking import Event
from newsletter.transports import Outcome

Kind = DeliveryEvent.Kind


def refused(letter: Letter, outcome: Outcome, *, source: str, now: datetime.datetime) -> Event | None:
    """The event that an outcome is, when it says plainly that the mailbox is gone; `source` the transport's name.

    A provider's "invalid" is plain; an SMTP relay's 550 is looked at as a bounce's would be, for many say it of spam.
    """
    if outcome.why != "hard-bounce":
        return None
    kind, code = classify("", outcome.detail) if source == "smtp" else (Kind.HARD, "invalid")
    if kind != Kind.HARD:
        return None
    token, key = delivery_token(letter.delivery_id), f"attempt-{letter.attempt}"
    return Event(kind, token, letter.address, now, source, key, code, outcome.detail)
