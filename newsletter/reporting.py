"""What became of an issue: for the command, and for the page that watches it go out."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min
from django.utils import timezone

from newsletter import holding, pacing, shifts
from newsletter.models import Delivery, Edition, Issue, IssueTotal, Shift


def report(issue: Issue) -> dict[str, Any]:
    """The whole sending in numbers, machine-readable.

    `frozen` deliveries in all, `states` and `languages` ({language: {state: n}}) by count, `unknown` delivery ids,
    `seconds` from the first freezing to the last final outcome, `balanced`: every frozen address is in exactly one
    state, and the states add up. `tallied`: when its deliveries were deleted (ISO 8601), None while they are there; the
    numbers are those of the totals then, and `unknown` is empty, whatever their number.
    """
    editions = list(issue.editions.frozen())
    tallies = _tallies_of(issue, editions)
    languages = {edition.language: tallies[edition.pk].counts for edition in editions}
    states: dict[str, int] = {}
    for by_state in languages.values():
        for state, number in by_state.items():
            states[state] = states.get(state, 0) + number
    frozen = sum(edition.frozen_count for edition in editions)
    first = min((edition.frozen_at for edition in editions), default=None)
    last = _last_moment(issue, editions)
    return {
        "issue": issue.slug,
        "frozen": frozen,
        "states": dict(sorted(states.items())),
        "languages": languages,
        "unknown": list(
            Delivery.objects.filter(issue=issue, state=Delivery.State.UNKNOWN)
            .order_by("pk")
            .values_list("pk", flat=True)
        ),
        "seconds": round((last - first).total_seconds(), 1) if first and last else 0,
        "balanced": frozen == sum(states.values()),
        "tallied": issue.tallied_at.isoformat() if issue.tallied_at else None,
    }


def _last_moment(issue: Issue, editions: Iterable[Edition]) -> datetime.datetime | None:
    """The last final outcome; once that is deleted, the end of the last edition."""
    if issue.tallied_at:
        return max((edition.finished_at for edition in editions if edition.finished_at), default=None)
    ended = Delivery.objects.filter(issue=issue, state__in=Delivery.FINAL)
    return ended.aggregate(last=Max("changed_at"))["last"]


def standing(*, now: datetime.datetime) -> pacing.Standing:
    """Which of the limits is in the way of the transport in force."""
    return pacing.standing(transport=settings.EMAIL_PROVIDER or "smtp", now=now)


def progress(issue: Issue, limits: pacing.Standing | None = None) -> list[dict[str, Any]]:
    """For each edition: language, state, counts by delivery state, frozen, done, final, seconds since it was frozen,
    rate (letters a second, lately), eta (seconds, None when unknown), holding (what is in the way, None when nothing
    is), reason, last_error, resume_at.

    Three statements whatever the size, and two for `limits` when they are not given and something is limited; of the
    deliveries an index alone is read, or the totals when they are deleted.
    """
    now = timezone.now()
    limits = limits or standing(now=now)
    editions = list(issue.editions.order_by("pk"))
    tallies = _tallies_of(issue, editions)
    runs = shifts.lately([edition.pk for edition in editions], now=now)
    return [_row(edition, tallies[edition.pk], runs.get(edition.pk, []), limits, now) for edition in editions]


@dataclass
class _Tally:
    """Deliveries of an edition by state: how many, and the earliest due time."""

    counts: dict[str, int] = field(default_factory=dict)
    due: dict[str, datetime.datetime] = field(default_factory=dict)


def _tallies_of(issue: Issue, editions: Iterable[Edition]) -> dict[int, _Tally]:
    """One statement, by edition."""
    if not issue.tallied_at:
        return _tallies(edition.pk for edition in editions)
    kept = {total.language: _final(total) for total in issue.totals.all()}
    return {edition.pk: _Tally(kept.get(edition.language, {})) for edition in editions}


def _final(total: IssueTotal) -> dict[str, int]:
    counts = {state.value: getattr(total, state) for state in Delivery.FINAL}
    return {state: number for state, number in counts.items() if number}


def _tallies(edition_ids: Iterable[int]) -> dict[int, _Tally]:
    """One statement, answered by the index of due rows alone."""
    tallies = {pk: _Tally() for pk in edition_ids}
    grouped = Delivery.objects.filter(edition__in=tallies).values("edition", "state").order_by()
    for row in grouped.annotate(n=Count("*"), due=Min("due_at")):
        tallies[row["edition"]].counts[row["state"]] = row["n"]
        tallies[row["edition"]].due[row["state"]] = row["due"]
    return tallies


def _row(
    edition: Edition, tally: _Tally, runs: list[Shift], limits: pacing.Standing, now: datetime.datetime
) -> dict[str, Any]:
    done = sum(number for state, number in tally.counts.items() if state in Delivery.FINAL)
    held = holding.judge(edition, counts=tally.counts, due=tally.due, runs=runs, standing=limits, now=now)
    rate = shifts.speed(runs, now=now) if edition.state == Edition.State.SENDING else 0
    goes_on = rate and not (held and held.until)  # who waits for a moment says which
    return {
        "edition": edition,
        "language": edition.language,
        "state": edition.state,
        "counts": tally.counts,
        "frozen": edition.frozen_count,
        "done": done,
        "final": edition.frozen_at is not None and done == edition.frozen_count,
        "seconds": ((edition.finished_at or now) - edition.frozen_at).total_seconds() if edition.frozen_at else 0,
        "rate": rate,
        "eta": (edition.frozen_count - done) / rate if goes_on else None,
        "holding": held,
        "reason": edition.reason,
        "last_error": edition.last_error,
        "resume_at": edition.resume_at,
    }
