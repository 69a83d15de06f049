"""Who would get what: the numbers a person should see before pressing Send. Counts only, no addresses."""

import datetime
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q

from newsletter import translating
from newsletter.models import Delivery, Edition, Issue, Subscriber, Suppression
from picum import localising

REACHABLE = {Edition.State.SENDING, Edition.State.PAUSED, Edition.State.SENT}


@dataclass(frozen=True)
class Group:
    """Readers with one order of languages, and one wish for a late one, who have not got the issue.

    `count` those who do not pause; `earlier` by frozen language: how many were subscribed, and did not pause, when that
    edition was frozen, for others do not get it any more (0 once it is cancelled).
    """

    order: tuple[str, ...]
    late: str
    count: int
    earlier: dict[str, int]


@dataclass(frozen=True)
class Outlook:
    """How many readers get the issue by this sending, by the language they get, and how many wait, by the language
    they wait for."""

    now: Counter
    waiting: Counter


def groups(issue: Issue, *, at: datetime.datetime) -> list[Group]:
    """The readers who may still get the issue if it goes out at that moment: subscribed, not on the stop list, without
    a delivery. One query, when the editions are prefetched."""
    frozen = {edition.language: edition for edition in issue.editions.all() if edition.frozen_at}
    earlier = {
        f"by_{language}": Count("pk", filter=Q(subscribed_at__lte=edition.frozen_at) & _awake(edition.frozen_at))
        for language, edition in frozen.items()
    }
    served = Delivery.objects.filter(Q(address_key=OuterRef("address_key")) | Q(subscriber=OuterRef("pk")), issue=issue)
    stopped = Suppression.objects.filter(address_key=OuterRef("address_key"))
    rows = (
        Subscriber.objects.subscribed()
        .filter(~Exists(served), ~Exists(stopped))
        .order_by()
        .values("languages", "late")
        .annotate(count=Count("pk", filter=_awake(at)), **earlier)
    )
    return [
        Group(
            order=tuple(row["languages"].split()),
            late=row["late"],
            count=row["count"],
            earlier={
                language: row[f"by_{language}"] if edition.state in REACHABLE else 0
                for language, edition in frozen.items()
            },
        )
        for row in rows
        if row["languages"].split()
    ]


def _awake(at: datetime.datetime) -> Q:
    """Whoever does not pause at a moment; as `newsletter.routing` has it."""
    return Q(paused_until=None) | Q(paused_until__lte=localising.local_day(at))


def outlook(waiting_groups: Sequence[Group], *, chosen: Collection[str], given_up: Collection[str]) -> Outlook:
    """What sending the `chosen` languages now would do, readers not waiting for those in `given_up`."""
    now, waiting = Counter(), Counter()
    for group in waiting_groups:
        going = set(chosen) | set(group.earlier)
        language = translating.route(group.order, going=going, given_up=set(given_up) - going, late=group.late)
        if language is None:
            open_ones = (code for code in group.order if code not in given_up)
            waiting[next(open_ones, group.order[0])] += group.count
        else:
            now[language] += group.count if language in chosen else group.earlier[language]
    return Outlook(+now, +waiting)


def instead(
    waiting_groups: Sequence[Group], language: str, *, chosen: Collection[str], given_up: Collection[str]
) -> Counter:
    """If readers did not wait for this language: by language, how many would get that one now; "" for those who
    would go without."""
    others = set(given_up) - {language}
    mine = [group for group in waiting_groups if outlook([group], chosen=chosen, given_up=others).waiting[language]]
    result = outlook(mine, chosen=chosen, given_up=others | {language})
    without = sum(group.count for group in mine) - result.now.total()
    return result.now + Counter({"": without})
