"""Rows of a list become readers, many at a time. Nobody who left, or who must not be mailed, comes back this way."""

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter.addresses import InvalidAddress, address_key, normalise
from newsletter.csvfile import Refused, Row
from newsletter.models import Subscriber, Suppression
from picum.accounts import audit
from picum.accounts.models import User

BATCH = 2_000  # rows in a transaction
LANGUAGES = [code for code, _name in settings.LANGUAGES]
NAME, SOURCE = (Subscriber._meta.get_field(name).max_length for name in ("name", "source"))
State = Subscriber.State

# Plain addresses, of which a list has little else: on these `normalise` changes the domain's case and nothing more.
PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*"  # capitals go the long way: some mailbox names lose theirs
    r"@((?:[a-z0-9](?:-?[a-z0-9]){0,30}\.)+[a-z]{2,24})",
    re.ASCII,
)
_RESERVED = frozenset({"arpa", "invalid", "local", "localhost", "onion", "test"})


@dataclass
class Report:
    """What became of the rows: every row counts once. With `dry_run`, what would become of them."""

    added: int = 0
    already_there: int = 0  # subscribed before, and left as they were
    refused: int = 0
    refusals: list[Refused] = field(default_factory=list)  # unless `tell` took them

    @property
    def rows(self) -> int:
        return self.added + self.already_there + self.refused


class UnknownLanguage(ValueError):
    """The cell names no language, or one that the newsletter does not have; says which."""


def import_rows(
    rows: Iterable[Row | Refused],
    *,
    source: str,
    by: User | None = None,
    dry_run: bool = False,
    tell: Callable[[Refused], None] | None = None,
) -> Report:
    """Subscribe everybody on the list who is new, with `source` as where they came from; nobody is told.

    An address that is subscribed stays as it is. One that left, that waits for its confirmation, that is on the stop
    list, or that came before in these rows is refused. Each refusal is handed to `tell` in the order of the lines, or
    kept in the report. A transaction per BATCH rows: an import that is cut short can be run again from its start.
    Memory: one batch, and some 80 bytes per row of the list. Leaves an audit line unless `dry_run`.
    """
    report, rows, seen = Report(), iter(rows), set()
    tell = tell or report.refusals.append
    while batch := list(islice(rows, BATCH)):
        refused = [row for row in batch if isinstance(row, Refused)]
        wanted, more = _wanted([row for row in batch if isinstance(row, Row)], seen)
        refused += more
        added, already_there, more = _add(wanted, source=source, dry_run=dry_run)
        refused += more
        report.added += added
        report.already_there += already_there
        report.refused += len(refused)
        for refusal in sorted(refused, key=lambda refusal: refusal.line):
            tell(refusal)
    if not dry_run:
        counts = {"added": report.added, "already_there": report.already_there, "refused": report.refused}
        audit.record("subscriber.import", by=by, source=source, **counts)
    return report


Wanted = dict[str, tuple[int, str, str, str]]  # by address key in hex: line, address, languages, name


def _wanted(rows: list[Row], seen: set[int]) -> tuple[Wanted, list[Refused]]:
    """Readers to be, as far as the rows alone tell; `seen` are the addresses of all rows before."""
    wanted: Wanted = {}
    refused = []
    for row in rows:
        try:
            address, languages = normalised(row.email), in_order(row.languages)
        except (InvalidAddress, UnknownLanguage) as error:
            refused.append(Refused(row.line, str(error)))
            continue
        key = address_key(address)
        # Half of the key: two of a million addresses share one with a chance of 1 to 37 millions.
        if (half := key.int >> 64) in seen:
            refused.append(Refused(row.line, _("the address is further up in the file already")))
        elif len(row.name) > NAME:
            refused.append(Refused(row.line, _("the name is longer than %(limit)d characters") % {"limit": NAME}))
        else:
            seen.add(half)
            wanted[key.hex] = row.line, address, languages, row.name
    return wanted, refused


def _add(wanted: Wanted, *, source: str, dry_run: bool) -> tuple[int, int, list[Refused]]:
    """How many were added, how many were there; and who must not come back."""
    with transaction.atomic():
        known = dict(_found(Subscriber, "state", wanted))
        stopped = dict(_found(Suppression, "reason", wanted))
        refused = [
            Refused(line, reason)
            for key, (line, *_reader) in wanted.items()
            if (reason := _why_not(known.get(key), key in stopped))
        ]
        new = {key: reader for key, reader in wanted.items() if key not in known and key not in stopped}
        added = len(new) if dry_run else _create(new, source)
    return added, len(wanted) - len(refused) - added, refused


# A batch is one statement with one parameter, an array in JSON: a third of a model's time.


def _elements(columns: int) -> tuple[str, list[str]]:
    """The array as a table, and its columns as texts, in this database's words."""
    if connection.vendor == "postgresql":
        return "json_array_elements(%s::json) AS row(value)", [f"value->>{at}" for at in range(columns)]
    return "json_each(%s)", [f"json_extract(value, '$[{at}]')" for at in range(columns)]


def _as_uuid(text: str) -> str:
    return f"({text})::uuid" if connection.vendor == "postgresql" else text


def _found(model: type[Model], column: str, wanted: Wanted) -> list[tuple[str, str]]:
    """Address key in hex and a column of the rows with one of these keys."""
    table, (key,) = _elements(1)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT address_key, {column} FROM {model._meta.db_table} "  # noqa: S608  # names of ours
            f"WHERE address_key IN (SELECT {_as_uuid(key)} FROM {table})",
            [json.dumps([[key] for key in wanted])],
        )
        return [(uuid.UUID(str(key)).hex, value) for key, value in cursor.fetchall()]


def _create(readers: Wanted, source: str) -> int:
    """How many of them are ours now; the others came in by another door in the meantime."""
    if not readers:
        return 0
    table, (address, key, handle, languages, name) = _elements(5)
    rows = [(address, key, uuid.uuid4().hex, order, name) for key, (_line, address, order, name) in readers.items()]
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Subscriber._meta.db_table} "  # noqa: S608  # names of ours
            "(address, address_key, handle, languages, name, state, source, created_at, subscribed_at) "
            f"SELECT {address}, {_as_uuid(key)}, {_as_uuid(handle)}, {languages}, {name}, %s, %s, %s, %s "
            f"FROM {table} WHERE true ON CONFLICT DO NOTHING",  # without a WHERE, SQLite reads ON as a join's
            [State.SUBSCRIBED, source, now, now, json.dumps(rows)],
        )
        return cursor.rowcount


def _why_not(state: str | None, is_stopped: bool) -> str:
    if state == State.UNSUBSCRIBED:
        return _("this reader has left the newsletter")
    if is_stopped:
        return _("the address is on the stop list")
    if state == State.PENDING:
        return _("the address waits for its owner's confirmation")
    return ""


def normalised(text: str) -> str:
    """The same as `addresses.normalise`, ten times as fast for a plain address. Raises InvalidAddress."""
    if len(text) <= 200 and (plain := PLAIN.fullmatch(text)) and plain[1].rpartition(".")[2] not in _RESERVED:
        return text
    return normalise(text)


@lru_cache(maxsize=1_000)
def in_order(text: str) -> str:
    """ "PT, es|en" → "pt es en"; a language named twice counts where it stands first. Raises UnknownLanguage."""
    codes = list(dict.fromkeys(re.split(r"[\s,;|/]+", text.lower().strip(" \t,;|/"))))
    if unknown := [code for code in codes if code and code not in LANGUAGES]:
        raise UnknownLanguage(
            _("“%(code)s” is not one of the languages %(known)s")
            % {"code": unknown[0][:40], "known": ", ".join(LANGUAGES)}
        )
    if not any(codes):
        raise UnknownLanguage(_("no language is given"))
    return " ".join(codes)
