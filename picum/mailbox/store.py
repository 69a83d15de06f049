"""The mails this machine has caught, in one SQLite file of their own.

Not Django models: this is a mail box of the machine, not data of the site. It needs no migrations and no back-up,
may be deleted at any time, must not slow down the site's database with blobs, and is written by the SMTP thread,
which knows nothing of Django.

Every function takes the connection that `opened` gives. A connection belongs to the thread that opened it.
"""

import sqlite3
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

KEPT = 10_000  # the newest mails; older ones go when a new one comes
NO_LANGUAGE = "und"  # in filters: mails that name no language (BCP 47, "undetermined")

# Ids are never used twice (AUTOINCREMENT), not even after the box was emptied: a page that asks "what came after
# number 12?" is never answered with an older mail. The blob is the last column, so that lists do not read it.
_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received REAL NOT NULL,    -- seconds since 1970, UTC
    sender TEXT NOT NULL,      -- of the envelope; empty for a bounce
    recipient TEXT NOT NULL,   -- of the envelope; several are joined by ", "
    subject TEXT NOT NULL,     -- decoded
    language TEXT NOT NULL,    -- lower-case tag of Content-Language, or empty
    size INTEGER NOT NULL,     -- octets of the raw mail
    raw BLOB NOT NULL          -- the mail as it came, compressed by zlib
);
CREATE INDEX IF NOT EXISTS mail_by_language ON mail (language, id);
PRAGMA user_version = 1;
COMMIT;
"""
_COLUMNS = "id, received, sender, recipient, subject, language, size"
_BEYOND = 2**63 - 1  # greater than every id


@dataclass(frozen=True, slots=True)
class Mail:
    """One line of the box; `received` is an aware datetime in UTC, `size` counts octets."""

    id: int
    received: datetime
    sender: str
    recipient: str
    subject: str
    language: str
    size: int


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader of the box wants to see: a language tag or `NO_LANGUAGE`, words in recipient or subject."""

    language: str = ""
    words: str = ""

    def where(self) -> tuple[str, list[str]]:
        """The condition in SQL (never empty) and its values."""
        conditions, values = ["1"], []
        if self.language:
            conditions.append("language = ?")
            values.append("" if self.language == NO_LANGUAGE else self.language)
        if self.words:
            # instr, not LIKE: nothing to escape, and casefold knows more letters than SQLite's ASCII.
            conditions.append("(instr(casefold(recipient), ?) OR instr(casefold(subject), ?))")
            values += [self.words.casefold()] * 2
        return " AND ".join(conditions), values


EVERYTHING = Filter()


@contextmanager
def opened(path: str | Path) -> Iterator[sqlite3.Connection]:
    """A connection to the box at `path`, made if missing, closed at the end. Raises `sqlite3.Error`, `OSError`."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as box:
        box.create_function("casefold", 1, str.casefold, deterministic=True)
        if not box.execute("PRAGMA user_version").fetchone()[0]:
            # Before the first table and before WAL, or it has no effect: `empty` can then give the space back.
            box.execute("PRAGMA auto_vacuum = INCREMENTAL")
            box.execute("PRAGMA journal_mode = WAL")
            box.executescript(_SCHEMA)
        # A crash of this program loses nothing; only a power cut could, and then a toy loses a toy's mails.
        box.execute("PRAGMA synchronous = OFF")
        yield box


def add(
    box: sqlite3.Connection,
    raw: bytes,
    *,
    sender: str = "",
    recipients: list[str] | tuple[str, ...] = (),
    subject: str = "",
    language: str = "",
    kept: int = KEPT,
) -> int:
    """Keep a mail and drop what is older than the newest `kept`; its id. When this returns, the mail is written."""
    received, packed = time.time(), zlib.compress(raw, 1)
    box.execute("BEGIN IMMEDIATE")
    try:
        number = box.execute(
            "INSERT INTO mail (received, sender, recipient, subject, language, size, raw) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (received, sender, ", ".join(recipients), subject, language, len(raw), packed),
        ).lastrowid
        box.execute("DELETE FROM mail WHERE id <= ?", (number - kept,))
        box.execute("COMMIT")
    except BaseException:
        if box.in_transaction:  # a full disk ends it by itself
            box.execute("ROLLBACK")
        raise
    return number


def page(
    box: sqlite3.Connection, wanted: Filter = EVERYTHING, *, before: int = 0, after: int = 0, limit: int = 50
) -> list[Mail]:
    """The newest `limit` mails, newest first; only those with a smaller id than `before`, a greater than `after`."""
    rest = "id < ? AND id > ? ORDER BY id DESC LIMIT ?"
    return [_mail(row) for row in _select(box, _COLUMNS, wanted, rest, before or _BEYOND, after, limit)]


def mail(box: sqlite3.Connection, number: int) -> Mail | None:
    row = _select(box, _COLUMNS, EVERYTHING, "id = ?", number).fetchone()
    return row and _mail(row)


def raw(box: sqlite3.Connection, number: int) -> bytes | None:
    """The mail exactly as it came over SMTP (dots unstuffed), or None if there is no such mail (any more)."""
    row = box.execute("SELECT raw FROM mail WHERE id = ?", [number]).fetchone()
    return row and zlib.decompress(row[0])


def neighbours(box: sqlite3.Connection, number: int, wanted: Filter = EVERYTHING) -> tuple[int | None, int | None]:
    """The ids of the next newer and the next older mail, None at an end."""
    (newer,) = _select(box, "min(id)", wanted, "id > ?", number).fetchone()
    (older,) = _select(box, "max(id)", wanted, "id < ?", number).fetchone()
    return newer, older


def count(box: sqlite3.Connection, wanted: Filter = EVERYTHING, *, after: int = 0) -> int:
    """How many mails there are, or how many with a greater id than `after`."""
    return _select(box, "count(*)", wanted, "id > ?", after).fetchone()[0]


def languages(box: sqlite3.Connection) -> dict[str, int]:
    """How many mails of each language tag, by tag; the empty tag is of mails that name none."""
    return dict(box.execute("SELECT language, count(*) FROM mail GROUP BY language ORDER BY language"))


def empty(box: sqlite3.Connection) -> int:
    """Throw every mail away and give the space back; how many there were."""
    gone = box.execute("DELETE FROM mail").rowcount
    box.executescript("PRAGMA incremental_vacuum")  # `execute` would stop after one page
    return gone


def _select(box: sqlite3.Connection, what: str, wanted: Filter, rest: str, *values: str | int) -> sqlite3.Cursor:
    where, wanted_values = wanted.where()
    # What stands in the text was written in this file; what comes from outside is always a bound value.
    return box.execute(f"SELECT {what} FROM mail WHERE {where} AND {rest}", [*wanted_values, *values])


def _mail(row: tuple) -> Mail:
    number, received, *rest = row
    return Mail(number, datetime.fromtimestamp(received, UTC), *rest)
