"""Everything that is held about an address, for whoever can read its mail: Article 15 of the GDPR.

`about` is what there is, under keys that stay; `newsletter.my_data_in_words` says it to people.
"""

import datetime
import uuid
from collections import Counter
from typing import Any

from django.db.models import Model, Prefetch, Q, QuerySet
from django.utils import timezone

from newsletter.models import (
    Consent,
    Delivery,
    DeliveryEvent,
    Issue,
    Move,
    Recipient,
    SignUp,
    Subscriber,
    Suppression,
    SystemMail,
)
from picum import links
from picum.accounts import limits
from picum.accounts.models import AuditEntry
from picum.addresses import mailbox_key

VALID = datetime.timedelta(hours=72)
LISTS = {"languages", "areas"}
# What a row says about somebody. The rest is the machine's own: its numbers, leases and keys to other rows.
TELLS: dict[type[Model], tuple[str, ...]] = {
    Subscriber: (
        "address", "name", "languages", "areas", "late", "paused_until", "state", "source", "created_at",
        "subscribed_at", "unsubscribed_at", "address_key", "handle",
    ),
    Move: ("address", "created_at", "old_confirmed_at", "new_confirmed_at"),
    SignUp: (
        "address", "languages", "areas", "name", "how", "source", "created_at", "mailed_at", "confirmed_at",
    ),
    Consent: ("number", "kind", "how", "at", "detail"),
    Suppression: ("reason", "created_at"),
    Delivery: ("state", "why", "detail", "attempts", "due_at", "changed_at"),
    Recipient: ("address",),
    DeliveryEvent: ("kind", "source", "code", "detail", "happened_at", "received_at"),
    SystemMail: ("kind", "address", "language", "state", "why", "attempts", "created_at", "changed_at"),
    AuditEntry: ("at", "action"),  # and the note; not who did it
}  # fmt: skip


def token_for(reader: Subscriber, *, now: datetime.datetime) -> str:
    """The token of the link by mail to the pages of these data; see `reader_for`."""
    return links.sign_until(reader.handle, purpose="data", until=now + VALID)


def reader_for(token: str, *, now: datetime.datetime) -> Subscriber | None:
    """Whose link this is; None when they have been erased. Raises `links.Expired` and `links.BadToken`."""
    return Subscriber.objects.filter(handle=links.unsign_until(token, purpose="data", now=now)).first()


def about(address_key: uuid.UUID) -> dict[str, Any]:
    """All that is held about an address, each moment with its time zone; None and empty lists where there is nothing.
    Twelve statements, whatever the size."""
    reader = Subscriber.objects.filter(address_key=address_key).first()
    moves = Move.objects.filter(Q(address_key=address_key) | (Q(subscriber=reader) if reader else Q(pk=None)))
    moves = moves.order_by("pk")
    sign_ups = SignUp.objects.filter(address_key=address_key).select_related("wording").order_by("pk")
    lines = Consent.objects.filter(address_key=address_key).select_related("wording").order_by("number")
    stop = Suppression.objects.filter(address_key=address_key).first()
    mailbox = mailbox_key(reader.address) if reader else address_key
    mails = SystemMail.objects.filter(address_key=address_key).order_by("pk")
    letters = Recipient.objects.filter(address_key=address_key).select_related("issue").order_by("pk")
    return {
        "told_at": timezone.now(),
        "reader": _told(reader) if reader else None,
        "moves": [_told(move) | {"asked_by_you": _is_of(move, reader)} for move in moves],
        "sign_ups": [_told(sign_up) | {"consent_text": _wording(sign_up)} for sign_up in sign_ups],
        "consents": [_told(line) | {"consent_text": _wording(line)} for line in lines],
        "stop_list": _told(stop) if stop else None,
        "deliveries": _deliveries(address_key, reader),
        "mails": [_told(mail) for mail in mails],
        "circulars": [_told(letter) | {"issue": letter.issue.slug} for letter in letters],
        "limits": dict(Counter(limits.of_mailbox(mailbox).values_list("scope", flat=True))),
        "staff": _deeds(address_key, reader),
    }


def deliveries_of(address_key: uuid.UUID, reader: Subscriber | None) -> QuerySet[Delivery]:
    """What was sent to this address, and to this reader before they changed it."""
    # By issue and key, as the index has it.
    of_key = Q(address_key=address_key, issue__in=list(Issue.objects.values_list("pk", flat=True)))
    return Delivery.objects.filter(of_key | Q(subscriber=reader) if reader else of_key).order_by("pk")


def _deliveries(address_key: uuid.UUID, reader: Subscriber | None) -> list[dict]:
    events = Prefetch("events", DeliveryEvent.objects.order_by("pk"))
    rows = deliveries_of(address_key, reader).select_related("issue", "edition").prefetch_related(events)
    return [
        {"issue": row.issue.slug, "language": row.edition.language}
        | _told(row)
        | {"events": [_told(event) for event in row.events.all()]}
        for row in rows
    ]


def _deeds(address_key: uuid.UUID, reader: Subscriber | None) -> list[dict]:
    """What staff did. The trail names readers by their number, and what stands on the stop list by its key."""
    named = Q(action__in=["suppression.add", "suppression.lift"], data__key=address_key.hex)
    if reader:
        named |= Q(data__reader=reader.pk) | Q(object_type="newsletter.subscriber", object_id=str(reader.pk))
    deeds = AuditEntry.objects.filter(named).order_by("at", "pk")
    return [_told(deed) | {"note": deed.data.get("note", "")} for deed in deeds]


def _told(row: Model) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in TELLS[type(row)]}
    return {name: value.split() if name in LISTS else value for name, value in values.items()}


def _wording(row: SignUp | Consent) -> dict[str, Any] | None:
    """The very words that were agreed to."""
    return row.wording and {name: getattr(row.wording, name) for name in ("language", "number", "text")}


def _is_of(move: Move, reader: Subscriber | None) -> bool:
    return reader is not None and move.subscriber_id == reader.pk
