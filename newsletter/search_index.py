"""What the search looks through is kept as the items are: `index` is called, in the same transaction, wherever an
item's words, places or sources change, and `forget` where an institution's name does. Names of sections, areas, rights
are not among the words. What was here before is made up for by `fill`.
"""

import re
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import unescape

from django.db.models import Exists, OuterRef

from newsletter import rendering, translating
from newsletter.models import Body, Item, ItemTranslation, SearchEntry
from newsletter.search_words import LONGEST
from newsletter.translation import stems
from picum import localising
from picum.doorbell import ring_on_commit

BATCH = 100  # items
APART = "|"  # between what must not be found as one phrase
_BLOCK = re.compile(r"</?(?:p|ul|ol|li|br)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"[^\W_]+")
_changed: ContextVar[set[int] | None] = ContextVar("changed", default=None)  # within `once`


def index(item: Item) -> None:
    """An item as it is now, in all its languages. Seven queries."""
    if (changed := _changed.get()) is None:
        write([item.pk])
    else:
        changed.add(item.pk)


@contextmanager
def once() -> Iterator[None]:
    """Items that change many times within are read at its end, all at once."""
    token = _changed.set(changed := set())
    try:
        yield
    finally:
        _changed.reset(token)
    write(changed)


def write(pks: Collection[int]) -> None:
    """Several at once, in the same number of queries."""
    items = Item.objects.filter(pk__in=pks).prefetch_related("translations", "bodies__translations", "sources")
    # Those of one language side by side: a search reads them together.
    entries = sorted((entry for item in items for entry in _entries(item)), key=lambda entry: entry.language)
    SearchEntry.objects.filter(item__in=pks).exclude(
        pk__in=_kept(pks, {(entry.item_id, entry.language) for entry in entries})
    ).delete()
    SearchEntry.objects.bulk_create(
        entries,
        update_conflicts=True,
        update_fields=["title", "words", "plain"],
        unique_fields=["language", "item"],
    )


def forget(body: Body) -> None:
    """An institution has another name: its items are read anew by a worker, rung for on commit, or within the hour.
    Until then the search does not know them."""
    if SearchEntry.objects.filter(item__in=Item.objects.filter(bodies=body)).delete()[0]:
        ring_on_commit("newsletter.upkeep", "index_items")


def _kept(pks: Collection[int], there: set[tuple[int, str]]) -> list[int]:
    rows = SearchEntry.objects.filter(item__in=pks).values_list("pk", "item", "language")
    return [pk for pk, item, language in rows if (item, language) in there]


def fill(*, seconds: float | None = None, anew: bool = False) -> tuple[int, bool]:
    """Items that the search does not know in one of their languages; `anew`: all of them. How many, and whether there
    are more, because time was up. A batch at a time."""
    done, last, ends = 0, 0, time.monotonic() + seconds if seconds is not None else None
    wanted = Item.objects.all() if anew else _unknown()
    while pks := list(wanted.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        write(pks)
        done, last = done + len(pks), pks[-1]
        if ends is not None and time.monotonic() > ends:
            return done, True
    return done, False


def _unknown():
    entries = SearchEntry.objects.filter(item=OuterRef("master"), language=OuterRef("language_code"))
    rows = ItemTranslation.objects.filter(~Exists(entries)).exclude(title="").exclude(text="")
    return Item.objects.filter(pk__in=rows.values("master"))


def _entries(item: Item) -> Iterable[SearchEntry]:
    for language, row in translating.texts(item).items():
        parts = [row.title, readable(row.text), rendering.place(item, language)]
        parts += [f"{source.outlet} {APART} {source.title}" for source in item.sources.all()]
        said = f" {APART} ".join(parts)
        yield SearchEntry(
            item=item,
            language=language,
            title=stemmed(row.title, language),
            words=stemmed(said, language),
            plain=folded(said),
        )


def readable(html: str) -> str:
    """Rich text as words; its paragraphs apart."""
    return unescape(_TAG.sub("", _BLOCK.sub(f" {APART} ", html)))


def stemmed(words: str, language: str) -> str:
    """ " stem stem | stem ": with blanks around each."""
    return _line(stems.of(part, language) for part in words.split(APART))


def folded(words: str) -> str:
    """The same with whole words, without accents and capitals."""
    return _line(_WORD.findall(localising.plain(part)) for part in words.split(APART))


def _line(parts: Iterable[list[str]]) -> str:
    # Without its accents a letter may be a blank and a mark: the isolated vowels of Arabic are.
    said = (" ".join(word[:LONGEST] for stem in part for word in stem.split()) for part in parts)
    return " " + f" {APART} ".join(filter(None, said)) + " "
