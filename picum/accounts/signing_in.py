"""Signing in, by password or by a mailed link, for members and for the desk.

Nobody learns from what is asked here whether an address has an account: the same statements run for every address, a
password is hashed for an unknown one too, and whether a link is mailed is decided by `picum.accounts.mails`, later.

A link lasts half an hour, works once, and opens no account of staff: what the desk shows is not to be had with a
mailbox alone.
"""

import datetime
import uuid

from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import QuerySet
from django.utils.http import url_has_allowed_host_and_scheme

from picum import links
from picum.accounts import audit, limits
from picum.accounts.limits import TooMany
from picum.accounts.models import SignInLink, User
from picum.addresses import InvalidAddress, address_key, normalise, reachable
from picum.letters import post

__all__ = ["TooMany"]

VALID = datetime.timedelta(minutes=30)
# So long after a link opened the session, the account's password can be set without the old one.
FRESH = datetime.timedelta(minutes=15)
PURPOSE = "sign-in"
ONWARD = SignInLink._meta.get_field("onward").max_length


def by_password(address: str, password: str, *, network: str, now: datetime.datetime) -> User | None:
    """The account that is active and has this address and password; None when there is none. Takes as long for an
    unknown address. Each try is counted in the database, for the account and for the network. Raises TooMany."""
    address = _one_form(address)
    account = address_key(address)
    with transaction.atomic():
        counted = limits.count_guess(account, network, now=now)
    user = authenticate(username=address, password=password)
    if user is not None:
        limits.guessed_right(counted, account, network, now=now)
    return user


@transaction.atomic
def ask_for_link(address: str, *, language: str, onward: str, network: str, now: datetime.datetime) -> None:
    """Somebody wants a link by mail to sign in with, and to go on to a page of ours (`own_path`). A letter is queued,
    whatever the address: what becomes of it is decided when it is written. Raises TooMany and InvalidAddress."""
    address = reachable(address)
    limits.count_post(network, now=now)
    # The handle is drawn here, so that a letter that is sent twice carries one link.
    handle = uuid.uuid4().hex
    post.put("accounts.sign_in", to=address, language=language, now=now, handle=handle, onward=onward)


def find_link(token: str, *, now: datetime.datetime) -> SignInLink | None:
    """What a mailed link opens; None when it was used, a newer one was asked for, or the account is switched off or
    works at the desk. Raises links.BadToken and links.Expired."""
    handle = links.unsign_until(token, purpose=PURPOSE, now=now)
    opening = SignInLink.objects.select_related("user").filter(handle=handle, user__is_active=True)
    return opening.filter(user__is_staff=False).first()


def use_link(link: SignInLink) -> bool:
    """From now on the link is void. False when somebody was quicker."""
    return _void(SignInLink.objects.filter(handle=link.handle))


@transaction.atomic
def set_password(user: User, password: str) -> None:
    """A new password for one's own account. A mailed link that waits is void; other sessions end, since they carry
    the old password's mark. Audited. Nobody is told."""
    user.set_password(password)
    user.save(update_fields=["password"])
    _void(SignInLink.objects.filter(user=user))
    audit.record("user.password", by=user, on=user)


def own_path(path: str | None) -> str:
    """A path of this site to go on to, as a form or an address carried it; "" for anything else."""
    path = path or ""
    is_ours = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_ours and len(path) <= ONWARD else ""


def _void(link: QuerySet[SignInLink]) -> bool:
    """With a handle that nobody knows. The row stays, so that its letter, if it is built again, finds it too new."""
    return link.update(handle=uuid.uuid4()) == 1


def _one_form(address: str) -> str:
    try:
        return normalise(address)
    except InvalidAddress:
        return address.strip()[:254]
