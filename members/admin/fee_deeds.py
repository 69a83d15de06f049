"""What staff do about one fee: each deed has a page that asks, and calls the function that everybody calls."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from members import fees, payments
from members.admin import frame
from members.admin.fee_forms import AmountForm, NothingForm, PaymentForm, WhyForm
from members.admin.fee_pages import CHANGE, PAY, ask, get_or_post, member_page
from members.fees import NotPossible
from members.models import Fee
from picum.localising import local_day


@never_cache
@get_or_post
def amount(request: HttpRequest, pk: int) -> HttpResponse:
    fee = _fee(request, pk, CHANGE)
    form = AmountForm(_given(request), initial={"amount": fee.amount})
    if form.is_valid():
        value = form.cleaned_data["amount"]
        return _done(request, fee, lambda: fees.set_amount(fee, value, by=request.user), _("The amount was changed."))
    words = {
        "explanation": _("As long as no debit note has gone out, the amount can be changed; 0 is an amount too."),
        "button": _("Change the amount"),
    }
    return ask(request, fee, _("Another amount"), form, **words)


@never_cache
@get_or_post
def waive(request: HttpRequest, pk: int) -> HttpResponse:
    fee = _fee(request, pk, CHANGE)
    form = WhyForm(_given(request))
    if form.is_valid():
        why, now = form.cleaned_data["why"], timezone.now()
        return _done(request, fee, lambda: fees.waive(fee, why=why, by=request.user, now=now), _("The fee was waived."))
    words = {
        "explanation": _("The member need not pay what is open, and is not reminded any more. They are not told."),
        "button": _("Waive the fee"),
    }
    return ask(request, fee, _("Waive"), form, **words)


@never_cache
@get_or_post
def note(request: HttpRequest, pk: int) -> HttpResponse:
    fee = _fee(request, pk, CHANGE)
    form = NothingForm(_given(request))
    if form.is_valid():
        now = timezone.now()
        return _done(request, fee, lambda: fees.note(fee, by=request.user, now=now), _("The debit note goes out now."))
    words = {
        "explanation": _("It goes to the treasurer, with the member contact in copy, and is due in 30 days."),
        "button": _("Send the debit note"),
    }
    return ask(request, fee, _("Debit note"), form, **words)


@never_cache
@get_or_post
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    fee = _fee(request, pk, PAY)
    now = timezone.now()
    initial = {"amount": fee.open_amount or None, "received_on": local_day(now), "payer": str(fee.member)[:140]}
    form = PaymentForm(_given(request), initial=initial)
    if form.is_valid():
        given = form.cleaned_data
        return _done(
            request, fee, lambda: payments.pay(fee, **given, by=request.user, now=now), _("The payment was entered.")
        )
    words = {
        "explanation": _("For what does not come in a bank file. What does would be counted twice."),
        "button": _("Enter the payment"),
    }
    return ask(request, fee, _("Enter a payment"), form, **words)


def _fee(request: HttpRequest, pk: int, permission: str) -> Fee:
    """The fee with what was paid of it; 403 without the permission, 404 if there is none."""
    frame.require(request, permission)
    return get_object_or_404(Fee.objects.with_paid().select_related("member"), pk=pk)


def _given(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _done(request: HttpRequest, fee: Fee, deed: Callable[[], object], words: str) -> HttpResponseRedirect:
    """Do it, and tell what came of it on the member's page."""
    try:
        deed()
    except NotPossible as why:
        messages.error(request, str(why))
    else:
        messages.success(request, words)
    return HttpResponseRedirect(member_page(fee))
