"""Soft bounces: one full mailbox is nothing, a mailbox that is full for months is given up.

One point per issue; the address goes on the stop list after three issues in a row, when sixty days have passed
without a delivery. A letter that was accepted and never came back counts as delivered: many servers say no more.
"""

import datetime
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Count, Max, Min

from newsletter.models import Delivery, DeliveryEvent

ISSUES = 3
WITHOUT_A_DELIVERY = datetime.timedelta(days=60)
_NOT_SENT = {Delivery.State.FAILED, Delivery.State.SKIPPED}


@dataclass(frozen=True, slots=True)
class _Copy:
    """A reader's copy of one issue. `first` and `last`: when it bounced softly, None when it did not."""

    state: str
    frozen_at: datetime.datetime
    first: datetime.datetime | None
    last: datetime.datetime | None


def given_up(readers: Collection[int]) -> set[uuid.UUID]:
    """The address keys of those of these readers whose mailbox takes nothing any more."""
    if not readers:
        return set()
    soft = DeliveryEvent.objects.filter(kind=DeliveryEvent.Kind.SOFT, delivery__subscriber__in=readers)
    often = soft.order_by().values("delivery__subscriber").annotate(issues=Count("delivery", distinct=True))
    readers = list(often.filter(issues__gte=ISSUES).values_list("delivery__subscriber", flat=True))
    if not readers:
        return set()
    rows = soft.filter(delivery__subscriber__in=readers).order_by().values_list("delivery")
    moments = {pk: (first, last) for pk, first, last in rows.annotate(Min("happened_at"), Max("happened_at"))}
    copies: dict[uuid.UUID, list[_Copy]] = defaultdict(list)
    sent = Delivery.objects.filter(subscriber__in=readers).order_by("-pk")
    for pk, key, state, frozen_at in sent.values_list("pk", "address_key", "state", "edition__frozen_at"):
        copies[key].append(_Copy(state, frozen_at, *moments.get(pk, (None, None))))
    return {key for key, letters in copies.items() if _is_given_up(letters)}


def _is_given_up(copies: Iterable[_Copy]) -> bool:
    """`copies` are newest first. What was never sent, or failed for another reason, is passed over."""
    row: list[_Copy] = []
    since = None
    for copy in copies:
        if copy.last:
            row.append(copy)
        elif copy.state not in _NOT_SENT:
            since = copy.frozen_at
            break
    if len(row) < ISSUES:
        return False
    return max(copy.last for copy in row) - (since or row[-1].first) >= WITHOUT_A_DELIVERY
