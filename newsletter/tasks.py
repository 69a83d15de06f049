"""Doorbells: primitive arguments, load, call one function. The rows are the truth."""

import logging

from celery import shared_task
from celery.worker import state
from django.utils import timezone

from newsletter import enqueue, reconcile, sending
from newsletter.doorbell import ring
from newsletter.models import Edition, Issue

log = logging.getLogger(__name__)


@shared_task(name="newsletter.freeze_issue")
def freeze_issue(issue_id: int) -> None:
    if not Issue.objects.filter(pk=issue_id).exists():
        log.warning("There is no issue %s.", issue_id)
        return
    enqueue.freeze_due(issue_id)


@shared_task(name="newsletter.send_edition")
def send_edition(edition_id: int) -> None:
    edition = Edition.objects.filter(pk=edition_id).first()
    if edition is None:
        log.warning("There is no edition %s.", edition_id)
        return
    if sending.send_edition(edition_id, until=_worker_stops) and edition.deliveries.due(at=timezone.now()).exists():
        ring("newsletter.send_edition", edition_id)


@shared_task(name="newsletter.reconcile")
def reconcile_all() -> None:
    reconcile.reconcile()


def _worker_stops() -> bool:
    """Is this process a worker that was asked to end? A child of one is not asked: its worker waits for it."""
    return state.should_stop is not None or state.should_terminate is not None
