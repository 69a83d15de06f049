"""Invitations: the link by which a person whom a member named comes in. Mailed by `members.people`."""

import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext as _

from members.models import Contact
from members.people import NotPossible
from picum import links
from picum.accounts import audit
from picum.accounts.models import User

VALID = datetime.timedelta(days=14)
PURPOSE = "invitation"


def token_for(contact: Contact) -> str:
    """What the link of a contact's invitation carries. The last mail decides how long it works."""
    return links.sign(contact.handle, purpose=PURPOSE)


def find(token: str) -> Contact | None:
    """The contact of a link, whatever has become of it; None when the row is gone. Raises links.BadToken."""
    handle = links.unsign(token, purpose=PURPOSE)
    return Contact.objects.select_related("member", "user").prefetch_related("roles").filter(handle=handle).first()


def until(contact: Contact) -> datetime.datetime | None:
    """How long the invitation works; None when none was sent."""
    return contact.invited_at + VALID if contact.invited_at else None


def is_open(contact: Contact, *, now: datetime.datetime) -> bool:
    """Whether the invitation can be accepted."""
    return not (contact.left_on or contact.user_id) and bool(contact.invited_at) and now < until(contact)


@transaction.atomic
def accept(contact: Contact, *, language: str, now: datetime.datetime) -> User:
    """The person has come: their account, the one of this very address or a new one in the language of the page, acts
    for the member from now on. Audited; nobody is told. Raises NotPossible when the invitation is not open any more, or
    the account of the address is switched off."""
    user = User.objects.of_address(contact.email)
    if user is None:
        fields = {"name": contact.name, "language": language, "password": make_password(None)}
        user, _is_new = User.objects.get_or_create(email=contact.email.lower(), defaults=fields)
    if not user.is_active:
        raise NotPossible(_("The account of this mail address is switched off. Please write to the secretariat."))
    ours = Contact.objects.active().filter(pk=contact.pk, user=None, invited_at__gt=now - VALID)
    if not ours.update(user=user):
        raise NotPossible(_("This invitation cannot be accepted any more."))
    contact.user = user
    audit.record("contact.accept", by=user, on=contact.member, contact=contact.pk)
    return user
