"""Signing in and out, and one's own password."""

import datetime

from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from picum import alternates, links
from picum.accounts import signing_in
from picum.accounts.forms import PasswordForm, SignInForm
from picum.accounts.models import User
from picum.addresses import InvalidAddress
from picum.network import network_of

# When a link opened the session, in seconds since 1970.
_BY_LINK_AT = "signed_in_by_link_at"


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """One form with two buttons: in with the password, or have a link mailed. What the second answers is the same for
    every address."""
    onward = signing_in.own_path(request.POST.get("next") or request.GET.get("next"))
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(onward or "members:my")
        return _form(request, SignInForm(), onward)
    form = SignInForm(request.POST, by_link="link" in request.POST)
    if not form.is_valid():
        return _form(request, form, onward)
    return (_mail_link if "link" in request.POST else _try_password)(request, form, onward)


def _form(request: HttpRequest, form: SignInForm, onward: str, status: int = 200) -> HttpResponse:
    context = {"form": form, "next": onward, "switch": alternates.versions("accounts:sign_in")}
    return render(request, "accounts/sign_in.html", context, status=status)


def _mail_link(request: HttpRequest, form: SignInForm, onward: str) -> HttpResponse:
    network, language, now = network_of(request), get_language(), timezone.now()
    try:
        signing_in.ask_for_link(
            form.cleaned_data["address"], language=language, onward=onward, network=network, now=now
        )
    except InvalidAddress as error:
        form.add_error("address", str(error))
        return _form(request, form, onward)
    except signing_in.TooMany as error:
        form.add_error(None, str(error))
        return _form(request, form, onward, status=429)
    return render(request, "accounts/link_asked.html", {"switch": alternates.versions("accounts:sign_in")})


def _try_password(request: HttpRequest, form: SignInForm, onward: str) -> HttpResponse:
    address, password = form.cleaned_data["address"], form.cleaned_data["password"]
    try:
        user = signing_in.by_password(address, password, network=network_of(request), now=timezone.now())
    except signing_in.TooMany as error:
        form.add_error(None, str(error))
        return _form(request, form, onward, status=429)
    if user is None:
        form.add_error(None, _("There is no account with this address and this password."))
        return _form(request, form, onward)
    login(request, user)
    return redirect(onward or "members:my")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """The mailed link. GET and HEAD, which mail scanners send too, show a button; only the button signs in, once."""
    context = {"switch": alternates.versions("accounts:open", token)}
    try:
        link = signing_in.find_link(token, now=timezone.now())
    except links.Expired:
        link = None
    except links.BadToken:
        return render(request, "newsletter/bad_link.html", context, status=404)
    if link is not None and request.method != "POST":
        return render(request, "accounts/open_link.html", context | {"person": link.user})
    if link is None or not signing_in.use_link(link):
        return render(request, "accounts/link_over.html", context, status=410)
    come_in(request, link.user, now=timezone.now())
    return redirect(link.onward or "members:my")


def come_in(request: HttpRequest, user: User, *, now: datetime.datetime) -> None:
    """Sign somebody in who came by a link of ours: for some minutes they can set a password without the old one."""
    login(request, user)
    request.session[_BY_LINK_AT] = now.timestamp()


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """The session ends."""
    onward = signing_in.own_path(request.POST.get("next"))
    logout(request)
    return redirect(onward or "pages:home")


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Set or change one's own password: with the old one, or in the first minutes after a link opened the session."""
    if not request.user.is_authenticated:
        return redirect(f"{reverse('accounts:sign_in')}?{urlencode({'next': request.path})}")
    user, now = request.user, timezone.now()
    came = request.session.get(_BY_LINK_AT)
    knows_who = came is not None and now.timestamp() - came < signing_in.FRESH.total_seconds()
    context = {"switch": alternates.versions("accounts:password"), "has_one": user.has_usable_password()}
    if not (knows_who or user.has_usable_password()):
        return render(request, "accounts/password.html", context)
    form = PasswordForm(user, request.POST if request.method == "POST" else None, knows_who=knows_who)
    if form.is_valid() and (knows_who or _is_the_old_one(request, form, now)):
        signing_in.set_password(user, form.cleaned_data["new_password1"])
        update_session_auth_hash(request, user)
        request.session.pop(_BY_LINK_AT, None)
        messages.success(request, _("Your new password is set."))
        return redirect("members:my")
    return render(request, "accounts/password.html", context | {"form": form})


def _is_the_old_one(request: HttpRequest, form: PasswordForm, now: datetime.datetime) -> bool:
    """Whoever finds an open session cannot guess on for ever either."""
    network, old = network_of(request), form.cleaned_data["old"]
    try:
        if signing_in.by_password(request.user.email, old, network=network, now=now):
            return True
        form.add_error("old", _("This is not your password."))
    except signing_in.TooMany as error:
        form.add_error("old", str(error))
    return False
