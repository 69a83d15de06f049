"""What a text said before: its versions, what differs between any two, and back to one of them."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from newsletter.models import Revision, Text
from newsletter.translation import access, drafting, texts
from newsletter.translation.changes import Change, changed
from picum.accounts import audit
from picum.accounts.models import User

State = Text.State


def versions(text: Text) -> list[Revision]:
    """Newest first. One query; none for a text that is only glimpsed."""
    return list(text.revisions.select_related("by")) if text.pk else []


def between(text: Text, earlier: Revision, later: Revision) -> list[Change]:
    """The sentences that differ; [] when only blanks or markup do."""
    return changed(earlier.words, later.words, text.language)


@transaction.atomic
def restore(
    text: Text, number: int, *, by: User, now: datetime.datetime, seen: int | None = None, minor: bool = False
) -> Text:
    """An earlier version is what readers get again, as a new version: nothing is lost. What was approved stays so when
    a person who may approve does this, and must be looked at again otherwise. A translation says what its source said
    when that version was written, and so may be outdated. Audited. Raises `texts.Conflict` when the text is not at
    `seen` any more, `texts.NotPossible` when there is no such version, or somebody is typing."""
    text = Text.objects.select_for_update().get(pk=text.pk)
    version = text.revisions.filter(number=number).first()
    if version is None:
        raise texts.NotPossible(_("There is no such version."))
    drafting.may_store(text, by)
    if text.working is not None:
        raise texts.NotPossible(_("Somebody is still writing this text: finish it, or drop what was typed."))
    text = texts.store(
        text,
        version.words,
        state=_state(text, by),
        how=Revision.How.RESTORED,
        by=by,
        now=now,
        seen=seen,
        source_seen=_source_then(text, version.at),
        minor=minor,
        is_machine=version.how == Revision.How.MACHINE or drafting.is_machines(text, version.words),
    )
    audit.record("text.restore", by=by, on=text, version=number)
    return text


def _state(text: Text, by: User) -> str:
    return State.REVIEW if text.state == State.APPROVED and not access.may_approve(by) else text.state


def _source_then(text: Text, at: datetime.datetime) -> int | None:
    """The source's revision at a moment: the latest that the version can have said. Its first may have been found
    later than it was written."""
    source = None if texts.is_source(text) else texts.source_of(text)
    if source is None:
        return None
    numbers = source.revisions.values_list("number", flat=True)
    return numbers.filter(at__lte=at).first() or numbers.last()
