"""Where countries lie: two drawings, Europe and the world, ready for a template. No database, no language, no request.

Keys are those of django-countries (ISO 3166-1 alpha-2), and XK for Kosovo. The drawings are made by bin/build_map; what
they show of disputed areas is told in docs/map.md. A map has two layers of one size: the shapes in a drawing that grows
with the page, and above them the pins, placed in per cent but drawn in CSS pixels, so that from 280 CSS pixels of width
upwards they are as large as a finger needs (WCAG 2.5.8: 24 by 24), clear of one another, and legible.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from math import hypot
from pathlib import Path

from members.geography.spreading import spread

PIN = 24  # the diameter of a pin, CSS pixels
APART = 26  # from centre to centre
NARROW = (280, 330, 390, 480)  # widths of a map, CSS pixels: from a telephone of 320 less margins and frame …
WIDE = (480, 620, 820, 1100)  # … and from where the style sheet takes the other move

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shape:
    """A country as the data of an SVG path (fill rule: evenodd)."""

    code: str
    d: str


@dataclass(frozen=True, slots=True)
class View:
    """A drawing in its own units. Places are in the middle of what is seen of a country: who has none is not marked
    here, though a corner of it may be drawn."""

    key: str
    width: int
    height: int
    shapes: tuple[Shape, ...]
    places: dict[str, Place]

    @property
    def box(self) -> str:
        """The viewBox."""
        return f"0 0 {self.width} {self.height}"


@dataclass(frozen=True, slots=True)
class Move:
    """How far a pin is moved from its home to keep clear of others, in CSS pixels; `away` if its home is no longer
    under it and wants a line."""

    dx: str
    dy: str
    away: bool


@dataclass(frozen=True, slots=True)
class Pin:
    """The mark of a country. `left` and `top` are its home in per cent of the map; on a narrow map (below 480 CSS
    pixels) it must move farther than on a wide one. Numbers are text, lest a template write them with a comma."""

    code: str
    left: str
    top: str
    narrow: Move
    wide: Move


@dataclass(frozen=True, slots=True)
class Map:
    view: View
    pins: tuple[Pin, ...]


def maps(codes: Iterable[str]) -> list[Map]:
    """The maps that show these countries, their pins in the order given: Europe always; the world, if some lie beyond
    Europe's map, with pins for these only. A code that no map knows is left out."""
    codes = tuple(codes)
    europe, world = view("europe"), view("world")
    found = [Map(europe, pins(europe, codes)), Map(world, pins(world, beyond_europe(codes)))]
    return [drawn for drawn in found if drawn.pins or drawn.view is europe]


def beyond_europe(codes: Iterable[str]) -> list[str]:
    """Those that have no place on Europe's map."""
    places = view("europe").places
    return [code for code in codes if code not in places]


@cache
def view(key: str) -> View:
    """`europe` or `world`."""
    told = json.loads((Path(__file__).parent / f"{key}.json").read_text(encoding="utf-8"))
    shapes = tuple(Shape(code, d) for code, d in told["shapes"].items())
    places = {code: (x, y) for code, (x, y) in told["places"].items()}
    return View(key, told["width"], told["height"], shapes, places)


def pins(on: View, codes: Iterable[str]) -> tuple[Pin, ...]:
    """The pins of those countries that have a place on a map, in the order given, moved clear of one another."""
    known = [code for code in codes if code in on.places]
    placed = _placed(on.key, frozenset(known))
    return tuple(placed[code] for code in known)


@lru_cache(maxsize=512)
def _placed(key: str, codes: frozenset[str]) -> dict[str, Pin]:
    """A country's pin among those of others. Some 20 ms for 35 countries, once: filters ask for the same ones again."""
    on, order = view(key), sorted(codes)
    moves = zip(_moves(on, order, NARROW), _moves(on, order, WIDE), strict=True)
    return {code: _pin(on, code, narrow, wide) for code, (narrow, wide) in zip(order, moves, strict=True)}


def _moves(on: View, codes: list[str], widths: tuple[int, ...]) -> list[Move]:
    homes = [(on.places[code][0] / on.width, on.places[code][1] / on.width) for code in codes]
    moves = spread(homes, apart=APART, widths=widths, ratio=on.height / on.width)
    return [Move(f"{dx:.1f}", f"{dy:.1f}", away=hypot(dx, dy) > PIN / 2) for dx, dy in moves]


def _pin(on: View, code: str, narrow: Move, wide: Move) -> Pin:
    x, y = on.places[code]
    return Pin(code, f"{100 * x / on.width:.2f}%", f"{100 * y / on.height:.2f}%", narrow, wide)
