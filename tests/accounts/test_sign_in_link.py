"""Signing in by a mailed link: it works once, for half an hour, and says nothing about who has an account."""

import datetime
import logging
import re
import uuid

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from picum import links
from picum.accounts.models import AuditEntry, SignInLink, User
from picum.letters import post
from picum.letters.models import Letter
from picum.logs import WithoutTokens
from tests.accounts.at_the_door import (
    MY,
    PASSWORD,
    asks_for_link,
    is_in,
    links_mailed,
    signs_in,
    somebody,
    told,
)
from tests.html import Page
from tests.letters.whole import faults

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.UTC)
LANGUAGES = [code for code, _name in django_settings.LANGUAGES]
MINUTE = datetime.timedelta(minutes=1)
OVER = "This link does not work any more"
PASSWORD_PAGE = "/en/sign-in/password/"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def mailed(client, address="amal@example.org", **more) -> str:
    """The link that somebody gets who asks for one."""
    asks_for_link(client, address, **more)
    (path,) = links_mailed()
    return path


def test_the_link_opens_a_page_whose_button_signs_in(client):
    somebody()
    path = mailed(client)
    page = Page(client.get(path))
    assert (page.one("h1").words, page.one("p", class_="lead").words) == (
        "Sign in",
        "One press of the button, and you are signed in as Amal.",
    )
    assert is_in(client) == ""
    assert client.post(path).url == MY
    assert is_in(client) == "amal@example.org"


def test_programs_that_fetch_every_link_neither_sign_in_nor_use_it_up(client):
    somebody()
    path = mailed(client)
    for _time in range(3):
        scanner = Client()
        assert (scanner.get(path).status_code, scanner.head(path).status_code, is_in(scanner)) == (200, 200, "")
    assert client.post(path).url == MY


def test_a_post_from_another_site_uses_no_link(client):
    somebody()
    path = mailed(client)
    assert Client(enforce_csrf_checks=True).post(path).status_code == 403
    assert client.post(path).status_code == 302


def test_a_link_works_once(client):
    somebody()
    path = mailed(client)
    client.post(path)
    for answer in (Client().get(path), Client().post(path), client.post(path)):
        assert (answer.status_code, Page(answer).one("h1").words) == (410, OVER)


def test_a_link_works_for_half_an_hour(client, clock):
    somebody()
    path = mailed(client)
    clock.shift(30 * MINUTE)
    assert client.get(path).status_code == 200
    clock.shift(datetime.timedelta(seconds=1))
    answer = client.post(path)
    assert (answer.status_code, Page(answer).one("h1").words, is_in(client)) == (410, OVER, "")


def test_asking_again_makes_the_older_link_void(client, clock):
    somebody()
    older = mailed(client)
    clock.shift(MINUTE)
    newer = mailed(client)
    assert client.post(older).status_code == 410
    assert client.post(newer).url == MY


def test_of_two_letters_that_wait_the_later_one_counts_whichever_is_sent_first(client, clock):
    somebody()
    asks_for_link(client)
    clock.shift(MINUTE)
    asks_for_link(client)
    # The newest goes first; the older one has nothing to say any more.
    (path,) = links_mailed()
    assert client.post(path).url == MY
    assert sorted(Letter.objects.values_list("state", "why")) == [("dropped", "moot"), ("sent", "")]


def test_a_letter_that_is_sent_twice_carries_one_link_that_works_once(client, clock):
    somebody()
    first = mailed(client)
    Letter.objects.update(state="waiting", address="amal@example.org")
    second = links_mailed()[0]
    handles = {links.unsign_until(path.split("/")[-2], purpose="sign-in", now=NOW) for path in (first, second)}
    assert len(handles) == 1
    client.post(first)
    Letter.objects.update(state="waiting", address="amal@example.org")
    assert links_mailed() == []
    assert Client().post(second).status_code == 410


def test_a_false_link_is_not_complete(client):
    somebody()
    path = mailed(client)
    for false in (path[:-2] + "/", "/en/sign-in/nonsense/"):
        answer = client.post(false)
        assert (answer.status_code, Page(answer).one("h1").words) == (404, "This link is not complete")
    another = links.sign_until(uuid.uuid4(), purpose="sign-in", until=NOW + MINUTE)
    assert client.post(f"/en/sign-in/{another}/").status_code == 410


def test_a_link_for_another_purpose_opens_nothing(client):
    somebody()
    mailed(client)
    handle = SignInLink.objects.get().handle
    other = links.sign_until(handle, purpose="data", until=NOW + MINUTE)
    assert client.post(f"/en/sign-in/{other}/").status_code == 404


def test_an_account_that_is_switched_off_gets_no_link_and_an_older_one_is_void(client):
    user = somebody()
    path = mailed(client)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert (client.get(path).status_code, client.post(path).status_code, is_in(client)) == (410, 410, "")
    asks_for_link(client)
    assert links_mailed() == []


def test_who_works_at_the_desk_is_told_to_take_the_password(client):
    somebody(is_staff=True)
    assert mailed(client) == "/en/sign-in/"
    assert mail.outbox[0].subject == "Signing in: PICUM"
    # Even the link that would fit is none.
    token = links.sign_until(SignInLink.objects.get().handle, purpose="sign-in", until=NOW + MINUTE)
    assert client.post(f"/en/sign-in/{token}/").status_code == 410


def test_who_begins_to_work_at_the_desk_is_not_let_in_by_a_link_of_before(client):
    user = somebody()
    path = mailed(client)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    assert client.post(path).status_code == 410


def test_known_and_unknown_addresses_are_answered_alike_by_the_same_statements(client):
    somebody()
    somebody("boris@example.org", is_active=False)
    asks_for_link(client, "warm-up@example.org")
    answers, statements = set(), []
    for address in ("amal@example.org", "boris@example.org", "nobody@example.org"):
        with CaptureQueriesContext(connection) as queries:
            answer = asks_for_link(client, address)
        answers.add((answer.status_code, answer.content))
        statements.append([re.sub(r"_x\d+|'[^']*'|\d+", "", query["sql"]) for query in queries])
    assert len(answers) == 1
    assert statements[0] == statements[1] == statements[2]
    assert links_mailed() != []
    assert [message.to for message in mail.outbox] == [["amal@example.org"]]


def test_a_domain_that_only_looks_alike_in_capitals_gets_no_link_to_somebody_s_account(client):
    somebody("amal@github.example")
    asks_for_link(client, "amal@gıthub.example")  # PostgreSQL writes both as AMAL@GITHUB.EXAMPLE
    assert (links_mailed(), mail.outbox, SignInLink.objects.count()) == ([], [], 0)
    client.post(mailed(client, "Amal@GitHub.example"))
    assert is_in(client) == "amal@github.example"


def test_neither_the_address_nor_the_letter_s_row_names_anybody(client):
    somebody()
    path = mailed(client)
    assert "amal" not in path
    assert path.count("?") == 0
    letter = Letter.objects.get()
    assert (letter.address, set(letter.about)) == ("", {"handle", "onward"})


@pytest.mark.parametrize("address", ["/en/sign-in/{}/", "/fr/my/invitation/{}/"])
def test_no_token_gets_into_a_log_not_even_a_part_of_one(address):
    token = links.sign_until(uuid.uuid4(), purpose="sign-in", until=NOW)
    for part in (token, token[:40]):
        record = logging.LogRecord("django.request", 30, "", 0, "Gone: %s", (address.format(part),), None)
        assert WithoutTokens().filter(record)
        assert record.getMessage() == "Gone: " + address.format("…")


def test_no_token_gets_into_a_log_within_another_address():
    token = links.sign_until(uuid.uuid4(), purpose="sign-in", until=NOW)
    address = f"GET /en/sign-in/?next=%2Fen%2Fmy%2Finvitation%2F{token}%2F"
    record = logging.LogRecord("django.server", 30, "", 0, "%s", (address,), None)
    assert WithoutTokens().filter(record)
    assert record.getMessage() == "GET /en/sign-in/?next=%2Fen%2Fmy%2Finvitation%2F…%2F"


def test_no_address_is_asked_for_too_often(client, clock):
    somebody()
    for number in range(8):
        asks_for_link(Client(REMOTE_ADDR=f"198.51.{number}.7"), "amal@example.org")
        clock.shift(MINUTE)
    links_mailed()
    sent = len(mail.outbox)
    for number in range(8):
        asks_for_link(Client(REMOTE_ADDR=f"203.0.{number}.7"))
        clock.shift(MINUTE)
        links_mailed()
        sent += len(mail.outbox)
    assert sent == 5
    clock.shift(61 * MINUTE)
    assert mailed(client)


def test_from_one_network_not_too_many_links_are_asked_for_whatever_the_address(client):
    for number in range(10):
        assert asks_for_link(client, f"name{number}@example.org").status_code == 200
    answer = asks_for_link(client, "amal@example.org")
    assert (answer.status_code, told(answer)) == (
        429,
        ["Too many forms came from your network in a short time. Please try again in an hour."],
    )
    assert Letter.objects.count() == 10


def test_an_address_that_is_none_is_told_so(client):
    assert told(asks_for_link(client, "amal")) == ["“amal” is not a mail address: there is no @ in it."]
    assert told(asks_for_link(client, "")) == ["Please write your mail address here."]
    assert not Letter.objects.exists()


def test_a_letter_that_nobody_waits_for_any_more_is_not_sent(client):
    somebody()
    asks_for_link(client)
    assert links_mailed(now=NOW + 61 * MINUTE) == []


def test_the_link_leads_on_to_the_page_that_was_wanted_and_to_no_other_site(client, clock):
    somebody()
    path = mailed(client, next="/en/my/account/")
    assert "/my/" not in path
    assert client.post(path).url == "/en/my/account/"
    clock.shift(MINUTE)
    assert client.post(mailed(client, next="//elsewhere.example/")).url == MY


@pytest.mark.parametrize("is_staff", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_is_whole_in_the_language_of_the_page(client, language, is_staff):
    somebody(is_staff=is_staff)
    client.post(f"/{language}/sign-in/", {"address": "amal@example.org", "link": "yes"})
    post.dispatch(now=NOW)
    assert faults(mail.outbox[0], language) == []
    assert "amal" not in (mail.outbox[0].body + mail.outbox[0].alternatives[0][0]).lower()


def test_the_letter_says_how_long_the_link_works(client):
    somebody()
    mailed(client)
    words = " ".join(mail.outbox[0].body.split())
    assert "The link works once, until 23 November 2026, 11:30 CET." in words


# --- the password -----------------------------------------------------------------------------------------------------


def sets(client, new="a long enough word", again="", **more):
    return client.post(PASSWORD_PAGE, {"new_password1": new, "new_password2": again or new, **more})


def test_who_came_by_a_link_can_set_a_password_without_the_old_one_for_a_quarter_of_an_hour(client, clock):
    user = somebody()
    client.post(mailed(client))
    clock.shift(14 * MINUTE)
    assert [tag["name"] for tag in Page(client.get(PASSWORD_PAGE)).all("input", type="password")] == [
        "new_password1",
        "new_password2",
    ]
    assert sets(client).url == MY
    assert is_in(client) == "amal@example.org"
    assert signs_in(Client(), password="a long enough word").status_code == 302
    assert AuditEntry.objects.values_list("action", "actor").get() == ("user.password", user.pk)


def test_later_the_old_password_is_asked_for(client, clock):
    somebody()
    client.post(mailed(client))
    clock.shift(16 * MINUTE)
    assert told(sets(client)) == ["This field is required."]
    assert told(sets(client, old="wrong")) == ["This is not your password."]
    assert sets(client, old=PASSWORD).url == MY


def test_who_came_by_password_needs_the_old_one_too(client):
    somebody()
    signs_in(client)
    assert told(sets(client)) == ["This field is required."]


def test_the_old_password_cannot_be_guessed_in_a_session_that_was_left_open(client):
    somebody()
    signs_in(client)
    for _number in range(10):
        sets(client, old="wrong")
    assert told(sets(client, old=PASSWORD)) == ["Too many passwords were tried. Please try again in an hour."]


def test_who_has_no_password_comes_in_by_a_new_link_to_set_one(client, clock):
    User.objects.create_user("amal@example.org", name="Amal")
    client.post(mailed(client))
    clock.shift(16 * MINUTE)
    page = Page(client.get(PASSWORD_PAGE))
    assert "please come in by a new link" in page.one("p", class_="lead").words
    assert page.all("input", type="password") == []
    path = mailed(client, next=PASSWORD_PAGE)
    assert client.post(path).url == PASSWORD_PAGE
    assert sets(client).url == MY


@pytest.mark.parametrize(
    ("new", "again", "why"),
    [
        ("short", "short", "too short"),
        ("password123", "password123", "too common"),
        ("amal@example.org", "amal@example.org", "too similar"),
        ("a long enough word", "another long word", "didn’t match"),
    ],
)
def test_a_weak_password_is_refused_in_words(client, new, again, why):
    somebody()
    client.post(mailed(client))
    assert why in " ".join(told(sets(client, new, again)))
    assert signs_in(Client()).status_code == 302


def test_a_new_password_ends_other_sessions_and_voids_a_link_that_waits(client):
    somebody()
    elsewhere = Client()
    signs_in(elsewhere)
    signs_in(client)
    path = mailed(client)
    sets(client, old=PASSWORD)
    assert (is_in(client), is_in(elsewhere)) == ("amal@example.org", "")
    assert Client().post(path).status_code == 410


def test_a_stranger_is_shown_the_way_in(client):
    assert client.get(PASSWORD_PAGE).url == "/en/sign-in/?next=%2Fen%2Fsign-in%2Fpassword%2F"
