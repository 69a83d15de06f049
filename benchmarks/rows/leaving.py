"""Readers who leave by the button of their mail program, while the issue is still being sent."""

import contextlib
from collections.abc import Iterator

from benchmarks import postfix
from benchmarks.measure import Result, Series
from benchmarks.rows.loopback import CONNECTIONS, PROCESSES, SIZE
from benchmarks.run import Run
from benchmarks.site import Program, Site

STEADY = 100  # POSTs a second that are asked for


def leaving(run: Run) -> Result:
    """One-click POSTs a second that two web processes answer while two workers send with all their might."""
    readers, seconds = run.number(100_000, 40_000), run.number(8, 4)
    steady, most = [], []
    with postfix.sink() as relay:
        for _time in range(run.times):
            with run.postgresql.site(
                "frozen", readers, 1, SIZE, EMAIL_URL=f"smtp://127.0.0.1:{relay}?tls=never"
            ) as site:
                site.set(SENDING_CONNECTIONS=run.connections or CONNECTIONS)
                with _web(site) as port:
                    answer = _measured(site, "leave", port, STEADY, seconds)
            steady.append(answer["steady"] | {"sent": answer["steady_sent"], "alone": answer["alone_sent"]})
            most.append(answer["most"] | {"sent": answer["most_sent"]})
    return Result(
        (rates := Series([one["rate"] for one in most])).median,
        rates.words(),
        [
            f"at {STEADY} a second: answered within {_words(steady, 'median_ms')} ms (median), "
            f"{_words(steady, 'p99_ms')} ms (99 of 100); mails {_words(steady, 'sent')}/s meanwhile, "
            f"{_words(steady, 'alone')}/s when nobody leaves",
            f"as many as 8 connections can: within {_words(most, 'median_ms')} ms (median), "
            f"{_words(most, 'p99_ms')} ms (99 of 100); mails {_words(most, 'sent')}/s meanwhile",
            f"gunicorn, 2 processes × 4 threads; {PROCESSES} workers; all on one machine, with who posts and the relay",
        ],
        {"steady": steady, "most": most},
    )


def _words(rows: list[dict], name: str) -> str:
    return Series([row[name] for row in rows]).words()


def _measured(site: Site, *command: object) -> dict:
    """What a driver came to while the workers send."""
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(site.start("send")) for _number in range(PROCESSES)]
        driver = stack.enter_context(site.start(*command))
        for program in (*workers, driver):
            program.line()
        for program in (*workers, driver):
            program.go()
        return driver.line()


@contextlib.contextmanager
def _web(site: Site) -> Iterator[int]:
    """The site behind gunicorn as the Dockerfile starts it; its port."""
    site.manage("collectstatic", "--no-input", "-v0")
    port = postfix.free_port()
    program = Program(
        site.environment, "picum.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", 2, "--threads", 4,
        module="gunicorn",
    )  # fmt: skip
    try:
        postfix.wait_for(port, 60)
        yield port
    finally:
        program.close()
