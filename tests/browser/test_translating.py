"""A translator at work in a real browser: nothing typed is lost, whatever happens to the network, the session or the
window, and the keys alone lead from text to text."""

import json
import re
import time
from collections.abc import Iterator

import pytest

from newsletter.translation import sentences
from tests.browser.hands import Keys
from tests.browser.looking import has_focus, has_value
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
    has_value(ines.tab.locator("#words_title"), "No meio de uma pala")
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


def remembered(tab, sentences: dict[str, str]) -> None:
    """The page offers these, by their place, as the memory would: what it learnt is a matter of other tests."""
    tab.evaluate(
        """(sentences) => {
            const list = document.createElement("p");
            for (const [key, words] of Object.entries(sentences)) {
                const offer = Object.assign(document.createElement("button"), { textContent: `Insert ${key}` });
                Object.assign(offer.dataset, { insert: words, field: key.split(".")[0], key });
                list.append(offer);
            }
            document.querySelector(".translate-beside").prepend(list);
        }""",
        sentences,
    )


def shaped(tab, **shapes: list[int]) -> None:
    """So many sentences have the blocks of the source, by field."""
    tab.evaluate(
        """(shapes) => {
            for (const [name, shape] of Object.entries(shapes)) {
                document.getElementById(`words_${name}`).dataset.shape = JSON.stringify(shape);
            }
        }""",
        shapes,
    )


def test_a_remembered_sentence_goes_to_the_place_of_the_one_it_translates(ines, run, item):
    tab = ines.tab
    title, text, kept = opened(tab, run, item)
    shaped(tab, title=[1], text=[3, 1])
    remembered(tab, {"title.0.0": "O título", "text.0.1": "A <strong>segunda</strong>.", "text.1.0": "A última."})
    write(title, "Um título")
    write(text, "A primeira. […] A terceira.")
    tab.keyboard.press("Enter")
    tab.keyboard.type("O fim.")
    before = text.inner_html()

    tab.get_by_role("button", name="Insert text.0.1").click()
    assert text.inner_html() == "<p>A primeira. A <strong>segunda</strong>. A terceira.</p><p>O fim.</p>"
    assert tab.evaluate("document.activeElement === document.querySelector('.ProseMirror')")
    tab.keyboard.press("ControlOrMeta+Z")
    assert text.inner_html() == before, "one step back"
    # With the keys, and over a sentence that is there.
    for place in ("text.1.0", "title.0.0"):
        button = tab.get_by_role("button", name=f"Insert {place}")
        button.focus()
        button.press("Enter")
    assert (text.locator("p").nth(1).inner_text(), title.input_value()) == ("A última.", "O título")
    tab.keyboard.press("ControlOrMeta+Z")
    assert title.input_value() == "Um título"
    says(kept, "Kept")
    assert ines.wrong == []


def test_where_the_text_is_divided_in_another_way_it_goes_where_the_cursor_is(ines, run, item):
    tab = ines.tab
    _title, text, _kept = opened(tab, run, item)
    shaped(tab, text=[3])
    remembered(tab, {"text.0.2": "A terceira."})
    write(text, "A primeira e a segunda.")
    tab.get_by_role("button", name="Insert text.0.2").click()
    assert text.inner_html() == "<p>A primeira e a segunda. A terceira.</p>"
    tab.keyboard.press("ControlOrMeta+Z")
    assert text.inner_html() == "<p>A primeira e a segunda.</p>"


def test_bold_words_and_line_breaks_of_the_old_sentence_go_with_it(ines, run, item):
    tab = ines.tab
    _title, text, _kept = opened(tab, run, item)
    shaped(tab, text=[2])
    remembered(tab, {"text.0.0": "Simples.", "text.0.1": "<br>Depois."})
    write(text, "")
    tab.keyboard.press("ControlOrMeta+B")
    tab.keyboard.type("Forte.")
    tab.keyboard.press("ControlOrMeta+B")
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.type("Fim.")
    tab.get_by_role("button", name="Insert text.0.0").click()
    tab.get_by_role("button", name="Insert text.0.1").click()
    assert text.inner_html().replace('<br class="ProseMirror-trailingBreak">', "") == "<p>Simples.<br>Depois.</p>"


def test_the_browser_cuts_sentences_as_the_desk_does(ines, run, item):
    """In texts whose stops are no ends, or are no end in one language alone."""
    lines = [
        "Um barco afundou. Duas pessoas morreram! E agora? Nada…",
        "A primeira. […] A terceira. […]",
        "[…] Começa assim. […] […] Acaba assim",
        "Segundo o Dr. Silva, p.ex. na pág. 3, cf. art. 12 da lei n.º 5. Fim.",
        "„Nein.“ Am 14. Mai kamen z.B. 30 Leute. «Ja!» Sie blieben.",
        "J. Smith said so. No. 3 is new. He said no. She left (at 5 p.m.). ‘Why?’ asked he. i.e. so.",
        "Il s’agit de M. Dupont… et de Mme. Curie. Voilà. 3 personnes.",
        " Uma. \u00a0Duas.  Três ... quatro. 5 cinco.) Seis.» Sete",
        "", ".", "...", "A.B. C. D", "Fim.Sem espaço. Mín. 3. Max. 4. Max. Veio.",
    ]  # fmt: skip
    opened(ines.tab, run, item)
    for language in ("en", "de", "es", "fr", "it", "nl", "pt"):
        cut = ines.tab.evaluate(
            """([lines, language, abbreviations]) => {
                const places = new Places(language, abbreviations);
                return lines.map((text) => places.cut({ text, at: 0, isInside: () => false })
                    .map(({ from, to }) => text.slice(from, to)));
            }""",
            [lines, language, sorted(sentences.ABBREVIATIONS[language])],
        )
        assert dict(zip(lines, cut, strict=True)) == {line: sentences.split(line, language) for line in lines}


def test_a_text_with_gaps_is_not_done_and_the_first_gap_is_selected(ines, run, item):
    tab = ines.tab
    title, text, kept = opened(tab, run, item)
    write(title, "Com lacunas")
    write(text, "A primeira. […] A terceira.")
    says(kept, "Kept")
    tab.keyboard.press("ControlOrMeta+Enter")
    refusal = tab.locator(".translate-gap")
    refusal.wait_for()
    assert refusal.inner_text() == (
        "A sentence is still missing where […] stands: write it first. Your words are kept."
    )
    tab.locator(".ProseMirror-focused").wait_for()
    assert tab.evaluate("getSelection().toString()") == "[…]"
    ines.looks()
    assert tab.evaluate("CSS.highlights.get('gap').size") == 1
    assert working(run, item)["text"] == "<p>A primeira. […] A terceira.</p>"
    tab.keyboard.type("A segunda.")
    says(kept, "Kept")
    becomes(run, item, "Com lacunas")
    assert tab.evaluate("CSS.highlights.get('gap').size") == 0
    before = tab.url
    tab.keyboard.press("ControlOrMeta+Enter")
    tab.locator(".messagelist").get_by_text("“Com lacunas” is approved.").wait_for()
    assert working(run, item) is None
    # On to the next text: at its title, which is in sight, and nothing has scrolled.
    assert tab.url != before
    has_focus(tab.locator(".translate-title"))
    assert tab.evaluate("scrollY") == 0
    ines.looks()


def test_words_that_nobody_comes_back_for_go_after_two_weeks(ines, run, item):
    tab = ines.tab
    opened(tab, run, item)
    mine = tab.evaluate("document.getElementById('words').dataset.store")
    for key, days in [(f"{mine} old", 15), ("picum words 9 9 9 pt old", 15), ("picum words 9 9 9 pt young", 13)]:
        left = {
            "words": {"title": "Antigo", "text": ""},
            "numbers": {"working": "0", "number": "0", "source": "0"},
            "at": (time.time() - days * 24 * 60 * 60) * 1000,
        }
        tab.evaluate("([key, left]) => localStorage.setItem(key, JSON.stringify(left))", [key, left])
    tab.evaluate(
        "localStorage.setItem('picum words 9 9 9 pt broken', '{'); localStorage.setItem('anything else', '{}')"
    )
    title, _text, _kept = opened(tab, run, item)
    tab.wait_for_load_state("load")
    left = {key for key in tab.evaluate("Object.keys(localStorage)") if not key.startswith(f"{mine} ")} - {"theme"}
    assert left == {"picum words 9 9 9 pt young", "anything else"}
    # But for those of the text whose person has just come back.
    assert (title.input_value(), tab.locator("#restored").is_visible()) == ("Antigo", True)
    tab.evaluate("localStorage.clear()")


def test_a_button_that_came_to_nothing_is_told_until_it_is_pressed_again(ines, run, item):
    tab = ines.tab
    title, text, kept = opened(tab, run, item)
    write(title, "Sem rede")
    write(text, "Escrito sem rede.")
    says(kept, "Kept")
    ines.context.set_offline(True)
    write(title, "Sem rede ainda")
    with ines.excusing(DROPPED):
        tab.get_by_role("button", name="Approve and go on").click()
        says(kept, f"{LOST} Not done yet: please press the button again.")
        ines.context.set_offline(False)
        says(kept, "Kept Not done yet: please press the button again.")
    becomes(run, item, "Sem rede ainda")
    ines.context.set_offline(True)  # nothing is left to be kept, and the button comes to nothing all the same
    tab.get_by_role("button", name="Approve and go on").click()
    says(kept, f"{LOST} Not done yet: please press the button again.")
    ines.context.set_offline(False)
    tab.get_by_role("button", name="Approve and go on").click()
    tab.locator(".messagelist").get_by_text("“Sem rede ainda” is approved.").wait_for()


def test_on_a_small_phone_the_source_is_above_and_the_buttons_are_in_reach(chromium, run, session, item):
    phone = Visitor(chromium, run.site, width=320, storage_state=session)
    opened(phone.tab, run, item)
    phone.looks()
    source, own = (
        phone.tab.locator(place).nth(1).bounding_box() for place in (".translate-source", ".translate-target")
    )
    phone.tab.locator(".translate-target").nth(1).scroll_into_view_if_needed()
    button = phone.tab.get_by_role("button", name="Approve and go on").bounding_box()
    # What became of the text has the focus where it stands, and nothing has scrolled.
    title, text, kept = shown(phone.tab)
    write(title, "No telefone")
    write(text, "Escrito no telefone.")
    says(kept, "Kept")
    phone.tab.set_viewport_size({"width": 320, "height": 480})
    phone.tab.get_by_role("button", name="Approve and go on").click()
    phone.tab.locator(".messagelist").get_by_text("“No telefone” is approved.").wait_for()
    has_focus(phone.tab.locator(".messagelist"))
    scrolled = phone.tab.evaluate("scrollY")
    phone.looks()
    phone.context.close()
    assert scrolled == 0
    assert source["y"] + source["height"] <= own["y"]
    assert button["y"] + button["height"] <= 800
