"""The one writer of texts: what is typed is kept, what is finished becomes the words that readers get, and each such
change leaves a revision.

Another door that writes parler's rows by itself (the item's form, a member's report) calls `noticed` in the same
transaction. A thing is an item, or an issue for the words around its items.
"""

import datetime
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter import references, search_index
from newsletter.models import Issue, Item, Revision, Text
from newsletter.translation import again, avoided, changes, refusals
from newsletter.translation.refusals import Conflict, NotPossible
from newsletter.translation.segments import RICH
from picum import richtext
from picum.accounts import audit
from picum.accounts.models import User
from picum.doorbell import ring_once_on_commit

How, State = Revision.How, Text.State
Words = dict[str, str]
FIELDS = {Item: ("title", "text"), Issue: ("subject", "masthead", "message", "donation")}
# The words around the items are written in English first.
AROUND = "en"
# The memory of translations learns what was approved, and forgets what was sent back.
LEARN = ("newsletter.upkeep", "learn_translations")
# What one person stores within one sitting is one revision.
SITTING = datetime.timedelta(minutes=10)


# --- reading --------------------------------------------------------------------------------------------------------


def thing_of(text: Text) -> Item | Issue:
    return text.item if text.item_id else text.issue


def fields_of(text: Text) -> tuple[str, ...]:
    return FIELDS[Item if text.item_id else Issue]


def source_language(text: Text) -> str:
    return text.item.original_language if text.item_id else AROUND


def is_source(text: Text) -> bool:
    return text.language == source_language(text)


def stored_words(thing: Item | Issue, language: str) -> Words:
    """The words that readers get, "" where there are none. Reads the prefetched rows."""
    row = next((row for row in thing.translations.all() if row.language_code == language), None)
    return {name: getattr(row, name, "") or "" for name in FIELDS[type(thing)]}


def cleaned(text: Text, words: Mapping[str, str]) -> Words:
    """All fields: rich text sanitised, its links to items of ours in the text's language; the others in one line."""
    return {
        name: references.in_language(richtext.clean(words.get(name, "")), text.language)
        if name in RICH
        else " ".join(words.get(name, "").split())
        for name in fields_of(text)
    }


def says_something(words: Mapping[str, str]) -> bool:
    return any(value.strip() for value in words.values())


def is_outdated(text: Text, source: Text | None) -> bool:
    """Has the meaning of the source changed since the text was made of it? One that was made of nothing that we know
    (it was here before its source) is not called outdated."""
    return (
        source is not None
        and text.language != source.language
        and text.number > 0
        and is_outdated_by(source, text.source_number)
    )


def is_outdated_by(source: Text, said: int | None) -> bool:
    """Has the meaning of the source changed since that revision of it?"""
    return said is not None and said < source.significant


def source_changes(text: Text, source: Text, *, since: int | None = None) -> list[changes.Change]:
    """What changed in the source since the text was made of it, or since another of its revisions. Two queries."""
    since = text.source_number if since is None else since
    if since is None or since == source.number:
        return []
    before = source.revisions.filter(number=since).values_list("words", flat=True).first()
    now = source.revisions.filter(number=source.number).values_list("words", flat=True).first()
    return changes.changed(before or {}, now or {}, source.language)


def find(thing: Item | Issue, language: str) -> Text:
    """The text, made if there is none yet; words that came by a road we do not know become its first revision. One
    query for a text that is there."""
    text = glimpse(thing, language)
    return text if text.pk else _found(thing, language)


def find_with_source(thing: Item | Issue, language: str) -> tuple[Text, Text | None]:
    """The text and that in the original language, as `find` and `source_of`; one query when both are there."""
    original = thing.original_language if isinstance(thing, Item) else AROUND
    found = Text.objects.filter(**_mine(thing), language__in={language, original})
    rows = {row.language: _with_its_thing(row, thing) for row in found}
    text = rows.get(language) or find(thing, language)
    source = rows.get(original) or find(thing, original)
    return text, source if source.number else None


@transaction.atomic
def _found(thing: Item | Issue, language: str) -> Text:
    text, created = _row(thing, language)
    if created and says_something(stored_words(thing, language)):
        return noticed(thing, language, by=None, how=How.FOUND, now=timezone.now())
    return text


def glimpse(thing: Item | Issue, language: str) -> Text:
    """The text to be looked at: nothing is made. One that is not there yet has no key."""
    there = Text.objects.filter(**_mine(thing), language=language).first()
    return _with_its_thing(there or Text(language=language), thing)


def _with_its_thing(text: Text, thing: Item | Issue) -> Text:
    """Who looks at a text asks for its thing next, and has it in hand."""
    is_item = isinstance(thing, Item)
    text.issue, text.item = thing.issue if is_item else thing, thing if is_item else None
    return text


def _mine(thing: Item | Issue) -> dict[str, Item | Issue | None]:
    return {"item": thing} if isinstance(thing, Item) else {"item": None, "issue": thing}


# --- typing ---------------------------------------------------------------------------------------------------------


def locked(text: Text) -> Text:
    """The row as it is now, with its thing, for the rest of the transaction: nobody else changes it meanwhile."""
    return Text.objects.select_for_update(of=("self",)).select_related("item", "issue").get(pk=text.pk)


def keep(
    text: Text, words: Mapping[str, str], *, seen: int, source_seen: int | None, by: User, now: datetime.datetime
) -> int:
    """What somebody is typing, until it is finished. `text`: as it is now, `locked` by the caller. `seen`: the
    `working_number` that their page has; returns the next one. Raises Conflict when another window kept other words
    meanwhile, and NotPossible when they are far too long."""
    refusals.check_length(words)
    typed = cleaned(text, words)
    if text.working == typed:
        return text.working_number
    fields = {"working": typed, "working_source": source_seen, "working_by": by, "working_at": now}
    if Text.objects.filter(pk=text.pk, working_number=seen).update(working_number=seen + 1, **fields):
        return seen + 1
    there = locked(text)
    if there.working == typed:
        return there.working_number
    raise Conflict(there.working or stored_words(thing_of(there), text.language), there.working_number)


@transaction.atomic
def discard(text: Text) -> None:
    """What was typed and not finished goes; the stored words stay as they are."""
    done = {"working": None, "working_source": None, "working_by": None, "working_at": None}
    Text.objects.filter(pk=text.pk).update(working_number=F("working_number") + 1, **done)


# --- storing --------------------------------------------------------------------------------------------------------


@transaction.atomic
def store(
    text: Text,
    words: Mapping[str, str],
    *,
    state: str,
    how: str,
    by: User | None,
    now: datetime.datetime,
    seen: int | None = None,
    source_seen: int | None = None,
    minor: bool = False,
    is_machine: bool = False,
) -> Text:
    """These are the words from now on, for readers too; what was being typed is done with. Nobody is told.

    `seen`: the `number` that the person has seen (None: whatever is stored). `source_seen`: the revision of the source
    that the words say (None: the present one). Raises Conflict when other words were stored meanwhile, and NotPossible
    when a field that readers need is empty.
    """
    text = locked(text)
    refusals.check_length(words)
    thing, words = thing_of(text), cleaned(text, words)
    there = stored_words(thing, text.language)
    if seen is not None and seen != text.number and words != there:
        raise Conflict(there, text.number)
    refusals.check_fields(thing, words)
    thing.translations.update_or_create(language_code=text.language, defaults=words)
    Text.objects.filter(pk=text.pk).update(machine=None, is_machine=is_machine)
    discard(text)
    return _settle(text, words, state=state, how=how, by=by, now=now, source_seen=source_seen, minor=minor)


@transaction.atomic
def noticed(
    thing: Item | Issue,
    language: str,
    *,
    by: User | None,
    how: str,
    now: datetime.datetime,
    minor: bool = False,
    state: str | None = None,
    source_seen: int | None = None,
) -> Text:
    """Somebody wrote parler's row by another door: a revision, if its words are new. `state` None: as it was, and a
    draft where there was nothing. `source_seen`: as in `store`."""
    text, _created = _row(thing, language)
    text = locked(text)
    row = thing_of(text).translations.filter(language_code=language).first()
    words = {name: getattr(row, name, "") or "" for name in fields_of(text)}
    if not says_something(words) and not text.number:
        return text
    if text.is_machine and text.revisions.first().words != words:
        Text.objects.filter(pk=text.pk).update(is_machine=False)
    state = state or text.state
    return _settle(text, words, state=state, how=how, by=by, now=now, source_seen=source_seen, minor=minor)


def _settle(
    text: Text,
    words: Words,
    *,
    state: str,
    how: str,
    by: User | None,
    now: datetime.datetime,
    source_seen: int | None,
    minor: bool,
) -> Text:
    """Revision, numbers and state of words that parler's row has by now. The row of the text is locked."""
    last, of_source = text.revisions.first(), is_source(text)
    fields: dict[str, object] = {}
    if last is None or last.words != words:
        number = _revise(text, last, words, how=how, by=by, now=now, minor=minor)
        fields = {"number": number, "changed_at": now, "avoided": avoided.number(words, text.language)}
        # Blanks and markup mean nothing: an editor that writes the same words in its own way outdates no translation.
        if last is None or (not minor and changes.changed(last.words, words, text.language)):
            fields["significant"] = number
    if not of_source and (source := source_of(text)):
        # Nobody has seen what is not there yet: such a translation would never be outdated again.
        fields["source_number"] = source.number if source_seen is None else _saying(source, source_seen)
    if state != text.state:
        fields |= {"state": state} | _approval(state, by, now)
    if fields:
        Text.objects.filter(pk=text.pk).update(**fields)
        if State.APPROVED in (state, text.state):
            ring_once_on_commit(*LEARN)
    if "number" in fields and text.item_id:
        search_index.index(text.item)
    text.refresh_from_db()
    if "number" in fields and of_source:
        _say_again(text, words)
    return text


def _say_again(source: Text, words: Words) -> None:
    """What was made of just these words before is not outdated by them."""
    numbers = again.before(source, words, below=source.significant)
    if numbers and again.say_now(_others(source), numbers, source.number):
        ring_once_on_commit(*LEARN)


def _saying(source: Text, seen: int) -> int:
    """The revision of the source that words say for which this one was seen: the present one, if it says the same."""
    if 0 < seen < source.significant:
        now = source.revisions.get(number=source.number).words
        return source.number if seen in again.before(source, now, below=source.significant) else seen
    return min(seen, source.number)


def _revise(
    text: Text, last: Revision | None, words: Words, *, how: str, by, now: datetime.datetime, minor: bool
) -> int:
    """The number of the revision that has these words: a new one, or the last one where the same person still sits."""
    fields = {"words": words, "how": how, "minor": minor, "at": now}
    sits = last and by and last.by_id == by.pk and (last.how, last.minor) == (how, minor) and now - last.at < SITTING
    if sits and not _followed(text, last):
        Revision.objects.filter(pk=last.pk).update(**fields)
        return last.number
    number = last.number + 1 if last else 1
    Revision.objects.create(text=text, number=number, by=by, by_label=str(by or "")[:150], **fields)
    return number


def _followed(text: Text, revision: Revision) -> bool:
    """Does a translation, finished or being typed, say this revision? Then it stays what it was."""
    if not is_source(text):
        return False
    return _others(text).filter(Q(source_number=revision.number) | Q(working_source=revision.number)).exists()


def _others(text: Text) -> QuerySet[Text]:
    """The same thing in the other languages."""
    return Text.objects.filter(issue=text.issue_id, item=text.item_id).exclude(pk=text.pk)


# --- moving on ------------------------------------------------------------------------------------------------------


@transaction.atomic
def approve(text: Text, *, by: User, now: datetime.datetime, seen: int | None = None) -> Text:
    """Its words may go out as they are; whatever was outdated in them is right for the present source. Audited. Raises
    NotPossible when there are no words, or gaps in them, or somebody is still typing others, and Conflict when they are
    not those that were `seen`."""
    text = _for_a_move(text, seen)
    check_gaps(text, stored_words(thing_of(text), text.language))
    fields = {"source_number": source.number} if (source := source_of(text)) and not is_source(text) else {}
    return _moved(
        text, "text.approve", by, state=State.APPROVED, is_machine=False, **fields, **_approval(State.APPROVED, by, now)
    )


@transaction.atomic
def send_back(text: Text, *, by: User, now: datetime.datetime) -> Text:
    """It is a draft again, for whoever has it. Audited. Raises NotPossible."""
    return _moved(_for_a_move(text, None), "text.send_back", by, state=State.DRAFT, **_approval(State.DRAFT, by, now))


@transaction.atomic
def still_right(text: Text, *, by: User, source_seen: int) -> Text:
    """The words say the source also as it is now: no longer outdated, its state as it was. `source_seen`: the revision
    that the person compared them with. Audited. Raises NotPossible."""
    text, source = _for_a_move(text, None), source_of(text)
    if source is None or source_seen > source.number:
        raise NotPossible(_("The original was changed once more meanwhile: please look again."))
    return _moved(text, "text.still_right", by, source_number=source_seen)


def assign(texts: Iterable[Text], *, to: User | None, due_on: datetime.date | None, by: User) -> None:
    """Who has them from now on, and until when. Audited; nobody is told."""
    pks = [text.pk for text in texts]
    with transaction.atomic():
        Text.objects.filter(pk__in=pks).update(assignee=to, due_on=due_on)
        for text in Text.objects.filter(pk__in=pks).select_related("issue", "item"):
            audit.record("text.assign", by=by, on=text, to=str(to or ""), due=due_on.isoformat() if due_on else "")


def check_gaps(text: Text, words: Mapping[str, str]) -> None:
    """Raises HasGaps when these words of a translation are not all of it."""
    if not is_source(text):
        refusals.check_gaps(stored_words(thing_of(text), source_language(text)), words)


def source_of(text: Text) -> Text | None:
    """The text in the original language, made if it has words and is not known yet; None while there are none."""
    source = find(thing_of(text), source_language(text))
    return source if source.number else None


def _for_a_move(text: Text, seen: int | None) -> Text:
    text = locked(text)
    if not text.number:
        raise NotPossible(_("There are no words yet."))
    if text.working is not None:
        raise NotPossible(_("Somebody is still writing this text: finish it, or drop what was typed."))
    if seen is not None and seen != text.number:
        raise Conflict(stored_words(thing_of(text), text.language), text.number)
    return text


def _moved(text: Text, deed: str, by: User, **fields) -> Text:
    Text.objects.filter(pk=text.pk).update(**fields)
    ring_once_on_commit(*LEARN)
    text.refresh_from_db()
    audit.record(deed, by=by, on=text)
    return text


def _approval(state: str, by: User | None, now: datetime.datetime) -> dict[str, object]:
    approved = state == State.APPROVED
    return {"approved_by": by if approved else None, "approved_at": now if approved else None}


def _row(thing: Item | Issue, language: str) -> tuple[Text, bool]:
    if isinstance(thing, Item):
        return Text.objects.get_or_create(item=thing, language=language, defaults={"issue_id": thing.issue_id})
    return Text.objects.get_or_create(issue=thing, item=None, language=language)
