"""A small SMTP server in a thread that accepts every mail and delivers none: it keeps them in the box.

So the newcomer's newsletter goes out over real SMTP, through the very code that talks to a relay in production,
and cannot reach anybody. Bind it to a loopback address only.
"""

import asyncio
import collections
import logging
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from picum.mailbox import reading, store

logger = logging.getLogger(__name__)

LARGEST_MAIL = 25 * 1024 * 1024  # octets, offered by SIZE (RFC 1870)
LONGEST_COMMAND = 4096  # octets; RFC 5321 asks for 512, bounce addresses and SMTPUTF8 like some more
_END = b"\r\n.\r\n"
_STARTED = tuple(_END[:length] for length in range(1, len(_END)))


class Catcher:
    """`Catcher("127.0.0.1", 2525, path)`, then `start()` and `stop()`, or `with`. Port 0 takes a free one: see `port`.

    A mail is in the box before its 250 is sent. So stopping at any moment, by Ctrl-C too, loses no accepted mail;
    who got no answer will send again.

    Not aiosmtpd's `Controller`: that one greets itself to find out whether it runs, which fails with port 0.
    """

    def __init__(self, host: str, port: int, path: str | Path) -> None:
        self.host, self.port, self.path = host, port, Path(path)
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._failure: BaseException | None = None

    def __enter__(self) -> "Catcher":
        self.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when mails can come. `OSError` (port taken) or `sqlite3.Error` (no box there) if they cannot."""
        if self._thread:
            raise RuntimeError("This catcher is running already.")
        self._started.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name="mailbox-catcher", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure:
            self._thread.join()
            self._thread = None
            raise self._failure

    def stop(self) -> None:
        """Closes the port and what is open on it. Harmless when it does not run."""
        if not self._thread:
            return
        with suppress(RuntimeError):  # it has ended by itself, and said so in the log
            self._loop.call_soon_threadsafe(self._enough.set)
        self._thread.join()
        self._thread = None

    def _run(self) -> None:
        try:
            with store.opened(self.path) as box:
                asyncio.run(self._serve(box))
        except Exception as problem:  # `start` raises it; the caller has no other way to learn of it
            self._failure = problem
            if self._started.is_set():
                logger.exception("The mail catcher has stopped.")
        finally:
            self._started.set()

    async def _serve(self, box: sqlite3.Connection) -> None:
        self._loop, self._enough = asyncio.get_running_loop(), asyncio.Event()
        keeper = _Keeper(box)
        server = await self._loop.create_server(lambda: _Server(keeper, loop=self._loop), self.host, self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._enough.wait()
        server.close()  # asyncio.run then cancels the conversations, and each closes its connection


class _Keeper:
    """What aiosmtpd calls for each mail."""

    def __init__(self, box: sqlite3.Connection) -> None:
        self.box = box

    async def handle_EHLO(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        # Commands that arrive together wait in the reader and are answered one by one: all RFC 2920 asks of a server.
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        # Written right here, in the thread that reads the network: less than a millisecond a mail, much of it
        # outside the interpreter's lock. A second thread for it made nothing faster (measured).
        raw = envelope.original_content
        fields = reading.headers(raw)
        try:
            store.add(
                self.box,
                raw,
                sender=_clean(envelope.mail_from),
                recipients=[_clean(address) for address in envelope.rcpt_tos],
                subject=reading.header(fields, "Subject"),
                language=reading.language(fields),
            )
        except sqlite3.Error:
            logger.exception("A mail could not be kept.")
            return "451 4.3.0 The mail box could not keep this mail, please try again later"
        return "250 2.0.0 Caught"


def _clean(address: str) -> str:
    """An address as text that can be stored: the empty sender comes as `<>`, stray octets as lone surrogates."""
    return "" if address == "<>" else address.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class _Server(SMTP):
    """aiosmtpd's conversation, with the mail itself read in large pieces.

    aiosmtpd reads it line by line, 800 times for a mail of 60 KB: 400 mails a second where this takes 1000
    (8 connections, two cores, with keeping them), and the sender shares the processor and the interpreter with us.
    """

    line_length_limit = 256 * 1024  # how much is buffered; commands are held to LONGEST_COMMAND
    command_size_limit = LONGEST_COMMAND
    command_size_limits = collections.defaultdict(lambda: LONGEST_COMMAND)

    def __init__(self, keeper: _Keeper, *, loop: asyncio.AbstractEventLoop) -> None:
        # A name of our own, or each connection looks the machine's up in DNS.
        super().__init__(
            keeper,
            hostname="mailbox.localhost",
            ident="Mail box of this machine",
            data_size_limit=LARGEST_MAIL,
            enable_SMTPUTF8=True,
            loop=loop,
        )

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        try:
            return super()._getaddr(arg)
        except IndexError:  # Python's parser stumbles over "<b@"; then it is no address: 553
            return None, None

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        if await self.check_helo_needed():
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 Error: need RCPT command")
            return
        if arg:
            await self.push("501 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        raw = await self._read_mail()
        if raw is None:
            status = "552 5.3.4 Error: Too much mail data"
        else:
            self.envelope.content = self.envelope.original_content = raw
            status = await self.event_handler.handle_DATA(self, self.session, self.envelope)
        self._set_post_data_state()
        await self.push(status)

    async def _read_mail(self) -> bytes | None:
        """The mail up to the lone dot, doubled dots made single (RFC 5321, 4.5.2); None if it is too large.

        Whatever a pipelining client sends behind the mail stays in the reader: nothing can be put back into it.
        """
        data, size = bytearray(b"\r\n"), 0  # as if a line had ended: a mail may begin with the lone dot
        while not data.endswith(_END):
            if data.endswith(_STARTED):  # the rest of the end alone would not be recognised
                piece = await self._reader.readexactly(1)
            else:
                try:
                    piece = await self._reader.readuntil(_END)
                except asyncio.LimitOverrunError as overrun:  # more than is buffered: take what is not the end
                    piece = await self._reader.readexactly(overrun.consumed)
            data += piece
            size += len(piece)
            if size > LARGEST_MAIL:
                del data[: -len(_END)]  # enough to recognise the end by
        if size > LARGEST_MAIL:
            return None
        return bytes(data[: -len(b".\r\n")]).replace(b"\r\n.", b"\r\n")[len(b"\r\n") :]
