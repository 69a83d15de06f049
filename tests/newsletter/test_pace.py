"""Watching an issue go out: mails a minute by language, and what is there once it is over."""

import datetime

import pytest
import time_machine

from newsletter import shifts
from newsletter.admin import pace
from newsletter.models import Edition
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page
from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
S = Edition.State


def at(minute: float) -> datetime.datetime:
    return NOON + datetime.timedelta(minutes=minute)


@pytest.fixture
def issue():
    """English and German are on their way since noon; Dutch is ready, Portuguese still being written."""
    issue = make_issue(items=1)
    going = {"state": S.SENDING, "frozen_at": NOON, "published_at": NOON, "frozen_count": 100}
    issue.editions.filter(language__in=["en", "de"]).update(**going)
    issue.editions.filter(language="nl").update(state=S.READY)
    return issue


def run(issue, language: str, begin: float, end: float, letters: int) -> None:
    """A worker's run from minute to minute."""
    about = {"worker": f"{language} {begin}", "edition_id": issue.editions.get(language=language).pk, "lanes": 8}
    waits = dict.fromkeys(("relay", "rate", "domain", "ledger"), 0.0)
    shifts.note(**about, letters=0, waits=waits, now=at(begin))
    shifts.note(**about, letters=letters, waits=waits, now=at(end))


def shown(issue, now: float) -> list[tuple]:
    found = pace.of(list(issue.editions.order_by("pk")), now=at(now))
    return [tuple(found.header), *((clock, *cells) for clock, cells in found.lines)] if found else []


def test_the_letters_of_each_run_are_counted_in_its_minutes(issue):
    run(issue, "en", 0.5, 1.5, 60)  # half in the first minute, half in the second
    run(issue, "en", 2, 2.5, 20)
    run(issue, "de", 1, 1.5, 7)
    assert shown(issue, 3) == [
        ("All languages", "English", "German"),
        ("12:02", "20", "20", "–"),
        ("12:01", "37", "30", "7"),
        ("12:00", "30", "30", "–"),
    ]


def test_the_minute_that_still_lasts_is_not_shown(issue):
    run(issue, "en", 0, 0.5, 10)
    run(issue, "en", 1, 1.5, 10)
    run(issue, "en", 2, 2.2, 1)
    assert [line[0] for line in shown(issue, 2.3)] == ["All languages", "12:01", "12:00"]


def test_when_all_is_done_the_last_minute_is_shown_at_once(issue):
    run(issue, "en", 0, 0.5, 10)
    run(issue, "de", 1, 1.5, 7)
    assert shown(issue, 1.6) == []
    over(issue)
    assert shown(issue, 1.6) == [
        ("All languages", "English", "German"),
        ("12:01", "7", "–", "7"),
        ("12:00", "10", "10", "–"),
    ]


def test_a_language_that_has_only_begun_has_no_empty_plot(issue):
    run(issue, "en", 0, 0.5, 10)
    run(issue, "en", 1, 1.5, 10)
    run(issue, "de", 2, 2.2, 7)
    assert shown(issue, 2.3)[0] == ("All languages", "English")


def test_a_sending_of_hours_has_sixty_points_at_most(issue):
    for minute in range(0, 150, 5):
        run(issue, "en", minute, minute + 0.4, 30)
    _header, *lines = shown(issue, 200)
    assert len(lines) == 49
    assert lines[-1] == ("12:00", "10", "10")  # thirty in three minutes


@pytest.mark.parametrize("minutes", [0, 1])
def test_less_than_two_minutes_make_no_plot(issue, minutes):
    for minute in range(minutes):
        run(issue, "en", minute, minute + 0.5, 10)
    assert shown(issue, 10) == []


def test_the_page_has_a_plot_for_each_language_and_the_fragment_too(issue):
    for language in ("en", "de"):
        run(issue, language, 0, 0.5, 10)
        run(issue, language, 1, 1.5, 20)
    with time_machine.travel(at(5), tick=False):
        for name in ("issue_progress", "issue_progress_now"):
            html = Page(at_the_desk(boris() if name == "issue_progress" else carla()).get(page(name, issue.pk)))
            titles = [svg.words for svg in html.all("title") if "minute" in svg.words]
            assert titles == ["All languages: mails a minute", "English: mails a minute", "German: mails a minute"]
            words = [svg.words for svg in html.all("desc")]
            assert words[0] == "From 12:00 to 12:01; at most 40 a minute."
            assert [tag for tag in html.tags if tag["style"]] == []


def test_while_it_goes_out_nothing_is_said_of_afterwards(issue):
    html = Page(at_the_desk(carla()).get(page("issue_progress", issue.pk)))
    assert "What comes now" not in html.words


def over(issue) -> None:
    issue.editions.filter(state=S.SENDING).update(state=S.SENT, finished_at=at(3))


def test_afterwards_the_archive_the_numbers_and_the_late_languages_are_at_hand(issue):
    over(issue)
    html = Page(at_the_desk(carla()).get(page("issue_progress_now", issue.pk)))
    [block] = html.all("section", class_="desk-after")
    assert block.words == (
        "What comes now Send the late languages: Dutch"
        " Still being written: Spanish, French, Italian, Portuguese."
        " In the archive: English, German The numbers, beside those of earlier issues"
    )
    slug = issue.slug
    assert {page("issue_send", issue.pk), f"/en/newsletter/{slug}/", f"/de/newsletter/{slug}/"} <= set(html.links())
    assert page("issue_figures", issue.pk) in html.links()


def test_the_late_languages_are_chosen_on_the_page_they_lead_to(issue):
    over(issue)
    issue.translations.filter(language_code="nl").update(subject="Onderwerp")
    html = Page(at_the_desk(carla()).get(page("issue_send", issue.pk)))
    boxes = [(box["value"], "checked" in box.attributes) for box in html.all("input", name="languages")]
    assert boxes == [("nl", True)]


def test_who_may_not_send_is_not_told_to(issue):
    over(issue)
    html = Page(at_the_desk(boris()).get(page("issue_progress", issue.pk)))
    assert "What comes now" in html.words
    assert "Send the late languages" not in html.words
    assert page("issue_send", issue.pk) not in html.links()


def test_an_issue_of_which_nothing_went_has_no_afterwards():
    issue = make_issue(items=1)
    html = Page(at_the_desk(carla()).get(page("issue_progress", issue.pk)))
    assert "What comes now" not in html.words
