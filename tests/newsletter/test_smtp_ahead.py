"""One round trip a mail: the end of one letter travels with the beginning of the next (RFC 2920 §3.1)."""

import asyncio
import threading
import time

import pytest
from django.db import connection

from newsletter import enqueue
from newsletter.models import Edition
from newsletter.sending import send_edition
from newsletter.transports import Outcome, Verdict
from newsletter.transports.smtp import SMTPTransport
from newsletter.transports.smtp_connection import Relay as Host
from picum.chaos.relay import ACCEPT_THEN_DROP, DROP, HANG, Relay
from tests.newsletter.crowd import assert_everybody_once, crowd
from tests.newsletter.factories import make_issue
from tests.newsletter.lane import ACCEPTED, PLAIN, Desk, at, deliver, letters, verbs

ENVELOPE = ["MAIL", "RCPT", "DATA"]


class Listener:
    """A relay that notes what came in one piece and answers it in one: that is one round trip."""

    def __enter__(self):
        self.pieces: list[list[str]] = []
        self.unfinished: list[bytes] = []  # what came of a mail whose dot has not come
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(self.loop.create_server(lambda: Talk(self), "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.call_later, 0.05, self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Talk(asyncio.Protocol):
    def __init__(self, listener):
        self.listener, self.in_mail, self.line = listener, False, b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"220 listener.test\r\n")

    def data_received(self, data):
        *lines, self.line = (self.line + data).split(b"\r\n")
        said = [word for line in lines if (word := self.hear(line))]
        if said:
            self.listener.pieces.append([word for word, _answer in said])
            self.transport.write(b"".join(answer for _word, answer in said))

    def hear(self, line):
        if self.in_mail:
            self.in_mail = line != b"."
            self.listener.unfinished = [*self.listener.unfinished, line] if self.in_mail else []
            return None if self.in_mail else (".", b"250 2.0.0 queued\r\n")
        verb = line.split()[0].decode()
        self.in_mail = verb == "DATA"
        answers = {"EHLO": b"250-listener.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n", "DATA": b"354 go on\r\n"}
        return verb, answers.get(verb, b"250 2.0.0 ok\r\n")


def test_a_mail_costs_one_round_trip():
    with Listener() as relay:
        assert deliver(relay, *letters(4)) == [ACCEPTED] * 4
    assert relay.pieces == [["EHLO"], ENVELOPE, *[[".", *ENVELOPE]] * 3, ["."], ["QUIT"]]


def test_without_knowing_what_follows_it_costs_two():
    with Listener() as relay:
        assert deliver(relay, *letters(2), ahead=False) == [ACCEPTED] * 2
    assert relay.pieces == [["EHLO"], ENVELOPE, ["."], ENVELOPE, ["."], ["QUIT"]]


def test_a_relay_that_does_not_pipeline_hears_one_thing_at_a_time():
    with Relay(extensions=PLAIN) as relay:
        assert deliver(relay, *letters(3)) == [ACCEPTED] * 3
    assert verbs(relay) == ["EHLO", *ENVELOPE * 3, "QUIT"]


@pytest.mark.parametrize("to_data", [None, "354 go on, though nobody is to get it"])
def test_a_recipient_refused_ahead_is_refused_alone(to_data):
    script = at("RCPT", None, "550 5.1.1 who?")
    data = at("DATA", None, to_data)
    with Relay(lambda step, argument: script(step, argument) or data(step, argument)) as relay:
        outcomes = deliver(relay, *letters(3))
    assert outcomes == [ACCEPTED, Outcome(Verdict.REFUSED, "hard-bounce", "550 5.1.1 who?"), ACCEPTED]
    assert relay.recipients() == ["r1@example.org", "r3@example.org"]
    assert relay.connections == 1


@pytest.mark.parametrize(
    ("to_dot", "first", "taken"),
    [
        ("451 4.3.0 later", Outcome(Verdict.LATER, "4.3.0", "451 4.3.0 later"), []),
        ("552 5.3.4 too big", Outcome(Verdict.REFUSED, "refused", "552 5.3.4 too big"), []),
        ("421 4.7.0 enough\r\ndrop", Outcome(Verdict.LATER, "4.7.0", "421 4.7.0 enough"), []),
        (DROP, Outcome(Verdict.UNKNOWN, "no-answer", "hung up"), []),
        (ACCEPT_THEN_DROP, Outcome(Verdict.UNKNOWN, "no-answer", "hung up"), ["r1@example.org"]),
        ("250 2.0.0 queued\r\ndrop", ACCEPTED, ["r1@example.org"]),
    ],
)
def test_what_becomes_of_one_letter_does_not_touch_the_one_begun_behind_it(to_dot, first, taken):
    with Relay(at("dot", to_dot)) as relay:
        assert deliver(relay, *letters(3)) == [first, ACCEPTED, ACCEPTED]
    assert relay.recipients() == [*taken, "r2@example.org", "r3@example.org"]


@pytest.mark.parametrize("step", ENVELOPE)
def test_a_connection_that_breaks_on_the_letter_begun_is_replaced(step):
    with Relay(at(step, None, DROP)) as relay:
        assert deliver(relay, *letters(3)) == [ACCEPTED] * 3
    assert relay.recipients() == ["r1@example.org", "r2@example.org", "r3@example.org"]
    assert relay.connections == 2


def test_a_letter_begun_whose_reader_left_meanwhile_is_not_sent():
    with Relay() as relay:
        outcomes = deliver(relay, *letters(3), desk=Desk(grants={2: 0}))
    assert outcomes == [ACCEPTED, Outcome(Verdict.WITHDRAWN), ACCEPTED]
    assert relay.recipients() == ["r1@example.org", "r3@example.org"]


def test_another_letter_than_the_one_begun_goes_over_a_fresh_connection():
    first, second, third = letters(3)

    async def go():
        desk = Desk()
        lane = desk.lane = SMTPTransport(Host("127.0.0.1", relay.port, tls="never")).lane()
        outcomes = await lane.send([first], desk.intend, lambda: second)
        outcomes += await lane.send([third], desk.intend, lambda: None)
        await lane.close()
        return outcomes

    with Relay() as relay:
        assert asyncio.run(go()) == [ACCEPTED, ACCEPTED]
    assert relay.recipients() == ["r1@example.org", "r3@example.org"]
    assert relay.connections == 2


def test_the_end_of_a_run_leaves_no_half_a_letter_behind():
    first, second = letters(2)

    async def go():
        desk = Desk()
        lane = desk.lane = SMTPTransport(Host("127.0.0.1", relay.port, tls="never")).lane()
        outcomes = await lane.send([first], desk.intend, lambda: second)
        await lane.close()
        return outcomes

    with Listener() as relay:
        assert asyncio.run(go()) == [ACCEPTED]
    assert relay.pieces == [["EHLO"], ENVELOPE, [".", *ENVELOPE]]
    assert relay.unfinished == []  # a QUIT would be the first line of the second letter


@pytest.mark.django_db(transaction=True)
def test_a_lane_that_waits_for_an_answer_keeps_nobody_else_waiting(settings, relay):
    """The relay hears a mail and says nothing for minutes; who was to be next there is served by others."""
    settings.SENDING_CONNECTIONS, settings.SENDING_LEASE_SECONDS = 1, 3
    relay.script = at("dot", HANG)
    issue, addresses = make_issue(items=1, state=Edition.State.READY), crowd(3)
    enqueue.send(issue, ["en"], by=None)
    (edition,) = enqueue.freeze_due(issue.pk)
    stuck = threading.Thread(target=send_in_thread, args=(edition.pk,))
    stuck.start()
    wait_until(lambda: relay.connections and edition.deliveries.filter(state="queued", worker="").count() == 2)
    send_edition(edition.pk)
    assert len(relay.received) == len(addresses) - 1
    relay.hang_up()
    stuck.join(20)
    assert assert_everybody_once(relay, issue, addresses, most_unknown=1) == 1


def send_in_thread(edition_id: int) -> None:
    try:
        send_edition(edition_id, seconds=0.2)
    finally:
        connection.close()


def wait_until(condition, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
