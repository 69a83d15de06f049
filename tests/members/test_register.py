"""The register: memberships are opened, ended and struck out, and never overwritten."""

import datetime

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from members import register
from members.models import Category, DecidedBy, Kind, Member, Membership
from picum.accounts.models import AuditEntry
from tests.members.factories import make_member, make_user

pytestmark = pytest.mark.django_db
DAY = datetime.date
Ended = Membership.Ended


def category(key="affiliated") -> Category:
    return Category.objects.get(key=key)


def ended(membership: Membership, until: datetime.date, **fields) -> Membership:
    fields = {"why": Ended.WITHDRAWN, "ended_by": DecidedBy.MEMBER, "ended_on": until, "by": None} | fields
    return register.end(membership, until_on=until, **fields)


def test_a_member_belongs_from_its_first_to_its_last_day():
    member = make_member(joined=DAY(2020, 5, 30))
    ended(member.memberships.get(), DAY(2026, 12, 31))
    belongs = {day: Member.objects.current(on=day).exists() for day in (DAY(2020, 5, 29), DAY(2020, 5, 30))}
    belongs |= {day: Member.objects.current(on=day).exists() for day in (DAY(2026, 12, 31), DAY(2027, 1, 1))}
    assert list(belongs.values()) == [False, True, True, False]


def test_every_deed_leaves_a_line_in_the_trail():
    carla = make_user("carla@example.org", staff=True)
    member = make_member(joined=None)
    membership = register.admit(
        member, category(), from_on=DAY(2024, 6, 1), decided_by="assembly", decided_on=DAY(2024, 6, 1), by=carla
    )
    ended(membership, DAY(2025, 12, 31), why=Ended.TERMINATED, ended_by=DecidedBy.BOARD, by=carla)
    register.strike(membership, why="Entered twice.", by=carla, now=timezone.now())
    deeds = AuditEntry.objects.filter(actor=carla).order_by("pk").values_list("action", flat=True)
    assert list(deeds) == ["membership.admit", "membership.terminated", "membership.strike"]


def test_two_memberships_of_one_member_never_overlap():
    member = make_member(joined=DAY(2020, 5, 30))
    with pytest.raises(register.NotPossible):
        register.admit(member, category(), from_on=DAY(2021, 1, 1), decided_by="board", decided_on=None, by=None)
    ended(member.memberships.get(), DAY(2022, 12, 31))
    again = {"decided_by": "assembly", "decided_on": None, "by": None}
    with pytest.raises(register.NotPossible):
        register.admit(member, category(), from_on=DAY(2022, 12, 31), **again)
    register.admit(member, category(), from_on=DAY(2023, 1, 1), joined_on=DAY(2020, 5, 30), **again)
    assert list(member.memberships.values_list("joined_on", "from_on", "until_on")) == [
        (DAY(2020, 5, 30), DAY(2020, 5, 30), DAY(2022, 12, 31)),
        (DAY(2020, 5, 30), DAY(2023, 1, 1), None),
    ]


def test_the_database_itself_refuses_a_second_open_membership():
    member = make_member()
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(
            member=member, category=category(), joined_on=DAY(2021, 1, 1), from_on=DAY(2021, 1, 1), decided_by="board"
        )


def test_an_end_is_not_overwritten_by_another_one():
    membership = make_member().memberships.get()
    ended(membership, DAY(2025, 12, 31))
    with pytest.raises(register.NotPossible):
        ended(membership, DAY(2026, 12, 31), why=Ended.TERMINATED)
    membership.refresh_from_db()
    assert (membership.until_on, membership.ended_why) == (DAY(2025, 12, 31), Ended.WITHDRAWN)


def test_a_membership_cannot_end_before_it_began():
    with pytest.raises(register.NotPossible):
        ended(make_member(joined=DAY(2020, 5, 30)).memberships.get(), DAY(2020, 5, 29))


def test_another_category_goes_on_with_the_day_of_the_first_admission():
    member = make_member(joined=DAY(2020, 5, 30))
    Category.objects.create(key="platform", for_whom=Kind.ORGANISATION, has_vote=True)
    register.change_category(
        member.memberships.get(), category("platform"), from_on=DAY(2026, 6, 1), decided_by="assembly", by=None
    )
    rows = member.memberships.values_list("category__key", "joined_on", "from_on", "until_on", "ended_why")
    assert list(rows) == [
        ("affiliated", DAY(2020, 5, 30), DAY(2020, 5, 30), DAY(2026, 5, 31), "category"),
        ("platform", DAY(2020, 5, 30), DAY(2026, 6, 1), None, ""),
    ]


def test_a_category_for_people_is_not_for_organisations():
    with pytest.raises(register.NotPossible):
        make_member(category="ordinary")


def test_what_was_struck_out_stays_and_counts_no_more():
    member = make_member(joined=DAY(2020, 5, 30))
    carla = make_user("carla@example.org", staff=True)
    with pytest.raises(register.NotPossible):
        register.strike(member.memberships.get(), why=" ", by=carla, now=timezone.now())
    register.strike(member.memberships.get(), why="Another organisation of that name.", by=carla, now=timezone.now())
    assert member.memberships.count() == 1
    assert not Member.objects.current(on=DAY(2021, 1, 1)).exists()
    with pytest.raises(register.NotPossible):
        register.strike(member.memberships.get(), why="Again.", by=carla, now=timezone.now())
