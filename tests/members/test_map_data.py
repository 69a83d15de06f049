"""The maps shipped with the project: every country in its place, nothing smeared, and small."""

import gzip
import re
from itertools import pairwise
from math import asin, cos, dist, pi, radians, sin, sqrt
from pathlib import Path

import pytest
from django_countries import countries

from members import geography
from members.geography import View

EUROPE, WORLD = geography.view("europe"), geography.view("world")
VIEWS = pytest.mark.parametrize("view", [EUROPE, WORLD], ids=["europe", "world"])
FILES = [Path(geography.__file__).parent / f"{view.key}.json" for view in (EUROPE, WORLD)]
EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
NEAR = "AD AL AM AZ BA BY CH GB GE IS LI MC MD ME MK NO RS RU SM TR UA VA XK".split()  # noqa: SIM905
SEA = "FO GG GI IM JE AX MA DZ TN LB SY".split()  # noqa: SIM905

Point = tuple[float, float]
Ring = list[Point]


def rings(d: str) -> list[Ring]:
    """The rings of a path of M, l and z, and nothing else."""
    found = []
    for x, y, steps in re.findall(r"M(-?\d+) (-?\d+)l([-\d ]+)z", d):
        numbers = [int(number) for number in re.findall(r"-?\d+", steps)]
        ring = [(int(x), int(y))]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            ring.append((ring[-1][0] + dx, ring[-1][1] + dy))
        found.append(ring)
    return found


def holds(d: str, point: Point) -> bool:
    """Whether a point is within a path, by the rule evenodd."""
    x, y, crossed = *point, 0
    for ring in rings(d):
        for (x1, y1), (x2, y2) in pairwise([*ring, ring[0]]):
            crossed += (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    return bool(crossed % 2)


def in_europe(longitude: float, latitude: float) -> Point:
    """Lambert's azimuthal equal-area projection around 52 N 13 E; the frame is that of bin/build_map."""
    east, north, middle = radians(longitude - 13), radians(latitude), radians(52)
    k = 6371 * sqrt(2 / (1 + sin(middle) * sin(north) + cos(middle) * cos(north) * cos(east)))
    x = k * cos(north) * sin(east)
    y = k * (cos(middle) * sin(north) - sin(middle) * cos(north) * cos(east))
    return (x + 1960) * 2000 / 5080, (2260 - y) * 2000 / 5080


def in_the_world(longitude: float, latitude: float) -> Point:
    """Equal Earth, cut open at 169.5 W; the top is 84 N."""
    a, b, c, d = 1.340264, -0.081106, 0.000893, 0.003796
    t, top = (asin(sqrt(3) / 2 * sin(radians(north))) for north in (latitude, 84))
    x = radians(longitude - 10.5) * cos(t) / (9 * d * t**8 + 7 * c * t**6 + 3 * b * t**2 + a)
    y, highest = (d * v**9 + c * v**7 + b * v**3 + a * v for v in (t, top))
    edge = 2 * sqrt(3) * pi / (3 * a)
    return 1000 + 1000 / edge * 2 / sqrt(3) * x, (highest - y) * 1000 / edge


def owners(view: View, point: Point) -> list[str]:
    return [shape.code for shape in view.shapes if holds(shape.d, point)]


# --- the drawings ----------------------------------------------------------------------------------------------------


def test_every_country_has_a_place_and_a_shape_in_the_world():
    codes = {code for code, _name in countries} | {"XK"}
    assert WORLD.places.keys() == codes
    assert {shape.code for shape in WORLD.shapes} == codes - {"AQ"}


def test_europe_has_a_place_for_all_its_countries_and_the_neighbours():
    assert EUROPE.places.keys() == {*EU, *NEAR, *SEA}
    assert {shape.code for shape in EUROPE.shapes} > EUROPE.places.keys()


@VIEWS
def test_no_country_is_drawn_twice_and_every_path_is_of_whole_numbers_within_the_frame(view):
    codes = [shape.code for shape in view.shapes]
    assert len(codes) == len(set(codes))
    for shape in view.shapes:
        assert re.fullmatch(r"(M\d+ \d+l-?\d+([ -]\d+)*z)+", shape.d), shape.code
        for x, y in (corner for ring in rings(shape.d) for corner in ring):
            # A dot on an island at the edge may reach over it.
            assert -5 <= x <= view.width + 5, shape.code
            assert -5 <= y <= view.height + 5, shape.code


@VIEWS
def test_the_place_of_a_country_is_within_its_shape(view):
    shapes = {shape.code: shape.d for shape in view.shapes}
    astray = [code for code, (x, y) in view.places.items() if not holds(shapes.get(code, ""), (x + 0.01, y + 0.01))]
    assert astray == (["AQ"] if view is WORLD else [])


@VIEWS
def test_nothing_smears_across_the_map(view):
    def at_an_edge(one: Point, other: Point) -> bool:
        return one[0] == other[0] in (0, view.width) or one[1] == other[1] in (0, view.height)

    for shape in view.shapes:
        for ring in rings(shape.d):
            steps = [step for step in pairwise([*ring, ring[0]]) if not at_an_edge(*step)]
            assert max(dist(*step) for step in steps) < view.width / 12, shape.code


def test_far_russia_and_the_fiji_islands_lie_in_the_east():
    assert owners(WORLD, in_the_world(360 - 175, 66.5)) == ["RU"]  # Chukotka, beyond the date line
    for code, least in (("RU", 700), ("FJ", 1850), ("WS", 1850), ("TO", 1850)):
        [d] = [shape.d for shape in WORLD.shapes if shape.code == code]
        assert min(x for ring in rings(d) for x, _y in ring) > least


@pytest.mark.parametrize(
    ("place", "longitude", "latitude", "code"),
    [
        ("Simferopol", 34.1, 44.95, "UA"),
        ("Sevastopol", 33.75, 44.6, "UA"),
        ("Kerch", 36.2, 45.25, "UA"),
        ("Donetsk", 37.8, 48, "UA"),
        ("Krasnodar", 39, 45, "RU"),
        ("Kaliningrad", 21.3, 54.7, "RU"),
        ("Kyrenia's hills", 33.35, 35.25, "CY"),
        ("Limassol's hills", 33, 34.9, "CY"),
        ("Pristina", 21.1, 42.6, "XK"),
        ("Belgrade", 20.5, 44.7, "RS"),
        ("Tiraspol's fields", 29.3, 47.1, "MD"),
        ("Sukhumi's hills", 41.2, 43, "GE"),
        ("Tskhinvali", 44, 42.3, "GE"),
        ("Stepanakert", 46.75, 39.8, "AZ"),
        ("Quneitra", 35.82, 33.12, "SY"),
        ("Palermo's hills", 13.4, 37.9, "IT"),
        ("Belfast's hinterland", -6.5, 54.6, "GB"),
    ],
)
def test_disputed_areas_lie_where_we_decided(place, longitude, latitude, code):
    assert owners(EUROPE, in_europe(longitude, latitude)) == [code]


@pytest.mark.parametrize(
    ("place", "longitude", "latitude", "code"),
    [
        ("Crimea", 34.1, 45.2, "UA"),
        ("Dakhla's desert", -14.5, 23.5, "EH"),
        ("Laayoune's desert", -12.5, 26.7, "EH"),
        ("Marrakesh", -8, 31.6, "MA"),
        ("Hargeisa", 44.5, 9.5, "SO"),
        ("Taiwan", 121, 23.8, "TW"),
        ("Cayenne's forest", -53, 4, "GF"),
        ("Paris", 2.3, 48.8, "FR"),
        ("Alaska", -150, 65, "US"),
    ],
)
def test_disputed_and_faraway_areas_lie_where_we_decided_in_the_world(place, longitude, latitude, code):
    assert owners(WORLD, in_the_world(longitude, latitude)) == [code]


def test_the_data_stay_small():
    texts = [path.read_bytes() for path in FILES]
    assert sum(map(len, texts)) < 80_000
    assert [len(gzip.compress(text, mtime=0)) < 15_000 for text in texts] == [True, True]
