"""`manage.py send_issue`: what it refuses, and what it then leaves alone."""

import datetime

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db


@pytest.fixture
def issue():
    return make_issue("next", items=1, state="ready")


def standing(issue) -> set[tuple[str, datetime.datetime | None]]:
    return set(issue.editions.values_list("state", "send_at"))


@pytest.mark.parametrize("when", ["", "tomorrow", "2026-13-01T09:00"])
def test_a_time_that_is_none_sends_nothing(issue, when):
    with pytest.raises(CommandError, match=f"“{when}” is not a time such as 2026-11-30T09:00."):
        call_command("send_issue", "next", "--at", when)
    assert standing(issue) == {("ready", None)}


def test_a_time_that_the_clocks_leave_out_is_refused(issue):
    with time_machine.travel(datetime.datetime(2027, 3, 1, tzinfo=datetime.UTC)):
        with pytest.raises(CommandError, match="2027-03-28T02:30 does not exist in Europe/Brussels"):
            call_command("send_issue", "next", "--at", "2027-03-28T02:30")
        with pytest.raises(CommandError, match="more than a year ahead"):
            call_command("send_issue", "next", "--at", "2028-03-28T02:30")
    assert standing(issue) == {("ready", None)}


def test_a_set_time_is_said_with_its_zone(issue, capsys):
    with time_machine.travel(datetime.datetime(2027, 3, 1, tzinfo=datetime.UTC)):
        call_command("send_issue", "next", "--language", "de", "--at", "2027-03-02T09:00")
    assert capsys.readouterr().out == "next: de at 2027-03-02 09:00 Europe/Brussels.\n"


def test_an_issue_that_does_not_exist_is_said():
    with pytest.raises(CommandError, match="There is no issue “nothing”"):
        call_command("send_issue", "nothing")


@pytest.mark.parametrize("languages", [[], ["--language", "de"], ["--language", "de", "--language", "de"]])
def test_another_time_for_what_is_scheduled_is_refused_and_not_ignored(issue, languages):
    first = timezone.now().replace(microsecond=0) + datetime.timedelta(days=1)
    call_command("send_issue", "next", "--at", first.isoformat())
    with pytest.raises(CommandError, match="scheduled or being sent already; --at would change nothing"):
        call_command("send_issue", "next", *languages, "--at", (first + datetime.timedelta(days=1)).isoformat())
    assert standing(issue) == {("scheduled", first)}


def test_a_language_named_twice_goes_out_once(issue):
    first = timezone.now().replace(microsecond=0) + datetime.timedelta(days=1)
    call_command("send_issue", "next", "--language", "de", "--language", "de", "--at", first.isoformat())
    assert list(issue.editions.filter(state="scheduled").values_list("language", "send_at")) == [("de", first)]
