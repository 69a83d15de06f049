"""A wish becomes a reader when its address has confirmed it, and nobody but its owner learns what we know of it."""

import datetime
import logging
import uuid

import pytest
from django.db import connection

from newsletter import erasing, outbox, signing_up, subscriptions, wordings
from newsletter.models import Consent, SignUp, Subscriber, Suppression, SystemMail
from picum.accounts import limits
from picum.accounts.models import Rate
from picum.addresses import InvalidAddress, address_key
from tests.newsletter.asked import (
    DAY,
    NETWORK,
    NOW,
    asks,
    asks_for_link,
    confirms,
    everybody,
    opened,
    own_links,
    sent,
    stop,
)
from tests.newsletter.factories import make_subscriber
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db
State, Reason = Subscriber.State, Suppression.Reason


def ledger() -> list[tuple]:
    return list(Consent.objects.order_by("number").values_list("kind", "how", "detail", "at"))


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_wish_is_written_down_and_changes_no_reader(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as bells:
        asks(" Amal@EXAMPLE.org ", ("pt", "es"), areas=("advocacy", "monitoring"), network=NETWORK, source="fair")
    assert len(bells) == 1
    row = SignUp.objects.get()
    assert (row.address, row.address_key) == ("Amal@example.org", address_key("amal@example.org"))
    assert (row.languages, row.areas, row.name, row.how, row.source) == (
        "pt es",
        "advocacy monitoring",
        "",
        "form",
        "fair",
    )
    assert (row.wording, row.created_at) == (wordings.current("pt"), NOW)
    assert (row.mailed_at, row.confirmed_at) == (None, None)
    mail = SystemMail.objects.get()
    assert (mail.kind, mail.state, mail.address, mail.sign_up, mail.language) == (
        "sign-up",
        "waiting",
        "Amal@example.org",
        row,
        "pt",
    )
    assert not Subscriber.objects.exists()
    assert not Consent.objects.exists()


@pytest.mark.parametrize("ask", [asks, asks_for_link])
def test_every_address_is_the_same_work(ask, django_capture_on_commit_callbacks):
    statements: list[str] = []

    def watch(execute, sql, params, many, context):
        statements.append("" if "SAVEPOINT" in sql else sql)  # each has a name of its own
        return execute(sql, params, many, context)

    seen = {}
    for name, address in everybody().items():
        statements.clear()
        with connection.execute_wrapper(watch), django_capture_on_commit_callbacks() as bells:
            ask(address, network=NETWORK)
        seen[name] = [*statements, len(bells)]
    assert list(seen) == ["new", "reads", "left", "bounced", "stopped"]
    assert all(work == seen["new"] for work in seen.values())
    assert len([sql for sql in seen["new"] if isinstance(sql, str) and sql.startswith("INSERT")]) == 3 - (
        ask is asks_for_link
    )
    # A second wish for the same address too.
    statements.clear()
    with connection.execute_wrapper(watch), django_capture_on_commit_callbacks() as bells:
        ask("new@example.org", network=NETWORK)
    assert [*statements, len(bells)] == seen["new"]


@pytest.mark.parametrize("ask", [asks, asks_for_link])
@pytest.mark.parametrize(
    "address", ["a@localhost", "a@[127.0.0.1]", "a@example.org, b@example.org", "", "ü@example.org"]
)
def test_what_is_no_address_is_refused_and_leaves_nothing(ask, address):
    with pytest.raises(InvalidAddress):
        ask(address, network=NETWORK)
    assert not SignUp.objects.exists()
    assert not SystemMail.objects.exists()
    assert not Rate.objects.exists()


@pytest.mark.parametrize("languages", [[], ["en", "xx"], ["en", "en"]])
def test_an_order_of_languages_that_no_form_offers_is_refused(languages):
    request = {"how": Consent.How.FORM, "wording": wordings.current("en"), "network": "", "now": NOW}
    with pytest.raises(ValueError, match="order of languages"):
        signing_up.request("amal@example.org", languages=languages, **request)


def test_a_network_that_asks_too_much_is_told_so_and_leaves_nothing():
    for number in range(limits.POSTS[0].most):
        asks(f"reader{number}@example.org", network=NETWORK)
    with pytest.raises(signing_up.TooMany, match="in an hour"):
        asks("one.more@example.org", network=NETWORK)
    assert not SignUp.objects.filter(address="one.more@example.org").exists()
    assert SystemMail.objects.count() == limits.POSTS[0].most


# --- confirming -------------------------------------------------------------------------------------------------------


def test_whoever_confirms_is_a_reader_with_what_they_chose():
    asks(languages=("pt", "es"), areas=("advocacy",), now=NOW - DAY)
    reader = confirms()
    assert reader == Subscriber.objects.get()
    assert (reader.address, reader.state, reader.subscribed_at) == ("amal@example.org", State.SUBSCRIBED, NOW)
    assert (reader.languages, reader.areas, reader.name, reader.source) == ("pt es", "advocacy", "", "form")
    assert reader.address_key == address_key("amal@example.org")
    assert SignUp.objects.get().confirmed_at == NOW


def test_the_ledger_has_the_request_and_the_consent_with_the_words_that_were_shown():
    asks(languages=("pt",), how=Consent.How.EMBED, source="member.example", now=NOW - DAY)
    confirms()
    assert ledger() == [
        ("requested", "embed", "2026-11-02 12:00:00 UTC", NOW),
        ("given", "embed", "member.example", NOW),
    ]
    key = address_key("amal@example.org")
    assert set(Consent.objects.values_list("wording__language", "address_key")) == {("pt", key)}


def test_a_second_press_of_the_button_changes_nothing():
    asks()
    first = confirms()
    subscriptions.change_languages(first, ["de"])
    again = confirms(now=NOW + DAY)
    assert (again.pk, again.languages, again.subscribed_at) == (first.pk, "de", NOW)
    assert len(ledger()) == 2


def test_the_link_of_a_used_sign_up_does_not_bring_back_who_left_since():
    asks()
    subscriptions.unsubscribe(confirms(), how=Consent.How.PAGE)
    lines = ledger()
    assert confirms(now=NOW + DAY) is None
    assert Subscriber.objects.get().state == State.UNSUBSCRIBED
    assert ledger() == lines


def test_whoever_left_comes_back_with_new_choices():
    carla = make_subscriber(
        "carla@example.org", "de", state="unsubscribed", name="Carla", areas="monitoring", unsubscribed_at=NOW - DAY,
        subscribed_at=NOW - 9 * DAY, paused_until=NOW.date() + 9 * DAY,
    )  # fmt: skip
    stop(carla, Reason.UNSUBSCRIBED)
    asks("Carla@example.org", ("fr",))
    assert confirms("Carla@example.org") == carla
    carla.refresh_from_db()
    assert (carla.state, carla.subscribed_at, carla.unsubscribed_at) == (State.SUBSCRIBED, NOW, None)
    assert (carla.languages, carla.areas, carla.name, carla.paused_until) == ("fr", "", "Carla", None)
    assert (carla.address, carla.source) == ("Carla@example.org", "form")
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.STAFF}))
def test_a_confirmation_lifts_what_the_stop_list_says_of_the_address_alone(reason):
    stop(make_subscriber("amal@example.org"), reason)
    stop(make_subscriber("boris@example.org"), reason)
    asks()
    assert confirms()
    assert [stop.address_key for stop in Suppression.objects.all()] == [address_key("boris@example.org")]


def test_what_staff_stopped_stays_stopped():
    stop(amal := make_subscriber("amal@example.org", state="unsubscribed"), Reason.STAFF)
    asks()
    assert confirms() is None
    amal.refresh_from_db()
    assert amal.state == State.UNSUBSCRIBED
    assert SignUp.objects.get().confirmed_at is None
    assert Suppression.objects.count() == 1
    assert ledger() == []


def test_who_confirms_two_sign_ups_is_one_reader_with_the_choices_confirmed_last():
    asks(languages=("de",))
    asks(languages=("it",))
    newer, older = SignUp.objects.all()
    first = signing_up.confirm(newer.handle, now=NOW)
    second = signing_up.confirm(older.handle, now=NOW + DAY)
    assert first == second == Subscriber.objects.get()
    assert (second.languages, second.subscribed_at) == ("de", NOW)
    assert [line[0] for line in ledger()] == ["requested", "given"] * 2


def test_a_sign_up_that_nobody_knows_confirms_nothing():
    assert signing_up.confirm(uuid.uuid4(), now=NOW) is None
    assert not Subscriber.objects.exists()


def test_confirming_asks_the_database_a_fixed_number_of_times(django_assert_num_queries):
    asks()
    handle = SignUp.objects.get().handle
    with django_assert_num_queries(14 if connection.vendor == "postgresql" else 13):
        signing_up.confirm(handle, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_and_two_links_at_once_make_one_reader_and_a_line_each():
    asks(languages=("de",))
    asks(languages=("it",))
    handles = [sign_up.handle for sign_up in SignUp.objects.all()]
    readers = at_once(*[lambda handle=handle: signing_up.confirm(handle, now=NOW) for handle in handles * 2])
    reader = Subscriber.objects.get()
    assert readers == [reader] * 4
    assert [line[0] for line in ledger()] == ["requested", "given"] * 2


@pytest.mark.django_db(transaction=True)
def test_who_confirms_and_erases_at_once_is_erased_and_nobody_waits_in_a_circle(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    for number in range(20):
        reader = make_subscriber(f"amal{number}@example.org")
        for language in ("de", "it"):
            asks(reader.address, (language,))
        handles = SignUp.objects.values_list("handle", flat=True)
        confirmed = [lambda handle=handle: signing_up.confirm(handle, now=NOW) for handle in handles]
        told = at_once(*confirmed, lambda key=reader.address_key: erasing.erase(key, how="page", now=NOW))
        assert set(told) <= {reader, None, True}
        assert not SignUp.objects.exists()
        assert not Subscriber.objects.exists()


# --- another mail -----------------------------------------------------------------------------------------------------


def test_an_expired_link_is_renewed_by_a_new_mail(mailoutbox):
    asks()
    assert sent() == {("sent", ""): 1}
    later = NOW + datetime.timedelta(hours=73)
    handle = SignUp.objects.get().handle
    signing_up.renew(handle, now=later)
    signing_up.renew(handle, now=later)  # it is on its way already
    assert sent(now=later) == {("sent", ""): 1}
    (link,) = set(own_links(mailoutbox[1].body))
    assert opened(link, now=later + 2 * DAY) == ("confirm", handle)


def test_a_sign_up_that_is_confirmed_or_unknown_gets_no_new_mail():
    asks()
    sent()
    confirms()
    signing_up.renew(SignUp.objects.get().handle, now=NOW + 4 * DAY)
    signing_up.renew(uuid.uuid4(), now=NOW + 4 * DAY)
    assert SystemMail.objects.count() == 1


# --- whom it concerns nobody else learns ------------------------------------------------------------------------------


def test_no_log_line_has_an_address_or_a_token(caplog, mailoutbox):
    caplog.set_level(logging.DEBUG)
    asks("amal.haddad@example.org")
    asks_for_link("amal.haddad@example.org")
    sent()
    confirms("amal.haddad@example.org")
    (link,) = set(own_links(mailoutbox[0].body))
    assert "haddad" not in caplog.text
    assert link.split("/")[-2] not in caplog.text
    assert "confirmed sign-up" in caplog.text


def test_a_mail_s_row_keeps_no_address_longer_than_it_needs():
    asks()
    sent()
    assert list(SystemMail.objects.values_list("address", "state")) == [("", "sent")]
    assert outbox.OPEN == ["waiting", "held", "claimed"]
