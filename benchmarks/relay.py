"""A relay some milliseconds away: `python -m benchmarks.relay PORT MILLISECONDS`.

It says {"first": …}, the monotonic moment of the first whole mail. It sits behind a wire, not behind a slow machine:
whatever it says arrives the given time after what it answers was sent. Commands that came in one segment are answered
together, one wait for all; so are the reply to a final dot and those to the MAIL, RCPT and DATA that travelled with it
(RFC 2920 §3.1). It keeps nothing.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import postfix
from benchmarks.site import Program

MILLISECONDS = 20
GREETING = b"220 relay ESMTP\r\n"
EXTENSIONS = b"250-relay\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
BYE = b"221 bye\r\n"
END = b"\r\n.\r\n"


class Talk(asyncio.Protocol):
    """One connection."""

    def __init__(self, delay: float, note: Callable[[], None]):
        self.delay, self.note = delay, note
        self.in_mail = False
        self.rest = b""  # of a command line; in a mail: its last octets, in which the end may have begun
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._say([GREETING])

    def data_received(self, data: bytes) -> None:
        replies = []
        data, self.rest = self.rest + data, b""
        while data:
            if self.in_mail:
                _body, found, rest = data.partition(END)
                if not found:
                    self.rest = data[-(len(END) - 1) :]
                    break
                self.in_mail, data = False, rest
                self.note()
                replies.append(b"250 2.0.0 taken\r\n")
            else:
                line, found, rest = data.partition(b"\r\n")
                if not found:
                    self.rest = line
                    break
                # What follows 354 begins with the line break before it, or a mail of one dot would never end.
                data = b"\r\n" + rest if line[:4].upper() == b"DATA" and rest else rest
                replies.append(self._answer(line))
        self._say(replies)

    def _answer(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            return EXTENSIONS
        if verb == b"DATA":
            self.in_mail, self.rest = True, b""
            return b"354 go on\r\n"
        if verb == b"QUIT":
            return BYE
        return b"250 ok\r\n"

    def _say(self, replies: list[bytes]) -> None:
        if replies:
            self.loop.call_later(self.delay, self.transport.write, b"".join(replies))
        if BYE in replies:
            self.loop.call_later(self.delay, self.transport.close)  # timers of one moment fire in their order


async def serve(port: int, milliseconds: float) -> None:
    loop, told = asyncio.get_running_loop(), False

    def note() -> None:
        nonlocal told
        if not told:
            told = True
            sys.stdout.write(json.dumps({"first": time.monotonic()}) + "\n")
            sys.stdout.flush()

    server = await loop.create_server(lambda: Talk(milliseconds / 1000, note), "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


@contextlib.contextmanager
def running(milliseconds: float = MILLISECONDS) -> Iterator["Running"]:
    """The relay in a process of its own."""
    port = postfix.free_port()
    program = Program(dict(os.environ), port, milliseconds, module="benchmarks.relay")
    try:
        postfix.wait_for(port)
        yield Running(port, program)
    finally:
        program.close()


@dataclass(frozen=True)
class Running:
    """`url` is what EMAIL_URL says."""

    port: int
    program: Program

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=never"

    def first(self) -> float:
        """Waits for the first mail; the moment at which all of it was here."""
        return self.program.line()["first"]


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
