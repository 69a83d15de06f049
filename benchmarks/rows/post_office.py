"""The same letters by django-post_office, and by us: on the loopback, and to a relay that is 20 ms away."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks import peers, postfix, relay
from benchmarks.measure import Result, Series
from benchmarks.rows.loopback import CONNECTIONS, PROCESSES, SIZE, rate
from benchmarks.run import Run
from benchmarks.site import FOLDER, Program

THREADS = 5  # of each of its two processes: its default
BATCH, TUNED_BATCH = 100, 1_000  # its default; and what makes the most of it
FAR_CONNECTIONS = 10


def near(run: Run) -> Result:
    """Two processes each, to a sink on this machine."""
    with postfix.sink() as port:
        return _compared(
            run,
            port,
            messages=(run.number(10_000, 5_000), run.number(2_000, 1_000)),
            ours=(PROCESSES, run.connections or CONNECTIONS),
            theirs=(PROCESSES, THREADS),
        )


def far(run: Run) -> Result:
    """One process and ten connections each, to a relay whose replies arrive 20 ms after the commands."""
    with relay.running() as far_away:
        return _compared(
            run,
            far_away.port,
            messages=(run.number(3_000, 1_000), run.number(1_000, 300)),
            ours=(1, FAR_CONNECTIONS),
            theirs=(1, FAR_CONNECTIONS),
        )


def _compared(
    run: Run, port: int, *, messages: tuple[int, int], ours: tuple[int, int], theirs: tuple[int, int]
) -> Result:
    """`messages`: how many of ours and of theirs; `ours` and `theirs`: processes, connections or threads of each."""
    peers.python()  # before anything is timed
    recipe = ("frozen", messages[0], 1, SIZE)
    email_url = f"smtp://127.0.0.1:{port}?tls=never"
    words = FOLDER / "words.json"
    own, other, tuned = [], [], []
    for _time in range(run.times):
        _words(run, recipe, words)
        for batch, rates in ((BATCH, other), (TUNED_BATCH, tuned)):
            rates.append(_peer_rate(run, email_url, words=words, count=messages[1], by=theirs, batch=batch))
        with run.postgresql.site(*recipe, EMAIL_URL=email_url, SENDING_CONNECTIONS=ours[1]) as site:
            own.append(rate(site, messages[0], processes=ours[0]))
    factor = Series([a / b for a, b in zip(own, other, strict=True)])
    return Result(
        factor.median,
        factor.words(1),
        [
            f"ours {Series(own).words()}/s, {ours[0]} × {ours[1]} connections",
            f"django-post_office {Series(other).words()}/s, {theirs[0]} × {theirs[1]} threads, "
            f"its own BATCH_SIZE ({BATCH})",
            f"with BATCH_SIZE {TUNED_BATCH:,}, which spares it forks, {Series(tuned).words()}/s: "
            f"{Series([a / b for a, b in zip(own, tuned, strict=True)]).words(1)} ×",
        ],
        {"ours": own, "post_office": other, "post_office_tuned": tuned},
    )


def _words(run: Run, recipe: tuple, path: Path) -> Path:
    """What the letters say, for the peer."""
    with run.postgresql.site(*recipe) as site:
        path.write_text(json.dumps(site.run("words")), encoding="utf-8")
    return path


def _peer_rate(run: Run, email_url: str, *, words: Path, count: int, by: tuple[int, int], batch: int) -> float:
    """Messages a second by its own command; queueing them is not counted."""
    with (
        run.postgresql.empty() as database,
        _peer_program(database, email_url, words, count, by, batch) as program,
    ):
        program.line()
        program.go()
        answer = program.line()
    if answer["sent"] != count:
        raise RuntimeError(f"django-post_office was to send {count} letters: {answer}")
    return count / answer["seconds"]


@contextlib.contextmanager
def _peer_program(
    database: str, email_url: str, words: Path, count: int, by: tuple[int, int], batch: int
) -> Iterator[Program]:
    tuning = {"PEER_THREADS": str(by[1]), "PEER_BATCH": str(batch)}
    program = peers.program(
        "benchmarks.peer.driver", count, words, by[0], DATABASE_URL=database, EMAIL_URL=email_url, **tuning
    )
    try:
        yield program
    finally:
        program.close()
