"""A list of members in a file, CSV or XLSX: read, judged row by row, and taken over; see `members.exporting`, which
writes such lists. Nothing of the register is overwritten: only members that are new get a membership.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from members import columns, people, register
from members.columns import COLUMNS, Lookups, NotUnderstood
from members.models import ContactRole, DecidedBy, Member, Membership
from members.slugs import free_slug
from picum import csvfile, spreadsheet
from picum.accounts import audit
from picum.accounts.models import User
from picum.addresses import InvalidAddress
from picum.csvfile import Line, Unreadable

ROWS = 2_000  # no network is larger; what is judged travels with the page
CONTACTS = {"contact": ContactRole.Role.CONTACT, "treasurer": ContactRole.Role.TREASURER}
# Of the member itself; the rest of a row is about its membership and its people.
FIELDS = [name for name, column in COLUMNS.items() if column.of_member]
# A member's own word since then counts more than a list, which may be older.
ITS_OWN_CHOICES = {"in_directory", "shown", "open_data"}


@dataclass(frozen=True)
class Row:
    """A line of the list: cells by the names of `COLUMNS`."""

    line: int
    cells: Mapping[str, str]


@dataclass
class Verdict:
    """What would become, or became, of a row. `outcome` is "new", "changed", "same" or "refused"; `words` say why it is
    refused, or what changes."""

    line: int
    name: str
    outcome: str
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    verdicts: list[Verdict]
    unknown: list[str]  # columns that nobody understands

    def count(self, outcome: str) -> int:
        return sum(verdict.outcome == outcome for verdict in self.verdicts)


def read(path: Path) -> tuple[list[Row], list[str]]:
    """The rows of a file, and the headers that nobody understands. Raises Unreadable, in words, for a file that is no
    such list: the first line must name the columns, one of them "name" and one "country"."""
    lines = spreadsheet.table(path) if _is_spreadsheet(path) else csvfile.table(path, _fits)
    header: dict[str, int] = {}
    rows: list[Row] = []
    unknown: list[str] = []
    for number, cells in lines:
        if isinstance(cells, str):
            raise Unreadable(_("Line %(line)d: %(why)s.") % {"line": number, "why": cells})
        if not header:
            header, unknown = columns.recognised(cells)
            if missing := {"name", "country"} - header.keys():
                raise Unreadable(_("The first line must name the columns; these are missing: %s.") % ", ".join(missing))
            continue
        if len(rows) == ROWS:
            raise Unreadable(_("The list has more than %d rows.") % ROWS)
        rows.append(_row((number, cells), header))
    return rows, unknown


def _is_spreadsheet(path: Path) -> bool:
    try:
        return spreadsheet.is_one(path)
    except OSError as error:
        raise Unreadable(_("The file cannot be read: %s.") % (error.strerror or type(error).__name__)) from None


def _fits(header: Sequence[str]) -> int:
    return len(columns.recognised(header)[0]) * 100 + len(header)


def _row(line: Line, header: Mapping[str, int]) -> Row:
    number, cells = line
    found = {name: csvfile.unguarded(cells[at].strip()) if at < len(cells) else "" for name, at in header.items()}
    return Row(number, {name: value for name, value in found.items() if value})


def dry_run(rows: Iterable[Row], *, today: datetime.date) -> list[Verdict]:
    """What would become of each row. It is done, and taken back: what it says is what would happen."""
    with transaction.atomic():
        verdicts = [verdict for verdict, _member in _all(rows, by=None, today=today)]
        transaction.set_rollback(True)
    return verdicts


@transaction.atomic
def take(rows: Iterable[Row], *, by: User, today: datetime.date) -> list[Verdict]:
    """Take the rows over, all that can be; the others say why not. Audited, a line for the whole and one for each new
    membership. Nobody is invited and nobody is told."""
    verdicts = [verdict for verdict, _member in _all(rows, by=by, today=today)]
    counts = {outcome: sum(one.outcome == outcome for one in verdicts) for outcome in ("new", "changed", "refused")}
    audit.record("member.import", by=by, **counts)
    return verdicts


def _all(rows: Iterable[Row], *, by: User | None, today: datetime.date) -> list[tuple[Verdict, Member | None]]:
    lookups = Lookups.read()
    seen: dict[int, int] = {}
    return [_one(row, lookups, seen, by=by, today=today) for row in rows]


def _one(
    row: Row, lookups: Lookups, seen: dict[int, int], *, by: User | None, today: datetime.date
) -> tuple[Verdict, Member | None]:
    name = row.cells.get("name", "")
    try:
        with transaction.atomic():
            values = lookups.understood(row.cells)
            member = _known(values)
            if member and member.pk in seen:
                raise NotUnderstood(_("this member stands in line %d already") % seen[member.pk])
            made = member is None
            changed = [] if member else ["new"]
            member = member or Member(slug=free_slug(values["name"]))
            changed += _write(member, values)
            if made:
                _belongs(member, values, by=by, today=today)
            changed += _people(member, values, by=by)
            seen[member.pk] = row.line
    except (NotUnderstood, register.NotPossible, people.NotPossible, InvalidAddress) as why:
        return Verdict(row.line, name, "refused", [str(why)]), None
    except ValidationError as error:
        return Verdict(row.line, name, "refused", [f"{key}: {'; '.join(words)}" for key, words in error]), None
    if made:
        return Verdict(row.line, member.name, "new"), member
    return Verdict(row.line, member.name, "changed" if changed else "same", changed), member


def _known(values: Mapping[str, object]) -> Member | None:
    """The member that is meant: by its handle, its registration number, else its name and country."""
    if handle := values.get("handle"):
        member = Member.objects.filter(handle=handle).first()
        if member is None:
            raise NotUnderstood(_("nobody has this handle; leave the cell empty for a new member"))
        return member
    there = Member.objects.filter(country=values["country"])
    if number := values.get("registration_number"):
        found = there.filter(registration_number__iexact=number).first()
        if found:
            return found
    return there.filter(name__iexact=values["name"]).first()


def _write(member: Member, values: Mapping[str, object]) -> list[str]:
    """Set the fields of the row that differ; the labels of what changed. Empty cells change nothing, and nothing
    changes what a known member lets the public see."""
    changed = []
    values = {name: value for name, value in values.items() if not (member.pk and name in ITS_OWN_CHOICES)}
    many = {name: values[name] for name in ("areas", "rights") if name in values}
    for name in FIELDS:
        if name in values and name not in many and name != "description" and getattr(member, name) != values[name]:
            setattr(member, name, values[name])
            changed.append(_label(name))
    member.full_clean(exclude=["original_language"])
    member.save()
    for name, rows in many.items():
        if set(getattr(member, name).all()) != set(rows):
            getattr(member, name).set(rows)
            changed.append(_label(name))
    if text := values.get("description"):
        translation = member.translations.filter(language_code=member.original_language).first()
        if translation is None or translation.description != text:
            member.translations.update_or_create(language_code=member.original_language, defaults={"description": text})
            changed.append(_label("description"))
    return changed


def _label(name: str) -> str:
    return capfirst(str(COLUMNS[name].label))


def _belongs(member: Member, values: Mapping[str, object], *, by: User | None, today: datetime.date) -> None:
    """A membership for a new member, where the list tells a category: from the day it joined, and until it ended."""
    category = values.get("category")
    if category is None:
        return
    joined = values.get("joined") or today
    membership = register.admit(member, category, from_on=joined, decided_by=DecidedBy.UNKNOWN, decided_on=None, by=by)
    if until := values.get("until"):
        why = values.get("ended") or Membership.Ended.WITHDRAWN
        register.end(membership, until_on=until, why=why, ended_by=DecidedBy.UNKNOWN, ended_on=until, by=by)


def _people(member: Member, values: Mapping[str, object], *, by: User | None) -> list[str]:
    """Add the contact and the treasurer of the row, if nobody has that address there; nobody is changed."""
    wanted: dict[str, tuple[str, list[str]]] = {}
    for prefix, role in CONTACTS.items():
        if email := values.get(f"{prefix}_email"):
            name, roles = wanted.get(email, (values.get(f"{prefix}_name") or email.partition("@")[0], []))
            wanted[email] = (name, [*roles, role])
    added = []
    for email, (name, roles) in wanted.items():
        if not member.contacts.active().filter(email__iexact=email).exists():
            people.add(
                member,
                name=name,
                email=email,
                roles=roles,
                language=member.language,
                by=by,
                now=timezone.now(),
                invite=False,
            )
            added.append(_("contact"))
    return added
