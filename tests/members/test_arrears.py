"""Arrears: what a member was asked for and has not paid, of this year and three back."""

import datetime
from decimal import Decimal

import pytest

from members import fees
from tests.members.factories import make_contact, make_member, make_user
from tests.members.purse import JANUARY, make_fee, paid, with_paid

pytestmark = pytest.mark.django_db
ON = datetime.date(2026, 11, 22)


def open_years(member) -> list[tuple[int, Decimal]]:
    return [(fee.year, fee.open_amount) for fee in fees.arrears(member, on=ON)]


def test_open_years_are_this_one_and_three_back():
    member = make_member()
    make_contact(member)
    for year in range(2021, 2028):
        make_fee(member, year, str(year), noted=JANUARY)
    assert open_years(member) == [(year, Decimal(year)) for year in (2023, 2024, 2025, 2026)]


def test_what_was_not_asked_for_is_paid_or_waived_is_no_debt():
    member = make_member()
    make_contact(member)
    make_fee(member, 2023)
    paid(make_fee(member, 2024, noted=JANUARY))
    waived = make_fee(member, 2025, noted=JANUARY)
    fees.waive(waived, why="A hard year.", by=make_user("carla@example.org", staff=True), now=JANUARY)
    paid(make_fee(member, 2026, noted=JANUARY), "99.99")
    assert open_years(member) == [(2026, Decimal("0.01"))]


def test_another_member_s_debts_are_another_member_s():
    member, other = make_member("Rua Aberta"), make_member("Dach e.V.")
    make_contact(other)
    fee = make_fee(other, noted=JANUARY)
    assert (open_years(member), open_years(other)) == ([], [(2026, Decimal(100))])
    assert with_paid(fee).open_amount == Decimal(100)
