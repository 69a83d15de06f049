"""A site in the month of an issue, the people who work at its desk, and what they do there in every story."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from tests.browser.program import ROOT, Run
from tests.browser.visitor import Visitor

READERS, SLOWLY = 20, 3  # mails a second
PHONE, DESK = 390, 1280
PASSWORD = "four boats, one harbour"
# What the console says of a request without a network, or to a page that is not theirs.
REFUSED = "Failed to load resource"
HIRE = """
from django.contrib.auth.models import Group
from newsletter.models import Translator
from picum.accounts.models import User
person = User.objects.create_user({login!r}, {password!r}, name={name!r}, language={language!r}, is_staff=True)
person.groups.set(Group.objects.filter(name__in={roles!r}))
if {into!r}:
    Translator.objects.create(user=person, languages={into!r})
"""


class Month:
    """The program, and everybody's browsers."""

    def __init__(self, chromium, folder: Path):
        self.run = Run(folder, readers=READERS, members=0, rate=SLOWLY)
        self._chromium, self._people = chromium, []

    def somebody(self, width: int, **own) -> Visitor:
        """With a new browser."""
        self._people.append(Visitor(self._chromium, self.run.site, width=width, **own))
        return self._people[-1]

    def hires(self, name: str, *roles: str, into: str = "", language: str = "en") -> str:
        """The login of somebody who has worked here for a while."""
        login = f"{name.split()[0].lower()}@desk.example"
        about = {"login": login, "password": PASSWORD, "name": name, "language": language}
        self._does(HIRE.format(**about, roles=roles, into=into))
        return login

    def signs_in(self, login: str, *, width: int = DESK, language: str = "en", locale: str = "en-GB") -> Visitor:
        person = self.somebody(width, locale=locale)
        tab = person.tab
        tab.goto(f"{self.run.site}{language}/desk/login/")
        tab.locator("[name=username]").fill(login)
        tab.locator("[name=password]").fill(PASSWORD)
        goes(tab, tab.locator("#login-form [type=submit]"))
        assert tab.url.endswith("/desk/")
        return person

    def page(self, way: str, language: str = "en") -> str:
        """An address of the desk."""
        return f"{self.run.site}{language}/desk/newsletter/{way}"

    def item_of(self, title: str) -> tuple[int, int]:
        """The item that is called so, and its issue; both by number."""
        return self.run.rows(
            "SELECT i.id, i.issue_id FROM newsletter_item i JOIN newsletter_itemtranslation t ON t.master_id = i.id "
            "WHERE t.title = ?",
            title,
        )[0]

    def readers_get(self, item: int, language: str) -> str:
        return self.run.rows(
            "SELECT text FROM newsletter_itemtranslation WHERE master_id = ? AND language_code = ?", item, language
        )[0][0]

    def first_languages(self) -> dict[str, str]:
        """Of all readers."""
        rows = self.run.rows("SELECT address, languages FROM newsletter_subscriber")
        return {email: wish.split()[0] for email, wish in rows}

    def mails(self, tab, words: str) -> list[tuple[str, str]]:
        """Recipient and language of the mails in whose recipient or subject this stands, as the mail box lists them."""
        tab.goto(f"{self.run.mail_box}?words={words}")
        return [
            (row.locator(".to").inner_text(), row.locator(".language").inner_text())
            for row in tab.locator("#rows tr").all()
        ]

    def _does(self, code: str) -> None:
        """In a process beside the program, as whoever looks after the machine could."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        subprocess.run(command, cwd=ROOT, env=environment | self.run.environment, check=True, capture_output=True)

    def _ends(self) -> None:
        for person in self._people:
            person.context.close()
        self.run.kill()


@contextmanager
def begun(chromium, folder: Path) -> Iterator[Month]:
    month = Month(chromium, folder)
    try:
        month.run.start()
        yield month
    finally:
        month._ends()


# --- how they work ---------------------------------------------------------------------------------------------------


def goes(tab, button) -> None:
    """Presses what leads to another page, and is there."""
    with tab.expect_navigation():
        button.click()


def write(field, words: str) -> None:
    """Instead of what is there, key by key."""
    field.click()
    field.page.keyboard.press("ControlOrMeta+A")
    field.page.keyboard.type(words)


def told(tab) -> str:
    """What the desk says about the last deed."""
    return " ".join(tab.locator(".messagelist").inner_text().split())


def comes_true(what: Callable[[], object], wanted: object) -> None:
    end = time.monotonic() + 60
    while (found := what()) != wanted and time.monotonic() < end:
        time.sleep(0.2)
    assert found == wanted


def cells(tab, language: str, *stages: str):
    """Of the board."""
    return tab.locator(", ".join(f".board-cell--{stage}[data-language={language}]" for stage in stages))


def tomorrow() -> str:
    return (date.today() + timedelta(days=1)).isoformat()  # noqa: DTZ011  # the browser's own day


# --- what they do in more than one story -----------------------------------------------------------------------------


def hands_out(person: Visitor, month: Month, issue: int, *, to: str) -> str:
    """On the board: what Portuguese lacks is somebody's until tomorrow. The sentence in which the desk says so."""
    tab = person.tab
    tab.goto(month.page(f"issue/{issue}/board/"))
    for box in cells(tab, "pt", "missing", "outdated").get_by_role("checkbox").all():
        box.check()
    tab.locator(".board-deeds summary").click()
    tab.locator("#assign-to").select_option(label=tab.locator("#assign-to option", has_text=to).inner_text())
    tab.locator("#assign-due_on").fill(tomorrow())
    goes(tab, tab.locator("button[value=assign]"))
    return told(tab)


def approves(person: Visitor, month: Month, issue: int) -> str:
    """All Portuguese that was handed in."""
    tab = person.tab
    tab.goto(month.page(f"issue/{issue}/board/"))
    for box in cells(tab, "pt", "review").get_by_role("checkbox").all():
        box.check()
    goes(tab, tab.locator("button[value=approve]"))
    return told(tab)


def has_gone(tab, lacking: str) -> None:
    """The page of the progress says so by itself, and what is not sent yet."""
    tab.get_by_role("status").get_by_text(f"What was sent is done. Not sent yet: {lacking}.").wait_for(timeout=60_000)
