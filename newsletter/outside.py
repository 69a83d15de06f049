"""Asking a web address that somebody wrote whether it leads anywhere: only on the public web, and only a little.

What people write may lead into the house, by its name, by a redirect or by a name server that changes its mind
between two questions (DNS rebinding). So each hop is resolved here, all its addresses must be public, and the
connection goes to the very address that was looked at. No body is ever read. Nothing here logs: addresses may carry
what is nobody's business.
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from http import HTTPStatus
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import dns.exception
import dns.resolver
import idna
from django.conf import settings

from newsletter.models import LinkCheck
from newsletter.models.outside import URL_LENGTH

State = LinkCheck.State
PORTS = {"http": 80, "https": 443}
HOPS = 5  # redirects that are followed
SECONDS = 15  # for one address, with all its hops, but for the waiting of the system's resolver
NAME_SECONDS = 5
TRIES = 2  # addresses of one host
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\]")
# Letters that stay as they are in a path or a query; all others are written as their UTF-8.
_PLAIN = "%/:=&?~+!$,;'@()*[]"
# Names that are for examples (RFC 2606): nobody is asked for them.
_EXAMPLES = re.compile(r"(?:.*\.)?(?:example|invalid|test|example\.(?:com|net|org))\.?")
GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")


class Note(StrEnum):
    """Why an address is not known to work."""

    NONE = ""
    NOT_PUBLIC = "not-public"
    OUR_OWN = "our-own"
    PORT = "port"
    PASSWORD = "password"  # noqa: S105  # the name of a note
    NO_HOST = "no-host"
    NO_NAMES = "no-names"
    NO_ANSWER = "no-answer"
    TOO_SLOW = "too-slow"
    CERTIFICATE = "certificate"
    NOT_HTTP = "not-http"
    NOT_WEB = "not-web"
    REDIRECTS = "redirects"


# With these at the first hop, no machine was asked but name servers.
UNASKED = {Note.OUR_OWN, Note.PORT, Note.PASSWORD, Note.NO_HOST, Note.NO_NAMES, Note.NOT_WEB}


@dataclass(frozen=True)
class Finding:
    """What came of asking. `status`: the last answer of HTTP, None where there was none. `asked`: was any machine but
    name servers?"""

    state: str
    status: int | None = None
    note: Note = Note.NONE
    asked: bool = field(default=True, compare=False)


class _Ended(Exception):
    """There is nothing more to ask."""

    def __init__(self, state: str, note: Note):
        super().__init__(note)
        self.finding = Finding(state, note=note)


def look(url: str) -> Finding:
    """Ask a web address, its redirects by hand. Raises nothing."""
    until, first = time.monotonic() + SECONDS, url
    try:
        for _hop in range(HOPS + 1):
            status, location = _asked(url, until)
            if status not in {301, 302, 303, 307, 308} or not location:
                return _judged(status)
            url = _joined(url, location)
    except _Ended as end:
        return replace(end.finding, asked=url != first or end.finding.note not in UNASKED)
    return Finding(State.BROKEN, status, Note.REDIRECTS)


def is_public(address: str) -> bool:
    """Is an IP address anybody's on the internet? One that wraps an IPv4 address is what that is."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and not ip.is_reserved
    wrapped = ip.ipv4_mapped or ip.sixtofour
    if ip in _NAT64:
        wrapped = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if wrapped is not None:
        return is_public(str(wrapped))
    return ip in _UNICAST and ip.is_global and ip.teredo is None


# --- one hop --------------------------------------------------------------------------------------------------------


def _asked(url: str, until: float) -> tuple[int, str]:
    """Status and Location of one address, by HEAD, and by GET where the answer to that is not to be trusted."""
    parts, host = _checked(url)
    addresses = _addresses(host, PORTS[parts.scheme])
    status, location = _answer("HEAD", parts, host, addresses, until)
    if status >= HTTPStatus.BAD_REQUEST:
        status, location = _answer("GET", parts, host, addresses, until)
    return status, location


def _checked(url: str) -> tuple[SplitResult, str]:
    """An address cut up, and its host as name servers know it. Raises _Ended."""
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, _ascii(parts.hostname or "")
    except ValueError:  # of idna too
        raise _Ended(State.BROKEN, Note.NO_HOST) from None
    if parts.scheme not in PORTS or len(url) > URL_LENGTH:
        raise _Ended(State.REFUSED, Note.NOT_WEB)
    if host.rstrip(".") == urlsplit(settings.SITE_URL).hostname:
        raise _Ended(State.PRIVATE, Note.OUR_OWN)
    if not _HOST.fullmatch(host) or _EXAMPLES.fullmatch(host):
        raise _Ended(State.BROKEN, Note.NO_HOST)
    if "@" in parts.netloc:
        raise _Ended(State.PRIVATE, Note.PASSWORD)
    if port not in {None, PORTS[parts.scheme]}:
        raise _Ended(State.PRIVATE, Note.PORT)
    return parts, host


def _ascii(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()


def _addresses(host: str, port: int) -> list[str]:
    """All addresses of a host, every one of them public. Raises _Ended."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        if _is_nobody(host):
            raise _Ended(State.BROKEN, Note.NO_HOST) from None
        raise _Ended(State.REFUSED, Note.NO_NAMES) from None
    except (OSError, UnicodeError):
        raise _Ended(State.BROKEN, Note.NO_HOST) from None
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    if not addresses or not all(is_public(address) for address in addresses):
        raise _Ended(State.PRIVATE, Note.NOT_PUBLIC)
    return addresses[:TRIES]


def _is_nobody(host: str) -> bool:
    """Does a name server say that there is no such name? The system says so too where it can ask none at all."""
    try:
        dns.resolver.resolve(host, "A", lifetime=NAME_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return True
    except (dns.exception.DNSException, OSError, UnicodeError):
        return False
    return False


def _answer(method: str, parts: SplitResult, host: str, addresses: list[str], until: float) -> tuple[int, str]:
    """Raises _Ended."""
    for number, address in enumerate(addresses, 1):
        try:
            return _exchange(method, parts, host, address, until)
        except ssl.SSLCertVerificationError:
            raise _Ended(State.REFUSED, Note.CERTIFICATE) from None
        except TimeoutError:
            if number == len(addresses) or time.monotonic() >= until:
                raise _Ended(State.REFUSED, Note.TOO_SLOW) from None
        except OSError:
            if number == len(addresses):
                raise _Ended(State.REFUSED, Note.NO_ANSWER) from None
        except (http.client.HTTPException, ValueError):
            raise _Ended(State.REFUSED, Note.NOT_HTTP) from None
    raise AssertionError("A host without addresses has ended before.")


def _exchange(method: str, parts: SplitResult, host: str, address: str, until: float) -> tuple[int, str]:
    """One question on a connection of its own to this address; head of the answer only. Raises OSError (TimeoutError
    among them), http.client.HTTPException or ValueError."""
    with socket.create_connection((address, PORTS[parts.scheme]), timeout=_left(until)) as plain:
        wire = plain
        if parts.scheme == "https":
            plain.settimeout(_left(until))
            wire = _tls().wrap_socket(plain, server_hostname=host.strip("[].").partition("%")[0])
        with wire:
            wire.settimeout(_left(until))
            wire.sendall(_request(method, parts, host))
            answer = http.client.HTTPResponse(_Patience(wire, until), method=method)
            answer.begin()
            return answer.status, answer.headers.get("Location", "")


def _request(method: str, parts: SplitResult, host: str) -> bytes:
    target = quote(parts.path or "/", safe=_PLAIN) + (f"?{quote(parts.query, safe=_PLAIN)}" if parts.query else "")
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: PICUM-newsletter-links/1 (+{settings.SITE_URL})",
        "Accept: text/html, */*;q=0.5",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class _Patience(io.RawIOBase):
    """A socket to be read until a moment and no longer, however slowly it drips; for `HTTPResponse`."""

    def __init__(self, wire: socket.socket, until: float):
        self._wire, self._until = wire, until

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self._wire.settimeout(_left(self._until))
        return self._wire.recv_into(buffer)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location.strip())
    except ValueError:
        raise _Ended(State.BROKEN, Note.NO_HOST) from None


def _judged(status: int) -> Finding:
    if status in GONE:
        return Finding(State.BROKEN, status)
    return Finding(State.OK if status < HTTPStatus.BAD_REQUEST else State.REFUSED, status)
