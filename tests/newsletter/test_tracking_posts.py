"""The worker that reads providers' posts: in groups, once each, and never stuck at one."""

import datetime

import pytest
from django.db import DataError, OperationalError

from newsletter import posts, retention, tasks, tracking
from newsletter.mime import delivery_token
from newsletter.models import Delivery, DeliveryEvent, RawEvent
from tests.newsletter.factories import make_subscriber
from tests.newsletter.provider_posts import Said, post, settings_for
from tests.newsletter.sent import NOW, sent_issue

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def states() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("pk").values_list("state", "why"))


@pytest.fixture
def amal():
    return make_subscriber("amal@example.org")


@pytest.fixture
def stored(settings):
    """Store posts of Brevo about deliveries."""
    settings.EMAIL_PROVIDER, settings.ANYMAIL = "brevo", settings_for("brevo")

    def store(*deliveries, what="bounced"):
        for delivery in deliveries:
            said = Said(what, delivery_token(delivery.pk), delivery.subscriber.address)
            body = post("brevo", said).body
            posts.store("brevo", content_type="application/json", headers={}, body=body, now=NOW)

    return store


def test_posts_are_read_in_groups_until_none_waits(stored, monkeypatch):
    monkeypatch.setattr(posts, "GROUP", 2)
    stored(*sent_issue(*[make_subscriber(f"reader{number}@example.org") for number in range(5)]))
    assert posts.read_waiting() == {"posts": 5, "hard": 5}
    assert not RawEvent.objects.waiting().exists()


def test_a_group_is_no_larger_than_memory_allows(stored, monkeypatch):
    monkeypatch.setattr(posts, "GROUP_OCTETS", 1)
    stored(*sent_issue(*[make_subscriber(f"reader{number}@example.org") for number in range(2)]))
    assert posts.read_group(now=NOW)["posts"] == 1


def test_a_worker_that_is_stopped_leaves_the_rest(stored, monkeypatch):
    monkeypatch.setattr(posts, "GROUP", 1)
    stored(*sent_issue(*[make_subscriber(f"reader{number}@example.org") for number in range(3)]))
    stops = iter([False, True])
    assert posts.read_waiting(until=lambda: next(stops)) == {"posts": 1, "hard": 1}
    assert RawEvent.objects.waiting().count() == 2


def test_a_database_that_goes_away_in_the_middle_leaves_all_as_it_was(stored, amal, monkeypatch):
    stored(*sent_issue(amal))

    def gone(*args):
        raise OperationalError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(tracking, "_suppress", gone)
        with pytest.raises(OperationalError):
            posts.read_waiting()
    assert (states(), DeliveryEvent.objects.count()) == ([("accepted", "")], 0)
    assert posts.read_waiting() == {"posts": 1, "hard": 1}


def test_one_post_that_the_database_refuses_does_not_hold_up_the_others(stored, monkeypatch):
    boris, carla = make_subscriber("boris@example.org"), make_subscriber("carla@example.org")
    bad, good = sent_issue(boris, carla)
    stored(bad, good)
    settle = tracking._settle

    def refuse(new, now):
        if any(letter.pk == bad.pk for _event, letter in new):
            raise DataError("value too long")
        settle(new, now)

    monkeypatch.setattr(tracking, "_settle", refuse)
    assert posts.read_waiting() == {"posts": 2, "hard": 1, "unreadable": 1}
    assert RawEvent.objects.unreadable().get().error == "DataError"
    assert states() == [("accepted", ""), ("failed", "hard-bounce")]
    assert posts.read_waiting() == {}


def test_posts_that_were_read_are_forgotten_after_some_days(stored, amal):
    stored(*sent_issue(amal))
    posts.read_waiting()
    read = RawEvent.objects.get().processed_at
    assert +retention.expire_raw_events(now=read + retention.RAW_EVENTS) == {}
    assert +retention.expire_raw_events(now=read + retention.RAW_EVENTS + DAY) == {"posts": 1}


def test_the_reconciler_rings_for_posts_that_wait(stored, amal, monkeypatch):
    rung = []
    monkeypatch.setattr(posts, "ring", lambda task, **more: rung.append(task))
    posts.ring_for_waiting()
    stored(*sent_issue(amal))
    posts.ring_for_waiting()
    assert rung == ["newsletter.track"]


def test_the_task_reads_what_waits_and_rings_for_what_is_left(stored, amal, monkeypatch):
    rung = []
    monkeypatch.setattr(posts, "ring", lambda task, **more: rung.append(task))
    stored(*sent_issue(amal))
    tasks.track()
    assert (states(), rung) == ([("failed", "hard-bounce")], [])
    monkeypatch.setattr(tasks, "_worker_stops", lambda: True)
    stored(*sent_issue(amal, slug="december"))
    tasks.track()
    assert rung == ["newsletter.track"]
