"""What helps a translator: the words of the house in the source, what was said before, what to look at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from html import escape

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from newsletter.admin.translate_sheet import Sheet
from newsletter.models import Item
from newsletter.translation import glossary, memory, segments, texts, warnings
from newsletter.translation.glossary import Hit
from newsletter.translation.segments import RICH, Segment
from picum import richtext

_TAG = re.compile(r"(<[^>]*>)")


@dataclass(frozen=True)
class Side:
    """A field of the source as it is read beside one's own: the words of the glossary are marked."""

    name: str
    label: str
    html: SafeString


@dataclass(frozen=True)
class Told:
    """A term of the glossary that stands in the source, once, with what the house says for it."""

    words: str
    offered: list[str]
    why: str


@dataclass(frozen=True)
class Remembered:
    """A sentence of the source and what was said for it before, each as the html that goes into the text. `key` is its
    place, as a segment's."""

    key: str
    sentence: str
    offers: list[tuple[memory.Offer, str]]

    @property
    def field(self) -> str:
        return self.key.partition(".")[0]


class Aids:
    """Of a page's text, whose own words are those that are typed at the moment."""

    def __init__(self, sheet: Sheet, words: texts.Words):
        self._sheet, self._words = sheet, texts.cleaned(sheet.text, words)

    @cached_property
    def _hits(self) -> list[Hit]:
        sheet = self._sheet
        return [] if sheet.shown == sheet.language else glossary.marked(sheet.beside, sheet.shown, sheet.language)

    @property
    def sides(self) -> dict[str, Side]:
        """By field."""
        model = texts.thing_of(self._sheet.text).translations.model
        found = {}
        for name, value in self._sheet.beside.items():
            html = richtext.clean(value) if name in RICH else escape(value, quote=False)
            marked = _marked(html, [hit for hit in self._hits if hit.field == name])
            found[name] = Side(name, str(model._meta.get_field(name).verbose_name), marked)
        return found

    @property
    def terms(self) -> list[Told]:
        told: dict[str, Told] = {}
        for hit in self._hits:
            told.setdefault(hit.words.lower(), Told(hit.words, hit.offered, hit.why))
        return list(told.values())

    @property
    def remembered(self) -> list[Remembered]:
        sheet = self._sheet
        if sheet.is_source:
            return []
        wanted = segments.cut(sheet.original, sheet.source.language)
        offers = memory.offers(wanted, sheet.source.language, sheet.language, but=sheet.text.pk)
        return [
            Remembered(one.key, one.plain, [(offer, _insertable(one, offer.words)) for offer in offers[one.key]])
            for one in wanted
            if one.key in offers
        ]

    @property
    def shapes(self) -> dict[str, list[int]]:
        """By field, how many sentences each block of the source has: where a translation is divided in the same way,
        it is known which sentence stands for which."""
        sheet = self._sheet
        if sheet.is_source:
            return {}
        cut = {name: segments.blocks(name, value, sheet.source.language) for name, value in sheet.original.items()}
        return {name: [len(one.segments) for one in blocks if one.segments] for name, blocks in cut.items()}

    @property
    def has_words(self) -> bool:
        return texts.says_something(self._words)

    @cached_property
    def warnings(self) -> list[warnings.Warning]:
        """What differs from the source or had better be said otherwise."""
        sheet = self._sheet
        sources = list(sheet.thing.sources.all()) if isinstance(sheet.thing, Item) else None
        return warnings.of(sheet.original, self._words, sheet.source.language, sheet.language, sources)


def _marked(html: str, hits: Iterable[Hit]) -> SafeString:
    """Clean html in which the words of the hits are marked, wherever they stand between tags."""
    offered = {escape(hit.words, quote=False): hit.offered for hit in hits}
    if not offered:
        return mark_safe(html)  # noqa: S308  # cleaned, or escaped, by the caller
    longest_first = "|".join(re.escape(words) for words in sorted(offered, key=len, reverse=True))
    wanted = re.compile(rf"(?<!\w)({longest_first})(?!\w)")

    def mark(found: re.Match) -> str:
        title = " · ".join(offered[found[1]])
        return format_html('<mark title="{}">{}</mark>', title, mark_safe(found[1]))  # noqa: S308  # as it was

    parts = [part if part.startswith("<") else wanted.sub(mark, part) for part in _TAG.split(html)]
    return mark_safe("".join(parts))  # noqa: S308  # the caller's, with marks around escaped words


def _insertable(segment: Segment, words: str) -> str:
    """Remembered words as they go into their field: with the source's own links and bold where they fit."""
    if segment.key.partition(".")[0] not in RICH:
        return segments.without_marks(words)
    try:
        return segments.restored(segment, words)
    except segments.Damaged:
        return escape(segments.without_marks(words), quote=False)
