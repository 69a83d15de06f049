"""A person who cannot decide: pauses and goes on twenty times at moments the dice choose, then cancels. Nobody gets it
twice, nobody is missed, and after the cancel nothing more arrives than what was on the wire.

On SQLite always; on PostgreSQL and Redis with real Celery workers (marked `service`).
"""

import random
import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection

from newsletter import enqueue, reporting, sending
from newsletter.models import Delivery, Edition, Issue
from newsletter.reconcile import reconcile
from picum.chaos.relay import Relay
from tests.conftest import point_at
from tests.newsletter.crowd import assert_everybody_once, crowd, is_over
from tests.newsletter.factories import make_issue
from tests.newsletter.test_races import at_once
from tests.services import service

State = Edition.State
TIMES = 20
STEPS = {"connect", "EHLO", "MAIL", "RCPT", "DATA", "dot", "QUIT"}


class Person:
    """A relay's script. After so many steps of the conversations as the dice say, somebody pauses the edition while
    this one step waits for its answer; and goes on at once, or when nothing is in hand any more.

    `ends`: what is done in the end, `enqueue.cancel` or nothing. `lanes`: connections of all workers together. `asked`
    waits until a condition holds.
    """

    def __init__(self, relay: Relay, issue: Issue, *, seed: int, longest: int, lanes: int, ends=None, asked=None):
        self.relay, self.issue, self.lanes, self.ends, self.asked = relay, issue, lanes, ends, asked or wait_until
        self.dice, self.longest = random.Random(seed), longest
        self.left, self.pauses, self.stopped_at, self.had_at_the_end = 0, 0, set(), None
        self.reached, self.going = threading.Event(), threading.Event()
        self.flips = self.dice.sample(range(TIMES), TIMES // 4)  # pauses that are taken back at once
        self.draw()

    def draw(self) -> None:
        self.left = self.dice.randint(1, self.longest)

    @property
    def edition(self) -> Edition:
        return Edition.objects.get(issue=self.issue, language="en")

    def __call__(self, step: str, _argument: str) -> None:
        """In the relay's thread, which does nothing else meanwhile."""
        if step not in STEPS or self.left == 0:
            return
        self.left -= 1
        if self.left == 0:
            (trouble,) = at_once(self.stop)
            self.stopped_at.add(step)
            self.trouble = trouble
            self.had = len(self.relay.received)
            self.reached.set()

    def stop(self) -> None:
        if self.pauses == TIMES:
            self.ends(self.edition, by=None)
            return
        enqueue.pause(self.edition, by=None)
        if self.pauses in self.flips:
            enqueue.resume(self.edition, by=None)

    def decide(self) -> None:
        """All of it, from beside the relay."""
        while self.pauses < TIMES + bool(self.ends):
            self.asked(self.reached.is_set)
            self.reached.clear()
            assert self.trouble is None, self.trouble
            if self.pauses == TIMES:
                break
            if self.pauses not in self.flips:
                self.asked(lambda: not in_hand(self.issue))
                assert len(self.relay.received) - self.had <= self.lanes
                enqueue.resume(self.edition, by=None)
            self.pauses += 1
            if self.pauses < TIMES or self.ends:
                self.draw()

    def assert_cancelled(self, addresses: list[str]) -> None:
        """Whom it reached, it reached once; who is left over is skipped; no more came than was on the wire."""
        assert len(self.relay.received) - self.had <= self.lanes
        got = self.relay.recipients()
        assert len(got) == len(set(got))
        rows = Delivery.objects.filter(issue=self.issue).values_list("state", "why", "subscriber__address")
        assert {address for state, _why, address in rows if state == "accepted"} == set(got)
        assert {address for state, why, address in rows if (state, why) == ("skipped", "cancelled")} == set(
            addresses
        ) - set(got)
        report = reporting.report(self.issue)
        assert report["balanced"]
        assert report["states"] == {"accepted": len(got), "skipped": len(addresses) - len(got)}
        assert 0 < len(got) < len(addresses)
        assert self.edition.state == State.CANCELLED


def in_hand(issue: Issue) -> bool:
    return Delivery.objects.filter(issue=issue, state__in=Delivery.IN_HAND).exists()


def wait_until(condition: Callable[[], object], seconds: float = 30) -> None:
    latest = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < latest
        time.sleep(0.002)


# --- on SQLite, workers in threads ------------------------------------------------------------------------------------

WORKERS, CONNECTIONS = 2, 2


def go_through(settings, *, seed: int, ends=None) -> tuple[Person, list[str]]:
    """Two workers and a beat until all is over."""
    settings.SENDING_CONNECTIONS = CONNECTIONS
    addresses, issue = crowd(90), make_issue(items=1, languages=["en"], state=State.READY)
    enqueue.send(issue, ["en"], by=None)
    (edition,) = enqueue.freeze_due(issue.pk)
    with Relay() as relay:
        point_at(settings, relay)
        person = Person(relay, issue, seed=seed, longest=11, lanes=WORKERS * CONNECTIONS, ends=ends)
        relay.script = person

        def work() -> None:
            while not is_over(issue):
                sending.send_edition(edition.pk, seconds=1)
                time.sleep(0.005)

        def beat() -> None:
            while not is_over(issue):
                reconcile()
                time.sleep(0.02)

        assert at_once(person.decide, beat, *[work] * WORKERS) == [None] * (2 + WORKERS)
    connection.close()
    return person, addresses


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1])
def test_paused_and_resumed_twenty_times_everybody_gets_it_once(settings, seed):
    person, addresses = go_through(settings, seed=seed)
    assert person.pauses == TIMES
    assert len(person.stopped_at) >= 4  # kinds of steps
    assert_everybody_once(person.relay, person.issue, addresses)
    assert person.edition.state == State.SENT


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [3])
def test_cancelled_after_twenty_pauses_nothing_more_arrives_than_was_on_the_wire(settings, seed):
    person, addresses = go_through(settings, seed=seed, ends=enqueue.cancel)
    assert person.pauses == TIMES
    person.assert_cancelled(addresses)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["connect", "MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize("deed", [enqueue.pause, enqueue.cancel])
def test_at_whatever_step_of_a_letter_it_stops_only_a_dot_that_was_said_counts(settings, deed, step):
    settings.SENDING_CONNECTIONS = 1
    addresses, issue = crowd(5), make_issue(items=1, languages=["en"], state=State.READY)
    enqueue.send(issue, ["en"], by=None)
    (edition,) = enqueue.freeze_due(issue.pk)
    steps = iter(range(99))

    def script(here, _argument):
        if here == step and next(steps) == (0 if step == "connect" else 2):
            at_once(lambda: deed(Edition.objects.get(pk=edition.pk), by=None))

    with Relay(script) as relay:
        point_at(settings, relay)
        sending.send_edition(edition.pk)
        # MAIL, RCPT and DATA of the third letter travel with the dot of the second one, whose intent was granted.
        arrived = {"connect": 0, "dot": 3}.get(step, 2)
        assert len(relay.received) == arrived
        reconcile()
        left = ("queued", "") if deed is enqueue.pause else ("skipped", "cancelled")
        rows = Delivery.objects.order_by("pk").values_list("state", "why")
        assert list(rows) == [("accepted", "")] * arrived + [left] * (len(addresses) - arrived)
        if deed is enqueue.pause:
            enqueue.resume(Edition.objects.get(pk=edition.pk), by=None)
            sending.send_edition(edition.pk)
            assert_everybody_once(relay, issue, addresses)


# --- on PostgreSQL and Redis, with Celery workers ---------------------------------------------------------------------


@pytest.mark.service
@pytest.mark.parametrize(("seed", "ends"), [(5, None), (6, enqueue.cancel), (7, enqueue.cancel)])
def test_real_workers_are_stopped_and_started_twenty_times(tmp_path, django_db_blocker, seed, ends):
    with (
        Relay(delay=0.002) as relay,
        service(tmp_path, relay, django_db_blocker, SENDING_CONNECTIONS="4") as there,
    ):
        addresses, issue = crowd(1500), make_issue(items=1, languages=["en"], state=State.READY)
        lanes = 2 * 2 * 4  # workers, children, connections
        person = Person(relay, issue, seed=seed, longest=200, lanes=lanes, ends=ends, asked=there.wait_until)
        relay.script = person
        there.beat()
        for _worker in range(2):
            there.worker()
        there.manage("send_issue", "next", "--language", "en")
        person.decide()
        there.wait_until(lambda: is_over(issue))
        assert person.pauses == TIMES
        if ends:
            person.assert_cancelled(addresses)
        else:
            assert_everybody_once(relay, issue, addresses)
