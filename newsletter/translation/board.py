"""How far an issue is in each language: things × languages. Reads only; asks the same number of queries at any size."""

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, TextChoices
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from newsletter import translating
from newsletter.models import Issue, Item, Remark, Revision, Text
from newsletter.translation import access, changes, reading, texts
from picum.accounts.models import User

_TAG = re.compile(r"<[^>]*>")


class Stage(TextChoices):
    """How far one thing is in one language, as people say it."""

    MISSING = "missing", pgettext_lazy("text", "missing")
    DRAFT = "draft", pgettext_lazy("text", "draft")
    REVIEW = "review", pgettext_lazy("text", "in review")
    APPROVED = "approved", pgettext_lazy("text", "approved")
    OUTDATED = "outdated", pgettext_lazy("text", "outdated")


# Whoever has it still has something to write.
TO_DO = (Stage.MISSING, Stage.DRAFT, Stage.OUTDATED)


@dataclass(frozen=True)
class Cell:
    """One thing in one language.

    `state`: the text's own, which `stage` hides where it is outdated. `number` and `source_number`: the present
    revisions of its words and of those in the original language, 0 where none is known. `changes`: what changed in the
    original since these words were made of it. `avoided`: how many words of the glossary that are to be avoided readers
    would get. `words_left`: about how many words of the original are still to be translated.
    """

    language: str
    stage: Stage
    state: str
    is_source: bool
    number: int
    source_number: int
    assignee: User | None
    due_on: datetime.date | None
    is_late: bool
    is_machine: bool
    has_remarks: bool
    avoided: int
    changes: tuple[changes.Change, ...]
    words_left: int


@dataclass(frozen=True)
class Row:
    """One thing: an item, or without one the words around the items. `title` is in its original language or,
    as long as it has none there, in another, "" if there is none at all; `cells` are those of the languages that the
    person may see, `source` the original one."""

    item: Item | None
    title: str
    title_language: str
    source: Cell
    cells: dict[str, Cell]


@dataclass(frozen=True)
class Column:
    """A language over all things: how many of them are at which stage, and who reads it."""

    language: str
    counts: Counter
    words_left: int
    reading: reading.Reading


@dataclass(frozen=True)
class Board:
    """`rows`: the words around the items, then the items in their order. `writable`: the languages in which the person
    may write; who only sends sees all and writes in none."""

    issue: Issue
    rows: list[Row]
    columns: list[Column]
    writable: list[str]


def of(issue: Issue, user: User, *, on: datetime.date) -> Board:
    """The board of an issue as somebody may see it on a day. Wants `Issue.objects.with_contents()`. Three queries, four
    when something is outdated, and those of `access.languages_of`."""
    writable = access.languages_of(user)
    languages = writable or translating.LANGUAGES
    things = [_Thing.of(thing) for thing in (issue, *issue.items.all())]
    _fill(things, issue)
    rows = [_row(thing, languages, on) for thing in things]
    noon = datetime.datetime.combine(on, datetime.time(12), timezone.get_default_timezone())
    readings = reading.of(issue, at=noon)
    return Board(issue, rows, [_column(language, rows, readings[language]) for language in languages], writable)


def stage_of(text: Text | None, *, says_something: bool, outdated: bool) -> Stage:
    """`says_something`: are there words that readers would get? `outdated`: see `texts.is_outdated`."""
    if text and text.working is not None:
        return Stage.DRAFT
    if not says_something:
        return Stage.MISSING
    if text is None or text.state == Text.State.DRAFT:
        return Stage.DRAFT
    return Stage.OUTDATED if outdated else Stage(text.state)


def is_late(stage: Stage, due_on: datetime.date | None, *, on: datetime.date) -> bool:
    return due_on is not None and due_on < on and stage in TO_DO


def says_something(thing: Item | Issue, language: str) -> bool:
    """Would readers get words in this language? Reads the prefetched rows."""
    return language in _saying(thing, _stored(thing))


def stages(items: Sequence[Item]) -> dict[int, dict[str, Stage]]:
    """How far items are in each of our languages, by their numbers. One query when they came with their words."""
    things = {item.pk: _Thing.of(item) for item in items}
    shown = ("item_id", "language", "state", "number", "significant", "source_number", "working")
    for text in Text.objects.filter(item__in=things).only(*shown):
        things[text.item_id].texts[text.language] = text
    return {pk: {code: thing.stage(code) for code in translating.LANGUAGES} for pk, thing in things.items()}


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass
class _Thing:
    """An item or the issue, with its words and its texts by language, and what changed in the original by the revision
    that a translation says. `saying`: the languages in which readers would get words."""

    thing: Item | Issue
    original: str
    words: dict[str, texts.Words]
    saying: set[str]
    texts: dict[str, Text] = field(default_factory=dict)
    since: dict[int, tuple[changes.Change, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, thing: Item | Issue) -> "_Thing":
        # Read once: four hundred cells ask for them.
        words = _stored(thing)
        original = thing.original_language if isinstance(thing, Item) else texts.AROUND
        return cls(thing, original, words, _saying(thing, words))

    @property
    def source(self) -> Text | None:
        return self.texts.get(self.original)

    @property
    def outdated(self) -> list[Text]:
        return [text for text in self.texts.values() if texts.is_outdated(text, self.source)]

    def stage(self, language: str) -> Stage:
        text = self.texts.get(language)
        outdated = text is not None and texts.is_outdated(text, self.source)
        return stage_of(text, says_something=language in self.saying, outdated=outdated)


def _stored(thing: Item | Issue) -> dict[str, texts.Words]:
    """What is stored, by language. Reads the prefetched rows, once."""
    names = texts.FIELDS[type(thing)]
    return {row.language_code: {name: getattr(row, name) or "" for name in names} for row in thing.translations.all()}


def _saying(thing: Item | Issue, stored: dict[str, texts.Words]) -> set[str]:
    if isinstance(thing, Item):
        return set(translating.texts(thing))
    return {language for language, words in stored.items() if texts.says_something(words)}


def _fill(things: Sequence[_Thing], issue: Issue) -> None:
    """Read their texts, and the revisions that are to be compared."""
    by_key = {thing.thing.pk if isinstance(thing.thing, Item) else None: thing for thing in things}
    open_remarks = Remark.objects.filter(text=OuterRef("pk"), settled_at=None)
    rows = issue.texts.select_related("assignee").annotate(has_remarks=Exists(open_remarks))
    for text in rows:
        if text.item_id in by_key:
            by_key[text.item_id].texts[text.language] = text
    wanted = {
        (thing.source.pk, number)
        for thing in things
        for text in thing.outdated
        for number in (text.source_number, thing.source.number)
    }
    found = Revision.objects.filter(text__in={pk for pk, _n in wanted}, number__in={number for _pk, number in wanted})
    said = {(pk, number): words for pk, number, words in found.values_list("text", "number", "words")}
    for thing in things:
        for number in {text.source_number for text in thing.outdated}:
            before, now = (said.get((thing.source.pk, one), {}) for one in (number, thing.source.number))
            thing.since[number] = tuple(changes.changed(before, now, thing.original))


def _row(thing: _Thing, languages: Sequence[str], on: datetime.date) -> Row:
    words = thing.words.get(thing.original, {})
    cells = {code: _cell(thing, code, words, on) for code in {*languages, thing.original}}
    title, language = _titled(thing.words, thing.original)
    return Row(
        item=thing.thing if isinstance(thing.thing, Item) else None,
        title=title,
        title_language=language,
        source=cells[thing.original],
        cells={code: cells[code] for code in languages},
    )


def titled(thing: Item | Issue, original: str) -> tuple[str, str]:
    """What an item is called, and in which language: in the original one, or in the first that has a title."""
    return _titled(_stored(thing), original)


def _titled(words: dict[str, texts.Words], original: str) -> tuple[str, str]:
    for code in (original, *translating.LANGUAGES):
        if title := words.get(code, {}).get("title", ""):
            return title, code
    return "", original


def _cell(thing: _Thing, language: str, source_words: texts.Words, on: datetime.date) -> Cell:
    text, source = thing.texts.get(language), thing.source
    stage = thing.stage(language)
    changed = thing.since[text.source_number] if text and texts.is_outdated(text, source) else ()
    due_on = text.due_on if text else None
    return Cell(
        language=language,
        stage=stage,
        state=text.state if text else Text.State.DRAFT,
        is_source=language == thing.original,
        number=text.number if text else 0,
        source_number=source.number if source else 0,
        assignee=text.assignee if text else None,
        due_on=due_on,
        is_late=is_late(stage, due_on, on=on),
        is_machine=bool(text and (text.is_machine if language in thing.saying else text.machine)),
        has_remarks=bool(text and text.has_remarks),
        avoided=text.avoided if text and language in thing.saying else 0,
        changes=changed,
        words_left=0 if language == thing.original else _words_left(text, stage, source_words, changed),
    )


def _words_left(text: Text | None, stage: Stage, source: texts.Words, changed: Sequence[changes.Change]) -> int:
    """Roughly: a translation that is being typed is as long as its original."""
    if text and text.working is not None:
        return max(0, _count(source) - _count(text.working))
    if stage == Stage.MISSING:
        return _count(source)
    return sum(len(change.now.split()) for change in changed)


def _count(words: texts.Words) -> int:
    return sum(len(_TAG.sub(" ", value).split()) for value in words.values())


def _column(language: str, rows: Sequence[Row], readings: reading.Reading) -> Column:
    cells = [row.cells[language] for row in rows]
    counts = Counter(cell.stage for cell in cells)
    return Column(language, counts, sum(cell.words_left for cell in cells), readings)
