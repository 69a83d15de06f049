"""Found items as a file, for the yearly report: CSV for spreadsheets, Markdown for everything else. Streamed, a chunk
of items at a time, in the order of the sections or areas and, within each, of time. All in the words of one language.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Min, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter import in_markdown, rendering, search_sight, translating
from newsletter.models import Item, ItemTranslation
from picum import csvfile, links, localising, plaintext

CHUNK = 100
MOST = 3_000  # items of a file
SECTION, AREA = "section", "area"


@dataclass(frozen=True)
class Selection:
    """Items by their numbers, and how they are put down: in the words of a language, or else of the next along the
    fallbacks, under the headings of their sections or areas. `sees`: the languages of `newsletter.search_sight`."""

    numbers: Collection[int]
    language: str
    by: str
    on: datetime
    sees: Collection[str] | None = None

    def items(self) -> Iterator[Item]:
        """In their order, with all that is written of them."""
        numbers = self._ordered()
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            found = {item.pk: item for item in _whole(Item.objects.filter(pk__in=chunk))}
            items = (found[pk] for pk in chunk if pk in found)
            yield from (item for item in items if self.sees is None or self.words(item)[0])

    def heading(self, item: Item) -> str:
        if self.by == SECTION:
            return _named(item.section, "heading", self.language)
        area = min(item.areas.all(), key=lambda area: area.position, default=None)
        return _named(area, "name", self.language) if area else _("Without an area")

    def words(self, item: Item) -> tuple[str, ItemTranslation | None]:
        """The language in which it is put down, and its words."""
        readable = search_sight.readable(item, self.sees, _editions(item), on=self.on)
        shown = search_sight.shown_in(item, self.language, [], readable)
        return (shown, translating.texts(item)[shown]) if shown else ("", None)

    def address(self, item: Item, shown: str) -> str:
        """Its page in the archive; "" where it is not published."""
        out = search_sight.is_out(item, shown, _editions(item), self.on)
        return links.page("newsletter:item", item.pk, language=shown) if out else ""

    def _ordered(self) -> list[int]:
        section = ["section__position", "section"]
        first = [F("first").asc(nulls_last=True)] if self.by == AREA else []
        rows = Item.objects.filter(pk__in=self.numbers).alias(first=Min("areas__position"))
        rows = rows.order_by(*(first or section), "issue__period", "issue", *section, "position", "pk")
        return list(rows.values_list("pk", flat=True))


def csv(selection: Selection, *, delimiter: str) -> Iterator[str]:
    """A line an item."""
    with override(selection.language):
        names = [
            _("Issue"), _("Month"), _("Section"), _("Place"), _("Kind"), _("Title"), _("Text"), _("Language"),
            _("Areas"), _("Rights"), _("Sources"), _("Address"),
        ]  # fmt: skip
    yield csvfile.MARK + csvfile.written([names], delimiter)
    for item in selection.items():
        # Between two pieces of a file the language is whoever's turn it is.
        with override(selection.language):
            line = csvfile.written([_row(selection, item)], delimiter)
        yield line


def markdown(selection: Selection, *, title: str) -> Iterator[str]:
    """Title, headings, and each item with its place, its text, its sources and its address."""
    yield f"# {in_markdown.plain(title)}\n"
    heading = None
    for item in selection.items():
        with override(selection.language):
            mine, words = selection.heading(item), "\n\n".join(_paragraphs(selection, item))
        yield f"\n{words}\n" if mine == heading else f"\n## {in_markdown.plain(mine)}\n\n{words}\n"
        heading = mine


def _row(selection: Selection, item: Item) -> list[object]:
    language = selection.language
    shown, words = selection.words(item)
    return [
        item.issue.label(language),
        f"{item.issue.period:%Y-%m}",
        _named(item.section, "heading", language),
        rendering.place(item, language),
        item.get_kind_display() if item.kind else "",
        words.title if words else "",
        " ".join(plaintext.plain(words.text).split()) if words else "",
        shown,
        "; ".join(_named(area, "name", language) for area in item.areas.all()),
        "; ".join(_named(right, "name", language) for right in item.rights.all()),
        "; ".join(f"{line.name}{line.details} {line.url}".strip() for line in _sources(item, language)),
        selection.address(item, shown),
    ]


def _paragraphs(selection: Selection, item: Item) -> Iterable[str]:
    language = selection.language
    shown, words = selection.words(item)
    title = " / ".join(filter(None, [rendering.place(item, language), words.title if words else f"#{item.pk}"]))
    yield f"### {in_markdown.plain(title)}"
    about = [item.issue.label(language), item.get_kind_display() if item.kind else ""]
    if shown and shown != language:
        about.append(_("in %(language)s") % {"language": localising.language_name(shown, language)})
    yield f"*{in_markdown.plain(' · '.join(filter(None, about)))}*"
    if words:
        yield in_markdown.rich(words.text)
    if sources := [_source(line) for line in _sources(item, language)]:
        yield "\n".join(f"- {source}" for source in sources)
    if address := selection.address(item, shown):
        yield in_markdown.link(in_markdown.plain(_("In the archive")), address)


def _sources(item: Item, language: str) -> list[rendering.SourceLine]:
    return [rendering.source_line(source, language) for source in item.sources.all()]


def _source(line: rendering.SourceLine) -> str:
    name = in_markdown.plain(line.name)
    return (in_markdown.link(name, line.url) if line.url else name) + in_markdown.plain(f"x{line.details}")[1:]


def _editions(item: Item) -> dict[str, datetime | None]:
    return {edition.language: edition.published_at for edition in item.issue.editions.all()}


def _whole(items: QuerySet[Item]) -> QuerySet[Item]:
    return items.select_related("issue").prefetch_related(
        "translations", "section__translations", "bodies__translations", "areas__translations", "rights__translations",
        "sources", "issue__editions",
    )  # fmt: skip


def _named(thing, field: str, language: str) -> str:
    """A section's or an area's name in a language, or in English, or its key."""
    rows = {row.language_code: getattr(row, field) for row in thing.translations.all()}
    return rows.get(language) or rows.get("en") or thing.key
