"""A member's own fees: what is open and how to pay it, the debit notes and the receipts."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from members import account, debit_note, fees, structured
from members.access import Seat, seated
from members.models import Fee
from members.views.page import page
from picum.localising import local_day, money


@dataclass(frozen=True)
class Open:
    """A fee that is open, and how to pay it. `code` is an SVG of the QR code; "" while we have no account."""

    fee: Fee
    communication: str
    is_late: bool
    code: str


@dataclass(frozen=True)
class Year:
    """A fee of the list: how it is with it, and whether there is something to download."""

    fee: Fee
    standing: fees.Standing
    surplus: Decimal
    has_receipt: bool


@require_safe
@seated("fees")
def overview(request: HttpRequest, seat: Seat) -> HttpResponse:
    """What is open of this year and three back, and all years that there were."""
    today, ours = local_day(timezone.now()), account.ours()
    known = Fee.objects.with_paid().filter(member=seat.member).select_related("category").order_by("-year")
    years = [_year(fee, today) for fee in known.prefetch_related("category__translations") if _is_told(fee)]
    unpaid = [_open(year.fee, ours, today) for year in reversed(years) if _is_open(year.fee, today)]
    return page(request, seat, "fees", "fees", account=ours, open=unpaid, years=years)


@require_safe
@seated("fees")
def note(request: HttpRequest, seat: Seat, year: int) -> HttpResponse:
    """The debit note as it is today; 404 when none went out."""
    fee = get_object_or_404(Fee, member=seat.member, year=year, noted_on__isnull=False)
    try:
        content = debit_note.debit_note(fee, on=local_day(timezone.now()))
    except debit_note.NoAccount:
        raise Http404 from None
    return download(content, debit_note.file_name(fee, "debit-note"))


@require_safe
@seated("fees")
def receipt(request: HttpRequest, seat: Seat, year: int) -> HttpResponse:
    """What was paid for a year; 404 when nothing was."""
    fee = get_object_or_404(Fee.objects.with_paid(), member=seat.member, year=year, paid__gt=0)
    return download(debit_note.receipt(fee, on=local_day(timezone.now())), debit_note.file_name(fee, "receipt"))


def download(content: bytes, name: str) -> HttpResponse:
    """A PDF of ours, kept by no cache."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type=debit_note.CONTENT_TYPE, headers=headers)


def _is_told(fee: Fee) -> bool:
    """What was entered and has not been asked for may change, and is the secretariat's own until then."""
    return bool(fee.noted_on or fee.waived_on or fee.paid or not fee.amount)


def _is_open(fee: Fee, today: datetime.date) -> bool:
    return bool(fee.noted_on and fee.open_amount and fee.year in fees.years(today))


def _year(fee: Fee, today: datetime.date) -> Year:
    return Year(fee, fees.standing(fee, on=today), fees.surplus(fee), has_receipt=bool(fee.paid))


def _open(fee: Fee, ours: account.Account | None, today: datetime.date) -> Open:
    return Open(fee, structured.written(fee.communication), fee.due_on < today, _code(fee, ours) if ours else "")


def _code(fee: Fee, ours: account.Account) -> str:
    """The QR code as SVG, dark on white in both schemes, with words for those who do not see it."""
    code = account.qr_code(ours, amount=fee.open_amount, communication=fee.communication)
    words = {"amount": money(fee.open_amount, get_language() or "en"), "year": fee.year}
    title = _("QR code for banking apps: transfer of %(amount)s, fee %(year)d") % words
    return code.svg_inline(scale=1, border=4, light="#fff", title=title, svgclass="qr", lineclass=None, omitsize=True)
