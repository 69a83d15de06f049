"""What the beat does: start what is due, free what dead workers held, finish what is done, ring again."""

import datetime
import logging

from django.conf import settings
from django.utils import timezone

from newsletter import enqueue, ledger, sending
from newsletter.doorbell import ring
from newsletter.models import Delivery, Edition

log = logging.getLogger(__name__)


def reconcile(*, now: datetime.datetime | None = None) -> dict[str, int]:
    """Safe to call at any time, any number of times at once. Returns what it did, for the log."""
    now = now or timezone.now()
    done = ledger.reclaim(now=now)
    done["started"] = _start_due(now)
    done["rung"] = 0
    for edition in Edition.objects.filter(state=Edition.State.CANCELLED, deliveries__state__in=Delivery.DUE).distinct():
        ledger.skip_due(edition, why="cancelled", now=now)
    for edition in Edition.objects.filter(state=Edition.State.SENDING):
        if not sending.complete(edition.pk):
            done["rung"] += _ring_for(edition, now)
    if any(done.values()):
        log.info("Reconciled: %s", ", ".join(f"{number} {what}" for what, number in done.items()))
    return done


def _start_due(now: datetime.datetime) -> int:
    due = Edition.objects.filter(state=Edition.State.SCHEDULED, send_at__lte=now)
    issues = list(due.order_by().values_list("issue_id", flat=True).distinct())
    return sum(len(enqueue.freeze_due(issue_id, now=now)) for issue_id in issues)


def _ring_for(edition: Edition, now: datetime.datetime) -> int:
    """Ring for the workers that an edition with due rows is short of."""
    if edition.resume_at and edition.resume_at > now:
        return 0
    if not edition.deliveries.due(at=now).exists():
        return 0
    working = (
        edition.deliveries.filter(state__in=Delivery.IN_HAND, lease_until__gt=now)
        .order_by()
        .values("worker")
        .distinct()
        .count()
    )
    missing = max(0, enqueue.hands(edition) - working)
    ring("newsletter.send_edition", edition.pk, times=missing, expires=settings.SENDING_RECONCILE_SECONDS)
    return missing
