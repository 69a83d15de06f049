"""Items by what they say: all words of a question must occur, in any of their forms; a "phrase" as it stands; nothing
with a -word. The last word may be typed half, and a quotation not be closed yet.
"""

import datetime
import re
from dataclasses import dataclass
from functools import reduce
from operator import and_

from django.db.models import (
    Case,
    Exists,
    FilteredRelation,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    When,
)

from newsletter.models import Edition, Issue, Item
from newsletter.search_index import APART, folded, stemmed
from newsletter.search_words import Term

BEST, NEWEST = "best", "newest"
LONGEST, MOST = 200, 10  # letters and terms of a question; what goes beyond is not asked
HALF = 2  # letters of a word that may be the beginning of another
_TERM = re.compile(r'(?<!\S)(-?)(?:"([^"]*)"?|([^\s"]+))')
_QUOTES = str.maketrans(dict.fromkeys("“”„«»‟＂", '"'))


@dataclass(frozen=True)
class Narrowing:
    """Which items may be found at all; what is empty narrows nothing. Areas, rights, bodies and sections by their keys,
    countries by their codes, issues by their slugs; `published` as of a moment."""

    area: str = ""
    right: str = ""
    country: str = ""
    body: str = ""
    section: str = ""
    kind: str = ""
    issue: str = ""
    year: int | None = None
    published: bool | None = None


def items(
    question: str,
    language: str,
    narrowing: Narrowing = Narrowing(),  # it is frozen
    *,
    among: QuerySet[Item] | None = None,
    order: str = BEST,
    on: datetime.datetime,
) -> QuerySet[Item]:
    """Items of newsletters whose words in a language answer the question; without one, all that the narrowing leaves,
    in whatever language. BEST: those first that have it in their title; of those, and else, the newest first. `among`:
    what may be found at all."""
    among = Item.objects.all() if among is None else among
    found = _narrowed(among.filter(issue__kind=Issue.Kind.NEWSLETTER), narrowing, language, on=on)
    terms = parsed(question, language)
    newest = ("-issue__period", "-issue_id", "section__position", "position", "pk")
    if not terms:
        return found.order_by(*newest)
    found = found.alias(entry=FilteredRelation("search_entries", condition=Q(search_entries__language=language)))
    found = found.filter(reduce(and_, (_says(term) for term in terms), Q(entry__isnull=False)))
    wanted = [term for term in terms if not term.without]
    if order == NEWEST or not wanted:
        return found.order_by(*newest)
    titled = reduce(and_, (_titled(term) for term in wanted))
    rank = Case(When(titled, then=0), default=1, output_field=IntegerField())
    return found.alias(rank=rank).order_by("rank", *newest)


def parsed(question: str, language: str) -> list[Term]:
    """The terms of a question, without those of which nothing is left to compare."""
    question = question[:LONGEST].translate(_QUOTES)
    found = list(_TERM.finditer(question))[:MOST]
    terms = []
    for at, term in enumerate(found):
        words = (term[2] if term[2] is not None else term[3]).replace(APART, " ")
        is_last = at == len(found) - 1 and not term[1] and question.endswith(term[0])
        is_closed = term[2] is not None and term[0].endswith('"')
        compared = stemmed(words, language)
        half = folded(words).rstrip() if is_last and not is_closed else ""
        if compared.strip():
            terms.append(Term(compared, half if len(half) > HALF else "", bool(term[1])))
    return terms


def _says(term: Term) -> Q:
    says = Q(entry__words__says=term)
    return ~says if term.without else says


def _titled(term: Term) -> Q:
    return Q(entry__title__contains=term.stems)


def _narrowed(found: QuerySet[Item], narrowing: Narrowing, language: str, *, on: datetime.datetime) -> QuerySet[Item]:
    plain = {
        "areas__key": narrowing.area,
        "rights__key": narrowing.right,
        "bodies__key": narrowing.body,
        "section__key": narrowing.section,
        "kind": narrowing.kind,
        "issue__slug": narrowing.issue,
        "issue__period__year": narrowing.year,
        # Codes of two letters with commas between them: none is found across two.
        "countries__contains": narrowing.country,
    }
    found = found.filter(**{name: value for name, value in plain.items() if value})
    if narrowing.published is None:
        return found
    went_out = Edition.objects.published(on=on).filter(issue=OuterRef("issue"), language=language)
    shown = Exists(went_out) & (Q(not_before=None) | Q(not_before__lte=on))
    return found.filter(shown if narrowing.published else ~shown)
