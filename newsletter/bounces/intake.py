"""A mail comes in, by a pipe or from a mailbox."""

import datetime
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from newsletter import tracking
from newsletter.bounces.reading import read
from newsletter.models import Delivery


def take(message: bytes, *, now: datetime.datetime) -> tuple[bool, Counter]:
    """Read a mail and record what it says, in transactions of `tracking.apply`. The same mail again changes nothing.

    Returns whether it is done with (if not, a person may want to see it), and what came of it: "read", "left" or
    "not ours", and the counts of `tracking.apply`. Raises only what the database raises; then the mail must come again.
    """
    reading = read(message, now=now)
    counts = Counter({"read" if reading.handled else "left" if reading.ours else "not ours": 1})
    if reading.events:
        counts += tracking.apply(_addressed(reading.events), now=now)
    return reading.handled, counts


def _addressed(events: Sequence[tracking.Event]) -> list[tracking.Event]:
    """Where a mail names nobody, the delivery's own reader: the token proves that this letter is meant."""
    if all(event.address for event in events):
        return list(events)
    number = tracking.read_token(events[0].token)  # a mail has one token
    address = Delivery.objects.filter(pk=number).values_list("subscriber__address", flat=True).first() or ""
    return [replace(event, address=event.address or address) for event in events]


def told(counts: Counter) -> str:
    """ "read 12, left 1, hard 9, repeated 2": without anybody's address, for logs and commands."""
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "no mails"
