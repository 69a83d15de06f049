"""The mails about an application: to the applicant at each step, to whoever assesses it; in every language."""

import datetime
import re
from datetime import UTC
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core import mail
from django.urls import resolve
from django.utils.translation import get_language, override

from members import applications, applying, invitations, people
from members.models import Application, Category, Contact
from picum.letters import post
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_application, make_user

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
DAY = datetime.date(2026, 5, 30)
LANGUAGES = [code for code, _name in settings.LANGUAGES]
# Somebody may type anything; a mail shows it as words.
TYPED = "<b>Since 2004?</b>\n\nAnd\twhere & how: {{ name }} %(name)s"
NAME = "Casa & <i>Mar</i>"


def staff(language: str):
    return make_user("carla@example.org", staff=True, permissions=["members.assess_application"], language=language)


def application(state: str, language: str) -> Application:
    category = Category.objects.get(key="affiliated")
    return make_application(NAME, state=state, language=language, category=category, answers={"language": language})


STEPS = {
    "application_new": ("draft", lambda one, carla: applications.submit(one, now=NOW)),
    "application_answered": ("asked", lambda one, carla: applications.answer(one, TYPED, now=NOW)),
    "application_asked": ("submitted", lambda one, carla: applications.ask(one, TYPED, by=carla, now=NOW)),
    "application_recommended": ("submitted", lambda one, carla: applications.recommend(one, by=carla, now=NOW)),
    "application_declined": ("asked", lambda one, carla: applications.decline(one, by=carla, now=NOW, words=TYPED)),
    "application_deferred": ("recommended", lambda one, carla: applications.defer(one, by=carla, now=NOW)),
    "application_refused": ("recommended", lambda one, carla: applications.refuse(one, by=carla, now=NOW, words=TYPED)),
    "application_withdrawn": ("recommended", lambda one, carla: applications.withdraw(one, now=NOW)),
    "welcome": ("recommended", lambda one, carla: applications.admit(one, by=carla, on=DAY, now=NOW)),
}
SAID = {"application_asked", "application_answered", "application_declined", "application_refused"}


def built(name: str, language: str = "en"):
    """The mail as it would go out."""
    state, step = STEPS[name]
    step(application(state, language), staff(language))
    letter = Letter.objects.get(kind=f"members.{name}")
    assert letter.language == language
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
    assert get_language() == "en"
    assert message.extra_headers["Content-Language"] == page.one("html")["lang"] == language
    assert message.subject == page.one("title").words != ""
    assert page.one("h1").words in " ".join(text.split())
    links = [tag["href"] for tag in page.all("a")]
    assert links == own_links(text)
    assert len(links) == (0 if name == "application_withdrawn" else 1)
    assert all(link.startswith(f"{settings.SITE_URL}/{language}/") for link in links)
    assert [tag.name for tag in page.tags if tag.name in {"b", "i", "img", "script", "form"}] == []
    # What people typed is there as they typed it, and nothing is left of a template.
    assert NAME in " ".join(text.split())
    for part in (html, text, message.subject):
        assert not re.search(r"{%|None", part)
    assert ("<b>Since 2004?</b>\n\nAnd where & how: {{ name }} %(name)s" in text) == (name in SAID)
    assert [tag.words for tag in page.all("blockquote")] == (
        ["<b>Since 2004?</b>And where & how: {{ name }} %(name)s"] if name in SAID else []
    )
    assert max(len(line) for line in text.split("\n") if not line.startswith("<")) <= 72


def test_the_links_lead_to_the_applicant_s_page_and_to_the_desk():
    for name, page in (
        ("application_asked", "application"),
        ("application_new", "members_application_change"),
        ("welcome", "invitation"),
    ):
        message = built(name)
        (link,) = own_links(message.body)
        with override("en"):
            found = resolve(link.removeprefix(settings.SITE_URL))
        assert found.url_name == page
        one = Application.objects.first()  # the newest
        match page:
            case "application":
                assert applying.found(found.kwargs["token"]) == one
            case "members_application_change":
                assert found.kwargs["object_id"] == str(one.pk)
            case "invitation":
                assert invitations.find(found.kwargs["token"]) == Contact.objects.get(email="joana@casadomar.example")


@pytest.mark.parametrize("name", [name for name in STEPS if name != "welcome"])
def test_a_letter_that_was_overtaken_is_not_sent(name):
    state, step = STEPS[name]
    step(application(state, "en"), staff("en"))
    letter = Letter.objects.get(kind=f"members.{name}")
    Application.objects.update(state="draft")
    assert post.BUILDERS[letter.kind](letter, now=NOW) is None
    Application.objects.all().delete()
    assert post.BUILDERS[letter.kind](letter, now=NOW) is None


def test_a_welcome_to_somebody_who_is_in_already_or_has_left():
    built("welcome")
    letter = Letter.objects.get(kind="members.welcome")
    contact = Contact.objects.get(email="joana@casadomar.example")
    invitations.accept(contact, language="en", now=NOW)
    (link,) = own_links(post.BUILDERS[letter.kind](letter, now=NOW).body)
    assert link == f"{settings.SITE_URL}/en/my/"
    people.remove(contact, by=staff("en"), now=NOW)
    assert post.BUILDERS[letter.kind](letter, now=NOW) is None


def test_the_question_arrives_with_the_applicant():
    applications.ask(application("submitted", "pt"), TYPED, by=staff("en"), now=NOW)
    assert post.dispatch(now=NOW) == {("sent", ""): 1}
    (message,) = mail.outbox
    assert (message.to, message.extra_headers["Content-Language"]) == (["joana@casadomar.example"], "pt")
    assert post.dispatch(now=NOW) == {}
