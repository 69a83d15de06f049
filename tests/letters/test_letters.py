"""Letters to single people: queued with what was done, built and sent by a worker, forgotten when they have gone."""

import datetime

import pytest
from celery import current_app
from django.conf import settings
from django.core import mail
from django.db import transaction
from django.utils import timezone

from picum.chaos.relay import Relay
from picum.letters import post
from picum.letters.models import Letter
from picum.mail import build
from tests.conftest import point_at

NOW = timezone.now()
State = Letter.State


@pytest.fixture
def greeting(monkeypatch):
    """A kind of letters that says hello, as a mail with the words of "newsletter/link"."""
    monkeypatch.setitem(post.BUILDERS, "test.greeting", _greet)


def _greet(letter, *, now):
    if letter.about.get("moot"):
        return None
    return build(
        "newsletter/link",
        to=letter.address,
        language=letter.language,
        context={"network": "PICUM", "token": "t", "data_token": "d", "until": "then", "direction": "ltr"},
    )


def put(address="amal@example.org", **about) -> Letter:
    return post.put("test.greeting", to=address, language="pt", now=NOW, **about)


@pytest.mark.django_db
def test_a_letter_goes_in_its_language_and_its_address_is_forgotten(greeting):
    put(member=7)
    assert post.dispatch(now=NOW) == {("sent", ""): 1}
    assert [message.to for message in mail.outbox] == [["amal@example.org"]]
    assert mail.outbox[0].extra_headers["Content-Language"] == "pt"
    letter = Letter.objects.get()
    assert (letter.state, letter.address, letter.about) == (State.SENT, "", {"member": 7})
    assert post.dispatch(now=NOW) == {}


@pytest.mark.django_db
def test_a_letter_that_has_nothing_to_say_any_more_is_not_sent(greeting):
    put(moot=True)
    assert post.dispatch(now=NOW) == {("dropped", "moot"): 1}
    assert not mail.outbox


@pytest.mark.django_db
def test_a_letter_that_waited_for_a_week_is_not_sent(greeting):
    put()
    assert post.dispatch(now=NOW + datetime.timedelta(days=8)) == {("dropped", "late"): 1}


@pytest.mark.django_db
def test_a_kind_that_nobody_builds_is_refused_at_once():
    with pytest.raises(LookupError):
        post.put("test.nobody", to="amal@example.org", language="pt", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_the_bell_is_rung_when_the_letter_is_there_and_not_before(greeting, monkeypatch):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: rung.append(name))
    with transaction.atomic():
        put()
        assert rung == []
    assert rung == ["letters.dispatch"]


@pytest.mark.django_db
def test_a_worker_that_was_killed_leaves_a_letter_that_is_taken_up_again(greeting):
    put()
    post._take(NOW)
    assert post.dispatch(now=NOW) == {}
    later = NOW + post.LEASE + datetime.timedelta(seconds=1)
    post.tidy(now=later)
    assert post.dispatch(now=later) == {("sent", ""): 1}


def test_a_mail_server_that_takes_its_time_over_each_answer_is_waited_for():
    """Else another worker would send the letter too."""
    assert datetime.timedelta(seconds=4 * settings.EMAIL_TIMEOUT) < post.LEASE


@pytest.mark.django_db
def test_a_letter_whose_workers_were_killed_five_times_is_given_up(greeting):
    put()
    now = NOW
    for _kill in range(post.MAX_TRIES):
        post._take(now)
        now += post.LEASE + datetime.timedelta(seconds=1)
        post.tidy(now=now)
    assert post.dispatch(now=now) == {("dropped", "tries"): 1}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reply", "end"),
    [("550 5.1.1 no such user", ("dropped", "refused")), ("450 4.2.0 greylisted", ("waiting", "later"))],
)
def test_what_the_mail_server_says_decides(greeting, settings, reply, end):
    settings.EMAIL_BACKEND = "picum.smtp.EmailBackend"
    with Relay() as relay:
        point_at(settings, relay)
        relay.script = lambda step, argument: reply if step == "RCPT" else None
        put()
        assert post.dispatch(now=NOW) == {end: 1}


@pytest.mark.django_db
def test_a_mail_server_that_is_away_costs_no_try(greeting, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_PORT, settings.EMAIL_HOST = "picum.smtp.EmailBackend", 1, "127.0.0.1"
    put()
    assert post.dispatch(now=NOW) == {}
    assert Letter.objects.values_list("state", "attempts").get() == (State.WAITING, 0)


@pytest.mark.django_db
def test_old_letters_are_deleted_and_those_that_wait_are_not(greeting):
    put()
    put()
    Letter.objects.filter(pk=Letter.objects.first().pk).update(state=State.SENT, address="")
    assert post.tidy(now=NOW + post.FORGOTTEN + datetime.timedelta(days=1)) == 1
    assert Letter.objects.get().state == State.WAITING
