"""What a newcomer sees in the box. The pages must not touch the site's database, so none of these tests may."""

import re
from email.message import EmailMessage
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from picum.mailbox import store
from picum.mailbox.views import PAGE, SHOWN

from .conftest import REPORT

HTML = '<html><head><style>p{color:red}</style></head><body><p onclick="x()">Hé</p><script>x()</script></body></html>'
SAFE = [("box",), ("latest",), ("message", 1), ("message", 1, "text"), ("html", 1), ("eml", 1)]


@pytest.fixture
def keep(box):
    """Put a mail of text and html into the box; its id."""

    def keep(subject: str = "Report", to: str = "amal@example.org", language: str = "en", html: str = HTML) -> int:
        mail = EmailMessage()
        mail["From"], mail["Subject"] = "PICUM <news@picum.example>", subject
        mail.set_content("Hello, see https://picum.example/en/?a=1&b=2 <now>.")
        if html:
            mail.add_alternative(html, subtype="html")
        return store.add(
            box, mail.as_bytes(), sender="b@picum.example", recipients=[to], subject=subject, language=language
        )

    return keep


def address(name: str, *arguments: int | str) -> str:
    return reverse(f"mailbox:{name}", args=arguments)


def listed(page: str) -> list[tuple[int, str, str, str]]:
    """Id, recipient, subject and language of each row, as they read."""
    rows = re.findall(r'<tr role="row" data-mail="(\d+)".*?</tr>', page, re.DOTALL)
    cells = re.findall(r'class="(?:to|subject|language)">(.*?)</t[dh]>', page, re.DOTALL)
    texts = [unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in cells]
    return [
        (int(number), *texts[place : place + 3]) for number, place in zip(rows, range(0, len(texts), 3), strict=True)
    ]


def pages_of(client: Client, query: str = "") -> list[int]:
    """The ids on each page, turning pages like a reader without JavaScript."""
    found, where = [], address("box") + query
    while where:
        page = client.get(where).content.decode()
        found.append([row[0] for row in listed(page)])
        older = re.search(r'<a id="older" rel="next" href="([^"]*)">', page)
        where = older and address("box") + unescape(older[1])
    return found


@pytest.mark.parametrize("enabled", [False, None, "yes", 1])
def test_without_the_box_there_is_nothing_here(client, keep, settings, enabled):
    keep()
    settings.MAILBOX_ENABLED = enabled

    answers = [client.get(address(*view)).status_code for view in SAFE] + [client.post(address("empty")).status_code]

    assert answers == [404] * 7


def test_a_mail_sent_over_smtp_is_on_the_page(client, send):
    send(to=["amal@example.org", "boris@example.org"])

    page = client.get(address("box")).content.decode()

    assert listed(page) == [(1, "amal@example.org, boris@example.org", "Report", "en")]
    assert '<span id="total">1 mail</span>' in page


def test_an_empty_box_says_so(client, path):
    page = client.get(address("box")).content.decode()

    assert listed(page) == []
    assert '<p class="nothing" id="nothing">' in page
    assert "The box is empty." in page


def test_the_newest_come_first_and_pages_are_turned_without_javascript(client, keep):
    for _ in range(2 * PAGE + 3):
        keep()

    assert pages_of(client) == [list(range(103, 53, -1)), list(range(53, 3, -1)), [3, 2, 1]]


def test_a_filter_holds_through_the_pages_and_into_the_mails(client, keep):
    for _ in range(PAGE + 1):
        keep(language="de")
        keep(language="fr")
    keep(language="de", to="boris@example.org")

    assert pages_of(client, "?language=de&words=AMAL") == [list(range(101, 1, -2)), [1]]
    assert listed(client.get(address("box") + "?words=boris").content.decode()) == [
        (103, "boris@example.org", "Report", "de")
    ]
    page = client.get(address("box") + "?language=de&words=amal").content.decode()
    assert f'href="{address("message", 101)}?language=de&amp;words=amal"' in page
    mail = client.get(address("message", 101) + "?language=de&words=amal").content.decode()
    assert re.findall(r'rel="(prev|next)" href="([^"]*)"', mail) == [
        ("next", f"{address('message', 99, 'phone')}?language=de&amp;words=amal")
    ]


def test_the_languages_of_the_box_can_be_chosen_by_name(client, keep):
    for language in ("de", "de", "", "xx"):
        keep(language=language)

    page = client.get(address("box") + "?language=it").content.decode()

    options = re.findall(r'<option value="([^"]*)"( selected)?>([^<]*)<', page)
    assert options == [
        ("", "", "every language"),
        ("de", "", "German (2)"),
        ("it", " selected", "Italian (0)"),
        ("und", "", "no language named (1)"),
        ("xx", "", "xx (1)"),
    ]


@pytest.mark.parametrize("number", ["-1", "x", "", "٣x", "9" * 40])
def test_a_page_that_is_none_is_the_first_one(client, keep, number):
    keep()

    assert listed(client.get(address("box"), {"before": number}).content.decode())[0][0] == 1


def test_a_hostile_subject_is_text(client, keep):
    subject = "<script>alert(1)</script>\"'&"
    number = keep(subject=subject, to="<b>@example.org")

    pages = [client.get(address("box")), *(client.get(address("message", number, tab)) for tab in ("phone", "headers"))]

    assert listed(pages[0].content.decode()) == [(1, "<b>@example.org", subject, "en")]
    for page in pages:
        text = page.content.decode()
        assert "<script>alert" not in text
        assert "<b>@" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;" in text


def test_a_mail_without_a_subject_can_still_be_clicked(client, keep):
    keep(subject="")

    assert listed(client.get(address("box")).content.decode()) == [(1, "amal@example.org", "(no subject)", "en")]


def test_the_script_learns_what_came_since(client, keep):
    for _ in range(3):
        keep(language="de")
    keep(language="fr")

    answer = client.get(address("latest"), {"language": "de", "after": 2, "since": 1}).json()

    rows = answer.pop("rows")
    assert [row[0] for row in listed(rows)] == [3]
    assert 'class="fresh"' in rows
    assert answer == {"newest": 3, "notice": "2 new mails", "count": 3, "total": "3 mails"}


def test_the_script_learns_that_nothing_came(client, keep):
    keep()

    answer = client.get(address("latest"), {"after": 1, "since": 1}).json()

    assert answer == {"newest": 1, "rows": "", "notice": "", "count": 1, "total": "1 mail"}


def test_the_script_gets_one_page_however_many_came(client, keep):
    for _ in range(PAGE + 10):
        keep()

    answer = client.get(address("latest"), {"after": 0, "since": 0}).json()

    assert [row[0] for row in listed(answer["rows"])] == list(range(60, 10, -1))
    assert (answer["newest"], answer["notice"]) == (60, "60 new mails")


@pytest.mark.parametrize("tab", ["phone", "desktop"])
def test_html_is_shown_in_a_frame_that_can_do_nothing_but_open_links(client, keep, tab):
    page = client.get(address("message", keep(), tab))

    frame = re.search(r"<iframe ([^>]*)>", page.content.decode())[1]
    assert f'src="{address("html", 1)}"' in frame
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame
    assert HTML not in page.content.decode()
    assert "frame-src 'self'" in page["Content-Security-Policy"]


def test_the_html_has_a_policy_of_its_own(client, keep):
    answer = client.get(address("html", keep()))

    assert answer.content.decode() == HTML.replace("<head>", '<head><base target="_blank">') + "\n"
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert set(answer["Content-Security-Policy"].split("; ")) == {
        "sandbox allow-popups allow-popups-to-escape-sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    }


def test_a_mail_without_html_opens_as_text(client, keep):
    number = keep(html="")

    page = client.get(address("message", number)).content.decode()

    assert f'<a href="{address("message", number, "text")}" aria-current="page">Text</a>' in page
    assert "<iframe" not in page
    assert "This mail has no html part." in client.get(address("message", number, "phone")).content.decode()
    assert client.get(address("html", number)).status_code == 404


def test_a_mail_with_html_opens_as_on_a_phone(client, keep):
    page = client.get(address("message", keep())).content.decode()

    assert f'<a href="{address("message", 1, "phone")}" aria-current="page">Phone</a>' in page


def test_the_text_is_escaped_and_its_links_can_be_followed(client, keep):
    page = client.get(address("message", keep(), "text")).content.decode()

    assert '<a href="https://picum.example/en/?a=1&amp;b=2" rel="nofollow">' in page
    assert "&lt;now&gt;" in page


def test_html_alone_says_that_there_is_no_text(client, box):
    store.add(box, b"Content-Type: text/html\r\n\r\n<p>Hello")

    assert "This mail has no text part." in client.get(address("message", 1, "text")).content.decode()


def test_bytes_that_are_no_text_are_shown_as_far_as_they_can_be(client, send):
    raw = b"Subject: \xff\xfe\r\nContent-Type: text/html; charset=no-such\r\n\r\n<p>\xe9\x00\r\n"
    send(raw)

    pages = {view: client.get(address("message", 1, view)) for view in ("phone", "text", "headers", "source")}

    assert {page.status_code for page in pages.values()} == {200}
    assert "ÿþ" in pages["headers"].content.decode()
    assert client.get(address("html", 1)).content.decode() == '<base target="_blank"><p>é\x00\n'


def test_a_very_long_source_is_cut_and_can_be_downloaded(client, box):
    raw = b"Subject: long\r\n\r\n" + b"line\r\n" * SHOWN
    store.add(box, raw)

    page = client.get(address("message", 1, "source")).content.decode()

    assert "Only the beginning is shown." in page
    assert len(page) < SHOWN + 10_000
    assert client.get(address("eml", 1)).content == raw


def test_a_mail_can_be_downloaded_as_it_came(client, send):
    send(REPORT)

    answer = client.get(address("eml", 1))

    assert (answer.content, answer["Content-Type"]) == (REPORT, "message/rfc822")
    assert answer["Content-Disposition"] == 'attachment; filename="mail-1.eml"'


@pytest.mark.parametrize("view", [("message", 2), ("message", 1, "video"), ("html", 2), ("eml", 2), ("eml", 10**30)])
def test_a_mail_that_is_not_there_is_not_found(client, keep, view):
    keep()

    assert client.get(address(*view)).status_code == 404


def test_emptying_takes_a_post_with_a_token(keep, box):
    strict = Client(enforce_csrf_checks=True)
    keep()

    page = strict.get(address("box")).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]*)"', page)[1]
    refused = [strict.get(address("empty")).status_code, strict.post(address("empty")).status_code]
    left = store.count(box)
    done = strict.post(address("empty"), {"csrfmiddlewaretoken": token})

    assert (refused, left) == ([405, 403], 1)
    assert (done.status_code, done["Location"], store.count(box)) == (302, address("box"), 0)


def test_looking_changes_nothing_and_is_not_kept_by_browsers(client, keep, box):
    keep()
    before = (store.page(box), store.raw(box, 1))

    answers = [client.get(address(*view)) for view in SAFE]

    assert [answer.status_code for answer in answers] == [200] * 6
    assert all("no-store" in answer["Cache-Control"] for answer in answers)
    assert [client.post(address(*view)).status_code for view in SAFE] == [405] * 6
    assert (store.page(box), store.raw(box, 1)) == before


def test_the_pages_bring_everything_with_them(client, keep):
    """No inline script or style, and nothing from another host: the site's policy would not let it in."""
    keep()
    pages = [client.get(address("box")), client.get(address("message", 1, "desktop"))]

    for page in pages:
        text = page.content.decode()
        assert re.search(r"<style|<script(?! src=)|\sstyle=|\son\w+=", text) is None
        assert {found for found in re.findall(r'(?:src|href)="([^"]*)"', text) if "//" in found} == set()


@pytest.mark.parametrize("language", ["en", "de", "pt"])
def test_the_page_names_its_language(client, keep, language):
    keep()

    with override(language):
        page = client.get(address("box"), headers={"Accept-Language": language}).content.decode()

    assert f'<html lang="{language}">' in page
