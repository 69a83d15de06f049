"""What is kept how long. Each job deletes what has had its time, says what it did, and may be run at any time, any
number of times at once: a row is deleted only if it is still as old as it was thought to be.

The beat runs them every hour (`newsletter.upkeep`), so that "seven days" are not eight; each is a command too.
"""

import datetime
import logging
import time
from collections import Counter

from django.db import connection, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from newsletter import figures, ledger
from newsletter.models import (
    Delivery,
    DeliveryEvent,
    Edition,
    Issue,
    Move,
    RawEvent,
    Recipient,
    SignUp,
    Subscriber,
    Suppression,
    SystemMail,
)
from picum.accounts import limits
from picum.accounts.models import AuditEntry

log = logging.getLogger(__name__)

UNCONFIRMED = datetime.timedelta(days=7)  # sign-ups, confirmed or not, and changes of address
LEFT = datetime.timedelta(days=90)  # readers who have left: as long as what was sent to them is known
MAILS = datetime.timedelta(days=30)  # system mails that are sent or given up; their addresses are gone at once
DELIVERIES = datetime.timedelta(days=90)
RAW_EVENTS = datetime.timedelta(days=14)
BATCH = 5_000  # rows that go in one transaction: nobody waits for it
SECONDS = 25  # and so long a worker deletes before it looks at what else there is to do
_GOING = [Edition.State.SCHEDULED, Edition.State.HELD, Edition.State.SENDING, Edition.State.PAUSED]


# --- sign-ups and the mails for them ---------------------------------------------------------------------------------


def expire_sign_ups(*, now: datetime.datetime) -> Counter:
    """Delete what people asked for and did not confirm, or have confirmed, seven days ago, with its mails.

    "sign_ups" and "moves" deleted, and of the sign-ups "unconfirmed".
    """
    before = now - UNCONFIRMED
    # Sign-ups are locked before their mails, as everywhere; what somebody is at work on goes the next time.
    free = SignUp.objects.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    old = free.filter(created_at__lt=before).order_by("created_at")
    done = Counter(unconfirmed=_delete(old.filter(confirmed_at=None)))
    done["sign_ups"] = done["unconfirmed"] + _delete(old.filter(confirmed_at__lt=before))
    done["moves"] = _delete(Move.objects.filter(created_at__lt=before).order_by("created_at"))
    return done


def expire_system_mails(*, now: datetime.datetime) -> Counter:
    """Delete system mails that have been sent or given up for thirty days, links that nobody has let through the brake
    for seven, and what no limit counts any more: "mails", "held", "rates"."""
    mails = SystemMail.objects.order_by("created_at")
    ended = [SystemMail.State.SENT, SystemMail.State.DROPPED]
    # What belongs to a sign-up or a move goes with it; a mail with a link stands alone, and would hold its address.
    alone = mails.filter(sign_up=None, move=None, created_at__lt=now - UNCONFIRMED).exclude(state__in=ended)
    over = mails.filter(state__in=ended, created_at__lt=now - MAILS, changed_at__lt=now - MAILS)
    return Counter(mails=_delete(over), held=_delete(alone), rates=limits.forget(now=now))


# --- readers who have left --------------------------------------------------------------------------------------------


def expire_readers(*, now: datetime.datetime) -> Counter:
    """Delete readers who left ninety days ago, with their address, name and choices: "readers". Their fingerprint stays
    on the stop list and in the consent ledger, so no import brings them back; they may sign up again themselves."""
    gone = Subscriber.objects.filter(state=Subscriber.State.UNSUBSCRIBED, unsubscribed_at__lt=now - LEFT).order_by("pk")
    number = 0
    while some := _delete_some_readers(gone):
        number += some
    return Counter(readers=number)


@transaction.atomic
def _delete_some_readers(gone: QuerySet[Subscriber]) -> int:
    """Locks as `newsletter.subscriptions` says; who came back meanwhile is not among those who are locked."""
    readers = list(gone.select_for_update()[:BATCH])
    left = {reader.address_key: reader.unsubscribed_at for reader in readers}
    stops = Suppression.objects.filter(address_key__in=left, reason=Suppression.Reason.BOUNCED)
    bounced = list(stops.order_by("address_key").select_for_update().values_list("pk", flat=True))
    # Staff may lift a bounce; that somebody has left must outlast it. The others are there, unless staff lifted one.
    said_no = {"reason": Suppression.Reason.UNSUBSCRIBED}
    Suppression.objects.filter(pk__in=bounced).update(**said_no)
    lifted = [Suppression(address_key=key, created_at=at, **said_no) for key, at in sorted(left.items())]
    Suppression.objects.bulk_create(lifted, ignore_conflicts=True)
    ids = [reader.pk for reader in readers]
    deeds = AuditEntry.objects.filter(object_type="newsletter.subscriber", object_id__in=map(str, ids))
    deeds.exclude(object_label="").update(object_label="")
    Subscriber.objects.filter(pk__in=ids).delete()
    return len(ids)


# --- what came back --------------------------------------------------------------------------------------------------


def expire_raw_events(*, now: datetime.datetime) -> Counter:
    """Delete providers' posts that were read, or could not be read, fourteen days ago: "posts". One that still waits
    for a worker is not lost for that; of these it tells how many are as old: "waiting"."""
    before = now - RAW_EVENTS
    read = RawEvent.objects.filter(processed_at__lt=before).order_by("processed_at")
    return Counter(posts=_delete(read), waiting=RawEvent.objects.waiting().filter(received_at__lt=before).count())


# --- deliveries ------------------------------------------------------------------------------------------------------


def tally_deliveries(*, now: datetime.datetime, seconds: float | None = None) -> Counter:
    """Ninety days after an issue's last edition ended, turn its deliveries into totals, and delete them with their
    events: "issues" that became totals, "deliveries" deleted, "left" 1 if time was up before the end, and "kept", the
    issues that are as old and must wait (`overdue`).

    First the totals and the mark (`Issue.tallied_at`) in one transaction, then the rows in small ones: killed in
    between, it goes on where it was. `seconds` is about how long it may take.
    """
    ends = time.monotonic() + seconds if seconds else float("inf")
    done = Counter(issues=sum(_turn(pk, now) for pk in _past(now).values_list("pk", flat=True)))
    rest = Issue.objects.filter(Exists(Delivery.objects.filter(issue=OuterRef("pk"))), tallied_at__isnull=False)
    for issue in rest.order_by("pk"):
        span = Delivery.objects.filter(issue=issue).aggregate(first=Min("pk"), last=Max("pk"))
        for first in range(span["first"] or 0, (span["last"] or -1) + 1, BATCH):  # none: another run was quicker
            if time.monotonic() > ends and done["deliveries"]:
                return done + Counter(left=1)
            done["deliveries"] += _delete_some_deliveries(issue, first)
    done["kept"] = len({edition.issue_id for edition in overdue(now=now)})
    return done


def overdue(*, now: datetime.datetime) -> list[Edition]:
    """Editions that keep the deliveries of their issue from becoming totals: it was frozen long ago, and they are not
    done yet. Mostly only a person can end that."""
    old = Issue.objects.filter(Exists(_frozen().filter(frozen_at__lt=now - DELIVERIES)), tallied_at=None)
    open_letters = Delivery.objects.unfinished().filter(edition=OuterRef("pk"))
    editions = Edition.objects.filter(Q(state__in=_GOING) | Exists(open_letters), issue__in=old)
    return list(editions.select_related("issue").order_by("issue", "pk"))


def _frozen() -> QuerySet[Edition]:
    return Edition.objects.frozen().filter(issue=OuterRef("pk"))


def _past(now: datetime.datetime) -> QuerySet[Issue]:
    """Issues all of whose editions ended long ago."""
    ended = Max(Coalesce("editions__finished_at", "editions__frozen_at"), filter=Q(editions__frozen_at__isnull=False))
    going = Edition.objects.filter(issue=OuterRef("pk"), state__in=_GOING)
    issues = Issue.objects.filter(~Exists(going), tallied_at=None).annotate(ended=ended)
    return issues.filter(ended__lt=now - DELIVERIES).order_by("pk")


@transaction.atomic
def _turn(issue_id: int, now: datetime.datetime) -> bool:
    """Count an issue for the last time and mark it; whether it could be."""
    # Whoever freezes, resends or gives up a language takes the same rows in the same order.
    issue = Issue.objects.select_for_update().get(pk=issue_id)
    editions = list(Edition.objects.select_for_update().filter(issue=issue).order_by("pk"))
    if not _past(now).filter(pk=issue_id).exists() or not all(ledger.is_finished(edition.pk) for edition in editions):
        return False
    figures.tally(issue, now=now)
    Issue.objects.filter(pk=issue_id).update(tallied_at=now)
    Recipient.objects.filter(issue=issue).delete()
    return True


@transaction.atomic
def _delete_some_deliveries(issue: Issue, first: int) -> int:
    """A stretch of them, by their numbers, with their events. Locked first, so that nobody adds an event in between.

    By numbers, for "the next ones of this issue" would pass over all that are deleted already, each time.
    """
    stretch = Delivery.objects.filter(issue=issue, pk__gte=first, pk__lt=first + BATCH)
    rows = stretch.select_for_update().order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    DeliveryEvent.objects.filter(delivery__in=ids)._raw_delete(using=rows.db)
    return Delivery.objects.filter(pk__in=ids)._raw_delete(using=rows.db)


# --- all of it -------------------------------------------------------------------------------------------------------


def _delete(rows: QuerySet) -> int:
    """Delete rows in small transactions, each with what hangs on it; how many of these rows there were."""
    number = 0
    while some := _delete_some(rows):
        number += some
    return number


@transaction.atomic
def _delete_some(rows: QuerySet) -> int:
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    return rows.order_by().filter(pk__in=ids).delete()[1].get(rows.model._meta.label, 0) if ids else 0
