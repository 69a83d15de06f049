"""A real SMTP server on the loopback that writes down what it accepted, and misbehaves when told to.

`Relay()` is a context manager with a free port. `script` is called at each step with (step, argument) and may return
None (behave), a reply such as "451 4.3.0 later", or an action: DROP hangs up, HANG never answers. A reply may have
several lines; one that ends in the line DROP is said before hanging up. `Late(seconds, action)` waits first.
Steps: "connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot" (the whole mail has arrived, no answer was
given yet), "RSET", "QUIT".
"""

import asyncio
import email
import email.policy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

DROP, HANG = "drop", "hang"
ACCEPT_THEN_DROP = "accept then drop"  # the mail is taken, the answer never arrives


@dataclass(frozen=True)
class Late:
    """Nothing happens for a while, then this."""

    seconds: float
    action: str | None = None


@dataclass(frozen=True)
class Received:
    """One mail as the wire carried it."""

    sender: str
    recipient: str
    data: bytes
    connection: int

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.data, policy=email.policy.default)


class Relay:
    def __init__(
        self,
        script: Callable[[str, str], "str | Late | None"] | None = None,
        *,
        extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"),
        port: int = 0,
        ssl_context=None,
        tls_from_start: bool = False,
        delay: float = 0,
    ):
        self.script = script or (lambda step, argument: None)
        self.extensions, self.port, self.ssl_context, self.delay = extensions, port, ssl_context, delay
        self.tls_from_start = tls_from_start
        self.received: list[Received] = []
        self.commands: list[str] = []
        self.connections = 0
        self.arrived = threading.Condition()
        self.talks: set[asyncio.Task] = set()

    def __enter__(self) -> "Relay":
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        def serve():
            asyncio.set_event_loop(self.loop)
            tls = self.ssl_context if self.tls_from_start else None
            listening = asyncio.start_server(self._talk, "127.0.0.1", self.port, ssl=tls)
            self.server = self.loop.run_until_complete(listening)
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()
            self.loop.run_forever()
            self.server.close()
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()
        if not started.wait(10):
            raise TimeoutError("The relay does not start.")
        return self

    def __exit__(self, *exc) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=never"

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Until at least `count` mails were accepted."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.received) >= count, seconds):
                raise AssertionError(f"{len(self.received)} of {count} mails after {seconds} s")

    def accept(self, mail: Received) -> None:
        """The mail is this relay's from here on, whether or not the other side hears of it."""
        with self.arrived:
            self.received.append(mail)
            self.arrived.notify_all()

    def hang_up(self) -> None:
        """On everybody who is connected."""
        self.loop.call_soon_threadsafe(lambda: [talk.cancel() for talk in list(self.talks)])

    def recipients(self) -> list[str]:
        return [mail.recipient for mail in self.received]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        # The loop holds its tasks weakly: one that hangs for ever would be collected as garbage.
        self.talks.add(task := asyncio.current_task())
        try:
            await self.conversation(reader, writer, self.connections).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.talks.discard(task)
            writer.transport.abort()

    def conversation(self, reader, writer, number: int) -> "Conversation":
        return Conversation(self, reader, writer, number)


class Hangup(ConnectionError):
    pass


class Conversation:
    def __init__(self, relay: Relay, reader, writer, number: int):
        self.relay, self.reader, self.writer, self.number = relay, reader, writer, number
        self.sender = self.recipient = None

    async def run(self) -> None:
        await self.answer("connect", "", "220 relay.test ESMTP")
        while line := await self.reader.readline():
            text = line.decode().rstrip("\r\n")
            self.relay.commands.append(text)
            verb, _space, argument = text.partition(" ")
            await self.do(verb.upper(), argument)

    async def do(self, verb: str, argument: str) -> None:
        if verb == "EHLO":
            offers = [f"250-{name}" for name in self.relay.extensions]
            await self.answer("EHLO", argument, "\r\n".join(["250-relay.test", *offers, "250 HELP"]))
        elif verb == "MAIL":
            if await self.answer("MAIL", argument, "250 2.1.0 ok"):
                self.sender = argument.partition("<")[2].partition(">")[0]
        elif verb == "RCPT":
            if self.sender is None:
                await self.say("503 5.5.1 MAIL first")
            elif await self.answer("RCPT", argument, "250 2.1.5 ok"):
                self.recipient = argument.partition("<")[2].partition(">")[0]
        elif verb == "DATA":
            # Some relays say 354 even then (RFC 2920 §3.1); a script that says so makes this one of them.
            if await self.answer("DATA", "", "354 go on" if self.recipient else "503 5.5.1 RCPT first"):
                await self.take()
        elif verb == "RSET":
            self.sender = self.recipient = None
            await self.answer("RSET", "", "250 2.0.0 ok")
        elif verb == "STARTTLS" and self.relay.ssl_context:
            # What the client says next is TLS already: it must not be read before the upgrade.
            self.writer.transport.pause_reading()
            if await self.answer("STARTTLS", "", "220 2.0.0 ready"):
                await self.writer.start_tls(self.relay.ssl_context)
        elif verb == "AUTH":
            if argument.upper() == "LOGIN":
                for prompt in ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"):
                    await self.say(prompt)
                    self.relay.commands.append((await self.reader.readline()).decode().rstrip("\r\n"))
            await self.answer("AUTH", argument, "235 2.7.0 welcome")
        elif verb == "QUIT":
            await self.answer("QUIT", "", "221 2.0.0 bye")
            raise Hangup
        else:
            await self.say("500 5.5.2 what?")

    async def take(self) -> None:
        lines = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise Hangup
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = Received(self.sender, self.recipient, b"".join(lines), self.number)
        self.sender = self.recipient = None
        if mail.recipient is None:
            await self.say("554 5.5.1 no valid recipients")
            return
        action = await self.due(self.relay.script("dot", mail.recipient))
        if action in (None, ACCEPT_THEN_DROP) or action.startswith("250"):
            self.relay.accept(mail)
        await self.act(action, "250 2.0.0 queued")

    async def answer(self, step: str, argument: str, usual: str) -> bool:
        """Whether the step was granted."""
        action = await self.due(self.relay.script(step, argument))
        await self.act(action, usual)
        return (action or usual)[0] in "23"

    async def due(self, action: str | Late | None) -> str | None:
        """The action, when its time has come."""
        if isinstance(action, Late):
            await asyncio.sleep(action.seconds)
            return action.action
        return action

    async def act(self, action: str | None, usual: str) -> None:
        if action in (DROP, ACCEPT_THEN_DROP):
            raise Hangup
        if action == HANG:
            await asyncio.Event().wait()
        said, hangs_up, _rest = (action or usual).partition(f"\r\n{DROP}")
        await self.say(said)
        if hangs_up:
            raise Hangup

    async def say(self, line: str) -> None:
        if self.relay.delay:
            await asyncio.sleep(self.relay.delay)
        self.writer.write(line.encode() + b"\r\n")
        await self.writer.drain()
