"""Is this the database that we have been working with? One that was restored or copied asks a person before it sends.

A backup does not know whom we served after it was made, and a copy does not know what the original is doing: either
would serve readers twice. So nothing is frozen or sent before `holds` has looked. It compares three memories:

- the row `Heartbeat` in the database: which server it stood on, how many beats it has had, when the last one was;
- a file in VAR_DIR: how many beats this machine has seen of each database it works with;
- the server itself. PostgreSQL: the cluster's identifier and the numbers of the database and of the row's table, so
  that a dump is noticed, restored elsewhere, under another name, or in place; SQLite: the number of the file (inode),
  which no copy shares.

There is doubt when
(a) the server, the database or the table is another one than at the last beat;
(b) the database has had fewer beats than this machine has seen: it went back in time;
(c) this machine has never worked with the database, and nobody else has for more than ten minutes. Beside living ones
    it joins: a second worker machine is nothing unusual;
(d) nobody has worked with the database for more than two hours, though an edition is being sent. What is scheduled is
    not meant: it says by itself when it is overdue (`newsletter.enqueue`).

Doubt puts what is scheduled on hold, pauses what is being sent and writes the warning to what is paused; each says
why. The new state is remembered in the same transaction, so a person is asked once. With nothing scheduled, sending
or paused nobody is asked. After (a), (b) and (c) the database has a new `life`: other machines, whose files speak of
the old one, join it, and whoever goes back to the old server is a stranger there.

It is safe with any number of processes and machines. A process reads the file first and the row second, and the file
never says more than what was committed: so another's beat in between makes the row newer than the file, never older.
A row that another process beats or questions at this moment is left to it. Not to be called within a transaction.
"""

import contextlib
import datetime
import fcntl
import json
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import NotSupportedError, ProgrammingError, connection, transaction
from django.db.models import CharField, Expression, F, Func, Value
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter import lifecycle
from newsletter.models import Edition, Heartbeat
from newsletter.reasons import told
from picum import localising
from picum.accounts import audit

log = logging.getLogger(__name__)
State = Edition.State
BEAT = datetime.timedelta(seconds=20)  # a younger row is not written again; the reconciler comes each 30 s
ALONE = datetime.timedelta(minutes=10)
SILENCE = datetime.timedelta(hours=2)


class Doubt(Enum):
    """(a) to (d)."""

    ELSEWHERE = "elsewhere"
    BACK_IN_TIME = "back in time"
    STRANGER = "stranger"
    SILENCE = "silence"


def holds(*, now: datetime.datetime) -> bool:
    """Whether nothing may be frozen or sent by this call's caller; then editions now wait for a person.

    Two queries at most (a third once per process on PostgreSQL, more at the first beat and in doubt).
    """
    seen = _remembered()
    row = Heartbeat.objects.annotate(server_now=_server()).first()
    if row is None:
        _begin(now)
        return False
    known = seen.get(row.life.hex)
    doubt = _doubt(row, known, now)
    if doubt:
        return _question(row, doubt, now)
    _beat(row, known or 0, now)
    return False


def _doubt(row: Heartbeat, known: int | None, now: datetime.datetime) -> Doubt | None:
    silent = now - row.seen_at
    if row.server != row.server_now:
        return Doubt.ELSEWHERE
    if known is not None and row.beats < known:
        return Doubt.BACK_IN_TIME
    if known is None and silent > ALONE:
        return Doubt.STRANGER
    return Doubt.SILENCE if silent > SILENCE else None


# --- the row ----------------------------------------------------------------------------------------------------------


def _begin(now: datetime.datetime) -> None:
    """The first beat of a new database; one process makes it."""
    row, born = Heartbeat.objects.get_or_create(pk=1, defaults={"server": _server(), "seen_at": now})
    if born:
        _remember(row.life, row.beats)


def _beat(row: Heartbeat, known: int, now: datetime.datetime) -> None:
    beats = row.beats
    if abs(now - row.seen_at) >= BEAT:  # a clock that was wrong may have left a moment that is still to come
        beats += _move_on(row, seen_at=now)
    if beats > known:
        _remember(row.life, beats)


def _move_on(row: Heartbeat, **fields) -> int:
    """One beat more, unless another process was quicker; 1 or 0."""
    as_read = Heartbeat.objects.filter(pk=row.pk, life=row.life, beats=row.beats)
    return as_read.update(beats=F("beats") + 1, **fields)


def _question(row: Heartbeat, doubt: Doubt, now: datetime.datetime) -> bool:
    """Let people decide about what is under way; whether there was anything. One transaction, one process does it."""
    life = row.life if doubt is Doubt.SILENCE else uuid.uuid4()
    with transaction.atomic():
        if not _move_on(row, life=life, server=_server(), seen_at=now):
            return True
        held = _hold(doubt, lambda: _in_words(doubt, row))
    _remember(life, row.beats + 1, instead_of=row.life)
    if held:
        log.error("Nothing is sent before somebody has decided (%s). Asked about: %s", doubt.value, ", ".join(held))
    return bool(held)


def _hold(doubt: Doubt, cause: Callable[[], str]) -> list[str]:
    """Hold, pause and warn; the editions asked about, such as "october-2026/de"."""

    def of_what_waits() -> str:
        copy = _("If it comes from a backup, or the original is still at work, this edition may have gone out already.")
        return f"{cause()} {copy}"

    def of_what_is_going() -> str:
        backup = _(
            "If it comes from a backup, readers served after the backup was made may be served twice when you go on; "
            "Cancel is the safe way."
        )
        return f"{cause()} {backup}"

    # Where only time has passed, nothing but the sending is in doubt.
    of = [State.SENDING] if doubt is Doubt.SILENCE else [State.SCHEDULED, State.SENDING, State.PAUSED]
    asked = []
    for edition in Edition.objects.select_for_update(of=("self",)).select_related("issue").filter(state__in=of):
        if edition.state == State.SCHEDULED:
            lifecycle.move(edition, State.HELD, by=None, reason=told(of_what_waits))
        elif edition.state == State.SENDING:
            lifecycle.move(edition, State.PAUSED, by=None, reason=told(of_what_is_going))
        else:
            Edition.objects.filter(pk=edition.pk).update(reason=told(of_what_is_going))
        asked.append(f"{edition.issue.slug}/{edition.language}")
    if asked:
        audit.record("database.doubt", by=None, doubt=doubt.value, editions=asked)
    return asked


def _in_words(doubt: Doubt, row: Heartbeat) -> str:
    last = localising.moment(timezone.localtime(row.seen_at), get_language() or "en")
    match doubt:
        case Doubt.ELSEWHERE:
            return _("The database is another one than before: on another server, under another name, or made anew.")
        case Doubt.BACK_IN_TIME:
            return _("The database has gone back in time: this machine has seen it further on.")
        case Doubt.STRANGER:
            words = _("This machine has never worked with the database, and nobody else has since %s.")
        case Doubt.SILENCE:
            words = _("Nobody has worked with the database since %s.")
    return words % last


# --- the server -------------------------------------------------------------------------------------------------------


def _server() -> Expression:
    """What the database server calls itself, to be asked for together with the row."""
    if connection.vendor != "postgresql":
        return Value(f"file {os.stat(connection.settings_dict['NAME']).st_ino}")
    cluster = "(SELECT system_identifier FROM pg_control_system())" if _says_its_identifier() else "'unnamed'"
    database = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    table = f"'{Heartbeat._meta.db_table}'::regclass::oid"
    return Func(template=f"{cluster} || '/' || {database} || '/' || {table}", output_field=CharField())


@cache
def _says_its_identifier() -> bool:
    """Some hosted servers do not; then a database is known by its number alone."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT system_identifier FROM pg_control_system()")
    except (ProgrammingError, NotSupportedError):
        return False
    return True


# --- the file ---------------------------------------------------------------------------------------------------------


def _path() -> Path:
    return settings.VAR_DIR / "continuity" / "seen.json"  # a folder, so that a container can keep it on a volume


def _remembered() -> dict[str, int]:
    """Beats seen by this machine, by the life of the database."""
    try:
        return json.loads(_path().read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}


def _remember(life: uuid.UUID, beats: int, *, instead_of: uuid.UUID | None = None) -> None:
    """Write down what was seen of a database, and is committed; never less than what stands there."""
    try:
        with _alone():
            seen = _remembered()
            if instead_of and instead_of != life:
                seen.pop(instead_of.hex, None)
            seen[life.hex] = max(beats, seen.get(life.hex, 0))
            _replace(json.dumps(seen))
    except OSError as error:
        log.warning("VAR_DIR cannot be written: a restored database might not be noticed (%s).", error.strerror)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One process or thread of this machine at a time."""
    _path().parent.mkdir(exist_ok=True)
    with _path().with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(text: str) -> None:
    """All of the new or all of the old, also after a power cut."""
    new = _path().with_suffix(".new")
    with new.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(_path())
