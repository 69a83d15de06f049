"""`manage.py run`, in a process of its own, with a folder and ports of its own."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
READY = "Ctrl-C stops everything.\n"


class Run:
    """As a newcomer's terminal starts it: a session where Ctrl-C reaches every process, no setting of a developer's."""

    def __init__(self, folder: Path, *, readers: int, members: int = 12, rate: int = 50):
        """`rate`: mails a second, slow enough to be watched."""
        self.folder, self.readers, self.members, self.rate = folder, readers, members, rate
        self.log = folder / "terminal.log"
        self.port, self.mail_port = _free_port(), _free_port()
        self.process: subprocess.Popen | None = None

    def start(self) -> float:
        """Returns when it says that it is ready, with the seconds that this took."""
        began = time.monotonic()
        ports = [f"--port={self.port}", f"--mail-port={self.mail_port}"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run", *ports, *self._sizes()],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while READY not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < began + 120, self.said
            time.sleep(0.05)
        return time.monotonic() - began

    def _sizes(self) -> list[str]:
        return [f"--subscribers={self.readers}", f"--members={self.members}"]

    @property
    def environment(self) -> dict[str, str]:
        """What counts here is set, for a .env may say something else."""
        return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
            "DEBUG": "true",
            "SECRET_KEY": "the key of a newcomer, which opens nothing but this test",
            "VAR_DIR": str(self.folder),
            "DATABASE_URL": f"sqlite:///{self.folder}/picum.sqlite3",
            "CELERY_BROKER_URL": "memory://localhost/",
            "SENDING_RATE": str(self.rate),
        }

    def press_ctrl_c(self) -> int:
        """The exit code; fails after ten seconds without one."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(10)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def said_since_it_was_ready(self) -> str:
        return self.said.partition(READY)[2]

    def told(self, what: str) -> list[str]:
        """The words behind "The desk", or another name in the table that it prints."""
        return re.search(rf"^ +{what} {{2,}}(.+)$", self.said, re.MULTILINE)[1].split()

    @property
    def site(self) -> str:
        return self.told("The site")[0]

    @property
    def mail_box(self) -> str:
        return self.told("The mail box")[0]

    def rows(self, sql: str, *values) -> list[tuple]:
        """What its database says."""
        with closing(sqlite3.connect(f"file:{self.folder / 'picum.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute(sql, values).fetchall()

    @property
    def left_over(self) -> list[str]:
        """What is there although it should not be: a process of its group, a listener on its ports."""
        found = [f"port {port}" for port in (self.port, self.mail_port) if _answers(port)]
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return found
        return [*found, "a process"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
