"""The consent ledger: only ever added to, each line chained to the one before by a keyed hash.

Whoever can write to the database, but does not have ADDRESS_KEY, can change, remove or slip in no line unnoticed. That
the newest lines were cut off shows only against a number and digest noted elsewhere: `manage.py verify_ledger` prints
them.
"""

import datetime
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction

from newsletter import arrays
from newsletter.models import Consent, Wording

BEGINNING = "0" * 64
_words = json.JSONEncoder(ensure_ascii=False).encode
_LOCK = 4_020_001  # one writer at a time, whatever else it has locked
_COLUMNS = {"number": "bigint", "address_key": "uuid", "wording_id": "bigint"} | dict.fromkeys(
    ("kind", "how", "detail", "previous", "digest"), "text"
)
How, Kind = Consent.How, Consent.Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """A line to be. `wording` is the text that was agreed to; `detail` holds no address and no name of a person."""

    kind: str
    how: str
    address_key: uuid.UUID
    wording: Wording | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain does not hold: a line that was "changed" (or slipped in); one that does not follow the one before
    it, because what stood between is "missing"; or one whose wording is not the "text" that was agreed to."""

    number: int
    what: str


def append(entries: Sequence[Entry], *, now: datetime.datetime) -> None:
    """Add lines, in this order. To be the last thing that its transaction does: from here to its end every other
    writer waits, and one that held rows wanted here would wait for ever."""
    if not entries:
        return
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("The ledger is written with what it records, or not at all.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    number, previous = head()
    rows = []
    for entry in entries:
        number += 1
        line = _Line(number, entry.address_key, entry.kind, entry.how, entry.detail[:200], now, previous)
        mac = digest(line, _named(entry.wording))
        wording = entry.wording and entry.wording.pk
        rows.append([number, line.address_key.hex, wording, line.kind, line.how, line.detail, previous, mac])
        previous = mac
    arrays.insert(Consent, _COLUMNS, rows, same={"at": now})


class _Line(NamedTuple):
    """What a digest speaks of: as much of a Consent."""

    number: int
    address_key: uuid.UUID
    kind: str
    how: str
    detail: str
    at: datetime.datetime
    previous: str


def head() -> tuple[int, str]:
    """Number and digest of the newest line."""
    return Consent.objects.order_by("-number").values_list("number", "digest").first() or (0, BEGINNING)


def moved_here(address_key: uuid.UUID) -> set[uuid.UUID]:
    """The keys of the addresses that a reader had before this one: a move is two lines, one right after the other."""
    found, new = {address_key}, {address_key}
    given = Consent.objects.filter(kind=Kind.GIVEN, how=How.MOVE)
    while numbers := list(given.filter(address_key__in=new).values_list("number", flat=True)):
        left = Consent.objects.filter(kind=Kind.WITHDRAWN, how=How.MOVE, number__in=[number - 1 for number in numbers])
        new = set(left.values_list("address_key", flat=True)) - found
        found |= new
    return found - {address_key}


def verify() -> Iterator[Fault]:
    """Walk the whole chain, from its beginning, in constant memory. A sound line after a changed one has no fault."""

    @cache
    def wording(pk: int | None) -> tuple[Sequence, bool]:
        row = Wording.objects.filter(pk=pk).first() if pk else None
        return _named(row), row is None or row.digest == _text_digest(row)

    number, previous = 0, BEGINNING
    for line in Consent.objects.order_by("number").iterator(chunk_size=2_000):
        named, is_true = wording(line.wording_id)
        is_sound = line.digest == digest(line, named)
        if line.number != number + 1 or (is_sound and line.previous != previous != ""):
            yield Fault(line.number, "missing")
        if not is_sound:
            yield Fault(line.number, "changed")
        elif not is_true:
            yield Fault(line.number, "text")
        # What a changed line says of itself proves nothing about the next one.
        number, previous = line.number, line.digest if is_sound else ""


def _named(wording: Wording | None) -> Sequence:
    """What a line says of its wording: not the row's number, which a restore may give to another."""
    return (wording.digest, wording.number) if wording else ()


def _text_digest(wording: Wording) -> str:
    return hashlib.sha256(f"{wording.language}\n{wording.text}".encode()).hexdigest()


def digest(line: Consent | _Line, wording: Sequence) -> str:
    """What a line carries: a keyed hash of all that it says. `wording`: digest and version of its text, or nothing."""
    at = line.at.astimezone(datetime.UTC).isoformat(timespec="microseconds")
    told = [line.number, line.address_key.hex, line.kind, line.how, wording, line.detail, at, line.previous]
    return hmac.digest(_key(settings.ADDRESS_KEY), _words(told).encode(), hashlib.sha256).hex()


@lru_cache(maxsize=2)
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"consent ledger", hashlib.sha256)
