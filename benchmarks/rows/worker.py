"""What a worker needs while it sends: memory, and statements of the database."""

import statistics
import threading
import time
from pathlib import Path

from benchmarks import postfix
from benchmarks.measure import Result
from benchmarks.rows.loopback import CONNECTIONS, PROCESSES, SIZE
from benchmarks.run import Run

SAMPLES_EACH = 0.1  # seconds


def memory(run: Run) -> Result:
    """Most memory of a worker, in MB, and what it had at the beginning and at the end."""
    readers = run.number(100_000, 10_000)
    samples: list[list[float]] = []
    with (
        postfix.sink() as port,
        run.postgresql.site("frozen", readers, 1, SIZE, EMAIL_URL=f"smtp://127.0.0.1:{port}?tls=never") as site,
    ):
        over = threading.Event()
        watchers: list[threading.Thread] = []

        def watch(pids: list[int]) -> None:
            for pid in pids:
                samples.append(taken := [])
                watchers.append(threading.Thread(target=_sample, args=(pid, taken, over), daemon=True))
                watchers[-1].start()

        seconds, _answers = site.together(*[("send",)] * PROCESSES, begin=watch)
        over.set()
        for watcher in watchers:
            watcher.join()
    worst = max(samples, key=max)
    fifth = max(1, len(worst) // 5)
    begin, end = statistics.median(worst[:fifth]), statistics.median(worst[-fifth:])
    return Result(
        max(worst),
        f"{max(worst):.0f}",
        [
            f"{readers:,} readers in {seconds:.0f} s, {PROCESSES} workers; in the first fifth of the time"
            f" {begin:.0f} MB, in the last {end:.0f} MB"
        ],
        {"peak": [max(one) for one in samples], "first_fifth": begin, "last_fifth": end},
    )


def _sample(pid: int, taken: list[float], over: threading.Event) -> None:
    """Resident memory in MB, until the process or the measure is over."""
    path = Path(f"/proc/{pid}/status")
    while not over.is_set():
        try:
            lines = path.read_text().splitlines()
        except OSError:
            return
        resident = next((line for line in lines if line.startswith("VmRSS")), "")
        if resident:
            taken.append(int(resident.split()[1]) / 1024)
        time.sleep(SAMPLES_EACH)


def statements(run: Run) -> Result:
    """Statements that the workers gave to the database, for each reader; BEGIN and COMMIT counted apart."""
    readers = run.number(10_000, 5_000)
    with (
        postfix.sink() as port,
        run.postgresql.site("frozen", readers, 1, SIZE, EMAIL_URL=f"smtp://127.0.0.1:{port}?tls=never") as site,
    ):
        site.set(SENDING_CONNECTIONS=run.connections or CONNECTIONS)
        before = run.postgresql.transactions(site.database)
        _seconds, answers = site.together(*[("count_statements",)] * PROCESSES)
        time.sleep(1)  # a connection that ends tells the server's statistics so, and they take their time
        transactions = run.postgresql.transactions(site.database) - before
    count = sum(answer["statements"] for answer in answers)
    return Result(
        count / readers,
        f"{count / readers:.2f}",
        [f"{count:,} for {readers:,} readers; {transactions:,} transactions, whose BEGIN and COMMIT are not counted"],
        {"statements": count, "transactions": transactions, "readers": readers},
    )
