"""The same letters by django-post_office, and by us: on the loopback, and to a relay that is 20 ms away."""

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import postfix, relay
from benchmarks.measure import Result, Series, Skipped
from benchmarks.rows.loopback import CONNECTIONS, PROCESSES, SIZE, rate
from benchmarks.run import Run
from benchmarks.site import FOLDER, Program, clean_environment

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
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
    python = _peer()
    recipe = ("frozen", messages[0], 1, SIZE)
    email_url = f"smtp://127.0.0.1:{port}?tls=never"
    words = FOLDER / "words.json"
    own, other, tuned = [], [], []
    for _time in range(run.times):
        _words(run, recipe, words)
        for batch, rates in ((BATCH, other), (TUNED_BATCH, tuned)):
            rates.append(_peer_rate(run, python, email_url, words=words, count=messages[1], by=theirs, batch=batch))
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


def _peer_rate(
    run: Run, python: Path, email_url: str, *, words: Path, count: int, by: tuple[int, int], batch: int
) -> float:
    """Messages a second by its own command; queueing them is not counted."""
    with (
        run.postgresql.empty() as database,
        _peer_program(python, database, email_url, words, count, by, batch) as program,
    ):
        program.line()
        program.go()
        answer = program.line()
    if answer["sent"] != count:
        raise RuntimeError(f"django-post_office was to send {count} letters: {answer}")
    return count / answer["seconds"]


@contextlib.contextmanager
def _peer_program(
    python: Path, database: str, email_url: str, words: Path, count: int, by: tuple[int, int], batch: int
) -> Iterator[Program]:
    environment = clean_environment() | {
        "DATABASE_URL": database,
        "EMAIL_URL": email_url,
        "PEER_THREADS": str(by[1]),
        "PEER_BATCH": str(batch),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    program = Program(environment, count, words, by[0], module="benchmarks.peer.driver", python=python)
    try:
        yield program
    finally:
        program.close()


def _peer() -> Path:
    """The Python of the peer's own environment, which is made when it is missing or outdated."""
    home, python = FOLDER / "venv", FOLDER / "venv" / "bin" / "python"
    stamp, wanted = home / "installed", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(home, ignore_errors=True)
    if uv := shutil.which("uv"):
        steps = [
            [uv, "venv", "--quiet", "--python", sys.executable, home],
            [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", REQUIREMENTS],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", home],
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
             "-r", REQUIREMENTS],
        ]  # fmt: skip
    for step in steps:
        done = subprocess.run([*map(str, step)], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Skipped(f"django-post_office could not be installed: {said[-1] if said else done.returncode}")
    stamp.write_text(wanted)
    return python
