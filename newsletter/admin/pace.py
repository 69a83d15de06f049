"""How quickly an issue goes out, or went out: mails a minute, language by language, beneath one another."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter import shifts
from newsletter.models import Edition
from newsletter.shifts import MINUTE
from picum import localising, plots

MOST = 60  # points of a plot: of a longer sending, one for several minutes
ALL = 0  # the key of all languages together

Minutes = Mapping[datetime.datetime, float]


@dataclass(frozen=True)
class Panel:
    name: str
    svg: SafeString


@dataclass(frozen=True)
class Pace:
    """`lines` of the table with the same numbers, the newest first: a moment and a number for each of `header`."""

    panels: Sequence[Panel]
    header: Sequence[str]
    lines: Sequence[tuple[str, Sequence[str]]]


def of(editions: Sequence[Edition], *, now: datetime.datetime) -> Pace | None:
    """None while there is less than two minutes to be seen, or when nobody remembers. One statement."""
    found = shifts.by_minute([edition.pk for edition in editions])
    going = any(edition.state == Edition.State.SENDING for edition in editions)
    minutes = _range(found, until=now if going else None)
    if len(minutes) < 2:
        return None
    width = math.ceil(len(minutes) / MOST)
    starts = minutes[::width]
    names = {ALL: _("All languages")} | {one.pk: _name(one) for one in editions if one.pk in found}
    summed = {minute: sum(some.get(minute, 0) for some in found.values()) for minute in minutes}
    rows = {key: _values({ALL: summed, **found}[key], minutes, width) for key in names}
    values = {key: some for key, some in rows.items() if any(value is not None for value in some)}
    names = {key: names[key] for key in values}
    return Pace(
        panels=_panels(names, values, starts),
        header=list(names.values()),
        lines=[
            (_clock(start), ["–" if values[key][at] is None else _number(values[key][at]) for key in names])
            for at, start in reversed(list(enumerate(starts)))
        ],
    )


def _range(found: Mapping[int, Minutes], *, until: datetime.datetime | None) -> list[datetime.datetime]:
    """Every minute from the first to the last; while something goes out not the one that still lasts, which would look
    like a slowing down."""
    touched = [minute for some in found.values() for minute in some if until is None or minute + MINUTE <= until]
    if not touched:
        return []
    first, last = min(touched), max(touched)
    return [first + at * MINUTE for at in range(round((last - first) / MINUTE) + 1)]


def _values(some: Minutes, minutes: Sequence[datetime.datetime], width: int) -> list[float | None]:
    """Mails a minute; None before the first and after the last minute of a language."""
    begins, ends = min(some), max(some)
    found = []
    for at in range(0, len(minutes), width):
        chunk = minutes[at : at + width]
        inside = begins <= chunk[-1] and chunk[0] <= ends
        found.append(sum(some.get(minute, 0) for minute in chunk) / len(chunk) if inside else None)
    return found


def _panels(
    names: Mapping[int, str], values: Mapping[int, Sequence[float | None]], starts: Sequence[datetime.datetime]
) -> list[Panel]:
    axis = plots.scale((value for some in values.values() for value in some), show=_number, whole=True, steps=3)
    letters = max(len(_number(max(filter(None, some), default=0))) for some in values.values())
    ends = (_clock(starts[0]), _clock(starts[-1]))
    return [
        Panel(
            names[key],
            plots.panel(
                some,
                axis=axis,
                show=_number,
                ends=ends,
                key=f"pace-{key}",
                title=_("%s: mails a minute") % names[key],
                description=_("From %(first)s to %(last)s; at most %(most)s a minute.")
                % {"first": ends[0], "last": ends[1], "most": _number(max(filter(None, some), default=0))},
                letters=letters,
            ),
        )
        for key, some in values.items()
    ]


def _name(edition: Edition) -> str:
    return capfirst(localising.language_name(edition.language, get_language() or "en"))


def _clock(moment: datetime.datetime) -> str:
    return f"{timezone.localtime(moment):%H:%M}"


def _number(value: float) -> str:
    return localising.number(round(value), get_language() or "en")
