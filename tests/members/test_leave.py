"""A member gives notice, to the end of the year; the secretariat can take it back until that day."""

import datetime

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from members import leaving, register
from members.models import DecidedBy, Member, Membership
from picum.accounts.models import AuditEntry
from picum.letters import post
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import JOINED, make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TODAY = timezone.localdate(NOW)
LAST = datetime.date(TODAY.year, 12, 31)
DAY = datetime.timedelta(days=1)
PAGES = ["profile", "my_directory", "documents", "conduct", "leave", "profile_logo"]


@pytest.fixture
def member():
    return make_member()


@pytest.fixture
def amal(member):
    return make_contact(member).user


@pytest.fixture
def carla():
    """In the group that keeps the members' rows."""
    keepers = Group.objects.create(name="Keepers")
    keepers.permissions.add(Permission.objects.get(content_type__app_label="members", codename="change_member"))
    user = make_user("carla@example.org", staff=True, language="fr")
    user.groups.add(keepers)
    return user


def notice(member, by, why="") -> Membership:
    return leaving.give_notice(member.memberships.get(until_on=None), by=by, now=NOW, why=why)


def leave_page(member) -> str:
    return reverse("members:leave", args=[member.handle])


def told() -> list[tuple]:
    return list(Letter.objects.order_by("pk").values_list("kind", "address", "language"))


@pytest.mark.parametrize(("month", "day"), [(1, 1), (9, 30), (12, 31)])
def test_whoever_gives_notice_belongs_to_the_end_of_that_year(month, day):
    assert leaving.last_day(datetime.date(2026, month, day)) == datetime.date(2026, 12, 31)


def test_notice_is_an_end_in_the_register_and_mailed_to_those_concerned(member, amal, carla):
    make_contact(member, "tesouro@example.org", "treasurer")
    make_user("tariq@example.org", staff=True)
    make_user("root@example.org", staff=True, is_superuser=True)
    notice(member, amal, why=" No money. ")
    row = member.memberships.values_list(
        "joined_on", "from_on", "until_on", "ended_why", "ended_by", "ended_on", "words", "struck_at"
    )
    assert list(row) == [(JOINED, JOINED, LAST, "withdrawn", "member", TODAY, "No money.", None)]
    assert told() == [
        ("members.notice_given", "amal@example.org", "pt"),
        ("members.member_leaves", "carla@example.org", "fr"),
    ]
    assert AuditEntry.objects.get(action="membership.withdrawn").actor == amal


def test_notice_is_given_once(member, amal):
    membership = member.memberships.get()
    notice(member, amal)
    with pytest.raises(register.NotPossible):
        leaving.give_notice(membership, by=amal, now=NOW)
    assert len(told()) == 1


def test_notice_taken_back_stays_in_the_register_struck_out_and_the_membership_goes_on(member, amal, carla):
    ended = notice(member, amal)
    Letter.objects.all().delete()
    leaving.take_back(ended, by=carla, now=NOW)
    rows = member.memberships.order_by("pk").values_list(
        "joined_on", "from_on", "until_on", "ended_why", "decided_by", "decided_on", "struck_why"
    )
    assert list(rows) == [
        (JOINED, JOINED, LAST, "withdrawn", "assembly", JOINED, "The notice was taken back."),
        (JOINED, JOINED, None, "", "assembly", JOINED, ""),
    ]
    assert Member.objects.current(on=LAST + DAY).get() == member
    assert told() == [("members.notice_taken_back", "amal@example.org", "pt")]


def test_only_a_notice_that_has_not_run_out_is_taken_back(member, amal, carla):
    with pytest.raises(register.NotPossible):
        leaving.take_back(member.memberships.get(), by=carla, now=NOW)
    ended = notice(member, amal)
    with pytest.raises(register.NotPossible):
        leaving.take_back(ended, by=carla, now=NOW + 366 * DAY)
    leaving.take_back(ended, by=carla, now=NOW)
    with pytest.raises(register.NotPossible):
        leaving.take_back(ended, by=carla, now=NOW)
    assert member.memberships.count() == 2


def test_what_the_board_ended_is_not_taken_back_here(member, carla):
    ended = register.end(
        member.memberships.get(),
        until_on=LAST,
        why=Membership.Ended.TERMINATED,
        ended_by=DecidedBy.BOARD,
        ended_on=TODAY,
        by=carla,
    )
    assert not leaving.notices(on=TODAY).exists()
    with pytest.raises(register.NotPossible):
        leaving.take_back(ended, by=carla, now=NOW)


def test_letters_are_moot_when_the_notice_was_taken_back_before_they_went(member, amal, carla):
    leaving.take_back(notice(member, amal), by=carla, now=NOW)
    assert post.dispatch(now=NOW) == {("dropped", "moot"): 2, ("sent", ""): 1}
    assert "taken back" in mail.outbox[0].body or "retira" in mail.outbox[0].body


def test_the_letters_are_written_in_every_language(member, amal, carla, settings):
    contact = member.contacts.get()
    ended = notice(member, amal, why="No money.")
    Letter.objects.all().delete()
    for language, _name in settings.LANGUAGES:
        about = {"membership": ended.pk, "contact": contact.pk}
        post.put("members.notice_given", to=contact.email, language=language, now=NOW, **about)
        about = {"membership": ended.pk, "user": carla.pk}
        post.put("members.member_leaves", to=carla.email, language=language, now=NOW, **about)
    post.dispatch(now=NOW)
    going_on = leaving.take_back(ended, by=carla, now=NOW)
    Letter.objects.all().delete()
    for language, _name in settings.LANGUAGES:
        about = {"membership": going_on.pk, "contact": contact.pk}
        post.put("members.notice_taken_back", to=contact.email, language=language, now=NOW, **about)
    post.dispatch(now=NOW)
    assert len(mail.outbox) == 21
    assert all("Rua Aberta" in message.subject and "Rua Aberta" in message.body for message in mail.outbox)
    assert sum("No money." in message.body for message in mail.outbox) == 7
    assert sum("/desk/members/member/notices/" in message.body for message in mail.outbox) == 7


# --- the page -----------------------------------------------------------------------------------------------------


def test_leaving_takes_two_buttons(client, member, amal):
    client.force_login(amal)
    page = Page(client.get(leave_page(member)))
    assert f"31 December {TODAY.year}" in page.words
    page = Page(client.post(leave_page(member), {"why": "No money.\nNo time."}))
    assert page.one("h1").words == "Are you sure?"
    assert member.memberships.get().until_on is None
    sent = {tag["name"]: tag["value"] for tag in page.one("main") and page.all("input", type="hidden")}
    answer = client.post(leave_page(member), sent, follow=True)
    assert Page(answer).one("h1").words == "You are leaving"
    membership = member.memberships.get()
    assert (membership.until_on, membership.words) == (LAST, "No money.\nNo time.")
    client.post(leave_page(member), sent)
    assert member.memberships.count() == 1


def test_only_the_member_contact_may_leave(client, member, amal):
    boris = make_contact(make_member("Casa Azul"), "boris@example.org")
    press = make_contact(member, "press@example.org", "communications", "treasurer", "newsletter")
    for person in (boris, press):
        client.force_login(person.user)
        assert client.get(leave_page(member)).status_code == 404
        assert client.post(leave_page(member), {"sure": "1"}).status_code == 404
    assert member.memberships.get().until_on is None


def test_until_the_last_day_nothing_changes_then_fees_stay_for_ninety_days(client, member, amal):
    membership = member.memberships.get()
    seats = {}
    for days in (0, -1, -90, -91):
        Membership.objects.filter(pk=membership.pk).update(until_on=TODAY + days * DAY, ended_why="withdrawn")
        client.force_login(amal)
        statuses = [client.get(reverse(f"members:{name}", args=[member.handle])).status_code for name in PAGES]
        seats[days] = (statuses, "Rua Aberta" in Page(client.get(reverse("members:my"))).words)
    assert seats == {
        0: ([200, 200, 200, 200, 200, 200], True),
        -1: ([404, 404, 404, 404, 404, 404], True),
        -90: ([404, 404, 404, 404, 404, 404], True),
        -91: ([404, 404, 404, 404, 404, 404], False),
    }


# --- the desk -----------------------------------------------------------------------------------------------------


def test_carla_takes_a_notice_back_at_the_desk(client, member, amal, carla):
    notice(member, amal, why="No money.")
    client.force_login(carla)
    page = Page(client.get(reverse("admin:members_notices")))
    assert "No money." in page.one("table").words
    (form,) = [tag for tag in page.all("form", method="post") if "take-back" in (tag["action"] or "")]
    client.post(form["action"])
    assert Member.objects.current(on=LAST + DAY).exists()
    client.post(form["action"])  # pressed twice
    assert member.memberships.count() == 2


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_notices_asks_the_database_seldom(client, carla, number, django_assert_num_queries):
    for name in ("Rua Aberta", "Casa Azul", "Haus Grün")[:number]:
        notice(make_member(name), carla)
    client.force_login(carla)
    with django_assert_num_queries(6):
        client.get(reverse("admin:members_notices"))


def test_tariq_takes_nothing_back(client, member, amal):
    ended = notice(member, amal)
    client.force_login(make_user("tariq@example.org", staff=True, permissions=["members.view_member"]))
    assert client.get(reverse("admin:members_notices")).status_code == 200
    assert client.post(reverse("admin:members_take_back", args=[ended.pk])).status_code == 403
    client.force_login(make_user("nobody@example.org", staff=True))
    assert client.get(reverse("admin:members_notices")).status_code == 403
