"""The editor's pages about words in a real Chromium: they fit, keep the policy, and work without a mouse."""

import datetime

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from newsletter import search_index
from newsletter.translation import finding, texts
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import make_issue, make_item, make_texts

sync_api = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
expect = sync_api.expect
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW = timezone.now()


@pytest.fixture(scope="module", autouse=True)
def own_queries():
    """Playwright's loop runs in this thread; Django would refuse the tests' own queries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def open_tab(chromium, live_server, settings):
    """A tab in which Carla has signed in: `open_tab(width=320)`; `complaints` is what its console complains of."""
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    address = live_server.url.replace("localhost", "127.0.0.1")
    name = django_settings.SESSION_COOKIE_NAME
    session = at_the_desk(carla()).cookies[name].value
    contexts = []

    def open_tab(*, width=1280, scheme="light"):
        size = {"width": width, "height": 900}
        context = chromium.new_context(base_url=address, viewport=size, color_scheme=scheme)
        contexts.append(context)
        context.add_cookies([{"name": name, "value": session, "url": address}])
        tab = context.new_page()
        tab.complaints = []
        tab.on("console", lambda said: said.type in {"error", "warning"} and tab.complaints.append(said.text))
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        return tab

    yield open_tab
    for context in contexts:
        context.close()


@pytest.fixture
def item():
    """Written in three languages, the German and the Portuguese outdated; September went out before."""
    september = make_issue("2026-09", period=datetime.date(2026, 9, 1))
    for number in range(3):
        earlier = make_item(september, en=(f"A boat sank, part {number}", "<p>Off Lampedusa, in the night.</p>"))
        search_index.index(earlier)
    september.editions.update(published_at=NOW - datetime.timedelta(days=1))
    issue = make_issue("2026-10")
    for code in ("en", "de", "pt"):
        make_texts(issue, code, masthead="A sentence under the title. " * 4, donation="<p>Please give.</p>")
    before = "<p>A boat sank in the night. Two people died.</p>"
    item = make_item(issue, "borders", en=("A boat", before), de=("Ein Boot", before), pt=("Um barco", before))
    finding.find_all(issue, state="review", now=NOW - datetime.timedelta(days=2))
    after = {"title": "A boat", "text": "<p>A boat sank in the night. Three people died, and twelve are missing.</p>"}
    texts.store(texts.find(item, "en"), after, state="approved", how="form", by=None, now=NOW)
    make_issue("2026-11", period=datetime.date(2026, 11, 1), languages=["en"])
    return item


def pages(item) -> dict[str, str]:
    preview = page("issue_preview", item.issue_id, "de")
    return {
        "source": page("item_change", item.pk) + "?language=en",
        "outdated": page("item_change", item.pk) + "?language=de",
        "around": page("issue_change", item.issue_id) + "?language=en",
        "history": page("issue_text_history", item.issue_id, "en", item.pk),
        "next": page("issue_next"),
        "preview": preview,
        "beside": preview + "?beside=pt&then=es&scheme=dark&images=off&area=advocacy",
        "phones": preview + "?beside=pt&width=phone&part=text",
    }


@pytest.mark.parametrize(("width", "scheme", "language"), [(320, "dark", "de"), (1280, "light", "en")])
def test_every_page_fits_keeps_the_policy_and_has_no_fault_that_axe_knows(open_tab, item, width, scheme, language):
    tab = open_tab(width=width, scheme=scheme)
    faults = {}
    for name, address in pages(item).items():
        tab.complaints.clear()
        tab.goto(address.replace("/en/", f"/{language}/", 1))
        tab.wait_for_load_state("networkidle")
        complaints = list(tab.complaints)  # axe itself may add some
        wide = tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        found = [fault["id"] for fault in axe.Axe().run(tab).response["violations"]]
        if complaints or wide or found:
            faults[name] = (complaints, wide, found)
    assert faults == {}


def test_an_earlier_item_is_referred_to_with_the_keyboard_alone(open_tab, item):
    tab = open_tab()
    tab.goto(page("item_change", item.pk) + "?language=en")
    editor = tab.locator(".ProseMirror")
    expect(editor).to_be_visible()
    editor.focus()
    tab.keyboard.press("Control+End")
    tab.keyboard.type(" See: ")
    search = tab.get_by_role("combobox", name="Refer to an earlier item")
    search.focus()
    tab.keyboard.type("boat Lamp")
    expect(tab.locator(".reference [role=option]")).to_have_count(3)
    expect(search).to_have_attribute("aria-expanded", "true")
    expect(tab.locator(".reference [role=status]")).to_have_text("Items found: 3. Choose with the arrow keys.")
    complaints = list(tab.complaints)  # axe itself may add some
    found = [fault["id"] for fault in axe.Axe().run(tab).response["violations"]]
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowDown")
    chosen = tab.locator(".reference [aria-selected=true]")
    assert search.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    title = chosen.locator("span").first.inner_text()
    tab.keyboard.press("Enter")
    expect(editor).to_be_focused()
    expect(editor.get_by_role("link")).to_have_text(title)
    expect(search).to_have_attribute("aria-expanded", "false")
    tab.keyboard.type(".")
    tab.get_by_role("button", name="Save and continue editing").click()
    expect(tab.locator(".messagelist")).to_contain_text("was changed successfully")
    text = item.translations.get(language_code="en").text
    assert "See: <a href=" in text
    assert "/en/newsletter/items/" in text
    assert f">{title}</a>.</p>" in text
    assert (complaints, found) == ([], [])


def test_the_search_for_earlier_items_can_be_left_and_saves_nothing(open_tab, item):
    tab = open_tab(width=320)
    tab.goto(page("item_change", item.pk) + "?language=en")
    search = tab.get_by_role("combobox", name="Refer to an earlier item")
    search.fill("boat")
    expect(tab.locator(".reference [role=option]")).to_have_count(3)
    search.press("Escape")
    expect(tab.locator(".reference [role=option]")).to_have_count(0)
    search.fill("nobody says this")
    search.press("Enter")
    expect(tab.locator(".reference [role=status]")).to_have_text("No earlier item says that.")
    assert "/change/" in tab.url
    search.press("Escape")
    expect(search).to_have_value("")


def test_marked_words_become_the_link_by_a_click(open_tab, item):
    tab = open_tab()
    tab.goto(page("item_change", item.pk) + "?language=de")
    editor = tab.locator(".ProseMirror")
    editor.click()
    tab.keyboard.press("Control+A")
    search = tab.get_by_role("combobox", name="Refer to an earlier item")
    search.fill("boat")
    tab.locator(".reference [role=option]").first.click()
    expect(editor.get_by_role("link")).to_have_text("A boat sank in the night. Two people died.")
