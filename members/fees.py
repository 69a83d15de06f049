"""Fees: proposed for a year, entered by the yearly run, asked for by a debit note. The only writer of `Fee`.

What is paid is the matter of `members.payments`, reminding that of `members.reminding`. Amounts are in euro.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from members import account, structured
from members.models import Category, Contact, ContactRole, Fee, Member, Membership
from picum.accounts import audit
from picum.accounts.models import User
from picum.letters import post
from picum.localising import local_day

Role = ContactRole.Role
DUE = datetime.timedelta(days=30)  # after the debit note
YEARS_BACK = 3  # for so long an open year is shown and asked for
MOST = Decimal("999999.99")


class NotPossible(ValueError):
    """It cannot be done with this fee; the message says why to the person."""


@dataclass(frozen=True)
class Proposal:
    """What the yearly run would enter for a member, and what the member's fee was the year before, if it had one."""

    member: Member
    category: Category
    amount: Decimal
    last_year: Decimal | None


class Standing(models.TextChoices):
    """How it is with a fee on a day."""

    NOT_ASKED = "not-asked", gettext_lazy("no debit note yet")
    OPEN = "open", pgettext_lazy("of a fee", "open")
    LATE = "late", gettext_lazy("overdue")
    PART = "part", gettext_lazy("partly paid")
    PAID = "paid", pgettext_lazy("of a fee", "paid")
    OVER = "over", gettext_lazy("paid too much")
    NOTHING = "nothing", gettext_lazy("nothing to pay")
    WAIVED = "waived", pgettext_lazy("of a fee", "waived")


# --- the yearly run -----------------------------------------------------------------------------------------------


def propose(year: int) -> list[Proposal]:
    """What the run for a year would enter now, by name: for everybody who belongs on one day of that year at least, in
    the category that they were in last, unless that has no fee or theirs is entered already.

    Last year's amount stays while the category does. Three queries.
    """
    fees = Fee.objects.filter(year=year, member=OuterRef("member"))
    memberships = (
        Membership.objects.standing()
        .filter(Q(until_on__isnull=True) | Q(until_on__gte=datetime.date(year, 1, 1)))
        .filter(~Exists(fees), from_on__lte=datetime.date(year, 12, 31))
        .select_related("member", "category")
        .prefetch_related("category__translations")
        .order_by("member__name", "member", "from_on", "pk")
    )
    last = {membership.member_id: membership for membership in memberships}
    before = {fee.member_id: fee for fee in Fee.objects.filter(year=year - 1, member__in=last)}
    pays = [one for one in last.values() if one.category.fee_rule != Category.FeeRule.NONE]
    return [_proposed(membership, before.get(membership.member_id)) for membership in pays]


def _proposed(membership: Membership, before: Fee | None) -> Proposal:
    category, amount = membership.category, membership.category.fee
    if before and category.fee_rule == Category.FeeRule.LAST_YEAR and before.category_id == category.pk:
        amount = before.amount
    return Proposal(membership.member, category, amount, before.amount if before else None)


@transaction.atomic
def run(
    year: int, *, amounts: Mapping[int, Decimal] | None = None, by: User | None, now: datetime.datetime
) -> tuple[int, Decimal]:
    """Enter the fees of a year as proposed, or with other amounts: by the member's pk; who is not among them is left
    out. How many, and their sum. Doing it again, or two at once, enters nobody twice. Audited. Nobody is told."""
    _stand_in_line()
    fees = [
        Fee(
            member=one.member,
            category=one.category,
            year=year,
            amount=one.amount if amounts is None else amounts[one.member.pk],
            communication=communication(year, one.member),
            created_at=now,
        )
        for one in propose(year)
        if amounts is None or one.member.pk in amounts
    ]
    Fee.objects.bulk_create(fees)
    number, total = len(fees), sum((fee.amount for fee in fees), Decimal(0))
    if number:
        audit.record("fees.run", by=by, year=year, number=number, total=str(total))
    return number, total


def _stand_in_line() -> None:
    """The second of two runs proposes what the first has left. Others go on reading and naming categories."""
    list(Category.objects.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def communication(year: int, member: Member) -> str:
    """The twelve digits of a member's fee of a year: the year and the member's number, so no two can be the same."""
    if member.pk >= 10**6:
        raise ValueError("Ten digits have room for a year and a million members.")
    return structured.make(year * 10**6 + member.pk)


# --- one fee ------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_amount(fee: Fee, amount: Decimal, *, by: User) -> None:
    """Another amount, 0 too, while no debit note has gone out. Audited. Raises NotPossible."""
    if not 0 <= amount <= MOST:
        raise NotPossible(_("This is no amount for a fee."))
    before = fee.amount
    if not Fee.objects.filter(pk=fee.pk, noted_on=None, waived_on=None).update(amount=amount):
        raise NotPossible(_("The debit note has gone out with its amount, or the fee was waived."))
    fee.amount = amount
    audit.record("fee.amount", by=by, on=fee.member, year=fee.year, before=str(before), after=str(amount))


@transaction.atomic
def waive(fee: Fee, *, why: str, by: User, now: datetime.datetime) -> None:
    """The member need not pay it, or what is still open of it: no debit note, no more reminders. Audited; nobody is
    told. Raises NotPossible without a reason, or when nothing is open (any more)."""
    if not why.strip():
        raise NotPossible(_("Please write why the fee is waived."))
    fields = {"waived_on": local_day(now), "waived_why": why.strip()[:200]}
    if not Fee.objects.filter(pk__in=_owed(fee)).update(**fields):
        raise NotPossible(_("Nothing of this fee is open that could be waived."))
    fee.waived_on, fee.waived_why = fields["waived_on"], fields["waived_why"]
    audit.record("fee.waive", by=by, on=fee.member, year=fee.year)


@transaction.atomic
def note(fee: Fee, *, by: User | None, now: datetime.datetime) -> None:
    """Send the debit note: it is due in 30 days, and its amount is fixed. Letters with the PDF are queued to those who
    see to the member's fees (`payers`). Audited.

    Raises NotPossible while there is no account to pay to, when there is nothing to ask for or nobody to ask, or when
    the note went out before.
    """
    if account.ours() is None:
        raise NotPossible(_("No debit note can be sent, because no account is set up to which fees are paid."))
    if not (people := payers(fee.member)):
        raise NotPossible(_("%(member)s has neither a treasurer nor a member contact.") % {"member": fee.member})
    today = local_day(now)
    if not Fee.objects.filter(pk__in=_owed(fee), noted_on=None).update(noted_on=today, due_on=today + DUE):
        raise NotPossible(_("There is nothing to ask for, or the debit note has gone out."))
    fee.noted_on, fee.due_on = today, today + DUE
    for person, in_copy in people:
        write("members.debit_note", fee, person, in_copy=in_copy, now=now)
    audit.record("fee.note", by=by, on=fee.member, year=fee.year, amount=str(fee.amount))


def _owed(fee: Fee) -> QuerySet:
    """Its pk while something of it is open: for updates that must not come too late."""
    return Fee.objects.owed().filter(pk=fee.pk).values("pk")


def payers(member: Member) -> list[tuple[Contact, bool]]:
    """Who is written to about a member's fees, and whether that is a copy: the treasurers, with the member contacts in
    copy; these alone when there is no treasurer. Three queries."""
    people = (
        member.contacts.active()
        .filter(roles__role__in=[Role.TREASURER, Role.CONTACT])
        .distinct()
        .prefetch_related("roles")
    )
    found = [(person, {role.role for role in person.roles.all()}) for person in people]
    treasurers = [person for person, theirs in found if Role.TREASURER in theirs]
    others = [person for person, theirs in found if Role.TREASURER not in theirs]
    return [(person, False) for person in treasurers] + [(person, bool(treasurers)) for person in others]


def write(kind: str, fee: Fee, person: Contact, *, in_copy: bool, now: datetime.datetime, **about: int) -> None:
    """Queue a letter about a fee; see `members.mails.fees`."""
    about = {"fee": fee.pk, "contact": person.pk, "in_copy": in_copy, **about}
    post.put(kind, to=person.email, language=person.language, now=now, **about)


# --- reading ------------------------------------------------------------------------------------------------------


def arrears(member: Member, *, on: datetime.date) -> QuerySet[Fee]:
    """What a member was asked for and has not paid, of the year of that day and three back, the oldest first."""
    return Fee.objects.owed().filter(member=member, noted_on__isnull=False, year__in=years(on)).order_by("year")


def years(on: datetime.date) -> list[int]:
    """The years of which open fees are shown, the oldest first."""
    return list(range(on.year - YEARS_BACK, on.year + 1))


def standing(fee: Fee, *, on: datetime.date) -> Standing:
    """How it is with a fee of `Fee.objects.with_paid()` on a day."""
    if surplus(fee):
        return Standing.OVER
    if not fee.amount:
        return Standing.NOTHING
    if fee.paid == fee.amount:
        return Standing.PAID
    if fee.waived_on:
        return Standing.WAIVED
    if fee.paid:
        return Standing.PART
    if not fee.noted_on:
        return Standing.NOT_ASKED
    return Standing.LATE if fee.due_on < on else Standing.OPEN


def surplus(fee: Fee) -> Decimal:
    """What was paid beyond the fee, one of `Fee.objects.with_paid()`: also when its rest was waived."""
    return max(Decimal(0), fee.paid - fee.amount)


def number_of(fee: Fee) -> str:
    """The number of its debit note, which is in its communication too: "2026-000123"."""
    return f"{fee.communication[:4]}-{fee.communication[4:10]}"
