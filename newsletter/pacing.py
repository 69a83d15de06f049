"""When each letter may leave, so that all workers on all hosts together keep the limits.

Three limits, each off unless set: messages a second of a transport (SENDING_RATE), the same for a recipient domain
(SENDING_DOMAIN_RATES), messages a day while a sending domain is new (SENDING_WARM_UP). Moments are reserved in the
database; those of a worker that died are lost, which only makes the sending slower.
"""

import datetime
import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from newsletter.models import Throttle
from picum import env

HORIZON = 10.0  # seconds; nothing further off is reserved, a worker holds its letters no longer than its lease
SPREAD = 600.0  # seconds over which letters without a moment are told to come again; a new limit is felt by then
CLAIMED_AHEAD = 5  # seconds' worth of letters that a worker takes at once
FORGET = datetime.timedelta(hours=1)
_PRECISION = 1e-6  # seconds; the databases' own


def moments(addresses: Sequence[str], *, transport: str, now: datetime.datetime) -> list[float]:
    """Seconds from `now` at which a letter to each address may leave.

    Up to HORIZON the moment is reserved. An offset beyond it is none: it says when to ask again, spread so that not
    all come at once; a warm-up's next day begins at the site's midnight. One short transaction of at most four
    statements, whatever the number of domains; none at all where nothing is limited.
    """
    domains = [_limited(address) for address in addresses]
    if not (settings.SENDING_RATE or _allowance(now) is not None or any(domains)):
        return [0.0] * len(addresses)
    with transaction.atomic():
        book = _Book(transport, {domain for domain in domains if domain}, now)
        offsets = [book.moment(domain) for domain in domains]
        book.save()
    return offsets


def give_back(count: int, *, transport: str, now: datetime.datetime) -> None:
    """Letters with a reserved moment did not leave: a warm-up's day has room for others. One statement, or none."""
    if count and _allowance(now) is not None:
        today = Throttle.objects.filter(name=transport, day=_today(now))
        today.update(sent=Greatest(F("sent") - count, 0))


def slice_size(wanted: int) -> int:
    """How many rows to claim at once: under a rate, no more than some seconds' worth."""
    if not settings.SENDING_RATE:
        return wanted
    return max(1, min(wanted, int(settings.SENDING_RATE * CLAIMED_AHEAD)))


def tidy(*, now: datetime.datetime) -> None:
    """Forget domains that are free anyway."""
    Throttle.objects.filter(name__contains=" ", next_at__lt=now - FORGET, later_at__lt=now).delete()


@dataclass(frozen=True)
class Standing:
    """Which limit is in the way just now. `domain` is the one most asked for of late, "" when there is none."""

    rate_is_full: bool = False
    domain: str = ""
    left_today: int | None = None  # of a warm-up's allowance; None without one
    warm_up_until: datetime.datetime | None = None  # the allowance is used up


def standing(*, transport: str, now: datetime.datetime) -> Standing:
    """For people: nothing is locked or reserved. At most two statements, none where nothing is limited."""
    rate, allowance = settings.SENDING_RATE, _allowance(now)
    row = Throttle.objects.filter(name=transport).first() if rate or allowance is not None else None
    lately = now - datetime.timedelta(seconds=HORIZON)
    asked = Throttle.objects.filter(name__startswith=f"{transport} ", next_at__gt=lately).order_by("-next_at")
    busiest = asked.first() if settings.SENDING_DOMAIN_RATES else None
    left = None
    if allowance is not None:
        left = max(0, allowance - (row.sent if row and row.day == _today(now) else 0))
    return Standing(
        rate_is_full=bool(rate and row and _Timetable.read(row, 1 / rate, now).first(0) > 1),
        domain=busiest.name.partition(" ")[2] if busiest else "",
        left_today=left,
        warm_up_until=_midnight(now) if left == 0 else None,
    )


def domain_of(address: str) -> str:
    """The domain of an address as SENDING_DOMAIN_RATES writes it."""
    domain = address.rpartition("@")[2].lower()
    return domain if domain.isascii() else env.ascii_domain(domain)


def domain_rate(domain: str) -> float:
    """Messages a second to a domain; 0 is no limit."""
    rates = settings.SENDING_DOMAIN_RATES
    return rates.get(domain) or rates.get("*", 0)


def _limited(address: str) -> str:
    """The address' domain if it has a limit, else ""."""
    if not settings.SENDING_DOMAIN_RATES:
        return ""
    domain = domain_of(address)
    return domain if domain_rate(domain) else ""


def _today(now: datetime.datetime) -> datetime.date:
    return timezone.localdate(now, timezone.get_default_timezone())


def _midnight(now: datetime.datetime) -> datetime.datetime:
    """The end of the site's day."""
    tomorrow = _today(now) + datetime.timedelta(days=1)
    return datetime.datetime.combine(tomorrow, datetime.time(), tzinfo=timezone.get_default_timezone())


def _allowance(now: datetime.datetime) -> int | None:
    plan = settings.SENDING_WARM_UP
    return plan.allowance(_today(now)) if plan else None


@dataclass
class _Timetable:
    """Moments at least `step` apart, in seconds from now; `gaps` are free before `end`, all is free after it.

    Gaps are there because a letter to a domain with a limit of its own takes a moment some seconds ahead: what lies
    before it belongs to the letters of others.
    """

    step: float
    end: float
    later: float
    gaps: list[tuple[float, float]] = field(default_factory=list)

    @classmethod
    def read(cls, row: Throttle, step: float, now: datetime.datetime) -> "_Timetable":
        end = (row.next_at - now).total_seconds()
        gaps = [(max(0.0, end + start), end + stop) for start, stop in row.gaps if end + stop >= 0]
        # Nobody waits where the next moment is free: those told to come later do not use it up.
        later = (row.later_at - now).total_seconds() if end > 0 else 0.0
        return cls(step, max(0.0, end), max(0.0, later), gaps)

    def write(self, row: Throttle, now: datetime.datetime) -> None:
        row.next_at = now + datetime.timedelta(seconds=self.end)
        row.later_at = now + datetime.timedelta(seconds=self.later)
        row.gaps = [[round(start - self.end, 6), round(stop - self.end, 6)] for start, stop in self.gaps]

    def first(self, not_before: float) -> float:
        """The first free moment from then on."""
        for place in range(bisect_left(self.gaps, not_before, key=lambda gap: gap[1]), len(self.gaps)):
            start, stop = self.gaps[place]
            moment = self._on_the_step(start, not_before)
            if moment <= stop + _PRECISION:
                return moment
        return self._on_the_step(self.end, not_before)

    def take(self, moment: float) -> None:
        """A moment that `first` named is no longer free."""
        place = bisect_left(self.gaps, moment - _PRECISION, key=lambda gap: gap[1])
        if place < len(self.gaps):
            start, stop = self.gaps[place]
            rest = [(start, moment - self.step), (moment + self.step, stop)]
            self.gaps[place : place + 1] = [gap for gap in rest if gap[0] <= gap[1] + _PRECISION]
        else:
            if self.end <= moment - self.step + _PRECISION:
                self.gaps.append((self.end, moment - self.step))
            self.end = moment + self.step

    def come_again(self) -> float:
        """A moment beyond the horizon to ask anew; one behind the other, as they would leave."""
        after = max(self.later, HORIZON) + self.step
        self.later = after if after <= SPREAD else HORIZON + self.step
        return self.later

    def _on_the_step(self, start: float, not_before: float) -> float:
        # Whole steps after the start, so that nothing is lost between two letters.
        return start + max(0, math.ceil((not_before - start) / self.step - 1e-9)) * self.step


class _Book:
    """The rows of a transport and of some domains, held for the length of a transaction.

    Whoever reserves holds the transport's row first, so nobody waits for a domain's row with another in hand.
    """

    def __init__(self, transport: str, domains: Iterable[str], now: datetime.datetime):
        self.transport, self.now = transport, now
        self.row = self._lock()
        known = {}
        if names := {domain: f"{transport} {domain}" for domain in domains}:
            known = Throttle.objects.in_bulk(names.values())
        self.domain_rows = {domain: known.get(name) or self._new(name) for domain, name in names.items()}
        self.domains = {
            domain: _Timetable.read(row, 1 / domain_rate(domain), now) for domain, row in self.domain_rows.items()
        }
        self.rate = _Timetable.read(self.row, 1 / settings.SENDING_RATE, now) if settings.SENDING_RATE else None
        self.allowance = _allowance(now)
        if self.row.day != _today(now):
            self.row.day, self.row.sent = _today(now), 0
        self.tomorrow = max((_midnight(now) - now).total_seconds(), HORIZON + 1)

    def moment(self, domain: str) -> float:
        """For one letter; `domain` is "" where it has no limit."""
        if self.allowance is not None and self.row.sent >= self.allowance:
            return self.tomorrow
        own = self.domains.get(domain)
        free = own.end if own else 0.0
        moment = self.rate.first(free) if self.rate else free
        if moment > HORIZON:
            return (own if own and own.end > HORIZON else self.rate or own).come_again()
        if own:
            own.end = moment + own.step
        if self.rate:
            self.rate.take(moment)
        self.row.sent += self.allowance is not None
        return moment

    def save(self) -> None:
        for domain, row in self.domain_rows.items():
            self.domains[domain].write(row, self.now)
        if self.rate:
            self.rate.write(self.row, self.now)
        Throttle.objects.bulk_create(
            [self.row, *self.domain_rows.values()],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["next_at", "gaps", "later_at", "day", "sent"],
        )

    def _lock(self) -> Throttle:
        mine = Throttle.objects.select_for_update().filter(name=self.transport)
        if (row := mine.first()) is None:
            Throttle.objects.bulk_create([self._new(self.transport)], ignore_conflicts=True)
            row = mine.get()
        return row

    def _new(self, name: str) -> Throttle:
        return Throttle(name=name, next_at=self.now, later_at=self.now)
