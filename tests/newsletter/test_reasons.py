"""Why an edition stands still is written down by a worker and read by people of seven languages."""

import datetime

import pytest
import time_machine
from django.utils.translation import gettext, override

from newsletter import brakes, enqueue
from newsletter.models import Edition
from newsletter.reasons import told
from tests.newsletter.factories import LANGUAGES, make_issue

pytestmark = pytest.mark.django_db
WORDS = "Look whether they asked for it before you let it go on."


@pytest.fixture
def edition():
    issue = make_issue(items=1, state=Edition.State.READY)
    enqueue.send(issue, ["en"], by=None)
    (going,) = enqueue.freeze_due(issue.pk)
    return going


def read(edition: Edition, language: str) -> str:
    with override(language):
        return Edition.objects.get(pk=edition.pk).reason


def test_each_reads_it_in_their_own_language(edition):
    brakes.stop(edition.pk, reason=told(lambda: gettext(WORDS)))
    sentences = {language: read(edition, language) for language in LANGUAGES}
    for language in LANGUAGES:
        with override(language):
            assert sentences[language] == gettext(WORDS)
    assert len(set(sentences.values())) > 3


def test_what_a_relay_said_stays_as_it_said_it(edition):
    brakes.stop(edition.pk, reason='{"554 5.7.1 not JSON')
    assert {read(edition, language) for language in LANGUAGES} == {'{"554 5.7.1 not JSON'}


def test_saving_the_edition_for_another_cause_forgets_no_language(edition):
    brakes.stop(edition.pk, reason=told(lambda: gettext(WORDS)))
    german = read(edition, "de")
    Edition.objects.get(pk=edition.pk).save()
    assert read(edition, "de") == german != read(edition, "en")


def test_a_latest_hour_that_passed_is_told_in_german_with_german_dates(edition):
    late = edition.latest_at + datetime.timedelta(minutes=1)
    with time_machine.travel(late, tick=False):
        assert enqueue.stop_late(edition, now=late)
    assert "letzten" in read(edition, "de") or "spätest" in read(edition, "de")
    assert read(edition, "en").startswith("It was not done by its latest hour")
