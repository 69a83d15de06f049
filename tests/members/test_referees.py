"""Rosa and Jan are asked by mail whether they stand up for an applicant, reminded once, and answer once."""

import datetime

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from members import applications, applying
from picum import links
from picum.letters import post
from tests.html import Page
from tests.members.applicants import NOW, Applicant, letters, make_draft
from tests.members.factories import make_code

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@pytest.fixture(autouse=True)
def a_monday_in_november():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def application():
    make_code()
    amal = Applicant(make_draft())
    amal.fills_in()
    return applying.send(amal.now_holds(), now=NOW)


@pytest.fixture
def rosa(application):
    return application.referees.get(name="Rosa Lima")


def path(referee, language="en") -> str:
    return f"/{language}/referee/{links.sign(referee.handle, purpose='referee')}/"


def answers(referee, **fields):
    return Client(enforce_csrf_checks=True).post(path(referee), fields)


def test_they_are_asked_in_their_language_with_a_link_of_their_own(application, rosa):
    asked = {message.to[0]: message for message in letters()}
    jan = application.referees.get(name="Jan Maas")
    assert (rosa.asked_at, jan.asked_at) == (NOW, NOW)
    assert path(rosa, "pt") in asked["rosa@example.org"].body
    assert path(jan, "nl") in asked["jan@example.net"].body
    assert path(rosa, "nl") not in asked["jan@example.net"].body


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_who_applies_and_why_in_each_language(rosa, language):
    response = Client().get(path(rosa, language))
    page = Page(response)
    assert "Rua Aberta" in page.words
    assert "Because doors open both ways." in page.words
    assert page.one("html")["lang"] == language
    assert "no-store" in response.headers["Cache-Control"]
    assert (response.headers["Referrer-Policy"], response.headers["X-Robots-Tag"]) == (
        "no-referrer",
        "noindex, nofollow",
    )


def test_they_learn_nothing_but_name_country_and_reason(rosa):
    words = Page(Client().get(path(rosa))).words
    for private in ("Amal Duarte", "Tito", "Lisboa", "501 234", "Jan Maas", "ruaaberta"):
        assert private not in words


def test_a_yes_is_kept_with_its_words(rosa):
    assert answers(rosa, supports="yes", words=" They are good. ").status_code == 302
    rosa.refresh_from_db()
    assert (rosa.supports, rosa.words, rosa.answered_at) == (True, "They are good.", NOW)
    page = Page(Client().get(path(rosa)))
    assert page.all("form") == []
    assert "Thank you for your answer." in page.words


def test_a_no_is_kept_too_and_an_answer_is_given_once(rosa):
    answers(rosa, supports="no")
    answers(rosa, supports="yes", words="On second thoughts …")
    rosa.refresh_from_db()
    assert (rosa.supports, rosa.words) == (False, "")


def test_without_yes_or_no_nothing_is_kept_and_nothing_typed_is_lost(rosa):
    response = answers(rosa, words="They are good.")
    page = Page(response)
    assert page.one("ul", class_="errorlist").words == "Please choose one."
    assert page.one("textarea").words == "They are good."
    rosa.refresh_from_db()
    assert rosa.answered_at is None


def test_looking_answers_nothing(rosa):
    Client().get(path(rosa), {"supports": "yes"})
    Client().head(path(rosa))
    rosa.refresh_from_db()
    assert rosa.answered_at is None


def test_a_stranger_gets_404(rosa, application):
    for token in ("abc", applying.token_for(application), path(rosa).split("/")[3][:-1]):
        response = Client().get(f"/en/referee/{token}/")
        assert response.status_code == 404
        assert "Rua Aberta" not in response.content.decode()


def test_whoever_is_silent_is_reminded_once_after_ten_days(application, rosa):
    letters()
    answers(rosa, supports="yes")
    assert applying.remind_referees(now=NOW + 9 * DAY) == 0
    assert applying.remind_referees(now=NOW + 10 * DAY) == 1
    (message,) = letters(NOW + 10 * DAY)
    assert message.to == ["jan@example.net"]
    assert applying.remind_referees(now=NOW + 40 * DAY) == 0


def test_when_it_is_taken_back_nobody_is_asked_any_more(application, rosa):
    applications.withdraw(application, now=NOW)
    ends = post.dispatch(now=NOW)
    assert ends[("dropped", "moot")] >= 2  # the letters to the referees were still waiting
    assert applying.remind_referees(now=NOW + 40 * DAY) == 0
    page = Page(Client().get(path(rosa)))
    assert page.all("form") == []
    assert "an answer is not needed any more" in page.words
    answers(rosa, supports="yes")
    rosa.refresh_from_db()
    assert rosa.answered_at is None


def test_an_application_that_is_gone_is_gone_in_words(rosa, application):
    where = path(rosa)
    application.delete()
    assert Client().get(where).status_code == 410
