"""The numbers of an issue beside those of the issues before it. Numbers only: whoever may see an issue may see them,
for they name nobody."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import figures
from newsletter.admin import guard
from newsletter.in_words import WHY
from newsletter.models import Issue, IssueTotal
from newsletter.translating import LANGUAGES
from picum import localising, plots

ALL = ""  # the key of all languages together
FEW = 3  # issues before it that make a usual value


@dataclass(frozen=True)
class Measure:
    """Something that is counted of an issue. `opinion`: readers did it, so that of few readers it is not told."""

    key: str
    name: str | Promise
    words: str | Promise
    opinion: bool = False
    from_zero: bool = True
    plotted: bool = True


MEASURES = [
    Measure(
        "accepted",
        pgettext_lazy("figures", "Delivered"),
        gettext_lazy("Taken by the reader's mail server, and not sent back since."),
        from_zero=False,
    ),
    Measure(
        "failed",
        pgettext_lazy("figures", "Refused"),
        gettext_lazy("Not taken, or sent back: the mailbox does not exist, is full, or its provider does not want it."),
    ),
    Measure(
        "unsubscribed",
        pgettext_lazy("figures", "Left"),
        gettext_lazy("Left the newsletter after this issue and before the next one, sixty days at most."),
        opinion=True,
    ),
    Measure(
        "complained",
        pgettext_lazy("figures", "Complained"),
        gettext_lazy("Called the mail unwanted, as far as mail providers tell us."),
        opinion=True,
    ),
    Measure(
        "unknown",
        pgettext_lazy("figures", "Unknown"),
        gettext_lazy("Handed over, and nobody knows whether it arrived."),
    ),
    Measure(
        "skipped",
        pgettext_lazy("figures", "Not sent"),
        gettext_lazy("The reader had left before their turn, or the edition was cancelled."),
        plotted=False,
    ),
]


@dataclass(frozen=True)
class Cell:
    """A number of the table. `number` None: not told."""

    name: str | Promise
    number: int | None
    percent: str


@dataclass(frozen=True)
class Row:
    name: str
    readers: int
    cells: list[Cell]


@dataclass(frozen=True)
class Panel:
    name: str
    count: str
    svg: SafeString


@dataclass(frozen=True)
class Part:
    """A measure over the last issues. `header` and `lines` are the same numbers as a table; languages in which there is
    nothing to be seen have no panel, but are in `nobody`, or in `untold` if that may be for want of readers; where
    there is nothing at all, `quiet` says why."""

    key: str
    name: str | Promise
    words: str | Promise
    quiet: str
    panels: list[Panel]
    nobody: list[str]
    untold: list[str]
    header: list[str]
    lines: list[tuple[str, list[str]]]


# --- an issue --------------------------------------------------------------------------------------------------------


@require_safe
def show(request: HttpRequest, pk: int):
    """An issue in numbers. Four statements, whatever the size."""
    issue = guard.issue_for(request, pk, contents=False)
    issues = figures.compared(issue)
    history = [_Numbers(one) for one in issues]
    mine = history[-1]
    return guard.page(
        request,
        "figures.html",
        _("Figures: %s") % issue,
        issue=issue,
        counted_at=min((total.counted_at for total in mine.totals.values()), default=None),
        sentence=_sentence(mine),
        columns=[measure.name for measure in MEASURES],
        rows=[_table_row(mine, code) for code in mine.languages],
        total=_table_row(mine, ALL),
        untold=any(code not in mine.told for code in mine.languages),
        enough=figures.ENOUGH,
        reasons=_reasons(mine),
        parts=[_part(measure, history) for measure in MEASURES if measure.plotted] if len(history) > 1 else [],
        others=len(history) - 1,
        usual=len(history) > FEW,
        meanings=[(measure.name, measure.words) for measure in MEASURES if not measure.plotted],
    )


class _Numbers:
    """An issue's totals, by language and all together."""

    def __init__(self, issue: Issue):
        self.issue = issue
        self.totals: dict[str, IssueTotal] = {total.language: total for total in issue.totals.all() if total.readers}
        self.languages = [code for code in LANGUAGES if code in self.totals]
        self.told = figures.tellable(self.totals.values())

    @property
    def label(self) -> str:
        language = get_language() or "en"
        return localising.short_period(self.issue.period, self.issue.period_kind, language)

    def readers(self, code: str) -> int:
        return self._sum("readers", code)

    def number(self, measure: Measure, code: str) -> int | None:
        """How many, or None when it is not told, or there are no readers."""
        if not self.readers(code) or (measure.opinion and code not in self.told):
            return None
        return self._sum(measure.key, code)

    def rate(self, measure: Measure, code: str) -> float | None:
        """The same in percent of the readers."""
        number = self.number(measure, code)
        return None if number is None else 100 * number / self.readers(code)

    def _sum(self, field: str, code: str) -> int:
        chosen = self.totals.values() if code == ALL else filter(None, [self.totals.get(code)])
        return sum(getattr(total, field) for total in chosen)


def _sentence(mine: _Numbers) -> str:
    readers = mine.readers(ALL)
    if not readers:
        return ""
    delivered = mine.number(MEASURES[0], ALL) or 0
    words = ngettext(
        "Delivered to %(delivered)s of %(readers)s reader: %(percent)s.",
        "Delivered to %(delivered)s of %(readers)s readers: %(percent)s.",
        readers,
    )
    return words % {
        "delivered": _number(delivered),
        "readers": _number(readers),
        "percent": _percent(100 * delivered / readers),
    }


def _table_row(numbers: _Numbers, code: str) -> Row:
    cells = []
    for measure in MEASURES:
        rate = numbers.rate(measure, code)
        cells.append(Cell(measure.name, numbers.number(measure, code), "" if rate is None else _percent(rate)))
    return Row(_name(code), numbers.readers(code), cells)


def _reasons(numbers: _Numbers) -> list[tuple[str | Promise, int]]:
    """Why mails did not arrive, all languages together, the most frequent first."""
    found: dict[str | Promise, int] = {}
    for total in numbers.totals.values():
        for why, number in total.reasons.items():
            words = WHY.get("too-often" if why[:1].isdigit() else why, why)
            found[words] = found.get(words, 0) + number
    return sorted(found.items(), key=lambda pair: -pair[1])


def _part(measure: Measure, history: Sequence[_Numbers]) -> Part:
    codes = [code for code in [ALL, *LANGUAGES] if any(one.readers(code) for one in history)]
    rates = {code: [one.rate(measure, code) for one in history] for code in codes}
    known = [rate for some in rates.values() for rate in some if rate is not None]
    empty = [code for code in codes if not any(rates[code])]
    hidden = [code for code in empty if any(one.readers(code) and one.number(measure, code) is None for one in history)]
    quiet = ""
    if not any(known):
        nobody = ngettext("Nobody, in %d issue.", "Nobody, in all %d issues.", len(history)) % len(history)
        quiet = _("Too few readers to say.") if ALL in hidden else nobody
    letters = max(len(_shown(some[-1])) for some in rates.values())
    axis = plots.scale(known, show=_tick, from_zero=measure.from_zero, steps=3)
    return Part(
        key=measure.key,
        name=measure.name,
        words=measure.words,
        quiet=quiet,
        panels=[_panel(measure, code, rates[code], history, axis, letters) for code in codes if code not in empty],
        nobody=[] if quiet else [capfirst(_name(code)) for code in empty if code not in hidden],
        untold=[] if quiet else [capfirst(_name(code)) for code in hidden],
        header=[capfirst(_name(code)) for code in codes],
        lines=[
            (str(one.issue), [_shown(rates[code][at]) for code in codes])
            for at, one in reversed(list(enumerate(history)))
        ],
    )


def _panel(
    measure: Measure,
    code: str,
    rates: Sequence[float | None],
    history: Sequence[_Numbers],
    axis: plots.Scale,
    letters: int,
) -> Panel:
    *before, now = rates
    earlier = [rate for rate in before if rate is not None]
    usual = statistics.median(earlier) if len(earlier) >= FEW else None
    number = history[-1].number(measure, code)
    words = [_("This issue: %s.") % _shown(now)]
    if earlier:
        issues = ngettext("%d issue before it", "%d issues before it", len(earlier)) % len(earlier)
        words.append(f"{issues}: {_shown(min(earlier))} – {_shown(max(earlier))}.")
    if usual is not None:
        words.append(_("Half of them are above %s, half below.") % _shown(usual))
    svg = plots.panel(
        rates,
        axis=axis,
        show=_percent,
        ends=(history[0].label, history[-1].label),
        key=f"{measure.key}-{code or 'all'}",
        title=_("%(language)s: %(measure)s, in percent of the readers")
        % {"language": capfirst(_name(code)), "measure": str(measure.name).lower()},
        description=" ".join(words),
        letters=letters,
        usual=usual,
    )
    count = _("too few readers to say") if history[-1].readers(code) else ""
    if number is not None:
        count = _("%(number)s of %(readers)s") % {
            "number": _number(number),
            "readers": _number(history[-1].readers(code)),
        }
    return Panel(capfirst(_name(code)), count, svg)


# --- words -----------------------------------------------------------------------------------------------------------


def _name(code: str) -> str:
    return localising.language_name(code, get_language() or "en") if code else _("All languages")


def _number(value: float) -> str:
    return localising.number(value, get_language() or "en")


def _percent(value: float) -> str:
    return localising.percent(value, get_language() or "en")


def _tick(value: float) -> str:
    return localising.round_percent(value, get_language() or "en")


def _shown(rate: float | None) -> str:
    return "–" if rate is None else _percent(rate)
