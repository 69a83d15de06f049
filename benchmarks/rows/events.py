"""Providers' posts about letters: received and stored, then read by workers."""

from benchmarks.measure import Result, Series
from benchmarks.rows.loopback import PROCESSES, SIZE
from benchmarks.run import Run

TOGETHER = {"sendgrid": 100, "postmark": 1}  # events in a post, as these providers send them


def events(run: Run) -> Result:
    """Events a second, in SendGrid's posts of a hundred: the lower of the rates at which they are stored and read."""
    rates: dict[str, dict[str, list[float]]] = {}
    for source, number in (("sendgrid", run.number(10_000, 5_000)), ("postmark", run.number(4_000, 1_000))):
        rates[source] = {"stored": [], "read": []}
        for _time in range(run.times):
            for step, rate in _rates(run, source, number).items():
                rates[source][step].append(rate)
    slower = Series([min(pair) for pair in zip(*rates["sendgrid"].values(), strict=True)])
    return Result(
        slower.median,
        slower.words(),
        [
            f"{source}, {TOGETHER[source]} in a post: stored {Series(both['stored']).words()}/s,"
            f" read and applied {Series(both['read']).words()}/s"
            for source, both in rates.items()
        ]
        + [f"{PROCESSES} processes; the application without a web server before it"],
        {"rates": rates},
    )


def _rates(run: Run, source: str, number: int) -> dict[str, float]:
    with run.postgresql.site("frozen", run.number(10_000, 5_000), 1, SIZE) as site:
        site.set(EMAIL_URL=f"{source}://", ANYMAIL_WEBHOOK_SECRET="measured:measured")  # noqa: S106  # of nobody
        site.run("accept_all")
        posting = [("receive", source, number, TOGETHER[source], part, PROCESSES) for part in range(PROCESSES)]
        stored, _answers = site.together(*posting)
        read, answers = site.together(*[("read_posts",)] * PROCESSES)
    told = sum(answer["told"] for answer in answers)
    if told != number:
        raise RuntimeError(f"{number} events were to be applied: {answers}")
    return {"stored": number / stored, "read": number / read}
