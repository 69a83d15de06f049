"""Mails that single people asked for, at the mail server: taken, refused, put off, broken off; and workers that die."""

import datetime
import logging
import socket
from collections import Counter
from smtplib import SMTPServerDisconnected

import pytest
import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from celery import current_app
from django.utils import timezone

from newsletter import outbox, tasks
from newsletter.models import Suppression, SystemMail
from newsletter.reconcile import reconcile
from picum import wire
from picum.chaos.relay import ACCEPT_THEN_DROP, DROP, Relay
from tests.conftest import point_at
from tests.newsletter.asked import NOW, asks, ends, sent
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db
State = SystemMail.State
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def smtp(settings):
    settings.EMAIL_BACKEND = "picum.smtp.EmailBackend"  # pytest-django puts a box in its place


@pytest.fixture
def server(smtp, relay):
    return relay


@pytest.fixture
def bells(monkeypatch) -> list[str]:
    """The names of the tasks that are asked for."""
    rung: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: rung.append(name))
    return rung


def answers(relay, **replies: str) -> None:
    """The relay says this at these steps."""
    relay.script = lambda step, argument: replies.get(step)


# --- over a real connection ------------------------------------------------------------------------------------------


def test_a_mail_arrives_with_the_headers_of_a_mail_to_one_person(server, settings):
    settings.NEWSLETTER_REPLY_TO = "desk@picum.example"
    asks("Amal@bücher.example", ("nl",))
    assert sent() == {("sent", ""): 1}
    (mail,) = server.received
    assert (mail.sender, mail.recipient) == ("newsletter@picum.example", "Amal@xn--bcher-kva.example")
    message = mail.message
    assert sorted(message.keys()) == [
        "Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Reply-To",
        "Subject", "To", "X-Auto-Response-Suppress",
    ]  # fmt: skip
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (message["Content-Language"], message["Reply-To"]) == ("nl", "desk@picum.example")
    assert message["To"] == "Amal@xn--bcher-kva.example"
    assert message["From"].addresses[0].addr_spec == "newsletter@picum.example"
    assert message["From"].addresses[0].display_name
    assert message["Message-ID"].endswith("@picum.example>")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []


def test_many_mails_share_a_connection(server):
    for name in ("amal", "boris", "carla"):
        asks(f"{name}@example.org")
    sent()
    assert len(server.received) == 3
    assert server.connections == 1


def test_a_relay_that_is_away_costs_no_mail_a_try_and_is_tried_again(smtp, settings):
    asks()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", taken.getsockname()[1]
        for _time in range(9):
            assert sent() == {}
    assert SystemMail.objects.values_list("state", "attempts", "why").get() == ("waiting", 0, "")
    with Relay() as server:
        point_at(settings, server)
        assert sent() == {("sent", ""): 1}


@pytest.mark.parametrize(
    "replies", [{"MAIL": "451 4.3.0 no"}, {"MAIL": "530 5.7.0 log in first"}, {"RCPT": "421 4.3.2 bye"}]
)
def test_a_relay_that_takes_nothing_costs_no_mail_a_try(server, replies):
    asks("amal@example.org")
    asks("boris@example.org")
    answers(server, **replies)
    assert sent() == {("waiting", "relay"): 1}  # the other one is not tried at all
    assert set(SystemMail.objects.values_list("attempts", flat=True)) == {0}
    server.script = lambda step, argument: None
    assert sent(now=NOW + 2 * MINUTE) == {("sent", ""): 2}  # its place among the limits was not taken twice


@pytest.mark.parametrize(
    ("step", "reply"), [("RCPT", "550 5.1.1 no such user"), ("dot", "554 5.6.0 no"), ("RCPT", "550")]
)
def test_an_address_that_is_refused_for_ever_is_given_up(server, step, reply):
    asks()
    answers(server, **{step: reply})
    assert sent() == {("dropped", "refused"): 1}
    assert SystemMail.objects.get().address == ""
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("step", "reply"),
    [("RCPT", "450 4.2.0 greylisted"), ("dot", "451 4.3.0 no"), ("RCPT", "554 5.7.1 relay access denied")],
)
def test_what_is_not_taken_now_is_tried_five_times_ever_more_slowly(server, step, reply):
    asks()
    answers(server, **{step: reply})
    now, waits = NOW, []
    while sent(now=now) == {("waiting", "later"): 1}:
        due_at = SystemMail.objects.get().due_at
        waits.append(round((due_at - now) / MINUTE))
        now = due_at
    assert waits == [5, 10, 20, 40]
    assert ends() == {("sign-up", "dropped", "tries"): 1}


@pytest.mark.parametrize("action", [DROP, ACCEPT_THEN_DROP])
def test_a_connection_that_breaks_in_the_middle_costs_a_try_and_ends_the_round(server, action):
    asks("amal@example.org")
    asks("boris@example.org")
    answers(server, dot=action)
    assert sent() == {("waiting", "later"): 1}
    server.script = lambda step, argument: None
    assert sent(now=NOW + 6 * MINUTE) == {("sent", ""): 2}
    mails = [mail.message["Message-ID"] for mail in server.received]
    assert len(mails) == 2 + (action == ACCEPT_THEN_DROP)  # at least once …
    assert len(set(mails)) == 2  # … and it is known to be the same


def test_a_worker_killed_between_sending_and_writing_it_down_leaves_a_mail_that_is_sent_again(mailoutbox):
    asks()
    taken = outbox._take(NOW)  # and here it is killed, perhaps after it handed the mail over
    taken.build().send()
    assert sent() == {}
    outbox.tidy(now=NOW + outbox.LEASE)
    assert sent(now=NOW + outbox.LEASE) == {}
    outbox.tidy(now=NOW + 2 * outbox.LEASE)
    assert sent(now=NOW + 2 * outbox.LEASE) == {("sent", ""): 1}
    assert len({message.extra_headers["Message-ID"] for message in mailoutbox}) == 1


def test_a_mail_at_which_workers_die_again_and_again_is_given_up(mailoutbox):
    asks()
    now = NOW
    for _time in range(outbox.MAX_TRIES):
        assert outbox._take(now).build
        now += 2 * outbox.LEASE
        outbox.tidy(now=now)
    assert sent(now=now) == {("dropped", "tries"): 1}


def test_a_worker_that_was_given_up_does_not_overwrite_what_another_does():
    asks()
    slow = outbox._take(NOW)
    later = NOW + 2 * outbox.LEASE
    outbox.tidy(now=later)
    quick = outbox._take(later)
    assert outbox._move(slow.mail, State.DROPPED, "tries", now=later) == ("gone", "")
    assert outbox._move(quick.mail, State.SENT, now=later) == ("sent", "")
    assert SystemMail.objects.get().state == State.SENT


def test_it_stops_when_the_worker_is_asked_to_and_rings_for_another(mailoutbox, bells):
    for name in ("amal", "boris"):
        asks(f"{name}@example.org")
    stops = iter([False, True])
    assert dict(outbox.dispatch(now=NOW, until=lambda: next(stops))) == {("sent", ""): 1}
    assert SystemMail.objects.filter(state="waiting").count() == 1
    assert bells == ["newsletter.send_system_mail"]
    sent()
    assert len(bells) == 1


def test_refusals_are_logged_without_the_address(server, caplog):
    caplog.set_level(logging.DEBUG)
    asks("amal.haddad@example.org")
    answers(server, RCPT="550 5.1.1 amal.haddad@example.org is unknown")
    sent()
    assert "SMTPRecipientsRefused" in caplog.text
    assert "haddad" not in caplog.text


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (AnymailRecipientsRefused(), "refused"),
        (AnymailInvalidAddress(), "refused"),
        (AnymailAPIError(status_code=422), "refused"),
        (AnymailAPIError(status_code=401), "away"),
        (AnymailAPIError(status_code=429), "away"),
        (AnymailAPIError(status_code=500), "broken"),
        (AnymailRequestsAPIError(), "broken"),
        (requests.ConnectionError(), "broken"),
        (SMTPServerDisconnected(), "broken"),
        (TimeoutError(), "broken"),
        (ValueError("Invalid address"), "refused"),
    ],
)
def test_what_a_provider_says_is_understood(error, answer):
    assert wire.answer_of(error).value == answer


# --- workers ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_an_address_one_mail(smtp, relay, settings):
    for _time in range(3):
        asks("amal@example.org")
        asks("boris@example.org")
    ends = at_once(*[sent] * 3)
    assert sum(map(Counter, ends), Counter()) == {("sent", ""): 2, ("dropped", "address"): 4}
    assert sorted(relay.recipients()) == ["amal@example.org", "boris@example.org"]


def test_the_task_sends_what_is_due(mailoutbox):
    asks(now=timezone.now())
    tasks.send_system_mail()
    assert [message.to for message in mailoutbox] == [["amal@example.org"]]


def test_the_reconciler_rings_for_what_is_due_and_frees_what_a_dead_worker_held(bells):
    asks(now=timezone.now())
    reconcile()
    assert bells == ["newsletter.send_system_mail"]
    SystemMail.objects.update(state="claimed", lease_until=timezone.now() - MINUTE)
    reconcile()
    assert bells == ["newsletter.send_system_mail"] * 2
    SystemMail.objects.update(state="sent")
    reconcile()
    assert len(bells) == 2
