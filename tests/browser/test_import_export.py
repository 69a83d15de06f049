"""A list comes in, and the readers on it go out again: Greta in German, with the mouse of a phone's width, for a list
with proof of consent; Ellen in English, with the keys alone, for one without.

Everything is real: `manage.py run`, its database, its worker, its mail over SMTP, and the browser.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from picum import csvfile
from tests.browser.letters import letter_to, link_in
from tests.browser.program import Run
from tests.browser.secretaries import LINES, PEOPLE, Secretary, fates_of, the_list_of
from tests.browser.staff import hire, seen_progress, sign_in, watch_progress
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.browser
PASSWORD = "knock twice, then wait"  # opens nothing but this test
RIGHTS = ["view reader", "import readers", "export readers", "view suppression", "add suppression"]


@pytest.fixture(scope="module")
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("import"), readers=30)
    try:
        program.start()
        visitor = Visitor(chromium, program.site, width=1280)
        sign_in(visitor, program)
        for person in PEOPLE:
            hire(visitor.tab, program, login=person.login, password=PASSWORD, language=person.language, rights=RIGHTS)
        visitor.context.close()
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module", params=PEOPLE, ids=lambda person: person.language)
def person(request, chromium, run, tmp_path_factory) -> Iterator[Secretary]:
    """Greta or Ellen, who has signed in, put an address on the stop list, and brought in her list."""
    person = request.param
    person.visitor = Visitor(chromium, run.site, width=person.width)
    enter(person, run)
    stop(person, person.stopped)
    upload(person, the_list_of(person, run, tmp_path_factory.mktemp(person.language)))
    check(person, run)
    start(person)
    yield person
    person.visitor.context.close()


# --- what they do ----------------------------------------------------------------------------------------------------


def enter(person: Secretary, run: Run) -> None:
    person.tab.goto(run.told("The desk")[0].replace("/en/", f"/{person.language}/"))
    person.visitor.looks()
    person.hand.write(person.label("e-mail address"), person.login)
    person.hand.write(person.label("Password"), PASSWORD)
    person.goes_by(person.tab.get_by_role("button", name=person.words("Log in")))
    person.looks_at(person.words("The desk"))
    to_the_readers(person)


def to_the_readers(person: Secretary) -> None:
    menu = person.tab.get_by_role("navigation", name=person.words("The desk"))
    person.goes_by(menu.get_by_role("link", name=person.words("Readers")))


def stop(person: Secretary, address: str) -> None:
    person.goes_by(person.link("Stop list"))
    person.goes_by(person.tab.locator("a.addlink"))
    person.looks_at(person.words("Stop an address"))
    person.hand.write(person.label("Address"), address)
    person.hand.write(person.label("Note"), "They rang us up and asked for it.")
    person.goes_by(person.button("Stop it"))
    person.tab.get_by_text(person.words("No mail goes to this address any more.")).wait_for()


def upload(person: Secretary, path: Path) -> None:
    """The list, and what it is: no column is called what the desk could know."""
    to_the_readers(person)
    person.goes_by(person.link("Import"))
    person.looks_at(person.words("Import readers"))
    person.hand.attach(person.label("List"), path)
    person.goes_by(person.button("Upload"))
    person.looks_at(person.file)
    table = person.tab.locator(".desk-sample")
    person.seen["sample"] = [row.split("\t") for row in table.locator("tr").all_inner_texts()]
    for name, column in person.columns.items():
        person.hand.choose(person.label(name), column)
    person.seen["source"] = person.label("Where the addresses come from").input_value()
    if person.with_proof:
        person.hand.tick(person.label("There is proof of consent"))


def check(person: Secretary, run: Run) -> None:
    """The dry run, with its numbers and its report."""
    person.seen["before"] = everything_of_readers(run)
    person.goes_by(person.button("Check it: nothing is changed yet"))
    person.seen["checking"] = watched(person, until="The list has been checked, and nothing has been changed yet.")
    person.looks_at(person.file)
    person.seen["numbers"] = person.tab.locator(".desk-counts dd").all_inner_texts()
    person.seen["report"] = report_of(person)
    person.seen["after"] = everything_of_readers(run)


def start(person: Secretary) -> None:
    person.seen["promise"] = person.tab.locator("#import-start").inner_text()
    person.goes_by(person.tab.locator("#import-start"))
    person.seen["importing"] = watched(person, until="The list has been imported.")
    person.looks_at(person.file)
    person.seen["numbers in the end"] = person.tab.locator(".desk-counts dd").all_inner_texts()
    person.seen["report in the end"] = report_of(person)


def watched(person: Secretary, *, until: str) -> tuple[list[int], bool]:
    """The bar is there, and goes by itself when the work is done."""
    person.tab.get_by_role("progressbar", name=person.words("Lines done")).wait_for()
    watch_progress(person.tab)
    person.tab.get_by_role("status").get_by_text(person.words(until)).wait_for(timeout=90_000)
    return seen_progress(person.tab)


def everything_of_readers(run: Run) -> list[tuple]:
    tables = ("subscriber", "signup", "consent", "systemmail")
    return [run.rows(f"SELECT count(*) FROM newsletter_{table}") for table in tables]  # noqa: S608  # no input


def report_of(person: Secretary) -> tuple[str, list[list[str]]]:
    return downloaded(person, person.link("What becomes of each line (CSV)"))


def downloaded(person: Secretary, element) -> tuple[str, list[list[str]]]:
    """The name of the file, and its rows as a spreadsheet reads them."""
    with person.tab.expect_download() as download:
        person.hand.press(element)
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        return download.value.suggested_filename, list(csv.reader(file, delimiter=person.delimiter))


def confirm(person: Secretary, chromium, run: Run) -> list[str]:
    """The reader presses the button to which the mail leads; the languages of the mail and of both pages."""
    address, languages, _name = person.reader
    message = letter_to(address, run, "Auto-Submitted")
    reader, seen = Visitor(chromium, run.site, width=320), [message["Content-Language"]]
    reader.tab.goto(link_in(message, "/sign-up/confirm/"))
    reader.looks()
    seen.append(reader.tab.locator("html").get_attribute("lang"))
    assert readers_from(person.source, run) == [], f"subscribed without a button in {languages}"
    reader.tab.locator("button[name=confirm]").click()
    reader.tab.get_by_role("status").wait_for()
    reader.looks()
    seen.append(reader.tab.locator("html").get_attribute("lang"))
    reader.context.close()
    return seen


def readers_from(source: str, run: Run) -> list[tuple]:
    return run.rows("SELECT address, languages, name FROM newsletter_subscriber WHERE source = ? ORDER BY id", source)


@pytest.fixture(scope="module")
def subscribed(person, chromium, run) -> list[str]:
    """The reader whom we follow reads: by the proof, or because they have confirmed it themselves."""
    return [] if person.with_proof else confirm(person, chromium, run)


def search(person: Secretary, text: str) -> None:
    form = person.tab.get_by_role("search")
    person.hand.write(form.get_by_role("searchbox"), text)
    person.goes_by(form.get_by_role("button"))


def found(person: Secretary) -> list[str]:
    """The addresses on the page of the list."""
    return person.tab.locator("#result_list tbody .field-address, #result_list tbody th").all_inner_texts()


# --- the story -------------------------------------------------------------------------------------------------------


def test_the_list_is_shown_as_it_was_written_and_named_after_its_file(person):
    assert person.seen["sample"][1:3] == [cells for cells, _fate in person.rows[:2]]
    assert person.seen["source"] == person.source


def test_the_dry_run_tells_what_would_become_of_each_line_and_changes_nothing(person):
    name, (heading, *lines) = person.seen["report"]
    assert re.fullmatch(rf"import-\d+-{person.report}\.csv", name)
    assert heading == [person.words("line"), person.words("what", "column of a report"), person.words("why")]
    assert lines == fates_of(person)
    assert person.seen["numbers"] == person.numbers
    assert person.seen["after"] == person.seen["before"]
    assert person.seen["checking"][1], "the page was loaded anew"


def test_the_import_does_what_the_dry_run_said_while_the_bar_moves(person):
    bar, same_document = person.seen["importing"]
    assert same_document
    assert bar[-1] == 0, "the bar is still there"
    assert [0 < done <= LINES + 1 for done in bar[:-1]] == [True] * (len(bar) - 1)
    assert bar[:-1] == sorted(bar[:-1])
    assert len(bar) > 1 or not person.with_proof, "nothing was seen between start and end"
    assert person.seen["numbers in the end"] == person.numbers
    assert person.seen["report in the end"] == person.seen["report"]
    assert person.numbers[0] in person.seen["promise"]


def test_with_proof_they_read_at_once_and_without_it_by_their_own_button_alone(person, subscribed, run):
    address, languages, name = person.reader
    readers = readers_from(person.source, run)
    if person.with_proof:
        assert subscribed == []
        assert (len(readers), (address, languages, name) in readers) == (99_995, True)
    else:
        assert subscribed == [languages[:2]] * 3
        assert readers == [(address, languages, name)]
    assert run.rows("SELECT 1 FROM newsletter_subscriber WHERE address = ?", person.stopped) == []


def test_they_are_found_by_their_address_and_by_filters(person, subscribed):
    address, languages, _name = person.reader
    to_the_readers(person)
    search(person, address.upper())
    person.looks_at(person.words("Select %s to view") % person.words("reader"))
    assert found(person) == [address]

    to_the_readers(person)
    narrow = person.tab.locator("#changelist-filter")
    person.goes_by(narrow.get_by_role("link", name=person.source))
    person.goes_by(narrow.locator(f"a[href*='language={languages[:2]}']"))
    person.looks_at(person.words("Select %s to view") % person.words("reader"))
    assert found(person) == [address]


def test_the_timeline_shows_the_consent_and_its_words(person, subscribed, run):
    address, languages, _name = person.reader
    to_the_readers(person)
    search(person, address)
    person.goes_by(person.tab.get_by_role("link", name=address, exact=True))
    person.looks_at(person.words("View %s") % person.words("reader"))
    consents = person.tab.locator("#timeline .desk-time__entry--consent")
    newest = consents.first.inner_text()
    if person.with_proof:
        assert "Import · Tagung Köln 2026" in newest
        assert consents.count() == 1
        return
    person.hand.press(consents.first.locator("summary"))
    words = consents.first.locator("blockquote")
    ((text,),) = run.rows(
        "SELECT w.text FROM newsletter_consent c JOIN newsletter_wording w ON w.id = c.wording_id "
        "WHERE c.kind = 'given' ORDER BY c.number DESC LIMIT 1"
    )
    assert (words.get_attribute("lang"), words.inner_text()) == (languages[:2], text)


def test_the_export_holds_them_and_no_cell_is_a_formula(person, subscribed, run):
    to_the_readers(person)
    person.goes_by(person.tab.locator("#changelist-filter").get_by_role("link", name=person.source))
    person.goes_by(person.link("Export"))
    person.looks_at(person.words("Export readers"))
    assert person.label("Where they came from").input_value() == person.source
    person.hand.write(person.label("What for"), "The yearly talk with our auditors")
    name, (heading, *lines) = downloaded(person, person.button("Get the file (CSV)"))
    assert re.fullmatch(r"readers-\d{4}-\d\d-\d\d\.csv", name)
    assert heading[:3] == ["email", "languages", "name"]
    assert [cell for line in lines for cell in line if cell[:1] in set("=+-@\t\r\n")] == []
    unguarded = [tuple(csvfile.unguarded(cell) for cell in line[:3]) for line in lines]
    assert unguarded == readers_from(person.source, run)
    address, languages, name = person.reader
    assert [f"'{address}", languages, f"'{name}"] in [line[:3] for line in lines]
    assert run.rows(
        "SELECT json_extract(data, '$.reason'), json_extract(data, '$.number') FROM accounts_auditentry "
        "WHERE action = 'subscriber.export' ORDER BY id DESC LIMIT 1"
    ) == [("The yearly talk with our auditors", len(lines))]
    assert person.visitor.wrong == []
