"""Lists out and in: what is exported can be imported, whoever the readers are; one cell spoils one row at most."""

import contextlib
import csv
import io
import re
import tempfile
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from newsletter import exporting, importing, lists
from newsletter.exporting import Filters
from newsletter.lists import Refused, Row
from newsletter.models import Subscriber
from picum import csvfile
from picum.addresses import InvalidAddress, normalise
from tests.newsletter.factories import make_subscriber
from tests.newsletter.lists import rows, spreadsheet

A_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
cheap = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
cells = st.one_of(words, st.builds("".join, st.tuples(st.sampled_from(["=", "+", "-", "@", "'", "''", "'="]), words)))


@st.composite
def addresses(draw):
    """Valid ones, also those that begin as a formula does."""
    local = draw(st.text("aZ9'=+-_!#$%&*/?^`{|}~é", min_size=1, max_size=12))
    try:
        return normalise(f"{local}@{draw(st.sampled_from(['example.org', 'bücher.example', 'a-b.example.net']))}")
    except InvalidAddress:
        assume(False)


def read(content: bytes) -> list[Row | Refused]:
    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "list").write_bytes(content)
        return list(lists.read(path))


def plain(text: str) -> str:
    """As a cell of an export says it: in one line, trimmed."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).strip()


# --- out and in ---------------------------------------------------------------------------------------------------


@given(cells)
@example("'=1+1")
@example("''@x")
def test_the_guard_is_taken_away_as_it_was_put_on(cell):
    assert csvfile.unguarded(csvfile.guarded(cell)) == cell
    assert not A_FORMULA.match(csvfile.guarded(cell))


@given(
    readers=st.dictionaries(addresses(), st.tuples(st.permutations(["en", "pt", "es"]), words), min_size=1, max_size=4),
    delimiter=st.sampled_from([",", ";"]),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
@cheap
def test_what_is_exported_can_be_imported_whoever_the_readers_are(db, readers, delimiter, encoding):
    with transaction.atomic():
        for address, (languages, name) in readers.items():
            if not Subscriber.objects.filter(address__iexact=address).exists():
                make_subscriber(address, " ".join(languages), name=name)
        kept = list(Subscriber.objects.order_by("pk").values_list("address", "languages", "name"))
        text = "".join(exporting.export(Filters(), reason="a test", by=None, delimiter=delimiter))
        transaction.set_rollback(True)
    rows_ = read(text.encode(encoding) if encoding == "utf-8" else text.removeprefix("\ufeff").encode(encoding))
    assert not [row for row in rows_ if isinstance(row, Refused) and "characters" not in row.reason]
    for (address, languages, name), row in zip(kept, rows_, strict=True):
        if "\ufffd" not in name:
            told = "" if plain(name) in lists._NOTHING else plain(name)
            assert (row.email, row.languages, row.name) == (address, languages, told)
    assert not [cell for line in csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter)
                for cell in line if A_FORMULA.match(cell)]  # fmt: skip


# --- in whatever writing ------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.emails(), st.text("abcéßñçüÀŽ€–“ ", max_size=12)), min_size=1, max_size=5),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]),
    st.sampled_from([",", ";", "\t"]),
)
@settings(deadline=None, max_examples=30)
def test_names_arrive_in_every_encoding_that_can_write_them(people, encoding, delimiter):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([["email", "languages", "name"], *((address, "en", name) for address, name in people)])
    content = file.getvalue().encode(encoding)
    assume(encoding != "cp1252" or not reads_as_utf_8(content))
    wanted = [(csvfile.unguarded(address), name.strip()) for address, name in people]
    assert [(row.email, row.name) for row in read(content)] == wanted


def reads_as_utf_8(content: bytes) -> bool:
    try:
        return content.decode() != content.decode("cp1252")
    except UnicodeDecodeError:
        return False


@given(st.lists(st.lists(st.text("abc@.=+- é'", min_size=1, max_size=8), min_size=2, max_size=3), max_size=6))
@settings(deadline=None, max_examples=40)
def test_a_spreadsheet_and_a_csv_file_with_the_same_cells_are_the_same_list(table):
    table = [["email", "languages", "name"], *[[" ".join(cell.split()) for cell in row] for row in table]]
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(table)
    with tempfile.TemporaryDirectory() as folder:
        path = spreadsheet(Path(folder) / "list", rows(*table))
        assert list(lists.read(path)) == read(file.getvalue().encode())


# --- one cell spoils one row --------------------------------------------------------------------------------------

HOSTILE = [
    '"', 'a"b', '""', '"quoted', "line\nbreak", "line\r\nbreak", "\0", "a\0b", "\x1b[2J", "\ufeff", "\u2028", "\x85",
    "=HYPERLINK(1)", "+1", "-1", "@x", "\t", "'", ";", ",", "a" * 1_000_000, "\ufffd", "\u202e", "x" * 151, "😀" * 500,
]  # fmt: skip


PEOPLE = [["amal@example.org", "pt", "Amal"], ["eve@example.org", "en", "Eve"], ["boris@example.org", "de", "Boris"]]


def lists_with(hostile: str):
    """Between Amal and Boris stands Eve, with this in one of her cells; as several programs write it."""
    for column in range(3):
        table = [["email", "languages", "name"], *map(list, PEOPLE)]
        table[2][column] = hostile
        yield "".join(",".join(row) + "\n" for row in table)  # a program that does not know better
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
            csv.writer(file := io.StringIO(newline=""), quoting=quoting).writerows(table)
            yield file.getvalue()


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda cell: ascii(cell[:12]))
def test_a_hostile_cell_costs_no_other_row(hostile):
    for content in lists_with(hostile):
        found = read(content.encode())
        assert found[0] == Row(2, "amal@example.org", "pt", "Amal")
        assert [row for row in found if getattr(row, "email", "") == "boris@example.org"] == found[-1:]
        assert found[-1].name == "Boris"
        assert len(found) <= 5


def test_lists_that_were_put_one_behind_the_other_have_marks_in_the_middle():
    one = "\ufeffemail,languages\namal@example.org,en\n", "\ufeffboris@example.org,de\n"
    assert [row.email for row in read("".join(one).encode())] == ["amal@example.org", "boris@example.org"]


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=60)
def test_any_file_at_all_is_read_or_refused_in_a_sentence(content):
    for start in (b"", b"email,languages\n", b"PK\x03\x04", b"\xff\xfe"):
        with contextlib.suppress(lists.Unreadable):
            assert all(isinstance(row, Row | Refused) for row in read(start + content))


# --- which column is what -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "guessed"),
    [
        ("email,languages,name", {"email": 0, "languages": 1, "name": 2}),
        ("Nr;Vollständiger Name;E-Mail-Adresse;Sprache;Adresse", {"name": 1, "email": 2, "languages": 3}),
        ("Naam\tE-mailadres\tTaal", {"name": 0, "email": 1, "languages": 2}),
        ("Nombre,Correo electrónico,Idioma", {"name": 0, "email": 1, "languages": 2}),
        ("Nom;Courriel;Langue", {"name": 0, "email": 1, "languages": 2}),
        ("Nome,Indirizzo e-mail,Lingua", {"name": 0, "email": 1, "languages": 2}),
        ("Nome;Endereço de e-mail;Idiomas", {"name": 0, "email": 1, "languages": 2}),
        ("Address,Lang", {"email": 0, "languages": 1}),
        ("email,mail", {"email": 0}),
        ("email,E-Mail", {}),
        ("a,b,c", {}),
    ],
)
def test_columns_are_known_by_what_people_call_them(tmp_path, header, guessed):
    (path := tmp_path / "list.csv").write_text(header + "\n", encoding="utf-8")
    assert lists.sample(path).columns == guessed


def test_a_list_without_a_header_begins_with_its_first_row(tmp_path):
    (path := tmp_path / "list.csv").write_text("Amal;amal@example.org\nBoris;boris@example.org\n")
    sample = lists.sample(path)
    assert (sample.names, sample.columns) == (["", ""], {"email": 1})
    assert sample.rows == [["Amal", "amal@example.org"], ["Boris", "boris@example.org"]]
    read_ = lists.read(path, {"email": 1, "name": 0}, language="en")
    assert [row.line for row in read_] == [1, 2]


@pytest.mark.parametrize("word", ["Deutsch", "german", "ALEMÁN", "allemand", "de"])
def test_languages_may_be_named_in_each_of_ours(word):
    assert importing.in_order(f"{word}, English") == "de en"
