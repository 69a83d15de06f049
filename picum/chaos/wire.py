"""The drill's relay: it misbehaves by a plan, and its own log of what it took is what the ledger is held against."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from picum.chaos.relay import ACCEPT_THEN_DROP, DROP, Conversation, Late, Received, Relay

HANGS = 6.0  # seconds; longer than a lease of the drill


@dataclass(frozen=True)
class Fault:
    """What the relay does to one letter, or to one connection. `for_good`: each time, else once; `doubt`: how many
    letters it leaves in doubt."""

    name: str
    step: str
    action: str | Late
    for_good: bool = False
    doubt: int = 0

    @property
    def words(self) -> str:
        """What the relay says with it; "" when it only acts."""
        return self.action if isinstance(self.action, str) and self.action[0].isdigit() else ""


# Met by a letter, whoever carries it.
OF_LETTERS = (
    Fault("5xx at RCPT", "RCPT", "550 5.1.1 no such mailbox", for_good=True),
    Fault("cut after the dot, mail taken", "dot", ACCEPT_THEN_DROP, doubt=1),
    Fault("4xx at the dot", "dot", "452 4.3.1 no room, later"),
    # Words and dot leave in one go: on a slow machine they may be under way before the cut is noticed.
    Fault("cut before the dot", "DATA", f"354 go on\r\n{DROP}", doubt=1),
    Fault("hang after the dot, then 250", "dot", Late(HANGS), doubt=1),
    Fault("421 at RCPT", "RCPT", f"421 4.3.2 closing\r\n{DROP}"),
    Fault("4xx at RCPT", "RCPT", "450 4.2.1 busy"),
    Fault("cut after the dot, mail lost", "dot", DROP, doubt=1),
    Fault("cut at RCPT", "RCPT", DROP),
    Fault("4xx at DATA", "DATA", "451 4.3.0 later"),
    Fault("hang before the dot, then cut", "DATA", Late(HANGS, DROP)),
    Fault("5xx at the dot", "dot", "554 5.6.0 not like this", for_good=True),
    Fault("421 at the dot", "dot", f"421 4.3.2 closing\r\n{DROP}"),
    Fault("hang after the dot, then cut, mail taken", "dot", Late(HANGS, ACCEPT_THEN_DROP), doubt=1),
    Fault("hang after the dot, then cut, mail lost", "dot", Late(HANGS, DROP), doubt=1),
    Fault("cut at DATA", "DATA", DROP),
)
# Said of our mail as a whole: the edition pauses, and a person lets it go on. Once a run.
POLICY = Fault("5.7.1 at the dot", "dot", "554 5.7.1 your mail looks odd", for_good=True)
# Met by whoever comes at that moment. Each once a run: one after the other would slow the edition down for minutes.
OF_CONNECTIONS = (
    Fault("4xx at MAIL", "MAIL", "451 4.3.0 later"),
    Fault("421 at the greeting", "connect", f"421 4.3.2 too many connections\r\n{DROP}"),
    Fault("cut at MAIL", "MAIL", DROP),
    Fault("cut at the greeting", "connect", DROP),
    Fault("5xx at MAIL", "MAIL", "550 5.1.8 who are you?"),
)


def plan(addresses: Iterable[str], *, dice: random.Random) -> dict[str, Fault]:
    """Which letters meet which fault: two of a hundred, each kind in turn."""
    shuffled = list(addresses)
    dice.shuffle(shuffled)
    number = max(3, len(shuffled) // 50)
    kinds = [OF_LETTERS[at % len(OF_LETTERS)] for at in range(number)]
    kinds += [POLICY] if len(shuffled) >= 200 else []
    return dict(zip(shuffled, kinds, strict=False))


@dataclass
class Carried:
    """The last connection that carried a letter."""

    connection: int
    port: int
    moment: float


class Wire(Relay):
    """A relay with a plan. `tell(name, whom)` hears of each fault as it happens.

    `log` and `moments`: recipients and monotonic moments of what was taken, in this order; `path` holds the same, so
    that it outlives the drill. `refused`: who was refused for good. `carried` and `ended`: which connection had a
    letter last, and when that connection came to its end.
    """

    def __init__(self, faults: Mapping[str, Fault], *, port: int, delay: float, path: Path, dice: random.Random,
                 tell: Callable[[str, str], None]):  # fmt: skip
        super().__init__(self._misbehave, port=port, delay=delay)
        self.faults, self.tell, self.dice = dict(faults), tell, dice
        self.path, self.file = path, path.open("a", encoding="ascii", buffering=1)
        self.log: list[str] = []
        self.moments: list[float] = []
        self.happened: dict[str, Fault] = {}
        self.refused: set[str] = set()
        self.carried: dict[str, Carried] = {}
        self.ended: dict[int, float] = {}
        self.peers: dict[int, int] = {}  # of the open connections: number, the other side's port
        self.waiting: list[Fault] = []
        self.ambushes: dict[str, Callable[[str, int], bool]] = {}  # by step
        self.lock = threading.Lock()

    def conversation(self, reader, writer, number: int) -> Conversation:
        return _Talk(self, reader, writer, number)

    def accept(self, mail: Received) -> None:
        with self.arrived:
            self.log.append(mail.recipient)
            self.moments.append(time.monotonic())
            self.file.write(f"{time.time():.3f} {mail.recipient}\n")
            self.arrived.notify_all()

    def at_next(self, step: str, ambush: Callable[[str, int], bool]) -> bool:
        """At the next "DATA" or "dot", before it is answered, call this with the recipient and the port they came from;
        it says whether it hit anybody. False when another one lies in wait there already."""
        with self.lock:
            return self.ambushes.setdefault(step, ambush) is ambush

    def _misbehave(self, step: str, argument: str) -> str | Late | None:
        address = argument.partition("<")[2].partition(">")[0] if step == "RCPT" else argument
        with self.lock:
            ambush = self.ambushes.pop(step, None) if address in self.carried else None
        if ambush and ambush(address, self.carried[address].port):
            # A mail whose sender is gone is taken or not: nobody can tell from the other side which it was.
            return self.dice.choice([None, DROP]) if step == "dot" else None
        fault = self.faults.get(address) if step in {"RCPT", "DATA", "dot"} else self._of_connections(step)
        if fault is None or fault.step != step:
            return None
        if address not in self.happened or not fault.for_good:
            self.tell(fault.name, address if step in {"RCPT", "DATA", "dot"} else "whoever came")
        if step in {"RCPT", "DATA", "dot"}:
            self.happened[address] = fault
            if fault.for_good:
                self.refused.add(address)
            else:
                del self.faults[address]
        return fault.action

    def _of_connections(self, step: str) -> Fault | None:
        with self.lock:
            fault = next((fault for fault in self.waiting if fault.step == step), None)
            if fault:
                self.waiting.remove(fault)
            return fault


class _Talk(Conversation):
    """Keeps book of who carried what, and tells the script for whom a DATA is."""

    relay: Wire

    @cached_property
    def port(self) -> int:
        return self.writer.get_extra_info("peername")[1]

    async def run(self) -> None:
        self.relay.peers[self.number] = self.port
        try:
            await super().run()
        finally:
            self.relay.ended[self.number] = time.monotonic()
            del self.relay.peers[self.number]

    async def answer(self, step: str, argument: str, usual: str) -> bool:
        if step == "DATA":
            argument = self.recipient or ""
            if self.recipient:
                self.relay.carried[self.recipient] = Carried(self.number, self.port, time.monotonic())
        return await super().answer(step, argument, usual)
