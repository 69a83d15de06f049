"""Files that nobody wants any more: the transaction failed, a process was killed, rows went by a cascade."""

import datetime
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from members import shelf
from members.models import Document, Member, Paper, ProfileChange

GRACE = datetime.timedelta(days=1)  # a file is written before its row is


def in_use() -> set[str]:
    """The names of all files that rows speak of. A waiting change of a profile may speak of a logo, anywhere in its
    JSON. Four queries."""
    names: set[str] = set()
    for model, field in ((Member, "logo"), (Paper, "file"), (Document, "file")):
        names.update(model.objects.exclude(**{field: ""}).values_list(field, flat=True))
    for change in ProfileChange.objects.filter(state=ProfileChange.State.WAITING).values_list("old", "new"):
        names.update(_words(change))
    return names


def orphans(*, now: datetime.datetime) -> list[str]:
    """The names of files on the shelf that were written more than a day ago, and that no row names.

    Nothing when no row names any file: a full shelf beside an empty database is a mistake in the settings, or a
    restore that is still under way.
    """
    old = [name for name, written in shelf.names().items() if written < (now - GRACE).timestamp()]
    known = in_use()
    return sorted(set(old) - known) if known else []


def tidy_files(*, now: datetime.datetime) -> int:
    """Delete orphans, and uploads during which a process was killed; say how many there were. Safe to call at any
    time."""
    names = orphans(now=now)
    for name in names:
        shelf.Shelf().delete(name)
    return len(names) + _delete_interrupted(now=now)


def _delete_interrupted(*, now: datetime.datetime) -> int:
    """Large uploads lie in FILE_UPLOAD_TEMP_DIR as long as their request takes, called as Django calls them."""
    if not settings.FILE_UPLOAD_TEMP_DIR:
        return 0  # the system's own folder, which the system tidies
    deleted = 0
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("tmp*.upload*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < (now - GRACE).timestamp():
                path.unlink()
                deleted += 1
    return deleted


def _words(value: object) -> Iterator[str]:
    """Every text in JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _words(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _words(one)
