"""What a relay can say or do, and what each of it becomes: the table "observed → becomes" of docs/sending.md."""

from dataclasses import replace

import pytest

from newsletter.transports import Outcome, Verdict, smtp, smtp_connection
from picum.chaos.relay import ACCEPT_THEN_DROP, DROP, HANG, Relay
from tests.newsletter.lane import ACCEPTED, PIPELINED, PLAIN, Desk, always, at, deliver, letters, verbs

# --- what is not the letter's fault: it stays in the queue, and the whole edition backs off ----------------

UNSENT = [
    ("connect", "554 5.3.2 not today", "connect", "{relay} refused greeting: 554 5.3.2 not today"),
    ("connect", "421 4.3.2 too busy", "connect", "{relay} refused greeting: 421 4.3.2 too busy"),
    ("connect", "hello there", "connect", "the relay does not speak SMTP: hello there"),
    ("connect", DROP, "connect", "hung up"),
    ("EHLO", "502 5.5.1 no", "connect", "{relay} refused EHLO: 502 5.5.1 no"),
    ("EHLO", "421 4.3.2 later", "connect", "{relay} refused EHLO: 421 4.3.2 later"),
    ("EHLO", DROP, "connect", "hung up"),
    ("EHLO", "250 hello\r\ndrop", "dropped", "hung up"),
    ("MAIL", "451 4.3.0 later", "sender-refused", "451 4.3.0 later"),
    ("MAIL", "550 5.7.1 <bounce+1@news.test> not you", "sender-refused", "550 5.7.1 <…> not you"),
    ("MAIL", "421 4.3.2 bye", "dropped", "{relay} closes the connection: 421 4.3.2 bye"),
    ("MAIL", DROP, "dropped", "hung up"),
    ("MAIL", "250 ok\r\ndrop", "dropped", "hung up"),
    ("RCPT", "421 4.3.2 bye", "dropped", "{relay} closes the connection: 421 4.3.2 bye"),
    ("RCPT", DROP, "dropped", "hung up"),
    ("RCPT", "250 ok\r\ndrop", "dropped", "hung up"),
    ("DATA", "421 4.3.2 bye", "dropped", "{relay} closes the connection: 421 4.3.2 bye"),
    ("DATA", DROP, "dropped", "hung up"),
]


@pytest.mark.parametrize("extensions", [PIPELINED, PLAIN], ids=["pipelined", "step by step"])
@pytest.mark.parametrize(("step", "action", "why", "detail"), UNSENT, ids=[f"{row[0]} {row[1]!r}" for row in UNSENT])
def test_before_anything_is_said_of_the_reader_the_letter_stays_queued_and_the_edition_backs_off(
    step, action, why, detail, extensions
):
    desk = Desk()
    with Relay(always(step, action), extensions=extensions) as relay:
        (outcome,) = deliver(relay, desk=desk)
    detail = detail.format(relay=f"127.0.0.1:{relay.port}")
    assert outcome == Outcome(Verdict.UNSENT, why, detail, backs_off=True)
    assert desk.asked == []
    assert relay.received == []


def test_no_relay_at_all_is_the_same():
    with Relay() as relay:
        pass
    (outcome,) = deliver(relay)
    detail = f"no connection to 127.0.0.1:{relay.port}: Connection refused"
    assert outcome == Outcome(Verdict.UNSENT, "connect", detail, backs_off=True)


def test_a_host_without_an_address_is_the_same():
    with Relay() as relay:
        (outcome,) = deliver(relay, host="relay.invalid")
    assert (outcome.verdict, outcome.why, outcome.backs_off) == (Verdict.UNSENT, "connect", True)
    assert outcome.detail.startswith(f"no connection to relay.invalid:{relay.port}: ")


@pytest.mark.parametrize("step", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_relay_that_falls_silent_before_the_dot_has_sent_nothing(monkeypatch, step):
    monkeypatch.setattr(smtp_connection, "REPLY_SECONDS", 0.2)
    with Relay(always(step, HANG)) as relay:
        (outcome,) = deliver(relay)
    why = "connect" if step in {"connect", "EHLO"} else "dropped"
    assert outcome == Outcome(Verdict.UNSENT, why, "the relay did not answer within 0.2 s", backs_off=True)


def test_a_relay_that_hangs_up_in_the_middle_of_the_mail_has_sent_nothing():
    desk = Desk(waits_on=[1])
    with Relay(always("DATA", "354 go on\r\ndrop")) as relay:
        (outcome,) = deliver(relay, desk=desk)
    assert outcome == Outcome(Verdict.UNSENT, "dropped", "hung up", backs_off=True)
    assert desk.asked == [1]


SPOKE_EARLY = {
    "552 5.3.4 too big": Outcome(Verdict.REFUSED, "refused", "552 5.3.4 too big"),
    "452 4.3.1 disk full": Outcome(Verdict.LATER, "4.3.1", "452 4.3.1 disk full"),
    "554 5.7.1 spam": Outcome(Verdict.REFUSED, "policy", "554 5.7.1 spam", stops=True),
    "421 4.3.2 shutting down": Outcome(
        Verdict.UNSENT, "dropped", "{relay} closes the connection: 421 4.3.2 shutting down", backs_off=True
    ),
}


@pytest.mark.parametrize("said", SPOKE_EARLY)
def test_a_relay_that_answers_before_the_dot_has_sent_nothing_and_is_understood(said):
    with Relay(always("DATA", f"354 go on\r\n{said}")) as relay:
        (outcome,) = deliver(relay, desk=Desk(waits_on=[1]))
    expected = SPOKE_EARLY[said]
    assert outcome == replace(expected, detail=expected.detail.format(relay=f"127.0.0.1:{relay.port}"))
    assert relay.received == []


# --- what is said of the reader, or of the letter ------------------------------------------------------------------

JUDGED = [
    ("RCPT", "451 4.7.1 greylisted", Outcome(Verdict.LATER, "4.7.1", "451 4.7.1 greylisted")),
    ("RCPT", "452 4.2.2 full", Outcome(Verdict.LATER, "4.2.2", "452 4.2.2 full")),
    ("RCPT", "450 busy", Outcome(Verdict.LATER, "450", "450 busy")),
    ("RCPT", "550 5.1.1 <amal@example.org> who?", Outcome(Verdict.REFUSED, "hard-bounce", "550 5.1.1 <…> who?")),
    ("RCPT", "550 who?", Outcome(Verdict.REFUSED, "hard-bounce", "550 who?")),
    ("RCPT", "550 5.7.1 blocked", Outcome(Verdict.REFUSED, "policy", "550 5.7.1 blocked")),
    ("DATA", "451 4.3.0 later", Outcome(Verdict.LATER, "4.3.0", "451 4.3.0 later")),
    ("DATA", "554 5.6.0 no", Outcome(Verdict.REFUSED, "refused", "554 5.6.0 no")),
    ("DATA", "554 5.7.1 policy", Outcome(Verdict.REFUSED, "policy", "554 5.7.1 policy", stops=True)),
    ("dot", "451 4.3.0 later", Outcome(Verdict.LATER, "4.3.0", "451 4.3.0 later")),
    ("dot", "421 4.3.2 bye\r\ndrop", Outcome(Verdict.LATER, "4.3.2", "421 4.3.2 bye")),
    ("dot", "552 5.3.4 too big", Outcome(Verdict.REFUSED, "refused", "552 5.3.4 too big")),
    ("dot", "554 no thanks", Outcome(Verdict.REFUSED, "refused", "554 no thanks")),
    ("dot", "554 5.7.26 not aligned", Outcome(Verdict.REFUSED, "policy", "554 5.7.26 not aligned", stops=True)),
    ("dot", "250-2.0.0 thank\r\n250-2.0.0 you\r\n250 2.0.0 all",
     Outcome(Verdict.ACCEPTED, "", "250 2.0.0 thank 2.0.0 you 2.0.0 all")),
    ("dot", "554-5.7.1 it\r\n554-5.7.1 looks\r\n554 5.7.1 bad",
     Outcome(Verdict.REFUSED, "policy", "554 5.7.1 it 5.7.1 looks 5.7.1 bad", stops=True)),
    ("dot", "550 5.6.0 a\x00b\x07c", Outcome(Verdict.REFUSED, "refused", "550 5.6.0 a b c")),
]  # fmt: skip


@pytest.mark.parametrize("extensions", [PIPELINED, PLAIN], ids=["pipelined", "step by step"])
@pytest.mark.parametrize(("step", "reply", "expected"), JUDGED, ids=[f"{row[0]} {row[1]!r}" for row in JUDGED])
def test_a_judgement_is_this_letter_s_own_and_the_next_one_goes_through(step, reply, expected, extensions):
    with Relay(at(step, reply), extensions=extensions) as relay:
        outcomes = deliver(relay, *letters(2))
    assert outcomes == [expected, ACCEPTED]
    assert relay.recipients()[-1] == "r2@example.org"


def test_a_data_command_without_recipients_is_closed_by_a_lone_dot():
    def script(step, argument):
        if step == "RCPT" and "r1@" in argument:
            return "550 5.1.1 who?"
        return "354 all the same" if step == "DATA" else None

    with Relay(script) as relay:
        outcomes = deliver(relay, *letters(2))
    assert outcomes == [Outcome(Verdict.REFUSED, "hard-bounce", "550 5.1.1 who?"), ACCEPTED]
    assert relay.recipients() == ["r2@example.org"]
    assert relay.connections == 1


@pytest.mark.parametrize(
    ("step", "reply", "why", "limit"),
    [
        ("dot", "554 no", "refused", 5),
        ("RCPT", "550 5.7.1 relaying denied", "policy", 5),
        ("RCPT", "550 who?", "hard-bounce", 20),
    ],
)
def test_one_refusal_after_the_other_stops_the_edition(step, reply, why, limit):
    refused = Outcome(Verdict.REFUSED, why, reply)
    with Relay(always(step, reply)) as relay:
        assert deliver(relay, *letters(limit)) == [refused] * (limit - 1) + [replace(refused, stops=True)]
    between = [*[reply] * (limit - 1), None, *[reply] * (limit - 1)]
    with Relay(at(step, *between)) as relay:
        outcomes = deliver(relay, *letters(len(between)))
    assert outcomes == [refused] * (limit - 1) + [ACCEPTED] + [refused] * (limit - 1)


# --- after the dot ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", [DROP, ACCEPT_THEN_DROP, "nonsense"])
def test_no_readable_answer_after_the_dot_is_unknown_and_the_next_letter_takes_a_new_connection(action):
    with Relay(at("dot", action)) as relay:
        outcomes = deliver(relay, *letters(2))
    detail = "the relay does not speak SMTP: nonsense" if action == "nonsense" else "hung up"
    assert outcomes == [Outcome(Verdict.UNKNOWN, "no-answer", detail), ACCEPTED]
    assert relay.connections == 2


def test_where_one_letter_after_the_other_gets_no_answer_the_edition_backs_off():
    unknown = Outcome(Verdict.UNKNOWN, "no-answer", "hung up")
    with Relay(at("dot", DROP, None, DROP, DROP)) as relay:
        outcomes = deliver(relay, *letters(4))
    assert outcomes == [unknown, ACCEPTED, unknown, replace(unknown, backs_off=True)]


def test_silence_after_the_dot_is_unknown(monkeypatch):
    monkeypatch.setattr(smtp, "DOT_SECONDS", 0.2)
    with Relay(at("dot", HANG)) as relay:
        outcomes = deliver(relay, *letters(2))
    assert outcomes == [Outcome(Verdict.UNKNOWN, "no-answer", "the relay did not answer within 0.2 s"), ACCEPTED]


@pytest.mark.parametrize("action", ["500 5.5.2 what?", "421 4.3.2 bye", DROP])
def test_an_error_on_the_way_out_changes_nothing(action):
    with Relay(always("QUIT", action)) as relay:
        assert deliver(relay) == [ACCEPTED]
    assert verbs(relay)[-1] == "QUIT"


def test_without_a_granted_intent_the_dot_is_never_said():
    desk = Desk(grants={1: 0})
    with Relay() as relay:
        outcomes = deliver(relay, *letters(2), desk=desk)
    assert outcomes == [Outcome(Verdict.WITHDRAWN), ACCEPTED]
    assert relay.recipients() == ["r2@example.org"]
    assert desk.asked == [1, 2]


def test_an_intent_refused_the_second_time_is_not_lost_as_one_on_the_wire():
    """The first time it was granted, but the relay hung up before the dot; meanwhile the reader left."""
    desk = Desk(grants={2: 1}, waits_on=[2])
    with Relay(at("DATA", None, "354 go on\r\ndrop")) as relay:
        outcomes = deliver(relay, *letters(2), desk=desk)
    assert outcomes == [ACCEPTED, Outcome(Verdict.UNSENT)]
    assert desk.asked == [1, 2, 2]
    assert relay.recipients() == ["r1@example.org"]
