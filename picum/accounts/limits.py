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

from picum.accounts.models import Rate

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
    "application": (Limit(3, DAY),),
    # Not mails: papers of one application, which is known by its handle.
    "paper": (Limit(30, DAY),),
    "invitation": (Limit(10, DAY),),
    "sign-in": (Limit(5, HOUR), Limit(15, DAY)),
}
# Passwords tried, whether right or wrong, until one is right: for an account, known or not, and from a network.
GUESSES = {"guess": (Limit(10, HOUR), Limit(30, DAY)), "guess network": (Limit(30, HOUR), Limit(100, DAY))}
# A good day brings some ten sign-ups. A campaign in the press may bring the brake on; it costs a glance and a click.
DOMAIN, OVERALL = Limit(50, HOUR), Limit(200, HOUR)
ADDRESSES_FORGOTTEN, REST_FORGOTTEN = datetime.timedelta(days=30), DAY

_MAIL_LOCK, _POST_LOCK, _GUESS_LOCK = 4_020_002, 4_020_003, 4_020_004
# Networks from which somebody came in with the password of an account.
_FAMILIAR = "familiar"
_ALL = uuid.UUID(int=0)


class TooMany(Exception):
    """Too many posts came from one network, or too many passwords were tried; says so to the person."""


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


def count_guess(account: uuid.UUID, network: str, *, now: datetime.datetime) -> list[Rate]:
    """Somebody tries a password for an account, known by the `addresses.address_key` of an address that may have none;
    to be called before the password is looked at. What was counted, for `guessed_right`.

    Whoever came in from this network within the last thirty days is counted apart: a stranger who guesses does not lock
    them out. In a transaction. Raises TooMany, and then nothing was counted.
    """
    where = f"{account.hex} {network}"
    familiar = Rate.objects.filter(scope=_FAMILIAR, key=_key(_FAMILIAR, where)).exists()
    keys = {"guess": _key("guess", where if familiar else account.hex)}
    _one_at_a_time(_GUESS_LOCK, account.int & 0x7FFFFFFF)
    if network:
        keys["guess network"] = _key("guess network", network)
        _one_at_a_time(_POST_LOCK, keys["guess network"].int & 0x7FFFFFFF)
    for scope, key in keys.items():
        latest = _latest(scope, key, GUESSES[scope])
        for limit in GUESSES[scope]:
            if _is_reached(limit, latest, now):
                raise TooMany(
                    _("Too many passwords were tried. Please try again tomorrow.")
                    if limit.within >= DAY
                    else _("Too many passwords were tried. Please try again in an hour.")
                )
    return Rate.objects.bulk_create(Rate(scope=scope, key=key, at=now) for scope, key in keys.items())


@transaction.atomic
def guessed_right(counted: Sequence[Rate], account: uuid.UUID, network: str, *, now: datetime.datetime) -> None:
    """It was the password: what was tried for the account before is forgotten, and the network is familiar."""
    _one_at_a_time(_GUESS_LOCK, account.int & 0x7FFFFFFF)
    Rate.objects.filter(pk__in=[rate.pk for rate in counted]).delete()
    Rate.objects.filter(scope="guess", key__in=[rate.key for rate in counted if rate.scope == "guess"]).delete()
    Rate.objects.update_or_create(
        scope=_FAMILIAR, key=_key(_FAMILIAR, f"{account.hex} {network}"), defaults={"at": now}
    )


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
    kept_longer = [*SHARES, _FAMILIAR]
    of_addresses = Q(scope__in=kept_longer, at__lt=now - ADDRESSES_FORGOTTEN)
    the_rest = ~Q(scope__in=kept_longer) & Q(at__lt=now - REST_FORGOTTEN)
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
