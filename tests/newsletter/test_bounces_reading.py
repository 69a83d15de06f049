"""Reading bounces: every mail of the corpus means one thing, and no mail at all stops the reading."""

import datetime
import re
import uuid
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from newsletter import bounces
from newsletter.bounces.classifying import classify
from newsletter.mime import delivery_token
from picum import links

FOLDER = Path(__file__).parent / "bounces"
NOW = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
NOTHING = None  # understood, and no event: nobody needs to look at it
READER = "amal@example.org"
HANDLE = uuid.UUID(int=7)

# File → kind, code and address of its event.
CORPUS = {
    "address-hidden": ("hard", "5.1.1", ""),
    "complaint": ("complained", "abuse", "redacted@example.org"),
    "complaint-taken-back": NOTHING,
    "exchange-banned-sender": ("policy", "5.7.606", READER),
    "exchange-closed-group": ("soft", "5.7.133", READER),
    "exchange-edge-blocked": ("hard", "5.4.1", READER),
    "exchange-full": ("soft", "5.2.2", READER),
    "exchange-german": ("hard", "5.1.10", READER),
    "exchange-not-found": ("hard", "5.1.10", READER),
    "exchange-spam-verdict": ("policy", "5.7.350", READER),
    "exchange-unknown": ("hard", "5.1.1", READER),
    "exim-old-delayed": NOTHING,
    "exim-old-full": ("soft", "", READER),
    "exim-old-unknown-user": ("hard", "5.1.1", READER),
    "exim-old-unrouteable": ("hard", "", READER),
    "exim-unknown-user": ("hard", "550", READER),
    "exim-unrouteable": ("hard", "5.0.0", READER),
    "gmail-delayed": NOTHING,
    "gmail-disabled": ("hard", "5.2.1", READER),
    "gmail-no-such-user": ("hard", "5.1.1", READER),
    "gmail-over-quota": ("soft", "4.2.2", READER),
    "gmail-too-quickly": ("soft", "5.2.1", READER),
    "gmail-unauthenticated": ("policy", "5.7.26", READER),
    "gmx-german": ("soft", "550", ""),
    "gmx-policy": ("policy", "554", READER),
    "gmx-unknown": ("hard", "550", READER),
    "postfix-alias-member-gone": ("soft", "5.1.1", READER),
    "postfix-blocked": ("policy", "5.7.1", READER),
    "postfix-delayed": NOTHING,
    "postfix-delivered": ("delivered", "2.1.5", READER),
    "postfix-domain-gone": ("soft", "5.4.4", READER),
    "postfix-expired": ("soft", "4.4.1", READER),
    "postfix-mailbox-full": ("soft", "5.2.2", READER),
    "postfix-null-mx": ("hard", "5.1.0", READER),
    "postfix-sender-rejected": ("policy", "5.1.8", READER),
    "postfix-unknown-user": ("hard", "5.1.1", READER),
    "postfix-utf8": ("hard", "5.1.1", "zoë@beispiel.example"),
    "postfix-utf8-escaped": ("hard", "5.1.1", "zoë@beispiel.example"),
    "qmail-disabled": ("hard", "550", READER),
    "qmail-full": ("soft", "5.2.2", READER),
    "qmail-no-mailbox": ("hard", "5.1.1", READER),
    "read-receipt": NOTHING,
    "report-in-base64": ("hard", "5.1.1", READER),
    "sendmail-old-unknown-user": ("hard", "550", READER),
    "sendmail-unknown-user": ("hard", "5.1.1", READER),
    "token-in-returned-headers": ("hard", "5.1.1", READER),
    "vacation-exchange": NOTHING,
    "vacation-notes": NOTHING,
    "vacation-sieve": NOTHING,
    "webde-full": ("soft", "552", READER),
    "yahoo-no-account": ("hard", "554", READER),
    "yahoo-policy": ("policy", "5.7.9", READER),
}


def mail(name: str, *, delivery: int = 7, token: str = "", handle: uuid.UUID = HANDLE) -> bytes:
    """A mail of the corpus, about a delivery to the reader of this handle."""
    text = (FOLDER / f"{name}.eml").read_text(encoding="utf-8")
    text = text.replace("@@TOKEN@@", token or delivery_token(delivery))
    text = text.replace("@@READER@@", links.sign(handle, purpose="reader"))
    return text.replace("@@DOMAIN@@", settings.NEWSLETTER_MAIL_DOMAIN).encode()


def meaning(message: bytes) -> list[tuple[str, str, str]]:
    return [(event.kind, event.code, event.address) for event in bounces.read(message, now=NOW).events]


def test_every_mail_of_the_corpus_has_its_meaning_written_down():
    assert {path.stem for path in FOLDER.glob("*.eml")} == {*CORPUS, "human-reply"}


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_mail_means(name, line_end):
    message = mail(name).replace(b"\n", line_end)
    reading = bounces.read(message, now=NOW)
    assert (reading.ours, reading.handled) == (True, True)
    expected = CORPUS[name]
    assert meaning(message) == ([expected] if expected else [])
    assert {event.token for event in reading.events} <= {delivery_token(7)}


@pytest.mark.parametrize("name", [name for name in CORPUS if CORPUS[name]])
def test_the_returned_letter_s_own_token_says_whose_it_was(name):
    """Old sendmail, Exim and qmail return the letter as text, others as a part of its own."""
    message = mail(name)
    assert bounces.read(message, now=NOW).readers == {HANDLE}
    token = links.sign(HANDLE, purpose="reader").encode()
    for forged in (token[:-1], b"B" + token[1:], links.sign(HANDLE, purpose="confirm").encode(), b"x"):
        assert bounces.read(message.replace(token, forged), now=NOW).readers == frozenset()


def test_a_complaint_names_whom_its_own_field_names_before_the_returned_letter():
    other = mail("complaint").replace(b"Original-Rcpt-To: <redacted@", b"Original-Rcpt-To: <boris@")
    assert meaning(other) == [("complained", "abuse", "boris@example.org")]
    silent = mail("complaint").replace(b"Original-Rcpt-To: <redacted@example.org>", b"Original-Rcpt-To: redacted")
    assert meaning(silent) == [("complained", "abuse", "redacted@example.org")]
    assert meaning(silent.replace(b"\nTo: redacted@example.org", b"\nTo: redacted")) == [("complained", "abuse", "")]


@pytest.mark.parametrize("name", CORPUS)
def test_what_the_server_said_is_kept_without_the_reader(name):
    for event in bounces.read(mail(name), now=NOW).events:
        assert "@" not in event.detail
        assert "noor" not in event.detail
        assert len(event.detail) <= 300


def test_a_person_s_letter_is_left_for_a_person():
    """Even one that quotes a bounce."""
    reading = bounces.read(mail("human-reply"), now=NOW)
    assert (reading.events, reading.ours, reading.handled) == ([], True, False)


@pytest.mark.parametrize("name", ["postfix-unknown-user", "qmail-no-mailbox", "complaint"])
@pytest.mark.parametrize("token", ["7-00000000000000000000", "none", delivery_token(7)[:-1]])
def test_a_forged_bounce_is_not_ours(name, token):
    reading = bounces.read(mail(name, token=token), now=NOW)
    assert (reading.events, reading.ours, reading.handled) == ([], False, False)


@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_relays_may_change_the_case_of_the_token(change):
    message = mail("qmail-no-mailbox", token=change(delivery_token(7)))
    assert [event.token for event in bounces.read(message, now=NOW).events] == [delivery_token(7)]


def test_a_forwarder_may_wrap_our_address_into_its_own():
    wrapped = f"SRS0=abcd=XY={settings.NEWSLETTER_MAIL_DOMAIN}=bounce+{delivery_token(7)}@forwarder.example"
    message = mail("qmail-no-mailbox", token="gone").replace(b"Delivered-To: ", f"Delivered-To: {wrapped}, ".encode())
    assert meaning(message) == [("hard", "5.1.1", READER)]


def test_the_envelope_s_token_goes_before_one_in_the_returned_letter():
    message = mail("exim-unknown-user").replace(b"Message-ID: <7-", b"Message-ID: <" + delivery_token(8).encode())
    assert [event.token for event in bounces.read(message, now=NOW).events] == [delivery_token(7)]


def test_a_mailbox_file_s_first_line_is_no_header():
    assert meaning(b"From MAILER-DAEMON Mon Nov 16 09:00:05 2026\n" + mail("postfix-mailbox-full")) == [
        ("soft", "5.2.2", READER)
    ]


def test_a_report_without_the_original_address_takes_it_from_the_returned_letter():
    """Final-Recipient alone may be where the reader's address was forwarded to."""
    message = mail("postfix-alias-member-gone").replace(b"Original-Recipient: rfc822;amal@example.org\n", b"")
    assert meaning(message) == [("soft", "5.1.1", READER)]


def test_several_recipients_of_one_address_are_several_events():
    block = b"\nFinal-Recipient: rfc822; noor@example.org\nOriginal-Recipient: rfc822; amal@example.org\n"
    block += b"Action: relayed\nStatus: 2.0.0\n\n--4Xyz"
    message = mail("postfix-unknown-user").replace(b"\n--4Xyz", block, 3).replace(block, b"\n--4Xyz", 2)
    events = bounces.read(message, now=NOW).events
    assert [(event.kind, event.address) for event in events] == [("hard", READER), ("delivered", READER)]
    assert len({event.key for event in events}) == 2


def test_the_same_mail_over_another_road_has_the_same_key():
    (event,) = bounces.read(mail("postfix-unknown-user"), now=NOW).events
    again = b"Received: from another.example by here.example\nX-UID: 12\n" + mail("postfix-unknown-user") + b"\n"
    (same,) = bounces.read(again.replace(b"\n", b"\r\n"), now=NOW + datetime.timedelta(days=1)).events
    assert same == event
    (other,) = bounces.read(mail("postfix-mailbox-full"), now=NOW).events
    assert other.key != event.key


@pytest.mark.parametrize(
    ("date", "taken"),
    [
        ("Mon, 16 Nov 2026 09:00:05 +0100", datetime.datetime(2026, 11, 16, 8, 0, 5, tzinfo=datetime.UTC)),
        ("16 Nov 2026 08:00:05 -0000", datetime.datetime(2026, 11, 16, 8, 0, 5, tzinfo=datetime.UTC)),
        ("Mon, 16 Nov 2037 09:00:05 +0100", NOW),
        ("Thu, 1 Jan 1970 00:00:00 +0000", NOW),
        ("yesterday", NOW),
        ("Mon, 16 Nov 99999999999 09:00:05 +0100", NOW),
    ],
)
def test_it_happened_when_the_mail_says_so_if_that_can_be(date, taken):
    message = re.sub(rb"\nDate: [^\n]*", b"\nDate: " + date.encode(), mail("qmail-full"), count=1)
    assert [event.happened_at for event in bounces.read(message, now=NOW).events] == [taken]


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        ("5.1.1", "", "hard"),
        ("5.1.2", "Host unknown", "hard"),
        ("5.1.9", "", "soft"),
        ("5.1.7", "", "policy"),
        ("5.1.90", "Your message can't be sent because you've reached your daily limit", "policy"),
        ("5.1.1", "550 5.1.1 rejected: client listed by bl.spamcop.net", "policy"),
        ("5.1.1", "550 5.1.1 <policy@spam.example>: user unknown", "hard"),
        ("5.2.1", "550 5.2.1 mailbox disabled", "hard"),
        ("5.2.1", "550 5.2.1 This account is blocked", "hard"),
        ("5.2.2", "", "soft"),
        ("5.2.3", "message too large", "soft"),
        ("5.3.4", "message size exceeds size limit", "soft"),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", "hard"),
        ("5.4.1", "connection refused", "soft"),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", "hard"),
        ("5.5.0", "550 5.5.0 protocol error", "soft"),
        ("5.0.0", "550 5.1.1 no such user", "hard"),
        ("5.0.0", "554 rejected", "soft"),
        ("5.7.1", "550 5.7.1 relaying denied", "policy"),
        ("5.7.1", "550 5.7.1 <amal@example.org>: user unknown", "soft"),
        ("5.7.124", "RESOLVER.RST.NotAuthorized", "soft"),
        ("4.2.2", "452 4.2.2 over quota", "soft"),
        ("4.7.1", "451 4.7.1 greylisted", "soft"),
        ("4.7.650", "451 4.7.650 rate limited due to IP reputation", "policy"),
        ("", "550 user unknown", "hard"),
        ("", "450 user unknown", "soft"),
        ("", "", "soft"),
        ("5.1.8", "Sender address rejected: user unknown", "policy"),
        ("5.0.0", "550 5.0.0 Sender address unknown", "policy"),
    ],
)
def test_status_and_words_decide(status, words, expected):
    assert classify(status, words)[0] == expected


# --- hostile mail ----------------------------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    head = b"Subject: x\nTo: bounce+" + delivery_token(7).encode() + b"@x\n"
    opening = b"".join(b'Content-Type: multipart/report; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth))
    return head + opening + b"\nText"


HOSTILE = {
    "nothing": b"",
    "zero octets": b"\0" * 5000,
    "parts within parts": nested(100),
    "parts within parts without end": nested(20_000),
    "letters within letters": mail("human-reply").partition(b"\n\n")[0] + b"\nContent-Type: message/rfc822\n\n" * 3000,
    "one endless line": mail("gmx-german").replace(
        b"Diese Nachricht", b"A message that you sent could not be delivered " + b"x" * 900_000
    ),
    "many tokens": b"From: postmaster@x\nTo: " + b"7-00000000000000000000@x, " * 30_000 + b"\n\n550 user unknown",
    "unknown charset": mail("qmail-full").replace(b"\nSubject:", b"\nContent-Type: text/plain; charset=tlh\nSubject:"),
    "broken header": mail("postfix-mailbox-full").replace(b"Subject: ", b"Subject: =?utf-8?b?\xff?= \xe9\0"),
    "a sender beyond reading": mail("qmail-full").replace(b"From: ", b"From: " + b"=?utf-8?q?a?= " * 60_000),
    "broken base64": mail("report-in-base64").replace(b"UmVwb3", b"!!!\xff=\n="),
    "a report of ten thousand": mail("postfix-unknown-user").replace(
        b"Final-Recipient", b"Action: failed\nFinal-Recipient: rfc822; x@example.org\n\n" * 10_000 + b"Final-Recipient"
    ),
    "ten megabytes": mail("postfix-unknown-user") + b"x" * 10_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_read_and_raises_nothing(name):
    reading = bounces.read(HOSTILE[name], now=NOW)
    assert len(reading.events) <= 20


def test_a_bounce_without_a_sender_is_read():
    message = re.sub(rb"\nFrom: [^\n]*", b"", mail("qmail-full"), count=1)
    assert meaning(message) == [("soft", "5.2.2", READER)]


@pytest.mark.parametrize("path", [b"<>", b"<MAILER-DAEMON>"])
def test_a_bounce_is_known_by_its_empty_sender(path):
    message = re.sub(rb"\nFrom: [^\n]*", b"\nFrom: noreply@mx.example.net", mail("qmail-full"), count=1)
    assert meaning(message.replace(b"Return-Path: <>", b"Return-Path: " + path, 1)) == [("soft", "5.2.2", READER)]
    assert not bounces.read(message.replace(b"Return-Path: <>", b"Return-Path: <noor@example.org>", 1), now=NOW).handled


def test_of_an_overlong_mail_the_beginning_is_read():
    assert meaning(HOSTILE["ten megabytes"]) == [("hard", "5.1.1", READER)]


CUTS = st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 400), st.binary(max_size=40)), max_size=6)


@hypothesis_settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(CORPUS)), cuts=CUTS)
@example(name="postfix-unknown-user", cuts=[])
def test_no_mutilated_mail_stops_the_reading(name, cuts):
    message = mail(name)
    for start, length, instead in cuts:
        message = message[:start] + instead + message[start + length :]
    reading = bounces.read(message, now=NOW)
    assert reading.ours or not reading.events
    assert {event.token for event in reading.events} <= {delivery_token(7)}
    for event in reading.events:
        event.detail.encode("utf-8", "strict")
        event.address.encode("utf-8", "strict")


@hypothesis_settings(max_examples=50, deadline=None)
@given(noise=st.binary(max_size=500))
def test_no_noise_stops_the_reading(noise):
    token = delivery_token(7).encode()
    assert bounces.read(noise, now=NOW).events == []
    bounces.read(b"From: mailer-daemon\nTo: " + token + b"\nContent-Type: message/delivery-status\n\n" + noise, now=NOW)
