"""From "send": creating the deliveries, and the time until the first mail is at the relay."""

import contextlib
import os
import time
from collections.abc import Iterator

import redis

from benchmarks import relay
from benchmarks.measure import Result, Series
from benchmarks.rows.loopback import SIZE
from benchmarks.run import Run
from benchmarks.site import Program, Site

READERS, QUICK, LANGUAGES = 100_000, 20_000, 7


def freezing(run: Run) -> Result:
    """Deliveries a second: all of `enqueue.freeze_due` for an issue in seven languages and ten orders of them."""
    return _freezing(run)


def choosing(run: Run) -> Result:
    """The same, where readers have named every set of areas: some two hundred renditions instead of seven."""
    return _freezing(run, "choosing")


def _freezing(run: Run, *choices: str) -> Result:
    rates, inserts = [], []
    for _time in range(run.times):
        with run.postgresql.site("seed", run.number(READERS, QUICK), LANGUAGES, SIZE, *choices) as site:
            answer = site.run("freeze")
        rates.append(answer["deliveries"] / answer["seconds"])
        inserts.append(answer["deliveries"] / answer["insert_seconds"])
    return Result(
        Series(rates).median,
        Series(rates).words(),
        [
            f"{answer['deliveries']:,} deliveries, {answer['renditions']} renditions in {LANGUAGES} languages, "
            "rendering and counting included",
            f"the INSERT alone {Series(inserts).words()}/s",
        ],
        {"rates": rates, "insert_rates": inserts},
    )


def first_mail(run: Run) -> Result:
    """Seconds from `enqueue.send` to the first whole mail at the relay."""
    seconds, by = [], ""
    for _time in range(run.times):
        with (
            run.postgresql.site("seed", run.number(READERS, QUICK), LANGUAGES, SIZE) as site,
            relay.running(0) as there,
            _broker() as broker,
        ):
            site.set(EMAIL_URL=there.url)
            by = "a Celery worker and Redis" if broker else "one process without a broker"
            if broker:
                site.set(CELERY_BROKER_URL=broker)
            with _worker(site) if broker else contextlib.nullcontext(), site.start("press") as button:
                button.line()
                start = time.monotonic()
                button.go()
                seconds.append(there.first() - start)
    return Result(Series(seconds).median, Series(seconds).words(2), [f"by {by}"], {"seconds": seconds, "by": by})


@contextlib.contextmanager
def _broker() -> Iterator[str]:
    """The URL of a Redis number in which nothing is kept, empty again afterwards; "" where no Redis answers."""
    given = os.environ.get("CELERY_BROKER_URL", "")
    server = given if given.startswith("redis") else "redis://127.0.0.1:6379"
    server = server.rpartition("/")[0] if server.count("/") > 2 else server
    for number in range(15, 0, -1):
        client = redis.Redis.from_url(url := f"{server}/{number}", socket_connect_timeout=2)
        try:
            is_free = not client.dbsize()
        except redis.RedisError:
            break
        if is_free:
            try:
                yield url
            finally:
                client.flushdb()
            return
    yield ""


@contextlib.contextmanager
def _worker(site: Site) -> Iterator[None]:
    """A worker with two processes, as in production."""
    environment = site.environment
    program = Program(
        environment, "-A", "picum", "worker", "-c", 2, "-n", f"bench{os.getpid()}@bench", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", module="celery",
    )  # fmt: skip
    try:
        yield
    finally:
        program.close()
