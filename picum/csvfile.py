"""A CSV file from anybody's spreadsheet, read as a stream: one row at a time, whatever is in it.

RFC 4180, narrowed: a cell does not go over the end of a line. So a quote that is opened and never closed costs its
own line, not the rest of the file, and neither the file's size nor one line's decides how much memory is used.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from django.utils.translation import get_language
from django.utils.translation import gettext as _

CELL, LINE = 1_000, 10_000  # characters; whatever is longer is no list of addresses
DELIMITERS = ",;\t"
MARK = "\ufeff"  # without it at the beginning of a file, Excel takes UTF-8 for something else
# A cell that a spreadsheet might run as a formula; see `guarded`.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
Line = tuple[int, list[str] | str]  # its number from 1, and its trimmed cells, or why there are none, in words
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is the beginning of this one
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Unreadable(ValueError):
    """The file as a whole cannot be used; the message says why in one sentence, in the language then active."""


def delimiter() -> str:
    """What a spreadsheet in the active language takes for the end of a cell."""
    return "," if (get_language() or "en") == "en" else ";"


def table(path: Path, fits: Callable[[list[str]], int]) -> Iterator[Line]:
    """The lines of a file that are not empty, streamed; the first one decides the delimiter: the one for whose cells
    `fits` is highest. Raises Unreadable when there is no such file."""
    try:
        if not path.is_file():
            raise Unreadable(_("%(path)s is not a file.") % {"path": path})
        encoding = encoding_of(path)
        with path.open("rb") as raw, TextIOWrapper(raw, encoding=encoding, errors=_errors(encoding)) as text:
            yield from _table(text, fits)
    except OSError as error:
        reason = {"path": path, "reason": error.strerror or type(error).__name__}
        raise Unreadable(_("%(path)s cannot be read: %(reason)s.") % reason) from None


def encoding_of(path: Path) -> str:
    """By its mark (UTF-8, UTF-16, UTF-32), else UTF-8 if all of it is, else Windows' Western European."""
    with path.open("rb") as file:
        start = file.read(4)
        for mark, encoding in _BOMS.items():
            if start.startswith(mark):
                return encoding
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk := file.read(1 << 16):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _errors(encoding: str) -> str:
    return "latin-1-where-undefined" if encoding == "cp1252" else "replace"


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    """Five bytes have no meaning in cp1252; Latin-1 knows them as controls, for which the row is refused."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin-1-where-undefined", _as_latin_1)


def _table(text: TextIO, fits: Callable[[list[str]], int]) -> Iterator[Line]:
    lines = _lines(text)
    delimiter = ""
    for number, line in lines:
        if not delimiter:
            if line is None or not line.strip() or re.fullmatch(r"sep=.", line.strip()):  # Excel's own first line
                continue
            delimiter = _delimiter(line, fits)
        try:
            cells = None if line is None else [cell.strip() for cell in _cells(line, delimiter)]
        except csv.Error:
            yield number, _("a quotation mark is not closed on this line")
            continue
        if cells is None or any(len(cell) > CELL for cell in cells):
            yield number, _("it, or one of its cells, is far too long")
        elif any(cells):
            yield number, cells


def _lines(text: TextIO) -> Iterator[tuple[int, str | None]]:
    """Number and content of each line; None where it is longer than LINE, however long it is."""
    number = 0
    while line := text.readline(LINE):
        number += 1
        complete = line.endswith("\n") or len(line) < LINE
        # Files that were put one behind the other have marks in the middle.
        yield number, line.rstrip("\n").lstrip("\ufeff") if complete else None
        while not complete:
            rest = text.readline(LINE)
            complete = rest.endswith("\n") or len(rest) < LINE


def _delimiter(line: str, fits: Callable[[list[str]], int]) -> str:
    def fitting(delimiter: str) -> int:
        try:
            return fits([cell.strip() for cell in _cells(line, delimiter)])
        except csv.Error:
            return -1

    return max(DELIMITERS, key=fitting)


def _cells(line: str, delimiter: str) -> list[str]:
    """Raises csv.Error for a quote that is not closed, or with something behind it."""
    if '"' not in line and "\r" not in line:  # as the csv module would, in a third of its time
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter, strict=True), [])


# --- writing ---------------------------------------------------------------------------------------------------------


def written(rows: Iterable[Iterable[object]], delimiter: str) -> str:
    """Rows as lines of CSV that no spreadsheet runs; a file of them begins with MARK."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([guarded(_CONTROL.sub(" ", str(cell))) for cell in row] for row in rows)
    return file.getvalue()


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that might be gets an apostrophe in front (OWASP, CSV
    injection). `unguarded` takes it away again, whatever the cell was: addresses may begin with + or = as well."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell
