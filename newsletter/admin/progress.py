"""Watching an issue go out. The numbers come from `newsletter.reporting`; the page fetches them again by itself."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import reporting
from newsletter.admin import guard, holding, pace
from newsletter.models import Delivery, Edition, Issue
from newsletter.rendering import language_name

S, D = Edition.State, Delivery.State
COLUMNS = [D.ACCEPTED, D.QUEUED, D.DEFERRED, D.FAILED, D.SKIPPED, D.UNKNOWN]
SETTLED = {S.DRAFT, S.READY, S.SENT, S.CANCELLED}


@dataclass(frozen=True)
class Row:
    """An edition on the progress page. `labelled`: pairs of a state and its count; `percent` of its readers are
    settled."""

    edition: Edition
    name: str
    labelled: list[tuple[str, int]]
    frozen: int
    done: int
    percent: int
    rate: str
    left: str
    notes: list[str]
    holding: str  # what is in its way, in words

    @property
    def state(self) -> str:
        return self.edition.state

    @property
    def waits_for(self) -> datetime.datetime | None:
        """The time set, while it has not been sent."""
        return self.edition.send_at if self.state in {S.SCHEDULED, S.HELD} else None


@require_safe
def show(request: HttpRequest, pk: int):
    issue = guard.issue_for(request, pk, contents=False)
    return guard.page(request, "progress.html", _("Progress: %s") % issue, issue=issue, **_now(request, issue))


@require_safe
def fragment(request: HttpRequest, pk: int):
    """The same numbers without the frame, for the script."""
    issue = guard.issue_for(request, pk, contents=False)
    return render(request, "newsletter/admin/_progress.html", {"issue": issue, **_now(request, issue)})


def _now(request: HttpRequest, issue: Issue) -> dict[str, object]:
    now = timezone.now()
    limits = reporting.standing(now=now)
    entries = reporting.progress(issue, limits)
    rows = [_row(entry, now) for entry in entries]
    return _after(issue, rows) | {
        "rows": rows,
        "pace": pace.of([row.edition for row in rows], now=now),
        "columns": [state.label for state in COLUMNS],
        "phase": _phase(rows),
        "knobs": holding.knobs(limits, now=now),
        "total": {
            "frozen": sum(row.frozen for row in rows),
            "done": sum(row.done for row in rows),
            "labelled": _labelled(sum((Counter(entry["counts"]) for entry in entries), Counter())),
            "percent": _percent(sum(row.done for row in rows), sum(row.frozen for row in rows)),
        },
        "unknown": sum(entry["counts"].get(D.UNKNOWN, 0) for entry in entries),
        "final": all(row.state in SETTLED for row in rows),
        "can_send": issue.tallied_at is None and _can_send(rows),
        "may_send": request.user.has_perm("newsletter.send_issue"),
    }


def _after(issue: Issue, rows: list[Row]) -> dict[str, object]:
    """What is there once something went out and nothing moves any more: names of what is late, and of what is still
    being written; and the pages of the archive: codes, names, addresses."""
    gone = [row for row in rows if row.edition.frozen_at]
    published = [row for row in gone if row.edition.published_at] if issue.kind == Issue.Kind.NEWSLETTER else []
    return {
        "is_over": bool(gone) and all(row.state in SETTLED for row in rows),
        "late": [row.name for row in rows if row.state == S.READY] if issue.tallied_at is None else [],
        "unfinished": [row.name for row in rows if row.state == S.DRAFT],
        "archive": [(row.edition.language, row.name, _archived(row.edition, issue)) for row in published],
    }


def _archived(edition: Edition, issue: Issue) -> str:
    with override(edition.language):
        return reverse("newsletter:edition", args=[issue.slug])


def _row(entry: dict, now: datetime.datetime) -> Row:
    edition = entry["edition"]
    return Row(
        edition=edition,
        name=language_name(edition.language, get_language() or "en"),
        labelled=_labelled(entry["counts"]),
        frozen=entry["frozen"],
        done=entry["done"],
        percent=_percent(entry["done"], entry["frozen"]),
        rate=_rate(entry["rate"]),
        left=_left(entry["eta"]),
        notes=_notes(entry),
        holding=holding.sentence(entry["holding"], now=now),
    )


def _labelled(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    # For a person, what a worker holds or has on the wire is still waiting.
    waiting = sum(counts.get(state, 0) for state in (D.QUEUED, D.CLAIMED, D.ATTEMPTING))
    return [(str(state.label), waiting if state == D.QUEUED else counts.get(state, 0)) for state in COLUMNS]


def _notes(entry: dict) -> list[str]:
    """Why it stands still, and what went wrong last."""
    notes = [entry["reason"]] if entry["reason"] else []
    if entry["last_error"] and entry["last_error"] not in notes:
        notes.append(_("Last error: %s") % entry["last_error"])
    return notes


def _can_send(rows: list[Row]) -> bool:
    """Is there anything to do on the send page: an edition to be sent, or one to be given up since others went out?"""
    if any(row.state == S.READY for row in rows):
        return True
    late = any(row.state == S.DRAFT and row.edition.readers_wait for row in rows)
    return late and any(row.edition.frozen_at for row in rows)


def _phase(rows: list[Row]) -> str:
    """Where the issue as a whole is, in one sentence."""
    states = {row.state for row in rows}
    still = [row.name for row in rows if row.state in {S.PAUSED, S.HELD}]
    if S.SENDING in states:
        words = _("The issue is being sent.")
        return words + " " + _("Standing still: %s.") % ", ".join(still) if still else words
    if S.PAUSED in states:
        return _("Sending stands still: %s.") % ", ".join(still)
    if any(row.state == S.SCHEDULED and row.edition.send_at <= timezone.now() for row in rows):
        return _("The issue goes out in a moment.")
    if S.HELD in states:
        return _("Nothing of it goes out before somebody has decided: %s.") % ", ".join(still)
    if S.SCHEDULED in states:
        return _("The issue waits for its time to be sent.")
    if S.SENT in states:
        left = [row.name for row in rows if row.state in {S.DRAFT, S.READY}]
        if left:
            return _("What was sent is done. Not sent yet: %s.") % ", ".join(left)
        return _("The issue has been sent.")
    if S.CANCELLED in states:
        return _("The sending was cancelled.")
    return _("Nothing has been sent yet.")


def _percent(done: int, frozen: int) -> int:
    return done * 100 // frozen if frozen else 0


def _rate(rate: float) -> str:
    shown = round(rate, 1 if rate < 10 else 0)
    return _("%s a second") % holding.number(shown) if shown else ""


def _left(seconds: float | None) -> str:
    """Time left, rounded as people say it."""
    if seconds is None:
        return ""
    if seconds < 60:
        return _("less than a minute left")
    minutes = round(seconds / 60)
    if minutes < 90:
        return ngettext("about %d minute left", "about %d minutes left", minutes) % minutes
    hours = round(minutes / 60)
    return ngettext("about %d hour left", "about %d hours left", hours) % hours
