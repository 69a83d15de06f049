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
from collections import Counter, deque
from collections.abc import Callable, Sequence

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from newsletter import brakes, ledger, lifecycle
from newsletter.mime import Letter, Pressing
from newsletter.models import Edition, Rendition
from newsletter.transports import Lane, Outcome, Transport, Verdict
from newsletter.transports.smtp import SMTPTransport

log = logging.getLogger(__name__)
CLAIM_SIZE = 200
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
    tally = async_to_sync(sender.run)()
    complete(edition_id)
    if tally:
        log.info("Edition %s: %s", edition_id, ", ".join(f"{n} {verdict}" for verdict, n in sorted(tally.items())))
    return tally


def complete(edition_id: int) -> bool:
    """Move an edition that has nothing open from sending to sent. One worker wins."""
    if not ledger.is_finished(edition_id):
        return False
    with transaction.atomic():
        # Looked at once more with the row in hand: a freeze may be adding readers to this edition just now.
        edition = Edition.objects.select_for_update().get(pk=edition_id)
        if edition.state != Edition.State.SENDING or not ledger.is_finished(edition_id):
            return False
        lifecycle.move(edition, Edition.State.SENT, by=None, finished_at=timezone.now())
    return True


class Sender:
    """One run over one edition: `run()` once."""

    def __init__(self, edition_id: int, transport: Transport, *, seconds: float, until: Callable[[], bool]):
        self.edition_id, self.transport, self.seconds, self.until = edition_id, transport, seconds, until
        self.worker = uuid.uuid4().hex
        self.lease = datetime.timedelta(seconds=settings.SENDING_LEASE_SECONDS)
        self.letters: deque[tuple[float, Letter]] = deque()  # (monotonic moment before which not, letter)
        self.pressings: dict[int, Pressing] = {}
        self.entries: list[ledger.Entry] = []
        self.withdrawn: list[tuple[int, int]] = []
        self.intents: list[tuple[Sequence[Letter], asyncio.Future]] = []
        self.intended: set[int] = set()  # delivery ids
        self.lanes = 0
        self.tally: Counter = Counter()
        self.trouble: Outcome | None = None  # what the run stops for
        self.stopping = self.fed = self.finished = self.braked = self.released = False

    async def run(self) -> Counter:
        self.deadline = time.monotonic() + self.seconds
        self.work, self.hungry, self.wake = asyncio.Event(), asyncio.Event(), asyncio.Event()
        if not await self._feed():
            return self.tally
        try:
            async with asyncio.TaskGroup() as books:
                committer = books.create_task(self._commit_until_finished())
                keeper = books.create_task(self._keep_lease())
                try:
                    await self._run_lanes()
                finally:  # what is known is written down, whatever happened
                    self.finished = True
                    self.wake.set()
                    await committer
                    keeper.cancel()
        finally:
            await self._db(ledger.give_back, worker=self.worker, now=timezone.now())
        return self.tally

    async def _run_lanes(self) -> None:
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._keep_fed())
            for _number in range(min(settings.SENDING_CONNECTIONS, len(self.letters))):
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
            if self._is_over() or self._is_late() or (self._is_short() and not await self._feed()):
                self.fed = True
            self.work.set()

    def _is_short(self) -> bool:
        """Whether less is in hand than half of what is claimed at once."""
        return len(self.letters) < max(1, brakes.slice_size(CLAIM_SIZE) // 2)

    async def _feed(self) -> int:
        """Claim some more; how many."""
        now = timezone.now()
        limit = brakes.slice_size(CLAIM_SIZE)
        claims = await self._db(
            ledger.claim, self.edition_id, worker=self.worker, limit=limit, lease=self.lease, now=now
        )
        moments = await self._db(brakes.slots, len(claims), transport=self.transport.name, now=now) if claims else []
        await self._press({claim.rendition_id for claim in claims} - self.pressings.keys())
        start = time.monotonic()
        for claim, offset in zip(claims, moments, strict=True):
            letter = Letter(
                claim.delivery_id, claim.attempt, claim.address, claim.handle, self.pressings[claim.rendition_id]
            )
            self.letters.append((start + offset, letter))
        return len(claims)

    async def _press(self, rendition_ids: set[int]) -> None:
        if rendition_ids:
            self.pressings |= await self._db(pressings, rendition_ids)

    async def _next(self) -> list[Letter]:
        """The next letters for a lane, when they are due; none when the run is over."""
        while not self._is_over():
            if self._is_short() and not self.fed:
                self.hungry.set()
            if self._is_late() and not settings.SENDING_RATE:
                break  # under a rate, what has its moment waits for it: the moment would be lost
            if self.letters:
                moment, _letter = self.letters[0]
                if (pause := moment - time.monotonic()) > 0:
                    if moment > self.deadline + self.lease.total_seconds():
                        return []
                    await asyncio.sleep(min(pause, 1))
                    continue
                return [self.letters.popleft()[1] for _n in range(min(self.transport.batch, len(self.letters)))]
            if self.fed:
                break
            self.work.clear()
            await self.work.wait()
        return []

    # --- lanes --------------------------------------------------------------------------------------------------

    async def _drive_lane(self) -> None:
        lane = self.transport.lane()
        self.lanes += 1
        try:
            while letters := await self._next():
                outcomes = await self._send(lane, letters)
                if self.lanes > 1 and all(outcome.why == "connect" for outcome in outcomes):
                    # The relay takes fewer connections than we have: the others carry what this one could not.
                    log.info("One connection less: %s", outcomes[0].detail)
                    self.letters.extendleft((0.0, letter) for letter in reversed(letters))
                    return
                for letter, outcome in zip(letters, outcomes, strict=True):
                    self._settle(letter, outcome)
        finally:
            self.lanes -= 1
            self.hungry.set()
            self.work.set()
            await lane.close()

    async def _send(self, lane: Lane, letters: Sequence[Letter]) -> list[Outcome]:
        """A lane that fails in a way its contract does not know costs its own letters, and pauses the edition."""
        try:
            return await lane.send(letters, self._intend)
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

    async def _intend(self, letters: Sequence[Letter]) -> set[int]:
        future = asyncio.get_running_loop().create_future()
        self.intents.append((letters, future))
        self.wake.set()
        granted = await future
        self.intended |= granted
        return granted

    def _settle(self, letter: Letter, outcome: Outcome) -> None:
        self.tally[outcome.verdict.value] += 1
        if outcome.verdict is Verdict.WITHDRAWN:
            self.withdrawn.append((letter.delivery_id, letter.attempt))
        else:
            self.entries.append(ledger.entry_for(letter.delivery_id, letter.attempt, outcome))
        if outcome.backs_off or outcome.stops:
            self.trouble = outcome
            self._stop()
        self.wake.set()

    # --- the ledger -----------------------------------------------------------------------------------------------

    async def _commit_until_finished(self) -> None:
        while not self.finished or self.entries or self.withdrawn or self.intents:
            await self.wake.wait()
            self.wake.clear()
            entries, self.entries = self.entries, []
            withdrawn, self.withdrawn = self.withdrawn, []
            intents, self.intents = self.intents, []
            asked = [(letter.delivery_id, letter.attempt) for letters, _future in intents for letter in letters]
            granted, sending = await self._db(self._commit, entries, withdrawn, asked)
            for letters, future in intents:
                if not future.cancelled():
                    future.set_result({letter.delivery_id for letter in letters} & granted)
            if not sending:
                self._stop()
            if self.trouble and not self.braked:
                self.braked = True
                await self._db(self._brake, self.trouble)

    def _commit(self, entries, withdrawn, asked) -> tuple[set[int], bool]:
        """One transaction for what has gathered. Whether the edition is still being sent is asked when in doubt."""
        now = timezone.now()
        with transaction.atomic():
            ledger.record(entries, worker=self.worker, now=now)
            granted = ledger.intend(asked, worker=self.worker, now=now)
            if withdrawn:
                ledger.withdraw(withdrawn, worker=self.worker, now=now)
        if self.tally[Verdict.ACCEPTED.value] and not self.released:
            brakes.release(self.edition_id)
            self.released = True
        doubt = len(granted) < len(asked)
        sending = not doubt or Edition.objects.filter(pk=self.edition_id, state=Edition.State.SENDING).exists()
        return granted, sending

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
            await self._db(ledger.extend, worker=self.worker, lease=self.lease, now=timezone.now())

    async def _db(self, function: Callable, *args, **kwargs):
        """Run on the calling thread; while the database is away, wait for it: what is known is not forgotten."""
        while True:
            try:
                return await sync_to_async(function)(*args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                log.warning("The database does not answer (%s); trying again.", type(error).__name__)
                await sync_to_async(_hang_up)()
                await asyncio.sleep(1)


def _hang_up() -> None:
    # A function of its own: `connection` is another one in each thread, and the loop's thread has nothing to close.
    connection.close()


def pressings(rendition_ids: set[int]) -> dict[int, Pressing]:
    """Frozen renditions, ready to print."""
    rows = Rendition.objects.filter(pk__in=rendition_ids).select_related("edition__issue")
    return {
        row.pk: Pressing(
            language=row.edition.language,
            label=row.edition.issue.slug,
            subject=row.subject,
            html=row.html,
            text=row.text,
            marker=row.marker,
        )
        for row in rows
    }
