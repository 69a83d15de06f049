"""A worker that stalls, a reply of the database that is lost, words that no database can store: still once each."""

import asyncio
import datetime
from collections import Counter

import pytest
from django.db import OperationalError
from django.utils import timezone

from newsletter import enqueue, ledger, sending
from newsletter.intake import Intake
from newsletter.models import Delivery, Edition, Issue
from newsletter.reconcile import reconcile
from newsletter.transports import Outcome, Verdict
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db


class Wire:
    """A transport whose letters are a moment on the wire. `sent`: how often each delivery passed the dot."""

    name, batch, lanes = "smtp", 1, 8

    def __init__(self, outcome: Outcome | None = None):
        self.sent: Counter = Counter()
        self.outcome = outcome or Outcome(Verdict.ACCEPTED)

    def lane(self) -> "Wire":
        return self

    async def send(self, letters, intend, following):
        (letter,) = letters
        if letter.delivery_id not in await intend(letters):
            return [Outcome(Verdict.WITHDRAWN)]
        self.sent[letter.delivery_id] += 1
        await asyncio.sleep(0.05)
        return [self.outcome]

    async def close(self) -> None:
        pass


def going(readers: int) -> tuple[Issue, Edition]:
    issue = make_issue(items=1, state=Edition.State.READY)
    crowd(readers)
    enqueue.send(issue, ["en"], by=None)
    (edition,) = enqueue.freeze_due(issue.pk)
    return issue, edition


def states() -> Counter:
    return Counter(Delivery.objects.values_list("state", flat=True))


def test_a_worker_that_stalled_past_its_lease_does_not_send_against_itself(monkeypatch):
    """Its rows went back to the queue, and it takes them again while the letters of before are still in its hands."""
    _issue, edition = going(12)
    wire, claims, claim = Wire(), [], Intake.claim

    def claim_after_a_stall(self):
        claims.append(self)
        if len(claims) == 2:
            reclaimed = ledger.reclaim(now=timezone.now() + datetime.timedelta(seconds=100))
            assert reclaimed["queued"] > 0
            Delivery.objects.filter(state="queued").update(due_at=timezone.now() - datetime.timedelta(seconds=1))
        return claim(self)

    monkeypatch.setattr(Intake, "claim", claim_after_a_stall)
    sending.send_edition(edition.pk, transport=wire)
    assert set(wire.sent.values()) == {1}
    assert states() == {"accepted": 12}


def test_an_intent_whose_answer_was_lost_and_is_refused_now_leaves_nobody_unknown(monkeypatch):
    _issue, edition = going(1)
    wire, settle, lost = Wire(), ledger.settle, []

    def settle_and_lose_the_answer(entries, asked, **kwargs):
        granted = settle(entries, asked, **kwargs)
        if asked and not lost:
            lost.append(True)
            Edition.objects.filter(pk=edition.pk).update(state="paused")
            raise OperationalError("server closed the connection unexpectedly")
        return granted

    monkeypatch.setattr(ledger, "settle", settle_and_lose_the_answer)
    monkeypatch.setattr(sending.connection, "close", lambda: None)  # it holds the test's own transaction
    sending.send_edition(edition.pk, transport=wire)
    assert (wire.sent, states()) == ({}, {"queued": 1})
    assert Delivery.objects.get().attempts == 0


def test_a_claim_whose_answer_was_lost_is_given_back_at_the_end_of_the_run(monkeypatch):
    _issue, edition = going(3)
    claim, lost = ledger.claim, []

    def claim_and_lose_the_answer(*args, **kwargs):
        claims = claim(*args, **kwargs)
        if not lost:
            lost.append(True)
            raise OperationalError("server closed the connection unexpectedly")
        return claims

    monkeypatch.setattr(ledger, "claim", claim_and_lose_the_answer)
    monkeypatch.setattr(sending.connection, "close", lambda: None)
    sending.send_edition(edition.pk, transport=Wire())
    assert states() == {"queued": 3}
    sending.send_edition(edition.pk, transport=Wire())
    assert states() == {"accepted": 3}


@pytest.mark.parametrize("words", ["half a character \ud83d", "a zero \x00 byte"])
def test_words_that_no_database_stores_cost_nobody_their_outcome(words):
    _issue, edition = going(2)
    sending.send_edition(edition.pk, transport=Wire(Outcome(Verdict.REFUSED, "refused", words)))
    assert states() == {"failed": 2}


def test_a_relay_s_words_do_not_keep_the_name_of_a_mailbox():
    _issue, edition = going(1)
    sending.send_edition(edition.pk, transport=Wire(Outcome(Verdict.REFUSED, "refused", "550 Reader0... User unknown")))
    assert Delivery.objects.get().detail == "550 …... User unknown"


def test_an_edition_paused_among_its_last_letters_is_through_all_the_same():
    _issue, edition = going(2)
    sending.send_edition(edition.pk, transport=Wire())
    Edition.objects.filter(pk=edition.pk).update(
        state=Edition.State.PAUSED, reason="Readers complain.", finished_at=None
    )
    reconcile()
    edition.refresh_from_db()
    assert (edition.state, edition.reason) == (Edition.State.SENT, "Readers complain.")
