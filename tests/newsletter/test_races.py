"""Two at once: people, workers and the reconciler get in each other's way, and the ledger stays right."""

import datetime
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from newsletter import brakes, enqueue, ledger, lifecycle, sending
from newsletter.models import Delivery, Edition
from newsletter.reconcile import reconcile
from newsletter.transports import Outcome, Verdict
from picum.chaos.relay import Relay
from tests.conftest import point_at
from tests.newsletter.crowd import assert_everybody_once, crowd, is_over
from tests.newsletter.factories import make_issue, make_subscriber

State = Edition.State
pytestmark = pytest.mark.django_db(transaction=True)
LEASE = datetime.timedelta(seconds=60)


def at_once(*functions: Callable[[], object]) -> list[object]:
    """What each function returned or raised, all begun at the same moment, each on a connection of its own."""
    start, told = threading.Barrier(len(functions)), [None] * len(functions)

    def run(number: int, function: Callable[[], object]) -> None:
        start.wait(10)
        try:
            told[number] = function()
        except Exception as error:
            told[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), told
    return told


def frozen_issue(languages=("en",), **fields):
    issue = make_issue(items=1, state=State.READY, **fields)
    enqueue.send(issue, languages, by=None)
    enqueue.freeze_due(issue.pk)
    return issue


def english(issue) -> Edition:
    return issue.editions.get(language="en")


# --- people -----------------------------------------------------------------------------------------------------------


def test_of_two_who_press_send_one_sends_and_the_other_is_told():
    for number in range(5):
        issue = make_issue(f"issue-{number}", items=1, state=State.READY)
        told = at_once(*[partial(enqueue.send, issue, ["en", "de"], by=None)] * 2)
        assert [type(what) for what in told if isinstance(what, Exception)] == [lifecycle.IllegalMove]
        assert [{e.language for e in what} for what in told if isinstance(what, list)] == [{"en", "de"}]


def test_of_two_who_freeze_one_creates_the_deliveries():
    issue, addresses = make_issue(items=1, state=State.READY), crowd(100)
    enqueue.send(issue, ["en"], by=None)
    told = at_once(*[lambda: [edition.language for edition in enqueue.freeze_due(issue.pk)]] * 2)
    assert sorted(told) == [[], ["en"]]
    assert Delivery.objects.filter(issue=issue, state="queued").count() == len(addresses)


def test_paused_and_resumed_twenty_times_everybody_gets_it_once(settings):
    settings.SENDING_CONNECTIONS = 2
    addresses = crowd(300)
    with Relay(delay=0.005) as relay:
        point_at(settings, relay)
        issue = frozen_issue()

        def work():
            while not is_over(issue):
                sending.send_edition(english(issue).pk, seconds=1)
                time.sleep(0.01)

        def hesitate():
            for stop in range(1, 21):
                relay.wait_for(14 * stop)
                enqueue.pause(english(issue), by=None)
                enqueue.resume(english(issue), by=None)

        assert at_once(work, work, hesitate) == [None, None, None]
        assert_everybody_once(relay, issue, addresses)


def test_a_brake_that_comes_after_a_person_s_pause_changes_nothing():
    issue = frozen_issue()
    edition = english(issue)
    enqueue.pause(english(issue), by=None, reason="a typo")
    brakes.stop(edition.pk, reason="looks like spam")
    edition.refresh_from_db()
    assert (edition.state, edition.reason) == (State.PAUSED, "a typo")


# --- the reconciler and the workers ---------------------------------------------------------------------------------


def test_an_edition_is_not_called_sent_while_new_readers_are_being_added_to_it():
    """Those who waited for Portuguese are given English, at the moment in which the English edition is done."""
    issue = make_issue(items=1, state=State.READY)
    issue.editions.filter(language="pt").update(state=State.DRAFT)
    make_subscriber("amal@example.org", "pt en")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    assert english(issue).state == State.SENDING

    told = []

    def finish():
        told.append(sending.complete(english(issue).pk))
        connection.close()

    with transaction.atomic():
        enqueue.send(issue, ["it"], by=None, given_up=["pt"])
        enqueue.freeze_due(issue.pk)
        finishing = threading.Thread(target=finish)
        finishing.start()
        finishing.join(0.5)
    finishing.join(30)

    assert told == [False]
    assert english(issue).state == State.SENDING
    assert Delivery.objects.get().state == "queued"


def test_what_a_slow_worker_reports_after_the_end_is_taken_up_again(relay):
    make_subscriber("amal@example.org")
    issue = frozen_issue()
    edition, now = english(issue), timezone.now()
    (claim,) = ledger.claim(edition.pk, worker="slow", limit=9, lease=LEASE, now=now)
    ledger.intend([(claim.delivery_id, claim.attempt)], worker="slow", now=now)
    reconcile(now=now + 2 * LEASE)
    assert english(issue).state == State.SENT  # with one unknown

    not_sent = ledger.entry_for(claim.delivery_id, claim.attempt, Outcome(Verdict.UNSENT, "dropped"))
    ledger.record([not_sent], worker="slow", now=now - LEASE)
    reconcile(now=now + 3 * LEASE)
    sending.send_edition(edition.pk)
    assert relay.recipients() == ["amal@example.org"]
    assert english(issue).state == State.SENT


def test_an_issue_that_cannot_be_frozen_says_so_and_does_not_hold_up_the_others(relay):
    make_subscriber("amal@example.org")
    spoilt, sound = make_issue("spoilt", items=1, state=State.READY), make_issue("sound", items=1, state=State.READY)
    for issue in (spoilt, sound):
        enqueue.send(issue, ["en"], by=None)
    type(spoilt).objects.filter(pk=spoilt.pk).update(slug="no address/at all")
    reconcile()
    sending.send_edition(english(sound).pk)
    assert relay.recipients() == ["amal@example.org"]
    edition = english(spoilt)
    assert edition.state == State.SCHEDULED
    assert "NoReverseMatch" in edition.last_error


# --- the wire ---------------------------------------------------------------------------------------------------------


def test_a_relay_that_takes_fewer_connections_than_we_have_slows_nothing_down(settings):
    settings.SENDING_CONNECTIONS = 8
    issue_addresses = crowd(200)
    open_now = []

    class Narrow(Relay):
        async def _talk(self, reader, writer):
            open_now.append(writer)
            if len(open_now) > 2:
                writer.write(b"421 4.7.0 too many connections\r\n")
                await writer.drain()
                writer.close()
            else:
                await super()._talk(reader, writer)
            open_now.remove(writer)

    with Narrow() as relay:
        point_at(settings, relay)
        issue = frozen_issue()
        sending.send_edition(english(issue).pk)
        assert_everybody_once(relay, issue, issue_addresses)
    assert english(issue).last_error == ""


@pytest.mark.parametrize(("rate", "number"), [(60, 120), (10, 40), (0.5, 2)])
def test_the_rate_is_kept_and_used(settings, relay, rate, number):
    settings.SENDING_RATE, settings.BROKER_IS_EMBEDDED = rate, True  # the command itself sends
    addresses, issue = crowd(number), make_issue(items=1, state=State.READY)
    start = time.monotonic()
    call_command("send_issue", "next", "--wait")
    seconds = time.monotonic() - start
    assert_everybody_once(relay, issue, addresses)
    assert (number - 1) / rate <= seconds < number / rate + 4


class Faulty:
    """A transport with a bug: its lanes raise at one letter, before or after the intent."""

    name, batch, lanes = "faulty", 1, 1

    def __init__(self, address: str, *, after_intent: bool):
        self.address, self.after_intent, self.sent = address, after_intent, []

    def lane(self):
        return self

    async def send(self, letters, intend, following):
        (letter,) = letters
        if letter.address == self.address and not self.after_intent:
            raise ValueError("a bug")
        await intend(letters)
        if letter.address == self.address:
            raise ValueError("a bug")
        self.sent.append(letter.address)
        return [Outcome(Verdict.ACCEPTED)]

    async def close(self):
        pass


@pytest.mark.parametrize(("after_intent", "becomes"), [(False, "queued"), (True, "unknown")])
def test_a_bug_in_a_transport_pauses_the_edition_and_costs_one_letter_at_most(settings, after_intent, becomes):
    settings.SENDING_CONNECTIONS = 4
    addresses = crowd(40)
    issue = frozen_issue()
    faulty = Faulty(addresses[20], after_intent=after_intent)
    sending.send_edition(english(issue).pk, transport=faulty)
    delivery = Delivery.objects.get(subscriber__address=addresses[20])
    assert delivery.state == becomes
    edition = english(issue)
    assert edition.state == State.PAUSED
    assert edition.reason == "ValueError"
    states = Delivery.objects.exclude(pk=delivery.pk).values_list("state", flat=True)
    assert set(states) == {"accepted", "queued"}
    assert list(states).count("accepted") == len(faulty.sent)
