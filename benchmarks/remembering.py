"""What was said before, looked for in ten years of it: by the memory of translations, and by pg_trgm, PostgreSQL's own
likeness of words, on the same pairs. Runs inside Django."""

import time
from collections.abc import Sequence

from django.db import connection

from benchmarks import present
from benchmarks.decade import LANGUAGES
from newsletter.models import Issue, Item, SentencePair, Text
from newsletter.translation import memory, segments, texts
from newsletter.translation.segments import Segment

MOST = 3  # offers for a sentence
FIFTH = 5  # of the items, pg_trgm is asked for: it takes its time
# The pairs in one table, with the index that Weblate has on its memory.
_PAIRS = (
    "CREATE EXTENSION pg_trgm",
    "CREATE EXTENSION btree_gin",
    "CREATE TABLE bench_pair AS SELECT pair.id, sentence.words AS source, sentence.language AS source_language, "
    "pair.words AS target, pair.language FROM newsletter_sentencepair AS pair "
    "JOIN newsletter_sentence AS sentence ON sentence.id = pair.sentence_id",
    "CREATE INDEX ON bench_pair USING gin (source gin_trgm_ops, language, source_language)",
    "VACUUM ANALYZE bench_pair",
    "SET pg_trgm.similarity_threshold = 0.6",  # of 1: about as much as the memory asks for
)
_ASK = """
SELECT target, similarity(source, %(words)s) AS score FROM bench_pair
WHERE source %% %(words)s AND source_language = 'en' AND language = %(language)s
ORDER BY score DESC, id DESC LIMIT %(most)s
"""


def warm() -> None:
    """A process that has translated before: some items of the last issue."""
    older = Issue.objects.exclude(slug=present.SLUG).order_by("-period")[0]
    for item in older.items.prefetch_related("translations")[:20]:
        _remembered(_wanted(item), "de", None)


def offers() -> dict:
    """For each item of the present issue, in turn into one of six languages: the number of its sentences, of those for
    which something is offered, and milliseconds. Each once: nobody asks twice for the same."""
    rows = []
    for item, language in _asked():
        wanted = _wanted(item)
        text = Text.objects.filter(item=item, language=language).values_list("pk", flat=True).first()
        rows.append({"sentences": len(wanted)} | _remembered(wanted, language, text))
    return {"items": rows, "pairs": SentencePair.objects.count()}


def prepare_alike() -> None:
    with connection.cursor() as cursor:
        for statement in _PAIRS:
            cursor.execute(statement)


def alike() -> dict:
    """The same by pg_trgm for every fifth item: a statement for each sentence, as it can be asked."""
    return {"items": [_alike(_wanted(item), language) for item, language in _asked()[::FIFTH]]}


def _asked() -> list[tuple[Item, str]]:
    return [(item, LANGUAGES[1 + number % 6]) for number, item in enumerate(present.issue().items.all())]


def _wanted(item: Item) -> list[Segment]:
    return segments.cut(texts.stored_words(item, "en"), "en")


def _remembered(wanted: Sequence[Segment], language: str, but: int | None) -> dict:
    start = time.perf_counter()
    found = memory.offers(wanted, "en", language, most=MOST, but=but)
    return {"milliseconds": _since(start), "offered": len(found)}


def _alike(wanted: Sequence[Segment], language: str) -> dict:
    start, found = time.perf_counter(), 0
    with connection.cursor() as cursor:
        for segment in wanted:
            cursor.execute(_ASK, {"words": segment.plain, "language": language, "most": MOST})
            found += bool(cursor.fetchall())
    return {"milliseconds": _since(start), "offered": found, "sentences": len(wanted)}


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 2)
