"""What is holding an edition back: a judgement from the ledger's counts, the workers' word and the limits' state."""

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings

from newsletter import enqueue, shifts
from newsletter.models import Delivery, Edition, Shift
from newsletter.pacing import Standing

State = Delivery.State
MATTERS = 0.2  # of the lanes' time; a smaller share holds nothing back
SOON = datetime.timedelta(seconds=10)


class Cause(enum.Enum):
    BACKS_OFF = "backs off"  # the relay failed; `until`
    WARM_UP = "warm-up"  # today's allowance is used up; `until`
    DOMAIN = "domain"  # a recipient domain's limit; `domain`
    RATE = "rate"  # the transport's limit
    LATER = "later"  # what is left waits for its next try; `until`
    NOBODY = "nobody"  # there is work and no worker; `seconds` since one was seen, None if none was
    RELAY = "relay"  # its answers take most of the time; `milliseconds` a mail, `connections`, `workers`, `wanted`
    LEDGER = "ledger"  # so does the database; `milliseconds` a mail
    WORKERS = "workers"  # nothing waits, and there are fewer than the edition is worth; `workers`, `wanted`
    MACHINE = "machine"  # nothing waits, and all are there


@dataclass(frozen=True)
class Holding:
    cause: Cause
    until: datetime.datetime | None = None
    domain: str = ""
    seconds: int | None = None
    milliseconds: float = 0
    connections: int = 0
    workers: int = 0
    wanted: int = 0


def judge(
    edition: Edition,
    *,
    counts: Mapping[str, int],
    due: Mapping[str, datetime.datetime],
    runs: Sequence[Shift],
    standing: Standing,
    now: datetime.datetime,
) -> Holding | None:
    """What is in the way of an edition; None when it is not being sent, or has only just begun.

    `counts` by delivery state, `due` the earliest due time by state, `runs` the edition's of the last minutes.
    """
    if edition.state != Edition.State.SENDING or not any(counts.get(state) for state in _OPEN):
        return None
    if edition.resume_at and edition.resume_at > now:
        return Holding(Cause.BACKS_OFF, until=edition.resume_at)
    if standing.warm_up_until:
        return Holding(Cause.WARM_UP, until=standing.warm_up_until)
    idle = not any(counts.get(state) for state in Delivery.IN_HAND)
    next_at = min((due[state] for state in Delivery.DUE if state in due), default=now)
    if idle and next_at > now:
        return _waiting(due, standing, next_at, now)
    if team := shifts.at_work(runs, now=now):
        busy = [run for run in team if run.lanes]  # the others have only just begun
        return _at_work(busy, standing, wanted=enqueue.hands(edition)) if busy else None
    return _nobody(edition, runs, next_at, now)


_OPEN = [*Delivery.DUE, *Delivery.IN_HAND]


def _waiting(
    due: Mapping[str, datetime.datetime], standing: Standing, next_at: datetime.datetime, now: datetime.datetime
) -> Holding | None:
    """Nothing is due and nobody has anything in hand."""
    if State.QUEUED in due and standing.rate_is_full:
        return Holding(Cause.RATE)
    if State.QUEUED in due and standing.domain:
        return Holding(Cause.DOMAIN, domain=standing.domain)
    return Holding(Cause.LATER, until=next_at) if next_at > now + SOON else None


def _nobody(
    edition: Edition, runs: Sequence[Shift], next_at: datetime.datetime, now: datetime.datetime
) -> Holding | None:
    """Something is due, and no worker has been heard of. The reconciler gets its time to ring first."""
    began = max(moment for moment in (edition.frozen_at, edition.resumed_at, edition.resume_at, next_at) if moment)
    patience = datetime.timedelta(seconds=settings.SENDING_RECONCILE_SECONDS) + SOON
    last = max((shift.seen_at for shift in runs), default=None)
    if last and last > began:
        return Holding(Cause.NOBODY, seconds=int((now - last).total_seconds()))
    return Holding(Cause.NOBODY) if now - began > patience else None


def _at_work(team: Sequence[Shift], standing: Standing, *, wanted: int) -> Holding:
    lanes, letters = sum(shift.lanes for shift in team), sum(shift.letters for shift in team)
    waits = {
        Cause.RELAY: sum(shift.relay for shift in team),
        Cause.RATE: sum(shift.rate + shift.domain for shift in team),
        Cause.LEDGER: sum(shift.ledger for shift in team),
    }
    total = sum(shift.lanes * (shift.seen_at - shift.started_at).total_seconds() for shift in team)
    cause = max(waits, key=lambda one: waits[one])
    crew = {"workers": len(team), "wanted": wanted}
    if waits[cause] < MATTERS * total or not waits[cause]:
        return Holding(Cause.WORKERS if len(team) < wanted else Cause.MACHINE, **crew)
    if cause is Cause.RATE:
        # Workers wait for moments, whichever limit made them: the limits know which of them is reached.
        by_domain = standing.domain and not standing.rate_is_full
        return Holding(Cause.DOMAIN, domain=standing.domain) if by_domain else Holding(Cause.RATE)
    each = 1000 * waits[cause] / max(letters, lanes, 1)  # where no mail has been answered yet, the wait for the first
    return Holding(cause, milliseconds=each, connections=lanes, **crew)
