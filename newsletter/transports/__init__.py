"""The seam to the wire: what a transport is given, and the one vocabulary in which it answers.

A transport opens lanes; a lane carries letters one after the other (or a few at once, where a provider takes a
batch). Before the point of no return (the final dot; the POST) a lane asks `intend`, which commits that the attempt
is made and names the deliveries it may still be made for. Everything a wire can do becomes an `Outcome`.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from newsletter.mime import Letter


class Verdict(StrEnum):
    """What became of a letter."""

    ACCEPTED = "accepted"  # the relay or provider took it
    REFUSED = "refused"  # never: this recipient or this letter
    LATER = "later"  # provably not taken; try this one again after a while
    UNSENT = "unsent"  # it did not come to an attempt; the letter goes back to the queue
    WITHDRAWN = "withdrawn"  # the intent was not granted: no longer ours, or the reader has left
    UNKNOWN = "unknown"  # the point of no return was passed and no answer came


@dataclass(frozen=True)
class Outcome:
    """An answer. `why` is a short code for the ledger ("hard-bounce", "policy", "connect"), `detail` the wire's own
    words without addresses; `retry_after` seconds; `backs_off`: the whole edition slows down; `stops`: it pauses."""

    verdict: Verdict
    why: str = ""
    detail: str = ""
    retry_after: float | None = None
    backs_off: bool = False
    stops: bool = False

    def hiding(self, address: str) -> "Outcome":
        """The same without the name of the reader's mailbox, which a relay may quote without its domain."""
        name = address.rpartition("@")[0]
        if len(name) < 3 or name.casefold() not in self.detail.casefold():
            return self
        named = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
        return replace(self, detail=named.sub("…", self.detail))


Intend = Callable[[Sequence[Letter]], Awaitable[set[int]]]
"""Given letters, commits the intent and returns the delivery ids it was granted for."""


Following = Callable[[], Letter | None]
"""The letter with which this lane will be asked next, if that is settled; a wire may begin it early."""


def nothing_follows() -> None:
    return None


class Lane(Protocol):
    """One connection. Not shared: a lane is used by one coroutine."""

    async def send(
        self, letters: Sequence[Letter], intend: Intend, following: Following = nothing_follows
    ) -> list[Outcome]:
        """Outcomes in the order of the letters. Raises nothing but CancelledError."""

    async def close(self) -> None:
        """Say goodbye; an error on the way out changes nothing."""


class Transport(Protocol):
    """How mail leaves: chosen by EMAIL_URL."""

    name: str
    batch: int  # letters a lane takes at once
    lanes: int  # connections that a worker opens at most

    def lane(self) -> Lane: ...
