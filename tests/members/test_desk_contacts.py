"""The secretariat looks after the people of a member: for whoever has no contact that could do it."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from members import people
from members.models import Contact
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import Role, make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
DORA = {"name": "Dora", "email": "dora@example.org", "language": "pt", "roles": [Role.CONTACT, Role.TREASURER]}


@pytest.fixture
def carla(client):
    rights = ["members.view_member", "members.change_member"]
    person = make_user("carla@example.org", staff=True, permissions=rights)
    client.force_login(person)
    return person


def at(member, name: str, *contacts) -> str:
    return reverse(f"admin:members_contact_{name}", args=[member.pk, *(contact.pk for contact in contacts)])


def home_of(member) -> str:
    return reverse("admin:members_member_change", args=[member.pk])


def test_who_lacks_a_contact_gets_one_with_an_invitation(carla, client):
    member = make_member()
    page = Page(client.get(home_of(member)))
    assert "Nobody acts for this member." in page.words
    assert at(member, "invite") in page.links()
    answer = client.post(at(member, "invite"), DORA)
    assert answer.url == home_of(member) + "#contacts"
    dora = member.contacts.get()
    assert ({role.role for role in dora.roles.all()}, dora.email) == ({"contact", "treasurer"}, "dora@example.org")
    assert Letter.objects.values_list("kind", "address").get() == ("members.invited", "dora@example.org")
    assert AuditEntry.objects.get(action="contact.add").actor == carla
    page = Page(client.get(home_of(member)))
    assert "An invitation is on its way to dora@example.org." in page.one("ul", class_="messagelist").words
    assert "Invited, and has not come yet." in page.words


def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(carla, client):
    member = make_member()
    make_contact(member, "dora@example.org")
    answer = client.post(at(member, "invite"), DORA | {"position": "Direção"})
    assert answer.status_code == 400
    page = Page(answer)
    assert page.one("ul", class_="errorlist").words == "There is somebody with this mail address already."
    assert page.one("input", name="position")["value"] == "Direção"
    assert member.contacts.count() == 1


def test_roles_are_changed_even_those_of_the_last_contact(carla, client):
    amal = make_contact(make_member())
    values = {"name": "Amal D.", "language": "fr", "roles": [Role.NEWSLETTER]}
    assert client.get(at(amal.member, "change", amal)).status_code == 200
    assert client.post(at(amal.member, "change", amal), values).status_code == 302
    amal.refresh_from_db()
    assert (amal.name, amal.language, [role.role for role in amal.roles.all()]) == ("Amal D.", "fr", ["newsletter"])


def test_somebody_is_removed_after_one_more_question(carla, client):
    amal = make_contact(make_member())
    assert "Remove Amal?" in Page(client.get(at(amal.member, "remove", amal))).one("h1").words
    assert Contact.objects.active().count() == 1
    client.post(at(amal.member, "remove", amal))
    assert Contact.objects.active().count() == 0
    assert AuditEntry.objects.get(action="contact.remove").actor == carla


def test_an_invitation_goes_out_again_but_not_twice_in_a_row(carla, client):
    member = make_member()
    now = timezone.now()
    asked = {"name": "Dora", "email": "dora@example.org", "roles": [Role.CONTACT], "language": "pt"}
    dora = people.add(member, **asked, by=carla, now=now - datetime.timedelta(days=1))
    client.post(at(member, "again", dora))
    assert Letter.objects.count() == 2
    answer = client.post(at(member, "again", dora), follow=True)
    assert "An invitation is on its way." in Page(answer).one("ul", class_="messagelist").words
    assert Letter.objects.count() == 2


def test_the_contact_of_one_member_is_not_reached_through_another(carla, client):
    amal, boris = make_contact(make_member()), make_contact(make_member("Most"), "boris@example.org")
    assert client.post(at(amal.member, "remove", boris)).status_code == 404
    assert Contact.objects.active().count() == 2


def test_who_may_only_look_is_offered_nothing(client):
    amal = make_contact(make_member())
    client.force_login(make_user("tariq@example.org", staff=True, permissions=["members.view_member"]))
    links = Page(client.get(home_of(amal.member))).links()
    assert not [link for link in links if "/people/" in (link or "")]
    assert client.post(at(amal.member, "remove", amal)).status_code == 403
