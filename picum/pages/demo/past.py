"""The demo's past in numbers: what became of the issues of the months before, and how the list has grown."""

import datetime
import random
from collections.abc import Sequence

from django.db.models import F
from django.utils import timezone

from newsletter import figures, retention
from newsletter.models import Issue, Subscriber
from picum.pages.demo.readers import READERS

MONTHS = 24
GROWTH = 0.011  # a month, in the mean
# How the months differ, the newest first: quiet ones, and one after a campaign.
SEASONS = (5, 14, 9, 2, 3, 8, 12, 38, 16, 10, 6, 4, 11, 13, 9, 2, 1, 7, 10, 25, 12, 9, 8, 6)
GERMAN_TROUBLE = 5  # issues ago, one of the large German providers would not have the mail
# In a thousand readers of an issue, about so many.
FAILED, SKIPPED, UNKNOWN, LEFT, COMPLAINED = 7, 1, 0.3, 2.5, 0.25


def tell_of_issues(issues: Sequence[Issue], *, readers: int, dice: random.Random, now: datetime.datetime) -> None:
    """The totals of past issues, oldest first, as they stay when the deliveries are deleted: there are none."""
    for ago, issue in zip(range(len(issues), 0, -1), issues, strict=True):
        counted = {
            language: _outcome(round(readers * share / 1000 * (1 - GROWTH * ago)), language, ago, dice)
            for language, (share, _others) in READERS.items()
        }
        for edition in issue.editions.all():
            edition.frozen_count = counted[edition.language]["readers"]
            edition.save(update_fields=["frozen_count"])
        ended = issue.editions.latest("finished_at").finished_at
        issue.tallied_at = min(now, ended + retention.DELIVERIES)
        issue.save(update_fields=["tallied_at"])
        figures.keep(issue, counted, now=issue.tallied_at)


def _outcome(readers: int, language: str, ago: int, dice: random.Random) -> dict[str, object]:
    """The fields of an `IssueTotal`."""

    def some(in_a_thousand: float) -> int:
        return sum(dice.random() < in_a_thousand / 1000 for _reader in range(readers))

    hard, soft = some(FAILED * 0.6), some(FAILED * 0.4)
    policy = some(60 if (language, ago) == ("de", GERMAN_TROUBLE) else 0.2)
    skipped, unknown = some(SKIPPED), some(UNKNOWN)
    failed = hard + soft + policy
    reasons = {"hard-bounce": hard, "soft-bounce": soft, "policy": policy, "unsubscribed": skipped}
    return {
        "readers": readers,
        "accepted": max(0, readers - failed - skipped - unknown),
        "failed": failed,
        "skipped": skipped,
        "unknown": unknown,
        "bounced": hard,
        "complained": some(COMPLAINED),
        "unsubscribed": some(LEFT),
        "reasons": {why: number for why, number in reasons.items() if number},
    }


def tell_of_readers(*, now: datetime.datetime) -> None:
    """Spread the days on which the demo's readers came over two years, and count them at the end of each month."""
    ends = _month_ends(timezone.localdate(now))
    theirs = Subscriber.objects.filter(source="demo").annotate(lot=F("pk") % 1000)
    # Of a thousand, the first ones came last; the rest has been there from the beginning.
    for ago, day in enumerate(ends):
        lots = theirs.filter(lot__gte=sum(SEASONS[:ago]), lot__lt=sum(SEASONS[: ago + 1]) if ago < MONTHS else 1000)
        lots.update(subscribed_at=_noon(day) - datetime.timedelta(days=12))
    for day in reversed(ends):
        figures.count_readers(day, now=_noon(day) + datetime.timedelta(hours=13))


def _month_ends(today: datetime.date) -> list[datetime.date]:
    """Yesterday, and the last days of the months before it; the newest first."""
    days = [today - datetime.timedelta(days=1)]
    while len(days) <= MONTHS:
        days.append(days[-1].replace(day=1) - datetime.timedelta(days=1))
    return days


def _noon(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(12), tzinfo=timezone.get_current_timezone())
