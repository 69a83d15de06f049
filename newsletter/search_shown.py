"""What a found item shows of itself: its title and a passage of its text, with the words that were asked for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from newsletter.search import Term
from newsletter.search_index import APART, readable
from newsletter.translation import stems
from picum.localising import plain

LENGTH, BEFORE = 45, 12  # words of a passage, and of those before the first that was asked for


@dataclass(frozen=True)
class Piece:
    """Some words as they stand in the item; `hit`: they were asked for."""

    words: str
    hit: bool = False


def pieces(words: str, language: str, terms: Collection[Term]) -> list[Piece]:
    """All the words, in pieces."""
    return _pieces(words, _hits(words, stems.tokens(words, language), terms), 0, len(words))


def passage(html: str, language: str, terms: Collection[Term]) -> list[Piece]:
    """Some words of a rich text around the first that was asked for, or its beginning."""
    words = " ".join(readable(html).replace(APART, " ").split())
    tokens = stems.tokens(words, language)
    hits = _hits(words, tokens, terms)
    begins = max(0, tokens.index(hits[0]) - BEFORE) if hits else 0
    if len(tokens) <= LENGTH or begins <= 2:  # nobody leaves out two words
        begins = 0
    start = tokens[begins].start if begins else 0
    end = tokens[begins + LENGTH].start if begins + LENGTH < len(tokens) else len(words)
    shown = _pieces(words, hits, start, start + len(words[start:end].rstrip()))
    return [Piece("… ")] * bool(start) + shown + [Piece(" …")] * (end < len(words))


def _pieces(words: str, hits: Iterable[stems.Token], at: int, end: int) -> list[Piece]:
    """The words from one place to another."""
    found: list[Piece] = []
    for token in hits:
        if at <= token.start and token.end <= end:
            found += [Piece(words[at : token.start])] if token.start > at else []
            found.append(Piece(words[token.start : token.end], hit=True))
            at = token.end
    return found + ([Piece(words[at:end])] if at < end else [])


def _hits(words: str, tokens: Iterable[stems.Token], terms: Collection[Term]) -> list[stems.Token]:
    wanted = {stem for term in terms if not term.without for stem in term.stems.split()} - {APART}
    halves = tuple(term.half.strip().rpartition(" ")[2] for term in terms if term.half)
    return [
        token
        for token in tokens
        if token.stem in wanted or (halves and plain(words[token.start : token.end]).startswith(halves))
    ]
