"""Reading mails that may be broken: nothing in here raises, whatever the bytes are.

A mail box shows what came, also what no mail program should have sent. So the parsing is our own thin layer over
the standard library's oldest and most patient one (its `compat32` policy): the modern one raises on some headers.
"""

import codecs
import email
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import HeaderParser

_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_TAG = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")  # BCP 47, roughly
# Encodings of Python's that no mail means; some give what cannot be stored, some take very long.
_NOT_CHARSETS = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.IGNORECASE)
_OPENING = re.compile(r"(?:\s*(?:<!doctype[^>]*>|<!--.*?-->|<html(?:\s[^>]*)?>))*", re.IGNORECASE | re.DOTALL)


def headers(raw: bytes) -> list[tuple[str, str]]:
    """Name and value of each header in its order: unfolded, decoded (RFC 2047), 8-bit ones read as UTF-8 (RFC 6532)."""
    found = _END_OF_HEADERS.search(raw)
    block = raw[: found.start()] if found else raw
    parsed = HeaderParser().parsestr(_decoded(block, "utf-8") + "\n\n")
    return [(name, _readable(str(value))) for name, value in parsed.items()]


def header(fields: list[tuple[str, str]], name: str) -> str:
    """The first value of that name in what `headers` gave, or nothing."""
    return next((value for key, value in fields if key.lower() == name.lower()), "")


def language(fields: list[tuple[str, str]]) -> str:
    """The first tag of Content-Language (RFC 3282) in lower case, or nothing if it is not one."""
    tag = header(fields, "Content-Language").split(",")[0].strip().lower()
    return tag if _TAG.fullmatch(tag) else ""


def body(raw: bytes, subtype: str) -> str | None:
    """The first `text/<subtype>` part that is not an attachment, or None. Line ends are `\\n`."""
    try:
        for part in email.message_from_bytes(raw).walk():
            if part.get_content_type() == f"text/{subtype}" and part.get_content_disposition() != "attachment":
                return _content(part).replace("\r\n", "\n")
    except RecursionError:  # hundreds of parts, one in another
        pass
    return None


def source(raw: bytes) -> str:
    """The mail as it came, as far as text can show it."""
    return _decoded(raw, "utf-8").replace("\r\n", "\n")


def with_links_outside(html: str) -> str:
    """The page with `<base target="_blank">`: its links open beside the mail box, not in the frame.

    It goes to the start of the head, else behind the doctype (in front of it, browsers fall into quirks mode).
    The first base wins, so a mail cannot take it back.
    """
    head = _HEAD.search(html)
    at = head.end() if head else _OPENING.match(html).end()
    return f'{html[:at]}<base target="_blank">{html[at:]}'


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True) or b""
    charset = part.get_content_charset("")
    if not charset and (meta := _META_CHARSET.search(payload[:4096])):
        charset = meta[1].decode("ascii", "replace")
    return _decoded(payload, charset)


def _readable(value: str) -> str:
    try:
        words = decode_header(_FOLD.sub("", value))
    except (HeaderParseError, ValueError):
        words = [(value, None)]
    return _UNSEEN.sub(" ", "".join(_word(*word) for word in words)).strip()


def _word(word: str | bytes, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    if charset:
        return _decoded(word, charset)
    try:
        text = word.decode("raw-unicode-escape")  # how decode_header hands over what stood beside encoded words
        text.encode()  # a backslash in the mail may have become half a letter
    except ValueError:
        return word.decode("latin-1")
    return text


def _decoded(octets: bytes, charset: str) -> str:
    """In its charset, else as UTF-8, else octet by octet: something to look at, and nothing that cannot be stored."""
    for guess in (charset, "utf-8"):
        try:
            if codecs.lookup(guess).name not in _NOT_CHARSETS:
                return octets.decode(guess)
        except (LookupError, ValueError):
            continue
    return octets.decode("latin-1")
