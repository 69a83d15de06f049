"""The coordinator's month: Ines starts an issue from the last one, writes, hands out what is lacking, looks at what is
wrong and how it will look, tries it out and sends it.

Everything is real: `manage.py run`, its workers, its mail over SMTP, and the browser.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.browser.month import Month, begun, comes_true, goes, hands_out, has_gone, told
from tests.browser.staff import seen_progress, watch_progress
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
# The subjects that Ines writes; the readers of other languages wait for another day.
SUBJECTS = {
    "en": "November at the borders",
    "de": "November an den Grenzen",
    "fr": "Novembre aux frontières",
}
TITLE = "A harbour opens its doors"
PASTED = (
    '<p>The town took in <b>12 people</b> on Tuesday, says <a href="https://example.org/harbour">the mayor</a>.</p>'
)
KEPT = (
    "<p>The town took in <strong>12 people</strong> on Tuesday, says "
    '<a href="https://example.org/harbour">the mayor</a>.</p>'
)
COPY = """async (html) => {
    const piece = new ClipboardItem({ "text/html": new Blob([html], { type: "text/html" }) });
    await navigator.clipboard.write([piece]);
}"""
TRIAL = ["lena@trial.example", "otto@trial.example"]  # the second one reads Portuguese alone


@pytest.fixture(scope="module")
def month(chromium, tmp_path_factory) -> Iterator[Month]:
    with begun(chromium, tmp_path_factory.mktemp("coordinator")) as month:
        yield month


@pytest.fixture(scope="module")
def ines(month) -> Visitor:
    """Coordinates: writes, and sends."""
    return month.signs_in(month.hires("Ines Duarte", "Editors", "Publishers"))


@pytest.fixture(scope="module")
def rui(month) -> str:
    """A volunteer; his login."""
    return month.hires("Rui Tavares", "Translators", into="pt", language="pt")


@pytest.fixture(scope="module")
def written(ines, month) -> tuple[int, int]:
    """November's issue: two items that come again, in seven languages, and one that Ines has pasted; the number of
    that item, and of the issue."""
    tab = ines.tab
    tab.goto(month.page("issue/"))
    ines.follows(tab.locator("a[href$='/issue/next/']"), to="Start the next issue")
    ticked = tab.locator("[name=items]:checked")
    while ticked.count():
        ticked.first.uncheck()
    whole = tab.locator(".desk-takes li").filter(has_text="EN DE NL ES FR IT PT").locator("[name=items]")
    whole.nth(0).check()
    whole.nth(1).check()
    goes(tab, tab.locator("#content form button.default"))
    assert told(tab).startswith("November 2026 was started with the standing texts and 2 items of October 2026.")
    issue = tab.url
    tab.locator("#id_subject").fill(SUBJECTS["en"])
    goes(tab, tab.locator("[name=_continue]"))
    goes(tab, tab.locator("#contents a.addlink").first)
    ines.looks()
    tab.locator("#id_title").fill(TITLE)
    ines.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.evaluate(COPY, PASTED)
    tab.locator(".ProseMirror").click()
    tab.keyboard.press("ControlOrMeta+V")
    tab.locator(".ProseMirror").get_by_text("12 people").wait_for()
    goes(tab, tab.locator("[name=_save]"))
    for language in [code for code in SUBJECTS if code != "en"]:
        tab.goto(f"{issue}?language={language}")
        tab.locator("#id_subject").fill(SUBJECTS[language])
        tab.locator("#id_caught_up").check()
        goes(tab, tab.locator("[name=_approve]"))
    return month.item_of(TITLE)


@pytest.fixture(scope="module")
def handed_out(written, ines, rui, month) -> str:
    """What Portuguese lacks is Rui's until tomorrow; the sentence in which the desk says so."""
    said = hands_out(ines, month, written[1], to="Rui Tavares")
    ines.looks()
    return said


@pytest.fixture(scope="module")
def tried(handed_out, written, ines, month) -> None:
    """Test mails have gone to a group, which Ines made for them."""
    tab = ines.tab
    tab.goto(month.page("trialgroup/add/"))
    tab.locator("[name=name]").fill("First readers")
    tab.locator("[name=addresses]").fill(f"{TRIAL[0]}\n{TRIAL[1]} pt")
    goes(tab, tab.locator("#content form button.default"))
    tab.goto(month.page(f"issue/{written[1]}/trial/"))
    ines.looks()
    goes(tab, tab.locator("#content form button.default"))
    assert told(tab) == "8 test mails are on their way."

    def outcome() -> list[str]:
        goes(tab, tab.locator("#content section a[href$='/trial/']"))
        return [cell.inner_text() for cell in tab.locator("#content section td.desk-number").all()]

    comes_true(outcome, ["8", "0", "0"])


@pytest.fixture(scope="module")
def sent(tried, written, ines, month) -> tuple[str, list[str], list[int], bool]:
    """Three languages are out, and Portuguese is late: what was asked before, who waits, and what the page counted."""
    tab, issue = ines.tab, written[1]
    tab.goto(month.page(f"issue/{issue}/change/"))
    for language in SUBJECTS:
        goes(tab, tab.locator(f"#edition-{language} button[formaction$='/ready/']"))
    ines.looks()
    goes(tab, tab.locator("a.desk-send"))
    ines.looks()
    goes(tab, tab.locator("#content form button.default"))
    sentence = tab.locator(".desk-sentence").inner_text()
    waits = tab.get_by_role("listitem").filter(has_text="for Portuguese").all_inner_texts()
    goes(tab, tab.locator("button[name=confirmed]"))
    watch_progress(tab)
    has_gone(tab, "Dutch, Spanish, Italian, Portuguese")
    ines.looks()
    return sentence, waits, *seen_progress(tab)


def test_what_portuguese_lacks_is_handed_out_on_the_board(handed_out, written, rui, month):
    texts = month.run.rows(
        "SELECT t.item_id, u.email FROM newsletter_text t JOIN accounts_user u ON u.id = t.assignee_id "
        "WHERE t.issue_id = ? AND t.language = 'pt'",
        written[1],
    )
    assert handed_out == "2 texts were handed out."
    assert Counter(texts) == Counter([(None, rui), (written[0], rui)])
    assert month.readers_get(written[0], "en") == KEPT


def test_the_problems_page_says_what_stops_portuguese_and_what_german_lacks(handed_out, written, ines, month):
    tab = ines.tab
    tab.goto(month.page(f"issue/{written[1]}/problems/"))
    ines.looks()
    goes(tab, tab.get_by_role("row", name="Portuguese").get_by_role("link"))
    ines.looks()
    stops = tab.locator(".desk-stop").all_inner_texts()
    goes(tab, tab.get_by_role("navigation", name="Languages").get_by_role("link", name="German"))
    notes = tab.locator(".desk-warn").filter(has_text="not written in German")

    assert len(stops) == 1
    assert "The subject of the mail is missing in Portuguese." in stops[0]
    assert tab.locator(".desk-stop").count() == 0
    assert notes.get_by_role("link").all_inner_texts() == [TITLE]


def test_the_preview_shows_two_languages_side_by_side(handed_out, written, ines, month):
    tab = ines.tab
    tab.goto(month.page(f"issue/{written[1]}/preview/en/"))
    tab.locator("#beside").select_option("de")
    goes(tab, tab.locator(".preview-tools button"))
    ines.looks()
    columns = tab.locator(".preview-columns > section")
    boxes = [column.bounding_box() for column in columns.all()]
    shown = [
        (column.locator("iframe").get_attribute("lang"), column.locator("dd[lang]").inner_text())
        for column in columns.all()
    ]
    titles = [tab.frame_locator("iframe").nth(at).locator("h3 a", has_text=TITLE) for at in (0, 1)]

    assert shown == [("en", SUBJECTS["en"]), ("de", SUBJECTS["de"])]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert [title.get_attribute("lang") for title in titles] == [None, "en"]


def test_test_mails_go_to_the_group_and_to_nobody_else(tried, ines, month):
    found = month.mails(ines.tab, "@trial.example")
    everything = {email for email, _language in month.mails(ines.tab, "November")}

    every = sorted([(TRIAL[0], code) for code in ("de", "en", "es", "fr", "it", "nl", "pt")] + [(TRIAL[1], "pt")])
    assert sorted(found) == every
    assert everything & month.first_languages().keys() == set()


def test_the_issue_goes_out_and_the_page_counts_by_itself(sent, month):
    sentence, waits, numbers, same_document = sent
    readers = Counter(month.first_languages().values())
    gone = sum(readers[language] for language in SUBJECTS)
    assert sentence == f"{gone} readers get the issue now in 3 languages."
    assert waits == [f"{readers['pt']} readers for Portuguese"]
    assert same_document
    assert numbers == sorted(numbers)
    assert numbers[-1] == gone
    assert {number for number in numbers if 0 < number < gone}, "nothing was seen between start and end"


def test_each_reader_has_one_mail_in_their_own_language_and_the_archive_has_the_issue(sent, written, ines, month):
    tab = ines.tab
    tab.goto(month.page(f"issue/{written[1]}/progress/"))
    goes(tab, tab.locator(".desk-after a[hreflang=de]"))
    ines.looks()
    archive = (tab.locator("html").get_attribute("lang"), tab.get_by_role("heading", level=1).inner_text())
    found = tab.locator("article h3", has_text=TITLE).count()
    readers = month.first_languages()
    got = sorted(mail for code in SUBJECTS for mail in month.mails(tab, SUBJECTS[code]) if mail[0] in readers)

    assert (archive, found) == (("de", "November 2026"), 1)
    assert got == sorted((email, language) for email, language in readers.items() if language in SUBJECTS)
