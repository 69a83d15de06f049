"""What came back in a file, compared with what is here: what would be taken over, and what is refused and why.

`propose` changes nothing. `apply` takes over what a person has seen proposed, if neither the translation nor its source
has changed since they looked. What is complete becomes the words that readers get, in review; what has gaps, or is said
to need more work, is kept as if somebody were still typing it.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext as _

from newsletter.models import Issue, Revision, Text
from newsletter.translation import access, changes, segments, texts
from newsletter.translation.changes import Piece
from newsletter.translation.exchange import po, units, xliff
from newsletter.translation.exchange.units import File, Returned, Sheet, Unit, Unreadable, fingerprint, tidy
from newsletter.translation.segments import GAP, Damaged
from picum.accounts import audit
from picum.accounts.models import User


class Kind(StrEnum):
    TAKE = "take"  # new words
    STILL_RIGHT = "still-right"  # our words, which were outdated: the file says that they are right as they are
    SAME = "same"
    EMPTY = "empty"
    STALE = "stale"  # the source has other words now
    DAMAGED = "damaged"  # marks are missing, or there are strange ones
    MEANWHILE = "meanwhile"  # changed in the file and here
    IN_PART = "in-part"  # of what can only be replaced as a whole, something is missing
    UNKNOWN = "unknown"


REFUSED = [Kind.STALE, Kind.DAMAGED, Kind.MEANWHILE, Kind.IN_PART, Kind.UNKNOWN]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a sentence. `unit`: where it stands now, None where it has no place any more."""

    kind: Kind
    returned: Returned
    unit: Unit | None = None
    why: str = ""
    source_now: str = ""  # of one that is stale: what stands in its place

    @property
    def is_refused(self) -> bool:
        return self.kind in REFUSED

    @property
    def source(self) -> str:
        return segments.without_marks(self.returned.source)

    @property
    def words(self) -> str:
        return segments.without_marks(self.returned.target)

    @property
    def here(self) -> str:
        """What stands here."""
        return segments.without_marks(self.unit.here) if self.unit else ""

    @property
    def difference(self) -> list[Piece]:
        """From what stands here to what the file says; of one that is stale, from the source then to that of now."""
        if self.kind == Kind.STALE:
            return changes.between(self.source, self.source_now)
        return changes.between(self.here, self.words)


@dataclass(frozen=True)
class Proposal:
    """What becomes of one thing."""

    sheet: Sheet
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def taken(self) -> dict[str, str]:
        """New words by their sentence's key."""
        return {one.unit.key: one.returned.target for one in self.verdicts if one.kind == Kind.TAKE}

    @property
    def confirmed(self) -> list[str]:
        return [one.unit.key for one in self.verdicts if one.kind == Kind.STILL_RIGHT]

    @property
    def is_unfinished(self) -> bool:
        """Will it be kept, and not be what readers get?"""
        told = (one.returned for one in self.verdicts if one.kind == Kind.TAKE)
        return has_gaps(self.sheet, self.taken) or any(one.is_open and not one.was_open for one in told)

    @property
    def changes_something(self) -> bool:
        return bool(self.taken or self.confirmed)

    @property
    def shown(self) -> list[Verdict]:
        return [one for one in self.verdicts if one.kind not in (Kind.SAME, Kind.EMPTY)]

    @property
    def refused(self) -> int:
        return sum(one.is_refused for one in self.verdicts)


@dataclass(frozen=True)
class Wish:
    """A proposal as a person has seen and confirmed it. `seen`: revision and `working_number` of the text, and the
    revision of its source."""

    name: str
    seen: tuple[int, int, int]
    taken: Mapping[str, str]
    confirmed: list[str]
    is_unfinished: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a thing: "stored", "kept" or "refused"."""

    sheet: Sheet
    what: str
    why: str = ""


# --- reading ----------------------------------------------------------------------------------------------------------


def read(content: bytes, language: str) -> File:
    """An uploaded file, in whichever of our formats it is. Raises Unreadable, also for another language."""
    begins = content[:100].removeprefix(b"\xef\xbb\xbf").lstrip()
    is_xml = begins.startswith(b"<") or begins[:2] in (b"\xff\xfe", b"\xfe\xff")
    file = xliff.read(content) if is_xml else po.read(content)
    if file.language not in ("", language):
        told = {"there": file.language.upper(), "here": language.upper()}
        raise Unreadable(_("The file is in another language (%(there)s) than this page (%(here)s).") % told)
    return file


# --- comparing --------------------------------------------------------------------------------------------------------


def propose(sheets: Iterable[Sheet], file: File) -> tuple[list[Proposal], list[Verdict]]:
    """What would become of each thing, and the sentences that belong to none. Nothing is asked of the database."""
    proposals = {sheet.name: Proposal(sheet) for sheet in sheets}
    strangers = []
    for returned in file.sentences:
        if returned.name in proposals:
            proposals[returned.name].verdicts.append(Verdict(Kind.UNKNOWN, returned))
        elif returned.target:
            strangers.append(Verdict(Kind.UNKNOWN, returned, why=_("It does not belong to this issue.")))
    for proposal in proposals.values():
        proposal.verdicts[:] = _judged(proposal.sheet, [one.returned for one in proposal.verdicts])
    return list(proposals.values()), strangers


def _judged(sheet: Sheet, sentences: list[Returned]) -> list[Verdict]:
    places = _places(sheet, sentences)
    verdicts = [_judge(sheet, one, places.get(number)) for number, one in enumerate(sentences)]
    taken = {one.unit.key for one in verdicts if one.kind == Kind.TAKE}
    in_part = {unit.whole for unit in sheet.units if unit.whole and unit.key not in taken}
    why = _("The translation here is divided in another way, and of this part not every sentence is in the file.")
    return [
        replace(one, kind=Kind.IN_PART, why=why) if one.kind == Kind.TAKE and one.unit.whole in in_part else one
        for one in verdicts
    ]


def _places(sheet: Sheet, sentences: list[Returned]) -> dict[int, Unit]:
    """Where the file's sentences stand now, by their number: in their place, or, if they moved, where alone the same
    words stand in that field."""
    by_key = {unit.key: unit for unit in sheet.units}
    by_words: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    for unit in sheet.units:
        by_words[unit.field, _says(unit)].append(unit)
    places: dict[int, Unit] = {}
    taken: set[str] = set()
    for number, one in enumerate(sentences):
        unit = by_key.get(one.key)
        if unit and _says(unit) == one.source and unit.key not in taken:
            places[number] = unit
            taken.add(unit.key)
    for number, one in enumerate(sentences):
        like = by_words[one.key.partition(".")[0], one.source]
        if number not in places and len(like) == 1 and like[0].key not in taken:
            places[number] = like[0]
            taken.add(like[0].key)
    return places


def _says(unit: Unit) -> str:
    return tidy(unit.segment.words)


def _judge(sheet: Sheet, one: Returned, unit: Unit | None) -> Verdict:
    if one.fault:
        return Verdict(Kind.DAMAGED, one, unit, _damage(one.fault))
    if not one.target:
        return Verdict(Kind.EMPTY, one, unit)
    if one.target == (unit and unit.target) or fingerprint(one.target) == one.was:
        still_right = unit is not None and unit.is_outdated and not one.is_open and one.target == unit.target
        return Verdict(Kind.STILL_RIGHT if still_right else Kind.SAME, one, unit)
    if unit is None:
        now = next((_says(other) for other in sheet.units if other.key == one.key), "")
        if now == one.source:
            return Verdict(Kind.DAMAGED, one, None, _("This sentence stands in the file twice."))
        why = _("The original has changed since the file was made.")
        return Verdict(Kind.STALE, one, None, why, segments.without_marks(now))
    try:
        segments.check(unit.segment, one.target)
    except Damaged as damage:
        return Verdict(Kind.DAMAGED, one, unit, _damage(str(damage)))
    if unit.fingerprint != (one.was or "-"):
        why = _("Somebody has changed the translation here since the file was made.")
        return Verdict(Kind.MEANWHILE, one, unit, why)
    return Verdict(Kind.TAKE, one, unit)


def _damage(marks: str) -> str:
    return _("These marks are missing, or stand where they do not belong: %(marks)s") % {"marks": po.tagged(marks)}


def has_gaps(sheet: Sheet, taken: Mapping[str, str]) -> bool:
    """Will a sentence be missing, or stand as GAP in a field whose source leaves nothing out?"""
    said = {
        (unit.key, taken[unit.key]) if unit.key in taken else (unit.whole or unit.key, unit.here)
        for unit in sheet.units
    }
    here, there = Counter[str](), Counter[str]()
    for place, words in said:
        here[place.partition(".")[0]] += words.count(GAP)
    for unit in sheet.units:
        there[unit.field] += segments.left_out(unit.segment.plain)
    return not all(words for _place, words in said) or bool(here - there)


# --- taking over ------------------------------------------------------------------------------------------------------


def wish(proposal: Proposal) -> Wish:
    sheet = proposal.sheet
    return Wish(sheet.name, _numbers(sheet), proposal.taken, proposal.confirmed, proposal.is_unfinished)


def apply(issue: Issue, language: str, wishes: Iterable[Wish], *, by: User, now: datetime.datetime) -> list[Outcome]:
    """Takes over what was seen, each thing in a transaction of its own, so that one that has changed does not hold up
    the others. Audited. `issue` as for `units.sheets`."""
    sheets = {sheet.name: sheet for sheet in units.sheets(issue, language)}
    outcomes = [_take(sheets[one.name], one, by=by, now=now) for one in wishes if one.name in sheets]
    counts = {what: sum(one.what == what for one in outcomes) for what in ("stored", "kept", "refused")}
    audit.record("text.import", by=by, on=issue, language=language, **counts)
    return outcomes


@transaction.atomic
def _take(sheet: Sheet, wanted: Wish, *, by: User, now: datetime.datetime) -> Outcome:
    text = texts.locked(texts.find(sheet.thing, sheet.text.language))
    if (text.number, text.working_number, sheet.source.number) != tuple(wanted.seen) or _numbers(sheet) != wanted.seen:
        return Outcome(sheet, "refused", _("Somebody has changed it since you looked. Upload the file once more."))
    may_store = access.may_store(by, text)
    if not may_store and not wanted.taken:
        return Outcome(sheet, "refused", _("This edition went out: an editor decides what the archive says."))
    try:
        words = units.rebuilt(sheet, wanted.taken)
        said = _said(sheet, wanted)
        # What went out is changed by editors alone: they find a translator's words kept.
        if wanted.is_unfinished or has_gaps(sheet, wanted.taken) or not may_store:
            texts.keep(text, words, seen=text.working_number, source_seen=said, by=by, now=now)
            return Outcome(sheet, "kept")
        how = {"state": Text.State.REVIEW, "how": Revision.How.FILE, "seen": text.number, "source_seen": said}
        with transaction.atomic():
            texts.store(text, words, **how, by=by, now=now)
    except (texts.Conflict, texts.NotPossible, Damaged) as why:
        return Outcome(sheet, "refused", str(why))
    return Outcome(sheet, "stored")


def _said(sheet: Sheet, wanted: Wish) -> int | None:
    """The revision of the source that the words will say: the present one, unless some of them are outdated still."""
    outdated = {unit.key for unit in sheet.units if unit.is_outdated}
    is_new = outdated and outdated <= {*wanted.taken, *wanted.confirmed}
    return sheet.said if sheet.is_late and not is_new else sheet.source.number or None


def _numbers(sheet: Sheet) -> tuple[int, int, int]:
    return sheet.text.number, sheet.text.working_number, sheet.source.number
