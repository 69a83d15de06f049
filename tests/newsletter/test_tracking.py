"""What events do to deliveries, readers and editions: SENDING's rules, whatever the source."""

import datetime
import logging
import time
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from newsletter import ledger
from newsletter.mime import delivery_token
from newsletter.models import Delivery, DeliveryEvent, Edition, Subscriber, Suppression
from newsletter.tracking import apply, brake, read_token
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import NOW, event, sent_issue

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def amal():
    return make_subscriber("amal@example.org")


def states() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "why"))


def stopped() -> list[str]:
    return list(Suppression.objects.values_list("reason", flat=True))


# --- tokens and addresses ---------------------------------------------------------------------------------------------


def test_a_token_names_its_delivery_and_no_other():
    token = delivery_token(17)
    assert read_token(token) == 17
    for forged in (
        "",
        "17",
        "17-",
        "18" + token[2:],
        token + "0",
        token.upper(),
        f" {token}",
        f"0{token}",
        "x" + token,
    ):
        assert read_token(forged) is None


@pytest.mark.parametrize("address", ["amal@example.org", "Amal@Example.ORG", " amal@example.org", "AMAL@EXAMPLE.ORG"])
def test_the_address_counts_in_any_spelling(address, amal):
    (delivery,) = sent_issue(amal)
    assert apply([event(delivery, "hard", address=address)], now=NOW) == {"hard": 1}


def test_an_international_domain_is_known_in_its_ascii_form():
    (delivery,) = sent_issue(make_subscriber("amal@straße.de"))
    assert apply([event(delivery, "hard", address="amal@xn--strae-oqa.de")], now=NOW) == {"hard": 1}


@pytest.mark.parametrize("address", ["", "boris@example.org", "not an address", "\x00", "a@b@c", "\ud800@x"])
def test_another_address_makes_it_foreign(address, amal):
    (delivery,) = sent_issue(amal)
    assert apply([event(delivery, "hard", address=address)], now=NOW) == {"foreign": 1}
    assert (states(), stopped(), DeliveryEvent.objects.count()) == ([("accepted", "")], [], 0)


def test_a_token_of_a_delivery_that_is_gone_is_foreign(amal):
    (delivery,) = sent_issue(amal)
    told = event(delivery, "hard", token=delivery_token(delivery.pk + 1))
    assert apply([told], now=NOW) == {"foreign": 1}


# --- the delivery -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["unknown", "attempting", "claimed", "queued", "deferred"])
@pytest.mark.parametrize("kind", ["delivered", "complained", "unsubscribed"])
def test_what_arrived_is_accepted(kind, state, amal):
    (delivery,) = sent_issue(amal, state=state)
    apply([event(delivery, kind)], now=NOW)
    assert states() == [("accepted", "")]


@pytest.mark.parametrize(
    ("kind", "why"), [("hard", "hard-bounce"), ("soft", "soft-bounce"), ("policy", "policy"), ("rejected", "rejected")]
)
@pytest.mark.parametrize("state", ["accepted", "unknown", "attempting"])
def test_what_did_not_arrive_failed(state, kind, why, amal):
    (delivery,) = sent_issue(amal, state=state)
    apply([event(delivery, kind, detail="550 no")], now=NOW)
    assert states() == [("failed", why)]
    delivery.refresh_from_db()
    assert delivery.detail == "550 no"


def test_a_late_delivered_makes_nothing_better_and_nothing_worse(amal):
    (delivery,) = sent_issue(amal)
    apply([event(delivery, "soft")], now=NOW)
    apply([event(delivery, "delivered")], now=NOW)
    assert states() == [("failed", "soft-bounce")]


def test_the_worst_news_wins(amal):
    (delivery,) = sent_issue(amal)
    for kind, why in [("soft", "soft-bounce"), ("hard", "hard-bounce"), ("policy", "hard-bounce")]:
        apply([event(delivery, kind)], now=NOW)
        assert states() == [("failed", why)]


def test_what_the_sender_knew_better_stays(amal):
    (delivery,) = sent_issue(amal, state="failed")
    Delivery.objects.update(why="too-often")
    apply([event(delivery, "hard")], now=NOW)
    assert states() == [("failed", "too-often")]


def test_a_skipped_letter_was_not_sent_whatever_is_said(amal):
    (delivery,) = sent_issue(amal, state="skipped")
    apply([event(delivery, "delivered"), event(delivery, "soft")], now=NOW)
    assert states() == [("skipped", "")]


def test_a_provider_that_is_quicker_than_its_own_answer_has_the_last_word(amal):
    (delivery,) = sent_issue(amal, state="attempting")
    apply([event(delivery, "hard")], now=NOW)
    ledger.record([ledger.Entry(delivery.pk, 1, "accepted")], worker="w", now=NOW)
    assert states() == [("failed", "hard-bounce")]


def test_no_sum_is_disturbed(amal):
    boris, carla = make_subscriber("boris@example.org"), make_subscriber("carla@example.org")
    deliveries = sent_issue(amal, boris, carla, state="unknown")
    kinds = ["hard", "delivered", "complained"]
    apply([event(delivery, kind) for delivery, kind in zip(deliveries, kinds, strict=True)], now=NOW)
    edition = Edition.objects.get(state="sending")
    assert edition.frozen_count == Delivery.objects.filter(state__in=Delivery.FINAL).count() == 3


# --- the reader -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "code", "reasons"),
    [
        ("delivered", "", []),
        ("hard", "5.1.1", ["bounced"]),
        ("soft", "4.2.2", []),
        ("policy", "5.7.1", []),
        ("complained", "", ["complained"]),
        ("unsubscribed", "", ["unsubscribed"]),
        ("rejected", "bounced", ["bounced"]),
        ("rejected", "invalid", ["bounced"]),
        ("rejected", "complained", ["complained"]),
        ("rejected", "unsubscribed", []),
        ("rejected", "blocked", []),
        ("rejected", "other", []),
    ],
)
def test_who_is_stopped(kind, code, reasons, amal):
    (delivery,) = sent_issue(amal)
    apply([event(delivery, kind, code=code)], now=NOW)
    assert stopped() == reasons
    amal.refresh_from_db()
    assert (amal.state == Subscriber.State.UNSUBSCRIBED) == (kind == "unsubscribed")


@pytest.mark.parametrize("before", ["erased", "staff", "complained"])
def test_a_graver_reason_on_the_stop_list_stays(before, amal):
    (delivery,) = sent_issue(amal)
    Suppression.objects.create(address_key=amal.address_key, reason=before)
    apply([event(delivery, "hard")], now=NOW)
    assert stopped() == [before]


def test_a_complaint_outweighs_a_bounce_and_a_bounce_an_unsubscription(amal):
    (delivery,) = sent_issue(amal)
    for kind, reason in [("unsubscribed", "unsubscribed"), ("hard", "bounced"), ("complained", "complained")]:
        apply([event(delivery, kind)], now=NOW)
        assert stopped() == [reason]


def test_who_is_erased_is_counted_and_nothing_more(amal):
    (delivery,) = sent_issue(amal)
    told = [event(delivery, "unsubscribed"), event(delivery, "soft")]
    amal.delete()
    assert apply(told, now=NOW) == {"unsubscribed": 1, "soft": 1}
    assert states() == [("failed", "soft-bounce")]
    assert stopped() == []


def soft_issues(reader, *days, **fields) -> None:
    """Issues that went out on these days and came back softly."""
    for number, day in enumerate(days):
        at = NOW + day * DAY
        (delivery,) = sent_issue(reader, slug=f"soft-{number}-{day}", at=at, edition_state="sent")
        apply([event(delivery, "soft", happened_at=at, **fields)], now=at)


def test_three_issues_in_a_row_and_sixty_days_without_a_delivery_are_enough(amal):
    soft_issues(amal, 0, 30, 60)
    assert stopped() == ["bounced"]


@pytest.mark.parametrize("days", [(0, 30), (0, 10, 20), (0, 29, 59), (0, 90)])
def test_fewer_issues_or_days_are_not(days, amal):
    soft_issues(amal, *days)
    assert stopped() == []


def test_a_delivery_between_begins_the_row_anew(amal):
    soft_issues(amal, 0, 30)
    sent_issue(amal, slug="arrived", at=NOW + 45 * DAY, edition_state="sent")
    soft_issues(amal, 61, 91)
    assert stopped() == []
    soft_issues(amal, 105)  # sixty days after the last delivery
    assert stopped() == ["bounced"]


def test_what_was_never_sent_is_passed_over(amal):
    soft_issues(amal, 0, 30)
    sent_issue(amal, slug="skipped", at=NOW + 45 * DAY, state="skipped", edition_state="sent")
    soft_issues(amal, 60)
    assert stopped() == ["bounced"]


def test_a_row_that_becomes_one_by_other_bad_news_counts_too(amal):
    soft_issues(amal, 0, 30)
    (between,) = sent_issue(amal, slug="between", at=NOW + 45 * DAY, edition_state="sent")
    soft_issues(amal, 60)
    assert stopped() == []
    apply([event(between, "policy")], now=NOW)
    assert stopped() == ["bounced"]


def test_two_soft_bounces_of_one_issue_are_one_point(amal):
    (delivery,) = sent_issue(amal, edition_state="sent")
    later = [event(delivery, "soft", happened_at=NOW + day * DAY) for day in (0, 30, 60)]
    assert apply(later, now=NOW) == {"soft": 3}
    assert stopped() == []


# --- the edition ------------------------------------------------------------------------------------------------------


def refused(readers: int, policy: int) -> Edition:
    deliveries = sent_issue(*[make_subscriber(f"reader{number}@example.org") for number in range(readers)])
    kinds = ["policy"] * policy + ["delivered"] * (readers - policy)
    apply([event(delivery, kind) for delivery, kind in zip(deliveries, kinds, strict=True)], now=NOW)
    return deliveries[0].edition


def test_several_refusals_by_policy_pause_the_edition_and_stop_nobody():
    edition = refused(8, 5)
    edition.refresh_from_db()
    assert (edition.state, stopped()) == ("paused", [])
    assert "refused the mail" in edition.reason


def test_a_few_refusals_by_policy_pause_nothing():
    edition = refused(8, 4)
    edition.refresh_from_db()
    assert edition.state == "sending"


def test_refusals_of_before_a_person_let_it_go_on_pause_nothing():
    edition = refused(8, 5)
    Edition.objects.filter(pk=edition.pk).update(state="sending", resumed_at=NOW + DAY)
    boris = make_subscriber("boris@example.org")
    one = Delivery.objects.first()
    Delivery.objects.filter(pk=one.pk).update(subscriber=boris, address_key=boris.address_key)
    one.refresh_from_db()
    apply([event(one, "policy", key="another")], now=NOW)
    edition.refresh_from_db()
    assert edition.state == "sending"


def test_too_many_hard_bounces_pause_the_edition():
    deliveries = sent_issue(*[make_subscriber(f"reader{number}@example.org") for number in range(20)])
    apply([event(delivery, "hard") for delivery in deliveries], now=NOW)
    assert Edition.objects.get(pk=deliveries[0].edition_id).state == "paused"


# --- words ------------------------------------------------------------------------------------------------------------


def test_neither_the_table_nor_the_log_names_anybody(amal, caplog):
    caplog.set_level(logging.DEBUG)
    (delivery,) = sent_issue(amal)
    words = "550 5.1.1 <amal@example.org>: user\x00 Amal is unknown;\r\n see boris%40example.org\ud800"
    apply([event(delivery, "hard", detail=words, code="5.1.1\x00")], now=NOW)
    told = DeliveryEvent.objects.get()
    assert told.detail == "550 5.1.1 <…>: user … is unknown; see …"
    delivery.refresh_from_db()
    assert delivery.detail == told.detail
    assert "amal" not in caplog.text


def test_words_are_as_long_as_the_table_takes(amal):
    (delivery,) = sent_issue(amal)
    apply([event(delivery, "soft", detail="x" * 1000, code="y" * 100, key="z" * 1000)], now=NOW)
    assert len(DeliveryEvent.objects.get().detail) == 300


# --- how much it costs ------------------------------------------------------------------------------------------------


def test_a_group_of_good_news_takes_as_many_statements_as_one():
    readers = [make_subscriber(f"reader{number}@example.org") for number in range(30)]
    deliveries = sent_issue(*readers)
    for some in (deliveries[:1], deliveries[1:]):
        with CaptureQueriesContext(
            connection,
        ) as told:
            apply([event(delivery, "delivered") for delivery in some], now=NOW)
        assert len([query for query in told.captured_queries if "SAVEPOINT" not in query["sql"]]) == 2


def test_a_group_of_bad_news_too():
    readers = [make_subscriber(f"reader{number}@example.org") for number in range(30)]
    deliveries = sent_issue(*readers, edition_state="sent")
    counts = set()
    for some in (deliveries[:1], deliveries[1:]):
        with CaptureQueriesContext(connection) as told:
            apply([event(delivery, "hard") for delivery in some], now=NOW)
        counts.add(len([query for query in told.captured_queries if "SAVEPOINT" not in query["sql"]]))
    # deliveries, events, failed, softness, stop list, breakers; and the locks, where there are any
    assert counts == {6 + connection.features.has_select_for_update}


def test_a_source_that_talks_without_end_costs_no_more_than_one_that_does_not(amal):
    (delivery,) = sent_issue(amal)
    began = time.monotonic()
    for number, words in enumerate(["a" * 1_000_000, "a@" * 500_000, "a " * 500_000, "%40" * 300_000]):
        apply([event(delivery, "soft", detail=words, key=str(number))], now=NOW)
    assert time.monotonic() - began < 5


def test_no_address_is_cut_into_a_part_that_is_none(amal):
    (delivery,) = sent_issue(amal)
    long = " ".join(f"somebody-{'x' * 80}{number}@example.org" for number in range(100))
    apply([event(delivery, "soft", detail=long)], now=NOW)
    assert set(DeliveryEvent.objects.get().detail) == {"…", " "}


if connection.vendor == "sqlite":  # which alone counts its steps

    def test_an_edition_of_which_little_was_heard_does_not_walk_through_all_that_was_heard_before(amal):
        (old,) = sent_issue(amal, slug="october", at=NOW - 30 * DAY, edition_state="sent")
        fields = {"source": "brevo", "happened_at": NOW - 30 * DAY, "received_at": NOW - 30 * DAY}
        DeliveryEvent.objects.bulk_create(
            DeliveryEvent(delivery=old, kind="delivered" if number % 2 else "policy", key=uuid.uuid4(), **fields)
            for number in range(5_000)
        )
        edition = refused(8, 4)
        steps = []
        connection.connection.set_progress_handler(lambda: steps.append(100), 100)
        brake({(edition.pk, "policy")})
        connection.connection.set_progress_handler(None, 0)
        assert sum(steps) < 5_000


@pytest.mark.parametrize(("good", "state"), [(16, "paused"), (17, "sending")])
def test_only_the_latest_letters_heard_of_count(good, state):
    deliveries = sent_issue(*[make_subscriber(f"reader{number}@example.org") for number in range(5 + good)])
    apply([event(delivery, "policy") for delivery in deliveries[:4]], now=NOW)
    apply([event(delivery, "policy", key=str(number)) for number, delivery in enumerate(deliveries[:1])], now=NOW)
    apply([event(delivery, "delivered") for delivery in deliveries[5 : 4 + good]], now=NOW)
    apply([event(deliveries[4], "policy")], now=NOW)
    assert Edition.objects.get(pk=deliveries[0].edition_id).state == state
