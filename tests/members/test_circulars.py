"""Letters to the contacts of chosen members: who is meant, written, looked at, sent through the newsletter's engine."""

import datetime

import pytest
from django.urls import reverse

from members import circulars
from members.circulars import Selection
from newsletter.models import Delivery, Issue
from tests.members.factories import Role, make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
TODAY = datetime.date(2026, 11, 22)
WRITE = "admin:members_circular_write"


@pytest.fixture
def network():
    """Three members: in Portugal for health care, in Poland without a treasurer, and one that has not been admitted."""
    lisbon = make_member("Rua Aberta", country="PT", rights=["health-care"], areas=["advocacy"])
    make_contact(lisbon, "amal@example.org", Role.CONTACT, Role.COMMUNICATIONS, user=False)
    make_contact(lisbon, "tomas@example.org", Role.TREASURER, user=False, language="en")
    krakow = make_member("Most", country="PL", type="legal-aid")
    make_contact(krakow, "ola@example.org", Role.CONTACT, user=False, language="de")
    make_contact(krakow, "gone@example.org", Role.CONTACT, user=False, left_on=TODAY)
    candidate = make_member("Candidate", joined=None)
    make_contact(candidate, "nobody@example.org", user=False)
    return lisbon, krakow


@pytest.mark.parametrize(
    ("selection", "people"),
    [
        (Selection(), ["amal", "ola"]),
        (Selection(roles=(Role.CONTACT, Role.COMMUNICATIONS)), ["amal", "ola"]),
        (Selection(roles=(Role.TREASURER,)), ["tomas"]),
        (Selection(countries=("PL",)), ["ola"]),
        (Selection(categories=("ordinary",)), []),
        (Selection(categories=("affiliated",)), ["amal", "ola"]),
        (Selection(types=("legal-aid",)), ["ola"]),
        (Selection(rights=("health-care",)), ["amal"]),
        (Selection(areas=("advocacy", "monitoring")), ["amal"]),
        (Selection(lacks="treasurer"), ["ola"]),
    ],
)
def test_who_is_meant(network, selection, people):
    found = [contact.email.partition("@")[0] for contact in circulars.contacts(selection, today=TODAY)]
    assert found == people


def test_who_acts_for_two_members_is_counted_once(network):
    make_contact(network[1], "amal@example.org", Role.CONTACT, user=False)
    told = circulars.audience(Selection(), today=TODAY)
    assert (told.members, told.people, dict(told.languages)) == (2, 2, {"pt": 1, "de": 1})


@pytest.fixture
def carla(client):
    person = make_user("carla@example.org", staff=True, permissions=["members.view_member", "members.mail_member"])
    client.force_login(person)
    return person


def letter(**fields) -> dict:
    return {"roles": ["contact"], "subject_en": "The assembly", "text_en": "Please come.\n\nCarla"} | fields


def test_it_is_looked_at_first_and_then_sent(network, carla, client):
    page = client.post(reverse(WRITE), letter(look=""))
    words = page.content.decode()
    assert "2 people get this letter." in words
    assert "2 of them read other languages and get it in this one: English." in words
    assert not Issue.objects.exists()
    hidden = {name: page.context["form"].data.getlist(name) for name in page.context["form"].data if name != "look"}
    answer = client.post(reverse(WRITE), hidden | {"send": ""})
    assert answer.url == reverse("admin:members_circulars")
    assert {row.recipient.address for row in Delivery.objects.all()} == {"amal@example.org", "ola@example.org"}
    overview = client.get(reverse("admin:members_circulars")).content.decode()
    assert "The assembly" in overview


def test_the_page_carries_what_was_typed_to_the_next_one(network, carla, client):
    page = client.post(reverse(WRITE), letter(look="", countries=["PL", "PT"])).content.decode()
    for part in (
        'name="countries" value="PL"',
        'name="countries" value="PT"',
        'name="subject_en" value="The assembly"',
    ):
        assert part in page
    again = client.post(reverse(WRITE), letter(back="")).content.decode()
    assert ("Please come." in again, "Look at it first" in again) == (True, True)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text_en": ""}, "A language needs both, a subject and a text."),
        ({"subject_en": "", "text_en": ""}, "Write a subject and a text in at least one language."),
        ({"roles": []}, "This field is required."),
    ],
)
def test_what_is_not_whole_is_said_at_the_form(network, carla, client, fields, sentence):
    answer = client.post(reverse(WRITE), letter(send="", **fields))
    assert (answer.status_code, sentence in answer.content.decode()) == (400, True)
    assert not Issue.objects.exists()


def test_nobody_chosen_gets_nothing_sent(carla, client):
    make_member()
    answer = client.post(reverse(WRITE), letter(send=""))
    assert "Nobody was chosen." in answer.content.decode()
    assert not Issue.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may_not_write_to_the_members_cannot(client, method):
    client.force_login(make_user("tariq@example.org", staff=True, permissions=["members.view_member"]))
    assert getattr(client, method)(reverse(WRITE)).status_code == 403
    assert client.get(reverse("admin:members_circulars")).status_code == 403
