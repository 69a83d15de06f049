"""The people of a member, looked after by the secretariat: whoever lacks a contact cannot invite one themselves."""

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from members import people
from members.admin import frame
from members.forms.people import InviteForm, PersonForm
from members.models import Contact, Member

CHANGE = "members.change_member"
get_or_post = require_http_methods(["GET", "HEAD", "POST"])


@get_or_post
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody acts for the member from now on, and gets an invitation by mail."""
    frame.require(request, CHANGE)
    member = get_object_or_404(Member, pk=pk)
    form = InviteForm(request.POST or None, initial={"language": member.language})
    if form.is_valid():
        try:
            contact = people.add(member, **form.cleaned_data, by=request.user, now=timezone.now())
        except people.NotPossible as why:
            form.add_error("email", str(why))
        else:
            return _invited(request, contact)
    words = _("They get a mail with a link, which works for fourteen days.")
    return _page(request, member, form, title=_("Invite somebody"), explanation=words, button=_("Invite"))


@get_or_post
def change(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Name, roles and the like of one of them."""
    contact = _contact(request, pk, number)
    form = PersonForm(request.POST) if request.method == "POST" else PersonForm.of(contact)
    if form.is_valid():
        try:
            people.change(contact, **form.cleaned_data, by=request.user, now=timezone.now())
        except people.NotPossible as why:
            form.add_error("roles", str(why))
        else:
            messages.success(request, _("Saved."))
            return _back(contact.member)
    words = _("The address cannot be changed: invite the new one, and remove this person after that.")
    title = f"{contact.name}, {contact.email}"
    return _page(request, contact.member, form, title=title, explanation=words, button=_("Save"))


@get_or_post
def remove(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Asks once more, and lets somebody go."""
    contact = _contact(request, pk, number)
    names = {"name": contact.name, "member": contact.member.name}
    if request.method == "POST":
        try:
            people.remove(contact, by=request.user, now=timezone.now())
        except people.NotPossible as why:
            messages.error(request, str(why))
        else:
            messages.success(request, _("%(name)s no longer acts for %(member)s.") % names)
        return _back(contact.member)
    title = _("Remove %(name)s?") % names
    words = _(
        "%(name)s could do nothing for %(member)s here any more, at once, and is not told by mail. "
        "You can invite them again."
    )
    return _page(request, contact.member, forms.Form(), title=title, explanation=words % names, button=_("Remove"))


@require_POST
def invite_again(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The invitation goes out once more."""
    contact = _contact(request, pk, number)
    try:
        people.invite(contact, by=request.user, now=timezone.now())
    except people.NotPossible as why:
        messages.error(request, str(why))
        return _back(contact.member)
    return _invited(request, contact)


def _contact(request: HttpRequest, pk: int, number: int) -> Contact:
    frame.require(request, CHANGE)
    contacts = Contact.objects.active().select_related("member").prefetch_related("roles")
    return get_object_or_404(contacts, pk=number, member=pk)


def _invited(request: HttpRequest, contact: Contact) -> HttpResponseRedirect:
    if contact.invited_at:
        messages.success(request, _("An invitation is on its way to %s.") % contact.email)
    else:
        messages.warning(request, _("Many invitations went to this address today. Please send this one tomorrow."))
    return _back(contact.member)


def _back(member: Member) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:members_member_change", args=[member.pk]) + "#contacts")


def _page(request: HttpRequest, member: Member, form: forms.Form, *, title: str, **words: str) -> HttpResponse:
    back = reverse("admin:members_member_change", args=[member.pk]) + "#contacts"
    context = {"form": form, "member": member, "back": back, **words}
    return frame.page(request, "deed.html", title, model=Member, status=400 if form.errors else 200, **context)


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Below the members' part of the desk."""
    return [
        path("<int:pk>/people/invite/", site.admin_view(invite), name="members_contact_invite"),
        path("<int:pk>/people/<int:number>/", site.admin_view(change), name="members_contact_change"),
        path("<int:pk>/people/<int:number>/remove/", site.admin_view(remove), name="members_contact_remove"),
        path("<int:pk>/people/<int:number>/again/", site.admin_view(invite_again), name="members_contact_again"),
    ]
