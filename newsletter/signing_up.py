"""Signing up: a wish becomes a reader when its address has confirmed it (double opt-in).

Nobody but the owner of an address learns whether we know it: whatever is asked here is answered by the same work and
the same nothing, and what is true of the address is told in a mail to it, by `newsletter.outbox`.
"""

import datetime
import logging
import uuid
from collections.abc import Sequence

from django.db import transaction

from newsletter import consents, outbox
from newsletter.models import SignUp, Subscriber, Suppression, SystemMail, Wording
from newsletter.translating import LANGUAGES
from picum.accounts import limits
from picum.accounts.limits import TooMany
from picum.addresses import InvalidAddress, address_key, reachable

__all__ = ["InvalidAddress", "TooMany", "ask_for_link", "confirm", "renew", "request"]

log = logging.getLogger(__name__)
NAME, SOURCE = (SignUp._meta.get_field(name).max_length for name in ("name", "source"))


def request(
    address: str,
    *,
    languages: Sequence[str],
    areas: Sequence[str] = (),
    name: str = "",
    how: str,
    source: str = "",
    wording: Wording,
    network: str,
    now: datetime.datetime,
) -> None:
    """Somebody wants the newsletter at this address. A mail to it is queued, and a worker rung for.

    `languages` and `areas` (keys) in their order, `how` of `Consent.How`. The same statements for every address.
    Raises InvalidAddress and TooMany, in words for the person; ValueError for languages that no form offers.
    """
    if not languages or set(languages) - set(LANGUAGES) or len(set(languages)) < len(languages):
        raise ValueError("No order of languages.")
    address = reachable(address)
    with transaction.atomic():
        limits.count_post(network, now=now)
        sign_up = SignUp.objects.create(
            address=address,
            address_key=address_key(address),
            languages=" ".join(languages),
            areas=" ".join(areas),
            name=name[:NAME],
            how=how,
            source=source[:SOURCE],
            wording=wording,
            created_at=now,
        )
        outbox.put(SystemMail.Kind.SIGN_UP, address, language=sign_up.language, sign_up=sign_up, now=now)


@transaction.atomic
def confirm(handle: uuid.UUID, *, now: datetime.datetime) -> Subscriber | None:
    """The owner of the address says yes: from now on they are a reader, with what they chose, and the stop list lets
    them go, unless staff put them there. Two lines in the consent ledger; nobody is told.

    A second time it changes nothing and gives the same reader. None when the sign-up has vanished, when the reader
    has left again since, or when staff stopped the address.
    """
    # The sign-up first, as erasing does; whoever presses the button in two tabs stands in line here.
    mine = SignUp.objects.select_for_update(of=("self",)).select_related("wording")
    if (sign_up := mine.filter(handle=handle).first()) is None:
        return None
    reader = Subscriber.objects.select_for_update().filter(address_key=sign_up.address_key).first()
    if sign_up.confirmed_at:
        return reader if reader and reader.state == Subscriber.State.SUBSCRIBED else None
    stop = Suppression.objects.filter(address_key=sign_up.address_key)
    if stop.filter(reason=Suppression.Reason.STAFF).exists():
        return None
    reader = _subscribed(reader, sign_up, now)
    stop.exclude(reason=Suppression.Reason.STAFF).delete()
    SignUp.objects.filter(pk=sign_up.pk).update(confirmed_at=now)
    log.info("Reader %s confirmed sign-up %s.", reader.pk, sign_up.pk)
    consents.append(_lines(sign_up), now=now)
    return reader


@transaction.atomic
def renew(handle: uuid.UUID, *, now: datetime.datetime) -> None:
    """Another mail for a sign-up whose link has expired. Nothing happens, and nothing is said, when there is none, or
    when one is on its way already."""
    sign_up = SignUp.objects.filter(handle=handle, confirmed_at=None).first()
    if sign_up and not sign_up.mails.filter(state__in=outbox.OPEN).exists():
        outbox.put(SystemMail.Kind.SIGN_UP, sign_up.address, language=sign_up.language, sign_up=sign_up, now=now)


def ask_for_link(address: str, *, language: str, network: str, now: datetime.datetime) -> None:
    """Somebody wants the personal links of an address; they are mailed to it if it is, or was, a reader's.

    The same statements for every address. Raises InvalidAddress and TooMany, in words for the person.
    """
    address = reachable(address)
    with transaction.atomic():
        limits.count_post(network, now=now)
        outbox.put(SystemMail.Kind.LINK, address, language=language, now=now)


def _subscribed(reader: Subscriber | None, sign_up: SignUp, now: datetime.datetime) -> Subscriber:
    """The reader of this address, new or come back, with what the sign-up says. What it does not say stays."""
    fresh = {
        "address": sign_up.address,
        "state": Subscriber.State.SUBSCRIBED,
        "subscribed_at": now,
        "source": sign_up.source or sign_up.how,
    }
    chosen = {"languages": sign_up.languages, "areas": sign_up.areas}
    if sign_up.name:
        chosen["name"] = sign_up.name
    if reader is None:  # or made in this moment, by another sign-up of the same address
        found = Subscriber.objects.select_for_update()
        reader, is_new = found.get_or_create(address_key=sign_up.address_key, defaults=fresh | chosen)
        if is_new:
            return reader
    if reader.state != Subscriber.State.SUBSCRIBED:
        chosen |= fresh | {"unsubscribed_at": None, "paused_until": None}
    for field, value in chosen.items():
        setattr(reader, field, value)
    reader.save(update_fields=chosen)
    return reader


def _lines(sign_up: SignUp) -> list[consents.Entry]:
    asked = f"{sign_up.created_at.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"
    common = {"how": sign_up.how, "address_key": sign_up.address_key, "wording": sign_up.wording}
    return [
        consents.Entry(consents.Kind.REQUESTED, detail=asked, **common),
        consents.Entry(consents.Kind.GIVEN, detail=sign_up.source, **common),
    ]
