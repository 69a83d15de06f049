import datetime

import pytest
import time_machine

from newsletter import enqueue
from newsletter.admin import sending
from newsletter.models import Delivery, Edition, Issue, Suppression
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page, said
from tests.newsletter.factories import LANGUAGES, make_issue, make_item, make_subscriber, make_texts
from tests.newsletter.roles import somebody_of

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)  # 12:00 in Brussels


@pytest.fixture
def desk():
    with time_machine.travel(NOON, tick=False):
        yield at_the_desk(carla())


@pytest.fixture
def issue():
    """Ready in six languages, Portuguese still being written; seven readers, three of whom want Portuguese first."""
    issue = make_issue(items=1, state=Edition.State.READY)
    for language in LANGUAGES:
        make_texts(issue, language, subject=f"Subject ({language})")
    issue.editions.filter(language="pt").update(state="draft")
    orders = ["en", "en de", "de", "fr", "pt es", "pt en es", "pt"]
    for number, languages in enumerate(orders):
        make_subscriber(f"reader{number}@example.org", languages, subscribed_at=NOON - datetime.timedelta(days=9))
    return issue


def states(issue) -> dict[str, str]:
    return dict(issue.editions.values_list("language", "state"))


def form(*languages, **changes) -> dict[str, object]:
    return {"languages": list(languages), "when": "now", "wait_pt": "wait"} | changes


def confirm(desk, issue, data) -> object:
    """Press both buttons; what the second one answers, followed."""
    assert desk.post(page("issue_send", issue.pk), data).status_code == 200
    return desk.post(page("issue_send", issue.pk), data | {"confirmed": "1"}, follow=True)


READY = [language for language in LANGUAGES if language != "pt"]


# --- the way there ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "told"), [("Publishers", True), ("Editors", False)])
def test_whoever_sends_is_told_at_home_what_is_ready(issue, role, told):
    home = Page(at_the_desk(somebody_of(role, email="dana@example.org")).get("/en/desk/"))
    assert [link["href"] for link in home.all("a", href=page("issue_send", issue.pk))] == [
        page("issue_send", issue.pk)
    ] * told


# --- what the page shows --------------------------------------------------------------------------------------------


def test_the_page_shows_who_gets_what_and_who_waits(desk, issue):
    rows = [row for row, _fields in desk.get(page("issue_send", issue.pk)).context["rows"]]
    assert [(row.name, row.readers, row.waiting) for row in rows] == [
        ("English", 2, 0),
        ("German", 1, 0),
        ("Dutch", 0, 0),
        ("Spanish", 0, 0),
        ("French", 1, 0),
        ("Italian", 0, 0),
        ("Portuguese", 0, 3),
    ]


def test_the_page_says_what_readers_get_if_they_do_not_wait(desk, issue):
    html = Page(desk.get(page("issue_send", issue.pk)))
    assert "3 readers would get it in this language." in html.words
    sentence = "If they do not wait: 1 would get English, 1 would get Spanish, 1 would get nothing now."
    assert sentence in html.words
    assert [choice["value"] for choice in html.all("input", name="wait_pt")] == ["wait", "give-up"]
    assert [box["value"] for box in html.all("input", name="languages")] == READY


def test_readers_who_left_or_must_not_be_mailed_or_have_it_already_are_not_counted(desk, issue):
    gone = make_subscriber("gone@example.org", "en", state="unsubscribed")
    stopped = make_subscriber("stopped@example.org", "en")
    Suppression.objects.create(address_key=stopped.address_key, reason="bounced")
    rows = {row.edition.language: row for row, _f in desk.get(page("issue_send", issue.pk)).context["rows"]}
    assert (gone.state, rows["en"].readers) == ("unsubscribed", 2)


def test_problems_are_shown_and_a_blocked_edition_cannot_be_chosen(desk, issue):
    make_texts(issue, "de", subject="")
    lacking = make_item(issue, "borders", **{code: "Title" for code in LANGUAGES if code != "it"})
    html = Page(desk.get(page("issue_send", issue.pk)))
    assert "Must be solved: The subject of the mail is missing in German." in html.words
    assert "Note: 1 item is not written in Italian: readers see it in their next language" in html.words
    assert page("issue_translate", issue.pk, "it", lacking.pk) in html.links()
    assert page("issue_problems", issue.pk, "it") in html.links()
    assert [box["value"] for box in html.all("input", name="languages")] == ["en", "nl", "es", "fr", "it"]
    answer = desk.post(page("issue_send", issue.pk), form("en", "de", wait_de="wait", confirmed="1"))
    assert "One of the languages cannot be sent any more" in Page(answer).words
    assert Delivery.objects.count() == 0
    assert states(issue)["en"] == "ready"


def test_what_is_the_same_for_all_editions_is_said_once(desk, issue):
    make_item(issue, **dict.fromkeys(LANGUAGES, "Later"), sources=[{"url": "https://new.org/1"}])
    make_item(issue, en=("Only English", '<p><a href="https://new.org/2">Here</a></p>'))
    for text in issue.items.first().translations.all():
        text.text = f'<p><a href="https://new.org/{text.language_code}">Here</a></p>'
        text.save()
    html = Page(desk.get(page("issue_send", issue.pk)))
    # One source, one link of the item in English, and one of their own in each language.
    assert "links have not been checked yet" in html.one("section", aria_labelledby="shared-title").words
    assert html.words.count("9 links have not been checked yet.") == html.words.count("links have not been") == 1
    assert html.words.count("is not written in") == 6
    html = Page(desk.post(page("issue_send", issue.pk), form("en", "de")))
    assert html.words.count("All languages: 4 links have not been checked yet.") == 1
    assert html.words.count("links have not been") == 1
    html = Page(desk.post(page("issue_send", issue.pk), form("en")))
    assert "English: 3 links have not been checked yet." in html.words


def test_a_link_that_stands_in_many_places_is_one(desk, issue):
    for text in issue.items.first().translations.all():
        text.text = '<p><a href="https://new.org/all#top">Here</a> <a href="https://new.org/all">there</a></p>'
        text.save()
    html = Page(desk.get(page("issue_send", issue.pk)))
    assert "1 link has not been checked yet." in html.words


def test_what_forbids_all_editions_alike_forbids_each_of_them(desk, issue):
    for item in issue.items.all():
        item.translations.all().delete()
    answer = desk.get(page("issue_send", issue.pk))
    html = Page(answer)
    assert html.words.count("There is no item to show.") == 1
    assert {row.blocked for row, _fields in answer.context["rows"]} == {True}
    assert html.all("input", name="languages", disabled="") == html.all("input", name="languages")
    assert not answer.context["can_send"]
    desk.post(page("issue_send", issue.pk), form(*READY) | {"confirmed": "1"})
    assert set(states(issue).values()) == {"ready", "draft"}


def test_with_nothing_ready_there_is_nothing_to_press(desk, issue):
    issue.editions.update(state="draft")
    html = Page(desk.get(page("issue_send", issue.pk)))
    assert "No edition is ready to be sent." in html.words
    assert html.one("form", class_="desk-form")
    assert html.all("input", name="when") == []


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_the_same_queries_for_one_item_and_three(desk, rows, django_assert_num_queries):
    issue = make_issue(state=Edition.State.READY)
    for number in range(rows):
        make_item(issue, ["borders", "events", "detention"][number], bodies=["frontex"], en="A", de="B")
        make_subscriber(f"reader{number}@example.org", ["en", "de", "pt en"][number])
    with django_assert_num_queries(17):
        desk.get(page("issue_send", issue.pk))


# --- the step in words ----------------------------------------------------------------------------------------------


def test_pressing_once_asks_in_words_and_sends_nothing(desk, issue):
    answer = desk.post(page("issue_send", issue.pk), form(*READY))
    words = Page(answer).words
    assert "4 readers get the issue now in 6 languages." in words
    assert "English: 2 readers German: 1 reader Dutch: 0 readers" in words
    assert "These readers get nothing now; they wait: 3 readers for Portuguese" in words
    assert states(issue) == dict.fromkeys(READY, "ready") | {"pt": "draft"}
    hidden = {(tag["name"], tag["value"]) for tag in Page(answer).all("input", type="hidden")}
    assert {("languages", code) for code in READY} | {("when", "now"), ("wait_pt", "wait")} <= hidden


def test_giving_a_language_up_changes_the_words(desk, issue):
    words = Page(desk.post(page("issue_send", issue.pk), form(*READY, wait_pt="give-up"))).words
    assert "6 readers get the issue now in 6 languages." in words
    assert "1 reader gets nothing: none of their languages goes out." in words
    assert "Readers do not wait for: Portuguese." in words


def test_change_something_shows_the_form_as_it_was_filled_in(desk, issue):
    answer = desk.post(page("issue_send", issue.pk), form("en", wait_pt="give-up", change="1"))
    html = Page(answer)
    assert [box["value"] for box in html.all("input", name="languages") if "checked" in box.attributes] == ["en"]
    assert states(issue)["en"] == "ready"


# --- sending --------------------------------------------------------------------------------------------------------


def test_confirming_sends_and_leads_to_the_progress(desk, issue):
    answer = confirm(desk, issue, form(*READY))
    assert answer.redirect_chain == [(page("issue_progress", issue.pk), 302)]
    assert said(answer) == ["The issue is on its way."]
    assert states(issue) == dict.fromkeys(READY, "scheduled") | {"pt": "draft"}
    assert set(issue.editions.filter(state="scheduled").values_list("send_at", flat=True)) == {NOON}
    line = AuditEntry.objects.filter(action="issue.send").get()
    assert (line.actor_label, line.data["languages"], line.data["given_up"]) == ("Carla", sorted(READY), [])


@pytest.mark.parametrize("decision", ["wait", "give-up"])
def test_the_numbers_that_were_promised_are_the_numbers_that_come(desk, issue, decision):
    data = form(*READY, wait_pt=decision)
    html = Page(desk.post(page("issue_send", issue.pk), data))
    promised = int(html.one("p", class_="desk-sentence").words.split()[0])
    confirm(desk, issue, data)
    enqueue.freeze_due(issue.pk)
    assert Delivery.objects.count() == promised
    assert issue.editions.get(language="pt").readers_wait is (decision == "wait")


def test_the_late_language_is_counted_and_sent_only_to_those_who_wait(desk, issue):
    confirm(desk, issue, form(*READY))
    enqueue.freeze_due(issue.pk)
    make_subscriber("late@example.org", "en", subscribed_at=NOON + datetime.timedelta(hours=1))
    issue.editions.filter(language="pt").update(state="ready")
    words = Page(desk.post(page("issue_send", issue.pk), {"languages": ["pt"], "when": "now"})).words
    assert "3 readers get the issue now in 1 language." in words
    confirm(desk, issue, {"languages": ["pt"], "when": "now"})
    enqueue.freeze_due(issue.pk)
    by_language = Delivery.objects.values_list("edition__language", flat=True)
    assert sorted(by_language) == ["de", "en", "en", "fr", "pt", "pt", "pt"]


def test_giving_up_later_reaches_readers_in_an_edition_that_went_out(desk, issue):
    issue.editions.filter(language="it").update(state="draft")
    data = form("en", "de", "nl", "es", "fr", wait_it="wait")
    confirm(desk, issue, data)
    enqueue.freeze_due(issue.pk)
    issue.editions.filter(language="it").update(state="ready")
    words = Page(desk.post(page("issue_send", issue.pk), form("it", wait_pt="give-up"))).words
    assert "2 readers get the issue now in 1 language." in words
    assert "English: 1 reader (this edition went out before; these readers no longer wait" in words
    confirm(desk, issue, form("it", wait_pt="give-up"))
    before = Delivery.objects.count()
    enqueue.freeze_due(issue.pk)
    assert Delivery.objects.count() - before == 2


def test_a_double_click_sends_once_and_says_so(desk, issue):
    data = form(*READY)
    confirm(desk, issue, data)
    again = desk.post(page("issue_send", issue.pk), data | {"confirmed": "1"}, follow=True)
    assert said(again) == ["These editions are on their way already."]
    assert again.redirect_chain == [(page("issue_progress", issue.pk), 302)]
    assert AuditEntry.objects.filter(action="issue.send").count() == 1


def test_who_was_slower_by_a_moment_is_refused_in_words(desk, issue, monkeypatch):
    """The other one's click falls between our reading and our writing."""

    def sent_meanwhile(fresh, languages, **decision):
        enqueue.send(Issue.objects.get(pk=fresh.pk), ["en"], by=None)
        return enqueue.send(fresh, languages, **decision)

    monkeypatch.setattr(sending.enqueue, "send", _once(sent_meanwhile, enqueue.send))
    answer = desk.post(page("issue_send", issue.pk), form("en", confirmed="1"), follow=True)
    assert said(answer) == ["The English edition is now “scheduled”; it cannot become “scheduled”."]


def _once(first, then):
    """A function that is `first` at its first call and `then` ever after."""
    calls = iter([first])
    return lambda *args, **kwargs: next(calls, then)(*args, **kwargs)


# --- at a set time --------------------------------------------------------------------------------------------------


def at(date: str, time: str) -> dict[str, object]:
    return form("en", when="later", date=date, time=time)


def test_a_set_time_is_read_in_the_desks_own_zone_and_said_with_its_name(desk, issue):
    words = Page(desk.post(page("issue_send", issue.pk), at("2026-10-21", "09:30"))).words
    assert "2 readers get the issue on 21 October 2026, 09:30 (Europe/Brussels, CEST) in 1 language." in words
    confirm(desk, issue, at("2026-10-21", "09:30"))
    edition = issue.editions.get(language="en")
    assert (edition.state, edition.send_at) == (
        "scheduled",
        datetime.datetime(2026, 10, 21, 7, 30, tzinfo=datetime.UTC),
    )


@pytest.mark.parametrize(
    ("date", "time", "words"),
    [
        ("2026-10-20", "11:59", "That moment has passed already (it is 20 October 2026, 12:00 now)."),
        ("2027-10-22", "12:00", "The time to send lies more than a year ahead."),
        ("2027-03-28", "02:30", "02:30 does not exist in Europe/Brussels. Choose another time."),
        ("2026-10-21", "", "A set time needs both a day and a time."),
        ("", "09:30", "A set time needs both a day and a time."),
        ("soon", "09:30", "Enter a valid date."),
    ],
)
def test_a_time_that_cannot_be_is_refused_in_words(desk, issue, date, time, words):
    answer = desk.post(page("issue_send", issue.pk), at(date, time) | {"confirmed": "1"})
    assert words in Page(answer).words
    assert states(issue)["en"] == "ready"


def test_an_hour_that_comes_twice_is_taken_at_its_first_coming(desk, issue):
    words = Page(desk.post(page("issue_send", issue.pk), at("2026-10-25", "02:30"))).words
    assert "02:30 (Europe/Brussels, CEST)" in words


def test_what_is_scheduled_can_be_taken_back(desk, issue):
    confirm(desk, issue, at("2026-10-21", "09:30"))
    answer = desk.post(page("issue_unschedule", issue.pk, "en"), follow=True)
    assert said(answer) == ["The English edition will not go out at the set time; it is ready."]
    assert states(issue)["en"] == "ready"


def test_an_editor_cannot_send_by_typing_the_address(issue):
    client = at_the_desk(boris())
    assert client.post(page("issue_send", issue.pk), form("en", confirmed="1")).status_code == 403
    assert states(issue)["en"] == "ready"


def test_when_everything_else_went_out_a_late_language_can_be_given_up_alone(desk, issue):
    confirm(desk, issue, form(*READY))
    enqueue.freeze_due(issue.pk)

    shown = Page(desk.get(page("issue_send", issue.pk)))
    assert "3 readers wait for this language." in shown.words
    assert "Do not wait any longer" in shown.words
    answer = desk.post(page("issue_send", issue.pk), {"give_up": "pt"}, follow=True)

    assert said(answer) == ["2 readers get the issue in their next language."]
    assert dict(
        Delivery.objects.filter(subscriber__languages__startswith="pt ").values_list(
            "subscriber__languages", "edition__language"
        )
    ) == {"pt es": "es", "pt en es": "en"}
    assert AuditEntry.objects.get(action="issue.give_up").data == {"languages": ["pt"]}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_far_from_our_time_is_refused_in_words(desk, issue, day):
    data = form("en", when="later", date=day, time="00:30")
    answer = desk.post(page("issue_send", issue.pk), data)
    assert answer.context["form"].errors == {"date": ["Choose a day between the years 2000 and 2100."]}


def test_giving_up_what_is_no_language_does_nothing(desk, issue):
    before = states(issue)
    assert desk.post(page("issue_send", issue.pk), {"give_up": "\0"}).status_code == 200
    assert (states(issue), issue.editions.filter(readers_wait=False).count()) == (before, 0)
