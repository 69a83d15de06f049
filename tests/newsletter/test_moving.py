"""Amal gets another address: the old one and the new one must both say so."""

import datetime
from collections.abc import Iterator

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from newsletter import consents, ledger, moving, outbox, subscriptions, wordings
from newsletter.models import Consent, Delivery, Move, Subscriber, Suppression, SystemMail
from picum import links
from picum.addresses import address_key
from tests.html import Page
from tests.newsletter.asked import own_links
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import sent_issue

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
OLD, NEW = "amal@example.org", "Nadia@new.example"
OLD_KEY, NEW_KEY = address_key(OLD), address_key(NEW)
ON_THEIR_WAY = (
    "Two mails are on their way, one to a…@e… and one to the new address. When both have said yes, within three days, "
    "the newsletter goes to the new address. Until then nothing changes."
)
NOTHING = "There is nothing to confirm any more: you have asked for another change since, or left the newsletter."
CHOSEN = {"languages": "pt es", "areas": "advocacy", "late": "fallback"}


@pytest.fixture
def client():
    return Client(enforce_csrf_checks=True)


@pytest.fixture(autouse=True)
def clock() -> Iterator:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def amal():
    return make_subscriber(OLD, **CHOSEN)


def asks(reader, address=NEW) -> Page:
    """The answer of the page of preferences."""
    page = f"/en/newsletter/preferences/{subscriptions.token_for(reader)}/"
    return Page(Client().post(page, {"part": "move", "address": address}))


def move_of(reader) -> Move:
    return Move.objects.get(subscriber=reader)


def confirms(handle) -> moving.Standing:
    return moving.confirm(handle, now=NOW)


def moves(reader, address=NEW) -> None:
    """Asks, and confirms at both addresses."""
    asks(reader, address)
    for handle in (move_of(reader).old_handle, move_of(reader).new_handle):
        confirms(handle)


def readers() -> list[tuple[str, str]]:
    return list(Subscriber.objects.order_by("pk").values_list("address", "state"))


def stops() -> dict:
    return dict(Suppression.objects.values_list("address_key", "reason"))


def lines() -> list[tuple]:
    return list(Consent.objects.order_by("number").values_list("address_key", "kind", "how", "wording__language"))


def everything() -> list:
    return [list(m.objects.order_by("pk").values()) for m in (Subscriber, Suppression, Consent, Move, SystemMail)]


def words(response) -> str:
    return Page(response).one("p", class_="lead").words


# --- asking -----------------------------------------------------------------------------------------------------------


def test_both_addresses_get_a_mail_and_until_both_say_yes_nothing_changes(client, amal):
    answer = asks(amal)
    assert answer.one("p", role="status").words == ON_THEIR_WAY
    assert outbox.dispatch(now=NOW) == {("sent", ""): 2}
    told = {message.to[0]: own_links(message.body)[0] for message in mail.outbox}
    assert set(told) == {OLD, NEW}
    paths = {address: link.removeprefix(settings.SITE_URL) for address, link in told.items()}
    for first in (OLD, NEW):
        Move.objects.update(old_confirmed_at=None, new_confirmed_at=None)
        page = Page(client.get(paths[first]))
        button = page.one("button")
        client.post(paths[first], {button["name"]: button["value"]})
        assert (readers(), stops(), lines()) == ([(OLD, "subscribed")], {}, [])
        assert move_of(amal).old_confirmed_at == (NOW if first == OLD else None)
        assert not [word for word in ("amal", "adia", "example.org") if word in page.response.content.decode()]
    client.post(paths[OLD])
    assert readers() == [(NEW, "subscribed")]


def test_each_side_is_told_what_is_still_missing(client, amal):
    asks(amal)
    move = move_of(amal)
    old, new = (
        f"/en/newsletter/move/{links.sign_until(handle, purpose='move', until=NOW + HOUR)}/"
        for handle in (move.old_handle, move.new_handle)
    )
    assert words(client.get(old)) == "The newsletter that goes to a…@e… shall go to N…@n… from now on."
    assert words(client.get(new)) == "The newsletter shall come to N…@n… from now on."
    assert words(client.post(new)).startswith("Thank you. Now the present address must say yes too")
    assert words(client.get(new)) == words(client.post(new))
    assert Page(client.get(new)).all("form") == []
    assert words(client.post(old)) == "Done: N…@n… gets the newsletter from now on."
    for path in (old, new):
        assert words(client.get(path)) == words(client.post(path)) == "Done: N…@n… gets the newsletter from now on."


def test_the_old_side_first_is_told_so_too(amal):
    asks(amal)
    move = move_of(amal)
    assert [confirms(move.old_handle).name, confirms(move.old_handle).name] == ["NEW_IS_MISSING"] * 2
    assert confirms(move.new_handle) is moving.Standing.DONE


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_at_a_link_changes_nothing(client, amal, method):
    asks(amal)
    move = move_of(amal)
    before = everything()
    for handle in (move.old_handle, move.new_handle):
        token = links.sign_until(handle, purpose="move", until=NOW + HOUR)
        getattr(client, method)(f"/en/newsletter/move/{token}/?confirm=yes")
    assert everything() == before


def test_the_answer_is_the_same_for_every_address(amal):
    make_subscriber("boris@example.org")
    make_subscriber("gone@example.org", state="unsubscribed")
    stopped = make_subscriber("stopped@example.org")
    Suppression.objects.create(address_key=stopped.address_key, reason="staff")
    answers = [
        asks(amal, address).response
        for address in (NEW, OLD, "boris@example.org", "gone@example.org", "stopped@example.org")
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def test_asking_costs_the_same_for_every_address(amal):
    make_subscriber("boris@example.org")
    asks(amal)
    asked = []
    for address in (NEW, OLD, "boris@example.org", "new@example.org"):
        with CaptureQueriesContext(connection) as captured:
            moving.ask(amal, address, network="192.0.2.0/24", now=NOW)
        asked.append([query["sql"].split()[0] for query in captured])
    assert asked[1:] == asked[:-1]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "Please write your new mail address here."),
        ("nadia", "“nadia” is not a mail address: there is no @ in it."),
        ("nadia@localhost", "“localhost” is not a domain of the internet: it should look like example.org."),
        ("nådia@new.example", "We cannot send a mail to an address with such letters before the @."),
    ],
)
def test_an_address_that_is_none_is_refused_at_the_field_and_stays_there(amal, address, sentence):
    page = asks(amal, address)
    field = page.one("input", name="address")
    assert (field["value"], field["aria-invalid"], "autofocus" in field.attributes) == (address, "true", True)
    assert page.one("p", id=field["aria-describedby"]).words == sentence
    assert page.one("title").words == "Please look again – Your preferences · PICUM"
    assert (Move.objects.count(), SystemMail.objects.count()) == (0, 0)


def test_a_second_wish_takes_the_place_of_the_first_with_its_links_and_its_mails(amal):
    asks(amal, "first@new.example")
    first = move_of(amal)
    asks(amal)
    assert move_of(amal).address == NEW
    assert set(SystemMail.objects.values_list("address", flat=True)) == {OLD, NEW}
    for handle in (first.old_handle, first.new_handle):
        assert confirms(handle) is moving.Standing.GONE
    assert readers() == [(OLD, "subscribed")]


# --- moving -----------------------------------------------------------------------------------------------------------


def test_the_reader_is_the_same_and_the_old_address_never_comes_back_by_itself(amal):
    for kind in ("requested", "given"):
        consents.append([consents.Entry(kind, "form", OLD_KEY, wordings.current("pt"))], now=NOW)
    token, before = subscriptions.token_for(amal), Subscriber.objects.values().get()
    moves(amal)
    assert Subscriber.objects.values().get() == before | {"address": NEW, "address_key": NEW_KEY}
    assert stops() == {OLD_KEY: "unsubscribed"}
    assert lines()[2:] == [(OLD_KEY, "withdrawn", "move", None), (NEW_KEY, "given", "move", "pt")]
    assert list(consents.verify()) == []
    assert subscriptions.reader_for(token) == amal  # the links of all mails go on working


def test_confirming_again_changes_nothing(amal):
    moves(amal)
    before = everything()
    move = move_of(amal)
    assert {confirms(move.old_handle), confirms(move.new_handle)} == {moving.Standing.DONE}
    assert everything() == before


def test_the_same_mailbox_written_otherwise_is_only_written_otherwise(amal):
    moves(amal, "Amal@Example.ORG")
    assert (readers(), stops(), lines()) == ([("Amal@example.org", "subscribed")], {}, [])


@pytest.mark.parametrize("reason", ["unsubscribed", "bounced", "complained", "erased"])
def test_the_new_address_says_yes_so_it_leaves_the_stop_list(amal, reason):
    Suppression.objects.create(address_key=NEW_KEY, reason=reason)
    moves(amal)
    assert (readers(), stops()) == ([(NEW, "subscribed")], {OLD_KEY: "unsubscribed"})


@pytest.mark.parametrize("reason", Suppression.Reason.values)
def test_who_wants_to_move_learns_nothing_about_the_other_address(client, amal, reason):
    told = []
    for address in (NEW, "nobody@new.example"):
        Suppression.objects.get_or_create(address_key=NEW_KEY, defaults={"reason": reason})
        asks(amal, address)
        path = f"/en/newsletter/move/{links.sign_until(move_of(amal).old_handle, purpose='move', until=NOW + HOUR)}/"
        told.append(words(client.post(path)).replace("n…@n…", "N…@n…"))
    assert told[0] == told[1]
    assert told[0].startswith("Thank you. Now the new address, N…@n…, must say yes too")


def test_where_staff_stopped_the_new_address_nothing_moves(client, amal):
    asks(amal)
    Suppression.objects.create(address_key=NEW_KEY, reason="staff")
    move = move_of(amal)
    confirms(move.old_handle)
    before = everything()
    path = f"/en/newsletter/move/{links.sign_until(move.new_handle, purpose='move', until=NOW + HOUR)}/"
    assert words(client.post(path)).startswith("We cannot send the newsletter to the new address.")
    assert everything() == before


def test_a_stop_of_the_old_address_keeps_its_reason(amal):
    Suppression.objects.create(address_key=OLD_KEY, reason="bounced")
    moves(amal)
    assert stops() == {OLD_KEY: "bounced"}


def test_who_reads_with_the_new_address_already_goes_on_as_before(amal):
    nadia = make_subscriber(NEW, "fr")
    before = Subscriber.objects.values().get(pk=nadia.pk)
    moves(amal)
    assert Subscriber.objects.values().get(pk=nadia.pk) == before
    assert readers() == [(OLD, "unsubscribed"), (NEW, "subscribed")]
    assert stops() == {OLD_KEY: "unsubscribed"}
    assert lines() == [(OLD_KEY, "withdrawn", "move", None), (NEW_KEY, "given", "move", None)]


def test_who_left_with_the_new_address_reads_again_as_chosen_at_the_old_one(amal):
    nadia = make_subscriber(NEW, "fr")
    subscriptions.unsubscribe(nadia, how="page")
    moves(amal)
    assert readers() == [(OLD, "unsubscribed"), (NEW, "subscribed")]
    nadia.refresh_from_db()
    assert {name: getattr(nadia, name) for name in CHOSEN} == CHOSEN
    assert (nadia.subscribed_at, nadia.unsubscribed_at) == (NOW, None)
    assert stops() == {OLD_KEY: "unsubscribed"}


def test_who_has_left_meanwhile_does_not_move(client, amal):
    asks(amal)
    move = move_of(amal)
    confirms(move.old_handle)
    subscriptions.unsubscribe(amal, how="page")
    before = everything()
    assert (confirms(move.new_handle), moving.standing(move_of(amal), move.new_handle)) == (moving.Standing.GONE,) * 2
    path = f"/en/newsletter/move/{links.sign_until(move.new_handle, purpose='move', until=NOW + HOUR)}/"
    assert words(client.get(path)) == words(client.post(path)) == NOTHING
    assert everything() == before


def test_after_three_days_the_link_changes_nothing_and_says_what_to_do(client, amal, clock):
    asks(amal)
    outbox.dispatch(now=NOW)
    path = own_links(mail.outbox[0].body)[0].removeprefix(settings.SITE_URL).replace("/pt/", "/en/")
    clock.shift(72 * HOUR)
    assert Page(client.get(path)).all("button", name="confirm") != []
    clock.shift(datetime.timedelta(seconds=1))
    before = everything()
    for response in (client.get(path), client.post(path, {"confirm": "yes"})):
        page = Page(response)
        assert (response.status_code, page.one("h1").words) == (410, "This link has expired")
        assert "/en/newsletter/link/" in page.links()
    assert everything() == before


def test_a_false_link_gets_404(client, amal):
    asks(amal)
    move = move_of(amal)
    until = NOW + HOUR
    for token in (
        "nonsense",
        subscriptions.token_for(amal),
        links.sign(move.old_handle, purpose="move"),
        links.sign_until(move.old_handle, purpose="undo", until=until),
        links.sign_until(move.old_handle, purpose="move", until=until)[:-1],
    ):
        assert client.post(f"/en/newsletter/move/{token}/").status_code == 404
    unknown = links.sign_until(amal.handle, purpose="move", until=until)
    assert words(client.post(f"/en/newsletter/move/{unknown}/")) == NOTHING


# --- mail on its way --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["queued", "deferred"])
def test_what_is_queued_goes_to_the_new_address_and_what_comes_back_from_there_is_understood(amal, state):
    (delivery,) = sent_issue(amal, state=state, at=NOW)
    _still_going(delivery)
    moves(amal)
    (claim,) = ledger.claim(delivery.edition_id, worker="w", limit=9, lease=HOUR, now=NOW)
    assert claim.address == NEW
    delivery.refresh_from_db()
    assert delivery.address_key == NEW_KEY


def test_a_letter_in_a_worker_s_hands_is_taken_from_it(amal):
    """It would go to the old address, which is on the stop list."""
    (delivery,) = sent_issue(amal, state="queued", at=NOW)
    _still_going(delivery)
    (claim,) = ledger.claim(delivery.edition_id, worker="w", limit=9, lease=HOUR, now=NOW)
    moves(amal)
    asked = [(claim.delivery_id, claim.attempt)]
    assert ledger.intend(asked, worker="w", now=NOW) == set()
    ledger.withdraw(asked, worker="w", now=NOW)
    (again,) = ledger.claim(delivery.edition_id, worker="w", limit=9, lease=HOUR, now=NOW)
    assert (again.address, again.attempt) == (NEW, claim.attempt + 1)
    assert ledger.intend(asked, worker="w", now=NOW) == set()  # the letter to the old address, in the same hands
    assert ledger.intend([(again.delivery_id, again.attempt)], worker="w", now=NOW) == {delivery.pk}


@pytest.mark.parametrize("state", ["attempting", "accepted", "failed", "skipped", "unknown"])
def test_what_was_sent_stays_with_the_address_that_it_was_sent_to(amal, state):
    (delivery,) = sent_issue(amal, state=state)
    before = Delivery.objects.values().get(pk=delivery.pk)
    moves(amal)
    assert Delivery.objects.values().get(pk=delivery.pk) == before


def test_an_issue_that_the_new_address_has_already_is_not_sent_twice(amal):
    nadia = make_subscriber(NEW)
    mine, _theirs = sent_issue(amal, nadia, slug="both", state="queued")
    (only_mine,) = sent_issue(amal, slug="mine", state="queued")
    nadia.delete()  # erased: the row stays, without the person
    moves(amal)
    rows = dict(Delivery.objects.filter(subscriber=amal).values_list("pk", "state"))
    assert rows == {mine.pk: "skipped", only_mine.pk: "queued"}
    mine.refresh_from_db()
    assert (mine.why, mine.address_key) == ("duplicate", OLD_KEY)


def _still_going(delivery) -> None:
    type(delivery.edition).objects.filter(pk=delivery.edition_id).update(latest_at=NOW + 9 * HOUR)
