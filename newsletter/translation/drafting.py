"""What the translator's page does with a text: typed words are kept, a machine's draft is taken over, and what is done
is handed on. Each of it all or nothing."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from newsletter.models import Revision, Text
from newsletter.translation import access, texts
from picum.accounts.models import User

State = Text.State


@dataclass(frozen=True)
class Seen:
    """What a page shows: the text's `working_number` and `number`, and the revision of the source beside them (None:
    it was not known yet)."""

    working: int
    number: int
    source: int | None


@transaction.atomic
def keep(text: Text, words: Mapping[str, str], *, seen: Seen, by: User, now: datetime.datetime) -> int:
    """Keeps what is typed, as `texts.keep` does; but who types back to the stored words has nothing unfinished any
    more. Returns the next `working_number`; raises Conflict."""
    text = texts.locked(text)
    goes_back = text.number > 0 and texts.cleaned(text, words) == stored(text)
    if goes_back and text.working is None:
        return text.working_number
    number = texts.keep(text, words, seen=seen.working, source_seen=seen.source, by=by, now=now)
    if not goes_back:
        return number
    texts.discard(text)
    return number + 1


@transaction.atomic
def finish(
    text: Text, words: Mapping[str, str], *, approves: bool, seen: Seen, by: User, now: datetime.datetime
) -> Text:
    """The words are done: they are stored and in review, or approved at once. What was approved and is handed on as it
    stands stays approved. Raises Conflict, also for words that another window kept, and NotPossible, with `HasGaps`
    where sentences are missing."""
    text = texts.locked(text)
    may_store(text, by)
    texts.check_gaps(text, words)
    texts.keep(text, words, seen=seen.working, source_seen=seen.source, by=by, now=now)
    state = State.APPROVED if _stays_approved(text, words) else State.REVIEW
    done = texts.store(
        text,
        words,
        state=state,
        how=Revision.How.PAGE,
        by=by,
        now=now,
        seen=seen.number,
        source_seen=seen.source,
        is_machine=is_machines(text, words),
    )
    return texts.approve(done, by=by, now=now) if approves else done


@transaction.atomic
def take_draft(text: Text, *, seen: Seen, by: User, now: datetime.datetime) -> None:
    """The machine's draft is what is being typed from now on, of the source as the machine had it. Raises Conflict and
    NotPossible."""
    text = texts.locked(text)
    if not text.machine:
        raise texts.NotPossible(_("There is no draft by a machine."))
    source = text.machine_source or seen.source
    texts.keep(text, text.machine, seen=seen.working, source_seen=source, by=by, now=now)


def may_store(text: Text, by: User) -> None:
    """Raises NotPossible for a translator when the edition went out."""
    if not access.may_store(by, text):
        raise texts.NotPossible(
            _("This edition went out. Write a remark below: an editor can still change the archive.")
        )


def is_machines(text: Text, words: Mapping[str, str]) -> bool:
    """Are these a machine's words that nobody has touched?"""
    mine = texts.cleaned(text, words)
    if text.is_machine and mine == stored(text):
        return True
    return bool(text.machine) and mine == texts.cleaned(text, text.machine)


def stored(text: Text) -> texts.Words:
    return texts.stored_words(texts.thing_of(text), text.language)


def _stays_approved(text: Text, words: Mapping[str, str]) -> bool:
    same = text.state == State.APPROVED and texts.cleaned(text, words) == stored(text)
    return same and not texts.is_outdated(text, texts.source_of(text))
