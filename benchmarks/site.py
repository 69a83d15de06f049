"""Sites for measuring: a database of their own, an environment, and driver processes. No Django in this process."""

import contextlib
import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2

from benchmarks import profiling
from benchmarks.measure import Skipped

ROOT = Path.cwd()  # whose code is measured
FOLDER = ROOT / "var" / "bench"
LOOPBACK = "postgres://root@127.0.0.1:5432/picum", "postgres://postgres@127.0.0.1:5432/picum"
PATIENCE = 1_800  # seconds for one step of a driver
_number = itertools.count(1)


class Program:
    """A driver process: says {"ready": …} when it is prepared, begins at `go`, answers with one line of JSON."""

    def __init__(
        self,
        environment: dict[str, str],
        *command: object,
        module: str = "benchmarks.driver",
        python: Path | str = sys.executable,
    ):
        self.log = FOLDER / f"driver-{next(_number)}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own program
                [python, "-m", module, *map(str, command)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self) -> dict:
        """The next thing it says. Raises RuntimeError with the end of its log when it died, or fell silent, instead."""
        patience = threading.Timer(PATIENCE, self.process.kill)
        patience.start()
        try:
            line = self.process.stdout.readline()
        finally:
            patience.cancel()
        if not line:
            self.process.wait(10)
            tail = self.log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"A driver ended with {self.process.returncode}:\n{tail}")
        return json.loads(line)

    def tell(self, something: object) -> None:
        """What is too long for the command."""
        self.process.stdin.write(json.dumps(something) + "\n")
        self.process.stdin.flush()

    def go(self) -> None:
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.unlink(missing_ok=True)


class Site:
    """A database and the environment in which the project's code runs on it."""

    def __init__(self, database: str, **environment: object):
        self.database = database
        self.environment = clean_environment() | {
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": "memory://localhost/",
            "EMAIL_URL": "smtp://127.0.0.1:9?tls=never",
            "VAR_DIR": str(FOLDER / "site"),
            "DEBUG": "false",
            "SECRET_KEY": "only for measuring: 0123456789012345678901234567890123456789",
            "ADDRESS_KEY": "only for measuring: 9876543210987654321098765432109876543210",
            "SITE_URL": "https://newsletter.example.org",
            "DEFAULT_FROM_EMAIL": "PICUM <newsletter@picum.example>",
        }
        self.set(**environment)

    def set(self, **environment: object) -> None:
        self.environment |= {name: str(value) for name, value in environment.items()}

    @contextlib.contextmanager
    def start(self, *command: object) -> Iterator[Program]:
        program = Program(self.environment, *command)
        try:
            yield program
        finally:
            program.close()

    def run(self, *command: object) -> dict:
        """What a driver's only step came to."""
        with self.start(*command) as program:
            program.line()
            program.go()
            return program.line()

    def together(
        self, *commands: tuple, profile: str = "", begin: Callable[[list[int]], None] = lambda pids: None
    ) -> tuple[float, list[dict]]:
        """Several drivers begin at one moment, when all are ready; seconds until the last has ended, their answers.

        `profile` names the files in which py-spy writes what they do; `begin` is called with their process ids.
        """
        with contextlib.ExitStack() as stack:
            programs = [stack.enter_context(self.start(*command)) for command in commands]
            for program in programs:
                program.line()
            pids = [program.pid for program in programs]
            stack.enter_context(profiling.recording(FOLDER, profile, pids))
            begin(pids)
            start = time.monotonic()
            for program in programs:
                program.go()
            answers = [program.line() for program in programs]
            return max(answer["ended"] for answer in answers) - start, answers

    def manage(self, *command: object) -> str:
        """A management command, to its end."""
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "manage.py", *map(str, command)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {command[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return done.stdout


def clean_environment() -> dict[str, str]:
    """This process' environment without what would tune the site behind our back. What names a tuning on purpose
    (SENDING_…) stays."""
    ours = ("DATABASE_URL", "CELERY_", "EMAIL_URL", "ANYMAIL_", "SECRET_KEY", "ADDRESS_KEY", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class Databases:
    """Databases that live as long as this object: an empty migrated one, prepared ones, and copies of these."""

    def __init__(self) -> None:
        self.prefix = f"picum_bench_{os.getpid()}"
        self.made: dict[str, str] = {}  # label → URL
        self.names = itertools.count(1)

    def prepared(self, *recipe: object) -> str:
        """The database that the driver's `recipe` makes of an empty one, made once; copy it, do not change it."""
        label = " ".join(map(str, recipe))
        if label not in self.made:
            url = self.copy(self.prepared()) if recipe else self._new()
            if recipe:
                Site(url).run(*recipe)
            else:
                Site(url).manage("migrate", "-v0")
            self._settle(url)
            self.made[label] = url
        return self.made[label]

    @contextlib.contextmanager
    def site(self, *recipe: object, **environment: object) -> Iterator[Site]:
        """A site on a fresh copy of a prepared database."""
        url = self.copy(self.prepared(*recipe))
        try:
            yield Site(url, **environment)
        finally:
            self._drop(url)

    def close(self) -> None:
        for url in self.made.values():
            self._drop(url)


class PostgreSQL(Databases):
    """On the server of DATABASE_URL, or the loopback's."""

    kind = "PostgreSQL"

    def __init__(self) -> None:
        super().__init__()
        self.server, self.version = _server()

    def _new(self, template: str = "template0") -> str:
        name = f"{self.prefix}_{next(self.names)}"
        self.sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return f"{self.server}/{name}"

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        """The URL of a database with nothing in it."""
        url = self._new()
        try:
            yield url
        finally:
            self._drop(url)

    def copy(self, url: str) -> str:
        return self._new(url.rpartition("/")[2])

    def _settle(self, url: str) -> None:
        self.sql("DELETE FROM newsletter_heartbeat", url=url)  # or each copy would come up held, as a restored backup
        self.sql("VACUUM ANALYZE", url=url)

    def _drop(self, url: str) -> None:
        self.sql(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def transactions(self, url: str) -> int:
        """How many a database has had, single statements outside of one included."""
        rows = self.sql("SELECT datname, xact_commit FROM pg_stat_database")
        return dict(rows)[url.rpartition("/")[2]]

    def sql(self, statement: str, *, url: str = "") -> list[tuple]:
        return _sql(url or f"{self.server}/postgres", statement)


class SQLite(Databases):
    kind = "SQLite"

    def _new(self) -> str:
        return f"sqlite:///{FOLDER}/{self.prefix}_{next(self.names)}.sqlite3"

    def copy(self, url: str) -> str:
        new = self._new()
        shutil.copyfile(_path(url), _path(new))
        return new

    def _settle(self, url: str) -> None:
        """The last connection to close writes the log back into the file."""
        with contextlib.closing(sqlite3.connect(_path(url))) as database, database:
            database.execute("DELETE FROM newsletter_heartbeat")

    def _drop(self, url: str) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{_path(url)}{ending}").unlink(missing_ok=True)


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def _server() -> tuple[str, str]:
    """The server's URL without a database, and its version."""
    given = os.environ.get("DATABASE_URL", "")
    failure = ""
    for url in (given,) if given.startswith("postgres") else LOOPBACK:
        server = url.rpartition("/")[0]
        try:
            return server, _sql(f"{server}/postgres", "SHOW server_version")[0][0]
        except psycopg2.OperationalError as error:
            failure = str(error).splitlines()[0]
    raise Skipped(f"PostgreSQL does not answer ({failure}); name one in DATABASE_URL.")


def _sql(url: str, statement: str) -> list[tuple]:
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
