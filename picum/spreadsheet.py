"""The first visible sheet of an XLSX file, read as a stream: values only, whatever is in it.

ECMA-376, narrowed to the texts in cells: formulas are not looked at, only what they came to when the file was saved;
a date is the number it is stored as; of merged cells the first one has the value. Rows that a filter hides are rows.

An XLSX file is a ZIP of XML, and may come from anybody. So of each part no more is unpacked than UNPACKED, a document
type (the home of entities) is refused, no tree is built, and neither a part's size nor one row's decides how much
memory is used; the texts that the sheets share are the exception, and are limited in number and length.
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

from django.utils.translation import gettext as _

from picum.csvfile import CELL, Line, Unreadable

ROWS, COLUMNS = 1_000_000, 100  # cells further to the right are not looked at
UNPACKED = 400_000_000  # octets of one part; a sheet with ROWS of addresses, languages and names takes 250 million
SHARED = 4_000_000  # texts
CHUNK, TOKEN = 1 << 16, 1 << 20  # octets read at once; octets of one tag or comment
DEPTH = 50  # tags within tags
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # what XML cannot hold: "_x000D_"
_DAMAGED = (
    expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError,
    NotImplementedError, RuntimeError,  # a packing that nobody uses; a password
)  # fmt: skip


def is_one(path: Path) -> bool:
    """Is it a spreadsheet by its content? Raises Unreadable for those of other kinds: save them as this one."""
    with path.open("rb") as file:
        start = file.read(8)
    if start == bytes.fromhex("D0CF11E0A1B11AE1"):
        raise Unreadable(_("This is an old or a protected Excel file. Save it as XLSX without a password, or as CSV."))
    if not start.startswith(b"PK") or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" in archive.namelist():
                return True
    except _DAMAGED:
        pass
    raise Unreadable(_("This file is no list that can be read. Save it as XLSX or as CSV."))


def table(path: Path) -> Iterator[Line]:
    """The rows that are not empty, as `csvfile.table` yields lines. Raises Unreadable, also half-way."""
    try:
        with zipfile.ZipFile(path) as archive:
            name = _first_sheet(archive)
            shared = _Texts.read(archive) if "xl/sharedStrings.xml" in archive.namelist() else []
            with _opened(archive, name) as part:
                sheet = _Sheet(shared)
                for _chunk in _fed(part, sheet):
                    yield from sheet.rows
                    sheet.rows.clear()
    except Unreadable:
        raise
    except _DAMAGED:
        raise Unreadable(_("The spreadsheet is damaged and cannot be read.")) from None


def height(path: Path) -> int:
    """How many rows the sheet says that it has, or 0: its word, no more."""
    try:
        with zipfile.ZipFile(path) as archive, _opened(archive, _first_sheet(archive)) as part:
            found = re.search(rb'<(?:\w+:)?dimension ref="[A-Z]+\d+:[A-Z]+(\d{1,7})"', part.read(CHUNK))
        return int(found[1]) if found else 0
    except (Unreadable, OSError, *_DAMAGED):
        return 0


def _opened(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    # What a part says of its own size is no lie that helps: the zipfile module unpacks no more than that.
    if archive.getinfo(name).file_size > UNPACKED:
        raise Unreadable(_("The spreadsheet is too large to be read. Divide it, or save it as CSV."))
    return archive.open(name)


def _fed(part: IO[bytes], handler: "_Handler") -> Iterator[None]:
    """Give a part's tags and texts to `handler`; a step for each chunk."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _no_document_type
    parser.StartElementHandler, parser.EndElementHandler = handler.opened, handler.closed
    parser.CharacterDataHandler = handler.text
    fed = 0
    while chunk := part.read(CHUNK):
        parser.Parse(chunk)
        fed += len(chunk)
        if fed - parser.CurrentByteIndex > TOKEN:
            raise ValueError("A tag without an end.")
        yield
    parser.Parse(b"", True)
    yield


def _no_document_type(*_args) -> None:
    raise ValueError("A document type.")


class _Handler:
    """What is done with the tags, known by their names without prefix, and with the texts between them."""

    depth = 0

    def opened(self, name: str, values: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEPTH:
            raise ValueError("Tags within tags without an end.")
        self.start(name.rpartition(":")[2], values)

    def closed(self, name: str) -> None:
        self.depth -= 1
        self.end(name.rpartition(":")[2])

    def start(self, name: str, values: dict[str, str]) -> None: ...
    def end(self, name: str) -> None: ...
    def text(self, words: str) -> None: ...


class _Sheets(_Handler):
    """The parts that a workbook calls its sheets, in their order, with their states; or what its relations lead to."""

    def __init__(self):
        self.sheets: list[tuple[str, str]] = []
        self.targets: dict[str, str] = {}

    def start(self, name, values):
        if name == "sheet":
            relation = next((value for key, value in values.items() if key.rpartition(":")[2] == "id"), "")
            self.sheets.append((relation, values.get("state", "visible")))
        elif name == "Relationship" and values["Type"].endswith("/worksheet"):
            self.targets[values["Id"]] = values["Target"]


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The name of the part that is the first visible sheet."""
    found = _Sheets()
    for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
        with _opened(archive, name) as part:
            for _chunk in _fed(part, found):
                pass
    for relation, state in found.sheets:
        if state == "visible" and relation in found.targets:
            return posixpath.normpath(posixpath.join("/xl", found.targets[relation])).lstrip("/")
    raise Unreadable(_("The spreadsheet has no sheet that can be seen."))


class _Texts(_Handler):
    """The texts that sheets share; each may consist of runs in several fonts."""

    def __init__(self):
        self.texts: list[str] = []
        self.words = ""
        self.inside = self.aside = False

    @classmethod
    def read(cls, archive: zipfile.ZipFile) -> list[str]:
        found = cls()
        with _opened(archive, "xl/sharedStrings.xml") as part:
            for _chunk in _fed(part, found):
                if len(found.texts) > SHARED:
                    raise Unreadable(_("The spreadsheet is too large to be read. Divide it, or save it as CSV."))
        return found.texts

    def start(self, name, values):
        if name == "si":
            self.words = ""
        elif name == "rPh":  # how the text is pronounced
            self.aside = True
        elif name == "t":
            self.inside = not self.aside

    def end(self, name):
        if name == "si":
            self.texts.append(_plain(self.words))
        elif name == "rPh":
            self.aside = False
        elif name == "t":
            self.inside = False

    def text(self, words):
        if self.inside and len(self.words) <= CELL:
            self.words += words


class _Sheet(_Handler):
    """Fills `rows` as the sheet is read."""

    def __init__(self, shared: list[str]):
        self.shared = shared
        self.rows: list[Line] = []
        self.number = 0
        self.cells: list[str] = []
        self.column = -1
        self.kind = self.words = ""
        self.inside = self.aside = False

    def start(self, name, values):
        if name == "c":
            self.column = _column(values["r"]) if "r" in values else self.column + 1
            self.kind, self.words = values.get("t", "n"), ""
        elif name in ("v", "t"):
            self.inside = not self.aside
        elif name == "rPh":
            self.aside = True
        elif name == "row":
            number = int(values.get("r", self.number + 1))
            if number <= self.number:
                raise ValueError("Rows in disorder.")
            self.number, self.cells, self.column = number, [], -1

    def end(self, name):
        if name in ("v", "t"):
            self.inside = False
        elif name == "c":
            if self.words and self.column < COLUMNS:
                self.cells += [""] * (self.column + 1 - len(self.cells))
                self.cells[self.column] = self._value()
        elif name == "rPh":
            self.aside = False
        elif name == "row" and any(self.cells):
            self._finish()

    def text(self, words):
        if self.inside and len(self.words) <= CELL:
            self.words += words

    def _value(self) -> str:
        if self.kind == "s":
            return self.shared[int(self.words)]
        if self.kind == "b":
            return "TRUE" if self.words == "1" else "FALSE"
        return _plain(self.words)

    def _finish(self) -> None:
        if self.number > ROWS:
            raise Unreadable(_("The sheet has more than %(limit)s rows. Divide it.") % {"limit": f"{ROWS:,}"})
        too_long = any(len(cell) > CELL for cell in self.cells)
        self.rows.append((self.number, _("it, or one of its cells, is far too long") if too_long else self.cells))


def _column(reference: str) -> int:
    """ "C7" → 2."""
    number = 0
    for letter in reference.rstrip("0123456789")[:4]:
        number = number * 26 + int(letter, 36) - 9
    return number - 1


def _plain(words: str) -> str:
    """In one line, trimmed; what was escaped as it is."""
    if "_x" in words:
        words = _ESCAPED.sub(lambda found: _letter(int(found[1], 16)), words)
    return " ".join(words.split())


def _letter(number: int) -> str:
    return "\ufffd" if 0xD800 <= number <= 0xDFFF else chr(number)
