"""Several workers at the same posts, and one that dies in the middle."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from newsletter import brakes, posts
from newsletter.mime import delivery_token
from newsletter.models import Delivery, DeliveryEvent, RawEvent
from tests.newsletter.factories import make_subscriber
from tests.newsletter.provider_posts import Said, post, settings_for
from tests.newsletter.sent import NOW, sent_issue

pytestmark = pytest.mark.django_db(transaction=True)
READERS = 40


@pytest.fixture
def waiting(settings, monkeypatch):
    """Two posts for each reader: it bounced, and it was delivered, as a confused provider says."""
    settings.EMAIL_PROVIDER, settings.ANYMAIL = "brevo", settings_for("brevo")
    monkeypatch.setattr(posts, "GROUP", 7)
    deliveries = sent_issue(*[make_subscriber(f"reader{number}@example.org") for number in range(READERS)])
    for what in ("delivered", "bounced"):
        for delivery in reversed(deliveries) if what == "bounced" else deliveries:
            said = Said(what, delivery_token(delivery.pk), delivery.subscriber.address)
            body = post("brevo", said).body
            posts.store("brevo", content_type="application/json", headers={}, body=body, now=NOW)


def work():
    try:
        return posts.read_waiting()
    finally:
        connection.close()


def test_workers_at_once_read_each_post_once(waiting):
    with ThreadPoolExecutor(3) as pool:
        counts = [job.result(60) for job in [pool.submit(work) for _worker in range(3)]]
    assert sum(count["posts"] for count in counts) == 2 * READERS
    assert DeliveryEvent.objects.count() == 2 * READERS
    assert set(Delivery.objects.values_list("state", "why")) == {("failed", "hard-bounce")}
    assert not RawEvent.objects.waiting().exists()


def test_no_edition_is_held_while_deliveries_are(waiting, monkeypatch):
    """A pause takes the edition's row, and the sender's own commit may want it with the deliveries already in hand."""
    open_then = []
    monkeypatch.setattr(brakes, "check_breakers", lambda edition_id: open_then.append(connection.in_atomic_block))
    work()
    assert open_then
    assert not any(open_then)


@pytest.mark.service
def test_a_worker_waits_for_the_first_row_and_holds_no_later_one(waiting, monkeypatch):
    """Whatever the order of the posts: it takes the rows as the ledger does, by their numbers."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time.")
    monkeypatch.setattr(posts, "GROUP", 2 * READERS)
    first, *others = Delivery.objects.order_by("pk").values_list("pk", flat=True)
    Delivery.objects.update(state="unknown")
    Delivery.objects.filter(pk=first).update(detail="moved")  # to the end of the table, where an UPDATE meets it last
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Delivery.objects.filter(pk=first).update(detail="held")
            worker = pool.submit(work)
            ends = time.monotonic() + 30
            while not waits() and time.monotonic() < ends:
                time.sleep(0.01)
            assert waits()
            free = Delivery.objects.filter(pk__in=others).select_for_update(skip_locked=True, no_key=True)
            assert len(free) == len(others)
        assert worker.result(30)["posts"] == 2 * READERS


def waits() -> bool:
    """Whether some transaction waits for another's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return cursor.fetchone()[0]


@pytest.mark.service
def test_what_a_worker_held_when_it_died_is_read_by_another(waiting):
    if connection.vendor != "postgresql":
        pytest.skip("On SQLite the second worker waits for the first.")
    holds, dies = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                assert len(posts._claimed()) == 7
                holds.set()
                assert dies.wait(30)
                connection.close()  # as the server sees it: gone without a word
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(hold)
        assert holds.wait(30)
        assert posts.read_waiting()["posts"] == 2 * READERS - 7
        dies.set()
        worker.result(30)
    ends = time.monotonic() + 30
    while not (read := posts.read_waiting()) and time.monotonic() < ends:
        pass  # the server has not noticed yet
    assert read["posts"] == 7
