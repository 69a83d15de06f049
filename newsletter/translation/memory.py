"""What was said before: the sentences of approved texts, and of texts that went out, with their translations; offered
again for the same sentence and for those that are nearly the same.

Sentences that are alike are found by bands (MinHash, after Broder 1997): of each band's ROWS orders of all words, the
first word of the sentence. Two sentences that share the part s of their words share one of BANDS bands with the
probability 1 - (1 - s ** ROWS) ** BANDS; that holds in any database, by one index of plain numbers.
"""

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from hashlib import blake2b

from django.db.models import Exists, OuterRef
from django.utils.translation import get_language

from newsletter.models import ItemTranslation, Sentence, SentenceBand, SentencePair
from newsletter.translation import changes, segments
from newsletter.translation.segments import MARK, Segment
from picum import localising

ROWS, BANDS = 4, 20
LEAST = 75  # of 100: what is less alike is not worth a look
CANDIDATES = 20  # sentences that one is compared with
_WORD = re.compile(r"\w+")
_PRIME = 2**61 - 1


@dataclass(frozen=True)
class Offer:
    """A translation of the same sentence (`score` 100, or 99 where only capitals, accents and stops differ), or of one
    nearly the same. `words` have the marks of the sentence that it is offered for, or none where they do not fit.
    `pieces`: what the sentence was then, and is now."""

    source: str
    words: str
    score: int
    pieces: list[changes.Piece]
    issue: str  # its label, in the active language
    on: datetime.date
    title: str  # of the item; "" where it stood around the items


def offers(
    wanted: Sequence[Segment], source_language: str, language: str, *, most: int = 3, but: int | None = None
) -> dict[str, list[Offer]]:
    """By the keys of the segments, the best first, of what is alike the newest; segments without an offer are missing.
    `but`: the key of a text that is not to be offered to itself. Five queries at most, whatever the number."""
    scores = _scores(wanted, source_language, language)
    pairs = _pairs({pk for mine in scores.values() for pk in mine}, language, but)
    best = {segment.key: _best(segment, scores[segment.key], pairs, most) for segment in wanted}
    items = {pair.text.item_id for chosen in best.values() for _score, pair, _words in chosen}
    rows = ItemTranslation.objects.filter(master__in=items - {None}, language_code=language)
    titles = dict(rows.values_list("master", "title"))
    return {
        segment.key: [_offer(pair, segment, words, score, titles) for score, pair, words in best[segment.key]]
        for segment in wanted
        if best[segment.key]
    }


def _scores(wanted: Sequence[Segment], source_language: str, language: str) -> dict[str, dict[int, int]]:
    """By the keys of the segments: the sentences that are alike, and how much. Three queries."""
    alike = _alike(wanted, source_language)
    translated = SentencePair.objects.filter(sentence=OuterRef("pk"), language=language)
    sentences = Sentence.objects.filter(Exists(translated), pk__in={pk for pks in alike.values() for pk in pks})
    words = dict(sentences.values_list("pk", "words"))
    found = {}
    for segment in wanted:
        scored = {pk: likeness(words[pk], segment.plain) for pk in alike[segment.key] if pk in words}
        found[segment.key] = {pk: score for pk, score in scored.items() if score >= LEAST}
    return found


def _alike(wanted: Sequence[Segment], language: str) -> dict[str, list[int]]:
    """By the keys of the segments: sentences that may be nearly the same, most promising first."""
    keys = {segment.key: key(segment.plain) for segment in wanted}
    same = dict(Sentence.objects.filter(language=language, key__in=set(keys.values())).values_list("key", "pk"))
    bands = {segment.key: bands_of(segment.plain, language) for segment in wanted}
    numbers = {number for mine in bands.values() for number in mine}
    sharing: dict[int, list[int]] = defaultdict(list)
    for number, pk in SentenceBand.objects.filter(number__in=numbers).values_list("number", "sentence"):
        sharing[number].append(pk)
    found = {}
    for segment in wanted:
        counted = Counter(pk for number in bands[segment.key] for pk in sharing.get(number, ()))
        exact = [same[keys[segment.key]]] if keys[segment.key] in same else []
        found[segment.key] = list(dict.fromkeys(exact + [pk for pk, _shared in counted.most_common(CANDIDATES)]))
    return found


def _pairs(pks: Iterable[int], language: str, but: int | None) -> dict[int, list[SentencePair]]:
    """What was said for sentences, the newest first."""
    pairs = SentencePair.objects.filter(sentence__in=pks, language=language).exclude(text=but)
    found = defaultdict(list)
    for pair in pairs.select_related("sentence", "text__issue").order_by("-on", "-pk"):
        found[pair.sentence_id].append(pair)
    return found


def _best(
    segment: Segment, scores: Mapping[int, int], pairs: Mapping[int, list[SentencePair]], most: int
) -> list[tuple[int, SentencePair, str]]:
    """Score, pair and its words as they fit: the best first, of what is alike the newest, and no words twice."""
    scored = [(score, pair) for pk, score in scores.items() for pair in pairs.get(pk, ())]
    scored.sort(key=lambda one: (one[0], one[1].on, one[1].pk), reverse=True)
    found: dict[str, tuple[int, SentencePair, str]] = {}
    for score, pair in scored:
        if len(found) == most:
            break
        words = fitted(pair.words, segment)
        found.setdefault(words, (score, pair, words))
    return list(found.values())


def _offer(pair: SentencePair, segment: Segment, words: str, score: int, titles: Mapping[int, str]) -> Offer:
    return Offer(
        source=pair.sentence.words,
        words=words,
        score=score,
        pieces=changes.between(pair.sentence.words, segment.plain),
        issue=pair.text.issue.label(get_language() or "en"),
        on=pair.on,
        title=titles.get(pair.text.item_id, ""),
    )


# --- comparing ------------------------------------------------------------------------------------------------------


def key(plain: str) -> str:
    """The same for sentences that differ in nothing but capitals, accents, blanks and punctuation."""
    return blake2b(" ".join(_words(plain)).encode(), digest_size=16).hexdigest()


def likeness(theirs: str, ours: str) -> int:
    """How alike two sentences are, word by word: 100 the same, 0 nothing in common."""
    if theirs == ours:
        return 100
    matcher = SequenceMatcher(None, _words(theirs), _words(ours), autojunk=False)
    if matcher.real_quick_ratio() * 100 < LEAST or matcher.quick_ratio() * 100 < LEAST:
        return 0
    return min(99, round(matcher.ratio() * 100))


def fitted(words: str, segment: Segment) -> str:
    """A remembered translation with the marks of a segment, if it has as many of the same kind; else without any."""
    marks = list(dict.fromkeys(number for closing, number, _single in MARK.findall(segment.words) if not closing))
    mine = {str(at): number for at, number in enumerate(marks, 1)}
    try:
        marked = MARK.sub(lambda mark: f"⟦{mark[1]}{mine[mark[2]]}{mark[3]}⟧", words)
        segments.check(segment, marked)
    except (KeyError, segments.Damaged):
        return segments.without_marks(words)
    return marked


def bands_of(plain: str, language: str) -> list[int]:
    """The numbers by which a sentence is found: signed, of 64 bits. Without words, none."""
    words = set(_words(plain))
    if not words:
        return []
    orders = [_orders(word) for word in words]
    first = [min(column) for column in zip(*orders, strict=True)]
    return [_number(language, at, *first[at * ROWS : (at + 1) * ROWS]) for at in range(BANDS)]


@lru_cache(maxsize=20_000)
def _words(plain: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(localising.plain(plain)))


@lru_cache(maxsize=20_000)
def _orders(word: str) -> tuple[int, ...]:
    """Where a word stands in each of the orders."""
    number = int.from_bytes(blake2b(word.encode(), digest_size=8).digest()) % _PRIME
    return tuple((a * number + b) % _PRIME for a, b in _SHUFFLES)


def _number(*parts: object) -> int:
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), signed=True)


# Fixed for ever: sentences that are stored have been ordered by these.
_SHUFFLES = [(abs(_number("a", at)) % (_PRIME - 1) + 1, abs(_number("b", at)) % _PRIME) for at in range(ROWS * BANDS)]
