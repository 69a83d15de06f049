"""An edition to some readers and the runs over it, with a clock that can be set."""

import datetime

import time_machine
from django.utils import timezone

from newsletter import enqueue, reporting, sending
from newsletter.models import Delivery, Edition
from newsletter.reconcile import reconcile
from picum.chaos.relay import Relay
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue

State = Edition.State
HOUR = datetime.timedelta(hours=1)
OK = ("accepted", "", 1)


class Mailing:
    """An edition for some readers, frozen. `letters` are their addresses in the order in which one connection serves
    them. The clock starts at the freezing."""

    def __init__(self, readers: int = 4):
        self.issue = make_issue(items=1, languages=["en"], state=State.READY)
        crowd(readers)
        enqueue.send(self.issue, ["en"], by=None)
        (self.edition,) = enqueue.freeze_due(self.issue.pk)
        self.start = timezone.now()
        self.rows = Delivery.objects.filter(issue=self.issue).order_by("pk")
        self.letters = list(self.rows.values_list("subscriber__address", flat=True))

    def run(self, after: datetime.timedelta = datetime.timedelta()) -> dict[str, int]:
        """What the beat and one worker do so long after the freezing."""
        with time_machine.travel(self.start + after):
            reconcile()
            tally = sending.send_edition(self.edition.pk)
        self.edition.refresh_from_db()
        return dict(tally)

    def ledger(self) -> list[tuple[str, str, int]]:
        return list(self.rows.values_list("state", "why", "attempts"))

    def due_in(self, number: int) -> float:
        """Seconds from the freezing until the letter of this number is due."""
        return (self.rows[number].due_at - self.start).total_seconds()

    @property
    def backs_off(self) -> tuple[int, float]:
        """Failures in a row, and seconds from the freezing until the edition goes on."""
        return self.edition.failures, (self.edition.resume_at - self.start).total_seconds()

    def assert_over(self, relay: Relay, ledger: list[tuple[str, str, int]]) -> None:
        """The edition is through, each letter as said; no later run changes that, or speaks to the relay at all."""
        assert self.ledger() == ledger
        served = [address for address, row in zip(self.letters, ledger, strict=True) if row == OK]
        assert sorted(address for address in relay.recipients() if address in served) == sorted(served)
        assert self.edition.state == State.SENT
        assert reporting.report(self.issue)["balanced"]
        before = len(relay.commands)
        assert self.run(30 * HOUR) == {}
        assert (self.ledger(), self.edition.state, len(relay.commands)) == (ledger, State.SENT, before)
