"""A cell of the board in words. Made here and not in the template: there are four hundred on a page."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from newsletter.admin.texts import AROUND
from newsletter.translation.board import Board, Cell
from picum import localising


@dataclass(frozen=True)
class Tile:
    """`address`: of the translator's page, "" where the person may not write. `value`: what ticking it sends (see
    `board_moves`). `asides`: what else is to be said, each with a class of its own or ""."""

    cell: Cell
    label: str
    language: str  # as it is called
    address: str
    value: str
    asides: list[tuple[str, str]]


class Tiles:
    """Makes the tiles of one page."""

    def __init__(self, found: Board):
        self._spoken = get_language() or "en"
        # Asked once for each language: the addresses differ in their end alone.
        self._addresses = {
            code: reverse("admin:newsletter_issue_translate", args=[found.issue.pk, code, AROUND]).removesuffix(
                f"{AROUND}/"
            )
            for code in found.writable
        }

    def of(self, cell: Cell, what: str, language: str) -> Tile:
        begins = self._addresses.get(cell.language)
        return Tile(
            cell=cell,
            label=str(cell.stage.label),
            language=language,
            address=f"{begins}{what}/" if begins else "",
            value=f"{what}:{cell.language}:{cell.number}",
            asides=self._asides(cell),
        )

    def _asides(self, cell: Cell) -> list[tuple[str, str]]:
        found = []
        if cell.is_source:
            found.append(("", _("original")))
        if changed := len(cell.changes):
            found.append(("", ngettext("%d sentence changed", "%d sentences changed", changed) % changed))
        if cell.assignee:
            found.append(("board-who", str(cell.assignee)))
        if cell.due_on:
            day = localising.near_day(cell.due_on, self._spoken)
            found.append(("board-late", _("late: %s") % day) if cell.is_late else ("", _("until %s") % day))
        if cell.words_left:
            found.append(("", ngettext("%d word", "%d words", cell.words_left) % cell.words_left))
        if cell.is_machine:
            found.append(("", _("machine draft")))
        if cell.has_remarks:
            found.append(("", _("remarks")))
        return found
