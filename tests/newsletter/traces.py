"""Is an address left anywhere? Everything that this site stores is looked through: every table, every file."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection


def traces(*words: str) -> list[str]:
    """Where one of the words stands, in whatever letters, as "table.column" or the name of a file."""
    wanted = [word.casefold() for word in words]
    found = {place for place, text in _everything() if any(word in text.casefold() for word in wanted)}
    return sorted(found)


def _everything() -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  # their own names
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                yield from ((f"{table}.{name}", _text(value)) for name, value in zip(names, row, strict=True))
    for path in settings.VAR_DIR.rglob("*"):
        yield f"file {path.name}", path.name
        if path.is_file():
            yield f"file {path.name}", path.read_bytes().decode("utf-8", "replace")


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)
