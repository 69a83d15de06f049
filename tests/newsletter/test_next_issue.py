"""The next issue begins with what stays the same every month."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter import next_issue
from newsletter.models import Issue, Item, SearchEntry, Text
from newsletter.translation import finding, texts
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page, said, staff
from tests.newsletter.factories import LANGUAGES, make_issue, make_item, make_texts

pytestmark = pytest.mark.django_db

NOW = timezone.now()
NOVEMBER = datetime.date(2026, 11, 1)


@pytest.fixture
def last():
    """October, in English, German and Portuguese; the German is approved."""
    issue = make_issue(languages=["en", "de", "pt"], fallback="omit")
    for code in ("en", "de", "pt"):
        make_texts(issue, code, donation=f"<p>Give ({code}).</p>", subject=f"Subject ({code})")
    finding.find_all(issue, state="draft", now=NOW)
    Text.objects.filter(language="de").update(state="approved")
    return issue


def words_of(thing) -> dict[str, dict]:
    thing = type(thing).objects.get(pk=thing.pk)
    return {row.language_code: texts.stored_words(thing, row.language_code) for row in thing.translations.all()}


def start(client, last, **data):
    data = {"after": last.pk, "period": "2026-11-01"} | data
    return client.post(page("issue_next"), data, follow=True)


# --- what is taken over ---------------------------------------------------------------------------------------------


def test_the_standing_texts_are_taken_over_in_all_languages_as_far_as_they_are(last):
    by = carla()
    issue = next_issue.start_next(last, period=NOVEMBER, by=by, now=NOW)
    assert (issue.slug, issue.period, issue.period_kind, issue.fallback) == ("2026-11", NOVEMBER, "month", "omit")
    assert words_of(issue) == {
        code: {"subject": "", "masthead": f"Masthead ({code})", "message": "", "donation": f"<p>Give ({code}).</p>"}
        for code in ("en", "de", "pt")
    }
    rows = Text.objects.filter(issue=issue)
    assert {row.language: (row.state, row.number, row.source_number) for row in rows} == {
        "en": ("draft", 1, None),
        "de": ("approved", 1, 1),
        "pt": ("draft", 1, 1),
    }
    assert rows.get(language="de").revisions.get().how == "copied"
    assert sorted(issue.editions.values_list("language", flat=True)) == sorted(LANGUAGES)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "data")) == [
        ("issue.start", {"slug": "2026-11"}),
        ("issue.continue", {"after": "next", "items": 0}),
    ]


def test_what_is_said_anew_in_the_next_issue_outdates_its_translations(last):
    issue = next_issue.start_next(last, period=NOVEMBER, by=carla(), now=NOW)
    words = texts.stored_words(issue, "en") | {"message": "<p>Dear readers.</p>"}
    texts.store(texts.find(issue, "en"), words, state="draft", how="page", by=boris(), now=NOW)
    source = texts.glimpse(issue, "en")
    assert texts.is_outdated(texts.glimpse(issue, "de"), source)
    assert [one.now for one in texts.source_changes(texts.glimpse(issue, "de"), source)] == ["Dear readers."]


@pytest.mark.parametrize(
    ("field", "words", "outdated"), [("message", "<p>News.</p>", False), ("masthead", "Another one.", True)]
)
def test_an_outdated_standing_text_stays_outdated_and_an_outdated_message_is_left_behind(last, field, words, outdated):
    now = texts.stored_words(Issue.objects.get(pk=last.pk), "en") | {field: words}
    texts.store(texts.find(last, "en"), now, state="draft", how="page", by=None, now=NOW)
    assert texts.is_outdated(texts.glimpse(last, "de"), texts.glimpse(last, "en"))
    issue = next_issue.start_next(last, period=NOVEMBER, by=carla(), now=NOW)
    assert texts.is_outdated(texts.glimpse(issue, "de"), texts.glimpse(issue, "en")) is outdated


def test_items_that_come_again_are_copied_with_all_that_belongs_to_them(last):
    item = make_item(
        last,
        "events",
        en="Upcoming",
        pt="Agenda",
        countries=["BE", "IT"],
        bodies=["frontex"],
        areas=["advocacy"],
        kind="event",
        sources=[{"outlet": "Paper", "url": "https://example.org"}],
    )
    other = make_item(last, "events", en="Not again")
    finding.find_all(last, state="approved", now=NOW)
    texts.store(texts.find(item, "en"), {"title": "Upcoming", "text": "<p>New.</p>"}, state="draft", how="page",
                by=None, now=NOW)  # fmt: skip
    issue = next_issue.start_next(last, period=NOVEMBER, by=carla(), now=NOW, items=[item.pk])
    copy = issue.items.get()
    assert (copy.section.key, copy.kind, copy.original_language, copy.position) == ("events", "event", "en", 1)
    assert [country.code for country in copy.countries] == ["BE", "IT"]
    assert ([str(one.key) for one in copy.bodies.all()], [one.key for one in copy.areas.all()]) == (
        ["frontex"],
        ["advocacy"],
    )
    assert list(copy.sources.values_list("outlet", "url", "position")) == [("Paper", "https://example.org", 1)]
    assert words_of(copy) == words_of(item)
    pt = texts.glimpse(copy, "pt")
    assert (pt.state, pt.issue, texts.is_outdated(pt, texts.glimpse(copy, "en"))) == ("approved", issue, True)
    assert set(last.items.all()) == {item, other}


def test_the_search_knows_what_comes_again_and_reads_all_of_it_at_once(last):
    for number in range(3):
        make_item(last, en=f"Harbour {number}", de=f"Hafen {number}")
    chosen = last.items.values_list("pk", flat=True)
    with CaptureQueriesContext(connection) as asked:
        issue = next_issue.start_next(last, period=NOVEMBER, by=carla(), now=NOW, items=chosen)
    there = {(entry.item.issue_id, entry.language) for entry in SearchEntry.objects.filter(title__contains=" haf")}
    assert there == {(issue.pk, "de")}
    assert sum('INSERT INTO "newsletter_searchentry"' in query["sql"] for query in asked) == 1


def test_items_of_other_issues_are_not_taken(last):
    other = make_issue("earlier", period=datetime.date(2026, 9, 1), items=1)
    issue = next_issue.start_next(last, period=NOVEMBER, by=carla(), now=NOW, items=[other.items.get().pk])
    assert not issue.items.exists()


# --- once -----------------------------------------------------------------------------------------------------------


def test_there_is_one_issue_of_a_period(last):
    issue = next_issue.start_next(last, period=NOVEMBER, by=carla(), now=NOW)
    with pytest.raises(next_issue.AlreadyStarted) as refused:
        next_issue.start_next(last, period=NOVEMBER.replace(day=17), by=boris(), now=NOW)
    assert (refused.value.issue, Issue.objects.count()) == (issue, 2)


def test_a_second_press_finds_the_issue_of_the_first(last):
    desk = at_the_desk(carla())
    start(desk, last)
    issue = Issue.objects.get(slug="2026-11")
    answer = start(desk, last)
    assert answer.redirect_chain == [(page("issue_change", issue.pk), 302)]
    assert said(answer)[-1] == "This issue was started already: November 2026."
    assert Issue.objects.count() == 2


@pytest.mark.parametrize(
    ("kind", "day", "after"),
    [
        ("month", "2026-12-05", "2027-01-01"),
        ("quarter", "2026-11-20", "2027-01-01"),
        ("quarter", "2026-01-31", "2026-04-01"),
        ("date", "2026-01-31", "2026-02-28"),
        ("date", "2026-05-14", "2026-06-14"),
    ],
)
def test_the_period_after_another(kind, day, after):
    found = next_issue.period_after(kind, datetime.date.fromisoformat(day))
    assert found == datetime.date.fromisoformat(after)


# --- the page -------------------------------------------------------------------------------------------------------


def ticks(html) -> dict[str, bool]:
    return {box["value"]: "checked" in box.attributes for box in html.all("input", name="items")}


def test_news_is_not_ticked_although_it_is_called_as_before(last):
    make_item(make_issue("earlier", period=datetime.date(2026, 9, 1)), "events", en="Deaths at sea")
    item = make_item(last, "events", en="Deaths at sea")
    finding.find_all(last, state="approved", now=NOW)
    assert ticks(Page(at_the_desk(carla()).get(page("issue_next")))) == {str(item.pk): False}


def test_what_was_taken_over_is_ticked_the_next_time_although_its_words_were_changed(last):
    item, other = make_item(last, "events", en="Upcoming", de="Bald"), make_item(last, "events", en="News")
    finding.find_all(last, state="draft", now=NOW)
    issue = next_issue.start_next(last, period=NOVEMBER, by=carla(), now=NOW, items=[item.pk])
    again, new = issue.items.get(), make_item(issue, "events", en="News")
    words = {"title": "Upcoming in December", "text": "<p>New.</p>"}
    texts.store(texts.find(again, "en"), words, state="draft", how="form", by=None, now=NOW)
    assert ticks(Page(at_the_desk(boris()).get(page("issue_next")))) == {str(again.pk): True, str(new.pk): False}
    assert other.issue == last


def test_the_page_shows_what_is_taken(last):
    html = Page(at_the_desk(carla()).get(page("issue_next")))
    assert html.one("input", name="period")["value"] == "2026-11-01"
    assert "Masthead (pt) Give (pt). draft" in html.words
    assert "Masthead (de) Give (de). approved" in html.words


def test_the_list_of_issues_leads_there_and_the_press_leads_to_the_issue(last):
    desk = at_the_desk(carla())
    assert page("issue_next") in Page(desk.get(page("issue_changelist"))).links()
    item = make_item(last, "events", en="Upcoming")
    answer = start(desk, last, items=[item.pk])
    issue = Issue.objects.get(slug="2026-11")
    assert answer.redirect_chain == [(page("issue_change", issue.pk), 302)]
    assert said(answer) == [
        "November 2026 was started with the standing texts and 1 item of October 2026. Now write its subject and "
        "message."
    ]
    assert Item.objects.filter(issue=issue).count() == 1


def test_looking_starts_nothing(last):
    at_the_desk(carla()).get(page("issue_next"))
    assert Issue.objects.get() == last


def test_without_any_issue_the_first_one_is_added_by_hand():
    assert at_the_desk(carla()).get(page("issue_next")).url == page("issue_add")


@pytest.mark.parametrize("data", [{"period": ""}, {"period": "0001-01-01"}, {"items": ["99999"]}, {"items": ["x"]}])
def test_nonsense_is_refused_in_words(last, data):
    answer = start(at_the_desk(carla()), last, **data)
    assert answer.status_code == 200
    assert "Please correct what is marked." in Page(answer).words
    assert Issue.objects.count() == 1


def test_who_may_not_add_issues_starts_none(last):
    client = at_the_desk(staff("change_issue", "send_issue"))
    assert (client.get(page("issue_next")).status_code, start(client, last).status_code) == (403, 403)
    assert Issue.objects.count() == 1


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_the_same_queries_for_one_item_and_three(last, rows, django_assert_num_queries):
    for number in range(rows):
        make_item(last, ["events", "borders", "detention"][number], en=f"Item {number}", sources=[{"outlet": "P"}])
    desk = at_the_desk(carla())
    with django_assert_num_queries(14):
        desk.get(page("issue_next"))
