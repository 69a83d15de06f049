"""Members as a CSV file, for staff who may take the list out of the house. `members.importing` reads it again."""

from collections.abc import Iterable, Iterator

from django.db.models import Prefetch, QuerySet

from members.columns import COLUMNS
from members.models import Contact, ContactRole, Member, Membership
from picum import csvfile
from picum.accounts import audit
from picum.accounts.models import User

PAGE = 200  # members in memory


def export(members: QuerySet[Member], *, reason: str, by: User, delimiter: str = ",") -> Iterator[str]:
    """The members as text in pieces; `reason` says what for. The audit line is written before the first piece."""
    audit.record("member.export", by=by, reason=reason, number=members.count())
    return _pieces(members, delimiter)


def _pieces(members: QuerySet[Member], delimiter: str) -> Iterator[str]:
    yield csvfile.MARK + csvfile.written([list(COLUMNS)], delimiter)
    last = 0
    while page := list(_read(members).filter(pk__gt=last)[:PAGE]):
        last = page[-1].pk
        yield csvfile.written([list(_cells(member).values()) for member in page], delimiter)


def _read(members: QuerySet[Member]) -> QuerySet[Member]:
    people = Contact.objects.active().prefetch_related("roles")
    standing = Membership.objects.standing().select_related("category").order_by("from_on", "pk")
    return members.order_by("pk").prefetch_related(
        *("translations", "areas", "rights", "type"),
        Prefetch("contacts", people, to_attr="people"),
        Prefetch("memberships", standing, to_attr="periods"),
    )


def _cells(member: Member) -> dict[str, str]:
    periods: list[Membership] = member.periods
    last = periods[-1] if periods else None
    texts = {row.language_code: row.description for row in member.translations.all()}
    cells: dict[str, object] = {name: getattr(member, name) for name in COLUMNS if hasattr(member, name)}
    cells |= {
        "handle": member.handle,
        "country": member.country.code,
        "type": member.type.key if member.type else "",
        "areas": _keys(member.areas.all()),
        "rights": _keys(member.rights.all()),
        "description": texts.get(member.original_language, ""),
        "in_directory": "yes" if member.in_directory else "no",
        "shown": " ".join(member.shown),
        "open_data": "yes" if member.open_data else "no",
        "category": last.category.key if last else "",
        "joined": last.joined_on if last else "",
        "until": (last.until_on or "") if last else "",
        "ended": last.ended_why if last else "",
    }
    for prefix, role in (("contact", ContactRole.Role.CONTACT), ("treasurer", ContactRole.Role.TREASURER)):
        person = next((one for one in member.people if role in {given.role for given in one.roles.all()}), None)
        cells |= {f"{prefix}_name": person.name if person else "", f"{prefix}_email": person.email if person else ""}
    return {name: str(cells[name]) for name in COLUMNS}


def _keys(rows: Iterable) -> str:
    return " ".join(row.key for row in rows)
