"""The stop list, by hand: what staff put on it, and what they may take off again."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from newsletter.models import Suppression
from picum.accounts import audit
from picum.accounts.models import User
from picum.addresses import address_key, normalise

Reason = Suppression.Reason
# Whoever left, complained or had themselves erased said no: only their own double opt-in takes that back.
LIFTABLE = {Reason.BOUNCED, Reason.STAFF}


class NotLifted(Exception):
    """Why an entry stays on the stop list, in words for the person who wanted it off."""


@transaction.atomic
def add(address: str, *, by: User, note: str, now: datetime.datetime) -> bool:
    """Stop all mail to an address, that of sign-ups too, until staff lift it. Raises InvalidAddress.

    What is there already stays as it is, whatever its reason: False then. The audit trail keeps the key and the note.
    Nobody is told.
    """
    key = address_key(normalise(address))
    found = {"reason": Reason.STAFF, "created_at": now}
    _stop, is_new = Suppression.objects.get_or_create(address_key=key, defaults=found)
    if is_new:
        audit.record("suppression.add", by=by, key=key.hex, note=note)
    return is_new


@transaction.atomic
def lift(stop: Suppression, *, by: User, note: str) -> None:
    """Let mail go to an address again. Raises NotLifted for what only the reader can take back, and when somebody was
    quicker. The audit trail keeps the reason, the key and the note. Nobody is told."""
    if stop.reason not in LIFTABLE:
        raise NotLifted(_("Only the person themselves can take this back, by signing up and confirming it."))
    deleted, _rows = Suppression.objects.filter(pk=stop.pk, reason=stop.reason).delete()
    if not deleted:
        raise NotLifted(_("The entry has changed meanwhile."))
    audit.record("suppression.lift", by=by, reason=stop.reason, key=stop.address_key.hex, note=note)
