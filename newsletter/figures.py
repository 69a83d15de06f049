"""The numbers of an issue, and of the list: counted by language, never by person.

Pages read the totals that are written here and nothing else, so that they cost the same for a hundred readers and for
a million, and still answer when the deliveries are long deleted (`newsletter.retention`).
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, Q
from django.db.models.functions import Left
from django.utils import timezone

from newsletter.models import (
    AudienceCount,
    Consent,
    Delivery,
    DeliveryEvent,
    Edition,
    Issue,
    IssueTotal,
    Subscriber,
    Suppression,
)
from newsletter.translating import LANGUAGES

State, Kind = Delivery.State, DeliveryEvent.Kind
ISSUES = 12  # an issue is seen against so many before it
AFTER_IT = datetime.timedelta(days=60)  # who leaves later has not left because of this issue
LATE = datetime.timedelta(days=2)  # so long news may take from its own moment to the row that tells it
# Who left and who complained says something about people: it is told of so many readers together, not of fewer.
ENOUGH = 20

_NUMBERS = ["readers", "accepted", "failed", "skipped", "unknown", "bounced", "complained", "unsubscribed", "reasons"]


# --- an issue --------------------------------------------------------------------------------------------------------


def tally(issue: Issue, *, now: datetime.datetime) -> list[IssueTotal]:
    """Count what became of an issue, in each language that was frozen, and keep it. The totals; none when its
    deliveries are deleted: then those that are kept are the last word, and stay as they are.

    Some ten statements, and one more for each moment at which languages were frozen; the largest reads of the
    deliveries an index alone.
    """
    editions = list(issue.editions.frozen().order_by("pk"))
    counted = _counted(issue, editions)
    with transaction.atomic():
        # Deleting begins when the issue is marked under this lock. What was counted before is whole, or not written.
        if Issue.objects.select_for_update().filter(pk=issue.pk, tallied_at=None).exists():
            return keep(issue, counted, now=now)
    return []


def keep(issue: Issue, counted: Mapping[str, Mapping], *, now: datetime.datetime) -> list[IssueTotal]:
    """Write the totals of an issue: by language, values of the fields of `IssueTotal`."""
    totals = [IssueTotal(issue=issue, language=code, counted_at=now, **numbers) for code, numbers in counted.items()]
    IssueTotal.objects.bulk_create(
        totals,
        update_conflicts=True,
        unique_fields=["issue", "language"],
        update_fields=[*_NUMBERS, "counted_at"],
    )
    return totals


def refresh(*, now: datetime.datetime) -> Counter:
    """Count anew each issue of which something new may be known; how many were "counted", and how many "quiet"."""
    done: Counter = Counter()
    sent = Issue.objects.filter(Exists(Edition.objects.frozen().filter(issue=OuterRef("pk"))), tallied_at=None)
    for issue in sent.annotate(counted_at=Min("totals__counted_at")).order_by("pk"):
        if issue.counted_at and not _is_news(issue, since=issue.counted_at - LATE):
            done["quiet"] += 1
        elif tally(issue, now=now):
            done["counted"] += 1
    return done


def _is_news(issue: Issue, *, since: datetime.datetime) -> bool:
    """Whether anything may have changed. Sending changes deliveries; after it only events do; and readers leave."""
    over = Q(state__in=[Edition.State.SENT, Edition.State.CANCELLED], finished_at__lte=since)
    if issue.editions.frozen().filter(~over).exists():
        return True
    heard = DeliveryEvent.objects.order_by("-pk").values_list("received_at", flat=True).first()
    left = _leavers().order_by("-at").values_list("at", flat=True).first()
    return any(moment and moment > since for moment in (heard, left))


def _counted(issue: Issue, editions: Sequence[Edition]) -> dict[str, dict]:
    by_edition = Delivery.objects.filter(edition__in=editions).order_by()
    states: dict[int, Counter] = defaultdict(Counter)
    for edition, state, number in by_edition.values_list("edition", "state").annotate(Count("pk")):
        states[edition][state] = number
    reasons: dict[int, Counter] = defaultdict(Counter)
    ends = by_edition.filter(state__in=[State.FAILED, State.SKIPPED])
    for edition, why, number in ends.values_list("edition", "why").annotate(Count("pk")):
        reasons[edition][why] = number
    # A letter that came back is called failed for it, unless it was called something worse before.
    returned = _told(editions, Kind.HARD, ~Q(delivery__state=State.FAILED, delivery__why="hard-bounce"))
    complained = _told(editions, Kind.COMPLAINED, Q())
    left = _left(issue, editions)
    return {
        edition.language: {
            "readers": states[edition.pk].total(),
            "accepted": states[edition.pk][State.ACCEPTED],
            "failed": states[edition.pk][State.FAILED],
            "skipped": states[edition.pk][State.SKIPPED],
            "unknown": states[edition.pk][State.UNKNOWN],
            "bounced": reasons[edition.pk]["hard-bounce"] + returned[edition.pk],
            "complained": complained[edition.pk],
            "unsubscribed": left[edition.pk],
            "reasons": dict(reasons[edition.pk].most_common()),
        }
        for edition in editions
    }


def _told(editions: Sequence[Edition], kind: str, more: Q) -> Counter:
    """Of how many letters of each edition such a thing was told."""
    events = DeliveryEvent.objects.filter(more, kind=kind, delivery__edition__in=editions).order_by()
    return Counter(dict(events.values_list("delivery__edition").annotate(Count("delivery", distinct=True))))


def _left(issue: Issue, editions: Sequence[Edition]) -> Counter:
    """How many readers of each edition left between it and the next issue, but not later than `AFTER_IT`.

    Found by the key of their address, so that those count too whose address is erased. Whoever complained is counted
    as that, whoever took it back at once has not left, and whoever moved to another address reads on.
    """
    others = Edition.objects.frozen().filter(issue__in=Issue.objects.newsletters()).exclude(issue=issue)
    starts = list(others.values_list("frozen_at", flat=True))
    left = Counter()
    for since, some in groupby(sorted(editions, key=attrgetter("frozen_at")), key=attrgetter("frozen_at")):
        until = min([since + AFTER_IT, *(moment for moment in starts if moment > since)])
        back = Consent.objects.filter(
            address_key=OuterRef("address_key"), how=Consent.How.UNDO, number__gt=OuterRef("number"), at__lt=until
        )
        gone = _leavers().filter(~Exists(back), at__gte=since, at__lt=until).values("address_key")
        theirs = Delivery.objects.filter(issue=issue, edition__in=list(some), address_key__in=gone).order_by()
        left.update(dict(theirs.values_list("edition").annotate(Count("pk"))))
    return left


def _leavers():
    kinds = [Consent.Kind.WITHDRAWN, Consent.Kind.ERASED]
    return Consent.objects.filter(kind__in=kinds).exclude(how__in=[Consent.How.COMPLAINT, Consent.How.MOVE])


def compared(issue: Issue) -> list[Issue]:
    """The issue and the last `ISSUES` before it of which there are totals, oldest first, totals prefetched. Two
    statements."""
    before = Q(period__lt=issue.period) | Q(period=issue.period, pk__lt=issue.pk)
    others = Issue.objects.newsletters().filter(before, Exists(IssueTotal.objects.filter(issue=OuterRef("pk"))))
    chosen = others.order_by("-period", "-pk").values("pk")[:ISSUES]
    found = Issue.objects.filter(Q(pk=issue.pk) | Q(pk__in=list(chosen.values_list("pk", flat=True))))
    return list(found.order_by("period", "pk").prefetch_related("totals"))


def tellable(totals: Iterable[IssueTotal]) -> set[str]:
    """The languages of which it may be said how many left and how many complained; "" stands for all together.

    In a language with a handful of readers, one complaint points at a person: colleagues may know them all. So such a
    language is counted in the sum alone; and so that it cannot be worked out by subtraction, those left untold are
    always `ENOUGH` readers together, if need be with the next larger language. How mail servers answered is no opinion
    of anybody's, and is told always.
    """
    rows = sorted((total for total in totals if total.readers), key=lambda total: total.readers)
    if sum(total.readers for total in rows) < ENOUGH:
        return set()
    untold = 0
    told = {""}
    for total in rows:
        if total.readers < ENOUGH or 0 < untold < ENOUGH:
            untold += total.readers
        else:
            told.add(total.language)
    return told


# --- the list --------------------------------------------------------------------------------------------------------


def count_readers(day: datetime.date, *, now: datetime.datetime) -> dict[str, int]:
    """Count who got the newsletter at the end of a day, by first language, and keep it. One GROUP BY.

    A day that has been counted stays as it is. Long after it, the count is only reckoned: erased readers cannot be
    found any more, who came back since counts from then only, and everybody in the language that is theirs now.
    """
    end = _end_of(day)
    left_later = Q(state=Subscriber.State.UNSUBSCRIBED, unsubscribed_at__gte=end)
    there = Subscriber.objects.filter(Q(state=Subscriber.State.SUBSCRIBED) | left_later, subscribed_at__lt=end)
    stopped = Suppression.objects.filter(address_key=OuterRef("address_key"), created_at__lt=end)
    by_language = there.filter(~Exists(stopped)).order_by().values_list(Left("languages", 2)).annotate(Count("pk"))
    counted = dict.fromkeys(LANGUAGES, 0) | dict(by_language)
    reckoned = now >= end + datetime.timedelta(days=1)
    AudienceCount.objects.bulk_create(
        (AudienceCount(day=day, language=code, number=counted[code], reckoned=reckoned) for code in LANGUAGES),
        ignore_conflicts=True,
    )
    return counted


def count_days(*, now: datetime.datetime, since: datetime.date | None = None) -> list[datetime.date]:
    """Count yesterday's readers, and those of the days since the last count, or since a day; the days counted."""
    yesterday = timezone.localdate(now) - datetime.timedelta(days=1)
    last = AudienceCount.objects.aggregate(last=Max("day"))["last"]
    first = since or (last + datetime.timedelta(days=1) if last else yesterday)
    known = set(AudienceCount.objects.filter(day__gte=first).values_list("day", flat=True))
    length = max(0, (yesterday - first).days + 1)
    days = [day for at in range(length) if (day := first + datetime.timedelta(days=at)) not in known]
    for day in days:
        count_readers(day, now=now)
    return days


def audience(*, until: datetime.date, months: int) -> list[AudienceCount]:
    """The counts of the last day known of each of the last months, the current one included. One statement."""
    begin = (until.year * 12 + until.month - 1) - months
    first = datetime.date(begin // 12, begin % 12 + 1, 1)
    days = AudienceCount.objects.filter(day__gte=first, day__lte=until)
    ends = days.order_by().values("day__year", "day__month").annotate(last=Max("day")).values("last")
    return list(AudienceCount.objects.filter(day__in=ends).order_by("day"))


def _end_of(day: datetime.date) -> datetime.datetime:
    """Midnight at the end of a day, on the site's clock."""
    following = day + datetime.timedelta(days=1)
    return datetime.datetime.combine(following, datetime.time.min, tzinfo=timezone.get_current_timezone())
