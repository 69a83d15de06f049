"""What became of an issue: for the command, and for the page that watches it go out."""

import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from newsletter.models import Delivery, Edition, Issue

RATE_WINDOW = datetime.timedelta(seconds=30)


def report(issue: Issue) -> dict[str, Any]:
    """The whole sending in numbers, machine-readable.

    `frozen` deliveries in all, `states` and `languages` ({language: {state: n}}) by count, `unknown` delivery ids,
    `seconds` from the first freezing to the last final outcome, `balanced`: every frozen address is in exactly one
    state, and the states add up.
    """
    editions = list(issue.editions.frozen())
    counts = _counts(issue)
    languages = {edition.language: counts.get(edition.pk, {}) for edition in editions}
    states: dict[str, int] = {}
    for by_state in languages.values():
        for state, number in by_state.items():
            states[state] = states.get(state, 0) + number
    frozen = sum(edition.frozen_count for edition in editions)
    span = Delivery.objects.filter(issue=issue).aggregate(last=Max("changed_at", filter=Q(state__in=Delivery.FINAL)))
    first = min((edition.frozen_at for edition in editions), default=None)
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
        "seconds": round((span["last"] - first).total_seconds(), 1) if first and span["last"] else 0,
        "balanced": frozen == sum(states.values()),
    }


def progress(issue: Issue) -> list[dict[str, Any]]:
    """For each edition: language, state, counts by delivery state, frozen, done, final, seconds since it was frozen,
    rate (accepted a second, lately), eta (seconds, None when unknown), reason, last_error, resume_at."""
    now = timezone.now()
    counts = _counts(issue)
    lately = {
        row["edition"]: row
        for row in Delivery.objects.filter(issue=issue, state=Delivery.State.ACCEPTED, changed_at__gt=now - RATE_WINDOW)
        .values("edition")
        .annotate(n=Count("pk"), first=Min("changed_at"))
    }
    rows = []
    for edition in issue.editions.order_by("pk"):
        by_state = counts.get(edition.pk, {})
        done = sum(number for state, number in by_state.items() if state in Delivery.FINAL)
        recent = lately.get(edition.pk)
        span = max(1.0, (now - recent["first"]).total_seconds()) if recent else 0
        rate = recent["n"] / span if recent else 0
        rows.append(
            {
                "edition": edition,
                "language": edition.language,
                "state": edition.state,
                "counts": by_state,
                "frozen": edition.frozen_count,
                "done": done,
                "final": edition.frozen_at is not None and done == edition.frozen_count,
                "seconds": ((edition.finished_at or now) - edition.frozen_at).total_seconds()
                if edition.frozen_at
                else 0,
                "rate": rate if edition.state == Edition.State.SENDING else 0,
                "eta": (edition.frozen_count - done) / rate
                if rate and edition.state == Edition.State.SENDING
                else None,
                "reason": edition.reason,
                "last_error": edition.last_error,
                "resume_at": edition.resume_at,
            }
        )
    return rows


def _counts(issue: Issue) -> dict[int, dict[str, int]]:
    counts: dict[int, dict[str, int]] = {}
    grouped = Delivery.objects.filter(issue=issue).values("edition", "state").annotate(n=Count("pk")).order_by()
    for row in grouped:
        counts.setdefault(row["edition"], {})[row["state"]] = row["n"]
    return counts
