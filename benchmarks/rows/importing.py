"""Bringing in a list of readers."""

import random
import time
from pathlib import Path

from benchmarks.measure import Result, Series
from benchmarks.run import Run
from benchmarks.site import FOLDER, Databases

ORDERS = ("en", "fr en", "es en", "de, en", "it", "nl en", "pt es en", "de", "es|fr", "nl")


def on_postgresql(run: Run) -> Result:
    return _import(run, run.postgresql)


def on_sqlite(run: Run) -> Result:
    return _import(run, run.sqlite)


def _import(run: Run, databases: Databases) -> Result:
    """Seconds of the whole command, from its start to its end."""
    path, readers = FOLDER / "readers.csv", run.number(100_000, 20_000)
    _write(path, readers)
    seconds = []
    for _time in range(run.times):
        with databases.site() as site:
            start = time.monotonic()
            site.manage("import_subscribers", path, "--source", "measured")
            seconds.append(time.monotonic() - start)
            found = site.run("readers")["subscribed"]
        if found != readers:
            raise RuntimeError(f"{readers} readers were to come in: {found}")
    return Result(
        Series(seconds).median,
        Series(seconds).words(1),
        [f"{readers:,} lines on {databases.kind}, the command's start included"],
        {"seconds": seconds, "readers": readers},
    )


def _write(path: Path, readers: int) -> None:
    """A list as an office keeps it: in nobody's order, some with names."""
    dice = random.Random(3)  # noqa: S311  # the same list each time
    numbers = list(range(readers))
    dice.shuffle(numbers)
    with path.open("w", encoding="utf-8") as file:
        file.write("email,languages,name\n")
        for number in numbers:
            order = dice.choice(ORDERS)
            name = f"Reader {number}" if number % 3 else ""
            file.write(f'first.last{number}@example{number % 500}.org,"{order}",{name}\n')
