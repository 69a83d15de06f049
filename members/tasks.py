"""Doorbells: primitive arguments, load, call one function, log."""

import logging

from celery import shared_task
from django.utils import timezone

from members import upkeep

log = logging.getLogger(__name__)


@shared_task(name="members.upkeep")
def keep_up(deed: str) -> None:
    if deed not in upkeep.DEEDS:
        log.warning("There is no upkeep called %s.", deed)
        return
    if number := upkeep.DEEDS[deed](now=timezone.now()):
        log.info("Members: %s, %s rows.", deed, number)
