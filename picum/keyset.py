"""Long lists, a page at a time, each from where the one before ended: no page is dearer than another, nothing is
counted, and rows that come or go meanwhile shift nothing.

A list's order is a `Place`, or None: the newest first, by primary key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, models
from django.db.models import F, Func

AFTER, BEFORE = "after", "before"
_LARGEST = 2**63 - 1


class Place(Func):
    """Where a row stands in its list: ascends along it, and no two rows share it."""

    @classmethod
    def of(cls, number: int, queryset: models.QuerySet) -> object | None:
        """The place of the row with this number; None when the row is gone."""
        return queryset.model._base_manager.filter(pk=number).values_list(cls(), flat=True).first()


class Newest(Place):
    """The newest first, for lists that are narrowed: each has an index of what it asks for, followed by this.

    By the plain primary key the order would be the same. But then a database may choose to walk that one's index,
    past a million rows of others, because it believes that every tenth is wanted.
    """

    template = "(- %(expressions)s)"
    output_field = models.BigIntegerField()

    def __init__(self, expression: object = "id", **extra):
        super().__init__(F(expression) if isinstance(expression, str) else expression, **extra)

    @classmethod
    def of(cls, number: int, queryset: models.QuerySet) -> int:
        return -number


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after the row of this number or, `backwards`, before it; None is the beginning."""

    number: int | None = None
    backwards: bool = False

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Cursor":
        """From the parameters of an address; what makes no sense is the beginning."""
        for name in (AFTER, BEFORE):
            text = query.get(name, "")[:20]
            if text.isascii() and text.isdigit() and int(text) <= _LARGEST:
                return cls(int(text), name == BEFORE)
        return cls()


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the order of the list, and the numbers from which the pages beside it go on; None where there is none."""

    rows: Sequence[models.Model]
    before: int | None = None
    after: int | None = None


def read(queryset: models.QuerySet, place: Place | None, cursor: Cursor, *, size: int) -> Page:
    """A page of a list, in one query; one more where a place must be looked up. The queryset's own order is dropped.

    It is the first page, by another query, where the row that the cursor names is gone with its place, where nothing is
    left beyond it, and where going back comes to the beginning.
    """
    begins = None
    if cursor.number is not None:
        begins = cursor.number if place is None else place.of(cursor.number, queryset)
    backwards = cursor.backwards and begins is not None
    found = list(beyond(queryset, place, begins, backwards=backwards)[: size + 1])
    rows, more = found[:size], len(found) > size
    if begins is not None and (not rows or (backwards and not more)):
        return read(queryset, place, Cursor(), size=size)
    if backwards:
        rows.reverse()
    return Page(
        rows,
        before=rows[0].pk if begins is not None else None,
        after=rows[-1].pk if backwards or more else None,
    )


def beyond(queryset: models.QuerySet, place: Place | None, begins: object, *, backwards: bool) -> models.QuerySet:
    """What comes after this place (a number without one; None is the beginning), or before it; the nearest first."""
    if place is None:
        side, order = ("pk__gt", "pk") if backwards else ("pk__lt", "-pk")
    else:
        queryset = queryset.alias(place=place)
        side, order = ("place__lt", "-place") if backwards else ("place__gt", "place")
    if begins is not None:
        queryset = queryset.filter(**{side: begins})
    return queryset.order_by(order)


def values(model: type[models.Model], name: str, *, most: int = 100) -> list[str]:
    """The values of a field in their order, in one query that leaps from each to the next along an index of the field:
    their number counts, and not that of the rows."""
    column = connection.ops.quote_name(model._meta.get_field(name).column)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE found(value) AS (
                SELECT MIN({column}) FROM {table}
                UNION ALL SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > found.value)
                FROM found WHERE found.value IS NOT NULL
            )
            SELECT value FROM found WHERE value IS NOT NULL LIMIT %s
            """,  # noqa: S608  # names of our own tables
            [most],
        )
        return [row[0] for row in cursor.fetchall()]
