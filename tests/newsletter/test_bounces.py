"""Bounces by mail, from the pipe to the stop list."""

import io
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from newsletter import bounces
from newsletter.bounces.checks import bounces_come_back
from newsletter.models import DeliveryEvent, Suppression
from picum import env
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import sent_issue
from tests.newsletter.test_bounces_reading import mail

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def amal(db):
    return make_subscriber("amal@example.org")


@pytest.fixture
def delivery(amal):
    return sent_issue(amal)[0]


def take(message: bytes):
    return bounces.take(message, now=timezone.now())


def stopped() -> list[tuple[str, str]]:
    return list(Suppression.objects.values_list("address_key", "reason"))


def state(delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.why


def test_a_mailbox_that_is_gone_is_not_written_to_again(amal, delivery):
    assert take(mail("postfix-unknown-user", delivery=delivery.pk)) == (True, {"read": 1, "hard": 1})
    assert stopped() == [(amal.address_key, "bounced")]
    assert state(delivery) == ("failed", "hard-bounce")
    event = DeliveryEvent.objects.get()
    assert (event.kind, event.code, event.source) == ("hard", "5.1.1", "dsn")
    assert event.detail == "550 5.1.1 <…>: Recipient address rejected: User unknown in virtual mailbox table"


def test_the_same_mail_again_changes_nothing(delivery):
    message = mail("postfix-unknown-user", delivery=delivery.pk)
    take(message)
    assert take(message.replace(b"\n", b"\r\n")) == (True, {"read": 1, "repeated": 1})
    assert DeliveryEvent.objects.count() == Suppression.objects.count() == 1


@pytest.mark.parametrize("name", ["postfix-mailbox-full", "postfix-blocked", "postfix-alias-member-gone", "gmx-german"])
def test_what_is_not_plainly_gone_stops_nobody(amal, delivery, name):
    take(mail(name, delivery=delivery.pk, handle=amal.handle))
    assert DeliveryEvent.objects.count() == 1
    assert stopped() == []


@pytest.mark.parametrize("name", ["postfix-delayed", "vacation-exchange", "exim-old-delayed", "human-reply"])
def test_what_means_nothing_changes_nothing(delivery, name):
    take(mail(name, delivery=delivery.pk))
    assert (DeliveryEvent.objects.count(), stopped()) == (0, [])
    assert state(delivery) == ("accepted", "")


HIDING = {
    "a redacted address": ("complaint", b"", b"", "complained"),
    "a complaint without any": ("complaint", b"redacted@example.org", b"redacted", "complained"),
    "a report without any": ("address-hidden", b"", b"", "bounced"),
}


@pytest.mark.parametrize("case", HIDING)
def test_a_mail_that_hides_the_address_counts_when_it_returns_the_reader_s_own_token(case, amal, delivery):
    name, there, instead, reason = HIDING[case]
    take(mail(name, delivery=delivery.pk, handle=amal.handle).replace(there, instead))
    assert stopped() == [(amal.address_key, reason)]


@pytest.mark.parametrize("case", HIDING)
@pytest.mark.parametrize("whose", ["nobody", "another reader"])
def test_the_delivery_s_token_alone_stops_nobody(case, whose, delivery):
    """It stands in the Message-ID, and so in the In-Reply-To of each answer."""
    name, there, instead, _reason = HIDING[case]
    handle = make_subscriber("boris@example.org").handle if whose == "another reader" else uuid.uuid4()
    message = mail(name, delivery=delivery.pk, handle=handle).replace(there, instead)
    assert take(message) == (False, {"left": 1})
    assert (stopped(), DeliveryEvent.objects.count(), state(delivery)) == ([], 0, ("accepted", ""))


def test_words_of_an_unknown_form_count_by_the_same_proof(amal, delivery):
    assert take(mail("gmx-german", delivery=delivery.pk)) == (False, {"left": 1})
    assert take(mail("gmx-german", delivery=delivery.pk, handle=amal.handle)) == (True, {"read": 1, "soft": 1})


@pytest.mark.parametrize("address", ["amal@example.org", "AMAL@Example.ORG"])
def test_a_complaint_that_names_the_reader_needs_no_more(address, amal, delivery):
    message = mail("complaint", delivery=delivery.pk).replace(b"<redacted@example.org>", f"<{address}>".encode())
    take(message)
    assert stopped() == [(amal.address_key, "complained")]


@pytest.mark.parametrize(
    "named", [b"boris@other.example", b"boris@\xc3\xbf\xe2\x80\xae..x", b"amal@example.org.other.example"]
)
def test_a_complaint_of_another_domain_stops_nobody_whatever_it_returns(named, amal, delivery):
    message = mail("complaint", delivery=delivery.pk, handle=amal.handle).replace(b"redacted@example.org", named)
    assert take(message) == (True, {"read": 1, "foreign": 1})
    assert stopped() == []


def test_an_international_domain_is_the_reader_s_own_in_both_forms(db):
    zoe = make_subscriber("zoe@straße.de")
    (delivery,) = sent_issue(zoe)
    complaint = mail("complaint", delivery=delivery.pk, handle=zoe.handle)
    take(complaint.replace(b"redacted@example.org", b"redacted@xn--strae-oqa.de"))
    assert stopped() == [(zoe.address_key, "complained")]


def test_a_report_about_somebody_else_stops_nobody(delivery):
    message = mail("postfix-unknown-user", delivery=delivery.pk).replace(b"amal@example.org", b"boris@example.org")
    assert take(message) == (True, {"read": 1, "foreign": 1})
    assert stopped() == []


def test_nobody_is_stopped_without_our_token(delivery):
    """A stranger who knows the address and the number of the delivery."""
    message = mail("postfix-unknown-user", token=f"{delivery.pk}-{'0' * 20}")
    assert take(message) == (False, {"not ours": 1})
    assert stopped() == []


def test_a_bounce_of_an_erased_reader_does_no_harm(amal, delivery):
    amal.delete()
    assert take(mail("address-hidden", delivery=delivery.pk)) == (True, {"read": 1, "foreign": 1})
    assert take(mail("postfix-delayed", delivery=delivery.pk)) == (True, {"read": 1})


def test_a_bounce_settles_what_was_unknown(amal):
    (unknown,) = sent_issue(amal, state="unknown")
    take(mail("qmail-no-mailbox", delivery=unknown.pk))
    assert state(unknown) == ("failed", "hard-bounce")


def test_a_relay_s_report_of_arrival_settles_what_was_unknown(amal):
    (unknown,) = sent_issue(amal, state="unknown")
    take(mail("postfix-delivered", delivery=unknown.pk))
    assert state(unknown) == ("accepted", "")


# --- the pipe --------------------------------------------------------------------------------------------------------


def pipe(monkeypatch, message: bytes) -> str:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(message)))
    said = io.StringIO()
    call_command("receive_bounce", verbosity=2, stdout=said)
    return said.getvalue()


def test_the_pipe_takes_a_bounce(monkeypatch, delivery):
    assert pipe(monkeypatch, mail("exim-unknown-user", delivery=delivery.pk)) == "read 1, hard 1\n"
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize("message", [b"", mail("human-reply"), mail("postfix-unknown-user", token="none")])
def test_the_pipe_takes_what_is_no_bounce_and_drops_it(monkeypatch, delivery, message):
    assert pipe(monkeypatch, message) == "This is no bounce of ours.\n"


def test_the_pipe_is_read_to_its_end(monkeypatch, delivery):
    message = io.BytesIO(mail("postfix-unknown-user", delivery=delivery.pk) + b"x" * 5_000_000)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(message))
    call_command("receive_bounce")
    assert message.read() == b""
    assert Suppression.objects.count() == 1


def test_the_mail_server_keeps_the_mail_while_the_database_is_away(settings, tmp_path):
    """A real pipe into a real process; the database's port is one where nobody listens."""
    environment = os.environ | {
        "DATABASE_URL": "postgres://picum:secret@127.0.0.1:1/picum",
        "VAR_DIR": str(tmp_path),
        "DEBUG": "true",
        "SECRET_KEY": settings.SECRET_KEY,
        "ADDRESS_KEY": settings.ADDRESS_KEY,
    }
    command = [sys.executable, "manage.py", "receive_bounce"]
    message = mail("address-hidden")
    done = subprocess.run(command, cwd=ROOT, env=environment, input=message, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (75, b"CommandError: Not now: OperationalError.\n")


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("imaps://bounce%40picum.example:pass%2Fword@mail.example", (
            "imap", "mail.example", 993, "bounce@picum.example", "pass/word", "INBOX", "immediate")),
        ("imap://u:p@mail.example:1143/Bounces%20here", (
            "imap", "mail.example", 1143, "u", "p", "Bounces here", "starttls")),
        ("imap://u:p@127.0.0.1", ("imap", "127.0.0.1", 143, "u", "p", "INBOX", "never")),
        ("pop3s://u:p@mail.example", ("pop3", "mail.example", 995, "u", "p", "INBOX", "immediate")),
        ("pop3://u:p@mail.example", ("pop3", "mail.example", 110, "u", "p", "INBOX", "starttls")),
    ],
)  # fmt: skip
def test_one_address_says_where_bounces_gather(monkeypatch, url, expected):
    monkeypatch.setenv("BOUNCE_URL", url)
    assert env.mailbox("BOUNCE_URL") == env.Mailbox(*expected)
    assert "password" not in repr(env.mailbox("BOUNCE_URL"))  # as a page of errors would show it


@pytest.mark.parametrize("url", ["", "pipe:"])
def test_bounces_need_no_mailbox(monkeypatch, url):
    monkeypatch.setenv("BOUNCE_URL", url)
    assert env.mailbox("BOUNCE_URL") is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("imaps://mail.example", "BOUNCE_URL must be like imaps://user:password@host/INBOX or pop3s://…, or pipe:."),
        ("smtp://u:secret@h", "BOUNCE_URL must be like imaps://user:password@host/INBOX or pop3s://…, or pipe:."),
        ("imaps://u:secret@h:mail", "BOUNCE_URL: the port must be a number up to 65535."),
    ],
)
def test_a_wrong_address_is_said_without_the_password(monkeypatch, url, said):
    monkeypatch.setenv("BOUNCE_URL", url)
    with pytest.raises(env.ImproperlyConfigured) as error:
        env.mailbox("BOUNCE_URL")
    assert str(error.value) == said


def test_production_is_warned_when_nobody_reads_the_bounces(settings):
    settings.NEWSLETTER_TRANSPORT, settings.BOUNCE_MAILBOX, settings.BOUNCE_PIPE = "smtp", None, False
    assert [found.id for found in bounces_come_back(None)] == ["newsletter.W031"]
    assert "newsletter.W031" in {found.id for found in run_checks(include_deployment_checks=True)}
    settings.BOUNCE_PIPE = True
    assert bounces_come_back(None) == []
    settings.BOUNCE_PIPE, settings.NEWSLETTER_TRANSPORT = False, "provider"
    assert bounces_come_back(None) == []


def test_fetching_without_a_mailbox_says_what_is_missing(settings):
    settings.BOUNCE_MAILBOX = None
    with pytest.raises(CommandError, match="BOUNCE_URL names no mailbox"):
        call_command("fetch_bounces")
