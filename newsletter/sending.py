"""Sending an edition: claim, intend, send, record. No Celery in here.

The coroutines (a feeder, one per connection, a committer, a lease keeper) run on an event loop in a thread of its
own; every database call is handed back to the calling thread, one at a time. While a commit is on its way, the other
connections gather intents and outcomes for the next one: that is the group commit, and it costs no lock.
"""

import asyncio
import datetime
import logging
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from newsletter import brakes, ledger, lifecycle, pacing, shifts, tracking
from newsletter.beside import Here, run_beside
from newsletter.bounces import door
from newsletter.intake import Intake
from newsletter.mime import Letter
from newsletter.models import Edition
from newsletter.transports import Following, Lane, Outcome, Transport, Verdict
from newsletter.transports.smtp import SMTPTransport
from picum.doorbell import ring_on_commit

log = logging.getLogger(__name__)
GATHER_SECONDS = 0.003  # how long an outcome waits for company before it is written
TELL_SECONDS = 5  # between two words to the progress page
SLICE_SECONDS = 25  # a task ends well within a worker's soft shutdown and rings for the next


def chosen_transport() -> Transport:
    """As EMAIL_URL says."""
    if settings.NEWSLETTER_TRANSPORT == "smtp":
        return SMTPTransport()
    from newsletter.transports.provider import ProviderTransport  # Anymail is loaded only where it is used

    return ProviderTransport()


def send_edition(
    edition_id: int,
    *,
    transport: Transport | None = None,
    seconds: float = SLICE_SECONDS,
    until: Callable[[], bool] = lambda: False,
) -> Counter:
    """Send what is due of an edition for about `seconds`, or `until` says that it is enough; returns how many letters
    met which verdict.

    Safe to call at any time, from any number of processes. Marks the edition as sent when nothing is open any more.
    An exception raised into it by a signal (KeyboardInterrupt) would wait for ever for the loop's thread: use `until`.
    """
    sender = Sender(edition_id, transport or chosen_transport(), seconds=seconds, until=until)
    tally = run_beside(sender.run)
    complete(edition_id)
    if tally:
        log.info("Edition %s: %s", edition_id, ", ".join(f"{n} {verdict}" for verdict, n in sorted(tally.items())))
    return tally


def complete(edition_id: int) -> bool:
    """Move an edition that has nothing open to sent. One worker wins."""
    if not ledger.is_finished(edition_id):
        return False
    with transaction.atomic():
        # Looked at once more with the row in hand: a freeze may be adding readers to this edition just now.
        edition = Edition.objects.select_for_update().get(pk=edition_id)
        # Paused among its last letters it is through all the same.
        if edition.state not in {Edition.State.SENDING, Edition.State.PAUSED} or not ledger.is_finished(edition_id):
            return False
        lifecycle.move(edition, Edition.State.SENT, by=None, finished_at=timezone.now())
        if not Edition.objects.frozen().filter(issue=edition.issue_id, finished_at=None).exists():
            # Whoever watched it go out looks at the numbers next, and does not wait a quarter of an hour for them.
            ring_on_commit("newsletter.upkeep", "count_figures")
    return True


class Sender:
    """One run over one edition: `run()` once."""

    def __init__(self, edition_id: int, transport: Transport, *, seconds: float, until: Callable[[], bool]):
        self.edition_id, self.transport, self.seconds, self.until = edition_id, transport, seconds, until
        self.worker = uuid.uuid4().hex
        self.lease = datetime.timedelta(seconds=settings.SENDING_LEASE_SECONDS)
        self.intake = Intake(edition_id, transport, worker=self.worker, lease=self.lease)
        self.reserved: list[list[Letter]] = []  # for each lane the letter that comes next
        self.entries: list[ledger.Entry] = []
        self.withdrawn: list[tuple[int, int]] = []
        self.gone: list[tracking.Event] = []  # mailboxes that the relay says do not exist
        self.intents: list[tuple[Sequence[Letter], asyncio.Future]] = []
        self.intended: set[int] = set()  # delivery ids
        self.lanes = 0
        self.waits = dict.fromkeys(("relay", "rate", "domain", "ledger"), 0.0)  # seconds of all lanes
        self.tally: Counter = Counter()
        self.trouble: Outcome | None = None  # what the run stops for
        self.stopping = self.fed = self.finished = self.braked = self.released = False

    async def run(self, here: Here) -> Counter:
        self._here = here
        self.deadline = time.monotonic() + self.seconds
        self.work, self.hungry, self.wake = asyncio.Event(), asyncio.Event(), asyncio.Event()
        try:
            if await self._feed():
                await self._work()
        finally:
            await self._db(self._leave)
        return self.tally

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as books:
            committer = books.create_task(self._commit_until_finished())
            keepers = [books.create_task(self._keep_lease()), books.create_task(self._tell())]
            try:
                await self._run_lanes()
            finally:  # what is known is written down, whatever happened
                self.finished = True
                self.wake.set()
                await committer
                for keeper in keepers:
                    keeper.cancel()

    async def _run_lanes(self) -> None:
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._keep_fed())
            for _number in range(min(self.transport.lanes, len(self.intake))):
                lanes.create_task(self._drive_lane())

    def _stop(self) -> None:
        """Begin nothing more; what is on the wire ends."""
        self.stopping = True
        self.work.set()
        self.hungry.set()

    def _is_over(self) -> bool:
        return self.stopping or self.until()

    def _is_late(self) -> bool:
        # At least one letter a run, so that runs that are shorter than their preparation get somewhere too.
        return bool(self.tally) and time.monotonic() > self.deadline

    # --- letters in ---------------------------------------------------------------------------------------------

    async def _keep_fed(self) -> None:
        while not self.fed:
            await self.hungry.wait()
            self.hungry.clear()
            if self._is_over() or self._is_late() or (self.intake.is_short() and not await self._feed()):
                self.fed = True
            self.work.set()

    async def _feed(self) -> int:
        """Take up some more; how many."""
        letters = await self._db(self.intake.claim)
        for moment, letter in letters:
            self.intake.hold(moment, letter)
        return len(letters)

    async def _next(self) -> list[Letter]:
        """The next letters for a lane, when they are due; none when the run is over."""
        while not self._is_over():
            if letters := self._take():
                return letters
            if self._is_late() and not self.intake.paced:
                break
            if self.intake:
                begun = time.monotonic()
                await asyncio.sleep(min(self.intake.pause(), 1))
                self.waits["rate" if settings.SENDING_RATE else "domain"] += time.monotonic() - begun
            elif self.fed:
                break
            else:
                self.work.clear()
                await self.work.wait()
        return []

    def _take(self) -> list[Letter]:
        if self.intake.is_short() and not self.fed:
            self.hungry.set()
        # Late or not: what has been given its moment uses it, or it would be lost for all workers.
        if self._is_over() or (self._is_late() and not self.intake.paced):
            return []
        return self.intake.take()

    # --- lanes --------------------------------------------------------------------------------------------------

    async def _drive_lane(self) -> None:
        lane, reserved = self.transport.lane(), []
        self.reserved.append(reserved)

        def following() -> Letter | None:
            if not reserved:
                reserved.extend(self._take())
            return reserved[0] if reserved else None

        self.lanes += 1
        try:
            while letters := reserved[:] or await self._next():
                reserved.clear()
                outcomes = await self._send(lane, letters, following)
                begun = self.intended.intersection(letter.delivery_id for letter in letters)
                if self.lanes > 1 and not begun and all(outcome.why == "connect" for outcome in outcomes):
                    # The relay takes fewer connections than we have: the others carry what this one could not.
                    log.info("One connection less: %s", outcomes[0].detail)
                    for letter in letters:
                        self.intake.hold(0.0, letter)
                    return
                for letter, outcome in zip(letters, outcomes, strict=True):
                    self._settle(letter, outcome)
                if self._is_over():
                    return
        finally:
            self.lanes -= 1
            self.hungry.set()
            self.work.set()
            await lane.close()

    async def _send(self, lane: Lane, letters: Sequence[Letter], following: Following) -> list[Outcome]:
        """A lane that fails in a way its contract does not know costs its own letters, and pauses the edition."""
        begun = time.monotonic()
        try:
            return await lane.send(letters, self._intend, following)
        except Exception as error:
            name, where = type(error).__name__, traceback.extract_tb(error.__traceback__)[-1]
            log.error("A lane failed: %s at %s:%s", name, where.filename, where.lineno)  # its words may hold an address
            return [
                Outcome(
                    Verdict.UNKNOWN if letter.delivery_id in self.intended else Verdict.UNSENT,
                    "lane-failed",
                    name,
                    stops=True,
                )
                for letter in letters
            ]
        finally:
            self.waits["relay"] += time.monotonic() - begun

    async def _intend(self, letters: Sequence[Letter]) -> set[int]:
        letters = [letter for letter in letters if self.intake.is_current(letter)]
        future, begun = asyncio.get_running_loop().create_future(), time.monotonic()
        self.intents.append((letters, future))
        self.wake.set()
        granted = await future
        waited = time.monotonic() - begun
        self.waits["ledger"] += waited
        self.waits["relay"] -= waited  # which counts the whole of a lane's time
        self.intended |= granted
        return granted

    def _settle(self, letter: Letter, outcome: Outcome) -> None:
        self.tally[outcome.verdict.value] += 1
        event = door.refused(letter, outcome, source=self.transport.name, now=timezone.now())
        self.gone += [event] if event else []
        outcome = outcome.hiding(letter.address)
        if outcome.verdict is not Verdict.WITHDRAWN:
            self.entries.append(ledger.entry_for(letter.delivery_id, letter.attempt, outcome))
        elif self.intake.is_current(letter):
            self.withdrawn.append((letter.delivery_id, letter.attempt))
        self.intake.let_go(letter)
        if outcome.backs_off or outcome.stops:
            self.trouble = outcome
            self._stop()
        # The lane's next intent is but a moment away: one commit for both.
        asyncio.get_running_loop().call_later(GATHER_SECONDS, self.wake.set)

    # --- the ledger -----------------------------------------------------------------------------------------------

    async def _commit_until_finished(self) -> None:
        while not self.finished or self.entries or self.withdrawn or self.gone or self.intents:
            await self.wake.wait()
            self.wake.clear()
            if not (self.entries or self.withdrawn or self.gone or self.intents):
                continue  # it went along with an intent
            entries, self.entries = self.entries, []
            withdrawn, self.withdrawn = self.withdrawn, []
            gone, self.gone = self.gone, []
            intents, self.intents = self.intents, []
            asked = [(letter.delivery_id, letter.attempt) for letters, _future in intents for letter in letters]
            granted, sending = await self._db(self._commit, entries, withdrawn, gone, asked)
            for letters, future in intents:
                if not future.cancelled():
                    future.set_result({letter.delivery_id for letter in letters} & granted)
            if not sending:
                self._stop()
            if self.trouble and not self.braked:
                self.braked = True
                await self._db(self._brake, self.trouble)

    def _commit(self, entries, withdrawn, gone, asked) -> tuple[set[int], bool]:
        """One commit for what has gathered. Whether the edition is still being sent is asked when in doubt."""
        now = timezone.now()
        granted = ledger.settle(entries, asked, worker=self.worker, now=now)
        if withdrawn:
            ledger.withdraw(withdrawn, worker=self.worker, now=now)
        if gone:
            tracking.apply(gone, now=now)
        elif any(entry.why == "hard-bounce" for entry in entries):
            brakes.check_breakers(self.edition_id)
        if self.tally[Verdict.ACCEPTED.value] and not self.released and not self.braked:
            brakes.release(self.edition_id)
            self.released = True
        doubt = len(granted) < len(asked)
        return granted, not doubt or Edition.objects.going(at=now).filter(pk=self.edition_id).exists()

    def _brake(self, outcome: Outcome) -> None:
        if outcome.stops:
            brakes.stop(self.edition_id, reason=outcome.detail or outcome.why)
        else:
            brakes.back_off(
                self.edition_id, error=outcome.detail or outcome.why, wait=outcome.retry_after, now=timezone.now()
            )

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            ids = list(self.intake.current)
            await self._db(ledger.extend, ids, worker=self.worker, lease=self.lease, now=timezone.now())
            if self._is_over() or time.monotonic() > self.deadline:
                # A lane may wait ten minutes for the answer to a dot; whom it was to serve next shall not.
                ids = [letter.delivery_id for letter in self._let_go()]
                await self._db(ledger.give_back, self.edition_id, worker=self.worker, now=timezone.now(), ids=ids)

    def _let_go(self) -> list[Letter]:
        """All letters that could have left by now."""
        waiting = [letter for reserved in self.reserved for letter in reserved]
        for reserved in self.reserved:
            reserved.clear()
        while letters := self.intake.take():
            waiting += letters
        for letter in waiting:
            self.intake.let_go(letter)
        return waiting

    async def _tell(self) -> None:
        while True:
            await self._db(self._note)
            await asyncio.sleep(TELL_SECONDS)

    def _note(self) -> None:
        shifts.note(
            worker=self.worker,
            edition_id=self.edition_id,
            lanes=self.lanes,
            letters=self.tally.total(),
            waits=self.waits,
            now=timezone.now(),
        )

    def _leave(self) -> None:
        """Nothing stays in hand, and no moment is wasted that others could use."""
        returned = ledger.give_back(self.edition_id, worker=self.worker, now=timezone.now())
        returned += self.tally[Verdict.UNSENT.value] + self.tally[Verdict.WITHDRAWN.value]
        pacing.give_back(returned, transport=self.transport.name, now=timezone.now())
        if self.tally:
            self._note()

    async def _db(self, function: Callable, *args, **kwargs):
        """Run on the calling thread."""
        return await self._here(_patiently, function, *args, **kwargs)


def _patiently(function: Callable, *args, **kwargs):
    """While the database is away, wait for it: what is known is not forgotten."""
    while True:
        try:
            return function(*args, **kwargs)
        except (OperationalError, InterfaceError) as error:
            log.warning("The database does not answer (%s); trying again.", type(error).__name__)
            connection.close()
            time.sleep(1)
