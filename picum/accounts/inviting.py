"""Inviting people to work at the desk: a link by mail with which they choose a password, once.

A mailbox alone opens no account that could do something here before: whoever has a password confirms it. And nobody
gives away what they do not have themselves.
"""

import datetime
from collections.abc import Callable, Iterable

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from picum import links
from picum.accounts import audit, limits, signing_in
from picum.accounts.models import DeskInvitation, User
from picum.addresses import mailbox_key, reachable
from picum.letters import post

VALID = datetime.timedelta(days=14)
# Whoever pressed the button twice sends one mail.
BREATH = datetime.timedelta(minutes=10)
# So long after its end an invitation is remembered, and its address with it.
KEPT = datetime.timedelta(days=60)
PURPOSE = "desk-invitation"
INVITE = "accounts.invite_user"
FOLLOWERS: dict[str, Callable[[User, str], None]] = {}


class NotPossible(ValueError):
    """It cannot be done; the message says why to the person."""


class WrongPassword(NotPossible):
    """It is not the password of the account."""


def follows(name: str) -> Callable:
    """Register what follows when an invitation is accepted whose `about` has this name: a function of the person and
    the value, in the same transaction. For those who stand above us, as `picum.letters.post.builds` is."""

    def registered(follower: Callable[[User, str], None]) -> Callable[[User, str], None]:
        FOLLOWERS[name] = follower
        return follower

    return registered


# --- what somebody may give ------------------------------------------------------------------------------------------


def may_give(by: User) -> QuerySet[Group]:
    """The roles to which somebody may invite: those of which they have every right, and which do not let others invite;
    all of them for superusers. Two queries at most, beside those of their own rights."""
    groups = Group.objects.order_by("name")
    if by.is_active and by.is_superuser:
        return groups
    if not by.has_perm(INVITE):
        return groups.none()
    rights = Permission.objects.values_list("pk", "content_type__app_label", "codename")
    named = {pk: f"{app}.{codename}" for pk, app, codename in rights}
    beyond = [pk for pk, name in named.items() if name == INVITE or not by.has_perm(name)]
    return groups.exclude(permissions__in=beyond)


# --- inviting --------------------------------------------------------------------------------------------------------


@transaction.atomic
def invite(
    address: str,
    *,
    name: str,
    language: str,
    groups: Iterable[Group],
    by: User,
    now: datetime.datetime,
    about: dict[str, str] | None = None,
) -> DeskInvitation:
    """Invite somebody to the desk in some roles, at least one. A letter with a link is queued. Audited.

    `about` says what else they get, by the names of FOLLOWERS. Raises NotPossible when `by` may not give one of the
    roles, the person has them all, an invitation waits for this address, or its mailbox had its share; and
    addresses.InvalidAddress.
    """
    groups, about, email = list(groups), about or {}, reachable(address).lower()
    if unknown := about.keys() - FOLLOWERS.keys():
        raise LookupError(f"Nobody knows what follows of {sorted(unknown)}.")
    _check_gift(groups, by)
    user = User.objects.of_address(email)
    if user and user.is_staff and not {group.pk for group in groups} - set(user.groups.values_list("pk", flat=True)):
        raise NotPossible(_("This person works here in these roles already."))
    try:
        with transaction.atomic():
            invitation = DeskInvitation.objects.create(
                email=email, name=name.strip(), language=language, about=about, invited_by=by, created_at=now
            )
    except IntegrityError:
        raise NotPossible(
            _("An invitation to this address waits already: send it once more, or take it back first.")
        ) from None
    invitation.groups.set(groups)
    _mail(invitation, now)
    audit.record("desk.invite", by=by, on=invitation, roles=[group.name for group in groups], **about)
    return invitation


@transaction.atomic
def send_again(invitation: DeskInvitation, *, by: User, now: datetime.datetime) -> None:
    """The same link by another mail; its fourteen days begin again, and who sends it answers for it from now on.
    Audited. Raises NotPossible."""
    invitation = _open(invitation)
    _check_gift(invitation.groups.all(), by)
    if invitation.mailed_at and invitation.mailed_at > now - BREATH:
        raise NotPossible(_("An invitation is on its way. If it does not arrive, send another in ten minutes."))
    invitation.invited_by = by
    invitation.save(update_fields=["invited_by"])
    _mail(invitation, now)
    audit.record("desk.invite_again", by=by, on=invitation)


@transaction.atomic
def take_back(invitation: DeskInvitation, *, by: User, now: datetime.datetime) -> None:
    """Its link is void from now on. Audited. Raises NotPossible when it was accepted or taken back before."""
    invitation = _open(invitation)
    invitation.taken_back_at = now
    invitation.save(update_fields=["taken_back_at"])
    audit.record("desk.invite_back", by=by, on=invitation)


def waiting() -> QuerySet[DeskInvitation]:
    """Those that were neither accepted nor taken back, whether their link still works or not."""
    return DeskInvitation.objects.filter(accepted_at=None, taken_back_at=None)


def forget(*, now: datetime.datetime) -> int:
    """Delete what ended long ago: the audit trail says what was done. How many."""
    ended = Q(mailed_at__lt=now - VALID - KEPT) | Q(accepted_at__lt=now - KEPT) | Q(taken_back_at__lt=now - KEPT)
    return DeskInvitation.objects.filter(ended).delete()[1].get("accounts.DeskInvitation", 0)


def _check_gift(groups: Iterable[Group], by: User) -> None:
    wanted = {group.pk for group in groups}
    if not wanted:
        raise NotPossible(_("Please choose at least one role."))
    if wanted - set(may_give(by).values_list("pk", flat=True)):
        raise NotPossible(_("You cannot give a role that may do more than you."))


def _open(invitation: DeskInvitation) -> DeskInvitation:
    found = waiting().select_for_update().filter(pk=invitation.pk).first()
    if found is None:
        raise NotPossible(_("This invitation has been accepted or taken back already."))
    return found


def _mail(invitation: DeskInvitation, now: datetime.datetime) -> None:
    limits.take_turn()
    mailbox = mailbox_key(invitation.email)
    if limits.has_had_its_share(mailbox, "invitation", now=now):
        raise NotPossible(_("Many invitations went to this address today. Please try again tomorrow."))
    limits.count_mail(mailbox, "invitation", domain=None, now=now)
    invitation.mailed_at = now
    invitation.save(update_fields=["mailed_at"])
    about = {"invitation": invitation.pk}
    post.put("accounts.desk_invited", to=invitation.email, language=invitation.language, now=now, **about)


# --- accepting -------------------------------------------------------------------------------------------------------


def token_for(invitation: DeskInvitation) -> str:
    """What its link carries. The last mail decides how long it works."""
    return links.sign(invitation.handle, purpose=PURPOSE)


def find(token: str) -> DeskInvitation | None:
    """The invitation of a link, whatever has become of it; None when the row is gone. Raises links.BadToken."""
    handle = links.unsign(token, purpose=PURPOSE)
    return DeskInvitation.objects.select_related("invited_by").filter(handle=handle).first()


def until(invitation: DeskInvitation) -> datetime.datetime:
    """How long its link works."""
    return (invitation.mailed_at or invitation.created_at) + VALID


def is_open(invitation: DeskInvitation, *, now: datetime.datetime) -> bool:
    """Whether it can be accepted: as long as who sent it works here."""
    ended = invitation.accepted_at or invitation.taken_back_at or invitation.invited_by_id is None
    return not ended and now < until(invitation)


def has_password(invitation: DeskInvitation) -> bool:
    """Whether the address has an account whose password must be confirmed; else one is chosen."""
    user = User.objects.of_address(invitation.email)
    return user is not None and user.has_usable_password()


def accept(
    invitation: DeskInvitation, *, name: str, language: str, password: str, network: str, now: datetime.datetime
) -> User:
    """The person has come: the account of this address, or a new one, works at the desk from now on in these roles.

    `password` is the account's, if it has one, and else the one it gets. All its sessions end, since they may have been
    opened by a mailbox alone, and a link to sign in with that waits is void. The invitation is used up. Audited; nobody
    is told. Raises WrongPassword, limits.TooMany, and NotPossible when the invitation is not open any more, who sent it
    may not give these roles any more, or the account is not one that a link may open.
    """
    is_known = has_password(invitation)
    # A guess is counted even if nothing comes of it, and so not within the transaction.
    if is_known and not signing_in.by_password(invitation.email, password, network=network, now=now):
        raise WrongPassword(_("This is not your password."))
    return _let_in(invitation, name=name, language=language, password=password, is_known=is_known, now=now)


@transaction.atomic
def _let_in(
    invitation: DeskInvitation, *, name: str, language: str, password: str, is_known: bool, now: datetime.datetime
) -> User:
    """`is_known`: the password is the account's own."""
    invitation = _open(invitation)
    if not is_open(invitation, now=now):
        raise NotPossible(_("This invitation cannot be accepted any more."))
    groups = list(invitation.groups.all())
    _check_gift(groups, invitation.invited_by)
    nobody_yet = {"password": make_password(None)}
    user, _is_new = User.objects.select_for_update().get_or_create(email=invitation.email, defaults=nobody_yet)
    _check_account(user)
    if user.has_usable_password() and not is_known:  # it has got one meanwhile
        raise WrongPassword(_("Your account has a password by now. Please open the link once more."))
    user.name, user.language = name.strip(), language
    if not user.is_staff:  # what they might have done here once is not given back unseen
        user.is_staff = True
        user.groups.clear()
        user.user_permissions.clear()
    user.save(update_fields=["name", "language", "is_staff"])
    user.groups.add(*groups)
    signing_in.set_password(user, password)
    for key, value in invitation.about.items():
        FOLLOWERS[key](user, value)
    invitation.accepted_at, invitation.user = now, user
    invitation.save(update_fields=["accepted_at", "user"])
    audit.record("desk.accept", by=user, on=user, roles=[group.name for group in groups])
    return user


def _check_account(user: User) -> None:
    if not user.is_active:
        raise NotPossible(_("The account of this mail address is switched off. Please write to the secretariat."))
    could_more = user.is_staff or user.is_superuser
    if could_more and not user.has_usable_password():
        raise NotPossible(_("Your account has no password. Please ask a colleague to give you one at the desk."))


# --- taking a role away ----------------------------------------------------------------------------------------------


@transaction.atomic
def take_away(user: User, groups: Iterable[Group], *, by: User) -> None:
    """Somebody does not work in these roles any more; and not at the desk, when nothing is left that they may do there.
    Audited; nobody is told."""
    groups = list(groups)
    user.groups.remove(*groups)
    if not (user.is_superuser or user.groups.exists() or user.user_permissions.exists()):
        user.is_staff = False
        user.save(update_fields=["is_staff"])
    audit.record("desk.take_away", by=by, on=user, roles=[group.name for group in groups])
