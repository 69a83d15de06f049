"""Payments: entered, matched by hand, set aside, undone, divided; none of it without a trace."""

import datetime
from decimal import Decimal

import pytest

from members import payments
from members.fees import NotPossible
from members.models import Payment
from picum.accounts.models import AuditEntry
from tests.members.factories import make_member, make_user
from tests.members.purse import JANUARY, make_fee, paid, with_paid

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 1, 20)


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True)


def arrived(amount="100", **fields) -> Payment:
    """Money from a bank file of which nobody knows what it is for."""
    fields = {"reference": "20260120/A1", "payer": "R. Aberta", "communication": "fee"} | fields
    return Payment.objects.create(how=Payment.How.BANK_FILE, amount=Decimal(amount), received_on=DAY, **fields)


def trail() -> list[tuple[str, str]]:
    found = AuditEntry.objects.filter(action__startswith="payment.").order_by("pk")
    return list(found.values_list("action", "object_label"))


def test_a_payment_that_somebody_saw_is_entered(carla):
    fee = make_fee(make_member())
    payment = payments.pay(
        fee, amount=Decimal(40), received_on=DAY, payer=" Rua Aberta ", communication="in cash", by=carla, now=JANUARY
    )
    payment.refresh_from_db()
    assert (payment.how, payment.payer, payment.by, payment.reference) == ("entered", "Rua Aberta", carla, "")
    assert with_paid(fee).open_amount == Decimal(60)
    assert trail() == [("payment.enter", "Rua Aberta")]


@pytest.mark.parametrize("amount", ["0", "-5", "10000000"])
def test_what_is_no_amount_is_refused(carla, amount):
    with pytest.raises(NotPossible):
        payments.pay(make_fee(make_member()), amount=Decimal(amount), received_on=DAY, by=carla, now=JANUARY)
    assert not Payment.objects.exists()


def test_what_nobody_could_match_waits_until_somebody_does(carla):
    fee, payment = make_fee(make_member()), arrived()
    assert list(payments.waiting()) == [payment]
    payments.match(payment, fee, by=carla)
    assert list(payments.waiting()) == []
    assert with_paid(fee).open_amount == 0
    with pytest.raises(NotPossible):  # a colleague was quicker
        payments.match(payment, fee, by=carla)
    assert trail() == [("payment.match", "Rua Aberta")]


def test_what_is_no_fee_is_set_aside_with_a_reason(carla):
    payment = arrived()
    with pytest.raises(NotPossible):
        payments.set_aside(payment, why="  ", by=carla)
    payments.set_aside(payment, why="A donation.", by=carla)
    assert list(payments.waiting()) == []
    with pytest.raises(NotPossible):
        payments.match(payment, make_fee(make_member()), by=carla)
    payment.refresh_from_db()
    assert (payment.fee, payment.set_aside_why) == (None, "A donation.")


def test_what_was_matched_or_set_aside_by_mistake_waits_again(carla):
    fee = make_fee(make_member())
    matched, aside = arrived(), arrived(reference="20260120/A2")
    payments.match(matched, fee, by=carla)
    payments.set_aside(aside, why="A donation.", by=carla)
    for payment in (matched, aside):
        payments.reopen(payment, by=carla)
        with pytest.raises(NotPossible):
            payments.reopen(payment, by=carla)
    assert list(payments.waiting()) == [matched, aside]
    assert with_paid(fee).paid == 0


def test_one_transfer_for_two_years_is_divided_and_its_reference_stays_with_the_first(carla):
    member = make_member()
    before, fee = make_fee(member, 2025, "80"), make_fee(member, 2026, "100")
    payment = arrived("180")
    payments.match(payment, fee, by=carla)
    assert with_paid(fee).paid == Decimal(180)
    part = payments.divide(payment, before, amount=Decimal(80), by=carla)
    assert [(each.fee, each.amount, each.reference) for each in Payment.objects.order_by("pk")] == [
        (fee, Decimal(100), "20260120/A1"),
        (before, Decimal(80), ""),
    ]
    assert (part.payer, part.received_on) == ("R. Aberta", DAY)
    assert [with_paid(each).open_amount for each in (before, fee)] == [0, 0]


@pytest.mark.parametrize("amount", ["0", "100", "101", "-1"])
def test_a_part_is_less_than_the_whole(carla, amount):
    member = make_member()
    payment = paid(make_fee(member))
    with pytest.raises(NotPossible):
        payments.divide(payment, make_fee(member, 2025), amount=Decimal(amount), by=carla)
    assert Payment.objects.get().amount == Decimal(100)


def test_only_what_is_matched_can_be_divided_and_for_another_fee(carla):
    fee = make_fee(make_member())
    payment, waits = paid(fee), arrived()
    for one in (payment, waits):
        with pytest.raises(NotPossible):
            payments.divide(one, fee, amount=Decimal(10), by=carla)
    assert Payment.objects.count() == 2
