"""What a word processor puts on the clipboard, pasted into the form of an item in a real Chromium."""

from pathlib import Path

import pytest
from django.conf import settings as django_settings

from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import make_issue, make_item

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASTED = Path(__file__).resolve().parent.parent / "pasted"

PASTE = """(editor, html) => {
  const clipboard = new DataTransfer();
  clipboard.setData("text/html", html);
  clipboard.setData("text/plain", "not this");
  editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true }));
}"""
LISTS = (
    "<ul><li><p>First <strong>demand</strong></p><ul><li><p>Below the first</p></li></ul></li>"
    "<li><p>Second demand</p></li></ul>"
)
REPORT = '<a href="https://example.org/report">the report</a>'
WANTED = {
    "word": (
        "<p>A boat off Lampedusa</p>"
        "<p><strong>Two people</strong> died on <em>Tuesday</em>, the coast guard said.</p>"
        '<p>Read <a href="https://example.org/report?a=1&amp;b=2">the report</a> and the draft. It was added.</p>'
        f"{LISTS}<p>In this order:</p><ol><li><p>One</p></li><li><p>Two</p></li></ol>"
        "<p>Italy · <strong>12</strong></p>"
    ),
    "google_docs": (
        "<p>A boat off Lampedusa</p>"
        f"<p><strong>Two people</strong> died on <em>Tuesday</em>, says {REPORT}.</p>"
        f"{LISTS}<ol><li><p>One</p></li></ol><p>Italy · <strong>12</strong></p>"
    ),
    "libreoffice": (
        "<p>A boat off Lampedusa</p>"
        f"<p><strong>Two people</strong> died on <em>Tuesday</em>, says {REPORT}.</p>"
        f"{LISTS}<ol><li><p>One</p></li></ol><p>Italy · <strong>12</strong></p>"
    ),
}


@pytest.fixture(scope="module", autouse=True)
def own_queries():
    """Playwright's loop runs in this thread; Django would refuse the tests' own queries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def tab(chromium, live_server, settings):
    """A tab in which Carla has signed in; `complaints` is what its console complains of."""
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    name = django_settings.SESSION_COOKIE_NAME
    session = at_the_desk(carla()).cookies[name].value
    address = live_server.url.replace("localhost", "127.0.0.1")
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": name, "value": session, "url": address}])
    tab = context.new_page()
    tab.complaints = []
    tab.on("console", lambda said: said.type in {"error", "warning"} and tab.complaints.append(said.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    yield tab
    context.close()


@pytest.mark.parametrize("program", sorted(WANTED))
def test_what_is_allowed_is_kept_and_the_rest_is_dropped(tab, program):
    item = make_item(make_issue(languages=["en"]), en=("A boat", "<p>X</p>"))
    tab.goto(page("item_change", item.pk))
    editor = tab.locator(".ProseMirror")
    expect(editor).to_be_visible()
    editor.click()
    tab.keyboard.press("Control+A")
    editor.evaluate(PASTE, (PASTED / f"{program}.html").read_text(encoding="utf-8"))
    tab.get_by_role("button", name="Save and continue editing").click()
    expect(tab.locator(".messagelist")).to_contain_text("was changed successfully")
    stored = item.translations.get().text
    assert "JUNK" not in stored
    assert stored == WANTED[program]
    tab.wait_for_load_state("networkidle")
    assert tab.complaints == []
