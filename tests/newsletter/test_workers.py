"""Real processes send at once, are killed, lose their broker and their database: nobody is missed, nobody served twice.

The deep ones run on PostgreSQL and Redis (marked `service`); the same on SQLite, with fewer readers, always.
"""

import os
import random
import shutil
import signal
import socket
import threading

import pytest
import redis
from django.db import connection

from newsletter import enqueue
from newsletter.models import Delivery, Edition, Issue, Rendition, Route
from picum.chaos.relay import DROP, Relay
from tests.newsletter.crowd import assert_everybody_once, crowd, is_over
from tests.newsletter.factories import make_issue
from tests.services import embedded, service

CONNECTIONS = 4  # of each sender
State = Edition.State


@pytest.fixture
def relay():
    """A relay as slow as one that is some way off, so that there is a middle of the sending to be killed in."""
    with Relay(delay=0.01) as server:
        yield server


@pytest.fixture
def here(tmp_path, relay, django_db_blocker):
    """A newcomer's site."""
    with embedded(tmp_path, relay, django_db_blocker, SENDING_CONNECTIONS=str(CONNECTIONS)) as site:
        yield site


@pytest.fixture
def there(tmp_path, relay, django_db_blocker):
    """A site on PostgreSQL and Redis; nothing runs yet."""
    with service(tmp_path, relay, django_db_blocker, SENDING_CONNECTIONS=str(CONNECTIONS)) as site:
        yield site


def ready_issue() -> Issue:
    return make_issue(items=2, state=State.READY)


def workers_of(issue: Issue) -> int:
    return Delivery.objects.filter(issue=issue, state="accepted").values("worker").distinct().count()


class Killer:
    """A relay's script: at the mails of these numbers it kills the program that is sending, in the middle of the dot.

    Half of the fatal mails are taken, half are lost with the connection: nobody can tell which from the other side.
    """

    def __init__(self, *at_mail: int, dice: random.Random):
        self.at_mail, self.dice = set(at_mail), dice
        self.seen, self.lock, self.died = 0, threading.Lock(), threading.Event()
        self.victim = None

    def __call__(self, step, argument):
        if step != "dot":
            return None
        with self.lock:
            self.seen += 1
            if self.seen not in self.at_mail or self.victim is None:
                return None
            self.victim.kill()
            self.died.set()
        return DROP if self.dice.random() < 0.5 else None


# --- on SQLite, without a broker ------------------------------------------------------------------------------------


def test_two_processes_send_from_one_sqlite_file_and_nobody_gets_it_twice(here, relay):
    issue, addresses = ready_issue(), crowd(300)
    first = here.start("manage.py", "send_issue", "next", "--wait")
    relay.wait_for(1)
    second = here.start("manage.py", "send_issue", "next", "--wait")
    for program in (first, second):
        assert f"{len(addresses)}/{len(addresses)}" in program.ends()
    assert_everybody_once(relay, issue, addresses)
    assert workers_of(issue) >= 2


def test_a_sender_killed_again_and_again_goes_on_where_it_was(here, relay):
    issue, addresses = ready_issue(), crowd(300)
    relay.script = killer = Killer(1, 60, 170, dice=random.Random(1))
    for _kill in range(3):
        killer.died.clear()
        killer.victim = here.start("manage.py", "send_issue", "next", "--wait")
        assert killer.died.wait(60), killer.victim.log
        killer.victim.ends(code=-9)
    here.manage("send_issue", "next", "--wait")
    assert_everybody_once(relay, issue, addresses, most_unknown=3 * CONNECTIONS)


def test_ctrl_c_ends_the_command_soon_and_the_next_one_finishes(here, relay):
    issue, addresses = ready_issue(), crowd(300)
    program = here.start("manage.py", "send_issue", "next", "--wait")
    relay.wait_for(40)
    os.kill(program.process.pid, signal.SIGINT)
    program.ends(10, code=130)
    here.manage("send_issue", "next", "--wait")
    assert_everybody_once(relay, issue, addresses)


def test_a_broker_that_is_away_delays_nothing_but_the_bell(tmp_path, relay, django_db_blocker):
    nobody_listens = "redis://127.0.0.1:1/0"
    with embedded(tmp_path, relay, django_db_blocker) as site:
        issue = ready_issue()
        addresses = crowd(5)
        site.environment["CELERY_BROKER_URL"] = nobody_listens
        log = site.manage("send_issue", "next", seconds=20)
        assert "The broker cannot be reached" in log
        assert set(issue.editions.values_list("state", flat=True)) == {State.SCHEDULED}
        site.environment["CELERY_BROKER_URL"] = "memory://localhost/"
        site.manage("send_issue", "next", "--wait")
        assert_everybody_once(relay, issue, addresses)


# --- freezing -------------------------------------------------------------------------------------------------------

KILLED_WHILE_FREEZING = """
import os
from django.db import connection
from newsletter import enqueue
from newsletter.models import Issue

seen = []

def watch(execute, sql, params, many, context):
    if seen and sql != seen[-1]:
        seen.append(sql)
        if len(seen) == 3:  # the INSERT, the statement after it, and this one
            os.kill(os.getpid(), 9)
    if "INSERT INTO newsletter_delivery" in sql:
        seen.append(sql)
    return execute(sql, params, many, context)

with connection.execute_wrapper(watch):
    enqueue.freeze_due(Issue.objects.get(slug="next").pk)
"""
KILLED_BEFORE_RINGING = """
import os
from django.db import transaction
from newsletter import enqueue
from newsletter.models import Issue

with transaction.atomic():
    transaction.on_commit(lambda: os.kill(os.getpid(), 9))
    enqueue.send(Issue.objects.get(slug="next"), ["en"], by=None)
"""


def assert_a_freeze_cut_short_leaves_nothing(site, relay):
    issue, addresses = ready_issue(), crowd(50, "en", "pt en")
    enqueue.send(issue, ["en", "pt"], by=None)
    site.start("manage.py", "shell", "-c", KILLED_WHILE_FREEZING).ends(code=-9)
    assert Delivery.objects.count() == Rendition.objects.count() == Route.objects.count() == 0
    assert set(issue.editions.filter(language__in=["en", "pt"]).values_list("state", "frozen_at", "frozen_count")) == {
        (State.SCHEDULED, None, 0)
    }
    assert {edition.language for edition in enqueue.freeze_due(issue.pk)} == {"en", "pt"}
    assert Delivery.objects.filter(state="queued").count() == len(addresses)


def test_a_freeze_that_is_killed_leaves_nothing_and_a_new_one_completes(here, relay):
    assert_a_freeze_cut_short_leaves_nothing(here, relay)


@pytest.mark.service
def test_a_freeze_that_is_killed_leaves_nothing_and_a_new_one_completes_on_postgresql(there, relay):
    assert_a_freeze_cut_short_leaves_nothing(there, relay)


@pytest.mark.service
def test_killed_between_the_commit_and_the_bell_the_reconciler_delivers(there, relay):
    issue, addresses = ready_issue(), crowd(20)
    there.start("manage.py", "shell", "-c", KILLED_BEFORE_RINGING).ends(code=-9)
    assert issue.editions.get(language="en").state == State.SCHEDULED
    assert redis.Redis.from_url(there.environment["CELERY_BROKER_URL"]).dbsize() == 0
    there.worker()
    there.beat()
    there.wait_until(lambda: is_over(issue))
    assert_everybody_once(relay, issue, addresses)


# --- Celery workers on PostgreSQL and Redis --------------------------------------------------------------------------


@pytest.mark.service
def test_two_celery_workers_send_to_2000_readers_and_nobody_gets_it_twice(there, relay):
    issue, addresses = ready_issue(), crowd(2000, "en", "fr en", "de")
    there.beat()
    for _worker in range(2):
        there.worker()
    log = there.manage("send_issue", "next", "--wait")
    assert "2000/2000" in log
    assert_everybody_once(relay, issue, addresses)
    assert workers_of(issue) >= 2
    assert set(issue.editions.values_list("state", flat=True)) == {State.SENT}


@pytest.mark.service
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_worker_killed_in_mid_send_and_started_again_misses_nobody(there, relay, seed):
    dice = random.Random(seed)
    issue, addresses = ready_issue(), crowd(2000)
    relay.script = killer = Killer(*dice.sample(range(1, 1800), 3), dice=dice)
    there.beat()
    killer.victim = there.worker()
    there.manage("send_issue", "next")
    for _kill in range(3):
        there.wait_until(killer.died.is_set)
        killer.died.clear()
        killer.victim = there.worker()
    there.wait_until(lambda: is_over(issue))
    in_flight = 2 * CONNECTIONS  # of a worker's two children
    assert_everybody_once(relay, issue, addresses, most_unknown=3 * in_flight)


@pytest.mark.service
def test_losing_all_that_the_broker_holds_in_mid_send_loses_nobody(there, relay):
    issue, addresses = ready_issue(), crowd(1500)
    broker = redis.Redis.from_url(there.environment["CELERY_BROKER_URL"])
    there.beat()
    there.worker()
    there.manage("send_issue", "next")
    for mails in (1, 300, 700, 1200):
        relay.wait_for(mails)
        broker.flushdb()
    there.wait_until(lambda: is_over(issue))
    assert_everybody_once(relay, issue, addresses)


@pytest.mark.service
def test_a_broker_that_dies_and_comes_back_empty_in_mid_send_loses_nobody(there, relay, tmp_path):
    assert shutil.which("redis-server"), "This test kills a Redis of its own; install redis-server."
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])

    def redis_server():
        return there.run("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path)

    there.environment["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{port}/0"
    issue, addresses = ready_issue(), crowd(1500)
    broker = redis_server()
    there.beat()
    there.worker()
    there.manage("send_issue", "next", "--language", "en")
    for mails in (200, 900):
        relay.wait_for(mails)
        broker.kill()
        edition = issue.editions.get(language="en")
        enqueue.pause(edition, by=None)  # the workers come to an end, and nobody can ring for them
        there.wait_until(lambda: not Delivery.objects.filter(state__in=Delivery.IN_HAND).exists())
        there.manage("shell", "-c", RESUME)
        broker = redis_server()
    there.wait_until(lambda: is_over(issue), seconds=150)
    assert_everybody_once(relay, issue, addresses)


RESUME = """
from newsletter import enqueue
from newsletter.models import Edition

enqueue.resume(Edition.objects.get(language="en"), by=None)
"""


@pytest.mark.service
def test_losing_every_connection_to_the_database_in_mid_send_leaves_nothing_unknown(there, relay):
    issue, addresses = ready_issue(), crowd(1500)
    there.beat()
    there.worker()
    there.manage("send_issue", "next")
    for mails in range(100, 1500, 200):
        relay.wait_for(mails)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.rowcount > 0
    there.wait_until(lambda: is_over(issue))
    assert_everybody_once(relay, issue, addresses)


@pytest.mark.service
def test_paused_and_resumed_twenty_times_everybody_gets_it_once(there, relay):
    issue, addresses = ready_issue(), crowd(1500)
    there.beat()
    for _worker in range(2):
        there.worker()
    there.manage("send_issue", "next", "--language", "en")
    edition = issue.editions.get(language="en")
    for stop in range(1, 21):
        relay.wait_for(70 * stop)
        edition.refresh_from_db()
        enqueue.pause(edition, by=None)
        relay_had = len(relay.received)
        there.wait_until(lambda: not edition.deliveries.filter(state__in=Delivery.IN_HAND).exists())
        assert len(relay.received) <= relay_had + 4 * CONNECTIONS
        enqueue.resume(edition, by=None)
    there.wait_until(lambda: is_over(issue))
    assert_everybody_once(relay, issue, addresses)
