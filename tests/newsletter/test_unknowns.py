"""Mails of which nobody knows whether they arrived: listed, and after a day sent again by a person's word."""

import datetime

import pytest
import time_machine
from django.contrib.auth.models import Permission

from newsletter import enqueue, ledger, sending
from newsletter.models import Delivery, Edition, Subscriber
from picum.accounts.models import AuditEntry
from picum.chaos.relay import ACCEPT_THEN_DROP, Relay
from tests.conftest import point_at
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page, said
from tests.newsletter.factories import make_issue, make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
MOMENT = datetime.timedelta(seconds=1)
S = Edition.State


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def issue(clock):
    """Sent: to Amal (en), Dora (en) and Emil (de) nobody knows, to Nora (en) for sure."""
    issue = make_issue(items=1, state=S.READY)
    for name, language in {"amal": "en", "dora": "en", "emil": "de", "nora": "en"}.items():
        make_subscriber(f"{name}@example.org", language)
    enqueue.send(issue, ["en", "de"], by=None)
    enqueue.freeze_due(issue.pk)
    unknown(issue, "amal", "worker-lost")
    unknown(issue, "dora", "no-answer", detail="dropped")
    unknown(issue, "emil", "odd")
    of(issue, "nora").update(state="accepted")
    for language in ("en", "de"):
        assert sending.complete(edition(issue, language).pk)
    return issue


def of(issue, name: str):
    return Delivery.objects.filter(issue=issue, subscriber__address=f"{name}@example.org")


def unknown(issue, name: str, why: str, *, since: datetime.datetime = NOON, detail: str = "") -> None:
    row = {"state": "unknown", "why": why, "detail": detail, "changed_at": since, "attempts": 1, "worker": "gone"}
    of(issue, name).update(**row)


def edition(issue, language: str) -> Edition:
    return issue.editions.get(language=language)


def states(issue) -> dict[str, str]:
    rows = Delivery.objects.filter(issue=issue).values_list("subscriber__address", "state")
    return {address.partition("@")[0]: state for address, state in rows}


# --- sending again ----------------------------------------------------------------------------------------------------


def test_after_a_day_the_unknown_are_queued_again_and_nobody_else(issue):
    assert enqueue.resend_unknown(issue, by=None, now=NOON + DAY - MOMENT) == 0
    unknown(issue, "emil", "odd", since=NOON + MOMENT)
    assert enqueue.resend_unknown(issue, by=None, now=NOON + DAY) == 2
    assert states(issue) == {"amal": "queued", "dora": "queued", "emil": "unknown", "nora": "accepted"}
    amal = of(issue, "amal").get()
    assert (amal.why, amal.attempts, amal.worker, amal.due_at) == ("resent", 1, "", NOON + DAY)


def test_pressed_twice_it_is_done_once(issue):
    assert [enqueue.resend_unknown(issue, by=None, now=NOON + DAY) for _press in range(2)] == [3, 0]
    assert AuditEntry.objects.filter(action="issue.resend_unknown").count() == 1


def test_what_was_sent_is_being_sent_again_with_a_latest_hour_of_its_own(issue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as bells:
        enqueue.resend_unknown(issue, by=None, now=NOON + DAY)
    assert len(bells) == 2
    english = edition(issue, "en")
    assert (english.state, english.finished_at, english.latest_at) == (S.SENDING, None, NOON + DAY + 3 * DAY)


@pytest.mark.parametrize(("state", "number", "bells_rung"), [(S.SENDING, 2, 1), (S.PAUSED, 2, 0), (S.CANCELLED, 0, 0)])
def test_paused_stays_paused_and_cancelled_is_over(
    issue, state, number, bells_rung, django_capture_on_commit_callbacks
):
    issue.editions.filter(language="en").update(state=state, latest_at=NOON)
    of(issue, "emil").update(state="accepted")
    with django_capture_on_commit_callbacks() as bells:
        assert enqueue.resend_unknown(issue, by=None, now=NOON + DAY) == number
    assert edition(issue, "en").state == state
    assert len(bells) == bells_rung


def test_it_is_the_same_mail_and_only_who_is_still_a_reader_gets_it(settings):
    issue = make_issue(items=1, state=S.READY)
    make_subscriber("amal@example.org")
    make_subscriber("dora@example.org")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    with Relay(lambda step, _argument: ACCEPT_THEN_DROP if step == "dot" else None) as relay:
        point_at(settings, relay)
        for _lane in range(2):
            sending.send_edition(edition(issue, "en").pk)
            issue.editions.update(resume_at=None)
        assert states(issue) == {"amal": "unknown", "dora": "unknown"}
        first = {mail.recipient: mail.message["Message-ID"] for mail in relay.received}
    Subscriber.objects.filter(address="dora@example.org").update(state="unsubscribed")
    Delivery.objects.update(changed_at=Delivery.objects.first().changed_at - DAY)
    assert enqueue.resend_unknown(issue, by=None) == 2
    with Relay() as relay:
        point_at(settings, relay)
        sending.send_edition(edition(issue, "en").pk)
        assert {mail.recipient: mail.message["Message-ID"] for mail in relay.received} == {
            "amal@example.org": first["amal@example.org"]
        }
    assert states(issue) == {"amal": "accepted", "dora": "skipped"}
    assert edition(issue, "en").state == S.SENT


def test_a_late_word_of_the_lost_worker_does_not_touch_what_is_queued_again(issue):
    enqueue.resend_unknown(issue, by=None, now=NOON + DAY)
    amal = of(issue, "amal").get()
    ledger.record([ledger.Entry(amal.pk, 1, "accepted")], worker="gone", now=NOON + DAY)
    assert of(issue, "amal").get().state == "queued"


# --- the page ---------------------------------------------------------------------------------------------------------


def rows(html: Page) -> list[str]:
    return [row.words for row in html.all("tr")][1:]


def test_the_page_lists_who_since_when_and_what_happened(issue):
    numbers = [of(issue, name).get().pk for name in ("amal", "dora", "emil")]
    when = "20 October 2026, 12:00 (Europe/Brussels)"
    html = Page(at_the_desk(carla()).get(page("issue_unknowns", issue.pk)))
    assert set(rows(html)) == {
        f"#{numbers[0]} English amal@example.org {when} The worker ended while the mail was on its way.",
        f"#{numbers[1]} English dora@example.org {when} The mail was handed over, and no answer came. dropped",
        f"#{numbers[2]} German emil@example.org {when} odd",
    }
    assert "3 mails were handed over, and nobody knows whether they arrived." in html.words


def test_addresses_are_for_those_who_may_see_readers(issue):
    sender = boris()
    grant(sender, "send_issue")
    answer = at_the_desk(sender).get(page("issue_unknowns", issue.pk))
    assert answer.status_code == 200
    assert b"@example.org" not in answer.content.replace(b"boris@example.org", b"")
    grant(sender, "view_subscriber")
    assert b"amal@example.org" in at_the_desk(sender).get(page("issue_unknowns", issue.pk)).content


def grant(person, codename: str) -> None:
    person.user_permissions.add(Permission.objects.get(codename=codename))


def test_before_a_day_is_over_it_says_from_when(issue, clock):
    of(issue, "emil").update(changed_at=NOON + datetime.timedelta(hours=2))
    clock.move_to(NOON + datetime.timedelta(hours=3))
    html = Page(at_the_desk(carla()).get(page("issue_unknowns", issue.pk)))
    assert "All of them may be sent again from 21 October 2026, 14:00 (Europe/Brussels)." in html.words
    assert "Send again" not in html.words


def test_get_asks_and_post_sends_again(issue, clock):
    clock.move_to(NOON + DAY)
    person = carla()
    desk = at_the_desk(person)
    assert "Send again to 3 unknown" in Page(desk.get(page("issue_unknowns", issue.pk))).words
    assert set(states(issue).values()) == {"unknown", "accepted"}
    answer = desk.post(page("issue_unknowns", issue.pk), follow=True)
    assert said(answer) == ["3 mails are sent again."]
    assert states(issue) == {"amal": "queued", "dora": "queued", "emil": "queued", "nora": "accepted"}
    entry = AuditEntry.objects.get(action="issue.resend_unknown")
    assert (entry.actor, entry.data) == (person, {"number": 3, "languages": ["en", "de"]})
    again = desk.post(page("issue_unknowns", issue.pk), follow=True)
    assert said(again) == ["There is nothing to send again: no mail has been unknown for a day."]


def test_cancelled_editions_are_named_and_not_offered(issue, clock):
    clock.move_to(NOON + DAY)
    issue.editions.filter(language="en").update(state=S.CANCELLED)
    html = Page(at_the_desk(carla()).get(page("issue_unknowns", issue.pk)))
    assert "2 mails belong to cancelled editions and are not sent again." in html.words
    assert "Send again to 1 unknown" in html.words


def test_the_progress_page_leads_there(issue):
    here = page("issue_unknowns", issue.pk)
    assert here in Page(at_the_desk(carla()).get(page("issue_progress", issue.pk))).links()
    assert here not in Page(at_the_desk(boris()).get(page("issue_progress", issue.pk))).links()


def test_who_may_not_send_sees_nothing_of_it(issue):
    desk = at_the_desk(boris())
    assert desk.get(page("issue_unknowns", issue.pk)).status_code == 403
    assert desk.post(page("issue_unknowns", issue.pk)).status_code == 403


def test_where_everything_is_known_the_page_says_so(clock):
    html = Page(at_the_desk(carla()).get(page("issue_unknowns", make_issue().pk)))
    assert "Of every mail of this issue it is known whether it arrived." in html.words
    assert "Send again" not in html.words


def test_a_long_list_comes_in_pages(issue, monkeypatch):
    monkeypatch.setattr("newsletter.admin.unknowns.PER_PAGE", 2)
    desk = at_the_desk(carla())
    first, second = (Page(desk.get(page("issue_unknowns", issue.pk) + f"?page={number}")) for number in (1, 2))
    assert (len(rows(first)), len(rows(second))) == (2, 1)
    assert "Page 1 of 2 Next page" in first.words


@pytest.mark.parametrize("names", [["amal"], ["amal", "dora", "emil"]])
def test_the_page_costs_the_same_for_one_and_for_three(issue, names, django_assert_num_queries):
    Delivery.objects.exclude(subscriber__address__in=[f"{name}@example.org" for name in names]).update(state="accepted")
    desk = at_the_desk(carla())
    with django_assert_num_queries(9):
        desk.get(page("issue_unknowns", issue.pk))
