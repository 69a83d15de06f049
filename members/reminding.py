"""Reminding of open fees: three times, each once and recorded. The only writer of `Reminder`."""

import datetime

from django.db import transaction

from members import account, fees
from members.models import Fee, Member, Reminder
from picum.localising import local_day

FIRST = datetime.timedelta(days=14)  # after the day on which it was due
NEXT = datetime.timedelta(days=30)  # after the reminder before
MOST = 3


def remind_of_fees(*, now: datetime.datetime) -> int:
    """Send the reminders that are due and were not sent yet; how many. An upkeep deed: to be done at any time.

    Nothing goes to members that have left, for fees that are paid or waived, or years too long ago; and none at all
    while there is no account to pay to. A site that was switched off for months sends one, and waits again.
    """
    if account.ours() is None:
        return 0
    today = local_day(now)
    late = Fee.objects.owed().filter(due_on__lte=today - FIRST, year__in=fees.years(today))
    late = late.filter(member__in=Member.objects.current(on=today)).prefetch_related("reminders")
    return sum(_remind(fee.pk, now=now) for fee in late.order_by("pk") if _is_due(fee, on=today))


def _is_due(fee: Fee, *, on: datetime.date) -> bool:
    sent = [reminder.sent_on for reminder in fee.reminders.all()]
    return len(sent) < MOST and (not sent or max(sent) + NEXT <= on)


@transaction.atomic
def _remind(pk: int, *, now: datetime.datetime) -> bool:
    """Whether a reminder was sent: two who look after it at once stand in line here, and the second finds it done."""
    today = local_day(now)
    held = Fee.objects.select_for_update().get(pk=pk)
    people = fees.payers(held.member)
    if not people or held.waived_on or not _is_due(held, on=today):
        return False
    reminder = Reminder.objects.create(fee=held, number=held.reminders.count() + 1, sent_on=today)
    for person, in_copy in people:
        fees.write("members.fee_reminder", held, person, in_copy=in_copy, now=now, number=reminder.number)
    return True
