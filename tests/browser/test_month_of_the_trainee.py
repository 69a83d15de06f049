"""The trainee's mistake: Mira corrects a number when three languages are approved. Each of them shows what changed; two
are still right by one click, the third is rewritten by a volunteer on his phone.

Everything is real: `manage.py run`, its workers, and the browsers of two people.
"""

import re
from collections.abc import Iterator

import pytest

from tests.browser.month import PHONE, Month, approves, begun, goes, told, write
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
# What Mira writes, and puts right twice.
BOATS = "Two boats"
SENTENCE = "The coast guard found {} people on a boat near Lampedusa. {} were brought to the island."
FIRST, RIGHT, FINE = SENTENCE.format(12, "They"), SENTENCE.format(21, "They"), SENTENCE.format(21, "All of them")
TRANSLATED = {
    "de": ("Zwei Boote", "Die Küstenwache fand Menschen auf einem Boot vor Lampedusa. Alle kamen auf die Insel."),
    "fr": ("Deux bateaux", "Les garde-côtes ont trouvé des gens près de Lampedusa. Tous sont sur l’île."),
    "pt": ("Dois barcos", "A guarda costeira encontrou 12 pessoas perto de Lampedusa. Foram levadas para a ilha."),
}
REWRITTEN = TRANSLATED["pt"][1].replace("12", "21")


@pytest.fixture(scope="module")
def month(chromium, tmp_path_factory) -> Iterator[Month]:
    with begun(chromium, tmp_path_factory.mktemp("trainee")) as month:
        yield month


@pytest.fixture(scope="module")
def mira(month) -> Visitor:
    """A trainee: writes, and does not send."""
    return month.signs_in(month.hires("Mira Kovač", "Editors"))


@pytest.fixture(scope="module")
def rui(month) -> Visitor:
    """A volunteer in Lisbon, with a phone."""
    login = month.hires("Rui Tavares", "Translators", into="pt", language="pt")
    return month.signs_in(login, width=PHONE, language="pt", locale="pt-PT")


@pytest.fixture(scope="module")
def approved(mira, month) -> tuple[int, int]:
    """In the next issue stands an item that Mira wrote and has in three other languages, all approved; the
    number of the item, and of the issue."""
    tab = mira.tab
    tab.goto(month.page("issue/next/"))
    goes(tab, tab.locator("#content form button.default"))
    goes(tab, tab.locator("#contents a.addlink").first)
    tab.locator("#id_title").fill(BOATS)
    write(tab.locator(".ProseMirror"), FIRST)
    goes(tab, tab.locator("[name=_save]"))
    item, issue = month.item_of(BOATS)
    for language, (title, text) in TRANSLATED.items():
        tab.goto(month.page(f"issue/{issue}/translate/{language}/{item}/"))
        tab.locator("#words_title").fill(title)
        write(tab.locator(".ProseMirror"), text)
        goes(tab, tab.locator("[data-done]"))
    return item, issue


@pytest.fixture(scope="module")
def corrected(approved, mira, month) -> str:
    """Mira has put the number right; what the desk said."""
    return _corrects(mira.tab, month, approved[0], RIGHT)


def _corrects(tab, month: Month, item: int, text: str, *, minor: bool = False) -> str:
    tab.goto(month.page(f"item/{item}/change/?language=en"))
    write(tab.locator(".ProseMirror"), text)
    tab.locator("#id_minor").set_checked(minor)
    goes(tab, tab.locator("[name=_save]"))
    return told(tab)


@pytest.fixture(scope="module")
def answered(corrected, approved, mira, rui, month) -> dict:
    """Two translations are still right, and Rui has rewritten the third: what they saw on the way."""
    tab, (item, issue) = mira.tab, approved
    saw = {}
    tab.goto(month.page(f"issue/{issue}/board/"))
    saw["board"] = {
        cell.get_attribute("data-language"): "1 sentence changed" in cell.inner_text()
        for cell in tab.locator(".board-cell--outdated").all()
    }
    goes(tab, tab.locator("a.board-changed"))
    mira.looks()
    stale = tab.locator(f"#text-{item}")
    saw["difference"] = [_without_labels(piece) for piece in stale.locator("del, ins").all()]
    goes(tab, stale.locator(f"button[value^='{item}:de:']"))
    goes(tab, stale.locator(f"button[value^='{item}:fr:']"))
    saw["left"] = stale.locator("summary").all_inner_texts()

    phone = rui.tab
    phone.goto(month.page(f"issue/{issue}/board/", "pt"))
    goes(phone, phone.locator("a.board-changed"))
    rui.looks()
    goes(phone, phone.locator(f"#text-{item} a.button"))
    rui.looks()
    saw["his"] = [_without_labels(piece) for piece in phone.locator(".translate-changed").locator("del, ins").all()]
    write(phone.locator(".ProseMirror"), REWRITTEN)
    goes(phone, phone.locator("[data-done]"))
    saw["approved"] = approves(mira, month, issue)
    return saw


def _without_labels(piece) -> tuple[str, str]:
    """What is struck out or new, without what only screen readers are told."""
    words = piece.evaluate(
        "it => [...it.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data).join('')"
    )
    return piece.evaluate("it => it.localName"), words.strip()


def _stages(tab, month: Month, item: int, issue: int) -> dict[str, str]:
    """How far the item is in the languages into which it was translated, as the board has it."""
    tab.goto(month.page(f"issue/{issue}/board/"))
    row = tab.get_by_role("row").filter(has=tab.locator(f"#row-{item}"))
    found = row.locator("[data-language]").evaluate_all(
        "cells => cells.map((cell) => [cell.dataset.language, cell.className.split('board-cell--')[1]])"
    )
    return {language: stage for language, stage in found if language in TRANSLATED}


ALL_APPROVED = dict.fromkeys(TRANSLATED, "approved")


def test_a_new_number_leaves_three_translations_behind_and_the_desk_shows_by_what(corrected, answered):
    assert re.match(
        r".*3 translations are outdated now \(French, German, Portuguese\): 1 sentence changed\.", corrected
    )
    assert answered["board"] == dict.fromkeys(TRANSLATED, True)
    assert answered["difference"] == answered["his"] == [("del", "12"), ("ins", "21")]


def test_two_are_still_right_by_one_click_and_the_third_is_rewritten(answered, approved, mira, month):
    item, issue = approved
    assert (answered["left"], answered["approved"]) == (["Portuguese"], "1 text was approved.")
    assert _stages(mira.tab, month, item, issue) == ALL_APPROVED
    assert [month.readers_get(item, code) for code in TRANSLATED] == [
        f"<p>{TRANSLATED['de'][1]}</p>",
        f"<p>{TRANSLATED['fr'][1]}</p>",
        f"<p>{REWRITTEN}</p>",
    ]


def test_a_minor_change_leaves_all_as_they_are_and_an_earlier_version_comes_back(answered, approved, mira, month):
    tab, (item, issue) = mira.tab, approved
    said = _corrects(tab, month, item, FINE, minor=True)
    stages = [_stages(tab, month, item, issue)]
    tab.goto(month.page(f"issue/{issue}/history/en/{item}/"))
    mira.looks()
    versions = tab.locator(".desk-versions tbody tr")
    before = [
        (" ".join(row.get_by_role("rowheader").inner_text().split()), "minor change" in row.inner_text())
        for row in versions.all()
    ]
    tab.locator("[name=minor]").check()
    goes(tab, tab.get_by_role("button", name="Restore version 2"))
    mira.looks()
    restored = (told(tab), versions.count(), month.readers_get(item, "en"))
    stages.append(_stages(tab, month, item, issue))

    assert "Saved as a minor change: the translations stay as they are." in said
    assert before == [("3 (now)", True), ("2", False), ("1", False)]
    words = "Version 2 is what readers get again. Saved as a minor change: the translations stay as they are."
    assert restored == (words, 4, f"<p>{RIGHT}</p>")
    assert stages == [ALL_APPROVED, ALL_APPROVED]
    assert mira.wrong == []
