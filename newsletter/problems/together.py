"""What all editions have in common is said once."""

from collections.abc import Mapping
from dataclasses import replace

from newsletter.problems import outside
from newsletter.problems.problem import Kind, Place, Problem


def together(found: Mapping[str, list[Problem]]) -> tuple[list[Problem], dict[str, list[Problem]]]:
    """The problems that are the same in every language, each with the places of all, and what else each language has.
    A single language has nothing in common with others."""
    by_language = {code: {problem.same: problem for problem in problems} for code, problems in found.items()}
    if len(found) < 2:
        return [], dict(found)
    first, *others = by_language.values()
    shared = [same for same in first if all(same in other for other in others)]
    return (
        [_one([problems[same] for problems in by_language.values()]) for same in shared],
        {code: [problem for problem in problems if problem.same not in shared] for code, problems in found.items()},
    )


def _one(problems: list[Problem]) -> Problem:
    first = problems[0]
    # A source is the same in all languages; what somebody wrote in one of them is a place of its own.
    places = {_where(place): place for problem in reversed(problems) for place in reversed(problem.places)}
    places = tuple(reversed(places.values()))
    text = outside.words(first.counted, places) if first.counted else first.text
    return replace(first, text=text, places=places)


def _where(place: Place) -> tuple[object, ...]:
    return place.kind, place.item, place.note, place.url, place.language if place.kind == Kind.WORDS else ""
