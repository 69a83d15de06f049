"""A site of its own for a test: real processes, against a database and a broker that nobody else uses.

`with embedded(folder, relay) as site:` is what a newcomer has, a SQLite file and no broker; `with service(folder,
relay) as site:` a site on PostgreSQL and Redis. Both begin empty and migrated, and within them this process' own ORM
looks into the site's database. What a site starts it ends, by process id.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import environ
import psycopg2
import pytest
import redis
from django.db import connections

from picum.chaos.relay import Relay
from picum.chaos.site import Site

_number = count(1)


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
