"""Readers as a CSV file, for staff who may take the list out of the house. `newsletter.lists` reads it again."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.db.models import QuerySet
from django.utils import timezone

from newsletter.models import Subscriber, Suppression
from picum import csvfile
from picum.accounts import audit
from picum.accounts.models import User

PAGE = 2_000  # readers in memory
# The first three are what an import reads; "stopped" says why an address is on the stop list.
COLUMNS = ["email", "languages", "name", "areas", "state", "source", "subscribed", "stopped"]


@dataclass(frozen=True)
class Filters:
    """Which readers; an empty one lets all pass."""

    state: str = ""
    language: str = ""  # the first one
    area: str = ""
    source: str = ""

    def readers(self) -> QuerySet[Subscriber]:
        readers = Subscriber.objects.all()
        if self.state:
            readers = readers.filter(state=self.state)
        if self.language:
            readers = readers.preferring(self.language)
        if self.area:
            readers = readers.interested_in(self.area)
        return readers.filter(source=self.source) if self.source else readers


def export(filters: Filters, *, reason: str, by: User | None, delimiter: str = ",") -> Iterator[str]:
    """The readers as text in pieces, streamed in constant memory; `reason` says what for. The audit line, with the
    filters and the number, but no reader, is written before the first piece."""
    readers = filters.readers()
    chosen = {name: value for name, value in asdict(filters).items() if value}
    audit.record("subscriber.export", by=by, reason=reason, number=readers.count(), **chosen)
    return _pieces(readers, delimiter)


def _pieces(readers: QuerySet[Subscriber], delimiter: str) -> Iterator[str]:
    """Page after page by number: nobody's download keeps a transaction open."""
    yield csvfile.MARK + csvfile.written([COLUMNS], delimiter)
    fields = ["pk", "address_key", "address", "languages", "name", "areas", "state", "source", "subscribed_at"]
    last = 0
    while page := list(readers.order_by("pk").filter(pk__gt=last).values_list(*fields)[:PAGE]):
        last = page[-1][0]
        keys = [key for _pk, key, *_rest in page]
        stopped = dict(Suppression.objects.filter(address_key__in=keys).values_list("address_key", "reason"))
        rows = [
            [*cells, timezone.localdate(since) if since else "", stopped.get(key, "")]
            for _pk, key, *cells, since in page
        ]
        yield csvfile.written(rows, delimiter)
