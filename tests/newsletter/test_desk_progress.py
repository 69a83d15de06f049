import datetime

import pytest
import time_machine

from newsletter import enqueue, pacing
from newsletter.models import Delivery, Edition
from picum.env import WarmUp
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said
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


def work(edition, *, began: float = 20, told: float = 1, lanes: int = 8, letters: int = 0, **waits: float) -> None:
    """A worker's run that began so many seconds ago and told of itself so many seconds ago."""
    edition.shifts.create(
        worker=f"{edition.language}{edition.shifts.count()}",
        started_at=NOON - datetime.timedelta(seconds=began),
        seen_at=NOON - datetime.timedelta(seconds=told),
        lanes=lanes,
        letters=letters,
        **waits,
    )


def remark(response, language: str) -> str:
    return row(response, language).holding


def test_speed_and_time_left_are_told_in_words(desk, issue):
    english = issue.editions.get(language="en")
    work(english, began=11, told=1, letters=3)
    work(english, began=9, told=3, letters=2)
    shown = row(desk.get(page("issue_progress", issue.pk)), "en")
    assert (shown.rate, shown.left) == ("0.5 a second", "less than a minute left")


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
    words = Page(desk.get(page("issue_progress", issue.pk))).one("tr", class_="desk-remark").words
    assert words == "The relay refuses our domain. Last error: 554 5.7.1 blocked"


def test_pausing_and_going_on(desk, issue):
    answer = desk.post(page("issue_pause", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition stands still. Mails on the wire still arrive."]
    assert issue.editions.get(language="en").state == "paused"
    assert said(desk.post(page("issue_resume", issue.pk, "en"), follow=True)) == ["The English edition goes on."]
    assert issue.editions.get(language="en").state == "sending"


def test_a_button_pressed_twice_or_by_a_colleague_too_says_that_it_is_done(desk, issue):
    desk.post(page("issue_pause", issue.pk, "en"), follow=True)
    answer = desk.post(page("issue_pause", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition is “paused” already."]


def test_who_comes_to_a_buttons_address_by_itself_reads_what_to_do(desk, issue):
    """As after signing in anew: the press is lost, and a bare 405 would be an empty page."""
    answer = desk.get(page("issue_pause", issue.pk, "en"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert page("issue_progress", issue.pk) in Page(answer).links()
    assert issue.editions.get(language="en").state == "sending"
    assert at_the_desk(amal()).get(page("issue_pause", issue.pk, "en")).status_code == 403


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


@pytest.mark.parametrize("languages", [["en"], ["en", "de", "nl", "es", "fr", "it", "pt"]])
def test_watching_costs_the_same_for_one_edition_and_seven(desk, settings, languages, django_assert_num_queries):
    settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES, settings.EMAIL_PROVIDER = 5, {"*": 2}, ""
    issue = make_issue(items=1, state=Edition.State.READY)
    for number, language in enumerate(languages * 2):
        make_subscriber(f"reader{number}@example.org", language)
    enqueue.send(issue, languages, by=None)
    enqueue.freeze_due(issue.pk)
    for edition in issue.editions.filter(language__in=languages):
        work(edition, letters=1, relay=30)
    pacing.moments(["reader0@example.org"] * 9, transport="smtp", now=NOON)
    with django_assert_num_queries(9):
        desk.get(page("issue_progress_now", issue.pk))


def test_cancelling_says_that_the_edition_stays_in_the_archive(desk, issue):
    words = "The edition stays in the public archive, for those who got it."
    assert words in Page(desk.get(page("issue_cancel", issue.pk, "en"))).words
    desk.post(page("issue_cancel", issue.pk, "en"))
    assert issue.editions.get(language="en").published_at == NOON


def test_an_edition_that_backs_off_says_when_it_goes_on(desk, issue):
    issue.editions.filter(language="en").update(resume_at=NOON + datetime.timedelta(minutes=4), last_error="421 later")
    issue.editions.filter(language="de").update(resume_at=NOON - datetime.timedelta(seconds=1))
    answer = desk.get(page("issue_progress", issue.pk))
    assert remark(answer, "en") == "Mail cannot leave at the moment; sending goes on by itself at 12:04."
    assert remark(answer, "de") == ""
    words = "Mail cannot leave at the moment; sending goes on by itself at 12:04. Last error: 421 later"
    assert words in Page(answer).words
    issue.editions.filter(language="en").update(state="paused")
    assert remark(desk.get(page("issue_progress", issue.pk)), "en") == ""


def test_nothing_is_said_of_an_edition_that_has_only_just_begun(desk, issue):
    assert remark(desk.get(page("issue_progress", issue.pk)), "en") == ""


def test_where_no_worker_is_somebody_must_look(desk, issue):
    long_ago = NOON - datetime.timedelta(minutes=3)
    issue.editions.update(frozen_at=long_ago)
    Delivery.objects.update(due_at=long_ago)
    work(issue.editions.get(language="en"), began=150, told=90)
    answer = desk.get(page("issue_progress", issue.pk))
    assert remark(answer, "en") == "No worker has been seen for 90 seconds; is Celery running?"
    assert remark(answer, "de") == "No worker is at work; is Celery running?"


def test_what_is_left_waits_for_its_next_try(desk, issue):
    settle("en", *[State.ACCEPTED] * 9, State.DEFERRED)
    Delivery.objects.filter(state=State.DEFERRED).update(due_at=NOON + datetime.timedelta(seconds=40))
    settle("de", *[State.DEFERRED] * 2)
    Delivery.objects.filter(edition__language="de").update(due_at=NOON + datetime.timedelta(hours=20))
    answer = desk.get(page("issue_progress", issue.pk))
    assert remark(answer, "en") == "What is left waits for its next try in 40 seconds."
    assert remark(answer, "de") == "What is left waits for its next try on 21 October 2026, 08:00."


@pytest.mark.parametrize(
    ("waits", "said"),
    [
        (
            {"relay": 120, "ledger": 30},
            "The relay takes most of the time: 30 ms a mail on 8 connections. "
            "More connections help (SENDING_CONNECTIONS).",
        ),
        ({"relay": 20, "ledger": 60}, "The database takes most of the time: 15 ms a mail."),
        ({"relay": 20, "rate": 60}, "The limit of 14 mails a second is reached (SENDING_RATE)."),
        ({"relay": 4, "ledger": 6}, "The workers are as busy as their machine lets them be."),
    ],
)
def test_what_the_workers_wait_for_is_told_with_the_setting_that_changes_it(desk, issue, settings, waits, said):
    settings.SENDING_RATE = 14
    settings.NEWSLETTER_TRANSPORT = "smtp"
    work(issue.editions.get(language="en"), lanes=8, letters=4000, **waits)
    assert remark(desk.get(page("issue_progress", issue.pk)), "en") == said


def test_fewer_workers_than_an_edition_is_worth(desk, issue, settings):
    settings.NEWSLETTER_TRANSPORT = "provider"
    issue.editions.filter(language="en").update(frozen_count=2000)
    work(issue.editions.get(language="en"), letters=400)
    shown = desk.get(page("issue_progress", issue.pk))
    assert remark(shown, "en") == "1 of 5 workers are at work; with more of them it would be quicker."
    work(issue.editions.get(language="en"), lanes=1, letters=0, relay=60)
    words = "The provider takes most of the time: 150 ms a mail on 9 connections. More connections help"
    few = "(SENDING_CONNECTIONS). 2 of 5 workers are at work; with more of them it would be quicker."
    assert remark(desk.get(page("issue_progress", issue.pk)), "en") == f"{words} {few}"


def test_a_domain_s_limit_is_named(desk, issue, settings):
    settings.SENDING_DOMAIN_RATES, settings.EMAIL_PROVIDER = {"example.org": 0.5}, ""
    pacing.moments(["reader0@example.org"] * 9, transport="smtp", now=NOON)
    work(issue.editions.get(language="en"), letters=40, rate=80)
    said = "Readers at example.org wait: it gets 0.5 mails a second (SENDING_DOMAIN_RATES)."
    answer = desk.get(page("issue_progress", issue.pk))
    assert (remark(answer, "en"), remark(answer, "de")) == (said, "")
    Delivery.objects.filter(edition__language="de").update(due_at=NOON + datetime.timedelta(seconds=3))
    assert remark(desk.get(page("issue_progress", issue.pk)), "de") == said


def test_a_warm_up_says_until_when_the_day_is_full(desk, issue, settings):
    settings.SENDING_WARM_UP, settings.EMAIL_PROVIDER = WarmUp(datetime.date(2026, 10, 20), (4, 50)), ""
    pacing.moments(["reader0@example.org"] * 4, transport="smtp", now=NOON)
    answer = desk.get(page("issue_progress", issue.pk))
    words = "Today’s share of the warm-up is used up (SENDING_WARM_UP); it goes on by itself on 21 October 2026, 00:00."
    assert remark(answer, "en") == words
    assert "warm-up: 0 of today’s 4 left." in Page(answer).words


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        ({}, "In force: 8 connections a worker; no limit a second."),
        ({"SENDING_RATE": 14.5}, "In force: 8 connections a worker; 14.5 mails a second."),
        (
            {"SENDING_RATE": 2000, "SENDING_DOMAIN_RATES": {"gmail.com": 20, "*": 2.5}},
            "In force: 8 connections a worker; 2,000 mails a second; of these gmail.com 20, others 2.5.",
        ),
        (
            {
                "SENDING_DOMAIN_RATES": {"gmail.com": 0.25},
                "SENDING_WARM_UP": WarmUp(datetime.date(2026, 12, 1), (50, 100)),
            },
            "In force: 8 connections a worker; mails a second to gmail.com 0.25; warm-up from 1 December 2026.",
        ),
        (
            {"SENDING_WARM_UP": WarmUp(datetime.date(2026, 10, 19), (50, 1000))},
            "In force: 8 connections a worker; no limit a second; warm-up: 1,000 of today’s 1,000 left.",
        ),
        (
            {"SENDING_WARM_UP": WarmUp(datetime.date(2026, 9, 19), (50, 1000))},
            "In force: 8 connections a worker; no limit a second.",
        ),
    ],
)
def test_the_limits_in_force_are_one_line(desk, issue, settings, limits, line):
    settings.SENDING_CONNECTIONS = 8
    for name, value in limits.items():
        setattr(settings, name, value)
    assert desk.get(page("issue_progress", issue.pk)).context["knobs"] == line


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
    assert links.count(page("issue_send", issue.pk)) == 1 + offered  # one stands among the ways of all its pages


def test_drafts_alone_are_nothing_to_send(desk):
    issue = make_issue()
    assert Page(desk.get(page("issue_progress", issue.pk))).links().count(page("issue_send", issue.pk)) == 1
