"""Workers tell of themselves; from that the speed, and what is holding an edition back."""

import datetime

import pytest

from newsletter import enqueue, holding, sending, shifts
from newsletter.holding import Cause, Holding
from newsletter.models import Delivery, Edition, Shift
from newsletter.pacing import Standing
from newsletter.reconcile import reconcile
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
LONG_AGO = NOON - datetime.timedelta(hours=1)


def ago(seconds: float) -> datetime.datetime:
    return NOON - datetime.timedelta(seconds=seconds)


@pytest.fixture
def edition():
    edition = make_issue(state=Edition.State.READY).editions.get(language="en")
    edition.state, edition.frozen_at, edition.frozen_count = Edition.State.SENDING, LONG_AGO, 4000
    edition.save()
    return edition


def tell(edition, worker="w", *, lanes=8, letters=0, at=NOON, **waits) -> None:
    waits = dict.fromkeys(("relay", "rate", "domain", "ledger"), 0.0) | waits
    shifts.note(worker=worker, edition_id=edition.pk, lanes=lanes, letters=letters, waits=waits, now=at)


def speed(edition, at=NOON) -> float:
    return shifts.speed(shifts.lately([edition.pk], now=at)[edition.pk], now=at)


class TestNotes:
    def test_a_run_is_one_row_that_keeps_its_beginning(self, edition, django_assert_num_queries):
        tell(edition, at=ago(20), lanes=0)
        with django_assert_num_queries(1):
            tell(edition, letters=7, at=ago(10), relay=3.5, ledger=0.5)
        tell(edition, letters=9, at=NOON, lanes=0, relay=4)  # its lanes are closed, and it leaves
        shift = Shift.objects.get()
        assert (shift.started_at, shift.seen_at) == (ago(20), NOON)
        assert (shift.lanes, shift.letters, shift.relay, shift.ledger) == (8, 9, 4, 0)

    def test_who_is_at_work_has_been_heard_of_lately(self, edition):
        tell(edition, "gone", at=ago(16))
        tell(edition, "here", at=ago(14))
        runs = shifts.lately([edition.pk], now=NOON)[edition.pk]
        assert [shift.worker for shift in runs] == ["gone", "here"]
        assert [shift.worker for shift in shifts.at_work(runs, now=NOON)] == ["here"]

    def test_the_reconciler_forgets_the_runs_of_long_ago(self, edition):
        Delivery.objects.all().delete()
        week = 7 * 86_400
        tell(edition, "old", at=ago(week + 1))
        tell(edition, "new", at=ago(week - 1))
        reconcile(now=NOON)
        assert [shift.worker for shift in Shift.objects.all()] == ["new"]


class TestSpeed:
    def test_of_workers_one_after_the_other_and_beside_one_another(self, edition):
        for worker, began in (("first", 50), ("second", 25), ("beside", 50)):
            tell(edition, worker, at=ago(began))
            tell(edition, worker, at=ago(began - 25), letters=250)
        # The last half minute: all 250 of the second's, and of the others' run a fifth.
        assert speed(edition) == pytest.approx((250 + 2 * 250 / 5) / 30)

    def test_of_a_worker_that_has_just_begun(self, edition):
        tell(edition, at=ago(4))
        tell(edition, at=ago(2), letters=10)
        assert speed(edition) == pytest.approx(5)

    def test_it_falls_when_nobody_tells_any_more(self, edition):
        tell(edition, at=ago(20))
        tell(edition, at=NOON, letters=200)
        after = [speed(edition, NOON + datetime.timedelta(seconds=seconds)) for seconds in (0, 14, 20, 31)]
        assert after[0] == pytest.approx(10)
        assert after == sorted(after, reverse=True)
        assert after[-1] == 0

    def test_of_nobody(self, edition):
        assert speed(edition) == 0


class TestJudgement:
    def judge(self, edition, *, counts=None, due=None, standing=None) -> Holding | None:
        counts = {"queued": 900, "accepted": 3100} if counts is None else counts
        due = {"queued": LONG_AGO} if due is None else due
        runs = shifts.lately([edition.pk], now=NOON).get(edition.pk, [])
        return holding.judge(edition, counts=counts, due=due, runs=runs, standing=standing or Standing(), now=NOON)

    def work(self, edition, number=1, **told) -> None:
        for worker in range(number):
            tell(edition, f"w{worker}", at=ago(20))
            tell(edition, f"w{worker}", at=ago(0), **told)

    @pytest.mark.parametrize("state", ["scheduled", "paused", "sent", "cancelled"])
    def test_what_is_not_being_sent_is_not_held_back(self, edition, state):
        edition.state = state
        assert self.judge(edition) is None

    def test_what_is_through_is_not_held_back(self, edition):
        assert self.judge(edition, counts={"accepted": 4000}, due={}) is None

    def test_a_relay_in_trouble_goes_before_all(self, edition):
        edition.resume_at = NOON + datetime.timedelta(seconds=30)
        until = NOON + datetime.timedelta(hours=12)
        standing = Standing(left_today=0, warm_up_until=until)
        assert self.judge(edition, standing=standing) == Holding(Cause.BACKS_OFF, until=edition.resume_at)
        edition.resume_at = ago(1)
        assert self.judge(edition, standing=standing) == Holding(Cause.WARM_UP, until=until)

    def test_what_is_left_waits_for_its_time(self, edition):
        soon, tomorrow = NOON + datetime.timedelta(seconds=9), NOON + datetime.timedelta(hours=20)
        counts = {"queued": 1, "deferred": 3}
        assert self.judge(edition, counts=counts, due={"deferred": tomorrow}) == Holding(Cause.LATER, until=tomorrow)
        assert self.judge(edition, counts=counts, due={"deferred": tomorrow, "queued": soon}) is None
        full, slow = Standing(rate_is_full=True, domain="gmail.com"), Standing(domain="gmail.com")
        due = {"queued": soon, "deferred": tomorrow}
        assert self.judge(edition, counts=counts, due=due, standing=full) == Holding(Cause.RATE)
        assert self.judge(edition, counts=counts, due=due, standing=slow) == Holding(Cause.DOMAIN, domain="gmail.com")
        assert self.judge(edition, counts=counts, due={"deferred": tomorrow}, standing=slow) == Holding(
            Cause.LATER, until=tomorrow
        )

    def test_nobody_is_at_work(self, edition, settings):
        settings.SENDING_RECONCILE_SECONDS = 30
        assert self.judge(edition) == Holding(Cause.NOBODY)
        tell(edition, at=ago(70))
        assert self.judge(edition) == Holding(Cause.NOBODY, seconds=70)

    def test_who_rings_gets_the_time_to_ring(self, edition, settings):
        settings.SENDING_RECONCILE_SECONDS = 30
        tell(edition, at=ago(70))
        assert self.judge(edition, due={"queued": ago(39)}) is None  # it was not due before
        assert self.judge(edition, due={"queued": ago(41)}) == Holding(Cause.NOBODY)
        edition.resumed_at = ago(39)
        assert self.judge(edition, due={"queued": ago(41)}) is None

    def test_the_relay_takes_the_time(self, edition):
        self.work(edition, 2, letters=1000, relay=100, ledger=40)
        held = self.judge(edition)
        assert held == Holding(Cause.RELAY, milliseconds=100, connections=16, workers=2, wanted=8)

    def test_a_relay_that_does_not_answer_at_all(self, edition):
        self.work(edition, 8, letters=0, relay=160)
        held = self.judge(edition, counts={"attempting": 64, "queued": 900})
        assert held == Holding(Cause.RELAY, milliseconds=20_000, connections=64, workers=8, wanted=8)

    def test_the_database_takes_the_time(self, edition):
        self.work(edition, letters=1000, relay=40, ledger=100)
        held = self.judge(edition)
        assert held == Holding(Cause.LEDGER, milliseconds=100, connections=8, workers=1, wanted=8)

    @pytest.mark.parametrize("waits", [{"rate": 100}, {"domain": 100}, {"rate": 50, "domain": 50}])
    def test_the_limits_know_which_of_them_is_reached(self, edition, waits):
        self.work(edition, letters=1000, relay=60, **waits)
        full, slow = Standing(rate_is_full=True, domain="gmail.com"), Standing(domain="gmail.com")
        assert self.judge(edition, standing=full) == Holding(Cause.RATE)
        assert self.judge(edition, standing=slow) == Holding(Cause.DOMAIN, domain="gmail.com")

    def test_nothing_waits(self, edition):
        self.work(edition, 3, letters=1000, relay=10, ledger=20)
        assert self.judge(edition) == Holding(Cause.WORKERS, workers=3, wanted=8)
        self.work(edition, 8, letters=1000, relay=10, ledger=20)
        assert self.judge(edition) == Holding(Cause.MACHINE, workers=8, wanted=8)

    def test_who_has_only_just_begun_is_not_judged(self, edition):
        tell(edition, at=NOON, lanes=0)
        assert self.judge(edition) is None


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_tells_what_it_did_and_what_it_waited_for(relay, settings):
    settings.SENDING_CONNECTIONS = 2
    relay.delay = 0.02
    issue = make_issue(items=1, state=Edition.State.READY)
    crowd(20)
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    edition = issue.editions.get(language="en")
    sending.send_edition(edition.pk)
    shift = Shift.objects.get()
    assert (shift.edition, shift.letters) == (edition, 20)
    assert shift.relay >= 0.02 * 20
    assert shift.started_at < shift.seen_at
