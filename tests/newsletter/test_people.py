"""The page of the people who translate: inviting, languages, and leaving."""

import datetime

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.test import Client

from newsletter.models import Text, Translator
from newsletter.translation import access, texts, volunteers
from picum.accounts import inviting
from picum.accounts.models import AuditEntry, DeskInvitation, User
from tests.accounts.at_the_door import links_mailed
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import make_issue, make_item
from tests.newsletter.roles import boris, dora, ines, make_roles, somebody_of

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


def role(name="Translators") -> Group:
    make_roles()
    return Group.objects.get(name=name)


def typed(**fields) -> dict:
    chosen = {"address": "Rui@example.org", "name": "Rui", "language": "pt", "languages": ["es", "pt"]}
    return chosen | {"roles": [role().pk]} | fields


def invite(by, **fields) -> list[str]:
    """What the desk says; what is wrong in the form, if it was."""
    answer = at_the_desk(by).post(page("translator_invite"), typed(**fields), follow=True)
    return said(answer) or [tag.words for tag in Page(answer).all("ul", class_="errorlist")]


# --- inviting --------------------------------------------------------------------------------------------------------


def test_an_editor_invites_a_translator_who_comes_and_writes_in_their_languages(client):
    assert invite(boris()) == ["An invitation is on its way to Rui@example.org."]
    [address] = links_mailed()
    given = {"name": "Rui", "language": "pt", "new_password1": "staple battery", "new_password2": "staple battery"}
    assert client.post(address, given).url == "/pt/desk/"
    rui = User.objects.get(email="rui@example.org")
    assert access.languages_of(rui) == ["es", "pt"]
    assert rui.get_all_permissions() == {"newsletter.translate_text"}


def test_before_they_have_come_nothing_is_theirs():
    invite(boris())
    assert not Translator.objects.exists()
    assert not User.objects.filter(email="rui@example.org").exists()


def test_a_translator_without_a_language_is_not_invited():
    assert invite(boris(), languages=[]) == ["Please choose at least one language."]
    assert not DeskInvitation.objects.exists()


@pytest.mark.parametrize("name", ["Editors", "Publishers", "Readers' desk", "Secretariat"])
def test_an_editor_is_offered_the_translators_alone_and_cannot_choose_more(name):
    editor = boris()
    html = Page(at_the_desk(editor).get(page("translator_invite")))
    assert [box["value"] for box in html.all("input", name="roles")] == [str(role().pk)]
    assert invite(editor, roles=[role(name).pk]) != []
    assert not DeskInvitation.objects.exists()


def test_whoever_looks_after_everything_gives_every_role():
    assert invite(carla(), roles=[role("Publishers").pk], languages=[]) == [
        "An invitation is on its way to Rui@example.org."
    ]
    [invitation] = DeskInvitation.objects.all()
    assert ([one.name for one in invitation.groups.all()], invitation.about) == (["Publishers"], {})


def test_what_is_no_address_is_told():
    assert invite(boris(), address="rui@") != []
    assert not DeskInvitation.objects.exists()


@pytest.mark.parametrize("who", [dora, ines])
def test_who_may_not_invite_sees_nobody(who):
    invitation = inviting.invite(
        "rui@example.org", name="Rui", language="pt", groups=[role()], by=carla(), about={"languages": "pt"}, now=NOW
    )
    translator = somebody_of("Translators", email="ana@example.org", languages="es")
    desk = at_the_desk(who())
    for name, args in (
        ("changelist", []), ("invite", []), ("languages", [translator.pk]), ("leave", [translator.pk]),
    ):  # fmt: skip
        address = page(f"translator_{name}", *args)
        assert desk.get(address).status_code == 403
        assert desk.post(address, {"languages": "de"}).status_code in {403, 405}
    for name in ("again", "take_back"):
        assert desk.post(page(f"translator_{name}", invitation.pk)).status_code == 403
    assert (inviting.waiting().count(), access.languages_of(translator)) == (1, ["es"])


# --- the list --------------------------------------------------------------------------------------------------------


def test_the_list_says_who_translates_what_and_who_was_invited():
    editor, translator = boris(), ines()
    User.objects.filter(pk=translator.pk).update(last_login=NOW)
    issue = make_issue()
    for state in ("draft", "review", "approved"):
        Text.objects.create(issue=issue, item=make_item(issue), language="pt", state=state, assignee=translator)
    invite(editor)
    html = Page(at_the_desk(editor).get(page("translator_changelist")))
    rows = [row.words for row in html.all("tr")]
    assert rows[1] == (
        "Ines ines@example.org Portuguese 20 October 2026, 12:00 (Europe/Brussels) 2 Languages: Ines Take away: Ines"
    )
    assert rows[3] == (
        "Rui rui@example.org Translators Spanish, Portuguese Boris 3 November 2026, 11:00 (Europe/Brussels)"
        " Send once more: Rui Take back: Rui"
    )


def test_who_edits_too_is_no_volunteer():
    somebody_of("Translators", "Editors", email="ana@example.org")
    carla()
    dora()
    assert list(volunteers.volunteers()) == []


def test_a_translator_whom_somebody_made_by_hand_is_there_without_a_language():
    by_hand = somebody_of(email="ana@example.org")
    by_hand.user_permissions.set(Permission.objects.filter(codename="translate_text"))
    html = Page(at_the_desk(boris()).get(page("translator_changelist")))
    assert "no language yet" in html.words
    at_the_desk(User.objects.get(name="Boris")).post(page("translator_languages", by_hand.pk), {"languages": ["de"]})
    assert access.languages_of(by_hand) == ["de"]


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_translator_and_three(number, django_assert_num_queries):
    by = carla()
    for at in range(number):
        somebody_of("Translators", email=f"p{at}@example.org", languages="pt")
        inviting.invite(f"q{at}@example.org", name="Q", language="pt", groups=[role()], by=by, now=NOW)
    desk = at_the_desk(by)
    with django_assert_num_queries(6):  # session, person, translators, invitations, their groups, those one may send
        desk.get(page("translator_changelist"))


# --- invitations that wait -------------------------------------------------------------------------------------------


def test_an_invitation_is_sent_once_more_or_taken_back(clock):
    editor = boris()
    invite(editor)
    [address] = links_mailed()
    pk, desk = DeskInvitation.objects.get().pk, at_the_desk(editor)
    assert said(desk.post(page("translator_again", pk), follow=True))[0].startswith("An invitation is on its way.")
    clock.shift(datetime.timedelta(days=13))
    desk = at_the_desk(editor)
    answer = desk.post(page("translator_again", pk), follow=True)
    assert said(answer) == ["The invitation of Rui is on its way once more."]
    assert links_mailed() == [address]
    assert said(desk.post(page("translator_take_back", pk), follow=True)) == ["The invitation of Rui is void."]
    assert Client().get(address).status_code == 410


def test_an_editor_does_not_touch_what_they_could_not_have_sent():
    by, editor = carla(), boris()
    publisher = inviting.invite(
        "p@example.org", name="Petra", language="de", groups=[role("Publishers")], by=by, now=NOW
    )
    desk = at_the_desk(editor)
    assert "Petra" in Page(desk.get(page("translator_changelist"))).words
    for name in ("again", "take_back"):
        assert page(f"translator_{name}", publisher.pk) not in str(desk.get(page("translator_changelist")).content)
        assert desk.post(page(f"translator_{name}", publisher.pk)).status_code == 404
    assert inviting.waiting().count() == 1


def test_get_presses_no_button():
    editor = boris()
    invite(editor)
    pk = DeskInvitation.objects.get().pk
    assert [at_the_desk(editor).get(page(f"translator_{name}", pk)).status_code for name in ("again", "take_back")] == [
        405,
        405,
    ]
    assert inviting.waiting().count() == 1


# --- languages, and leaving ------------------------------------------------------------------------------------------


def test_the_languages_change_and_with_them_what_they_may_write():
    editor, translator = boris(), ines()
    desk = at_the_desk(editor)
    html = Page(desk.get(page("translator_languages", translator.pk)))
    assert [box["value"] for box in html.all("input", name="languages") if "checked" in box.attributes] == ["pt"]
    desk.post(page("translator_languages", translator.pk), {"languages": ["de", "es", "xx"]})
    assert access.languages_of(translator) == ["pt"]  # xx is none of ours: nothing is stored
    answer = desk.post(page("translator_languages", translator.pk), {"languages": ["es", "de"]}, follow=True)
    assert said(answer) == ["The languages of Ines are stored."]
    assert access.languages_of(translator) == ["de", "es"]
    assert AuditEntry.objects.get(action="translator.languages").data == {"languages": "de es"}


def test_who_leaves_has_nothing_in_hand_and_does_not_come_back_in():
    editor, translator = boris(), ines()
    issue, due = make_issue(), datetime.date(2026, 10, 28)
    items = [make_item(issue, en="One"), make_item(issue, en="Two"), make_item(issue, en="Three")]
    rows = [texts.find(item, "pt") for item in items]
    texts.assign(rows, to=translator, due_on=due, by=editor)
    Text.objects.filter(pk=rows[0].pk).update(state="approved")
    Text.objects.filter(pk=rows[1].pk).update(working={"title": "Dois", "text": ""})
    their_browser, desk = at_the_desk(translator), at_the_desk(editor)
    assert their_browser.get("/en/desk/").status_code == 200
    html = Page(desk.get(page("translator_leave", translator.pk)))
    assert "2 texts that Ines has in hand go back to nobody" in html.words
    assert Translator.objects.exists()
    answer = desk.post(page("translator_leave", translator.pk), follow=True)
    assert said(answer) == ["Ines does not translate any more; 2 texts have nobody now."]
    found = list(Text.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk").values_list("assignee", "due_on"))
    assert found == [(translator.pk, due), (None, due), (None, due)]
    assert Text.objects.get(pk=rows[1].pk).working == {"title": "Dois", "text": ""}
    assert their_browser.get("/en/desk/").status_code == 302
    translator = User.objects.get(pk=translator.pk)
    assert (translator.is_active, translator.is_staff, access.languages_of(translator)) == (True, False, [])


def test_who_has_another_role_keeps_it():
    publisher = somebody_of("Translators", "Publishers", email="petra@example.org", languages="de")
    at_the_desk(boris()).post(page("translator_leave", publisher.pk))
    publisher = User.objects.get(pk=publisher.pk)
    assert (publisher.is_staff, [one.name for one in publisher.groups.all()]) == (True, ["Publishers"])


@pytest.mark.parametrize("name", ["leave", "languages"])
def test_an_editor_s_own_roles_are_out_of_reach(name):
    editor, other = boris(), somebody_of("Editors", email="eva@example.org")
    assert at_the_desk(editor).post(page(f"translator_{name}", other.pk), {"languages": ["de"]}).status_code == 404
    assert other.groups.count() == 1
