"""The mails that single people get: each in every language, whole without pictures, with links of our own alone."""

import datetime
import re
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.utils.translation import get_language

from newsletter import mails
from newsletter.models import Move, SignUp, Subscriber
from tests.html import Page
from tests.newsletter.asked import DAY, HOUR, NOW, own_links
from tests.newsletter.factories import LANGUAGES, make_subscriber

pytestmark = pytest.mark.django_db
UNTIL = NOW + datetime.timedelta(hours=72)
# What a visitor may have typed into the form, or another reader as their new address.
TYPED = "Buy-cheap-pills"


def sign_up(language="en", how="form") -> SignUp:
    return SignUp(address="amal@example.org", languages=f"{language} en", name=TYPED, source=TYPED, how=how)


def reader(language="en", **fields) -> Subscriber:
    return make_subscriber("amal@example.org", f"{language} en" if language != "en" else "en", name=TYPED, **fields)


def move() -> Move:
    return Move(address=f"{TYPED}@example.net", created_at=NOW)


MAILS = {
    "confirm": lambda language: mails.confirm(sign_up(language), number=7, until=UNTIL),
    "confirm-import": lambda language: mails.confirm(sign_up(language, "import"), number=7, until=UNTIL),
    "already": lambda language: mails.already(reader(language), number=7, language=language),
    "link": lambda language: mails.link(reader(language), number=7, language=language, now=NOW),
    "link-left": lambda language: mails.link(
        reader(language, state="unsubscribed"), number=7, language=language, now=NOW
    ),
    "move-old": lambda language: mails.move_old(move(), number=7, to="amal@example.org", language=language),
    "move-new": lambda language: mails.move_new(move(), number=7, to="amal@example.org", language=language),
}


def page_of(message) -> Page:
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return Page(SimpleNamespace(content=html.encode()))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MAILS)
def test_each_mail_is_whole_in_each_language(name, language):
    message = MAILS[name](language)
    page, html, text = page_of(message), message.alternatives[0][0], message.body
    assert get_language() == "en"
    # The language.
    assert message.extra_headers["Content-Language"] == page.one("html")["lang"] == language
    # The words: subject, one heading, the same links in both parts.
    assert message.subject == page.one("title").words
    assert message.subject.strip() == message.subject != ""
    assert page.one("h1").words in " ".join(text.split())
    links = [tag["href"] for tag in page.all("a")]
    assert links == own_links(text)
    assert all(link.startswith(f"{django_settings.SITE_URL}/{language}/newsletter/") for link in links)
    assert set(re.findall(r"https?://[^\s\"'<>]+", html + text)) == set(links)
    # Nothing is loaded, nothing runs, nobody watches.
    assert [tag.name for tag in page.tags if tag.name in {"img", "link", "script", "form", "iframe", "svg"}] == []
    assert "url(" not in html
    assert "@import" not in html
    assert {tag["role"] for tag in page.all("table")} == {"presentation"}
    # Nothing is left of a template, or of what somebody typed.
    for part in (html, text, message.subject):
        assert not re.search(r"{{|{%|%\(|None", part)
        assert TYPED not in part
        assert "amal" not in part.lower()
    # A relay can carry it, and people can read the lines.
    assert max(len(line.encode()) for line in html.split("\n")) < 998
    assert max(len(line) for line in text.split("\n") if not line.startswith("<")) <= 72
    assert len(html.encode()) < 20 * 1024


@pytest.mark.parametrize("name", MAILS)
def test_each_mail_says_what_it_is_to_programs(name):
    headers = MAILS[name]("en").extra_headers
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Auto-Response-Suppress"] == "All"
    assert re.fullmatch(rf"<asked\.[0-9a-f]{{32}}@{django_settings.NEWSLETTER_MAIL_DOMAIN}>", headers["Message-ID"])
    assert not any(header.startswith("List-") or header == "Precedence" for header in headers)
    # The same mail sent twice is one; another mail is another.
    assert headers["Message-ID"] == MAILS["move-old"]("de").extra_headers["Message-ID"]
    assert headers["Message-ID"] != mails.confirm(sign_up(), number=8, until=UNTIL).extra_headers["Message-ID"]


def test_the_sender_is_the_newsletter_in_the_reader_s_language():
    senders = {MAILS["confirm"](language).from_email for language in LANGUAGES}
    assert all(sender.endswith("<newsletter@picum.example>") for sender in senders)
    assert "PICUM Newsletter <newsletter@picum.example>" in senders
    assert len(senders) > 1


def test_a_confirmation_says_what_it_is_for_until_when_and_that_nothing_need_be_done():
    text = " ".join(MAILS["confirm"]("en").body.split())
    assert "asked for the newsletter of PICUM to come to this address, about once a month" in text
    assert "It comes only if you say yes." in text
    assert "The link works until 6 November 2026, 13:00 CET." in text
    assert (
        "you need not do anything. No newsletter will come, and what was entered is deleted after seven days." in text
    )


def test_who_asked_for_nothing_is_not_told_that_they_did():
    text = " ".join(MAILS["confirm-import"]("en").body.split())
    assert "This address was given to us as that of somebody who would like to read" in text
    assert "asked" not in text


def test_who_left_is_told_so_and_shown_only_their_data():
    text = " ".join(MAILS["link-left"]("en").body.split())
    assert "does not come to this address any more" in text
    assert len(own_links(MAILS["move-old"]("en").body)) == 1


def test_the_moment_is_told_by_the_clock_of_the_site_in_summer_and_in_winter():
    told = [mails.confirm(sign_up("de"), number=1, until=UNTIL - days * DAY).body for days in (0, 100)]
    assert "6. November 2026, 13:00 CET" in " ".join(told[0].split())
    assert "29. Juli 2026, 14:00 CEST" in " ".join(told[1].split())


@pytest.mark.parametrize(
    ("languages", "asked_in", "written_in"), [("pt es", "es", "es"), ("pt es", "fr", "pt"), ("en", "de", "en")]
)
def test_a_reader_is_written_to_in_a_language_of_theirs(languages, asked_in, written_in):
    somebody = make_subscriber("boris@example.org", languages)
    for build in (mails.already, mails.link):
        more = {"now": NOW + HOUR} if build is mails.link else {}
        message = build(somebody, number=1, language=asked_in, **more)
        assert message.extra_headers["Content-Language"] == written_in
