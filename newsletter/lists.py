"""A list of readers in a file, CSV or XLSX by its content: which column is what, and its rows as a stream."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from django.utils.translation import gettext as _

from picum import csvfile, spreadsheet
from picum.csvfile import Line, Unreadable, unguarded

Columns = Mapping[str, int]  # which column, from 0, is "email", "languages", "name"
# How people call these columns, what is meant most clearly first; without capitals, spaces and signs.
_NAMES = {
    "email": (
        "email emails emailaddress emailadresse emailadres adresseemail adressemail direccióndeemail direcciondeemail "
        "indirizzoemail endereçodeemail enderecodeemail mail mailadresse mailaddress mailadres courriel correo "
        "adressedecourriel adressedemessagerie correoelectrónico correoelectronico direccióndecorreo "
        "postaelettronica correioeletrónico correioeletronico correioeletrônico address adresse adres direccion "
        "dirección indirizzo endereço endereco"
    ),
    "languages": (
        "languages language sprachen sprache talen taal idiomas idioma lenguas lengua langues langue lingue lingua "
        "línguas língua linguas lang"
    ),
    "name": (
        "name fullname vollername vollständigername namevorname vornamename volledigenaam voornaamachternaam "
        "nombrecompleto nombreyapellidos nomcomplet prénomnom nomprénom nomecompleto nomecognome nomeeapelido naam "
        "nombre nom nome prénom firstname vorname voornaam"
    ),
}
NAMES = {column: names.split() for column, names in _NAMES.items()}
# C0, DEL and C1 controls, and the sign for bytes that mean nothing in the file's encoding.
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd]")
_NOTHING = {"#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DIV/0!"}  # what spreadsheets say of mistakes


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list: trimmed cells without control characters. `line` counts from 1, the header's included."""

    line: int
    email: str
    languages: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be used, and why, in words. `reason` may quote the line; `unquoted` says it without."""

    line: int
    reason: str
    unquoted: str = ""


@dataclass(frozen=True)
class Sample:
    """The beginning of a list. `names` are those of its columns, "" where the first line says none; `columns` what
    they seem to be."""

    names: list[str]
    rows: list[list[str]]
    columns: Columns


def read(path: Path, columns: Columns | None = None, *, language: str = "") -> Iterator[Row | Refused]:
    """The rows of a file, streamed. `columns` as in the first line, if not given; rows that name no language get
    `language`. Raises Unreadable, before the first row when there is no such file, or no such columns in it."""
    return _rows(_table(path), columns, language)


def sample(path: Path, *, rows: int = 5) -> Sample:
    """Its first rows, and what its columns seem to be. Raises Unreadable."""
    lines = _table(path)
    _number, header = next(lines, (0, ""))
    if isinstance(header, str):
        raise Unreadable(_no_header())
    shown = [cells for _number, cells in islice(lines, rows) if isinstance(cells, list)]
    addresses = [at for at, cell in enumerate(header) if "@" in cell]
    if addresses:  # no header
        return Sample([""] * len(header), [header, *shown][:rows], {"email": addresses[0]})
    return Sample(header, shown, guess(header))


def height(path: Path) -> int:
    """About how many lines it has."""
    if spreadsheet.is_one(path):
        return spreadsheet.height(path)
    ends = returns = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            ends += chunk.count(b"\n")
            returns += chunk.count(b"\r")
    return max(ends, returns)


def guess(header: list[str]) -> dict[str, int]:
    """The columns that are called what we look for; one that is there twice is not chosen."""
    called = [re.sub(r"[\W_]+", "", cell.casefold()) for cell in header]
    found = {}
    for column, names in NAMES.items():
        name = next((name for name in names if name in called), None)
        if name and called.count(name) == 1:
            found[column] = called.index(name)
    return found


def _table(path: Path) -> Iterator[Line]:
    try:
        if path.is_file() and spreadsheet.is_one(path):
            return spreadsheet.table(path)
    except OSError:
        pass  # said in words by whoever opens it next
    return csvfile.table(path, lambda header: len(guess(header)) * 100 + len(header))


def _rows(lines: Iterator[Line], columns: Columns | None, language: str) -> Iterator[Row | Refused]:
    first = number, header = next(lines, (0, ""))
    if isinstance(header, str):
        raise Unreadable(_no_header())
    columns = guess(header) if columns is None else columns
    if "email" not in columns or not ("languages" in columns or language):
        raise Unreadable(_no_header())
    width = len(header)
    places = [columns.get(name, width) for name in ("email", "languages", "name")]
    has_header = "@" not in (header[places[0]] if places[0] < width else "")
    for number, cells in lines if has_header else chain([first], lines):
        if isinstance(cells, str):
            yield Refused(number, cells)
        elif any(cells[width:]):
            yield Refused(number, _("it has more cells than the first line"))
        else:
            email, languages, name = (unguarded(cells[at]) if at < len(cells) else "" for at in places)
            if any(_UNREADABLE.search(cell) for cell in (email, languages, name)):
                yield Refused(number, _("it contains characters that cannot be read"))
            else:
                yield Row(number, email, languages or language, "" if name in _NOTHING else name)


def _no_header() -> str:
    return _("The first line must name the columns: email,languages or email,languages,name.")
