"""What the public may see of members. The rule stands in `public_of` and nowhere else: pages, filters, search, map and
lists to download are made of PublicMember, which holds nothing more; what nobody may see is not even read.
"""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import urlsplit

from django.db.models import F, Model, QuerySet, Value

from members.models import FieldReport, Member, OrganisationType, Shown
from picum.areas.models import Area, Right

Descriptions = Member._parler_meta.root_model
FIELDS = [
    *("pk", "slug", "name", "acronym", "country", "type__key", "level", "original_language", "in_directory", "shown"),
    *("open_data", "logo", "logo_width", "logo_height"),
    *("street", "postcode", "city", "email", "telephone", "website"),
]


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture, at `members:logo` under its name; its size in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PublicMember:
    """An organisation as the public may see it: its name, country and type, and what it has chosen to show beside.
    What it does not show is empty. `type`, `areas` and `rights` are keys: see `Terms`. `texts` are its description by
    language, of those languages that were asked for."""

    slug: str
    name: str
    acronym: str
    country: str
    type: str
    open_data: bool  # it may stand in lists to download
    original_language: str
    logo: Logo | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    level: str = ""
    areas: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    street: str = ""
    postcode: str = ""
    city: str = ""
    email: str = ""
    telephone: str = ""
    website: str = ""

    def text(self, language: str) -> tuple[str, str]:
        """Its description for readers of a language, and the language of that: theirs, its own, or any; or ("", "")."""
        for code in (language, self.original_language, *self.texts):
            if code in self.texts:
                return self.texts[code], code
        return "", ""

    @property
    def full_name(self) -> str:
        """ "Rua Aberta (RA)"."""
        return f"{self.name} ({self.acronym})" if self.acronym else self.name

    @property
    def site(self) -> str:
        """The name of its website: "example.org"."""
        return (urlsplit(self.website).hostname or "").removeprefix("www.")


def public_of(row: Any, *, work: Mapping[str, Sequence[str]], texts: Mapping[str, str]) -> PublicMember:
    """What the public may see of a member. `row` has the fields of `FIELDS`; `work` the keys of its "areas" and
    "rights"; `texts` its descriptions. THE RULE: a new field of a member is nobody's business until it stands here."""
    shown = set(row.shown) if row.in_directory else set()
    allowed: dict[str, Any] = {}
    if Shown.LOGO in shown and row.logo:
        allowed["logo"] = Logo(row.logo, row.logo_width, row.logo_height)
    if Shown.DESCRIPTION in shown:
        allowed["texts"] = {code: text for code, text in texts.items() if text.strip()}
    if Shown.WORK in shown:
        allowed |= {"level": row.level, "areas": tuple(work["areas"]), "rights": tuple(work["rights"])}
    if Shown.ADDRESS in shown:
        allowed |= {"street": row.street, "postcode": row.postcode, "city": row.city}
    if Shown.EMAIL in shown:
        allowed["email"] = row.email
    if Shown.TELEPHONE in shown:
        allowed["telephone"] = row.telephone
    if Shown.WEBSITE in shown and row.website.startswith(("https://", "http://")):
        allowed["website"] = row.website
    return PublicMember(
        slug=row.slug,
        name=row.name,
        acronym=row.acronym,
        country=row.country,
        type=row.type__key or "",
        open_data=row.open_data,
        original_language=row.original_language,
        **allowed,
    )


# --- who is there ----------------------------------------------------------------------------------------------------


def listed(*, on: datetime.date, languages: Collection[str] = ()) -> list[PublicMember]:
    """All members in the directory on a day, by name; with descriptions in these languages and in each one's own, or,
    without languages, with none. Three queries, or two."""
    texts = Descriptions.objects.none()
    if languages:
        texts = Descriptions.objects.filter(master__in_directory=True, language_code__in=languages)
        texts |= Descriptions.objects.filter(master__in_directory=True, language_code=F("master__original_language"))
    return _read(Member.objects.listed(on=on), {"member__in_directory": True}, texts)


def find(slug: str, *, on: datetime.date) -> PublicMember | None:
    """The member of this address with all its descriptions, if it is in the directory on a day. Three queries."""
    texts = Descriptions.objects.filter(master__slug=slug).order_by("pk")
    found = _read(Member.objects.listed(on=on).filter(slug=slug), {"member__slug": slug}, texts)
    return found[0] if found else None


def items_of(slug: str) -> list[int]:
    """Numbers of the newsletter's items that came from the member of this address and may be named with it: a report
    that wanted neither place nor person named leads nobody back to who wrote it."""
    taken = FieldReport.objects.filter(member__slug=slug, state=FieldReport.State.TAKEN, anonymous=False)
    return list(taken.values_list("item_number", flat=True))


def _read(members: QuerySet[Member], which: dict[str, object], texts: QuerySet) -> list[PublicMember]:
    """Rows, not objects: that takes a quarter of the time."""
    work = _work(which)
    described: dict[int, dict[str, str]] = {}
    for pk, language, text in texts.values_list("master_id", "language_code", "description"):
        described.setdefault(pk, {})[language] = text
    nothing = {"areas": (), "rights": ()}
    return [
        public_of(row, work=nothing | work.get(row.pk, {}), texts=described.get(row.pk, {}))
        for row in members.order_by("name", "pk").values_list(*FIELDS, named=True)
    ]


def _work(which: dict[str, object]) -> dict[int, dict[str, list[str]]]:
    """Keys of the areas and the rights of members in their own order, by the member's number. One query."""
    areas, rights = (
        through.objects.filter(**which).values_list("member_id", Value(name), f"{one}__position", f"{one}__key")
        for through, name, one in ((Member.areas.through, "areas", "area"), (Member.rights.through, "rights", "right"))
    )
    found: dict[int, dict[str, list[str]]] = {}
    for pk, name, _position, key in sorted(areas.union(rights, all=True)):
        found.setdefault(pk, {}).setdefault(name, []).append(key)
    return found


# --- what things are called ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """What areas, rights and types are called in a language: names by key, in their order."""

    areas: dict[str, str] = field(default_factory=dict)
    rights: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)


def terms(language: str) -> Terms:
    """One query. A name that is missing in the language is the English one, or any."""
    areas, rights, types = (
        _names(model, name) for model, name in ((Area, "areas"), (Right, "rights"), (OrganisationType, "types"))
    )
    found = Terms()
    rows = sorted(areas.union(rights, types, all=True))
    for (kind, _position, key), some in groupby(rows, key=itemgetter(0, 1, 2)):
        names = {code: name for *_rest, code, name in some if name}
        getattr(found, kind)[key] = names.get(language) or names.get("en") or next(iter(names.values()), key)
    return found


def _names(model: type[Model], kind: str) -> QuerySet:
    rows = model._parler_meta.root_model.objects
    return rows.values_list(Value(kind), "master__position", "master__key", "language_code", "name")
