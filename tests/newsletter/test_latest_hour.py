"""News grows old: an edition that is not done by its latest hour asks a person."""

import datetime

import pytest
import time_machine

from newsletter import enqueue, ledger
from newsletter.models import Delivery, Edition
from newsletter.reconcile import reconcile
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import make_issue, make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
S = Edition.State
LATE = "It was not done by its latest hour, 20 October 2026, 17:00. If you let it go on, it gets 5 hours more."


@pytest.fixture
def clock(settings):
    settings.SENDING_LATEST_HOURS = 5
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def issue(clock):
    """English, frozen at noon for one reader; Portuguese is still being written, and its reader waits."""
    issue = make_issue(items=1, state=S.READY)
    issue.editions.filter(language="pt").update(state=S.DRAFT)
    make_subscriber()
    make_subscriber("boris@example.org", "pt en")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    return issue


def english(issue) -> Edition:
    return issue.editions.get(language="en")


def pass_time(clock, to: datetime.datetime) -> None:
    """Somebody looks after everything each hour, and nothing is sent."""
    while datetime.datetime.now(datetime.UTC) < to:
        clock.shift(HOUR)
        reconcile()


def test_it_has_none_before_it_is_frozen(clock):
    issue = make_issue(items=1, state=S.READY)
    enqueue.send(issue, ["en"], by=None, at=NOON + HOUR)
    assert set(issue.editions.values_list("latest_at", flat=True)) == {None}


def test_freezing_sets_it(issue):
    assert english(issue).latest_at == NOON + 5 * HOUR


def test_at_its_latest_hour_an_edition_stands_still_and_says_why(issue, clock):
    pass_time(clock, NOON + 4 * HOUR)
    assert (english(issue).state, english(issue).reason) == (S.SENDING, "")
    pass_time(clock, NOON + 5 * HOUR)
    assert (english(issue).state, english(issue).reason) == (S.PAUSED, LATE)


def test_what_is_done_by_then_is_sent(issue, clock):
    Delivery.objects.update(state="accepted")
    pass_time(clock, NOON + 6 * HOUR)
    assert english(issue).state == S.SENT


def test_who_lets_it_go_on_gives_it_as_long_again(issue, clock):
    pass_time(clock, NOON + 5 * HOUR)
    at_the_desk(carla()).post(page("issue_resume", issue.pk, "en"))
    assert (english(issue).state, english(issue).latest_at) == (S.SENDING, NOON + 10 * HOUR)
    pass_time(clock, NOON + 9 * HOUR)
    assert english(issue).state == S.SENDING


def test_readers_who_come_later_have_a_latest_hour_of_their_own(issue, clock):
    """Days after, nobody waits for Portuguese any longer."""
    Delivery.objects.update(state="accepted")
    pass_time(clock, NOON + 48 * HOUR)
    assert enqueue.give_up(issue, ["pt"], by=None) == 1
    assert (english(issue).state, english(issue).latest_at) == (S.SENDING, NOON + 53 * HOUR)
    pass_time(clock, NOON + 49 * HOUR)
    assert english(issue).state == S.SENDING


def test_an_hour_that_passes_between_the_claim_and_the_dot_stops_the_dot():
    issue = make_issue(items=1, state=Edition.State.READY)
    make_subscriber()
    enqueue.send(issue, ["en"], by=None)
    (edition,) = enqueue.freeze_due(issue.pk)
    before = edition.latest_at - datetime.timedelta(seconds=1)
    lease = datetime.timedelta(seconds=90)
    (claim,) = ledger.claim(edition.pk, worker="w", limit=1, lease=lease, now=before)
    asked = [(claim.delivery_id, claim.attempt)]
    assert ledger.intend(asked, worker="w", now=edition.latest_at) == set()
    assert ledger.intend(asked, worker="w", now=before) == {claim.delivery_id}
