"""What slows an edition down or stops it: a relay in trouble, a policy refusal, a list in a bad state."""

import contextlib
import datetime
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from newsletter import lifecycle
from newsletter.models import Delivery, DeliveryEvent, Edition
from newsletter.reasons import told

State, Kind = Edition.State, DeliveryEvent.Kind
FIRST_PAUSE = datetime.timedelta(seconds=5)
LONGEST_PAUSE = datetime.timedelta(seconds=60)  # with the lease and the reconciler's step within the promised 150 s

# Mailbox providers take a sender for careless, or worse, from about these shares on.
FIRST, MOST_OF_FIRST = 200, 10  # more than 5 %
ANY, MOST_OF_ANY = 1_000, 30  # more than 3 %
COMPLAINTS_FROM, ACCEPTED_A_COMPLAINT = 1_000, 1_000  # 0.1 % and more
_STRIDE = 50


def back_off(edition_id: int, *, error: str, wait: float | None, now: datetime.datetime) -> None:
    """Nothing more of the edition is claimed for a while; twice as long with each failure in a row."""
    edition = Edition.objects.only("failures").get(pk=edition_id)
    pause = min(FIRST_PAUSE * 2 ** min(edition.failures, 10), LONGEST_PAUSE)
    pause = max(pause, datetime.timedelta(seconds=wait or 0))
    Edition.objects.filter(pk=edition_id).update(
        failures=F("failures") + 1, resume_at=now + pause, last_error=error[:300]
    )


def release(edition_id: int) -> None:
    """The relay takes mail again."""
    Edition.objects.filter(pk=edition_id, failures__gt=0).update(failures=0, resume_at=None)


def stop(edition_id: int, *, reason: str) -> None:
    """Pause the edition with the reason, unless a person moved it meanwhile."""
    edition = Edition.objects.get(pk=edition_id)
    if edition.state == State.SENDING:
        with contextlib.suppress(lifecycle.IllegalMove):
            lifecycle.move(edition, State.PAUSED, by=None, reason=reason, last_error=reason)


def check_breakers(edition_id: int) -> None:
    """Pause an edition of which too many mails came back for ever, or too many readers complained, and say why.

    Counted is what was sent since the freezing, or since a person last let the edition go on: they have seen what came
    before, and its bounces that are still on their way. Safe to call at any time; reads only what failed.
    """
    edition = Edition.objects.filter(pk=edition_id, state=State.SENDING).first()
    if edition and (reason := _too_many_bounces(edition) or _too_many_complaints(edition)):
        stop(edition_id, reason=reason)


def _since(edition: Edition) -> datetime.datetime:
    return max(edition.frozen_at, edition.resumed_at or edition.frozen_at)


def _lately(edition: Edition):
    """The deliveries that count. `due_at` of what left is the moment of the relay's answer; what a bounce or a
    provider says of it later changes that no more."""
    return Delivery.objects.filter(edition=edition, due_at__gte=_since(edition))


def _told_of(edition: Edition, kind: str):
    """The events of a kind about deliveries that count; read back from the newest one until they are too old."""
    events = DeliveryEvent.objects.filter(kind=kind)
    older = events.filter(received_at__lt=_since(edition)).order_by("-pk").values_list("pk", flat=True).first()
    return events.filter(pk__gt=older or 0, delivery__in=_lately(edition))


def _too_many_bounces(edition: Edition) -> str:
    """The reason in words, or ""."""
    at_the_relay = _lately(edition).filter(state=Delivery.State.FAILED, why="hard-bounce").values_list("pk", flat=True)
    told_later = _told_of(edition, Kind.HARD).values_list("delivery", flat=True)
    hard = sorted({*at_the_relay, *told_later})
    if len(hard) > MOST_OF_FIRST and (number := _of_the_first(edition, hard)) > MOST_OF_FIRST:
        return told(lambda: _bounced(number, FIRST))
    if _crowded(edition, hard):
        return told(lambda: _bounced(MOST_OF_ANY + 1, ANY))
    return ""


def _of_the_first(edition: Edition, hard: Sequence[int]) -> int:
    """How many of these are among the FIRST deliveries; 0 when they are too few to matter."""
    turn, rows = hard[MOST_OF_FIRST], _lately(edition).values_list("pk", flat=True)
    first = list(rows.filter(pk__lte=turn).order_by("-pk")[: FIRST + 1])
    if len(first) > FIRST:
        return 0
    first += rows.filter(pk__gt=turn).order_by("pk")[: FIRST - len(first)]
    return len({*first} & {*hard})


def _crowded(edition: Edition, hard: Sequence[int]) -> bool:
    """Whether any stretch of ANY deliveries, in the order of their numbers, holds more than it may."""
    if len(hard) <= MOST_OF_ANY:
        return False
    marks = _marks(edition.pk, edition.frozen_count, edition.frozen_at)
    places = [bisect_right(marks, pk) for pk in hard]
    for first, last in enumerate(range(MOST_OF_ANY, len(hard))):
        at_least = (places[last] - places[first] - 1) * _STRIDE + 1
        if at_least < ANY and _is_within(edition, hard[first], hard[last]):
            return True
    return False


def _is_within(edition: Edition, first: int, last: int) -> bool:
    rows = Delivery.objects.filter(edition=edition, pk__range=(first, last)).order_by("pk").values_list("pk", flat=True)
    return len(rows[: ANY + 1]) <= ANY


@lru_cache(maxsize=16)
def _marks(edition_id: int, frozen_count: int, frozen_at: datetime.datetime) -> list[int]:
    """Every fiftieth delivery of an edition, the first one included.

    Editions of an issue share a run of numbers, so that numbers alone do not tell how many lie between two. Looked up
    once: deliveries are added by freezing alone, which changes the count.
    """
    rows = Delivery.objects.filter(edition=edition_id).annotate(place=Window(RowNumber(), order_by="pk"))
    every = rows.annotate(step=(F("place") - 1) % _STRIDE).filter(step=0)
    return list(every.order_by("pk").values_list("pk", flat=True))


def _bounced(hard: int, among: int) -> str:
    numbers = {"hard": hard, "among": among}
    if among == FIRST:
        words = _("Of the first %(among)d mails, %(hard)d came back because the mailbox does not exist.")
    else:
        words = _("Of %(among)d mails in a row, %(hard)d came back because the mailbox does not exist.")
    return words % numbers + " " + _("Look where these readers come from before you let it go on.")


def _too_many_complaints(edition: Edition) -> str:
    """The reason in words, or ""."""
    complaints = _told_of(edition, Kind.COMPLAINED).values("delivery").distinct().count()
    if not complaints:
        return ""
    took = _lately(edition).filter(state=Delivery.State.ACCEPTED)
    accepted = took.values("pk")[: complaints * ACCEPTED_A_COMPLAINT + 1].count()
    if not COMPLAINTS_FROM <= accepted <= complaints * ACCEPTED_A_COMPLAINT:
        return ""

    def words() -> str:
        counted = {"accepted": accepted, "complaints": complaints}
        told_us = _("Of %(accepted)d mails that arrived, %(complaints)d were called unwanted by their readers.")
        return told_us % counted + " " + _("Look whether they asked for it before you let it go on.")

    return told(words)
