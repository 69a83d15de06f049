"""The links of an issue, asked in the background whether they still lead anywhere: one after another, and seldom.

The rows say what is due; the bell only wakes a worker. A log line tells numbers, never an address.
"""

import datetime
import html
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain, zip_longest
from urllib.parse import urldefrag, urlsplit

from django.db.models import Q
from django.utils import timezone

from newsletter import outside, translating
from newsletter.models import Edition, Issue, Item, ItemTranslation, LinkCheck
from newsletter.models.outside import URL_LENGTH
from picum.doorbell import ring_once_on_commit

# Asked again, at the earliest: when a person wants to know, before sending, and by itself while an issue is made.
AT_ONCE, BEFORE_SENDING, NOW_AND_THEN = (
    datetime.timedelta(minutes=10),
    datetime.timedelta(days=1),
    datetime.timedelta(days=7),
)
FORGET = datetime.timedelta(days=180)
OPEN_FOR = datetime.timedelta(days=90)  # an issue that is older by then is not asked about by itself
TURN = 60  # seconds that one task takes at most, but for the address it is at
MOST = 200  # addresses in one turn
PAUSE = 1.0  # seconds between two questions to one host
CLAIM = datetime.timedelta(minutes=2)
BATCH = 500
_HREF = re.compile(r'href="([^"]*)"')
_WEB = re.compile(r"https?://", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """A link in the words of a language; without one, of an item's source. `item` None: around the items."""

    url: str
    item: Item | None
    language: str | None


def links_of(issue: Issue) -> list[Link]:
    """All links to the web that editors wrote. Wants `Issue.objects.with_contents()`."""
    found = [link for row in issue.translations.all() for link in _around(row)]
    for item in issue.items.all():
        found += [link for row in item.translations.all() for link in _written(row, item)] + _read(item)
    return list(dict.fromkeys(found))


def links_of_edition(issue: Issue, language: str) -> list[Link]:
    """Those that its readers are shown, gaps filled."""
    found = [link for row in issue.translations.all() if row.language_code == language for link in _around(row)]
    for item, shown in translating.contents(issue, language, ()).items:
        found += _written(translating.texts(item)[shown], item) + _read(item)
    return list(dict.fromkeys(found))


def bare(url: str) -> str:
    """An address as it is asked: without what only the reader's program looks at."""
    return urldefrag(url)[0]


def known(urls: Iterable[str]) -> dict[str, LinkCheck]:
    """What came of these addresses, by address. One query."""
    keys = {LinkCheck.key_of(url) for url in urls}
    return {check.url: check for check in LinkCheck.objects.filter(url_key__in=keys)} if keys else {}


def ask(issue: Issue, *, now: datetime.datetime, older_than: datetime.timedelta) -> int:
    """Have the links of an issue checked that were not within this time; how many are due. Rings once on commit. Wants
    `Issue.objects.with_contents()`."""
    urls = _addresses(issue)
    LinkCheck.objects.bulk_create(
        [LinkCheck(url=url, url_key=key, due_at=now) for key, url in urls.items()],
        ignore_conflicts=True,
        batch_size=BATCH,
    )
    rows = LinkCheck.objects.filter(url_key__in=urls)
    rows.filter(Q(checked_at=None) | Q(checked_at__lte=now - older_than), due_at=None).update(due_at=now)
    due = rows.filter(due_at__lte=now).count()
    if due:
        # All languages of an issue may be made ready at once; its links are checked together.
        ring_once_on_commit("newsletter.check_links", issue.pk)
    return due


def check(issue: Issue, *, seconds: float = TURN, until: Callable[[], bool] = lambda: False) -> bool:
    """Ask what is due of an issue, each host in its turn; whether something is left for the next turn."""
    ends = time.monotonic() + seconds
    due = LinkCheck.objects.filter(url_key__in=_addresses(issue), due_at__lte=timezone.now()).order_by("due_at", "pk")
    rows = list(_in_turn(due[: MOST + 1]))
    last_asked: dict[str, float] = {}
    for number, row in enumerate(rows):
        if until() or time.monotonic() >= ends or number == MOST:
            return True
        host = _host(row.url)
        time.sleep(max(0.0, last_asked.get(host, 0) + PAUSE - time.monotonic()))
        if _claim(row):
            found = outside.look(row.url)
            _note(row, found)
            if found.asked:
                last_asked[host] = time.monotonic()
    return False


def look_after(*, now: datetime.datetime) -> tuple[int, int]:
    """Have the links of issues that are being made checked now and then, and forget old ones; how many of each."""
    unsent = Edition.objects.filter(frozen_at=None).exclude(state=Edition.State.CANCELLED)
    issues = Issue.objects.newsletters().filter(created_at__gte=now - OPEN_FOR, editions__in=unsent).distinct()
    asked = sum(ask(issue, now=now, older_than=NOW_AND_THEN) for issue in issues.with_contents())
    old = Q(checked_at__lt=now - FORGET) | Q(checked_at=None, due_at__lt=now - FORGET)
    return asked, LinkCheck.objects.filter(old).delete()[0]


def _addresses(issue: Issue) -> dict[str, str]:
    """By key. An address that is too long is nobody's."""
    urls = (bare(link.url) for link in links_of(issue))
    return {LinkCheck.key_of(url): url for url in urls if len(url) <= URL_LENGTH}


def _around(row) -> list[Link]:
    return [Link(url, None, row.language_code) for url in _hrefs(f"{row.message}{row.donation}")]


def _written(row: ItemTranslation, item: Item) -> list[Link]:
    return [Link(url, item, row.language_code) for url in _hrefs(row.text)]


def _read(item: Item) -> list[Link]:
    urls = (source.url.strip() for source in item.sources.all())
    return [Link(url, item, None) for url in urls if _WEB.match(url)]


def _hrefs(rich: str) -> list[str]:
    urls = (html.unescape(href).strip() for href in _HREF.findall(rich))
    return [url for url in urls if _WEB.match(url)]


def _in_turn(rows: Iterable[LinkCheck]) -> Iterable[LinkCheck]:
    """One of each host, then the next of each: the sooner asked first."""
    by_host: dict[str, list[LinkCheck]] = {}
    for row in rows:
        by_host.setdefault(_host(row.url), []).append(row)
    return (row for row in chain.from_iterable(zip_longest(*by_host.values())) if row)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _claim(row: LinkCheck) -> bool:
    """Is it ours to ask? Another worker may be at the same issue, or at another one with the same link."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    mine = LinkCheck.objects.filter(free, pk=row.pk, due_at__lte=now)
    return bool(mine.update(claimed_until=now + CLAIM))


def _note(row: LinkCheck, found: outside.Finding) -> None:
    LinkCheck.objects.filter(pk=row.pk).update(
        state=found.state,
        status=found.status,
        note=found.note,
        checked_at=timezone.now(),
        due_at=None,
        claimed_until=None,
    )
