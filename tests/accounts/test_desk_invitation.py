"""Invitations to the desk: whom they let in, as what, and whom they do not."""

import datetime

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.test import Client

from picum import links
from picum.accounts import inviting
from picum.accounts.models import AuditEntry, DeskInvitation, User
from picum.letters import post
from tests.accounts.at_the_door import PASSWORD, asks_for_link, links_mailed, signs_in, somebody, told
from tests.html import Page
from tests.letters.whole import faults

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 11, 23, 10, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
NEW = "staple battery horse"
OVER = "This invitation does not work any more"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def no_roles_but_ours(db):
    """The roles of the migrations are another test's matter."""
    Group.objects.all().delete()


def group(name="Translators", *codenames) -> Group:
    made = Group.objects.create(name=name)
    made.permissions.set(Permission.objects.filter(codename__in=codenames or ["translate_text"]))
    return made


def carla() -> User:
    return User.objects.create_superuser("carla@example.org", "secret", name="Carla")


def boris(*codenames) -> User:
    """Edits, and may invite."""
    user = User.objects.create_user("boris@example.org", "secret", name="Boris", is_staff=True)
    rights = Permission.objects.filter(codename__in=["invite_user", "translate_text", "change_item", *codenames])
    user.user_permissions.set(rights)
    return user


def invite(*groups, address="Rui@example.org", by=None, language="pt", **fields) -> DeskInvitation:
    by, groups = by or carla(), groups or [group()]
    return inviting.invite(address, name="Rui", language=language, groups=groups, by=by, now=NOW, **fields)


def path(invitation, language="en") -> str:
    return f"/{language}/sign-in/invitation/{inviting.token_for(invitation)}/"


def accepts(client, invitation, password=NEW, **more):
    typed = {"name": "Rui Alves", "language": "pt", "new_password1": password, "new_password2": password}
    return client.post(path(invitation), typed | {"password": password} | more)


def at_the_desk(client) -> bool:
    return client.get("/en/desk/").status_code == 200


def refused(answer) -> tuple:
    page = Page(answer)
    return answer.status_code, page.one("h1").words, page.one("p", class_="lead").words


# --- the way in ------------------------------------------------------------------------------------------------------


def test_rui_gets_a_mail_chooses_a_password_and_is_at_the_desk(client):
    rui = invite()
    assert not User.objects.filter(email="rui@example.org").exists()  # nobody is anybody before they have come
    [address] = [path for path in links_mailed() if "invitation" in path]
    assert address == path(rui, "pt")
    page = Page(client.get(path(rui)))
    words = "Carla invites you to work at the desk, where the newsletter is made."
    assert page.one("p", class_="lead").words == words
    assert [tag.words for tag in page.all("dd")] == ["Translators", "rui@example.org"]
    answer = accepts(client, rui)
    assert (answer.status_code, answer.url) == (302, "/en/desk/")
    user = User.objects.get(email="rui@example.org")
    told = (user.name, user.language, user.is_staff, user.is_superuser, [one.name for one in user.groups.all()])
    assert told == ("Rui Alves", "pt", True, False, ["Translators"])
    assert user.check_password(NEW)
    assert at_the_desk(client)
    deed = AuditEntry.objects.get(action="desk.accept")
    assert (deed.actor, deed.object_id, deed.data) == (user, str(user.pk), {"roles": ["Translators"]})


@pytest.mark.parametrize("language", [code for code, _name in django_settings.LANGUAGES])
def test_the_letter_is_whole_in_every_language(language):
    rui = invite(language=language)
    post.dispatch(now=NOW)
    [message] = mail.outbox
    assert faults(message, language) == []
    assert inviting.token_for(rui) in message.body
    assert "rui@example.org" not in message.body.lower()


def test_looking_changes_nothing_and_head_neither(client):
    rui = invite()
    assert (client.get(path(rui)).status_code, client.head(path(rui)).status_code) == (200, 200)
    assert (User.objects.count(), AuditEntry.objects.filter(action="desk.accept").count()) == (1, 0)


@pytest.mark.parametrize("password", ["", "rui", "12345678", "rui@example.org"])
def test_a_password_that_is_none_opens_nothing(client, password):
    rui = invite()
    assert accepts(client, rui, password).status_code == 200
    assert not User.objects.filter(email="rui@example.org").exists()


def test_the_link_works_once(client):
    rui = invite()
    accepts(client, rui)
    again = Client()
    words = "It has been accepted already. If that was you, just sign in."
    assert refused(again.get(path(rui))) == (410, OVER, words)
    assert refused(accepts(again, rui, "another good password")) == (410, OVER, words)
    assert not at_the_desk(again)
    assert User.objects.get(email="rui@example.org").check_password(NEW)


def test_the_link_works_for_fourteen_days(client, clock):
    rui = invite()
    clock.move_to(NOW + 14 * DAY - datetime.timedelta(seconds=1))
    assert client.get(path(rui)).status_code == 200
    clock.move_to(NOW + 14 * DAY)
    over = (410, OVER, "It was valid for fourteen days, and as long as the person who sent it works here.")
    assert refused(client.get(path(rui))) == over
    assert refused(accepts(client, rui)) == over
    assert not User.objects.filter(email="rui@example.org").exists()


def test_sent_once_more_it_works_for_fourteen_days_from_then(client, clock):
    rui = invite()
    with pytest.raises(inviting.NotPossible, match="on its way"):
        inviting.send_again(rui, by=User.objects.get(), now=NOW + datetime.timedelta(minutes=9))
    later = NOW + 13 * DAY
    clock.move_to(later)
    inviting.send_again(rui, by=User.objects.get(), now=later)
    clock.move_to(later + 13 * DAY)
    assert accepts(client, rui).url == "/en/desk/"


def test_what_was_taken_back_opens_nothing_and_its_letter_is_not_sent(client):
    rui = invite()
    inviting.take_back(rui, by=User.objects.get(), now=NOW)
    assert links_mailed() == []
    assert refused(client.get(path(rui))) == (410, OVER, "It was taken back.")
    assert accepts(client, rui).status_code == 410
    assert not User.objects.filter(email="rui@example.org").exists()
    with pytest.raises(inviting.NotPossible):
        inviting.send_again(rui, by=User.objects.get(), now=NOW + DAY)


@pytest.mark.parametrize("purpose", ["reader", "sign-in", "invitation", "application"])
def test_the_link_of_something_else_is_no_invitation(client, purpose):
    rui = invite()
    token = links.sign(rui.handle, purpose=purpose)
    assert client.get(f"/en/sign-in/invitation/{token}/").status_code == 404


def test_there_is_one_invitation_to_an_address(client):
    invite(translators := group())
    with pytest.raises(inviting.NotPossible, match="waits already"):
        invite(translators, address="RUI@example.org", by=User.objects.get())
    assert DeskInvitation.objects.count() == 1


def test_a_mailbox_gets_ten_invitations_a_day():
    by, translators = carla(), group()
    for _number in range(10):
        inviting.take_back(invite(translators, by=by), by=by, now=NOW)
    with pytest.raises(inviting.NotPossible, match="tomorrow"):
        invite(translators, by=by)
    assert not inviting.waiting().exists()


# --- an account that is there ----------------------------------------------------------------------------------------


def test_a_member_s_account_is_no_staff_before_its_password_is_confirmed(client):
    somebody("rui@example.org")
    rui = invite()
    assert not User.objects.get(email="rui@example.org").is_staff
    answer = accepts(client, rui, "not the password")
    assert told(answer) == ["This is not your password."]
    user = User.objects.get(email="rui@example.org")
    assert (user.is_staff, user.groups.count(), user.check_password(PASSWORD)) == (False, 0, True)
    assert accepts(client, rui, PASSWORD).url == "/en/desk/"
    user.refresh_from_db()
    assert (user.is_staff, user.check_password(PASSWORD)) == (True, True)
    assert at_the_desk(client)


def test_the_password_of_an_account_cannot_be_guessed_here(client):
    somebody("rui@example.org")
    rui = invite()
    answers = [accepts(client, rui, f"guess {number}").status_code for number in range(11)]
    assert answers == [200] * 10 + [429]
    assert accepts(client, rui, PASSWORD).status_code == 429
    assert not User.objects.get(email="rui@example.org").is_staff


def test_a_session_that_a_mailbox_opened_does_not_become_one_of_the_desk(clock):
    by_mailbox, by_password = Client(), Client()
    somebody("rui@example.org")
    asks_for_link(by_mailbox, "rui@example.org")
    [address] = links_mailed()
    by_mailbox.post(address)
    clock.shift(60)
    asks_for_link(by_mailbox, "rui@example.org")
    [another] = links_mailed()
    accepts(by_password, invite(), PASSWORD)
    assert (at_the_desk(by_mailbox), at_the_desk(by_password)) == (False, True)
    assert by_mailbox.post(another).status_code == 410


def test_an_account_without_a_password_gets_one(client):
    User.objects.create_user("rui@example.org", None)
    accepts(client, invite())
    assert signs_in(Client(), "rui@example.org", NEW).status_code == 302


def test_what_somebody_could_do_here_once_is_not_given_back(client):
    publishers = group("Publishers", "send_issue")
    user = somebody("rui@example.org")
    user.groups.add(publishers)
    user.user_permissions.set(Permission.objects.filter(codename="delete_subscriber"))
    accepts(client, invite(by=boris()), PASSWORD)
    user = User.objects.get(pk=user.pk)
    assert user.is_staff
    assert user.get_all_permissions() == {"newsletter.translate_text"}


def test_who_works_here_gets_one_role_more(client):
    publishers = group("Publishers", "send_issue")
    user = somebody("rui@example.org", is_staff=True)
    user.groups.add(publishers)
    accepts(client, invite(), PASSWORD)
    assert user.get_all_permissions() == {"newsletter.translate_text", "newsletter.send_issue"}


@pytest.mark.parametrize("powers", [{"is_staff": True}, {"is_superuser": True}])
def test_an_account_that_may_do_more_is_never_opened_by_a_mailbox(client, powers):
    User.objects.create_user("rui@example.org", None, **powers)
    answer = accepts(client, invite(by=boris()))
    words = "Your account has no password. Please ask a colleague to give you one at the desk."
    assert refused(answer) == (410, OVER, words)
    assert not User.objects.get(email="rui@example.org").has_usable_password()
    assert not at_the_desk(client)


def test_an_account_that_is_switched_off_stays_off(client):
    User.objects.create_user("rui@example.org", None, is_active=False)
    assert accepts(client, invite()).status_code == 410
    user = User.objects.get(email="rui@example.org")
    assert (user.is_active, user.is_staff) == (False, False)


def test_somebody_else_s_browser_is_told_so(client):
    client.force_login(somebody("amal@example.org"))
    rui = invite()
    answer = client.get(path(rui))
    assert (answer.status_code, Page(answer).one("h1").words) == (409, "This invitation is for somebody else")
    assert accepts(client, rui).status_code == 409
    assert not User.objects.get(email="amal@example.org").is_staff


# --- nobody gives what they do not have ------------------------------------------------------------------------------


def may_give(user) -> list[str]:
    return [one.name for one in inviting.may_give(user)]


def test_an_editor_gives_what_they_have_and_nothing_beyond():
    group("Editors", "translate_text", "change_item", "invite_user")
    group("Publishers", "send_issue")
    group("Translators", "translate_text")
    group("Half and half", "translate_text", "delete_subscriber")
    assert may_give(boris()) == ["Translators"]
    assert may_give(carla()) == ["Editors", "Half and half", "Publishers", "Translators"]
    assert may_give(User.objects.create_user("tariq@example.org", "secret", is_staff=True)) == []


def test_nobody_invites_to_more_than_they_have():
    publishers, by = group("Publishers", "send_issue"), boris()
    with pytest.raises(inviting.NotPossible, match="more than you"):
        invite(publishers, by=by)
    with pytest.raises(inviting.NotPossible, match="more than you"):
        invite(group(), publishers, by=by)
    with pytest.raises(inviting.NotPossible, match="at least one"):
        inviting.invite("rui@example.org", name="Rui", language="pt", groups=[], by=by, now=NOW)
    assert (DeskInvitation.objects.count(), links_mailed()) == (0, [])


def test_nobody_sends_on_what_they_could_not_have_sent():
    rui = invite(group("Publishers", "send_issue"))
    with pytest.raises(inviting.NotPossible, match="more than you"):
        inviting.send_again(rui, by=boris(), now=NOW + DAY)


def test_a_role_that_grew_meanwhile_is_not_given(client):
    translators, by = group(), boris()
    rui = invite(translators, by=by)
    translators.permissions.add(Permission.objects.get(codename="send_issue"))
    assert refused(accepts(client, rui))[2] == "You cannot give a role that may do more than you."
    assert not User.objects.filter(email="rui@example.org").exists()


@pytest.mark.parametrize("change", [{"is_active": False}, None])
def test_the_invitation_of_somebody_who_left_is_void(client, change):
    by = boris()
    rui = invite(by=by)
    if change:
        User.objects.filter(pk=by.pk).update(**change)
    else:
        by.delete()
    assert accepts(client, rui).status_code == 410
    assert not User.objects.filter(email="rui@example.org").exists()


# --- leaving ---------------------------------------------------------------------------------------------------------


def test_who_has_no_role_left_does_not_come_to_the_desk(client):
    translators, publishers = group(), group("Publishers", "send_issue")
    accepts(client, invite(translators, publishers))
    user = User.objects.get(email="rui@example.org")
    inviting.take_away(user, [publishers], by=User.objects.get(email="carla@example.org"))
    assert at_the_desk(client)
    inviting.take_away(user, [translators], by=User.objects.get(email="carla@example.org"))
    assert not at_the_desk(client)
    assert list(user.groups.all()) == []


def test_what_ended_long_ago_is_forgotten(clock):
    by, translators = carla(), group()
    back = invite(translators, by=by)
    inviting.take_back(back, by=by, now=NOW)
    invite(translators, by=by)
    assert inviting.forget(now=NOW + 60 * DAY) == 0
    assert inviting.forget(now=NOW + 61 * DAY) == 1
    assert inviting.forget(now=NOW + 75 * DAY) == 1
    assert not DeskInvitation.objects.exists()
