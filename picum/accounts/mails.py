"""Letters about signing in."""

import datetime
import uuid

from django.core.mail import EmailMultiAlternatives
from django.db import transaction

from picum import links, localising
from picum.accounts import inviting, limits, signing_in
from picum.accounts.models import DeskInvitation, SignInLink, User
from picum.addresses import mailbox_key
from picum.letters import post
from picum.letters.models import Letter

# Nobody sits and waits for it any longer.
WANTED = datetime.timedelta(hours=1)


@post.builds("accounts.sign_in")
def sign_in(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """The link that somebody asked for, if the address has an account that is active and had not its share of links; it
    makes an older one void. Who works at the desk is told to take the password."""
    user = User.objects.of_address(letter.address)
    if user is None or not user.is_active or now > letter.created_at + WANTED:
        return None
    link = _link(letter, user, now)
    if link is None:
        return None
    if user.is_staff:
        return post.written(letter, "accounts/sign_in_at_the_desk")
    until = now + signing_in.VALID
    token = links.sign_until(link.handle, purpose=signing_in.PURPOSE, until=until)
    return post.written(letter, "accounts/sign_in", token=token, until=localising.deadline(until, letter.language))


@transaction.atomic
def _link(letter: Letter, user: User, now: datetime.datetime) -> SignInLink | None:
    """The account's link, from now on the one of this letter. None when the link was used, a later letter was
    quicker, or the mailbox had its share. A letter that is built again keeps its link and is counted once."""
    limits.take_turn()
    handle, mailbox = uuid.UUID(letter.about["handle"]), mailbox_key(letter.address)
    link = SignInLink.objects.filter(user=user).first()
    if link is not None and link.handle == handle:
        return link
    is_late = link is not None and link.asked_at >= letter.created_at
    if is_late or limits.has_had_its_share(mailbox, "sign-in", now=now):
        return None
    limits.count_mail(mailbox, "sign-in", domain=None, now=now)
    fields = {"handle": handle, "asked_at": letter.created_at, "onward": letter.about["onward"]}
    return SignInLink.objects.update_or_create(user=user, defaults=fields)[0]


@post.builds("accounts.desk_invited")
def desk_invited(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """To somebody who is invited to the desk, as long as the invitation is open."""
    invitation = DeskInvitation.objects.select_related("invited_by").filter(pk=letter.about["invitation"]).first()
    if invitation is None or not inviting.is_open(invitation, now=now):
        return None
    return post.written(
        letter,
        "accounts/desk_invited",
        name=invitation.name,
        inviter=str(invitation.invited_by or ""),
        token=inviting.token_for(invitation),
        until=localising.deadline(inviting.until(invitation), letter.language),
    )
