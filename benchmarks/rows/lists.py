"""The lists of the desk where there are a million readers: what each page costs the database."""

import itertools
import statistics
from collections.abc import Iterator
from urllib.parse import urlencode

from benchmarks import report
from benchmarks.measure import Result
from benchmarks.run import Run
from benchmarks.site import Site

READERS, QUICK = 1_000_000, 100_000
DESK = "/en/desk/"
Query = dict[str, str]

READER = [
    ("state__exact", ["subscribed", "unsubscribed"]),
    ("language", ["en", "pt"]),
    ("area", ["advocacy", "capacity-building"]),
    ("source", ["import 2019", "form", "partner in Lisbon", "conference 7", "nowhere"]),
    ("bounce", ["bounced", "complained"]),
    ("paused", ["now"]),
]
# A reader, one who is none, beginnings from many to none, domains from many to none.
SEARCHES = [
    *("Maria.Known@organisation7.example", "nobody@example.org", "a", "anna", "anna.bauer10", "zz"),
    *("@gmail.com", "@organisation77.org", "@example.org"),
]
OTHERS = {
    "newsletter/suppression": [("reason__exact", ["unsubscribed", "bounced", "complained", "staff"])],
    "newsletter/consent": [("kind", ["requested", "given", "erased"]), ("how", ["form", "import", "staff", "undo"])],
    "newsletter/signup": [("state", ["waiting", "confirmed"]), ("how", ["form", "staff", "embed"])],
    "newsletter/systemmail": [("state", ["held", "sent", "waiting", "claimed"]), ("kind", ["sign-up", "link"])],
    "newsletter/deliveryevent": [
        ("kind__exact", ["delivered", "hard", "complained", "policy"]),
        ("source", ["brevo", "mailjet", "dsn", "sendgrid"]),
    ],
    "accounts/auditentry": [("action", ["issue.start", "subscriber.change"]), ("actor", ["1", "nobody"])],
}
BY_KEY = ["newsletter/suppression", "newsletter/consent", "newsletter/signup", "newsletter/systemmail"]


def lists(run: Run) -> Result:
    """Milliseconds of the slowest page: each filter alone and with each other, searches alone and with each filter,
    on the first page, in the middle, and at the end."""
    readers = run.number(READERS, QUICK)
    site = Site(run.postgresql.prepared("million", readers))
    addresses = list(dict.fromkeys(_addresses(readers)))
    with site.start("look", run.times) as driver:
        driver.tell(addresses)
        driver.line()
        driver.go()
        taken = driver.line()["milliseconds"]
    pages = {address: statistics.median(taken[address]) for address in addresses}
    for address, milliseconds in pages.items():
        report.say(f"    {milliseconds:8.2f} ms  {address}")
    slowest = max(pages, key=pages.get)
    return Result(
        pages[slowest],
        f"{pages[slowest]:.0f}",
        [
            f"{len(pages)} pages, {readers:,} readers; the slowest is {slowest.removeprefix(DESK)}",
            f"half of each list's pages take less, in ms, than: {', '.join(_in_short(pages))}",
        ],
        {"milliseconds": taken},
    )


def _in_short(pages: dict[str, float]) -> Iterator[str]:
    """A line for each list."""
    lists: dict[str, list[float]] = {}
    for address, milliseconds in pages.items():
        name = address.removeprefix(DESK).partition("?")[0].strip("/").rpartition("/")[2]
        lists.setdefault({"": "first page", "change": "one reader"}.get(name, name), []).append(milliseconds)
    for name, times in lists.items():
        middle, most = statistics.median(times), max(times)
        yield f"{name} {middle:.1f}, at most {most:.1f}" if len(times) > 1 else f"{name} {most:.1f}"


def _addresses(readers: int) -> Iterator[str]:
    yield DESK
    for query in _queries(READER):
        # By numbers of readers, or of entries of the stop list.
        rows = readers // 7 if "bounce" in query else readers
        yield from _anywhere("newsletter/subscriber", query, rows)
    for text in SEARCHES:
        alone = {"q": text}
        if "@" in text[1:]:
            yield from _page("newsletter/subscriber", alone)
        else:
            yield from _anywhere("newsletter/subscriber", alone, readers)
            for query in _queries(READER, pairs=False):
                yield from _page("newsletter/subscriber", alone | query)
    for name, filters in OTHERS.items():
        # Sign-ups and their mails are a tenth of the readers, lines of consent twice as many.
        share = {"signup": 0.1, "systemmail": 0.1, "suppression": 0.15, "consent": 2}
        rows = int(readers * share.get(name.rpartition("/")[2], 0.9))
        for query in _queries(filters):
            yield from _anywhere(name, query, rows)
    for name, text in itertools.product(BY_KEY, SEARCHES[:2]):
        yield from _page(name, {"q": text})
    yield f"{DESK}newsletter/subscriber/{readers // 2}/change/"
    yield f"{DESK}newsletter/systemmail/brake/"


def _queries(filters: list[tuple[str, list[str]]], *, pairs: bool = True) -> Iterator[Query]:
    """None, each alone, each with each other."""
    yield {}
    for name, values in filters:
        yield from ({name: value} for value in values)
    for (one, ones), (other, others) in itertools.combinations(filters, 2) if pairs else ():
        yield from ({one: first, other: second} for first, second in itertools.product(ones, others))


def _anywhere(name: str, query: Query, rows: int) -> Iterator[str]:
    """The first page, one in the middle, one at the end, and the way back from there."""
    for place in ({}, {"after": rows // 2}, {"after": rows // 1000}, {"before": rows // 1000}):
        yield from _page(name, query | place)


def _page(name: str, query: Query) -> Iterator[str]:
    yield f"{DESK}{name}/?{urlencode(query)}" if query else f"{DESK}{name}/"
