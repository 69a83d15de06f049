"""What changed in the originals, beside the translations that do not say it yet."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter.admin import guard
from newsletter.admin import texts as desk_texts
from newsletter.admin.board import Filters
from newsletter.models import Text
from newsletter.rendering import language_name
from newsletter.translation import access, board, texts
from newsletter.translation.board import Board, Cell, Row, Stage
from newsletter.translation.changes import Change


@dataclass(frozen=True)
class Translation:
    """`may_stay`: may this person say that it is still right?"""

    cell: Cell
    name: str
    words: texts.Words
    may_stay: bool


@dataclass(frozen=True)
class Stale:
    """The translations of one thing that say the same older revision of its original, and what changed since."""

    row: Row
    what: str
    changes: tuple[Change, ...]
    translations: list[Translation]

    @property
    def staying(self) -> list[Translation]:
        return [one for one in self.translations if one.may_stay]


@require_safe
def show(request, pk: int):
    issue = desk_texts.readable_issue(request, pk)
    filters = Filters.of(request.GET)
    found = board.of(issue, request.user, on=timezone.localdate())
    return guard.page(
        request,
        "outdated.html",
        _("What changed in the originals"),
        issue=issue,
        stale=_stale(found, filters.language, may_approve=access.may_approve(request.user)),
        filters=filters,
    )


def _stale(found: Board, only: str, *, may_approve: bool) -> list[Stale]:
    groups: list[Stale] = []
    for row in found.rows:
        by_changes: dict[tuple[Change, ...], list[Translation]] = {}
        for language, cell in row.cells.items():
            if cell.stage == Stage.OUTDATED and language in found.writable and only in ("", language):
                mine = _translation(row.item or found.issue, cell, may_approve)
                by_changes.setdefault(cell.changes, []).append(mine)
        what = str(row.item.pk) if row.item else desk_texts.AROUND
        groups += [Stale(row, what, changes, these) for changes, these in by_changes.items()]
    return groups


def _translation(thing, cell: Cell, may_approve: bool) -> Translation:
    return Translation(
        cell=cell,
        name=language_name(cell.language, get_language() or "en"),
        words=texts.stored_words(thing, cell.language),
        may_stay=may_approve or cell.state != Text.State.APPROVED,
    )
