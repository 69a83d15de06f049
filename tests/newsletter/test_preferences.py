"""A reader chooses: languages and their order, areas, a pause, by buttons that need no script."""

import datetime

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from newsletter import subscriptions
from newsletter.forms.preferences import PRESSES, LanguagesForm
from newsletter.models import Subscriber, SystemMail
from picum.accounts import limits
from picum.accounts.models import Rate
from tests.html import Page
from tests.newsletter.factories import make_subscriber

LANGUAGES = [code for code, _name in settings.LANGUAGES]
AREAS = ["monitoring", "capacity-building", "advocacy", "awareness", "global-actors"]
TODAY = datetime.date(2026, 11, 3)
TOMORROW, IN_A_YEAR = datetime.date(2026, 11, 4), datetime.date(2027, 11, 3)


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def amal(db):
    make_subscriber("boris@example.org", "fr")
    return make_subscriber("amal@example.org", "pt es en")


def address_of(reader, language="en"):
    return f"/{language}/newsletter/preferences/{subscriptions.token_for(reader)}/"


def press(client, reader, button):
    """Open the page, press the button with that value, and come back with the answer."""
    page = Page(client.get(address_of(reader)))
    assert button in [tag["value"] for tag in page.all("button")], "no such button on the page"
    languages = [tag["value"] for tag in page.all("input", name="languages")]
    return client.post(address_of(reader), {"part": "languages", "languages": languages, "press": button})


def sends(client, reader, part, language="en", **fields) -> Page:
    """Open the page, fill in one of its forms, and look at the answer."""
    parts = [tag["value"] for tag in Page(client.get(address_of(reader, language))).all("input", name="part")]
    assert part in parts, "no such form on the page"
    return Page(client.post(address_of(reader, language), {"part": part, **fields}))


def said(page) -> str:
    return page.one("p", role="status").words


def chosen(reader):
    assert Subscriber.objects.get(address="boris@example.org").languages == "fr"
    return Subscriber.objects.get(pk=reader.pk).languages


def test_the_page_shows_the_languages_in_their_order_and_those_that_can_be_added(client, amal):
    page = Page(client.get(address_of(amal)))
    assert [tag.words.split()[0] for tag in page.all("span", class_="choice")] == ["Português", "Español", "English"]
    assert [tag["value"] for tag in page.all("button", name="press")] == [
        *("down:pt", "remove:pt", "up:es", "down:es", "remove:es", "up:en", "remove:en"),
        *("add:de", "add:nl", "add:fr", "add:it"),
    ]
    # What a button does is said in words, in the language of the page, with each name in its own.
    spoken = [tag.words for tag in page.all("span", class_="spoken")]
    assert spoken[:3] == ["Move down: Português", "Remove: Português", "Move up: Español"]


@pytest.mark.parametrize(
    ("button", "order", "said"),
    [
        ("up:es", "es pt en", "Español, Português, English"),
        ("up:en", "pt en es", "Português, English, Español"),
        ("down:pt", "es pt en", "Español, Português, English"),
        ("remove:pt", "es en", "Español, English"),
        ("add:it", "pt es en it", "Português, Español, English, Italiano"),
    ],
)
def test_each_button_saves_and_says_what_is_saved(client, amal, button, order, said):
    response = press(client, amal, button)
    page = Page(response)
    assert (response.status_code, chosen(amal)) == (200, order)
    assert page.one("p", role="status").words == f"Saved. The order is now: {said}."
    assert page.one("title").words == "Saved – Your preferences · PICUM"
    assert [tag["value"] for tag in page.all("input", name="languages")] == order.split()
    assert not response.cookies


def test_the_last_language_cannot_be_removed(client, amal):
    subscriptions.change_languages(amal, ["nl"])
    page = Page(client.get(address_of(amal)))
    assert [tag["value"] for tag in page.all("button", name="press")] == [
        f"add:{code}" for code in LANGUAGES if code != "nl"
    ]
    response = client.post(address_of(amal), {"languages": ["nl"], "press": "remove:nl"})
    assert Page(response).one("p", role="status").words == "At least one language is needed."
    assert chosen(amal) == "nl"


def test_sending_the_same_form_twice_is_like_sending_it_once(client, amal):
    form = {"languages": ["pt", "es", "en"], "press": "up:en"}
    first = client.post(address_of(amal), form)
    second = client.post(address_of(amal), form)
    assert first.content == second.content
    assert chosen(amal) == "pt en es"


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"languages": ["pt", "es", "en"]},
        {"press": "up"},
        {"part": "nonsense", "areas": ["advocacy"]},
        {"languages": ["pt", "xx"], "press": "up:pt"},
        {"languages": ["pt"], "press": "up:xx"},
        {"languages": ["pt"], "press": "drop:pt"},
        {"languages": ["pt\x00"], "press": "add:de"},
        {"languages": [], "press": "up:de"},
    ],
)
def test_what_the_page_never_sends_changes_nothing_and_is_said_so(client, amal, form):
    response = client.post(address_of(amal), form)
    assert response.status_code == 200
    assert Page(response).one("p", role="status")["class"] == "notice wrong"
    assert chosen(amal) == "pt es en"


def test_who_has_left_changes_nothing_here(client, amal):
    address = address_of(amal)
    subscriptions.unsubscribe(amal, how="page")
    response = client.post(address, {"languages": ["pt"], "press": "add:de"})
    assert Page(response).one("h1").words == "You are not on our list"
    assert chosen(amal) == "pt es en"


@pytest.mark.parametrize(
    ("languages", "words"),
    [
        ([], "At least one language is needed."),
        (["en", "xx"], "“xx” is not among the languages of the newsletter (en de nl es fr it pt)."),
        (["en", "de", "en"], "A language can be chosen only once."),
    ],
)
def test_an_order_that_is_none_is_refused_in_words(amal, languages, words):
    with pytest.raises(subscriptions.UnknownLanguages) as refused:
        subscriptions.change_languages(amal, languages)
    assert str(refused.value) == words
    assert chosen(amal) == "pt es en"


def test_all_seven_languages_can_be_chosen(amal):
    subscriptions.change_languages(amal, LANGUAGES[::-1])
    assert chosen(amal) == "pt it fr es nl de en"


orders = st.lists(st.sampled_from(LANGUAGES), max_size=9)


@given(order=orders, verb=st.sampled_from(PRESSES), code=st.sampled_from(LANGUAGES))
def test_whatever_is_pressed_no_language_is_lost_doubled_or_invented(order, verb, code):
    form = LanguagesForm({"languages": order, "press": f"{verb}:{code}"})
    before = list(dict.fromkeys(order))
    expected = set(before) - {code} if verb == "remove" else set(before) | ({code} if verb == "add" else set())
    if not form.is_valid():
        assert expected == set()
        return
    after = form.cleaned_data["order"]
    assert sorted(after) == sorted(expected)
    others = [other for other in before if other != code]
    assert [other for other in after if other != code] == others
    if verb in ("up", "down") and code in before:
        step = {"up": -1, "down": 1}[verb]
        assert after.index(code) == min(max(before.index(code) + step, 0), len(before) - 1)


# --- areas, and a language that is late -------------------------------------------------------------------------------


def test_areas_are_kept_in_their_own_order_with_the_wish_for_a_late_language(client, amal):
    page = sends(client, amal, "wishes", areas=["awareness", "monitoring"], late="fallback")
    amal.refresh_from_db()
    assert (amal.areas, amal.late, amal.languages) == ("monitoring awareness", "fallback", "pt es en")
    assert (said(page), page.one("title").words) == ("Saved.", "Saved – Your preferences · PICUM")
    assert [tag["value"] for tag in page.all("input", name="areas")] == AREAS
    ticked = [tag["value"] for tag in page.tags if tag.name == "input" and "checked" in tag.attributes]
    assert ticked == ["monitoring", "awareness", "fallback"]
    feeds = [link for link in page.links() if "/feed/" in link]
    assert feeds == ["/en/newsletter/feed/monitoring/", "/en/newsletter/feed/awareness/"]


def test_no_area_is_the_default_and_can_be_chosen_again(client, amal):
    page = Page(client.get(address_of(amal)))
    ticked = [tag["value"] for tag in page.tags if tag.name == "input" and "checked" in tag.attributes]
    assert (ticked, [link for link in page.links() if "/feed/" in link]) == (["wait"], [])
    subscriptions.change_areas(amal, AREAS)
    sends(client, amal, "wishes", late="wait")
    amal.refresh_from_db()
    assert (amal.areas, amal.late) == ("", "wait")


@pytest.mark.parametrize(
    "form", [{"areas": ["nonsense"], "late": "wait"}, {"areas": ["advocacy"], "late": "never"}, {"areas": ["advocacy"]}]
)
def test_areas_and_wishes_that_there_are_not_change_nothing(client, amal, form):
    page = sends(client, amal, "wishes", **form)
    amal.refresh_from_db()
    assert (amal.areas, amal.late) == ("", "wait")
    assert said(page) == "That did not work; nothing was changed. Please try again."


def test_an_area_that_there_is_not_is_named(amal):
    with pytest.raises(subscriptions.UnknownAreas, match="“sports” is not among the areas"):
        subscriptions.change_areas(amal, ["advocacy", "sports"])
    with pytest.raises(ValueError, match="never"):
        subscriptions.choose_late(amal, "never")


# --- a pause ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def today():
    with time_machine.travel(datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC), tick=False):
        yield


@pytest.mark.parametrize("day", [TOMORROW, IN_A_YEAR])
@pytest.mark.parametrize(
    ("language", "words"), [("en", "4 November 2026"), ("de", "4. November 2026"), ("pt", "4 de novembro de 2026")]
)
def test_a_pause_is_told_in_the_words_of_the_page_s_language(client, amal, today, day, language, words):
    page = sends(client, amal, "pause", language, until=day.isoformat())
    amal.refresh_from_db()
    assert amal.paused_until == day
    assert words.replace("2026", str(day.year)).replace("4", str(day.day), 1) in said(page)
    field = page.one("input", name="until")
    assert (field["min"], field["max"], field["value"]) == ("2026-11-04", "2027-11-03", day.isoformat())


def test_a_day_may_be_written_as_people_write_it_where_the_browser_has_no_calendar(client, amal, today):
    sends(client, amal, "pause", "de", until="31.3.2027")
    amal.refresh_from_db()
    assert amal.paused_until == datetime.date(2027, 3, 31)


RANGE = "Choose a day from 4 November 2026 to 3 November 2027."
WRITE = "This is not a day. Please write it like this: 2027-03-31."


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        (TODAY.isoformat(), RANGE),
        ((IN_A_YEAR + datetime.timedelta(days=1)).isoformat(), RANGE),
        ("1999-01-01", RANGE),
        ("9999-12-31", RANGE),
        ("2026-02-30", WRITE),
        ("soon", WRITE),
        ("\x00", WRITE),
        ("", "Choose a day."),
    ],
)
def test_a_day_that_is_none_is_refused_at_the_field_and_what_was_typed_stays(client, amal, today, until, sentence):
    page = sends(client, amal, "pause", until=until)
    amal.refresh_from_db()
    assert amal.paused_until is None
    assert page.one("title").words == "Please look again – Your preferences · PICUM"
    field = page.one("input", name="until")
    assert (field["value"] or "", field["aria-invalid"], "autofocus" in field.attributes) == (until, "true", True)
    assert page.one("p", id=field["aria-describedby"]).words == sentence


def test_a_pause_is_ended_by_a_button_or_by_time(client, amal, today):
    subscriptions.pause(amal, until=TOMORROW, today=TODAY)
    page = sends(client, amal, "resume")
    amal.refresh_from_db()
    assert (amal.paused_until, said(page)) == (TODAY, "The pause is over: the next issue comes to you again.")
    Subscriber.objects.update(paused_until=TODAY)
    page = Page(client.get(address_of(amal)))
    assert "resume" not in [tag["value"] for tag in page.all("input", name="part")]
    assert page.one("input", name="until")["value"] == ""


# --- what else is there -----------------------------------------------------------------------------------------------


def test_what_is_held_is_shown_by_a_mailed_link_alone(client, amal):
    """Who has a mail that was passed on sees where to ask, and nothing else."""
    page = sends(client, amal, "data")
    assert SystemMail.objects.values_list("kind", "address", "language").get() == ("link", "amal@example.org", "en")
    assert said(page) == "Please look into the mailbox of a…@e… for a mail with your links."
    assert not [word for word in ("amal", "example.org", amal.handle.hex) if word in page.response.content.decode()]


@pytest.mark.parametrize("part", ["data", "move"])
def test_who_asks_too_often_is_told_at_that_place(client, amal, part):
    for _time in range(limits.POSTS[0].most):
        limits.count_post("127.0.0.0/24", now=timezone.now())
    page = sends(client, amal, part, address="new@example.org")
    assert page.response.status_code == 429
    assert said(page).startswith("Too many forms came from your network")
    assert SystemMail.objects.count() == 0
    typed = [tag["value"] for tag in page.all("input", name="address")]
    assert typed == (["new@example.org"] if part == "move" else [None])
    assert Rate.objects.count() == limits.POSTS[0].most


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_part_of_the_page_has_a_form_and_every_field_a_name(client, amal, language):
    subscriptions.pause(amal, until=TOMORROW, today=TODAY)
    with time_machine.travel(datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)):
        page = Page(client.get(address_of(amal, language)))
    parts = [tag["value"] for tag in page.all("input", name="part")]
    assert parts == ["languages", "wishes", "resume", "pause", "move", "data"]
    assert {tag["method"] for tag in page.all("form")} == {"post"}
    assert [tag for tag in page.all("form") if tag["action"]] == []
    named = {tag["for"] for tag in page.all("label")}
    assert {tag["id"] for tag in page.all("input") if tag["type"] in {"date", "email"}} == named - {None}
    headings = {tag["id"] for tag in page.all("h2")}
    assert [tag["aria-labelledby"] for tag in page.all("section") if tag["aria-labelledby"] not in headings] == []


def test_the_page_asks_the_database_three_times(client, amal, django_assert_num_queries):
    subscriptions.change_areas(amal, AREAS)
    with django_assert_num_queries(3):  # the reader; the areas and their names
        client.get(address_of(amal))
