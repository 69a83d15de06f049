"""One conversation with an SMTP relay (RFC 5321): connect, STARTTLS (RFC 3207), AUTH (RFC 4954), replies.

An asyncio protocol, not a stream: of fifty kilobytes out and a few words in for each mail, streams cost more than the
mail. Used by one coroutine at a time, so one waiter is enough.
"""

import asyncio
import base64
import contextlib
import os
import re
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

from newsletter.mime import Letter

CONNECT_SECONDS = 30
REPLY_SECONDS = 300  # RFC 5321 §4.5.3.2: five minutes for MAIL, RCPT and DATA
LONGEST_LINE = 64 * 1024  # of a reply: RFC 5321 allows 512 octets
MOST_LINES = 100  # of a reply
ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")
_QUOTED_ADDRESS = re.compile(r"[^\s<>]{1,128}@[^\s<>]{1,255}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # PostgreSQL stores no NUL, people read no bell
_REPLY_LINE = re.compile(r"[2-5][0-9]{2}(?: |-|$)")


class Broken(Exception):
    """The connection cannot be used any more; the message says why. `intended`: an intent was granted before."""

    def __init__(self, message: str, *, intended: bool = False):
        super().__init__(message)
        self.intended = intended


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    text: str

    @property
    def good(self) -> bool:
        return self.code < 400

    @property
    def later(self) -> bool:
        return 400 <= self.code < 500

    @property
    def enhanced(self) -> str:
        """The status code of RFC 3463, such as "5.1.1", or ""."""
        match = re.match(r"[245]\.\d{1,3}\.\d{1,3}", self.text)
        return match[0] if match else ""

    def __str__(self) -> str:
        return _clean(f"{self.code} {self.text}")[:300]


@dataclass(frozen=True)
class Relay:
    """Where mail goes, and how."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "offered"  # required, offered, never; or "direct" from the first byte
    helo: str = ""

    @classmethod
    def from_settings(cls) -> "Relay":
        return cls(
            settings.EMAIL_HOST,
            settings.EMAIL_PORT,
            settings.EMAIL_HOST_USER,
            settings.EMAIL_HOST_PASSWORD,
            "direct" if settings.EMAIL_USE_SSL else settings.EMAIL_STARTTLS,
            settings.NEWSLETTER_MAIL_DOMAIN,
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Connection(asyncio.Protocol):
    """Every coroutine raises Broken when the wire fails. `unclean`: a transaction was left half-way, RSET goes before
    the next one. `begun`: the letter whose MAIL, RCPT and DATA have travelled with the end of the one before."""

    def __init__(self, relay: Relay, trust: Callable[[], ssl.SSLContext] = ssl.create_default_context):
        self.relay, self.trust = relay, trust
        self.features: dict[str, str] = {}
        self.unclean = False
        self.begun: Letter | None = None
        self._wire: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._rest, self._lines = b"", []  # of a reply that has not arrived as a whole
        self._replies: deque[Reply] = deque()
        self._end = ""  # why nothing more can be said; "" while the connection stands
        self._full = False  # not all that was written has left
        self._waiter: asyncio.Future | None = None
        self._closed = self._loop.create_future()

    # --- called by the loop ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._wire = transport
        # "Written" means that the kernel has it. Under TLS asyncio would forget to say so of the last few kilobytes.
        if transport.get_extra_info("sslcontext") is None:
            transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace").rstrip())
        if len(self._rest) > LONGEST_LINE:
            self._over("the relay does not speak SMTP: a line without end")
        if self._replies:
            self._wake()

    def eof_received(self) -> None:
        self._over("the relay closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._over(_said(exc) if exc else "the relay closed the connection")
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    def _take(self, line: str) -> None:
        if self._end:
            return  # after nonsense nobody knows which question an answer belongs to
        if not _REPLY_LINE.match(line):
            self._over(f"the relay does not speak SMTP: {_clean(line)[:100]}")
            return
        self._lines.append(line[4:])
        if len(self._lines) > MOST_LINES:
            self._over("the relay does not speak SMTP: a reply without end")
        elif line[3:4] != "-":
            self._replies.append(Reply(int(line[:3]), "\n".join(self._lines)))
            self._lines = []

    def _over(self, why: str) -> None:
        self._end = self._end or why
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    # --- opening --------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, greet, TLS, log in. Raises Broken with one sentence that names the step."""
        direct = self.trust() if self.relay.tls == "direct" else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._loop.create_connection(lambda: self, self.relay.host, self.relay.port, ssl=direct)
        except (OSError, TimeoutError) as error:
            raise Broken(f"no connection to {self.relay}: {_said(error)}") from None
        try:
            await self._greet()
        except BaseException:
            self.abort()
            raise

    async def _greet(self) -> None:
        self._expect(await self.reply(), "greeting")
        await self._ehlo()
        if self.relay.tls == "required" or (self.relay.tls == "offered" and "STARTTLS" in self.features):
            self._expect(await self.command("STARTTLS"), "STARTTLS")
            if self.gone():  # what was said in the clear must not be taken for an answer under TLS (CVE-2011-0411)
                raise Broken(f"no TLS with {self.relay}: it said more than it was asked")
            await self._start_tls()
            await self._ehlo()
        if self.relay.user:
            await self._log_in()

    async def _start_tls(self) -> None:
        try:
            wire = await self._loop.start_tls(self._wire, self, self.trust(), server_hostname=self.relay.host)
        except (OSError, TimeoutError) as error:
            raise Broken(f"no TLS with {self.relay}: {_said(error)}") from None
        if wire is None:
            raise Broken(f"no TLS with {self.relay}: {self._end or 'it hung up'}")
        self.connection_made(wire)

    async def _ehlo(self) -> None:
        reply = self._expect(await self.command(f"EHLO {self.relay.helo or 'localhost'}"), "EHLO")
        lines = reply.text.splitlines()[1:]
        self.features = {name.upper(): rest for name, _space, rest in (line.partition(" ") for line in lines)}

    async def _log_in(self) -> None:
        offered = self.features.get("AUTH", "").upper().split()
        if "PLAIN" in offered:
            word = base64.b64encode(f"\0{self.relay.user}\0{self.relay.password}".encode()).decode()
            self._expect(await self.command(f"AUTH PLAIN {word}"), "AUTH")
        elif "LOGIN" in offered:
            self._expect(await self.command("AUTH LOGIN"), "AUTH")
            for word in (self.relay.user, self.relay.password):
                self._expect(await self.command(base64.b64encode(word.encode()).decode()), "AUTH")
        else:
            raise Broken(f"{self.relay} offers no way to log in")

    def _expect(self, reply: Reply, step: str) -> Reply:
        if not reply.good:
            raise Broken(f"{self.relay} refused {step}: {reply}")
        return reply

    # --- talking --------------------------------------------------------------------------------------------------

    async def command(self, line: str) -> Reply:
        await self.write(line.encode() + b"\r\n")
        return await self.reply()

    async def write(self, data: bytes) -> None:
        """Hand over to the kernel; it may still be on its way."""
        if self._end:
            raise Broken(self._end)
        self._wire.write(data)
        while self._full:
            await self._news(REPLY_SECONDS, "no answer in time")
        if self._end and not self._replies:
            raise Broken(self._end)

    async def reply(self, seconds: float | None = None) -> Reply:
        """The next reply, its lines joined (RFC 5321 §4.2.1)."""
        seconds = REPLY_SECONDS if seconds is None else seconds
        while not self._replies:
            await self._news(seconds, f"the relay did not answer within {seconds:g} s")
        return self._replies.popleft()

    async def _news(self, seconds: float, silence: str) -> None:
        """Until a reply is there, what was written has left, or all is over."""
        if self._end:
            raise Broken(self._end)
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._over, silence)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def gone(self) -> bool:
        """Whether the relay has hung up, or said something nobody asked for (a 421)."""
        return bool(self._end or self._replies or self._rest or self._lines)

    def abort(self) -> None:
        """Without a goodbye: the relay forgets a mail whose final dot it has not heard (RFC 5321 §4.1.1.4)."""
        self._over("the connection was given up")
        self._wire.abort()

    async def quit(self) -> None:
        with contextlib.suppress(Broken, TimeoutError):
            async with asyncio.timeout(5):
                await self.command("QUIT")
        self._wire.close()
        await asyncio.wait([self._closed], timeout=5)


def _clean(text: str) -> str:
    """A relay's words for the ledger: on one line, without addresses."""
    return _QUOTED_ADDRESS.sub("…", _CONTROLS.sub(" ", text[:2000]))


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)  # asyncio's own words are for programmers
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
