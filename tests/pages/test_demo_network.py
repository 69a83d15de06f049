"""The demo's network as a whole: made once, looked at by several tests."""

import datetime
from collections import Counter

import pytest
import time_machine
from django.db import transaction

from members import census, fees, public
from members.models import (
    Application,
    CodeOfConduct,
    Document,
    Fee,
    FieldReport,
    Kind,
    Member,
    Membership,
    OrganisationType,
    Payment,
    ProfileChange,
    Referee,
)
from picum.pages.demo import content, members
from picum.pages.demo.organisations import read

NOW = datetime.datetime(2026, 11, 22, 9, 0, tzinfo=datetime.UTC)
RESERVED = ("example.org", "example.net", "example.com")
pytestmark = pytest.mark.django_db


@pytest.fixture
def noon():
    with time_machine.travel(NOW, tick=False):
        yield NOW


@pytest.fixture(scope="module")
def whole(django_db_setup, django_db_blocker):
    """The whole network, made once for those who only look at it."""
    with django_db_blocker.unblock(), transaction.atomic():
        with time_machine.travel(NOW, tick=False):
            content.make_next(content.read_pool())
            made = members.make(200, seed=1)
        yield made
        transaction.set_rollback(True)


def states(model) -> set[str]:
    return set(model.objects.values_list("state", flat=True))


def test_everything_that_members_have_is_there(whole, noon):
    made = whole
    today = noon.date()
    current = Member.objects.current(on=today)
    year = census.years(today=today)[-1]

    assert 190 <= made.belong == current.count() <= 210
    assert (year.countries, current.filter(kind=Kind.PERSON).count() >= 30) == (34, True)
    assert set(current.exclude(type=None).values_list("type__key", flat=True)) == set(
        OrganisationType.objects.values_list("key", flat=True)
    )
    assert states(Application) == set(Application.State)
    assert states(FieldReport) == set(FieldReport.State)
    assert set(Membership.objects.values_list("ended_why", flat=True)) == {"", *Membership.Ended}
    assert {gap.key for gap in census.gaps(today=today) if not gap.members} == set()
    assert [states(ProfileChange), ProfileChange.objects.count(), Document.objects.count()] == [{"waiting"}, 2, 3]
    assert Payment.objects.filter(fee=None, set_aside_why="").count() == 4
    assert (Member.objects.exclude(logo="").count(), Referee.objects.filter(answered_at=None).count() > 3) == (12, True)
    assert set(CodeOfConduct.objects.get().translations.values_list("language_code", flat=True)) == set(
        content.LANGUAGES
    )


def test_fees_of_four_years_stand_in_every_way(whole, noon):
    rows = Fee.objects.with_paid()
    found = Counter(fees.standing(fee, on=noon.date()) for fee in rows)

    assert set(Fee.objects.values_list("year", flat=True)) == {2023, 2024, 2025, 2026}
    assert set(found) == set(fees.Standing) - {fees.Standing.OPEN}  # all that is open in November is late
    assert found[fees.Standing.PAID] > 0.7 * rows.count()
    assert Fee.objects.filter(reminders__number=3).exists()


def test_who_gets_threats_is_a_member_and_in_no_list(whole, noon):
    hidden, today = read("organisations")["stories"]["hidden"], noon.date()

    listed = {one.name for one in public.listed(on=today)}

    assert Member.objects.current(on=today).filter(name__in=hidden).count() == len(hidden) == 8
    assert listed.isdisjoint(hidden)
    assert len(listed) > 140
