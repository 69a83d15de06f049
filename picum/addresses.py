"""One form of every mail address, and the keyed hash under which it is known."""

import hashlib
import hmac
import re
import uuid

import idna
from django.conf import settings
from django.utils.translation import gettext as _
from email_validator import EmailNotValidError, validate_email

LOCAL, WHOLE = 64, 254  # octets of the part before the @, and of all (RFC 5321 §4.5.3.1, erratum 1690)
_TOO_LONG = 2 * WHOLE  # no normalising makes this short enough
# Control characters; and an encoded word (RFC 2047): programs that build mails decode it, and write to another address.
_STRANGE = re.compile(r"[\x00-\x1f\x7f]|=\?")
_IP_ADDRESS = re.compile(r"\[.*\]?|[0-9.]+")


class InvalidAddress(ValueError):
    """What is wrong with an address, in words for the person who typed it; `short` only says that it is none."""

    def __init__(self, words: str, short: str = ""):
        super().__init__(words)
        self.short = short or words


def normalise(text: str) -> str:
    """The one form in which an address is stored: trimmed, domain in lower case and Unicode (IDN), NFC.

    The local part keeps its letters' case for the wire; `address_key` ignores it. Raises InvalidAddress.
    """
    text = text.strip()
    if _STRANGE.search(text):
        raise InvalidAddress(_("The address contains a character that does not belong there."))
    if len(text) > _TOO_LONG:  # looked at no further: what follows may take long for long texts
        raise InvalidAddress(_("The address is longer than %(limit)d characters.") % {"limit": WHOLE})
    try:
        address = validate_email(text, check_deliverability=False, strict=True).normalized
        if address.isascii() or len(address.rpartition("@")[0].encode()) <= LOCAL:
            return address
    except EmailNotValidError:
        pass
    short = _("“%(text)s” is not a mail address.") % {"text": text[:100]}
    raise InvalidAddress(_what_is_wrong(text) or short, short)


def reachable(text: str) -> str:
    """As `normalise`, for an address to which a single mail shall go (`newsletter.outbox`): SMTPUTF8 (RFC 6531), which
    letters before the @ would need, is spoken by few relays and by no provider. Raises InvalidAddress."""
    address = normalise(text)
    if not address.rpartition("@")[0].isascii():
        raise InvalidAddress(_("We cannot send a mail to an address with such letters before the @."))
    return address


def wire_address(address: str) -> str:
    """The address as SMTP and header fields carry it: an international domain in its ASCII form.

    IDNA 2008 (RFC 5891); Python's own codec speaks IDNA 2003, which writes straße.de as another domain, strasse.de.
    """
    local, _at, domain = address.rpartition("@")
    return f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"


def address_key(address: str) -> uuid.UUID:
    """128 bits of HMAC-SHA256 over the normalised address without regard to case: equal for equal mailboxes,
    says nothing without ADDRESS_KEY, and fits the databases' own uuid type."""
    # Not casefold(): straße.de and strasse.de are two domains (IDNA 2008), and may be two people's.
    digest = hmac.digest(settings.ADDRESS_KEY.encode(), address.lower().encode(), hashlib.sha256)
    return uuid.UUID(bytes=digest[:16])


def mailbox_key(address: str) -> uuid.UUID:
    """The key of the mailbox to which an address most likely leads: many providers deliver `amal+news` and `am.al` to
    `amal`. For counting mails alone (`picum.accounts.limits`): who reads is known by `address_key`."""
    local, at, domain = address.rpartition("@")
    return address_key((local.partition("+")[0].replace(".", "") or local) + at + domain)


def _what_is_wrong(text: str) -> str:
    """A sentence on an address that is none; "" when there is nothing more to say than that."""
    local, at, domain = text.rpartition("@")
    if not text.isprintable():
        return _("The address contains a character that does not belong there.")
    if not at:
        return _("“%(text)s” is not a mail address: there is no @ in it.") % {"text": text[:100]} if text else ""
    if "<" in text or ">" in text:
        return _("Please write the address alone, without a name and without < and >.")
    if text.count("@") > 1:
        return _("Please write one address only, with one @ in it.")
    if " " in text:
        return _("There must be no space in the address.")
    if not local or not domain:
        return _("There must be something before the @ and something after it.")
    if len(local.encode()) > LOCAL:
        return _("What stands before the @ is longer than %(limit)d characters.") % {"limit": LOCAL}
    if len(text) > WHOLE:
        return _("The address is longer than %(limit)d characters.") % {"limit": WHOLE}
    return _what_is_wrong_with(domain)


def _what_is_wrong_with(domain: str) -> str:
    if _IP_ADDRESS.fullmatch(domain):
        return _("After the @ there must be the name of a domain, such as example.org, not a number.")
    if "." not in domain.strip("."):
        return _("“%(domain)s” is not a domain of the internet: it should look like example.org.") % {
            "domain": domain[:100]
        }
    if any(len(label) > 63 for label in domain.split(".")):  # RFC 1035 §2.3.4
        return _("Between two dots after the @ there are more than 63 characters.")
    return ""
