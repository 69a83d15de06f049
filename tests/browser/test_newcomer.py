"""The first hour of a newcomer: start the program, sign in, send, read, leave; Ctrl-C, and the next day again.

Everything is real: `manage.py run`, its database, its worker, its mail over SMTP, and the browser.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.browser.program import Run
from tests.browser.staff import seen_progress, sign_in, watch_progress
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
READERS = 210
# The heading of the mail and the first line of its text, by language; and how many items stand there in another one.
MAILS = {
    "en": ("PICUM Newsletter – October 2026", "PICUM Newsletter – October 2026", 0),
    "de": ("PICUM Newsletter – Oktober 2026", "PICUM-Newsletter – Oktober 2026", 0),
    "nl": ("PICUM Nieuwsbrief – oktober 2026", "PICUM-nieuwsbrief – oktober 2026", 1),
    "es": ("PICUM Boletín – octubre de 2026", "Boletín de PICUM – octubre de 2026", 0),
    "fr": ("PICUM Bulletin – octobre 2026", "Bulletin de PICUM – octobre 2026", 0),
    "it": ("PICUM Newsletter – ottobre 2026", "Newsletter PICUM – ottobre 2026", 0),
    "pt": ("PICUM Boletim – outubro de 2026", "Boletim da PICUM – outubro de 2026", 2),
}
ITEMS = 31  # one of them is a member’s report
# A reader's next language, as the page of preferences names it, and how a Portuguese mail marks an item in it.
NEXT = {
    "Español": ("es", "Ainda sem tradução – em espanhol"),
    "Français": ("fr", "Ainda sem tradução – em francês"),
    "English": ("en", "Ainda sem tradução – em inglês"),
}


@dataclass
class Walk:
    """What the newcomer saw on the way from the login to the last mail."""

    addresses: list[str] = field(default_factory=list)
    sentence: str = ""
    readers: list[str] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)  # mails done, each time the page changed by itself
    same_document: bool = False


@pytest.fixture(scope="module")
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("newcomer"), readers=READERS)
    try:
        program.start()
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module")
def newcomer(chromium, run) -> Iterator[Visitor]:
    visitor = Visitor(chromium, run.site, width=1280)
    yield visitor
    visitor.context.close()


@pytest.fixture(scope="module")
def walk(newcomer, run) -> Walk:
    """The newcomer has signed in as the terminal says, and sent the issue with the mouse."""
    seen, tab = Walk(), newcomer.tab
    sign_in(newcomer, run)
    menu = tab.get_by_role("navigation", name="The desk")
    newcomer.follows(menu.get_by_role("link", name="Issues"), to="Select issue to change")
    seen.addresses.append(tab.url)
    newcomer.follows(tab.get_by_role("link", name="October 2026"), to="Change issue (English)")
    seen.addresses.append(tab.url)
    newcomer.follows(tab.get_by_role("link", name="Send", exact=True), to="Send: October 2026")
    seen.addresses.append(tab.url)
    newcomer.follows(tab.get_by_role("button", name="Go on"), to="Send October 2026?")
    seen.sentence = tab.get_by_text("get the issue now").inner_text()
    seen.readers = tab.get_by_role("listitem").get_by_text(re.compile(r": \d+ readers$")).all_inner_texts()
    tab.get_by_role("button", name="Send it now").click()
    tab.wait_for_url("**/progress/")
    seen.addresses.append(tab.url)
    watch_progress(tab)
    tab.get_by_role("status").get_by_text("The issue has been sent.").wait_for(timeout=60_000)
    seen.seen, seen.same_document = seen_progress(tab)
    newcomer.looks()
    return seen


def find_mails(tab, run: Run, language: str) -> None:
    """Through the filter of the mail box, as its list offers the language."""
    tab.goto(run.mail_box)
    tab.get_by_label("Language").select_option(language)
    tab.get_by_role("button", name="Show").click()
    tab.wait_for_url(re.compile(rf"language={language}$"))


def open_mail(tab, run: Run, language: str, *, number: int = 0):
    """The frame that shows the html of the n-th newest mail in this language."""
    find_mails(tab, run, language)
    tab.get_by_role("rowheader").get_by_role("link").nth(number).click()
    tab.wait_for_url(re.compile(r"/mailbox/\d+/"))
    return tab.frame_locator("iframe")


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_issue_goes_out_in_seven_languages_and_the_page_counts_by_itself(walk):
    assert walk.sentence == "210 readers get the issue now in 7 languages."
    assert [line.split(":")[0] for line in walk.readers] == [
        "English", "German", "Dutch", "Spanish", "French", "Italian", "Portuguese",
    ]  # fmt: skip
    assert sum(int(line.split()[1]) for line in walk.readers) == READERS
    assert walk.same_document
    assert walk.seen == sorted(walk.seen)
    assert walk.seen[-1] == READERS
    assert {number for number in walk.seen if 0 < number < READERS}, "nothing was seen between start and end"


def test_the_mail_box_has_as_many_mails_in_each_language_as_were_announced(newcomer, run, walk):
    tab = newcomer.tab
    tab.goto(run.mail_box)
    total = tab.locator("#total").inner_text()
    newcomer.looks()
    offered = tab.get_by_label("Language").locator("option").all_inner_texts()
    found = {}
    for language in MAILS:
        find_mails(tab, run, language)
        found[language] = (
            tab.locator("#total").inner_text(),
            set(tab.get_by_role("row").get_by_role("cell").last.all_inner_texts()),
        )

    assert total == f"{READERS} mails"
    announced = [re.sub(r": (\d+) readers", r" (\1)", line) for line in walk.readers]
    assert offered == ["every language", *sorted(announced)]
    numbers = [line.split()[1] for line in walk.readers]
    assert found == {language: (f"{number} mails", {language}) for language, number in zip(MAILS, numbers, strict=True)}


@pytest.mark.parametrize("language", MAILS)
def test_a_mail_is_written_in_its_language_as_html_and_as_text(newcomer, run, walk, language):
    heading, first_line, gaps = MAILS[language]
    tab = newcomer.tab
    frame = open_mail(tab, run, language)
    titles = [words(title) for title in frame.locator("h3 a").all_inner_texts()]
    html = (
        frame.locator("html").get_attribute("lang"),
        [words(text) for text in frame.locator("h1").all_inner_texts()],
        len(titles),
        frame.locator(".mark").count(),
    )
    tab.get_by_role("link", name="Text", exact=True).click()
    plain = tab.get_by_role("region", name="Text")
    text = plain.inner_text()

    assert html == (language, [heading], ITEMS, gaps)
    assert (plain.get_attribute("lang"), words(text.splitlines()[0])) == (language, first_line)
    assert [title for title in titles if title not in words(text)] == []
    assert f"{run.site}{language}/newsletter/leave/" in text
    assert newcomer.wrong == []


def test_what_lacks_portuguese_comes_in_the_next_language_of_each_reader_and_is_marked(newcomer, run, walk):
    tab, shown, expected = newcomer.tab, [], []
    for number in range(8):
        frame = open_mail(tab, run, "pt", number=number)
        marks = frame.locator(".mark").all_inner_texts()
        titles, texts = (
            [part.get_attribute("lang") for part in frame.locator(place).all()]
            for place in ("h3 a[lang]", ".mark + div")
        )
        shown.append((marks, titles, texts))
        page = newcomer.opens(frame.get_by_role("link", name="Preferências").first)
        order = page.locator("ol.order .choice > [lang]").all_inner_texts()
        page.close()
        code, mark = NEXT[[*order, "English"][1]]
        expected.append(([mark] * 2, [code] * 2, [code] * 2))

    assert shown == expected
    assert len({marks[0] for marks, _titles, _texts in shown}) > 1, "all eight read the same languages"


def test_view_on_the_web_leads_to_the_archive_where_the_language_can_be_changed(newcomer, run, walk):
    frame = open_mail(newcomer.tab, run, "en")
    newcomer.looks()
    page = newcomer.opens(frame.get_by_role("link", name="View on the web").first)
    newcomer.looks(page)
    heading, language = page.get_by_role("heading", level=1), page.locator("html")
    seen = [(page.url, language.get_attribute("lang"), heading.inner_text())]
    page.get_by_role("navigation", name="This page in other languages").get_by_role("link", name="Italiano").click()
    page.wait_for_url("**/it/**")
    seen.append((page.url, language.get_attribute("lang"), heading.inner_text()))
    item = page.locator("article h3").first
    title = item.inner_text()
    item.get_by_role("link").click()
    page.wait_for_url("**/it/newsletter/items/*/")
    newcomer.looks(page)
    shown = heading.inner_text()
    page.close()

    assert seen == [
        (f"{run.site}en/newsletter/next/", "en", "October 2026"),
        (f"{run.site}it/newsletter/next/", "it", "Ottobre 2026"),
    ]
    assert title
    assert shown == title


def test_a_german_reader_leaves_with_one_button_and_the_desk_knows(newcomer, run, walk):
    tab = newcomer.tab
    frame = open_mail(tab, run, "de")
    address = tab.locator(".envelope").get_by_text("@example.").inner_text()
    choices = newcomer.opens(frame.get_by_role("link", name="Einstellungen").first)
    newcomer.looks(choices)
    choices.close()
    page = newcomer.opens(frame.get_by_role("link", name="Abmelden").first)
    newcomer.looks(page)
    link, heading = page.url, page.get_by_role("heading", level=1)
    headings = [heading.inner_text()]
    page.get_by_role("button", name="Keine Newsletter mehr zuschicken").click()
    page.get_by_role("status").wait_for()
    newcomer.looks(page)
    headings.append(heading.inner_text())
    language = page.locator("html").get_attribute("lang")
    page.goto(link)
    headings.append(heading.inner_text())
    page.close()
    tab.goto(run.told("The desk")[0])
    menu = tab.get_by_role("navigation", name="The desk")
    newcomer.follows(menu.get_by_role("link", name="Readers"), to="Select reader to change")
    tab.get_by_role("search").get_by_role("searchbox").fill(address)
    tab.get_by_role("button", name="Search").click()
    tab.wait_for_url("**q=**")
    rows = [row.split("\t") for row in tab.locator("#result_list tbody tr").all_inner_texts()]

    assert headings == [
        "Vom Newsletter abmelden",
        "Auf Wiedersehen und vielen Dank",
        "Sie stehen nicht auf unserer Liste",
    ]
    assert language == "de"
    assert [(row[1], row[3]) for row in rows] == [(address, "unsubscribed")]


def test_nothing_scrolls_sideways_on_a_small_phone(chromium, newcomer, run, walk):
    phone = Visitor(chromium, run.site, width=320, storage_state=newcomer.context.storage_state())
    frame = open_mail(phone.tab, run, "fr")
    mail = phone.tab.url.partition("?")[0]
    links = [frame.get_by_role("link", name=name).first for name in ("Voir en ligne", "Préférences", "Se désinscrire")]
    public = [link.get_attribute("href") for link in [*links, frame.locator("h3 a").first]]
    wide = []
    for address in [run.site, run.mail_box, mail, f"{mail}text/", *public, *walk.addresses]:
        phone.tab.goto(address)
        if phone.scrolls_sideways():
            wide.append(address)
    phone.context.close()

    assert (wide, phone.wrong) == ([], [])


# The last one, for it ends the program.
def test_ctrl_c_ends_everything_and_the_next_start_finds_it_all_again(newcomer, run, walk):
    tab, login = newcomer.tab, run.told("The desk")
    tab.goto("about:blank")  # nobody asks the mail box for news meanwhile
    first = (run.press_ctrl_c(), run.left_over, run.said_since_it_was_ready.split())
    seconds = run.start()
    tab.goto(walk.addresses[0])
    issue = tab.get_by_role("row").filter(has_text="October 2026").inner_text()
    tab.goto(run.mail_box)
    mails = tab.locator("#total").inner_text()
    second = (run.press_ctrl_c(), run.left_over, run.said_since_it_was_ready.split())

    assert first == second == (0, [], ["Stopping", "…"])
    assert seconds < 10
    assert "Filling" not in run.said
    assert run.told("The desk") == login
    assert "sent: EN DE NL ES FR IT PT" in issue
    assert mails == f"{READERS} mails"
    assert newcomer.wrong == []


def test_ctrl_c_in_the_middle_leaves_no_mail_unknown_and_the_next_start_goes_on(chromium, tmp_path):
    run = Run(tmp_path, readers=READERS)
    try:
        run.start()
        visitor = Visitor(chromium, run.site, width=1280)
        sign_in(visitor, run)
        tab = visitor.tab
        tab.get_by_role("navigation", name="The desk").get_by_role("link", name="Issues").click()
        tab.get_by_role("link", name="October 2026").click()
        tab.get_by_role("link", name="Send", exact=True).click()
        tab.get_by_role("button", name="Go on").click()
        tab.get_by_role("button", name="Send it now").click()
        tab.get_by_role("progressbar", name="All languages").wait_for()
        tab.goto("about:blank")
        code, left = run.press_ctrl_c(), run.left_over
        run.start()
        tab.go_back()
        tab.get_by_role("status").get_by_text("The issue has been sent.").wait_for(timeout=25_000)  # beat's is at 30 s
        total = tab.get_by_role("row", name="All languages").get_by_role("cell").all_inner_texts()
        tab.goto(run.mail_box)
        mails = tab.locator("#total").inner_text()
        visitor.context.close()
    finally:
        run.kill()

    assert (code, left) == (0, [])
    assert [number for number in total if number] == ["210", "210", "0", "0", "0", "0", "0"]
    assert mails == f"{READERS} mails"
