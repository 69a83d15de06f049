"""The deliveries' bookkeeping: claim, intend, record, reclaim.

While an issue is sent, `Delivery.state` is written here alone; what comes back later is written by
`newsletter.tracking`, and a resend that staff order by `newsletter.enqueue`.

Every step is one statement that moves rows only from where they were thought to be, so that two workers, or a worker
and the reconciler, cannot both win. The same SQL runs on PostgreSQL and SQLite; SQLite has no SKIP LOCKED and needs
none, its writers stand in line. A row is fenced by the worker that claimed it and by the number of the attempt.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter, or_

from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from newsletter.models import Delivery, Edition, Subscriber, Suppression
from newsletter.transports import Outcome, Verdict
from picum import localising

State = Delivery.State
MAX_TRIES = 5
LATEST = datetime.timedelta(hours=24)
FIRST_WAIT = datetime.timedelta(minutes=5)
BREATH = datetime.timedelta(seconds=5)  # before what was not sent is taken up again
_SOMEBODY = Q(subscriber__isnull=False) | Q(recipient__isnull=False)
# Whoever left the newsletter has not asked us never to write to them as a member's contact.
_NO_LETTERS = Q(reason=Suppression.Reason.UNSUBSCRIBED)


@dataclass(frozen=True, slots=True)
class Claim:
    """A row in a worker's hands."""

    delivery_id: int
    attempt: int
    rendition_id: int
    address: str
    handle: uuid.UUID


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a claim, to be written down. `wait` is the least time before another try."""

    delivery_id: int
    attempt: int
    state: str
    why: str = ""
    detail: str = ""
    wait: datetime.timedelta = datetime.timedelta()


def _table(model) -> str:
    return model._meta.db_table


def claim(
    edition_id: int, *, worker: str, limit: int, lease: datetime.timedelta, now: datetime.datetime
) -> list[Claim]:
    """Take up to `limit` due rows of an edition that is being sent. Readers who are gone meanwhile are skipped."""
    with transaction.atomic():
        going = Edition.objects.going(at=now).filter(pk=edition_id)
        if not going.filter(Q(resume_at=None) | Q(resume_at__lte=now)).exists():
            return []
        ids = _take(edition_id, worker=worker, limit=limit, lease=lease, now=now)
        rows = Delivery.objects.filter(_SOMEBODY, pk__in=ids).values_list(
            *("pk", "attempts", "rendition_id"),
            Coalesce("subscriber__address", "recipient__address"),
            Coalesce("subscriber__handle", "recipient__handle"),
        )
        # What failed last waits longest, so that no letter holds up the others again and again.
        claims = [Claim(*row) for row in rows.order_by("due_at", "pk")]
        if len(claims) < len(ids):
            gone = Delivery.objects.filter(~_SOMEBODY, pk__in=ids)
            gone.update(state=State.SKIPPED, why="erased", worker="", lease_until=None, changed_at=now)
    return claims


def _take(edition_id: int, *, worker: str, limit: int, lease: datetime.timedelta, now: datetime.datetime) -> list[int]:
    """Compare-and-swap of due rows; what waits for another try first, there are few. One state at a time, and the ids
    spelled out, keep it an index's work: asked for both states in one order, PostgreSQL sorts all that are due."""
    taken: list[int] = []
    for state in (State.DEFERRED, State.QUEUED):
        due = Delivery.objects.filter(edition=edition_id, state=state, due_at__lte=now).order_by("due_at")
        # SQLite has no SKIP LOCKED and needs none: its writers stand in line.
        free = due.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        ids = list(free.values_list("pk", flat=True)[: limit - len(taken)])
        if ids:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"""
                    UPDATE {_table(Delivery)} SET state = 'claimed', worker = %s, attempts = attempts + 1,
                           lease_until = %s, changed_at = %s
                    WHERE id IN ({_marks(ids)}) AND state = %s RETURNING id
                    """,
                    [worker, _at(now + lease), _at(now), *ids, state],
                )
                taken += [row[0] for row in cursor.fetchall()]
    return taken


def settle(
    entries: Sequence[Entry], asked: Sequence[tuple[int, int]], *, worker: str, now: datetime.datetime
) -> set[int]:
    """Write outcomes, and commit that the (delivery, attempt) asked for are made now: one transaction for both, so that
    a connection has one letter in doubt at most. Returns the ids for which an attempt may be made; see `intend`."""
    # In the order of the ids, as whoever else writes many rows, so that nobody waits for each other.
    entries, asked = sorted(entries, key=attrgetter("delivery_id")), sorted(asked)
    parts = [_outcomes(entries, worker, now)] * bool(entries) + [_intents(asked, worker, now)] * bool(asked)
    if not parts:
        return set()
    with transaction.atomic() if connection.vendor == "sqlite" else nullcontext(), connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for sql, parameters in parts:
                cursor.execute(sql, parameters)
        else:  # several statements in one message are one transaction to PostgreSQL: one round trip instead of four
            cursor.execute(
                ";".join(sql for sql, _values in parts), [value for _sql, values in parts for value in values]
            )
        return {row[0] for row in cursor.fetchall()} if asked else set()


def intend(asked: Sequence[tuple[int, int]], *, worker: str, now: datetime.datetime) -> set[int]:
    """Commit that these (delivery, attempt) are made now; return the ids for which they may be.

    Checked at this very moment: still this worker's, the edition still being sent and not past its latest hour, the
    reader still subscribed, not pausing and not on the stop list. Asking twice for the same attempt is granted twice,
    so that a lost reply is harmless.
    """
    return settle([], asked, worker=worker, now=now)


def record(entries: Sequence[Entry], *, worker: str, now: datetime.datetime) -> None:
    """Write outcomes. A row that the reconciler called unknown meanwhile is set right by its own worker's word."""
    settle(entries, [], worker=worker, now=now)


def _intents(asked: Sequence[tuple[int, int]], worker: str, now: datetime.datetime) -> tuple[str, list]:
    # Conditions as scalars: as joins PostgreSQL may begin with the edition, and read all that it has in hand.
    sql = f"""
        WITH v (delivery, attempt) AS (VALUES {_marks(asked, "(%s, %s)")})
        UPDATE {_table(Delivery)} AS d SET state = 'attempting', changed_at = %s
        FROM v
        WHERE d.id = v.delivery AND d.attempts = v.attempt AND d.worker = %s AND d.state IN ('claimed', 'attempting')
          AND (SELECT e.state = 'sending' AND (e.latest_at IS NULL OR e.latest_at > %s)
               FROM {_table(Edition)} e WHERE e.id = d.edition_id)
          AND (d.recipient_id IS NOT NULL
               OR (SELECT s.state = 'subscribed' AND (s.paused_until IS NULL OR s.paused_until <= %s)
                   FROM {_table(Subscriber)} s WHERE s.id = d.subscriber_id))
          AND NOT EXISTS (SELECT 1 FROM {_table(Suppression)} x WHERE x.address_key = d.address_key
                          AND (d.recipient_id IS NULL OR x.reason <> 'unsubscribed'))
        RETURNING id
        """
    today = connection.ops.adapt_datefield_value(localising.local_day(now))
    return sql, [*(number for pair in asked for number in pair), _at(now), worker, _at(now), today]


def _outcomes(entries: Sequence[Entry], worker: str, now: datetime.datetime) -> tuple[str, list]:
    sql = f"""
        WITH v (id, attempt, state, why, detail, due) AS (VALUES {_marks(entries, "(%s, %s, %s, %s, %s, %s)")})
        UPDATE {_table(Delivery)} AS d
        SET state = v.state, why = v.why, detail = v.detail, due_at = v.due,
            attempts = d.attempts - CASE WHEN v.state = 'queued' THEN 1 ELSE 0 END,
            lease_until = NULL, changed_at = %s
        FROM v WHERE d.id = v.id AND d.attempts = v.attempt AND d.worker = %s
                 AND d.state IN ('claimed', 'attempting', 'unknown')
        """
    parameters: list[object] = []
    for entry in entries:
        parameters += [entry.delivery_id, entry.attempt, entry.state, _text(entry.why, 20), _text(entry.detail, 300)]
        parameters.append(_at(now + entry.wait))
    return sql, [*parameters, _at(now), worker]


def withdraw(asked: Sequence[tuple[int, int]], *, worker: str, now: datetime.datetime) -> None:
    """Give up claims whose intent was refused: skipped with the reason, or back to the queue.

    On the wire by the book too: an intent may have been committed whose answer was lost with the connection to the
    database, and refused when it was asked again. Whoever withdraws has not passed the point of no return.
    """
    mine = Delivery.objects.filter(_each(asked), worker=worker, state__in=Delivery.IN_HAND)
    done = {"worker": "", "lease_until": None, "changed_at": now}
    readers, others = mine.filter(recipient__isnull=True), mine.filter(recipient__isnull=False)
    readers.filter(subscriber__isnull=True).update(state=State.SKIPPED, why="erased", **done)
    readers.exclude(subscriber__state="subscribed").update(state=State.SKIPPED, why="unsubscribed", **done)
    for some, stops in ((readers, Suppression.objects), (others, Suppression.objects.exclude(_NO_LETTERS))):
        stopped = some.filter(address_key__in=stops.values("address_key"))
        stopped.update(state=State.SKIPPED, why="suppressed", **done)
    mine.filter(subscriber__paused_until__gt=localising.local_day(now)).update(
        state=State.SKIPPED, why="paused", **done
    )
    mine.filter(edition__state=Edition.State.CANCELLED).update(state=State.SKIPPED, why="cancelled", **done)
    _requeue(mine, now)


def entry_for(claim_id: int, attempt: int, outcome: Outcome) -> Entry:
    """An outcome of the wire as the ledger's state: "observed → becomes" of docs/sending.md."""
    why, detail = outcome.why, outcome.detail
    asked = datetime.timedelta(seconds=outcome.retry_after or 0)
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return Entry(claim_id, attempt, State.ACCEPTED, "", detail)
        case Verdict.REFUSED:
            return Entry(claim_id, attempt, State.FAILED, why, detail)
        case Verdict.UNKNOWN:
            return Entry(claim_id, attempt, State.UNKNOWN, why, detail)
        case Verdict.LATER if why == "rate-limit":  # said of us, not of the reader: it costs them no try
            return Entry(claim_id, attempt, State.QUEUED, why, detail, max(asked, BREATH))
        case Verdict.LATER:
            wait = max(asked, FIRST_WAIT * 2 ** (attempt - 1))
            if attempt >= MAX_TRIES or wait > LATEST:
                return Entry(claim_id, attempt, State.FAILED, why or "too-often", detail)
            return Entry(claim_id, attempt, State.DEFERRED, why, detail, wait)
        case _:
            return Entry(claim_id, attempt, State.QUEUED, why, detail, max(asked, BREATH))


def put_off(claim: Claim, seconds: float) -> Entry:
    """Not now: a limit says when to come again. It costs the reader no try."""
    return Entry(claim.delivery_id, claim.attempt, State.QUEUED, wait=datetime.timedelta(seconds=seconds))


def extend(ids: Iterable[int], *, worker: str, lease: datetime.timedelta, now: datetime.datetime) -> int:
    """Renew the lease of what a worker holds."""
    mine = Delivery.objects.filter(pk__in=ids, worker=worker, state__in=Delivery.IN_HAND)
    return mine.update(lease_until=now + lease)


def give_back(edition_id: int, *, worker: str, now: datetime.datetime, ids: Iterable[int] | None = None) -> int:
    """Return claims that were not attempted to the queue; the unused attempt does not count."""
    mine = Delivery.objects.filter(edition=edition_id, worker=worker, state=State.CLAIMED)
    return _requeue(mine if ids is None else mine.filter(pk__in=ids), now)


def reclaim(*, now: datetime.datetime) -> dict[str, int]:
    """Settle what dead workers held: not attempted → queued again; attempted → unknown, and nobody resends it."""
    # By edition and state, as the index has it: an index of the leases would cost more each day than it saves.
    open_editions = Edition.objects.frozen().exclude(state=Edition.State.SENT)
    lost = _in_hand(list(open_editions.values_list("pk", flat=True))).filter(lease_until__lt=now)
    unknown = lost.filter(state=State.ATTEMPTING).update(
        state=State.UNKNOWN, why="worker-lost", lease_until=None, changed_at=now
    )
    queued = _requeue(lost.filter(state=State.CLAIMED), now)
    return {"queued": queued, "unknown": unknown}


def _in_hand(edition_ids: Sequence[int]):
    return Delivery.objects.filter(edition__in=edition_ids, state__in=Delivery.IN_HAND)


def skip_due(edition: Edition, *, why: str, now: datetime.datetime) -> int:
    """Skip all of an edition that nobody has in hand."""
    due = Delivery.objects.filter(edition=edition, state__in=Delivery.DUE)
    return due.update(state=State.SKIPPED, why=why, changed_at=now)


def readdress(subscriber_id: int, address_key: uuid.UUID, *, now: datetime.datetime) -> None:
    """A reader's mail goes elsewhere from now on: what is not on the wire yet is known by that address, so that what
    comes back from there is understood. Where the new address has its copy of an issue already, the other is skipped.

    A claim is taken from its worker, who would write to the old address. It keeps its number, so that an intent for it
    cannot be taken for one of the next claim.
    """
    mine = Delivery.objects.filter(subscriber=subscriber_id, state__in=[*Delivery.DUE, State.CLAIMED])
    list(mine.order_by("pk").select_for_update().values_list("pk", flat=True))
    there = Delivery.objects.filter(address_key=address_key, issue__in=mine.values("issue"))
    free = {"worker": "", "lease_until": None, "changed_at": now}
    mine.filter(issue__in=list(there.values_list("issue", flat=True))).update(
        state=State.SKIPPED, why="duplicate", **free
    )
    mine.filter(state=State.CLAIMED).update(state=State.QUEUED, due_at=now, **free)
    mine.update(address_key=address_key, changed_at=now)


def is_finished(edition_id: int) -> bool:
    """Whether nothing of the edition is open any more."""
    return not _any(edition_id, [*Delivery.DUE, *Delivery.IN_HAND])


def has_due(edition_id: int, *, at: datetime.datetime | None = None) -> bool:
    """Whether something of the edition waits to be claimed, at that moment or ever."""
    return _any(edition_id, Delivery.DUE, **({"due_at__lte": at} if at else {}))


def _any(edition_id: int, states: Iterable[str], **conditions) -> bool:
    # One state at a time, in the index's order: for "exists" PostgreSQL may read the whole table.
    rows = (Delivery.objects.filter(edition=edition_id, state=state, **conditions) for state in states)
    return any(some.order_by("due_at").values_list("pk")[:1] for some in rows)


def _requeue(rows, now: datetime.datetime) -> int:
    return rows.update(
        state=State.QUEUED, worker="", lease_until=None, changed_at=now, due_at=now, attempts=F("attempts") - 1
    )


def _each(pairs: Sequence[tuple[int, int]]) -> Q:
    return reduce(or_, (Q(pk=pk, attempts=attempt) for pk, attempt in pairs), Q(pk=None))


def _text(words: str, length: int) -> str:
    """What every database can store: no NUL, no half of a character, however a wire came to say it."""
    return words.replace("\0", "")[:length].encode("utf-8", "replace").decode()


def _marks(values: Sequence, mark: str = "%s") -> str:
    return ", ".join([mark] * len(values))


def _at(moment: datetime.datetime) -> object:
    """A moment as this database stores it; raw SQL gets no help from the fields."""
    return connection.ops.adapt_datetimefield_value(moment)
