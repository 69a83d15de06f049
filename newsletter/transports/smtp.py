"""SMTP (RFC 5321) on connections of our own: pipelined (RFC 2920), 8bit (RFC 6152), STARTTLS (RFC 3207).

Django's backend waits for each reply and hides at which step a connection broke. Here every step is told apart:
before the final dot nothing was sent, after it nobody knows until the relay has answered.
"""

import asyncio
import base64
import contextlib
import os
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from django.conf import settings

from newsletter.mime import Letter
from newsletter.transports import Intend, Outcome, Verdict

CONNECT_SECONDS = 30
REPLY_SECONDS = 300  # RFC 5321 §4.5.3.2: five minutes for MAIL, RCPT and DATA
DOT_SECONDS = 600  # ten minutes after the final dot
# So many letters refused in a row, and none accepted between: it is our mail, or we ourselves. Said of recipients
# it takes more, a list may hold a company that closed.
REFUSED_IN_A_ROW, GONE_IN_A_ROW = 5, 20
_ADDRESS = re.compile(r"[^\s<>]+@[^\s<>]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")  # PostgreSQL stores no NUL, people read no bell
_POLICY = re.compile(r"^5\.7\.\d")


class Broken(Exception):
    """The connection cannot be used any more; the message says why. `intended`: an intent was granted before."""

    def __init__(self, message: str, *, intended: bool = False):
        super().__init__(message)
        self.intended = intended


@dataclass(frozen=True)
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


class Connection:
    """One conversation with a relay. Every method raises Broken when the wire fails."""

    def __init__(self, relay: Relay, trust: Callable[[], ssl.SSLContext] = ssl.create_default_context):
        self.relay, self.trust = relay, trust
        self.features: dict[str, str] = {}
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter
        self.unclean = False  # a transaction was left half-way: RSET goes before the next one

    async def open(self) -> None:
        """Connect, greet, TLS, log in. Raises Broken with one sentence that names the step."""
        direct = self.trust() if self.relay.tls == "direct" else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self.reader, self.writer = await asyncio.open_connection(self.relay.host, self.relay.port, ssl=direct)
        except (OSError, TimeoutError) as error:
            raise Broken(f"no connection to {self.relay}: {_said(error)}") from None
        try:
            self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
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
            try:
                await self.writer.start_tls(self.trust(), server_hostname=self.relay.host)
            except (OSError, TimeoutError) as error:
                raise Broken(f"no TLS with {self.relay}: {_said(error)}") from None
            await self._ehlo()
        if self.relay.user:
            await self._log_in()

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

    async def command(self, line: str) -> Reply:
        await self.write(line.encode() + b"\r\n")
        return await self.reply()

    async def write(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            async with asyncio.timeout(REPLY_SECONDS):
                await self.writer.drain()
        except (OSError, TimeoutError) as error:
            raise Broken(_said(error)) from None

    async def reply(self, seconds: float | None = None) -> Reply:
        """One reply, its lines joined (RFC 5321 §4.2.1)."""
        seconds = REPLY_SECONDS if seconds is None else seconds
        lines: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                while True:
                    line = (await self.reader.readuntil(b"\n")).decode("utf-8", "replace").rstrip()
                    if not re.match(r"[2-5][0-9]{2}(?: |-|$)", line):
                        raise Broken(f"the relay does not speak SMTP: {_clean(line)[:100]}")
                    lines.append(line[4:])
                    if line[3:4] != "-":
                        return Reply(int(line[:3]), "\n".join(lines))
        except asyncio.IncompleteReadError:
            raise Broken("the relay closed the connection") from None
        except TimeoutError:
            raise Broken(f"the relay did not answer within {seconds:g} s") from None
        except (OSError, asyncio.LimitOverrunError) as error:
            raise Broken(_said(error)) from None

    def gone(self) -> bool:
        """Whether the relay has hung up, or said something nobody asked for (a 421)."""
        return self.reader.at_eof() or self.reader.exception() is not None or bool(self.reader._buffer)

    def abort(self) -> None:
        self.writer.transport.abort()

    async def quit(self) -> None:
        with contextlib.suppress(Broken, TimeoutError):
            async with asyncio.timeout(5):
                await self.command("QUIT")
        self.writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                await self.writer.wait_closed()


class SMTPTransport:
    """SMTP to one relay."""

    name = "smtp"
    batch = 1

    def __init__(self, relay: Relay | None = None):
        self.relay = relay or Relay.from_settings()
        self.refused_in_a_row = self.unanswered_in_a_row = 0

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def trust(self) -> ssl.SSLContext:
        """Whom we believe. Reading the certificates takes 40 ms of the loop's time: once a run, where needed."""
        return self._context

    def lane(self) -> "SMTPLane":
        return SMTPLane(self)

    def braked(self, outcome: Outcome) -> Outcome:
        """The outcome, which stops the edition when the relay refuses one letter after the other, and slows it down
        when one after the other gets no answer, lest all become unknown."""
        if outcome.verdict is Verdict.ACCEPTED:
            self.refused_in_a_row = self.unanswered_in_a_row = 0
        if outcome.verdict is Verdict.UNKNOWN:
            self.unanswered_in_a_row += 1
            return replace(outcome, backs_off=self.unanswered_in_a_row > 1)
        if outcome.verdict is Verdict.REFUSED and outcome.why in {"policy", "refused", "hard-bounce"}:
            self.refused_in_a_row += 1
            limit = GONE_IN_A_ROW if outcome.why == "hard-bounce" else REFUSED_IN_A_ROW
            return replace(outcome, stops=outcome.stops or self.refused_in_a_row >= limit)
        return outcome


class SMTPLane:
    """A connection that is opened when there is a letter and opened again when it broke."""

    def __init__(self, transport: SMTPTransport):
        self.transport, self.relay = transport, transport.relay
        self.connection: Connection | None = None

    async def send(self, letters: Sequence[Letter], intend: Intend) -> list[Outcome]:
        return [self.transport.braked(await self._send(letter, intend)) for letter in letters]

    async def close(self) -> None:
        if self.connection:
            await self.connection.quit()
            self.connection = None

    async def _send(self, letter: Letter, intend: Intend, *, intended: bool = False) -> Outcome:
        used = self.connection is not None
        try:
            connection = await self._opened()
        except Broken as broken:
            return Outcome(Verdict.UNSENT, "connect", str(broken), backs_off=True)
        try:
            return await self._deliver(connection, letter, intend, intended=intended)
        except Broken as broken:
            self._drop()
            if used:  # a relay may hang up on a connection that has served; try a fresh one at once
                return await self._send(letter, intend, intended=intended or broken.intended)
            return Outcome(Verdict.UNSENT, "dropped", str(broken), backs_off=True)

    async def _opened(self) -> Connection:
        if self.connection and self.connection.gone():
            self._drop()
        if self.connection is None:
            connection = Connection(self.relay, self.transport.trust)
            await connection.open()
            self.connection = connection
        return self.connection

    def _drop(self) -> None:
        if self.connection:
            self.connection.abort()
            self.connection = None

    async def _deliver(self, connection: Connection, letter: Letter, intend: Intend, *, intended: bool) -> Outcome:
        """One transaction. Raises Broken only while nothing can have been sent."""
        refusal = _cannot_go(letter, connection) or await self._envelope(connection, letter)
        if refusal:
            return refusal
        body = letter.pressing.data(letter, eight_bit="8BITMIME" in connection.features)
        await connection.write(body)
        if letter.delivery_id not in await intend([letter]):
            self._drop()  # without the final dot the relay forgets what it heard (RFC 5321 §4.1.1.4)
            # What was intended before, and certainly not sent, is not "withdrawn" in the ledger: it is on the wire.
            return Outcome(Verdict.UNSENT if intended else Verdict.WITHDRAWN)
        if connection.gone():
            return await self._interrupted(connection)
        return await self._dot(connection)

    async def _interrupted(self, connection: Connection) -> Outcome:
        """The relay spoke, or hung up, before it heard the dot: nothing was sent."""
        try:
            reply = await connection.reply()
        except Broken as broken:
            raise Broken(str(broken), intended=True) from None
        if reply.good or reply.code == 421:
            raise Broken(f"{self.relay} closes the connection: {reply}", intended=True)
        self._drop()
        return _refusal(reply, hard=False)

    async def _envelope(self, connection: Connection, letter: Letter) -> Outcome | None:
        """MAIL, RCPT, DATA in one write where the relay allows it. None: go on with the body."""
        if connection.unclean:
            await connection.command("RSET")
        connection.unclean = True
        options = " BODY=8BITMIME" if "8BITMIME" in connection.features else ""
        options += "" if letter.to.isascii() else " SMTPUTF8"
        lines = [f"MAIL FROM:<{letter.sender}>{options}", f"RCPT TO:<{letter.to}>", "DATA"]
        mail, rcpt, data = replies = await self._ask(connection, lines)
        if closing := next((reply for reply in replies if reply and reply.code == 421), None):
            raise Broken(f"{self.relay} closes the connection: {closing}")
        if not mail.good:
            self._drop()  # it may even have said 354 to the DATA that came along
            return Outcome(Verdict.UNSENT, "sender-refused", str(mail), backs_off=True)
        if not rcpt.good:
            if data and data.code == 354:
                await connection.command(".")  # RFC 2920 §3.1: an open DATA without recipients is closed by a lone dot
            return _refusal(rcpt, hard=True)
        return None if data.code == 354 else _refusal(data, hard=False)

    async def _ask(self, connection: Connection, lines: list[str]) -> list[Reply | None]:
        """The replies to the lines; None for those that were not said because one before was refused."""
        if "PIPELINING" in connection.features:
            await connection.write("".join(f"{line}\r\n" for line in lines).encode())
            return [await connection.reply() for _line in lines]
        replies: list[Reply | None] = []
        for line in lines:
            refused = bool(replies) and not (replies[-1] and replies[-1].good)
            replies.append(None if refused else await connection.command(line))
        return replies

    async def _dot(self, connection: Connection) -> Outcome:
        """The point of no return."""
        try:
            await connection.write(b".\r\n")
            reply = await connection.reply(DOT_SECONDS)
        except Broken as broken:
            self._drop()
            return Outcome(Verdict.UNKNOWN, "no-answer", str(broken))
        connection.unclean = False
        if reply.good:
            return Outcome(Verdict.ACCEPTED, detail=str(reply))
        if reply.code == 421:
            self._drop()
        return _refusal(reply, hard=False)


def _cannot_go(letter: Letter, connection: Connection) -> Outcome | None:
    """What is wrong with an address before the relay is asked."""
    try:
        to = letter.to
    except UnicodeError:
        return Outcome(Verdict.REFUSED, "bad-address", "The domain of the address has no ASCII form.")
    if not _ADDRESS.fullmatch(to):
        return Outcome(Verdict.REFUSED, "bad-address", "The address would break the conversation with the relay.")
    if not to.isascii() and "SMTPUTF8" not in connection.features:
        return Outcome(Verdict.REFUSED, "no-smtputf8", "The relay cannot carry an address with such letters.")
    return None


def _refusal(reply: Reply, *, hard: bool) -> Outcome:
    """What a 4xx or 5xx for this letter becomes. `hard`: said of the recipient, before the content was seen."""
    if reply.later:
        return Outcome(Verdict.LATER, reply.enhanced or str(reply.code), str(reply))
    if _POLICY.match(reply.enhanced):
        return Outcome(Verdict.REFUSED, "policy", str(reply), stops=not hard)
    return Outcome(Verdict.REFUSED, "hard-bounce" if hard else "refused", str(reply))


def _clean(text: str) -> str:
    """A relay's words for the ledger: on one line, without addresses."""
    return _ADDRESS.sub("…", _CONTROLS.sub(" ", text))


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)  # asyncio's own words are for programmers
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
