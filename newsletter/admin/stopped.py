"""Readers in the order of the stop list: whose mail came back, and who complained, the newest first.

Nothing but the key leads from an entry of the stop list to a reader. So a page goes through a part of the list and no
more: it may hold fewer rows than others, and then says how far it came.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from newsletter.models import Suppression
from picum import keyset

# So many entries at once are held against the readers, until there are enough for a page: at first a few, since most
# have their reader. More than these at once, and PostgreSQL would rather read all readers.
ROUNDS = [150, 1_500, 1_500]


@dataclass(frozen=True, slots=True)
class _Walk:
    """`met`: pairs of an entry's number and its reader's, in the order in which they were met; `last`, `since`: the
    number and the moment of the entry that was looked at last; `ended`: there is none beyond it."""

    met: Sequence[tuple[int, int]]
    last: int
    since: datetime.datetime | None
    ended: bool


def read(
    readers: QuerySet, reason: str, cursor: keyset.Cursor, *, size: int
) -> tuple[keyset.Page, datetime.datetime | None]:
    """A page of those readers who are on the stop list for a reason; its numbers are those of the list's entries.

    The moment down to which the list was looked through, if that was not enough for a page.
    """
    walk = _walk(readers.order_by(), reason, cursor, wanted=size + 1)
    met, more = walk.met[:size], len(walk.met) > size or not walk.ended
    if cursor.backwards and not more:
        return read(readers, reason, keyset.Cursor(), size=size)
    edge = met[-1][0] if len(walk.met) > size else walk.last
    if cursor.backwards:
        # One more than the cursor's is where the page begins from which somebody came.
        page = {"before": edge, "after": met[0][0] if met else cursor.number + 1}
    else:
        begins = met[0][0] if met else (cursor.number or 0) - 1
        page = {"before": begins if cursor.number is not None else None, "after": edge if more else None}
    found = readers.in_bulk([number for _entry, number in met])
    rows = [found[number] for _entry, number in met if number in found]
    if cursor.backwards:
        rows.reverse()
    return keyset.Page(rows, **page), walk.since if len(met) < size and not walk.ended else None


def _walk(readers: QuerySet, reason: str, cursor: keyset.Cursor, *, wanted: int) -> _Walk:
    entries = Suppression.objects.filter(reason=reason)
    last, since, met = cursor.number, None, []
    for number in ROUNDS:
        begins = None if last is None else keyset.Newest.of(last, entries)
        chunk = keyset.beyond(entries, keyset.Newest(), begins, backwards=cursor.backwards)[:number]
        known = dict(readers.filter(address_key__in=chunk.values("address_key")).values_list("address_key", "pk"))
        some = list(chunk.values_list("pk", "address_key", "created_at"))
        met += [(pk, known[key]) for pk, key, _at in some if key in known]
        if some:
            last, _key, since = some[-1]
        if len(met) >= wanted or len(some) < number:
            return _Walk(met, last or 0, since, ended=len(some) < number)
    return _Walk(met, last or 0, since, ended=False)
