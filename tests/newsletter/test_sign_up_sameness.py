"""Nobody learns from a form of ours whether an address is known: not by what it answers, nor by how long that takes."""

import datetime
import itertools
import math
import random
import re
import statistics
import time
from collections.abc import Sequence

import pytest
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from newsletter import signing_up, subscriptions, wordings
from newsletter.models import SignUp, Subscriber, Suppression
from picum.addresses import address_key
from picum.stranger import stamp
from tests.newsletter.factories import make_subscriber
from tests.newsletter.visitors import NOON, Visitor

pytestmark = pytest.mark.django_db
SIGN_UP, EMBED, LINK = (f"/en/newsletter/{page}/" for page in ("sign-up", "sign-up/embed", "link"))
REASONS = Suppression.Reason.values


def ask(address: str) -> None:
    """Somebody has asked for this address already."""
    signing_up.request(
        address, languages=["en"], how="form", wording=wordings.current("en"), network="", now=timezone.now()
    )


@pytest.fixture
def addresses() -> list[str]:
    """An address that nobody knows; one that has asked, one that reads, one that has left; one refused for each
    reason, and one that reads all the same."""
    ask("pending@example.org")
    make_subscriber("subscribed@example.org")
    subscriptions.unsubscribe(make_subscriber("unsubscribed@example.org"), how="page")
    for reason in REASONS:
        Suppression.objects.create(address_key=address_key(f"{reason}.stop@example.org"), reason=reason)
    make_subscriber("both@example.org")
    Suppression.objects.create(address_key=address_key("both@example.org"), reason="staff")
    ask("subscribed@example.org")
    signing_up.confirm(SignUp.objects.latest("pk").handle, now=timezone.now())
    names = ["new", "pending", "subscribed", "unsubscribed", *(f"{reason}.stop" for reason in REASONS), "both"]
    return [f"{name}@example.org" for name in names]


def shape(sql: str) -> str:
    """A statement without what it is about."""
    return re.sub(r"'(?:[^']|'')*'|\d+", "?", sql)


@pytest.mark.parametrize("path", [SIGN_UP, EMBED, LINK])
def test_every_address_gets_the_same_answer_by_the_same_statements(addresses, path):
    answers, statements = [], []
    for number, address in enumerate(addresses):
        with Visitor(f"198.51.{number}.1") as somebody:
            somebody.opens(path)
            with CaptureQueriesContext(
                connection,
            ) as asked:
                response = somebody.sends(address=address).response
        answers.append((response.status_code, sorted(response.items()), response.cookies, response.content))
        statements.append([shape(query["sql"]) for query in asked])
    assert answers == [answers[0]] * len(addresses)
    assert statements == [statements[0]] * len(addresses)
    assert b"example.org" not in answers[0][3]
    assert len([sql for sql in statements[0] if "INSERT" in sql]) in (2, 3)  # the sign-up, its mail, the network's post


# --- how long it takes ----------------------------------------------------------------------------------------------

FEWEST, MOST = 30, 250  # rounds; a busy machine needs more of them than an idle one
TOO_FAR = 4.0  # standard deviations: by chance once in 16,000 runs


def distance(some: Sequence[float], others: Sequence[float]) -> float:
    """How far two samples lie apart, in standard deviations, by the ranks of their values alone: Mann and Whitney's U.
    Above 0, `some` are the larger."""
    ranked = sorted([(value, False) for value in others] + [(value, True) for value in some])
    ranks = sum(rank for rank, (_value, is_one_of_some) in enumerate(ranked, 1) if is_one_of_some)
    n, m = len(some), len(others)
    u = ranks - n * (n + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


class Stopwatch:
    """From the moment when the server has a request to the moment when it has the answer."""

    def __init__(self):
        self.server = BaseHandler()
        self.server.load_middleware()
        self.networks = itertools.count()
        shown_at = timezone.now() - datetime.timedelta(seconds=10)
        self.fields = {"stamp": stamp(shown_at), "wording": wordings.digest("en")}

    def seconds(self, address: str, *, more: float = 0) -> float:
        """`more` seconds of work are done beside the INSERT of the sign-up, as a look for the reader might be."""

        def work(execute, sql, *rest):
            if sql.startswith('INSERT INTO "newsletter_signup"'):
                until = time.perf_counter() + more
                while time.perf_counter() < until:
                    pass
            return execute(sql, *rest)

        a, b = divmod(next(self.networks), 256)
        request = RequestFactory(REMOTE_ADDR=f"10.{a}.{b}.1").post(SIGN_UP, {**self.fields, "address": address})
        with connection.execute_wrapper(work):
            began = time.perf_counter()
            response = self.server.get_response(request)
            took = time.perf_counter() - began
        assert b"<form" not in response.content
        return took


def make_readers(names: Sequence[str]) -> None:
    Subscriber.objects.bulk_create(
        Subscriber(address=name, address_key=address_key(name), state="subscribed", subscribed_at=NOON)
        for name in names
    )


def test_known_and_unknown_addresses_take_the_same_time_and_a_third_more_would_show():
    """Measured until a known address that costs 30 % more would be found; then those that should not must not be."""
    make_readers([f"{kind}{number}@example.org" for kind in ("known", "slower") for number in range(MOST)])
    stopwatch, dice = Stopwatch(), random.Random(4)
    third = 0.3 * statistics.median(stopwatch.seconds(f"first{number}@example.org") for number in range(11))
    took: dict[str, list[float]] = {"unknown": [], "known": [], "slower": []}
    for number in range(MOST):
        for kind in dice.sample(list(took), k=3):
            more = third if kind == "slower" else 0
            took[kind].append(stopwatch.seconds(f"{kind}{number}@example.org", more=more))
        # Of both alike, so that the moment at which this ends is in favour of neither.
        if number >= FEWEST and distance(took["slower"], took["known"] + took["unknown"]) > TOO_FAR:
            break
    assert distance(took["slower"], took["known"] + took["unknown"]) > TOO_FAR
    assert abs(distance(took["known"], took["unknown"])) < TOO_FAR
