"""The demo's members: who belongs, who acts for them, what they owe, and who wants to come in."""

import random
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from members.models import Member
from picum.localising import local_day
from picum.pages.demo import accounts, applicants, contacts, correspondents, dues, organisations
from picum.pages.demo.accounts import Account
from picum.pages.demo.timeline import done_on, letters_gone


@dataclass(frozen=True)
class Made:
    """What the command tells of: how many belong today, and the accounts with the one password of all."""

    belong: int
    accounts: list[Account]
    password: str


@transaction.atomic
def make(number: int, *, seed: int) -> Made:
    """About so many members, and all that goes with them. No mail leaves: letters count as gone."""
    now, dice = timezone.now(), random.Random(seed)  # noqa: S311  # dice, not secrets
    today = local_day(now)
    password = accounts.password()
    hashed = make_password(password)  # once: it takes most of a second
    staff = accounts.of_staff(hashed=hashed)
    carla = staff[0].user
    with letters_gone():
        applicants.meet(today=today)
        told = organisations.make(number, dice=dice, today=today)
        members = {one.member.name: one.member for one in told}
        organisations.admit_all(told, by=carla, dice=dice, today=today)
        with done_on(today):
            theirs = accounts.of_members(members, hashed=hashed, by=carla, now=now)
        besides = organisations.read("organisations")["stories"]["first"]
        contacts.add_all(told, besides=besides, by=carla, dice=dice, today=today)
        code = contacts.sign_all(told, dice=dice, today=today)
        dues.tell(by=carla, dice=dice, today=today)
        contacts.give_notice(members, today=today)
        applicants.tell(code, by=carla, today=today)
        correspondents.report_all(members, by=carla, today=today)
        correspondents.wish(members, today=today)
        correspondents.publish(today=today)
    contacts.let_bounce()
    return Made(Member.objects.current(on=today).count(), [*theirs, *staff], password)
