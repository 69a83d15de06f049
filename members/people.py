"""The people of a member: who acts for it, in which roles. The only writer of `Contact` and `ContactRole`, but for
`members.invitations`, which lets an invited person in."""

import datetime
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from members.models import Contact, ContactRole, Member
from picum.accounts import audit, limits
from picum.accounts.models import User
from picum.addresses import address_key, mailbox_key, reachable
from picum.letters import post

Role = ContactRole.Role
# Whoever pressed the button twice gets one mail.
BREATH = datetime.timedelta(minutes=10)


class NotPossible(ValueError):
    """It would leave the member's people in disorder; the message says why to the person."""


@transaction.atomic
def add(
    member: Member,
    *,
    name: str,
    email: str,
    roles: Iterable[str],
    language: str,
    position: str = "",
    telephone: str = "",
    by: User | None,
    now: datetime.datetime,
    invite: bool = True,
    letter: str = "members.invited",
) -> Contact:
    """Somebody acts for a member from now on, in these roles (of `ContactRole.Role`, at least one). Audited.

    With `invite` a letter (of the kind `letter`) with a link is queued to them, unless their mailbox had its share of
    invitations today: then `invited_at` stays empty, and the letter can be sent tomorrow. Raises NotPossible when no
    role is given or the address is that of somebody who acts for the member already; addresses.InvalidAddress.
    """
    roles, address = _in_order(roles), reachable(email)
    _held(member)
    if member.contacts.active().filter(address_key=address_key(address)).exists():
        raise NotPossible(_("There is somebody with this mail address already."))
    contact = Contact.objects.create(
        member=member,
        name=name.strip(),
        email=address,
        address_key=address_key(address),
        language=language,
        position=position.strip(),
        telephone=telephone.strip(),
        created_at=now,
    )
    ContactRole.objects.bulk_create(ContactRole(contact=contact, role=role) for role in roles)
    audit.record("contact.add", by=by, on=member, contact=contact.pk, roles=roles)
    if invite:
        _mail(contact, now, letter)
    return contact


@transaction.atomic
def change(
    contact: Contact,
    *,
    name: str,
    roles: Iterable[str],
    language: str,
    position: str,
    telephone: str,
    by: User | None,
    now: datetime.datetime,
) -> Contact:
    """Name, roles, language and the like are as given from now on. The address is not: whoever has a new one is invited
    anew, since only that proves whose it is. Audited; nobody is told. Raises NotPossible when no role is given, when
    they have left, or when the member would be without a member contact who can sign in."""
    roles = _in_order(roles)
    _held(contact.member)
    _still_here(contact)
    if Role.CONTACT not in roles:
        _not_the_last(contact, by)
    fields = {"name": name.strip(), "language": language, "position": position.strip(), "telephone": telephone.strip()}
    Contact.objects.filter(pk=contact.pk).update(**fields)
    for field, value in fields.items():
        setattr(contact, field, value)
    contact.roles.exclude(role__in=roles).delete()
    ContactRole.objects.bulk_create((ContactRole(contact=contact, role=role) for role in roles), ignore_conflicts=True)
    audit.record("contact.change", by=by, on=contact.member, contact=contact.pk, roles=roles)
    return contact


@transaction.atomic
def remove(contact: Contact, *, by: User | None, now: datetime.datetime) -> Contact:
    """Somebody no longer acts for a member: they can open nothing of it from now on, and an invitation that waits is
    void. Their account stays, with their other seats. Audited; nobody is told. Raises NotPossible when they have left
    before, or when the member would be without a member contact who can sign in."""
    _held(contact.member)
    _still_here(contact)
    _not_the_last(contact, by)
    contact.left_on = timezone.localdate(now)
    contact.save(update_fields=["left_on"])
    audit.record("contact.remove", by=by, on=contact.member, contact=contact.pk)
    return contact


@transaction.atomic
def invite(contact: Contact, *, by: User | None, now: datetime.datetime) -> Contact:
    """Send the invitation, or send it once more; its fourteen days begin again. A letter is queued. Audited.

    Raises NotPossible when they have left or accepted it, when the last one is some minutes old, or when the mailbox
    had its share of invitations.
    """
    _held(contact.member)
    _still_here(contact)
    contact.refresh_from_db(fields=["user", "invited_at"])
    if contact.user_id:
        raise NotPossible(_("This person has accepted the invitation already."))
    if contact.invited_at and contact.invited_at > now - BREATH:
        raise NotPossible(_("An invitation is on its way. If it does not arrive, send another in ten minutes."))
    if not _mail(contact, now):
        raise NotPossible(_("Many invitations went to this address today. Please try again tomorrow."))
    audit.record("contact.invite", by=by, on=contact.member, contact=contact.pk)
    return contact


@transaction.atomic
def introduce(user: User, *, name: str, language: str) -> None:
    """Somebody says what they are called, and in which language we write to them: in their account, and wherever they
    act for a member. Audited; nobody is told."""
    user.name, user.language = name.strip(), language
    user.save(update_fields=["name", "language"])
    Contact.objects.active().filter(user=user).update(name=user.name, language=language)
    audit.record("user.introduce", by=user, on=user, language=language)


def _mail(contact: Contact, now: datetime.datetime, letter: str = "members.invited") -> bool:
    """Queue the letter, if the mailbox may get one more."""
    limits.take_turn()
    mailbox = mailbox_key(contact.email)
    if limits.has_had_its_share(mailbox, "invitation", now=now):
        return False
    limits.count_mail(mailbox, "invitation", domain=None, now=now)
    contact.invited_at = now
    contact.save(update_fields=["invited_at"])
    post.put(letter, to=contact.email, language=contact.language, now=now, contact=contact.pk)
    return True


def _in_order(roles: Iterable[str]) -> list[str]:
    wanted = {Role(role) for role in roles}
    if not wanted:
        raise NotPossible(_("Please choose at least one role."))
    return [role.value for role in Role if role in wanted]


def _still_here(contact: Contact) -> None:
    if not Contact.objects.active().filter(pk=contact.pk).exists():
        raise NotPossible(_("This person does not act for the member any more."))


def _not_the_last(contact: Contact, by: User | None) -> None:
    """Its own people cannot lock a member out. The secretariat can take anybody away: it looks after the gap."""
    if by is None or by.is_staff or not contact.roles.filter(role=Role.CONTACT).exists():
        return
    others = Contact.objects.active().with_role(Role.CONTACT).filter(member=contact.member_id).exclude(pk=contact.pk)
    # Somebody who was invited and never came, or whose account is switched off, could not let the others in again.
    if not others.filter(user__is_active=True).exists():
        raise NotPossible(
            _("There must be a member contact. First let somebody else become one, and let them sign in once.")
        )


def _held(member: Member) -> None:
    """Two who change the people of one member at once stand in line."""
    Member.objects.select_for_update().get(pk=member.pk)
