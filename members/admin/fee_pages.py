"""Fees on the desk: a year's list, the yearly run, the debit notes, a member's fees, and what is owed since when."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from members import account, debit_note, fees, structured
from members.admin import frame
from members.admin.fee_forms import RunForm
from members.fees import NotPossible, Standing
from members.models import Fee, Member, Payment
from picum import csvfile
from picum.accounts import audit
from picum.localising import local_day

READ = ("members.view_fee", "members.change_fee")
CHANGE = "members.change_fee"
PAY = "members.add_payment"
SUMMED = ("amount", "paid", "open_amount")
SHOWN = 5  # reasons why notes did not go
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True)
class Row:
    """A fee, how it is with it, what was paid too much, and its communication as it is printed."""

    fee: Fee
    standing: Standing
    surplus: Decimal
    communication: str


def page(request: HttpRequest, template: str, title: str, **context) -> HttpResponse:
    """A page of this part, with what the links at its head need. One query, where payments may be seen."""
    may_pay = request.user.has_perm(PAY)
    waiting = Payment.objects.filter(fee=None, set_aside_why="").count() if may_pay else 0
    rights = {"may_change": request.user.has_perm(CHANGE), "may_pay": may_pay, "waiting_payments": waiting}
    shared = {"has_account": account.ours() is not None, **rights}
    return frame.page(request, template, title, model=Fee, **{**shared, **context})


def rows_of(found: QuerySet[Fee]) -> list[Row]:
    """Of fees with what was paid of them."""
    today = local_day(timezone.now())
    return [
        Row(fee, fees.standing(fee, on=today), fees.surplus(fee), structured.written(fee.communication))
        for fee in found
    ]


def known() -> QuerySet[Fee]:
    """Fees with all that their lists show: two queries."""
    return Fee.objects.with_paid().select_related("member", "category").prefetch_related("category__translations")


# --- a year -------------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """The fees of a year, all or those with which it is in one way."""
    frame.require(request, *READ)
    there = list(Fee.objects.order_by("-year").values_list("year", flat=True).distinct())
    year = _year(request, there[0] if there else local_day(timezone.now()).year)
    rows = rows_of(known().filter(year=year).order_by("member__name", "pk"))
    standings = Counter(row.standing for row in rows)
    state = request.GET.get("state", "")
    shown = [row for row in rows if not state or row.standing == state]
    shown_fees = [row.fee for row in shown]
    sums = {name: sum((getattr(fee, name) for fee in shown_fees), Decimal(0)) for name in SUMMED}
    context = {
        "year": year,
        "years": sorted({*there, year}, reverse=True),
        "state": state,
        "states": [(one.value, one.label, standings[one]) for one in Standing if standings[one]],
        "rows": shown,
        "all": len(rows),
        "sums": sums,
        "to_note": standings[Standing.NOT_ASKED],
    }
    return page(request, "fees.html", _("Fees"), **context)


def _year(request: HttpRequest, otherwise: int) -> int:
    """The year in the address; 404 for one that cannot be meant."""
    written = request.GET.get("year") or str(otherwise)
    if not (written.isascii() and written.isdigit() and len(written) == 4 and 1990 <= int(written) <= 2099):
        raise Http404
    return int(written)


def _to_year(year: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('admin:members_fee_changelist')}?{urlencode({'year': year})}")


# --- the yearly run -----------------------------------------------------------------------------------------------


@never_cache
@get_or_post
def run(request: HttpRequest) -> HttpResponse:
    """GET shows what would be entered for a year, with amounts to change; POST enters it."""
    frame.require(request, CHANGE)
    this = local_day(timezone.now()).year
    year = _year(request, this)
    form = RunForm(request.POST if request.method == "POST" else None, proposals=fees.propose(year))
    if form.is_valid():
        number, total = fees.run(year, amounts=form.amounts, by=request.user, now=timezone.now())
        words = ngettext("%(number)d fee was entered.", "%(number)d fees were entered.", number)
        messages.success(request, words % {"number": number})
        return _to_year(year)
    total = sum((one.amount for one in form.proposals), Decimal(0))
    entered = Fee.objects.filter(year=year).count()
    years = [this + 1, *reversed(fees.years(local_day(timezone.now())))]
    context = {"form": form, "year": year, "years": years, "total": total, "entered": entered}
    return page(request, "fee_run.html", _("Yearly run"), **context)


# --- debit notes --------------------------------------------------------------------------------------------------


@never_cache
@get_or_post
def notes(request: HttpRequest) -> HttpResponse:
    """GET says how many debit notes of a year would go out; POST queues them."""
    frame.require(request, CHANGE)
    year = _year(request, local_day(timezone.now()).year)
    asked = known().filter(year=year, noted_on=None, waived_on=None, amount__gt=0, open_amount__gt=0)
    if request.method == "POST":
        _send(request, list(asked))
        return _to_year(year)
    sums = [fee.open_amount for fee in asked]
    context = {"year": year, "number": len(sums), "total": sum(sums, Decimal(0)), "due": fees.DUE.days}
    return page(request, "fee_notes.html", _("Send the debit notes"), **context)


def _send(request: HttpRequest, asked: list[Fee]) -> None:
    now, sent, why_not = timezone.now(), 0, []
    for fee in asked:
        try:
            fees.note(fee, by=request.user, now=now)
            sent += 1
        except NotPossible as why:
            why_not.append(str(why))
    if sent:
        words = ngettext("%(number)d debit note goes out now.", "%(number)d debit notes go out now.", sent)
        messages.success(request, words % {"number": sent})
    reasons = list(dict.fromkeys(why_not))
    for reason in reasons[:SHOWN]:
        messages.error(request, reason)
    if len(reasons) > SHOWN:
        more = len(reasons) - SHOWN
        words = ngettext("%(number)d more could not be sent.", "%(number)d more could not be sent.", more)
        messages.error(request, words % {"number": more})


@never_cache
@require_safe
def note_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    """The debit note as the member gets it; 404 when none has gone out, or there is no account."""
    frame.require(request, *READ)
    fee = get_object_or_404(Fee, pk=pk, noted_on__isnull=False)
    try:
        content = debit_note.debit_note(fee, on=local_day(timezone.now()))
    except debit_note.NoAccount:
        raise Http404 from None
    headers = {"Content-Disposition": f'attachment; filename="{debit_note.file_name(fee, "debit-note")}"'}
    return HttpResponse(content, content_type=debit_note.CONTENT_TYPE, headers=headers)


# --- a member -----------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def of_member(request: HttpRequest, pk: int) -> HttpResponse:
    """All fees of a member, with their payments and reminders."""
    frame.require(request, *READ)
    member = get_object_or_404(Member, pk=pk)
    payments = Prefetch("payments", Payment.objects.select_related("by", "bank_file"))
    found = known().filter(member=member).order_by("-year").prefetch_related(payments, "reminders")
    return page(request, "fee_member.html", str(member), member=member, rows=rows_of(found))


def member_page(fee: Fee) -> str:
    """Where a fee stands among the others of its member."""
    return f"{reverse('admin:members_fee_member', args=[fee.member_id])}#fee-{fee.year}"


def ask(request: HttpRequest, fee: Fee, title: str, form: forms.Form, **words: str) -> HttpResponse:
    """The page that asks before something is done about a fee: `explanation` and `button`."""
    return page(request, "fee_deed.html", title, fee=fee, member=fee.member, form=form, back=member_page(fee), **words)


# --- what is owed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Debt:
    """What a member owes of each of the years, None where nothing is open, and in all."""

    member: Member
    by_year: list[tuple[int, Decimal | None]]
    total: Decimal


def debts() -> tuple[list[int], list[Debt]]:
    """The years and who owes what of them, by name. One query."""
    years = fees.years(local_day(timezone.now()))
    owed = Fee.objects.owed().filter(noted_on__isnull=False, year__in=years).select_related("member")
    found: dict[Member, dict[int, Decimal]] = {}
    for fee in owed.order_by("member__name", "member"):
        found.setdefault(fee.member, {})[fee.year] = fee.open_amount
    return years, [
        Debt(member, [(year, open_.get(year)) for year in years], sum(open_.values(), Decimal(0)))
        for member, open_ in found.items()
    ]


@never_cache
@require_safe
def arrears(request: HttpRequest) -> HttpResponse:
    """Who owes what, of this year and three back."""
    frame.require(request, *READ)
    years, owing = debts()
    sums = dict.fromkeys(years, Decimal(0))
    for debt in owing:
        for year, amount in debt.by_year:
            sums[year] += amount or 0
    context = {"years": years, "debts": owing, "sums": list(sums.items()), "total": sum(sums.values(), Decimal(0))}
    return page(request, "fee_arrears.html", _("Arrears"), **context)


@never_cache
@require_safe
def arrears_csv(request: HttpRequest) -> HttpResponse:
    """The same for a spreadsheet; amounts with a point and two digits. Audited: it leaves the house."""
    frame.require(request, *READ)
    years, owing = debts()
    audit.record("arrears.export", by=request.user, number=len(owing))
    rows = [[debt.member.name, debt.member.country.code, *_cells(debt)] for debt in owing]
    text = csvfile.written([[_("Member"), _("Country"), *years, _("Total")], *rows], csvfile.delimiter())
    headers = {"Content-Disposition": 'attachment; filename="arrears.csv"'}
    return HttpResponse(csvfile.MARK + text, content_type="text/csv; charset=utf-8", headers=headers)


def _cells(debt: Debt) -> list[str]:
    amounts = [*(amount for _year, amount in debt.by_year), debt.total]
    return ["" if amount is None else f"{amount:.2f}" for amount in amounts]
