"""A PostgreSQL cluster and a Redis of the drill's own, in its folder and on free ports. Never the machine's."""

import os
import pwd
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import redis

from picum.chaos.site import Failed, Program, Site

STARTS_WITHIN = 30  # seconds
IMMEDIATE, FAST = signal.SIGQUIT, signal.SIGINT  # how the postmaster is asked to stop: a crash, or in order


def missing() -> list[str]:
    """Which of the two this machine lacks, by name."""
    found = {"PostgreSQL (initdb, postgres)": postgres_programs(), "redis-server": shutil.which("redis-server")}
    return [name for name, path in found.items() if not path]


def postgres_programs() -> Path | None:
    """The folder of initdb and postgres: Debian keeps them out of the PATH."""
    initdb = shutil.which("initdb")
    folders = [Path(initdb).resolve().parent] if initdb else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    return next((folder for folder in folders if {"initdb", "postgres"} <= set(os.listdir(folder))), None)


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdecimal() else 0


def unprivileged() -> str | None:
    """Whom PostgreSQL runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Postgres:
    """One cluster with fsync and synchronous_commit on, as the promises of the send engine demand."""

    def __init__(self, site: Site, folder: Path, url: str):
        """Makes the cluster that the URL speaks of, and starts it."""
        self.site, self.folder, self.url = site, folder, url
        self.programs, self.user = postgres_programs(), unprivileged()
        parts = urlsplit(url)
        self.port = str(parts.port)
        self.folder.mkdir(mode=0o700)
        note = self.folder / "password"
        note.write_text(parts.password, encoding="utf-8")
        if self.user:
            for path in (note, self.folder):
                shutil.chown(path, self.user)
        options = ["-U", parts.username, "--pwfile", note, "--auth", "scram-sha-256", "-E", "UTF8", "--locale", "C"]
        command = [self.programs / "initdb", "-D", self.folder / "data", "--no-sync", *options]
        site.run(*command, user=self.user).ends()
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "on",
                   "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "64MB"}  # fmt: skip
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        self.program = self.site.run(self.programs / "postgres", "-D", self.folder / "data", *words, user=self.user)
        _wait_for(self._answers, self.program)

    def _answers(self) -> None:
        psycopg2.connect(self.url, connect_timeout=2).close()

    def stop(self, how: signal.Signals) -> None:
        """By the postmaster alone, as pg_ctl does: it sees to its children."""
        self.program.may_end = True
        os.kill(self.program.process.pid, how)
        self.program.process.wait(60)

    def close(self) -> None:
        """It gives its shared memory back, which after a kill -9 it could not."""
        if not self.program.is_over():
            self.stop(IMMEDIATE)

    def settings(self) -> dict[str, str]:
        """What the server says of its own durability."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')")
            return dict(cursor.fetchall())


class Redis:
    """A broker that keeps nothing on disk: killed, it comes back empty."""

    def __init__(self, site: Site, folder: Path, url: str):
        self.site, self.folder, self.url = site, folder, url
        self.folder.mkdir()
        self.start()

    def start(self) -> None:
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", self.folder]
        port = str(urlsplit(self.url).port)
        self.program = self.site.run(shutil.which("redis-server"), "--port", port, *options)
        _wait_for(self.client.ping, self.program)

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_connect_timeout=2)

    def flush(self) -> int:
        """FLUSHALL; how many keys were lost."""
        with closing(self.client) as client:
            keys = client.dbsize()
            client.flushall()
            return keys

    def kill(self) -> None:
        self.program.kill()


def _wait_for(answers: Callable[[], object], program: Program) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        with suppress(psycopg2.OperationalError, redis.ConnectionError, redis.TimeoutError):
            answers()
            return
        if program.is_over() or time.monotonic() > deadline:
            raise Failed(f"{program} does not answer:\n{program.log[-3000:]}")
        time.sleep(0.05)
