"""A mail comes in, by a pipe or from a mailbox."""

import datetime
from collections import Counter
from dataclasses import replace

from newsletter import tracking
from newsletter.bounces import leaving
from newsletter.bounces.reading import Reading, read
from newsletter.models import DeliveryEvent, Subscriber
from picum.addresses import wire_address


def take(message: bytes, *, now: datetime.datetime) -> tuple[bool, Counter]:
    """Read a mail and record what it says, in transactions of `tracking.apply`; let readers go who leave by mail. The
    same mail again changes nothing.

    Returns whether it is done with (if not, a person may want to see it), and what came of it: "read", "left" or
    "not ours", the counts of `tracking.apply`, and what `leaving.take` says. Raises only what the database raises; then
    the mail must come again.
    """
    if wish := leaving.take(message, now=now):
        return True, Counter({"read": 1, wish: 1})
    reading = _attributed(read(message, now=now))
    counts = Counter({"read" if reading.handled else "left" if reading.ours else "not ours": 1})
    if reading.events:
        counts += tracking.apply(reading.events, now=now)
    return reading.handled, counts


def _attributed(reading: Reading) -> Reading:
    """Where the mail hides whom it is about, it is about the delivery's reader if it carries their own token.

    Without that it is left to a person: the delivery's token stands in every answer of the reader, and would let
    whoever gets one stop them.
    """
    if not reading.events:
        return reading
    number = tracking.read_token(reading.events[0].token)  # a mail has one token
    reader = Subscriber.objects.filter(deliveries=number).only("address", "handle").first()
    hidden = [event for event in reading.events if reader and _is_hidden(event, reader.address)]
    if not hidden:
        return reading
    if reader.handle not in reading.readers:
        return Reading(ours=True)
    events = [replace(event, address=reader.address) if event in hidden else event for event in reading.events]
    return replace(reading, events=events)


def _is_hidden(event: tracking.Event, address: str) -> bool:
    """Complaints leave the domain and replace what stands before it (RFC 6590 §2)."""
    if event.kind != DeliveryEvent.Kind.COMPLAINED or not event.address:
        return not event.address
    local, _at, domain = event.address.casefold().rpartition("@")
    forms = {address.casefold(), wire_address(address).casefold()}
    return any(form.endswith(f"@{domain}") and form != f"{local}@{domain}" for form in forms)


def told(counts: Counter) -> str:
    """ "read 12, left 1, hard 9, repeated 2": without anybody's address, for logs and commands."""
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "no mails"
