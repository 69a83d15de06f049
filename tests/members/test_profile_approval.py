"""The secretariat approves or declines what members want to change; who asked and the member contact get a letter."""

import datetime

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from members import profile_fields, profiles, shelf
from members.former_people import expire_contacts
from members.images import Logo
from members.models import FieldPolicy, Member, OrganisationType, ProfileChange
from picum.accounts.models import AuditEntry, User
from picum.letters import post
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LIST = "admin:members_profilechange_changelist"


@pytest.fixture
def member():
    return make_member(city="Lisboa")


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True, permissions=["members.change_profilechange"])


@pytest.fixture
def asked(member):
    """Boris, of the communications, wants another name; Amal is the member contact."""
    make_contact(member)
    boris = make_contact(member, "boris@example.org", "communications", language="de")
    profiles.change(member, {"name": "Rua Nova", "country": "ES"}, by=boris.user, now=NOW)
    return member.changes.get(field="name")


def told() -> list[tuple]:
    letters = Letter.objects.order_by("address").values_list("kind", "address", "language")
    return list(letters)


def page_of(asked) -> str:
    return reverse("admin:members_profilechange_change", args=[asked.pk])


def test_approved_goes_live_and_nothing_else(asked, carla):
    profiles.approve(asked, by=carla, now=NOW)
    member = Member.objects.get()
    assert (member.name, member.country.code) == ("Rua Nova", "PT")
    assert list(member.changes.order_by("field").values_list("field", "state")) == [
        ("country", "waiting"),
        ("name", "approved"),
    ]
    assert told() == [
        ("members.profile_decided", "amal@example.org", "pt"),
        ("members.profile_decided", "boris@example.org", "de"),
    ]
    deed = AuditEntry.objects.get(action="profile.approve")
    assert (deed.actor, deed.object_id, deed.data) == (carla, str(member.pk), {"field": "name", "change": asked.pk})


def test_declined_leaves_all_as_it_was_and_mails_the_word(asked, carla):
    profiles.decline(asked, by=carla, now=NOW, word=" Please send us the statutes first. ")
    assert Member.objects.get().name == "Rua Aberta"
    assert (asked.state, asked.word) == ("declined", "Please send us the statutes first.")
    post.dispatch(now=NOW)
    assert sorted(message.to[0] for message in mail.outbox) == ["amal@example.org", "boris@example.org"]
    assert all("Please send us the statutes first." in message.body for message in mail.outbox)
    assert AuditEntry.objects.filter(action="profile.decline", actor=carla).exists()


def test_nothing_is_declined_without_a_word(asked, carla):
    with pytest.raises(profiles.NotPossible):
        profiles.decline(asked, by=carla, now=NOW, word="  ")
    asked.refresh_from_db()
    assert asked.state == "waiting"


def test_two_who_decide_at_once_do_not_both_win(asked, carla):
    other = ProfileChange.objects.get(pk=asked.pk)
    profiles.approve(asked, by=carla, now=NOW)
    with pytest.raises(profiles.NotPossible, match="somebody was quicker"):
        profiles.decline(other, by=carla, now=NOW, word="No.")
    assert Letter.objects.count() == 2


def test_what_the_member_replaced_meanwhile_is_not_approved(asked, carla):
    profiles.change(asked.member, {"name": "Rua Velha"}, by=make_user(), now=NOW)
    with pytest.raises(profiles.NotPossible):
        profiles.approve(asked, by=carla, now=NOW)
    assert Member.objects.get().name == "Rua Aberta"


def test_a_type_that_is_gone_is_not_approved(member, carla):
    profiles.change(member, {"type": "health"}, by=make_user(), now=NOW)
    OrganisationType.objects.filter(key="health").delete()
    with pytest.raises(profiles.NotPossible, match="does not exist any more"):
        profiles.approve(member.changes.get(), by=carla, now=NOW)
    assert member.changes.get().state == "waiting"


def test_who_has_left_the_member_gets_no_letter(asked, carla):
    profiles.approve(asked, by=carla, now=NOW)
    asked.member.contacts.filter(email="boris@example.org").update(left_on=NOW.date())
    assert post.dispatch(now=NOW) == {("sent", ""): 1, ("dropped", "moot"): 1}
    assert [message.to for message in mail.outbox] == [["amal@example.org"]]


def test_a_declined_logo_leaves_no_file(member, carla, django_capture_on_commit_callbacks):
    FieldPolicy.objects.create(field="logo")
    logo = Logo(b"picture", 40, 20)
    file = shelf.keep(logo.content, "image/png")
    profiles.change(member, {"logo": {"file": file, "width": 40, "height": 20}}, by=make_user(), now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        profiles.decline(member.changes.get(), by=carla, now=NOW, word="It is another organisation's.")
    assert not shelf.Shelf().exists(file)


def test_the_letters_are_written_in_every_language(asked, carla, settings):
    profiles.approve(asked, by=carla, now=NOW)
    profiles.decline(asked.member.changes.get(field="country"), by=carla, now=NOW, word="Um momento.")
    contact = asked.member.contacts.first()
    Letter.objects.all().delete()
    for language, _name in settings.LANGUAGES:
        for change in asked.member.changes.all():
            about = {"change": change.pk, "contact": contact.pk}
            post.put("members.profile_decided", to=contact.email, language=language, now=NOW, **about)
    post.dispatch(now=NOW)
    assert len(mail.outbox) == 14
    for message in mail.outbox:
        assert "Rua Nova" in message.subject + message.body
        html = message.alternatives[0][0]
        assert f'lang="{message.extra_headers["Content-Language"]}"' in html
        assert f"/my/{asked.member.handle}/profile/" in html
        assert "{{" not in html + message.body


def test_what_was_settled_long_ago_is_forgotten_and_what_waits_is_not(asked, carla):
    profiles.approve(asked, by=carla, now=NOW)
    day = datetime.timedelta(days=1)
    assert profiles.expire_profile_changes(now=NOW + 400 * day) == 0
    assert profiles.expire_profile_changes(now=NOW + 401 * day) == 1
    assert asked.member.changes.get().field == "country"
    assert AuditEntry.objects.filter(action="profile.approve").exists()


def test_who_is_let_go_is_not_named_by_what_they_asked_for(asked):
    boris = asked.by
    asked.member.contacts.filter(user=boris).update(left_on=NOW.date())
    User.objects.filter(pk=boris.pk).update(joined_at=NOW, last_login=None)
    expire_contacts(now=NOW + datetime.timedelta(days=402))
    asked.refresh_from_db()
    assert (asked.by, asked.by_label, asked.new) == (None, "", "Rua Nova")


# --- the desk -----------------------------------------------------------------------------------------------------


def test_carla_sees_what_waits_the_longest_first(client, asked, carla):
    client.force_login(carla)
    profiles.approve(asked, by=carla, now=NOW)
    page = Page(client.get(reverse(LIST)))
    assert [tag.words for tag in page.all("td", class_="field-what")] == ["Country of representation"]
    decided = Page(client.get(reverse(LIST), {"state": "decided"}))
    assert [tag.words for tag in decided.all("td", class_="field-what")] == ["Name"]


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_asks_the_database_seldom(client, carla, number, django_assert_num_queries):
    for name in ["Rua Aberta", "Casa Azul", "Haus Grün"][:number]:
        profiles.change(make_member(name), {"name": f"{name} 2"}, by=carla, now=NOW)
    client.force_login(carla)
    with django_assert_num_queries(7):
        client.get(reverse(LIST))


def test_carla_approves_on_the_page_with_the_difference(client, asked, carla):
    client.force_login(carla)
    page = Page(client.get(page_of(asked)))
    assert (page.one("del").words, page.one("ins").words) == ("Before: Rua Aberta", "After: Rua Nova")
    answer = client.post(page_of(asked), {"seen": page.one("input", name="seen")["value"], "approve": "1"})
    assert (answer.status_code, answer["Location"]) == (302, reverse(LIST))
    assert Member.objects.get().name == "Rua Nova"


def test_what_moved_meanwhile_is_shown_anew_and_not_approved_unseen(client, asked, carla):
    client.force_login(carla)
    seen = Page(client.get(page_of(asked))).one("input", name="seen")["value"]
    Member.objects.update(name="Rua Aberta de Lisboa")
    answer = client.post(page_of(asked), {"seen": seen, "approve": "1"})
    page = Page(answer)
    assert answer.status_code == 400
    assert "This field was changed meanwhile" in page.one("ul", class_="errorlist").words
    assert page.one("del").words == "Before: Rua Aberta de Lisboa"
    assert page.one("q").words == "Rua Aberta"
    client.post(page_of(asked), {"seen": page.one("input", name="seen")["value"], "approve": "1"})
    assert Member.objects.get().name == "Rua Nova"


def test_declining_wants_a_word_and_says_so(client, asked, carla):
    client.force_login(carla)
    answer = client.post(page_of(asked), {"decline": "1", "word": ""})
    assert "Please write a word to the member" in Page(answer).one("ul", class_="errorlist").words
    client.post(page_of(asked), {"decline": "1", "word": "Not yet."})
    asked.refresh_from_db()
    assert (asked.state, asked.word) == ("declined", "Not yet.")


def test_tariq_may_look_but_not_decide_and_strangers_may_nothing(client, asked):
    tariq = make_user("tariq@example.org", staff=True, permissions=["members.view_profilechange"])
    client.force_login(tariq)
    page = Page(client.get(page_of(asked)))
    assert not page.all("button", name="approve")
    assert client.post(page_of(asked), {"approve": "1"}).status_code == 403
    client.force_login(make_user("nobody@example.org", staff=True))
    assert client.get(page_of(asked)).status_code == 403
    assert client.get(reverse(LIST)).status_code == 403
    client.force_login(make_user("amal@example.org"))
    assert client.get(page_of(asked)).status_code == 302
    asked.refresh_from_db()
    assert asked.state == "waiting"


def test_a_change_that_there_is_not_is_404(client, carla):
    client.force_login(carla)
    for pk in ("0", "x", "99999999999999999"):
        assert client.get(reverse("admin:members_profilechange_change", args=[pk])).status_code == 404


def test_carla_chooses_which_fields_wait(client):
    carla = make_user("carla@example.org", staff=True, permissions=["members.change_fieldpolicy"])
    client.force_login(carla)
    address = reverse("admin:members_fieldpolicy_changelist")
    page = Page(client.get(address))
    ticked = {tag["value"] for tag in page.all("input", type="checkbox") if "checked" in tag.attributes}
    assert ticked == {"name", "country", "registration_number", "type"}
    client.post(address, {"fields_that_wait": ["logo"]})
    assert profiles.fields_that_wait() == {"logo"}
    assert AuditEntry.objects.get(action="profile.fields_that_wait").data == {"fields": ["logo"]}
    assert set(FieldPolicy.objects.values_list("field", flat=True)) == set(profile_fields.FIELDS)
    client.force_login(make_user("tariq@example.org", staff=True, permissions=["members.view_fieldpolicy"]))
    assert client.get(address).status_code == 403
