"""Readers who leave by mail: the mailto address of List-Unsubscribe (RFC 2369 §3.2).

Such a mail's subject is the reader's own token, which only our mails to them carry; by whom it comes does not matter.
A mail without one proves nothing, for senders can be forged: who asks gets their links by mail, and nobody leaves.
Everything here comes from strangers: nothing raises but the database, and nothing takes long.
"""

import datetime
import logging
import re
import uuid
from binascii import Error as BinasciiError
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

from django.conf import settings

from newsletter import signing_up, subscriptions
from newsletter.models import Subscriber
from picum import links
from picum.addresses import InvalidAddress, address_key, normalise

log = logging.getLogger(__name__)

LONGEST_HEAD = 64_000  # octets of a mail's header fields that are looked at
LONGEST_FIELD = 2_000  # characters
ROUTES = ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"]
_HEAD_ENDS = re.compile(rb"\r?\n\r?\n")
# "Re: Fwd: AW: [extern] RE[2]: " and what else mail programs put before a subject.
_PREFIXES = re.compile(r"(?:\s*(?:\[[^\[\]]{1,30}\]|[^\s:\[\]]{1,12}(?:\[\d{1,3}\])?\s*[::]))+")
_AROUND = "\ufffd \t<>\"'‹›«»“”„‘’.,;()[]"
_TOKEN = re.compile(r"[\w-]{22}\.[\w-]{43}", re.ASCII)


@dataclass(frozen=True)
class Wish:
    """To leave, proven by a reader's own token (`handle`); or whatever somebody with this address (`sender`) wants of
    the address for leaving."""

    handle: uuid.UUID | None = None
    sender: str = ""


def take(message: bytes, *, now: datetime.datetime) -> str | None:
    """Do what a mail to the address for leaving asks for: "unsubscribed", "repeated" when the reader has left already,
    "link" when they were sent their links. None when it is no such mail, or none that a machine can answer."""
    wish = _read(message)
    if wish is None:
        return None
    if wish.handle:
        reader = Subscriber.objects.filter(handle=wish.handle).first()
        return "unsubscribed" if reader and subscriptions.unsubscribe(reader, how="mail") else "repeated"
    reader = Subscriber.objects.filter(address_key=address_key(wish.sender)).first()
    if reader is None:
        return None
    try:
        signing_up.ask_for_link(reader.address, language=reader.language, network="", now=now)
    except InvalidAddress:  # of a time when less was asked of addresses
        return None
    return "link"


def _read(message: bytes) -> Wish | None:
    try:
        head = _HEAD_ENDS.split(message[:LONGEST_HEAD], maxsplit=1)[0]
        return _wish(message_from_bytes(head))
    except Exception as error:  # The parsers of mails have their own bugs; the next mail shall be read all the same.
        log.warning("A mail to the address for leaving cannot be read: %s.", type(error).__name__)
        return None


def _wish(mail: Message) -> Wish | None:
    """Apple's mail program says of its users' wish that it was "auto-replied", so that alone is no reason not to hear
    it. What answers by itself puts a "Re:" before the subject."""
    is_automatic = any(value.strip().casefold() not in {"", "no"} for value in _fields(mail, ["Auto-Submitted"]))
    subjects = _fields(mail, ["Subject"])
    if len(subjects) == 1 and (handle := _handle(subjects[0], may_answer=not is_automatic)):
        return Wish(handle=handle)
    if is_automatic or not _is_for_us(mail):
        return None
    senders = getaddresses(_fields(mail, ["From"])[:2])
    try:
        return Wish(sender=normalise(senders[0][1])) if len(senders) == 1 else None
    except (InvalidAddress, UnicodeError):
        return None


def _handle(subject: str, *, may_answer: bool) -> uuid.UUID | None:
    """Whose token the subject is, with nothing else around it but what mail programs add."""
    words = _decoded(subject)
    if may_answer and (before := _PREFIXES.match(words)):
        words = words[before.end() :]
    token = "".join(words.split()).strip(_AROUND)
    try:
        return links.unsign(token, purpose="reader") if _TOKEN.fullmatch(token) else None
    except links.BadToken:
        return None


def _is_for_us(mail: Message) -> bool:
    ours = re.compile(rf"(?<![\w.+-])unsubscribe@{re.escape(settings.NEWSLETTER_MAIL_DOMAIN)}(?![\w.-])", re.IGNORECASE)
    return any(ours.search(value) for value in _fields(mail, ROUTES))


def _fields(mail: Message, names: Iterable[str]) -> list[str]:
    return [str(value)[:LONGEST_FIELD] for name in names for value in mail.get_all(name, [])]


def _decoded(value: str) -> str:
    """A field's words (RFC 2047), or as it stands where nobody can decode it."""
    try:
        return str(make_header(decode_header(value)))
    except (MessageError, LookupError, UnicodeError, ValueError, BinasciiError):
        return value
