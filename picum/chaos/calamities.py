"""What happens to the machine: processes die or freeze, the database and the broker go away and come back."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from picum.chaos.crew import Crew, Post, holders_of
from picum.chaos.judge import Doubt
from picum.chaos.servers import FAST, IMMEDIATE, Postgres, Redis
from picum.chaos.wire import Wire

KILL, STOP, DATABASE = 1, 2, 3  # the surest explanation of an unknown letter first


@dataclass
class Blow:
    """One thing that may leave letters in doubt, `most` of them; it began and was over at these monotonic moments.
    `ports`: from which the process that was hit talked to the relay, as far as the machine tells."""

    name: str
    kind: int
    start: float
    end: float
    most: int
    ports: frozenset[int] = frozenset()


@dataclass
class Calamities:
    """`strike(kind)` does it, or returns False when it cannot be done now; `tend` does what is due later."""

    crew: Crew
    wire: Wire
    dice: random.Random
    tell: Callable[[str, str], float]
    connections: int
    lease: float
    postgres: Postgres | None = None
    redis: Redis | None = None
    blows: list[Blow] = field(default_factory=list)
    losses: list[tuple[str, float]] = field(default_factory=list)  # of the broker: name, moment
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def kinds(self, number: int) -> list[str]:
        """That many: a kill -9 first, then in turn one of the others and a kill -9 again."""
        others = ["freeze"]
        if self.postgres:
            others += ["postgres crash", "postgres restart"]
        if self.redis:
            others += ["redis flush", "redis kill"]
        self.dice.shuffle(others)
        kills = ["kill", "kill at the dot", "kill a child"] if self.redis else ["kill", "kill at the dot"]
        return [others[at // 2 % len(others)] if at % 2 else kills[at // 2 % len(kills)] for at in range(number)]

    def strike(self, kind: str) -> bool:
        return {
            "kill": self.kill,
            "kill at the dot": self.kill_at_the_dot,
            "kill a child": self.kill_a_child,
            "freeze": self.freeze,
            "postgres crash": lambda: self.stop_postgres(IMMEDIATE, "immediate stop of PostgreSQL, a crash"),
            "postgres restart": lambda: self.stop_postgres(FAST, "fast stop of PostgreSQL"),
            "redis flush": self.flush,
            "redis kill": self.kill_redis,
        }[kind]()

    def tend(self) -> None:
        now = time.monotonic()
        for entry in [entry for entry in self.later if entry[0] <= now]:
            self.later.remove(entry)
            entry[1]()

    @property
    def pending(self) -> bool:
        """Whether something that was taken away has yet to come back."""
        return bool(self.later)

    def doubts(self) -> dict[str, Doubt]:
        return {blow.name: Doubt(blow.name, blow.most) for blow in self.blows}

    # --- processes ----------------------------------------------------------------------------------------------

    def kill(self) -> bool:
        post = self._victim()
        if post:
            self._kill(post, f"with its {post.processes} children" if post.processes > 1 else "")
        return bool(post)

    def kill_at_the_dot(self) -> bool:
        """Whoever sends the next mail is killed when the relay has all of it and has not answered."""
        return self._lie_in_wait("dot", self._kill)

    def freeze(self) -> bool:
        """SIGSTOP before the point of no return, for longer than the lease: its letters are given away, and then it
        wakes up and goes on where it was."""
        return self._lie_in_wait("DATA", self._stop)

    def _lie_in_wait(self, step: str, deed: Callable[[Post, str], None]) -> bool:
        def ambush(address: str, port: int) -> bool:
            post = self.crew.victim(self.dice, [port])
            if post:
                deed(post, f"at the {step} of {address}")
            return bool(post)

        return self.wire.at_next(step, ambush)

    def _victim(self) -> Post | None:
        return self.crew.victim(self.dice, set(self.wire.peers.copy().values()))

    def _kill(self, post: Post, words: str) -> None:
        ports, start = self._ports_of(post), time.monotonic()
        post.program.kill()
        moment = self.tell("kill -9", f"{post.name} {words}".strip())
        name = f"kill -9 of {post.name} at {moment:.1f} s"
        self.blows.append(Blow(name, KILL, start, time.monotonic(), self._in_flight(post), ports))

    def kill_a_child(self) -> bool:
        """As the kernel does when memory is short: its worker lives on and forks another one."""
        post = self._victim()
        children = {port: pid for port, pid in self._holders().items() if post and post.has(pid)}
        if not children:
            return False
        child, start = self.dice.choice(sorted(set(children.values()))), time.monotonic()
        os.kill(child, signal.SIGKILL)
        moment = self.tell("kill -9", f"a child of {post.name}")
        name = f"kill -9 of a child of {post.name} at {moment:.1f} s"
        ports = frozenset(port for port, pid in children.items() if pid == child)
        self.blows.append(Blow(name, KILL, start, time.monotonic(), self.connections, ports))
        return True

    def _stop(self, post: Post, words: str) -> None:
        program, post.stopped, start = post.program, True, time.monotonic()
        program.signal(signal.SIGSTOP)
        moment = self.tell("SIGSTOP", f"{post.name} {words}")
        name = f"SIGSTOP of {post.name} at {moment:.1f} s"
        blow = Blow(name, STOP, start, float("inf"), self._in_flight(post), self._ports_of(post))
        self.blows.append(blow)

        def wake() -> None:
            program.signal(signal.SIGCONT)
            post.stopped, blow.end = False, time.monotonic()
            self.tell("SIGCONT", f"{post.name} comes back as a zombie")

        self._in(self.lease + 3, wake)

    def _holders(self) -> dict[int, int]:
        """Who talks to the relay: process ids by port."""
        return holders_of(set(self.wire.peers.copy().values())) or {}

    def _ports_of(self, post: Post) -> frozenset[int]:
        return frozenset(port for port, pid in self._holders().items() if post.has(pid))

    def _in_flight(self, post: Post) -> int:
        return post.processes * self.connections

    # --- servers ------------------------------------------------------------------------------------------------

    def stop_postgres(self, how: signal.Signals, words: str) -> bool:
        if "postgres" in self.down:
            return False
        self.down.add("postgres")
        start = time.monotonic()
        self.postgres.stop(how)
        moment = self.tell("database", words)
        blow = Blow(f"{words} at {moment:.1f} s", DATABASE, start, float("inf"), most=0)  # G5
        self.blows.append(blow)

        def back() -> None:
            self._start("postgres", self.postgres.start)
            blow.end = time.monotonic()

        self._in(self.dice.uniform(0.2, 3), back)
        return True

    def flush(self) -> bool:
        if "redis" in self.down:
            return False
        keys = self.redis.flush()
        moment = self.tell("broker", f"FLUSHALL of Redis, {keys} keys gone")
        self.losses.append((f"FLUSHALL at {moment:.1f} s", time.monotonic()))
        return True

    def kill_redis(self) -> bool:
        if "redis" in self.down:
            return False
        self.down.add("redis")
        self.redis.kill()
        moment = self.tell("broker", "kill -9 of Redis; it will come back empty")
        self.losses.append((f"kill -9 of Redis at {moment:.1f} s", time.monotonic()))
        self._in(self.dice.uniform(2, 5), lambda: self._start("redis", self.redis.start))
        return True

    def _start(self, name: str, start: Callable[[], None]) -> None:
        start()
        self.down.discard(name)
        self.tell("database" if name == "postgres" else "broker", "is back")

    def _in(self, seconds: float, deed: Callable[[], None]) -> None:
        self.later.append((time.monotonic() + seconds, deed))
