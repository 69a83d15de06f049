"""A whole site of its own on this machine: real processes against a database and a broker that nobody else uses.

The chaos drill and the tests start theirs here. A site knows its own settings and nothing of the environment's: what
it starts it ends, by process id.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from django.conf import settings

from picum.chaos.relay import Relay

ROOT = Path(settings.BASE_DIR)
# Of the environment a site gets what a program needs to run at all.
KEPT = ("PATH", "HOME", "USER", "LANG", "TMPDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT")
_number = count(1)


class Failed(AssertionError):
    """A program of the site did not do what it should; the message carries the end of its log."""


class Site:
    """`manage` runs a command to its end, `start` one that stays. `environment` overrides the site's settings."""

    def __init__(self, folder: Path, relay: Relay, *, database: str, broker: str, **environment: str):
        self.folder, self.relay = folder, relay
        self.environment = surroundings() | {
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": broker,
            "EMAIL_URL": relay.url,
            "VAR_DIR": str(folder),
            "DEBUG": "true",
            "SECRET_KEY": settings.SECRET_KEY,
            "ADDRESS_KEY": settings.ADDRESS_KEY,
            "SITE_URL": settings.SITE_URL,
            "SENDING_LEASE_SECONDS": "3",
            "SENDING_RECONCILE_SECONDS": "1",
            **environment,
        }
        self.programs: list[Program] = []

    def start(self, *command: str | Path) -> "Program":
        """A Python program of the site, such as ("manage.py", "send_issue", "next")."""
        return self.run(sys.executable, "-W", "ignore::DeprecationWarning", *command)

    def run(self, *command: str | Path, user: str | None = None) -> "Program":
        """Any program that shall not outlive the site; `user`: whom root runs it as."""
        self.programs.append(program := Program(self, command, user=user))
        return program

    def manage(self, *command: str | Path, seconds: float = 120, code: int = 0) -> str:
        """What the command wrote, once it has ended with `code`."""
        return self.start("manage.py", *command).ends(seconds, code=code)

    def worker(self, *, children: int = 2) -> "Program":
        """A Celery worker that forks, as in production."""
        return self.start("-m", "celery", "-A", "picum", "worker", "-c", str(children), "-n", f"w{next(_number)}@test",
                            "--loglevel", "INFO", "--without-gossip", "--without-mingle")  # fmt: skip

    def beat(self) -> "Program":
        schedule = self.folder / f"beat{next(_number)}"
        return self.start("-m", "celery", "-A", "picum", "beat", "-s", schedule, "--pidfile=")

    def report(self, slug: str = "next") -> dict:
        return json.loads(self.manage("delivery_report", slug, "--json"))

    def wait_until(self, condition: Callable[[], object], seconds: float = 90) -> None:
        """Ask again and again; raises Failed in time, and when a program of the site died meanwhile."""
        deadline = time.monotonic() + seconds
        while not condition():
            for program in self.programs:
                if program.is_over() and not program.may_end:
                    raise Failed(f"{program} died:\n{program.log}")
            if time.monotonic() > deadline:
                logs = "\n".join(f"{program}:\n{program.log[-3000:]}" for program in self.programs)
                raise Failed(f"Waited {seconds} s in vain.\n{logs}")
            time.sleep(0.1)

    def close(self) -> None:
        for program in self.programs:
            program.kill()


class Program:
    """A process of a site, and the group of its children."""

    def __init__(self, site: Site, command: tuple[str | Path, ...], *, user: str | None = None):
        self.name, self.may_end = " ".join(map(str, command)).removeprefix(sys.executable), False
        self.path = site.folder / f"{next(_number)}.log"
        with self.path.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own programs
                command,
                cwd=ROOT if user is None else "/",
                env=site.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its children are in its group, and no Ctrl-C of ours reaches them
                user=user,
                extra_groups=None if user is None else [],
            )

    def __str__(self) -> str:
        return self.name

    @property
    def log(self) -> str:
        return self.path.read_text(errors="replace")

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def ends(self, seconds: float = 120, *, code: int = 0) -> str:
        """What it wrote, once it has ended with `code` (-9: killed). Raises Failed."""
        self.may_end = True
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self} did not end within {seconds} s:\n{self.log[-3000:]}") from None
        if self.process.returncode != code:
            raise Failed(f"{self} ended with {self.process.returncode}:\n{self.log[-5000:]}")
        return self.log

    def signal(self, number: int) -> None:
        """To it and its children at once."""
        with suppress(ProcessLookupError):  # all of them have ended
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, it and its children at once: the machine's plug."""
        self.may_end = True
        self.signal(signal.SIGKILL)
        self.process.wait(10)


def surroundings() -> dict[str, str]:
    """What of our environment a site's programs get. What the project's .env says is silenced: an empty variable
    counts as not set, and stands in .env's way."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(("LC_", "PYTHON"))}
    return dict.fromkeys(_names(ROOT / ".env"), "") | kept


def _names(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition("=")[0].strip() for line in lines if "=" in line and not line.lstrip().startswith("#")]
    # Anymail's settings are read by prefix, none may be empty; without a provider nobody asks for them.
    return [name for name in names if not name.startswith("ANYMAIL_")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
