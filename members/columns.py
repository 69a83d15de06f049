"""The columns of a list of members: what they are called, how a cell is understood and how it is written."""

import datetime
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries

from members.models import Category, Kind, Level, Membership, OrganisationType, Shown
from picum import localising
from picum.addresses import reachable
from picum.areas.models import Area, Right

LANGUAGES = [code for code, _name in settings.LANGUAGES]
_EXCEL_BEGINS = datetime.date(1899, 12, 30)  # day 0 of a spreadsheet's dates
_DATES = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")
_SPLIT = re.compile(r"[\s,;|]+")
_YES = {"yes", "1", "true", "x", "ja", "sí", "si", "oui", "sì", "sim"}


class NotUnderstood(ValueError):
    """A cell says nothing that can be used; the message says which and why, in words."""


@dataclass(frozen=True)
class Column:
    """`names`: how people call it, without capitals, spaces and signs. `of_member`: a field of the member itself."""

    label: str | Promise
    names: str = ""
    of_member: bool = True


COLUMNS = {
    "handle": Column(gettext_lazy("handle"), of_member=False),
    "kind": Column(gettext_lazy("kind"), "art soort tipo type"),
    "name": Column(gettext_lazy("name"), "legalname organisation organisatie organization naam nom nome nombre"),
    "acronym": Column(gettext_lazy("acronym"), "abkürzung afkorting sigla sigle siglas acronimo acrónimo"),
    "country": Column(gettext_lazy("country"), "land país pays paese pais"),
    "street": Column(gettext_lazy("street"), "address strasse straße straat calle rue via rua"),
    "postcode": Column(gettext_lazy("postcode"), "zip plz codepostal códigopostal cap"),
    "city": Column(gettext_lazy("town"), "city ort stad ciudad ville città cidade"),
    "registration_number": Column(gettext_lazy("registration number"), "number registration"),
    "website": Column(gettext_lazy("website"), "web url homepage site"),
    "email": Column(gettext_lazy("mail address"), "mail emailaddress"),
    "telephone": Column(gettext_lazy("telephone"), "phone tel telefon telefoon teléfono téléphone telefono telefone"),
    "type": Column(gettext_lazy("type"), "organisationtype"),
    "level": Column(gettext_lazy("level")),
    "areas": Column(gettext_lazy("areas"), "activityareas"),
    "rights": Column(gettext_lazy("rights")),
    "language": Column(gettext_lazy("language"), "sprache taal idioma langue lingua língua"),
    "languages": Column(gettext_lazy("working languages"), "workinglanguages"),
    "description": Column(gettext_lazy("description")),
    "in_directory": Column(gettext_lazy("in the public directory"), "directory"),
    "shown": Column(gettext_lazy("the directory shows")),
    "open_data": Column(gettext_lazy("in the lists to download"), "opendata"),
    "category": Column(gettext_lazy("category"), "kategorie categorie categoría catégorie categoria", of_member=False),
    "joined": Column(gettext_lazy("joined"), "since membersince joinedon", of_member=False),
    "until": Column(gettext_lazy("until"), "end ended left", of_member=False),
    "ended": Column(gettext_lazy("ended because"), "endedbecause reason", of_member=False),
    "contact_name": Column(gettext_lazy("contact: name"), "contactname contact", of_member=False),
    "contact_email": Column(gettext_lazy("contact: mail address"), "contactemail contactmail", of_member=False),
    "treasurer_name": Column(gettext_lazy("treasurer: name"), "treasurername treasurer", of_member=False),
    "treasurer_email": Column(gettext_lazy("treasurer: mail address"), "treasureremail", of_member=False),
}


def plain(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def recognised(header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Which column, from 0, is what; and the headers that nobody understands. The first of two alike counts."""
    called = {plain(name): name for name in COLUMNS}
    for name, column in COLUMNS.items():
        for word in [*column.names.split(), plain(str(column.label))]:
            called.setdefault(word, name)
    found: dict[str, int] = {}
    unknown = []
    for at, cell in enumerate(header):
        name = called.get(plain(cell))
        if name is None or name in found:
            unknown += [cell] if cell.strip() else []
        else:
            found[name] = at
    return found, unknown


@cache
def _country_codes() -> dict[str, str]:
    """Plain names of the countries in the site's languages, and their codes: "portogallo" → "PT"."""
    codes = [code for code, _name in countries]
    named = {plain(localising.country_name(code, language)): code for code in codes for language in LANGUAGES}
    return named | {code.casefold(): code for code in codes}


@dataclass(frozen=True)
class Lookups:
    """The rows that cells may name, by key and by what they are called in any language."""

    categories: Mapping[str, Category]
    types: Mapping[str, OrganisationType]
    areas: Mapping[str, Area]
    rights: Mapping[str, Right]

    @classmethod
    def read(cls) -> "Lookups":
        """Eight queries."""
        return cls(*(_named(model) for model in (Category, OrganisationType, Area, Right)))

    def understood(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """The values of a row, by the names of COLUMNS, only for cells that say something. Raises NotUnderstood."""
        values = {}
        for name, cell in cells.items():
            read: Callable[[str], Any] | None = getattr(self, f"_{name}", None)
            try:
                values[name] = read(cell) if read else cell
            except NotUnderstood as why:
                raise NotUnderstood(f"{COLUMNS[name].label}: {why}") from None
        if not values.get("name") or not values.get("country"):
            raise NotUnderstood(_("a name and a country are needed"))
        return values

    def _handle(self, cell: str) -> uuid.UUID:
        try:
            return uuid.UUID(cell)
        except ValueError:
            raise NotUnderstood(_("this is not a handle")) from None

    def _kind(self, cell: str) -> str:
        return _choice(cell, Kind.choices)

    def _country(self, cell: str) -> str:
        if code := _country_codes().get(plain(cell)):
            return code
        raise NotUnderstood(_("“%s” is not a country") % cell[:40])

    def _email(self, cell: str) -> str:
        return reachable(cell)

    _contact_email = _treasurer_email = _email

    def _website(self, cell: str) -> str:
        return cell if "://" in cell else f"https://{cell}"

    def _type(self, cell: str) -> OrganisationType:
        return _row(self.types, cell)

    def _category(self, cell: str) -> Category:
        return _row(self.categories, cell)

    def _areas(self, cell: str) -> list[Area]:
        return _rows(self.areas, cell)

    def _rights(self, cell: str) -> list[Right]:
        return _rows(self.rights, cell)

    def _level(self, cell: str) -> str:
        return _choice(cell, Level.choices)

    def _ended(self, cell: str) -> str:
        return _choice(cell, [one for one in Membership.Ended.choices if one[0] != Membership.Ended.CATEGORY])

    def _language(self, cell: str) -> str:
        return _choice(cell, settings.LANGUAGES)

    def _shown(self, cell: str) -> list[str]:
        chosen = {_choice(word, Shown.choices) for word in _SPLIT.split(cell) if word}
        return [what for what in Shown.values if what in chosen]

    def _in_directory(self, cell: str) -> bool:
        return cell.casefold() in _YES

    _open_data = _in_directory

    def _joined(self, cell: str) -> datetime.date:
        return day(cell)

    _until = _joined


def day(cell: str) -> datetime.date:
    """A date as people write it, or as a spreadsheet stores it. Raises NotUnderstood."""
    if cell.isdecimal() and len(cell) == 5:
        return _EXCEL_BEGINS + datetime.timedelta(days=int(cell))
    for pattern in _DATES:
        try:
            return datetime.datetime.strptime(cell, pattern).date()  # noqa: DTZ007  # a day has no time zone
        except ValueError:
            continue
    raise NotUnderstood(_("“%s” is not a day; write it like 2026-05-30") % cell[:40])


def _named(model) -> dict[str, Any]:
    found = {}
    for row in model.objects.prefetch_related("translations"):
        for translation in row.translations.all():
            found[plain(translation.name)] = row
        found[plain(row.key)] = row
    return found


def _row(rows: Mapping[str, Any], cell: str) -> Any:
    try:
        return rows[plain(cell)]
    except KeyError:
        raise NotUnderstood(_("“%s” is not known") % cell[:40]) from None


def _rows(rows: Mapping[str, Any], cell: str) -> list[Any]:
    """Keys, or names with a semicolon between them."""
    words = cell.split(";") if ";" in cell else (_SPLIT.split(cell) if plain(cell) not in rows else [cell])
    return [_row(rows, word) for word in words if word.strip()]


def _choice(cell: str, choices: Sequence[tuple[str, Any]]) -> str:
    for value, label in choices:
        if plain(cell) in {plain(value), plain(str(label))}:
            return value
    known = ", ".join(value for value, _label in choices)
    raise NotUnderstood(_("“%(cell)s” is none of: %(known)s") % {"cell": cell[:40], "known": known})
