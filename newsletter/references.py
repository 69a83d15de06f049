"""Items that have appeared, and where they are read: for links from one item to an earlier one."""

import datetime
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils import timezone
from django.utils.translation import override

from newsletter import translating
from newsletter.models import Edition, Issue, Item
from picum import links, localising


@dataclass(frozen=True, slots=True)
class Published:
    """An item that everybody can read. Title and address are in `language`: the one asked for, or the next in which
    the item has appeared."""

    number: int
    title: str
    language: str
    path: str
    label: str  # of its issue, in the language asked for
    published_at: datetime.datetime


def published(numbers: Collection[int], language: str, *, on: datetime.datetime) -> list[Published]:
    """Those items that stand in a published edition at a moment, for readers of a language; what appeared last comes
    first. What is not published, left out or unknown is not among them. Three queries, none without numbers."""
    if not numbers:
        return []
    editions: dict[int, dict[str, datetime.datetime]] = {}
    shown = Edition.objects.published(on=on).filter(issue__items__in=numbers).distinct()
    for issue, code, moment in shown.values_list("issue", "language", "published_at"):
        editions.setdefault(issue, {})[code] = moment
    items = Item.objects.open(on=localising.local_day(on)).filter(pk__in=numbers, issue__in=editions)
    found = [
        _published(item, code, language, editions[item.issue_id][code])
        for item in items.select_related("issue").prefetch_related("translations")
        if (code := next(_readable(item, language, editions[item.issue_id]), None))
    ]
    return sorted(found, key=lambda one: (one.published_at, one.number), reverse=True)


def _readable(item: Item, language: str, editions: Collection[str]) -> Iterator[str]:
    """Languages of the published editions in which the item stands, the one asked for first."""
    marks = item.issue.fallback == Issue.Fallback.MARK
    for code in translating.fallback_order(language, (), item.original_language):
        words = translating.shown_in(item, code, ())
        if code in editions and words and (words == code or marks):
            yield code


def _published(item: Item, edition: str, language: str, moment: datetime.datetime) -> Published:
    words = translating.shown_in(item, edition, ())
    with override(edition):
        path = item.get_absolute_url()
    title = translating.texts(item)[words].title
    return Published(item.pk, title, words, path, item.issue.label(language), moment)


# --- links ----------------------------------------------------------------------------------------------------------


def address(one: Published) -> str:
    """The permanent address, absolute."""
    return links.absolute(one.path)


def in_language(html: str, language: str) -> str:
    """Rich text in which links to items of ours lead to their pages in a language, or in the next in which they have
    appeared; a link to what has not appeared stays as it is. No query for a text without such links, else three."""
    pattern = _ours(settings.SITE_URL)
    numbers = {int(number) for number in pattern.findall(html)}
    if not numbers:
        return html
    there = {one.number: address(one) for one in published(numbers, language, on=timezone.now())}
    return pattern.sub(lambda link: f'href="{there[int(link[1])]}"' if int(link[1]) in there else link[0], html)


@cache
def _ours(_site: str) -> re.Pattern[str]:
    """A link to the page of an item, in whatever language."""
    address = re.escape(links.page("newsletter:item", 0, language="en"))
    languages = "|".join(translating.LANGUAGES)
    return re.compile('href="' + address.replace("/en/", f"/(?:{languages})/").replace("/0/", r"/(\d{1,9})/") + '"')
