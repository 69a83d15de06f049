"""Letting people go: of a member its lines in the register and its accounts stay, not who once acted for it."""

import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from members.models import Contact, Membership, ProfileChange, ReportEntry
from picum.accounts.models import AuditEntry, User

# As long as somebody may ask who it was: the year in which they left, and the audit of its accounts.
LEFT = datetime.timedelta(days=400)


@transaction.atomic
def expire_contacts(*, now: datetime.datetime) -> int:
    """Delete contacts who left a member 400 days ago, or whose member left then, and accounts that have no seat, are
    not staff, and were not used in that time. Their names go with them, from the audit trail and from what they
    reported. How many contacts."""
    before = now - LEFT
    periods = Membership.objects.standing().filter(member=OuterRef("member"))
    later = periods.filter(Q(until_on__isnull=True) | Q(until_on__gte=before.date()))
    gone = Contact.objects.filter(Q(left_on__lt=before.date()) | Q(Exists(periods) & ~Exists(later)))
    for contact in gone:
        contact.reports.update(author_label="")
        said = ReportEntry.objects.filter(report__member=contact.member_id, from_member=True, by_label=contact.name)
        said.update(by_label="")
    users = set(gone.exclude(user=None).values_list("user_id", flat=True))
    number = gone.count()
    gone.delete()
    idle = User.objects.filter(pk__in=users, is_staff=False, is_superuser=False, contacts=None)
    idle = [user.pk for user in idle if (user.last_login or user.joined_at) < before]
    AuditEntry.objects.filter(actor__in=idle).update(actor_label="")
    themselves = AuditEntry.objects.filter(object_type=User._meta.label_lower, object_id__in=map(str, idle))
    themselves.update(object_label="")
    ProfileChange.objects.filter(by__in=idle).update(by_label="")
    User.objects.filter(pk__in=idle).delete()
    return number
