"""Amal looks through everything and sends it; the same link then tells what becomes of it, and takes her answers."""

import datetime

import pytest
import time_machine
from django.conf import settings

from members import applications, applying
from members.models import Application, Assembly
from tests.html import Page
from tests.members.applicants import ANSWERS, NOW, Applicant, letters, make_draft, statutes
from tests.members.factories import make_code, make_user

pytestmark = pytest.mark.django_db
State = Application.State
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@pytest.fixture(autouse=True)
def a_monday_in_november():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def ready():
    """She has filled in everything."""
    make_code()
    amal = Applicant(make_draft(now=NOW - datetime.timedelta(minutes=1)))
    amal.fills_in()
    amal.now_holds()
    return amal


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True)


def test_before_it_is_sent_everything_is_shown_once_more(ready):
    page = ready.opens("send")
    shown = ("Rua Aberta", "Portugal", "Lisboa", "Migrants’ rights", "Arabic, Portuguese", "Tito Reis", "Rosa Lima")
    for words in (*shown, "jan@example.net", "Estatutos 2019.pdf", "website", "Amal Duarte"):
        assert words in page.words
    assert len(page.all("form")) == 1


def test_what_is_missing_is_named_instead_of_the_button(ready):
    ready.saves("people", contact_name="")
    page = ready.opens("send")
    assert page.all("form") == []
    assert page.one("div", class_="notice").words.endswith("something is missing here: People")
    assert ready.posts("send").headers["Location"] == ready.path("send")
    assert ready.now_holds().state == State.DRAFT


def test_it_is_sent_by_a_button_and_the_same_link_tells_what_became_of_it(ready):
    assert ready.posts("send").headers["Location"] == ready.path()
    assert ready.now_holds().state == State.SUBMITTED
    page = ready.opens()
    assert page.one("p", class_="card-title").words == "We have it and look at it"
    assert "Since 2 November 2026" in page.words
    assert [tag.words for tag in page.all("li") if "answered" in tag.words] == [
        "Rosa Lima: has not answered yet",
        "Jan Maas: has not answered yet",
    ]
    for step in (*ANSWERS, "send"):  # an old tab
        assert ready.posts(step).headers["Location"] == ready.path()
    assert ready.posts("send").status_code == 302
    assert len(letters()) == 4  # the link, the acknowledgement, two referees


@pytest.fixture
def sent(ready):
    applying.send(ready.application, now=NOW)
    ready.now_holds()
    return ready


def test_each_state_is_told_in_words_and_what_comes_next(sent, carla):
    def told() -> str:
        return sent.opens().one("p", class_="card-title").words

    applications.ask(sent.now_holds(), "How many are you?", by=carla, now=NOW)
    seen = [told()]
    applications.answer(sent.now_holds(), "Twelve.", now=NOW)
    seen.append(told())
    applications.recommend(sent.now_holds(), by=carla, now=NOW)
    seen.append(told())
    assembly = Assembly.objects.create(date=datetime.date(2027, 5, 28))
    Application.objects.update(assembly=assembly)
    assert "it meets on 28 May 2027" in sent.opens().words
    applications.defer(sent.now_holds(), by=carla, now=NOW)
    seen.append(told())
    assert seen == [
        "We have a question to you",
        "We have it and look at it",
        "The board is in favour",
        "The General Assembly has not decided yet",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_words_in_every_language(sent, language):
    for state in State:
        if state not in {State.DRAFT, State.ADMITTED}:
            Application.objects.update(state=state)
            page = sent.opens(language=language)
            assert sent.response.status_code == 200
            assert page.one("p", class_="card-title").words


def test_she_answers_a_question_with_a_paper(sent, carla):
    applications.ask(sent.now_holds(), "How many are you?", by=carla, now=NOW)
    page = sent.opens()
    assert "How many are you?" in page.words
    assert "carla" not in page.words.lower()
    assert Page(sent.posts(words="")).one("ul", class_="errorlist").words == "This field is required."
    assert sent.posts(words="Twelve.", paper=statutes("Members.pdf")).status_code == 302
    assert (sent.now_holds().state, sent.application.papers.count()) == (State.SUBMITTED, 2)
    assert [entry.words for entry in sent.application.entries.filter(kind="answer")] == ["Twelve."]
    assert "Twelve." in sent.opens().words
    assert sent.posts(words="Thirteen.").status_code == 200  # nobody asks any more
    assert sent.application.entries.filter(kind="answer").count() == 1


def test_she_never_sees_what_colleagues_note(sent, carla):
    applications.note(sent.application, "They are lovely.", by=carla, now=NOW)
    sent.application.referees.filter(name="Rosa Lima").update(supports=False, words="Never.", answered_at=NOW)
    page = sent.opens()
    assert "lovely" not in page.words
    assert "Never" not in page.words
    assert "Rosa Lima: has answered" in page.words


def test_she_takes_it_back_after_being_asked_once_more(sent):
    page = sent.opens("withdraw")
    assert sent.now_holds().state == State.SUBMITTED
    assert page.one("h1").words == "Take the application back"
    sent.posts("withdraw")
    assert sent.now_holds().state == State.WITHDRAWN
    assert sent.opens().one("p", class_="card-title").words == "You took it back"
    assert sent.posts("withdraw").headers["Location"] == sent.path()


def test_a_draft_that_she_takes_back_is_deleted_with_all_that_is_in_it(ready):
    ready.opens("withdraw")
    assert Application.objects.exists()
    assert "Nothing of what you wrote is kept." in Page(ready.posts("withdraw")).words
    assert not Application.objects.exists()
