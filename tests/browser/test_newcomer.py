"""The first hour of a newcomer: start the program, sign in, send, read, leave; Ctrl-C, and all of it again.

The program is the real `manage.py run`, in a process of its own, with a folder and ports of its own.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("newcomer")]
ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 20_000  # milliseconds that a person waits for a page to change
READERS = 210
LANGUAGES = {
    "en": "English",
    "de": "German",
    "nl": "Dutch",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "pt": "Portuguese",
}
# What the mail box and the mails say, by language: the heading and the items that stand there in another language.
HEADINGS = {}
GAPS = {"nl": 1, "pt": 2}
# How a Portuguese mail names the language of an item that it lacks, and how the page of preferences names the same.
IN_PORTUGUESE = {"Español": ("es", "espanhol"), "English": ("en", "inglês"), "Français": ("fr", "francês")}
WATCH = """() => {
    window.sameDocument = true;
    window.seen = [];
    const region = document.querySelector("[data-progress]");
    new MutationObserver(() => {
        const bar = region.querySelector(".desk-bar progress");
        window.seen.push(bar ? bar.value : 0);
    }).observe(region, { childList: true });
}"""


class Run:
    """`manage.py run` as a terminal starts it: its own session, no setting of the developer's."""

    def __init__(self, folder: Path):
        self.folder, self.log = folder, folder / "terminal.log"
        self.port, self.mail_port = _free_port(), _free_port()
        self.process: subprocess.Popen | None = None

    def start(self) -> float:
        """Returns when it says that it is ready, with the seconds that took."""
        started = time.monotonic()
        command = [sys.executable, "manage.py", "run", f"--port={self.port}", f"--mail-port={self.mail_port}"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, f"--subscribers={READERS}"],
                cwd=ROOT,
                env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
                | {
                    "DEBUG": "true",
                    "SECRET_KEY": "a newcomer's key, which opens nothing but this test",
                    "VAR_DIR": str(self.folder),
                    "DATABASE_URL": f"sqlite:///{self.folder}/picum.sqlite3",
                    "CELERY_BROKER_URL": "memory://localhost/",
                    "SENDING_RATE": "50",  # mails a second: slow enough for the eye, and for the progress page
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while "Ctrl-C stops everything." not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < started + 60, self.said
            time.sleep(0.05)
        return time.monotonic() - started

    def press_ctrl_c(self) -> int:
        """The exit code; fails when it takes more than ten seconds."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(10)

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def told(self, what: str) -> list[str]:
        """The words behind "The desk" or another name in the table that it prints."""
        return re.search(rf"^ +{what} {{2,}}(.+)$", self.said, re.MULTILINE)[1].split()

    @property
    def site(self) -> str:
        return self.told("The site")[0]

    @property
    def mail_box(self) -> str:
        return self.told("The mail box")[0]

    @property
    def anything_left(self) -> bool:
        """Is there a process of its group, or something on its ports?"""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return not (_is_free(self.port) and _is_free(self.mail_port))
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@dataclass
class Sent:
    """What the newcomer saw while the issue went out."""

    addresses: dict[str, str] = field(default_factory=dict)
    sentence: str = ""
    readers: dict[str, int] = field(default_factory=dict)  # by the English name of the language
    seen: list[int] = field(default_factory=list)  # mails done, each time the page changed
    same_document: bool = False


@pytest.fixture(scope="module")
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("newcomer"))
    program.start()
    yield program
    program.kill()


@pytest.fixture(scope="module")
def newcomer(chromium, run) -> Iterator[Visitor]:
    visitor = Visitor(chromium, run.site, width=1280)
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="module")
def sent(newcomer, run) -> Sent:
    """The newcomer has sent the issue, with the mouse and the login that the terminal names."""
    walk, tab = Sent(), newcomer.tab
    address, login, password = run.told("The desk")
    tab.goto(address)
    tab.get_by_label("E-mail address").fill(login)
    tab.get_by_label("Password").fill(password)
    newcomer.examine()
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_role("navigation", name="The desk").get_by_role("link", name="Issues").click()
    tab.get_by_role("link", name="October 2026").click()
    newcomer.examine()
    walk.addresses["issue"] = tab.url
    tab.get_by_role("link", name="Send", exact=True).click()
    newcomer.examine()
    walk.addresses["send"] = tab.url
    tab.get_by_role("button", name="Go on").click()
    newcomer.examine()
    walk.sentence = tab.locator(".desk-sentence").inner_text()
    lines = (line.split(": ") for line in tab.get_by_role("main").get_by_text(re.compile(r"^\w+: \d+ readers$")).all_inner_texts())
    walk.readers = {name: int(count.split()[0]) for name, count in lines}
    tab.get_by_role("button", name="Send it now").click()
    tab.evaluate(WATCH)
    sent = re.compile(r"^The issue has been sent\.$")
    from playwright.sync_api import expect

    expect(tab.get_by_role("status")).to_have_text(sent, timeout=3 * PATIENCE)
    walk.seen, walk.same_document = tab.evaluate("[window.seen, window.sameDocument === true]")
    newcomer.examine()
    walk.addresses["progress"] = tab.url
    return walk


def test_it(newcomer, run, sent):
    print(sent)
    tab = newcomer.tab
    for code, name in LANGUAGES.items():
        tab.goto(run.mail_box)
        tab.get_by_label("Language").select_option(code)
        tab.get_by_role("button", name="Show").click()
        print(tab.locator("#total").inner_text(), tab.locator("#rows tr").count())
        tab.locator("#rows a").first.click()
        f = tab.frame_locator("iframe")
        print(f.locator("h1").all_inner_texts(), f.locator("html").get_attribute("lang"), f.locator(".mark").all_inner_texts())
        newcomer.examine()
        tab.get_by_role("link", name="Text", exact=True).click()
        print(tab.locator("pre").get_attribute("lang"), tab.locator("pre").inner_text()[:300])
        newcomer.examine()
    print(run.said)
