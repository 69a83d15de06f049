"""What a reader is shown of an issue, settled as plain data. No template, no query of its own."""

import datetime
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter import translating
from newsletter.models import Issue, Item, Section, Source
from newsletter.models.content import Precision
from picum import localising, richtext


@dataclass(frozen=True)
class SourceLine:
    """Where an item was read, in the words of the edition's language. Empty texts where nothing is known."""

    outlet: str
    title: str
    quoted: str  # the title in the quotation marks of the edition's language
    date: str  # as much of it as is known
    page: str
    url: str  # http or https
    language: str  # code of the source's language, "" when unknown or the edition's own
    language_name: str

    @property
    def name(self) -> str:
        """ "Il Faro, ‘Porto aperto’"; the host of a source that is nothing but an address."""
        return ", ".join(filter(None, [self.outlet, self.quoted])) or _host(self.url)

    @property
    def details(self) -> str:
        """What follows the name, with its own commas: ", 14 September 2026, p. 4 (in Italian)". Wants the edition's
        language to be active."""
        page = _("p. %(page)s") % {"page": self.page} if self.page else ""
        language = _("in %(language)s") % {"language": self.language_name} if self.language_name else ""
        known = "".join(f", {detail}" for detail in (self.date, page) if detail)
        return f"{known} ({language})" if language else known

    @property
    def is_right_to_left(self) -> bool:
        """The name must then be set apart, or the digits of the date wander into it."""
        return localising.direction(self.language) == "rtl"


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
    sources: tuple[SourceLine, ...]
    is_machine: bool = False  # translated by a machine, and nobody has touched it

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
    """An edition as a reader with a certain order of languages, and certain areas, sees it."""

    issue: Issue
    language: str
    label: str  # "October 2026"
    finalised_on: str  # "28 October 2026" or ""
    subject: str  # "" where the editors wrote none
    masthead: str
    message: SafeString
    donation: SafeString
    blocks: list[Block]
    # Keys of the blocks that stand first in the index of the mail, because they are of the reader's areas; the mail
    # itself is in the order of the issue. Empty where its index is so too.
    first: list[str] = field(default_factory=list)

    @property
    def first_blocks(self) -> list[Block]:
        return [block for block in self.blocks if block.key in self.first]

    @property
    def other_blocks(self) -> list[Block]:
        return [block for block in self.blocks if block.key not in self.first]

    @property
    def entries(self) -> list[Entry]:
        return [entry for block in self.blocks for entry in block.entries]


def compose(issue: Issue, language: str, languages: Sequence[str] = (), *, areas: Collection[str] = ()) -> Composition:
    """What a reader with this order of languages, who named these areas, sees. `issue` comes from
    `Issue.objects.with_contents()`; nothing more is queried."""
    own = next((row for row in issue.translations.all() if row.language_code == language), None)
    contents = translating.contents(issue, language, languages)
    with override(language):
        return Composition(
            issue=issue,
            language=language,
            label=issue.label(language),
            finalised_on=localising.day(issue.finalised_on, language) if issue.finalised_on else "",
            subject=own.subject if own else "",
            masthead=own.masthead if own else "",
            message=richtext.safe(own.message if own else ""),
            donation=richtext.safe(own.donation if own else ""),
            blocks=_blocks(contents),
            first=contents.first(areas) if areas else [],
        )


def _blocks(contents: translating.Contents) -> list[Block]:
    # Keyed, not compared with the one before: two sections may share a position, and their items then alternate.
    blocks: dict[str, Block] = {}
    for item, shown in contents.items:
        section = item.section
        if section.key not in blocks:
            blocks[section.key] = Block(len(blocks) + 1, section.key, *_heading(section, contents.language))
        blocks[section.key].entries.append(_entry(item, contents.language, shown))
    return list(blocks.values())


def _heading(section: Section, language: str) -> tuple[str, str]:
    headings = {row.language_code: row.heading for row in section.translations.all() if row.heading}
    shown = next((code for code in (language, *translating.LANGUAGES) if code in headings), "")
    return (headings[shown], shown) if shown else (section.key, language)


def _entry(item: Item, language: str, shown: str) -> Entry:
    words = translating.texts(item)[shown]
    return entry(item, language, title=words.title, text=words.text, shown=shown, is_machine=words.is_machine)


def entry(item: Item, language: str, *, title: str, text: str, shown: str = "", is_machine: bool = False) -> Entry:
    """The item with these words, stored or not, as a reader of an edition sees it. `shown`: their language, where it is
    not the edition's."""
    return Entry(
        item=item,
        language=shown or language,
        language_name=localising.language_name(shown, language) if shown not in ("", language) else "",
        place=place(item, language),
        kind=_kind(item.kind, language) if item.kind else "",
        title=title,
        text=_safe(text),
        sources=tuple(source_line(source, language) for source in item.sources.all()),
        is_machine=is_machine,
    )


def place(item: Item, language: str) -> str:
    """Countries and institutions as a heading has them, in a language: "ITALY, FRONTEX"; "" where none is named."""
    names = localising.in_order(localising.country_name(country.code, language) for country in item.countries)
    for body in item.bodies.all():
        called = {row.language_code: row.name for row in body.translations.all()}
        names.append(called.get(language) or called.get("en") or body.key)
    return ", ".join(names).upper()


def source_line(source: Source, language: str) -> SourceLine:
    """A source in the words of a language."""
    foreign = source.language if source.language != language else ""
    return SourceLine(
        outlet=source.outlet,
        title=source.title,
        quoted=localising.quoted(source.title, language) if source.title else "",
        date=_date(source.date, source.precision, language),
        page=source.page,
        url=_web_address(source.url),
        language=foreign,
        language_name=localising.language_name(foreign, language) if foreign else "",
    )


def _web_address(url: str) -> str:
    # Forms check addresses; imports, tasks and the shell do not.
    return url.strip().replace(" ", "%20") if re.match(r"https?://", url.strip(), re.IGNORECASE) else ""


def _host(url: str) -> str:
    return re.sub(r"^https?://", "", url, flags=re.IGNORECASE).partition("/")[0]


# What follows is asked for hundreds of times by each look at an issue in seven languages, and takes longer than all
# the rest of composing.


@lru_cache(maxsize=2048)
def _safe(text: str) -> SafeString:
    return richtext.safe(text)


@lru_cache(maxsize=512)
def _kind(kind: str, language: str) -> str:
    with override(language):
        return str(dict(Item.Kind.choices).get(kind, kind)).upper()


@lru_cache(maxsize=2048)
def _date(date: datetime.date | None, precision: str, language: str) -> str:
    if date is None:
        return ""
    if precision == Precision.YEAR:
        return str(date.year)
    if precision == Precision.MONTH:
        return localising.month(date, language)
    return localising.day(date, language)
