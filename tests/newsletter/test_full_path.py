"""The main job from one end to the other: a list of readers, an issue in seven languages, and every mail read.

Once as a newcomer has it (a SQLite file, no broker), once as in production (a Celery worker and beat, PostgreSQL,
Redis); both times over a real SMTP socket.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from html import unescape
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation import gettext, override

from newsletter import reporting, subscriptions, translating
from newsletter.models import Delivery, Edition, Issue, Subscriber, Suppression
from picum import localising
from picum.chaos.relay import Received, Relay
from picum.pages.demo import content
from tests import services
from tests.html import Page
from tests.newsletter.factories import make_issue

DOMAIN = settings.NEWSLETTER_MAIL_DOMAIN
ORDERS = [
    "en", "en fr", "en pt nl", "de", "de en", "de it en", "nl", "nl de", "nl fr en", "es", "es pt", "es en",
    "fr", "fr en", "fr nl", "it", "it es", "it en", "pt", "pt es", "pt fr en", "pt nl es", "pt de",
]  # fmt: skip
HEADERS = [
    "Content-Language", "Content-Type", "Date", "Feedback-ID", "From", "List-Id", "List-Post", "List-Unsubscribe",
    "List-Unsubscribe-Post", "MIME-Version", "Message-ID", "Precedence", "Subject", "To", "X-Auto-Response-Suppress",
]  # fmt: skip
LACKING = {"pt": 2, "nl": 1}


@dataclass
class Mail:
    """One mail as its reader sees it, and what the list said of the reader."""

    received: Received
    order: list[str]

    @property
    def language(self) -> str:
        return self.order[0]

    @cached_property
    def message(self):
        return self.received.message

    @cached_property
    def text(self) -> str:
        return self.message.get_body(("plain",)).get_content()

    @cached_property
    def html(self) -> str:
        return self.message.get_body(("html",)).get_content()

    @cached_property
    def page(self) -> Page:
        return parsed(self.html)

    @cached_property
    def words(self) -> str:
        return unwrapped(self.text)

    @property
    def links(self) -> set[str]:
        """All that can be followed: in the html, in the text, and by the mail program itself."""
        links = {unescape(link) for link in re.findall(r'\shref="([^"]*)"', self.html)}
        links |= set(re.findall(r"<(https?://[^>]+)>", self.text))
        return links | {self.one_click}

    @property
    def one_click(self) -> str:
        return self.message["List-Unsubscribe"].partition(">")[0].strip("<")


def parsed(html: str) -> Page:
    return Page(SimpleNamespace(content=html.encode()))


def unwrapped(text: str) -> str:
    return " ".join(text.split())


@dataclass
class Sent:
    """The issue, the readers of the list with their orders of languages, and the mails that arrived."""

    site: services.Site
    issue: Issue
    readers: dict[str, list[str]]
    mails: list[Mail]
    followed: list[str]  # the languages whose links are followed: all of them take half a minute

    def one_of_each_order(self) -> list[Mail]:
        """All that there is to see: readers with one order of languages get the same words."""
        return list({tuple(mail.order): mail for mail in self.mails}.values())

    def entries(self, mail: Mail):
        """What this reader should see of each item: the item, the language, and the words in it."""
        for item in self.issue.items.all():
            words = {row.language_code: row for row in item.translations.all()}
            shown = next(code for code in [*mail.order, "en", item.original_language] if code in words)
            yield item, shown, words[shown]


@pytest.fixture(scope="module", params=["embedded", pytest.param("service", marks=pytest.mark.service)])
def sent(request, tmp_path_factory, django_db_blocker):
    folder = tmp_path_factory.mktemp(request.param)
    with Relay() as relay, getattr(services, request.param)(folder, relay, django_db_blocker) as site:
        readers = {f"reader{number}@example.org": ORDERS[number % len(ORDERS)].split() for number in range(500)}
        with (folder / "readers.csv").open("w", encoding="utf-16", newline="") as file:
            rows = csv.writer(file, delimiter=";")
            rows.writerow(["email", "languages", "name"])
            rows.writerows([address, " ".join(order), "Zoë Núñez"] for address, order in readers.items())
        assert "500 readers added" in site.manage("import_subscribers", folder / "readers.csv")
        issue = content.make_next(content.read_pool())
        if request.param == "service":
            site.worker(children=2)
            site.beat()
        assert "500/500" in site.manage("send_issue", "next", "--wait")
        mails = [Mail(received, readers[received.recipient]) for received in relay.received]
        followed = translating.LANGUAGES if request.param == "service" else ["en", "pt"]
        yield Sent(site, Issue.objects.with_contents().get(pk=issue.pk), readers, mails, followed)


def test_every_reader_of_the_list_gets_one_mail_and_the_report_adds_up(sent):
    assert Counter(mail.received.recipient for mail in sent.mails) == dict.fromkeys(sent.readers, 1)
    expected = Counter(order[0] for order in sent.readers.values())
    report = sent.site.report()
    assert report | {"seconds": 0} == {
        "issue": "next",
        "frozen": 500,
        "states": {"accepted": 500},
        "languages": {language: {"accepted": number} for language, number in expected.items()},
        "unknown": [],
        "seconds": 0,
        "balanced": True,
        "tallied": None,
    }
    assert set(sent.issue.editions.values_list("state", flat=True)) == {Edition.State.SENT}


def test_each_mail_is_in_the_first_of_its_reader_s_languages(sent):
    for mail in sent.mails:
        assert mail.message["Content-Language"] == mail.language
        assert mail.html.count(f'<html lang="{mail.language}"') == 1
    for mail in sent.one_of_each_order():
        subject = sent.issue.translations.get(language_code=mail.language).subject
        assert mail.message["Subject"] == mail.page.one("title").words == subject


def test_what_is_not_translated_is_filled_along_the_reader_s_own_order_and_marked(sent):
    filled = {}
    for mail in sent.one_of_each_order():
        fallbacks = [(item, shown, words) for item, shown, words in sent.entries(mail) if shown != mail.language]
        assert len(fallbacks) == LACKING.get(mail.language, 0)
        mark = [mark_for(shown, mail.language) for _item, shown, _words in fallbacks]
        assert Counter(p.words for p in mail.page.all("p") if p.words in mark) == Counter(mark)
        for item, shown, words in sent.entries(mail):
            link = mail.page.one("a", href=item_link(item, mail.language))
            assert link.words == unwrapped(words.title)
            assert link["lang"] == (shown if shown != mail.language else None)
        for _item, shown, words in fallbacks:
            start = " ".join(parsed(f"<main>{words.text}</main>").words.split()[:8])
            assert [div["lang"] for div in mail.page.all("div") if div.words.startswith(start)] == [shown]
            assert f"{unwrapped(words.title)} [{mark_for(shown, mail.language)}]" in unwrapped(mail.text)
        assert mail.text.count("[") == len(fallbacks)
        filled[" ".join(mail.order)] = [shown for _item, shown, _words in fallbacks]
    assert {order: shown for order, shown in filled.items() if shown} == {
        "pt": ["en", "en"],
        "pt es": ["es", "es"],
        "pt fr en": ["fr", "fr"],
        "pt nl es": ["es", "nl"],  # one of the two is lacking in Dutch as well
        "pt de": ["de", "de"],
        "nl": ["en"],
        "nl de": ["de"],
        "nl fr en": ["fr"],
    }


def mark_for(shown: str, language: str) -> str:
    with override(language):
        words = gettext("Not yet translated – in %(language)s")
    assert language == "en" or words != "Not yet translated – in %(language)s"
    return words % {"language": localising.language_name(shown, language)}


def item_link(item, language: str) -> str:
    return f"{settings.SITE_URL}/{language}/newsletter/items/{item.pk}/"


def test_the_headers_are_those_and_only_those_that_a_newsletter_carries(sent):
    for mail in sent.mails:
        message, language = mail.message, mail.language
        assert sorted(message.keys()) == HEADERS
        assert message["To"] == mail.received.recipient
        assert message["From"].addresses[0].addr_spec == "newsletter@picum.example"
        assert message["Date"].endswith(" +0000")
        assert abs(parsedate_to_datetime(message["Date"]) - datetime.now(UTC)) < timedelta(hours=1)
        assert f"<{language}.newsletter.{DOMAIN}>" in message["List-Id"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert (message["List-Post"], message["Precedence"]) == ("NO", "bulk")
        assert message["X-Auto-Response-Suppress"] == "All"
        assert message["Feedback-ID"] == f"next:{language}:newsletter:{DOMAIN.replace('.', '-')}"
        assert re.fullmatch(
            rf"<{re.escape(settings.SITE_URL)}/{language}/newsletter/leave/[\w.-]+/>,"
            rf" <mailto:unsubscribe@{re.escape(DOMAIN)}\?subject=[\w.-]+>",
            message["List-Unsubscribe"],
        )
        assert message.defects == []
        assert all(not value.defects for value in message.values())


def test_each_mail_has_a_message_id_and_a_bounce_address_of_its_own_which_name_the_delivery(sent):
    tokens = set()
    for mail in sent.mails:
        token = re.fullmatch(rf"<(\d+-[0-9a-f]{{20}})@{re.escape(DOMAIN)}>", mail.message["Message-ID"])[1]
        assert mail.received.sender == f"bounce+{token}@{DOMAIN}"
        delivery = Delivery.objects.get(pk=token.partition("-")[0])
        assert delivery.subscriber.address == mail.received.recipient
        tokens.add(token)
    assert len(tokens) == 500


def test_an_address_stands_in_the_to_header_and_nowhere_else(sent):
    for mail in sent.mails:
        assert mail.received.data.count(mail.received.recipient.encode()) == 1
        assert len(re.findall(rb"reader\d+", mail.received.data)) == 1


def test_mails_travel_in_8bit_with_lines_that_relays_take_text_first(sent):
    for mail in sent.mails:
        assert max(len(line) for line in mail.received.data.split(b"\r\n")) < 998
        assert b"\n" not in mail.received.data.replace(b"\r\n", b"")
        parts = [(part.get_content_type(), part["Content-Transfer-Encoding"]) for part in mail.message.iter_parts()]
        assert parts == [("text/plain", "8bit"), ("text/html", "8bit")]


def test_the_text_part_has_every_title_every_heading_and_every_source(sent):
    for mail in sent.one_of_each_order():
        for item, _shown, words in sent.entries(mail):
            assert unwrapped(words.title) in mail.words
            assert f"<{item_link(item, mail.language)}>" in mail.text
            heading = item.section.translations.get(language_code=mail.language).heading
            assert heading in mail.words
            for source in item.sources.all():
                assert unwrapped(source.outlet) in mail.words
                assert not source.url or f"<{source.url}>" in mail.text
        assert sum(item.sources.count() for item in sent.issue.items.all()) >= 30


def test_the_html_is_small_has_one_h1_and_loads_nothing(sent):
    for mail in sent.one_of_each_order():
        assert len(mail.html.encode()) <= 60 * 1024
        assert len(mail.page.all("h1")) == 1
        assert mail.page.all("img") == mail.page.all("link") == mail.page.all("script") == []
        assert {tag["role"] for tag in mail.page.all("table")} == {"presentation"}


def test_every_link_answers_or_leads_to_an_invented_host_and_looking_changes_nothing(sent):
    before, client = everything(), Client()
    mails = [mail for mail in sent.one_of_each_order() if mail.language in sent.followed]
    links = set().union(*(mail.links for mail in mails))
    for link in sorted(links):
        if link.startswith(settings.SITE_URL):
            response = client.get(link.removeprefix(settings.SITE_URL))
            assert (link, response.status_code) == (link, 200)
        elif not link.startswith("#"):
            host = urlsplit(link.removeprefix("mailto:")).hostname or link.rpartition("@")[2]
            assert re.fullmatch(r"([\w-]+\.)*example(\.(org|net|com))?", host), link
    pages = len(sent.followed) * (1 + len(sent.issue.items.all()))
    assert len([link for link in links if link.startswith(settings.SITE_URL)]) == pages + 2 * len(mails)
    for mail in mails:
        for link in mail.links:
            assert not link.startswith("#") or mail.html.count(f'id="{link[1:]}"') == 1
    assert everything() == before


def test_the_personal_links_in_each_mail_are_its_reader_s_own(sent):
    for mail in sent.mails:
        personal = [link for link in mail.links if re.search(r"/newsletter/(leave|preferences)/", link)]
        assert len(personal) == 2
        token = personal[0].rstrip("/").rpartition("/")[2]
        assert subscriptions.reader_for(token).address == mail.received.recipient
        assert all(link.endswith(f"/{token}/") for link in personal)
        assert mail.message["List-Unsubscribe"].endswith(f"?subject={token}>")


def everything() -> list:
    """All that a reader's visit might change."""
    return [
        list(Subscriber.objects.order_by("pk").values()),
        list(Suppression.objects.values()),
        list(Delivery.objects.order_by("pk").values()),
    ]


def test_one_click_leaves_and_the_next_issue_skips_that_reader_only(sent):
    mail = sent.mails[123]
    path = mail.one_click.removeprefix(settings.SITE_URL)
    form = "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
    answer = Client(enforce_csrf_checks=True).post(path, *form)
    assert answer.status_code == 200
    assert answer.cookies == {}

    sent.site.relay.received.clear()
    second = make_issue("second", items=1, state=Edition.State.READY)
    sent.site.manage("send_issue", "second", "--wait")
    assert sorted(sent.site.relay.recipients()) == sorted(set(sent.readers) - {mail.received.recipient})
    assert reporting.report(second)["states"] == {"accepted": 499}
