"""Ringing for the workers. A bell that nobody hears delays and never loses: the reconciler rings again."""

import logging
from dataclasses import dataclass

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(task: str, *ids: int | str, times: int = 1, expires: float | None = None) -> None:
    """Ask for a task by name, now. A broker that is down is logged; the rows are safe."""
    try:
        for _time in range(times):
            current_app.send_task(task, args=ids, expires=expires, retry=False)
    except OperationalError as error:
        log.warning("The broker cannot be reached (%s); the reconciler will ring again.", type(error).__name__)


def ring_on_commit(task: str, *ids: int | str, times: int = 1) -> None:
    transaction.on_commit(lambda: ring(task, *ids, times=times))


def ring_once_on_commit(task: str, *ids: int | str) -> None:
    """However often a transaction asks for it."""
    bell = _Bell(task, ids)
    # What an inner atomic block asked for still stands: had that block been rolled back, it would not be in the list.
    if bell not in (waiting for _savepoints, waiting, *_robust in transaction.get_connection().run_on_commit):
        transaction.on_commit(bell)


@dataclass(frozen=True)
class _Bell:
    task: str
    ids: tuple[int | str, ...]

    def __call__(self) -> None:
        ring(self.task, *self.ids)
