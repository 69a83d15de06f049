"""What is typed in the forms of items and issues outlives more than a single mishap."""

from collections.abc import Iterator

import pytest

from tests.browser.program import Run
from tests.browser.staff import sign_in
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
OFFER = "This browser has words of this page that were not saved."
MEANWHILE = "Somebody has saved others meanwhile: compare them before you save."


@pytest.fixture(scope="module")
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("forms"), readers=20)
    try:
        program.start()
        yield program
    finally:
        program.kill()


@pytest.fixture
def editor(chromium, run) -> Iterator[Visitor]:
    visitor = Visitor(chromium, run.site, width=1280)
    sign_in(visitor, run)
    yield visitor
    visitor.context.close()


def items(run) -> list[str]:
    rows = run.rows(
        "SELECT i.id FROM newsletter_item i JOIN newsletter_issue n ON n.id = i.issue_id "
        "WHERE n.slug = 'next' AND i.original_language = 'en' ORDER BY i.id"
    )
    return [f"{run.site}en/desk/newsletter/item/{pk}/change/?language=en" for (pk,) in rows]


def opened(tab, address: str):
    tab.goto(address)
    tab.locator(".ProseMirror").wait_for()
    tab.wait_for_load_state("load")
    return tab.locator("#id_title")


def crash(tab) -> None:
    """As a phone ends what it has no room for: the page hears nothing of it."""
    from playwright.sync_api import Error as PageError  # here, for without it the tests are skipped

    with pytest.raises(PageError, match="crash"):
        tab.goto("chrome://crash")
    tab.close()


def save(tab) -> None:
    tab.get_by_role("button", name="Save", exact=True).click()


def offline_save(editor, tab) -> None:
    editor.context.set_offline(True)
    save(tab)
    tab.wait_for_url("chrome-error:**")
    editor.context.set_offline(False)


def test_saving_one_item_leaves_the_unsaved_words_of_another_alone(editor, run):
    one, two, *_ = items(run)
    tab = editor.tab
    opened(tab, one).fill("Only in this browser")
    offline_save(editor, tab)
    opened(tab, two).fill("Saved at once")
    save(tab)
    tab.locator(".messagelist .success").first.wait_for()
    opened(tab, one)
    tab.get_by_text(OFFER).wait_for()
    tab.get_by_role("button", name="Take them back").click()
    assert tab.locator("#id_title").input_value() == "Only in this browser"


def test_words_that_the_desk_refused_are_kept_on(editor, run):
    address = items(run)[2]
    tab = editor.context.new_page()
    opened(tab, address).fill("")
    tab.locator(".ProseMirror").click()
    tab.keyboard.press("ControlOrMeta+A")
    tab.keyboard.type("Refused, and not lost.")
    save(tab)
    tab.locator(".errornote").wait_for()
    tab.wait_for_load_state("load")
    crash(tab)
    again = editor.context.new_page()
    opened(again, address)
    again.get_by_text(OFFER).wait_for()
    again.get_by_role("button", name="Take them back").click()
    assert again.locator(".ProseMirror").inner_text() == "Refused, and not lost."


def test_who_writes_on_beside_the_offer_loses_neither(editor, run):
    address = items(run)[3]
    tab = editor.context.new_page()
    opened(tab, address).fill("The first hour")
    crash(tab)
    tab = editor.context.new_page()
    title = opened(tab, address)
    tab.get_by_text(OFFER).wait_for()
    title.fill("The second hour")
    crash(tab)
    tab = editor.context.new_page()
    title = opened(tab, address)
    seen = []
    for _time in range(2):
        tab.get_by_text(OFFER).wait_for()
        tab.get_by_role("button", name="Take them back").click()
        seen.append(title.input_value())
    assert seen == ["The second hour", "The first hour"]


def test_that_others_saved_meanwhile_is_said_and_what_is_taken_back_is_unsaved(chromium, editor, run):
    address = items(run)[5]
    tab = editor.tab
    opened(tab, address).fill("Mine")
    offline_save(editor, tab)
    rui = Visitor(chromium, run.site, width=1280)
    sign_in(rui, run)
    opened(rui.tab, address).fill("Theirs")
    save(rui.tab)
    rui.tab.locator(".messagelist .success").first.wait_for()
    rui.context.close()
    title = opened(tab, address)
    tab.get_by_text(MEANWHILE).wait_for()
    tab.get_by_role("button", name="Take them back").click()
    assert title.input_value() == "Mine"
    asked = []
    tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    tab.get_by_role("link", name="Back to the issue").click()
    tab.wait_for_timeout(500)
    assert asked == ["beforeunload"]


def test_a_form_that_is_too_old_loses_nothing(editor, run):
    """Signed in anew elsewhere: the token in the form is no longer the right one."""
    address = items(run)[6]
    tab = editor.tab
    opened(tab, address).fill("With an old token")
    editor.context.clear_cookies(name="csrftoken")
    save(tab)
    tab.get_by_role("heading", name="This form is too old").wait_for()
    opened(tab, address)
    tab.get_by_text(OFFER).wait_for()
    tab.get_by_role("button", name="Take them back").click()
    assert tab.locator("#id_title").input_value() == "With an old token"


def test_saving_other_words_beside_the_offer_leaves_what_is_offered(editor, run):
    address = items(run)[7]
    tab = editor.tab
    opened(tab, address).fill("Only in this browser")
    offline_save(editor, tab)
    opened(tab, address).fill("Saved instead")
    save(tab)
    tab.locator(".messagelist .success").first.wait_for()
    opened(tab, address)
    tab.get_by_text(OFFER).wait_for()
    tab.get_by_role("button", name="Take them back").click()
    assert tab.locator("#id_title").input_value() == "Only in this browser"


def test_what_was_saved_leaves_nothing_in_the_browser(editor, run):
    address = items(run)[8]
    tab = editor.tab
    opened(tab, address).fill("Saved at once")
    save(tab)
    tab.locator(".messagelist .success").first.wait_for()
    tab.wait_for_load_state("load")
    assert [key for key in tab.evaluate("Object.keys(localStorage)") if key.startswith("picum form")] == []


def test_what_is_taken_back_is_seen_in_the_editor(editor, run):
    address = items(run)[9]
    tab = editor.tab
    opened(tab, address)
    tab.locator(".ProseMirror").click()
    tab.keyboard.press("ControlOrMeta+A")
    tab.keyboard.type("Written offline.")
    offline_save(editor, tab)
    opened(tab, address)
    tab.get_by_text(OFFER).wait_for()
    tab.get_by_role("button", name="Take them back").click()
    tab.wait_for_timeout(1000)
    shown = tab.locator(".ProseMirror").inner_text()[:40]
    assert (shown, tab.locator("#id_text").input_value()[:40]) == ("Written offline.", "<p>Written offline.</p>")
    tab.locator(".ProseMirror").click()
    tab.keyboard.press("ControlOrMeta+Home")
    tab.keyboard.type("More. ")
    assert tab.locator("#id_text").input_value() == "<p>More. Written offline.</p>"


def test_sources_are_kept_too_also_in_a_row_that_was_not_there(editor, run):
    address = items(run)[10]
    tab = editor.tab
    opened(tab, address)
    known = tab.locator("[name=sources-0-outlet]")
    known.fill("Il Faro")
    fresh = tab.locator(f"[name=sources-{tab.locator('[name=sources-TOTAL_FORMS]').input_value()}-url]")
    tab.get_by_text("Add another Source").click()
    fresh.fill("https://news.example/2")
    offline_save(editor, tab)
    opened(tab, address)
    tab.get_by_text(OFFER).wait_for()
    tab.get_by_role("button", name="Take them back").click()
    assert (known.input_value(), fresh.input_value()) == ("Il Faro", "https://news.example/2")
    save(tab)
    tab.locator(".messagelist .success").first.wait_for()
    tab.wait_for_load_state("load")
    stored = run.rows("SELECT item_id, outlet, url FROM newsletter_source ORDER BY position")
    (outlet, _url), *_others, added = [rest for item, *rest in stored if f"/item/{item}/" in address]
    assert (outlet, added, left(tab)) == ("Il Faro", ["", "https://news.example/2"], [])


def form_of(run, what: str) -> str:
    row = {
        "item": "SELECT id FROM newsletter_item WHERE issue_id = (SELECT id FROM newsletter_issue WHERE slug = 'next')",
        "issue": "SELECT id FROM newsletter_issue WHERE slug = 'next'",
    }[what]
    return f"{run.site}en/desk/newsletter/{what}/{run.rows(row)[0][0]}/change/?language=en"


def left(tab) -> list[str]:
    return [key for key in tab.evaluate("Object.keys(localStorage)") if key.startswith("picum form")]


def write(tab, field: str, rich: str) -> None:
    tab.get_by_role("textbox", name=field).first.fill("Typed before the end")
    text = tab.get_by_role("textbox", name=rich)
    text.click()
    tab.keyboard.press("ControlOrMeta+A")
    tab.keyboard.type("And a second sentence.")


def test_the_words_of_an_item_are_there_again_after_the_session_ended(editor, run):
    tab = editor.tab
    tab.goto(form_of(run, "item"))
    tab.locator(".ProseMirror").wait_for()
    assert not tab.get_by_text(OFFER).is_visible()
    write(tab, "Title", "Text")
    editor.context.clear_cookies(name="sessionid")
    tab.get_by_role("button", name="Save", exact=True).click()
    _address, login, password = run.told("The desk")
    tab.get_by_label("E-mail address").fill(login)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Log in").click()
    tab.get_by_text(OFFER).wait_for()
    editor.looks()
    assert not tab.get_by_text(MEANWHILE).is_visible()
    tab.get_by_role("button", name="Take them back").click()
    assert not tab.get_by_text(OFFER).is_visible()
    assert tab.get_by_role("textbox", name="Title").first.input_value() == "Typed before the end"
    tab.get_by_role("button", name="Save", exact=True).click()
    tab.locator(".messagelist .success").wait_for()
    stored = "SELECT title, text FROM newsletter_itemtranslation WHERE title = 'Typed before the end'"
    assert run.rows(stored) == [("Typed before the end", "<p>And a second sentence.</p>")]
    tab.goto(form_of(run, "item"))
    tab.locator(".ProseMirror").wait_for()
    assert (tab.get_by_text(OFFER).is_visible(), left(tab)) == (False, [])


def test_the_words_around_the_items_are_there_again_after_the_network_dropped(editor, run):
    from playwright.sync_api import Error as PageError  # here, for without it the tests are skipped

    tab = editor.tab
    tab.goto(form_of(run, "issue"))
    tab.locator(".ProseMirror").first.wait_for()
    write(tab, "Subject of the mail", "Message from the editor")
    editor.context.set_offline(True)
    tab.get_by_role("button", name="Save", exact=True).click()
    with pytest.raises(PageError):
        tab.goto(form_of(run, "issue"))
    editor.context.set_offline(False)
    tab.goto(form_of(run, "issue"))
    tab.get_by_text(OFFER).wait_for()
    tab.get_by_role("button", name="Drop them").click()
    tab.reload()
    tab.locator(".ProseMirror").first.wait_for()
    assert (tab.get_by_text(OFFER).is_visible(), left(tab)) == (False, [])
