"""Drafts that nobody goes on with are deleted, after a reminder; and each letter is whole in every language."""

import datetime
import re

import pytest
import time_machine
from django.conf import settings

from members import applying
from members.models import Application
from picum.letters import post
from picum.letters.models import Letter
from tests.members.applicants import NOW, Applicant, letters, make_draft
from tests.members.factories import make_code

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@pytest.fixture(autouse=True)
def a_monday_in_november():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def amal():
    make_code()
    return Applicant(make_draft(now=NOW - datetime.timedelta(minutes=1)))


@pytest.fixture
def ready(amal):
    """She has filled in everything."""
    amal.fills_in()
    amal.now_holds()
    return amal


def upkeep(now: datetime.datetime) -> tuple[int, int]:
    return applying.remind_drafts(now=now), applying.expire_drafts(now=now)


def test_a_draft_is_deleted_after_sixty_days_and_its_author_reminded_once_before(amal):
    amal.saves("about")
    letters()
    assert upkeep(NOW + 49 * DAY) == (0, 0)
    assert upkeep(NOW + 50 * DAY) == (1, 0)
    (message,) = letters(NOW + 50 * DAY)
    assert "1 January 2027" in message.body
    assert upkeep(NOW + 59 * DAY) == (0, 0)
    assert upkeep(NOW + 60 * DAY) == (0, 1)
    assert not Application.objects.exists()
    assert letters(NOW + 60 * DAY) == []


def test_a_site_that_was_switched_off_reminds_before_it_deletes(amal):
    amal.saves("about")
    assert upkeep(NOW + 90 * DAY) == (1, 0)
    assert upkeep(NOW + 99 * DAY) == (0, 0)
    assert upkeep(NOW + 100 * DAY) == (0, 1)


def test_who_goes_on_keeps_the_draft_and_the_letter_on_its_way_is_not_sent(amal):
    amal.saves("about")
    letters()
    later = NOW + 50 * DAY
    upkeep(later)
    applying.save(amal.application, {"city": "Porto"}, language="en", now=later)
    assert post.dispatch(now=later) == {("dropped", "moot"): 1}
    assert upkeep(NOW + 61 * DAY) == (0, 0)


def test_who_never_wrote_anything_gets_no_second_mail(amal):
    letters()
    assert upkeep(NOW + 59 * DAY) == (0, 0)
    assert upkeep(NOW + 60 * DAY) == (0, 1)
    assert letters(NOW + 60 * DAY) == []


def test_what_was_sent_is_not_deleted(ready):
    applying.send(ready.application, now=NOW)
    assert upkeep(NOW + 400 * DAY) == (0, 0)


# --- the letters --------------------------------------------------------------------------------------------------

KINDS = ["application_link", "application_reminder", "application_received", "referee_asked", "referee_reminded"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_letter_is_whole_in_each_language(ready, language):
    draft = make_draft("other@example.org")
    Application.objects.filter(pk=draft.pk).update(reminded_at=NOW)
    sent = applying.send(ready.application, now=NOW)
    about = {"application_reminder": {"application": draft.pk}, "application_link": {"application": draft.pk}}
    about |= {kind: {"referee": sent.referees.first().pk} for kind in ("referee_asked", "referee_reminded")}
    Letter.objects.all().delete()
    for kind in KINDS:
        ids = about.get(kind, {"application": sent.pk})
        post.put(f"members.{kind}", to="x@example.org", language=language, now=NOW, **ids)
    post.put("members.application_link", to="x@example.org", language=language, now=NOW, application=sent.pk)
    written = letters()
    assert len(written) == len(KINDS) + 1
    for message in written:
        html = message.alternatives[0][0]
        address = re.search(rf"{settings.SITE_URL}/{language}/(apply|referee)/[\w.-]+/", message.body)
        assert address
        assert address[0] in html
        assert message.extra_headers["Content-Language"] == language
        assert not re.search(r"{{|{%|%\(|None|&amp;amp;", message.subject + message.body + html)
        assert max(len(line) for line in message.body.split("\n") if not line.startswith("<")) <= 72
