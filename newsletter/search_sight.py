"""What somebody may find. Who edits or sends: everything. Who translates: what everybody can read by now, and what the
translator's page shows them anyway, in the issues that have an edition in a language of theirs: the words in their
languages and the originals.

`languages` are those in which somebody translates; None: everything is theirs to read.
"""

import datetime
from collections.abc import Collection, Mapping

from django.db.models import Exists, OuterRef, Q, QuerySet

from newsletter import translating
from newsletter.models import Edition, Issue, Item
from picum import localising


def items(languages: Collection[str] | None, language: str | None, *, on: datetime.datetime) -> QuerySet[Item]:
    """The items whose words in a language may be found; without one, in some language."""
    if languages is None:
        return Item.objects.all()
    editions = Edition.objects.filter(issue=OuterRef("issue"))
    out, mine = editions.published(on=on), Q(Exists(editions.filter(language__in=languages)))
    if language:
        out = out.filter(language=language)
        mine &= Q() if language in languages else Q(original_language=language)
    early = Q(not_before__gt=localising.local_day(on))
    return Item.objects.filter(mine | (Q(Exists(out)) & ~early))


def readable(
    item: Item,
    languages: Collection[str] | None,
    editions: Mapping[str, datetime.datetime | None],
    *,
    on: datetime.datetime,
) -> list[str]:
    """The languages in which an item has words that may be shown. `editions`: when those of its issue were, or will be,
    published, by language. Reads the prefetched rows."""
    written = translating.texts(item)
    if languages is not None:
        theirs = {*languages, item.original_language} if editions.keys() & set(languages) else set()
        written = {code: words for code, words in written.items() if code in theirs | _public(item, editions, on)}
    return [code for code in translating.LANGUAGES if code in written]


def shown_in(item: Item, language: str, others: Collection[str], readable: Collection[str]) -> str:
    """The language in which it is shown to who asked in a language; "" when there is none."""
    order = translating.fallback_order(language, list(others), item.original_language)
    return next((code for code in order if code in readable), "")


def is_out(item: Item, language: str, editions: Mapping[str, datetime.datetime | None], on: datetime.datetime) -> bool:
    """Can everybody read it in the edition of a language?"""
    published = editions.get(language)
    early = item.not_before and item.not_before > localising.local_day(on)
    return bool(published and published <= on and not early)


def _public(item: Item, editions: Mapping[str, datetime.datetime | None], on: datetime.datetime) -> set[str]:
    """In which languages the archive shows it: also where one edition borrows the words of another language."""
    marks = item.issue.fallback == Issue.Fallback.MARK
    shown = {code: translating.shown_in(item, code, ()) for code in editions if is_out(item, code, editions, on)}
    return {words for code, words in shown.items() if words and (marks or words == code)}
