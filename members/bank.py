"""A bank's statement becomes payments: first looked at, then taken. What it is for says the structured communication.

Whatever cannot be told waits for somebody at the desk; nothing is lost, nothing is counted twice.
"""

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import account, camt, payments
from members.camt import Entry, Unreadable
from members.models import BankFile, Fee, Payment
from picum.accounts import audit
from picum.accounts.models import User


class AlreadyTaken(ValueError):
    """This very file was taken before: `before`."""

    def __init__(self, before: BankFile):
        super().__init__(_("This file was taken before. Nothing was entered again."))
        self.before = before


class Fate(models.TextChoices):
    """What becomes of an entry."""

    FULL = "full", gettext_lazy("pays a fee in full")
    PART = "part", gettext_lazy("pays a part of a fee")
    OVER = "over", gettext_lazy("more than is owed for the fee")
    WAITING = "waiting", gettext_lazy("not matched: somebody must look")
    SEEN = "seen", gettext_lazy("came with another file before")
    ELSE = "else", gettext_lazy("not taken: another currency, or too large; enter it by hand")
    RETURNED = "returned", gettext_lazy("taken back by the payer’s bank: look at the payment")


TAKEN = {Fate.FULL, Fate.PART, Fate.OVER, Fate.WAITING}


@dataclass(frozen=True)
class Line:
    """An entry, what becomes of it, and the fee that it pays."""

    entry: Entry
    fate: Fate
    fee: Fee | None = None


@dataclass(frozen=True)
class Report:
    """What a file comes to. `before`: the same file, taken already."""

    digest: str
    lines: list[Line]
    before: BankFile | None

    @property
    def counts(self) -> list[tuple[Fate, int, Decimal]]:
        """How many entries meet which fate, and their sum; those of other currencies have none."""
        found = []
        for fate in Fate:
            if amounts := [line.entry.amount for line in self.lines if line.fate == fate]:
                found.append((fate, len(amounts), Decimal(0) if fate == Fate.ELSE else sum(amounts)))
        return found

    @property
    def new(self) -> int:
        """Entries that taking the file would enter."""
        return 0 if self.before else sum(line.fate in TAKEN for line in self.lines)


def check(file: BinaryIO) -> Report:
    """What would become of a file. Changes nothing; three queries. Raises Unreadable, also without an account."""
    ours = account.ours()
    if ours is None:
        raise Unreadable(_("No account is set up to which fees are paid, so no statement of it can be read."))
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    statement = camt.read(file, iban=ours.iban)
    before = BankFile.objects.filter(digest=digest).select_related("by").first()
    returned = [Line(entry, Fate.RETURNED) for entry in statement.returned]
    return Report(digest, _fates(statement.entries) + returned, before)


def take(file: BinaryIO, *, name: str, by: User, now: datetime.datetime) -> tuple[BankFile, Report]:
    """Enter what came in: for the fees that it names, or waiting. Audited; nobody is told. Raises Unreadable, and
    AlreadyTaken when this very file was taken before, also by somebody else in this moment."""
    report = check(file)
    if report.before:
        raise AlreadyTaken(report.before)
    try:
        with transaction.atomic():
            read = BankFile.objects.create(name=name[:150], digest=report.digest, read_at=now, by=by)
            taken = [line for line in report.lines if line.fate in TAKEN]
            # A reference that came with somebody else's file in this moment is refused by the database, and all waits.
            Payment.objects.bulk_create(_payment(line, read, by=by, now=now) for line in taken)
            numbers = {fate.value: number for fate, number, _sum in report.counts}
            audit.record("bank_file.take", by=by, on=read, **numbers)
    except IntegrityError:
        before = BankFile.objects.filter(digest=report.digest).first()
        if before is None:
            raise Unreadable(_("Somebody took a file with the same entries just now. Please try again.")) from None
        raise AlreadyTaken(before) from None
    return read, report


def _payment(line: Line, file: BankFile, *, by: User, now: datetime.datetime) -> Payment:
    entry = line.entry
    return Payment(
        fee=line.fee,
        how=Payment.How.BANK_FILE,
        amount=entry.amount,
        received_on=entry.booked_on,
        payer=entry.payer,
        communication=entry.words,
        reference=entry.reference,
        bank_file=file,
        entered_at=now,
        by=by,
    )


def _fates(entries: list[Entry]) -> list[Line]:
    """What becomes of each, in their order: what an earlier one pays is not open any more. Two queries."""
    references = [entry.reference for entry in entries]
    seen = set(Payment.objects.filter(reference__in=references).values_list("reference", flat=True))
    named = {digits for entry in entries for digits in entry.communications}
    fees = {fee.communication: fee for fee in _fees(named)}
    left = {digits: fee.open_amount for digits, fee in fees.items()}
    return [_fate(entry, seen, fees, left) for entry in entries]


def _fees(communications: Iterable[str]) -> Iterable[Fee]:
    return Fee.objects.with_paid().filter(communication__in=communications).select_related("member")


def _fate(entry: Entry, seen: set[str], fees: dict[str, Fee], left: dict[str, Decimal]) -> Line:
    if entry.reference in seen:
        return Line(entry, Fate.SEEN)
    cents = entry.amount == entry.amount.quantize(Decimal("0.01"))
    if entry.currency != "EUR" or entry.amount > payments.MOST or not cents:
        return Line(entry, Fate.ELSE)
    ours = [digits for digits in entry.communications if digits in fees]
    if len(ours) != 1:  # none; or several, and nobody knows how much is for which
        return Line(entry, Fate.WAITING)
    (digits,) = ours
    fate = Fate.FULL if entry.amount == left[digits] else Fate.PART if entry.amount < left[digits] else Fate.OVER
    left[digits] = max(Decimal(0), left[digits] - entry.amount)
    return Line(entry, fate, fees[digits])
