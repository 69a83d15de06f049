"""Letters: a frozen rendition and one reader become a mail.

A rendition is encoded once; for each reader only To, Message-ID, Date and the reader's token are spliced in.
The header set follows RFC 2369, RFC 2919, RFC 8058 and Google's and Yahoo's rules for bulk senders.
"""

import datetime
import hashlib
import hmac
import quopri
import re
import time
import uuid
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cached_property, lru_cache

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter.rendering import language_name
from picum import links
from picum.addresses import wire_address

HEADER_NAMES = {
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Content-Language", "List-Id", "List-Post",
    "List-Unsubscribe", "List-Unsubscribe-Post", "Precedence", "X-Auto-Response-Suppress", "Feedback-ID",
}  # fmt: skip
LONGEST_LINE = 998 - 80  # a token is longer than the marker in whose place it goes
_LINE = re.compile(rb"\r\n|\r|\n")


def delivery_token(delivery_id: int) -> str:
    """`<id>-<mac>`: names a delivery in Message-ID and bounce address; nobody can invent one."""
    mac = hmac.digest(settings.ADDRESS_KEY.encode(), b"delivery:%d" % delivery_id, hashlib.sha256)
    return f"{delivery_id}-{mac[:10].hex()}"


@dataclass(frozen=True, eq=False)
class Letter:
    """One reader's mail, not yet built. `address` is on the wire only: never in logs, never in task arguments."""

    delivery_id: int
    attempt: int
    address: str
    handle: uuid.UUID
    pressing: "Pressing"

    @cached_property
    def to(self) -> str:
        return wire_address(self.address)

    @cached_property
    def name(self) -> str:
        """What Message-ID and bounce address call the delivery."""
        return f"{delivery_token(self.delivery_id)}@{settings.NEWSLETTER_MAIL_DOMAIN}"

    @property
    def sender(self) -> str:
        """The envelope sender (VERP): a bounce to it names the delivery, never the address."""
        return f"bounce+{self.name}"

    @property
    def message_id(self) -> str:
        return f"<{self.name}>"

    @cached_property
    def token(self) -> str:
        return links.sign(self.handle, purpose="reader")

    def personal_headers(self) -> dict[str, str]:
        """The headers that differ from reader to reader, but for To."""
        if self.pressing.is_circular:
            return {"Message-ID": self.message_id}
        return {
            "Message-ID": self.message_id,
            "List-Unsubscribe": self.pressing.unsubscribe.replace(self.pressing.marker, self.token),
        }


class Pressing:
    """A rendition ready to be printed many times.

    `language`, `label` (for Feedback-ID) and the frozen `subject`, `html`, `text`, in which `marker` stands for
    the reader's token. `is_circular`: it goes to members' contacts as such, and not to a list that one can leave.
    """

    def __init__(
        self, *, language: str, label: str, subject: str, html: str, text: str, marker: str, is_circular: bool = False
    ):
        self.language, self.label, self.is_circular = language, label, is_circular
        self.subject, self.html, self.text, self.marker = subject, html, text, marker

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers that all readers of this rendition share."""
        domain = settings.NEWSLETTER_MAIL_DOMAIN
        reply_to = {"Reply-To": settings.NEWSLETTER_REPLY_TO} if settings.NEWSLETTER_REPLY_TO else {}
        if self.is_circular:
            return reply_to | {
                "From": settings.DEFAULT_FROM_EMAIL,
                "Subject": self.subject,
                "Content-Language": self.language,
                "X-Auto-Response-Suppress": "All",
                "Feedback-ID": f"{self.label}:{self.language}:members:{domain.replace('.', '-')}",
            }
        list_name = _list_name(self.language)
        shared = {
            "From": sender(self.language),
            "Subject": self.subject,
            "Content-Language": self.language,
            "List-Id": f"{list_name} <{self.language}.newsletter.{domain}>" if list_name.isascii()
            else f"<{self.language}.newsletter.{domain}>",
            "List-Post": "NO",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Precedence": "bulk",
            "X-Auto-Response-Suppress": "All",
            "Feedback-ID": f"{self.label}:{self.language}:newsletter:{domain.replace('.', '-')}",
        }  # fmt: skip
        return shared | reply_to

    @cached_property
    def unsubscribe(self) -> str:
        """List-Unsubscribe (RFC 2369), with the marker where the reader's token belongs."""
        leave = links.page("newsletter:leave", self.marker, language=self.language)
        by_mail = f"mailto:unsubscribe@{settings.NEWSLETTER_MAIL_DOMAIN}?subject={self.marker}"
        return f"<{leave}>, <{by_mail}>"

    def data(self, letter: Letter, *, eight_bit: bool) -> bytes:
        """The mail as SMTP's DATA wants it, dot-stuffed, without the final dot: 8bit, or quoted-printable where the
        relay or an overlong line (RFC 5322 §2.1.1: 998 octets) forbids that."""
        personal = [b"To: " + letter.to.encode(), b"Date: " + _date(int(time.time()))]
        for name, value in letter.personal_headers().items():
            personal.append(f"{name}: {value}".replace(">, <", ">,\r\n <").encode())
        head = b"\r\n".join(personal) + b"\r\n" + self._head
        token = letter.token.encode()
        if eight_bit and self._fits:
            return head + token.join(self._eight_bit)
        marker = self.marker.encode()
        return head + _stuffed(self._multipart([part.replace(marker, token) for part in self._bodies], "qp"))

    def email(self, letter: Letter) -> EmailMultiAlternatives:
        """The same mail as Django's message, for a provider's API."""
        headers = {k: v for k, v in self.headers.items() if k not in {"From", "Subject", "Reply-To"}}
        message = EmailMultiAlternatives(
            subject=self.subject,
            body=self.text.replace(self.marker, letter.token),
            from_email=self.headers["From"],
            to=[letter.to],
            reply_to=[settings.NEWSLETTER_REPLY_TO] if settings.NEWSLETTER_REPLY_TO else None,
            headers=headers | letter.personal_headers(),
        )
        message.attach_alternative(self.html.replace(self.marker, letter.token), "text/html")
        return message

    @cached_property
    def _bodies(self) -> list[bytes]:
        return [_LINE.sub(b"\r\n", body.encode()) for body in (self.text, self.html)]

    @cached_property
    def _fits(self) -> bool:
        return max(len(line) for body in self._bodies for line in body.split(b"\r\n")) <= LONGEST_LINE

    @cached_property
    def _boundary(self) -> str:
        return f"={hashlib.sha256(self.html.encode()).hexdigest()[:32]}"

    @cached_property
    def _head(self) -> bytes:
        message = EmailMessage(policy=SMTP)
        for name, value in self.headers.items():
            message[name] = value
        kind = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{self._boundary}"\r\n\r\n'
        return message.as_bytes().rstrip(b"\r\n") + b"\r\n" + kind.encode()

    @cached_property
    def _eight_bit(self) -> list[bytes]:
        return _stuffed(self._multipart(self._bodies, "8bit")).split(self.marker.encode())

    def _multipart(self, bodies: list[bytes], encoding: str) -> bytes:
        """Text first, then html (RFC 2046 §5.1.4: the last one is the best)."""
        parts = []
        for subtype, body in zip(("plain", "html"), bodies, strict=True):
            name = "8bit" if encoding == "8bit" else "quoted-printable"
            if encoding == "qp":
                body = _LINE.sub(b"\r\n", quopri.encodestring(body.replace(b"\r\n", b"\n")))
            parts.append(
                f"--{self._boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
                f"Content-Transfer-Encoding: {name}\r\n\r\n".encode()
                + body
                + b"\r\n"
            )
        return b"".join(parts) + f"--{self._boundary}--\r\n".encode()


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    return format_datetime(datetime.datetime.fromtimestamp(second, datetime.UTC)).encode()


def _stuffed(body: bytes) -> bytes:
    """RFC 5321 §4.5.2: a line that begins with a dot gets another."""
    return (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:]


def _list_name(language: str) -> str:
    return f"Newsletter ({language_name(language, 'en')})"


def sender(language: str) -> str:
    """The fixed sender's address under a display name in the reader's language."""
    network, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    with override(language):
        name = _("%(network)s Newsletter") % {"network": network} if network else ""
    return str(Address(display_name=name, addr_spec=address))
