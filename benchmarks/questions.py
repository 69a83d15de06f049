"""What people ask the search for, in all seven languages: pages of the desk, and the same questions without a page.
Runs inside Django."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from benchmarks.decade import LANGUAGES, PARTS
from benchmarks.visiting import Page
from newsletter import search
from newsletter.models import Issue, ItemTranslation, SearchEntry
from newsletter.search import Narrowing

SHOWN = 25  # items of a page


@dataclass(frozen=True)
class Question:
    """`phrase`: the words as they stand; `year`: of that one only."""

    name: str
    language: str
    words: str
    phrase: bool = False
    year: int | None = None


def plain() -> list[Question]:
    """Those that any search understands."""
    return [question for language in LANGUAGES for question in _in(language)]


def _in(language: str) -> Iterator[Question]:
    who, _did, what, _when, _then = PARTS[language]
    one, other = who[0].split()[-1], what[0].split()[-1].rstrip(".")
    year = Issue.objects.order_by("period").first().period.year + 1
    yield Question("a frequent word", language, one)
    yield Question("two words", language, f"{one} {other}")
    yield Question("a phrase", language, what[0], phrase=True)
    yield Question("a rare word", language, _place())
    yield Question("a word nobody said", language, "xylograph")
    yield Question("a frequent word of one year", language, one, year=year)


def _place() -> str:
    """A place of which one item tells, or two."""
    middle = SearchEntry.objects.order_by("pk")[SearchEntry.objects.count() // 2]
    text = ItemTranslation.objects.get(master=middle.item_id, language_code=middle.language).text
    return text.partition("(")[2].partition(")")[0]


def pages() -> dict[str, Page]:
    """The search page in each language: the plain questions, and what else its form can ask; then the files."""
    found = {}
    for question in plain():
        words = f'"{question.words}"' if question.phrase else question.words
        asked = {"q": words, "language": question.language, "year": question.year or ""}
        found[f"{question.name} ({question.language})"] = _page(asked)
    frequent = PARTS["en"][0][0].split()[-1]
    for name, more in _NARROWED.items():
        found[f"{name} (en)"] = _page({"q": frequent, "language": "en"} | more)
    year = Issue.objects.order_by("period").first().period.year + 1
    export = reverse("admin:newsletter_item_search_export")
    for kind, name in (("csv", "CSV"), ("markdown", "Markdown")):
        query = urlencode({"language": "pt", "year": year, "all": "1", "as": kind})
        found[f"file: {name} of a year"] = Page(f"{export}?{query}")
    return found


_NARROWED = {
    "nothing": {"q": ""},
    "of one area": {"area": "advocacy"},
    "of one country": {"country": "PT"},
    "of an area in a country": {"area": "advocacy", "country": "PT"},
    "of one kind and published": {"kind": "report", "published": "yes"},
    "a word typed half": {"q": "repo"},
    "a word without another": {"q": "network -report"},
    "the newest first": {"order": "newest"},
    "the hundredth page": {"page": "100"},
}


def _page(asked: dict[str, object]) -> Page:
    query = urlencode({name: value for name, value in asked.items() if value})
    return Page(f"{reverse('admin:newsletter_item_search')}?{query}")


def ask(questions: list[Question], times: int) -> list[dict]:
    """For each question, how many items answer it, and milliseconds for knowing how many and reading the first page of
    them, after once for nothing."""
    return [asdict(question) | _asked(question, times) for question in questions]


def _asked(question: Question, times: int) -> dict:
    runs = [_answered(question) for _time in range(times + 1)]
    return {"found": runs[0][0], "milliseconds": [taken for _found, taken in runs[1:]]}


def _answered(question: Question) -> tuple[int, float]:
    words = f'"{question.words}"' if question.phrase else question.words
    start = time.perf_counter()
    narrowing = Narrowing(year=question.year)
    pks = list(search.items(words, question.language, narrowing, on=timezone.now()).values_list("pk", flat=True))
    list(ItemTranslation.objects.filter(master__in=pks[:SHOWN], language_code=question.language))
    return len(pks), round((time.perf_counter() - start) * 1000, 2)
