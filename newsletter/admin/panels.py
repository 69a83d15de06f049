"""What the page of an issue shows below the form: its contents in order, and its editions. Plain data."""

import copy
from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count

from newsletter import rendering, translating
from newsletter.models import Edition, Issue, Item, Section, Subscriber


@dataclass(frozen=True)
class Mark:
    """Is an item written in a language? For the badges."""

    language: str
    name: str
    written: bool


@dataclass(frozen=True)
class Line:
    """An item as the list of contents shows it."""

    item: Item
    place: str
    kind: str
    title: str
    title_language: str
    marks: list[Mark]


@dataclass(frozen=True)
class Part:
    """A section; `number` is None while it is empty, because then it is left out."""

    section: Section
    heading: str
    number: int | None
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """An edition as the list of editions shows it."""

    edition: Edition
    name: str
    missing: int
    has_subject: bool
    readers: int

    @property
    def state(self) -> str:
        return self.edition.state

    @property
    def may_become_ready(self) -> bool:
        return self.edition.state == Edition.State.DRAFT

    @property
    def may_go_back(self) -> bool:
        return self.edition.state == Edition.State.READY


def contents(issue: Issue, language: str) -> list[Part]:
    """All sections in their order with the items of the issue. Two queries when the issue came with its contents."""
    # Also items that this language would leave out must be seen here.
    everything = copy.copy(issue)
    everything.fallback = Issue.Fallback.MARK
    shown = {entry.item.pk: entry for entry in rendering.compose(everything, language).entries}
    lines: dict[int, list[Line]] = {}
    for item in issue.items.all():
        lines.setdefault(item.section_id, []).append(_line(item, shown.get(item.pk), language))
    parts: list[Part] = []
    number = 0
    for section in Section.objects.prefetch_related("translations"):
        filled = lines.get(section.pk, [])
        number += bool(filled)
        parts.append(Part(section, str(section), number if filled else None, filled))
    return parts


def editions(issue: Issue, language: str) -> list[Row]:
    """The seven editions in masthead order. One query when the issue came with its contents."""
    readers = Counter()
    for order, count in reader_orders():
        readers[order[0]] += count
    subjects = {row.language_code for row in issue.translations.all() if row.subject.strip()}
    of = {edition.language: edition for edition in issue.editions.all()}
    return [
        Row(
            edition=of[code],
            name=rendering.language_name(code, language),
            missing=len(translating.missing(issue, code)),
            has_subject=code in subjects,
            readers=readers[code],
        )
        for code in translating.LANGUAGES
        if code in of
    ]


def reader_orders() -> list[tuple[tuple[str, ...], int]]:
    """How many subscribed readers have each order of languages. One query."""
    rows = Subscriber.objects.subscribed().order_by().values_list("languages").annotate(count=Count("pk"))
    return [(tuple(languages.split()), count) for languages, count in rows if languages.split()]


def marks(item: Item, language: str) -> list[Mark]:
    """The seven languages of an item, named in another."""
    written = translating.texts(item)
    return [Mark(code, rendering.language_name(code, language), code in written) for code in translating.LANGUAGES]


def _line(item: Item, entry: rendering.Entry | None, language: str) -> Line:
    if entry is None:
        return Line(item, "", "", str(item), language, marks(item, language))
    return Line(item, entry.place, entry.kind, entry.title, entry.language, marks(item, language))
