"""Payments on the desk: those that wait for somebody who knows what they are for, and what was made of the others."""

from collections.abc import Callable

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from members import fees, payments, structured
from members.admin import frame
from members.admin.fee_forms import DivideForm, NothingForm, SearchForm, WhyForm
from members.admin.fee_pages import PAY, get_or_post, known, member_page, page, rows_of
from members.models import Fee, Payment

LAST = 50
FOUND = 30


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """What waits, and the last that were settled."""
    frame.require(request, PAY, "members.view_payment")
    waiting = payments.waiting()
    settled = Payment.objects.exclude(pk__in=waiting).select_related("fee__member", "by").order_by("-pk")[:LAST]
    return page(request, "payments.html", _("Payments"), waiting=waiting, settled=settled)


@never_cache
@get_or_post
def match(request: HttpRequest, pk: int) -> HttpResponse:
    """GET searches for the fee that a waiting payment was for; POST says which."""
    payment = _payment(request, pk)
    if request.method == "POST":
        fee = get_object_or_404(Fee.objects.select_related("member"), pk=number(request.POST.get("fee", "")))
        said = _("The payment was matched: %(member)s, %(year)d.") % {"member": fee.member, "year": fee.year}
        return _done(request, lambda: payments.match(payment, fee, by=request.user), said)
    words = request.GET.get("q", "").replace("\0", "")[:100].strip()  # PostgreSQL cannot even be asked for a NUL
    found = _search(words) if words else _guesses(payment)
    context = {"payment": payment, "form": SearchForm(initial={"q": words}), "q": words, "rows": rows_of(found[:FOUND])}
    return page(request, "payment_match.html", _("Match a payment"), **context)


@never_cache
@get_or_post
def set_aside(request: HttpRequest, pk: int) -> HttpResponse:
    payment = _payment(request, pk)
    form = WhyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        why = form.cleaned_data["why"]
        return _done(request, lambda: payments.set_aside(payment, why=why, by=request.user), _("It was set aside."))
    words = {
        "explanation": _("For money that is no fee: a donation, a refund, a mistake. It stays in the list."),
        "button": _("Set it aside"),
    }
    return page(request, "payment_deed.html", _("No fee"), payment=payment, form=form, **words)


@never_cache
@get_or_post
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    payment = _payment(request, pk)
    form = NothingForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _done(request, lambda: payments.reopen(payment, by=request.user), _("The payment waits again."))
    words = {
        "explanation": _("It counts for no fee any more, and waits among the payments that are not matched."),
        "button": _("Let it wait again"),
    }
    return page(request, "payment_deed.html", _("Undo"), payment=payment, form=form, **words)


@never_cache
@get_or_post
def divide(request: HttpRequest, pk: int) -> HttpResponse:
    """A part of a matched payment was for another year of the same member."""
    payment = _payment(request, pk)
    member = payment.fee.member_id if payment.fee else None
    others = Fee.objects.filter(member=member).exclude(pk=payment.fee_id).order_by("-year")
    form = DivideForm(request.POST if request.method == "POST" else None, choices=others)
    if form.is_valid():
        fee, amount = form.cleaned_data["fee"], form.cleaned_data["amount"]
        said, to = _("The payment was divided."), member_page(fee)
        return _done(request, lambda: payments.divide(payment, fee, amount=amount, by=request.user), said, to=to)
    words = {
        "explanation": _("One transfer for two years: this part of it becomes a payment for the other fee."),
        "button": _("Divide it"),
    }
    return page(request, "payment_deed.html", _("Divide a payment"), payment=payment, form=form, **words)


def _payment(request: HttpRequest, pk: int) -> Payment:
    frame.require(request, PAY)
    return get_object_or_404(Payment.objects.select_related("fee__member"), pk=pk)


def _done(request: HttpRequest, deed: Callable[[], object], words: str, *, to: str = "") -> HttpResponseRedirect:
    try:
        deed()
    except fees.NotPossible as why:
        messages.error(request, str(why))
    else:
        messages.success(request, words)
    return HttpResponseRedirect(to or reverse("admin:members_payment_changelist"))


def number(text: str) -> int:
    """A row's number as an address or a form brings it; 0 is nobody's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _search(words: str) -> QuerySet[Fee]:
    """Fees by parts of the member's name, years, or a communication; all the words must fit."""
    if digits := structured.found(words):
        return known().filter(communication__in=digits)
    fitting = known()
    for word in words.split():
        names = Q(member__name__icontains=word) | Q(member__acronym__icontains=word)
        fitting = fitting.filter(
            names | Q(year=word) if word.isdigit() and word.isascii() and len(word) == 4 else names
        )
    return fitting.order_by("member__name", "-year")


def _guesses(payment: Payment) -> QuerySet[Fee]:
    """Without a search: what the communication names, or open fees of just this amount."""
    named = known().filter(communication__in=structured.found(payment.communication)).order_by("-year")
    return named if named.exists() else known().filter(open_amount=payment.amount).order_by("member__name", "-year")
