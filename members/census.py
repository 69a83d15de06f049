"""Reading the register: who belonged on a day, how many there were in each year, and what members lack."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Max, Q, QuerySet

from members.models import CodeOfConduct, Contact, ContactRole, Member, Membership, Signature
from newsletter import subscriptions
from picum.letters.models import Letter
from picum.letters.post import Why

Role = ContactRole.Role
Ended = Membership.Ended
YEAR = datetime.timedelta(days=365)


# --- the register ----------------------------------------------------------------------------------------------------


def on(day: datetime.date) -> QuerySet[Membership]:
    """The memberships in force on a day, by name; with member and category, in three queries."""
    return _read(Membership.objects.current(on=day))


def ended_before(day: datetime.date) -> QuerySet[Membership]:
    """Those that had ended before a day: who resigned, was excluded, or went on in another category."""
    return _read(Membership.objects.standing().filter(until_on__lt=day))


def _read(memberships: QuerySet[Membership]) -> QuerySet[Membership]:
    rows = memberships.select_related("member", "category").prefetch_related("category__translations")
    return rows.order_by("member__name", "from_on", "pk")


# --- statistics ------------------------------------------------------------------------------------------------------


@dataclass
class Year:
    """A calendar year in numbers. `total` and `countries` are those of its last day, or of today."""

    year: int
    total: int = 0
    by_country: Counter = field(default_factory=Counter)
    new: int = 0  # by the day of the first admission
    withdrawn: int = 0
    terminated: int = 0
    dissolved: int = 0

    @property
    def countries(self) -> int:
        return len(self.by_country)


def years(*, today: datetime.date, number: int = 10, kind: str = "") -> list[Year]:
    """The last so many years, the oldest first, this one with what has happened so far; members of one kind, or all.
    One query."""
    rows = Membership.objects.standing()
    rows = rows.filter(member__kind=kind) if kind else rows
    periods = list(
        rows.values_list("member_id", "member__country", "joined_on", "from_on", "until_on", "ended_why").order_by()
    )
    return [_counted(year, periods, today) for year in range(today.year - number + 1, today.year + 1)]


def _counted(year: int, periods: Sequence[tuple], today: datetime.date) -> Year:
    counted, day = Year(year), min(datetime.date(year, 12, 31), today)
    new, there = set(), set()
    ends: dict[str, set[int]] = {why: set() for why in Ended}
    for member, country, joined, first, last, why in periods:
        if first <= day and (last is None or last >= day) and member not in there:
            there.add(member)
            counted.by_country[country] += 1
        if joined.year == year and joined <= day:
            new.add(member)
        if last and last.year == year and last <= day:
            ends[why].add(member)
    counted.total, counted.new = len(there), len(new)
    counted.withdrawn, counted.terminated = len(ends[Ended.WITHDRAWN]), len(ends[Ended.TERMINATED])
    counted.dissolved = len(ends[Ended.DISSOLVED])
    return counted


# --- what is lacking -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """What some members lack. `members` by name."""

    key: str
    members: list[Member]


def gaps(*, today: datetime.date) -> list[Gap]:
    """Members of today without a contact, without a treasurer, whose code of conduct in force is not signed, whose
    profile was not confirmed for a year, and whose contacts' mail comes back. A fixed number of queries."""
    current = Member.objects.current(on=today).order_by("name", "pk")
    found = {
        "contact": current.without_role(Role.CONTACT),
        "treasurer": current.without_role(Role.TREASURER),
        "conduct": _unsigned(current, today),
        "unconfirmed": _unconfirmed(current, today),
        "bouncing": current.filter(pk__in=_bouncing()),
    }
    return [Gap(key, list(members)) for key, members in found.items()]


def _unsigned(current: QuerySet[Member], today: datetime.date) -> QuerySet[Member]:
    code = CodeOfConduct.objects.filter(in_force_from__lte=today).first()
    if code is None:
        return current.none()
    return current.exclude(pk__in=Signature.objects.filter(code=code).values("member"))


def _unconfirmed(current: QuerySet[Member], today: datetime.date) -> QuerySet[Member]:
    """A member that joined within the year has just told us all about itself."""
    joined = current.annotate(joined=Max("memberships__joined_on", filter=Q(memberships__struck_at=None)))
    old = Q(confirmed_on__isnull=True) | Q(confirmed_on__lt=today - YEAR)
    return joined.filter(old, joined__lt=today - YEAR)


def _bouncing() -> set[int]:
    """Members with a contact whose mailbox refuses mail: the newsletter's, or the last letter that we wrote."""
    contacts = list(Contact.objects.active().values_list("member_id", "address_key"))
    keys = {key for _member, key in contacts}
    dead = subscriptions.bounced(keys) | _refused(keys)
    return {member for member, key in contacts if key in dead}


def _refused(keys: Iterable) -> set:
    """Addresses whose newest letter that has ended was refused by the mail server."""
    ended = Letter.objects.filter(state__in=[Letter.State.SENT, Letter.State.DROPPED], address_key__in=keys)
    newest = ended.values("address_key").annotate(last=Max("pk")).values("last")
    return set(Letter.objects.filter(pk__in=newest, why=Why.REFUSED).values_list("address_key", flat=True))


def bouncing_contacts(member: Member) -> set[int]:
    """The contacts of a member whose mail comes back, by number: for its page."""
    contacts = list(member.contacts.active().values_list("pk", "address_key"))
    keys = {key for _pk, key in contacts}
    dead = subscriptions.bounced(keys) | _refused(keys)
    return {pk for pk, key in contacts if key in dead}
