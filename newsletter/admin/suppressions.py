"""The stop list. The addresses themselves are not kept."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from newsletter import suppressing
from newsletter.admin import guard
from newsletter.admin.keyset import AddressKeyAdmin
from newsletter.admin.notes import ReasonForm
from newsletter.models import Suppression
from picum.accounts.lists import Choice
from picum.addresses import InvalidAddress, normalise

LIFT = "newsletter.delete_suppression"


class ReasonFilter(Choice):
    title = gettext_lazy("reason")
    parameter_name = "reason__exact"

    def lookups(self, request, model_admin):
        return Suppression.Reason.choices


@admin.register(Suppression)
class SuppressionAdmin(AddressKeyAdmin):
    """In the order in which the addresses came onto it."""

    change_form_template = "admin/newsletter/suppression/change_form.html"
    fields = readonly_fields = ["reason", "created_at", "fingerprint", "reader"]
    list_display = ["fingerprint", "reason", "created_at", "reader"]
    list_filter = [ReasonFilter]

    def get_urls(self):
        lifting = path("<int:pk>/lift/", self.admin_site.admin_view(lift), name="newsletter_suppression_lift")
        return [lifting, *super().get_urls()]

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False  # lifting needs a note

    def add_view(self, request, form_url="", extra_context=None):
        return add(request)

    def render_change_form(self, request, context, *args, **kwargs):
        stop = context["original"]
        context |= {"liftable": stop.reason in suppressing.LIFTABLE, "may_lift": request.user.has_perm(LIFT)}
        return super().render_change_form(request, context, *args, **kwargs)


class StopForm(ReasonForm):
    address = forms.CharField(label=gettext_lazy("Address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    field_order = ["address", "note"]

    def clean_address(self) -> str:
        try:
            return normalise(self.cleaned_data["address"])
        except InvalidAddress as why:
            raise forms.ValidationError(str(why)) from None


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """GET asks for an address and a note; POST stops it."""
    guard.require(request, ("newsletter.add_suppression",))
    form = StopForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        told = form.cleaned_data
        if suppressing.add(told["address"], by=request.user, note=told["note"], now=timezone.now()):
            messages.success(request, _("No mail goes to this address any more."))
        else:
            messages.info(request, _("The address is on the stop list already; its entry stays as it is."))
        return HttpResponseRedirect(_list())
    return guard.page(request, "suppress_add.html", _("Stop an address"), opts=Suppression._meta, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks for a note, or says why there is nothing to ask; POST takes the entry off the list."""
    guard.require(request, (LIFT,))
    stop = get_object_or_404(Suppression, pk=pk)
    liftable = stop.reason in suppressing.LIFTABLE
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            suppressing.lift(stop, by=request.user, note=form.cleaned_data["note"])
        except suppressing.NotLifted as why:
            messages.error(request, str(why))
        else:
            messages.success(request, _("The entry was lifted: mail may go to the address again."))
        return HttpResponseRedirect(_list())
    return guard.page(
        request, "suppress_lift.html", _("Lift"), opts=Suppression._meta, stop=stop, form=form, liftable=liftable
    )


def _list() -> str:
    return reverse("admin:newsletter_suppression_changelist")
