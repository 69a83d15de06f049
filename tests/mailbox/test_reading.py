"""Mails as they should never have been sent: each can be looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picum.mailbox import reading

MAILS = {
    "nothing": b"",
    "no headers": b"\r\nHello\r\n",
    "no body": b"Subject: Hello",
    "no colon": b"Hello\r\n\r\nthere\r\n",
    "deep": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 2000,
    "self-contained": b"Content-Type: multipart/mixed\r\n\r\n--\r\n",
}


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?b?R3LDvMOfZQ==?=\r\n =?utf-8?q?_aus?=", "Grüße aus"),
        (b"Re: =?iso-8859-1?q?Gr=FC=DFe?= aus", "Re: Grüße aus"),
        ("Grüße, Łódź".encode(), "Grüße, Łódź"),
        ("Łódź =?utf-8?q?=C3=BC?= Łódź".encode(), "Łódź ü Łódź"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?no-such-charset?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?q?=FF=FE?=", "ÿþ"),
        (b"=?unicode-escape?q?\\ud800\\q?=", "\\ud800\\q"),
        (b"=?hex?q?00?=", "00"),
        (b"\\ud800 =?utf-8?q?half_a_letter?=", "\\ud800 half a letter"),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"=?utf-8?q?a=0D=0ABcc:_all?=", "a Bcc: all"),
        (b"folded\r\n\tover\r\n lines", "folded over lines"),
        (b"\x00\x1b[31mred", "[31mred"),
        (b"<script>alert(1)</script>", "<script>alert(1)</script>"),
        (b"", ""),
    ],
)
def test_a_subject_is_read_whatever_it_is_written_in(header, value):
    fields = reading.headers(b"From: a@example.org\r\nsubject: " + header + b"\r\n\r\nSubject: not me\r\n")

    assert reading.header(fields, "Subject") == value
    assert [name for name, _value in fields] == ["From", "subject"]


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        (b"Content-Language: de", "de"),
        (b"Content-Language: pt-BR, en", "pt-br"),
        (b"content-language:\r\n FR", "fr"),
        (b"Content-Language: <b>", ""),
        (b"Content-Language: ", ""),
        (b"X-Language: de", ""),
    ],
)
def test_the_language_is_a_tag_or_nothing(header, tag):
    assert reading.language(reading.headers(header + b"\r\n\r\n")) == tag


def test_text_and_html_are_found_in_their_parts_and_attachments_are_not():
    raw = b"""Content-Type: multipart/mixed; boundary=m

--m
Content-Type: text/html
Content-Disposition: attachment; filename=not-me.html

<p>Attached
--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--a
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: base64

PHA+R3L832U8L3A+
--a--
--m--
""".replace(b"\n", b"\r\n")

    assert (reading.body(raw, "plain"), reading.body(raw, "html")) == ("Grüße", "<p>Grüße</p>")


def test_html_alone_has_no_text():
    raw = b"Content-Type: text/html\r\n\r\n<p>Hello</p>\r\n"

    assert (reading.body(raw, "plain"), reading.body(raw, "html")) == (None, "<p>Hello</p>\n")


@pytest.mark.parametrize(
    ("content_type", "octets", "text"),
    [
        (b"text/plain; charset=no-such-charset", "Grüße".encode(), "Grüße"),
        (b"text/plain; charset=utf-8", b"Gr\xfc\xdfe", "Grüße"),
        (b"text/plain; charset=punycode", b"abc-", "abc-"),
        (b"text/plain; charset*=x'y'%FF%FE", b"abc", "abc"),
        (b"text/plain", b"\xff\xfe\x00", "ÿþ\x00"),
        (b"text/plain; charset=shift_jis", "こんにちは".encode("shift_jis"), "こんにちは"),
    ],
)
def test_a_broken_charset_still_gives_something_to_look_at(content_type, octets, text):
    assert reading.body(b"Content-Type: " + content_type + b"\r\n\r\n" + octets, "plain") == text


def test_html_that_names_its_charset_only_inside_is_read_in_it():
    raw = b'Content-Type: text/html\r\n\r\n<meta charset="windows-1252">\x80 5'

    assert reading.body(raw, "html") == '<meta charset="windows-1252">€ 5'


@pytest.mark.parametrize(
    ("html", "framed"),
    [
        ("<p>bare", "{}<p>bare"),
        ("<!DOCTYPE html>\n<p>bare", "<!DOCTYPE html>{}\n<p>bare"),
        ("<!doctype html><!-- x --><html lang=de><body>", "<!doctype html><!-- x --><html lang=de>{}<body>"),
        ("<html><HEAD class=x><base target=_top>", "<html><HEAD class=x>{}<base target=_top>"),
        ("<header>no head</header>", "{}<header>no head</header>"),
        ("", "{}"),
    ],
)
def test_links_of_a_mail_open_beside_the_box(html, framed):
    assert reading.with_links_outside(html) == framed.format('<base target="_blank">')


@pytest.mark.parametrize("raw", MAILS.values(), ids=MAILS)
def test_a_mail_that_is_hardly_one_can_be_looked_at(raw):
    look_at(raw)


HEADERS = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: text/html; charset=",
        b"Content-Type: message/rfc822",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: x-uuencode",
        b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Disposition: \xff; filename*=''",
        b"Subject: =?utf-8?b?",
        b"Subject: =?utf-16?q?=D8=00?=",
        b"--b",
        b"begin 644 x",
        b"",
    ]
)


@given(st.lists(HEADERS | st.binary(max_size=30), max_size=30), st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_no_bytes_at_all_break_the_reading(lines, end):
    look_at(end.join(lines))


def look_at(raw: bytes) -> None:
    """Everything that the pages read, and whether it can be stored and shown."""
    fields = reading.headers(raw)
    texts = [text for field in fields for text in field]
    texts += [reading.header(fields, "Subject"), reading.language(fields), reading.source(raw)]
    texts += [reading.body(raw, "plain") or "", reading.with_links_outside(reading.body(raw, "html") or "")]
    for text in texts:
        text.encode()
