"""The yearly run: who is to pay how much, proposed from last year, entered once."""

import datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from members import fees, register
from members.models import Category, DecidedBy, Fee, Kind, Membership
from picum.accounts.models import AuditEntry
from tests.members.factories import make_member, make_user
from tests.members.purse import JANUARY, make_fee

pytestmark = pytest.mark.django_db
DAY = datetime.date


def proposed(year=2026) -> list[tuple[str, str, Decimal]]:
    return [(one.member.name, one.category.key, one.amount) for one in fees.propose(year)]


def ended(member, until: datetime.date):
    register.end(
        member.memberships.get(),
        until_on=until,
        why=Membership.Ended.WITHDRAWN,
        ended_by=DecidedBy.MEMBER,
        ended_on=until,
        by=None,
    )


def test_who_belongs_in_the_year_pays_what_the_category_says_to_begin_with():
    make_member("Rua Aberta")
    make_member("Ayşe Yılmaz", kind=Kind.PERSON)
    make_member("Not admitted yet", joined=None)
    make_member("Joins next year", joined=DAY(2027, 1, 1))
    assert proposed() == [("Ayşe Yılmaz", "ordinary", Decimal(25)), ("Rua Aberta", "affiliated", Decimal(100))]


def test_who_joins_in_december_pays_and_who_left_in_december_before_does_not():
    make_member("Joined", joined=DAY(2026, 12, 31))
    ended(make_member("Left"), DAY(2025, 12, 31))
    ended(make_member("Stayed a day"), DAY(2026, 1, 1))
    assert [name for name, _key, _amount in proposed()] == ["Joined", "Stayed a day"]


def test_what_was_struck_out_of_the_register_costs_nothing():
    carla = make_user("carla@example.org", staff=True)
    register.strike(make_member().memberships.get(), why="A mistake.", by=carla, now=JANUARY)
    assert proposed() == []


@pytest.mark.parametrize("last_year", ["250", "0"])
def test_the_amount_of_last_year_stays(last_year):
    make_fee(make_member(), 2025, last_year)
    (one,) = fees.propose(2026)
    assert (one.amount, one.last_year) == (Decimal(last_year), Decimal(last_year))


def test_a_fixed_fee_is_the_same_for_everybody_and_no_fee_is_not_even_proposed():
    make_fee(make_member(), 2025, "250")
    make_member("Ayşe Yılmaz", kind=Kind.PERSON)
    Category.objects.filter(key="affiliated").update(fee_rule=Category.FeeRule.FIXED)
    Category.objects.filter(key="ordinary").update(fee_rule=Category.FeeRule.NONE)
    assert proposed() == [("Rua Aberta", "affiliated", Decimal(100))]


def test_who_changed_the_category_pays_for_the_last_one_and_begins_anew():
    member = make_member()
    make_fee(member, 2025, "250")
    platform = Category.objects.create(key="platform", for_whom=Kind.ORGANISATION, fee=Decimal(400))
    register.change_category(
        member.memberships.get(), platform, from_on=DAY(2026, 6, 1), decided_by=DecidedBy.ASSEMBLY, by=None
    )
    assert proposed() == [("Rua Aberta", "platform", Decimal(400))]


def test_the_run_enters_what_was_proposed_and_says_so_in_the_trail():
    carla, member = make_user("carla@example.org", staff=True), make_member()
    assert fees.run(2026, by=carla, now=JANUARY) == (1, Decimal(100))
    fee = Fee.objects.get()
    assert (fee.member, fee.year, fee.amount, fee.noted_on) == (member, 2026, Decimal(100), None)
    assert fee.communication == fees.communication(2026, member)
    entry = AuditEntry.objects.get(action="fees.run")
    assert (entry.actor, entry.data) == (carla, {"year": 2026, "number": 1, "total": "100.00"})


def test_the_run_can_be_done_again_when_somebody_has_joined():
    make_member("Rua Aberta")
    fees.run(2026, by=None, now=JANUARY)
    make_member("Dach e.V.", joined=DAY(2026, 6, 1))
    assert fees.run(2026, by=None, now=JANUARY) == (1, Decimal(100))
    assert fees.run(2026, by=None, now=JANUARY) == (0, Decimal(0))
    assert Fee.objects.count() == 2
    assert AuditEntry.objects.filter(action="fees.run").count() == 2


def test_other_amounts_can_be_given_and_who_has_none_is_left_out():
    one, other = make_member("Rua Aberta"), make_member("Dach e.V.")
    make_member("Left out")
    assert fees.run(2026, amounts={one.pk: Decimal(0), other.pk: Decimal("75.50")}, by=None, now=JANUARY)[0] == 2
    found = Fee.objects.order_by("member__name").values_list("member__name", "amount")
    assert list(found) == [("Dach e.V.", Decimal("75.50")), ("Rua Aberta", Decimal(0))]


def test_the_database_itself_knows_one_fee_per_member_and_year():
    fee = make_fee(make_member())
    with pytest.raises(IntegrityError), transaction.atomic():
        Fee.objects.create(member=fee.member, category=fee.category, year=2026, amount=1, communication="123456789002")


@pytest.mark.parametrize("number", [1, 3])
def test_a_proposal_takes_three_queries_however_many_members_there_are(number, django_assert_num_queries):
    for each in range(number):
        make_fee(make_member(f"Member {each}"), 2025)
    with django_assert_num_queries(3):
        assert [str(one.category) for one in fees.propose(2026)] == ["Affiliated member"] * number
