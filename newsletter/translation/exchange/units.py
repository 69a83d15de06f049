"""What is exchanged of an issue in one language: every sentence of its items and of the words around them, beside the
words that stand in its place, with what is needed to know afterwards whether either has changed meanwhile."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.db.models import Q
from django.utils.translation import gettext as _

from newsletter.models import Issue, Item, Revision, Text
from newsletter.translation import changes, segments, texts
from newsletter.translation.glossary import Glossary
from newsletter.translation.segments import GAP, MARK, RICH, Block, Damaged, Segment

SENTENCES = 5_000  # of a file; an issue of 60 items has a thousand
AROUND = "around"  # the name of the words around the items; items are "item-12"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG_NAME = re.compile(r"<(\w+)")


class Unreadable(ValueError):
    """The file is none of ours, damaged, or far too large; the message says so to the person."""


def check_number(sentences: int) -> None:
    """Before anything is done with them. Raises Unreadable."""
    if sentences > SENTENCES:
        raise Unreadable(_("The file has more than %d sentences, and no issue has so many.") % SENTENCES)


@dataclass(frozen=True)
class Returned:
    """A sentence as a file brings it back, with marks. `was`: `Unit.fingerprint` of the time of the export, None where
    the file lost it. `is_open`: the file says that it needs more work; `was_open`: it said so when it left us, and the
    program may never change that. `fault`: why it cannot be read, if so."""

    name: str  # "item-12", of the thing
    key: str  # "text.0.1", of the sentence
    source: str
    target: str
    was: str | None = None
    is_open: bool = False
    was_open: bool = False
    fault: str = ""


@dataclass(frozen=True)
class File:
    """A file that was read: the language it says it is in, "" for none, and its sentences."""

    language: str
    sentences: list[Returned]


@dataclass(frozen=True)
class Unit:
    """A sentence of the source. `ours`: the sentences that stand in its place, with markup of their own. `whole`: where
    the translation is divided in another way, the field or block ("text", "text.2") that can only be replaced as one;
    then `stands` are its words."""

    segment: Segment
    ours: tuple[Segment, ...] = ()
    whole: str = ""
    stands: str = ""
    is_outdated: bool = False
    hints: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.segment.key

    @property
    def field(self) -> str:
        return self.key.partition(".")[0]

    @property
    def target(self) -> str:
        """The translation in the source's marks; without any where it has others than its source; "" for none."""
        if not self.ours or (self.plain == GAP and self.segment.plain != GAP):
            return ""
        marked = in_the_marks_of(self.segment, self.ours)
        return tidy(self.plain if marked is None else marked)

    @property
    def plain(self) -> str:
        return " ".join(segment.plain for segment in self.ours)

    @property
    def here(self) -> str:
        """What stands here now and would be replaced."""
        return self.target or self.stands

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.here)


@dataclass(frozen=True)
class Sheet:
    """One thing in one language. `words`: the present ones, those that are being typed before those that are stored.
    `said`: the revision of the source that they say."""

    name: str
    title: str
    thing: Item | Issue
    text: Text
    source: Text
    source_words: Mapping[str, str]
    words: Mapping[str, str]
    said: int | None
    units: list[Unit] = field(default_factory=list)

    @property
    def is_approved(self) -> bool:
        return self.text.state == Text.State.APPROVED and self.text.working is None and bool(self.text.number)

    @property
    def is_late(self) -> bool:
        return texts.is_outdated_by(self.source, self.said)

    @property
    def needs_work(self) -> bool:
        return any(unit.is_outdated or not unit.here for unit in self.units)


def sheets(issue: Issue, language: str) -> list[Sheet]:
    """All that is translated into a language, the words around the items first; what is written in it, or has no words
    yet, is left out. Wants `Issue.objects.with_contents()`; three queries beside those."""
    rows = {(row.item_id, row.language): row for row in Text.objects.filter(issue=issue)}
    found = []
    for thing in [issue, *issue.items.all()]:
        mine = {"issue": issue, "item": thing if isinstance(thing, Item) else None}
        item_id = thing.pk if isinstance(thing, Item) else None
        text = rows.get((item_id, language)) or Text(**mine, language=language)
        text.issue, text.item = mine["issue"], mine["item"]
        original = texts.source_language(text)
        source = rows.get((item_id, original)) or Text(**mine, language=original)
        source_words = texts.stored_words(thing, original)
        if original == language or not texts.says_something(source_words):
            continue
        found.append(_sheet(thing, text, source, source_words))
    return _with_units(found, Glossary.read({language, *(sheet.source.language for sheet in found)}))


def make_known(issue: Issue, language: str) -> None:
    """Words that came by a road we do not know become first revisions, so that a file can name them. One query, if
    there are none."""
    known = set(Text.objects.filter(issue=issue).values_list("item_id", "language"))
    for thing in [issue, *issue.items.all()]:
        is_item = isinstance(thing, Item)
        for code in {language, thing.original_language if is_item else texts.AROUND}:
            there = (thing.pk if is_item else None, code) in known
            if not there and texts.says_something(texts.stored_words(thing, code)):
                texts.find(thing, code)


def fingerprint(words: str) -> str:
    """12 letters and digits; "-" for no words."""
    words = tidy(words)
    return hashlib.sha256(words.encode()).hexdigest()[:12] if words else "-"


def tidy(words: str) -> str:
    """In one line, without what XML cannot hold: what no file changes by being written and read."""
    return " ".join(_NOT_IN_XML.sub("", words).split())


def in_the_marks_of(source: Segment, ours: Iterable[Segment]) -> str | None:
    """Translated sentences with the numbers that their marks have in the source: the same tag, or else the next one of
    its kind. None if there are not just as many."""
    tags = {number: tag for segment in ours for number, tag in segment.tags.items()}
    free, called = dict(source.tags), {}
    for alike in (str, _anywhere, _kind):
        for number, tag in tags.items():
            match = next((one for one, other in free.items() if alike(other) == alike(tag)), None)
            if number not in called and match is not None:
                called[number] = match
                del free[match]
    if free or len(called) < len(tags):
        return None
    joined = " ".join(segment.words for segment in ours)
    words = MARK.sub(lambda mark: f"⟦{mark[1]}{called[mark[2]]}{mark[3]}⟧", joined)
    try:
        segments.check(source, words)
    except Damaged:
        return None
    return words


def _anywhere(tag: str) -> str:
    """Links to items of ours lead to their page in the language of the text."""
    return re.sub(r'("https?://[^/"]+/)[a-z]{2}/', r"\1", tag)


def _kind(tag: str) -> str:
    return _TAG_NAME.match(tag)[1]


def _sheet(thing: Item | Issue, text: Text, source: Text, source_words: Mapping[str, str]) -> Sheet:
    typed = text.working is not None
    is_item = isinstance(thing, Item)
    return Sheet(
        name=f"item-{thing.pk}" if is_item else AROUND,
        title=source_words["title"] if is_item else _("The words around the items"),
        thing=thing,
        text=text,
        source=source,
        source_words=source_words,
        words=text.working if typed else texts.stored_words(thing, text.language),
        said=text.working_source if typed else text.source_number,
    )


def _with_units(found: list[Sheet], glossary: Glossary) -> list[Sheet]:
    late = _late(found)
    for sheet in found:
        hints: dict[str, list[str]] = {}
        for hit in glossary.marked(sheet.source_words, sheet.source.language, sheet.text.language):
            hints.setdefault(hit.sentence, []).append(f"{hit.words} → {', '.join(hit.offered)}")
        for name, value in segments.in_order(sheet.source_words):
            sheet.units.extend(_units(sheet, name, value, late[sheet.name], hints))
    return found


def _units(sheet: Sheet, name: str, value: str, late: "_Late", hints: Mapping[str, list[str]]) -> Iterable[Unit]:
    """As `segments.pairs`, with what cannot be paired."""
    theirs = segments.blocks(name, value, sheet.source.language)
    ours = segments.blocks(name, sheet.words.get(name, ""), sheet.text.language)
    for number, block in enumerate(theirs):
        there = ours[number] if len(ours) == len(theirs) else None
        whole, stands = (f"{name}.{number}", _plain([there])) if there else (name, _plain(ours))
        paired = _paired(block, there)
        for segment, own in zip(block.segments, paired or [()] * len(block.segments), strict=True):
            unit = Unit(segment, own, hints=tuple(hints.get(segment.plain, ())))
            if paired is None and stands:
                unit = replace(unit, whole=whole, stands=stands)
            yield replace(unit, is_outdated=bool(unit.here) and late.is_outdated(unit))


def _plain(blocks: Iterable[Block]) -> str:
    return " ".join(segment.plain for block in blocks for segment in block.segments)


def _paired(block: Block, there: Block | None) -> list[tuple[Segment, ...]] | None:
    if there is None:
        return None
    if len(block.segments) == len(there.segments):
        return [(segment,) for segment in there.segments]
    return [tuple(there.segments)] if len(block.segments) == 1 else None


@dataclass(frozen=True)
class _Late:
    """What changed in a source since it was translated: sentences by their keys, and whether some were left out."""

    keys: frozenset[str] = frozenset()
    left_out: bool = False

    def is_outdated(self, unit: Unit) -> bool:
        return unit.key in self.keys or (self.left_out and (bool(unit.whole) or len(unit.ours) > 1))


def _late(found: list[Sheet]) -> dict[str, _Late]:
    """By the things' names. One query, if anything is late."""
    late = [sheet for sheet in found if sheet.is_late]
    wanted = Q(pk=None)
    for sheet in late:
        wanted |= Q(text=sheet.source.pk, number=sheet.said)
    before = {row.text_id: row.words for row in Revision.objects.filter(wanted)} if late else {}
    told = {sheet.name: _Late() for sheet in found}
    for sheet in late:
        then = before.get(sheet.source.pk, {})
        changed = changes.changed(then, sheet.source_words, sheet.source.language)
        keys = frozenset(key for change in changed for key in change.keys)
        told[sheet.name] = _Late(keys, any(not change.keys for change in changed))
    return told


# --- put together again -----------------------------------------------------------------------------------------------


def rebuilt(sheet: Sheet, taken: Mapping[str, str]) -> texts.Words:
    """The present words with some sentences replaced, by key; what has no translation yet is GAP, in a field of which
    something is translated. Sentences that are left alone keep their own markup. Raises Damaged."""
    words = {}
    for name, value in segments.in_order(sheet.source_words):
        units = [unit for unit in sheet.units if unit.field == name]
        if any(unit.key in taken for unit in units):
            words[name] = _rebuilt_field(sheet, name, value, {unit.key: unit for unit in units}, taken)
        else:
            words[name] = sheet.words.get(name, "")
    return words


def _rebuilt_field(sheet: Sheet, name: str, value: str, units: Mapping[str, Unit], taken: Mapping[str, str]) -> str:
    ours = segments.blocks(name, sheet.words.get(name, ""), sheet.text.language)
    html = ""
    lines = []
    for number, block in enumerate(segments.blocks(name, value, sheet.source.language)):
        mine = [units[segment.key] for segment in block.segments]
        if mine and mine[0].whole and not any(unit.key in taken for unit in mine):
            said = [_own(name, segment) for segment in ours[number].segments]
        else:
            said = [_said(unit, taken) for unit in mine]
        html += block.before + " ".join(said) + block.after
        lines += said
    return html.replace(" <br>", "<br>") if name in RICH else " ".join(lines)


def _said(unit: Unit, taken: Mapping[str, str]) -> str:
    if unit.key not in taken:
        return " ".join(_own(unit.field, segment) for segment in unit.ours) or GAP
    return segments.restored(unit.segment, taken[unit.key]) if unit.field in RICH else taken[unit.key]


def _own(name: str, segment: Segment) -> str:
    return segments.restored(segment, segment.words) if name in RICH else segment.words
