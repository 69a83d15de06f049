"""The debit note of a fee, and the receipt, as PDF in the member's language."""

import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext
from reportlab.lib.units import mm

from members import account, fees, structured
from members.account import Account
from members.models import Fee, Member
from members.sheet import ACCENT, QUIET, Sheet
from picum import localising

CONTENT_TYPE = "application/pdf"


class NoAccount(ValueError):
    """The settings name no account to which fees are paid."""


def debit_note(fee: Fee, *, on: datetime.date) -> bytes:
    """The PDF: what is asked for, what was paid of it by that day, how to pay the rest, and the years before that are
    open. `fee` has gone out (`noted_on`). Three queries. Raises NoAccount."""
    if (ours := account.ours()) is None:
        raise NoAccount
    fee = _known(fee)
    language = fee.member.language
    with override(language):
        sheet = Sheet(title=f"{_('Debit note')} {fees.number_of(fee)}", language=language)
        _begin(sheet, fee, _("Debit note"), language)
        _sums(sheet, fee, language)
        if fee.open_amount:
            _how_to_pay(sheet, fee, ours, language)
        _open_years(sheet, fee, on=on, language=language)
        return sheet.done()


def receipt(fee: Fee, *, on: datetime.date) -> bytes:
    """The PDF that says what was paid for a fee, and when. Three queries."""
    fee = _known(fee)
    language = fee.member.language
    with override(language):
        sheet = Sheet(title=f"{_('Receipt')} {fees.number_of(fee)}", language=language)
        _begin(sheet, fee, _("Receipt"), language, on=on)
        for payment in fee.payments.order_by("received_on", "pk"):
            words = _("Received on %(day)s") % {"day": localising.day(payment.received_on, language)}
            sheet.row(words, localising.money(payment.amount, language))
        sheet.row(_("Paid in all"), localising.money(fee.paid, language), bold=True, size=12)
        sheet.space(8 * mm)
        sheet.words(_("We have received this amount as the membership fee of that year. Thank you."))
        return sheet.done()


def _known(fee: Fee) -> Fee:
    """With all that is printed: two queries."""
    whole = Fee.objects.with_paid().select_related("member", "category").prefetch_related("category__translations")
    return whole.get(pk=fee.pk)


def file_name(fee: Fee, kind: str) -> str:
    """ "PICUM-debit-note-2026-000123.pdf": for programs of every language."""
    return f"PICUM-{kind}-{fees.number_of(fee)}.pdf"


def _begin(sheet: Sheet, fee: Fee, title: str, language: str, *, on: datetime.date | None = None) -> None:
    """To whom, what it is, its number and its days."""
    sheet.space(14 * mm)
    for number, line in enumerate(address(fee.member, language)):
        sheet.words(line, size=11, bold=not number, width=95 * mm)
    sheet.space(10 * mm)
    sheet.words(title, size=24, bold=True, color=ACCENT)
    sheet.words(_what(fee, language), size=12, color=QUIET)
    sheet.space(7 * mm)
    number = [(pgettext("of a debit note", "Number"), fees.number_of(fee))]
    if on:
        sheet.beside(number, [(pgettext("of a debit note", "Date"), localising.day(on, language))])
    else:
        days = [(pgettext("of a debit note", "Date"), fee.noted_on), (_("To be paid by"), fee.due_on)]
        sheet.beside(number, *([(name, localising.day(day, language))] for name, day in days))
    sheet.space(6 * mm)
    sheet.rule(color=ACCENT, width=1.2)


def address(member: Member, language: str) -> list[str]:
    """Its name and its postal address, as far as it has one, line by line."""
    country = localising.country_name(member.country.code, language) if member.country else ""
    town = f"{member.postcode} {member.city}".strip()
    return [line for line in (member.name, member.street, town, country) if line]


def _what(fee: Fee, language: str) -> str:
    category = fee.category.safe_translation_getter("name", language_code=language) or str(fee.category)
    return _("Membership fee %(year)d, %(category)s") % {"year": fee.year, "category": category}


def _sums(sheet: Sheet, fee: Fee, language: str) -> None:
    sheet.row(_what(fee, language), localising.money(fee.amount, language))
    if fee.paid:
        sheet.row(_("Paid so far"), localising.money(-fee.paid, language))
    if fee.waived_on and fee.paid < fee.amount:
        sheet.row(fees.Standing.WAIVED.label.capitalize(), localising.money(fee.paid - fee.amount, language))
    if surplus := fees.surplus(fee):
        sheet.row(_("Paid too much"), localising.money(surplus, language), bold=True, size=12)
    else:
        sheet.row(_("To pay"), localising.money(fee.open_amount, language), bold=True, size=12)
    sheet.space(8 * mm)


def _how_to_pay(sheet: Sheet, fee: Fee, ours: Account, language: str) -> None:
    facts = [
        (_("Communication"), structured.written(fee.communication)),
        (_("Account (IBAN)"), ours.iban_written),
        (_("Account holder"), ours.name),
        (_("Amount"), localising.money(fee.open_amount, language)),
    ]
    if ours.bic:
        facts.insert(2, ("BIC", ours.bic))
    code = account.qr_code(ours, amount=fee.open_amount, communication=fee.communication)
    sheet.box(facts, code, _("Scan this code with your bank’s app, and the transfer is filled in."))
    sheet.space(4 * mm)
    sheet.words(
        _("Please give exactly this communication, and no other words: by it we know that the payment is yours."),
        size=9,
        color=QUIET,
    )
    sheet.space(5 * mm)


def _open_years(sheet: Sheet, fee: Fee, *, on: datetime.date, language: str) -> None:
    """Each with its own communication: one transfer for two years can be matched by nobody."""
    before = [other for other in fees.arrears(fee.member, on=on) if other.year < fee.year]
    if not before:
        return
    sheet.need(25 * mm)
    sheet.words(_("Still open from earlier years"), size=12, bold=True)
    sheet.words(_("Please pay each year by a transfer of its own, with its own communication."), size=9, color=QUIET)
    sheet.space(2 * mm)
    sheet.rule()
    for other in before:
        words = f"{other.year}: {structured.written(other.communication)}"
        sheet.row(words, localising.money(other.open_amount, language))
