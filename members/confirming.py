"""Once a year a member says that its profile is still right.

Who has not said so for a year gets a letter, and two more, sixty days apart. After the third we write no more: the
secretariat finds the member in its list of gaps (`overdue`), and asks in person.
"""

import datetime

from django.db import transaction
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from members.access import people_who_may
from members.models import Member, Membership
from picum.letters import post

YEAR = datetime.timedelta(days=365)
BETWEEN = datetime.timedelta(days=60)
MOST = 3  # reminders since it was last confirmed


def confirm(member: Member, *, on: datetime.date) -> None:
    """The profile is right on this day; the reminders begin anew in a year. Nobody is told."""
    Member.objects.filter(pk=member.pk).update(confirmed_on=on, reminded_on=None, reminders=0)
    member.confirmed_on, member.reminded_on, member.reminders = on, None, 0


def overdue(*, on: datetime.date) -> QuerySet[Member]:
    """Members that belong on a day, and whose profile was confirmed more than a year before, or never since they joined
    more than a year before. Who has given notice to leave is not asked any more."""
    memberships = Membership.objects.current(on=on).filter(member=OuterRef("pk"))
    joined = memberships.filter(until_on__isnull=True).values("member").annotate(first=Min("joined_on")).values("first")
    return Member.objects.annotate(right_on=Coalesce(F("confirmed_on"), Subquery(joined))).filter(
        pk__in=Membership.objects.current(on=on).filter(until_on__isnull=True).values("member"),
        right_on__lt=on - YEAR,
    )


def is_due(member: Member, *, on: datetime.date) -> bool:
    """Whether a member should confirm its profile now."""
    return overdue(on=on).filter(pk=member.pk).exists()


def remind_to_confirm(*, now: datetime.datetime) -> int:
    """Upkeep: a letter to everybody who may change the profile of a member that is overdue, unless one went within the
    last sixty days, or three have gone. How many members were reminded. A member without such people is not counted as
    reminded: another gap in the secretariat's list."""
    today = timezone.localdate(now)
    unheard = Q(reminded_on__isnull=True) | Q(reminded_on__lte=today - BETWEEN)
    due = overdue(on=today).filter(unheard, reminders__lt=MOST)
    return sum(_remind(member, today, now) for member in due)


@transaction.atomic
def _remind(member: Member, today: datetime.date, now: datetime.datetime) -> bool:
    people = list(people_who_may("profile", member))
    as_found = Member.objects.filter(pk=member.pk, reminded_on=member.reminded_on, confirmed_on=member.confirmed_on)
    if not people or not as_found.update(reminded_on=today, reminders=F("reminders") + 1):
        return False
    for contact in people:
        post.put("members.confirm_profile", to=contact.email, language=contact.language, now=now, contact=contact.pk)
    return True
