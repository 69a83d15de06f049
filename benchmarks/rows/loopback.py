"""Sending to a sink on the loopback, beside Postfix' smtp-source."""

from benchmarks import postfix
from benchmarks.measure import Result, Series
from benchmarks.run import Run
from benchmarks.site import Databases, Site

PROCESSES, CONNECTIONS, SIZE = 2, 16, 50_000


def smtp(run: Run) -> Result:
    return against_source(run, run.postgresql, "smtp")


def smtp_on_sqlite(run: Run) -> Result:
    return against_source(run, run.sqlite, "smtp-sqlite")


def against_source(run: Run, databases: Databases, name: str) -> Result:
    """Messages a second of two worker processes, as a share of smtp-source's with as many sessions."""
    messages = run.number(10_000, 5_000)
    connections = run.connections or CONNECTIONS
    sessions = PROCESSES * connections
    recipe = ("frozen", messages, 1, SIZE)
    with databases.site(*recipe) as site:
        octets = site.run("wire")["octets"]
    ours, alone, kept = [], [], []
    with postfix.sink() as port:
        for _time in range(run.times):
            for keep, rates in ((False, alone), (True, kept)):
                rates.append(postfix.source(port, sessions=sessions, size=octets, messages=messages, keep=keep))
            with databases.site(
                *recipe, EMAIL_URL=f"smtp://127.0.0.1:{port}?tls=never", SENDING_CONNECTIONS=connections
            ) as site:
                ours.append(rate(site, messages, profile=name if run.profile else ""))
    shares = Series([a / b for a, b in zip(ours, alone, strict=True)])
    return Result(
        shares.median,
        shares.words(2),
        [
            f"ours {Series(ours).words()}/s, {PROCESSES} × {connections} connections, {octets:,} octets a mail",
            f"smtp-source {Series(alone).words()}/s; {Series(kept).words()}/s if it keeps its connections (-d)",
        ],
        {"ours": ours, "smtp_source": alone, "smtp_source_kept": kept, "octets": octets, "messages": messages},
    )


def rate(site: Site, messages: int, *, processes: int = PROCESSES, profile: str = "") -> float:
    """Messages a second from the moment all workers may begin until the last outcome is written."""
    seconds, _answers = site.together(*[("send",)] * processes, profile=profile)
    states = site.run("wire")["states"]
    if states != {"accepted": messages}:
        raise RuntimeError(f"{messages} letters were to be accepted: {states}")
    return messages / seconds
