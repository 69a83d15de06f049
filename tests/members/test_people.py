"""The people of a member: amal is the member contact of Rua Aberta, and invites, changes and removes; boris is that of
another member; carla is the secretariat."""

import datetime
import uuid

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from members import people
from members.models import Contact, ContactRole
from picum.accounts.models import AuditEntry, User
from picum.addresses import InvalidAddress
from picum.letters import post
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
Role = ContactRole.Role
NOW = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
LAST = "There must be a member contact. First let somebody else become one, and let them sign in once."


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def member():
    return make_member()


@pytest.fixture
def amal(member):
    return make_contact(member)


@pytest.fixture
def browser(amal, client):
    client.force_login(amal.user)
    return client


def add(member, email="dora@example.org", *roles, by=None, now=NOW, **fields) -> Contact:
    fields = {"name": "Dora", "language": "nl", "roles": roles or [Role.TREASURER]} | fields
    return people.add(member, email=email, by=by, now=now, **fields)


def roles_of(contact) -> set[str]:
    return set(contact.roles.values_list("role", flat=True))


def trail() -> list[tuple]:
    lines = AuditEntry.objects.filter(action__startswith="contact.").order_by("pk")
    return list(lines.values_list("action", "actor_label", "object_label", "data"))


def page(name, member, *arguments) -> str:
    with override("en"):
        return reverse(f"members:{name}", args=[member.handle, *arguments])


def typed(**fields) -> dict:
    fields = {"name": "Dora", "email": "dora@example.org", "language": "nl", "roles": [Role.TREASURER.value]} | fields
    return {"position": "", "telephone": ""} | fields


def told(response) -> list[str]:
    """What the page that answered, or the next one, says."""
    if response.status_code == 302:
        return [str(message) for message in get_messages(response.wsgi_request)]
    return [tag.words for tag in Page(response).all("ul", class_="errorlist")]


# --- the moves --------------------------------------------------------------------------------------------------------


def test_somebody_who_is_added_gets_roles_a_letter_and_a_line_in_the_trail(member, amal):
    dora = add(member, " Dora@EXAMPLE.org ", Role.NEWSLETTER, Role.TREASURER, by=amal.user, position=" Conta ")
    assert (dora.email, dora.name, dora.position, dora.language) == ("Dora@example.org", "Dora", "Conta", "nl")
    assert (roles_of(dora), dora.user, dora.invited_at) == ({Role.TREASURER, Role.NEWSLETTER}, None, NOW)
    assert Letter.objects.values_list("kind", "address", "language", "about").get() == (
        "members.invited",
        "Dora@example.org",
        "nl",
        {"contact": dora.pk},
    )
    assert trail() == [
        ("contact.add", "Amal", "Rua Aberta", {"contact": dora.pk, "roles": ["treasurer", "newsletter"]}),
    ]


def test_the_secretariat_can_add_somebody_without_writing_to_them(member):
    dora = add(member, invite=False)
    assert (dora.invited_at, Letter.objects.count()) == (None, 0)


def test_an_address_is_there_once_per_member_and_again_when_its_owner_has_left(member, amal):
    dora = add(member)
    with pytest.raises(people.NotPossible, match="There is somebody with this mail address already"):
        add(member, "DORA@example.org")
    assert add(make_member("Outra Rua")).pk != dora.pk
    people.remove(dora, by=amal.user, now=NOW)
    assert add(member).pk != dora.pk
    assert list(member.contacts.active().values_list("name", flat=True)) == ["Amal", "Dora"]


def test_an_address_that_is_none_is_refused_in_words(member):
    with pytest.raises(InvalidAddress, match="no @ in it"):
        add(member, "dora")


def test_nobody_is_there_without_a_role(member, amal):
    with pytest.raises(people.NotPossible, match="at least one role"):
        add(member, roles=[])
    with pytest.raises(ValueError, match="president"):
        add(member, roles=["president"])
    assert list(member.contacts.all()) == [amal]


def change(contact, *roles, by, **fields):
    fields = {"name": contact.name, "language": contact.language, "position": "", "telephone": ""} | fields
    return people.change(contact, roles=roles, by=by, now=NOW, **fields)


def test_roles_are_as_they_are_given(member, amal):
    dora = make_contact(member, "dora@example.org", Role.TREASURER, Role.NEWSLETTER)
    kept = dora.roles.get(role=Role.TREASURER).pk
    change(dora, Role.COMMUNICATIONS, Role.TREASURER, by=amal.user, name=" Dora Maar ", telephone="+351 21")
    dora.refresh_from_db()
    assert (dora.name, dora.telephone, roles_of(dora)) == (
        "Dora Maar",
        "+351 21",
        {Role.TREASURER, Role.COMMUNICATIONS},
    )
    assert dora.roles.get(role=Role.TREASURER).pk == kept
    assert trail() == [
        ("contact.change", "Amal", "Rua Aberta", {"contact": dora.pk, "roles": ["treasurer", "communications"]}),
    ]


def test_the_last_member_contact_neither_goes_nor_gives_up_the_role(member, amal):
    for deed in (
        lambda: people.remove(amal, by=amal.user, now=NOW),
        lambda: change(amal, Role.TREASURER, by=amal.user),
    ):
        with pytest.raises(people.NotPossible) as refusal:
            deed()
        assert str(refusal.value) == LAST
    assert (roles_of(amal), amal.left_on, trail()) == ({Role.CONTACT}, None, [])
    # Another role beside it changes nothing.
    change(amal, Role.CONTACT, Role.TREASURER, by=amal.user)


@pytest.mark.parametrize("who", ["invited", "switched off", "left", "elsewhere", "treasurer"])
def test_only_a_member_contact_who_can_sign_in_takes_the_place(member, amal, who):
    other = make_member("Outra Rua") if who == "elsewhere" else member
    dora = make_contact(
        other,
        "dora@example.org",
        Role.TREASURER if who == "treasurer" else Role.CONTACT,
        user=who != "invited",
        left_on=NOW.date() if who == "left" else None,
    )
    if who == "switched off":
        User.objects.filter(pk=dora.user_id).update(is_active=False)
    with pytest.raises(people.NotPossible):
        people.remove(amal, by=amal.user, now=NOW)


def test_when_there_is_another_member_contact_the_first_may_go(member, amal):
    make_contact(member, "dora@example.org", Role.CONTACT)
    people.remove(amal, by=amal.user, now=NOW)
    amal.refresh_from_db()
    assert amal.left_on == NOW.date()
    assert trail() == [("contact.remove", "Amal", "Rua Aberta", {"contact": amal.pk})]


def test_the_secretariat_can_take_away_the_last_one(member, amal):
    people.remove(amal, by=make_user("carla@example.org", staff=True), now=NOW)
    assert not member.contacts.active().exists()


def test_who_has_left_is_neither_changed_nor_removed_nor_invited(member, amal):
    dora = add(member)
    people.remove(dora, by=amal.user, now=NOW)
    for deed in (
        lambda: people.remove(dora, by=amal.user, now=NOW),
        lambda: people.invite(dora, by=amal.user, now=NOW),
        lambda: change(dora, Role.CONTACT, by=amal.user),
    ):
        with pytest.raises(people.NotPossible, match="does not act for the member any more"):
            deed()


def test_an_invitation_can_be_sent_again_after_ten_minutes(member, amal):
    dora = add(member)
    with pytest.raises(people.NotPossible, match="An invitation is on its way"):
        people.invite(dora, by=amal.user, now=NOW + 9 * MINUTE)
    people.invite(dora, by=amal.user, now=NOW + 11 * MINUTE)
    dora.refresh_from_db()
    assert (dora.invited_at, Letter.objects.count()) == (NOW + 11 * MINUTE, 2)
    assert trail()[1] == ("contact.invite", "Amal", "Rua Aberta", {"contact": dora.pk})


def test_who_has_accepted_is_not_invited_again(member, amal):
    dora = make_contact(member, "dora@example.org", Role.TREASURER)
    with pytest.raises(people.NotPossible, match="has accepted"):
        people.invite(dora, by=amal.user, now=NOW)


def test_a_mailbox_gets_no_more_than_ten_invitations_a_day(amal):
    for number in range(10):
        assert add(make_member(f"Rua {number}"), f"dora+{number}@example.org").invited_at
    late = make_member("Rua 11")
    dora = add(late)
    assert (dora.invited_at, Letter.objects.count()) == (None, 10)
    with pytest.raises(people.NotPossible, match="Please try again tomorrow"):
        people.invite(dora, by=None, now=NOW)
    people.invite(dora, by=None, now=NOW + datetime.timedelta(days=1, seconds=1))
    assert Letter.objects.count() == 11


# --- the pages --------------------------------------------------------------------------------------------------------


def test_amal_sees_her_people_and_not_those_who_left_or_are_elsewhere(browser, member, amal):
    add(member)
    make_contact(member, "gone@example.org", name="Gone", left_on=NOW.date())
    make_contact(make_member("Outra Rua"), "boris@example.org")
    answer = Page(browser.get(page("people", member)))
    names = [tag.words for tag in answer.all("h2")]
    assert names[:2] == ["Amal", "Dora"]
    assert "Gone" not in names
    assert "Boris" not in answer.one("main").words
    assert "Invited, and has not come yet." in answer.one("main").words


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_asks_as_often_for_three_as_for_one(browser, member, number):
    for one in range(number - 1):
        make_contact(member, f"somebody{one}@example.org", Role.TREASURER)
    with CaptureQueriesContext(connection) as queries:
        browser.get(page("people", member))
    assert len(queries) == 6


def test_amal_invites_somebody(browser, member, amal):
    answer = browser.post(page("people", member), typed(position="Tesoureira"))
    assert (answer.url, told(answer)) == (
        page("people", member),
        ["An invitation is on its way to dora@example.org."],
    )
    dora = member.contacts.get(name="Dora")
    assert (dora.position, roles_of(dora)) == ("Tesoureira", {Role.TREASURER})
    post.dispatch(now=NOW)
    assert [message.to for message in mail.outbox] == [["dora@example.org"]]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"email": "dora"}, ["“dora” is not a mail address: there is no @ in it."]),
        ({"email": "amal@example.org"}, ["There is somebody with this mail address already."]),
        ({"roles": []}, ["Please choose at least one role."]),
        ({"roles": ["president"]}, ["Select a valid choice. president is not one of the available choices."]),
        ({"name": ""}, ["This field is required."]),
        ({"name": "See www.pills.example"}, ["Please write a name here, without a web address."]),
    ],
)
def test_what_is_wrong_with_an_invitation_is_said_and_nobody_is_added(browser, member, fields, says):
    answer = browser.post(page("people", member), typed(**fields))
    assert (answer.status_code, told(answer)) == (200, says)
    assert member.contacts.count() == 1


def test_from_one_network_not_too_many_are_invited(browser, member):
    for number in range(10):
        browser.post(page("people", member), typed(email=f"name{number}@example.org"))
    answer = browser.post(page("people", member), typed())
    assert answer.status_code == 429
    assert "Too many forms came from your network" in told(answer)[0]
    assert member.contacts.count() == 11


def test_amal_changes_roles(browser, member):
    dora = make_contact(member, "dora@example.org", Role.TREASURER)
    form = Page(browser.get(page("person", member, dora.handle)))
    assert [tag["value"] for tag in form.all("input", type="checkbox") if "checked" in tag.attributes] == ["treasurer"]
    answer = browser.post(page("person", member, dora.handle), typed(roles=["communications", "treasurer"]))
    assert (answer.url, told(answer)) == (page("people", member), ["Saved."])
    assert roles_of(dora) == {Role.COMMUNICATIONS, Role.TREASURER}


def test_amal_is_told_why_she_cannot_give_up_her_role(browser, member, amal):
    answer = browser.post(page("person", member, amal.handle), typed(roles=["treasurer"]))
    assert told(answer) == [LAST]
    assert roles_of(amal) == {Role.CONTACT}


def test_who_gives_up_the_role_to_another_lands_at_the_overview(browser, member, amal):
    make_contact(member, "dora@example.org", Role.CONTACT)
    answer = browser.post(page("person", member, amal.handle), typed(name="Amal", roles=["treasurer"]))
    assert answer.url == "/en/my/"
    assert browser.get(page("people", member)).status_code == 404


def test_removing_asks_first_and_takes_the_seat_away_from_a_live_session(browser, member, amal):
    dora = make_contact(member, "dora@example.org", Role.CONTACT)
    hers = Client()
    hers.force_login(dora.user)
    assert hers.get(page("people", member)).status_code == 200
    asked = Page(browser.get(page("person_remove", member, dora.handle)))
    assert asked.one("h1").words == "Remove Dora?"
    assert hers.get(page("people", member)).status_code == 200
    answer = browser.post(page("person_remove", member, dora.handle))
    assert (answer.url, told(answer)) == (page("people", member), ["Dora no longer acts for Rua Aberta."])
    assert hers.get(page("people", member)).status_code == 404
    assert "You do not act for any member" in Page(hers.get("/en/my/")).one("main").words


def test_who_is_removed_here_keeps_account_and_other_seats(browser, member):
    other = make_member("Outra Rua")
    dora = make_contact(member, "dora@example.org", Role.TREASURER)
    make_contact(other, "dora@example.org", Role.CONTACT)
    hers = Client()
    hers.force_login(dora.user)
    browser.post(page("person_remove", member, dora.handle))
    assert hers.get(page("people", other)).status_code == 200
    assert hers.get("/en/my/").wsgi_request.user.is_active


def test_amal_is_told_why_she_cannot_remove_herself(browser, member, amal):
    assert Page(browser.get(page("person_remove", member, amal.handle))).one("h1").words == "Remove yourself?"
    answer = browser.post(page("person_remove", member, amal.handle))
    assert (answer.url, told(answer)) == (page("people", member), [LAST])


def test_amal_sends_an_invitation_again(browser, member, amal, clock):
    dora = add(member)
    answer = browser.post(page("person_invite", member, dora.handle))
    assert told(answer) == ["An invitation is on its way. If it does not arrive, send another in ten minutes."]
    clock.shift(11 * MINUTE)
    answer = browser.post(page("person_invite", member, dora.handle))
    assert told(answer)[-1] == "An invitation is on its way to dora@example.org."
    assert browser.get(page("person_invite", member, dora.handle)).status_code == 405


def everything(member, contact) -> list[str]:
    return [
        page("people", member),
        page("person", member, contact.handle),
        page("person_remove", member, contact.handle),
    ]


@pytest.mark.parametrize("who", ["stranger", "boris", "treasurer", "communications", "newsletter", "carla"])
def test_everybody_else_gets_404_for_every_page_and_changes_nothing(client, member, amal, who):
    dora = add(member)
    if who == "boris":
        client.force_login(make_contact(make_member("Outra Rua"), "boris@example.org").user)
    elif who == "carla":
        client.force_login(make_user("carla@example.org", staff=True, is_superuser=True))
    elif who != "stranger":
        client.force_login(make_contact(member, "boris@example.org", who).user)
    before = list(Contact.objects.order_by("pk").values())
    for address in [*everything(member, dora), page("person_invite", member, dora.handle)]:
        answers = [client.post(address, typed())]
        answers += [client.get(address)] if "invite" not in address else []
        assert [answer.status_code for answer in answers] == [404] * len(answers), address
    assert list(Contact.objects.order_by("pk").values()) == before
    assert roles_of(dora) == {Role.TREASURER}


def test_a_person_of_another_member_is_not_found_among_one_s_own(browser, member):
    theirs = make_contact(make_member("Outra Rua"), "boris@example.org")
    for address in [*everything(member, theirs)[1:], page("person", member, uuid.uuid4())]:
        assert (browser.get(address).status_code, browser.post(address, typed()).status_code) == (404, 404)
    assert Contact.objects.active().filter(pk=theirs.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_an_invitation_is_counted_in_the_transaction_that_makes_it():
    """As it runs on the site, where a request is no transaction."""
    member = make_member()
    browser, dora = Client(), make_contact(member, "dora@example.org", user=False)
    browser.force_login(make_contact(member).user)
    values = {"name": "Tito", "email": "tito@example.org", "language": "pt", "roles": [Role.TREASURER]}
    answers = [
        browser.post(reverse("members:people", args=[member.handle]), values),
        browser.post(reverse("members:person_invite", args=[member.handle, dora.handle])),
    ]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Letter.objects.filter(kind="members.invited").count() == 2
