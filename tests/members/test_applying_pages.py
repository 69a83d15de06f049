"""Amal's organisation in Lisbon applies, page by page, by the link of a mail; and sees what becomes of it."""

import datetime
import logging

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from members import applying
from members.forms.choosing import Lists
from members.models import Application, Category
from picum.accounts.models import Rate
from picum.letters.models import Letter
from picum.logs import WithoutTokens
from picum.stranger import stamp
from tests.html import Page
from tests.members.applicants import ADDRESS, ANSWERS, NOW, Applicant, make_draft, statutes
from tests.members.factories import make_code

pytestmark = pytest.mark.django_db
State = Application.State
LANGUAGES = [code for code, _name in settings.LANGUAGES]
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def a_monday_in_november():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def code():
    return make_code()


@pytest.fixture
def amal(code):
    return Applicant(make_draft(now=NOW - MINUTE))


@pytest.fixture
def ready(amal):
    amal.fills_in()
    amal.now_holds()
    return amal


def faults(response) -> list[str]:
    """The sentences at the fields, if the page says in its title that there are some."""
    page = Page(response)
    assert page.one("title").words.startswith("Please look again")
    return [tag.words for tag in page.all("ul", class_="errorlist")]


def state_of(page: Page) -> list[str]:
    return [tag.words for tag in page.all("span", class_="state")]


# --- beginning ----------------------------------------------------------------------------------------------------


def begin(client=None, language="en", **fields):
    """Posts the form for an address as a person would, some seconds after it was shown."""
    fields = {"address": ADDRESS, "category": "affiliated", "stamp": stamp(NOW - MINUTE)} | fields
    return (client or Client(enforce_csrf_checks=True)).post(f"/{language}/apply/", fields)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_page_is_there_in_each_language(language):
    page = Page(Client().get(f"/{language}/apply/"))
    assert [tag["value"] for tag in page.all("input", name="category")] == ["ordinary", "affiliated"]
    assert len(page.all("link", rel="alternate")) == len(LANGUAGES) + 1
    assert page.all("a", lang=language)[0]["aria-current"] == "true"


def test_the_answer_is_the_same_whether_an_address_has_applied_or_not(ready):
    answers = {begin(address=address).content for address in (ADDRESS, "nobody@example.org")}
    applying.send(ready.application, now=NOW)
    answers |= {begin().content, begin().content, begin().content, begin(subject="I am a program").content}
    assert len(answers) == 1
    assert b"on its way" in answers.pop()


def test_a_program_begins_nothing():
    begin(subject="x")
    assert "Please press the button once more" in begin(stamp="").content.decode()
    assert "Please press the button once more" in begin(stamp=stamp(NOW)).content.decode()
    assert (Application.objects.count(), Letter.objects.count(), Rate.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"address": "amal at home"}, "“amal at home” is not a mail address: there is no @ in it."),
        ({"category": ""}, "Please choose one."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(fields, fault):
    page = Page(begin(**fields))
    assert fault in page.words
    wanted = {"address": ADDRESS} | fields
    assert page.one("input", id="address")["value"] == wanted["address"]


def test_a_category_that_is_closed_cannot_be_chosen():
    Category.objects.filter(key="affiliated").update(is_open=False)
    assert "affiliated" not in Client().get("/en/apply/").content.decode()
    begin()
    assert not Application.objects.exists()
    Category.objects.update(is_open=False)
    assert Page(Client().get("/en/apply/")).all("input", name="category") == []


def test_a_network_that_asks_too_often_gets_429():
    for number in range(10):
        assert begin(address=f"amal{number}@example.org").status_code == 200
    assert begin(address="amal10@example.org").status_code == 429


# --- who may see it -----------------------------------------------------------------------------------------------

PAGES = [(), ("send",), ("withdraw",), *((step,) for step in ANSWERS)]


@pytest.mark.parametrize("parts", PAGES)
def test_a_stranger_gets_404_whatever_the_link(amal, parts):
    boris = Applicant(amal.application)
    for token in ("abc", amal.token[:-1], applying.links.sign(amal.application.handle, purpose="referee")):
        boris.token = token
        page = boris.opens(*parts)
        assert (boris.response.status_code, page.one("h1").words) == (404, "This link is not complete")
        assert boris.posts(*parts).status_code == 404
    assert Application.objects.get().changed_at == amal.application.changed_at


@pytest.mark.parametrize("parts", PAGES)
def test_no_cache_keeps_it_no_search_engine_finds_it_and_no_other_site_learns_of_it(amal, parts):
    page = amal.opens(*parts)
    headers = amal.response.headers
    assert amal.response.status_code == 200
    assert "no-store" in headers["Cache-Control"]
    assert (headers["Referrer-Policy"], headers["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")
    assert page.one("meta", name="robots")["content"] == "noindex"
    assert not amal.response.cookies
    assert [link for link in page.links() if link and link.startswith("http")] == []


@pytest.mark.parametrize("parts", PAGES)
def test_looking_changes_nothing(ready, parts):
    before = Application.objects.values().get()
    ready.opens(*parts)
    ready.client.head(ready.path(*parts))
    assert Application.objects.values().get() == before


def test_no_link_stands_in_a_log(amal):
    for path in (amal.path("about"), f"/de/referee/{amal.token[:30]}/"):
        record = logging.LogRecord("x", 30, "", 0, "Not Found: %s", (path,), None)
        assert WithoutTokens().filter(record)
        assert amal.token[:30] not in record.getMessage()


def test_a_draft_that_was_deleted_is_gone_in_words(amal):
    amal.application.delete()
    page = amal.opens()
    assert (amal.response.status_code, page.one("h1").words) == (410, "There is nothing here any more")


# --- the steps ----------------------------------------------------------------------------------------------------


def test_the_overview_says_what_is_done(amal):
    assert state_of(amal.opens()) == ["not begun"] * 8
    amal.saves("about")
    amal.saves("address", website="no website")
    assert state_of(amal.opens())[:3] == ["done", "something is missing", "not begun"]
    assert amal.opens().one("a", class_="button").words == "Go on: Address"


def test_each_step_leads_to_the_next_and_the_last_one_to_a_look_at_everything(amal):
    ways = {step: amal.saves(step).headers["Location"] for step in ANSWERS}
    assert list(ways.values()) == [amal.path(step) for step in [*list(ANSWERS)[1:], "send"]]


def test_she_can_leave_and_finds_everything_again_even_what_is_wrong(amal):
    left = amal.saves("address", website="no website", go="leave")
    assert left.headers["Location"] == amal.path() + "?saved"
    page = amal.opens("address")
    typed = {tag["name"]: tag["value"] for tag in page.all("input") if tag["name"] in ANSWERS["address"]}
    assert typed == ANSWERS["address"] | {"website": "no website"}
    assert faults(amal.response) == ["Enter a valid URL."]
    field = page.one("input", name="website")
    assert (field["aria-invalid"], field["aria-describedby"]) == ("true", "id_website_error")
    assert page.one("ul", id="id_website_error").words == "Enter a valid URL."


def test_she_changes_the_language_in_the_midst_of_a_step_and_loses_nothing(amal):
    for button in amal.opens("address").all("button", name="language_of_page"):
        assert button["form"] == "step"
    moved = amal.saves("address", website="no website", city="", language_of_page="de")
    assert moved.headers["Location"] == amal.path("address", language="de")
    page = amal.opens("address", language="de")
    assert page.one("input", name="website")["value"] == "no website"
    assert page.one("input", name="street")["value"] == "Rua da Paz 1"
    assert amal.now_holds().language == "de"


def test_enter_in_a_field_goes_on_and_does_not_change_the_language(amal):
    """A browser presses the first button of the form."""
    first = next(tag for tag in amal.opens("about").tags if tag.name == "button")
    assert (first["name"], first["value"], first["form"]) == ("go", "on", "step")


def test_two_tabs_with_two_steps_do_not_undo_each_other(amal):
    amal.opens("about")
    other = Applicant(Application.objects.get())
    other.saves("address")
    amal.saves("about")
    held = amal.now_holds().answers
    assert (held["city"], held["name"]) == ("Lisboa", "Rua Aberta")


@pytest.mark.parametrize(
    ("step", "changed", "fault"),
    [
        ("about", {"name": "Pills at https://pills.example"}, "Please write a name here, without a web address."),
        ("about", {"name": ""}, "This field is required."),
        ("work", {"languages": "Klingonish"}, "We do not know the language “Klingonish”."),
        ("people", {"treasurer_name": ""}, "Please fill this in, or tick that it is the same person."),
        ("people", {"contact_email": "amal"}, "“amal” is not a mail address: there is no @ in it."),
        (
            "reasons",
            {"referee1_email": ADDRESS.upper()},
            "This is your own address. A referee is somebody else who knows your work.",
        ),
        ("reasons", {"referee2_email": "Rosa@example.org"}, "Please name two different people."),
        ("papers", {"statutes": None}, "This field is required."),
        ("choices", {"in_directory": None, "open_data": "on"}, "This goes together with the public directory only."),
        ("code", {"signed_by": ""}, "This field is required."),
        ("code", {"privacy": None}, "Please read how data are treated, and tick this."),
        (
            "code",
            {"code_version": "2019"},
            "There is a new version of the code of conduct: please read it, and sign it again.",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(amal, step, changed, fault):
    assert faults(amal.saves(step, **changed)) == [fault]


def test_nothing_about_the_directory_or_the_newsletter_is_ticked_beforehand(amal):
    page = amal.opens("choices")
    boxes = page.all("input", type="checkbox")
    assert len(boxes) == 10
    assert [box["name"] for box in boxes if "checked" in box.attributes] == []
    assert Lists.on(NOW.date()).newsletter.text in page.words


def test_the_code_is_shown_in_english_and_marked_so_where_it_is_not_translated(amal):
    german = amal.opens("code", language="de")
    assert german.one("div", class_="code")["lang"] == "en"
    assert len(german.all("p", class_="mark")) == 1
    assert amal.opens("code", language="en").all("p", class_="mark") == []


def test_a_person_has_fewer_steps(code):
    boris = Applicant(make_draft("boris@example.org", category="ordinary"))
    assert len(state_of(boris.opens())) == 6
    for step in ("people", "papers", "members"):
        boris.opens(step)
        assert boris.response.status_code == 404
    assert [tag["name"] for tag in boris.opens("about").all("input", type="text")] == ["name"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_step_is_there_in_each_language(ready, language):
    for parts in PAGES:
        page = ready.opens(*parts, language=language)
        assert (ready.response.status_code, page.one("html")["lang"]) == (200, language)


def test_how_often_the_pages_ask_the_database(ready, django_assert_num_queries):
    with django_assert_num_queries(11):
        ready.opens()
    with django_assert_num_queries(11):
        ready.opens("work")


# --- papers -------------------------------------------------------------------------------------------------------


def test_she_sees_name_and_size_takes_a_copy_and_takes_it_out_again(amal):
    amal.saves("papers")
    paper = amal.application.papers.get()
    page = amal.opens("papers")
    assert "Estatutos 2019.pdf" in page.words
    assert "bytes" in page.words
    path = amal.path("papers", str(paper.handle))
    assert path in page.links()
    copy = amal.client.get(path)
    assert b"".join(copy.streaming_content).startswith(b"%PDF-")
    assert copy.headers["Content-Disposition"].startswith("attachment")
    assert "no-store" in copy.headers["Cache-Control"]
    amal.opens("papers", str(paper.handle), "remove")  # looking does nothing
    assert amal.application.papers.count() == 1
    amal.posts("papers", str(paper.handle), "remove")
    assert amal.application.papers.count() == 0


def test_the_papers_of_others_do_not_exist_for_her(amal):
    boris = Applicant(make_draft("boris@example.net", now=NOW - MINUTE))
    boris.saves("papers")
    handle = str(boris.application.papers.get().handle)
    amal.opens("papers", handle)
    assert amal.response.status_code == 404
    amal.posts("papers", handle, "remove")
    assert boris.application.papers.count() == 1


def test_a_seventh_paper_is_refused_in_words(amal):
    for _number in range(3):
        amal.posts("papers", statutes=statutes(), other=statutes())
    assert faults(amal.posts("papers", other=statutes())) == ["There can be 6 papers at most."]
    assert amal.application.papers.count() == 6


def test_too_many_uploads_are_refused_before_they_are_looked_at(amal):
    for _number in range(30):
        applying.count_upload(amal.application, now=NOW)
    page = Page(amal.saves("papers"))
    assert "we take no more today" in page.words
    assert amal.application.papers.count() == 0
