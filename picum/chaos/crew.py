"""The workers of the drill, and who starts them again when they have died."""

import os
import random
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from picum.chaos.site import Program, Site

AGAIN_AFTER = 1.0  # seconds, as a supervisor waits


@dataclass
class Post:
    """A place that is always filled: when its program has ended, another one is started."""

    name: str
    command: tuple[str, ...]
    processes: int  # that send, hence each with SENDING_CONNECTIONS letters in flight at most
    program: Program | None = None
    again_at: float = 0.0
    stopped: bool = False

    def fill(self, site: Site) -> None:
        self.program = site.start(*self.command)
        self.program.may_end = True
        self.again_at = 0.0

    def has(self, pid: int) -> bool:
        """Whether this process is the post's program, or one of its children."""
        with suppress(ProcessLookupError):
            return os.getpgid(pid) == self.program.process.pid
        return False


class Crew:
    """`tend` is called again and again and fills empty posts."""

    def __init__(self, site: Site, posts: list[Post]):
        self.site, self.posts, self.open = site, posts, True

    def start(self) -> None:
        for post in self.posts:
            post.fill(self.site)

    def tend(self) -> None:
        for post in self.posts:
            if not self.open or not post.program.is_over():
                continue
            if not post.again_at:
                post.again_at = time.monotonic() + AGAIN_AFTER
            elif time.monotonic() >= post.again_at:
                post.fill(self.site)

    def victim(self, dice: random.Random, ports: Collection[int]) -> Post | None:
        """A post whose program is alive, not stopped, and has a connection from one of these ports: who sleeps or
        starts holds nothing that could be lost."""
        alive = [post for post in self.posts if post.processes and not post.stopped and not post.program.is_over()]
        holders = holders_of(ports)
        busy = alive if holders is None else [post for post in alive if any(map(post.has, holders.values()))]
        return dice.choice(busy) if busy else None

    def dismiss(self, seconds: float = 20) -> None:
        """Ask all of them to end what they have in hand and go."""
        self.open = False
        for post in self.posts:
            post.program.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not all(post.program.is_over() for post in self.posts):
            time.sleep(0.05)
        for post in self.posts:
            post.program.kill()


def holders_of(ports: Collection[int]) -> dict[int, int] | None:
    """Which process holds the connection from each of these local ports; None where /proc does not say."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        return None
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    local = [(int(row[1].rpartition(":")[2], 16), f"socket:[{row[9]}]") for row in rows]
    port_of = {socket: port for port, socket in local if port in ports}
    holders = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended, or is not ours
            for link in (process / "fd").iterdir():
                if port := port_of.get(os.readlink(link)):
                    holders[port] = int(process.name)
    return holders


def celery(folder: Path, *, workers: int, children: int, beats: int) -> list[Post]:
    """As in production, but with more than one beat."""
    common = ("-m", "celery", "-A", "picum")
    quiet = ("--loglevel", "INFO", "--without-gossip", "--without-mingle")
    sending = [
        Post(f"worker {n}", (*common, "worker", "-c", str(children), "-n", f"w{n}@chaos", *quiet), children)
        for n in range(1, workers + 1)
    ]
    schedules = [(*common, "beat", "-s", str(folder / f"beat{n}"), "--pidfile=") for n in range(1, beats + 1)]
    return sending + [Post(f"beat {n}", command, 0) for n, command in enumerate(schedules, 1)]


def commands(slug: str, *, number: int) -> list[Post]:
    """Several people who all typed the command that sends and waits: what a site without a broker has."""
    return [Post(f"sender {n}", ("manage.py", "send_issue", slug, "--wait"), 1) for n in range(1, number + 1)]
