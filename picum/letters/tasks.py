"""Doorbells: the rows are the truth."""

from celery import shared_task
from celery.worker import state
from django.utils import timezone

from picum.letters import post


@shared_task(name="letters.dispatch")
def dispatch() -> None:
    post.dispatch(now=timezone.now(), until=_worker_stops)


@shared_task(name="letters.tidy")
def tidy() -> None:
    """What the beat does: free what dead workers held, and ring again for what is due."""
    post.tidy(now=timezone.now())
    post.ring_for_due(now=timezone.now())


def _worker_stops() -> bool:
    return state.should_stop is not None or state.should_terminate is not None
