"""The mails about field reports: to author and member contact, to who triages; in every language."""

import re
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.urls import resolve
from django.utils.translation import get_language, override

from members import reports
from members.access import seat_for
from members.models import FieldReport
from newsletter.models import Item
from picum.letters import post
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_contact, make_member, make_user
from tests.members.reporting import NOW, TEXT, TOLD, make_report
from tests.newsletter.factories import make_issue
from tests.newsletter.test_archive import publish

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]
# Somebody may type anything; a mail shows it as words.
TYPED = "<b>Since 2004?</b>\n\nAnd\twhere & how: {{ name }} %(name)s"
NAME, TITLE = "Rua & <i>Aberta</i>", "Sem <b>escola</b> & sem casa"


def staff(language: str):
    return make_user("carla@example.org", staff=True, permissions=["members.change_fieldreport"], language=language)


def taken(one, carla) -> FieldReport:
    issue = make_issue("2026-10")
    reports.take(one, issue=issue.pk, section="borders", title=TITLE, text=TEXT, by=carla, now=NOW)
    return one


def withdrawn(one, carla) -> None:
    reports.withdraw(taken(one, carla), contact=one.contact, now=NOW)


def published(one, carla) -> None:
    taken(one, carla)
    publish(Item.objects.get().issue, at=NOW)
    reports.tell_published_reports(now=NOW)


def again(one, carla) -> None:
    reports.send(seat_for(one.contact.user, one.member.handle), TOLD, now=NOW)
    Letter.objects.update(about={**Letter.objects.get().about, "report": one.pk})


STEPS = {
    "report_new": ("sent", again),
    "report_answered": ("asked", lambda one, carla: reports.answer(one, TYPED, contact=one.contact, now=NOW)),
    "report_withdrawn": ("sent", withdrawn),
    "report_asked": ("sent", lambda one, carla: reports.ask(one, TYPED, by=carla, now=NOW)),
    "report_declined": ("sent", lambda one, carla: reports.decline(one, TYPED, by=carla, now=NOW)),
    "report_taken": ("sent", taken),
    "report_published": ("sent", published),
}
TO_STAFF = {"report_new", "report_answered", "report_withdrawn"}
SAID = {"report_asked", "report_answered", "report_declined"}


def step(name: str, language: str, **fields) -> Letter:
    """What leads to the mail; its letter."""
    state, deed = STEPS[name]
    carla, member = staff(language), make_member(NAME, slug="rua", city="Lisboa")
    amal = make_contact(member, language=language, name="Amal Duarte")
    deed(make_report(member, contact=amal, state=state, **{"title": TITLE} | fields), carla)
    letter = Letter.objects.get(kind=f"members.{name}")
    assert letter.language == language
    return letter


def built(name: str, language: str = "en", **fields):
    """The mail as it would go out."""
    letter = step(name, language, **fields)
    with override(language):
        return post.BUILDERS[letter.kind](letter, now=NOW)


def own_links(text: str) -> list[str]:
    return re.findall(rf"<({re.escape(settings.SITE_URL)}[^>]*)>", text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", STEPS)
def test_each_mail_is_whole_in_each_language(name, language):
    message = built(name, language)
    ((html, _kind),) = message.alternatives
    page, text = Page(SimpleNamespace(content=html.encode())), message.body
    words = " ".join(text.split())
    assert get_language() == "en"
    assert message.extra_headers["Content-Language"] == page.one("html")["lang"] == language
    assert message.subject == page.one("title").words != ""
    assert page.one("h1").words in words
    links = [tag["href"] for tag in page.all("a")]
    assert links == own_links(text)
    assert len(links) == 1
    assert links[0].startswith(f"{settings.SITE_URL}/{language}/")
    assert [tag.name for tag in page.tags if tag.name in {"b", "i", "img", "script", "form"}] == []
    # What people typed is there as they typed it, and nothing is left of a template.
    assert (TITLE in words, page.one("strong", lang="pt").words) == (True, TITLE)
    assert (NAME in words) == (name in TO_STAFF)
    for part in (html, text, message.subject):
        assert not re.search(r"{%|None", part)
    assert [tag.words for tag in page.all("blockquote")] == (
        ["<b>Since 2004?</b>And where & how: {{ name }} %(name)s"] if name in SAID else []
    )
    assert max(len(line) for line in text.split("\n") if not line.startswith("<")) <= 72


@pytest.mark.parametrize("name", STEPS)
def test_of_a_silent_report_no_mail_repeats_more_than_it_must(name):
    message = built(name, anonymous=True)
    seen = " ".join((message.subject + message.body + message.alternatives[0].content).split())
    for secret in (NAME, "Rua &amp;", "Amal Duarte", "Lisboa", "Portugal"):
        assert secret not in seen
    # What is published, everybody may read; what the desk asks, the member must.
    assert (TITLE in seen) == (name == "report_published")
    assert ("Since 2004" in seen) == (name in {"report_asked", "report_declined"})


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("report_asked", "report"),
        ("report_published", "item"),
        ("report_new", "members_fieldreport_change"),
    ],
)
def test_the_link_leads_to_the_report_to_the_item_or_to_the_desk(name, page):
    (link,) = own_links(built(name).body)
    with override("en"):
        assert resolve(link.removeprefix(settings.SITE_URL)).url_name == page


@pytest.mark.parametrize("name", STEPS)
def test_a_letter_that_was_overtaken_is_not_sent(name):
    letter = step(name, "en")
    FieldReport.objects.update(state="declined" if name != "report_declined" else "sent")
    assert post.BUILDERS[letter.kind](letter, now=NOW) is None


@pytest.mark.parametrize("name", sorted(STEPS.keys() - TO_STAFF))
def test_who_has_left_the_member_gets_nothing_more(name):
    letter = step(name, "en")
    FieldReport.objects.get().member.contacts.update(left_on=NOW.date())
    assert post.BUILDERS[letter.kind](letter, now=NOW) is None


@pytest.mark.parametrize("name", sorted(TO_STAFF))
def test_who_has_no_more_the_right_gets_nothing_more(name):
    letter = step(name, "en")
    staff("en").user_permissions.clear()
    assert post.BUILDERS[letter.kind](letter, now=NOW) is None
