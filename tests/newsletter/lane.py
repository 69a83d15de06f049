"""One lane of the SMTP transport and letters for it, without a database: printed from words made by hand."""

import asyncio
import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace

from newsletter.mime import Letter, Pressing
from newsletter.transports import Outcome, Verdict
from newsletter.transports.smtp import SMTPTransport
from newsletter.transports.smtp_connection import Relay as Host
from picum.chaos.relay import Relay

PIPELINED = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
PLAIN = ("8BITMIME",)
SEVEN_BIT = ("PIPELINING",)
MARKER = "0123456789abcdef0123456789abcdef"
TEXT = f"Grüße, 谢谢, ça va?\n.a line with a dot\n..\n.\nLeave: <https://site.test/{MARKER}>\n" + "ü" * 300 + "\n"
HTML = f'<p lang="de">Grüße, 谢谢 = ?\n.dot</p>\n<a href="https://site.test/{MARKER}">leave</a> \n'
ACCEPTED = Outcome(Verdict.ACCEPTED, "", "250 2.0.0 queued")
# How the end of a connection shows depends on which side is first.
HUNG_UP = {"the relay closed the connection", "Connection reset by peer", "Broken pipe", "Connection lost"}


def letter(address: str = "amal@example.org", number: int = 1, text: str = TEXT) -> Letter:
    pressing = Pressing(language="de", label="next", subject="Übersicht", html=HTML, text=text, marker=MARKER)
    return Letter(number, 1, address, uuid.UUID(int=number), pressing)


def letters(count: int) -> list[Letter]:
    """To r1@example.org, r2@example.org …"""
    return [
        replace(letter(), delivery_id=number, address=f"r{number}@example.org", handle=uuid.UUID(int=number))
        for number in range(1, count + 1)
    ]


class Desk:
    """Grants intents and writes down for whom it was asked. `grants`: how often, by delivery; else always.
    For those in `waits_on` it answers the first time only after the relay has spoken or hung up."""

    def __init__(self, grants: Mapping[int, int] | None = None, waits_on: Collection[int] = ()):
        self.grants, self.waits_on, self.asked = grants or {}, waits_on, []

    async def intend(self, wanted):
        (number,) = (one.delivery_id for one in wanted)
        self.asked.append(number)
        times = self.asked.count(number)
        while number in self.waits_on and times == 1 and not self.lane.connection.gone():
            await asyncio.sleep(0.01)
        return {number} if times <= self.grants.get(number, times) else set()


def deliver(relay: Relay, *wanted: Letter, desk: Desk | None = None, ahead: bool = True, **host: str) -> list[Outcome]:
    """The outcomes of letters on one lane, one after the other; by default of one letter. `ahead`: the lane is told
    which letter follows."""
    desk = desk or Desk()
    at = Host(**{"host": "127.0.0.1", "port": relay.port, "tls": "never", "helo": "news.test"} | host)
    going = wanted or (letter(),)

    async def go() -> list[Outcome]:
        desk.lane = SMTPTransport(at).lane()
        found = []
        try:
            async with asyncio.timeout(30):
                for number, one in enumerate(going, 1):
                    then = going[number] if ahead and number < len(going) else None
                    found += await desk.lane.send([one], desk.intend, lambda then=then: then)
            return found
        finally:
            await desk.lane.close()

    outcomes = asyncio.run(go())
    return [replace(outcome, detail="hung up") if outcome.detail in HUNG_UP else outcome for outcome in outcomes]


def at(step: str, *actions: str | None):
    """A script that does one action after the other at this step, and behaves from then on."""
    left = iter(actions)
    return lambda here, _argument: next(left, None) if here == step else None


def always(step: str, action: str):
    return lambda here, _argument: action if here == step else None


def verbs(relay: Relay) -> list[str]:
    return [line.partition(" ")[0] for line in relay.commands]
