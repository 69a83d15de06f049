"""A reader's whole life, three times over, in German, French and Portuguese: sign up, confirm, read, change, leave, see
what is held, be forgotten. Each word of it is said in their language; the mails come from the real SMTP catcher.
"""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import urljoin

import pytest
import requests

from tests.browser.letters import letter_to, link_in
from tests.browser.program import Run
from tests.browser.staff import sign_in
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser


@dataclass
class Person:
    """Somebody who reads; `second` is their second language, `area` what interests them."""

    language: str
    second: str
    area: str
    width: int
    headings: dict[str, str]
    visitor: Visitor | None = None
    seen: dict[str, str] = field(default_factory=dict)  # the heading of each page on the way

    @property
    def address(self) -> str:
        return f"Reader.{self.language}@posteo.example.org"

    @property
    def tab(self):
        return self.visitor.tab

    def looks_at(self, step: str) -> None:
        """The page is in this person's language, and without a fault."""
        self.visitor.looks()
        assert self.tab.locator("html").get_attribute("lang") == self.language
        self.seen[step] = self.tab.get_by_role("heading", level=1).inner_text()


PEOPLE = [
    Person("de", "es", "advocacy", 320, {
        "sign-up": "Newsletter abonnieren",
        "goodbye": "Auf Wiedersehen und vielen Dank",
    }),
    Person("fr", "en", "monitoring", 1280, {
        "sign-up": "S’inscrire au bulletin",
        "goodbye": "Au revoir et merci",
    }),
    Person("pt", "fr", "awareness", 1280, {
        "sign-up": "Subscrever o boletim",
        "goodbye": "Até sempre, com o nosso agradecimento",
    }),
]  # fmt: skip
IDS = [person.language for person in PEOPLE]


@pytest.fixture(scope="module")
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("life"), readers=30)
    try:
        program.start()
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module")
def people(chromium, run) -> Iterator[list[Person]]:
    """All three are on the list: each has filled in the form and pressed the button that the mail leads to."""
    for person in PEOPLE:
        person.visitor = Visitor(chromium, run.site, width=person.width)
        sign_up(person, run)
        confirm(person, run)
    yield PEOPLE
    for person in PEOPLE:
        person.visitor.context.close()


@pytest.fixture(scope="module")
def issues(people, run, chromium) -> dict[str, EmailMessage]:
    """The issue as each of them got it, sent from the desk with the mouse."""
    staff = Visitor(chromium, run.site, width=1280)
    sign_in(staff, run)
    tab = staff.tab
    tab.get_by_role("navigation", name="The desk").get_by_role("link", name="Issues").click()
    tab.get_by_role("link", name="October 2026").click()
    tab.get_by_role("link", name="Send", exact=True).click()
    tab.get_by_role("button", name="Go on").click()
    tab.get_by_role("button", name="Send it now").click()
    tab.get_by_role("status").get_by_text("The issue has been sent.").wait_for(timeout=60_000)
    staff.context.close()
    return {person.language: letter_to(person.address, run, "List-Unsubscribe") for person in people}


# --- what they do ----------------------------------------------------------------------------------------------------


def sign_up(person: Person, run: Run) -> None:
    tab = person.tab
    tab.goto(f"{run.site}{person.language}/newsletter/")
    tab.locator("header").locator("a[href$='/newsletter/sign-up/']").click()
    tab.locator("form.sign-up").wait_for()
    person.looks_at("sign-up")
    form = tab.locator("form.sign-up")
    form.locator("input[name=address]").fill(person.address)
    form.locator("select[name=second]").select_option(person.second)
    form.locator(f"input[name=areas][value={person.area}]").check()
    press_until_taken(form.get_by_role("button"), tab)
    person.looks_at("look into your mailbox")


def press_until_taken(button, tab) -> None:
    """Who is quicker than people are is asked to press once more."""
    while button.count():
        button.press("Enter")
        tab.wait_for_load_state("load")


def confirm(person: Person, run: Run) -> None:
    link = link_in(letter_to(person.address, run, "Auto-Submitted"), "/sign-up/confirm/")
    tab = person.tab
    tab.goto(link)
    person.looks_at("confirm")
    assert state_of(person, run) is None, "looking at the page subscribes"
    assert requests.head(link, timeout=20).status_code == 200
    assert state_of(person, run) is None, "a scanner's HEAD subscribes"
    tab.locator("button[name=confirm]").press("Enter")
    tab.get_by_role("status").wait_for()
    person.looks_at("subscribed")


def state_of(person: Person, run: Run) -> str | None:
    found = run.rows("SELECT state FROM newsletter_subscriber WHERE address = ?", person.address)
    return found[0][0] if found else None


def everything_in(path) -> str:
    """All texts of all tables."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return "\n".join(database.iterdump())


# --- the story -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(3), ids=IDS)
def test_each_signs_up_in_their_language_and_is_subscribed_by_the_button_alone(people, run, number):
    person = people[number]
    assert person.seen["sign-up"] == person.headings["sign-up"]
    assert len(set(person.seen.values())) == 4
    assert run.rows(
        "SELECT languages, areas, state, source FROM newsletter_subscriber WHERE address = ?", person.address
    ) == [(f"{person.language} {person.second}", person.area, "subscribed", "form")]
    assert person.visitor.context.cookies() == []


@pytest.mark.parametrize("number", range(3), ids=IDS)
def test_the_issue_comes_in_their_language(issues, people, number):
    person = people[number]
    message = issues[person.language]
    html = message.get_body(("html",)).get_content()
    assert message["Content-Language"] == person.language
    assert re.search(r"<html[^>]* lang=\"?(\w+)", html)[1] == person.language
    assert person.address.casefold() not in html.casefold()


@pytest.mark.parametrize("number", range(3), ids=IDS)
def test_they_change_their_languages_by_the_link_of_the_mail(issues, people, run, number):
    person = people[number]
    tab = person.tab
    tab.goto(link_in(issues[person.language], "/preferences/"))
    person.looks_at("preferences")
    tab.locator(f"button[value='up:{person.second}']").press("Enter")
    tab.get_by_role("status").wait_for()
    person.looks_at("preferences, saved")
    assert run.rows("SELECT languages FROM newsletter_subscriber WHERE address = ?", person.address) == [
        (f"{person.second} {person.language}",)
    ]


@pytest.mark.parametrize("number", range(3), ids=IDS)
def test_they_leave_with_one_click_of_the_mail_program_come_back_and_leave_by_the_page(issues, people, run, number):
    person, tab = people[number], people[number].tab
    header = issues[person.language]["List-Unsubscribe"]
    link = re.search(r"<(http[^>]+)>", header)[1]
    answer = requests.post(link, {"List-Unsubscribe": "One-Click"}, allow_redirects=False, timeout=20)
    assert (answer.status_code, dict(answer.cookies)) == (200, {})
    assert state_of(person, run) == "unsubscribed"
    tab.goto(urljoin(run.site, re.search(r'action="([^"]+/undo/[^"]+)"', answer.text)[1]))
    assert state_of(person, run) == "unsubscribed", "looking at the page undoes it"
    tab.locator("button[name=undo]").press("Enter")
    tab.get_by_role("status").wait_for()
    person.looks_at("undone")
    assert state_of(person, run) == "subscribed"
    tab.goto(link_in(issues[person.language], "/leave/"))
    person.looks_at("leave")
    tab.locator("button[name=leave]").press("Enter")
    tab.get_by_role("status").wait_for()
    person.looks_at("goodbye")
    assert person.seen["goodbye"] == person.headings["goodbye"]
    assert state_of(person, run) == "unsubscribed"


@pytest.mark.parametrize("number", range(3), ids=IDS)
def test_they_see_and_take_what_is_held_and_have_it_erased(issues, people, run, number):
    person, tab = people[number], people[number].tab
    assert state_of(person, run) == "unsubscribed"
    tab.goto(f"{run.site}{person.language}/newsletter/link/")
    person.looks_at("link")
    form = tab.locator("main form")
    form.locator("input[name=address]").fill(person.address.upper())
    press_until_taken(form.get_by_role("button"), tab)
    person.looks_at("link, done")
    tab.goto(link_in(letter_to(person.address, run, "Auto-Submitted"), "/data/"))
    person.looks_at("data")
    assert person.address in tab.locator("main").inner_text()
    with tab.expect_download() as download:
        tab.locator("a[download]").click()
    held = json.loads(download.value.path().read_text())
    kinds = [(consent["kind"], consent["how"]) for consent in held["consents"]]
    tab.locator("main a[href$='/erase/']").click()
    tab.locator("button[name=erase]").wait_for()
    person.looks_at("erase")
    tab.locator("button[name=erase]").press("Enter")
    tab.get_by_role("status").wait_for()
    person.looks_at("erased")

    assert held["reader"]["address"] == person.address
    assert sorted(kinds) == sorted(
        [("requested", "form"), ("given", "form"), ("withdrawn", "one-click"), ("given", "undo"), ("withdrawn", "page")]
    )
    assert len(held["deliveries"]) == 1
    assert state_of(person, run) is None
    assert person.address.casefold() not in everything_in(run.folder / "picum.sqlite3").casefold()
    assert person.visitor.wrong == []
