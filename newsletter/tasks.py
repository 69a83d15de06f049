"""Doorbells: primitive arguments, load, call one function. The rows are the truth."""

import logging

from celery import shared_task
from celery.worker import state
from django.conf import settings
from django.utils import timezone

from newsletter import (
    bounces,
    continuity,
    enqueue,
    import_jobs,
    ledger,
    link_checks,
    outbox,
    posts,
    reconcile,
    retention,
    sender_domain,
    sending,
    upkeep,
)
from newsletter.models import Edition, Issue
from newsletter.translation import machine
from picum.doorbell import ring

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
    if continuity.holds(now=timezone.now()):
        return
    if sending.send_edition(edition_id, until=_worker_stops) and ledger.has_due(edition_id, at=timezone.now()):
        ring("newsletter.send_edition", edition_id)


@shared_task(name="newsletter.reconcile")
def reconcile_all() -> None:
    reconcile.reconcile()


@shared_task(name="newsletter.fetch_bounces")
def fetch_bounces() -> None:
    if settings.BOUNCE_MAILBOX is None:
        log.warning("There is no mailbox to fetch bounces from: BOUNCE_URL.")
        return
    try:
        counts = bounces.collect(settings.BOUNCE_MAILBOX, now=timezone.now())
    except bounces.Unreachable as error:
        log.warning("%s", error)
        return
    if counts:
        log.info("Bounces: %s.", bounces.told(counts))


@shared_task(name="newsletter.track")
def track() -> None:
    posts.read_waiting(until=_worker_stops)
    posts.ring_for_waiting()


@shared_task(name="newsletter.send_system_mail")
def send_system_mail() -> None:
    # In a database that was set back, whoever waits for a mail may have had it, or have been erased since.
    if continuity.holds(now=timezone.now()):
        return
    outbox.dispatch(now=timezone.now(), until=_worker_stops)


@shared_task(name="newsletter.import")
def import_list(job_id: int) -> None:
    import_jobs.work(job_id, until=_worker_stops, seconds=import_jobs.TURN)


@shared_task(name="newsletter.check_links")
def check_links(issue_id: int) -> None:
    issue = Issue.objects.with_contents().filter(pk=issue_id).first()
    if issue is None:
        log.warning("There is no issue %s.", issue_id)
        return
    if link_checks.check(issue, until=_worker_stops):
        ring("newsletter.check_links", issue_id)


@shared_task(name="newsletter.check_sender")
def check_sender() -> None:
    if number := sender_domain.check(now=timezone.now()):
        log.info("Looked up %s of the sender's domains.", number)


@shared_task(name="newsletter.machine_drafts")
def machine_drafts(issue_id: int, language: str) -> None:
    machine.work(issue_id, language, until=_worker_stops)


@shared_task(name="newsletter.upkeep")
def keep_up(deed: str) -> None:
    if deed not in upkeep.DEEDS:
        log.warning("There is no upkeep called %s.", deed)
        return
    report = upkeep.DEEDS[deed](now=timezone.now(), seconds=retention.SECONDS)
    if report.matters:
        log.info("%s", report.words)
    if report.left:
        ring("newsletter.upkeep", deed)


def _worker_stops() -> bool:
    """Is this process a worker that was asked to end? A child of one is not asked: its worker waits for it."""
    return state.should_stop is not None or state.should_terminate is not None
