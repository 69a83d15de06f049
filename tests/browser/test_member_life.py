"""A member's life: an organisation in Lisbon applies in Portuguese on a phone and is admitted at the assembly; its new
treasurer pays; its contact corrects the logo and hides the telephone; a visitor finds it on the map, and without it.

Everything is real: `manage.py run`, its worker, its mail over SMTP, a file from the bank, and the browser.
"""

import datetime
import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from tests.browser.letters import letter_to, link_in
from tests.browser.program import Run
from tests.browser.staff import sign_in
from tests.browser.visitor import Visitor
from tests.members.statements import document, entry

pytestmark = pytest.mark.browser
NAME, ANA, RUI, TOMAS = "Casa do Cais", "ana@casadocais.example", "rui@example.org", "tomas@casadocais.example"
PHONE, DESK = 320, 1280
TELEPHONE = "+351 210 000 000"
WHY = "Queremos trabalhar em rede."
STEPS = {
    "about": {"name": NAME, "acronym": "CdC", "country": "PT", "registration_number": "500 000 000"},
    "address": {"street": "Rua do Cais 1", "city": "Lisboa", "telephone": TELEPHONE, "website": "casadocais.example"},
    "work": {"type": "legal-aid", "level": "local", "areas": "advocacy", "rights": "legal-aid", "language": "pt",
             "description": "Acompanhamos pessoas indocumentadas."},
    "people": {"contact_name": "Ana", "treasurer_is_contact": True},
    "reasons": {"why": WHY} | {
        f"referee{number}_{field}": value
        for number, who in ((1, RUI), (2, "eva@example.org"))
        for field, value in (("name", who.partition("@")[0].title()), ("email", who), ("language", "en"))
    },
    "papers": {"statutes": "statutes.pdf"},
    "choices": {"in_directory": True, "shown": ["logo", "description", "work", "telephone", "website"]},
    "code": {"signed_by": "Ana", "privacy": True},
}  # fmt: skip


@pytest.fixture(scope="module")
def run(chromium, tmp_path_factory) -> Iterator[Run]:
    program = Run(tmp_path_factory.mktemp("member"), readers=20, members=12)
    try:
        program.start()
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module")
def somebody(chromium, run) -> Iterator:
    """A new browser for each person; all are closed at the end."""
    people: list[Visitor] = []

    def new(width: int) -> Visitor:
        people.append(Visitor(chromium, run.site, width=width))
        return people[-1]

    yield new
    for person in people:
        person.context.close()


@pytest.fixture(scope="module")
def ana(somebody) -> Visitor:
    return somebody(PHONE)


@pytest.fixture(scope="module")
def carla(somebody, run) -> Visitor:
    """The secretariat, at the desk."""
    person = somebody(DESK)
    sign_in(person, run)
    return person


def fill(tab, answers: dict) -> None:
    """Answers by the names of their fields, which are the same in all languages."""
    for name, value in answers.items():
        field = tab.locator(f"[name={name}]")
        if name == "statutes":
            field.set_input_files({"name": value, "mimeType": "application/pdf", "buffer": paper()})
        elif field.first.evaluate("it => it.tagName") == "SELECT":
            field.select_option(value)
        elif field.first.get_attribute("type") in {"checkbox", "radio"}:
            for one in value if isinstance(value, list) else [value]:
                (field if one is True else tab.locator(f"[name={name}][value={one}]")).check()
        else:
            field.fill(value)


def paper() -> bytes:
    file = BytesIO()
    canvas = Canvas(file)
    canvas.drawString(100, 700, "Estatutos")
    canvas.save()
    return file.getvalue()


def picture() -> bytes:
    """A logo with a place in its EXIF."""
    file = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Rua do Cais 1"
    Image.new("RGB", (640, 320), "#0b5f5c").save(file, "JPEG", exif=exif)
    return file.getvalue()


def presses_until(tab, button, done) -> None:
    """Who is quicker than people are is asked to press once more."""
    for _time in range(20):
        button.click()
        tab.wait_for_load_state("load")
        if done():
            return
    raise AssertionError(tab.url)


# --- the story -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def applied(ana, run) -> str:
    """Ana has sent the application, in Portuguese, on a phone; the address of its page."""
    tab = ana.tab
    tab.goto(f"{run.site}pt/apply/")
    ana.looks()
    tab.locator("[name=category][value=affiliated]").check()
    tab.locator("main [name=address]").fill(ANA)
    presses_until(
        tab,
        tab.locator("main form.sign-up button[type=submit]"),
        lambda: not tab.locator("main [name=address]").count(),
    )
    letter = letter_to(ANA, run, "Auto-Submitted")
    assert letter["Content-Language"] == "pt"
    tab.goto(link_in(letter, "/apply/"))
    ana.looks()
    page = tab.url
    tab.locator("main a.button").click()
    for key, answers in STEPS.items():
        tab.wait_for_url(f"**/{key}/")
        ana.looks()
        fill(tab, answers)
        tab.locator("main [name=go][value=on]").click()
    tab.wait_for_url("**/send/")
    ana.looks()
    tab.locator("main form.agree button").click()
    tab.wait_for_url(page)
    ana.looks()
    return page


@pytest.fixture(scope="module")
def vouched(applied, somebody, run) -> None:
    """Rui, who was named as a referee, has answered in English."""
    rui = somebody(PHONE)
    letter = letter_to(RUI, run, "Auto-Submitted")
    assert letter["Content-Language"] == "en"
    rui.tab.goto(link_in(letter, "/referee/"))
    rui.looks()
    assert WHY in rui.tab.locator("main").inner_text()
    rui.tab.locator("[name=supports]").first.check()
    rui.tab.locator("[name=words]").fill("I know their work.")
    rui.follows(rui.tab.get_by_role("button", name="Send the answer"), to=f"{NAME} wants to join")


@pytest.fixture(scope="module")
def admitted(vouched, carla, run) -> None:
    """The board recommends, and the General Assembly of today admits, as the desk records."""
    tab, desk = carla.tab, run.told("The desk")[0]
    tab.goto(f"{desk}members/application/")
    carla.looks()
    tab.get_by_role("link", name=NAME, exact=True).click()
    carla.looks()
    assert "I know their work." in tab.locator("#content").inner_text()
    tab.get_by_role("link", name="Recommend", exact=True).click()
    tab.get_by_role("button", name="Recommend", exact=True).click()
    tab.get_by_text("The application is on the list for the General Assembly.").wait_for()
    tab.goto(f"{desk}members/assembly/add/")
    tab.locator("[name=date]").fill(datetime.date.today().isoformat())  # noqa: DTZ011  # the browser's own day
    tab.locator("[name=place]").fill("Brussels")
    tab.locator("[name=_continue]").click()
    tab.get_by_role("link", name="List of applications").click()
    tab.get_by_role("heading", level=3, name=re.compile(NAME)).wait_for()
    carla.looks()
    tab.get_by_role("link", name="Record the decisions").click()
    carla.looks()
    tab.get_by_role("button", name="Admit all the others, and look over").click()
    carla.looks()
    tab.get_by_role("button", name="Record the decisions").click()
    carla.looks()


@pytest.fixture(scope="module")
def at_home(admitted, ana, run) -> str:
    """Ana has accepted the invitation in the letter of welcome; the address of what she can do for the member."""
    tab = ana.tab
    while True:  # the ones before it acknowledge, and say that the board recommends
        letter = letter_to(ANA, run, "Auto-Submitted")
        if "/invitation/" in letter.get_body(("plain",)).get_content():
            break
    tab.goto(link_in(letter, "/invitation/"))
    ana.looks()
    tab.locator("main form button").click()
    tab.wait_for_url("**/my/")
    ana.looks()
    (handle,) = run.rows("SELECT handle FROM members_member WHERE name = ?", NAME)[0]
    dashed = re.sub(r"^(.{8})(.{4})(.{4})(.{4})(.{12})$", r"\1-\2-\3-\4-\5", handle)
    return f"{run.site}pt/my/{dashed}/"


def test_the_register_has_the_new_member(admitted, carla, run):
    carla.tab.goto(f"{run.told('The desk')[0]}members/member/register/")
    carla.looks()
    assert NAME in carla.tab.locator("#content").inner_text()


def test_its_new_treasurer_pays(at_home, ana, carla, somebody, run):
    ana.tab.goto(f"{at_home}people/")
    ana.looks()
    fill(ana.tab, {"name": "Tomás", "email": TOMAS, "language": "en", "roles": "treasurer"})
    ana.tab.locator("main form:has([name=roles]) button.button").click()
    tomas = somebody(PHONE)
    tomas.tab.goto(link_in(letter_to(TOMAS, run, "Auto-Submitted"), "/invitation/"))
    tomas.follows(tomas.tab.get_by_role("button", name="Accept the invitation"), to="My membership")
    # The secretariat enters the fees of the year, and sends the debit notes.
    tab, fees = carla.tab, f"{run.told('The desk')[0]}members/fee/"
    year = datetime.date.today().year  # noqa: DTZ011
    tab.goto(f"{fees}run/?year={year}")
    carla.looks()
    tab.get_by_role("button", name=f"Enter the fees of {year}").click()
    tab.goto(f"{fees}notes/?year={year}")
    carla.looks()
    tab.locator("#content form[method=post] button").first.click()
    note = letter_to(TOMAS, run, "Auto-Submitted")
    (attached,) = note.iter_attachments()
    assert (note["Content-Language"], attached.get_content_type()) == ("en", "application/pdf")
    # Tomás sees what to pay; the transfer comes with the next file from the bank.
    home = at_home.replace("/pt/my/", "/en/my/")
    tomas.tab.goto(f"{home}fees/")
    tomas.looks()
    words = tomas.tab.locator("main").inner_text()
    communication = re.search(r"\+\+\+(\d{3}/\d{4}/\d{5})\+\+\+", words)[0]
    amount = run.rows(
        "SELECT f.amount FROM members_fee f JOIN members_member m ON m.id = f.member_id WHERE m.name = ? AND year = ?",
        NAME,
        year,
    )[0][0]
    day = datetime.date.today().isoformat()  # noqa: DTZ011
    file = document(entry(f"{float(amount):.2f}", words=communication, bank_ref="CASA1", day=day))
    tab.goto(f"{run.told('The desk')[0]}members/bankfile/")
    carla.looks()
    upload = {"name": "camt.xml", "mimeType": "application/xml", "buffer": file}
    tab.locator("input[type=file]").set_input_files(upload)
    tab.locator("#content form button").first.click()
    carla.looks()
    assert NAME in tab.locator("#content").inner_text()
    tab.locator("#content form[method=post] button").first.click()
    tomas.tab.goto(f"{home}fees/")
    tomas.looks()
    with tomas.tab.expect_download() as download:
        tomas.tab.locator("a[href$='receipt.pdf']").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def test_its_contact_corrects_the_logo_and_hides_the_telephone(at_home, ana, somebody, run):
    tab = ana.tab
    tab.goto(f"{at_home}profile/logo/")
    ana.looks()
    file = {"name": "logo.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    tab.locator("[name=logo]").set_input_files(file)
    tab.locator("main form[enctype] button").click()
    tab.wait_for_load_state("load")
    tab.goto(f"{at_home}directory/")
    ana.looks()
    tab.locator("[name=shown][value=telephone]").uncheck()
    tab.locator("main form.form button[type=submit]").click()
    tab.wait_for_load_state("load")
    ana.looks()
    visitor = somebody(PHONE)
    visitor.tab.goto(f"{run.site}en/members/casa-do-cais/")
    visitor.looks()
    assert TELEPHONE not in visitor.tab.content()
    logo = visitor.tab.locator("main img").first
    assert logo.evaluate("it => it.complete && it.naturalWidth > 0")
    drawn = visitor.context.request.get(f"{run.site.rstrip('/')}{logo.get_attribute('src')}").body()
    assert (Image.open(BytesIO(drawn)).getexif(), b"Rua do Cais" in drawn) == ({}, False)


def test_a_visitor_on_a_phone_finds_it_on_the_map(at_home, somebody, run):
    visitor = somebody(PHONE)
    tab = visitor.tab
    tab.goto(f"{run.site}en/members/")
    visitor.looks()
    tab.get_by_role("link", name=re.compile(r"^Portugal: \d+ members?$")).first.click()
    visitor.looks()
    tab.locator("main a[href$='/members/casa-do-cais/']").first.click()
    tab.get_by_role("heading", level=1, name=re.compile(NAME)).wait_for()
    visitor.looks()


def test_a_visitor_finds_it_with_the_keys_alone_and_without_the_map(at_home, somebody, run):
    tab = somebody(DESK).tab
    tab.goto(f"{run.site}en/members/")
    _reach(tab, tab.locator("main input[name=q]"))
    tab.keyboard.type("casa do cais")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**q=casa*")
    _reach(tab, tab.get_by_role("link", name=re.compile("Skip the map")))
    tab.keyboard.press("Enter")
    _reach(tab, tab.locator("main a[href$='/members/casa-do-cais/']").first)
    tab.keyboard.press("Enter")
    tab.get_by_role("heading", level=1, name=re.compile(NAME)).wait_for()


def _reach(tab, element) -> None:
    element.wait_for()
    for _time in range(60):
        if element.evaluate("it => it === document.activeElement"):
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {element}.")
