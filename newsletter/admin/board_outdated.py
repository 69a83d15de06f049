"""What changed in the originals, beside the translations that do not say it yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter.admin import guard
from newsletter.admin import texts as desk_texts
from newsletter.admin.board import Filters
from newsletter.models import Issue, Text
from newsletter.problems import differing
from newsletter.rendering import language_name
from newsletter.translation import access, board, texts
from newsletter.translation.board import Board, Cell, Row, Stage
from newsletter.translation.changes import Change
from newsletter.translation.warnings import Difference

PAGE = 12  # originals; each may have six translations


@dataclass(frozen=True)
class Translation:
    """`may_stay`: may this person say that it is still right? `differs`: the numbers and links that the change of the
    original brought and that speak against it."""

    cell: Cell
    name: str
    words: texts.Words
    may_stay: bool
    differs: tuple[Difference, ...]


@dataclass(frozen=True)
class Stale:
    """The translations of one thing that say the same older revision of its original, and what changed since."""

    row: Row
    what: str
    changes: tuple[Change, ...]
    translations: list[Translation]

    @property
    def staying(self) -> list[Translation]:
        """Those of which one may say so together: what differs in a number is looked at by itself."""
        return [one for one in self.translations if one.may_stay and not one.differs]

    @property
    def is_partly(self) -> bool:
        return any(one.may_stay and one.differs for one in self.translations)


@require_safe
def show(request, pk: int):
    issue = desk_texts.readable_issue(request, pk, words_alone=True)
    filters = Filters.of(request.GET)
    found = board.of(issue, request.user, on=timezone.localdate())
    outdated = _outdated(found, filters.language)
    page = Paginator(outdated, PAGE).get_page(request.GET.get("page"))
    may_approve = access.may_approve(request.user)
    return guard.page(
        request,
        "outdated.html",
        _("What changed in the originals"),
        issue=issue,
        count=sum(len(cells) for _row, cells in outdated),
        page=page,
        stale=[one for row, cells in page for one in _stale(row, cells, issue, may_approve=may_approve)],
        filters=filters,
    )


def way_back(issue: Issue, data: Mapping[str, str]) -> str:
    """The address of the page on which a button was pressed, in the language that was asked for."""
    number = data.get("page", "")
    asked = [*Filters.of(data).fields, *([("page", number)] if number.isdecimal() else [])]
    address = reverse("admin:newsletter_issue_outdated", args=[issue.pk])
    return f"{address}?{urlencode(asked)}" if asked else address


def _outdated(found: Board, only: str) -> list[tuple[Row, list[Cell]]]:
    """The things of which a translation is outdated, with the cells of those."""
    languages = [code for code in found.writable if only in ("", code)]
    cells = ((row, [row.cells[code] for code in languages]) for row in found.rows)
    outdated = ((row, [cell for cell in some if cell.stage == Stage.OUTDATED]) for row, some in cells)
    return [(row, some) for row, some in outdated if some]


def _stale(row: Row, cells: list[Cell], issue: Issue, *, may_approve: bool) -> list[Stale]:
    by_changes: dict[tuple[Change, ...], list[Translation]] = {}
    for cell in cells:
        by_changes.setdefault(cell.changes, []).append(_translation(row, issue, cell, may_approve))
    what = str(row.item.pk) if row.item else desk_texts.AROUND
    return [Stale(row, what, changes, these) for changes, these in by_changes.items()]


def _translation(row: Row, issue: Issue, cell: Cell, may_approve: bool) -> Translation:
    original = row.source.language
    source, words = (texts.stored_words(row.item or issue, code) for code in (original, cell.language))
    return Translation(
        cell=cell,
        name=language_name(cell.language, get_language() or "en"),
        words=words,
        may_stay=may_approve or cell.state != Text.State.APPROVED,
        differs=differing.since(cell.changes, source, original, words, cell.language),
    )
