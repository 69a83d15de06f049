"""The people of a member: who they are, inviting them, changing their roles, letting them go."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from members import invitations, people
from members.access import Seat, seated
from members.forms.people import InviteForm, PersonForm
from members.models import Contact, ContactRole
from picum import alternates
from picum.accounts import limits
from picum.network import network_of


@require_http_methods(["GET", "HEAD", "POST"])
@seated("people")
def people_list(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Who acts for the member, and the form that invites somebody."""
    form = InviteForm(request.POST or None, initial={"language": seat.member.language})
    status = 200
    if form.is_valid():
        now = timezone.now()
        try:
            with transaction.atomic():  # what is counted is counted with what it is for
                limits.count_post(network_of(request), now=now)
                contact = people.add(seat.member, **form.cleaned_data, by=request.user, now=now)
        except limits.TooMany as error:
            form.add_error(None, str(error))
            status = 429
        except people.NotPossible as error:
            form.add_error("email", str(error))
        else:
            _tell_of_mail(request, contact)
            return redirect("members:people", seat.member.handle)
    now = timezone.now()
    found = [(contact, invitations.is_open(contact, now=now)) for contact in _people_of(seat)]
    return _page(request, "people", seat, people=found, form=form, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@seated("people")
def person(request: HttpRequest, seat: Seat, person: UUID) -> HttpResponse:
    """One of them: name, roles and the like."""
    contact = _person(seat, person)
    form = PersonForm(request.POST) if request.method == "POST" else PersonForm.of(contact)
    if form.is_valid():
        try:
            people.change(contact, **form.cleaned_data, by=request.user, now=timezone.now())
        except people.NotPossible as error:
            form.add_error("roles", str(error))
        else:
            messages.success(request, _("Saved."))
            # Whoever gave up the role of member contact sees no people any more.
            is_still_contact = contact.pk != seat.contact.pk or ContactRole.Role.CONTACT in form.cleaned_data["roles"]
            return redirect("members:people", seat.member.handle) if is_still_contact else redirect("members:my")
    return _page(request, "person", seat, contact=contact, form=form)


@require_http_methods(["GET", "HEAD", "POST"])
@seated("people")
def person_remove(request: HttpRequest, seat: Seat, person: UUID) -> HttpResponse:
    """Asks once more, and lets somebody go."""
    contact = _person(seat, person)
    is_oneself = contact.pk == seat.contact.pk
    if request.method == "POST":
        try:
            people.remove(contact, by=request.user, now=timezone.now())
        except people.NotPossible as error:
            messages.error(request, str(error))
            return redirect("members:people", seat.member.handle)
        messages.success(request, _("%(name)s no longer acts for %(member)s.") % _names(contact, seat))
        return redirect("members:my") if is_oneself else redirect("members:people", seat.member.handle)
    return _page(request, "person_remove", seat, contact=contact, is_oneself=is_oneself)


@require_POST
@seated("people")
def person_invite(request: HttpRequest, seat: Seat, person: UUID) -> HttpResponse:
    """The invitation goes out once more."""
    contact, now = _person(seat, person), timezone.now()
    try:
        with transaction.atomic():
            limits.count_post(network_of(request), now=now)
            people.invite(contact, by=request.user, now=now)
    except (people.NotPossible, limits.TooMany) as error:
        messages.error(request, str(error))
    else:
        _tell_of_mail(request, contact)
    return redirect("members:people", seat.member.handle)


def _people_of(seat: Seat) -> QuerySet[Contact]:
    roles = Prefetch("roles", ContactRole.objects.order_by("pk"))
    return seat.member.contacts.active().select_related("user").prefetch_related(roles)


def _person(seat: Seat, handle: UUID) -> Contact:
    contact = get_object_or_404(_people_of(seat), handle=handle)
    contact.member = seat.member
    return contact


def _names(contact: Contact, seat: Seat) -> dict[str, str]:
    return {"name": contact.name, "member": seat.member.name}


def _tell_of_mail(request: HttpRequest, contact: Contact) -> None:
    if contact.invited_at:
        messages.success(request, _("An invitation is on its way to %s.") % contact.email)
    else:
        messages.warning(request, _("Many invitations went to this address today. Please send this one tomorrow."))


def _page(request: HttpRequest, name: str, seat: Seat, *, status: int = 200, **context) -> HttpResponse:
    arguments = [seat.member.handle] + ([context["contact"].handle] if "contact" in context else [])
    shared = {"seat": seat, "here": "people", "switch": alternates.versions(f"members:{name}", *arguments)}
    return render(request, f"members/{name}.html", shared | context, status=status)
