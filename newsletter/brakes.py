"""What slows an edition down or stops it: a relay in trouble, a policy refusal, the rate knob."""

import contextlib
import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F

from newsletter import lifecycle
from newsletter.models import Edition, Pace

FIRST_PAUSE = datetime.timedelta(seconds=5)
LONGEST_PAUSE = datetime.timedelta(seconds=60)  # with the lease and the reconciler's step within the promised 150 s


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
    if edition.state == Edition.State.SENDING:
        with contextlib.suppress(lifecycle.IllegalMove):
            lifecycle.move(edition, Edition.State.PAUSED, by=None, reason=reason[:300], last_error=reason[:300])


def slots(count: int, *, transport: str, now: datetime.datetime) -> list[float]:
    """Seconds from `now` at which `count` messages may leave, so that all workers together keep SENDING_RATE.

    One row per transport holds the next free moment; taking a slot moves it on. A slot of a killed worker is lost,
    which only makes the sending slower. All zeros without a rate.
    """
    if not settings.SENDING_RATE:
        return [0.0] * count
    step = 1 / settings.SENDING_RATE
    with transaction.atomic():
        Pace.objects.get_or_create(transport=transport, defaults={"next_at": now})
        pace = Pace.objects.select_for_update().get(transport=transport)
        start = max(pace.next_at, now)
        pace.next_at = start + datetime.timedelta(seconds=step * count)
        pace.save(update_fields=["next_at"])
    offset = (start - now).total_seconds()
    return [offset + step * number for number in range(count)]


def slice_size(wanted: int) -> int:
    """How many rows to claim at once: under a rate, no more than some seconds' worth."""
    return max(1, min(wanted, int(settings.SENDING_RATE * 5))) if settings.SENDING_RATE else wanted
