"""What a sender has in hand: claims that have become letters, in the order of the moments at which they may leave."""

import datetime
import time
from heapq import heappop, heappush
from itertools import count

from django.utils import timezone

from newsletter import ledger, pacing
from newsletter.mime import Letter, Pressing
from newsletter.models import Issue, Rendition
from newsletter.transports import Transport

CLAIM_SIZE = 200
LOOKS = 10  # claims in a row that a limit puts off as a whole, before others are left to it


class Intake:
    """`claim` belongs to the thread of the database, all else to the loop's. `paced`: some letters have a moment that
    was reserved for them."""

    def __init__(self, edition_id: int, transport: Transport, *, worker: str, lease: datetime.timedelta):
        self.edition_id, self.transport, self.worker, self.lease = edition_id, transport, worker, lease
        self.pressings: dict[int, Pressing] = {}
        self.paced = False
        self._letters: list[tuple[float, int, Letter]] = []  # a heap: monotonic moment before which not, number, letter
        self._numbers = count()
        # Who stalls past its lease may claim the same row again. One letter at a time speaks for a delivery: this one.
        self.current: dict[int, Letter] = {}

    def __len__(self) -> int:
        return len(self._letters)

    def is_short(self) -> bool:
        """Whether less is in hand than half of what is claimed at once."""
        return len(self) < max(1, pacing.slice_size(CLAIM_SIZE) // 2)

    def claim(self) -> list[tuple[float, Letter]]:
        """More letters, each with its moment. Claims whose moment is far off go back to the queue until then."""
        for _attempt in range(LOOKS):
            start, now = time.monotonic(), timezone.now()
            limit = pacing.slice_size(CLAIM_SIZE)
            claims = ledger.claim(self.edition_id, worker=self.worker, limit=limit, lease=self.lease, now=now)
            offsets = pacing.moments([claim.address for claim in claims], transport=self.transport.name, now=now)
            pairs = list(zip(claims, offsets, strict=True))
            far = [ledger.put_off(claim, offset) for claim, offset in pairs if offset > pacing.HORIZON]
            ledger.record(far, worker=self.worker, now=now)
            if len(far) < len(claims) or not claims:
                break
        near = [(claim, start + offset) for claim, offset in pairs if offset <= pacing.HORIZON]
        self._press({claim.rendition_id for claim, _moment in near})
        return [(moment, self._letter(claim)) for claim, moment in near]

    def is_current(self, letter: Letter) -> bool:
        return self.current.get(letter.delivery_id) is letter

    def let_go(self, letter: Letter) -> None:
        """Its delivery is settled, or others see to it."""
        if self.is_current(letter):
            del self.current[letter.delivery_id]

    def hold(self, moment: float, letter: Letter) -> None:
        self.current[letter.delivery_id] = letter
        self.paced = self.paced or moment > time.monotonic()
        heappush(self._letters, (moment, next(self._numbers), letter))

    def take(self) -> list[Letter]:
        """Letters that are due at this moment, as many as a lane takes at once."""
        now, taken = time.monotonic(), []
        while self._letters and self._letters[0][0] <= now and len(taken) < self.transport.batch:
            letter = heappop(self._letters)[2]
            taken += [letter] if self.is_current(letter) else []
        return taken

    def pause(self) -> float:
        """Seconds until the first letter is due; there must be one."""
        return max(0.0, self._letters[0][0] - time.monotonic())

    def _letter(self, claim: ledger.Claim) -> Letter:
        pressing = self.pressings[claim.rendition_id]
        return Letter(claim.delivery_id, claim.attempt, claim.address, claim.handle, pressing)

    def _press(self, rendition_ids: set[int]) -> None:
        missing = rendition_ids - self.pressings.keys()
        rows = Rendition.objects.filter(pk__in=missing).select_related("edition__issue") if missing else []
        for row in rows:
            self.pressings[row.pk] = Pressing(
                language=row.edition.language,
                label=row.edition.issue.slug,
                subject=row.subject,
                html=row.html,
                text=row.text,
                marker=row.marker,
                is_circular=row.edition.issue.kind == Issue.Kind.CIRCULAR,
            )
