"""Many readers, and what must be true of them when all is over."""

from collections import Counter

from django.utils import timezone

from newsletter import reporting
from newsletter.models import Delivery, Issue, Subscriber
from picum.addresses import address_key
from picum.chaos.relay import Relay


def crowd(number: int, *orders: str) -> list[str]:
    """So many readers, with these orders of languages in turn (English by default); their addresses."""
    orders = orders or ("en",)
    addresses = [f"reader{at}@example.org" for at in range(number)]
    Subscriber.objects.bulk_create(
        Subscriber(
            address=address,
            address_key=address_key(address),
            languages=orders[at % len(orders)],
            state=Subscriber.State.SUBSCRIBED,
            subscribed_at=timezone.now(),
        )
        for at, address in enumerate(addresses)
    )
    return addresses


def is_over(issue: Issue) -> bool:
    """Whether every delivery is final."""
    deliveries = Delivery.objects.filter(issue=issue)
    return deliveries.exists() and not deliveries.unfinished().exists()


def assert_everybody_once(relay: Relay, issue: Issue, addresses: list[str], *, most_unknown: int = 0) -> int:
    """Nobody twice, nobody missed, the ledger tells the truth; how many are unknown, `most_unknown` at most.

    Whom the ledger calls accepted has the mail, whom it calls unknown may have it; there is nobody else.
    """
    got = Counter(relay.recipients())
    assert [address for address, times in got.items() if times > 1] == []
    by_state = {state: set() for state in Delivery.State.values}
    for state, address in Delivery.objects.filter(issue=issue).values_list("state", "subscriber__address"):
        by_state[state].add(address)
    assert by_state["accepted"] | by_state["unknown"] == set(addresses)
    assert by_state["accepted"] <= set(got)
    assert set(got) - by_state["accepted"] <= by_state["unknown"]
    assert len(by_state["unknown"]) <= most_unknown
    report = reporting.report(issue)
    assert report["balanced"]
    assert report["frozen"] == len(addresses)
    assert len(report["unknown"]) == len(by_state["unknown"])
    return len(by_state["unknown"])
