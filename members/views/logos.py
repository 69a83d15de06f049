"""Logos: for the public at an address that changes with the picture, for a member's own people at theirs."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from members import profiles, shelf
from members.access import Seat, seated
from members.models import Member, Shown


@require_safe
def public_logo(request: HttpRequest, name: str) -> HttpResponse:
    """A logo that its member shows in the directory; 404 for every other file, and once it is not shown any more."""
    if "\0" in name:  # PostgreSQL cannot even be asked for it
        raise Http404
    member = Member.objects.listed(on=timezone.localdate()).filter(logo=name).first()
    if member is None or not member.shows(Shown.LOGO):
        raise Http404
    return shelf.serve_logo(request, name)


@seated("profile")
@require_safe
def own_logo(request: HttpRequest, seat: Seat, name: str) -> HttpResponse:
    """The logo that the member has or wishes, for those who may change it."""
    asked = profiles.waiting(seat.member).get("logo")
    wished = asked.new["file"] if asked and asked.new else ""
    if name not in {seat.member.logo, wished}:
        raise Http404
    return private_logo(request, name)


def private_logo(request: HttpRequest, name: str) -> HttpResponse:
    """A logo for whoever the view has let in: no cache keeps it."""
    response = shelf.serve_logo(request, name)
    response.headers["Cache-Control"] = "private, no-store"
    return response
