"""Who acts for the demo's members, and who of them has signed the code of conduct."""

import datetime
import random
from collections.abc import Iterable

from django.contrib.auth.hashers import make_password
from django.db.models import Max

from members import leaving, people
from members.models import CodeOfConduct, Contact, ContactRole, Kind, Member, Membership, Signature
from picum.accounts.models import User
from picum.letters.models import Letter
from picum.letters.post import Why
from picum.localising import local_day
from picum.pages.demo.organisations import Invented, latin, read
from picum.pages.demo.timeline import done_on

Role = ContactRole.Role
CODE = datetime.date(2024, 7, 1)  # the code of conduct of 2024 counts from that day


# --- who acts for them ------------------------------------------------------------------------------------------------


def add_all(
    told: list[Invented], *, besides: Iterable[str], by: User, dice: random.Random, today: datetime.date
) -> None:
    """People for every member but those of `besides`. Some lack a contact or a treasurer, for the list of gaps."""
    days = _joining_days()
    for one in told:
        if one.member.name in besides:
            continue
        with done_on(days[one.member.pk]) as moment:
            if one.kind == Kind.PERSON:
                _add(one, one.member.name, [Role.CONTACT, Role.TREASURER], by=by, now=moment, email=one.member.email)
                continue
            for name, roles in zip(_names(one.people, dice), _roles(dice), strict=False):
                position = dice.choice(read("people")["positions"][one.member.language])
                more = {"position": position} if Role.CONTACT in roles else {}
                _add(one, name, roles, by=by, now=moment, **more)
    _let_come(dice)
    for one in told:
        if membership := one.member.memberships.exclude(until_on=None).filter(until_on__lt=today).last():
            _let_go(one.member, membership, by=by)


def _joining_days() -> dict[int, datetime.date]:
    return dict(Membership.objects.values_list("member").annotate(Max("joined_on")))


def _roles(dice: random.Random) -> list[list[str]]:
    """Who does what, one list for each person."""
    seats = [[Role.CONTACT]] if dice.random() < 0.96 else []
    if dice.random() < 0.9:
        if seats and dice.random() < 0.25:
            seats[0].append(Role.TREASURER)
        else:
            seats.append([Role.TREASURER])
    if dice.random() < 0.4:
        seats.append([Role.COMMUNICATIONS] + [Role.NEWSLETTER] * (dice.random() < 0.4))
    return seats


def _names(people_key: str, dice: random.Random) -> list[str]:
    first, last = (part.split() for part in read("people")["names"][people_key])
    number = min(4, len(first), len(last))
    return [f"{a} {b}" for a, b in zip(dice.sample(first, number), dice.sample(last, number), strict=True)]


def _add(one: Invented, name: str, roles: list[str], *, by: User, now: datetime.datetime, **more) -> None:
    email = more.pop("email", "") or f"{latin(name)}@{one.member.email.partition('@')[2]}"
    about = {"name": name, "email": email, "roles": roles, "language": one.member.language} | more
    people.add(one.member, by=by, now=now, invite=False, **about)


def _let_come(dice: random.Random) -> None:
    """Most of them have accepted their invitation. In a few statements: each has a row of its own to change."""
    contacts = [row for row in Contact.objects.filter(user=None).order_by("pk") if dice.random() < 0.8]
    addresses = {row.email.lower(): row for row in contacts}
    nobody = make_password(None)  # they sign in by a mailed link
    User.objects.bulk_create(
        User(email=address, name=row.name, language=row.language, password=nobody, joined_at=row.created_at)
        for address, row in addresses.items()
    )
    users = {user.email: user for user in User.objects.filter(email__in=addresses)}
    for row in contacts:
        row.user, row.invited_at = users[row.email.lower()], row.created_at
    Contact.objects.bulk_update(contacts, ["user", "invited_at"])


def _let_go(member: Member, membership: Membership, *, by: User) -> None:
    """Nobody acts for who has left; unless it came back."""
    if member.memberships.filter(until_on=None).exists():
        return
    with done_on(membership.until_on + datetime.timedelta(days=90)) as moment:
        for person in member.contacts.active():
            people.remove(person, by=by, now=moment)


def let_bounce() -> None:
    """Mail to three treasurers who never came was refused by their mail server."""
    for person in Contact.objects.active().with_role(Role.TREASURER).filter(user=None).order_by("pk")[:3]:
        last = Letter.objects.filter(address_key=person.address_key).aggregate(last=Max("pk"))["last"]
        Letter.objects.filter(pk=last).update(state=Letter.State.DROPPED, why=Why.REFUSED)


# --- what they did ----------------------------------------------------------------------------------------------------


def sign_all(told: list[Invented], *, dice: random.Random, today: datetime.date) -> CodeOfConduct:
    """The code of conduct, and who has signed it, in one statement: since 2024, or when they joined."""
    code, is_new = CodeOfConduct.objects.get_or_create(version="2024", defaults={"in_force_from": CODE})
    if is_new:
        for language, text in read("conduct").items():
            code.translations.create(language_code=language, text=text.strip())
    signers = dict(Contact.objects.with_role(Role.CONTACT).values_list("member", "name"))
    joined = _joining_days()
    rows, unsigned = [], read("organisations")["stories"]["first"][-1]
    for one in told:
        is_willing = dice.random() < 0.86 and one.member.name != unsigned
        since = max(CODE + datetime.timedelta(days=dice.randint(10, 300)), joined[one.member.pk])
        if is_willing and one.member.pk in signers and since < today:
            rows.append(Signature(member=one.member, code=code, signed_on=since, by=signers[one.member.pk]))
    Signature.objects.bulk_create(rows)
    return code


def give_notice(members: dict[str, Member], *, today: datetime.date) -> None:
    """One member leaves at the end of this year."""
    member = members.get(read("organisations")["stories"]["gives_notice"])
    by = User.objects.filter(contacts__member=member, contacts__roles__role=Role.CONTACT).first() if member else None
    if by is None:
        return
    day = max(datetime.date(today.year, 1, 2), today - datetime.timedelta(days=12))
    with done_on(day) as moment:
        leaving.give_notice(leaving.running(member, on=local_day(moment)), by=by, now=moment, why="Hanke on päättynyt.")
