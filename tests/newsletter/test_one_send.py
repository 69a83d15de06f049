"""One send, whatever happens: programs are killed at each step, beats and hosts and people come in pairs, readers leave
before their turn. Real processes (forks), real requests, a real relay; what kills them stands at the wire, at the
database or at the broker.
"""

import datetime
import multiprocessing
import os
import signal
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

import pytest
import time_machine
from celery import Celery
from django.db import connection, connections
from django.utils import timezone

from newsletter import enqueue, intake, ledger, sending, subscriptions, tasks, tracking
from newsletter.models import Delivery, Edition, Issue, Rendition, Route, Subscriber, Suppression
from newsletter.reconcile import reconcile
from newsletter.transports.smtp_connection import Connection
from picum.accounts.models import AuditEntry, User
from picum.chaos.relay import DROP, Relay
from tests.conftest import point_at
from tests.html import Page
from tests.newsletter.crowd import assert_everybody_once, crowd, is_over
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import make_issue, make_subscriber
from tests.newsletter.lane import PIPELINED, PLAIN
from tests.newsletter.sent import event, sent_issue
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
State = Edition.State


def ready_issue(**fields) -> Issue:
    return make_issue(items=1, languages=["en", "de", "pt"], state=State.READY, **fields)


def frozen_issue() -> Issue:
    issue = ready_issue()
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    return issue


def english(issue: Issue) -> Edition:
    return issue.editions.get(language="en")


def work(issue: Issue) -> None:
    for edition in issue.editions.filter(state=State.SENDING):
        sending.send_edition(edition.pk)


def fork(deed: Callable[[], object]):
    """A process of its own that does this; it has begun."""
    connections.close_all()  # not to be shared
    process = multiprocessing.get_context("fork").Process(target=deed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: the relay's is not ours
        process.start()
    return process


def ends(process, *, killed: bool) -> None:
    process.join(30)
    assert process.exitcode == (-signal.SIGKILL if killed else 0)


def wait_until(condition: Callable[[], object]) -> None:
    latest = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < latest
        time.sleep(0.005)


def die(*_args, **_kwargs) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


# --- killed while freezing --------------------------------------------------------------------------------------------


def test_at_whatever_statement_a_freezing_is_killed_it_leaves_nothing():
    issue, addresses = ready_issue(), crowd(20, "en", "pt en", "de")
    enqueue.send(issue, ["en", "pt"], by=None)
    deaths, statement = 0, 2
    while (child := freezing_killed_at(statement, issue)).exitcode:
        ends(child, killed=True)
        assert Delivery.objects.count() == Rendition.objects.count() == Route.objects.count() == 0
        assert set(issue.editions.filter(language__in=["en", "pt"]).values_list("state", "frozen_at")) == {
            (State.SCHEDULED, None)
        }
        deaths, statement = deaths + 1, statement + 4
    assert deaths > 8
    assert set(issue.editions.filter(language__in=["en", "pt"]).values_list("state", "frozen_count")) == {
        (State.SENDING, 7)
    }
    assert Delivery.objects.filter(state="queued").count() == 14 < len(addresses)  # nobody sends German


def freezing_killed_at(number: int, issue: Issue):
    """The process, ended; it is killed at the statement of this number, if there are so many."""
    seen = Counter()

    def watch(execute, sql, params, many, context):
        seen["statements"] += 1
        if seen["statements"] == number:
            die()
        return execute(sql, params, many, context)

    def freeze():
        with connection.execute_wrapper(watch):
            enqueue.freeze_due(issue.pk)

    child = fork(freeze)
    child.join(30)
    return child


# --- killed between the commit and the bell ---------------------------------------------------------------------------


def press_send() -> Callable[[], object]:
    issue = ready_issue()
    return lambda: enqueue.send(issue, ["en"], by=None)


def freeze() -> Callable[[], object]:
    issue = ready_issue()
    enqueue.send(issue, ["en"], by=None)
    return lambda: enqueue.freeze_due(issue.pk)


def resume() -> Callable[[], object]:
    edition = english(frozen_issue())
    enqueue.pause(edition, by=None)
    return lambda: enqueue.resume(edition, by=None)


def give_up() -> Callable[[], object]:
    issue = ready_issue()
    issue.editions.filter(language="pt").update(state=State.DRAFT)
    Subscriber.objects.update(languages="pt en")
    make_subscriber("first@example.org", "en")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    work(issue)
    return lambda: enqueue.give_up(issue, ["pt"], by=None)


def resend() -> Callable[[], object]:
    issue = frozen_issue()
    long_ago = timezone.now() - datetime.timedelta(days=2)
    Delivery.objects.update(state="unknown", attempts=1, changed_at=long_ago)
    assert sending.complete(english(issue).pk)
    return lambda: enqueue.resend_unknown(issue, by=None)


def release() -> Callable[[], object]:
    issue = ready_issue()
    enqueue.send(issue, ["en"], by=None)
    issue.editions.filter(language="en").update(state=State.HELD)
    return lambda: enqueue.release(english(issue), by=None)


@pytest.mark.parametrize("prepare", [press_send, freeze, resume, give_up, resend, release])
def test_killed_between_the_commit_and_the_bell_the_beat_goes_on_from_there(relay, prepare):
    addresses = crowd(5)
    deed = prepare()

    def cut_short():
        Celery.send_task = die  # what puts a message to the broker
        deed()

    ends(fork(cut_short), killed=True)
    done = reconcile()
    assert done["started"] or done["rung"]
    issue = Issue.objects.get()
    work(issue)
    assert english(issue).state == State.SENT
    assert sorted(address for address in relay.recipients() if address != "first@example.org") == sorted(addresses)


# --- killed while sending ---------------------------------------------------------------------------------------------


def killed_at_the_statement(words: str, turn: int) -> Callable[[], object]:
    """In the child: it dies before the statement with these words is executed for the n-th time."""
    seen = Counter()

    def watch(execute, sql, params, many, context):
        seen["times"] += words in sql
        if words in sql and seen["times"] == turn:
            die()
        return execute(sql, params, many, context)

    return lambda: connection.execute_wrapper(watch)


def killed_before_the_dot(turn: int):
    """In the child: it dies when the n-th dot is about to be written, after its intent was committed."""
    seen, write = Counter(), Connection.write

    async def watched(self, data: bytes) -> None:
        seen["dots"] += data.startswith(b".\r\n")
        if data.startswith(b".\r\n") and seen["dots"] == turn:
            die()
        await write(self, data)

    Connection.write = watched
    return ExitStack()


KILLS = {
    "between claim and intent": killed_at_the_statement("state = 'attempting'", 1),
    "between a record and the next intent": killed_at_the_statement("state = 'attempting'", 3),
    "between intent and dot": lambda: killed_before_the_dot(3),
    "after the dot, taken": None,
    "after the dot, lost": None,
    "between answer and record": killed_at_the_statement("WITH v (id, attempt, state", 3),
}


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("kill", KILLS)
def test_a_sender_killed_at_any_step_leaves_one_letter_a_connection_in_doubt(settings, relay, kill, lanes):
    settings.SENDING_CONNECTIONS = lanes
    addresses, issue = crowd(16), frozen_issue()
    dots, children = Counter(), []

    def at_the_third_dot(step, _argument):
        dots["seen"] += step == "dot"
        if step == "dot" and dots["seen"] == 3 and KILLS[kill] is None:
            wait_until(lambda: children)
            os.kill(children[0].pid, signal.SIGKILL)
            return DROP if "lost" in kill else None
        return None

    relay.script = at_the_third_dot

    def send():
        with KILLS[kill]() if KILLS[kill] else ExitStack():
            sending.send_edition(english(issue).pk)

    children.append(fork(send))
    ends(children[0], killed=True)
    doubt = 0 if kill == "between claim and intent" else 1
    after_the_lease = datetime.timedelta(seconds=2 * settings.SENDING_LEASE_SECONDS)
    with time_machine.travel(timezone.now() + after_the_lease):
        reconcile()
        work(issue)
    unknown = assert_everybody_once(relay, issue, addresses, most_unknown=doubt * lanes)
    # A record is written with the next intent, or before it where the machine is slow.
    assert lanes > 1 or unknown == doubt or (unknown == 0 and kill == "between a record and the next intent")
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}
    assert english(issue).state == State.SENT


# --- two beats, two clicks, two people, two hosts ---------------------------------------------------------------------


def test_beats_that_come_at_once_start_an_edition_once_and_free_what_a_dead_worker_held_once(settings, relay):
    addresses, issue = crowd(40), ready_issue()
    enqueue.send(issue, ["en"], by=None)
    told = at_once(reconcile, reconcile, reconcile)
    assert sum(done["started"] for done in told) == 1
    assert Delivery.objects.count() == len(addresses)

    now, lease = timezone.now(), datetime.timedelta(seconds=settings.SENDING_LEASE_SECONDS)
    ledger.claim(english(issue).pk, worker="dead", limit=30, lease=lease, now=now)
    later = now + 2 * lease
    told = at_once(*[lambda: reconcile(now=later)] * 3)
    assert sum(done["queued"] for done in told) == 30
    assert set(Delivery.objects.values_list("state", "attempts")) == {("queued", 0)}

    with time_machine.travel(later):
        tallies = at_once(*[lambda: sending.send_edition(english(issue).pk)] * 3, reconcile)
    assert sum(tally["accepted"] for tally in tallies[:3]) == len(addresses)
    assert_everybody_once(relay, issue, addresses)
    assert english(issue).state == State.SENT
    assert AuditEntry.objects.filter(action="edition.sent").count() == 1


@pytest.mark.parametrize("people", [1, 2], ids=["a double click", "two people"])
def test_two_who_send_in_the_same_moment_send_once_and_one_is_told(relay, people):
    addresses, issue = crowd(10), make_issue(items=1, state=State.READY)
    staff = [carla(), User.objects.create_superuser("dora@example.org", "secret", name="Dora")][:people]
    desks = [at_the_desk(staff[0]), at_the_desk(staff[-1])]
    if people == 1:
        desks[1].cookies.load(desks[0].cookies.output(header=""))
    data = {"languages": ["en"], "when": "now", "confirmed": "1"}

    def click(desk):
        return lambda: desk.post(page("issue_send", issue.pk), data, follow=True)

    answers = at_once(*[click(desk) for desk in desks])
    assert [answer.redirect_chain for answer in answers] == [[(page("issue_progress", issue.pk), 302)]] * 2
    first, slower = "The issue is on its way.", {"it cannot become “scheduled”", "are on their way already."}
    words = [Page(answer).words for answer in answers]  # not `context`: the test client mixes those of two threads
    assert sorted(first in said for said in words) == [False, True]
    assert sorted(any(refusal in said for refusal in slower) for said in words) == [False, True]
    assert AuditEntry.objects.filter(action="issue.send").count() == 1

    told = at_once(*[lambda: [edition.pk for edition in enqueue.freeze_due(issue.pk)]] * 2)
    assert sorted(told) == [[], [english(issue).pk]]
    at_once(*[lambda: sending.send_edition(english(issue).pk)] * 2)
    assert_everybody_once(relay, issue, addresses)


def test_two_hosts_send_together_and_everybody_gets_it_once(settings, tmp_path, monkeypatch):
    """Each with a memory of its own of the database, and a beat of its own."""
    settings.SENDING_CONNECTIONS = 2
    monkeypatch.setattr(intake, "CLAIM_SIZE", 20)
    addresses, issue = crowd(120), ready_issue()
    enqueue.send(issue, ["en"], by=None)

    def host(name: str) -> Callable[[], None]:
        def go() -> None:
            settings.VAR_DIR = tmp_path / name
            settings.VAR_DIR.mkdir()
            while not is_over(issue):
                reconcile()
                tasks.send_edition(english(issue).pk)
                time.sleep(0.02)

        return go

    with Relay(delay=0.003) as relay:
        point_at(settings, relay)
        for process in [fork(host("north")), fork(host("south"))]:
            ends(process, killed=False)
        assert_everybody_once(relay, issue, addresses)
    assert english(issue).state == State.SENT
    assert Delivery.objects.values("worker").distinct().count() == 2
    assert {path.parts[-3] for path in tmp_path.glob("*/continuity/seen.json")} == {"north", "south"}
    assert not AuditEntry.objects.filter(action="database.doubt").exists()


# --- readers who leave while it is being sent, before their turn ------------------------------------------------------


def leaves(reader: Subscriber) -> None:
    subscriptions.unsubscribe(reader, how="one-click")


def is_erased(reader: Subscriber) -> None:
    Suppression.objects.create(address_key=reader.address_key, reason=Suppression.Reason.ERASED)
    reader.delete()


def told_of_last_month_s_mail(kind: str) -> Callable[[Subscriber], None]:
    def told(reader: Subscriber) -> None:
        before = Delivery.objects.get(subscriber=reader, issue__slug="november")
        assert tracking.apply([event(before, kind)], now=timezone.now())[kind] == 1

    return told


GOES = {
    "unsubscribed": (leaves, "unsubscribed"),
    "erased": (is_erased, "erased"),
    "bounced": (told_of_last_month_s_mail("hard"), "suppressed"),
    "complained": (told_of_last_month_s_mail("complained"), "suppressed"),
    "unsubscribed at the provider": (told_of_last_month_s_mail("unsubscribed"), "unsubscribed"),
}


@pytest.mark.parametrize("moment", ["in the queue", "in hand", "next on the connection", "on the connection"])
@pytest.mark.parametrize("how", GOES)
def test_a_reader_who_goes_before_their_turn_is_skipped_and_the_ledger_says_why(settings, how, moment):
    """Four letters over one connection, the third one's reader goes."""
    settings.SENDING_CONNECTIONS = 1
    addresses = crowd(4)
    sent_issue(*Subscriber.objects.order_by("pk"), edition_state="sent")
    issue = frozen_issue()
    rows = Delivery.objects.filter(issue=issue).order_by("pk")
    goes, why = GOES[how]
    reader, steps = rows[2].subscriber, Counter()

    def script(step, argument):
        steps[step] += 1
        if (step, steps[step]) == at:
            at_once(lambda: goes(reader))

    at = {"in hand": ("dot", 1), "next on the connection": ("dot", 2), "on the connection": ("DATA", 3)}.get(moment)
    with Relay(script, extensions=PLAIN if moment == "in hand" else PIPELINED) as relay:
        point_at(settings, relay)
        if moment == "in the queue":
            goes(reader)
        sending.send_edition(english(issue).pk)
        assert sorted(relay.recipients()) == sorted(set(addresses) - {reader.address})
    assert list(rows.values_list("state", "why")) == [("accepted", "")] * 2 + [("skipped", why), ("accepted", "")]
    assert english(issue).state == State.SENT
