"""Somebody who sits in front of a browser."""

from collections.abc import Iterator
from contextlib import contextmanager


class Visitor:
    """A person with a browser of their own. `tab` is where they are; `wrong` what no page may do: ask another host
    for anything, complain in the console, fail in a script."""

    def __init__(self, chromium, site: str, *, width: int, storage_state: dict | None = None, locale: str = "en-GB"):
        self.site, self.wrong, self.excused = site, [], None
        self.context = chromium.new_context(
            viewport={"width": width, "height": 800}, locale=locale, storage_state=storage_state
        )
        self.context.set_default_timeout(20_000)  # milliseconds
        self.context.on("request", self._asked)
        self.context.on("console", self._complained)
        self.context.on("weberror", lambda failure: self.wrong.append(f"script: {failure.error}"))
        self.tab = self.context.new_page()

    def _asked(self, request) -> None:
        if not request.url.startswith((self.site, "data:")):
            self.wrong.append(f"asked elsewhere: {request.url}")

    def _complained(self, message) -> None:
        excused = self.excused is not None and message.text.startswith(self.excused)
        if message.type in {"error", "warning"} and not excused:
            self.wrong.append(f"console: {message.text}")

    @contextmanager
    def excusing(self, words: str) -> Iterator[None]:
        """For what our own tools do to a page, of which the console then complains in words that begin so."""
        self.excused = words
        yield
        self.excused = None

    def scrolls_sideways(self, tab=None) -> bool:
        tab = tab or self.tab
        tab.wait_for_load_state("load")
        return tab.evaluate("document.scrollingElement.scrollWidth > innerWidth")

    def looks(self, tab=None) -> None:
        """The page fits the screen, has no fault that axe-core knows, and nothing went wrong on the way to it."""
        from axe_playwright_python.sync_playwright import Axe  # here, for without it the tests are skipped

        tab = tab or self.tab
        assert (tab.url, self.scrolls_sideways(tab), self.wrong) == (tab.url, False, [])
        with self.excusing(""):  # axe tries things that the page's policy refuses
            found = Axe().run(tab).response["violations"]
        faults = [(fault["id"], fault["impact"], [node["html"] for node in fault["nodes"]]) for fault in found]
        assert (tab.url, faults) == (tab.url, [])

    def follows(self, element, *, to: str) -> None:
        """Clicks, and looks at the page with this heading."""
        element.click()
        self.tab.get_by_role("heading", level=1, name=to, exact=True).wait_for()
        self.looks()

    def opens(self, link):
        """The new tab that a link of a mail opens."""
        # Playwright listens to its own click, and the frame of a mail lets no script run.
        with self.excusing("Blocked script execution"):
            with self.context.expect_page() as arrival:
                link.click()
            arrival.value.wait_for_load_state("load")
        return arrival.value
