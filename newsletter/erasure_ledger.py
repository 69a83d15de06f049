"""Who was erased, by fingerprint, in a file beside the database: after a restore they are erased again.

VAR_DIR/erasures/ledger.jsonl has a line for each erasure, on the disk before the database commits it. So it must be
kept, and backed up, apart from the database, and it must not be set back together with it. A line is

    {"key": address key in hex, "at": moment in UTC, "stop": stays on the stop list, "after": …, "mac": …}

where `after` is the SHA-256 of the line before and `mac` a keyed hash of all the rest: without ADDRESS_KEY nobody can
write, change, move or take out a line unnoticed. A lost end shows nowhere.
"""

import contextlib
import datetime
import fcntl
import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

BEGINNING = "0" * 64
LONGEST = 1_024  # bytes of a line, which has some 250


@dataclass(frozen=True, slots=True)
class Erasure:
    """`stop`: the fingerprint stays on the stop list."""

    key: uuid.UUID
    at: datetime.datetime
    stop: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the line of this number: it is not "genuine", or those before it are not "complete"."""

    number: int
    lacks: str


def path() -> Path:
    return settings.VAR_DIR / "erasures" / "ledger.jsonl"  # a folder, so that a container can keep it on a volume


def append(erasure: Erasure) -> None:
    """Add a line; it is on the disk when this returns. One process at a time, the others wait. Raises OSError, and
    then there is no line."""
    path().parent.mkdir(mode=0o700, exist_ok=True)
    file = os.open(path(), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        last, size = _end(file)
        os.ftruncate(file, size)
        try:
            _write(file, _line(erasure, after=_print(last) if last else BEGINNING))
            os.fsync(file)
            if not size:
                _keep_names(path().parent)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise
    finally:
        os.close(file)


def read(file: Path) -> Iterator[Erasure | Fault]:
    """All lines in their order, and in their places what is wrong with them. Raises OSError."""
    before, is_sound = b"", True
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            erasure, after = _genuine(line)
            # What stood before a line that was changed is told by nobody.
            if erasure and is_sound and after != (_print(before) if before else BEGINNING):
                yield Fault(number, "complete")
            yield erasure or Fault(number, "genuine")
            before, is_sound = line, erasure is not None


def _end(file: int) -> tuple[bytes, int]:
    """The last whole line, and where it ends. What follows it is half a line: its machine stopped while writing it,
    and before erasing anything."""
    size = os.fstat(file).st_size
    start = max(0, size - 2 * LONGEST)
    tail = os.pread(file, size - start, start)
    if b"\n" not in tail:  # then it is not ours, and may be of any length
        start, tail = 0, os.pread(file, size, 0)
    whole = tail[: tail.rfind(b"\n") + 1]
    return whole[whole[:-1].rfind(b"\n") + 1 :], start + len(whole)


def _write(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]


def _keep_names(folder: Path) -> None:
    """The new file, and its folder, are found again after a power cut."""
    for place in (folder, folder.parent):
        directory = os.open(place, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _line(erasure: Erasure, *, after: str) -> bytes:
    at = erasure.at.astimezone(datetime.UTC).isoformat(timespec="microseconds")
    told = {"key": erasure.key.hex, "at": at, "stop": erasure.stop, "after": after}
    return json.dumps(told | {"mac": _mac(told)}).encode() + b"\n"


def _genuine(line: bytes) -> tuple[Erasure | None, str]:
    """What a line says, and after which one; None when we did not write it so."""
    try:
        told = json.loads(line)
        if hmac.compare_digest(str(told.pop("mac")), _mac(told)):
            at = datetime.datetime.fromisoformat(told["at"])
            return Erasure(uuid.UUID(told["key"]), at, told["stop"]), told["after"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return None, ""


def _mac(told: dict) -> str:
    key = hmac.digest(settings.ADDRESS_KEY.encode(), b"erasure ledger", hashlib.sha256)
    return hmac.digest(key, json.dumps(told).encode(), hashlib.sha256).hex()


def _print(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
