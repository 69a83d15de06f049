"""Reminders: three, each once, recorded, never on an exact day, and none to those who owe nothing."""

import datetime

import pytest
from django.db import IntegrityError, transaction

from members import fees, register
from members.models import Contact, DecidedBy, Membership, Reminder
from members.reminding import remind_of_fees
from members.upkeep import DEEDS
from picum.letters import post
from picum.letters.models import Letter
from tests.members.factories import make_member, make_user
from tests.members.purse import JANUARY, make_fee, paid, with_treasurer

pytestmark = pytest.mark.django_db
DUE = JANUARY + datetime.timedelta(days=30)  # 11 February


def after(days: int) -> datetime.datetime:
    """So many days after the fee was due."""
    return DUE + datetime.timedelta(days=days)


def reminded() -> list[tuple[int, datetime.date]]:
    return list(Reminder.objects.order_by("pk").values_list("number", "sent_on"))


def letters() -> list[str]:
    return list(Letter.objects.filter(kind="members.fee_reminder").order_by("pk").values_list("address", flat=True))


@pytest.fixture
def fee():
    return make_fee(with_treasurer(make_member()), noted=JANUARY)


def test_the_deed_is_done_every_hour():
    assert DEEDS["remind_of_fees"] is remind_of_fees


def test_the_first_goes_fourteen_days_after_it_was_due_and_not_before(fee):
    assert (remind_of_fees(now=after(13)), letters()) == (0, [])
    assert remind_of_fees(now=after(14)) == 1
    assert remind_of_fees(now=after(14)) == 0
    assert letters() == ["tomas@example.org", "amal@example.org"]
    assert reminded() == [(1, datetime.date(2026, 2, 25))]


def test_then_two_more_with_thirty_days_between_and_never_a_fourth(fee):
    counted = [remind_of_fees(now=after(day)) for day in range(300)]
    assert sum(counted) == 3
    assert reminded() == [
        (1, datetime.date(2026, 2, 25)),
        (2, datetime.date(2026, 3, 27)),
        (3, datetime.date(2026, 4, 26)),
    ]
    assert len(letters()) == 6


def test_a_site_that_was_switched_off_for_months_sends_one_and_waits_again(fee):
    assert [remind_of_fees(now=after(day)) for day in (120, 121, 149, 150)] == [1, 0, 0, 1]


def test_nobody_is_reminded_who_has_paid_or_need_not(fee):
    paid(fee)
    waived = make_fee(with_treasurer(make_member("Dach e.V.")), noted=JANUARY)
    fees.waive(waived, why="A hard year.", by=make_user("carla@example.org", staff=True), now=JANUARY)
    make_fee(with_treasurer(make_member("Not asked")))
    assert (remind_of_fees(now=after(20)), letters()) == (0, [])


def test_who_paid_a_part_is_reminded_of_the_rest(fee):
    paid(fee, "40")
    assert remind_of_fees(now=after(14)) == 1
    message = post.BUILDERS["members.fee_reminder"](
        Letter.objects.get(address="tomas@example.org", about__number=1), now=after(14)
    )
    assert "60,00" in message.body


def test_who_has_left_is_not_reminded_any_more(fee):
    register.end(
        fee.member.memberships.get(),
        until_on=datetime.date(2026, 2, 20),
        why=Membership.Ended.TERMINATED,
        ended_by=DecidedBy.BOARD,
        ended_on=datetime.date(2026, 2, 20),
        by=None,
    )
    assert (remind_of_fees(now=after(14)), letters()) == (0, [])


def test_where_there_is_nobody_to_remind_it_waits_for_somebody(fee):
    Contact.objects.update(left_on=datetime.date(2026, 2, 1))
    assert (remind_of_fees(now=after(20)), reminded()) == (0, [])
    Contact.objects.filter(email="amal@example.org").update(left_on=None)
    assert remind_of_fees(now=after(21)) == 1


def test_without_an_account_nobody_is_reminded(fee, settings):
    settings.MEMBERS_IBAN = ""
    assert (remind_of_fees(now=after(20)), letters()) == (0, [])


def test_years_too_long_ago_are_let_alone():
    old = datetime.datetime(2022, 1, 12, 9, 0, tzinfo=datetime.UTC)
    make_fee(with_treasurer(make_member()), 2022, noted=old)
    assert [remind_of_fees(now=old.replace(year=year)) for year in (2026, 2025)] == [0, 1]


def test_the_last_one_says_so_and_says_what_to_do(fee):
    for day in (14, 44, 74):
        remind_of_fees(now=after(day))
    Letter.objects.update(language="en")
    said = [
        "our last reminder" in " ".join(post.BUILDERS[letter.kind](letter, now=JANUARY).body.split())
        for letter in Letter.objects.filter(kind="members.fee_reminder", address="tomas@example.org").order_by("pk")
    ]
    assert said == [False, False, True]


def test_what_was_paid_before_the_letter_left_stops_it(fee):
    remind_of_fees(now=after(14))
    paid(fee)
    letter = Letter.objects.filter(kind="members.fee_reminder").first()
    assert post.BUILDERS[letter.kind](letter, now=after(14)) is None


def test_the_database_itself_knows_each_reminder_once(fee):
    remind_of_fees(now=after(14))
    with pytest.raises(IntegrityError), transaction.atomic():
        Reminder.objects.create(fee=fee, number=1, sent_on=datetime.date(2026, 3, 1))
