"""SMTP (RFC 5321) on connections of our own: 8bit (RFC 6152), and one round trip a mail (RFC 2920).

Django's backend waits for each reply and hides at which step a connection broke. Here every step is told apart:
before the final dot nothing was sent, after it nobody knows until the relay has answered. RFC 2920 §3.1 lets the end
of one mail travel with the MAIL, RCPT and DATA of the next.
"""

import re
import ssl
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from django.conf import settings

from newsletter.mime import Letter
from newsletter.transports import Following, Intend, Outcome, Verdict, nothing_follows
from newsletter.transports.smtp_connection import ADDRESS, Broken, Connection, Relay, Reply

DOT_SECONDS = 600  # RFC 5321 §4.5.3.2: ten minutes after the final dot
# So many letters refused in a row, and none accepted between: it is our mail, or we ourselves. Said of recipients
# it takes more, a list may hold a company that closed.
REFUSED_IN_A_ROW, GONE_IN_A_ROW = 5, 20
_POLICY = re.compile(r"^5\.7\.\d")


class SMTPTransport:
    """SMTP to one relay."""

    name = "smtp"
    batch = 1

    def __init__(self, relay: Relay | None = None):
        self.relay = relay or Relay.from_settings()
        self.lanes = settings.SENDING_CONNECTIONS
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

    async def send(
        self, letters: Sequence[Letter], intend: Intend, following: Following = nothing_follows
    ) -> list[Outcome]:
        return [self.transport.braked(await self._send(letter, intend, following)) for letter in letters]

    async def close(self) -> None:
        if self.connection and self.connection.begun:
            self._drop()  # after its DATA, a QUIT would be the first line of the mail
        elif self.connection:
            await self.connection.quit()
            self.connection = None

    async def _send(self, letter: Letter, intend: Intend, following: Following, *, intended: bool = False) -> Outcome:
        used = self.connection is not None
        try:
            connection = await self._opened(letter)
        except Broken as broken:
            return Outcome(Verdict.UNSENT, "connect", str(broken), backs_off=True)
        try:
            return await self._deliver(connection, letter, intend, following, intended=intended)
        except Broken as broken:
            self._drop()
            if used:  # a relay may hang up on a connection that has served; try a fresh one at once
                return await self._send(letter, intend, following, intended=intended or broken.intended)
            return Outcome(Verdict.UNSENT, "dropped", str(broken), backs_off=True)

    async def _opened(self, letter: Letter) -> Connection:
        """A connection that is open for this letter, or on which its transaction has begun."""
        if (
            self.connection
            and self.connection.begun is not letter
            and (self.connection.begun or self.connection.gone())
        ):
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

    async def _deliver(
        self, connection: Connection, letter: Letter, intend: Intend, following: Following, *, intended: bool
    ) -> Outcome:
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
        return await self._dot(connection, following)

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
        mail, rcpt, data = replies = await self._ask(connection, letter)
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

    async def _ask(self, connection: Connection, letter: Letter) -> list[Reply | None]:
        """The replies to the envelope; None for those that were not said because one before was refused."""
        begun, connection.begun = connection.begun is letter, None
        if not begun:
            if connection.unclean:
                await connection.command("RSET")
            connection.unclean = True
            if "PIPELINING" not in connection.features:
                return await self._step_by_step(connection, letter)
            await connection.write(_written(_envelope(letter, connection)))
        return [await connection.reply() for _line in range(3)]

    async def _step_by_step(self, connection: Connection, letter: Letter) -> list[Reply | None]:
        replies: list[Reply | None] = []
        for line in _envelope(letter, connection):
            refused = bool(replies) and not (replies[-1] and replies[-1].good)
            replies.append(None if refused else await connection.command(line))
        return replies

    async def _dot(self, connection: Connection, following: Following) -> Outcome:
        """The point of no return; what the relay allows to travel along goes with it."""
        connection.begun = self._to_begin(connection, following)
        more = _written(_envelope(connection.begun, connection)) if connection.begun else b""
        try:
            await connection.write(b".\r\n" + more)
            reply = await connection.reply(DOT_SECONDS)
        except Broken as broken:
            self._drop()
            return Outcome(Verdict.UNKNOWN, "no-answer", str(broken))
        connection.unclean = bool(connection.begun)
        if reply.good:
            return Outcome(Verdict.ACCEPTED, detail=str(reply))
        if reply.code == 421:
            self._drop()
        return _refusal(reply, hard=False)

    def _to_begin(self, connection: Connection, following: Following) -> Letter | None:
        letter = following() if "PIPELINING" in connection.features else None
        return letter if letter and not _cannot_go(letter, connection) else None


def _envelope(letter: Letter, connection: Connection) -> list[str]:
    options = " BODY=8BITMIME" if "8BITMIME" in connection.features else ""
    options += "" if letter.to.isascii() else " SMTPUTF8"
    return [f"MAIL FROM:<{letter.sender}>{options}", f"RCPT TO:<{letter.to}>", "DATA"]


def _written(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def _cannot_go(letter: Letter, connection: Connection) -> Outcome | None:
    """What is wrong with an address before the relay is asked."""
    try:
        to = letter.to
    except UnicodeError:
        return Outcome(Verdict.REFUSED, "bad-address", "The domain of the address has no ASCII form.")
    if not ADDRESS.fullmatch(to):
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
