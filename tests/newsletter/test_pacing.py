"""Limits that all workers keep together: a transport's rate, a recipient domain's, a new sending domain's days."""

import datetime
import threading
from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from newsletter import enqueue, pacing, sending
from newsletter.models import Edition, Throttle
from picum.env import WarmUp
from tests.newsletter.factories import make_issue, make_subscriber
from tests.services import service

NOON = datetime.datetime(2026, 12, 1, 11, 0, tzinfo=datetime.UTC)
AMAL, BORIS, CARLA = "amal@gmail.com", "boris@example.org", "carla@MÜNSTER.de"


def later(seconds: float) -> datetime.datetime:
    return NOON + datetime.timedelta(seconds=seconds)


def ask(*addresses: str, at: float = 0, transport: str = "smtp") -> list[float]:
    """Offsets, rounded to the millisecond."""
    return [round(offset, 3) for offset in pacing.moments(addresses, transport=transport, now=later(at))]


@pytest.fixture(autouse=True)
def no_limits(settings):
    settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES, settings.SENDING_WARM_UP = 0, {}, None


@pytest.mark.django_db
class TestOneLimit:
    def test_without_a_limit_nothing_waits_and_the_database_is_not_asked(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert ask(AMAL, BORIS) == [0, 0]
            assert pacing.standing(transport="smtp", now=NOON) == pacing.Standing()
            pacing.give_back(3, transport="smtp", now=NOON)

    def test_two_workers_share_a_rate(self, settings):
        settings.SENDING_RATE = 4
        assert ask(AMAL, BORIS) == [0, 0.25]
        assert ask(AMAL, BORIS, at=0.1) == [0.4, 0.65]
        assert ask(AMAL, at=0.1, transport="provider") == [0]
        assert ask(AMAL, at=60) == [0]

    def test_a_domain_waits_and_the_others_pass_it(self, settings):
        settings.SENDING_DOMAIN_RATES = {"gmail.com": 2}
        assert ask(AMAL, BORIS, AMAL, "eve@mail.gmail.com", "AMAL@GMail.com") == [0, 0, 0.5, 0, 1]
        assert ask(AMAL, BORIS, at=1) == [0.5, 0]

    def test_every_other_domain_may_have_a_limit_of_its_own(self, settings):
        settings.SENDING_DOMAIN_RATES = {"gmail.com": 10, "*": 2, "xn--mnster-3ya.de": 1}
        assert ask(AMAL, AMAL, BORIS, BORIS, "eve@example.net", CARLA, CARLA) == [0, 0.1, 0, 0.5, 0, 0, 1]

    def test_who_is_not_limited_costs_nothing(self, settings, django_assert_num_queries):
        settings.SENDING_DOMAIN_RATES = {"gmail.com": 2}
        with django_assert_num_queries(0):
            assert ask(BORIS, CARLA) == [0, 0]

    def test_what_a_slow_domain_leaves_free_belongs_to_the_others(self, settings):
        settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES = 10, {"gmail.com": 2}
        assert ask(AMAL, AMAL, AMAL) == [0, 0.5, 1]
        assert ask(*[BORIS] * 10) == [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2]

    def test_a_slow_domain_leaves_before_a_full_transport(self, settings):
        settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES = 1, {"gmail.com": 0.5}
        assert ask(BORIS, AMAL, AMAL, BORIS) == [0, 1, 3, 2]

    @pytest.mark.parametrize("domains", [1, 40])
    def test_the_statements_are_few_whatever_the_number_of_domains(self, settings, django_assert_num_queries, domains):
        settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES = 100, {"*": 5}
        addresses = [f"amal@d{number}.example" for number in range(domains)]
        ask(*addresses)
        with django_assert_num_queries(5):  # two of them begin and end the transaction
            ask(*addresses)

    def test_a_worker_under_a_rate_claims_some_seconds_worth(self, settings):
        assert pacing.slice_size(200) == 200
        settings.SENDING_RATE = 3
        assert (pacing.slice_size(200), pacing.slice_size(2)) == (15, 2)
        settings.SENDING_RATE = 0.1
        assert pacing.slice_size(200) == 1


@pytest.mark.django_db
class TestBeyondTheHorizon:
    def test_nothing_is_reserved_and_each_comes_again_at_a_time_of_its_own(self, settings):
        settings.SENDING_RATE = 1
        assert ask(*[BORIS] * 14) == [*range(11), 11, 12, 13]
        assert ask(BORIS, BORIS) == [14, 15]
        assert ask(BORIS, at=5) == [6]  # the first that none has

    def test_letters_to_a_slow_domain_come_again_one_behind_the_other(self, settings):
        settings.SENDING_DOMAIN_RATES = {"gmail.com": 0.5}
        assert ask(AMAL, BORIS, *[AMAL] * 7) == [0, 0, 2, 4, 6, 8, 10, 12, 14]
        assert ask(AMAL, BORIS, AMAL) == [16, 0, 18]

    def test_so_many_that_they_would_wait_for_hours_come_again_within_minutes(self, settings):
        settings.SENDING_DOMAIN_RATES = {"gmail.com": 0.1}
        offsets = ask(*[AMAL] * 200)
        assert max(offsets) == pacing.SPREAD
        assert max(Counter(offsets).values()) < 5

    def test_those_told_to_come_later_do_not_hold_up_others_when_they_stay_away(self, settings):
        settings.SENDING_RATE = 1
        ask(*[BORIS] * 300)
        assert ask(*[BORIS] * 12, at=15) == [*range(11), 11]

    def test_domains_are_forgotten_when_they_are_free_again(self, settings):
        settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES = 5, {"gmail.com": 5}
        ask(AMAL)
        pacing.tidy(now=later(60))
        assert Throttle.objects.count() == 2
        pacing.tidy(now=later(2 * 60 * 60))
        assert [row.name for row in Throttle.objects.all()] == ["smtp"]


@pytest.mark.django_db
class TestWarmUp:
    @pytest.fixture(autouse=True)
    def plan(self, settings):
        settings.SENDING_WARM_UP = WarmUp(datetime.date(2026, 12, 1), (3, 5))

    def days(self, day: int, hour: int = 12) -> datetime.datetime:
        return datetime.datetime(2026, 12, day, hour, tzinfo=ZoneInfo("Europe/Brussels"))

    def ask(self, count: int, now: datetime.datetime) -> list[float]:
        return pacing.moments([BORIS] * count, transport="smtp", now=now)

    def test_each_day_takes_its_number_and_the_rest_waits_for_midnight(self):
        half_a_day = 12 * 60 * 60
        assert self.ask(2, self.days(1)) == [0, 0]
        assert self.ask(2, self.days(1)) == [0, half_a_day]
        assert self.ask(7, self.days(2)) == [*[0] * 5, half_a_day, half_a_day]
        assert self.ask(9, self.days(3)) == [0] * 9
        assert self.ask(9, self.days(1) - datetime.timedelta(days=1)) == [0] * 9

    def test_the_day_is_that_of_the_site(self):
        late = self.days(1, 23).astimezone(datetime.UTC) + datetime.timedelta(minutes=59, seconds=58)
        assert self.ask(4, late) == [0, 0, 0, pacing.HORIZON + 1]  # what was not reserved is beyond the horizon
        assert self.ask(5, late + datetime.timedelta(seconds=3)) == [0] * 5

    def test_what_did_not_leave_makes_room_for_others(self):
        assert self.ask(3, self.days(1)) == [0] * 3
        pacing.give_back(2, transport="smtp", now=self.days(1))
        assert self.ask(3, self.days(1))[:2] == [0, 0]
        pacing.give_back(9, transport="smtp", now=self.days(1))
        assert Throttle.objects.get().sent == 0

    def test_who_waits_for_their_domain_takes_nothing_of_the_day(self, settings):
        settings.SENDING_DOMAIN_RATES = {"example.org": 0.05}
        assert self.ask(2, self.days(1)) == [0, 30]
        assert Throttle.objects.get(name="smtp").sent == 1

    def test_it_is_told_until_when_the_day_is_full(self):
        self.ask(2, self.days(1))
        assert pacing.standing(transport="smtp", now=self.days(1)).warm_up_until is None
        self.ask(1, self.days(1))
        assert pacing.standing(transport="smtp", now=self.days(1)).warm_up_until == self.days(2, 0)
        assert pacing.standing(transport="smtp", now=self.days(2)).warm_up_until is None


@pytest.mark.django_db
def test_it_is_told_which_limit_is_in_the_way(settings):
    settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES = 5, {"gmail.com": 1, "example.org": 4}
    ask(*[AMAL] * 5, *[BORIS] * 4)
    assert pacing.standing(transport="smtp", now=NOON) == pacing.Standing(rate_is_full=False, domain="gmail.com")
    ask(*["carla@example.net"] * 50)
    assert pacing.standing(transport="smtp", now=NOON) == pacing.Standing(rate_is_full=True, domain="gmail.com")
    assert pacing.standing(transport="smtp", now=later(60)) == pacing.Standing()


DOMAINS = ["gmail.com", "outlook.com", "example.org", "example.net"]
CALLS = st.lists(
    st.tuples(
        st.floats(0, 4, allow_nan=False),  # seconds since the call before
        st.lists(st.sampled_from(DOMAINS), min_size=1, max_size=30),
    ),
    min_size=1,
    max_size=8,
)
RATES = st.sampled_from([0, 0.3, 1, 2.5, 7, 14, 40])


class AnyInterleaving(TestCase):
    @hypothesis_settings(max_examples=60, deadline=None)
    @given(calls=CALLS, rate=RATES, gmail=RATES.filter(bool), others=RATES)
    def test_no_second_holds_more_than_its_rate_and_one(self, calls, rate, gmail, others):
        limits = {"gmail.com": gmail} | ({"*": others} if others else {})
        left: dict[str, list[float]] = defaultdict(list)
        clock = 0.0
        with self.settings(SENDING_RATE=rate, SENDING_DOMAIN_RATES=limits):
            for pause, domains in calls:
                clock += pause
                offsets = pacing.moments([f"amal@{domain}" for domain in domains], transport="smtp", now=later(clock))
                for domain, offset in zip(domains, offsets, strict=True):
                    assert 0 <= offset <= max(pacing.SPREAD, pacing.HORIZON + 4)
                    if offset <= pacing.HORIZON:
                        left[domain].append(clock + offset)
                        left[""].append(clock + offset)
        limits = {"": rate, **{domain: limits.get(domain, others) for domain in DOMAINS}}
        for name, limit in limits.items():
            if limit:
                assert busiest_second(left[name]) <= limit + 1

    @hypothesis_settings(max_examples=30, deadline=None)
    @given(calls=CALLS, rate=RATES.filter(bool))
    def test_a_rate_alone_loses_no_moment(self, calls, rate):
        with self.settings(SENDING_RATE=rate, SENDING_DOMAIN_RATES={}):
            calls = [ask(*[f"amal@{domain}" for domain in domains]) for _pause, domains in calls]
        reserved = sorted(offset for offsets in calls for offset in offsets if offset <= pacing.HORIZON)
        assert reserved == pytest.approx([number / rate for number in range(len(reserved))], abs=1e-3)


def busiest_second(moments: list[float]) -> int:
    """The most moments within any second that begins with one; a microsecond is the databases' doubt."""
    moments = sorted(moments)
    return max((sum(1 for one in moments if first <= one < first + 1 - 1e-5) for first in moments), default=0)


def race(callers: int, calls: int, addresses: list[str]) -> list[tuple[str, float]]:
    """Threads that ask again and again; who may leave when, in seconds from NOON."""
    told, failures, gate = [], [], threading.Barrier(callers)

    def work(number: int) -> None:
        try:
            gate.wait(timeout=30)
            for turn in range(calls):
                mine = addresses[number % 3 :] + addresses[: number % 3]
                at = turn * 0.05
                offsets = pacing.moments(mine, transport="smtp", now=later(at))
                told.extend((one, at + offset) for one, offset in zip(mine, offsets, strict=True) if offset <= 10)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[number]) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    return told


def keep_the_limits(told: list[tuple[str, float]]) -> None:
    assert busiest_second([moment for _address, moment in told]) <= 41
    assert busiest_second([moment for address, moment in told if address == AMAL]) <= 6
    assert busiest_second([moment for address, moment in told if address == BORIS]) <= 11


@pytest.mark.django_db(transaction=True)
def test_callers_at_once_keep_the_limits(settings):
    settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES = 40, {"gmail.com": 5, "*": 10}
    keep_the_limits(race(4, 5, [AMAL, BORIS, "eve@example.net", AMAL]))


def on_its_way(*addresses: str) -> Edition:
    issue = make_issue(items=1, state=Edition.State.READY)
    for address in addresses:
        make_subscriber(address)
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    return issue.editions.get(language="en")


@pytest.mark.django_db(transaction=True)
def test_who_does_not_fit_into_the_day_is_sent_to_after_midnight(relay, settings):
    today = timezone.localdate()
    settings.SENDING_WARM_UP = WarmUp(today, (3, 5))
    edition = on_its_way(*[f"reader{number}@example.org" for number in range(7)])
    sending.send_edition(edition.pk)
    midnight = datetime.datetime.combine(
        today + datetime.timedelta(days=1), datetime.time(), timezone.get_default_timezone()
    )
    assert len(relay.received) == 3
    assert not edition.deliveries.due(at=midnight - datetime.timedelta(seconds=1)).exists()
    assert edition.deliveries.due(at=midnight + datetime.timedelta(seconds=1)).count() == 4
    assert Throttle.objects.get().sent == 3


@pytest.mark.django_db(transaction=True)
def test_a_relay_that_is_down_uses_up_nothing_of_the_day(relay, settings):
    settings.SENDING_WARM_UP = WarmUp(timezone.localdate(), (3, 5))
    relay.script = lambda step, argument: "421 4.3.2 not now" if step == "connect" else None
    edition = on_its_way(*[f"reader{number}@example.org" for number in range(7)])
    for _attempt in range(3):
        Edition.objects.update(resume_at=None)
        edition.deliveries.update(due_at=timezone.now())
        sending.send_edition(edition.pk)
    assert relay.received == []
    assert Throttle.objects.get().sent == 0


@pytest.mark.django_db(transaction=True)
def test_a_slow_domain_holds_up_nobody_else(relay, settings):
    settings.SENDING_DOMAIN_RATES = {"gmail.com": 0.05}
    edition = on_its_way(*[f"reader{number}@gmail.com" for number in range(4)], BORIS, "carla@gmail.com.example")
    sending.send_edition(edition.pk)
    assert sorted(relay.recipients()) == [BORIS, "carla@gmail.com.example", "reader0@gmail.com"]
    due = sorted(edition.deliveries.filter(state="queued").values_list("due_at", flat=True))
    waits = [round((moment - timezone.now()).total_seconds(), -1) for moment in due]
    assert waits == [30, 50, 70]


@pytest.mark.service
def test_callers_at_once_keep_the_limits_on_postgresql(settings, relay, tmp_path, django_db_blocker):
    settings.SENDING_RATE, settings.SENDING_DOMAIN_RATES = 40, {"gmail.com": 5, "*": 10}
    with service(tmp_path, relay, django_db_blocker):
        assert connection.vendor == "postgresql"
        told = race(8, 25, [AMAL, BORIS, *[f"eve@d{number}.example" for number in range(30)]])
        keep_the_limits(told)
        assert len(told) > 390  # ten seconds and more, nearly every moment used
