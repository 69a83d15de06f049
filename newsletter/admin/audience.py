"""How many read over time, by first language. Numbers only, as `newsletter.admin.figures`."""

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import figures
from newsletter.admin import guard
from newsletter.models import AudienceCount
from newsletter.translating import LANGUAGES
from picum import localising, plots
from picum.accounts.desk import ReadOnlyAdmin

ALL = ""  # the key of all languages together
MONTHS = 24
LOOK = (*guard.READ, "newsletter.view_subscriber")
WIDE, NARROW = 820, 310  # pixels of the two sizes of a chart: CSS shows the one that fits


@dataclass(frozen=True)
class _Month:
    """The readers at the end of a month, by language, as far as it has been counted."""

    first: datetime.date
    day: datetime.date | None
    numbers: dict[str, int]
    reckoned: bool

    def number(self, code: str) -> int | None:
        if self.day is None:
            return None
        return sum(self.numbers.values()) if code == ALL else self.numbers.get(code, 0)


@require_safe
def audience(request: HttpRequest):
    """How many read over the last two years, by first language. One statement."""
    guard.require(request, LOOK)
    months = _months(figures.audience(until=timezone.localdate(), months=MONTHS))
    codes = [code for code in LANGUAGES if any(month.number(code) for month in months)]
    reckoned = [month for month in months if month.reckoned]
    drawn = len(months) > 1 and bool(codes)
    shared = admin.site.each_context(request) | {
        "title": _("Readers over time"),
        "opts": AudienceCount._meta,
        "counted_on": months[-1].day if months else None,
        "sentence": _how_many(months),
        "charts": _charts(months, codes) if drawn else [],
        "header": [_name(code) for code in [ALL, *codes]],
        "lines": [_line(month, [ALL, *codes]) for month in reversed(months) if month.day],
        "reckoned_until": reckoned[-1].day if reckoned else None,
    }
    return render(request, "newsletter/admin/audience.html", shared)


def _months(counts: Sequence[AudienceCount]) -> list[_Month]:
    """From the first month counted to the last, those that were not counted included."""
    found: dict[datetime.date, _Month] = {}
    for count in counts:
        first = count.day.replace(day=1)
        month = found.setdefault(first, _Month(first, count.day, {}, count.reckoned))
        month.numbers[count.language] = count.number
    if not found:
        return []
    first, last = min(found), max(found)
    length = (last.year - first.year) * 12 + last.month - first.month
    months = [
        datetime.date(first.year + at // 12, at % 12 + 1, 1) for at in range(first.month - 1, first.month + length)
    ]
    return [found.get(month) or _Month(month, None, {}, False) for month in months]


def _how_many(months: Sequence[_Month]) -> str:
    if not months:
        return ""
    now = months[-1].number(ALL) or 0
    words = ngettext("%(number)s reader.", "%(number)s readers.", now) % {"number": _number(now)}
    then = months[0].number(ALL) or 0
    if len(months) < 2:
        return words
    since = {"month": localising.month(months[0].first, get_language() or "en"), "number": _number(abs(now - then))}
    if now == then:
        return words + " " + _("As many as in %(month)s.") % since
    return (
        words
        + " "
        + (_("%(number)s more than in %(month)s.") if now > then else _("%(number)s fewer than in %(month)s.")) % since
    )


def _charts(months: Sequence[_Month], codes: Sequence[str]) -> list[dict[str, object]]:
    """The sum, and the languages below it, month under month."""
    letters = max(len(f"{_name(code)} {_number(months[-1].number(code) or 0)}") for code in [ALL, *codes])
    return [_chart(months, [ALL], "total", 190, letters), _chart(months, codes, "languages", 360, letters)]


def _chart(months: Sequence[_Month], codes: Sequence[str], key: str, height: int, letters: int) -> dict[str, object]:
    """A chart in its two sizes, with its heading."""
    values = {code: [month.number(code) for month in months] for code in codes}
    axis = plots.scale((value for some in values.values() for value in some), show=_number, whole=True)
    sure = next((at for at, month in enumerate(months) if month.day and not month.reckoned), len(months))
    series = [
        plots.Series(capfirst(_name(code)), values[code], hue=LANGUAGES.index(code) + 1 if code else 0, reckoned=sure)
        for code in codes
    ]
    name = _("All readers") if codes == [ALL] else _("Readers by first language")
    description = "; ".join(
        _("%(language)s: %(first)s, then %(last)s")
        % {"language": one.name, "first": _number(known[0]), "last": _number(known[-1])}
        for one in series
        if (known := [value for value in one.values if value is not None])
    )
    svgs = {
        size: plots.chart(
            series,
            axis=axis,
            show=_number,
            marks=_marks(months, every=3 if size == "wide" else 12),
            key=f"{key}-{size}",
            title=name,
            description=description,
            letters=letters,
            width=width,
            height=height,
        )
        for size, width in (("wide", WIDE), ("narrow", NARROW))
    }
    return {"name": name, "svgs": svgs}


def _marks(months: Sequence[_Month], *, every: int) -> list[tuple[int, str]]:
    """The last month, and every so many before it."""
    language, last = get_language() or "en", len(months) - 1
    return [(at, localising.short_period(months[at].first, "month", language)) for at in range(last, -1, -every)]


def _line(month: _Month, codes: Iterable[str]) -> tuple[str, bool, list[str]]:
    words = localising.month(month.first, get_language() or "en")
    return words, month.reckoned, [_number(month.number(code) or 0) for code in codes]


@admin.register(AudienceCount)
class AudienceCountAdmin(ReadOnlyAdmin):
    """Its list is a plot."""

    def has_view_permission(self, request, obj=None):
        return any(request.user.has_perm(permission) for permission in LOOK)

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def get_urls(self):
        view: Callable = self.admin_site.admin_view(audience)
        return [path("", view, name="newsletter_audience"), path("", view, name="newsletter_audiencecount_changelist")]


def _name(code: str) -> str:
    return localising.language_name(code, get_language() or "en") if code else _("All languages")


def _number(value: float) -> str:
    return localising.number(value, get_language() or "en")
