"""When things happened in the demo's past: all of it is told from today, so that the demo is never old."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import F, Max
from django.utils import timezone

from picum.accounts.models import AuditEntry
from picum.letters.models import Letter


def noon(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(12), tzinfo=timezone.get_current_timezone())


def assembly_day(year: int) -> datetime.date:
    """The General Assembly meets on the second Saturday of June."""
    first = datetime.date(year, 6, 1)
    return first + datetime.timedelta(days=(5 - first.weekday()) % 7 + 7)


def last_assembly(today: datetime.date) -> datetime.date:
    """The day of the last one that is over."""
    day = assembly_day(today.year)
    return day if day < today else assembly_day(today.year - 1)


@contextmanager
def done_on(day: datetime.date) -> Iterator[datetime.datetime]:
    """For deeds that lie back: gives the moment; afterwards the audit trail says that they were done then."""
    moment = noon(day)
    last = AuditEntry.objects.aggregate(last=Max("pk"))["last"] or 0
    yield moment
    AuditEntry.objects.filter(pk__gt=last).update(at=moment)


@contextmanager
def letters_gone() -> Iterator[None]:
    """What is written inside went out when it was written, and no mail leaves: nobody is there to read it."""
    last = Letter.objects.aggregate(last=Max("pk"))["last"] or 0
    yield
    ours = Letter.objects.filter(pk__gt=last, state=Letter.State.WAITING)
    ours.update(state=Letter.State.SENT, address="", attempts=1, changed_at=F("created_at"))
