"""Plots as SVG, drawn on the server: from numbers to markup, nothing else. No language, no database, no script.

A plot is one picture to a screen reader (WCAG 1.1.1): its title says what it shows, its description what is to be seen
in it; a table with the same numbers belongs beside it. Sizes are CSS pixels at the natural width, so that a plot of the
right width for its place has text of the right size. Colours and strokes are the style sheet's; nothing is told by
colour alone. A value of None is a gap.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe

Value = float | None
Show = Callable[[float], str]
Point = tuple[float, float] | None

LETTER, STRONG = 7.4, 9.2  # wide guesses at the width of a letter, and of one that stands out
LINE = 15  # of text
DOT, NOW = 2.25, 4.5


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from its first tick to its last, with the words beside the ticks."""

    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def share(self, value: float) -> float:
        """Where a value lies between the ends of the axis: 0 to 1."""
        low, high = self.ticks[0], self.ticks[-1]
        return min(max((value - low) / (high - low), 0), 1)


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a chart. `hue` is a number for the style sheet; the first `reckoned` values are less certain."""

    name: str
    values: Sequence[Value]
    hue: int = 0
    reckoned: int = 0


@dataclass(frozen=True, slots=True)
class _Area:
    """Where the lines are drawn, within the plot."""

    left: float
    right: float
    top: float
    bottom: float

    def x(self, at: int, count: int) -> float:
        return self.left + (self.right - self.left) * at / (count - 1) if count > 1 else self.right

    def y(self, share: float) -> float:
        return self.bottom - (self.bottom - self.top) * share


def scale(values: Iterable[Value], *, show: Show, from_zero: bool = True, whole: bool = False, steps: int = 4) -> Scale:
    """An axis of round numbers around non-negative values, in about so many steps of 1, 2 or 5 times a power of ten;
    `whole`: of 1 at least. `show` writes a round number."""
    known = [value for value in values if value is not None]
    high = max(known, default=0)
    low = 0 if from_zero else min(known, default=0)
    step = _step((high - low) / steps or high / steps or 1 / steps)
    step = max(step, 1) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:  # all alike: something below them, for there is nothing above 100 %
        first, last = (first - 1, last) if first else (0, 1)
    # Not added up, and rounded to the step's own digits: 0.3, not 0.30000000000000004.
    digits = max(0, -math.floor(math.log10(step)))
    ticks = tuple(round(at * step, digits) for at in range(first, last + 1))
    return Scale(ticks, tuple(map(show, ticks)))


def _step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not smaller."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((times * power for times in (1, 2, 5) if times * power >= least * (1 - 1e-9)), 10 * power)


# --- a panel: one of many alike --------------------------------------------------------------------------------------


def panel(
    values: Sequence[Value],
    *,
    axis: Scale,
    show: Show,
    ends: tuple[str, str],
    key: str,
    title: str,
    description: str,
    letters: int,
    usual: Value = None,
    width: int = 260,
    height: int = 132,
) -> SafeString:
    """A small line whose last value stands out, with its number as `show` writes it. `usual` is drawn as a broken line
    across; `ends` name the first and the last place on the other axis; `key` is unique on the page; there is room for
    so many `letters` of the number: give as many to all panels that shall be alike."""
    area = _area(axis, width, height, right=min(letters * STRONG + 14, width * 0.4))
    parts = _grid(axis, area)
    if usual is not None:
        at = area.y(axis.share(usual))
        parts.append(_tag("line", class_="plot-usual", x1=area.left, x2=area.right, y1=at, y2=at))
    points = _points(values, axis, area)
    parts += _paths(points, "plot-line")
    parts += [_tag("circle", class_="plot-dot", cx=x, cy=y, r=DOT) for x, y in filter(None, points[:-1])]
    if points and points[-1]:
        x, y = points[-1]
        parts.append(_tag("circle", class_="plot-now", cx=x, cy=y, r=NOW))
        parts.append(_text(show(values[-1]), x + NOW + 5, y + 4.5, "plot-value", "start"))
    parts.append(_text(ends[0], area.left, height - 4, "plot-label", "start"))
    parts.append(_text(ends[1], area.right + NOW, height - 4, "plot-label", "end"))
    return _svg(parts, width, height, key=key, title=title, description=description)


# --- a chart: lines that share their axes ----------------------------------------------------------------------------


def chart(
    series: Sequence[Series],
    *,
    axis: Scale,
    show: Show,
    marks: Sequence[tuple[int, str]],
    key: str,
    title: str,
    description: str,
    letters: int,
    width: int,
    height: int,
) -> SafeString:
    """Lines with their names and last values beside their ends, where there is room for so many `letters`. `marks` name
    places on the other axis: (number of the value, words)."""
    area = _area(axis, width, height, right=min(letters * LETTER + 18, width * 0.45))
    count = max((len(one.values) for one in series), default=0)
    parts = _grid(axis, area)
    for at, words in marks:
        x = area.x(at, count)
        parts.append(_tag("line", class_="plot-mark", x1=x, x2=x, y1=area.bottom, y2=area.bottom + 4))
        parts.append(_text(words, x, height - 4, "plot-label", "middle" if x > len(words) * LETTER / 2 else "start"))
    for one in series:
        parts += _line(one, _points(one.values, axis, area, count))
    parts += _ends(series, axis, area, show)
    return _svg(parts, width, height, key=key, title=title, description=description)


def _line(one: Series, points: Sequence[Point]) -> list[str]:
    hue = f"plot-hue-{one.hue}"
    # The less certain part reaches to the first certain value.
    parts = _paths(points[: one.reckoned + 1], f"plot-reckoned {hue}") if one.reckoned else []
    parts += _paths(points[one.reckoned :], f"plot-line {hue}")
    for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False):
        if point and not before and not after:
            parts.append(_tag("circle", class_=f"plot-dot {hue}", cx=point[0], cy=point[1], r=DOT))
    return parts


def _ends(series: Sequence[Series], axis: Scale, area: _Area, show: Show) -> list[str]:
    """Names and last values, each led to from the end of its line."""
    ends = [(one, one.values[-1]) for one in series if one.values and one.values[-1] is not None]
    heights = [area.y(axis.share(last)) for _one, last in ends]
    parts = []
    for (one, last), y, words_at in zip(ends, heights, _apart(heights, area), strict=True):
        hue = f"plot-hue-{one.hue}"
        parts.append(_tag("circle", class_=f"plot-end {hue}", cx=area.right, cy=y, r=3))
        parts.append(_path([(area.right + 4, y), (area.right + 11, words_at)], f"plot-leader {hue}"))
        words = format_html('{} <tspan class="plot-strong">{}</tspan>', one.name, show(last))
        parts.append(_text(words, area.right + 14, words_at + 4, "plot-name", "start"))
    return parts


def _apart(heights: Sequence[float], area: _Area) -> list[float]:
    """Heights for texts, as near to these as they can be without standing in each other's way."""
    order = sorted(range(len(heights)), key=lambda at: heights[at])
    top, bottom = area.top, area.bottom
    gap = min(LINE, (bottom - top) / max(1, len(heights) - 1))
    placed = dict(enumerate(heights))
    lowest = top
    for at in order:
        placed[at] = lowest = max(placed[at], lowest)
        lowest += gap
    highest = bottom
    for at in reversed(order):
        placed[at] = highest = min(placed[at], highest)
        highest -= gap
    return [placed[at] for at in range(len(heights))]


# --- strokes ---------------------------------------------------------------------------------------------------------


def _area(axis: Scale, width: int, height: int, *, right: float) -> _Area:
    left = min(max(map(len, axis.labels)) * LETTER + 10, width * 0.4)
    return _Area(left=left, right=width - right, top=LINE, bottom=height - LINE - 9)


def _grid(axis: Scale, area: _Area) -> list[str]:
    parts = []
    for tick, label in zip(axis.ticks, axis.labels, strict=True):
        y = area.y(axis.share(tick))
        parts.append(
            _tag("line", class_="plot-grid" if tick else "plot-grid plot-zero", x1=area.left, x2=area.right, y1=y, y2=y)
        )
        parts.append(_text(label, area.left - 6, y + 4, "plot-label", "end"))
    return parts


def _points(values: Sequence[Value], axis: Scale, area: _Area, count: int = 0) -> list[Point]:
    count = count or len(values)
    return [
        None if value is None else (area.x(at, count), area.y(axis.share(value))) for at, value in enumerate(values)
    ]


def _paths(points: Sequence[Point], class_: str) -> list[str]:
    """A line for each run of values without a gap; one value alone makes none."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [_path(run, class_) for run in runs if len(run) > 1]


def _path(points: Sequence[tuple[float, float]], class_: str) -> str:
    return _tag("polyline", class_=class_, points=" ".join(f"{_number(x)},{_number(y)}" for x, y in points))


def _text(words: str, x: float, y: float, class_: str, anchor: str) -> str:
    place = f'x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}"'
    return f'<text class="{class_}" {place}>{conditional_escape(words)}</text>'


def _tag(name: str, **attributes: str | float) -> str:
    told = (
        f'{key.rstrip("_")}="{value if isinstance(value, str) else _number(value)}"'
        for key, value in attributes.items()
    )
    return f"<{name} {' '.join(told)}/>"


def _number(value: float) -> str:
    """A tenth of a pixel is enough."""
    return f"{value + 0:.1f}".removesuffix(".0")


def _svg(parts: Iterable[str], width: int, height: int, *, key: str, title: str, description: str) -> SafeString:
    head = (
        f'<svg class="plot" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' aria-labelledby="{escape(key)}-title" aria-describedby="{escape(key)}-words">'
        f'<title id="{escape(key)}-title">{escape(title)}</title>'
        f'<desc id="{escape(key)}-words">{escape(description)}</desc>'
    )
    return mark_safe(head + "".join(parts) + "</svg>")  # noqa: S308  # of texts that are escaped, and of numbers
