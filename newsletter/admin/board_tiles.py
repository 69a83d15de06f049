"""A cell of the board. Made here and not in a template: there are four hundred on a page."""

from html import escape

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from newsletter.admin.texts import AROUND
from newsletter.translation.board import Board, Cell, Stage
from picum import localising

HIDDEN = SafeString('<td class="board-cell board-cell--hidden"></td>')


class Tiles:
    """Makes the cells of one page; `ticks`: do they have boxes to be ticked? Each sends what `board_moves` reads."""

    def __init__(self, found: Board, *, ticks: bool):
        self._spoken, self._ticks = get_language() or "en", ticks
        self._labels = {stage: escape(str(stage.label)) for stage in Stage}
        # Asked once for each language: the addresses differ in their end alone.
        self._addresses = {
            code: reverse("admin:newsletter_issue_translate", args=[found.issue.pk, code, AROUND]).removesuffix(
                f"{AROUND}/"
            )
            for code in found.writable
        }

    def of(self, cell: Cell, what: str, name: str) -> SafeString:
        """`what`: the item's number or AROUND; `name`: what the language is called. It leads to the translator's page
        where the person may write."""
        # By hand, as `format_html` takes five times as long: all words that are not our own keys are escaped.
        code, stage = cell.language, cell.stage.value
        begins = self._addresses.get(code)
        tick = (
            f'<input type="checkbox" name="cell" value="{what}:{code}:{cell.number}"'
            f' aria-labelledby="board-{code} row-{what}">'
            if self._ticks
            else ""
        )
        asides = "".join(
            f' <span class="board-aside {kind}">{escape(words)}</span>' for kind, words in self._asides(cell)
        )
        words = f'<span class="board-stage board-stage--{stage}">{self._labels[cell.stage]}</span>{asides}'
        linked = f'<a href="{begins}{what}/">{words}</a>' if begins else f"<span>{words}</span>"
        return SafeString(
            f'<td class="board-cell board-cell--{stage}" id="cell-{what}-{code}" data-label="{escape(name)}"'
            f' data-language="{code}">{tick}{linked}</td>'
        )

    def _asides(self, cell: Cell) -> list[tuple[str, str]]:
        """What else is to be said, each with a class of its own or ""."""
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
        if cell.avoided:
            words = ngettext("%d word to avoid", "%d words to avoid", cell.avoided) % cell.avoided
            found.append(("board-late", words))
        if cell.is_machine:
            found.append(("", _("machine draft")))
        if cell.has_remarks:
            found.append(("", _("remarks")))
        return found
