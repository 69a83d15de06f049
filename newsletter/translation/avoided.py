"""Words that we avoid, looked for once in each text: most of what a look at an issue would take, were it not kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from newsletter.kept import Kept, digest
from newsletter.models import Term
from newsletter.translation.glossary import Glossary


class Word(NamedTuple):
    """As it is said, and what to say instead, "" when the glossary does not know."""

    said: str
    better: str


@dataclass
class _Terms:
    """The glossary of one language; it is made ready only for a text that nobody has looked at."""

    rows: list[Term] = field(default_factory=list)

    @cached_property
    def digest(self) -> bytes:
        return digest([tuple(getattr(row, name) for name in _FIELDS) for row in self.rows])

    @cached_property
    def glossary(self) -> Glossary:
        return Glossary(self.rows)


_FIELDS = [column.attname for column in Term._meta.concrete_fields]
_kept: Kept[tuple[Word, ...]] = Kept(4096)  # nine issues of 60 items in seven languages


def number(words: Mapping[str, str], language: str) -> int:
    """How many different ones are in a text. One query."""
    return len(set(avoided_in([(words, language)])[0]))


def avoided_in(pairs: Iterable[tuple[Mapping[str, str], str]]) -> list[tuple[Word, ...]]:
    """For many texts, each its words and its language, what is to be avoided in each; quotations and titles of laws may
    say what we do not. One query for all of them."""
    pairs = list(pairs)
    terms = {language: _Terms() for _text, language in pairs}
    for term in Term.objects.filter(language__in=terms):
        terms[term.language].rows.append(term)
    return [_in(text, language, terms[language]) for text, language in pairs]


def _in(text: Mapping[str, str], language: str, terms: _Terms) -> tuple[Word, ...]:
    def look() -> tuple[Word, ...]:
        found = terms.glossary.avoided(text, language)
        return tuple(Word(one.words, one.better) for one in found if not one.is_quoted)

    return _kept.of(digest(language, terms.digest, sorted(text.items())), look)
