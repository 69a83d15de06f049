"""Readers leave by mail: the mailto address of List-Unsubscribe is read, over IMAP, POP3 or a pipe."""

import io
import logging
import re
import sys
from base64 import b64encode

import pytest
from django.core.checks.registry import registry
from django.core.management import call_command
from django.utils import timezone

from newsletter import bounces, mime, subscriptions
from newsletter.bounces.checks import wishes_to_leave_are_read
from newsletter.models import Consent, Subscriber, Suppression, SystemMail
from picum import env, links
from tests.newsletter.factories import make_subscriber
from tests.newsletter.mailservers import ImapServer, PopServer
from tests.newsletter.sent import sent_issue
from tests.newsletter.test_bounces_reading import mail

pytestmark = pytest.mark.django_db
LEFT, AGAIN = (True, {"read": 1, "unsubscribed": 1}), (True, {"read": 1, "repeated": 1})
LINK = (True, {"read": 1, "link": 1})
FOR_A_PERSON = (False, {"not ours": 1})


@pytest.fixture(autouse=True)
def domain(settings):
    settings.NEWSLETTER_MAIL_DOMAIN = "news.example"


@pytest.fixture
def amal():
    make_subscriber("boris@example.org")
    return make_subscriber("amal@example.org", "pt es")


@pytest.fixture
def token(amal):
    return subscriptions.token_for(amal)


def written(subject="", *more: str, sender="Amal <amal@example.org>", to="unsubscribe@news.example") -> bytes:
    """A mail as somebody's mail program writes it."""
    head = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", *more, "Message-ID: <1@example.org>"]
    return "\n".join([*head, "", "Please.", ""]).replace("\r\n", "\n").encode()


def take(message: bytes):
    return bounces.take(message, now=timezone.now())


def left() -> list[str]:
    return list(Subscriber.objects.filter(state="unsubscribed").values_list("address", flat=True))


def mails() -> list[tuple[str, str, str]]:
    return list(SystemMail.objects.values_list("kind", "address", "language"))


# --- with the token ---------------------------------------------------------------------------------------------------


def test_the_address_in_our_own_mails_lets_their_reader_go(amal):
    """What List-Unsubscribe says is what the reader's mail program writes."""
    (delivery,) = sent_issue(amal)
    letter = mime.Letter(delivery.pk, 1, amal.address, amal.handle, _pressing())
    header = letter.personal_headers()["List-Unsubscribe"]
    to, subject = re.search(r"<mailto:([^?>]+)\?subject=([^>]+)>", header).groups()
    assert take(written(subject, to=to)) == LEFT
    assert left() == ["amal@example.org"]


def _pressing() -> mime.Pressing:
    return mime.Pressing(language="pt", label="november", subject="s", html="h", text="t", marker="m" * 32)


def test_who_leaves_by_mail_has_left_like_others(amal, token, caplog):
    caplog.set_level(logging.INFO)
    assert take(written(token)) == LEFT
    assert list(Suppression.objects.values_list("address_key", "reason")) == [(amal.address_key, "unsubscribed")]
    assert Consent.objects.values_list("address_key", "kind", "how").get() == (amal.address_key, "withdrawn", "mail")
    assert f"Reader {amal.pk} left the newsletter: mail." in caplog.text
    assert not [word for word in ("amal@", token) if word in caplog.text]


def test_the_same_mail_again_is_harmless(amal, token):
    assert [take(written(token)) for _time in range(3)] == [LEFT, AGAIN, AGAIN]
    assert Consent.objects.count() == 1


@pytest.mark.parametrize(
    "form",
    [
        "{token}",
        "Re: {token}",
        "RE: Fwd: {token}",
        "AW: WG: {token}",
        "Re[2]: {token}",
        "[EXTERN] Re : {token}",
        "<{token}>",
        "“{token}”",
        '  "{token}" ',
        "\r\n {token}",
        "Re:\r\n {token}",
        "{first}\r\n {rest}",
        "=?utf-8?Q?{token}?=",
        "=?utf-8?B?{base64}?=",
        "=?utf-8?q?{first}?=\r\n =?utf-8?q?{rest}?=",
        "Re: =?us-ascii?Q?{token}?=",
    ],
)
def test_mail_programs_write_the_subject_in_many_ways(amal, token, form):
    plain = token if "?q?" not in form.lower() else token.replace("_", "=5F")  # RFC 2047 §4.2: "_" is a space there
    first = re.sub(r"=.?$", "", plain[:30])  # nor is a letter divided between two encoded words
    parts = {"first": first, "rest": plain[len(first) :], "base64": b64encode(token.encode()).decode()}
    assert take(written(form.format(token=plain, **parts))) == LEFT
    assert left() == ["amal@example.org"]


@pytest.mark.parametrize(
    "form",
    [
        "{token} is my token",
        "{token}{token}",
        "{token},{token}",
        "{cut}",
        "x{token}",
        "{other}",
        "{confirm}",
        "=?utf-8?B?%%%?=",
        "=?nonsense?Q?{token}?=",
        "=?utf-8?Q?{cut}",
        "Re:" * 300 + "{token}x",
    ],
)
def test_what_is_not_the_token_alone_lets_nobody_go(amal, token, form):
    parts = {"cut": token[:-1], "other": token[:23] + "A" * 43, "confirm": links.sign(amal.handle, purpose="confirm")}
    assert take(written(form.format(token=token, **parts), sender="x@other.example")) == FOR_A_PERSON
    assert (left(), mails()) == ([], [])


def test_whose_the_mail_is_and_where_it_was_sent_does_not_matter_the_token_does(amal, token):
    """It is forwarded, or comes from the address that forwards to another."""
    assert take(written(token, sender="someone@else.example", to="bounce@news.example")) == LEFT


def test_a_token_of_a_former_key_counts(amal, token, settings):
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of fifty characters " * 2
    assert take(written(token)) == LEFT


def test_who_was_erased_meanwhile_is_gone_already(amal, token):
    amal.delete()
    assert take(written(token)) == AGAIN


def test_apple_s_mail_program_says_of_its_users_wish_that_it_answers_by_itself(amal, token):
    assert take(written(token, "Auto-Submitted: auto-replied", "X-Apple-Unsubscribe: true")) == LEFT


@pytest.mark.parametrize("value", ["auto-replied", "auto-generated", "Auto-Replied; owner-email=x@example.org"])
def test_what_answers_by_itself_leaves_nothing_and_gets_nothing(amal, token, value):
    for subject in (f"Re: {token}", f"Automatic reply: {token}", "unsubscribe"):
        assert take(written(subject, f"Auto-Submitted: {value}")) == FOR_A_PERSON
    assert (left(), mails()) == ([], [])


def test_a_person_may_say_that_they_are_none(amal, token):
    assert take(written(f"Re: {token}", "Auto-Submitted: no")) == LEFT


# --- without it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["unsubscribe", "", "Please take me off your list!"])
def test_who_writes_without_the_token_gets_their_links_and_stays(amal, subject):
    """Anybody can write any sender."""
    assert take(written(subject)) == LINK
    assert (left(), mails()) == ([], [("link", "amal@example.org", "pt")])


@pytest.mark.parametrize(
    "sender", ["AMAL@Example.ORG", "=?utf-8?q?Am=C3=A1l?= <amal@example.org>", "amal@example.org (Amal)"]
)
def test_the_sender_is_known_in_every_form(amal, sender):
    assert take(written(sender=sender)) == LINK


@pytest.mark.parametrize("header", ["Delivered-To", "X-Original-To", "Envelope-To", "Cc"])
def test_where_it_was_sent_may_stand_in_another_header(amal, header):
    message = written("unsubscribe", f"{header}: <UNSUBSCRIBE@News.Example>", to="undisclosed-recipients:;")
    assert take(message) == LINK


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": "stranger@example.org"},
        {"sender": "boris"},
        {"sender": ""},
        {"sender": "amal@example.org, boris@example.org"},
        {"sender": "amal@example.org\r\nFrom: boris@example.org"},
        {"to": "unsubscribe@other.example"},
        {"to": "info@news.example"},
        {"to": "please-unsubscribe@news.example"},
        {"to": "unsubscribe@news.example.org"},
    ],
)
def test_everything_else_stays_for_a_person(amal, fields):
    assert take(written("unsubscribe", **fields)) == FOR_A_PERSON
    assert (left(), mails()) == ([], [])


def test_a_bounce_is_still_a_bounce(amal):
    (delivery,) = sent_issue(amal)
    assert take(mail("postfix-unknown-user", delivery=delivery.pk)) == (True, {"read": 1, "hard": 1})


# --- hostile ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\r\n\r\n",
        b"\0" * 10_000,
        b"Subject",
        b"Subject:" + b" " * 1_000_000,
        b"Subject: " + b"=?a?q?" * 200_000,
        b"Subject: " + b"Re: " * 250_000,
        b"Subject: " + b"[" * 500_000,
        b"To: unsubscribe@news.example\nFrom: " + b"(" * 500_000,
        b"To: unsubscribe@news.example\nFrom: " + b'"' * 500_000 + b"@example.org",
        b"To: " + b"unsubscribe@news.example, " * 40_000 + b"\nFrom: \xff\xfe@\xff",
        b"To: unsubscribe@news.example\nFrom: =?utf-8?b?////?= <\xed\xa0\x80@example.org>\nSubject: \xed\xa0\x80",
        b"X: y\n" * 20_000,
        b"From: amal@example.org\n : \n:\nTo\n: unsubscribe@news.example\n\n",
    ],
)
def test_a_hostile_mail_does_nothing_and_takes_no_time(amal, message):
    assert take(message) == FOR_A_PERSON
    assert (left(), mails()) == ([], [])


@pytest.mark.parametrize("order", [0, 1])
def test_a_mail_with_two_subjects_lets_nobody_go(amal, token, order):
    subjects = [token, "hello"][:: 1 - 2 * order]
    assert take(written(subjects[0], f"Subject: {subjects[1]}", to="x@news.example")) == FOR_A_PERSON
    assert left() == []


def test_a_token_in_the_body_lets_nobody_go(amal, token):
    assert take(written("hello", to="x@news.example") + b"Subject: " + token.encode()) == FOR_A_PERSON
    assert left() == []


# --- the ways in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ImapServer, PopServer])
def test_the_mailbox_of_the_bounces_is_read_for_it(monkeypatch, amal, token, kind):
    box = [written("hello", sender="stranger@example.org"), written(token), written("unsubscribe")]
    with kind(box) as server:
        monkeypatch.setenv("BOUNCE_URL", server.url)
        counts = bounces.collect(env.mailbox("BOUNCE_URL"), now=timezone.now())
    assert dict(counts) == {"read": 2, "link": 1, "unsubscribed": 1, "not ours": 1}
    assert list(server.mails) == [1]
    assert left() == ["amal@example.org"]


def test_the_pipe_takes_it(monkeypatch, amal, token):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(written(token) + b"x" * 2_000_000)))
    said = io.StringIO()
    call_command("receive_bounce", verbosity=2, stdout=said)
    assert said.getvalue() == "read 1, unsubscribed 1\n"
    assert left() == ["amal@example.org"]


def test_production_is_warned_when_nobody_reads_them(settings):
    settings.NEWSLETTER_TRANSPORT, settings.BOUNCE_MAILBOX, settings.BOUNCE_PIPE = "provider", None, False
    (warning,) = wishes_to_leave_are_read(None)
    assert (warning.id, "unsubscribe@news.example" in warning.hint) == ("newsletter.W032", True)
    assert wishes_to_leave_are_read in registry.get_checks(include_deployment_checks=True)
    settings.BOUNCE_PIPE = True
    assert wishes_to_leave_are_read(None) == []
    settings.NEWSLETTER_TRANSPORT, settings.BOUNCE_PIPE = "smtp", False
    assert wishes_to_leave_are_read(None) == []  # newsletter.W031 says so already
