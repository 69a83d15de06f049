"""Mails about fees: the debit note, and the reminders. Both carry the debit note as PDF in the member's language."""

import datetime

from django.core.mail import EmailMultiAlternatives

from members import account, debit_note, fees, structured
from members.models import Contact, Fee
from picum import localising
from picum.letters import post
from picum.letters.models import Letter
from picum.localising import local_day


@post.builds("members.debit_note")
def debit_note_goes(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """A fee is asked for; nothing when it is paid or waived by now, or the person has left."""
    return _about_a_fee(letter, "members/debit_note", now=now)


@post.builds("members.fee_reminder")
def fee_reminder(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """A fee is open still: the first, the second, the last time that we say so."""
    return _about_a_fee(letter, "members/fee_reminder", now=now, reminder=letter.about["number"])


def _about_a_fee(letter: Letter, template: str, *, now: datetime.datetime, **context) -> EmailMultiAlternatives | None:
    owed = Fee.objects.owed().filter(pk=letter.about["fee"], noted_on__isnull=False)
    fee = owed.select_related("member", "category").first()
    person = Contact.objects.active().filter(pk=letter.about["contact"]).first()
    ours = account.ours()
    if fee is None or person is None or ours is None:
        return None
    message = post.written(
        letter,
        template,
        fee=fee,
        member=fee.member,
        person=person,
        in_copy=letter.about["in_copy"],
        number=fees.number_of(fee),
        amount=localising.money(fee.open_amount, letter.language),
        due=localising.day(fee.due_on, letter.language),
        account=ours,
        communication=structured.written(fee.communication),
        **context,
    )
    name = debit_note.file_name(fee, "debit-note")
    message.attach(name, debit_note.debit_note(fee, on=local_day(now)), debit_note.CONTENT_TYPE)
    return message
