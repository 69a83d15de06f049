"""The words of the house, looked for in a text: what to offer to translators, and what better not to say.

Words are compared by their stems, phrases word by word, the longest first. What is found warns and never blocks.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from newsletter.models import Term
from newsletter.translation import segments, stems
from newsletter.translation.stems import Token
from picum.localising import plain

Kind = Term.Kind
# Words of others: whatever stands between quotation marks of any of the seven languages. An apostrophe closes none.
_QUOTED = re.compile(
    r"«[^»]*»|»[^«]*«|„[^“”]*[“”]|“[^”]*”|‚[^‘]*‘|(?<!\w)‘(?:[^’]|’(?=\w))*’|(?<!\w)\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)"
)


@dataclass(frozen=True)
class Hit:
    """A term of the glossary in a source: `sentence[start:end]` are its `words`, and `offered` what the house says for
    it in the other language, the preferred first."""

    words: str
    field: str
    sentence: str
    start: int
    end: int
    concept: str
    offered: list[str]
    why: str


@dataclass(frozen=True)
class Found:
    """A word to be avoided; `is_quoted`: in a quotation, or in what looks like the title of a law, where it may be
    right. `better` is what to say instead, "" when the glossary does not know."""

    term: Term
    words: str
    field: str
    sentence: str
    start: int
    end: int
    is_quoted: bool
    better: str


class Glossary:
    """The terms of some languages, ready to be looked for. Made by one query (`read`), for as many texts as wanted."""

    def __init__(self, terms: Iterable[Term]):
        # By language and the stem with which they begin.
        self._phrases: dict[tuple[str, str], list[_Phrase]] = defaultdict(list)
        self._of_concept: dict[tuple[str, str], list[Term]] = defaultdict(list)
        for term in terms:
            if phrase := _phrase(term):
                self._phrases[term.language, phrase.stems[0]].append(phrase)
            if term.concept and term.kind != Kind.AVOID:
                self._of_concept[term.language, term.concept].append(term)

    @classmethod
    def read(cls, languages: Iterable[str]) -> "Glossary":
        return cls(Term.objects.filter(language__in=set(languages)))

    def offered(self, concept: str, language: str) -> list[str]:
        """What the house says for a concept in a language, the preferred words first."""
        terms = sorted(self._of_concept.get((language, concept), ()), key=lambda term: term.kind != Kind.PREFERRED)
        return [term.words for term in terms]

    def marked(self, source_words: Mapping[str, str], source_language: str, language: str) -> list[Hit]:
        """The terms in a source that the house knows how to say in the other language."""
        hits = []
        for name, _block, _at, sentence in _sentences(source_words, source_language):
            for term, start, end in self._found(sentence, source_language):
                if offered := self.offered(term.concept, language):
                    words = sentence[start:end]
                    hits.append(Hit(words, name, sentence, start, end, term.concept, offered, term.why))
        return hits

    def avoided(self, words: Mapping[str, str], language: str) -> list[Found]:
        """The words to be avoided, in their order."""
        hits = []
        for name, block, at, sentence in _sentences(words, language):
            for term, start, end in self._found(sentence, language):
                if term.kind == Kind.AVOID:
                    said = sentence[start:end]
                    quoted = _is_quoted(block, at + start, at + end) or _is_title(said, start, language)
                    hits.append(Found(term, said, name, sentence, start, end, quoted, self._better(term)))
        return hits

    def _better(self, term: Term) -> str:
        return term.instead or ", ".join(
            one.words
            for one in self._of_concept.get((term.language, term.concept), ())
            if term.concept and one.kind == Kind.PREFERRED
        )

    def _found(self, sentence: str, language: str) -> list[tuple[Term, int, int]]:
        """Terms and where they stand, in their order. Of two that overlap the longer one counts, so that an allowed
        “Illegal Migration Act” is not blamed for the words in it."""
        tokens = stems.tokens(sentence, language)
        found = [
            (-len(phrase.stems), -phrase.likeness(sentence, tokens, at), at, phrase)
            for at, token in enumerate(tokens)
            for phrase in self._phrases.get((language, token.stem), ())
            if phrase.stands(sentence, tokens, at)
        ]
        taken: set[int] = set()
        chosen = []
        for _length, _likeness, at, phrase in sorted(found, key=lambda one: one[:3]):
            places = range(at, at + len(phrase.stems))
            if taken.isdisjoint(places):
                taken.update(places)
                chosen.append((phrase.term, tokens[places[0]].start, tokens[places[-1]].end))
        return sorted(chosen, key=lambda one: one[1])


def marked(source_words: Mapping[str, str], source_language: str, language: str) -> list[Hit]:
    """See `Glossary.marked`. One query."""
    return Glossary.read([source_language, language]).marked(source_words, source_language, language)


def avoided(words: Mapping[str, str], language: str) -> list[Found]:
    """See `Glossary.avoided`. One query."""
    return Glossary.read([language]).avoided(words, language)


# --- one term -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Phrase:
    term: Term
    stems: tuple[str, ...]
    letters: tuple[str, ...]  # its words as written, without accents and capitals
    is_noun: bool  # German, with a capital

    def stands(self, sentence: str, tokens: list[Token], at: int) -> bool:
        there = tokens[at : at + len(self.stems)]
        if tuple(token.stem for token in there) != self.stems:
            return False
        if self.term.exact and _letters(sentence, there) != self.letters:
            return False
        return not self.is_noun or _is_noun(sentence, tokens, at, len(self.stems))

    def likeness(self, sentence: str, tokens: list[Token], at: int) -> float:
        """Of terms with the same stems ("immigré illégal", "immigration illégale") the one is meant that is most like
        what is said."""
        said = " ".join(_letters(sentence, tokens[at : at + len(self.stems)]))
        return SequenceMatcher(None, " ".join(self.letters), said).ratio()


def _letters(words: str, tokens: list[Token]) -> tuple[str, ...]:
    return tuple(plain(words[token.start : token.end]) for token in tokens)


def _phrase(term: Term) -> _Phrase | None:
    """None for a term without any letter."""
    there = stems.tokens(term.words, term.language)
    if not there:
        return None
    letters = _letters(term.words, there)
    is_noun = term.language == "de" and term.words[there[-1].start].isupper()
    return _Phrase(term, tuple(token.stem for token in there), letters, is_noun)


def _is_noun(sentence: str, tokens: list[Token], at: int, length: int) -> bool:
    """Is the last word of a German phrase a noun here? “Illegale in Europa” is to be avoided, “Illegale Abschiebungen
    in Europa” may be the word: at the beginning of a sentence a capital before another one proves nothing."""
    last = at + length - 1
    if not sentence[tokens[last].start].isupper():
        return False
    follows = sentence[tokens[last + 1].start] if last + 1 < len(tokens) else ""
    return not (last == 0 and follows.isupper())


# --- where words stand ----------------------------------------------------------------------------------------------


def _sentences(words: Mapping[str, str], language: str) -> Iterator[tuple[str, str, int, str]]:
    """Of each sentence: field, the whole block it stands in, where in it, and the sentence; all without markup."""
    for name, value in segments.in_order(words):
        for block in segments.blocks(name, value, language):
            said = [segment.plain for segment in block.segments]
            whole, at = " ".join(said), 0
            for sentence in said:
                yield name, whole, at, sentence
                at += len(sentence) + 1


def _is_quoted(block: str, start: int, end: int) -> bool:
    return any(begins < start and end < ends for begins, ends in _quotations(block))


@lru_cache(maxsize=100)
def _quotations(block: str) -> tuple[tuple[int, int], ...]:
    return tuple(quoted.span() for quoted in _QUOTED.finditer(block))


def _is_title(said: str, start: int, language: str) -> bool:
    """All words with a capital in the middle of a sentence, as “Illegal Migration Act”. German shows nothing by it."""
    return language != "de" and start > 0 and all(word[0].isupper() for word in re.findall(r"\w+", said))
