"""The editors' desk after ten years in seven languages: the board, the other heavy pages, the search, and what the
memory of translations offers."""

import statistics
from collections.abc import Iterable, Mapping

from benchmarks import peers, report
from benchmarks.measure import Result
from benchmarks.run import Run

YEARS, QUICK = 10, 2
VISITS = 3  # of each page, as often as rates are taken
FILE = "file: "  # the name of what is downloaded begins so


def board(run: Run) -> Result:
    """Milliseconds of the board of an issue of 60 items × 7 languages; the slowest of its filters counts."""
    pages = _pages(run, "board")
    taken = _said(pages)
    slowest = max(taken, key=taken.get)
    return Result(
        taken[slowest],
        f"{taken[slowest]:.0f}",
        [
            f"60 items × 7 languages, 4,000 readers, {_years(run)} years of other issues",
            f"in ms: {_listed(pages)}",
            f"at most {_most(pages, 'statements')} statements",
            f"at most {_most(pages, 'octets') / 1000:.0f} kB, compressed",
        ],
        {"pages": pages},
    )


def desk(run: Run) -> Result:
    """Milliseconds of the slowest of the other pages that an editor or a translator opens for that issue."""
    pages = _pages(run, "others")
    taken = _said(pages)
    slowest = max(taken, key=taken.get)
    return Result(
        taken[slowest],
        f"{taken[slowest]:.0f}",
        [
            f"{len(pages)} pages and answers, {_years(run)} years of issues; the slowest is “{slowest}”",
            f"half of them take less than {statistics.median(taken.values()):.0f} ms",
            f"in ms: {_listed(pages)}",
            f"most statements: {', '.join(_most_asking(pages))}",
        ],
        {"pages": pages},
    )


def search(run: Run) -> Result:
    """Milliseconds of the slowest search page; what is downloaded stands apart. Beside it the questions without a page,
    and the same by Wagtail's search on the same items."""
    pages = _pages(run, "search")
    taken = _said(pages)
    shown = {name: milliseconds for name, milliseconds in taken.items() if not name.startswith(FILE)}
    files = {name.removeprefix(FILE): one for name, one in taken.items() if name.startswith(FILE)}
    slowest = max(shown, key=shown.get)
    database = max(statistics.median(pages[name]["database"]) for name in shown)
    statements = max(pages[name]["statements"] for name in shown)
    ours, theirs, seconds = _asked(run)
    return Result(
        shown[slowest],
        f"{shown[slowest]:.0f}",
        [
            f"{len(shown)} pages, {_years(run)} years of issues in 7 languages; the slowest is “{slowest}”",
            f"half of them take less than {statistics.median(shown.values()):.0f} ms",
            f"the database takes at most {database:.0f} ms of it, {statements} statements at most",
            f"files, in ms: {', '.join(f'{name} {one:,.0f}' for name, one in files.items())}",
            "the questions without a page, in the slowest language, ours and modelsearch’s in ms: "
            + ", ".join(_side_by_side(ours, theirs)),
            f"its index of all items took {seconds:.0f} s",
        ],
        {"pages": pages, "ours": ours, "modelsearch": theirs},
    )


def offers(run: Run) -> Result:
    """Milliseconds for the offers of all sentences of an item, of the slowest; beside it pg_trgm."""
    with run.postgresql.site("decade", _years(run)) as site:
        passes = [site.run("offers") for _time in range(run.times)]
        other = site.run("alike")["items"]
    items = list(zip(*(one["items"] for one in passes), strict=True))
    taken = [statistics.median(row["milliseconds"] for row in rows) for rows in items]
    theirs = [row["milliseconds"] for row in other]
    first = passes[0]["items"]
    return Result(
        max(taken),
        f"{max(taken):.0f}",
        [
            f"{passes[0]['pairs']:,} pairs; {len(taken)} items, half of them take less than "
            f"{statistics.median(taken):.0f} ms",
            f"something is offered for {_sum(first, 'offered')} of {_sum(first, 'sentences')} sentences",
            f"pg_trgm, a similarity of 0.6, {len(theirs)} of the items: at most {max(theirs):,.0f} ms, half of them "
            f"less than {statistics.median(theirs):,.0f} ms; it finds something for {_sum(other, 'offered')} of "
            f"{_sum(other, 'sentences')} sentences",
        ],
        {"offers": [one["items"] for one in passes], "pg_trgm": other},
    )


# --- taking -----------------------------------------------------------------------------------------------------------


def _years(run: Run) -> int:
    return run.number(YEARS, QUICK)


def _pages(run: Run, which: str) -> dict[str, dict]:
    with run.postgresql.site("decade", _years(run)) as site:
        return site.run("desk", which, VISITS * run.times)["pages"]


def _asked(run: Run) -> tuple[list[dict], list[dict], float]:
    """Our answers, theirs, and the seconds that their index took."""
    with run.postgresql.site("decade", _years(run)) as site:
        ours = site.run("ask", VISITS * run.times)["questions"]
        peer = peers.program("benchmarks.peer.searching.driver", VISITS * run.times, DATABASE_URL=site.database)
        try:
            peer.tell(ours)
            peer.line()
            peer.go()
            answer = peer.line()
        finally:
            peer.close()
    return ours, answer["questions"], answer["seconds"]


# --- saying -----------------------------------------------------------------------------------------------------------


def _said(pages: Mapping[str, dict]) -> dict[str, float]:
    """The median of each page, on the terminal too."""
    taken = {name: statistics.median(page["milliseconds"]) for name, page in pages.items()}
    for name, milliseconds in taken.items():
        page = pages[name]
        within = f"{statistics.median(page['database']):7.1f} of it in {page['statements']} statements"
        report.say(f"    {milliseconds:8.1f} ms,{within}  {name}")
    return taken


def _listed(pages: Mapping[str, dict]) -> str:
    return ", ".join(f"{name} {statistics.median(page['milliseconds']):,.0f}" for name, page in pages.items())


def _most(pages: Mapping[str, dict], what: str) -> int:
    return max(page[what] for page in pages.values())


def _most_asking(pages: Mapping[str, dict]) -> list[str]:
    names = sorted(pages, key=lambda name: -pages[name]["statements"])
    return [f"{name} {pages[name]['statements']:,}" for name in names[:3]]


def _side_by_side(ours: Iterable[dict], theirs: Iterable[dict]) -> list[str]:
    """A kind of question in its slowest language: ours and theirs, with the items that were found."""
    slowest: dict[str, tuple[float, float, int, int]] = {}
    for one, other in zip(ours, theirs, strict=True):
        mine, its = (statistics.median(answer["milliseconds"]) for answer in (one, other))
        there = slowest.setdefault(one["name"], (0, 0, one["found"], other["found"]))
        slowest[one["name"]] = max(there[0], mine), max(there[1], its), *there[2:]
    return [
        f"{name} {mine:.0f} and {its:.0f} (found in English {found:,} and {others:,})"
        for name, (mine, its, found, others) in slowest.items()
    ]


def _sum(rows: Iterable[dict], what: str) -> int:
    return sum(row[what] for row in rows)
