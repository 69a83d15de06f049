"""Who is at work on an edition, how quick they are and what they wait for: told by the workers, shown to people."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from newsletter.models import Shift

FRESH = datetime.timedelta(seconds=15)  # whoever has not told for so long is no longer at work
MINUTE = datetime.timedelta(minutes=1)
WINDOW = datetime.timedelta(seconds=30)  # the speed is that of so long
LATELY = datetime.timedelta(minutes=5)
KEPT = datetime.timedelta(days=7)  # so long it is shown how quickly an issue went out


def note(
    *, worker: str, edition_id: int, lanes: int, letters: int, waits: Mapping[str, float], now: datetime.datetime
) -> None:
    """A worker tells of its present run: letters so far, and the seconds its lanes have waited so far, by cause:
    "relay", "rate", "domain", "ledger". The first note begins the run. One statement."""
    shift = Shift(
        worker=worker, edition_id=edition_id, started_at=now, seen_at=now, lanes=lanes, letters=letters, **waits
    )
    told = ["seen_at", "letters", "relay", "rate", "domain", "ledger"]
    told += ["lanes"] if lanes else []  # a run that ends tells once more, when its lanes are closed
    Shift.objects.bulk_create([shift], update_conflicts=True, unique_fields=["worker"], update_fields=told)


def tidy(*, now: datetime.datetime) -> None:
    """Forget the runs of long ago."""
    Shift.objects.filter(seen_at__lt=now - KEPT).delete()


def lately(edition_ids: Iterable[int], *, now: datetime.datetime) -> dict[int, list[Shift]]:
    """The runs of the last minutes, by edition, in the order in which they were last heard of. One statement."""
    found = defaultdict(list)
    for shift in Shift.objects.filter(edition__in=edition_ids, seen_at__gt=now - LATELY).order_by("seen_at"):
        found[shift.edition_id].append(shift)
    return found


def at_work(shifts: Sequence[Shift], *, now: datetime.datetime) -> list[Shift]:
    """Those of them that go on."""
    return [shift for shift in shifts if shift.seen_at > now - FRESH]


def speed(shifts: Sequence[Shift], *, now: datetime.datetime) -> float:
    """Letters a second in the last half minute, all workers together. A run's letters are spread over its length."""
    recent = [shift for shift in shifts if shift.seen_at > now - WINDOW]
    if not recent:
        return 0
    begin = max(now - WINDOW, min(shift.started_at for shift in recent))
    end = max(now - FRESH, max(shift.seen_at for shift in recent))
    letters = sum(shift.letters * _share_since(begin, shift) for shift in recent)
    return letters / max(1.0, (end - begin).total_seconds())


def by_minute(edition_ids: Iterable[int]) -> dict[int, dict[datetime.datetime, float]]:
    """By edition: letters in each minute of the clock in which somebody was at work on it. A run's letters are spread
    over its length: half a minute at most. One statement."""
    found: dict[int, dict[datetime.datetime, float]] = defaultdict(lambda: defaultdict(float))
    for shift in Shift.objects.filter(edition__in=edition_ids).order_by("started_at"):
        for minute, share in _minutes(shift):
            found[shift.edition_id][minute] += shift.letters * share
    return found


def _minutes(shift: Shift) -> list[tuple[datetime.datetime, float]]:
    """The minutes that a run touches, and its share in each."""
    begin, end = shift.started_at, shift.seen_at
    minute, length = begin.replace(second=0, microsecond=0), (end - begin).total_seconds()
    found = []
    while minute <= end:
        after = minute + MINUTE
        inside = (min(end, after) - max(begin, minute)).total_seconds()
        found.append((minute, inside / length if length else 1.0))
        minute = after
    return found


def _share_since(begin: datetime.datetime, shift: Shift) -> float:
    length = (shift.seen_at - shift.started_at).total_seconds()
    return (shift.seen_at - max(begin, shift.started_at)).total_seconds() / length if length else 1
