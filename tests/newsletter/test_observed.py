"""Observed → becomes, row by row of docs/sending.md, through the whole engine: a relay on a real socket misbehaves, and
the ledger, the edition and the next runs are held against the table.

What a provider says is in test_provider_table.py; each step of one connection alone in test_smtp.py.
"""

import datetime
import ssl
from collections.abc import Callable

import pytest

from newsletter import enqueue, reporting
from newsletter.models import Edition, Suppression
from newsletter.transports import smtp, smtp_connection
from picum.chaos.relay import ACCEPT_THEN_DROP, DROP, HANG, Late, Relay
from picum.chaos.site import free_port
from tests.conftest import point_at
from tests.newsletter.lane import PIPELINED, PLAIN, always, at, verbs
from tests.newsletter.mailing import OK, Mailing

pytestmark = pytest.mark.django_db
State = Edition.State
SECOND, MINUTE, HOUR = (datetime.timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours"))
WAITS = ("queued", "", 0)


@pytest.fixture(autouse=True)
def one_connection(settings):
    settings.SENDING_CONNECTIONS = 1


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Minutes as the RFC has them would be too long here."""
    monkeypatch.setattr(smtp_connection, "REPLY_SECONDS", 0.1)
    monkeypatch.setattr(smtp, "DOT_SECONDS", 0.1)


@pytest.fixture(params=[PIPELINED, PLAIN], ids=["one round trip", "step by step"])
def extensions(request):
    """One round trip: behind each dot travels the beginning of the next letter."""
    return request.param


@pytest.fixture
def mailing():
    return Mailing()


def whenever(step: str, address: str, action: str):
    """A script that does this at the step, each time the letter is to this address."""
    recipients = [""]

    def script(here, argument):
        if here in {"RCPT", "dot"}:
            recipients.append(argument)
        return action if here == step and address in recipients[-1] else None

    return script


# --- DNS, connect, TLS, AUTH, EHLO or MAIL fails: queued again; the whole edition backs off ---------------------------

Break = Callable[[object, Relay], None]


def no_name(settings, relay):
    settings.EMAIL_HOST = "relay.invalid"


def nobody_listens(settings, relay):
    settings.EMAIL_PORT = free_port()


def no_tls(settings, relay):
    settings.EMAIL_STARTTLS = "required"


def no_common_tls(settings, relay):
    relay.extensions += ("STARTTLS",)
    relay.ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # without a certificate
    settings.EMAIL_STARTTLS = "offered"


def wrong_password(settings, relay):
    relay.extensions += ("AUTH PLAIN",)
    relay.script = always("AUTH", "535 5.7.8 wrong")
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "desk", "secret"


def says(step: str, action: str) -> Break:
    def broken(settings, relay):
        relay.script = always(step, action)

    return broken


CLOSED_DOORS = {
    "DNS": (no_name, "connect", "no connection to relay.invalid"),
    "connect refused": (nobody_listens, "connect", "Connection refused"),
    "no TLS": (no_tls, "connect", "refused STARTTLS: 500"),
    "TLS fails": (no_common_tls, "connect", "no TLS with 127.0.0.1"),
    "AUTH": (wrong_password, "connect", "refused AUTH: 535 5.7.8 wrong"),
    "greeting 421": (says("connect", "421 4.3.2 busy"), "connect", "refused greeting: 421 4.3.2 busy"),
    "silence": (says("connect", HANG), "connect", "did not answer"),
    "EHLO 502": (says("EHLO", "502 5.5.1 no"), "connect", "refused EHLO: 502 5.5.1 no"),
    "EHLO dropped": (says("EHLO", DROP), "connect", ""),
    "MAIL 451": (says("MAIL", "451 4.3.0 later"), "sender-refused", "451 4.3.0 later"),
    "MAIL 550": (says("MAIL", "550 5.7.1 not you"), "sender-refused", "550 5.7.1 not you"),
    "MAIL 421": (says("MAIL", "421 4.3.2 bye"), "dropped", "closes the connection: 421 4.3.2 bye"),
}


@pytest.mark.parametrize(
    ("door", "extensions"),
    [(door, PIPELINED) for door in CLOSED_DOORS] + [(door, PLAIN) for door in CLOSED_DOORS if "MAIL" in door],
    indirect=["extensions"],
)
def test_a_closed_door_costs_nobody_anything_and_the_edition_waits(settings, mailing, extensions, door):
    breaks, why, error = CLOSED_DOORS[door]
    pauses = [5, 10, 20, 40, 60, 60] if door == "greeting 421" else [5, 10]
    with Relay(extensions=extensions) as relay:
        point_at(settings, relay)
        breaks(settings, relay)
        moment = 0.0
        for failures, pause in enumerate(pauses, 1):
            assert mailing.run(moment * SECOND) == {"unsent": 1}
            # Each time another letter is tried first, and no other one.
            assert set(mailing.ledger()) - {WAITS} == {("queued", why, 0)}
            assert mailing.edition.state == State.SENDING
            assert error in mailing.edition.last_error
            assert mailing.backs_off == (failures, pytest.approx(moment + pause, abs=2))
            talks = relay.connections
            assert mailing.run((moment + pause - 3) * SECOND) == {}  # not before
            assert relay.connections == talks
            moment += pause + 2
        assert relay.received == []

        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        point_at(settings, relay)
        relay.script = lambda step, argument: None
        assert mailing.run(moment * SECOND) == {"accepted": 4}
        assert (mailing.edition.failures, mailing.edition.resume_at) == (0, None)
        mailing.assert_over(relay, [OK] * 4)


@pytest.mark.parametrize(
    ("step", "action", "why"),
    [
        ("MAIL", "451 4.3.0 later", "sender-refused"),
        ("MAIL", "550 5.7.1 not you", "sender-refused"),
        ("RCPT", "421 4.3.2 bye", "dropped"),
        ("DATA", "421 4.3.2 bye", "dropped"),
    ],
)
def test_a_door_that_closes_in_the_middle_has_served_those_before(settings, mailing, extensions, step, action, why):
    # A 421 on a connection that served is a reason to try a fresh one: it closes twice.
    with Relay(at(step, None, action, action), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 1, "unsent": 1}
        assert mailing.ledger() == [OK, ("queued", why, 0), WAITS, WAITS]
        assert mailing.backs_off == (1, pytest.approx(5, abs=2))
        assert relay.recipients() == mailing.letters[:1]
        relay.script = lambda step, argument: None
        assert mailing.run() == {}
        assert mailing.run(8 * SECOND) == {"accepted": 3}
        mailing.assert_over(relay, [OK] * 4)


@pytest.mark.parametrize("action", [DROP, "421 4.3.2 bye"])
def test_all_connections_together_back_off_once(settings, action):
    settings.SENDING_CONNECTIONS = 4
    mailing = Mailing(30)
    with Relay(always("EHLO", action)) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"unsent": 1}
        assert mailing.backs_off == (1, pytest.approx(5, abs=2))
        assert sorted(mailing.ledger()) == sorted([("queued", "connect", 0)] + [WAITS] * 29)


@pytest.mark.django_db(transaction=True)
def test_a_mail_accepted_late_on_another_connection_does_not_undo_the_backing_off(settings):
    """One connection's dot is still being answered while another one's sender is refused."""
    settings.SENDING_CONNECTIONS = 2
    mailing, mails = Mailing(6), iter(range(99))

    def script(step, argument):
        if step == "MAIL" and next(mails) > 0:
            return "451 4.3.0 later"
        return Late(0.05) if step == "dot" else None

    with Relay(script, extensions=PLAIN) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 1, "unsent": 1}
        assert mailing.backs_off == (1, pytest.approx(5, abs=2))


# --- RCPT 5xx, 5.1.x: failed, hard bounce -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "why", "to_data"),
    [
        ("550 5.1.1 who?", "hard-bounce", None),
        ("550 5.1.1 who?", "hard-bounce", "354 all the same"),
        ("550 who?", "hard-bounce", None),
        ("550 5.7.1 blocked", "policy", None),
    ],
)
def test_a_recipient_who_is_refused_has_failed_and_nobody_else(settings, mailing, extensions, reply, why, to_data):
    recipient, data = at("RCPT", None, reply), at("DATA", None, to_data)
    with Relay(lambda *said: recipient(*said) or data(*said), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 3, "refused": 1}
        assert mailing.rows[1].detail == reply
        assert mailing.edition.last_error == ""
        mailing.assert_over(relay, [OK, ("failed", why, 1), OK, OK])
        assert relay.connections == 1


@pytest.mark.parametrize(
    ("reply", "reasons"),
    [("550 5.1.1 who?", ["bounced"]), ("550 5.2.1 closed", ["bounced"]), ("550 5.7.1 blocked", [])],
)
def test_whose_mailbox_does_not_exist_is_on_the_stop_list_at_once(settings, mailing, reply, reasons):
    with Relay(at("RCPT", None, reply)) as relay:
        point_at(settings, relay)
        mailing.run()
    stopped = Suppression.objects.values_list("address_key", "reason")
    assert list(stopped) == [(mailing.rows[1].address_key, reason) for reason in reasons]


# --- any 4xx before or at the dot: deferred, 5 min × 2ⁿ, at most 5 tries ----------------------------------------------


@pytest.mark.parametrize("step", ["RCPT", "DATA", "dot"])
def test_a_letter_put_off_comes_again_after_5_10_20_and_40_minutes_and_then_has_failed(
    settings, mailing, extensions, step
):
    with Relay(whenever(step, mailing.letters[1], "451 4.7.1 come again"), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 3, "later": 1}
        moment = datetime.timedelta()
        for tries, minutes in enumerate([5, 10, 20, 40], 1):
            assert mailing.ledger() == [OK, ("deferred", "4.7.1", tries), OK, OK]
            assert mailing.edition.state == State.SENDING
            assert mailing.edition.resume_at is None
            assert mailing.due_in(1) == pytest.approx((moment + minutes * MINUTE).total_seconds(), abs=4)
            talks = relay.connections
            assert mailing.run(moment + minutes * MINUTE - 10 * SECOND) == {}
            assert relay.connections == talks
            moment += minutes * MINUTE + 5 * SECOND
            assert mailing.run(moment) == {"later": 1}
        mailing.assert_over(relay, [OK, ("failed", "4.7.1", 5), OK, OK])


@pytest.mark.parametrize("step", ["RCPT", "DATA", "dot"])
def test_a_letter_put_off_is_taken_the_second_time(settings, mailing, extensions, step):
    with Relay(at(step, None, "452 4.2.2 full"), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 3, "later": 1}
        first, victim, *others = mailing.letters
        assert relay.recipients() == [first, *others]
        assert mailing.run(6 * MINUTE) == {"accepted": 1}
        assert relay.recipients() == [first, *others, victim]
        assert mailing.ledger() == [OK, ("accepted", "", 2), OK, OK]
        assert mailing.edition.state == State.SENT


# --- 5xx at the dot: failed; 5.7.x: the edition pauses, nobody is suppressed ------------------------------------------


@pytest.mark.parametrize("step", ["DATA", "dot"])
def test_a_letter_refused_for_what_it_is_has_failed_alone(settings, mailing, extensions, step):
    with Relay(at(step, None, "552 5.3.4 too big"), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 3, "refused": 1}
        assert not Suppression.objects.exists()
        mailing.assert_over(relay, [OK, ("failed", "refused", 1), OK, OK])


@pytest.mark.parametrize("step", ["DATA", "dot"])
def test_a_refusal_by_policy_pauses_the_edition_until_a_person_looks(settings, mailing, extensions, step):
    with Relay(at(step, None, "554 5.7.1 looks like spam"), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 1, "refused": 1}
        assert (mailing.edition.state, mailing.edition.reason) == (State.PAUSED, "554 5.7.1 looks like spam")
        assert mailing.ledger() == [OK, ("failed", "policy", 1), WAITS, WAITS]
        assert relay.recipients() == mailing.letters[:1]
        assert not Suppression.objects.exists()
        assert mailing.run(HOUR) == {}

        enqueue.resume(mailing.edition, by=None)
        assert mailing.run(HOUR + MINUTE) == {"accepted": 2}
        mailing.assert_over(relay, [OK, ("failed", "policy", 1), OK, OK])


# --- drop or timeout before the dot: queued ---------------------------------------------------------------------------

BREAKS = [("MAIL", DROP), ("RCPT", DROP), ("DATA", DROP), ("DATA", HANG)]


@pytest.mark.parametrize(("step", "action"), BREAKS)
def test_a_connection_that_breaks_before_the_dot_is_replaced_and_nobody_notices(
    settings, mailing, extensions, step, action
):
    with Relay(at(step, None, action), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 4}
        assert relay.connections == 2
        mailing.assert_over(relay, [OK] * 4)


@pytest.mark.parametrize(("step", "action"), BREAKS)
def test_one_that_breaks_again_leaves_the_letter_queued_and_the_edition_backs_off(
    settings, mailing, extensions, step, action
):
    with Relay(at(step, None, action, action), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 1, "unsent": 1}
        assert mailing.ledger() == [OK, ("queued", "dropped", 0), WAITS, WAITS]
        assert mailing.backs_off == (1, pytest.approx(5, abs=2))
        assert mailing.run(8 * SECOND) == {"accepted": 3}
        mailing.assert_over(relay, [OK] * 4)


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_a_letter_at_which_the_relay_always_hangs_up_does_not_hold_up_the_others(settings, mailing, extensions, step):
    with Relay(whenever(step, mailing.letters[1], DROP), extensions=extensions) as relay:
        point_at(settings, relay)
        for moment in (0, 10, 30):
            mailing.run(moment * SECOND)
        assert mailing.ledger() == [OK, ("queued", "dropped", 0), OK, OK]
        assert mailing.edition.state == State.SENDING


# --- drop, timeout or nonsense after the dot: unknown -----------------------------------------------------------------


@pytest.mark.parametrize("action", [DROP, ACCEPT_THEN_DROP, HANG, "nonsense"])
def test_a_letter_without_an_answer_to_its_dot_is_unknown_and_never_sent_again(settings, mailing, extensions, action):
    first, victim, *others = mailing.letters
    with Relay(at("dot", None, action), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 3, "unknown": 1}
        assert relay.recipients() == [first, *([victim] if action == ACCEPT_THEN_DROP else []), *others]
        assert relay.connections == 2
        mailing.assert_over(relay, [OK, ("unknown", "no-answer", 1), OK, OK])
        assert len(reporting.report(mailing.issue)["unknown"]) == 1


def test_a_second_letter_without_an_answer_makes_the_edition_wait(settings, mailing, extensions):
    with Relay(at("dot", DROP, DROP), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"unknown": 2}
        assert mailing.backs_off == (1, pytest.approx(5, abs=2))
        assert mailing.run(8 * SECOND) == {"accepted": 2}
        mailing.assert_over(relay, [("unknown", "no-answer", 1)] * 2 + [OK] * 2)


def test_a_421_to_the_dot_is_an_answer(settings, mailing, extensions):
    with Relay(at("dot", None, "421 4.3.2 bye\r\ndrop"), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 3, "later": 1}
        assert mailing.ledger() == [OK, ("deferred", "4.3.2", 1), OK, OK]


# --- an error on QUIT after 250: accepted -----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["500 5.5.2 what?", "421 4.3.2 bye", DROP])
def test_a_bad_goodbye_changes_nothing(settings, mailing, extensions, action):
    with Relay(always("QUIT", action), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 4}
        assert verbs(relay)[-1] == "QUIT"
        assert mailing.edition.last_error == ""
        mailing.assert_over(relay, [OK] * 4)


def test_a_connection_that_ends_behind_the_answer_has_delivered(settings, mailing, extensions):
    with Relay(at("dot", None, "250 2.0.0 queued\r\ndrop"), extensions=extensions) as relay:
        point_at(settings, relay)
        assert mailing.run() == {"accepted": 4}
        mailing.assert_over(relay, [OK] * 4)
