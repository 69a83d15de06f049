"""Fees and payments as tests want them: through the real functions, on days that the tests name."""

import datetime
from decimal import Decimal

from members import fees, payments
from members.models import ContactRole, Fee, Member, Payment
from tests.members.factories import make_contact

Role = ContactRole.Role
JANUARY = datetime.datetime(2026, 1, 12, 9, 0, tzinfo=datetime.UTC)  # the day of the yearly run in most tests


def make_fee(member: Member, year=2026, amount="100", *, noted: datetime.datetime | None = None) -> Fee:
    """The member's fee of a year; `noted`: when its debit note went out."""
    fees.run(year, amounts={member.pk: Decimal(amount)}, by=None, now=noted or JANUARY)
    fee = Fee.objects.get(member=member, year=year)
    if noted:
        fees.note(fee, by=None, now=noted)
    return fee


def paid(fee: Fee, amount="100", day=datetime.date(2026, 1, 20)) -> Payment:
    return payments.pay(fee, amount=Decimal(amount), received_on=day, payer="Rua Aberta", by=None, now=JANUARY)


def with_paid(fee: Fee) -> Fee:
    return Fee.objects.with_paid().get(pk=fee.pk)


def with_treasurer(member: Member) -> Member:
    """Its member contact is amal, its treasurer tomas."""
    make_contact(member, "amal@example.org", Role.CONTACT)
    make_contact(member, "tomas@example.org", Role.TREASURER, language="de")
    return member
