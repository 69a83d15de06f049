"""How letters travel to a relay: connections kept and replaced, bytes as written, TLS, logging in."""

import base64
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from django.core.mail import send_mail

from newsletter.mime import Letter
from newsletter.transports import Outcome, Verdict
from picum.chaos.relay import DROP, Relay
from tests.conftest import point_at
from tests.newsletter.lane import (
    ACCEPTED,
    MARKER,
    PIPELINED,
    PLAIN,
    SEVEN_BIT,
    always,
    at,
    deliver,
    letter,
    letters,
    verbs,
)

# --- connections -----------------------------------------------------------------------------------------------------


def test_many_letters_go_over_one_connection():
    with Relay() as relay:
        assert deliver(relay, *letters(50)) == [ACCEPTED] * 50
    assert relay.connections == 1
    assert verbs(relay) == ["EHLO", *["MAIL", "RCPT", "DATA"] * 50, "QUIT"]
    assert relay.recipients() == [f"r{number}@example.org" for number in range(1, 51)]


@pytest.mark.parametrize("extensions", [PIPELINED, PLAIN], ids=["pipelined", "step by step"])
def test_after_a_refusal_the_transaction_is_reset_before_the_next_letter(extensions):
    with Relay(at("RCPT", "550 5.1.1 who?"), extensions=extensions) as relay:
        deliver(relay, *letters(2))
    refused = ["MAIL", "RCPT", "DATA"] if "PIPELINING" in extensions else ["MAIL", "RCPT"]
    assert verbs(relay) == ["EHLO", *refused, "RSET", "MAIL", "RCPT", "DATA", "QUIT"]


def test_a_relay_that_cannot_reset_gets_a_new_connection():
    with Relay(lambda step, arg: "550 who?" if "r1@" in arg else DROP if step == "RSET" else None) as relay:
        outcomes = deliver(relay, *letters(2))
    assert outcomes == [Outcome(Verdict.REFUSED, "hard-bounce", "550 who?"), ACCEPTED]
    assert relay.connections == 2


@pytest.mark.parametrize("goodbye", ["250 2.0.0 queued\r\n421 4.7.0 enough\r\ndrop", "250 2.0.0 queued\r\ndrop"])
def test_a_relay_that_takes_a_hundred_mails_a_connection_gets_them_all(goodbye):
    taken = []

    def script(step, argument):
        if step == "dot":
            taken.append(argument)
            return goodbye if len(taken) % 100 == 0 else None
        return None

    with Relay(script) as relay:
        assert deliver(relay, *letters(250)) == [ACCEPTED] * 250
    assert relay.connections == 3
    assert relay.recipients() == [f"r{number}@example.org" for number in range(1, 251)]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_connection_that_served_and_breaks_is_replaced_at_once(step):
    with Relay(at(step, None, "421 4.7.0 too many on this connection\r\ndrop", None, DROP)) as relay:
        assert deliver(relay, *letters(3)) == [ACCEPTED] * 3
    assert relay.connections == 3
    assert relay.recipients() == ["r1@example.org", "r2@example.org", "r3@example.org"]


# --- what travels ---------------------------------------------------------------------------------------------------


def words(mail) -> list[str]:
    """Text and html as the reader's program decodes them."""
    bodies = [mail.message.get_body((kind,)).get_content() for kind in ("plain", "html")]
    return [body.replace("\r\n", "\n") for body in bodies]


def printed(one: Letter) -> list[str]:
    """What should arrive of TEXT and HTML: the letter's own token in place of the marker."""
    return [body.replace(MARKER, one.token) for body in (one.pressing.text, one.pressing.html)]


def test_eight_bit_mail_arrives_as_written_dots_and_all():
    one = letter()
    with Relay() as relay:
        deliver(relay, one)
    (mail,) = relay.received
    assert words(mail) == printed(one)
    assert [part["Content-Transfer-Encoding"] for part in mail.message.iter_parts()] == ["8bit", "8bit"]
    assert relay.commands[1] == f"MAIL FROM:<{one.sender}> BODY=8BITMIME"
    assert b"\r\n" in mail.data
    assert b"\n" not in mail.data.replace(b"\r\n", b"")


def test_without_8bitmime_mail_goes_quoted_printable_and_reads_the_same():
    one = letter()
    with Relay(extensions=SEVEN_BIT) as relay:
        deliver(relay, one)
    (mail,) = relay.received
    assert words(mail) == printed(one)
    assert [part["Content-Transfer-Encoding"] for part in mail.message.iter_parts()] == ["quoted-printable"] * 2
    assert mail.data.isascii()
    assert relay.commands[1] == f"MAIL FROM:<{one.sender}>"
    body = mail.data.partition(b"\r\n\r\n")[2]
    assert max(len(line) for line in body.split(b"\r\n")) <= 76


def test_a_line_over_998_octets_goes_quoted_printable_even_where_8bit_is_offered():
    one = letter(text="ü" * 600 + f" {MARKER}\n")
    with Relay() as relay:
        assert deliver(relay, one) == [ACCEPTED]
    (mail,) = relay.received
    assert words(mail) == printed(one)
    assert mail.data.partition(b"\r\n\r\n")[2].isascii()


def test_an_address_beyond_ascii_goes_where_the_relay_offers_smtputf8():
    with Relay() as relay:
        assert deliver(relay, letter("zoë@example.org")) == [ACCEPTED]
    assert relay.recipients() == ["zoë@example.org"]
    assert relay.commands[1].endswith(" BODY=8BITMIME SMTPUTF8")
    assert b"To: zo\xc3\xab@example.org\r\n" in relay.received[0].data


def test_an_address_beyond_ascii_fails_plainly_where_it_does_not_and_others_go():
    with Relay(extensions=PLAIN) as relay:
        outcomes = deliver(relay, letter("zoë@example.org"), letter("amal@example.org", 2))
    assert outcomes == [
        Outcome(Verdict.REFUSED, "no-smtputf8", "The relay cannot carry an address with such letters."),
        ACCEPTED,
    ]
    assert verbs(relay) == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


@pytest.mark.parametrize(
    ("address", "on_the_wire"),
    [("amal@bücher.example", "amal@xn--bcher-kva.example"), ("amal@straße.example", "amal@xn--strae-oqa.example")],
)
def test_an_international_domain_travels_in_its_ascii_form(address, on_the_wire):
    with Relay(extensions=PLAIN) as relay:
        assert deliver(relay, letter(address)) == [ACCEPTED]
    assert relay.recipients() == [on_the_wire]
    assert relay.received[0].message["To"] == on_the_wire


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("amal@" + "ü" * 70 + ".example", "The domain of the address has no ASCII form."),
        ("amal@example.org>\r\nRCPT TO:<x@example.org", "The address would break the conversation with the relay."),
    ],
)
def test_an_address_that_cannot_be_said_fails_alone(address, why):
    with Relay() as relay:
        outcomes = deliver(relay, letter(address), letter("amal@example.org", 2))
    assert outcomes == [Outcome(Verdict.REFUSED, "bad-address", why), ACCEPTED]
    assert relay.recipients() == ["amal@example.org"]


# --- TLS and logging in ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A certificate for 127.0.0.1, made here, with its key in the same file."""
    assert shutil.which("openssl"), "These tests make a certificate with the openssl program; install openssl."
    path = tmp_path_factory.mktemp("tls") / "relay.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls(certificate, monkeypatch) -> ssl.SSLContext:
    """The relay's side; this machine trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


TLS_OFFERED = (*PIPELINED, "STARTTLS")


@pytest.mark.parametrize(
    ("wanted", "offered", "steps"),
    [
        ("required", True, ["EHLO", "STARTTLS", "EHLO"]),
        ("offered", True, ["EHLO", "STARTTLS", "EHLO"]),
        ("offered", False, ["EHLO"]),
        ("never", True, ["EHLO"]),
    ],
)
def test_starttls_is_used_as_asked(tls, wanted, offered, steps):
    with Relay(extensions=TLS_OFFERED if offered else PIPELINED, ssl_context=tls) as relay:
        assert deliver(relay, tls=wanted) == [ACCEPTED]
    assert verbs(relay) == [*steps, "MAIL", "RCPT", "DATA", "QUIT"]


@pytest.mark.parametrize(
    ("wanted", "offered", "steps"),
    [
        ("offered", True, ["EHLO", "STARTTLS", "EHLO"]),
        ("offered", False, ["EHLO"]),
        ("never", True, ["EHLO"]),
    ],
)
def test_a_single_mail_is_encrypted_wherever_the_newsletter_is(tls, settings, wanted, offered, steps):
    with Relay(extensions=TLS_OFFERED if offered else PIPELINED, ssl_context=tls) as relay:
        point_at(settings, relay)
        settings.EMAIL_BACKEND, settings.EMAIL_STARTTLS = "picum.smtp.EmailBackend", wanted
        send_mail("Subject", "Text", None, ["amal@example.org"])
        assert [verb.upper() for verb in verbs(relay)] == [*steps, "MAIL", "RCPT", "DATA", "QUIT"]
        assert relay.recipients() == ["amal@example.org"]


def test_tls_from_the_first_byte(tls):
    with Relay(ssl_context=tls, tls_from_start=True) as relay:
        assert deliver(relay, tls="direct") == [ACCEPTED]


def test_nothing_is_said_in_the_clear_where_tls_is_required():
    with Relay() as relay:
        (outcome,) = deliver(relay, tls="required", user="desk", password="secret")
    detail = f"127.0.0.1:{relay.port} refused STARTTLS: 500 5.5.2 what?"
    assert outcome == Outcome(Verdict.UNSENT, "connect", detail, backs_off=True)
    assert verbs(relay) == ["EHLO", "STARTTLS"]


def test_a_certificate_that_nobody_vouches_for_is_refused(tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with Relay(extensions=TLS_OFFERED, ssl_context=tls) as relay:
        (outcome,) = deliver(relay, tls="offered")
    assert (outcome.verdict, outcome.why, outcome.backs_off) == (Verdict.UNSENT, "connect", True)
    assert outcome.detail.startswith(f"no TLS with 127.0.0.1:{relay.port}: ")
    assert "self-signed certificate" in outcome.detail


def test_an_answer_smuggled_in_before_tls_is_not_believed(tls):
    with Relay(always("STARTTLS", "220 ready\r\n250 AUTH PLAIN"), extensions=TLS_OFFERED, ssl_context=tls) as relay:
        (outcome,) = deliver(relay, tls="required", user="desk", password="secret")
    detail = f"no TLS with 127.0.0.1:{relay.port}: it said more than it was asked"
    assert outcome == Outcome(Verdict.UNSENT, "connect", detail, backs_off=True)


def coded(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ("AUTH LOGIN PLAIN", ["AUTH PLAIN " + coded("\0désk\0s3crét")]),
        ("AUTH LOGIN", ["AUTH LOGIN", coded("désk"), coded("s3crét")]),
    ],
)
def test_logging_in(offer, said):
    with Relay(extensions=(*PIPELINED, offer)) as relay:
        assert deliver(relay, user="désk", password="s3crét") == [ACCEPTED]
    assert relay.commands[1 : 1 + len(said)] == said


@pytest.mark.parametrize("offer", ["AUTH PLAIN", "AUTH LOGIN"])
def test_a_wrong_password_keeps_the_letter_and_says_so_without_the_password(offer):
    with Relay(always("AUTH", "535 5.7.8 wrong"), extensions=(offer,)) as relay:
        (outcome,) = deliver(relay, user="desk", password="secret")
    detail = f"127.0.0.1:{relay.port} refused AUTH: 535 5.7.8 wrong"
    assert outcome == Outcome(Verdict.UNSENT, "connect", detail, backs_off=True)


def test_a_relay_that_offers_no_way_to_log_in_keeps_the_letter():
    with Relay(extensions=(*PIPELINED, "AUTH GSSAPI")) as relay:
        (outcome,) = deliver(relay, user="desk", password="secret")
    detail = f"127.0.0.1:{relay.port} offers no way to log in"
    assert outcome == Outcome(Verdict.UNSENT, "connect", detail, backs_off=True)
