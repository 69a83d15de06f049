"""The rows, in their order, with what is asked of each."""

from benchmarks.measure import Measure
from benchmarks.rows import (
    desk,
    directory,
    events,
    freezing,
    importing,
    leaving,
    lists,
    loopback,
    post_office,
    provider,
    worker,
)

# name, what is measured, unit, floor, aim, by
ENGINE = [
    Measure(
        "smtp", "Mails of 50 KB to a sink on this machine: share of smtp-source's rate", "×", 0.5, 0.8, loopback.smtp
    ),
    Measure("smtp-sqlite", "The same on SQLite", "×", None, None, loopback.smtp_on_sqlite),
    Measure(
        "post-office", "The same against django-post_office, 2 processes × 5 threads", "×", 6, 10, post_office.near
    ),
    Measure(
        "far", "A relay 20 ms away, 10 connections, against django-post_office with 10", "×", 1.9, 4.5, post_office.far
    ),
    Measure(
        "first-mail", "From Send to the first mail at the relay, 100,000 readers", "s", 5, 1, freezing.first_mail,
        low=True,
    ),
    Measure("freezing", "Deliveries created", "/s", 50_000, 150_000, freezing.freezing),
    Measure("freezing-areas", "The same, readers having named every set of areas", "/s", None, None, freezing.choosing),
    Measure("memory", "Memory of a worker during 100,000 readers", "MB", 150, 100, worker.memory, low=True),
    Measure("statements", "Database statements per reader", "", 1, 0.3, worker.statements, low=True),
    Measure("provider", "Single calls to a provider that answers in 100 ms, 2 workers", "/s", 150, 400, provider.calls),
    Measure("events", "Events of a provider's webhook", "/s", 2_000, 5_000, events.events),
    Measure("leaving", "One-click POSTs answered while an issue is being sent", "/s", 100, 200, leaving.leaving),
    Measure("import", "Import of 100,000 readers", "s", 30, 8, importing.on_postgresql, low=True),
    Measure("import-sqlite", "The same on SQLite", "s", 30, 8, importing.on_sqlite, low=True),
]  # fmt: skip
PAGES = [
    Measure(
        "lists", "The slowest page of the desk's lists, 1,000,000 readers: database time", "ms", 50, 25, lists.lists,
        low=True,
    ),
    Measure(
        "directory", "The slowest page of the directory, 500 members in 35 countries: server time", "ms", 50, 40,
        directory.directory, low=True,
    ),
    Measure(
        "board", "The board of 60 items in 7 languages, the slowest of its filters: server time", "ms", 300, 150,
        desk.board, low=True,
    ),
    Measure(
        "desk", "The slowest of the desk's other pages after ten years: server time", "ms", 600, 300, desk.desk,
        low=True,
    ),
    Measure(
        "search", "The slowest page of the search in ten years × 7 languages: server time", "ms", 150, 50, desk.search,
        low=True,
    ),
    Measure(
        "memory-offers", "Sentences translated before, offered for all of an item: the slowest item", "ms", 100, 50,
        desk.offers, low=True,
    ),
]  # fmt: skip
# What docs/benchmarks.md shows together, by the name that stands for all rows of it.
TABLES = {"engine": ENGINE, "pages": PAGES}
MEASURES = [*ENGINE, *PAGES]
