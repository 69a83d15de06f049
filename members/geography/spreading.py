"""Marks that would cover one another are moved apart: from places to moves, nothing else. No map, no markup.

A mark keeps its size in CSS pixels whatever the width of the map, so that a finger can hit it and its number can be
read on a telephone. Hence a move is in CSS pixels too, and must do at every width: what is apart on the narrowest map
must not meet on a wider one, where the places lie farther from one another and the moves stay.
"""

from collections.abc import Sequence
from itertools import combinations
from math import dist, sqrt

Point = tuple[float, float]
Pair = tuple[
    int, int, float, float
]  # two marks, and how far the one's home is from the other's, on a map of some width

ROUNDS, LOOKS = 150, 10  # of moving, at most; and after how many it is looked again who is near whom
REACH = 6  # times the distance: whose homes are farther from one another never meet


def spread(homes: Sequence[Point], *, apart: float, widths: Sequence[int], ratio: float) -> list[Point]:
    """How far each mark moves from its home, in CSS pixels. `homes` are shares of a map's width, `ratio` is its height
    by its width, `widths` are those of the page where nothing may meet, the narrowest first. The centres come to lie
    `apart` from one another and half of it from the edge, as near to home as can be found. With more marks than the
    narrowest map has room for, some still meet."""
    narrowest, edge = widths[0], apart / 2
    right, bottom = narrowest - edge, narrowest * ratio - edge
    moves = [[0.0, 0.0] for _home in homes]
    pairs = _pairs(homes, widths, apart * REACH)
    near: list[Pair] = []
    for turn in range(ROUNDS):
        if turn % LOOKS == 0:
            near = [pair for pair in pairs if _distance(pair, moves) < 2 * apart]
        homesick = 0.12 * max(0.0, 1 - turn / (ROUNDS * 0.7))  # in the end only what is in the way counts
        for (across, down), move in zip(homes, moves, strict=True):
            x, y = across * narrowest, down * narrowest
            move[0] = min(max(x + move[0] * (1 - homesick), edge), right) - x
            move[1] = min(max(y + move[1] * (1 - homesick), edge), bottom) - y
        if not _part(moves, near, apart) and not homesick:
            break
    return [(x, y) for x, y in moves]


def _pairs(homes: Sequence[Point], widths: Sequence[int], reach: float) -> list[Pair]:
    return [
        (one, other, (homes[other][0] - homes[one][0]) * width, (homes[other][1] - homes[one][1]) * width)
        for one, other in combinations(range(len(homes)), 2)
        for width in widths
        if dist(homes[one], homes[other]) * width < reach
    ]


def _distance(pair: Pair, moves: list[list[float]]) -> float:
    one, other, across, down = pair
    return dist(moves[one], (across + moves[other][0], down + moves[other][1]))


def _part(moves: list[list[float]], pairs: list[Pair], apart: float) -> bool:
    """Moves all that are too close away from each other, each by half; tells if there were any."""
    met = False
    for one, other, across, down in pairs:
        first, second = moves[one], moves[other]
        x, y = across + second[0] - first[0], down + second[1] - first[1]
        square = x * x + y * y
        if square < apart * apart:
            met = True
            distance = sqrt(square)
            x, y = (x / distance, y / distance) if distance else (1.0, 0.0)
            push = (apart - distance) / 2
            first[0] -= x * push
            first[1] -= y * push
            second[0] += x * push
            second[1] += y * push
    return met
