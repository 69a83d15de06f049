"""Lists that staff bring in at the desk: uploaded, mapped, checked, confirmed, and imported in the background.

The row is the truth, and this module alone moves it. A worker holds a job by a lease. With each batch it writes in one
transaction how far it came and whom that made a reader; whoever takes over from a worker that was killed goes on from
there, so that nothing is done twice and nothing is left out. The moves:

    uploaded → checking → checked → running → done           checked → checking: the columns were other ones after all
    checking, running → failed; all but the ended → cancelled

The upload and the report of its lines lie in VAR_DIR/imports, which the web processes and the workers share. The
upload holds addresses: it is deleted with the job's end, or after a week in which nobody went on with it.
"""

import datetime
import hashlib
import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter import consents, import_reports, importing, lists
from newsletter.importing import Intake, Terms, What
from newsletter.models import ImportJob
from newsletter.reasons import told
from picum.accounts import audit
from picum.accounts.models import User
from picum.doorbell import ring, ring_on_commit

log = logging.getLogger(__name__)
State = ImportJob.State
AT_WORK, ENDED = [State.CHECKING, State.RUNNING], [State.DONE, State.FAILED, State.CANCELLED]
LEASE = datetime.timedelta(seconds=90)  # a batch takes less than a second
TURN = 10  # seconds of new lines; then whoever else waits for this worker, such as a confirmation, has a turn
LEFT = datetime.timedelta(days=7)  # an upload with which nobody goes on
REPORTS = datetime.timedelta(days=30)
TRIES = 5  # workers in a row that a job may outlive without getting on
ORPHAN = datetime.timedelta(days=1)  # a file without a job: an upload that broke off


class Moved(Exception):
    """Somebody else, or the same person in another tab, was quicker: the job is not as it was shown."""


# --- what people do -----------------------------------------------------------------------------------------------


def folder() -> Path:
    """Where uploads and reports lie; nobody else on the machine looks into it."""
    path = settings.VAR_DIR / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def upload_of(handle: uuid.UUID) -> Path:
    return folder() / f"{handle}.upload"


def report_of(job: ImportJob) -> Path:
    return folder() / f"{job.handle}.csv"


def not_written(why: str) -> str:
    return _("%(path)s cannot be written: %(reason)s.") % {"path": "VAR_DIR/imports", "reason": why}


def receive(handle: uuid.UUID, *, name: str, by: User) -> ImportJob:
    """A file was uploaded to `upload_of(handle)`: from now on it is a job. Raises lists.Unreadable, and deletes it.
    Leaves an audit line."""
    try:
        lists.sample(upload_of(handle))
    except lists.Unreadable:
        upload_of(handle).unlink(missing_ok=True)
        raise
    with transaction.atomic():
        job = ImportJob.objects.create(handle=handle, by=by, file_name=_plain(name))
        audit.record("import.upload", by=by, on=job)
    return job


def check(job: ImportJob, *, columns: lists.Columns, source: str, language: str, with_proof: bool, by: User) -> None:
    """Say what the list is, and have it gone through without changing anything. Raises Moved. Leaves an audit line."""
    said = {"columns": dict(columns), "source": source, "language": language, "with_proof": with_proof}
    with transaction.atomic():
        _move(job, [State.UPLOADED, State.CHECKED], State.CHECKING, **said, **_beginning())
        audit.record("import.check", by=by, on=job, **said)
        ring_on_commit("newsletter.import", job.pk)


def stamp(job: ImportJob) -> str:
    """What a person has seen who says "import this": the settings and the numbers."""
    seen = [job.columns, job.source, job.language, job.with_proof, *(getattr(job, what) for what in What)]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def start(job: ImportJob, *, seen: str, by: User) -> None:
    """Import it as it was checked. Raises Moved when it is not as `seen` any more. Leaves an audit line."""
    with transaction.atomic():
        now = ImportJob.objects.select_for_update().get(pk=job.pk)
        if stamp(now) != seen:
            raise Moved
        _move(job, [State.CHECKED], State.RUNNING, **_beginning())
        audit.record("import.start", by=by, on=job, source=now.source, with_proof=now.with_proof)
        ring_on_commit("newsletter.import", job.pk)


def cancel(job: ImportJob, *, by: User | None) -> None:
    """Stop it, at the end of the batch at most; the readers it has made stay. Raises Moved when it has ended. Leaves an
    audit line."""
    with transaction.atomic():
        going_on = [state for state in State if state not in ENDED]
        found = ImportJob.objects.select_for_update().get(pk=job.pk)
        _move(job, going_on, State.CANCELLED, ended_at=timezone.now(), **_what_stays(found))
        audit.record("import.cancel", by=by, on=job, lines=job.position)
    upload_of(job.handle).unlink(missing_ok=True)


def _beginning() -> dict[str, object]:
    counts = {what.value: 0 for what in What}
    return {"position": 0, "reason": "", "worker": "", "lease_until": None, "tries": 0, **counts}


def _what_stays(job: ImportJob) -> dict[str, object]:
    """Of a job that ends before its time: what it has imported. A check has only said what would become of the rows."""
    return {"worker": "", "lease_until": None} if job.state == State.RUNNING else _beginning()


def _move(job: ImportJob, before: list[str], to: str, **fields) -> None:
    if not ImportJob.objects.filter(pk=job.pk, state__in=before).update(state=to, **fields):
        raise Moved
    job.refresh_from_db()


def _plain(name: str) -> str:
    """A file's name as text in one line; also what is no text gets through as something."""
    name = name.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else " " for letter in name).strip()[:200] or "?"


# --- what workers do ----------------------------------------------------------------------------------------------


def ring_for_waiting(*, now: datetime.datetime) -> None:
    """Ask for a worker for each job that has none: the bell was not heard, or the worker was killed. Not for one whose
    worker has just rung: each bell would go on ringing beside the others."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    for pk in ImportJob.objects.filter(free, state__in=AT_WORK).values_list("pk", flat=True):
        ring("newsletter.import", pk, expires=settings.SENDING_RECONCILE_SECONDS)


def work(job_id: int, *, until: Callable[[], bool] = lambda: False, seconds: float = float("inf")) -> None:
    """Check or import a list as far as it goes, unless another worker does. `until` says between batches whether to
    stop; what is left goes on when the reconciler rings. After about `seconds` of new lines it rings itself, and ends.
    The report is in the language of whoever uploaded the list."""
    worker = uuid.uuid4().hex
    now = timezone.now()
    free = Q(worker="") | Q(lease_until=None) | Q(lease_until__lt=now)
    mine = ImportJob.objects.filter(free, pk=job_id, state__in=AT_WORK)
    if not mine.update(worker=worker, lease_until=now + LEASE, tries=F("tries") + 1):
        return
    job = ImportJob.objects.select_related("by").get(pk=job_id)
    if job.tries > TRIES:
        _give_up(job)
        return
    try:
        with override(job.by.language if job.by else settings.LANGUAGE_CODE):
            _go_on(job, until, seconds)
    except _Lost:
        log.info("Import %s went on without this worker.", job_id)
    except (OperationalError, InterfaceError):
        raise  # the database's trouble and not the list's: it goes on when the lease is over
    except lists.Unreadable as error:
        _fail(job, str(error))
    except FileNotFoundError:
        _fail(job, told(lambda: _("The file is not there. VAR_DIR/imports must be one folder for web and workers.")))
    except OSError as error:
        log.error("Import %s failed: VAR_DIR/imports cannot be written (%s).", job_id, error.strerror)
        why = error.strerror or type(error).__name__
        _fail(job, told(lambda: not_written(why)))
    except Exception as error:
        kind = type(error).__name__  # its words may quote a row
        log.error("Import %s failed: %s", job_id, kind)
        _fail(job, told(lambda: _("Something unexpected went wrong: %s.") % kind))


class _Lost(Exception):
    """The job was cancelled, or another worker has it."""


def _go_on(job: ImportJob, until: Callable[[], bool], seconds: float) -> None:
    """Batch after batch from where the job stands, to the end of the list, of the worker or of its turn."""
    terms = Terms(source=job.source, with_proof=job.with_proof, dry_run=job.state == State.CHECKING)
    intake, path = Intake(terms), upload_of(job.handle)
    if not path.is_file():
        raise FileNotFoundError
    if not job.position and job.state == State.CHECKING:
        ImportJob.objects.filter(pk=job.pk).update(lines=max(0, lists.height(path)))
    ends = None
    with import_reports.writing(report_of(job), after=job.position) as note:
        for batch in _batches(lists.read(path, job.columns, language=job.language)):
            if until():
                _let_go(job)
                return
            if ends and time.monotonic() > ends:
                _give_turn(job)
                return
            done = [row for row in batch if row.line <= job.position]
            intake.look(done)  # what has been seen must be known
            if len(done) == len(batch):
                _stay(job)
            else:
                _do(job, intake, batch[len(done) :], note)
                ends = ends or time.monotonic() + seconds  # not from the start: getting back there takes long, too
    _end(job)


def _batches(rows: Iterator) -> Iterator[list]:
    while batch := list(islice(rows, importing.BATCH)):
        yield batch


def _do(job: ImportJob, intake: Intake, batch: list, note: import_reports.Note) -> None:
    """One batch: the job's row first, which fences off other workers, and the ledger last."""
    now, position = timezone.now(), batch[-1].line
    lease = now + LEASE
    with transaction.atomic():
        _mine(job, position=position, lease_until=lease, tries=1)
        fates, given = intake.take(batch, now=now)
        note(fates)
        counts = Counter(fate.what.value for fate in fates)
        ImportJob.objects.filter(pk=job.pk).update(**{what: F(what) + number for what, number in counts.items()})
        consents.append(given, now=now)
    job.position, job.lease_until = position, lease


def _mine(job: ImportJob, **fields) -> None:
    """Write to the job, if it is still in our hands: each turn of a worker has a name of its own."""
    ours = ImportJob.objects.filter(pk=job.pk, worker=job.worker, state=job.state)
    if not ours.update(**fields):
        raise _Lost


def _stay(job: ImportJob) -> None:
    now = timezone.now()
    if job.lease_until - now < LEASE * 2 / 3:
        job.lease_until = now + LEASE
        _mine(job, lease_until=job.lease_until)


def _let_go(job: ImportJob) -> None:
    _mine(job, worker="", lease_until=None, tries=0)


def _give_turn(job: ImportJob) -> None:
    """Whoever is rung for may have it at once; only the reconciler is to wait, for it would ring once more."""
    rung = timezone.now() + datetime.timedelta(seconds=settings.SENDING_RECONCILE_SECONDS)
    _mine(job, worker="", lease_until=rung, tries=0)
    ring("newsletter.import", job.pk)


def _end(job: ImportJob) -> None:
    """The list is through: to be looked at, or imported. The latter leaves an audit line."""
    free = {"worker": "", "lease_until": None, "lines": job.position}
    if job.state == State.CHECKING:
        _mine(job, state=State.CHECKED, **free)
        return
    with transaction.atomic():
        _mine(job, state=State.DONE, ended_at=timezone.now(), **free)
        job.refresh_from_db()
        terms = Terms(source=job.source, with_proof=job.with_proof)
        importing.record(terms, {what: getattr(job, what) for what in What}, by=job.by)
    upload_of(job.handle).unlink(missing_ok=True)


def _give_up(job: ImportJob) -> None:
    """Something in the list kills each worker, and would so for ever."""
    log.error("Import %s ended %s workers in a row behind line %s.", job.pk, TRIES, job.position)
    where = {"line": job.position, "number": TRIES}

    def sentence() -> str:
        words = _(
            "Given up: after line %(line)d, %(number)d workers in a row ended without a word. Divide the list there."
        )
        return words % where

    _fail(job, told(sentence))


def _fail(job: ImportJob, reason: str) -> None:
    try:
        _mine(job, state=State.FAILED, ended_at=timezone.now(), **_what_stays(job) | {"reason": reason})
    except _Lost:
        return
    upload_of(job.handle).unlink(missing_ok=True)


# --- what is kept how long ----------------------------------------------------------------------------------------


def tidy(*, now: datetime.datetime) -> Counter:
    """Give up uploads with which nobody went on for a week ("left"), delete what they and ended jobs left behind
    ("uploads"), and reports thirty days after the end ("reports"). Safe to call at any time."""
    done = Counter(left=0, uploads=0, reports=0)
    waiting = ImportJob.objects.filter(state__in=[State.UPLOADED, State.CHECKED], created_at__lt=now - LEFT)
    for job in waiting:
        try:
            cancel(job, by=None)
            done["left"] += 1
        except Moved:
            continue
    jobs: Mapping[str, tuple] = {
        str(handle): rest for handle, *rest in ImportJob.objects.values_list("handle", "state", "ended_at")
    }
    for path in folder().iterdir():
        state, ended_at = jobs.get(path.stem, (None, None))
        kind = "reports" if path.suffix == ".csv" else "uploads"
        age = now - datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
        is_over = age > ORPHAN if state is None else state in ENDED and (kind == "uploads" or now - ended_at > REPORTS)
        if is_over:
            path.unlink(missing_ok=True)
            done[kind] += 1
    return done
