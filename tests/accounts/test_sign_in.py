"""Signing in by password, at the members' door and at the desk's: who gets in, who does not, and how often one may
try."""

import datetime

import pytest
import time_machine
from django.contrib.auth import get_user
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from picum.accounts import limits
from picum.accounts.models import Rate, User
from tests.accounts.at_the_door import MY, PASSWORD, SIGN_IN, is_in, signs_in, somebody, told
from tests.html import Page
from tests.watching import in_page

pytestmark = pytest.mark.django_db
WRONG = "There is no account with this address and this password."
TOO_MANY = "Too many passwords were tried. Please try again in an hour."
DESK = "/en/desk/login/"
QUERIES = 9 if connection.vendor == "postgresql" else 7  # its two locks
NOW = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.UTC)


def from_network(number: int) -> Client:
    return Client(REMOTE_ADDR=f"198.51.{number}.7")


def at_the_desk(client: Client, password: str):
    return client.post(DESK, {"username": "amal@example.org", "password": password})


def test_the_right_password_lets_in_and_leads_to_the_membership(client):
    somebody()
    answer = signs_in(client)
    assert (answer.status_code, answer.url, is_in(client)) == (302, MY, "amal@example.org")


def test_capitals_and_spaces_around_the_address_do_not_matter(client):
    somebody()
    signs_in(client, " Amal@Example.ORG ")
    assert is_in(client) == "amal@example.org"


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("amal@example.org", "wrong"),
        ("nobody@example.org", PASSWORD),
        ("nonsense", PASSWORD),
        ("dora@example.org", PASSWORD),  # switched off
        ("elsa@example.org", ""),  # has none
    ],
)
def test_whatever_is_wrong_is_answered_alike(client, address, password):
    somebody()
    somebody("dora@example.org", is_active=False)
    User.objects.create_user("elsa@example.org")
    answer = signs_in(client, address, password or "anything")
    assert (answer.status_code, told(answer), is_in(client)) == (200, [WRONG], "")


def test_an_unknown_address_costs_as_many_statements_and_a_hash_too(client, monkeypatch):
    somebody()
    hashed, encode, costs = [], MD5PasswordHasher.encode, {}
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(args) or encode(*args))
    for address in ("amal@example.org", "nobody@example.org"):
        hashed.clear()
        with CaptureQueriesContext(connection) as queries:
            signs_in(client, address, "wrong")
        costs[address] = (len(queries), len(hashed))
    assert costs["amal@example.org"] == costs["nobody@example.org"] == (QUERIES, 1)


def test_what_is_missing_is_said_at_its_field(client):
    answer = client.post(SIGN_IN, {"address": "", "password": ""})
    page = Page(answer)
    assert [tag.words for tag in page.all("ul", class_="errorlist")] == [
        "Please write your mail address here.",
        "Please write your password here, or have a link mailed to you.",
    ]
    for name in ("address", "password"):
        field = page.one("input", id=f"id_{name}")
        assert field["aria-invalid"] == "true"
        assert page.one("ul", id=field["aria-describedby"]).words


@pytest.mark.parametrize(
    ("onward", "leads_to"),
    [
        ("/en/my/account/", "/en/my/account/"),
        ("//elsewhere.example/", MY),
        ("https://elsewhere.example/en/my/", MY),
        ("/\\elsewhere.example", MY),
        ("javascript:alert(1)", MY),
        ("en/my/", MY),
        ("/" + "a" * 200, MY),
    ],
)
def test_only_a_page_of_ours_is_gone_on_to(client, onward, leads_to):
    somebody()
    page = Page(client.get(SIGN_IN, {"next": onward}))
    carried = {tag["name"]: tag["value"] for tag in page.all("input", type="hidden")}
    assert carried.get("next") == (onward if leads_to != MY else None)
    assert signs_in(client, next=onward).url == leads_to


def test_who_is_signed_in_need_not_do_it_again(client):
    somebody()
    signs_in(client)
    assert client.get(SIGN_IN, {"next": "/en/my/account/"}).url == "/en/my/account/"


def test_the_key_of_the_session_changes_at_the_door(client):
    somebody()
    session = client.session
    session["before"] = "planted"
    session.save()
    client.cookies["sessionid"] = planted = session.session_key
    signs_in(client)
    assert client.session.session_key != planted


def test_a_post_from_another_site_signs_nobody_in():
    somebody()
    client = Client(enforce_csrf_checks=True)
    assert signs_in(client).status_code == 403
    assert is_in(client) == ""


def test_readers_get_no_cookie_and_the_door_one_of_its_own():
    assert Client().get("/en/").cookies == {}
    client = Client()
    answer = client.get(SIGN_IN)
    assert set(answer.cookies) == {"csrftoken"}
    assert in_page(answer.content.decode()) == []
    assert [tag["id"] for tag in Page(answer).all("form")] == [None]  # and no other form, such as the newsletter's


def test_the_way_in_stands_on_every_page_and_leads_through_the_door(client):
    page = Page(client.get("/en/"))
    assert page.one("a", href=MY).words == "My membership"
    assert client.get(MY).url == "/en/sign-in/?next=%2Fen%2Fmy%2F"


def test_after_ten_wrong_passwords_for_an_account_the_right_one_does_not_help_for_an_hour(client):
    somebody()
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(10):
            assert told(signs_in(from_network(number), password="wrong")) == [WRONG]
        answer = signs_in(from_network(11))
        assert (answer.status_code, told(answer)) == (429, [TOO_MANY])
        # What is refused is not counted: an hour later all is well.
        clock.shift(datetime.timedelta(hours=1, seconds=1))
        assert signs_in(from_network(11)).status_code == 302


def test_letters_that_are_alike_in_capitals_give_no_further_tries_at_an_account():
    somebody("imil@example.org")
    for address in ("ımil@example.org", "imıl@example.org", "ımıl@example.org"):
        assert told(signs_in(from_network(1), address)) == [WRONG]


def test_the_limit_says_nothing_about_whether_there_is_an_account():
    for number in range(10):
        assert told(signs_in(from_network(number), "nobody@example.org")) == [WRONG]
    assert told(signs_in(from_network(11), "Nobody@example.org")) == [TOO_MANY]


def test_at_the_desk_the_same_tries_are_counted(client):
    somebody(is_staff=True)
    for number in range(5):
        signs_in(from_network(number), password="wrong")
        assert "errornote" in at_the_desk(from_network(number), "wrong").content.decode()
    answer = at_the_desk(client, PASSWORD)
    assert TOO_MANY in Page(answer).one("p", class_="errornote").words
    assert get_user(client).is_anonymous


def test_the_desk_lets_its_own_people_in_and_no_others(client):
    somebody(is_staff=True)
    assert at_the_desk(client, PASSWORD).url == reverse("admin:index")
    somebody("boris@example.org")
    answer = Client().post(DESK, {"username": "boris@example.org", "password": PASSWORD})
    assert "for a staff account" in Page(answer).one("p", class_="errornote").words


def test_a_network_from_which_many_passwords_are_tried_is_stopped_whatever_the_accounts(client):
    somebody()
    for number in range(30):
        signs_in(client, f"name{number}@example.org", "wrong")
    assert told(signs_in(client)) == [TOO_MANY]
    assert signs_in(from_network(9)).status_code == 302


def test_who_came_in_from_a_network_before_is_not_locked_out_by_strangers():
    somebody()
    assert signs_in(from_network(1)).status_code == 302
    for number in range(10, 20):
        signs_in(from_network(number), password="wrong")
    assert signs_in(from_network(20)).status_code == 429
    assert signs_in(from_network(1)).status_code == 302
    # But there too ten are enough.
    for _number in range(10):
        signs_in(from_network(1), password="wrong")
    assert signs_in(from_network(1)).status_code == 429


def test_the_right_password_wipes_out_what_was_tried_before():
    somebody()
    for _round in range(3):
        for _number in range(9):
            signs_in(from_network(1), password="wrong")
        assert signs_in(from_network(1)).status_code == 302
    assert Rate.objects.filter(scope="guess").count() == 0


def test_what_was_counted_is_forgotten(client):
    somebody()
    signs_in(client)
    signs_in(client, password="wrong")
    now = datetime.datetime.now(tz=datetime.UTC)
    assert limits.forget(now=now + datetime.timedelta(days=2)) == 2
    assert limits.forget(now=now + datetime.timedelta(days=31)) == 1
    assert not Rate.objects.exists()


def test_an_account_that_is_switched_off_is_out_at_once(client):
    user = somebody()
    signs_in(client)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert is_in(client) == ""


def test_signing_out_is_a_press_and_no_link(client):
    somebody()
    signs_in(client)
    assert client.get("/en/sign-out/").status_code == 405
    assert is_in(client) == "amal@example.org"
    assert client.post("/en/sign-out/").url == "/en/"
    assert is_in(client) == ""
