"""From numbers to pictures: whatever the numbers, well-formed, within their frame, with round ticks."""

import math
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picum import plots

SVG = "{http://www.w3.org/2000/svg}"
numbers = st.one_of(
    st.floats(min_value=0, max_value=1e18), st.integers(0, 10**12), st.sampled_from([0, 1, 0.1, 100, 1e-9, 1e300])
)
values = st.lists(st.none() | numbers, max_size=30)
words = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=40)


def show(value: float) -> str:
    return f"{value:g}"


def parsed(svg: str) -> ElementTree.Element:
    # In HTML the namespace goes without saying.
    return ElementTree.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314


def assert_sound(svg: str, *, title: str, description: str) -> ElementTree.Element:
    """Well-formed, everything within the frame, told to a screen reader."""
    root = parsed(svg)
    width, height = (float(number) for number in root.get("viewBox").split()[2:])
    for element in root.iter():
        horizontal = [element.get(name) for name in ("x", "x1", "x2", "cx")]
        vertical = [element.get(name) for name in ("y", "y1", "y2", "cy")]
        points = [point.split(",") for point in element.get("points", "").split()]
        across = [float(x) for x in [*horizontal, *(x for x, _y in points)] if x]
        down = [float(y) for y in [*vertical, *(y for _x, y in points)] if y]
        assert all(0 <= x <= width for x in across)
        assert all(0 <= y <= height for y in down)
    names = root.get("aria-labelledby"), root.get("aria-describedby")
    told = {element.get("id"): element.text or "" for element in root.iter() if element.get("id")}
    assert root.get("role") == "img"
    assert [told[name] for name in names] == [title, description]
    return root


@settings(max_examples=40, deadline=None)
@given(values, words, st.booleans(), st.integers(0, 12))
def test_a_panel_is_sound_whatever_it_shows(series, title, from_zero, letters):
    axis = plots.scale(series, show=show, from_zero=from_zero)
    known = [value for value in series if value is not None]
    svg = plots.panel(
        series, axis=axis, show=show, ends=("a<b", "z&"), key="k", title=title, description="d",
        letters=letters, usual=known[0] if known else None,
    )  # fmt: skip
    root = assert_sound(svg, title=title, description="d")
    circles = root.findall(f"{SVG}circle")
    assert len(circles) == len(known)
    marked = [circle for circle in circles if circle.get("class") == "plot-now"]
    assert len(marked) == (bool(series) and series[-1] is not None)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(words, values, st.integers(0, 30)), max_size=9), st.integers(0, 60), st.integers(200, 900))
def test_a_chart_is_sound_whatever_it_shows(lines, letters, width):
    series = [plots.Series(name, some, hue, reckoned) for hue, (name, some, reckoned) in enumerate(lines)]
    axis = plots.scale((value for _name, some, _at in lines for value in some), show=show, whole=True)
    marks = [(at, "May <2026>") for at in range(0, max((len(some) for _n, some, _a in lines), default=0), 3)]
    svg = plots.chart(
        series, axis=axis, show=show, marks=marks, key="k", title="t", description="d & e",
        letters=letters, width=width, height=300,
    )  # fmt: skip
    root = assert_sound(svg, title="t", description="d & e")
    named = [text for text in root.findall(f"{SVG}text") if text.get("class") == "plot-name"]
    assert len(named) == sum(bool(some) and some[-1] is not None for _name, some, _at in lines)
    heights = sorted(float(text.get("y")) for text in named)
    assert all(second - first >= plots.LINE - 0.11 for first, second in pairwise(heights))


@settings(max_examples=50, deadline=None)
@given(st.lists(numbers, max_size=20), st.booleans(), st.booleans(), st.integers(2, 6))
def test_ticks_are_round_and_hold_every_value(some, from_zero, whole, steps):
    axis = plots.scale(some, show=show, from_zero=from_zero, whole=whole, steps=steps)
    low, high = axis.ticks[0], axis.ticks[-1]
    slack = 1e-9 * high
    assert 2 <= len(axis.ticks) <= 2 * steps + 3
    assert all(low - slack <= value <= high + slack for value in some)
    assert low == 0 or not from_zero
    step = (high - low) / (len(axis.ticks) - 1)
    digit = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert min(abs(digit - nice) for nice in (1, 2, 5, 10)) < 1e-6
    assert not whole or all(tick == round(tick) for tick in axis.ticks)
    assert all(0 <= axis.share(value) <= 1 for value in some)


@pytest.mark.parametrize(
    ("some", "options", "ticks"),
    [
        ([0.1, 0.33], {}, (0, 0.1, 0.2, 0.3, 0.4)),
        ([97.2, 99.4], {"from_zero": False}, (97, 98, 99, 100)),
        ([1440, 200], {}, (0, 500, 1000, 1500)),
        ([3], {"whole": True}, (0, 1, 2, 3)),
        ([5, 5], {"from_zero": False}, (4, 6)),
        ([100, 100], {"from_zero": False}, (50, 100)),
        ([0, 0], {}, (0, 0.5)),
        ([], {"whole": True}, (0, 1)),
    ],
)
def test_ticks_are_those_that_people_would_choose(some, options, ticks):
    assert plots.scale(some, show=show, **options).ticks == ticks


def test_a_gap_breaks_the_line_and_one_value_alone_is_a_point():
    axis = plots.scale([4], show=show)
    options = {"axis": axis, "show": show, "key": "k", "title": "t", "description": "d", "letters": 3}
    root = parsed(plots.panel([1, 2, None, 3, None, 4, 4], ends=("a", "b"), **options))
    lines = [line for line in root.findall(f"{SVG}polyline") if line.get("class") == "plot-line"]
    assert [len(line.get("points").split()) for line in lines] == [2, 2]
    series = [plots.Series("English", [1, 2, None, 3, None, 4, 4], hue=1, reckoned=1)]
    root = parsed(plots.chart(series, marks=[], width=300, height=200, **options))
    drawn = [(part.get("class"), len(part.get("points").split())) for part in root.findall(f"{SVG}polyline")]
    assert drawn == [
        ("plot-reckoned plot-hue-1", 2),
        ("plot-line plot-hue-1", 2),
        ("plot-leader plot-hue-1", 2),
    ]
    assert [part.get("class") for part in root.findall(f"{SVG}circle")] == [
        "plot-dot plot-hue-1",
        "plot-end plot-hue-1",
    ]


def test_words_are_escaped():
    axis = plots.scale([1], show=lambda value: "<i>")
    words = {"ends": ("<", '"'), "key": 'k"', "title": "<t>", "description": "<d>"}
    svg = plots.panel([1], axis=axis, show=lambda value: "<b>&", letters=1, **words)
    assert "<i>" not in svg
    assert "<b>" not in svg
    assert "&lt;b&gt;&amp;" in svg
    parsed(svg)
