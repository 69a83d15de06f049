"""Too many mails that come back, too many readers who complain: the edition stands still and says why."""

import datetime
import uuid

import pytest
from django.utils import timezone

from newsletter import brakes, enqueue, sending
from newsletter.models import Delivery, DeliveryEvent, Edition
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db
FROZEN = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
FIRST = "Of the first 200 mails, {} came back because the mailbox does not exist. Look where these readers come from before you let it go on."  # noqa: E501
ANY = "Of 1000 mails in a row, 31 came back because the mailbox does not exist. Look where these readers come from before you let it go on."  # noqa: E501


def going_out(readers: int, languages=("en",)) -> list[Edition]:
    """Editions of one issue that are being sent, their deliveries numbered in turn and still waiting."""
    issue = make_issue(state=Edition.State.READY)
    editions = []
    for language in languages:
        edition = issue.editions.get(language=language)
        edition.state, edition.frozen_at, edition.frozen_count = Edition.State.SENDING, FROZEN, readers
        edition.save(update_fields=["state", "frozen_at", "frozen_count"])
        editions.append((edition, edition.renditions.create(variant="", marker="m", subject="s", html="h", text="t")))
    Delivery.objects.bulk_create(
        Delivery(
            issue=issue, edition=edition, rendition=rendition, address_key=uuid.uuid4(), due_at=FROZEN, state="queued"
        )
        for _reader in range(readers)
        for edition, rendition in editions
    )
    return [edition for edition, _rendition in editions]


def deliveries(edition: Edition, *places: int):
    """Those at these places of the edition, counted from 1."""
    numbers = list(edition.deliveries.order_by("pk").values_list("pk", flat=True))
    return Delivery.objects.filter(pk__in=[numbers[place - 1] for place in places])


def bounce(edition: Edition, *places: int, why: str = "hard-bounce", at: datetime.datetime = FROZEN) -> None:
    """The relay refuses these readers."""
    deliveries(edition, *places).update(state="failed", why=why, due_at=at, changed_at=at)


def hear(edition: Edition, *places: int, kind: str, at: datetime.datetime | None = None) -> None:
    """Providers tell this of letters that had been accepted."""
    at = at or timezone.now()
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(delivery=delivery, kind=kind, source="dsn", happened_at=at, received_at=at, key=uuid.uuid4())
        for delivery in deliveries(edition, *places)
    )


def verdict(edition: Edition) -> tuple[str, str]:
    brakes.check_breakers(edition.pk)
    edition.refresh_from_db()
    return edition.state, edition.reason


@pytest.fixture(autouse=True)
def nothing_looked_up():
    """Each test numbers its deliveries from one on again."""
    brakes._marks.cache_clear()


class TestTheFirst:
    def test_the_eleventh_of_the_first_two_hundred_is_one_too_many(self):
        (edition,) = going_out(300)
        bounce(edition, *range(1, 11))
        assert verdict(edition) == ("sending", "")
        bounce(edition, 200)
        assert verdict(edition) == ("paused", FIRST.format(11))

    def test_the_two_hundred_and_first_is_not_among_them(self):
        (edition,) = going_out(300)
        bounce(edition, *range(1, 11), 201)
        assert verdict(edition) == ("sending", "")

    def test_all_that_were_found_at_once_are_told(self):
        (edition,) = going_out(300)
        bounce(edition, *range(100, 230))
        assert verdict(edition) == ("paused", FIRST.format(101))

    def test_each_edition_counts_its_own(self):
        english, german = going_out(300, ["en", "de"])
        bounce(english, *range(1, 7))
        bounce(german, *range(1, 11), 200)
        assert verdict(english) == ("sending", "")
        assert verdict(german) == ("paused", FIRST.format(11))

    def test_what_providers_tell_later_counts_once(self):
        (edition,) = going_out(300)
        bounce(edition, *range(1, 6))
        hear(edition, *range(1, 6), *range(20, 25), kind="hard")
        assert verdict(edition) == ("sending", "")
        hear(edition, 30, kind="hard")
        assert verdict(edition) == ("paused", FIRST.format(11))

    @pytest.mark.parametrize("why", ["policy", "soft-bounce", "rejected", "refused"])
    def test_a_policy_or_a_full_mailbox_says_nothing_of_the_list(self, why):
        (edition,) = going_out(300)
        bounce(edition, *range(1, 50), why=why)
        hear(edition, *range(50, 100), kind="policy")
        hear(edition, *range(50, 100), kind="soft")
        assert verdict(edition) == ("sending", "")


class TestAnyThousand:
    def test_the_thirty_first_within_a_thousand_is_one_too_many(self):
        (edition,) = going_out(2500)
        bounce(edition, *range(1001, 1001 + 30))
        assert verdict(edition) == ("sending", "")
        bounce(edition, 2001)
        assert verdict(edition) == ("sending", "")
        bounce(edition, 2000)
        assert verdict(edition) == ("paused", ANY)

    def test_three_in_a_hundred_are_borne_for_ever(self):
        (edition,) = going_out(3000)
        bounce(edition, *range(34, 3001, 34))
        assert verdict(edition) == ("sending", "")

    def test_editions_of_one_issue_share_a_run_of_numbers(self):
        english, german, dutch = going_out(1200, ["en", "de", "nl"])
        bounce(german, *range(201, 231), 1200)  # a thousand of its own, three thousand in all
        bounce(english, *range(170, 200, 3))
        assert verdict(german) == ("paused", ANY)
        assert verdict(english) == verdict(dutch) == ("sending", "")


class TestComplaints:
    def test_one_in_a_thousand_is_one_too_many(self):
        (edition,) = going_out(1100)
        deliveries(edition, *range(1, 1000)).update(state="accepted")
        hear(edition, 7, kind="complained")
        assert verdict(edition) == ("sending", "")
        deliveries(edition, 1000).update(state="accepted")
        assert verdict(edition) == (
            "paused",
            "Of 1000 mails that arrived, 1 were called unwanted by their readers. "
            "Look whether they asked for it before you let it go on.",
        )

    def test_one_in_more_than_a_thousand_is_borne(self):
        (edition,) = going_out(1100)
        deliveries(edition, *range(1, 1002)).update(state="accepted")
        hear(edition, 7, kind="complained")
        hear(edition, 7, kind="complained")
        assert verdict(edition) == ("sending", "")


class TestGoingOnAfterwards:
    def go_on(self, edition: Edition, at: datetime.datetime) -> None:
        Edition.objects.filter(pk=edition.pk).update(state="sending", reason="", resumed_at=at)

    def test_what_a_person_has_seen_counts_no_more_and_counting_starts_anew(self):
        (edition,) = going_out(900)
        bounce(edition, *range(1, 40))
        assert verdict(edition)[0] == "paused"
        resumed = FROZEN + datetime.timedelta(hours=1)
        self.go_on(edition, resumed)
        assert verdict(edition) == ("sending", "")
        deliveries(edition, *range(300, 600)).update(state="accepted", due_at=resumed)
        bounce(edition, *range(300, 310), at=resumed)
        assert verdict(edition) == ("sending", "")
        bounce(edition, 499, at=resumed)  # the two hundredth since then
        assert verdict(edition) == ("paused", FIRST.format(11))

    def test_late_bounces_of_what_had_left_before_do_not_stop_it_again(self):
        (edition,) = going_out(600)
        deliveries(edition, *range(1, 500)).update(state="accepted")
        self.go_on(edition, FROZEN + datetime.timedelta(hours=1))
        hear(edition, *range(1, 30), kind="hard")
        deliveries(edition, *range(30, 60)).update(state="failed", why="hard-bounce", changed_at=timezone.now())
        hear(edition, *range(60, 70), kind="complained")
        assert verdict(edition) == ("sending", "")

    def test_nothing_but_an_edition_on_its_way_is_stopped(self, django_assert_num_queries):
        (edition,) = going_out(50)
        bounce(edition, *range(1, 40))
        Edition.objects.filter(pk=edition.pk).update(state="sent")
        with django_assert_num_queries(1):
            brakes.check_breakers(edition.pk)
        brakes.check_breakers(0)
        assert verdict(edition) == ("sent", "")


@pytest.mark.parametrize("readers", [40, 1200])
def test_a_sound_edition_costs_the_same_whatever_its_size(readers, django_assert_num_queries):
    (edition,) = going_out(readers)
    bounce(edition, 3, 30)
    with django_assert_num_queries(6):
        brakes.check_breakers(edition.pk)


@pytest.mark.django_db(transaction=True)
def test_the_engine_itself_is_stopped_goes_on_and_is_stopped_again(relay, settings):
    settings.SENDING_CONNECTIONS = 1
    gone = {f"reader{number}@example.org" for number in [*range(0, 40, 3), *range(100, 140, 3)]}
    relay.script = lambda step, argument: (
        "550 5.1.1 no such user" if step == "RCPT" and any(f"<{one}>" in argument for one in gone) else None
    )
    issue = make_issue(items=1, state=Edition.State.READY)
    crowd(150)
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    edition = issue.editions.get(language="en")

    def run_until(accepted: int) -> None:
        def enough() -> bool:
            return len(relay.received) >= accepted

        sending.send_edition(edition.pk, until=enough)

    run_until(40)
    assert verdict(edition) == ("paused", FIRST.format(11))
    enqueue.resume(edition, by=None)
    run_until(70)
    assert verdict(edition) == ("sending", "")
    run_until(120)
    assert verdict(edition) == ("paused", FIRST.format(11))
