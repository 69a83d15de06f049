"""A reader's mail shall go to another address. Both addresses must say so; until then nothing changes.

Each gets a mail with a link of its own. The old one must agree, because whoever has somebody's newsletter has their
personal link; the new one, because it is somebody's.
"""

import datetime
import logging
import uuid
from enum import Enum

from django.db import IntegrityError, transaction
from django.db.models import Q

from newsletter import consents, ledger, outbox, subscriptions
from newsletter.models import Consent, Edition, Move, Subscriber, Suppression, SystemMail
from picum.accounts import limits
from picum.addresses import address_key, reachable

log = logging.getLogger(__name__)
Reason, State = Suppression.Reason, Subscriber.State


class Standing(Enum):
    """How far a wish to move is, seen from one of its two links."""

    OPEN = "this address has not confirmed"
    OLD_IS_MISSING = "the old address has not confirmed yet"
    NEW_IS_MISSING = "the new address has not confirmed yet"
    DONE = "both have; mail goes to the new one"
    REFUSED = "staff stopped the new address"
    GONE = "there is no such wish any more, or no such reader"


def ask(subscriber: Subscriber, address: str, *, network: str, now: datetime.datetime) -> None:
    """A reader wants to be mailed at another address. Both get a mail; an earlier wish of theirs, and its links, end.

    The same statements for every address, also for their own and for those of other readers. Raises InvalidAddress and
    TooMany, in words for the person.
    """
    address = reachable(address)
    with transaction.atomic():
        limits.count_post(network, now=now)
        # Two wishes at once stand in line here.
        reader = Subscriber.objects.select_for_update(no_key=True).filter(pk=subscriber.pk).first()
        if reader is None:  # erased in this moment
            return
        # A new row, not the old one changed: a mail that a worker has in hand must not get a link of the new wish.
        Move.objects.filter(subscriber=reader).delete()
        key = address_key(address)
        move = Move.objects.create(subscriber=reader, address=address, address_key=key, created_at=now)
        put = {"language": reader.language, "now": now, "move": move}
        outbox.put(SystemMail.Kind.MOVE_OLD, reader.address, **put)
        outbox.put(SystemMail.Kind.MOVE_NEW, address, **put)


def find(handle: uuid.UUID) -> Move | None:
    """The wish that a link is about, with its reader."""
    return Move.objects.select_related("subscriber").filter(Q(old_handle=handle) | Q(new_handle=handle)).first()


def standing(move: Move | None, handle: uuid.UUID) -> Standing:
    """What the owner of this link should know."""
    if move is None:
        return Standing.GONE
    if move.old_confirmed_at and move.new_confirmed_at:
        return Standing.DONE
    if move.subscriber.state == State.UNSUBSCRIBED:
        return Standing.GONE
    if not (move.old_confirmed_at if handle == move.old_handle else move.new_confirmed_at):
        return Standing.OPEN
    return Standing.NEW_IS_MISSING if move.old_confirmed_at else Standing.OLD_IS_MISSING


def confirm(handle: uuid.UUID, *, now: datetime.datetime) -> Standing:
    """One of the two addresses agrees. With the second one the mail goes to the new address from now on, also what is
    queued; the old one is on the stop list, so that no import brings it back; the consent ledger knows both.

    Where the new address reads us already it stays as it is, and the old one is unsubscribed. Repeating it changes
    nothing. Nobody is told.
    """
    try:
        return _confirm(handle, now)
    except IntegrityError:  # the new address signed up in this very moment: now it is a reader like others
        return _confirm(handle, now)


@transaction.atomic
def _confirm(handle: uuid.UUID, now: datetime.datetime) -> Standing:
    found = find(handle)
    if found is None:
        return Standing.GONE
    # In the order of `subscriptions`. An issue that is being frozen is waited for: its deliveries are known by address.
    alive = [Edition.State.SCHEDULED, Edition.State.SENDING, Edition.State.PAUSED]
    list(Edition.objects.filter(state__in=alive).order_by("pk").select_for_update().values_list("pk"))
    both = Q(pk=found.subscriber_id) | Q(address_key=found.address_key)
    list(Subscriber.objects.filter(both).order_by("pk").select_for_update().values_list("pk"))
    move = find(handle)
    if (now_stands := standing(move, handle)) != Standing.OPEN:
        return now_stands
    side = "old_confirmed_at" if handle == move.old_handle else "new_confirmed_at"
    setattr(move, side, now)
    # What we know of the new address is told to its owner alone.
    stop = Suppression.objects.filter(address_key=move.address_key, reason=Reason.STAFF)
    if move.new_confirmed_at and stop.exists():
        return Standing.REFUSED
    move.save(update_fields=[side])
    if (now_stands := standing(move, handle)) == Standing.DONE:
        _move(move, now)
    return now_stands


def _move(move: Move, now: datetime.datetime) -> None:
    reader, old_key, new_key = move.subscriber, move.subscriber.address_key, move.address_key
    if old_key == new_key:  # the same mailbox, written in another way
        Subscriber.objects.filter(pk=reader.pk).update(address=move.address)
        return
    wording = subscriptions.agreed_to(old_key)
    if other := Subscriber.objects.filter(address_key=new_key).first():
        subscriptions.end([reader.pk], how=Consent.How.MOVE, now=now)
        _revive(other, reader, now)
    else:
        Subscriber.objects.filter(pk=reader.pk).update(address=move.address, address_key=new_key)
        ledger.readdress(reader.pk, new_key, now=now)
        log.info("Reader %s has another address.", reader.pk)
    for key in sorted([old_key, new_key]):  # the stop list by key, as `subscriptions` says
        if key == old_key:
            stop = Suppression(address_key=key, reason=Reason.UNSUBSCRIBED, created_at=now)
            Suppression.objects.bulk_create([stop], ignore_conflicts=True)
        else:
            Suppression.objects.filter(address_key=key).exclude(reason=Reason.STAFF).delete()
    here = consents.Entry(Consent.Kind.GIVEN, Consent.How.MOVE, new_key, wording)
    consents.append([subscriptions.withdrawn(old_key, how=Consent.How.MOVE), here], now=now)


def _revive(other: Subscriber, reader: Subscriber, now: datetime.datetime) -> None:
    """Who left with the new address reads again, with what was chosen at the old one. Who reads with it stays as is."""
    chosen = {name: getattr(reader, name) for name in ("languages", "areas", "late", "paused_until")}
    left = Subscriber.objects.filter(pk=other.pk, state=State.UNSUBSCRIBED)
    left.update(state=State.SUBSCRIBED, subscribed_at=now, unsubscribed_at=None, **chosen)
