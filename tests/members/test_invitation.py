"""The link of an invitation: what it shows, who gets in by it, and who does not."""

import datetime

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client

from members import invitations, people
from members.models import Contact, ContactRole
from picum import links
from picum.accounts.models import AuditEntry, User
from picum.letters import post
from tests.accounts.at_the_door import is_in
from tests.html import Page
from tests.letters.whole import faults
from tests.members.factories import make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
Role = ContactRole.Role
NOW = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
LANGUAGES = [code for code, _name in django_settings.LANGUAGES]
OVER = "This invitation does not work any more"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def invite(member=None, email="dora@example.org", *roles, language="nl") -> Contact:
    roles = roles or [Role.TREASURER]
    member = member or make_member()
    return people.add(member, name="Dora", email=email, roles=roles, language=language, by=None, now=NOW)


def path(contact, language="en") -> str:
    return f"/{language}/my/invitation/{invitations.token_for(contact)}/"


def refused(answer) -> tuple:
    page = Page(answer)
    return answer.status_code, page.one("h1").words, page.one("p", class_="lead").words


def test_the_page_says_who_invites_to_what_and_the_button_lets_in(client):
    dora = invite(None, "Dora@example.org", Role.TREASURER, Role.NEWSLETTER)
    page = Page(client.get(path(dora)))
    assert page.one("p", class_="lead").words == "Rua Aberta invites you to act for it on this site."
    assert [tag.words for tag in page.all("dd")] == ["treasurer, newsletter", "Dora@example.org"]
    answer = client.post(path(dora, "fr"))
    assert (answer.status_code, answer.url) == (302, "/fr/my/")
    user = User.objects.get()
    assert (user.email, user.name, user.language, user.has_usable_password()) == (
        "dora@example.org",
        "Dora",
        "fr",
        False,
    )
    dora.refresh_from_db()
    assert (dora.user, is_in(client)) == (user, "dora@example.org")
    assert list(AuditEntry.objects.filter(actor=user).values_list("action", "object_label")) == [
        ("contact.accept", "Rua Aberta")
    ]


def test_programs_that_fetch_every_link_accept_nothing():
    dora = invite()
    for _time in range(3):
        scanner = Client()
        assert (scanner.get(path(dora)).status_code, scanner.head(path(dora)).status_code) == (200, 200)
        assert is_in(scanner) == ""
    assert not User.objects.exists()


def test_a_post_from_another_site_accepts_nothing():
    dora = invite()
    assert Client(enforce_csrf_checks=True).post(path(dora)).status_code == 403
    assert not User.objects.exists()


def test_an_invitation_is_accepted_once(client):
    dora = invite()
    client.post(path(dora))
    over = (410, OVER, "It has been accepted already. If that was you, just sign in.")
    for somebody in (Client(), Client()):
        assert refused(somebody.get(path(dora))) == refused(somebody.post(path(dora))) == over
        assert is_in(somebody) == ""
    # The one who accepted it is shown what it opened.
    assert client.get(path(dora)).url == client.post(path(dora)).url == "/en/my/"


def test_an_invitation_works_for_fourteen_days_and_again_when_it_is_sent_again(client, clock):
    dora = invite()
    clock.shift(14 * DAY)
    over = (410, OVER, "It was valid for fourteen days.")
    assert refused(client.get(path(dora))) == refused(client.post(path(dora))) == over
    assert not User.objects.exists()
    people.invite(dora, by=None, now=NOW + 14 * DAY)
    assert client.post(path(dora)).url == "/en/my/"


def test_who_was_removed_meanwhile_does_not_come_in(client):
    dora = invite()
    people.remove(dora, by=None, now=NOW)
    over = (410, OVER, "Rua Aberta has taken it back.")
    assert refused(client.get(path(dora))) == refused(client.post(path(dora))) == over
    assert not User.objects.exists()


def test_who_was_added_without_a_letter_has_no_invitation_to_accept(client):
    dora = people.add(
        make_member(), name="Dora", email="dora@example.org", roles=["contact"], language="pt", by=None, now=NOW,
        invite=False,
    )  # fmt: skip
    assert client.post(path(dora)).status_code == 410


def test_a_false_link_is_not_complete(client):
    dora = invite()
    handle = dora.handle
    Contact.objects.all().delete()
    for false in ("nonsense", links.sign(handle, purpose="reader"), links.sign(handle, purpose="invitation")):
        answer = client.post(f"/en/my/invitation/{false}/")
        assert refused(answer)[:2] == (404, "This link is not complete")


def test_an_account_that_is_there_is_the_one_that_acts(client):
    user = make_user("dora@example.org", language="de")
    dora = invite()
    assert client.post(path(dora, "fr")).url == "/fr/my/"
    dora.refresh_from_db()
    assert (dora.user, User.objects.get().language, is_in(client)) == (user, "de", "dora@example.org")


def test_capitals_in_an_address_make_no_second_account(client):
    user = make_user("dora@example.org")
    client.post(path(invite(email="DORA@example.org")))
    assert (Contact.objects.get().user, User.objects.count()) == (user, 1)


def test_a_domain_that_only_looks_alike_in_capitals_does_not_open_somebody_s_account(client):
    user = make_user("dora@github.example")
    client.post(path(invite(email="dora@gıthub.example")))
    assert Contact.objects.get().user != user
    assert is_in(client) == "dora@gıthub.example"


def test_who_is_signed_in_already_stays_signed_in(client):
    user = make_user("dora@example.org")
    client.force_login(user)
    key = client.session.session_key
    assert client.post(path(invite())).url == "/en/my/"
    assert client.session.session_key == key


def test_who_was_here_before_is_bound_and_signs_in_as_always(client):
    user = make_user("dora@example.org", last_login=NOW - DAY)
    dora = invite()
    assert client.post(path(dora)).url == "/en/sign-in/?next=%2Fen%2Fmy%2F"
    dora.refresh_from_db()
    assert (dora.user, is_in(client)) == (user, "")


def test_an_account_that_is_switched_off_is_told_so_and_not_bound(client):
    make_user("dora@example.org", is_active=False)
    dora = invite()
    why = "The account of this mail address is switched off. Please write to the secretariat."
    assert refused(client.post(path(dora))) == (410, OVER, why)
    dora.refresh_from_db()
    assert (dora.user, is_in(client)) == (None, "")


def test_who_works_at_the_desk_is_bound_and_comes_in_by_password_alone(client):
    user = make_user("dora@example.org", staff=True)
    dora = invite()
    assert client.post(path(dora)).url == "/en/sign-in/?next=%2Fen%2Fmy%2F"
    dora.refresh_from_db()
    assert (dora.user, is_in(client)) == (user, "")


def test_when_somebody_else_is_signed_in_it_says_so_and_accepts_nothing(client):
    boris = make_contact(make_member("Outra Rua"), "boris@example.org")
    client.force_login(boris.user)
    dora = invite()
    said = (
        409,
        "This invitation is for somebody else",
        "You are signed in here as boris@example.org, and the invitation is for dora@example.org.",
    )
    answer = client.get(path(dora))
    assert refused(answer) == refused(client.post(path(dora))) == said
    dora.refresh_from_db()
    assert dora.user is None
    # The button signs out, and the invitation opens.
    onward = Page(answer).one("input", name="next")["value"]
    assert client.post("/en/sign-out/", {"next": onward}).url == path(dora)
    assert client.get(path(dora)).status_code == 200


def test_two_members_invite_the_same_person_and_both_invitations_work(client):
    first, second = invite(), invite(make_member("Outra Rua"))
    client.post(path(first))
    assert client.get(path(second)).status_code == 200
    client.post(path(second))
    user = User.objects.get()
    assert set(Contact.objects.values_list("user", flat=True)) == {user.pk}
    page = Page(client.get("/en/my/"))
    assert [tag.words for tag in page.all("h2", class_="card-title")] == ["Outra Rua", "Rua Aberta"]


def test_two_people_who_accept_at_once_are_one(client):
    """The second press finds the invitation used."""
    dora = invite()
    stale = invitations.find(invitations.token_for(dora))
    client.post(path(dora))
    with pytest.raises(invitations.NotPossible, match="cannot be accepted any more"):
        invitations.accept(stale, language="en", now=NOW)
    assert User.objects.count() == 1


# --- the letter -------------------------------------------------------------------------------------------------------


def test_the_letter_carries_the_link_and_what_it_is_about(client):
    dora = invite(None, "dora@example.org", Role.TREASURER, Role.COMMUNICATIONS, language="en")
    assert post.dispatch(now=NOW) == {("sent", ""): 1}
    (message,) = mail.outbox
    words = " ".join(message.body.split())
    assert message.subject == "Rua Aberta invites you: membership of PICUM"
    assert "- treasurer - communications" in words
    assert "The link works until 7 December 2026, 11:00 CET." in words
    assert path(dora) in message.body
    # What somebody typed about somebody stands nowhere.
    assert "Dora" not in message.body + message.alternatives[0][0]


@pytest.mark.parametrize("then", ["removed", "accepted", "expired"])
def test_a_letter_that_has_nothing_to_say_any_more_is_not_sent(client, then):
    dora, when = invite(), NOW
    if then == "removed":
        people.remove(dora, by=None, now=NOW)
    elif then == "accepted":
        client.post(path(dora))
    else:
        Contact.objects.update(invited_at=NOW - 15 * DAY)
    assert post.dispatch(now=when) == {("dropped", "moot"): 1}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_is_whole_in_each_language(language):
    dora = invite(None, "dora@example.org", *Role, language=language)
    post.dispatch(now=NOW)
    assert faults(mail.outbox[0], language) == []
    assert path(dora, language) in mail.outbox[0].body
