"""One form of every mail address, and the keyed hash under which it is known."""

import hashlib
import hmac
import re
import uuid

from django.conf import settings
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class InvalidAddress(ValueError):
    """What is wrong with an address, in words for the person who typed it."""


def normalise(text: str) -> str:
    """The one form in which an address is stored: trimmed, domain in lower case and Unicode (IDN), NFC.

    The local part keeps its letters' case for the wire; `address_key` ignores it. Raises InvalidAddress.
    """
    text = text.strip()
    if _CONTROL.search(text):
        raise InvalidAddress(_("The address contains a character that does not belong there."))
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise InvalidAddress(_("“%(text)s” is not a mail address.") % {"text": text[:100]}) from None


def address_key(address: str) -> uuid.UUID:
    """128 bits of HMAC-SHA256 over the normalised address without regard to case: equal for equal mailboxes,
    says nothing without ADDRESS_KEY, and fits the databases' own uuid type."""
    digest = hmac.digest(settings.ADDRESS_KEY.encode(), address.casefold().encode(), hashlib.sha256)
    return uuid.UUID(bytes=digest[:16])
