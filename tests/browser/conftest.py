"""A real Chromium, and somebody who sits in front of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # what asks for another host gets nothing, not even DNS
]


class Visitor:
    """A person with a browser of their own: `tab` is where they are.

    `wrong` holds what no page may do: ask another host for anything, complain in the console, fail in a script.
    """

    def __init__(self, chromium, site: str, *, width: int, storage_state: dict | None = None):
        self.site, self.wrong, self.examining = site, [], False
        self.context = chromium.new_context(
            viewport={"width": width, "height": 800}, locale="en-GB", storage_state=storage_state
        )
        self.context.on("request", self._asks)
        self.context.on("console", self._says)
        self.context.on("weberror", lambda failure: self.wrong.append(f"script: {failure.error}"))
        self.tab = self.context.new_page()

    def _asks(self, request) -> None:
        if not request.url.startswith((self.site, "data:")):
            self.wrong.append(f"asked elsewhere: {request.url}")

    def _says(self, message) -> None:
        if message.type in {"error", "warning"} and not self.examining:
            self.wrong.append(f"console: {message.text}")

    def examine(self, tab=None) -> None:
        """The page fits the screen, has no fault that axe-core knows (WCAG 2.2 and good practice), and behaves."""
        from axe_playwright_python.sync_playwright import Axe

        tab = tab or self.tab
        tab.wait_for_load_state("load")
        too_wide = tab.evaluate("document.scrollingElement.scrollWidth > innerWidth")
        self.examining = True  # axe tries things that the page's policy refuses
        faults = [
            (fault["id"], fault["impact"], [node["target"] for node in fault["nodes"]][:3])
            for fault in Axe().run(tab).response["violations"]
        ]
        self.examining = False
        assert (tab.url, too_wide, faults, self.wrong) == (tab.url, False, [], [])

    @contextmanager
    def opens_a_tab(self) -> Iterator[list]:
        """`with … as opened:` and a click; then `opened[0]` is the new tab."""
        opened: list = []
        with self.context.expect_page() as arrival:
            yield opened
        opened.append(arrival.value)
        arrival.value.wait_for_load_state("load")


def missing(what: str) -> NoReturn:
    """A skip, or a failure where PICUM_REQUIRE_BROWSER=1 says that all of it must be there."""
    if os.environ.get("PICUM_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{what} is not installed, and PICUM_REQUIRE_BROWSER=1 wants it.")
    pytest.skip(f"{what} is not installed.")


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    path = shutil.which("chromium")
    if not path:
        missing("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
