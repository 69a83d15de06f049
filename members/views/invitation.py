"""The link of an invitation."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from members import invitations
from members.models import Contact
from picum import alternates, links
from picum.accounts.models import User
from picum.accounts.views import come_in


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Who invites to what. GET and HEAD, which mail scanners send too, show a button; only the button accepts."""
    now, context = timezone.now(), {"switch": alternates.versions("members:invitation", token)}
    try:
        contact = invitations.find(token)
    except links.BadToken:
        contact = None
    if contact is None:
        return render(request, "newsletter/bad_link.html", context, status=404)
    if contact.user_id and contact.user_id == request.user.pk:
        return redirect("members:my")
    context |= {"contact": contact, "next": request.path}
    if not invitations.is_open(contact, now=now):
        return render(request, "members/invitation_over.html", context, status=410)
    if _is_somebody_else(request.user, contact):
        return render(request, "members/invitation_elsewhere.html", context, status=409)
    if request.method != "POST":
        return render(request, "members/invitation.html", context)
    try:
        user = invitations.accept(contact, language=get_language(), now=now)
    except invitations.NotPossible as error:
        return render(request, "members/invitation_over.html", context | {"why": str(error)}, status=410)
    return _come_in(request, user)


def _is_somebody_else(user: User, contact: Contact) -> bool:
    return user.is_authenticated and user.email.lower() != contact.email.lower()


def _come_in(request: HttpRequest, user: User) -> HttpResponse:
    """Who works at the desk is let in by their password alone; see `picum.accounts.signing_in`. Whoever has been here
    before signs in as always: a link of two weeks is not to open what they do for others."""
    onward = reverse("members:my")
    if (user.is_staff or user.last_login) and not request.user.is_authenticated:
        return redirect(f"{reverse('accounts:sign_in')}?{urlencode({'next': onward})}")
    if not request.user.is_authenticated:
        come_in(request, user, now=timezone.now())
    return redirect(onward)
