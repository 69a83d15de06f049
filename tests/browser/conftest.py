"""A real Chromium."""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import NoReturn

import pytest

pytest.register_assert_rewrite("tests.browser.visitor")  # a failed look says what was seen
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host is ever reached, nor asked for by name
]


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    path = shutil.which("chromium")
    if not path:
        _missing("Chromium")
    if not find_spec("playwright") or not find_spec("axe_playwright_python"):
        _missing("Playwright or its axe-core")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def _missing(what: str) -> NoReturn:
    """A skip, or a failure where PICUM_REQUIRE_BROWSER=1 says that everything must be there."""
    if os.environ.get("PICUM_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{what} is not installed, and PICUM_REQUIRE_BROWSER=1 wants it.")
    pytest.skip(f"{what} is not installed.")
