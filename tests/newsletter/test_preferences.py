"""A reader puts their languages in order, by buttons that need no script."""

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from newsletter import subscriptions
from newsletter.forms import PRESSES, LanguagesForm
from newsletter.models import Subscriber
from tests.html import Page
from tests.newsletter.factories import make_subscriber

LANGUAGES = [code for code, _name in settings.LANGUAGES]


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
    return client.post(address_of(reader), {"languages": languages, "press": button})


def chosen(reader):
    assert Subscriber.objects.get(address="boris@example.org").languages == "fr"
    return Subscriber.objects.get(pk=reader.pk).languages


def test_the_page_shows_the_languages_in_their_order_and_those_that_can_be_added(client, amal):
    page = Page(client.get(address_of(amal)))
    assert [tag.words.split()[0] for tag in page.all("span", class_="choice")] == ["Português", "Español", "English"]
    assert [tag["value"] for tag in page.all("button")] == [
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
    assert page.one("title").words == "Saved – Your languages · PICUM"
    assert [tag["value"] for tag in page.all("input", name="languages")] == order.split()
    assert not response.cookies


def test_the_last_language_cannot_be_removed(client, amal):
    subscriptions.change_languages(amal, ["nl"])
    page = Page(client.get(address_of(amal)))
    assert [tag["value"] for tag in page.all("button")] == [f"add:{code}" for code in LANGUAGES if code != "nl"]
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
