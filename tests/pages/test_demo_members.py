"""`demo` fills the members' part of the site, whenever it is made, and invents nobody who could be reached."""

import datetime
import io

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from members import access
from members.models import (
    Application,
    Contact,
    Fee,
    FieldReport,
    Member,
    Membership,
    Payment,
    Referee,
)
from newsletter.models import Issue
from picum.accounts.models import AuditEntry, User
from picum.letters.models import Letter
from picum.pages.demo import content, members
from picum.pages.demo.organisations import read

NOW = datetime.datetime(2026, 11, 22, 9, 0, tzinfo=datetime.UTC)
RESERVED = ("example.org", "example.net", "example.com")
pytestmark = pytest.mark.django_db


@pytest.fixture
def noon():
    with time_machine.travel(NOW, tick=False):
        yield NOW


def states(model) -> set[str]:
    return set(model.objects.values_list("state", flat=True))


def test_the_report_that_was_taken_is_in_the_next_issue_in_seven_languages(noon):
    content.make_next(content.read_pool())
    members.make(20, seed=1)

    report = FieldReport.objects.get(state="taken")
    item = Issue.objects.get(slug="next").items.get(pk=report.item_number)

    assert set(item.translations.values_list("language_code", flat=True)) == set(content.LANGUAGES)
    assert {source.outlet for source in item.sources.all()} == {"Rua Aberta"}


def test_the_people_it_tells_of_sign_in_and_sit_where_it_says(noon):
    made = members.make(20, seed=1)

    def seats(name: str) -> list[tuple[str, set[str]]]:
        user = authenticate(username=f"{name}@example.org", password=made.password)
        return [(seat.member.name, set(seat.roles)) for seat in access.seats_of(user)]

    assert seats("amal") == [("Rua Aberta", {"contact"})]
    assert seats("tomas") == [("Rua Aberta", {"treasurer"})]
    assert seats("ines") == [("Rua Aberta", {"communications", "newsletter"})]
    assert seats("boris") == [("Offene Tür Leinetal", {"contact", "treasurer"})]
    assert (seats("carla"), seats("tariq")) == ([], [])
    carla, tariq = (User.objects.get(email=f"{name}@example.org") for name in ("carla", "tariq"))
    assert (carla.is_staff, carla.is_superuser, carla.has_perm("members.decide_application")) == (True, False, True)
    assert (tariq.is_staff, tariq.is_superuser, tariq.get_all_permissions()) == (True, False, set())


def test_no_mail_leaves_and_nobody_in_it_could_get_one(noon, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        members.make(200, seed=1)

    addresses = {
        *Contact.objects.values_list("email", flat=True),
        *Member.objects.values_list("email", flat=True),
        *User.objects.values_list("email", flat=True),
        *Application.objects.values_list("email", flat=True),
        *Referee.objects.values_list("email", flat=True),
    }
    sites = {
        url.removeprefix("https://") for url in Member.objects.exclude(website="").values_list("website", flat=True)
    }
    assert [one for one in {*addresses, *sites} if not one.endswith(RESERVED)] == []
    assert (mail.outbox, set(Letter.objects.values_list("state", flat=True))) == ([], {"sent", "dropped"})


@pytest.mark.parametrize("day", ["2026-01-03", "2026-06-20", "2027-03-01", "2028-02-29", "2029-12-31"])
def test_it_can_be_made_on_any_day_and_tells_nothing_of_the_days_to_come(day):
    with time_machine.travel(f"{day}T11:00:00Z", tick=False):
        made = members.make(30, seed=1)
        now, today = timezone.now(), timezone.localdate()

    assert made.belong > 25
    assert not Membership.objects.filter(from_on__gt=today).exists()
    assert not Payment.objects.filter(received_on__gt=today).exists()
    assert not Fee.objects.filter(noted_on__gt=today).exists()
    assert not AuditEntry.objects.filter(at__gt=now + datetime.timedelta(hours=12)).exists()
    assert not Application.objects.filter(state_since__gt=now + datetime.timedelta(hours=12)).exists()


def test_the_same_seed_makes_the_same_members_and_another_one_others(noon):
    def told(seed: int) -> list[tuple]:
        with transaction.atomic():
            members.make(30, seed=seed)
            rows = list(Member.objects.values_list("name", "street", "telephone", "contacts__name", "fees__amount"))
            transaction.set_rollback(True)
        return sorted(rows, key=str)

    first = told(1)

    assert told(1) == first
    assert told(2) != first


def test_what_is_written_about_organisations_is_about_those_that_there_are():
    data, countries = read("organisations"), read("organisations")["countries"]
    names = {row[0] for country in countries for row in country["organisations"]}
    people = {name for rows in read("people")["individuals"].values() for name, _town in rows}
    told = [name for value in data["stories"].values() for name in ([value] if isinstance(value, str) else value)]

    assert set(read("descriptions")) <= names
    assert set(told) <= names | people
    assert {country["people"] for country in countries} <= set(read("people")["names"])
    assert {row[3] for country in countries for row in country["organisations"]} == set(data["work"])


def test_the_command_says_who_can_sign_in_and_how():
    out = io.StringIO()
    call_command("demo", subscribers=10, members=10, issues=0, stdout=out)

    said = out.getvalue()
    password = said.partition("all of them with ")[2].split()[0]
    assert [line.split()[0] for line in said.splitlines() if line.startswith("  ")] == [
        f"{name}@example.org"
        for name in ("amal", "tomas", "ines", "boris", "carla", "mira", "paul", "rui", "greta", "tariq")
    ]
    assert authenticate(username="carla@example.org", password=password)


def test_a_demo_without_members_is_as_it_was():
    out = io.StringIO()
    call_command("demo", subscribers=10, members=0, issues=0, stdout=out)

    assert (Member.objects.count(), User.objects.count()) == (0, 0)
    assert "sign in" not in out.getvalue()


def test_without_an_account_to_pay_to_nobody_is_asked_for_a_fee(noon, settings):
    settings.MEMBERS_IBAN = ""
    members.make(1, seed=1)

    assert Fee.objects.exists()
    assert (Fee.objects.exclude(noted_on=None).count(), Payment.objects.count()) == (0, 0)
