"""Single calls to a provider's API."""

import contextlib
from collections.abc import Iterator

from benchmarks import postfix
from benchmarks.measure import Result, Series
from benchmarks.rows.loopback import PROCESSES, SIZE
from benchmarks.run import Run
from benchmarks.site import Program, clean_environment

MILLISECONDS, CONNECTIONS = 100, 32


def calls(run: Run) -> Result:
    """Calls a second of two workers, one letter each, to a provider that answers after 100 ms."""
    letters, connections = run.number(4_000, 1_000), run.connections or CONNECTIONS
    rates = []
    with _provider() as url:
        for _time in range(run.times):
            with run.postgresql.site("frozen", letters, 1, SIZE) as site:
                site.set(
                    EMAIL_URL="postmark://",
                    ANYMAIL_POSTMARK_SERVER_TOKEN="measured",  # noqa: S106  # of nobody
                    ANYMAIL_POSTMARK_API_URL=url,
                    SENDING_CONNECTIONS=connections,
                    ANYMAIL_WEBHOOK_SECRET="measured:measured",  # noqa: S106
                )
                seconds, answers = site.together(*[("send_calls",)] * PROCESSES)
            accepted = sum(answer["tally"].get("accepted", 0) for answer in answers)
            if accepted != letters:
                raise RuntimeError(f"{letters} calls were to be accepted: {answers}")
            rates.append(letters / seconds)
    most = PROCESSES * connections * 1000 / MILLISECONDS
    return Result(
        Series(rates).median,
        Series(rates).words(),
        [f"{PROCESSES} workers × {connections} connections, SENDING_CONNECTIONS={connections}; {most:,.0f}/s at most"],
        {"rates": rates, "connections": connections},
    )


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    """The address of a provider on the loopback, in a process of its own."""
    port = postfix.free_port()
    program = Program(clean_environment(), port, MILLISECONDS, module="benchmarks.postmark")
    try:
        postfix.wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        program.close()
