"""A machine's first drafts of what nobody has translated yet. Off unless the settings name a machine.

A draft stands in `Text.machine`, where no reader sees it, until a person takes it over or an editor says that the
drafts may go out as they are: then they are the text, as a draft, and marked as a machine's until a person touches it.
What must not appear yet (`Item.not_before`) is never sent to a machine.
"""

import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter.models import Issue, Item, MachineRun, Revision, Text
from newsletter.translation import machine_wire, segments, texts
from newsletter.translation.exchange import units
from newsletter.translation.exchange.units import Sheet
from newsletter.translation.machine_wire import Failed
from newsletter.translation.segments import RICH, Segment
from picum import richtext
from picum.accounts import audit
from picum.accounts.models import User
from picum.doorbell import ring, ring_on_commit

log = logging.getLogger(__name__)
LEASE = datetime.timedelta(minutes=5)  # one text is two calls at most, of a minute or so
TASK = "newsletter.machine_drafts"


@dataclass(frozen=True)
class Standing:
    """How far the drafts of a language are. `sheets`: all that is translated into it. `waiting`: nothing is there, not
    even a draft; `held_back`: neither, and they must not leave the house yet. `drafted`: there is a draft and nothing
    else; `used`: it is what readers get, untouched."""

    sheets: list[Sheet]
    waiting: list[Sheet]
    held_back: int
    drafted: list[Sheet]
    used: int
    run: MachineRun | None

    @property
    def is_running(self) -> bool:
        return self.run is not None and self.run.ended_at is None


def standing(issue: Issue, language: str, *, today: datetime.date) -> Standing:
    """Wants `Issue.objects.with_contents()`."""
    sheets = units.sheets(issue, language)
    empty = [sheet for sheet in sheets if not texts.says_something(sheet.words) and sheet.text.working is None]
    without = [sheet for sheet in empty if not _is_drafted(sheet)]
    return Standing(
        sheets=sheets,
        waiting=[sheet for sheet in without if not _held_back(sheet, today)],
        held_back=sum(_held_back(sheet, today) for sheet in without),
        drafted=[sheet for sheet in empty if _is_drafted(sheet)],
        used=sum(sheet.text.is_machine for sheet in sheets),
        run=MachineRun.objects.filter(issue=issue, language=language).first(),
    )


def _is_drafted(sheet: Sheet) -> bool:
    """Of the present source?"""
    return bool(sheet.text.machine) and sheet.text.machine_source == sheet.source.number


def _held_back(sheet: Sheet, today: datetime.date) -> bool:
    return isinstance(sheet.thing, Item) and sheet.thing.not_before is not None and sheet.thing.not_before > today


@transaction.atomic
def ask(issue: Issue, language: str, *, by: User, now: datetime.datetime) -> bool:
    """A worker drafts what is missing. False: one is at it already. Audited."""
    run, _created = MachineRun.objects.select_for_update().get_or_create(
        issue=issue, language=language, defaults={"by": by, "asked_at": now, "ended_at": now}
    )
    if run.ended_at is None:
        return False
    fields = {"by": by, "asked_at": now, "ended_at": None, "reason": "", "lease_until": None}
    MachineRun.objects.filter(pk=run.pk).update(**fields)
    audit.record("text.machine_ask", by=by, on=issue, language=language, service=_service_name())
    ring_on_commit(TASK, issue.pk, language)
    return True


def _service_name() -> str:
    machine = machine_wire.service()
    return machine.name if machine else ""


def work(issue_id: int, language: str, *, until: Callable[[], bool]) -> None:
    """What a worker does: text by text, each kept as it comes. What goes wrong ends the run with a reason."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    mine = MachineRun.objects.filter(issue=issue_id, language=language, ended_at=None)
    if not mine.filter(free).update(lease_until=now + LEASE):
        log.info("Nobody asks for a machine's drafts of issue %s (%s), or another worker is at it.", issue_id, language)
        return
    issue = Issue.objects.with_contents().get(pk=issue_id)
    units.make_known(issue, language)
    for sheet in standing(issue, language, today=timezone.localdate()).waiting:
        if until():
            mine.update(lease_until=None)
            ring(TASK, issue_id, language)
            return
        try:
            _keep(sheet, drafted(sheet))
        except Failed as why:
            log.warning("A machine's drafts of issue %s (%s) stopped.", issue_id, language)
            mine.update(ended_at=timezone.now(), reason=why.reason)
            return
        mine.update(lease_until=timezone.now() + LEASE)
    mine.update(ended_at=timezone.now())


def ring_for_waiting(*, now: datetime.datetime) -> None:
    """For runs that no worker has, because the bell was not heard or the worker is gone."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    for run in MachineRun.objects.filter(free, ended_at=None):
        ring(TASK, run.issue_id, run.language, expires=settings.SENDING_RECONCILE_SECONDS)


def drafted(sheet: Sheet) -> texts.Words:
    """The source in the other language. A sentence whose marks the machine lost has none. Raises Failed."""
    language = sheet.source.language
    sentences = segments.cut(sheet.source_words, language)
    said = machine_wire.translate(sentences, source=language, target=sheet.text.language)
    by_key = {segment.key: words for segment, words in zip(sentences, said, strict=True)}
    return {name: _field(name, value, language, by_key) for name, value in sheet.source_words.items()}


def _field(name: str, value: str, language: str, said: dict[str, str]) -> str:
    blocks = segments.blocks(name, value, language)
    if name not in RICH:
        return " ".join(said[segment.key] for block in blocks for segment in block.segments)
    parts = [
        block.before + " ".join(_rich(segment, said[segment.key]) for segment in block.segments) + block.after
        for block in blocks
    ]
    return richtext.clean("".join(parts).replace(" <br>", "<br>"))


def _rich(segment: Segment, words: str) -> str:
    has_marks = bool(segments.MARK.search(words))
    return segments.restored(segment if has_marks else Segment(segment.key, ""), words)


def _keep(sheet: Sheet, words: texts.Words) -> None:
    """Unless somebody has begun to write meanwhile."""
    text = texts.find(sheet.thing, sheet.text.language)
    empty = Text.objects.filter(pk=text.pk, number=0, working__isnull=True)
    empty.update(machine=words, machine_source=sheet.source.number)


def use_unreviewed(issue: Issue, language: str, *, by: User, now: datetime.datetime) -> tuple[int, list[str]]:
    """An editor's say-so: the drafts of a language become what readers get, marked as a machine's. Returns how many,
    and why others did not. Audited. `issue` as for `standing`."""
    used, refused = 0, []
    for sheet in standing(issue, language, today=timezone.localdate(now)).drafted:
        try:
            _use(sheet, by=by, now=now)
            used += 1
        except (texts.Conflict, texts.NotPossible) as why:
            refused.append(f"{sheet.title}: {why}")
    audit.record("text.machine_unreviewed", by=by, on=issue, language=language, used=used, refused=len(refused))
    return used, refused


@transaction.atomic
def _use(sheet: Sheet, *, by: User, now: datetime.datetime) -> None:
    text = Text.objects.select_for_update().get(pk=sheet.text.pk)
    if text.working is not None or text.number:
        raise texts.NotPossible(_("Somebody has begun to write it."))
    if not text.machine or text.machine_source != sheet.source.number:
        raise texts.NotPossible(_("The original has changed since the machine translated it."))
    said = {"seen": text.number, "source_seen": text.machine_source, "is_machine": True}
    texts.store(text, text.machine, state=Text.State.DRAFT, how=Revision.How.MACHINE, by=by, now=now, **said)
