"""The parts of a mail that machines write for machines, as plain values.

Delivery reports of RFC 3464 and, with addresses beyond ASCII, RFC 6533; complaints of RFC 5965.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.utils import parseaddr

REPORTS = {"message/delivery-status", "message/global-delivery-status"}
RETURNED_WHOLE = {"message/rfc822", "message/global"}
RETURNED_HEADERS = {"text/rfc822-headers", "message/global-headers", "message/rfc822-headers"}
MOST_RECIPIENTS = 20  # of one letter to one reader: an address that forwards to a few
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_FOLDED = re.compile(r"\n[ \t]+")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


@dataclass(frozen=True)
class Recipient:
    """What a report says of one recipient; "" for what it does not say. `action` in lower case."""

    action: str
    status: str
    diagnostic: str
    final: str
    original: str


def recipients(message: Message) -> list[Recipient]:
    """Those of the first delivery report in the mail; none when it carries no report."""
    for part in message.walk():
        if part.get_content_type() in REPORTS:
            blocks = [block for block in _blocks(part) if "action" in block or "final-recipient" in block]
            return [_recipient(block) for block in blocks[:MOST_RECIPIENTS]]
    return []


def feedback(message: Message) -> dict[str, str] | None:
    """The fields of a complaint (RFC 5965), by their names in lower case; None when the mail is none."""
    for part in message.walk():
        if part.get_content_type() == "message/feedback-report":
            blocks = _blocks(part)
            return blocks[0] if blocks else {}
    return None


def returned_to(message: Message) -> str:
    """To whom the returned letter was addressed, in the letter's own words; "" when that does not come back."""
    for part in message.walk():
        kind = part.get_content_type()
        letter = None
        if kind in RETURNED_WHOLE and part.is_multipart():
            letter = part.get_payload(0)
        elif kind in RETURNED_HEADERS:
            letter = HeaderParser().parsestr(_content(part))
        if letter is not None:
            address = parseaddr(str(letter.get("To", "")))[1]
            return address if "@" in address else ""
    return ""


def text(message: Message, *, most: int) -> str:
    """The first text of the mail that a person would read, no more than `most` characters of it."""
    for part in message.walk():
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            return _content(part)[:most]
    return ""


def encoded_texts(message: Message) -> Iterator[str]:
    """The texts that do not stand as they are in the mail's bytes."""
    for part in message.walk():
        if part.get_content_maintype() == "text" and not part.is_multipart() and _encoding(part) in _DECODERS:
            yield _content(part)


def _recipient(block: dict[str, str]) -> Recipient:
    status = re.match(r"[245]\.\d{1,3}\.\d{1,3}", block.get("status", ""))
    action = re.match(r"\w*", block.get("action", "").lower())
    return Recipient(
        action=action[0] if action else "",
        status=status[0] if status else "",
        diagnostic=block.get("diagnostic-code", "").partition(";")[2].strip() or block.get("diagnostic-code", ""),
        final=address(block.get("final-recipient", "")),
        original=address(block.get("original-recipient", "")),
    )


def address(value: str) -> str:
    """The address in "rfc822; amal@example.org"; some servers leave the type out. "" for other kinds (X.400)."""
    kind, semicolon, named = value.partition(";")
    if not semicolon:
        kind, named = "rfc822", value
    if kind.strip().lower() not in {"rfc822", "utf-8"}:
        return ""
    named = named.strip().strip("<>").strip()
    named = _ESCAPED.sub(lambda escaped: _character(escaped[1]), named)  # RFC 6533 §3: utf-8-addr-xtext
    return named if "@" in named else ""


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "\ufffd"


def _blocks(part: Message) -> list[dict[str, str]]:
    """Groups of fields, parted by blank lines."""
    return [fields for block in _BLANK_LINE.split(_content(part)) if (fields := _fields(block))]


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in _FOLDED.sub(" ", block).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _content(part: Message) -> str:
    """The text of a part as it was written. The parser has taken a message/… part to pieces: put it together."""
    if part.is_multipart():
        octets = b"\n\n".join(_written(piece) for piece in part.get_payload())
        if decode := _DECODERS.get(_encoding(part)):
            octets = decode(octets)
    else:
        octets = part.get_payload(decode=True) or b""
    return _decoded(octets, part.get_content_charset()).replace("\r\n", "\n")


def _written(piece: Message) -> bytes:
    head = "".join(f"{name}: {value}\n" for name, value in piece.raw_items()).encode("utf-8", "surrogateescape")
    body = piece.get_payload(decode=True) or b""
    return head + b"\n" + body if head and body else head or body


def _encoding(part: Message) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _base64(octets: bytes) -> bytes:
    try:
        return base64.b64decode(octets)
    except binascii.Error:
        return octets


_DECODERS = {"base64": _base64, "quoted-printable": quopri.decodestring}


def _decoded(octets: bytes, charset: str | None) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return octets.decode(charset or "latin-1", "replace")
    except (LookupError, UnicodeError):
        return octets.decode("latin-1")
