"""A site of its own for a test: real processes, against a database and a broker that nobody else uses.

`with embedded(folder, relay) as site:` is what a newcomer has, a SQLite file and no broker; `with service(folder,
relay) as site:` a site on PostgreSQL and Redis. Both begin empty and migrated, and within them this process' own ORM
looks into the site's database. What a site starts it ends, by process id.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import environ
import psycopg2
import pytest
import redis
from django.conf import settings
from django.db import connections

from picum.chaos.relay import Relay

ROOT = Path(__file__).parent.parent
_number = count(1)


class Site:
    """`manage` runs a command to its end, `start` one that stays. `environment` overrides the site's settings."""

    def __init__(self, folder: Path, relay: Relay, *, database: str, broker: str, **environment: str):
        self.folder, self.relay = folder, relay
        self.environment = os.environ | {
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

    def run(self, *command: str | Path) -> "Program":
        """Any program that shall not outlive the site."""
        self.programs.append(program := Program(self, command))
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
        """Ask again and again; fails in time, and when a program of the site died meanwhile."""
        deadline = time.monotonic() + seconds
        while not condition():
            for program in self.programs:
                assert program.may_end or program.process.poll() is None, f"{program} died:\n{program.log}"
            assert time.monotonic() < deadline, f"Waited {seconds} s in vain.\n" + "\n".join(
                f"{program}:\n{program.log[-3000:]}" for program in self.programs
            )
            time.sleep(0.1)

    def close(self) -> None:
        for program in self.programs:
            program.kill()


class Program:
    """A process of a site, and the group of its children."""

    def __init__(self, site: Site, command: tuple[str | Path, ...]):
        self.name, self.may_end = " ".join(map(str, command)).removeprefix(sys.executable), False
        self.path = site.folder / f"{next(_number)}.log"
        with self.path.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=site.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # its children are in its group, and no Ctrl-C of ours reaches them
            )

    def __str__(self) -> str:
        return self.name

    @property
    def log(self) -> str:
        return self.path.read_text(errors="replace")

    def ends(self, seconds: float = 120, *, code: int = 0) -> str:
        """What it wrote, once it has ended with `code` (-9: killed)."""
        self.may_end = True
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self} did not end within {seconds} s:\n{self.log[-3000:]}")
        assert self.process.returncode == code, f"{self} ended with {self.process.returncode}:\n{self.log[-5000:]}"
        return self.log

    def kill(self) -> None:
        """kill -9, it and its children at once: the machine's plug."""
        self.may_end = True
        with suppress(ProcessLookupError):  # all of them have ended
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@contextmanager
def embedded(folder: Path, relay: Relay, blocker, **environment: str) -> Iterator[Site]:
    """A site on a SQLite file, without a broker."""
    site = Site(folder, relay, database=f"sqlite:///{folder}/site.sqlite3", broker="memory://localhost/", **environment)
    with _opened(site, blocker):
        yield site


@contextmanager
def service(folder: Path, relay: Relay, blocker, **environment: str) -> Iterator[Site]:
    """A site on a PostgreSQL database and a Redis number of its own; its database is dropped in the end.

    The servers are those of DATABASE_URL and CELERY_BROKER_URL, or the loopback's. Missing, they skip the test,
    or fail it with PICUM_REQUIRE_SERVICES=1.
    """
    server, broker = _servers()
    name = f"picum_test_{os.getpid()}_{next(_number)}"
    _sql(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
    redis.Redis.from_url(broker).flushdb()
    try:
        site = Site(folder, relay, database=f"{server}/{name}", broker=broker, **environment)
        with _opened(site, blocker):
            yield site
    finally:
        _sql(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        redis.Redis.from_url(broker).flushdb()


def _servers() -> tuple[str, str]:
    """The PostgreSQL server, as a URL without a database, and the Redis number."""
    database = os.environ.get("DATABASE_URL", "")
    if not database.startswith("postgres"):
        database = "postgres://root@127.0.0.1:5432/picum"
    broker = os.environ.get("CELERY_BROKER_URL", "")
    if not broker.startswith("redis"):
        broker = "redis://127.0.0.1:6379/9"
    server = database.rpartition("/")[0]
    try:
        _sql(server, "SELECT 1")
        redis.Redis.from_url(broker).ping()
    except (psycopg2.OperationalError, redis.ConnectionError) as error:
        hosts = f"{urlsplit(database).hostname} and {urlsplit(broker).hostname}"
        reason = f"PostgreSQL and Redis must answer on {hosts}: {str(error).splitlines()[0]}"
        if os.environ.get("PICUM_REQUIRE_SERVICES"):
            pytest.fail(reason)
        pytest.skip(reason)
    return server, broker


def _sql(server: str, *statements: str) -> None:
    connection = psycopg2.connect(f"{server}/postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@contextmanager
def _opened(site: Site, blocker) -> Iterator[None]:
    site.manage("migrate", "-v0")
    with blocker.unblock(), _looking_into(site.environment["DATABASE_URL"]):
        try:
            yield
        finally:
            site.close()


@contextmanager
def _looking_into(url: str) -> Iterator[None]:
    """Let this process' default connection be one to another database; threads get their own, as ever."""
    ours, before = connections["default"], connections.settings["default"]
    there = before | environ.Env.db_url_config(url)
    there["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20} if url.startswith("sqlite") else {}
    connections.settings["default"] = there
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = before
        connections["default"] = ours
