"""Absolute addresses of this site, and tokens: signed, one salt per purpose, surviving a key rotation."""

import base64
import binascii
import datetime
import hmac
import uuid
from functools import lru_cache

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import override


class BadToken(Exception):
    """Not a token of ours for this purpose."""


class Expired(BadToken):
    """A token of ours whose time is over. `handle` is what it carried."""

    def __init__(self, handle: uuid.UUID):
        super().__init__()
        self.handle = handle


def absolute(path: str) -> str:
    """`/en/…` → `https://site/en/…`."""
    return settings.SITE_URL + path


def page(name: str, *args, language: str) -> str:
    """The absolute address of a page in a language."""
    with override(language):
        return absolute(reverse(name, args=args))


def sign(handle: uuid.UUID, *, purpose: str) -> str:
    """A token of 66 characters for one purpose. It never expires by itself and carries only a random handle."""
    value = base64.urlsafe_b64encode(handle.bytes).rstrip(b"=").decode()
    return f"{value}.{_signature(value, purpose)}"


def _signature(value: str, purpose: str) -> str:
    """As `signing.Signer(salt=f"picum.{purpose}", sep=".")` writes it; a newsletter needs it a million times."""
    mac = _keyed(settings.SECRET_KEY, purpose).copy()
    mac.update(value.encode())
    return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()


@lru_cache(maxsize=16)
def _keyed(secret: str, purpose: str) -> hmac.HMAC:
    return salted_hmac(f"picum.{purpose}signer", "", secret, algorithm="sha256")


def unsign(token: str, *, purpose: str) -> uuid.UUID:
    """The handle of a token; keys in SECRET_KEY_FALLBACKS are honoured. Raises BadToken."""
    try:
        value = signing.Signer(salt=f"picum.{purpose}", sep=".").unsign(token)
        return uuid.UUID(bytes=base64.urlsafe_b64decode(value + "=="))
    except (signing.BadSignature, binascii.Error, ValueError):
        raise BadToken from None


def sign_until(handle: uuid.UUID, *, purpose: str, until: datetime.datetime) -> str:
    """As `sign`, valid up to a moment (to the second): 71 characters."""
    value = base64.urlsafe_b64encode(handle.bytes + int(until.timestamp()).to_bytes(4, "big")).rstrip(b"=").decode()
    return f"{value}.{_signature(value, f'{purpose}.until')}"


def unsign_until(token: str, *, purpose: str, now: datetime.datetime) -> uuid.UUID:
    """The handle of a token of `sign_until`. Raises Expired, which tells the handle too, or BadToken."""
    try:
        value = signing.Signer(salt=f"picum.{purpose}.until", sep=".").unsign(token)
        carried = base64.urlsafe_b64decode(value + "==")
        handle, until = uuid.UUID(bytes=carried[:16]), int.from_bytes(carried[16:], "big")
    except (signing.BadSignature, binascii.Error, ValueError):
        raise BadToken from None
    if now.timestamp() > until:
        raise Expired(handle)
    return handle
