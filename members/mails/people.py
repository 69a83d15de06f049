"""Letters to the people of a member."""

import datetime

from django.core.mail import EmailMultiAlternatives

from members import invitations
from members.models import Contact
from picum import localising
from picum.letters import post
from picum.letters.models import Letter


@post.builds("members.invited")
def invited(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """The link of an invitation, while it is open."""
    contacts = Contact.objects.select_related("member").prefetch_related("roles")
    contact = contacts.filter(pk=letter.about["contact"]).first()
    if contact is None or not invitations.is_open(contact, now=now):
        return None
    return post.written(
        letter,
        "members/invited",
        member=contact.member.name,
        roles=[role.get_role_display() for role in contact.roles.all()],
        token=invitations.token_for(contact),
        until=localising.deadline(invitations.until(contact), letter.language),
    )
