"""A reader is forgotten: gone from every row. Only the fingerprint of the address stays, where it must.

That is on the stop list (no import brings the address back), in the consent ledger (the proof of what was agreed to
and withdrawn), in the ledger of erasures (no restore brings it back), in deliveries until these become totals (nobody
gets an issue twice), and for a month among what an address has asked for (`picum.accounts.limits`).
"""

import datetime
import logging
import re
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from django.db import connection, transaction
from django.db.models import Q

from newsletter import consents, erasure_ledger, my_data
from newsletter.erasure_ledger import Erasure
from newsletter.models import (
    Consent,
    Delivery,
    DeliveryEvent,
    Move,
    RawEvent,
    Recipient,
    SignUp,
    Subscriber,
    Suppression,
    SystemMail,
)
from picum.accounts.models import AuditEntry
from picum.addresses import wire_address

log = logging.getLogger(__name__)
How, Kind, Reason = Consent.How, Consent.Kind, Suppression.Reason
AGAIN = "again, after a restore"
_UNICODE = re.compile(r"\\+u([0-9a-fA-F]{4})")
# The roads of a consent that somebody else may bring along, from a list that is older than the erasure.
BY_OTHERS = [How.IMPORT, How.STAFF, How.MEMBER]


class NotWritten(Exception):
    """The ledger of erasures cannot be written, so nothing was erased."""


def erase(address_key: uuid.UUID, *, also_from_stop_list: bool = False, how: str, now: datetime.datetime) -> bool:
    """Forget whoever has this address: the reader, sign-ups, moves and mails that wait, and what others said of the
    letters. One transaction; False, and nothing has happened, when there is nobody to forget.

    `how` is "page" or "staff". The fingerprint goes on the stop list as erased, or leaves it; what staff entered there
    only they take off. So do those of the addresses from which the reader has moved here, which a backup may know. A
    letter that is on the wire now may still arrive. Written to the ledger of erasures before the commit, and to the
    consent ledger as the last step: in a larger transaction, so is this. Raises NotWritten. Nobody is told.
    """
    with transaction.atomic():
        if not _forget(address_key):
            return False
        keys = sorted({address_key} | _former(address_key))
        erasures = [Erasure(key, now, stop=not also_from_stop_list) for key in keys]
        for erasure in erasures:
            _stop(erasure, by_staff=how == How.STAFF)
        try:
            for erasure in erasures:
                erasure_ledger.append(erasure)
        except OSError as error:
            log.error("Nobody is erased: %s cannot be written (%s).", erasure_ledger.path(), error.strerror)
            raise NotWritten from error
        consents.append([consents.Entry(Kind.ERASED, how, key) for key in keys], now=now)
    log.info("A reader was erased: %s.", how)
    return True


def erase_reader(reader: Subscriber, *, also_from_stop_list: bool = False, how: str, now: datetime.datetime) -> None:
    """As `erase`; also whose mail has moved to another address since the object in hand was read."""
    there: Subscriber | None = reader
    while there:
        erase(there.address_key, also_from_stop_list=also_from_stop_list, how=how, now=now)
        there = Subscriber.objects.filter(pk=reader.pk).first()


@dataclass(frozen=True, slots=True)
class Replay:
    """How many were in the ledger, and how many of them had come back."""

    known: int
    erased: int


def replay(erasures: Iterable[Erasure], *, now: datetime.datetime, dry_run: bool = False) -> Replay:
    """Erase again whom a restore has brought back, and put them back on the stop list, or take them off it, as it was
    then. A transaction each; the second time nobody is left. `dry_run` only counts.

    Whoever has consented anew since is left alone. In a database that has forgotten the erasure an import or staff's
    word is no such consent: it may rest on an older list.
    """
    latest = {erasure.key: erasure for erasure in erasures}
    erased = sum(_again(erasure, now=now, dry_run=dry_run) for erasure in latest.values())
    return Replay(len(latest), erased)


@transaction.atomic
def _again(erasure: Erasure, *, now: datetime.datetime, dry_run: bool) -> bool:
    lines = Consent.objects.filter(address_key=erasure.key)
    is_known = lines.filter(kind=Kind.ERASED, at__gte=erasure.at).exists()
    since = lines.filter(kind=Kind.GIVEN, at__gt=erasure.at)
    if (since if is_known else since.exclude(how__in=BY_OTHERS)).exists():
        return False
    if not _forget(erasure.key, before=erasure.at) and is_known:
        return False
    if not is_known:
        _stop(erasure, by_staff=False)
    consents.append([consents.Entry(Kind.ERASED, How.STAFF, erasure.key, detail=AGAIN)], now=now)
    transaction.set_rollback(dry_run)
    return True


def _former(key: uuid.UUID) -> set[uuid.UUID]:
    """The keys under which a backup may know the same reader, from before they moved; none that is a reader's now."""
    former = consents.moved_here(key)
    return former - set(Subscriber.objects.filter(address_key__in=former).values_list("address_key", flat=True))


# --- the rows ---------------------------------------------------------------------------------------------------------


def _forget(key: uuid.UUID, *, before: datetime.datetime | None = None) -> bool:
    """Delete or empty all that holds the address or is about its owner; whether there was anything. With `before`,
    what was asked for later stays: its owner has still to confirm it. Locks as `newsletter.subscriptions` says, and
    sign-ups before all, as confirming does."""
    asked = Q(created_at__lte=before) if before else Q()
    sign_ups = SignUp.objects.filter(asked, address_key=key).order_by("pk")
    found = list(sign_ups.select_for_update())
    reader = Subscriber.objects.filter(address_key=key).select_for_update().first()
    moves = Move.objects.filter(Q(asked, address_key=key) | (Q(subscriber=reader) if reader else Q(pk=None)))
    mails = SystemMail.objects.filter(asked, address_key=key)
    written_to = Recipient.objects.filter(address_key=key)
    written_to = written_to.filter(issue__created_at__lte=before) if before else written_to
    found += [*moves, *mails, *written_to, *([reader] if reader else [])]
    for rows in (mails, moves, sign_ups, written_to):
        rows.delete()
    _silence(_deliveries(key, reader, before))
    if reader:
        AuditEntry.objects.filter(object_type="newsletter.subscriber", object_id=str(reader.pk)).update(object_label="")
        reader.delete()
    _empty_posts({row.address for row in found if row.address})
    return bool(found)


def _deliveries(key: uuid.UUID, reader: Subscriber | None, before: datetime.datetime | None) -> list[int]:
    """The numbers of what was sent to them; locked in order."""
    rows = my_data.deliveries_of(key, reader)
    if before:
        rows = rows.filter(Q(changed_at__lte=before) | (Q(subscriber=reader) if reader else Q(pk=None)))
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True))


def _silence(deliveries: Collection[int]) -> None:
    """What relays and providers said may name somebody. States stay, and with them the count."""
    Delivery.objects.filter(pk__in=deliveries).exclude(detail="").update(detail="")
    DeliveryEvent.objects.filter(delivery__in=deliveries).exclude(detail="").update(detail="")


def _stop(erasure: Erasure, *, by_staff: bool) -> None:
    stopped = Suppression.objects.filter(address_key=erasure.key)
    ours = stopped if by_staff else stopped.exclude(reason=Reason.STAFF)
    if not erasure.stop:
        ours.delete()
        return
    stopped.exclude(reason=Reason.STAFF).update(reason=Reason.ERASED, created_at=erasure.at)
    stop = Suppression(address_key=erasure.key, reason=Reason.ERASED, created_at=erasure.at)
    Suppression.objects.bulk_create([stop], ignore_conflicts=True)


# --- providers' posts -------------------------------------------------------------------------------------------------


def _empty_posts(addresses: Collection[str]) -> None:
    """Of the posts that nobody could read, those that name one of these lose their body. One that still waits is read
    within moments, and emptied then."""
    forms = {form for address in addresses for form in _forms(address)}
    if not forms:
        return
    posts = RawEvent.objects.unreadable().values_list("pk", "body").iterator(chunk_size=50)
    naming = [pk for pk, body in posts if _names(bytes(body), forms)]
    RawEvent.objects.filter(pk__in=naming).update(body=b"")


def _forms(address: str) -> set[str]:
    """How a post may write an address, in small letters: as we do, or as the wire does."""
    return {address.casefold(), wire_address(address).casefold()}


def _names(body: bytes, forms: Collection[str]) -> bool:
    """Whether a body holds one of the addresses, be it in percent signs or in JSON's escapes."""
    texts = [_UNICODE.sub(_character, octets.decode("utf-8", "replace")) for octets in (body, unquote_to_bytes(body))]
    return any(form in text.casefold() for form in forms for text in texts)


def _character(escape: re.Match) -> str:
    return chr(int(escape[1], 16))
