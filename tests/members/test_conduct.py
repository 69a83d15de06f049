"""Every member signs the code of conduct; a signed version keeps its words."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from members import conduct
from members.models import Application, CodeOfConduct, Signature
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.members.factories import make_code, make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
NOW = timezone.now()
TODAY = timezone.localdate(NOW)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def member():
    return make_member()


@pytest.fixture
def amal(member, client):
    contact = make_contact(member, name="Amal Haddad")
    client.force_login(contact.user)
    return contact.user


def page_of(member) -> str:
    return reverse("members:conduct", args=[member.handle])


def test_the_version_in_force_is_the_latest_that_has_begun():
    assert conduct.in_force(on=TODAY) is None
    old, new, _next = (make_code(str(n), TODAY + days * DAY) for n, days in enumerate((-900, 0, 1)))
    assert conduct.in_force(on=TODAY) == new
    assert conduct.in_force(on=TODAY - DAY) == old


def test_amal_reads_it_in_her_language_and_signs_it_by_name(client, member, amal):
    code = make_code("2026", TODAY - 30 * DAY)
    code.translations.create(language_code="pt", text="Respeitamos as pessoas.\n\nSempre.")
    with override("pt"):
        page = Page(client.get(page_of(member)))
        assert page.one("div", class_="conduct", lang="pt").words == "Respeitamos as pessoas. Sempre."
        assert page.one("input", name="name")["value"] == "Amal Haddad"
        sent = {"code": page.one("input", name="code")["value"], "name": "Amal Haddad"}
        client.post(page_of(member), sent)
    assert list(Signature.objects.values_list("member", "code", "signed_on", "by")) == [
        (member.pk, code.pk, TODAY, "Amal Haddad")
    ]
    page = Page(client.get(page_of(member)))
    assert "by Amal Haddad." in page.all("p", class_="notice")[-1].words
    assert not page.all("input", name="name")
    assert AuditEntry.objects.get(action="conduct.sign").data == {"version": "2026"}


def test_a_text_that_is_missing_is_shown_in_english_and_marked_so(client, member, amal):
    make_code("2026", TODAY)
    with override("de"):
        page = Page(client.get(page_of(member)))
    assert page.one("div", class_="conduct")["lang"] == "en"


def test_it_is_signed_once_and_the_first_name_stays(client, member, amal):
    code = make_code("2026", TODAY)
    conduct.sign(member, code, name="Amal", by=amal, now=NOW)
    with pytest.raises(conduct.NotPossible):
        conduct.sign(member, code, name="Boris", by=amal, now=NOW)
    assert Signature.objects.get().by == "Amal"


def test_what_somebody_read_before_a_new_version_came_is_not_signed_unseen(client, member, amal):
    old = make_code("2025", TODAY - 365 * DAY)
    make_code("2026", TODAY)
    answer = client.post(page_of(member), {"code": old.pk, "name": "Amal"})
    page = Page(answer)
    assert "There is a newer version" in page.one("ul", class_="errorlist").words
    assert not Signature.objects.exists()
    assert page.one("input", name="code")["value"] != str(old.pk)


def test_without_a_name_nothing_is_signed(client, member, amal):
    code = make_code("2026", TODAY)
    answer = client.post(page_of(member), {"code": code.pk, "name": " "})
    assert Page(answer).one("ul", class_="errorlist").words == "This field is required."
    assert not Signature.objects.exists()


def test_without_a_code_there_is_nothing_to_sign(client, member, amal):
    assert "There is no code of conduct to sign" in Page(client.get(page_of(member))).words


def test_only_the_member_contact_signs(client, member, amal):
    code = make_code("2026", TODAY)
    press = make_contact(member, "press@example.org", "communications", "treasurer").user
    boris = make_contact(make_member("Casa Azul"), "boris@example.org").user
    for user in (press, boris):
        client.force_login(user)
        assert client.get(page_of(member)).status_code == 404
        assert client.post(page_of(member), {"code": code.pk, "name": "Press"}).status_code == 404
    assert not Signature.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_asks_the_database_seldom(client, member, amal, number, django_assert_num_queries):
    for version in range(number):
        make_code(str(version), TODAY - version * DAY)
    with django_assert_num_queries(7):
        client.get(page_of(member))


# --- the desk -----------------------------------------------------------------------------------------------------


@pytest.fixture
def carla(client):
    deeds = [f"members.{deed}_codeofconduct" for deed in ("view", "add", "change", "delete")]
    user = make_user("carla@example.org", staff=True, permissions=deeds)
    client.force_login(user)
    return user


def desk(name, code, query="") -> str:
    return reverse(f"admin:members_codeofconduct_{name}", args=[code.pk]) + query


def save(client, code, language="en", **fields):
    posted = {"text": "Other words.", "version": "2027", "in_force_from": "2027-01-01"} | fields
    return client.post(desk("change", code, f"?language={language}"), posted)


def test_before_anybody_signed_its_words_can_be_changed(client, carla):
    code = make_code()
    assert save(client, code).status_code == 302
    code = CodeOfConduct.objects.get()
    assert (conduct.text_in(code, "en"), code.version) == (("Other words.", "en"), "2027")


@pytest.mark.parametrize("how", ["member", "applicant"])
def test_once_signed_its_words_stay_and_missing_languages_can_be_added(client, carla, how):
    code = make_code()
    if how == "member":
        Signature.objects.create(member=make_member(), code=code, signed_on=TODAY, by="Amal")
    else:
        Application.objects.create(email="joana@example.org", language="pt", code=code, code_signed_at=NOW)
    assert not Page(client.get(desk("change", code))).all("textarea", name="text")
    save(client, code)
    save(client, code, "pt", text="Respeitamos.")
    save(client, code, "pt", text="Outras palavras.")
    code = CodeOfConduct.objects.get()
    assert {row.language_code: row.text for row in code.translations.all()} == {
        "en": "We respect the people with whom we work.",
        "pt": "Respeitamos.",
    }
    assert code.version == "2026"
    assert client.post(desk("delete", code), {"post": "yes"}).status_code == 403
    address = reverse("admin:members_codeofconduct_delete_translation", args=[code.pk, "pt"])
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert code.translations.count() == 2


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_tells_how_many_signed_in_a_few_queries(client, carla, number, django_assert_num_queries):
    for version in range(number):
        code = make_code(str(version))
    for name in ("Rua Aberta", "Casa Azul"):
        Signature.objects.create(member=make_member(name), code=code, signed_on=TODAY, by="Amal")
    with django_assert_num_queries(8):
        page = Page(client.get(reverse("admin:members_codeofconduct_changelist")))
    assert sorted(tag.words for tag in page.all("td", class_="field-signatures"))[-1] == "2"
