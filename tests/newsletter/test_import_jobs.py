"""A list in the background: checked first, imported once, whatever happens to the workers."""

import csv
import datetime
import errno
import logging
import stat

import pytest
import time_machine
from celery import current_app
from django.db import OperationalError, connection
from django.utils import timezone

from newsletter import consents, import_jobs, import_reports, importing, reconcile, signing_up, subscriptions, tasks
from newsletter.import_jobs import Moved
from newsletter.models import Consent, ImportJob, SignUp, Subscriber, Suppression, SystemMail
from picum.accounts.models import AuditEntry, User
from picum.addresses import address_key
from tests.newsletter.factories import make_subscriber
from tests.newsletter.lists import uploaded

pytestmark = pytest.mark.django_db
S = ImportJob.State
HEADER = "email,languages,name\n"
COLUMNS = {"email": 0, "languages": 1, "name": 2}
FIVE = HEADER + "".join(f"reader{number}@example.org,en,\n" for number in range(1, 6))
LATER = datetime.timedelta(minutes=5)


class Killed(BaseException):
    """What a worker does not live to see."""


@pytest.fixture
def somebody():
    return User.objects.create(email="carla@example.org", name="Carla")


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)


@pytest.fixture
def checked(somebody):
    """A list that was uploaded and gone through: `checked("email,languages\\n…", with_proof=False)`."""

    def checked(content, **said):
        job = uploaded(content, by=somebody)
        said = {"columns": COLUMNS, "source": "fair", "language": "", "with_proof": True} | said
        import_jobs.check(job, by=somebody, **said)
        import_jobs.work(job.pk)
        job.refresh_from_db()
        return job

    return checked


@pytest.fixture
def started(checked, somebody):
    """The same, and a person has said "import it"."""

    def started(content, **said):
        job = checked(content, **said)
        import_jobs.start(job, seen=import_jobs.stamp(job), by=somebody)
        return job

    return started


def counts(job) -> dict[str, int]:
    job.refresh_from_db()
    return {what.value: getattr(job, what) for what in importing.What if getattr(job, what)}


def readers() -> list[str]:
    return list(Subscriber.objects.order_by("address").values_list("address", flat=True))


def report(job, delimiter=",") -> list[list[str]]:
    lines = import_jobs.report_of(job).read_text(encoding="utf-8-sig").splitlines()
    return list(csv.reader(lines, delimiter=delimiter))


# --- check, then import -------------------------------------------------------------------------------------------


def test_a_list_is_checked_without_changing_anything_and_then_imported_with_the_same_numbers(started):
    make_subscriber("there@example.org")
    subscriptions.unsubscribe(make_subscriber("left@example.org"), how="page")
    ledger = consents.head()
    rows = [
        "amal@example.org,pt,Amal",
        "there@example.org,en,",
        "left@example.org,en,",
        "nobody,en,",
        "x@example.org,xx,",
    ]
    job = started(HEADER + "\n".join(rows))
    assert readers() == ["left@example.org", "there@example.org"]
    assert (consents.head(), job.state, job.lines, job.position) == (ledger, S.RUNNING, 6, 0)
    import_jobs.work(job.pk)
    assert counts(job) == {"added": 1, "already_there": 1, "refused": 3}
    assert (job.state, job.position, job.worker, job.lease_until) == (S.DONE, 6, "", None)
    assert readers() == ["amal@example.org", "left@example.org", "there@example.org"]
    given = Consent.objects.get(number=ledger[0] + 1)
    assert (given.kind, given.how, given.detail, given.address_key) == (
        "given", "import", "fair", address_key("amal@example.org")
    )  # fmt: skip
    assert not list(consents.verify())


def test_the_report_tells_what_became_of_each_line_and_no_word_of_the_list(started):
    make_subscriber("there@example.org")
    job = started(HEADER + "amal@example.org,pt,Amal\nthere@example.org,en,\nAmal Haddad,en,\n=x@exa mple.org,en,\n")
    was_to_be = report(job)
    import_jobs.work(job.pk)
    assert was_to_be == report(job) == [
        ["line", "what", "why"],
        ["2", "added", ""],
        ["3", "already there", ""],
        ["4", "refused", "it is not an address to which a mail could be sent"],
        ["5", "refused", "it is not an address to which a mail could be sent"],
    ]  # fmt: skip


def test_the_report_is_in_the_language_of_who_uploaded_the_list(checked, somebody):
    somebody.language = "de"
    somebody.save(update_fields=["language"])
    job = checked(HEADER + "boris@example.org,en,\nboris@example.org,en,\n")
    # With the semicolon that a German spreadsheet expects.
    assert report(job, ";")[2] == ["3", "abgelehnt", "die Adresse steht weiter oben schon in der Datei"]


def test_each_deed_leaves_a_line_in_the_trail_and_none_an_address(started, somebody, caplog):
    caplog.set_level(logging.DEBUG)
    job = started(HEADER + "amal@example.org,en,Amal\nboris@,en,\n")
    import_jobs.work(job.pk)
    lines = AuditEntry.objects.order_by("pk")
    assert [(line.action, line.actor) for line in lines] == [
        (action, somebody) for action in ("import.upload", "import.check", "import.start", "subscriber.import")
    ]
    assert lines.last().data == {"source": "fair", "added": 1, "already_there": 0, "refused": 1}
    told = caplog.text + str([(line.data, line.object_label) for line in lines])
    assert "amal" not in told.lower()
    assert "boris" not in told


def test_the_upload_is_ours_alone_and_gone_when_the_job_has_ended(started):
    job = started(FIVE)
    upload = import_jobs.upload_of(job.handle)
    assert stat.S_IMODE(import_jobs.folder().stat().st_mode) == 0o700
    assert stat.S_IMODE(import_jobs.report_of(job).stat().st_mode) == 0o600
    assert upload.exists()
    import_jobs.work(job.pk)
    assert not upload.exists()
    assert import_jobs.report_of(job).exists()


def test_rows_without_a_language_get_the_one_that_was_chosen(started):
    job = started(HEADER + "a@example.org,,\nb@example.org,Deutsch / english,\n", language="nl")
    import_jobs.work(job.pk)
    assert list(Subscriber.objects.order_by("address").values_list("languages", flat=True)) == ["nl", "de en"]


def test_other_columns_can_be_said_after_a_look_at_the_numbers(checked, somebody):
    job = checked("a,b\nen,amal@example.org\n", columns={"email": 0, "languages": 1})
    assert counts(job) == {"refused": 1}
    import_jobs.check(job, columns={"email": 1, "languages": 0}, source="x", language="", with_proof=True, by=somebody)
    import_jobs.work(job.pk)
    assert counts(job) == {"added": 1}
    assert [line[1] for line in report(job)[1:]] == ["added"]


# --- without proof ------------------------------------------------------------------------------------------------


def test_without_proof_everybody_new_is_asked_and_nobody_is_subscribed(started, django_capture_on_commit_callbacks):
    make_subscriber("there@example.org")
    subscriptions.unsubscribe(make_subscriber("left@example.org"), how="page")
    Suppression.objects.create(address_key=address_key("erased@example.org"), reason="erased")
    ledger = consents.head()
    names = ["amal", "there", "left", "erased", "boris"]
    job = started(HEADER + "".join(f"{name}@example.org,pt es,{name}\n" for name in names), with_proof=False)
    assert not SignUp.objects.exists()
    with django_capture_on_commit_callbacks() as bells:
        import_jobs.work(job.pk)
    assert len(bells) == 1
    assert counts(job) == {"asked": 2, "already_there": 1, "refused": 2}
    assert (readers(), consents.head()) == (["left@example.org", "there@example.org"], ledger)
    asked = SignUp.objects.order_by("address").values_list("address", "languages", "name", "how", "source")
    assert list(asked) == [
        ("amal@example.org", "pt es", "amal", "import", "fair"),
        ("boris@example.org", "pt es", "boris", "import", "fair"),
    ]
    mails = SystemMail.objects.order_by("address").values_list("address", "kind", "language", "released", "state")
    assert list(mails) == [(f"{name}@example.org", "sign-up", "pt", True, "waiting") for name in ("amal", "boris")]
    assert {sign_up.wording.language for sign_up in SignUp.objects.all()} == {"pt"}


def test_who_confirms_is_a_reader_and_the_ledger_knows_the_words(started):
    import_jobs.work(started(HEADER + "amal@example.org,pt es,Amal\n", with_proof=False).pk)
    sign_up = SignUp.objects.get()
    amal = signing_up.confirm(sign_up.handle, now=timezone.now())
    assert (amal.address, amal.languages, amal.name, amal.source) == ("amal@example.org", "pt es", "Amal", "fair")
    lines = Consent.objects.filter(address_key=amal.address_key).order_by("number")
    assert [(line.kind, line.how, line.wording) for line in lines] == [
        ("requested", "import", sign_up.wording), ("given", "import", sign_up.wording),
    ]  # fmt: skip


def test_who_was_asked_before_is_not_asked_again(started):
    for _time in range(2):
        job = started(HEADER + "amal@example.org,en,\n", with_proof=False)
        import_jobs.work(job.pk)
    assert counts(job) == {"already_there": 1}
    assert report(job)[1] == ["2", "already there", "the address was asked before and may confirm"]
    assert SystemMail.objects.count() == 1


def test_an_address_to_which_no_single_mail_can_go_is_refused_where_one_would_have_to(started):
    text = HEADER + "josé@example.org,es,\n"
    assert counts(started(text, with_proof=False)) == {}
    job = ImportJob.objects.get()
    import_jobs.work(job.pk)
    assert counts(job) == {"refused": 1}


# --- workers that die ---------------------------------------------------------------------------------------------


def dies_after(batches):
    """For `until`: the worker is killed before the next batch."""
    calls = iter(range(batches))

    def until():
        if next(calls, None) is None:
            raise Killed
        return False

    return until


@pytest.mark.parametrize("batches", [0, 1, 2])
@pytest.mark.parametrize("with_proof", [True, False])
def test_who_takes_over_from_a_killed_worker_goes_on_where_it_was(started, small_batches, batches, with_proof):
    job = started(FIVE + "READER1@example.org,en,\n", with_proof=with_proof)
    with pytest.raises(Killed):
        import_jobs.work(job.pk, until=dies_after(batches))
    job.refresh_from_db()
    assert job.position == [0, 3, 5][batches]
    import_jobs.work(job.pk)
    job.refresh_from_db()
    assert job.state == S.RUNNING  # it may still live
    with time_machine.travel(timezone.now() + LATER, tick=False):
        import_jobs.work(job.pk)
    what = "added" if with_proof else "asked"
    assert counts(job) == {what: 5, "refused": 1}
    assert (job.state, job.lines) == (S.DONE, 7)
    assert (Subscriber if with_proof else SignUp).objects.count() == 5
    assert [line[0] for line in report(job)] == ["line", "2", "3", "4", "5", "6", "7"]
    assert report(job)[-1][2] == "the address is further up in the file already"
    assert not list(consents.verify())
    assert AuditEntry.objects.filter(action="subscriber.import").count() == 1


def killed_at(job, line):
    """The worker is killed by this line, as often as it is read."""

    def kills(execute, sql, params, many, context):
        if "INSERT" in sql and f"reader{line}@example.org" in str(params):
            raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(kills), pytest.raises(Killed):
        import_jobs.work(job.pk)


def test_a_line_that_kills_each_worker_ends_the_import_after_the_fifth(started, small_batches):
    job, now = started(FIVE), timezone.now()
    for turn in range(import_jobs.TRIES):
        with time_machine.travel(now + turn * LATER, tick=False):
            killed_at(job, 3)
    job.refresh_from_db()
    assert (job.state, job.position, job.added) == (S.RUNNING, 3, 2)
    with time_machine.travel(now + import_jobs.TRIES * LATER, tick=False):
        import_jobs.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.position, counts(job), job.worker) == (S.FAILED, 3, {"added": 2}, "")
    assert job.reason == ("Given up: after line 3, 5 workers in a row ended without a word. Divide the list there.")
    assert '"de"' in job.reason.stored
    assert not import_jobs.upload_of(job.handle).exists()
    assert readers() == ["reader1@example.org", "reader2@example.org"]


def test_workers_that_get_on_may_die_as_often_as_they_like(started, small_batches):
    job, now = started(HEADER + "".join(f"reader{n}@example.org,en,\n" for n in range(1, 17))), timezone.now()
    for turn in range(7):
        with time_machine.travel(now + turn * LATER, tick=False):
            killed_at(job, 3 + 2 * turn)
    ImportJob.objects.update(lease_until=now)
    import_jobs.work(job.pk)
    assert (counts(job), job.state) == ({"added": 16}, S.DONE)


def test_a_worker_that_was_told_to_stop_is_no_sign_of_anything(started):
    job = started(FIVE)
    for _turn in range(import_jobs.TRIES + 2):
        import_jobs.work(job.pk, until=lambda: True)
    import_jobs.work(job.pk)
    assert (counts(job), job.state) == ({"added": 5}, S.DONE)


def test_a_check_that_fails_has_done_nothing(checked, small_batches):
    job = checked(FIVE)
    ImportJob.objects.update(state=S.CHECKING, tries=import_jobs.TRIES)
    import_jobs.work(job.pk)
    assert (counts(job), job.state, job.position) == ({}, S.FAILED, 0)


@pytest.mark.parametrize("table", ["newsletter_subscriber", "newsletter_importjob", "newsletter_consent"])
def test_a_batch_is_all_or_nothing_with_its_place(started, small_batches, table):
    job = started(FIVE)
    written = []

    def dies_at_the_second(execute, sql, params, many, context):
        if sql.startswith(("INSERT", "UPDATE")) and table in sql:
            written.append(sql)
            if sum("position" in one or "INSERT" in one for one in written) == 2:
                raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(dies_at_the_second), pytest.raises(Killed):
        import_jobs.work(job.pk)
    job.refresh_from_db()
    assert (job.position, job.added, len(readers()), consents.head()[0]) == (3, 2, 2, 2)
    with time_machine.travel(timezone.now() + LATER, tick=False):
        import_jobs.work(job.pk)
    assert (counts(job), job.state, len(readers()), consents.head()[0]) == ({"added": 5}, S.DONE, 5, 5)
    assert len(report(job)) == 6


def test_a_worker_that_only_slept_finds_its_job_taken_and_writes_nothing(started, small_batches):
    job = started(FIVE)
    naps = []

    def sleeps_once():
        if not naps:
            naps.append(1)
            with time_machine.travel(timezone.now() + LATER, tick=False):
                import_jobs.work(job.pk)
        return False

    import_jobs.work(job.pk, until=sleeps_once)
    assert (counts(job), job.state, len(readers())) == ({"added": 5}, S.DONE, 5)
    assert AuditEntry.objects.filter(action="subscriber.import").count() == 1
    assert len(report(job)) == 6


def test_also_while_the_other_one_is_in_the_middle_of_it(started, small_batches):
    job = started(FIVE)
    turns = iter([False, True])

    def sleeps_while_another_does_a_batch():
        with time_machine.travel(timezone.now() + LATER, tick=False):
            import_jobs.work(job.pk, until=lambda: next(turns))
        return False

    import_jobs.work(job.pk, until=sleeps_while_another_does_a_batch)
    job.refresh_from_db()
    assert (job.state, job.position, counts(job)) == (S.RUNNING, 3, {"added": 2})
    import_jobs.work(job.pk)
    assert (counts(job), job.state, len(report(job))) == ({"added": 5}, S.DONE, 6)


def test_a_worker_that_is_to_stop_lets_go_at_once(started, small_batches):
    job = started(FIVE)
    turns = iter([False, True])
    import_jobs.work(job.pk, until=lambda: next(turns))
    job.refresh_from_db()
    assert (job.state, job.position, job.worker, job.lease_until) == (S.RUNNING, 3, "", None)
    tasks.import_list(job.pk)
    assert counts(job) == {"added": 5}


def test_a_long_list_gives_others_a_turn_and_goes_on_behind_them(started, small_batches, monkeypatch):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: rung.append((name, args)))
    job = started(FIVE)
    for position in (3, 5):
        rung.clear()
        import_jobs.work(job.pk, seconds=0)
        job.refresh_from_db()
        assert (job.state, job.position, job.worker, job.tries) == (S.RUNNING, position, "", 0)
        reconcile.reconcile()
        assert rung == [("newsletter.import", (job.pk,))]  # and not once more
    with time_machine.travel(timezone.now() + LATER, tick=False):  # nobody heard it
        reconcile.reconcile()
    assert rung == [("newsletter.import", (job.pk,))] * 2
    import_jobs.work(job.pk, seconds=0)
    assert (counts(job), job.state, len(report(job))) == ({"added": 5}, S.DONE, 6)


def test_a_worker_takes_turns_with_long_lists(started, small_batches, monkeypatch):
    monkeypatch.setattr(import_jobs, "TURN", 0)
    job = started(FIVE)
    tasks.import_list(job.pk)
    job.refresh_from_db()
    assert (job.state, job.position) == (S.RUNNING, 3)


def test_the_reconciler_rings_for_jobs_that_have_no_worker(started, monkeypatch):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: rung.append((name, args)))
    job = started(FIVE)
    rung.clear()
    reconcile.reconcile()
    assert ("newsletter.import", (job.pk,)) in rung
    ImportJob.objects.update(worker="w", lease_until=timezone.now() + LATER)
    rung.clear()
    reconcile.reconcile()
    assert ("newsletter.import", (job.pk,)) not in rung
    tasks.import_list(999)  # is nothing


def test_a_full_disk_ends_it_with_its_name(started, small_batches, monkeypatch):
    job = started(FIVE)

    def full(_number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(import_reports.os, "fsync", full)
    import_jobs.work(job.pk)
    job.refresh_from_db()
    assert (job.state, readers()) == (S.FAILED, [])
    assert job.reason == "VAR_DIR/imports cannot be written: No space left on device."


# --- what ends it early -------------------------------------------------------------------------------------------


def test_cancelled_it_stops_at_the_batch_and_what_was_done_stays(started, small_batches, somebody):
    job = started(FIVE)

    def somebody_cancels():
        if Subscriber.objects.exists() and ImportJob.objects.get().state == S.RUNNING:
            import_jobs.cancel(ImportJob.objects.get(), by=somebody)
        return False

    import_jobs.work(job.pk, until=somebody_cancels)
    assert counts(job) == {"added": 2}
    assert (job.state, len(readers())) == (S.CANCELLED, 2)
    assert not import_jobs.upload_of(job.handle).exists()
    import_jobs.work(job.pk)
    assert len(readers()) == 2
    with pytest.raises(Moved):
        import_jobs.cancel(job, by=somebody)


def test_what_was_changed_meanwhile_is_not_imported_unseen(checked, somebody):
    job = checked(FIVE)
    seen = import_jobs.stamp(job)
    said = {"columns": COLUMNS, "source": "fair", "language": "", "with_proof": False}
    import_jobs.check(job, by=somebody, **said)
    with pytest.raises(Moved):
        import_jobs.start(job, seen=seen, by=somebody)
    import_jobs.work(job.pk)
    with pytest.raises(Moved):
        import_jobs.start(job, seen=seen, by=somebody)
    job.refresh_from_db()
    import_jobs.start(job, seen=import_jobs.stamp(job), by=somebody)
    with pytest.raises(Moved):
        import_jobs.start(job, seen=import_jobs.stamp(job), by=somebody)


def test_a_list_that_is_not_there_any_more_fails_in_words_of_each_language(started):
    job = started(FIVE)
    import_jobs.upload_of(job.handle).unlink()
    import_jobs.work(job.pk)
    job.refresh_from_db()
    assert job.state == S.FAILED
    assert job.reason == "The file is not there. VAR_DIR/imports must be one folder for web and workers."
    assert '"de"' in job.reason.stored


def test_a_list_that_was_spoilt_fails_and_is_deleted(started):
    job = started(FIVE)
    import_jobs.upload_of(job.handle).write_bytes(bytes.fromhex("D0CF11E0A1B11AE1"))
    import_jobs.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.reason[:39]) == (S.FAILED, "This is an old or a protected Excel fil")
    assert not import_jobs.upload_of(job.handle).exists()


def test_something_unexpected_ends_the_job_and_quotes_no_row(started, caplog):
    job = started(HEADER + "amal@example.org,en,\n")

    def fails(execute, sql, params, many, context):
        if "INSERT" in sql and "newsletter_subscriber" in sql:
            raise ValueError(str(params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fails):
        import_jobs.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.reason) == (S.FAILED, "Something unexpected went wrong: ValueError.")
    assert "amal" not in caplog.text


def test_when_the_database_is_away_the_job_waits_and_goes_on(started):
    job = started(FIVE)

    def is_away(execute, sql, params, many, context):
        if "INSERT" in sql:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(is_away), pytest.raises(OperationalError):
        import_jobs.work(job.pk)
    job.refresh_from_db()
    assert job.state == S.RUNNING
    with time_machine.travel(timezone.now() + LATER, tick=False):
        import_jobs.work(job.pk)
    assert counts(job) == {"added": 5}


# --- what is kept how long ----------------------------------------------------------------------------------------


def test_uploads_are_forgotten_after_a_week_and_reports_after_thirty_days(started, checked):
    left, done = checked(FIVE), started(FIVE)
    import_jobs.work(done.pk)
    (orphan := import_jobs.folder() / "5f6b1c1e-0000-4000-8000-000000000000.upload").write_text("amal@example.org")
    now = timezone.now()
    day = datetime.timedelta(days=1)
    seen = []
    for after in (0, 2, 6, 8, 29, 31):
        import_jobs.tidy(now=now + after * day)
        files = [import_jobs.upload_of(left.handle), import_jobs.report_of(left), import_jobs.report_of(done), orphan]
        seen.append((after, *(path.exists() for path in files)))
    assert seen == [
        (0, True, True, True, True),
        (2, True, True, True, False),
        (6, True, True, True, False),
        (8, False, True, True, False),
        (29, False, True, True, False),
        (31, False, False, False, False),
    ]
    left.refresh_from_db()
    assert left.state == S.CANCELLED


def test_what_tidying_did_is_counted(started):
    job = started(FIVE)
    import_jobs.work(job.pk)
    import_jobs.upload_of(job.handle).write_text("killed between the end and the deleting")
    done = import_jobs.tidy(now=timezone.now() + datetime.timedelta(days=31))
    assert done == {"left": 0, "uploads": 1, "reports": 1}
