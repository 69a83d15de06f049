"""How much may be asked of us, counted in the database (`Rate`), so that it holds on all machines and without Redis.

Two different answers to "too much". To whoever fills in forms from one network: `TooMany`, in words. To mails: nothing
is said to anybody, since the answer would tell whether an address is known; an address that had its share gets no
more, and what a recipient domain or all together exceed is held until staff have looked at it (`newsletter.outbox`).

A row knows a network, an address or a domain by a keyed hash alone, of another kind for each scope.
"""

import datetime
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from newsletter.models import Rate

HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """At most so many within any such length of time."""

    most: int
    within: datetime.timedelta


# An office or a conference behind one address: ten colleagues in an hour, no more than a program tries in a minute.
POSTS = (Limit(10, HOUR), Limit(30, DAY))
# Of an address, whoever asks: mails that it may not have wanted, and links, of which people lose one now and then.
SHARES = {
    "confirmation": (Limit(1, DAY), Limit(3, datetime.timedelta(days=30))),
    "link": (Limit(3, DAY),),
}
# A good day brings some ten sign-ups. A campaign in the press may bring the brake on; it costs a glance and a click.
DOMAIN, OVERALL = Limit(50, HOUR), Limit(200, HOUR)
ADDRESSES_FORGOTTEN, REST_FORGOTTEN = datetime.timedelta(days=30), DAY

_MAIL_LOCK, _POST_LOCK = 4_020_002, 4_020_003
_ALL = uuid.UUID(int=0)


class TooMany(Exception):
    """Too many posts came from one network; says so to the person."""


def count_post(network: str, *, now: datetime.datetime) -> None:
    """Somebody posts a form that makes us write a mail; `network` as in "192.0.2.0/24" or "2001:db8:1::/48".

    To be called in the transaction that queues the mail. Raises TooMany, and then nothing was counted: a steady
    stream does not lock its network out for ever. A network of "" has no limit of its own.
    """
    if not network:
        return
    key = _key("network", network)
    _one_at_a_time(_POST_LOCK, key.int & 0x7FFFFFFF)
    latest = _latest("network", key, POSTS)
    for limit in POSTS:
        if _is_reached(limit, latest, now):
            raise TooMany(
                _("So many forms have come from your network that we take no more for now. Please try again tomorrow.")
                if limit.within >= DAY
                else _("Too many forms came from your network in a short time. Please try again in an hour.")
            )
    Rate.objects.create(scope="network", key=key, at=now)


def take_turn() -> None:
    """From here to the end of the transaction nobody else decides about mails: two workers, one address, one mail."""
    _one_at_a_time(_MAIL_LOCK, 0)


def has_had_its_share(mailbox: uuid.UUID, share: str, *, now: datetime.datetime) -> bool:
    """Whether a mailbox, known by `addresses.mailbox_key`, may get no more mails of this kind for now. `share` is a key
    of SHARES."""
    latest = _latest(share, _key(share, mailbox.hex), SHARES[share])
    return any(_is_reached(limit, latest, now) for limit in SHARES[share])


def of_mailbox(mailbox: uuid.UUID) -> QuerySet[Rate]:
    """All that is counted of a mailbox, by scope."""
    return Rate.objects.filter(scope__in=SHARES, key__in=[_key(share, mailbox.hex) for share in SHARES])


def brake(domain: str, *, now: datetime.datetime) -> str:
    """Which limit holds back a mail to this domain: "overall", "domain" or "" for none."""
    if _is_reached(OVERALL, _latest("overall", _ALL, [OVERALL]), now):
        return "overall"
    if _is_reached(DOMAIN, _latest("domain", _key("domain", domain), [DOMAIN]), now):
        return "domain"
    return ""


def count_mail(mailbox: uuid.UUID, share: str, *, domain: str | None, now: datetime.datetime) -> None:
    """A mail leaves. `domain` is None for one that a person let through: it uses up nobody else's allowance."""
    counted = [Rate(scope=share, key=_key(share, mailbox.hex), at=now)]
    if domain is not None:
        counted.append(Rate(scope="domain", key=_key("domain", domain), at=now))
        counted.append(Rate(scope="overall", key=_ALL, at=now))
    Rate.objects.bulk_create(counted)


def forget(*, now: datetime.datetime) -> int:
    """Delete what no limit counts any more; how many rows."""
    of_addresses = Q(scope__in=SHARES, at__lt=now - ADDRESSES_FORGOTTEN)
    the_rest = ~Q(scope__in=SHARES) & Q(at__lt=now - REST_FORGOTTEN)
    return Rate.objects.filter(of_addresses | the_rest).delete()[0]


def _latest(scope: str, key: uuid.UUID, limits: Sequence[Limit]) -> list[datetime.datetime]:
    """The newest moments, as many as the largest limit asks for. One query."""
    moments = Rate.objects.filter(scope=scope, key=key).order_by("-at").values_list("at", flat=True)
    return list(moments[: max(limit.most for limit in limits)])


def _is_reached(limit: Limit, latest: Sequence[datetime.datetime], now: datetime.datetime) -> bool:
    return len(latest) >= limit.most and latest[limit.most - 1] > now - limit.within


def _key(scope: str, what: str) -> uuid.UUID:
    digest = hmac.digest(settings.ADDRESS_KEY.encode(), f"rate {scope}:{what}".encode(), hashlib.sha256)
    return uuid.UUID(bytes=digest[:16])


def _one_at_a_time(lock: int, which: int) -> None:
    """PostgreSQL's own queue, held to the end of the transaction. SQLite's writers stand in line anyway."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("What is counted is counted with what it is for, or not at all.")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [lock, which])
