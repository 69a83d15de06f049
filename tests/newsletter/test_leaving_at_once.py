"""Many leave in one moment, by every road, while others come and move: nobody waits in a circle."""

import random
import threading
import uuid
from functools import partial
from itertools import pairwise

import pytest
from django.db import connection, transaction
from django.utils import timezone

from newsletter import consents, importing, moving, subscriptions, tracking
from newsletter.lists import Row
from newsletter.models import Consent, Move, Subscriber, Suppression
from picum.addresses import address_key
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import event, sent_issue
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
READERS = 12


def test_nobody_waits_in_a_circle_and_each_leaving_is_written_down_once():
    dice = random.Random(4)
    readers = [make_subscriber(f"reader{number}@example.org") for number in range(READERS)]
    deliveries, now = sent_issue(*readers), timezone.now()
    wishes = [wish_to_move(reader) for reader in readers[:4]]
    # Each road has readers in common with the others, in an order of its own.
    roads = [partial(one_by_one, shuffled(dice, readers)) for _road in range(3)]
    for kinds in (["unsubscribed", "complained"], ["complained", "hard"], ["hard", "unsubscribed"]):
        said = [event(delivery, kinds[number % 2]) for number, delivery in enumerate(shuffled(dice, deliveries))]
        roads.append(partial(tracking.apply, said, now=now))
    roads.append(partial(subscriptions.unsubscribe_many, shuffled(dice, readers), how="staff"))
    roads.append(lambda: [moving.confirm(wish.new_handle, now=now) for wish in wishes] and None)
    addresses = [f"{name}{number}@example.org" for number in range(READERS) for name in ("reader", "fresh")]
    rows = [Row(line, address, "en") for line, address in enumerate(shuffled(dice, addresses))]
    roads.append(partial(importing.import_rows, rows, source="list"))

    told = at_once(*roads)
    assert [what for what in told if isinstance(what, Exception)] == []
    assert {reader.state for reader in Subscriber.objects.filter(pk__in=[r.pk for r in readers])} == {"unsubscribed"}
    assert list(consents.verify()) == []
    lines = Consent.objects.exclude(how__in=["complaint", "import"]).order_by("number")
    kinds_of: dict[uuid.UUID, list[str]] = {}
    for key, kind in lines.values_list("address_key", "kind"):
        kinds_of.setdefault(key, []).append(kind)
    # In turns: nobody left who had left, or came back who had not; in the end all are gone, and are stopped.
    for kinds in kinds_of.values():
        assert [pair for pair in pairwise(kinds) if pair[0] == pair[1]] == []
        assert kinds[-1] == "withdrawn"
    assert Suppression.objects.filter(address_key__in=kinds_of).count() == len(kinds_of) >= READERS


def test_who_waits_for_the_stop_list_does_not_hold_the_ledger():
    """Three complain in the moment in which they leave, come back or move: the ledger is always the last."""
    amal, boris, carla = readers = [make_subscriber(f"{name}@example.org") for name in ("amal", "boris", "carla")]
    deliveries, now = sent_issue(*readers), timezone.now()
    wish = wish_to_move(carla)
    subscriptions.unsubscribe(boris, how="page")
    steps = {
        True: partial(subscriptions.unsubscribe, amal, how="one-click"),
        False: partial(subscriptions.undo, boris, now=now),
        moving.Standing.DONE: partial(moving.confirm, wish.new_handle, now=now),
    }
    told = []

    def run(step):
        try:
            told.append(step())
        finally:
            connection.close()

    for expected, delivery in zip(steps, deliveries, strict=True):
        running = threading.Thread(target=run, args=[steps[expected]], daemon=True)
        with transaction.atomic():
            heard = tracking.note([event(delivery, "complained")], now=now)
            running.start()
            running.join(0.2)
            assert told == []  # it waits for us
            consents.append(heard.withdrawn, now=now)
        running.join(30)
        assert told.pop() == expected
    assert list(consents.verify()) == []
    stopped = Suppression.objects.filter(address_key__in=[delivery.address_key for delivery in deliveries])
    assert [stop.reason for stop in stopped] == ["complained"] * 3


def wish_to_move(reader) -> Move:
    """The old address has said yes."""
    address, now = f"new{reader.pk}@example.org", timezone.now()
    key = address_key(address)
    return Move.objects.create(subscriber=reader, address=address, address_key=key, old_confirmed_at=now)


def shuffled(dice, things) -> list:
    return dice.sample(things, len(things))


def one_by_one(readers) -> None:
    for reader in readers:
        subscriptions.unsubscribe(reader, how="one-click")
        subscriptions.undo(reader, now=timezone.now())
        subscriptions.unsubscribe(reader, how="one-click")
