"""What should have gone out long ago waits for a person; the person's word is not doubted again."""

import datetime

import pytest
import time_machine
from django.core.management import CommandError, call_command

from newsletter import enqueue, lifecycle
from newsletter.models import Delivery, Edition
from newsletter.reconcile import reconcile
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page, said
from tests.newsletter.factories import make_issue, make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
MOMENT = datetime.timedelta(seconds=1)
S = Edition.State
OVERDUE = "Its time was 20 October 2026, 13:00, and nobody was there to send it. Decide whether it shall still go out."


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def issue(clock):
    """Scheduled in English for an hour later; the reconciler has been here."""
    issue = make_issue(items=1, state=S.READY)
    make_subscriber()
    enqueue.send(issue, ["en"], by=None, at=NOON + HOUR)
    reconcile()
    return issue


def english(issue) -> Edition:
    return issue.editions.get(language="en")


def held(issue, clock) -> Edition:
    """The workers were away from ten minutes before its time to two hours after it; another one has looked since."""
    clock.move_to(NOON + 3 * HOUR)
    reconcile()
    assert english(issue).state == S.HELD
    return english(issue)


def buttons(html: Page) -> list[str]:
    return [button["formaction"] for button in html.all("button") if button["formaction"]]


@pytest.mark.parametrize(
    "meets", [lambda issue: reconcile(), lambda issue: enqueue.freeze_due(issue.pk)], ids=["reconcile", "freeze_due"]
)
@pytest.mark.parametrize(("late", "state", "reason"), [(2 * HOUR - MOMENT, S.SENDING, ""), (2 * HOUR, S.HELD, OVERDUE)])
def test_two_hours_after_its_time_a_schedule_is_held_and_says_why(issue, clock, meets, late, state, reason):
    clock.move_to(NOON + HOUR + late)
    meets(issue)
    assert (english(issue).state, english(issue).reason) == (state, reason)
    assert Delivery.objects.exists() == (state == S.SENDING)


def test_holding_is_in_the_trail_and_the_machine_did_it(issue, clock):
    held(issue, clock)
    entry = AuditEntry.objects.get(action="edition.held")
    assert (entry.actor, entry.data["before"]) == (None, "scheduled")


def test_an_edition_that_is_in_time_goes_out_beside_one_that_is_held(issue, clock):
    enqueue.send(issue, ["de"], by=None, at=NOON + 3 * HOUR)
    clock.move_to(NOON + 3 * HOUR)
    reconcile()
    assert dict(issue.editions.filter(language__in=["en", "de"]).values_list("language", "state")) == {
        "en": "held",
        "de": "sent",  # it has no readers
    }


def test_now_means_now_and_is_not_held_again(issue, clock, django_capture_on_commit_callbacks):
    held(issue, clock)
    desk = at_the_desk(carla())
    with django_capture_on_commit_callbacks() as bells:
        answer = desk.post(page("issue_release", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition is on its way."]
    assert len(bells) == 1
    clock.shift(60)
    reconcile()
    assert (english(issue).state, english(issue).reason, Delivery.objects.count()) == (S.SENDING, "", 1)


def test_who_let_it_go_is_in_the_trail(issue, clock):
    held(issue, clock)
    person = carla()
    at_the_desk(person).post(page("issue_release", issue.pk, "en"))
    entry = AuditEntry.objects.filter(action="edition.scheduled").first()
    assert (entry.actor, entry.data["before"]) == (person, "held")


def test_a_decision_that_workers_hear_of_hours_later_is_held_once_more(issue, clock):
    enqueue.release(held(issue, clock), by=None)
    clock.shift(datetime.timedelta(hours=3))
    reconcile()
    assert english(issue).state == S.HELD


def test_back_to_ready_forgets_the_time_and_the_reason(issue, clock):
    held(issue, clock)
    person = carla()
    at_the_desk(person).post(page("issue_unschedule", issue.pk, "en"))
    edition = english(issue)
    assert (edition.state, edition.send_at, edition.reason) == (S.READY, None, "")
    entry = AuditEntry.objects.filter(action="edition.ready").first()
    assert (entry.actor, entry.data["before"]) == (person, "held")


def test_what_is_held_before_its_time_may_keep_it(issue, clock):
    lifecycle.move(english(issue), S.HELD, by=None, reason="The database stands on another server.")
    desk = at_the_desk(carla())
    row = Page(desk.get(page("issue_progress", issue.pk))).one("tbody", id="edition-en").words
    assert "20 October 2026, 13:00 (Europe/Brussels)" in row
    assert "The database stands on another server." in row
    assert "Keep its time" in row
    answer = desk.post(page("issue_release", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition keeps its time."]
    assert (english(issue).state, english(issue).send_at) == (S.SCHEDULED, NOON + HOUR)
    reconcile()
    assert english(issue).state == S.SCHEDULED


def test_what_was_spoilt_meanwhile_stays_held(issue, clock):
    edition = held(issue, clock)
    issue.translations.filter(language_code="en").update(subject="")
    with pytest.raises(enqueue.NotReady):
        enqueue.release(edition, by=None)
    assert english(issue).state == S.HELD


def test_the_progress_page_asks_whoever_may_send(issue, clock):
    held(issue, clock)
    html = Page(at_the_desk(carla()).get(page("issue_progress", issue.pk)))
    assert html.one("p", role="status").words == "Nothing of it goes out before somebody has decided: English."
    row = html.one("tbody", id="edition-en")
    assert OVERDUE in row.words
    assert buttons(html) == [page("issue_release", issue.pk, "en"), page("issue_unschedule", issue.pk, "en")]
    assert "Send now: English Back to ready: English" in row.words
    assert buttons(Page(at_the_desk(boris()).get(page("issue_progress", issue.pk)))) == []


def test_who_may_not_send_lets_nothing_go(issue, clock):
    held(issue, clock)
    assert at_the_desk(boris()).post(page("issue_release", issue.pk, "en")).status_code == 403
    assert at_the_desk(carla()).get(page("issue_release", issue.pk, "en")).status_code == 405
    assert english(issue).state == S.HELD


def test_the_command_says_what_is_held_and_sends_it_when_it_is_named(issue, clock):
    held(issue, clock)
    issue.editions.exclude(language="en").update(state="draft")
    with pytest.raises(CommandError, match=f"The en edition is held: {OVERDUE} Send it with --language en."):
        call_command("send_issue", "next")
    call_command("send_issue", "next", "--language", "en")
    assert (english(issue).state, english(issue).send_at) == (S.SCHEDULED, NOON + 3 * HOUR)
