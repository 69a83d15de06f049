"""Once a year members say that their profile is still right, and are reminded of it three times."""

import datetime

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from members import confirming, upkeep
from members.models import DecidedBy, Kind, Member, Membership
from members.register import end
from picum.letters import post
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_contact, make_member

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
NOW = timezone.now().replace(hour=12)
TODAY = timezone.localdate(NOW)


@pytest.fixture
def member():
    found = make_member()
    make_contact(found)
    return found


def confirmed(member, days: int) -> Member:
    confirming.confirm(member, on=TODAY - days * DAY)
    return member


def remind(days=0) -> int:
    return confirming.remind_to_confirm(now=NOW + days * DAY)


def told() -> list[str]:
    return list(Letter.objects.order_by("pk").values_list("address", flat=True))


@pytest.mark.parametrize(("days", "number"), [(0, 0), (365, 0), (366, 1), (3000, 1)])
def test_a_reminder_is_due_when_a_year_is_over(member, days, number):
    confirmed(member, days)
    assert (remind(), len(told())) == (number, number)


def test_who_never_confirmed_is_reminded_a_year_after_joining():
    new, old = make_member("New", joined=TODAY - 300 * DAY), make_member("Old", joined=TODAY - 400 * DAY)
    for number, member in enumerate((new, old)):
        make_contact(member, f"amal{number}@example.org")
    assert (remind(), told()) == (1, ["amal1@example.org"])


def test_everybody_who_looks_after_the_profile_is_asked_in_their_language(member):
    make_contact(member, "boris@example.org", "communications", "treasurer", language="de")
    make_contact(member, "tesouro@example.org", "treasurer")
    make_contact(member, "gone@example.org", left_on=TODAY)
    remind()
    letters = Letter.objects.order_by("address").values_list("kind", "address", "language")
    assert list(letters) == [
        ("members.confirm_profile", "amal@example.org", "pt"),
        ("members.confirm_profile", "boris@example.org", "de"),
    ]


def test_reminders_come_sixty_days_apart_and_three_times_then_it_is_a_gap(member):
    went = [day for day in range(400) if remind(day)]
    assert went == [0, 60, 120]
    assert list(confirming.overdue(on=TODAY + 400 * DAY)) == [member]


def test_a_site_that_was_switched_off_catches_up_with_one_letter(member):
    assert [remind(), remind(200), remind(201)] == [1, 1, 0]


def test_confirming_begins_the_year_and_the_reminders_anew(member):
    for days in (0, 60, 120):
        remind(days)
    confirming.confirm(member, on=TODAY + 130 * DAY)
    assert not confirming.overdue(on=TODAY + 400 * DAY).exists()
    assert [remind(day) for day in (400, 130 + 366, 130 + 367)] == [0, 1, 0]


def test_a_member_without_people_is_not_counted_as_reminded(member):
    member.contacts.all().delete()
    assert remind() == 0
    make_contact(member, "boris@example.org")
    assert remind() == 1


def test_individual_members_are_asked_too():
    maria = make_member("Maria Lopes", kind=Kind.PERSON)
    make_contact(maria)
    assert remind() == 1


def test_who_leaves_or_has_left_is_not_asked(member):
    membership = member.memberships.get()
    end(
        membership,
        until_on=TODAY + 30 * DAY,
        why=Membership.Ended.WITHDRAWN,
        ended_by=DecidedBy.MEMBER,
        ended_on=TODAY,
        by=None,
    )
    assert (remind(), remind(31)) == (0, 0)


def test_two_workers_at_once_send_one_letter(member):
    due = confirming.overdue(on=TODAY).get()
    assert remind() == 1
    assert confirming._remind(due, TODAY, NOW) is False
    assert len(told()) == 1


def test_a_letter_is_moot_when_a_colleague_was_quicker(member):
    remind()
    confirming.confirm(member, on=TODAY)
    assert post.dispatch(now=NOW) == {("dropped", "moot"): 1}


@pytest.mark.parametrize("number", [1, 3])
def test_the_hourly_look_asks_the_database_once_when_nothing_is_due(number, django_assert_num_queries):
    for name in ("Rua Aberta", "Casa Azul", "Haus Grün")[:number]:
        confirmed(make_member(name), 10)
    with django_assert_num_queries(1):
        remind()


def test_the_letter_is_written_in_every_language(member, settings):
    contact = member.contacts.get()
    for confirmed_on in (None, TODAY - 400 * DAY):
        Member.objects.update(confirmed_on=confirmed_on)
        for language, _name in settings.LANGUAGES:
            about = {"contact": contact.pk}
            post.put("members.confirm_profile", to=contact.email, language=language, now=NOW, **about)
        post.dispatch(now=NOW)
    assert len(mail.outbox) == 14
    for message in mail.outbox:
        assert f"/{message.extra_headers['Content-Language']}/my/{member.handle}/profile/" in message.body
        assert "Rua Aberta" in message.subject


def test_it_is_done_every_hour(settings):
    assert upkeep.DEEDS["remind_to_confirm"] is confirming.remind_to_confirm
    assert settings.CELERY_BEAT_SCHEDULE["members-remind-to-confirm"]["args"] == ["remind_to_confirm"]


# --- the button ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["members:my", "members:profile"])
def test_amal_presses_the_button_on_the_overview_or_below_the_profile(client, member, page):
    client.force_login(member.contacts.get().user)
    address = reverse(page, args=[member.handle] if page == "members:profile" else [])
    button = Page(client.get(address)).one("form", action=reverse("members:confirm", args=[member.handle]))
    answer = client.post(button["action"], follow=True)
    member.refresh_from_db()
    assert member.confirmed_on == timezone.localdate()
    assert Page(answer).one("div", role="status").words == "Thank you. We will ask again in a year."
    assert "It is more than a year" not in Page(client.get(reverse("members:my"))).words


def test_looking_at_the_page_confirms_nothing_and_strangers_get_404(client, member):
    address = reverse("members:confirm", args=[member.handle])
    boris = make_contact(make_member("Casa Azul"), "boris@example.org").user
    tesouro = make_contact(member, "tesouro@example.org", "treasurer").user
    client.force_login(member.contacts.get(email="amal@example.org").user)
    assert client.get(address).status_code == 405
    for user in (boris, tesouro):
        client.force_login(user)
        assert client.post(address).status_code == 404
    member.refresh_from_db()
    assert member.confirmed_on is None
