"""An original that says again what it said before: whose translations were made of just these words is right again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import QuerySet

from newsletter.models import Text
from newsletter.translation import changes

# What says a revision of the original: the words of a translation, what is being typed, a machine's draft.
SAYING = ("source_number", "working_source", "machine_source")


@dataclass
class _Run:
    """Revisions that follow each other and mean the same: a minor change means what it was made of."""

    numbers: list[int] = field(default_factory=list)
    meanings: list[list] = field(default_factory=list)


def before(text: Text, words: Mapping[str, str], *, below: int) -> list[int]:
    """The revisions below a significant one that mean what these words do. One query, or none below the second."""
    if below < 2:
        return []
    now = changes.meaning(words, text.language)
    rows = text.revisions.filter(number__lt=below).order_by("number").values_list("number", "minor", "words")
    return [number for run in _runs(rows, text.language) if now in run.meanings for number in run.numbers]


def say_now(translations: QuerySet[Text], numbers: Iterable[int], now: int) -> int:
    """What said one of these revisions of the original says the present one. Returns how many finished ones did."""
    updated = [translations.filter(**{f"{name}__in": numbers}).update(**{name: now}) for name in SAYING]
    return updated[0]


def _runs(rows: Iterable[tuple[int, bool, Mapping[str, str]]], language: str) -> list[_Run]:
    runs: list[_Run] = []
    for number, minor, words in rows:
        meaning = changes.meaning(words, language)
        if not runs or not (minor or meaning == runs[-1].meanings[-1]):
            runs.append(_Run())
        runs[-1].numbers.append(number)
        runs[-1].meanings.append(meaning)
    return runs
