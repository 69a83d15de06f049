"""An issue and a reader's languages become words: one path for preview, archive, test mail and sending.

`compose` settles what is shown (numbering, fallbacks, places, dates, all in the reader's language) as plain data;
the templates of the mail and of the archive only lay it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from babel import Locale
from babel.dates import format_date, format_skeleton
from django.utils.safestring import SafeString
from django.utils.translation import override
from django_countries import countries

from newsletter import richtext, translating
from newsletter.models import Issue, Item, Source


@dataclass(frozen=True)
class SourceLine:
    """Where an item was read, in the words of the edition's language. Empty texts where nothing is known."""

    outlet: str
    title: str
    date: str
    page: str
    url: str
    language: str  # code of the source's language, "" when unknown or the edition's own
    language_name: str


@dataclass(frozen=True)
class Entry:
    """One item as a reader sees it."""

    item: Item
    language: str  # of title and text
    language_name: str  # in the edition's language; "" unless this is a fallback
    place: str  # "ITALY, MALTA", "FRONTEX" or ""
    kind: str  # "REPORT" or ""
    title: str
    text: SafeString
    sources: list[SourceLine]

    @property
    def is_fallback(self) -> bool:
        return bool(self.language_name)


@dataclass(frozen=True)
class Block:
    """A section that is not empty, numbered as shown."""

    number: int
    key: str
    heading: str
    heading_language: str  # differs from the edition's where the heading is not translated
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Composition:
    """An edition as a reader with a certain order of languages sees it."""

    issue: Issue
    language: str
    label: str
    subject: str
    masthead: str
    message: SafeString
    donation: SafeString
    blocks: list[Block]

    @property
    def entries(self) -> list[Entry]:
        return [entry for block in self.blocks for entry in block.entries]


def compose(issue: Issue, language: str, languages: Sequence[str] = ()) -> Composition:
    """What a reader with this order of languages sees. `issue` comes from `Issue.objects.with_contents()`;
    nothing more is queried."""
    own = next((row for row in issue.translations.all() if row.language_code == language), None)
    with override(language):
        blocks: list[Block] = []
        for item in issue.items.all():
            entry = _entry(item, language, languages)
            if entry is None or (entry.is_fallback and issue.fallback == Issue.Fallback.OMIT):
                continue
            if not blocks or blocks[-1].key != item.section.key:
                blocks.append(Block(len(blocks) + 1, item.section.key, *_heading(item.section, language)))
            blocks[-1].entries.append(entry)
        return Composition(
            issue=issue,
            language=language,
            label=issue.label(language),
            subject=own.subject if own else "",
            masthead=own.masthead if own else "",
            message=richtext.safe(own.message if own else ""),
            donation=richtext.safe(own.donation if own else ""),
            blocks=blocks,
        )


def _heading(section, language: str) -> tuple[str, str]:
    headings = {row.language_code: row.heading for row in section.translations.all() if row.heading}
    shown = next((code for code in (language, *translating.LANGUAGES) if code in headings), "")
    return (headings[shown], shown) if shown else (section.key, language)


def _entry(item: Item, language: str, languages: Sequence[str]) -> Entry | None:
    shown = translating.shown_in(item, language, languages)
    if shown is None:
        return None
    words = translating.texts(item)[shown]
    return Entry(
        item=item,
        language=shown,
        language_name=language_name(shown, language) if shown != language else "",
        place=_place(item, language),
        kind=item.get_kind_display().upper() if item.kind else "",
        title=words.title,
        text=richtext.safe(words.text),
        sources=[_source(source, language) for source in item.sources.all()],
    )


def _place(item: Item, language: str) -> str:
    names = sorted((countries.name(country.code) for country in item.countries), key=str.casefold)
    for body in item.bodies.all():
        called = {row.language_code: row.name for row in body.translations.all()}
        names.append(called.get(language) or called.get("en") or body.key)
    return ", ".join(names).upper()


def _source(source: Source, language: str) -> SourceLine:
    foreign = source.language if source.language != language else ""
    return SourceLine(
        outlet=source.outlet,
        title=source.title,
        date=_date(source, language),
        page=source.page,
        url=source.url,
        language=foreign,
        language_name=language_name(foreign, language) if foreign else "",
    )


def _date(source: Source, language: str) -> str:
    if source.date is None:
        return ""
    if source.precision == "year":
        return str(source.date.year)
    if source.precision == "month":
        return format_skeleton("yMMMM", source.date, locale=language)
    return format_date(source.date, "long", locale=language)


def language_name(code: str, language: str) -> str:
    """What a language is called in another: ("pt", "de") → "Portugiesisch"; the code itself when unknown."""
    return Locale(language).languages.get(code, code)
