"""A database that was restored or copied asks a person before it sends; one that goes on living never does.

A backup is played by what it leaves behind: the row as it was then, this machine's memory as it is now.
"""

import datetime
import json
import threading

import pytest
from django.db import connection
from django.utils import timezone

from newsletter import continuity, enqueue, tasks
from newsletter.continuity import holds
from newsletter.models import Delivery, Edition, Heartbeat
from newsletter.reconcile import reconcile
from picum.accounts.models import AuditEntry
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue, make_subscriber

NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)
S = Edition.State
pytestmark = pytest.mark.django_db
BACKUP = (
    "If it comes from a backup, readers served after the backup was made may be served twice when you go on; Cancel "
    "is the safe way."
)
COPY = "If it comes from a backup, or the original is still at work, this edition may have gone out already."
ELSEWHERE = "The database is another one than before: on another server, under another name, or made anew."
BACK = "The database has gone back in time: this machine has seen it further on."
STRANGER = "This machine has never worked with the database, and nobody else has since 20 October 2026, 12:00."
SILENCE = "Nobody has worked with the database since 20 October 2026, 12:00."


@pytest.fixture(autouse=True)
def machine(settings, tmp_path):
    """`machine("a")`: from now on this is machine a, with a VAR_DIR of its own. It begins as "first"."""

    def machine(name: str) -> None:
        settings.VAR_DIR = tmp_path / name
        settings.VAR_DIR.mkdir(exist_ok=True)

    machine("first")
    return machine


@pytest.fixture
def issue():
    """English and German are being sent, German is paused by hand, Spanish is scheduled, French is ready."""
    assert not holds(now=NOON)
    issue = make_issue(items=1, state=S.READY)
    make_subscriber()
    issue.editions.filter(language="en").update(state=S.SENDING, frozen_at=NOON)
    issue.editions.filter(language="de").update(state=S.PAUSED, frozen_at=NOON, reason="a typo")
    issue.editions.filter(language="es").update(state=S.SCHEDULED, send_at=NOON + 24 * HOUR)
    return issue


def standing(issue) -> dict[str, tuple[str, str]]:
    rows = issue.editions.filter(language__in=["en", "de", "es", "fr"])
    return {row.language: (row.state, row.reason) for row in rows}


UNTOUCHED = {
    "en": (S.SENDING, ""),
    "de": (S.PAUSED, "a typo"),
    "es": (S.SCHEDULED, ""),
    "fr": (S.READY, ""),
}


def asked(cause: str) -> dict[str, tuple[str, str]]:
    return {
        "en": (S.PAUSED, f"{cause} {BACKUP}"),
        "de": (S.PAUSED, f"{cause} {BACKUP}"),
        "es": (S.HELD, f"{cause} {COPY}"),
        "fr": (S.READY, ""),
    }


def go_back(beats: int = 1) -> None:
    """The row as a backup of that beat has it."""
    Heartbeat.objects.update(beats=beats)


def move_elsewhere() -> None:
    Heartbeat.objects.update(server="another")


# --- what raises doubt ------------------------------------------------------------------------------------------------


def test_another_server_is_noticed(issue):
    move_elsewhere()
    assert holds(now=NOON + MINUTE)
    assert standing(issue) == asked(ELSEWHERE)


def test_a_database_that_went_back_in_time_is_noticed(issue):
    for minute in range(1, 5):
        assert not holds(now=NOON + minute * MINUTE)
    assert Heartbeat.objects.get().beats == 5
    go_back(4)
    assert holds(now=NOON + 5 * MINUTE)
    assert standing(issue) == asked(BACK)


def test_a_machine_that_finds_nobody_at_work_asks(issue, machine):
    machine("second")
    assert holds(now=NOON + 11 * MINUTE)
    assert standing(issue) == asked(STRANGER)


def test_after_two_hours_of_silence_what_was_being_sent_asks_and_nothing_else(issue):
    assert holds(now=NOON + 2 * HOUR + MINUTE)
    assert standing(issue) == UNTOUCHED | {"en": (S.PAUSED, f"{SILENCE} {BACKUP}")}


def test_whoever_goes_back_to_the_old_server_is_a_stranger_there(issue):
    """The copy took over; then somebody points this machine at the original again."""
    original = Heartbeat.objects.values().get()
    move_elsewhere()
    assert holds(now=NOON + MINUTE)
    Heartbeat.objects.filter(pk=1).update(**original)
    Edition.objects.filter(language="en").update(state=S.SENDING)
    assert holds(now=NOON + 30 * MINUTE)
    assert standing(issue)["en"] == (S.PAUSED, f"{STRANGER} {BACKUP}")


# --- what does not ----------------------------------------------------------------------------------------------------


def test_a_new_database_with_something_to_send_is_not_doubted():
    issue = make_issue(items=1, state=S.READY)
    make_subscriber()
    enqueue.send(issue, ["en"], by=None)
    reconcile()
    assert issue.editions.get(language="en").state == S.SENDING


def test_a_second_machine_beside_a_living_one_joins_and_both_go_on(issue, machine):
    for minute in range(1, 60):
        machine(["first", "second"][minute % 2])
        assert not holds(now=NOON + minute * MINUTE)
    assert standing(issue) == UNTOUCHED


def test_a_machine_that_was_away_for_a_week_comes_back_to_the_others(issue, machine):
    machine("second")
    assert not holds(now=NOON + MINUTE)
    for hour in range(1, 24 * 7):
        assert not holds(now=NOON + hour * HOUR)
    machine("first")
    assert not holds(now=NOON + 24 * 7 * HOUR)
    assert standing(issue) == UNTOUCHED


def test_two_hours_of_silence_are_no_matter_for_what_is_only_scheduled(issue):
    issue.editions.filter(language="en").update(state=S.SENT)
    assert not holds(now=NOON + 20 * HOUR)
    assert standing(issue)["es"] == UNTOUCHED["es"]


@pytest.mark.parametrize("doubt", [move_elsewhere, lambda: go_back(0)], ids=["elsewhere", "back"])
def test_with_nothing_under_way_nobody_is_asked_and_later_neither(doubt):
    assert not holds(now=NOON)
    issue = make_issue(items=1, state=S.READY)
    doubt()
    assert not holds(now=NOON + MINUTE)
    issue.editions.filter(language="en").update(state=S.SENDING, frozen_at=NOON)
    assert not holds(now=NOON + 2 * MINUTE)
    assert not AuditEntry.objects.filter(action="database.doubt").exists()


def test_a_clock_that_was_wrong_and_was_set_right_is_no_silence(issue):
    assert not holds(now=NOON + HOUR)
    assert not holds(now=NOON + MINUTE)
    assert Heartbeat.objects.get().seen_at == NOON + MINUTE


def test_a_memory_that_cannot_be_read_or_written_costs_a_warning(issue, settings, caplog):
    path = settings.VAR_DIR / "continuity" / "seen.json"
    path.write_text("{torn")
    assert not holds(now=NOON + MINUTE)
    path.unlink()
    path.mkdir()
    assert not holds(now=NOON + 2 * MINUTE)
    assert "VAR_DIR cannot be written" in caplog.text
    assert standing(issue) == UNTOUCHED


# --- asked once -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("doubt", [move_elsewhere, lambda: go_back(0)], ids=["elsewhere", "back"])
def test_it_asks_once_whatever_machine_comes_next(issue, machine, doubt):
    machine("second")
    assert not holds(now=NOON + MINUTE)
    machine("first")
    doubt()
    assert holds(now=NOON + 2 * MINUTE)
    for edition in issue.editions.filter(state__in=[S.HELD, S.PAUSED]):
        (enqueue.release if edition.state == S.HELD else enqueue.resume)(edition, by=None)
    for name in ["second", "first", "third"]:
        machine(name)
        assert not holds(now=NOON + 3 * MINUTE)
        assert not holds(now=NOON + 4 * MINUTE)
    assert {row.state for row in issue.editions.filter(language__in=["en", "de"])} == {S.SENDING}


def test_the_question_is_in_the_trail(issue):
    move_elsewhere()
    holds(now=NOON + MINUTE)
    entry = AuditEntry.objects.get(action="database.doubt")
    assert entry.actor is None
    assert entry.data == {"doubt": "elsewhere", "editions": ["next/en", "next/de", "next/es"]}
    assert AuditEntry.objects.filter(action="edition.held").count() == 1


def test_a_question_that_is_cut_short_is_asked_again(issue, monkeypatch):
    def cut(*args, **kwargs):
        raise KeyboardInterrupt

    move_elsewhere()
    with monkeypatch.context() as patch:
        patch.setattr("picum.accounts.audit.record", cut)
        with pytest.raises(KeyboardInterrupt):
            holds(now=NOON + MINUTE)
    assert standing(issue) == UNTOUCHED
    assert holds(now=NOON + MINUTE)
    assert standing(issue) == asked(ELSEWHERE)


# --- who asks it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["reconcile", "freeze_issue", "send_edition"])
def test_every_way_to_a_mail_asks_first(way, relay):
    issue = make_issue(items=1, state=S.READY)
    make_subscriber()
    enqueue.send(issue, ["en"], by=None)
    if way == "send_edition":
        enqueue.freeze_due(issue.pk)
    else:
        reconcile(now=timezone.now() - HOUR)
    move_elsewhere()
    argument = {"freeze_issue": issue.pk, "send_edition": issue.editions.get(language="en").pk}
    tasks.reconcile_all() if way == "reconcile" else getattr(tasks, way)(argument[way])
    assert relay.received == []
    assert issue.editions.get(language="en").state == (S.PAUSED if way == "send_edition" else S.HELD)
    assert not Delivery.objects.exclude(state="queued").exists()


# --- the row and the file ---------------------------------------------------------------------------------------------


def test_the_row_beats_no_more_often_than_it_must(issue):
    for second in range(61):
        holds(now=NOON + datetime.timedelta(seconds=second))
    beat = Heartbeat.objects.get()
    assert (beat.beats, beat.seen_at) == (4, NOON + MINUTE)


@pytest.mark.parametrize(("seconds", "queries"), [(1, 1), (30, 2)])
def test_it_costs_two_queries_at_most(issue, django_assert_num_queries, seconds, queries):
    with django_assert_num_queries(queries):
        holds(now=NOON + datetime.timedelta(seconds=seconds))


def test_the_file_remembers_the_highest_beat(issue, settings):
    holds(now=NOON + MINUTE)
    row = Heartbeat.objects.get()
    seen = json.loads((settings.VAR_DIR / "continuity" / "seen.json").read_text())
    assert seen == {row.life.hex: 2}
    continuity._remember(row.life, 1)
    assert json.loads((settings.VAR_DIR / "continuity" / "seen.json").read_text()) == seen


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_colleague_s_beat_at_the_very_moment_of_reading_is_no_alarm(issue, when):
    life, beats = Heartbeat.objects.get().life, []

    def beat(sql):
        if not beats and sql.startswith("SELECT"):
            beats.append(Heartbeat.objects.update(beats=2, seen_at=NOON + MINUTE))
            continuity._remember(life, 2)

    def beside(execute, sql, params, many, context):
        if when == "before":
            beat(sql)
        result = execute(sql, params, many, context)
        beat(sql)
        return result

    with connection.execute_wrapper(beside):
        assert not holds(now=NOON + MINUTE)
    assert beats == [1]
    assert Heartbeat.objects.get().beats == 2


@pytest.mark.django_db(transaction=True)
def test_many_processes_of_two_machines_at_once_raise_no_alarm(settings, tmp_path, monkeypatch):
    """Threads here, each with a connection of its own, all of them beating at every call."""
    monkeypatch.setattr(continuity, "BEAT", datetime.timedelta())
    issue = make_issue(items=1, state=S.READY)
    crowd(3)
    issue.editions.filter(language="en").update(state=S.SENDING, frozen_at=timezone.now())
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    here = threading.local()
    monkeypatch.setattr(continuity, "_path", lambda: here.folder / "continuity" / "seen.json")
    told, start = [], threading.Barrier(4)

    def work(folder):
        here.folder = folder
        start.wait(10)
        try:
            told.extend(holds(now=timezone.now()) for _call in range(40))
        except Exception as error:
            told.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(folder,)) for folder in folders * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told == [False] * 160
    assert issue.editions.get(language="en").state == S.SENDING
    assert Heartbeat.objects.get().beats > 40
