"""Reading the register: any day, ten years, and what members lack."""

import datetime

import pytest
from django.utils import timezone

from members import census, register
from members.models import DecidedBy, Kind, Membership, Signature
from newsletter.models import Suppression
from picum.addresses import address_key
from picum.letters.models import Letter
from tests.members.factories import Role, make_code, make_contact, make_member

pytestmark = pytest.mark.django_db
DAY = datetime.date
TODAY = DAY(2026, 11, 22)


def ends(member, until, why=Membership.Ended.WITHDRAWN):
    membership = member.memberships.get(until_on=None)
    register.end(membership, until_on=until, why=why, ended_by=DecidedBy.BOARD, ended_on=until, by=None)


def names(gap) -> list[str]:
    return [member.name for member in gap.members]


def test_the_register_tells_who_belonged_on_a_day_and_who_had_left_by_then():
    make_member("Alfa", joined=DAY(2018, 6, 1))
    ends(make_member("Beta", joined=DAY(2019, 6, 1)), DAY(2022, 12, 31))
    make_member("Gama", joined=DAY(2024, 6, 1))
    assert [row.member.name for row in census.on(DAY(2021, 1, 1))] == ["Alfa", "Beta"]
    assert [row.member.name for row in census.on(DAY(2023, 1, 1))] == ["Alfa"]
    assert [row.member.name for row in census.ended_before(DAY(2023, 1, 1))] == ["Beta"]
    assert not census.ended_before(DAY(2022, 12, 31))


@pytest.mark.parametrize("number", [1, 3])
def test_the_register_is_read_in_two_queries(number, django_assert_num_queries):
    for at in range(number):
        make_member(f"Member {at}")
    with django_assert_num_queries(2):
        assert [str(row.category) for row in census.on(TODAY)] == ["Affiliated member"] * number


def test_ten_years_in_numbers_in_one_query(django_assert_num_queries):
    make_member("Alfa", country="PT", joined=DAY(2010, 6, 1))
    make_member("Beta", country="BE", joined=DAY(2017, 3, 1))
    ends(make_member("Gama", country="BE", joined=DAY(2018, 3, 1)), DAY(2020, 12, 31))
    ends(make_member("Delta", country="PL", joined=DAY(2019, 3, 1)), DAY(2021, 5, 5), Membership.Ended.TERMINATED)
    ends(make_member("Epsilon", country="PL", joined=DAY(2019, 3, 1)), DAY(2026, 12, 31))  # has not left yet
    with django_assert_num_queries(1):
        years = census.years(today=TODAY)
    told = {year.year: (year.total, year.countries, year.new, year.withdrawn, year.terminated) for year in years}
    assert told == {
        2017: (2, 2, 1, 0, 0),
        2018: (3, 2, 1, 0, 0),
        2019: (5, 3, 2, 0, 0),
        2020: (5, 3, 0, 1, 0),
        2021: (3, 3, 0, 0, 1),
        2022: (3, 3, 0, 0, 0),
        2023: (3, 3, 0, 0, 0),
        2024: (3, 3, 0, 0, 0),
        2025: (3, 3, 0, 0, 0),
        2026: (3, 3, 0, 0, 0),
    }
    assert years[-1].by_country == {"PT": 1, "BE": 1, "PL": 1}


def test_a_change_of_category_is_neither_new_nor_an_end():
    from members.models import Category

    member = make_member(joined=DAY(2020, 5, 30))
    other = Category.objects.create(key="platform", for_whom=Kind.ORGANISATION)
    register.change_category(member.memberships.get(), other, from_on=DAY(2026, 6, 1), decided_by="board", by=None)
    year = census.years(today=TODAY)[-1]
    assert (year.total, year.new, year.withdrawn, year.terminated, year.dissolved) == (1, 0, 0, 0, 0)


def test_people_can_be_counted_apart():
    make_member("Alfa")
    make_member("Nuno Lopes", kind=Kind.PERSON)
    assert census.years(today=TODAY, kind=Kind.PERSON)[-1].total == 1


def test_what_members_lack():
    code = make_code(day=DAY(2026, 1, 1))
    whole = make_member("Whole", confirmed_on=TODAY)
    make_contact(whole, "amal@example.org", Role.CONTACT, Role.TREASURER)
    Signature.objects.create(member=whole, code=code, signed_on=TODAY, by="Amal")
    make_member("Nobody", confirmed_on=TODAY - datetime.timedelta(days=366))
    new = make_member("New", joined=DAY(2026, 6, 1))
    make_contact(new, "boris@example.org", Role.CONTACT)
    ends(make_member("Former"), DAY(2025, 12, 31))
    Suppression.objects.create(address_key=address_key("boris@example.org"), reason="bounced")
    found = {gap.key: names(gap) for gap in census.gaps(today=TODAY)}
    assert found == {
        "contact": ["Nobody"],
        "treasurer": ["New", "Nobody"],
        "conduct": ["New", "Nobody"],
        "unconfirmed": ["Nobody"],
        "bouncing": ["New"],
    }


def test_somebody_who_has_left_fills_no_gap():
    member = make_member("Whole")
    make_contact(member, "amal@example.org", Role.CONTACT, left_on=TODAY)
    assert names(census.gaps(today=TODAY)[0]) == ["Whole"]


def test_a_letter_that_was_refused_counts_until_a_newer_one_arrives():
    contact = make_contact(make_member("Whole"), "amal@example.org")
    letter = {"kind": "x", "address_key": contact.address_key, "language": "pt", "changed_at": timezone.now()}
    Letter.objects.create(state=Letter.State.DROPPED, why="refused", **letter)
    assert census.bouncing_contacts(contact.member) == {contact.pk}
    Letter.objects.create(state=Letter.State.SENT, **letter)
    assert census.bouncing_contacts(contact.member) == set()


@pytest.mark.parametrize("number", [1, 3])
def test_the_gaps_are_found_in_a_fixed_number_of_queries(number, django_assert_num_queries):
    make_code()
    for at in range(number):
        make_contact(make_member(f"Member {at}"), f"a{at}@example.org", user=False)
    with django_assert_num_queries(8):
        census.gaps(today=TODAY)
