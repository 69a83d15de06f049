"""A CSV file from anybody's spreadsheet, read as a stream: one row at a time, whatever is in it.

RFC 4180, narrowed: a cell does not go over the end of a line. So a quote that is opened and never closed costs its
own line, not the rest of the file, and neither the file's size nor one line's decides how much memory is used.
"""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from django.utils.translation import gettext as _

CELL, LINE = 1_000, 10_000  # characters; whatever is longer is no list of addresses
DELIMITERS = ",;\t"
NEEDED, KNOWN = {"email", "languages"}, ("email", "languages", "name")
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is the beginning of this one
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# C0, DEL and C1 controls, and the sign for bytes that mean nothing in the file's encoding.
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")


class Unreadable(ValueError):
    """The file as a whole cannot be used; the message says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list: trimmed cells without control characters. `line` counts from 1, the header's included."""

    line: int
    email: str
    languages: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be used, and why, in words."""

    line: int
    reason: str


def read(path: Path) -> Iterator[Row | Refused]:
    """The rows of a file, streamed. Raises Unreadable, before the first row when there is no such file or no header
    with `email` and `languages`."""
    try:
        if not path.is_file():
            raise Unreadable(_("%(path)s is not a file.") % {"path": path})
        encoding = encoding_of(path)
        with path.open("rb") as raw, TextIOWrapper(raw, encoding=encoding, errors=_errors(encoding)) as text:
            yield from rows(text)
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


def rows(text: TextIO) -> Iterator[Row | Refused]:
    """Rows and refusals in the order of the file; empty lines are neither. The header is read at once."""
    lines = _lines(text)
    delimiter, columns, width = _header(lines)
    return _rows(lines, delimiter, columns, width)


def _lines(text: TextIO) -> Iterator[tuple[int, str | None]]:
    """Number and content of each line; None where it is longer than LINE, however long it is."""
    number = 0
    while line := text.readline(LINE):
        number += 1
        complete = line.endswith("\n") or len(line) < LINE
        yield number, line.rstrip("\n") if complete else None
        while not complete:
            rest = text.readline(LINE)
            complete = rest.endswith("\n") or len(rest) < LINE


def _header(lines: Iterator[tuple[int, str | None]]) -> tuple[str, dict[str, int], int]:
    """Delimiter, place of each column that we know, number of columns."""
    for _number, line in lines:
        if line is None or not line.strip() or re.fullmatch(r"sep=.", line.strip()):  # Excel's own first line
            continue
        for delimiter in DELIMITERS:
            try:
                names = [cell.strip().lower() for cell in _cells(line, delimiter)]
            except csv.Error:
                continue
            found = [name for name in names if name in KNOWN]
            if set(found) >= NEEDED and len(found) == len(set(found)):
                return delimiter, {name: names.index(name) for name in found}, len(names)
        break
    raise Unreadable(_("The first line must name the columns: email,languages or email,languages,name."))


def _cells(line: str, delimiter: str) -> list[str]:
    """Raises csv.Error for a quote that is not closed, or with something behind it."""
    if '"' not in line and "\r" not in line:  # as the csv module would, in a third of its time
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter, strict=True), [])


def _rows(
    lines: Iterator[tuple[int, str | None]], delimiter: str, columns: dict[str, int], width: int
) -> Iterator[Row | Refused]:
    for number, line in lines:
        try:
            cells = None if line is None else [cell.strip() for cell in _cells(line, delimiter)]
        except csv.Error:
            yield Refused(number, _("a quotation mark is not closed on this line"))
            continue
        if cells is None or any(len(cell) > CELL for cell in cells):
            yield Refused(number, _("it, or one of its cells, is far too long"))
        elif not any(cells):
            continue
        elif any(cells[width:]):
            yield Refused(number, _("it has more cells than the first line"))
        else:
            wanted = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
            if _UNREADABLE.search(line) and any(_UNREADABLE.search(cell) for cell in wanted.values()):
                yield Refused(number, _("it contains characters that cannot be read"))
            else:
                yield Row(number, **wanted)
