"""An edition goes out through a provider: the ledger and the lane understand each other."""

import datetime

import pytest
import time_machine
from django.utils import timezone

from newsletter import enqueue, reporting, sending
from newsletter.models import Edition
from newsletter.reconcile import reconcile
from tests.newsletter.factories import make_issue, make_subscriber
from tests.newsletter.providers.answers import Answer, Silence
from tests.newsletter.providers.bench import fake

pytestmark = pytest.mark.django_db


def go(issue):
    enqueue.send(issue, ["en", "de"], by=None)
    reconcile()
    work(issue)


def work(issue):
    for edition in issue.editions.filter(state=Edition.State.SENDING):
        sending.send_edition(edition.pk)


def make_ready(count=7):
    issue = make_issue(items=1, state=Edition.State.READY)
    for number in range(count):
        make_subscriber(f"reader{number}@example.org", "de" if number % 2 else "en")
    return issue


@pytest.mark.parametrize("batch", [1, 3])
def test_an_edition_reaches_every_reader_once_in_their_language(settings, batch):
    with fake(settings, "mailgun", batch=batch) as mailgun:
        issue = make_ready()
        go(issue)

    assert {mail.to: mail.headers["Content-Language"] for mail in mailgun.mails} == {
        f"reader{number}@example.org": "de" if number % 2 else "en" for number in range(7)
    }
    assert len(mailgun.mails) == 7
    assert len(mailgun.requests) == (7 if batch == 1 else 3)
    assert reporting.report(issue)["states"] == {"accepted": 7}


def test_a_refused_batch_is_taken_apart_and_everybody_who_can_be_reached_is(settings):
    settings.SENDING_CONNECTIONS = 1
    with fake(settings, "mailgun", batch=4) as mailgun:
        issue = make_ready()
        mailgun.script = [Answer(400, {"message": "to parameter is not a valid address"})] * 2
        go(issue)

    # The four in English are refused together, then the first of them alone.
    assert [len(request.form["to"]) for request in mailgun.requests] == [4, 1, 1, 1, 1, 3]
    assert len({mail.to for mail in mailgun.mails}) == len(mailgun.mails) == 6
    assert reporting.report(issue)["states"] == {"accepted": 6, "failed": 1}


def test_a_wrong_key_pauses_the_edition_and_refuses_nobody(settings):
    with fake(settings, "mailgun") as mailgun:
        issue = make_ready()
        settings.ANYMAIL["MAILGUN_API_KEY"] = "wrong"
        go(issue)

        assert reporting.report(issue)["states"] == {"queued": 7}
        reasons = set(issue.editions.filter(state=Edition.State.PAUSED).values_list("reason", flat=True))
        assert reasons == {"The provider does not let us send (HTTP 401: Invalid private key)."}
        assert mailgun.mails == []


def test_silence_costs_one_letter_then_the_edition_waits_and_nobody_gets_two(settings):
    settings.SENDING_CONNECTIONS = 1
    with fake(settings, "mailgun", REQUESTS_TIMEOUT=(5, 1)) as mailgun:
        issue = make_ready()
        mailgun.script = [Silence()]
        go(issue)
        assert reporting.report(issue)["states"] == {"accepted": 3, "queued": 3, "unknown": 1}

        with time_machine.travel(timezone.now() + datetime.timedelta(minutes=2)):
            work(issue)

    assert reporting.report(issue)["states"] == {"accepted": 6, "unknown": 1}
    assert len(mailgun.requests) == 7
    assert len({request.form["to"][0] for request in mailgun.requests}) == 7
