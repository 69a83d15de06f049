"""What the page of an issue shows below the form: its contents in order, and its editions. Plain data."""

import copy
from collections import Counter
from dataclasses import dataclass, field

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from newsletter import rendering, translating
from newsletter.models import Edition, Issue, Item, Section, Subscriber
from newsletter.translation import board
from newsletter.translation.board import Stage


@dataclass(frozen=True)
class Mark:
    """How far an item is in a language; `address`: of the tab where it is written."""

    language: str
    stage: Stage
    label: str
    address: str


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
    """All sections in their order with the items of the issue. Three queries when the issue came with its contents."""
    # Also items that this language would leave out must be seen here.
    everything = copy.copy(issue)
    everything.fallback = Issue.Fallback.MARK
    shown = {entry.item.pk: entry for entry in rendering.compose(everything, language).entries}
    lines: dict[int, list[Line]] = {}
    items = list(issue.items.all())
    stages, names = board.stages(items), _names(language)
    for item in items:
        line = _line(item, shown.get(item.pk), language, _marks(item, stages[item.pk], names))
        lines.setdefault(item.section_id, []).append(line)
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
    """The seven languages of an item, named in another. One query when it came with its words."""
    return _marks(item, board.stages([item])[item.pk], _names(language))


def _marks(item: Item, stages: dict[str, Stage], names: dict[str, str]) -> list[Mark]:
    tab = reverse("admin:newsletter_item_change", args=[item.pk])
    words = _("%(language)s: %(stage)s")
    return [
        Mark(code, stage, words % {"language": names[code], "stage": stage.label}, f"{tab}?language={code}")
        for code, stage in stages.items()
    ]


def _names(language: str) -> dict[str, str]:
    return {code: rendering.language_name(code, language) for code in translating.LANGUAGES}


def _line(item: Item, entry: rendering.Entry | None, language: str, marks: list[Mark]) -> Line:
    if entry is None:
        return Line(item, "", "", str(item), language, marks)
    return Line(item, entry.place, entry.kind, entry.title, entry.language, marks)
