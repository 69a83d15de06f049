"""A member gives notice: it belongs to the end of the calendar year in which it does so, for which its fee is due.

The notice is an end in the register, decided by the member itself. Until that day the secretariat can take it back, at
the member's word; then both the notice and the membership that goes on stand in the register. Its people keep all they
have until the last day; what they come to afterwards, `members.access` says.
"""

import datetime

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from members import register
from members.access import people_who_may
from members.models import DecidedBy, Member, Membership
from picum.accounts.models import User
from picum.letters import post

Ended = Membership.Ended


def last_day(on: datetime.date) -> datetime.date:
    """Until when a member belongs that gives notice on a day."""
    return datetime.date(on.year, 12, 31)


def running(member: Member, *, on: datetime.date) -> Membership | None:
    """The membership of a day, with its category; None for who does not belong."""
    return member.memberships.current(on=on).select_related("category").first()


def notices(*, on: datetime.date) -> QuerySet[Membership]:
    """Memberships under notice that have not ended on a day, the next end first."""
    given = Membership.objects.standing().filter(ended_why=Ended.WITHDRAWN, ended_by=DecidedBy.MEMBER, until_on__gte=on)
    return given.select_related("member", "category").order_by("until_on", "member__name")


@transaction.atomic
def give_notice(membership: Membership, *, by: User, now: datetime.datetime, why: str = "") -> Membership:
    """The member leaves at the end of the year. `why`, if it wants to say so, stands in the register. Audited; the
    member contacts and the secretariat get a letter. Raises register.NotPossible, as when notice was given already."""
    today = timezone.localdate(now)
    until_on = max(last_day(today), membership.from_on)
    ended = register.end(
        membership,
        until_on=until_on,
        why=Ended.WITHDRAWN,
        ended_by=DecidedBy.MEMBER,
        ended_on=today,
        by=by,
        words=why.strip()[:300],
    )
    for contact in people_who_may("leave", membership.member):
        post.put(
            "members.notice_given",
            to=contact.email,
            language=contact.language,
            now=now,
            membership=membership.pk,
            contact=contact.pk,
        )
    for person in staff_of_members():
        post.put(
            "members.member_leaves",
            to=person.email,
            language=person.language,
            now=now,
            membership=membership.pk,
            user=person.pk,
        )
    return ended


@transaction.atomic
def take_back(membership: Membership, *, by: User, now: datetime.datetime) -> Membership:
    """The member stays after all: the entry that goes on. Audited; the member contacts get a letter. Raises
    register.NotPossible when there is no notice to take back, or its day is over."""
    entry = register.take_back(membership, by=by, now=now)
    for contact in people_who_may("leave", membership.member):
        post.put(
            "members.notice_taken_back",
            to=contact.email,
            language=contact.language,
            now=now,
            membership=entry.pk,
            contact=contact.pk,
        )
    return entry


def staff_of_members() -> QuerySet[User]:
    """Those of the secretariat who keep the members' rows: in person or through a group. Superusers, who may do
    everything, have no such task by that."""
    allowed = Permission.objects.filter(content_type__app_label="members", codename="change_member")
    given = Q(user_permissions__in=allowed) | Q(groups__permissions__in=allowed)
    return User.objects.filter(given, is_active=True, is_staff=True).distinct()
