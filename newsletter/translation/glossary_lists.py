"""The glossary as a list, out and in: a spreadsheet in which somebody works through the words of a language.

What is read is judged row by row first. A term is known by its language and its words; what is not in the list stays as
it is, and so does what the list has no column for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter.models import Term
from newsletter.translating import LANGUAGES
from newsletter.translation import avoiding
from picum import csvfile, localising, spreadsheet
from picum.accounts import audit
from picum.accounts.models import User
from picum.csvfile import Unreadable

Kind = Term.Kind
COLUMNS = ("language", "words", "kind", "concept", "why", "instead", "exact")
ROWS = 5_000  # what is judged travels with the page
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Row:
    """A line of a list: cells by the names of COLUMNS, those columns only that the list has."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """What would become, or became, of a row. `outcome` is "new", "changed", "same" or "refused"; `words` say why it is
    refused, or what changes."""

    line: int
    name: str
    outcome: str
    words: list[str] = field(default_factory=list)


class NotUnderstood(ValueError):
    """A row cannot be taken over; the message says why."""


def in_one_line(words: str) -> str:
    """Words as the glossary keeps them, so that a list says the same when it comes back."""
    return " ".join(_CONTROL.sub(" ", words).split())


# --- out ------------------------------------------------------------------------------------------------------------


def export(delimiter: str) -> str:
    """The whole glossary as CSV, language by language in the order of the masthead. One query."""
    terms = sorted(Term.objects.all(), key=_place)
    return csvfile.MARK + csvfile.written([COLUMNS, *map(_cells, terms)], delimiter)


def _place(term: Term) -> tuple:
    language = LANGUAGES.index(term.language) if term.language in LANGUAGES else len(LANGUAGES)
    return language, term.concept, Kind.values.index(term.kind), localising.plain(term.words)


def _cells(term: Term) -> list[str]:
    values = {name: getattr(term, name) for name in COLUMNS} | {"exact": "yes" if term.exact else ""}
    return [values[name] for name in COLUMNS]


# --- in -------------------------------------------------------------------------------------------------------------


def read(path: Path) -> tuple[list[Row], list[str]]:
    """The rows of a file, CSV or XLSX, and the headers that nobody understands. Raises Unreadable, in words."""
    lines = spreadsheet.table(path) if spreadsheet.is_one(path) else csvfile.table(path, _fits)
    header: dict[str, int] = {}
    rows: list[Row] = []
    unknown: list[str] = []
    for number, cells in lines:
        if isinstance(cells, str):
            raise Unreadable(_("Line %(line)d: %(why)s.") % {"line": number, "why": cells})
        if not header:
            header, unknown = _recognised(cells)
            if missing := {"language", "words"} - header.keys():
                names = ", ".join(sorted(missing))
                raise Unreadable(_("The first line must name the columns; these are missing: %s.") % names)
        elif len(rows) == ROWS:
            raise Unreadable(_("The list has more than %d rows.") % ROWS)
        else:
            values = {name: cells[at] if at < len(cells) else "" for name, at in header.items()}
            rows.append(Row(number, {name: csvfile.unguarded(value.strip()) for name, value in values.items()}))
    return rows, unknown


def _recognised(header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Columns by their key or by what the form calls them."""
    names = {name: name for name in COLUMNS}
    names |= {localising.plain(str(Term._meta.get_field(name).verbose_name)): name for name in COLUMNS}
    found: dict[str, int] = {}
    unknown = []
    for at, cell in enumerate(header):
        name = names.get(localising.plain(csvfile.unguarded(cell.strip())))
        if name and name not in found:
            found[name] = at
        elif cell.strip():
            unknown.append(cell)
    return found, unknown


def _fits(header: Sequence[str]) -> int:
    return len(_recognised(header)[0])


def dry_run(rows: Iterable[Row]) -> list[Verdict]:
    """What would become of each row. One query."""
    return [verdict for verdict, _term in _judged(rows)]


@transaction.atomic
def take(rows: Iterable[Row], *, by: User) -> list[Verdict]:
    """Take the rows over, all that can be; the others say why not. Audited, one line for the whole."""
    judged = _judged(rows)
    Term.objects.bulk_create(term for verdict, term in judged if verdict.outcome == "new")
    changed = [term for verdict, term in judged if verdict.outcome == "changed"]
    Term.objects.bulk_update(changed, COLUMNS, batch_size=100)
    verdicts = [verdict for verdict, _term in judged]
    audit.record("glossary.import", by=by, **counts(verdicts))
    avoiding.glossary_changed()
    return verdicts


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    outcomes = [verdict.outcome for verdict in verdicts]
    return {outcome: outcomes.count(outcome) for outcome in ("new", "changed", "same", "refused")}


def _judged(rows: Iterable[Row]) -> list[tuple[Verdict, Term | None]]:
    known = {(term.language, term.words): term for term in Term.objects.all()}
    seen: dict[tuple[str, str], int] = {}
    return [_one(row, known, seen) for row in rows]


def _one(
    row: Row, known: Mapping[tuple[str, str], Term], seen: dict[tuple[str, str], int]
) -> tuple[Verdict, Term | None]:
    name = row.cells.get("words", "")
    try:
        values = _understood(row.cells)
        key = (values["language"], values["words"])
        if key in seen:
            raise NotUnderstood(_("this term stands in line %d already") % seen[key])
        there = known.get(key)
        term = there or Term()
        changes = [name for name in COLUMNS if name in values and getattr(term, name) != values[name]]
        for column in changes:
            setattr(term, column, values[column])
        term.clean_fields()
    except NotUnderstood as why:
        return Verdict(row.line, name, "refused", [str(why)]), None
    except ValidationError as error:
        words = [f"{_label(column)}: {' '.join(messages)}" for column, messages in error.message_dict.items()]
        return Verdict(row.line, name, "refused", words), None
    seen[key] = row.line
    if there is None:
        return Verdict(row.line, name, "new"), term
    return Verdict(row.line, name, "changed" if changes else "same", [_label(column) for column in changes]), term


def _understood(cells: Mapping[str, str]) -> dict[str, object]:
    """The fields that the row tells. No kind is no change, and for a new term "preferred". Raises NotUnderstood."""
    values: dict[str, object] = {name: in_one_line(cell) for name, cell in cells.items()}
    if not values["words"]:
        raise NotUnderstood(_("there is no word"))
    unknown = _("nobody knows this language: %(word)s (known are %(known)s)")
    values["language"] = _chosen(str(values["language"]), _languages(), unknown, LANGUAGES)
    if kind := values.pop("kind", ""):
        unknown = _("this is no kind of term: %(word)s (known are %(known)s)")
        values["kind"] = _chosen(str(kind), _kinds(), unknown, Kind.values)
    if "exact" in values:
        unknown = _("this is neither yes nor no: %(word)s")
        values["exact"] = _chosen(str(values["exact"]), _answers(), unknown, [])
    return values


def _chosen(cell: str, choices: Mapping[str, object], complaint: str, known: Sequence[str]) -> object:
    """`known`: what an export writes, for those who wrote something else."""
    try:
        return choices[localising.plain(cell)]
    except KeyError:
        raise NotUnderstood(complaint % {"word": cell or "–", "known": ", ".join(known)}) from None


def _languages() -> dict[str, str]:
    """By code, and by name in the language then active."""
    names = {localising.plain(localising.language_name(code, get_language() or "en")): code for code in LANGUAGES}
    return names | {code: code for code in LANGUAGES}


def _kinds() -> dict[str, str]:
    return {localising.plain(str(kind.label)): kind.value for kind in Kind} | {kind.value: kind.value for kind in Kind}


def _answers() -> dict[str, bool]:
    answers = {"": False, "0": False, "1": True, "false": False, "true": True, "no": False, "yes": True}
    return answers | {localising.plain(_("no")): False, localising.plain(_("yes")): True}


def _label(column: str) -> str:
    return capfirst(str(Term._meta.get_field(column).verbose_name))
