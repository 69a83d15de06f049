"""What is typed is kept a second later; two windows notice each other; nothing that is sent is too odd."""

import json

import pytest
from django.test import Client

from newsletter.models import Text
from tests.newsletter.desk import amal, at_the_desk, boris
from tests.newsletter.factories import make_issue
from tests.newsletter.translation.sheets import BARCO, address, an_item, ines, press, seen, send, stored, text_of

pytestmark = pytest.mark.django_db
HALF = {"title": "Duas pes", "text": ""}


@pytest.fixture
def item():
    return an_item()


@pytest.fixture
def desk():
    return at_the_desk(ines())


def test_half_a_word_is_kept_and_no_reader_gets_it(desk, item):
    answer = send(desk, item, HALF)
    assert (answer.status_code, answer.json()) == (200, {"working": 1, "number": 0, "source": 1})
    text = text_of(item)
    assert (text.working, text.working_source, str(text.working_by), text.number) == (HALF, None, "Ines", 0)
    assert stored(item) == {"title": "", "text": ""}


def test_the_next_keeping_counts_on_and_remembers_the_source(desk, item):
    send(desk, item, HALF)
    answer = send(desk, item, {**HALF, "text": "<p>Um barco</p>"})
    assert answer.json() == {"working": 2, "number": 0, "source": 1}
    assert (text_of(item).working["text"], text_of(item).working_source) == ("<p>Um barco</p>", 1)


def test_the_same_again_because_the_answer_was_lost_is_no_conflict(desk, item):
    send(desk, item, HALF)
    assert send(desk, item, HALF, working=0).json() == {"working": 1, "number": 0, "source": 1}


def test_another_window_is_told_both_versions_and_replaces_nothing(desk, item):
    send(desk, item, HALF)
    answer = send(at_the_desk(boris()), item, {"title": "Dois mortos", "text": ""}, working=0)
    told = answer.json()
    assert (answer.status_code, told.pop("theirs"), told.pop("html").count("Duas pes")) == (409, HALF, 1)
    assert told == {"working": 1, "number": 0, "source": 1}
    assert text_of(item).working == HALF


def test_both_versions_are_shown_without_anything_that_runs(desk, item):
    send(desk, item, {"title": "<b onclick=x>", "text": "<p>a<script>alert(1)</script></p>"})
    html = send(desk, item, {"title": "<i>", "text": '<p onclick="x">b</p>'}, working=0).json()["html"]
    assert "&lt;b onclick=x&gt;" in html
    assert [bad for bad in ("<script", "<b onclick", '"x"') if bad in html] == []


def test_who_types_back_to_the_stored_words_has_nothing_unfinished(desk, item):
    press(desk, item, "finish")
    send(desk, item, HALF)
    assert text_of(item).working == HALF
    before = text_of(item).working_number
    assert send(desk, item, BARCO).json()["working"] == before + 2
    assert (text_of(item).working, text_of(item).state) == (None, "review")


def test_words_that_were_only_looked_at_leave_nothing(desk, item):
    press(desk, item, "finish")
    before = text_of(item).working_number
    assert send(desk, item, BARCO).json()["working"] == before
    assert text_of(item).working is None


def test_who_is_signed_out_is_led_to_the_login_and_nothing_is_kept(item):
    answer = send(Client(), item, HALF)
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/en/desk/login/")
    assert not Text.objects.filter(language="pt").exists()


def test_without_the_token_of_the_session_nothing_is_kept(item):
    person = ines()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    assert send(strict, item, HALF).status_code == 403
    assert not Text.objects.filter(language="pt").exists()


@pytest.mark.parametrize("name", ["translate_keep", "translate_aid"])
@pytest.mark.parametrize(
    ("person", "language"),
    [(ines, "es"), (ines, "en"), (ines, "xx"), (amal, "pt")],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_strangers_and_other_languages_get_404(item, person, language, name):
    assert send(at_the_desk(person()), item, HALF, language, name).status_code == 404
    assert not Text.objects.filter(language=language).exists()


@pytest.mark.parametrize("name", ["translate_keep", "translate_aid"])
def test_a_get_is_refused(desk, item, name):
    assert desk.get(address(item, name=name)).status_code == 405


@pytest.mark.parametrize("body", ["", "[]", "{", '"words"', "null", "[" * 100_000, b"\xff\xfe"], ids=range(7))
@pytest.mark.parametrize("name", ["translate_keep", "translate_aid"])
def test_nonsense_is_refused(desk, item, name, body):
    answer = desk.post(address(item, name=name), body, content_type="application/json")
    assert (answer.status_code, Text.objects.filter(language="pt").exists()) == (400, False)


def test_odd_words_and_numbers_are_no_reason_to_lose_anything(desk, item):
    data = {"title": "Du\0as \ud800", "text": ["no words"], "working": "²", "number": -1, "source": 10**30}
    answer = desk.post(address(item, name="translate_keep"), json.dumps(data), content_type="application/json")
    assert answer.status_code == 200
    assert text_of(item).working == {"title": "Duas", "text": ""}


def test_an_item_of_another_issue_is_not_found(desk, item):
    other = an_item(make_issue("other", languages=[]))
    answer = desk.post(
        address(item, name="translate_keep", what=other.pk), json.dumps(HALF), content_type="application/json"
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize(("is_stored", "queries"), [(False, 11), (True, 12)])
def test_keeping_takes_the_same_few_queries_for_one_item_and_three(
    desk, items, is_stored, queries, django_assert_num_queries
):
    """Five of them are the person's; of the issue nothing is read but its item."""
    one = an_item()
    for _number in range(items - 1):
        an_item(one.issue)
    if is_stored:
        press(desk, one, "finish")
    send(desk, one, HALF)
    data = json.dumps({**seen(one), **BARCO, "title": "Duas pessoas"})
    with django_assert_num_queries(queries):
        answer = desk.post(address(one, name="translate_keep"), data, content_type="application/json")
    assert answer.status_code == 200


@pytest.mark.parametrize("items", [1, 3])
def test_looking_at_typed_words_takes_the_same_few_queries_for_one_item_and_three(
    desk, items, django_assert_num_queries
):
    one = an_item()
    for _number in range(items - 1):
        an_item(one.issue)
    send(desk, one, HALF)
    with django_assert_num_queries(12):
        desk.post(address(one, name="translate_aid"), json.dumps(BARCO), content_type="application/json")


@pytest.mark.parametrize("name", ["translate_keep", "translate_aid"])
def test_of_a_circular_nothing_is_translated(desk, item, name):
    type(item.issue).objects.filter(pk=item.issue_id).update(kind="circular")
    for what in (item.pk, "around"):
        answer = desk.post(address(item, name=name, what=what), json.dumps(HALF), content_type="application/json")
        assert answer.status_code == 404
    assert not Text.objects.exists()


@pytest.mark.parametrize("what", ["0", "²", "-1", "1.0", "9" * 400, "x"])
def test_an_odd_address_is_not_found(desk, item, what):
    path = address(item, name="translate_keep", what="around").replace("around", what)
    assert desk.post(path, json.dumps(HALF), content_type="application/json").status_code == 404
