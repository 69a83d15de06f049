"""The pins of the map: large enough for a finger, apart on every width of a page, each tied to its country."""

from itertools import combinations
from math import dist, hypot

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from members import geography
from members.geography import Pin, View

EUROPE, WORLD = geography.view("europe"), geography.view("world")
EVERYWHERE = sorted(EUROPE.places)
BEYOND = geography.beyond_europe(sorted(WORLD.places))
WIDTHS = (280, 288, 300, 320, 360, 420, 479.9, 480, 560, 700, 900, 1100)  # of a map, CSS pixels
ISLANDS = "AG AI BB BL DM GD GP KN LC MF MQ MS SX TT VC VG".split()  # noqa: SIM905


def centre(pin: Pin, view: View, width: float) -> tuple[float, float]:
    """Where a pin is drawn on a map so wide, in CSS pixels."""
    move, height = (pin.narrow if width < 480 else pin.wide), width * view.height / view.width
    left, top = (float(share.removesuffix("%")) / 100 for share in (pin.left, pin.top))
    return left * width + float(move.dx), top * height + float(move.dy)


def assert_clear(view: View, pins: tuple[Pin, ...]) -> None:
    """At every width, each pin is a target of 24 CSS pixels by itself (WCAG 2.5.8), whole and on the map."""
    for width in WIDTHS:
        centres = {pin.code: centre(pin, view, width) for pin in pins}
        for one, other in combinations(centres, 2):
            assert dist(centres[one], centres[other]) >= 24, (width, one, other)
        for code, (x, y) in centres.items():
            assert 12 <= x <= width - 12, (width, code)
            assert 12 <= y <= width * view.height / view.width - 12, (width, code)


def test_pins_for_all_of_europe_at_once_are_clear_of_one_another():
    pins = geography.pins(EUROPE, EVERYWHERE)
    assert [pin.code for pin in pins] == EVERYWHERE
    assert_clear(EUROPE, pins)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sets(st.sampled_from(EVERYWHERE), min_size=20, max_size=45))
def test_pins_for_any_of_europe_are_clear_of_one_another(codes):
    assert_clear(EUROPE, geography.pins(EUROPE, codes))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.sets(st.sampled_from(BEYOND), min_size=8, max_size=25))
def test_pins_for_any_25_countries_beyond_europe_are_clear_of_one_another(codes):
    assert_clear(WORLD, geography.pins(WORLD, codes))


def test_pins_for_the_small_islands_of_the_caribbean_are_clear_of_one_another():
    assert_clear(WORLD, geography.pins(WORLD, ISLANDS))


def test_a_pin_with_no_neighbour_stays_at_home_and_one_that_had_to_go_far_wants_a_line():
    [alone] = geography.pins(EUROPE, ["AT"])
    assert (alone.narrow, alone.wide) == (geography.Move("0.0", "0.0", False), geography.Move("0.0", "0.0", False))
    pins = geography.pins(EUROPE, EVERYWHERE)
    moves = [move for pin in pins for move in (pin.narrow, pin.wide)]
    assert [move.away for move in moves] == [hypot(float(move.dx), float(move.dy)) > 12 for move in moves]
    assert sum(pin.wide.away for pin in pins) < 6 < sum(pin.narrow.away for pin in pins)


def test_the_same_countries_have_their_pins_at_the_same_places_whatever_the_order():
    there = geography.pins(EUROPE, ["NL", "BE", "LU"])
    back = geography.pins(EUROPE, ["LU", "BE", "NL"])
    assert there == back[::-1]


def test_the_world_is_shown_only_for_those_who_are_beyond_europe():
    [europe] = geography.maps(["BE", "XK", "MA"])
    assert (europe.view, [pin.code for pin in europe.pins]) == (EUROPE, ["BE", "XK", "MA"])
    europe, world = geography.maps(iter(["SN", "BE", "US"]))
    assert (europe.view, [pin.code for pin in europe.pins]) == (EUROPE, ["BE"])
    assert (world.view, [pin.code for pin in world.pins]) == (WORLD, ["SN", "US"])


@pytest.mark.parametrize("codes", [[], ["ZZ", ""]])
def test_without_a_country_that_the_maps_know_there_is_europe_without_a_pin(codes):
    assert geography.maps(codes) == [geography.Map(EUROPE, ())]
