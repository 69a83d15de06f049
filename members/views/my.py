"""Where a member's people find what they can do, and what they say of themselves."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from members import open_matters, people
from members.access import seats_of
from members.forms.people import AccountForm
from picum import alternates


@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The members for which somebody acts, and what is open there. The way in: it shows everybody where to sign
    in."""
    if not request.user.is_authenticated:
        return _to_sign_in(request)
    places = open_matters.of(seats_of(request.user), on=timezone.localdate())
    context = {"places": places, "switch": alternates.versions("members:my")}
    return render(request, "members/my.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Somebody's own name and language; from here they come to their password, and sign out."""
    if not request.user.is_authenticated:
        return _to_sign_in(request)
    known = {"name": request.user.name, "language": request.user.language}
    form = AccountForm(request.POST if request.method == "POST" else None, initial=known)
    if form.is_valid():
        people.introduce(request.user, **form.cleaned_data)
        with override(form.cleaned_data["language"]):
            messages.success(request, _("Saved."))
            return redirect("members:account")
    context = {"form": form, "switch": alternates.versions("members:account")}
    return render(request, "members/account.html", context)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('accounts:sign_in')}?{urlencode({'next': request.path})}")
