"""The box in a real Chromium: what only a browser can tell."""

import shutil
from email.message import EmailMessage

import pytest
from django.urls import reverse

from picum.mailbox import store

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")]

HTML = """<!doctype html><html lang="en"><head><title>Mail</title><base target="_top"></head><body style="color: #123">
<h1>Report</h1><img src="{site}/static/mailbox/missing.png" alt="ours">
<img src="http://elsewhere.invalid/spy.gif" alt="">
<p><a href="{box}?words=followed">Confirm</a></p><form method="post" action="{empty}"><button>Empty</button></form>
<script>document.querySelector("h1").textContent = "taken over"</script></body></html>"""


@pytest.fixture
def site(request, settings):
    """Where a real server shows the box. Asked for so late because it reads the settings only when it starts."""
    server = request.getfixturevalue("live_server")
    settings.ALLOWED_HOSTS = [server.thread.host]
    return server.url


@pytest.fixture
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser):
    return browser.new_context(viewport={"width": 1280, "height": 900}).new_page()


@pytest.fixture
def keep(box, site):
    def keep(subject: str = "Report of November: safe reporting, labour rights and health care") -> int:
        mail = EmailMessage()
        mail["From"], mail["Subject"] = "PICUM <news@picum.example>", subject
        mail.set_content("Hello, see https://picum.example/en/ .")
        places = {name: site + reverse(f"mailbox:{name}") for name in ("box", "empty")}
        mail.add_alternative(HTML.format(site=site, **places), subtype="html")
        return store.add(box, mail.as_bytes(), recipients=["amal@example.org"], subject=subject, language="en")

    return keep


@pytest.fixture
def visit(site):
    def visit(tab, name: str, *arguments: int | str) -> None:
        tab.goto(site + reverse(f"mailbox:{name}", args=arguments))

    return visit


def shown(tab) -> list[int]:
    return [int(row.get_attribute("data-mail")) for row in tab.locator("#rows tr").all()]


def test_new_mails_appear_without_a_reload_and_are_announced(tab, visit, keep):
    tab.clock.install()
    visit(tab, "box")
    sync_api.expect(tab.locator("#nothing")).to_be_visible()

    keep()
    keep()
    tab.clock.run_for(2100)

    sync_api.expect(tab.get_by_role("status")).to_have_text("2 new mails")
    sync_api.expect(tab.locator("#nothing")).to_be_hidden()
    assert (shown(tab), tab.locator("#total").text_content()) == ([2, 1], "2 mails")
    assert tab.title() == "2 new mails – Mail box"


def test_the_list_stays_one_page_long_and_the_next_page_begins_where_it_ends(tab, visit, keep):
    for _ in range(50):
        keep()
    tab.clock.install()
    visit(tab, "box")
    sync_api.expect(tab.locator("#older")).to_be_hidden()

    for _ in range(3):
        keep()
    tab.clock.run_for(2100)

    sync_api.expect(tab.get_by_role("status")).to_have_text("3 new mails")
    assert shown(tab) == list(range(53, 3, -1))
    tab.get_by_role("link", name="Older mails").click()
    sync_api.expect(tab.locator("#older")).to_be_hidden()
    assert shown(tab) == [3, 2, 1]


def test_a_paused_list_asks_for_nothing_until_it_goes_on(tab, visit, keep):
    tab.clock.install()
    visit(tab, "box")
    tab.get_by_role("button", name="Pause").click()
    asked = []
    tab.on("request", lambda request: asked.append(request.url))

    keep()
    tab.clock.run_for(10_000)
    assert (asked, shown(tab)) == ([], [])

    tab.get_by_role("button", name="Pause").click()
    tab.clock.run_for(2100)
    sync_api.expect(tab.locator("#rows tr")).to_have_count(1)


def test_a_mail_cannot_run_a_script_post_a_form_or_fetch_from_elsewhere(tab, visit, keep, box):
    blocked = []
    tab.on("requestfailed", lambda request: blocked.append((request.url, request.failure)))
    keep()
    visit(tab, "message", 1, "phone")
    frame = tab.frame_locator("iframe")

    frame.get_by_role("button", name="Empty").click()

    sync_api.expect(frame.get_by_role("heading")).to_have_text("Report")
    assert [url for url, reason in blocked if reason == "csp"] == ["http://elsewhere.invalid/spy.gif"]
    assert store.count(box) == 1


@pytest.mark.parametrize("own_tab", [False, True])
def test_a_link_in_a_mail_opens_in_a_new_tab_where_everything_works(tab, visit, keep, site, own_tab):
    keep()
    visit(tab, *(("html", 1) if own_tab else ("message", 1, "phone")))
    mail = tab if own_tab else tab.frame_locator("iframe")

    with tab.context.expect_page() as opened:
        mail.get_by_role("link", name="Confirm").click()

    sync_api.expect(opened.value.locator("#words")).to_have_value("followed")
    assert opened.value.evaluate("window.origin") == site
    assert opened.value.evaluate("window.opener") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_fits_and_has_no_fault_that_axe_knows(browser, visit, keep, width, scheme):
    keep()
    keep("x" * 300)
    tab = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    faults = {}

    for view in [("box",), *(("message", 2, name) for name in ("phone", "desktop", "text", "headers", "source"))]:
        visit(tab, *view)
        wide = tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        found = [fault["id"] for fault in axe.Axe().run(tab).response["violations"]]
        # What is inside the frame is the mail's own matter.
        if wide or found:
            faults[view] = (wide, found)

    assert faults == {}


def test_the_phone_is_375_pixels_wide_and_the_desktop_at_least_900(browser, visit, keep):
    keep()
    widths = {}
    for window in (320, 1280):
        tab = browser.new_context(viewport={"width": window, "height": 900}).new_page()
        for name in ("phone", "desktop"):
            visit(tab, "message", 1, name)
            widths[window, name] = tab.locator("iframe").evaluate("frame => frame.clientWidth")

    assert widths[1280, "phone"] == 375
    assert widths[320, "desktop"] == 900
    assert widths[1280, "desktop"] > 900
    assert 280 < widths[320, "phone"] < 320
