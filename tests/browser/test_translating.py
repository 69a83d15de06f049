"""A translator at work in a real browser: nothing typed is lost, whatever happens to the network, the session or the
window, and the keys alone lead from text to text."""

import json
import re
import time
from collections.abc import Iterator

import pytest

from tests.browser.hands import Keys
from tests.browser.program import Run
from tests.browser.staff import sign_in
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
DROPPED = "Failed to load resource"  # what the console says of a request without a network, or with a conflict
LOST = "No connection. What you type stays in this browser, and is sent by itself as soon as there is one."


@pytest.fixture(scope="module")
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("translating"), readers=20)
    try:
        program.start()
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module")
def session(chromium, run) -> dict:
    visitor = Visitor(chromium, run.site, width=1280)
    sign_in(visitor, run)
    state = visitor.context.storage_state()
    visitor.context.close()
    return state


@pytest.fixture
def ines(chromium, run, session) -> Iterator[Visitor]:
    visitor = Visitor(chromium, run.site, width=1280, storage_state=session)
    yield visitor
    visitor.context.close()


@pytest.fixture
def item(run, request) -> tuple[int, int]:
    """Another item of the next issue for each test, and the issue; both by number."""
    tests = [name for name in globals() if name.startswith("test_")]
    at = tests.index(request.node.originalname)
    return run.rows(
        "SELECT i.id, i.issue_id FROM newsletter_item i JOIN newsletter_issue n ON n.id = i.issue_id "
        "WHERE n.slug = 'next' AND i.original_language = 'en' ORDER BY i.id LIMIT 1 OFFSET ?",
        at,
    )[0]


def address(run, item, language="pt") -> str:
    return f"{run.site}en/desk/newsletter/issue/{item[1]}/translate/{language}/{item[0]}/"


def working(run, item) -> dict | None:
    rows = run.rows("SELECT working FROM newsletter_text WHERE item_id = ? AND language = 'pt'", item[0])
    return json.loads(rows[0][0]) if rows and rows[0][0] else None


def becomes(run, item, title: str) -> None:
    """What the desk has, in the end."""
    deadline = time.monotonic() + 15
    while (working(run, item) or {}).get("title") != title and time.monotonic() < deadline:
        time.sleep(0.1)
    assert working(run, item)["title"] == title


def shown(tab):
    """Title, text, and the sentence about what is kept."""
    return tab.get_by_role("textbox", name="Title"), tab.locator(".ProseMirror"), tab.locator("#kept")


def opened(tab, run, item):
    tab.goto(address(run, item))
    fields = shown(tab)
    fields[1].wait_for()
    return fields


def write(field, words: str) -> None:
    """Instead of what is there, key by key."""
    field.click()
    field.page.keyboard.press("ControlOrMeta+A")
    field.page.keyboard.type(words)


def says(line, words: str) -> None:
    line.filter(has_text=re.compile(f"^{re.escape(words)}")).wait_for()


def crash(tab) -> None:
    """As a phone ends what it has no room for: the page hears nothing of it."""
    from playwright.sync_api import Error as PageError  # here, for without it the tests are skipped

    with pytest.raises(PageError, match="crash"):
        tab.goto("chrome://crash")
    tab.close()


def test_what_is_typed_is_kept_a_second_later_and_shown_as_the_mail_will(ines, run, item):
    title, text, kept = opened(ines.tab, run, item)
    ines.looks()
    write(title, "Um título novo")
    write(text, "Uma frase nova.")
    says(kept, "Kept")
    frame = ines.tab.frame_locator("#mail")
    ines.tab.locator("#mail").scroll_into_view_if_needed()
    frame.get_by_text("Uma frase nova.").wait_for()
    assert working(run, item) == {"title": "Um título novo", "text": "<p>Uma frase nova.</p>"}
    ines.looks()


def test_without_a_network_nothing_is_lost_and_all_is_sent_when_it_is_back(ines, run, item):
    title, _text, kept = opened(ines.tab, run, item)
    with ines.excusing(DROPPED):
        ines.context.set_offline(True)
        write(title, "Escrito sem rede")
        says(kept, LOST)
        assert working(run, item) is None
        ines.context.set_offline(False)
        says(kept, "Kept")
    assert working(run, item)["title"] == "Escrito sem rede"
    assert ines.wrong == []


def test_a_browser_that_ended_without_a_network_gives_its_words_back(ines, run, item):
    _title, text, kept = opened(ines.tab, run, item)
    with ines.excusing(DROPPED):
        ines.context.set_offline(True)
        write(text, "Não perdido.")
        says(kept, LOST)
        crash(ines.tab)
        ines.context.set_offline(False)
    again = ines.context.new_page()
    _title, text, kept = opened(again, run, item)
    again.get_by_text("Words that only this browser had are back").wait_for()
    says(kept, "Kept")
    assert text.inner_text() == "Não perdido."
    assert working(run, item)["text"] == "<p>Não perdido.</p>"
    assert again.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('picum words'))") == []
    ines.looks(again)


def test_a_reload_in_the_middle_of_a_word_loses_none(ines, run, item):
    title, _text, _kept = opened(ines.tab, run, item)
    write(title, "No meio de uma pala")
    ines.tab.reload()
    ines.tab.wait_for_function("document.getElementById('words_title').value === 'No meio de uma pala'")
    becomes(run, item, "No meio de uma pala")
    ines.tab.wait_for_timeout(3000)
    assert not ines.tab.locator("#conflict").is_visible()
    assert ines.tab.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('picum words'))") == []


def test_two_windows_show_both_versions_and_neither_is_lost(ines, run, item):
    one, two = ines.tab, ines.context.new_page()
    first, second = opened(one, run, item), opened(two, run, item)
    write(first[0], "O que a primeira disse")
    says(first[2], "Kept")
    with ines.excusing(DROPPED):
        write(second[0], "O que a segunda disse")
        two.get_by_role("heading", name="Two versions of this text").wait_for()
    conflict = two.locator("#conflict")
    assert conflict.locator(".translate-words").all_inner_texts() == ["O que a primeira disse", "O que a segunda disse"]
    assert working(run, item)["title"] == "O que a primeira disse"
    assert two.evaluate("document.activeElement.id") == "words_title", "who types is torn away"
    ines.looks(two)

    conflict.get_by_role("button", name="Take what is stored").click()
    assert second[0].input_value() == "O que a primeira disse"
    two.get_by_role("button", name="Bring mine back").click()
    says(second[2], "Kept")
    becomes(run, item, "O que a segunda disse")
    assert second[0].input_value() == "O que a segunda disse"


def test_words_left_in_a_browser_meet_what_somebody_else_wrote_meanwhile(chromium, ines, run, session, item):
    _title, text, kept = opened(ines.tab, run, item)
    with ines.excusing(DROPPED):
        ines.context.set_offline(True)
        write(text, "Do comboio.")
        says(kept, LOST)
        crash(ines.tab)
        ines.context.set_offline(False)
    rui = Visitor(chromium, run.site, width=1280, storage_state=session)
    _title, text, kept = opened(rui.tab, run, item)
    write(text, "Da secretária.")
    says(kept, "Kept")
    rui.context.close()
    again = ines.context.new_page()
    with ines.excusing(DROPPED):
        opened(again, run, item)
        again.get_by_role("link", name="Show both versions").click()
    both = again.locator("#conflict .translate-words").all_inner_texts()
    kept_meanwhile = working(run, item)["text"]
    again.get_by_role("button", name="Keep mine").click()
    says(again.locator("#kept"), "Kept")

    assert (both, kept_meanwhile) == (["Da secretária.", "Do comboio."], "<p>Da secretária.</p>")
    assert working(run, item)["text"] == "<p>Do comboio.</p>"


@pytest.mark.parametrize("cookie", ["sessionid", "csrftoken"])
def test_who_is_signed_out_writes_on_and_signs_in_again_without_losing_a_word(ines, run, item, cookie):
    title, _text, kept = opened(ines.tab, run, item)
    words = f"Escrito sem {cookie}"
    with ines.excusing(DROPPED):
        ines.context.clear_cookies(name=cookie)
        ines.context.clear_cookies(name="sessionid")
        write(title, words)
        says(kept, "You are signed out. What you type stays in this browser.")
    assert (working(run, item) or {}).get("title") != words
    with ines.context.expect_page() as arrival:
        kept.get_by_role("link", name="Sign in in a new tab").click()
    login = arrival.value
    _address, who, password = run.told("The desk")
    login.get_by_label("E-mail address").fill(who)
    login.get_by_label("Password").fill(password)
    login.get_by_role("button", name="Log in").click()
    login.wait_for_url("**/translate/pt/**")
    login.close()
    says(kept, "Kept")
    assert working(run, item)["title"] == words


def test_the_keys_alone_write_finish_and_lead_on(ines, run, item):
    tab, keys = ines.tab, Keys(ines.tab)
    title, text, _kept = opened(tab, run, item)
    keys.write(title, "Com o teclado")
    keys.write(text, "Só com o teclado.")
    before = tab.url
    tab.keyboard.press("ControlOrMeta+Enter")
    tab.wait_for_url(lambda url: url != before)
    tab.locator(".ProseMirror").first.wait_for()
    after = tab.url
    assert "/translate/pt/" in after or "/board/" in after
    assert "“Com o teclado” is approved." in tab.locator(".messagelist").inner_text()
    stored = run.rows(
        "SELECT title, text FROM newsletter_itemtranslation WHERE master_id = ? AND language_code = 'pt'", item[0]
    )
    assert stored == [("Com o teclado", "<p>Só com o teclado.</p>")]
    assert working(run, item) is None
    tab.goto(before)
    tab.keyboard.press("Alt+PageDown")
    tab.wait_for_url(lambda url: url != before)
    tab.keyboard.press("Alt+PageUp")
    tab.wait_for_url(before)
    assert ines.wrong == []


def test_on_a_small_phone_the_source_is_above_and_the_buttons_are_in_reach(chromium, run, session, item):
    phone = Visitor(chromium, run.site, width=320, storage_state=session)
    opened(phone.tab, run, item)
    phone.looks()
    source, own = (
        phone.tab.locator(place).nth(1).bounding_box() for place in (".translate-source", ".translate-target")
    )
    phone.tab.locator(".translate-target").nth(1).scroll_into_view_if_needed()
    button = phone.tab.get_by_role("button", name="Approve and go on").bounding_box()
    phone.context.close()
    assert source["y"] + source["height"] <= own["y"]
    assert button["y"] + button["height"] <= 800
