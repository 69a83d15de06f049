"""What is measured, what must come out at least, what we aim at, and what came out."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


class Skipped(Exception):
    """This machine lacks something; the message says in one line what, and how to get it."""


@dataclass(frozen=True)
class Series:
    """One quantity, taken several times: the median counts, the rest shows how far to trust it."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def words(self, digits: int = 0) -> str:
        """ "4,012 (3,950–4,101)" """
        middle = f"{self.median:,.{digits}f}"
        if len(self.values) < 2:
            return middle
        return f"{middle} ({min(self.values):,.{digits}f}–{max(self.values):,.{digits}f})"


@dataclass(frozen=True)
class Result:
    """What a measure came to. `value` is what floor and aim are compared with; `shown` says it with its range;
    `notes` are the figures it was made of, for a person; `figures` the same for a machine."""

    value: float
    shown: str
    notes: Sequence[str] = ()
    figures: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """A row of the table. `floor` and `aim` are None where a figure is for information; `low`: less is better."""

    name: str
    title: str
    unit: str
    floor: float | None
    aim: float | None
    take: Callable[..., Result]
    low: bool = False

    def verdict(self, value: float) -> str:
        """ "aim", "floor", "missed", or "" where nothing is asked."""
        if self.floor is None or self.aim is None:
            return ""
        sign = -1 if self.low else 1
        if sign * value >= sign * self.aim:
            return "aim"
        return "floor" if sign * value >= sign * self.floor else "missed"
