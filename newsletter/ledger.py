"""The deliveries' bookkeeping: claim, intend, record, reclaim. The only writer of `Delivery.state` after freezing.

Every step is one statement that moves rows only from where they were thought to be, so that two workers, or a worker
and the reconciler, cannot both win. The same SQL runs on PostgreSQL and SQLite; SQLite has no SKIP LOCKED and needs
none, its writers stand in line. A row is fenced by the worker that claimed it and by the number of the attempt.
"""

import datetime
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F

from newsletter.models import Delivery, Edition, Subscriber, Suppression
from newsletter.transports import Outcome, Verdict

State = Delivery.State
MAX_TRIES = 5
LATEST = datetime.timedelta(hours=24)
FIRST_WAIT = datetime.timedelta(minutes=5)
BREATH = datetime.timedelta(seconds=5)  # before what was not sent is taken up again


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
    skip_locked = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH due AS (
                SELECT id FROM {_table(Delivery)}
                WHERE edition_id = %s AND state IN ('queued', 'deferred') AND due_at <= %s
                  AND EXISTS (SELECT 1 FROM {_table(Edition)} e WHERE e.id = %s AND e.state = 'sending'
                              AND (e.resume_at IS NULL OR e.resume_at <= %s))
                ORDER BY due_at, id LIMIT %s {skip_locked}
            )
            UPDATE {_table(Delivery)} SET state = 'claimed', worker = %s, attempts = attempts + 1,
                   lease_until = %s, changed_at = %s
            WHERE id IN (SELECT id FROM due) AND state IN ('queued', 'deferred')
            RETURNING id
            """,
            [edition_id, _at(now), edition_id, _at(now), limit, worker, _at(now + lease), _at(now)],
        )
        ids = [row[0] for row in cursor.fetchall()]
        rows = Delivery.objects.filter(pk__in=ids, subscriber__isnull=False).values_list(
            "pk", "attempts", "rendition_id", "subscriber__address", "subscriber__handle"
        )
        claims = [Claim(*row) for row in rows.order_by("pk")]
        if len(claims) < len(ids):
            gone = Delivery.objects.filter(pk__in=ids, subscriber__isnull=True)
            gone.update(state=State.SKIPPED, why="erased", worker="", lease_until=None, changed_at=now)
    return claims


def intend(ids: Sequence[tuple[int, int]], *, worker: str, now: datetime.datetime) -> set[int]:
    """Commit that these (delivery, attempt) are made now; return the ids for which they may be.

    Checked at this very moment: still this worker's, the edition still being sent, the reader still subscribed and
    not on the stop list. Asking twice for the same attempt is granted twice, so that a lost reply is harmless.
    """
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE {_table(Delivery)} SET state = 'attempting', changed_at = %s
            WHERE {_pairs(ids)} AND worker = %s AND state IN ('claimed', 'attempting')
              AND EXISTS (SELECT 1 FROM {_table(Edition)} e WHERE e.id = edition_id AND e.state = 'sending')
              AND EXISTS (SELECT 1 FROM {_table(Subscriber)} s WHERE s.id = subscriber_id AND s.state = 'subscribed')
              AND NOT EXISTS (SELECT 1 FROM {_table(Suppression)} x
                              WHERE x.address_key = {_table(Delivery)}.address_key)
            RETURNING id
            """,
            [_at(now), *_flat(ids), worker],
        )
        return {row[0] for row in cursor.fetchall()}


def withdraw(ids: Sequence[tuple[int, int]], *, worker: str, now: datetime.datetime) -> None:
    """Give up claims whose intent was refused: skipped with the reason, or back to the queue."""
    mine = Delivery.objects.filter(worker=worker, state=State.CLAIMED, pk__in=[pk for pk, _attempt in ids])
    done = {"worker": "", "lease_until": None, "changed_at": now}
    mine.filter(subscriber__isnull=True).update(state=State.SKIPPED, why="erased", **done)
    mine.filter(address_key__in=Suppression.objects.values("address_key")).update(
        state=State.SKIPPED, why="suppressed", **done
    )
    mine.exclude(subscriber__state="subscribed").update(state=State.SKIPPED, why="unsubscribed", **done)
    mine.filter(edition__state=Edition.State.CANCELLED).update(state=State.SKIPPED, why="cancelled", **done)
    give_back(worker=worker, now=now, ids=[pk for pk, _attempt in ids])


def record(entries: Sequence[Entry], *, worker: str, now: datetime.datetime) -> None:
    """Write outcomes. A row that the reconciler called unknown meanwhile is set right by its own worker's word."""
    if not entries:
        return
    values = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(entries))
    parameters: list[object] = []
    for entry in entries:
        parameters += [entry.delivery_id, entry.attempt, entry.state, entry.why[:20], entry.detail[:300]]
        parameters.append(_at(now + entry.wait))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH v (id, attempt, state, why, detail, due) AS (VALUES {values})
            UPDATE {_table(Delivery)} AS d
            SET state = v.state, why = v.why, detail = v.detail, due_at = v.due,
                attempts = d.attempts - CASE WHEN v.state = 'queued' THEN 1 ELSE 0 END,
                lease_until = NULL, changed_at = %s
            FROM v WHERE d.id = v.id AND d.attempts = v.attempt AND d.worker = %s
                     AND d.state IN ('claimed', 'attempting', 'unknown')
            """,
            [*parameters, _at(now), worker],
        )


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


def extend(*, worker: str, lease: datetime.timedelta, now: datetime.datetime) -> int:
    """Renew the lease of all a worker holds."""
    return Delivery.objects.filter(worker=worker, state__in=Delivery.IN_HAND).update(lease_until=now + lease)


def give_back(*, worker: str, now: datetime.datetime, ids: Iterable[int] | None = None) -> int:
    """Return claims that were not attempted to the queue; the unused attempt does not count."""
    mine = Delivery.objects.filter(worker=worker, state=State.CLAIMED)
    if ids is not None:
        mine = mine.filter(pk__in=ids)
    return _requeue(mine, now)


def reclaim(*, now: datetime.datetime) -> dict[str, int]:
    """Settle what dead workers held: not attempted → queued again; attempted → unknown, and nobody resends it."""
    lost = Delivery.objects.filter(lease_until__lt=now)
    unknown = lost.filter(state=State.ATTEMPTING).update(
        state=State.UNKNOWN, why="worker-lost", lease_until=None, changed_at=now
    )
    queued = _requeue(lost.filter(state=State.CLAIMED), now)
    return {"queued": queued, "unknown": unknown}


def skip_due(edition: Edition, *, why: str, now: datetime.datetime) -> int:
    """Skip all of an edition that nobody has in hand."""
    due = Delivery.objects.filter(edition=edition, state__in=Delivery.DUE)
    return due.update(state=State.SKIPPED, why=why, changed_at=now)


def is_finished(edition_id: int) -> bool:
    """Whether nothing of the edition is open any more."""
    return not Delivery.objects.filter(edition=edition_id).unfinished().exists()


def _requeue(rows, now: datetime.datetime) -> int:
    return rows.update(
        state=State.QUEUED, worker="", lease_until=None, changed_at=now, due_at=now, attempts=F("attempts") - 1
    )


def _pairs(ids: Sequence[tuple[int, int]]) -> str:
    return f"(id, attempts) IN (VALUES {', '.join(['(%s, %s)'] * len(ids))})"


def _flat(ids: Sequence[tuple[int, int]]) -> list[int]:
    return [number for pair in ids for number in pair]


def _at(moment: datetime.datetime) -> object:
    """A moment as this database stores it; raw SQL gets no help from the fields."""
    return connection.ops.adapt_datetimefield_value(moment)
