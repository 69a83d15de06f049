"""Who left by mistake takes it back, within the hour."""

import datetime

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from newsletter import consents, enqueue, sending, subscriptions, wordings
from newsletter.models import Consent, Delivery, Edition, Subscriber, Suppression
from picum import links
from tests.html import Page
from tests.newsletter.factories import make_issue, make_subscriber

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
LONG_AGO = NOW - datetime.timedelta(days=400)
AS_BEFORE, OUT = "You stay on our list", "You are not on our list"


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def amal(clock):
    make_subscriber("boris@example.org")
    return make_subscriber("amal@example.org", "pt es", subscribed_at=LONG_AGO)


def leave(client, reader, how=None) -> Page:
    return Page(client.post(f"/en/newsletter/leave/{subscriptions.token_for(reader)}/", how or {"leave": "yes"}))


def undo(client, page) -> Page:
    """Press the button of the page."""
    return Page(client.post(page.one("form")["action"], {"undo": "yes"}))


def heading(page) -> str:
    assert page.response.status_code == 200
    return page.one("h1").words


def rows() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Subscriber, Suppression, Consent)]


def lines() -> list[tuple]:
    return list(Consent.objects.order_by("number").values_list("address_key", "kind", "how", "wording__language"))


@pytest.mark.parametrize("how", [{"leave": "yes"}, {"List-Unsubscribe": "One-Click"}])
def test_everything_is_as_it_was(client, amal, how):
    readers, stops, _lines = rows()
    page = leave(client, amal, how)
    assert [button.words for button in page.all("button")] == ["Undo: keep me on the list"]
    answer = undo(client, page)
    assert heading(answer) == AS_BEFORE
    assert rows()[:2] == [readers, stops]
    assert f"/en/newsletter/preferences/{subscriptions.token_for(amal)}/" in answer.links()
    assert list(consents.verify()) == []


def test_the_ledger_names_the_words_that_were_agreed_to_last(client, amal):
    for language in ("en", "pt"):
        given = consents.Entry("given", "form", amal.address_key, wordings.current(language))
        consents.append([given, consents.Entry("given", "import", amal.address_key)], now=NOW)
    undo(client, leave(client, amal))
    assert lines()[-2:] == [(amal.address_key, "withdrawn", "page", None), (amal.address_key, "given", "undo", "pt")]


def test_where_no_words_are_known_none_are_named(client, amal):
    undo(client, leave(client, amal))
    assert lines()[-1] == (amal.address_key, "given", "undo", None)


def test_pressing_twice_is_like_pressing_once(client, amal):
    page = leave(client, amal)
    first = undo(client, page)
    before = rows()
    second = undo(client, page)
    assert (heading(second), second.response.content) == (AS_BEFORE, first.response.content)
    assert rows() == before


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_at_the_link_changes_nothing(client, amal, method):
    page = leave(client, amal)
    before = rows()
    response = getattr(client, method)(page.one("form")["action"] + "?undo=yes")
    assert rows() == before
    if method == "get":
        assert heading(undo(client, Page(response))) == AS_BEFORE


def test_after_an_hour_the_page_says_how_to_come_back(client, amal, clock):
    page = leave(client, amal)
    clock.shift(60 * MINUTE)
    assert leave(client, amal).one("form")["action"] == page.one("form")["action"]
    clock.shift(datetime.timedelta(seconds=1))
    assert leave(client, amal).all("form") == []
    before = rows()
    for answer in (undo(client, page), Page(client.get(page.one("form")["action"]))):
        assert heading(answer) == OUT
        assert "/en/newsletter/sign-up/" in answer.links()
    assert rows() == before


def test_the_hour_holds_without_a_link_too(amal):
    subscriptions.unsubscribe(amal, how="page")
    before = rows()
    assert not subscriptions.undo(amal, now=NOW + 60 * MINUTE + MINUTE / 60)
    assert rows() == before
    assert subscriptions.undo(amal, now=NOW + 60 * MINUTE)


def test_an_old_link_gives_the_reader_s_own_token_to_nobody(client, amal, clock):
    page = leave(client, amal)
    undo(client, page)
    clock.shift(61 * MINUTE)
    answer = undo(client, page)
    assert heading(answer) == AS_BEFORE
    assert subscriptions.token_for(amal) not in answer.response.content.decode()


def test_the_undo_of_an_earlier_leaving_is_over_with_its_hour(client, amal, clock):
    page = leave(client, amal)
    undo(client, page)
    clock.shift(50 * MINUTE)
    leave(client, amal)
    clock.shift(20 * MINUTE)
    assert heading(undo(client, page)) == OUT


@pytest.mark.parametrize("reason", ["complained", "bounced", "staff", "erased"])
def test_who_is_stopped_for_another_reason_is_not_promised_mail(client, amal, reason):
    page = leave(client, amal)
    Suppression.objects.update(reason=reason)
    before = rows()
    assert heading(undo(client, page)) == OUT
    assert rows() == before


def test_a_stop_from_before_stays(client, amal):
    earlier = NOW - datetime.timedelta(days=3)
    Suppression.objects.create(address_key=amal.address_key, reason="unsubscribed", created_at=earlier)
    assert heading(undo(client, leave(client, amal))) == OUT
    assert Suppression.objects.get().created_at == earlier


@pytest.mark.parametrize("how", ["staff", "provider"])
def test_what_others_ended_is_not_undone_here(client, amal, how):
    subscriptions.unsubscribe(amal, how=how)
    before = rows()
    assert heading(undo(client, leave(client, amal))) == OUT
    assert rows() == before


def test_who_was_erased_meanwhile_is_not_on_the_list(client, amal):
    page = leave(client, amal)
    amal.delete()
    assert heading(undo(client, page)) == OUT


def test_a_false_link_gets_404(client, amal):
    until = NOW + MINUTE
    false = [
        "nonsense",
        subscriptions.token_for(amal),
        links.sign(amal.handle, purpose="undo"),
        links.sign_until(amal.handle, purpose="move", until=until),
        links.sign_until(amal.handle, purpose="undo", until=until)[:-1],
    ]
    leave(client, amal)
    before = rows()
    for token in false:
        response = client.post(f"/en/newsletter/undo/{token}/", {"undo": "yes"})
        assert (response.status_code, response["Referrer-Policy"]) == (404, "no-referrer")
    assert rows() == before


def test_the_link_survives_a_change_of_keys(client, amal, settings):
    page = leave(client, amal)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of fifty characters " * 2
    assert heading(undo(client, page)) == AS_BEFORE


def test_mail_that_was_still_queued_goes_out_after_all(client, relay):
    amal = make_subscriber("amal@example.org", "en")
    issue = make_issue(items=1, state=Edition.State.READY)
    enqueue.send(issue, ["en"], by=None)
    (edition,) = enqueue.freeze_due(issue.pk)
    undo(client, leave(client, amal))
    sending.send_edition(edition.pk)
    assert relay.recipients() == ["amal@example.org"]
    assert Delivery.objects.get().state == "accepted"


def test_two_at_once_undo_once(amal):
    subscriptions.unsubscribe(amal, how="page")
    same = Subscriber.objects.get(pk=amal.pk)
    assert subscriptions.undo(amal, now=timezone.now()) is True
    assert subscriptions.undo(same, now=timezone.now()) is True
    assert [kind for _key, kind, _how, _words in lines()] == ["withdrawn", "given"]
    assert Subscriber.objects.get(pk=amal.pk).subscribed_at == LONG_AGO
