"""Money that came in, and for which fee it is. The only writer of `Payment`; bank files are read by `members.bank`."""

import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from members.fees import NotPossible
from members.models import Fee, Payment
from picum.accounts import audit
from picum.accounts.models import User

MOST = Decimal("9999999.99")


@transaction.atomic
def pay(
    fee: Fee,
    *,
    amount: Decimal,
    received_on: datetime.date,
    payer: str = "",
    communication: str = "",
    by: User | None,
    now: datetime.datetime,
) -> Payment:
    """A payment that somebody saw: cash, a cheque, a line on paper. More than is open is a surplus, and shown as such.
    Audited. Raises NotPossible for an amount that is none."""
    if not 0 < amount <= MOST:
        raise NotPossible(_("A payment has an amount above zero."))
    payment = Payment.objects.create(
        fee=fee,
        how=Payment.How.ENTERED,
        amount=amount,
        received_on=received_on,
        payer=payer.strip()[:140],
        communication=communication.strip()[:280],
        entered_at=now,
        by=by,
    )
    _told("payment.enter", payment, fee, by=by)
    return payment


def waiting() -> QuerySet[Payment]:
    """Payments of which nobody knows what they are for, the oldest first."""
    return Payment.objects.filter(fee=None, set_aside_why="").order_by("received_on", "pk")


@transaction.atomic
def match(payment: Payment, fee: Fee, *, by: User) -> None:
    """A waiting payment was for this fee. Audited. Raises NotPossible when it waits no more."""
    if not waiting().filter(pk=payment.pk).update(fee=fee):
        raise NotPossible(_("This payment does not wait any more."))
    payment.fee = fee
    _told("payment.match", payment, fee, by=by)


@transaction.atomic
def set_aside(payment: Payment, *, why: str, by: User) -> None:
    """A waiting payment is no fee, and waits no more: a donation, a refund, a mistake. Audited. Raises NotPossible
    without a reason, or when it waits no more."""
    if not why.strip():
        raise NotPossible(_("Please write what the payment is, if not a fee."))
    if not waiting().filter(pk=payment.pk).update(set_aside_why=why.strip()[:200]):
        raise NotPossible(_("This payment does not wait any more."))
    payment.set_aside_why = why.strip()[:200]
    audit.record("payment.set_aside", by=by, on=payment)


@transaction.atomic
def reopen(payment: Payment, *, by: User) -> None:
    """It was not for that fee, or should not have been set aside: it waits again. Audited. Raises NotPossible when it
    waits already."""
    settled = Payment.objects.filter(pk=payment.pk).exclude(pk__in=waiting())
    if not settled.update(fee=None, set_aside_why=""):
        raise NotPossible(_("This payment waits already."))
    former, payment.fee, payment.set_aside_why = payment.fee, None, ""
    _told("payment.reopen", payment, former, by=by)


@transaction.atomic
def divide(payment: Payment, fee: Fee, *, amount: Decimal, by: User) -> Payment:
    """One transfer for two years: a part of a matched payment was for another fee, and becomes a payment of its own.
    The bank's reference stays with the first, so that no bank file brings it again. Audited. Raises NotPossible when
    nothing would be left, or for the same fee."""
    held = Payment.objects.select_for_update().get(pk=payment.pk)
    if not 0 < amount < held.amount:
        raise NotPossible(_("A part is more than nothing and less than the whole."))
    if held.fee_id is None or held.fee_id == fee.pk:
        raise NotPossible(_("Choose another fee than the one for which the payment stands."))
    Payment.objects.filter(pk=held.pk).update(amount=held.amount - amount)
    part = Payment.objects.get(pk=held.pk)
    part.pk, part._state.adding = None, True
    part.fee, part.amount, part.reference = fee, amount, ""
    part.save(force_insert=True)
    payment.amount = held.amount - amount
    _told("payment.divide", part, fee, by=by)
    return part


def _told(action: str, payment: Payment, fee: Fee | None, *, by: User | None) -> None:
    member, year = (fee.member, fee.year) if fee else (None, None)
    audit.record(action, by=by, on=member, year=year, payment=payment.pk, amount=str(payment.amount))
