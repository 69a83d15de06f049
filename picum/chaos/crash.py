"""A process that presses Send and is killed while it freezes the issue, at the point it is told.

Run as a program of its own: `manage.py shell -c "from picum.chaos.crash import send_and_die; send_and_die(…)"`.
"""

import contextlib
import os
import signal
from collections.abc import Sequence

from django.db import connection

from newsletter import enqueue, lifecycle
from newsletter.models import Issue

# The process dies right after the first statement that begins so; "commit": all was done, nothing was committed.
POINTS = {"renditions": "INSERT INTO newsletter_rendition", "deliveries": "INSERT INTO newsletter_delivery"}


def send_and_die(slug: str, languages: Sequence[str], at: str) -> None:
    """Send, freeze, and be gone as by kill -9, at one of POINTS or before the "commit". Somebody else may have been
    quicker with Send."""
    issue, seen = Issue.objects.get(slug=slug), set()
    with contextlib.suppress(lifecycle.IllegalMove, enqueue.NotReady):
        enqueue.send(issue, languages, by=None)

    def watch(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        seen.update(name for name, start in POINTS.items() if sql.replace('"', "").lstrip().startswith(start))
        if at in seen:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def commit_or_die() -> None:
        if "deliveries" in seen:
            os.kill(os.getpid(), signal.SIGKILL)
        commit()

    commit, connection._commit = connection._commit, commit_or_die
    with connection.execute_wrapper(watch):
        enqueue.freeze_due(issue.pk)
