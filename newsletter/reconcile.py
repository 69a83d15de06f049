"""What the beat does: start what is due, free what dead workers held, finish what is done, ring again."""

import contextlib
import datetime
import logging

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils import timezone

from newsletter import continuity, enqueue, import_jobs, ledger, lifecycle, outbox, pacing, posts, sending, shifts
from newsletter.models import Delivery, Edition
from newsletter.translation import machine
from picum.doorbell import ring

log = logging.getLogger(__name__)
LATELY = datetime.timedelta(days=2)


def reconcile(*, now: datetime.datetime | None = None) -> dict[str, int]:
    """Safe to call at any time, any number of times at once. Returns what it did, for the log."""
    now = now or timezone.now()
    posts.ring_for_waiting()
    outbox.tidy(now=now)
    outbox.ring_for_due(now=now)
    import_jobs.ring_for_waiting(now=now)
    machine.ring_for_waiting(now=now)
    if continuity.holds(now=now):
        return {}
    shifts.tidy(now=now)
    pacing.tidy(now=now)
    done = ledger.reclaim(now=now)
    done["started"] = _start_due(now)
    done["rung"] = 0
    _tidy_ends(now)
    for edition in _known().filter(state=Edition.State.PAUSED):
        sending.complete(edition.pk)
    for edition in _known().filter(state=Edition.State.SENDING):
        if not sending.complete(edition.pk) and not enqueue.stop_late(edition, now=now):
            done["rung"] += _ring_for(edition, now)
    if any(done.values()):
        log.info("Reconciled: %s", ", ".join(f"{number} {what}" for what, number in done.items()))
    return done


def _known():
    """Editions whose deliveries are there; those of an issue that was turned into totals are left as they are."""
    return Edition.objects.filter(issue__tallied_at=None)


def _tidy_ends(now: datetime.datetime) -> None:
    """A worker that was given up for lost may report "not sent" after the edition's end."""
    ends = [Edition.State.SENT, Edition.State.CANCELLED]
    for edition in _known().filter(state__in=ends, finished_at__gt=now - LATELY):
        if not ledger.has_due(edition.pk):
            continue
        if edition.state == Edition.State.CANCELLED:
            ledger.skip_due(edition, why="cancelled", now=now)
        else:
            with contextlib.suppress(lifecycle.IllegalMove):
                lifecycle.move(edition, Edition.State.SENDING, by=None, finished_at=None)


def _start_due(now: datetime.datetime) -> int:
    due = Edition.objects.filter(state=Edition.State.SCHEDULED, send_at__lte=now)
    started = 0
    for issue_id in list(due.order_by().values_list("issue_id", flat=True).distinct()):
        try:
            started += len(enqueue.freeze_due(issue_id, now=now))
        except (OperationalError, InterfaceError):
            raise  # not this issue's fault
        except Exception as error:  # one issue that cannot be frozen must not hold up the others
            words = "" if isinstance(error, DatabaseError) else f": {error}"  # a database quotes rows
            log.error("Issue %s cannot be frozen: %s", issue_id, type(error).__name__)
            due.filter(issue_id=issue_id).update(last_error=f"{type(error).__name__}{words}"[:300])
    return started


def _ring_for(edition: Edition, now: datetime.datetime) -> int:
    """Ring for the workers that an edition with due rows is short of."""
    if edition.resume_at and edition.resume_at > now:
        return 0
    if not ledger.has_due(edition.pk, at=now):
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
