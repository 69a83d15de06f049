"""A month of the newsletter: the coordinator makes an issue and sends it; a volunteer in Lisbon, invited by mail,
translates on a phone and is late; a trainee corrects a number when three translations are done.

Everything is real: `manage.py run`, its worker, its mail over SMTP, and the browsers of four people.
"""

import datetime
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.browser.letters import letter_to, link_in
from tests.browser.program import Run
from tests.browser.staff import seen_progress, sign_in, watch_progress
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
READERS, SLOWLY = 20, 3  # mails a second
PHONE, DESK = 390, 1280
INES, MIRA, RUI = "ines@desk.example", "mira@desk.example", "rui@lisboa.example"
PASSWORD = "four boats, one harbour"
REFUSED = (
    "Failed to load resource"  # what the console says of a request without a network, or to a page that is not theirs
)
# The subjects that Ines writes; the readers of other languages wait for another day.
SUBJECTS = {
    "en": "November at the borders",
    "de": "November an den Grenzen",
    "fr": "Novembre aux frontières",
}
TITLE, TITULO = "A harbour opens its doors", "Um porto abre as portas"
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
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("month"), readers=READERS, members=0, rate=SLOWLY)
    try:
        program.start()
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module")
def somebody(chromium, run) -> Iterator[Callable[..., Visitor]]:
    """A new browser for each person; all are closed at the end."""
    people: list[Visitor] = []

    def new(width: int, **own) -> Visitor:
        people.append(Visitor(chromium, run.site, width=width, **own))
        return people[-1]

    yield new
    for person in people:
        person.context.close()


# --- how they work ---------------------------------------------------------------------------------------------------


def goes(tab, button) -> None:
    """Presses what leads to another page, and is there."""
    with tab.expect_navigation():
        button.click()


def write(field, words: str) -> None:
    """Instead of what is there, key by key."""
    field.click()
    field.page.keyboard.press("ControlOrMeta+A")
    field.page.keyboard.type(words)


def says(line, key: str) -> None:
    """The sentence about what is kept is this one of those that the page brought along, whatever the language."""
    line.page.wait_for_function(
        "([line, key]) => line.textContent.startsWith(line.dataset[key])", arg=[line.element_handle(), key]
    )


def told(tab) -> str:
    """What the desk says about the last deed."""
    return " ".join(tab.locator(".messagelist").inner_text().split())


def comes_true(what: Callable[[], object], wanted: object) -> None:
    end = time.monotonic() + 60
    while (found := what()) != wanted and time.monotonic() < end:
        time.sleep(0.2)
    assert found == wanted


def page(run: Run, way: str, language: str = "en") -> str:
    """An address of the desk."""
    return f"{run.site}{language}/desk/newsletter/{way}"


def invites(by: Visitor, run: Run, address: str, *, name: str, language: str, roles: set[str], into: str = "") -> None:
    """Somebody at the desk invites somebody else."""
    tab = by.tab
    tab.goto(page(run, "translator/"))
    goes(tab, tab.locator("#content a[href$='/invite/']"))
    tab.locator("[name=address]").fill(address)
    tab.locator("[name=name]").fill(name)
    tab.locator("[name=language]").select_option(language)
    offered = tab.get_by_role("group", name="Roles")
    for box in offered.get_by_role("checkbox").all():
        box.set_checked(box.locator("xpath=..").inner_text().strip() in roles)
    assert offered.locator(":checked").count() == len(roles)
    for code in into.split():
        tab.locator(f"[name=languages][value={code}]").check()
    goes(tab, tab.locator("#content form button.default"))
    assert told(tab) == f"An invitation is on its way to {address}."


def accepts(person: Visitor) -> None:
    """Who opened the link of an invitation chooses a password, and is at the desk."""
    for field in ("new_password1", "new_password2"):
        person.tab.locator(f"[name={field}]").fill(PASSWORD)
    goes(person.tab, person.tab.locator("main form.form button[type=submit]"))
    assert person.tab.url.endswith("/desk/")


def item_of(run: Run, title: str) -> tuple[int, int]:
    """The item that is called so, and its issue; both by number."""
    return run.rows(
        "SELECT i.id, i.issue_id FROM newsletter_item i JOIN newsletter_itemtranslation t ON t.master_id = i.id "
        "WHERE t.title = ?",
        title,
    )[0]


def readers_get(run: Run, item: int, language: str) -> str:
    return run.rows(
        "SELECT text FROM newsletter_itemtranslation WHERE master_id = ? AND language_code = ?", item, language
    )[0][0]


def cells(tab, language: str, *stages: str):
    return tab.locator(", ".join(f".board-cell--{stage}[data-language={language}]" for stage in stages))


def mails(tab, run: Run, words: str) -> list[tuple[str, str]]:
    """Recipient and language of the mails in whose recipient or subject this stands, as the mail box lists them."""
    tab.goto(f"{run.mail_box}?words={words}")
    return [
        (row.locator(".to").inner_text(), row.locator(".language").inner_text())
        for row in tab.locator("#rows tr").all()
    ]


def first_languages(run: Run) -> dict[str, str]:
    return {email: wish.split()[0] for email, wish in run.rows("SELECT address, languages FROM newsletter_subscriber")}


# --- who they are ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(somebody, run) -> Visitor:
    """Whoever set the site up."""
    person = somebody(DESK)
    sign_in(person, run)
    return person


@pytest.fixture(scope="module")
def ines(desk, somebody, run) -> Visitor:
    """Coordinates: writes, and sends."""
    invites(desk, run, INES, name="Ines Duarte", language="en", roles={"Editors", "Publishers"})
    person = somebody(DESK)
    person.tab.goto(link_in(letter_to(INES, run, "Auto-Submitted"), "/invitation/"))
    accepts(person)
    return person


@pytest.fixture(scope="module")
def mira(desk, somebody, run) -> Visitor:
    """A trainee: writes, and does not send."""
    invites(desk, run, MIRA, name="Mira Kovač", language="en", roles={"Editors"})
    person = somebody(DESK)
    person.tab.goto(link_in(letter_to(MIRA, run, "Auto-Submitted"), "/invitation/"))
    accepts(person)
    return person


@pytest.fixture(scope="module")
def rui(ines, somebody, run) -> Visitor:
    """A volunteer in Lisbon, with a phone. Ines has invited him, and the link in his mail brought him here."""
    invites(ines, run, RUI, name="Rui Tavares", language="pt", roles={"Translators"}, into="pt")
    person = somebody(PHONE, locale="pt-PT")
    tab = person.tab
    comes_true(lambda: mails(tab, run, RUI), [(RUI, "pt")])
    goes(tab, tab.locator("#rows a").first)
    arrived = person.opens(tab.frame_locator("iframe").locator("a[href*='/invitation/']").first)
    tab.close()
    person.tab = arrived
    assert arrived.locator("html").get_attribute("lang") == "pt"
    person.looks()
    accepts(person)
    return person


# --- 1. the coordinator ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(ines, run) -> tuple[int, int]:
    """November's issue: two items that come again, in seven languages, and one that Ines has pasted; the number of
    that item, and of the issue."""
    tab = ines.tab
    tab.goto(page(run, "issue/"))
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
    return item_of(run, TITLE)


@pytest.fixture(scope="module")
def handed_out(written, ines, rui, run) -> str:
    """What Portuguese lacks is Rui's until tomorrow; the sentence in which the desk says so."""
    tab, (_item, issue) = ines.tab, written
    tab.goto(page(run, f"issue/{issue}/board/"))
    ines.looks()
    lacking = cells(tab, "pt", "missing", "outdated").get_by_role("checkbox")
    for box in lacking.all():
        box.check()
    tab.locator(".board-deeds summary").click()
    person = tab.locator("#assign-to option", has_text="Rui Tavares")
    tab.locator("#assign-to").select_option(label=person.inner_text())
    tomorrow = datetime.date.today() + datetime.timedelta(days=1)  # noqa: DTZ011  # the browser's own day
    tab.locator("#assign-due_on").fill(tomorrow.isoformat())
    goes(tab, tab.locator("button[value=assign]"))
    return told(tab)


@pytest.fixture(scope="module")
def tried(handed_out, written, ines, run) -> None:
    """Test mails have gone to a group, which Ines made for them."""
    tab = ines.tab
    tab.goto(page(run, "trialgroup/add/"))
    tab.locator("[name=name]").fill("First readers")
    tab.locator("[name=addresses]").fill(f"{TRIAL[0]}\n{TRIAL[1]} pt")
    goes(tab, tab.locator("#content form button.default"))
    tab.goto(page(run, f"issue/{written[1]}/trial/"))
    ines.looks()
    goes(tab, tab.locator("#content form button.default"))
    assert told(tab) == "8 test mails are on their way."

    def outcome() -> list[str]:
        goes(tab, tab.locator("#content section a[href$='/trial/']"))
        return [cell.inner_text() for cell in tab.locator("#content section td.desk-number").all()]

    comes_true(outcome, ["8", "0", "0"])


@pytest.fixture(scope="module")
def sent(tried, written, ines, run) -> tuple[str, list[str], list[int], bool]:
    """Three languages are out, and Portuguese is late: what was asked before, who waits, and what the page counted."""
    tab, issue = ines.tab, written[1]
    tab.goto(page(run, f"issue/{issue}/change/"))
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
    tab.get_by_role("status").get_by_text(
        "What was sent is done. Not sent yet: Dutch, Spanish, Italian, Portuguese."
    ).wait_for(timeout=60_000)
    ines.looks()
    return sentence, waits, *seen_progress(tab)


def test_what_portuguese_lacks_is_handed_out_on_the_board(handed_out, written, ines, run):
    texts = run.rows(
        "SELECT t.item_id, u.email FROM newsletter_text t JOIN accounts_user u ON u.id = t.assignee_id "
        "WHERE t.issue_id = ? AND t.language = 'pt'",
        written[1],
    )
    assert handed_out == "2 texts were handed out."
    assert Counter(texts) == Counter([(None, RUI), (written[0], RUI)])
    assert readers_get(run, written[0], "en") == KEPT


def test_the_problems_page_says_what_stops_portuguese_and_what_german_lacks(handed_out, written, ines, run):
    tab = ines.tab
    tab.goto(page(run, f"issue/{written[1]}/problems/"))
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


def test_the_preview_shows_two_languages_side_by_side(handed_out, written, ines, run):
    tab = ines.tab
    tab.goto(page(run, f"issue/{written[1]}/preview/en/"))
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


def test_test_mails_go_to_the_group_and_to_nobody_else(tried, ines, run):
    found = mails(ines.tab, run, "@trial.example")
    everything = {email for email, _language in mails(ines.tab, run, "November")}

    every = sorted([(TRIAL[0], code) for code in ("de", "en", "es", "fr", "it", "nl", "pt")] + [(TRIAL[1], "pt")])
    assert sorted(found) == every
    assert everything & first_languages(run).keys() == set()


def test_the_issue_goes_out_and_the_page_counts_by_itself(sent, run):
    sentence, waits, numbers, same_document = sent
    readers = Counter(first_languages(run).values())
    gone = sum(readers[language] for language in SUBJECTS)
    assert sentence == f"{gone} readers get the issue now in 3 languages."
    assert waits == [f"{readers['pt']} readers for Portuguese"]
    assert same_document
    assert numbers == sorted(numbers)
    assert numbers[-1] == gone
    assert {number for number in numbers if 0 < number < gone}, "nothing was seen between start and end"


def test_each_reader_has_one_mail_in_their_own_language_and_the_archive_has_the_issue(sent, written, ines, run):
    tab = ines.tab
    tab.goto(page(run, f"issue/{written[1]}/progress/"))
    goes(tab, tab.locator(".desk-after a[hreflang=de]"))
    ines.looks()
    archive = (tab.locator("html").get_attribute("lang"), tab.get_by_role("heading", level=1).inner_text())
    found = tab.locator("article h3", has_text=TITLE).count()
    readers = first_languages(run)
    got = sorted(mail for code in SUBJECTS for mail in mails(tab, run, SUBJECTS[code]) if mail[0] in readers)

    assert (archive, found) == (("de", "November 2026"), 1)
    assert got == sorted((email, language) for email, language in readers.items() if language in SUBJECTS)


# --- 2. the volunteer ------------------------------------------------------------------------------------------------


def test_a_volunteer_sees_portuguese_and_nothing_else(handed_out, written, rui, run):
    tab, issue = rui.tab, written[1]
    tab.goto(f"{run.site}pt/desk/")
    rui.looks()
    mine = [link.get_attribute("href") for link in tab.locator("#my-texts ol a").all()]
    tab.goto(page(run, f"issue/{issue}/board/", "pt"))
    rui.looks()
    columns = [head.get_attribute("id") for head in tab.locator(".board th[id^=board-]").all()]
    languages = {cell.get_attribute("data-language") for cell in tab.locator("[data-language]").all()}
    refused = ["translate/de/around/", "translate/en/around/", "preview/de/", "problems/de/", "send/", "change/"]
    with rui.excusing(REFUSED):
        answers = {way: tab.goto(page(run, f"issue/{issue}/{way}", "pt")).status for way in refused}

    begins = f"/pt/desk/newsletter/issue/{issue}/translate/pt/"
    assert mine == [f"{begins}around/", f"{begins}{written[0]}/"]
    assert (columns, languages) == (["board-pt"], {"pt"})
    assert set(answers.values()) <= {403, 404}, answers


@pytest.fixture(scope="module")
def translated(sent, written, rui, run) -> dict:
    """Rui has translated both texts on his phone, through a tunnel, a day after the others were sent: what the desk had
    of the second one while there was no network."""
    tab = rui.tab
    tab.goto(f"{run.site}pt/desk/")
    goes(tab, tab.locator("#my-texts ol a").first)
    rui.looks()
    tab.locator("#words_subject").fill("Novembro nas fronteiras")
    goes(tab, tab.locator("[data-done]"))
    assert tab.url.endswith(f"/translate/pt/{written[0]}/")
    kept = tab.locator("#kept")
    with rui.excusing(REFUSED):
        write(tab.locator("#words_title"), TITULO)
        says(kept, "kept")
        rui.context.set_offline(True)
        write(tab.locator(".ProseMirror"), "A cidade acolheu 12 pessoas na terça-feira.")
        says(kept, "lost")
        had = run.rows("SELECT working FROM newsletter_text WHERE item_id = ? AND language = 'pt'", written[0])
        rui.context.set_offline(False)
        says(kept, "kept")
    goes(tab, tab.locator("[data-done]"))
    rui.looks()
    return json.loads(had[0][0])


@pytest.fixture(scope="module")
def sent_late(translated, written, ines, run) -> tuple[str, str]:
    """Ines has approved Portuguese and sent it: how many texts she approved, and who gets it, in the desk's words."""
    tab, issue = ines.tab, written[1]
    tab.goto(page(run, f"issue/{issue}/board/"))
    for box in cells(tab, "pt", "review").get_by_role("checkbox").all():
        box.check()
    goes(tab, tab.locator("button[value=approve]"))
    approved = told(tab)
    tab.goto(page(run, f"issue/{issue}/change/"))
    goes(tab, tab.locator("#edition-pt button[formaction$='/ready/']"))
    tab.goto(page(run, f"issue/{issue}/progress/"))
    ines.looks()
    goes(tab, tab.locator(".desk-after").get_by_role("link", name="Send the late languages"))
    goes(tab, tab.locator("#content form button.default"))
    sentence = tab.locator(".desk-sentence").inner_text()
    goes(tab, tab.locator("button[name=confirmed]"))
    tab.get_by_role("status").get_by_text("What was sent is done. Not sent yet: Dutch, Spanish, Italian.").wait_for(
        timeout=60_000
    )
    return approved, sentence


def test_what_is_typed_in_a_tunnel_is_handed_in_behind_it(translated, written, rui, run):
    states = run.rows(
        "SELECT item_id, state, working FROM newsletter_text WHERE issue_id = ? AND language = 'pt' "
        "AND assignee_id IS NOT NULL ORDER BY item_id",
        written[1],
    )
    assert (translated["title"], translated["text"]) == (TITULO, "")
    assert [(item, working) for item, _state, working in states] == [(None, None), (written[0], None)]
    assert readers_get(run, written[0], "pt") == "<p>A cidade acolheu 12 pessoas na terça-feira.</p>"
    assert rui.wrong == []


def test_readers_of_a_late_language_get_one_mail_in_it_and_no_other(sent_late, ines, run):
    tab = ines.tab
    waiting = sorted(email for email, language in first_languages(run).items() if language == "pt")
    got = {email: mails(tab, run, email) for email in waiting}
    goes(tab, tab.locator("#rows a").first)
    frame = tab.frame_locator("iframe")
    titles = frame.locator("h3 a", has_text=TITULO).count()
    marks = frame.locator(".mark").count()
    everybody = Counter(email for code in SUBJECTS for email, _language in mails(tab, run, SUBJECTS[code]))
    twice = {email for email, number in everybody.items() if number > 1 and email in first_languages(run)}

    assert sent_late == ("2 texts were approved.", f"{len(waiting)} readers get the issue now in 1 language.")
    assert len(waiting) > 1
    assert got == {email: [(email, "pt")] for email in waiting}
    assert (titles, marks, twice) == (1, 0, set())


# --- 3. the trainee --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def approved(written, mira, run) -> tuple[int, int]:
    """In the issue after this one stands an item that Mira wrote and has in three other languages, all approved; the
    number of the item, and of the issue."""
    tab = mira.tab
    tab.goto(page(run, "issue/next/"))
    goes(tab, tab.locator("#content form button.default"))
    goes(tab, tab.locator("#contents a.addlink").first)
    tab.locator("#id_title").fill(BOATS)
    write(tab.locator(".ProseMirror"), FIRST)
    goes(tab, tab.locator("[name=_save]"))
    item, issue = item_of(run, BOATS)
    for language, (title, text) in TRANSLATED.items():
        tab.goto(page(run, f"issue/{issue}/translate/{language}/{item}/"))
        tab.locator("#words_title").fill(title)
        write(tab.locator(".ProseMirror"), text)
        goes(tab, tab.locator("[data-done]"))
    return item, issue


@pytest.fixture(scope="module")
def corrected(approved, mira, run) -> str:
    """Mira has put the number right; what the desk said."""
    return _corrects(mira.tab, run, approved[0], RIGHT)


def _corrects(tab, run: Run, item: int, text: str, *, minor: bool = False) -> str:
    tab.goto(page(run, f"item/{item}/change/?language=en"))
    write(tab.locator(".ProseMirror"), text)
    tab.locator("#id_minor").set_checked(minor)
    goes(tab, tab.locator("[name=_save]"))
    return told(tab)


@pytest.fixture(scope="module")
def answered(corrected, approved, mira, rui, run) -> dict:
    """Two translations are still right, and Rui has rewritten the third: what they saw on the way."""
    tab, (item, issue) = mira.tab, approved
    saw = {}
    tab.goto(page(run, f"issue/{issue}/board/"))
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
    phone.goto(page(run, f"issue/{issue}/board/", "pt"))
    goes(phone, phone.locator("a.board-changed"))
    rui.looks()
    goes(phone, phone.locator(f"#text-{item} a.button"))
    rui.looks()
    saw["his"] = [_without_labels(piece) for piece in phone.locator(".translate-changed").locator("del, ins").all()]
    write(phone.locator(".ProseMirror"), REWRITTEN)
    goes(phone, phone.locator("[data-done]"))
    tab.goto(page(run, f"issue/{issue}/board/"))
    cells(tab, "pt", "review").get_by_role("checkbox").check()
    goes(tab, tab.locator("button[value=approve]"))
    return saw


def _without_labels(piece) -> tuple[str, str]:
    """What is struck out or new, without what only screen readers are told."""
    words = piece.evaluate(
        "it => [...it.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data).join('')"
    )
    return piece.evaluate("it => it.localName"), words.strip()


def _stages(tab, run: Run, item: int, issue: int) -> dict[str, str]:
    """How far the item is in the languages into which it was translated, as the board has it."""
    tab.goto(page(run, f"issue/{issue}/board/"))
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


def test_two_are_still_right_by_one_click_and_the_third_is_rewritten(answered, approved, mira, run):
    item, issue = approved
    assert answered["left"] == ["Portuguese"]
    assert _stages(mira.tab, run, item, issue) == ALL_APPROVED
    assert [readers_get(run, item, code) for code in TRANSLATED] == [
        f"<p>{TRANSLATED['de'][1]}</p>",
        f"<p>{TRANSLATED['fr'][1]}</p>",
        f"<p>{REWRITTEN}</p>",
    ]


def test_a_minor_change_leaves_all_as_they_are_and_an_earlier_version_comes_back(answered, approved, mira, run):
    tab, (item, issue) = mira.tab, approved
    said = _corrects(tab, run, item, FINE, minor=True)
    stages = [_stages(tab, run, item, issue)]
    tab.goto(page(run, f"issue/{issue}/history/en/{item}/"))
    mira.looks()
    versions = tab.locator(".desk-versions tbody tr")
    before = [
        (" ".join(row.get_by_role("rowheader").inner_text().split()), "minor change" in row.inner_text())
        for row in versions.all()
    ]
    tab.locator("[name=minor]").check()
    goes(tab, tab.get_by_role("button", name="Restore version 2"))
    mira.looks()
    restored = (told(tab), versions.count(), readers_get(run, item, "en"))
    stages.append(_stages(tab, run, item, issue))

    assert "Saved as a minor change: the translations stay as they are." in said
    assert before == [("3 (now)", True), ("2", False), ("1", False)]
    assert restored == ("Version 2 is what readers get again.", 4, f"<p>{RIGHT}</p>")
    assert stages == [ALL_APPROVED, ALL_APPROVED]
    assert mira.wrong == []
