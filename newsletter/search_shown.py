"""What a found item shows of itself: its title and a passage of its text, with the words that were asked for."""

from collections.abc import Collection
from dataclasses import dataclass

from newsletter.search import Term
from newsletter.search_index import APART, folded, readable
from newsletter.translation import stems

LENGTH, BEFORE = 45, 12  # words of a passage, and of those before the first that was asked for


@dataclass(frozen=True)
class Piece:
    """Some words as they stand in the item; `hit`: they were asked for."""

    words: str
    hit: bool = False


def pieces(words: str, language: str, terms: Collection[Term]) -> list[Piece]:
    """All the words, in pieces."""
    found: list[Piece] = []
    at = 0
    for token in _hits(words, language, terms):
        found += [Piece(words[at : token.start])] if token.start > at else []
        found.append(Piece(words[token.start : token.end], hit=True))
        at = token.end
    return found + ([Piece(words[at:])] if at < len(words) else [])


def passage(html: str, language: str, terms: Collection[Term]) -> list[Piece]:
    """Some words of a rich text around the first that was asked for, or its beginning."""
    words = " ".join(readable(html).replace(APART, " ").split())
    tokens = stems.tokens(words, language)
    first = next(iter(_hits(words, language, terms)), None)
    begins = max(0, next((at for at, one in enumerate(tokens) if one == first), 0) - BEFORE)
    if len(tokens) <= LENGTH or begins <= 2:  # nobody leaves out two words
        begins = 0
    start = tokens[begins].start if begins else 0
    end = tokens[begins + LENGTH].start if begins + LENGTH < len(tokens) else len(words)
    shown = ("… " if start else "") + words[start:end].strip() + (" …" if end < len(words) else "")
    return pieces(shown, language, terms)


def _hits(words: str, language: str, terms: Collection[Term]) -> list[stems.Token]:
    wanted = {stem for term in terms if not term.without for stem in term.stems.split()} - {APART}
    halves = tuple(term.half.strip().rpartition(" ")[2] for term in terms if term.half)
    return [
        token
        for token in stems.tokens(words, language)
        if token.stem in wanted or (halves and folded(words[token.start : token.end]).strip().startswith(halves))
    ]
