"""How much may be asked of us: counted in the database, known by keyed hashes, forgotten in time."""

import datetime
import uuid

import pytest
from django.db import connection, transaction

from picum.accounts import limits
from picum.accounts.models import Rate
from picum.addresses import address_key
from tests.newsletter.asked import DAY, HOUR, NETWORK, NOW
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db
AMAL = address_key("amal@example.org")
MINUTE = datetime.timedelta(minutes=1)


def posts(count: int, *, network=NETWORK, now=NOW) -> str:
    """What the last of so many posts is told; "" if it is taken."""
    for number in range(count):
        try:
            with transaction.atomic():
                limits.count_post(network, now=now)
        except limits.TooMany as error:
            assert number == count - 1, f"post {number + 1} was refused"
            return str(error)
    return ""


def test_a_network_may_post_ten_times_an_hour_and_is_told_when_to_come_again():
    assert posts(10) == ""
    assert posts(1, now=NOW + HOUR - MINUTE) == (
        "Too many forms came from your network in a short time. Please try again in an hour."
    )
    assert posts(1, now=NOW + HOUR) == ""


def test_a_network_may_post_thirty_times_a_day():
    for hour in range(3):
        assert posts(10, now=NOW + hour * HOUR) == ""
    assert posts(1, now=NOW + 3 * HOUR) == (
        "So many forms have come from your network that we take no more for now. Please try again tomorrow."
    )
    assert posts(1, now=NOW + DAY) == ""


def test_one_network_is_not_another_and_none_has_no_limit():
    assert posts(10) == ""
    assert posts(10, network="2001:db8:1::/48") == ""
    assert posts(40, network="") == ""
    assert Rate.objects.count() == 20


def test_what_is_refused_is_not_counted():
    posts(11)
    assert Rate.objects.count() == 10


def test_nothing_is_counted_outside_of_a_transaction(transactional_db):
    with pytest.raises(transaction.TransactionManagementError):
        limits.count_post(NETWORK, now=NOW)


def test_the_rows_know_no_network_and_no_address():
    posts(1)
    with transaction.atomic():
        limits.count_mail(AMAL, "confirmation", domain="example.org", now=NOW)
        limits.count_mail(AMAL, "link", domain="example.org", now=NOW)
    keys = [row.key for row in Rate.objects.all()]
    assert AMAL not in keys
    # An address has another key for each kind; the domain has one, and all together have none.
    assert [keys.count(key) for key in keys] == [1, 1, 2, 2, 1, 2, 2]


def test_the_keys_are_under_the_key_of_the_addresses(settings):
    posts(10)
    settings.ADDRESS_KEY = "another"
    assert posts(1) == ""


def test_link_mails_and_confirmations_are_counted_apart():
    limits.count_mail(AMAL, "confirmation", domain=None, now=NOW)
    assert limits.has_had_its_share(AMAL, "confirmation", now=NOW + DAY - MINUTE)
    assert not limits.has_had_its_share(AMAL, "confirmation", now=NOW + DAY)
    assert not limits.has_had_its_share(AMAL, "link", now=NOW)
    assert not limits.has_had_its_share(uuid.uuid4(), "confirmation", now=NOW)
    assert limits.of_mailbox(AMAL).count() == 1


def test_the_brake_says_which_limit_is_reached(monkeypatch):
    monkeypatch.setattr(limits, "DOMAIN", limits.Limit(2, HOUR))
    monkeypatch.setattr(limits, "OVERALL", limits.Limit(3, HOUR))
    told = []
    for domain in ("example.org", "example.org", "example.net"):
        limits.count_mail(uuid.uuid4(), "link", domain=domain, now=NOW)
        told.append([limits.brake(asked, now=NOW) for asked in ("example.org", "example.net")])
    assert told == [["", ""], ["domain", ""], ["overall", "overall"]]
    assert limits.brake("example.org", now=NOW + HOUR) == ""


def test_what_no_limit_counts_any_more_is_forgotten():
    posts(1)
    limits.count_mail(AMAL, "confirmation", domain="example.org", now=NOW)
    assert limits.forget(now=NOW + DAY) == 0
    assert limits.forget(now=NOW + DAY + MINUTE) == 3
    assert list(Rate.objects.values_list("scope", flat=True)) == ["confirmation"]
    assert limits.forget(now=NOW + 30 * DAY) == 0
    assert limits.forget(now=NOW + 30 * DAY + MINUTE) == 1


@pytest.mark.parametrize("already", [1, 3])
def test_counting_a_post_takes_two_statements(django_assert_num_queries, already):
    posts(already)
    with transaction.atomic(), django_assert_num_queries(3 if connection.vendor == "postgresql" else 2):
        limits.count_post(NETWORK, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_posts_at_once_stand_in_line():
    posts(8)
    told = at_once(*[lambda: posts(1)] * 5)
    assert sorted(map(bool, told)) == [False, False, True, True, True]
    assert Rate.objects.count() == 10
