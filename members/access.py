"""Whose is it: the object, or 404. What is not somebody's own does not exist for them.

A person acts for a member through their contact there; the roles of the contact say what they may do. When the member
has left, its people come to their fees and receipts for ninety days more, and to nothing else.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from members.models import Contact, ContactRole, Member, Membership
from picum.accounts.models import User

Role = ContactRole.Role
# What a role may do here. The member contact may do everything.
MAY = {
    "people": {Role.CONTACT},
    "profile": {Role.CONTACT, Role.COMMUNICATIONS},
    "reports": {Role.CONTACT, Role.COMMUNICATIONS, Role.NEWSLETTER},
    "fees": {Role.CONTACT, Role.TREASURER},
    "conduct": {Role.CONTACT},
    "leave": {Role.CONTACT},
    "documents": set(Role),
    "read": set(Role),  # the overview
}
AFTERWARDS = {"fees", "read"}
AFTERWARDS_FOR = datetime.timedelta(days=90)


@dataclass(frozen=True)
class Seat:
    """Somebody's place at a member: through which contact they act, and in which roles. `belongs`: the member still
    does, or will."""

    member: Member
    contact: Contact
    roles: frozenset[str]
    belongs: bool = True

    def may(self, deed: str) -> bool:
        """Whether the person may do a deed of MAY."""
        return (self.belongs or deed in AFTERWARDS) and not MAY[deed].isdisjoint(self.roles)

    @property
    def deeds(self) -> set[str]:
        """All that the person may do here: for the navigation."""
        return {deed for deed in MAY if self.may(deed)}


def seats_of(user: User) -> list[Seat]:
    """The members for which a person acts, by name. Two queries."""
    return [_seat(contact) for contact in _contacts(user).order_by("member__name", "pk")]


def seat_for(user: User, handle: UUID, deed: str = "read") -> Seat:
    """The person's seat at the member of this handle, if they may do a deed there; Http404 in every other case."""
    contact = _contacts(user).filter(member__handle=handle).first()
    if contact is None or not (seat := _seat(contact)).may(deed):
        raise Http404
    return seat


def _contacts(user: User) -> QuerySet[Contact]:
    """The contacts through which somebody acts, with `belongs`."""
    today = timezone.localdate()
    periods = Membership.objects.standing().filter(member=OuterRef("member"))
    now, lately = (
        Exists(periods.filter(Q(until_on__isnull=True) | Q(until_on__gte=day)))
        for day in (today, today - AFTERWARDS_FOR)
    )
    contacts = Contact.objects.active().filter(lately, user=user).annotate(belongs=now)
    return contacts.select_related("member").prefetch_related("roles")


def _seat(contact: Contact) -> Seat:
    roles = frozenset(role.role for role in contact.roles.all())
    return Seat(contact.member, contact, roles, contact.belongs)


def seated(deed: str = "read") -> Callable:
    """For views at `…/<uuid:handle>/…`: they get the request and the seat (and what else the address carries).

    Everybody else gets 404, whether there is such a member or not; who is not signed in is shown the way to sign in.
    Answers are kept by no cache.
    """

    def decorated(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, handle: UUID, **rest) -> HttpResponse:
            if not request.user.is_authenticated:
                return render(request, "members/sign_in_first.html", {"next": request.path}, status=404)
            return view(request, seat_for(request.user, handle, deed), **rest)

        return guarded

    return decorated


def people_who_may(deed: str, member: Member) -> QuerySet[Contact]:
    """The contacts of a member who may do a deed of MAY, each once: to write to them."""
    return Contact.objects.active().filter(Exists(_roles_for(deed)), member=member)


def _roles_for(deed: str) -> QuerySet[ContactRole]:
    return ContactRole.objects.filter(contact=OuterRef("pk"), role__in=MAY[deed])
