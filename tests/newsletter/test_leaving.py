"""A reader leaves: by the button of their page, or by the one click of their mail program (RFC 8058)."""

import datetime
import logging

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from newsletter import consents, importing, subscriptions, tracking
from newsletter.lists import Row
from newsletter.models import Consent, Subscriber, Suppression
from picum import links
from picum.addresses import address_key
from tests.html import Page
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import event, sent_issue

pytestmark = pytest.mark.django_db
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@pytest.fixture
def client():
    """A mail program or a browser that brings no cookie, at a site that checks for them where it should."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def amal():
    return make_subscriber("amal@example.org", "pt es en")


@pytest.fixture
def boris():
    return make_subscriber("boris@example.org")


def address_of(reader, language="en", page="leave"):
    return f"/{language}/newsletter/{page}/{subscriptions.token_for(reader)}/"


def rows():
    """All that leaving could change."""
    return [list(model.objects.order_by("pk").values()) for model in (Subscriber, Suppression, Consent)]


def lines():
    """The consent ledger, oldest first."""
    return list(Consent.objects.order_by("number").values_list("address_key", "kind", "how"))


def state(reader):
    reader.refresh_from_db()
    return reader.state


def is_goodbye(response):
    return (response.status_code, Page(response).one("h1").words) == (200, "Goodbye, and thank you")


# --- the page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head", "options"])
@pytest.mark.parametrize("page", ["leave", "preferences"])
def test_looking_at_the_page_changes_nothing(client, amal, boris, method, page):
    before = rows()
    getattr(client, method)(address_of(amal, page=page))
    getattr(client, method)(address_of(amal, page=page) + "?press=remove:pt&List-Unsubscribe=One-Click")
    assert rows() == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_one_button_and_the_way_to_other_languages(client, amal, language):
    page = Page(client.get(address_of(amal, language)))
    assert page.one("html")["lang"] == language
    assert [tag["type"] for tag in page.all("button")] == ["submit"]
    assert page.one("form").attributes == {"method": "post"}
    assert address_of(amal, language, "preferences") in page.links()


def test_the_button_ends_the_subscription_at_once(client, amal, boris):
    before = timezone.now()
    button = Page(client.get(address_of(amal))).one("button")
    assert is_goodbye(client.post(address_of(amal), {button["name"]: button["value"]}))
    assert state(amal) == Subscriber.State.UNSUBSCRIBED
    assert before <= amal.unsubscribed_at <= timezone.now()
    assert list(Suppression.objects.values_list("address_key", "reason")) == [(amal.address_key, "unsubscribed")]
    assert state(boris) == Subscriber.State.SUBSCRIBED


def test_afterwards_the_page_says_that_there_is_nothing_to_leave(client, amal):
    client.post(address_of(amal))
    for page in ("leave", "preferences"):
        response = client.get(address_of(amal, page=page))
        assert (response.status_code, Page(response).one("h1").words) == (200, "You are not on our list")
        assert Page(response).all("form") == []


def test_the_page_shows_no_more_of_the_address_than_its_owner_needs(client, amal):
    for page in ("leave", "preferences"):
        body = client.get(address_of(amal, page=page)).content.decode()
        assert not [word for word in ("amal", "example.org", str(amal.handle), amal.handle.hex) if word in body]
    assert "a…@e…" in client.get(address_of(amal)).content.decode()


@pytest.mark.parametrize("page", ["leave", "preferences"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_cache_keeps_the_page_and_no_other_site_learns_its_address(client, amal, page, method):
    for address in (address_of(amal, page=page), f"/en/newsletter/{page}/nonsense/"):
        response = getattr(client, method)(address)
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["X-Robots-Tag"] == "noindex, nofollow"
        assert "no-store" in response["Cache-Control"]
        assert not response.cookies


# --- one click ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_click_from_a_mail_program_ends_the_subscription_without_cookie_or_redirect(client, amal, language):
    response = client.post(
        address_of(amal, language), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 200
    assert not response.cookies
    assert state(amal) == Subscriber.State.UNSUBSCRIBED


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        ("", "application/x-www-form-urlencoded"),
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded; charset=us-ascii"),
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded; charset=ISO-8859-1"),
        ("not a form", "multipart/form-data"),
        ("not a form", "multipart/form-data; boundary=\N{SNOWMAN}"),
        ("{", "application/json"),
        ("&".join(["a=1"] * 2_000), "application/x-www-form-urlencoded"),
        ("a" * 3_000_000, "application/x-www-form-urlencoded"),
    ],
)
def test_whatever_stands_in_the_request_a_genuine_link_lets_its_reader_go(client, amal, body, content_type):
    assert is_goodbye(client.post(address_of(amal), body.encode(), content_type=content_type))
    assert state(amal) == Subscriber.State.UNSUBSCRIBED


def test_leaving_twice_is_answered_alike_and_changes_nothing_more(client, amal):
    first = client.post(address_of(amal), ONE_CLICK)
    before = rows()
    second = client.post(address_of(amal), ONE_CLICK)
    assert (second.status_code, second.content) == (200, first.content)
    assert rows() == before


def test_a_link_without_its_last_slash_still_works_without_redirect(client, amal):
    assert is_goodbye(client.post(address_of(amal).rstrip("/"), ONE_CLICK))
    assert state(amal) == Subscriber.State.UNSUBSCRIBED


def test_a_reader_who_was_erased_meanwhile_gets_the_same_answer(client, amal, boris):
    address = address_of(amal)
    amal.delete()
    before = rows()
    assert is_goodbye(client.post(address, ONE_CLICK))
    assert Page(client.get(address)).one("h1").words == "You are not on our list"
    assert client.post(address.replace("leave", "preferences"), {"press": "add:de"}).status_code == 200
    assert rows() == before


@pytest.mark.parametrize("page", ["leave", "preferences"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_false_link_gets_404_and_a_sentence_and_changes_nothing(client, amal, boris, page, method):
    genuine = subscriptions.token_for(amal)
    false = [
        "nonsense",
        genuine[:-1],
        genuine[:-1] + ("A" if genuine[-1] != "A" else "B"),
        subscriptions.token_for(boris).split(".")[0] + "." + genuine.split(".")[1],
        links.sign(amal.handle, purpose="confirm"),
        str(amal.handle),
        "é" * 10,
    ]
    before = rows()
    for token in false:
        response = getattr(client, method)(f"/en/newsletter/{page}/{token}/", ONE_CLICK)
        assert (response.status_code, Page(response).one("h1").words) == (404, "This link is not complete")
        assert "once more from our mail" in Page(response).words
    assert rows() == before


def test_links_outlive_a_change_of_keys(client, amal, settings):
    address = address_of(amal)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of fifty characters " * 2
    assert is_goodbye(client.post(address, ONE_CLICK))
    assert state(amal) == Subscriber.State.UNSUBSCRIBED


# --- what leaving means -------------------------------------------------------------------------------------------


def test_two_at_once_leave_once(amal):
    same = Subscriber.objects.get(pk=amal.pk)
    assert subscriptions.unsubscribe(amal, how="page") is True
    left_at = Subscriber.objects.get(pk=amal.pk).unsubscribed_at
    assert subscriptions.unsubscribe(same, how="one-click") is False
    assert Subscriber.objects.get(pk=amal.pk).unsubscribed_at == left_at == amal.unsubscribed_at
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize(
    ("how", "written"),
    [
        ("one-click", "one-click"),
        ("unreadable", "one-click"),
        ("page", "page"),
        ("mail", "mail"),
        ("staff", "staff"),
        ("provider", "provider"),
    ],
)
def test_the_ledger_of_consents_learns_once_who_left_and_how(amal, boris, how, written):
    for _time in range(2):
        subscriptions.unsubscribe(amal, how=how)
    assert lines() == [(amal.address_key, "withdrawn", written)]
    assert Consent.objects.get().at == amal.unsubscribed_at
    assert list(consents.verify()) == []


def test_a_road_that_nobody_knows_is_a_mistake_of_ours_and_lets_nobody_go(amal):
    with pytest.raises(ValueError, match="by balloon"):
        subscriptions.unsubscribe(amal, how="by balloon")
    assert (state(amal), lines()) == (Subscriber.State.SUBSCRIBED, [])


def test_what_a_provider_or_a_bounce_says_reaches_the_ledger_too(amal, boris):
    carla = make_subscriber("carla@example.org")
    readers = [amal, boris, carla]
    first, second = sent_issue(*readers), sent_issue(*readers, slug="december")
    for deliveries in (first, second):
        kinds = ["unsubscribed", "complained", "hard"]
        tracking.apply([event(*pair) for pair in zip(deliveries, kinds, strict=True)], now=timezone.now())
    assert lines() == [(amal.address_key, "withdrawn", "provider"), (boris.address_key, "withdrawn", "complaint")]
    assert [state(reader) for reader in readers] == ["unsubscribed", "subscribed", "subscribed"]
    reasons = dict(Suppression.objects.values_list("address_key", "reason"))
    assert [reasons[reader.address_key] for reader in readers] == ["unsubscribed", "complained", "bounced"]
    assert list(consents.verify()) == []


def test_who_complains_after_leaving_has_said_so_twice_and_after_an_erasure_not_at_all(amal, boris):
    subscriptions.unsubscribe(amal, how="page")
    Suppression.objects.create(address_key=boris.address_key, reason="erased")
    deliveries = sent_issue(amal, boris)
    tracking.apply([event(delivery, "complained") for delivery in deliveries], now=timezone.now())
    assert lines() == [(amal.address_key, "withdrawn", "page"), (amal.address_key, "withdrawn", "complaint")]


def test_a_reader_who_moved_leaves_by_what_is_said_of_an_older_letter(amal):
    (delivery,) = sent_issue(amal)
    said = event(delivery, "unsubscribed")
    Subscriber.objects.filter(pk=amal.pk).update(address="new@example.org", address_key=address_key("new@example.org"))
    tracking.apply([said], now=timezone.now())
    assert lines() == [(address_key("new@example.org"), "withdrawn", "provider")]
    assert Suppression.objects.get().address_key == address_key("new@example.org")


@pytest.mark.parametrize("number", [1, 3])
def test_many_leave_in_one_go(amal, boris, number, django_assert_num_queries):
    gone = make_subscriber("gone@example.org")
    readers = [boris, gone, amal][:number]
    # A savepoint and its release; the readers, locked; state; stop list; the ledger's end, and its new lines.
    with django_assert_num_queries(7 + (connection.vendor == "postgresql")):
        left = subscriptions.unsubscribe_many(readers, how="staff")
    assert [reader.pk for reader in left] == sorted(reader.pk for reader in readers)
    assert {reader.state for reader in left} == {Subscriber.State.UNSUBSCRIBED}
    assert lines() == [(reader.address_key, "withdrawn", "staff") for reader in left]
    assert subscriptions.unsubscribe_many(readers, how="staff") == []
    assert len(lines()) == number == Suppression.objects.count()


def test_one_click_costs_few_statements(client, amal, django_assert_num_queries):
    """Whose link; a savepoint and its release; the row, locked; state; stop list; the ledger's end, and its line."""
    address = address_of(amal)
    with django_assert_num_queries(8 + (connection.vendor == "postgresql")):
        client.post(address, ONE_CLICK)
    with django_assert_num_queries(5):  # nothing changes, so nobody waits for the ledger
        client.post(address, ONE_CLICK)


def test_an_address_that_does_not_exist_stays_on_the_stop_list_for_that_reason(amal):
    since = timezone.now() - datetime.timedelta(days=3)
    Suppression.objects.create(address_key=amal.address_key, reason="bounced", created_at=since)
    subscriptions.unsubscribe(amal, how="page")
    assert list(Suppression.objects.values_list("reason", "created_at")) == [("bounced", since)]


def test_no_import_brings_back_who_has_left_or_was_erased(amal, boris):
    for reader in (amal, boris):
        subscriptions.unsubscribe(reader, how="page")
    boris.delete()
    report = importing.import_rows(
        [Row(2, "AMAL@example.org", "en"), Row(3, "boris@example.org", "en")], source="again"
    )
    assert [refusal.reason for refusal in report.refusals] == [
        "this reader has left the newsletter",
        "the address is on the stop list",
    ]
    assert list(Subscriber.objects.values_list("address", "state")) == [("amal@example.org", "unsubscribed")]


def test_the_log_says_that_somebody_left_and_not_who(client, amal, caplog):
    caplog.set_level(logging.DEBUG)
    client.post(address_of(amal), ONE_CLICK)
    assert f"Reader {amal.pk} left the newsletter: one-click." in caplog.text
    assert "amal" not in caplog.text
    caplog.clear()
    client.post(address_of(amal), ONE_CLICK)
    assert "left" not in caplog.text
