"""The two nights on which the clocks change: an issue for 02:30 in Brussels goes out exactly once, or is refused."""

import datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command

from newsletter import enqueue
from newsletter.models import Delivery, Edition
from newsletter.reconcile import reconcile
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import make_issue, make_subscriber

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")
FIRST = datetime.datetime(2026, 10, 25, 0, 30, tzinfo=datetime.UTC)  # 02:30 in summer time
SECOND = FIRST + datetime.timedelta(hours=1)  # 02:30 in winter time
QUARTER = datetime.timedelta(minutes=15)


@pytest.fixture
def issue():
    make_subscriber(subscribed_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    return make_issue(items=1, state=Edition.State.READY)


def at_half_past_two(day: str, **more) -> dict:
    return {"languages": ["en"], "when": "later", "date": day, "time": "02:30", "wait_pt": "wait", **more}


def schedule(issue, day: str) -> list[str]:
    """Through the form, twice: it asks once more in words. What those words are, and what was said in the end."""
    desk = at_the_desk(carla())
    question = Page(desk.post(page("issue_send", issue.pk), at_half_past_two(day))).words
    return [question, *said(desk.post(page("issue_send", issue.pk), at_half_past_two(day, confirmed="1"), follow=True))]


def went_out_at(issue, clock, begin: datetime.datetime, end: datetime.datetime) -> list[datetime.datetime]:
    """At which moments an edition was frozen, by a reconciler and a bell that come each quarter of an hour."""
    moments = []
    now = begin
    while now <= end:
        clock.move_to(now)
        before = Delivery.objects.count()
        reconcile()
        enqueue.freeze_due(issue.pk)
        moments += [now] * (Delivery.objects.count() - before)
        now += QUARTER
    return moments


def test_an_hour_that_comes_twice_sends_once_at_its_first_coming(issue):
    with time_machine.travel(datetime.datetime(2026, 10, 24, 12, tzinfo=BRUSSELS), tick=False) as clock:
        question, told = schedule(issue, "2026-10-25")
        assert "1 reader gets the issue on 25 October 2026, 02:30 (Europe/Brussels, CEST) in 1 language." in question
        note = "The clocks go back: 02:30 comes twice, and the issue goes out the first time (CEST)."
        assert note in question
        assert told == "The issue goes out on 25 October 2026, 02:30 (Europe/Brussels, CEST)."
        assert went_out_at(issue, clock, FIRST - 4 * QUARTER, SECOND + 4 * QUARTER) == [FIRST]


def test_between_the_two_the_second_is_meant(issue):
    with time_machine.travel(FIRST + QUARTER, tick=False) as clock:
        question, told = schedule(issue, "2026-10-25")
        note = "The clocks go back: it was 02:30 once, and the issue goes out the second time (CET)."
        assert note in question
        assert told == "The issue goes out on 25 October 2026, 02:30 (Europe/Brussels, CET)."
        assert went_out_at(issue, clock, FIRST + QUARTER, SECOND + 4 * QUARTER) == [SECOND]


def test_after_both_it_has_passed(issue):
    with time_machine.travel(SECOND + QUARTER, tick=False):
        html = Page(at_the_desk(carla()).post(page("issue_send", issue.pk), at_half_past_two("2026-10-25")))
    assert "That moment has passed already (it is 25 October 2026, 02:45 now)." in html.words
    assert not issue.editions.filter(state="scheduled").exists()


def test_an_hour_that_never_comes_is_refused_in_words(issue):
    with time_machine.travel(datetime.datetime(2027, 3, 27, 12, tzinfo=BRUSSELS), tick=False):
        html = Page(at_the_desk(carla()).post(page("issue_send", issue.pk), at_half_past_two("2027-03-28")))
    assert "On that day the clocks go forward: 02:30 does not exist in Europe/Brussels." in html.words
    assert not issue.editions.filter(state="scheduled").exists()


@pytest.mark.parametrize("day", ["2026-10-25", "2027-03-28"])
def test_the_hour_before_the_change_is_what_it_always_is(issue, day):
    """01:30 comes once on both nights, and is said without a note."""
    year, month, number = map(int, day.split("-"))
    moment = datetime.datetime(year, month, number, 1, 30, tzinfo=BRUSSELS)
    with time_machine.travel(moment - datetime.timedelta(hours=12), tick=False) as clock:
        desk = at_the_desk(carla())
        form = at_half_past_two(day) | {"time": "01:30"}
        assert "clocks" not in Page(desk.post(page("issue_send", issue.pk), form)).words
        desk.post(page("issue_send", issue.pk), form | {"confirmed": "1"})
        utc = moment.astimezone(datetime.UTC)
        assert went_out_at(issue, clock, utc - QUARTER, utc + 8 * QUARTER) == [utc]


def test_the_command_means_the_first_of_the_two_as_well(issue):
    with time_machine.travel(datetime.datetime(2026, 10, 24, 12, tzinfo=BRUSSELS), tick=False):
        call_command("send_issue", "next", "--language", "en", "--at", "2026-10-25T02:30")
    assert issue.editions.get(language="en").send_at == FIRST
