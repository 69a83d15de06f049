"""The page that the link of an invitation to the desk opens."""

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from picum import alternates, links
from picum.accounts import inviting
from picum.accounts.forms import IntroductionForm, KnownPasswordForm, PasswordForm
from picum.accounts.limits import TooMany
from picum.accounts.models import DeskInvitation, User
from picum.network import network_of


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, token: str) -> HttpResponse:
    """GET and HEAD, which mail scanners send too, show a form; only the form accepts, once."""
    context = {"switch": alternates.versions("accounts:desk_invitation", token), "next": request.path}
    try:
        invitation = inviting.find(token)
    except links.BadToken:
        invitation = None
    if invitation is None:
        return render(request, "newsletter/bad_link.html", context, status=404)
    context["invitation"] = invitation
    if not inviting.is_open(invitation, now=timezone.now()):
        return render(request, "accounts/desk_invitation_over.html", context, status=410)
    if request.user.is_authenticated and request.user.email != invitation.email:
        return render(request, "accounts/desk_invitation_elsewhere.html", context, status=409)
    return _forms(request, invitation, context)


def _forms(request: HttpRequest, invitation: DeskInvitation, context: dict) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    somebody = User(email=invitation.email, name=invitation.name, language=get_language())
    about = IntroductionForm(data, instance=somebody)
    if has_one := inviting.has_password(invitation):
        password = KnownPasswordForm(data)
    else:
        password = PasswordForm(somebody, data, knows_who=True)
    # Both are asked, so that one answer names all that is not right yet.
    valid, status = all([about.is_valid(), password.is_valid()]), 200
    if valid:
        try:
            user = inviting.accept(
                invitation,
                **about.cleaned_data,
                password=password.cleaned_data["password" if has_one else "new_password1"],
                network=network_of(request),
                now=timezone.now(),
            )
        except inviting.WrongPassword as why:
            password.add_error("password", str(why))
        except TooMany as why:
            password.add_error("password", str(why))
            status = 429
        except inviting.NotPossible as why:
            return render(request, "accounts/desk_invitation_over.html", context | {"why": str(why)}, status=410)
        else:
            login(request, user)
            return redirect("admin:index")
    context |= {"about": about, "password": password, "has_one": has_one, "roles": invitation.groups.order_by("name")}
    return render(request, "accounts/desk_invitation.html", context, status=status)
