"""What the memory of translations learns, and forgets: the sentences of texts that are approved, or that went out.

It learns after the fact, a batch of texts at a time, so that approving is never slow and never fails because of it. A
batch is one transaction, and what is learned already is not learned again.
"""

import datetime
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from newsletter.models import Edition, Issue, Learned, Revision, Sentence, SentenceBand, SentencePair, Text
from newsletter.translation import memory, segments, texts
from newsletter.translation.segments import MARK, Segment
from picum import localising

BATCH = 50  # texts
KEPT = 5  # of the translations of one sentence, the newest
FULL = 50  # sentences in one band


@dataclass(frozen=True)
class _Pair:
    text: Text
    key: str
    plain: str  # the sentence
    words: str  # its translation


def learn(*, seconds: float | None = None) -> Counter[str]:
    """All texts that there are to learn from, or those for which the time is enough. Keys: texts, sentences (new ones),
    forgotten (texts and sentences); left is 1 when time was up."""
    done, ends = Counter(), time.monotonic() + seconds if seconds is not None else None
    while batch := list(unlearned().select_related("issue", "item").order_by("pk")[:BATCH]):
        done["texts"] += len(batch)
        done["sentences"] += _learned(batch)
        if ends is not None and time.monotonic() > ends:
            done["left"] = 1
            return done
    done["forgotten"] = _forgotten()
    return done


def unlearned() -> QuerySet[Text]:
    """Translations whose words, or whose source, are new to the memory."""
    known = Learned.objects.filter(
        text=OuterRef("pk"), changed_at=OuterRef("changed_at"), source_number=OuterRef("source_number")
    )
    return _good().filter(~Exists(known), issue__kind=Issue.Kind.NEWSLETTER, number__gt=0, source_number__isnull=False)


def _good() -> QuerySet[Text]:
    """Texts that somebody approved, or that went out."""
    gone = Edition.objects.frozen().filter(issue=OuterRef("issue"), language=OuterRef("language"))
    return Text.objects.filter(Q(state=Text.State.APPROVED) | Exists(gone))


@transaction.atomic
def _forgotten() -> int:
    """What was sent back is not offered until it is approved again, and sentences that nobody translates any more,
    because their items were deleted, are not kept. How many texts and sentences went."""
    rejected = Text.objects.filter(learned__isnull=False).exclude(pk__in=_good())
    texts = list(rejected.values_list("pk", flat=True))
    SentencePair.objects.filter(text__in=texts).delete()
    Learned.objects.filter(text__in=texts).delete()
    gone = Sentence.objects.filter(~Exists(SentencePair.objects.filter(sentence=OuterRef("pk"))))
    return len(texts) + gone.delete()[1].get("newsletter.Sentence", 0)


# --- learning -------------------------------------------------------------------------------------------------------


@transaction.atomic
def _learned(batch: list[Text]) -> int:
    """Nine queries, and more where something is forgotten; the number of new sentences."""
    by_language: dict[str, list[_Pair]] = defaultdict(list)
    for text, source, words in _revised(batch):
        language = texts.source_language(text)
        by_language[language] += _pairs(text, source, language, words)
    SentencePair.objects.filter(text__in=batch).delete()
    new = 0
    for language, pairs in by_language.items():
        sentences, made = _sentences(pairs, language)
        new += made
        SentencePair.objects.bulk_create(
            [
                SentencePair(
                    sentence_id=sentences[pair.key],
                    text=pair.text,
                    language=pair.text.language,
                    words=pair.words,
                    on=_day_of(pair.text),
                )
                for pair in pairs
            ],
            ignore_conflicts=True,
        )
        _keep_the_newest(sentences.values())
    rows = [Learned(text=text, changed_at=text.changed_at, source_number=text.source_number) for text in batch]
    fields = ["changed_at", "source_number"]
    Learned.objects.bulk_create(rows, update_conflicts=True, update_fields=fields, unique_fields=["text"])
    return new


def _revised(batch: list[Text]) -> Iterable[tuple[Text, Mapping[str, str], Mapping[str, str]]]:
    """Texts with the words of their source that they say, and their own. Those whose source is not known are left
    out. Two queries."""
    places = {(text.item_id or 0, text.issue_id, texts.source_language(text)) for text in batch}
    there = Text.objects.filter(issue__in={text.issue_id for text in batch}, language__in={one[2] for one in places})
    sources = {(item or 0, issue, language): pk for pk, item, issue, language in
               there.values_list("pk", "item", "issue", "language")}  # fmt: skip
    wanted = {}
    for text in batch:
        source = sources.get((text.item_id or 0, text.issue_id, texts.source_language(text)))
        if source and source != text.pk:
            wanted[text] = (source, text.source_number), (text.pk, text.number)
    keys = {key for both in wanted.values() for key in both}
    rows = Revision.objects.filter(text__in={pk for pk, _number in keys}, number__in={number for _pk, number in keys})
    words = {(row.text_id, row.number): row.words for row in rows}
    for text, (source, own) in wanted.items():
        if source in words and own in words:
            yield text, words[source], words[own]


def _pairs(text: Text, source: Mapping[str, str], language: str, words: Mapping[str, str]) -> list[_Pair]:
    """One for each sentence of the source; of one that it has twice, the first."""
    tags = {segment.words: segment.tags for segment in segments.cut(words, text.language)}
    found: dict[str, _Pair] = {}
    for segment, said in segments.pairs(source, language, words, text.language):
        if any(letter.isalpha() for letter in said):
            key = memory.key(segment.plain)
            found.setdefault(key, _Pair(text, key, segment.plain, _marked(segment, said, tags.get(said))))
    return list(found.values())


def _marked(segment: Segment, said: str, tags: Mapping[str, str] | None) -> str:
    """A translation whose marks are numbered as the tags stand in its source sentence: 1 is the first there. Without
    marks where its tags are others."""
    places = list(dict.fromkeys(number for closing, number, _single in MARK.findall(segment.words) if not closing))
    free = [(segment.tags[number], at) for at, number in enumerate(places, 1)]
    mine: dict[str, int] = {}
    for number, tag in (tags or {}).items():
        fitting = next((one for one in free if one[0] == tag), None)
        if fitting is None:
            break
        free.remove(fitting)
        mine[number] = fitting[1]
    if free or any(number not in mine for _closing, number, _single in MARK.findall(said)):
        return segments.without_marks(said)
    return MARK.sub(lambda mark: f"⟦{mark[1]}{mine[mark[2]]}{mark[3]}⟧", said)


def _sentences(pairs: list[_Pair], language: str) -> tuple[dict[str, int], int]:
    """The sentences by their keys, made where they are new; how many are."""
    plain = {pair.key: pair.plain for pair in reversed(pairs)}
    mine = Sentence.objects.filter(language=language, key__in=plain)
    known = set(mine.values_list("key", flat=True))
    new = [Sentence(language=language, key=key, words=words) for key, words in plain.items() if key not in known]
    Sentence.objects.bulk_create(new, ignore_conflicts=True)
    found = dict(mine.values_list("key", "pk"))
    SentenceBand.objects.bulk_create(_bands(new, found, language), ignore_conflicts=True)
    return found, len(new)


def _bands(new: list[Sentence], pks: Mapping[str, int], language: str) -> list[SentenceBand]:
    """Those of new sentences, as long as there is room: of sentences made from one pattern, some are enough. One
    query."""
    numbers = {one.key: memory.bands_of(one.words, language) for one in new}
    there = SentenceBand.objects.filter(number__in={number for mine in numbers.values() for number in mine})
    taken = Counter(dict(there.values_list("number").annotate(Count("pk"))))
    bands = []
    for key, mine in numbers.items():
        free = [number for number in mine if taken[number] < FULL]
        taken.update(free)
        bands += [SentenceBand(sentence_id=pks[key], number=number) for number in free]
    return bands


def _keep_the_newest(sentences: Iterable[int]) -> None:
    """The words around the items are nearly the same in every issue."""
    seen: Counter[tuple[int, str]] = Counter()
    rows = SentencePair.objects.filter(sentence__in=sentences).order_by("-on", "-pk")
    surplus = []
    for pk, sentence, language in rows.values_list("pk", "sentence", "language"):
        seen[sentence, language] += 1
        if seen[sentence, language] > KEPT:
            surplus.append(pk)
    if surplus:
        SentencePair.objects.filter(pk__in=surplus).delete()


def _day_of(text: Text) -> datetime.date:
    return text.issue.finalised_on or localising.local_day(text.approved_at or text.changed_at)
