"""The register of members: the only writer of `Membership`. Periods are opened, ended or struck out, not altered."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from members.models import Category, DecidedBy, Member, Membership
from picum.accounts import audit
from picum.accounts.models import User

Ended = Membership.Ended


class NotPossible(ValueError):
    """The register does not allow it; the message says why to the person."""


@transaction.atomic
def admit(
    member: Member,
    category: Category,
    *,
    from_on: datetime.date,
    decided_by: str,
    decided_on: datetime.date | None,
    by: User | None,
    joined_on: datetime.date | None = None,
    words: str = "",
) -> Membership:
    """A membership begins. `joined_on` is the day of the first admission if that was earlier. Audited. Nobody is told.
    Raises NotPossible where another one would overlap, or the category is for others."""
    _held(member)
    if category.for_whom != member.kind:
        raise NotPossible(_("The category “%s” is not for such a member.") % category)
    clash = member.memberships.standing().exclude(until_on__lt=from_on).first()
    if clash:
        raise NotPossible(_("There is a membership already that has not ended before that day."))
    membership = Membership.objects.create(
        member=member,
        category=category,
        joined_on=joined_on or from_on,
        from_on=from_on,
        decided_by=decided_by,
        decided_on=decided_on,
        words=words,
    )
    audit.record("membership.admit", by=by, on=member, membership=membership.pk, from_on=from_on.isoformat())
    return membership


@transaction.atomic
def end(
    membership: Membership,
    *,
    until_on: datetime.date,
    why: str,
    ended_by: str,
    ended_on: datetime.date,
    by: User | None,
    words: str = "",
) -> Membership:
    """A membership ends with a day, which may lie ahead: a notice to the end of the year. `why` is of
    `Membership.Ended`, `ended_by` of `DecidedBy`, `ended_on` the day of the decision or notice. Audited. No mail.
    Raises NotPossible when it has an end already, or the day is before its beginning."""
    if until_on < membership.from_on:
        raise NotPossible(_("A membership cannot end before it began."))
    fields = {
        "until_on": until_on,
        "ended_why": Ended(why),
        "ended_by": DecidedBy(ended_by),
        "ended_on": ended_on,
        "words": words or membership.words,
    }
    running = Membership.objects.standing().filter(pk=membership.pk, until_on__isnull=True)
    if not running.update(**fields):
        raise NotPossible(_("This membership has an end already."))
    for name, value in fields.items():
        setattr(membership, name, value)
    audit.record(
        f"membership.{why}", by=by, on=membership.member, membership=membership.pk, until_on=until_on.isoformat()
    )
    return membership


@transaction.atomic
def change_category(
    membership: Membership, category: Category, *, from_on: datetime.date, decided_by: str, by: User | None
) -> Membership:
    """The member goes on in another category from a day on. Raises NotPossible."""
    _held(membership.member)
    eve = from_on - datetime.timedelta(days=1)
    end(membership, until_on=eve, why=Ended.CATEGORY, ended_by=decided_by, ended_on=from_on, by=by)
    return admit(
        membership.member,
        category,
        from_on=from_on,
        decided_by=decided_by,
        decided_on=from_on,
        joined_on=membership.joined_on,
        by=by,
    )


@transaction.atomic
def strike(membership: Membership, *, why: str, by: User, now: datetime.datetime) -> Membership:
    """An entry was a mistake: it stays, struck out, with the reason. Audited. Raises NotPossible without a reason, or
    when it was struck out before."""
    if not why.strip():
        raise NotPossible(_("Please write why the entry is struck out."))
    if not Membership.objects.standing().filter(pk=membership.pk).update(struck_at=now, struck_why=why.strip()[:300]):
        raise NotPossible(_("This entry was struck out before."))
    membership.struck_at, membership.struck_why = now, why.strip()[:300]
    audit.record("membership.strike", by=by, on=membership.member, membership=membership.pk)
    return membership


@transaction.atomic
def take_back(membership: Membership, *, by: User, now: datetime.datetime) -> Membership:
    """A member that gave notice stays after all: the entry with the notice is struck out, and the same membership goes
    on as a new entry. Audited. Nobody is told. Raises NotPossible when the member gave no notice, or it has left."""
    _held(membership.member)
    is_notice = membership.ended_why == Ended.WITHDRAWN and membership.ended_by == DecidedBy.MEMBER
    if not is_notice or membership.until_on < timezone.localdate(now):
        raise NotPossible(_("There is no notice that could be taken back."))
    strike(membership, why=_("The notice was taken back."), by=by, now=now)
    return admit(
        membership.member,
        membership.category,
        from_on=membership.from_on,
        joined_on=membership.joined_on,
        decided_by=membership.decided_by,
        decided_on=membership.decided_on,
        by=by,
    )


def _held(member: Member) -> None:
    """Two who write the register of one member at once stand in line."""
    Member.objects.select_for_update().get(pk=member.pk)
