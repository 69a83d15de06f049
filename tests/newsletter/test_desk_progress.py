import datetime

import pytest
import time_machine

from newsletter import enqueue
from newsletter.models import Delivery, Edition
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page, said
from tests.newsletter.factories import make_issue, make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
State = Delivery.State


@pytest.fixture
def desk():
    with time_machine.travel(NOON, tick=False):
        yield at_the_desk(carla())


@pytest.fixture
def issue(desk):
    """On its way to ten readers of English and two of German; Portuguese is still being written."""
    issue = make_issue(items=1, state=Edition.State.READY)
    issue.editions.filter(language="pt").update(state="draft")
    for number in range(12):
        make_subscriber(f"reader{number}@example.org", "en" if number < 10 else "de")
    enqueue.send(issue, ["en", "de"], by=None)
    enqueue.freeze_due(issue.pk)
    return issue


def settle(language: str, *states: str) -> None:
    """The first deliveries of an edition take these states."""
    rows = Delivery.objects.filter(edition__language=language).order_by("pk")
    for delivery, state in zip(rows, states, strict=False):
        lease = NOON if state in Delivery.IN_HAND else None
        Delivery.objects.filter(pk=delivery.pk).update(state=state, lease_until=lease)


def row(response, language: str):
    return next(row for row in response.context["rows"] if row.edition.language == language)


def test_the_table_counts_every_state_and_adds_up(desk, issue):
    settle("en", *[State.ACCEPTED] * 4, State.FAILED, State.SKIPPED, State.DEFERRED, State.CLAIMED, State.ATTEMPTING)
    settle("de", State.ACCEPTED, State.UNKNOWN)
    answer = desk.get(page("issue_progress", issue.pk))
    assert dict(row(answer, "en").labelled) == {
        "accepted": 4,
        "waiting": 3,
        "to be tried again": 1,
        "failed": 1,
        "skipped": 1,
        "unknown": 0,
    }
    assert (row(answer, "en").done, row(answer, "en").percent, row(answer, "de").percent) == (6, 60, 100)
    assert dict(answer.context["total"]["labelled"]) == {
        "accepted": 5,
        "waiting": 3,
        "to be tried again": 1,
        "failed": 1,
        "skipped": 1,
        "unknown": 1,
    }
    words = Page(answer).words
    assert "8 of 12 (66 %)" in words
    assert "Of 1 mail nobody knows whether it arrived." in words


def test_bars_carry_their_numbers_for_those_who_do_not_see_them(desk, issue):
    settle("de", State.ACCEPTED)
    bars = Page(desk.get(page("issue_progress", issue.pk))).all("progress")
    assert [(bar["aria-label"], bar["value"], bar["max"]) for bar in bars] == [
        ("All languages", "1", "12"),
        ("English", "0", "10"),
        ("German", "1", "2"),
    ]


def test_speed_and_time_left_are_told_in_words(desk, issue):
    Delivery.objects.filter(pk__in=Delivery.objects.filter(edition__language="en")[:4]).update(
        state=State.ACCEPTED, changed_at=NOON - datetime.timedelta(seconds=8)
    )
    english = row(desk.get(page("issue_progress", issue.pk)), "en")
    assert (english.rate, english.left) == ("0.5 a second", "less than a minute left")


@pytest.mark.parametrize(
    ("states", "phase"),
    [
        ({}, "Nothing has been sent yet."),
        ({"en": "scheduled"}, "The issue goes out in a moment."),
        ({"en": "sending", "de": "scheduled"}, "The issue is being sent."),
        ({"en": "sending", "de": "paused"}, "The issue is being sent. Standing still: German."),
        ({"de": "paused", "en": "sent"}, "Sending stands still: German."),
        (
            dict.fromkeys(["en", "nl", "es", "fr", "it"], "sent"),
            "What was sent is done. Not sent yet: German, Portuguese.",
        ),
        (dict.fromkeys(["en", "de", "nl", "es", "fr", "it", "pt"], "sent"), "The issue has been sent."),
        (dict.fromkeys(["en", "de", "nl", "es", "fr", "it", "pt"], "cancelled"), "The sending was cancelled."),
    ],
)
def test_the_phase_is_one_sentence(desk, states, phase):
    issue = make_issue()
    for language, state in states.items():
        issue.editions.filter(language=language).update(state=state, frozen_at=NOON, send_at=NOON)
    assert Page(desk.get(page("issue_progress", issue.pk))).one("p", role="status").words == phase


def test_what_is_scheduled_for_later_waits_for_its_time(desk):
    issue = make_issue()
    later = NOON + datetime.timedelta(days=1)
    issue.editions.filter(language="en").update(state="scheduled", send_at=later)
    words = Page(desk.get(page("issue_progress", issue.pk))).words
    assert "The issue waits for its time to be sent." in words
    assert "21 October 2026, 12:00 (Europe/Brussels)" in words


def test_it_is_told_why_an_edition_stands_still_and_what_went_wrong(desk, issue):
    issue.editions.filter(language="de").update(
        state="paused", reason="The relay refuses our domain.", last_error="554 5.7.1 blocked"
    )
    words = Page(desk.get(page("issue_progress", issue.pk))).one("tr", id="edition-de").words
    assert "The relay refuses our domain. Last error: 554 5.7.1 blocked" in words


def test_pausing_and_going_on(desk, issue):
    answer = desk.post(page("issue_pause", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition stands still. Mails on the wire still arrive."]
    assert issue.editions.get(language="en").state == "paused"
    assert said(desk.post(page("issue_resume", issue.pk, "en"), follow=True)) == ["The English edition goes on."]
    assert issue.editions.get(language="en").state == "sending"


def test_cancelling_asks_on_a_page_of_its_own(desk, issue):
    settle("en", State.ACCEPTED)
    question = desk.get(page("issue_cancel", issue.pk, "en"))
    assert "This cannot be taken back." in Page(question).words
    assert issue.editions.get(language="en").state == "sending"
    answer = desk.post(page("issue_cancel", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition is cancelled."]
    english = row(answer, "en")
    assert (english.state, dict(english.labelled)["accepted"], dict(english.labelled)["skipped"]) == ("cancelled", 1, 9)


def test_where_nothing_is_being_sent_there_is_nothing_to_cancel(desk, issue):
    answer = desk.get(page("issue_cancel", issue.pk, "pt"), follow=True)
    assert said(answer) == ["There is nothing to cancel in the Portuguese edition."]


def test_a_button_of_a_stale_page_is_refused_in_words(desk, issue):
    issue.editions.filter(language="en").update(state="sent")
    answer = desk.post(page("issue_pause", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition is now “sent”; it cannot become “paused”."]


def test_the_fragment_says_when_there_is_nothing_left_to_watch(desk, issue):
    address = page("issue_progress_now", issue.pk)
    (part,) = Page(desk.get(address)).all("div", class_="desk-progress")
    assert (part["data-final"], part["data-phase"]) == ("false", "The issue is being sent.")
    issue.editions.filter(state="sending").update(state="sent")
    answer = desk.get(address)
    (part,) = Page(answer).all("div", class_="desk-progress")
    assert part["data-final"] == "true"
    assert "no-store" in answer["Cache-Control"]


def test_the_page_works_without_script(desk, issue):
    html = Page(desk.get(page("issue_progress", issue.pk)))
    assert [link["href"] for link in html.all("a") if link.words == "Refresh"] == [page("issue_progress", issue.pk)]
    buttons = [button["formaction"] for button in html.all("button") if button["formaction"]]
    assert buttons == [page("issue_pause", issue.pk, "en"), page("issue_pause", issue.pk, "de")]


def test_who_may_not_send_sees_numbers_and_no_buttons(desk, issue):
    html = Page(at_the_desk(boris()).get(page("issue_progress", issue.pk)))
    assert "English being sent" in html.words
    assert [button for button in html.all("button") if button["formaction"]] == []


@pytest.mark.parametrize("readers", [1, 3])
def test_watching_costs_the_same_for_one_reader_and_three(desk, readers, django_assert_num_queries):
    issue = make_issue(items=1, state=Edition.State.READY)
    for number in range(readers):
        make_subscriber(f"reader{number}@example.org", ["en", "de", "pt"][number])
    enqueue.send(issue, ["en", "de", "pt"], by=None)
    enqueue.freeze_due(issue.pk)
    with django_assert_num_queries(6):
        desk.get(page("issue_progress_now", issue.pk))


def test_cancelling_says_that_the_edition_stays_in_the_archive(desk, issue):
    words = "The edition stays in the public archive, for those who got it."
    assert words in Page(desk.get(page("issue_cancel", issue.pk, "en"))).words
    desk.post(page("issue_cancel", issue.pk, "en"))
    assert issue.editions.get(language="en").published_at == NOON


def test_an_edition_that_backs_off_says_when_it_goes_on(desk, issue):
    later = NOON + datetime.timedelta(minutes=4)
    issue.editions.filter(language="en").update(resume_at=later, last_error="421 come back later")
    issue.editions.filter(language="de").update(resume_at=NOON - datetime.timedelta(minutes=1))
    html = Page(desk.get(page("issue_progress", issue.pk)))
    told = html.one("tr", id="edition-en").words
    assert "goes on by itself at 20 October 2026, 12:04 (Europe/Brussels)" in told
    assert "goes on" not in html.one("tr", id="edition-de").words
    issue.editions.filter(language="en").update(state="paused")
    assert "goes on" not in Page(desk.get(page("issue_progress", issue.pk))).one("tr", id="edition-en").words


@pytest.mark.parametrize(
    ("others", "waits", "offered"),
    [
        ("ready", True, True),
        ("draft", True, True),  # its readers may stop waiting
        ("draft", False, False),
        ("scheduled", True, False),
        ("sent", True, False),
        ("cancelled", True, False),
    ],
)
def test_the_way_to_send_is_offered_while_there_is_something_to_do_there(desk, issue, others, waits, offered):
    frozen = NOON if others == "sent" else None
    issue.editions.filter(frozen_at=None).update(state=others, readers_wait=waits, frozen_at=frozen, send_at=NOON)
    links = Page(desk.get(page("issue_progress", issue.pk))).links()
    assert (page("issue_send", issue.pk) in links) == offered


def test_drafts_alone_are_nothing_to_send(desk):
    issue = make_issue()
    assert page("issue_send", issue.pk) not in Page(desk.get(page("issue_progress", issue.pk))).links()
