"""The same events, in any order, in any groups, however often: the same end."""

import datetime

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from newsletter.models import Delivery, DeliveryEvent, Subscriber, Suppression
from newsletter.tracking import apply
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import NOW, event, sent_issue

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
ISSUES = 4
STATES = ["accepted", "unknown", "attempting", "accepted"]

news = some.tuples(
    some.integers(0, ISSUES - 1),
    some.sampled_from(DeliveryEvent.Kind.values + ["soft"] * 4),
    some.integers(0, 3),  # days after the issue
    some.sampled_from(["", "bounced", "complained"]),
)


def world() -> list[Delivery]:
    """A reader, and four issues a month apart, in different states."""
    reader = make_subscriber()
    found = []
    for number in range(ISSUES):
        at = NOW + 30 * number * DAY
        found += sent_issue(reader, slug=f"issue-{number}", at=at, state=STATES[number], edition_state="sent")
    return found


def outcome() -> tuple:
    """All that events may have changed, but for the words of equally bad news."""
    return (
        list(Delivery.objects.order_by("pk").values_list("pk", "state", "why")),
        list(Suppression.objects.order_by("address_key").values_list("address_key", "reason")),
        list(Subscriber.objects.order_by("pk").values_list("pk", "state")),
        list(DeliveryEvent.objects.order_by("key").values_list("key", "delivery_id", "kind")),
    )


class _Undone(Exception):
    pass


def end_of(groups) -> tuple:
    """The outcome of these groups, which is then undone."""
    told: list[tuple] = []
    try:
        with transaction.atomic():
            for group in groups:
                apply(group, now=NOW)
            told.append(outcome())
            raise _Undone
    except _Undone:
        return told[0]


@pytest.fixture
def deliveries():
    return world()


@pytest.mark.parametrize("codes", [("", "bounced"), ("bounced", ""), ("complained", "bounced")])
def test_two_at_one_moment_that_have_no_number_are_two_if_they_ask_for_different_things(deliveries, codes):
    told = [event(deliveries[0], "rejected", code=code, happened_at=NOW) for code in codes]
    at_once = end_of([told])
    assert len(at_once[3]) == 2
    assert [reason for _key, reason in at_once[1]] == ["complained" if "complained" in codes else "bounced"]
    assert end_of([[one] for one in told]) == end_of([[one] for one in reversed(told)]) == at_once


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=some.data())
def test_order_and_repetition_are_harmless(data, deliveries):
    told = [
        event(deliveries[at], kind, code=code, happened_at=NOW + (30 * at + days) * DAY)
        for at, kind, days, code in data.draw(some.lists(news, min_size=1, max_size=8))
    ]
    shuffled = data.draw(some.permutations(told)) + data.draw(some.lists(some.sampled_from(told), max_size=5))
    cut = data.draw(some.integers(0, len(shuffled)))
    at_once = end_of([told])
    assert end_of([[one] for one in shuffled]) == at_once
    assert end_of([shuffled[:cut], shuffled[cut:]]) == at_once
