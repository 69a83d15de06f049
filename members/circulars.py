"""Writing to the contacts of chosen members, through the engine that sends the newsletter (`newsletter.circulars`)."""

import datetime
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from members import census
from members.models import Contact, ContactRole, Member, Membership
from newsletter import circulars
from newsletter.circulars import Words
from picum import localising
from picum.accounts.models import User

WHY = gettext_lazy("You get this letter because you act for a member of the network, and not as a reader of its news.")


@dataclass(frozen=True)
class Selection:
    """Which members' contacts. What is empty lets all pass; `roles` wants at least one. Keys, not rows."""

    roles: tuple[str, ...] = (ContactRole.Role.CONTACT,)
    categories: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    lacks: str = ""  # a gap of `members.census`

    def members(self, *, today: datetime.date) -> QuerySet[Member]:
        """The members of today that are meant."""
        found = Member.objects.current(on=today)
        if self.categories:
            now = Membership.objects.current(on=today).filter(category__key__in=self.categories)
            found = found.filter(pk__in=now.values("member"))
        for field, keys in (("country", self.countries), ("type__key", self.types)):
            found = found.filter(**{f"{field}__in": keys}) if keys else found
        for field, keys in (("areas", self.areas), ("rights", self.rights)):
            if keys:
                through = getattr(Member, field).through.objects.filter(**{f"{field[:-1]}__key__in": keys})
                found = found.filter(pk__in=through.values("member"))
        if self.lacks:
            gap = next(gap for gap in census.gaps(today=today) if gap.key == self.lacks)
            found = found.filter(pk__in=[member.pk for member in gap.members])
        return found


@dataclass(frozen=True)
class Audience:
    """Who would get a circular: how many members, and how many people by language."""

    members: int
    languages: Mapping[str, int]

    @property
    def people(self) -> int:
        return sum(self.languages.values())


def contacts(selection: Selection, *, today: datetime.date) -> QuerySet[Contact]:
    """The people who are meant, each once."""
    people = Contact.objects.active().filter(member__in=selection.members(today=today))
    return people.filter(roles__role__in=selection.roles).distinct().order_by("pk")


def audience(selection: Selection, *, today: datetime.date) -> Audience:
    """Counted as they will be written to: who acts for two members once."""
    rows = list(contacts(selection, today=today).values_list("address_key", "language", "member_id"))
    people = {key: language for key, language, _member in reversed(rows)}
    return Audience(len({member for _key, _language, member in rows}), Counter(people.values()))


def send(selection: Selection, words: Mapping[str, Words], *, by: User, now: datetime.datetime) -> int:
    """Queue the circular; its number. Audited. Raises `newsletter.circulars.NotSent`."""
    today = localising.local_day(now)
    people = contacts(selection, today=today).values_list("email", "language")
    return circulars.send(words, list(people), why=WHY, by=by, now=now)
