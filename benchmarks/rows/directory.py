"""The public directory of members: what the server needs for each of its pages."""

import statistics

from benchmarks import report
from benchmarks.measure import Result
from benchmarks.run import Run

MEMBERS = 500
VISITS = 7  # of each page, as often as rates are taken


def directory(run: Run) -> Result:
    """Milliseconds of the slowest page: the list without and with filters and words, one member, lists to download."""
    with run.postgresql.site() as site:
        pages = site.run("directory", MEMBERS, VISITS * run.times)["pages"]
    taken = {address: statistics.median(page["milliseconds"]) for address, page in pages.items()}
    for address, milliseconds in taken.items():
        report.say(f"    {milliseconds:8.2f} ms  {pages[address]['statements']} statements  {address}")
    slowest = max(taken, key=taken.get)
    return Result(
        taken[slowest],
        f"{taken[slowest]:.0f}",
        [
            f"{len(pages)} pages, {MEMBERS} members in 35 countries; the slowest is {slowest}",
            f"half of the pages take less than {statistics.median(taken.values()):.0f} ms",
            f"at most {max(page['statements'] for page in pages.values())} statements",
            f"at most {max(page['octets'] for page in pages.values()) / 1000:.0f} kB, compressed",
        ],
        {"pages": pages},
    )
