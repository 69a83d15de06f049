"""The board of an issue: how far each text is in each language, who has it, and who will read what."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import translating
from newsletter.admin import guard, texts
from newsletter.admin.assigning import AssignForm
from newsletter.admin.board_tiles import HIDDEN, Tiles
from newsletter.rendering import language_name
from newsletter.translation import access, board
from newsletter.translation.board import Board, Cell, Column, Row, Stage
from picum.accounts.models import User

STAGES = {"outdated": Stage.OUTDATED, "review": Stage.REVIEW}
ONLY = ("mine", "late", *STAGES)
# From what is done to what is not begun, as the bars have them.
IN_ORDER = (Stage.APPROVED, Stage.REVIEW, Stage.DRAFT, Stage.OUTDATED, Stage.MISSING)


@dataclass(frozen=True)
class Filters:
    """What of a board is shown, in one language or in all (""): the cells that are all of it, at either of the stages
    where both are asked for."""

    mine: bool = False
    late: bool = False
    outdated: bool = False
    review: bool = False
    language: str = ""

    @classmethod
    def of(cls, data: Mapping[str, str], languages: Collection[str] = translating.LANGUAGES) -> "Filters":
        language = data.get("language", "")
        return cls(*(bool(data.get(name)) for name in ONLY), language if language in languages else "")

    @property
    def fields(self) -> list[tuple[str, str]]:
        """For an address, and for hidden fields."""
        ticked = [(name, "1") for name in ONLY if getattr(self, name)]
        return [*ticked, ("language", self.language)] if self.language else ticked

    @property
    def query(self) -> str:
        return f"?{urlencode(self.fields)}" if self.fields else ""

    @property
    def stages(self) -> set[Stage]:
        return {stage for name, stage in STAGES.items() if getattr(self, name)}

    def show(self, cell: Cell, user: User) -> bool:
        return (
            (not self.mine or cell.assignee == user)
            and (not self.late or cell.is_late)
            and (not self.stages or cell.stage in self.stages)
        )


@dataclass(frozen=True)
class Head:
    """A column's language and its bar: stage, where it begins and how wide it is, in percent."""

    column: Column
    name: str
    bar: list[tuple[Stage, float, float]]
    counts: list[tuple[Stage, int]]


@dataclass(frozen=True)
class Line:
    """A row as the page shows it: a cell for each column, an empty one where the filters hide it. `changed`: has its
    original changed since some of them were made?"""

    row: Row
    what: str
    tiles: list[SafeString]
    changed: bool


@dataclass(frozen=True)
class Part:
    """The lines under a heading; the words around the items have none."""

    heading: str
    lines: list[Line]


@require_safe
def show(request, pk: int):
    issue = texts.readable_issue(request, pk, words_alone=True)
    found = board.of(issue, request.user, on=timezone.localdate())
    filters = Filters.of(request.GET, [column.language for column in found.columns])
    spoken = get_language() or "en"
    heads = [_head(column, len(found.rows), spoken) for column in found.columns]
    shown = [head for head in heads if filters.language in ("", head.column.language)]
    with_original = len(shown) < len(translating.LANGUAGES)
    form = AssignForm(found) if access.may_approve(request.user) else None
    return guard.page(
        request,
        "board.html",
        _("Board: %s") % issue,
        issue=issue,
        parts=_parts(shown, found, Tiles(found, ticks=form is not None), lambda cell: filters.show(cell, request.user)),
        heads=shown,
        languages=[(head.column.language, head.name) for head in heads],
        with_original=with_original,
        span=1 + with_original + len(shown),
        filters=filters,
        writable=found.writable,
        form=form,
        outdated=sum(head.column.counts[Stage.OUTDATED] for head in shown),
        reading=[head for head in heads if head.column.reading.readers],
        whole=sum(head.column.reading.readers for head in heads if head.column.reading.is_whole),
        partly=sum(head.column.reading.readers for head in heads if not head.column.reading.is_whole),
    )


def _head(column: Column, rows: int, spoken: str) -> Head:
    counts = [(stage, column.counts[stage]) for stage in IN_ORDER if column.counts[stage]]
    bar, begins = [], 0.0
    for stage, count in counts:
        bar.append((stage, round(begins, 2), round(100 * count / rows, 2)))
        begins += 100 * count / rows
    name = language_name(column.language, spoken)
    return Head(column, f"{name[:1].upper()}{name[1:]}", bar, counts)


def _parts(heads: list[Head], found: Board, tiles: Tiles, shows: Callable[[Cell], bool]) -> list[Part]:
    """The lines of which something is shown, by section."""
    languages = [head.column.language for head in heads]
    lines = [_line(row, heads, tiles, shows) for row in found.rows if any(shows(row.cells[code]) for code in languages)]
    by_section = groupby(lines, key=lambda line: line.row.item and line.row.item.section_id)
    return [_part(list(group)) for _section, group in by_section]


def _part(lines: list[Line]) -> Part:
    item = lines[0].row.item
    return Part(str(item.section) if item else "", lines)


def _line(row: Row, heads: list[Head], tiles: Tiles, shows: Callable[[Cell], bool]) -> Line:
    what = str(row.item.pk) if row.item else texts.AROUND
    cells = [(row.cells[head.column.language], head.name) for head in heads]
    return Line(
        row=row,
        what=what,
        tiles=[tiles.of(cell, what, name) if shows(cell) else HIDDEN for cell, name in cells],
        changed=any(cell.stage == Stage.OUTDATED for cell, _name in cells),
    )
