"""Providers' posts: kept as they arrive, and read by a worker in groups.

The row is the queue here too. A worker holds its rows by their locks and by nothing else: they are read, applied and
marked in one transaction, and a worker that dies leaves them as they were. PostgreSQL passes over rows that another
worker holds; SQLite has one writer at a time, which begins by taking the database's lock (settings.py).
"""

import contextlib
import datetime
import hashlib
import io
import json
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from newsletter import consents, tracking
from newsletter.hook_views import Unconfirmed, view_for
from newsletter.models import RawEvent
from newsletter.provider_events import event_of
from newsletter.tracking import Event
from picum.doorbell import ring

log = logging.getLogger(__name__)

GROUP, GROUP_OCTETS = 500, 4_000_000  # posts and their size that share a transaction: bounds a worker's memory
HEADERS = ("svix-id",)  # the only one that reading needs: Resend's number of the event


@dataclass(slots=True)
class _Reading:
    """A post, what was read in it, and why not all of it could be. `asks`: it wants an answer (`Unconfirmed`)."""

    post: RawEvent
    events: list[Event]
    error: str = ""
    asks: bool = False


def store(source: str, *, content_type: str, headers: dict[str, str], body: bytes, now: datetime.datetime) -> None:
    """Keep a post until a worker reads it, unless the very same is known already.

    One statement that commits itself: Django's own way takes three, and the provider waits for each.
    """
    kept = json.dumps({name: headers[name] for name in HEADERS if headers.get(name)})
    digest = uuid.UUID(bytes=hashlib.sha256(f"{source}\n{kept}\n".encode() + body).digest()[:16])
    values = {
        "source": source,
        "content_type": content_type[:200],
        "headers": kept,
        "body": connection.Database.Binary(body),
        "size": len(body),
        "digest": RawEvent._meta.get_field("digest").get_db_prep_value(digest, connection),
        "received_at": connection.ops.adapt_datetimefield_value(now),
        "error": "",
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {RawEvent._meta.db_table} ({', '.join(values)})"
            f" VALUES ({', '.join(['%s'] * len(values))}) ON CONFLICT (digest) DO NOTHING",
            list(values.values()),
        )


def read_waiting(*, seconds: float = 25, until: Callable[[], bool] = lambda: False) -> Counter:
    """Read what waits, for about so many seconds; what it came to, as `tracking.apply` counts, and "posts".

    `until` says between groups whether to stop. Safe to call at any time, any number of times at once.
    """
    counts: Counter = Counter()
    ends = time.monotonic() + seconds
    while not until() and time.monotonic() < ends:
        group = read_group(now=timezone.now())
        if not group:
            break
        counts += group
    return counts


def read_group(*, now: datetime.datetime) -> Counter:
    """Read one group of posts, oldest first; empty when none waits. Raises OperationalError when the database does,
    and then nothing has happened, or at most no edition was paused."""
    with transaction.atomic():
        readings = [_read(post) for post in _claimed()]
        if not readings:
            return Counter()
        heard = _taken(readings, now)
        counts = heard.counts + _mark(readings, now)
        consents.append(heard.withdrawn, now=now)
    # What waits for others, or takes the rows of editions, comes when the posts' locks are gone.
    tracking.brake(heard.news)
    for reading in readings:
        if reading.asks:
            _confirm(reading.post)
    return counts + Counter(posts=len(readings))


def ring_for_waiting() -> None:
    """Ask for a worker when posts wait: the bell of a receiver may not have been heard."""
    if RawEvent.objects.waiting().exists():
        ring("newsletter.track", expires=settings.SENDING_RECONCILE_SECONDS)


def request_of(post: RawEvent, body: bytes) -> HttpRequest:
    """The post, with this body, as Anymail wants it."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "443",
        "CONTENT_TYPE": post.content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in post.headers.items()},
    }
    request = WSGIRequest(environ)
    request._body = body  # Django would refuse more than DATA_UPLOAD_MAX_MEMORY_SIZE; the receiver has its own limit
    return request


def _claimed() -> list[RawEvent]:
    """Waiting posts, locked for this transaction; as many as fit into memory, and one at least."""
    waiting = RawEvent.objects.waiting().order_by("pk")
    waiting = waiting.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    chosen, octets = [], 0
    for pk, size in waiting.values_list("pk", "size")[:GROUP]:
        octets += size
        if chosen and octets > GROUP_OCTETS:
            break
        chosen.append(pk)
    return list(RawEvent.objects.filter(pk__in=chosen).order_by("pk")) if chosen else []


def _read(post: RawEvent) -> _Reading:
    """The news in a post, and why not all of it can be read. Where a provider gathers events in a list, one that
    nobody understands does not take the others with it."""
    try:
        return _Reading(post, _parsed(post, bytes(post.body)))
    except Unconfirmed as error:
        return _Reading(post, [], _without_content(error), asks=True)
    except Exception as error:  # whatever a stranger's body brings about
        reading = _Reading(post, [], _without_content(error))
    for part in _parts(post):
        with contextlib.suppress(Exception):
            reading.events += _parsed(post, part)
    log.warning("Post %s of %s cannot be read (%s).", post.pk, post.source, reading.error)
    return reading


def _parsed(post: RawEvent, body: bytes) -> list[Event]:
    said = view_for(post.source).parse_events(request_of(post, body))
    events = [event_of(post.source, one, received_at=post.received_at) for one in said]
    return [event for event in events if event]


def _parts(post: RawEvent) -> list[bytes]:
    """Each event of a list as a post of its own."""
    try:
        listed = json.loads(bytes(post.body))
    except ValueError:
        return []
    return [json.dumps([one]).encode() for one in listed] if isinstance(listed, list) else []


def _without_content(error: Exception) -> str:
    """What kind of mistake it was. Not its words: they may quote the body, and an address with it."""
    names = [type(error).__name__]
    if isinstance(error, KeyError) and str(error.args[0]).isidentifier():
        names.append(str(error.args[0])[:40])
    return ": ".join(names)


def _taken(readings: Sequence[_Reading], now: datetime.datetime) -> tracking.Heard:
    """What the events came to: all at once, or where the database refuses that, each post by itself."""
    try:
        return _noted([event for reading in readings for event in reading.events], now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.error("A group of posts cannot be applied at once (%s); now each by itself.", type(error).__name__)
    return sum((_alone(reading, now) for reading in readings), tracking.Heard())


def _noted(events: Sequence[Event], now: datetime.datetime) -> tracking.Heard:
    with transaction.atomic():
        return tracking.note(events, now=now)


def _alone(reading: _Reading, now: datetime.datetime) -> tracking.Heard:
    try:
        return _noted(reading.events, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        reading.error = _without_content(error)
        return tracking.Heard()


def _confirm(post: RawEvent) -> None:
    """Answer a post that asks. It stands among those that cannot be read until the answer has arrived."""
    try:
        view_for(post.source).confirm(request_of(post, bytes(post.body)))
    except Exception as error:  # the network's, Amazon's, or a stranger's body
        log.error("Post %s of %s cannot be answered (%s).", post.pk, post.source, type(error).__name__)
        RawEvent.objects.filter(pk=post.pk).update(error=_without_content(error))
    else:
        RawEvent.objects.filter(pk=post.pk).delete()


def _mark(readings: Sequence[_Reading], now: datetime.datetime) -> Counter:
    """Empty what was read. What held nothing but opens, clicks and delays leaves no trace at all."""
    unreadable = [reading.post for reading in readings if reading.error]
    for reading in readings:
        reading.post.error, reading.post.processed_at = reading.error, now
    RawEvent.objects.bulk_update(unreadable, ["error", "processed_at"])
    empty = [reading.post.pk for reading in readings if not reading.error and not reading.events]
    if empty:
        RawEvent.objects.filter(pk__in=empty).delete()
    full = [reading.post.pk for reading in readings if not reading.error and reading.events]
    if full:
        RawEvent.objects.filter(pk__in=full).update(processed_at=now, body=b"")
    return +Counter(unreadable=sum(not reading.asks for reading in readings if reading.error))
