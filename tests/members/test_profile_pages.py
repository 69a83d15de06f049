"""The pages on which a member's people look after its profile, its logo, and what the directory shows."""

import io
import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.translation import override
from PIL import Image

from members import profile_fields, shelf
from members.models import FieldPolicy, Kind, Member
from tests.html import Page
from tests.members.factories import make_contact, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def member():
    return make_member(
        city="Lisboa", email="info@ruaaberta.example", description={"pt": "Acolhemos.", "en": "We welcome."}
    )


@pytest.fixture
def amal(member, client):
    contact = make_contact(member)
    client.force_login(contact.user)
    return contact


def at(name, member, *more) -> str:
    return reverse(f"members:{name}", args=[member.handle, *more])


def fields(page: Page) -> dict[str, object]:
    """All fields of the page as a browser would send them unchanged."""
    found: dict[str, object] = {}
    for tag in page.tags:
        if tag.name == "select":
            select = tag["name"]
        elif tag.name == "option" and "selected" in tag.attributes:
            found[select] = tag["value"]
        elif tag.name == "textarea":
            found[tag["name"]] = tag.words
        elif tag.name == "input" and tag["type"] == "checkbox":
            if "checked" in tag.attributes:
                found.setdefault(tag["name"], []).append(tag["value"] or "on")
        elif tag.name == "input" and tag["type"] != "file":
            found[tag["name"]] = tag["value"] or ""
    return found


def png(colour="red", size=(40, 20)) -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return SimpleUploadedFile("logo.png", file.getvalue(), "image/png")


def picture(client, address) -> tuple[int, str, str]:
    """Status, type and how long it may be kept."""
    answer = client.get(address)
    if answer.streaming:
        b"".join(answer)  # to its end: then the file is closed
    return answer.status_code, answer.get("Content-Type", ""), answer.get("Cache-Control", "")


def live(member) -> dict:
    return profile_fields.read(Member.objects.get(pk=member.pk))


# --- facts --------------------------------------------------------------------------------------------------------


def test_amal_corrects_the_telephone_and_nothing_else_changes(client, member, amal):
    before, page = live(member), Page(client.get(at("profile", member)))
    answer = client.post(at("profile", member), fields(page) | {"telephone": "+351 21 111"}, follow=True)
    assert live(member) == before | {"telephone": "+351 21 111"}
    assert Page(answer).one("div", role="status").words == "Saved."


def test_a_new_name_waits_and_is_shown_beside_the_field_as_a_difference(client, member, amal):
    page = Page(client.get(at("profile", member)))
    answer = client.post(at("profile", member), fields(page) | {"name": "Rua Nova"}, follow=True)
    page = Page(answer)
    assert page.one("div", role="status").words == "The secretariat looks at this before it goes live: Name."
    assert (page.one("del").words, page.one("ins").words) == ("Before: Rua Aberta", "After: Rua Nova")
    field = page.one("input", name="name")
    assert field["value"] == "Rua Nova"
    hint = page.one("p", id=field["aria-describedby"])
    assert "Waits for approval since" in hint.words
    assert page.one("p", id="id_country_helptext").words == "A change waits for the secretariat."
    assert not page.all("p", id="id_city_helptext")
    assert live(member)["name"] == "Rua Aberta"


def test_sending_the_page_with_a_waiting_name_unchanged_keeps_it_waiting(client, member, amal):
    client.post(at("profile", member), fields(Page(client.get(at("profile", member)))) | {"name": "Rua Nova"})
    page = Page(client.get(at("profile", member)))
    answer = client.post(at("profile", member), fields(page), follow=True)
    assert Page(answer).one("div", role="status").words == "There was nothing to change."
    assert member.changes.get().state == "waiting"


def test_a_conflict_is_told_in_words_and_saving_once_more_replaces_knowingly(client, member, amal):
    page = fields(Page(client.get(at("profile", member))))
    client.post(at("profile", member), page | {"city": "Porto"})
    answer = client.post(at("profile", member), page | {"city": "Braga"})
    told = Page(answer)
    assert "Stored now: Porto" in told.one("ul", class_="errorlist", id="id_city_error").words
    assert "saved this meanwhile" in told.words
    assert live(member)["city"] == "Porto"
    client.post(at("profile", member), fields(told))
    assert live(member)["city"] == "Braga"


def test_what_is_wrong_is_said_at_the_field(client, member, amal):
    page = fields(Page(client.get(at("profile", member))))
    answer = client.post(
        at("profile", member), page | {"name": "", "languages": "Portugese", "website": "javascript:alert(1)"}
    )
    told = Page(answer)
    errors = {tag["id"]: tag.words for tag in told.all("ul", class_="errorlist")}
    assert errors["id_name_error"] == "This field is required."
    assert errors["id_languages_error"] == "We do not know the language “Portugese”. Did you mean Portuguese?"
    assert "id_website_error" in errors
    assert "id_languages_error" in told.one("input", name="languages")["aria-describedby"]


def test_languages_are_written_by_name_and_shown_in_the_language_of_the_page(client, member, amal):
    page = fields(Page(client.get(at("profile", member))))
    client.post(at("profile", member), page | {"languages": "arabe, Deutsch; pt"})
    assert live(member)["languages"] == "ar de pt"
    assert Page(client.get(at("profile", member))).one("input", name="languages")["value"] == (
        "Arabic, German, Portuguese"
    )


def test_a_person_is_asked_for_less(client, amal):
    maria = make_member("Maria Lopes", kind=Kind.PERSON)
    make_contact(maria)
    page = Page(client.get(at("profile", maria)))
    assert not page.all("select", name="type")
    assert "Logo" not in page.words
    assert client.get(at("profile_description", maria, "pt")).status_code == 404
    assert client.get(at("profile_logo", maria)).status_code == 404


@pytest.mark.parametrize("waiting", [0, 3])
def test_the_page_asks_the_database_seldom(client, member, amal, waiting, django_assert_num_queries):
    values = {"name": "Rua Nova", "country": "ES", "registration_number": "1"}
    page = fields(Page(client.get(at("profile", member))))
    client.post(at("profile", member), page | dict(list(values.items())[:waiting]))
    client.get(at("profile", member))  # takes the message away
    with django_assert_num_queries(17):
        client.get(at("profile", member))


# --- descriptions -------------------------------------------------------------------------------------------------


def test_descriptions_are_written_language_by_language(client, member, amal):
    page = Page(client.get(at("profile_description", member, "de")))
    assert page.one("textarea")["lang"] == "de"
    tabs = [tag.words for tag in page.one("ul", class_="text-tabs") and page.all("a") if tag["aria-current"] == "page"]
    assert "Deutsch · missing" in tabs
    assert page.one("div", lang="pt").words == "Acolhemos."
    client.post(at("profile_description", member, "de"), fields(page) | {"description": "Wir helfen.\r\nGern."})
    texts = {key: value for key, value in live(member).items() if key.startswith("description:") and value}
    assert texts == {
        "description:pt": "Acolhemos.",
        "description:en": "We welcome.",
        "description:de": "Wir helfen.\nGern.",
    }


def test_a_description_may_have_two_thousand_letters_as_the_browser_counts_them(client, member, amal):
    client.post(at("profile_description", member, "pt"), {"description": "a\r\n" * 999 + "aa"})
    assert len(live(member)["description:pt"]) == 2000
    answer = client.post(at("profile_description", member, "pt"), {"description": "b" * 2001})
    assert "at most 2000 letters" in Page(answer).one("ul", class_="errorlist").words


def test_a_language_that_is_none_of_ours_is_not_found(client, member, amal):
    assert client.get(at("profile_description", member, "xx")).status_code == 404


# --- logo ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_logo(client, member, amal, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        client.post(at("profile_logo", member), {"logo": png()})
    member.refresh_from_db()
    return member


def test_a_logo_is_drawn_anew_and_kept_where_no_address_leads(client, with_logo):
    assert (with_logo.logo_width, with_logo.logo_height) == (40, 20)
    assert Path(shelf.Shelf().path(with_logo.logo)).read_bytes().startswith(b"\x89PNG")
    image = Page(client.get(at("profile_logo", with_logo))).one("img", class_="logo")
    assert image["alt"] == "Logo of Rua Aberta"
    status, kind, kept = picture(client, image["src"])
    assert (status, kind) == (200, "image/png")
    assert "no-store" in kept
    assert "public" not in kept


def test_the_public_gets_a_logo_only_as_long_as_the_directory_shows_it(client, with_logo):
    address = reverse("members:logo", args=[with_logo.logo])
    assert client.get(address).status_code == 404
    Member.objects.filter(pk=with_logo.pk).update(shown=["logo"])
    status, _kind, kept = picture(client, address)
    assert (status, "public" in kept) == (200, True)
    Member.objects.filter(pk=with_logo.pk).update(in_directory=False)
    assert client.get(address).status_code == 404
    for name in ("..%2Fpicum.sqlite3", "\0.png"):
        assert client.get(reverse("members:logo", args=[name])).status_code == 404


def test_a_logo_that_is_replaced_or_removed_leaves_no_file(client, with_logo, django_capture_on_commit_callbacks):
    first = Path(shelf.Shelf().path(with_logo.logo))
    with django_capture_on_commit_callbacks(execute=True):
        client.post(at("profile_logo", with_logo), {"logo": png("blue")})
    assert not first.exists()
    with_logo.refresh_from_db()
    second = Path(shelf.Shelf().path(with_logo.logo))
    assert second.exists()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(at("profile_logo", with_logo), {"remove": "1"})
    with_logo.refresh_from_db()
    assert (with_logo.logo, with_logo.logo_width, second.exists()) == ("", 0, False)


def test_a_logo_may_have_to_wait_while_the_old_one_stays(client, with_logo, django_capture_on_commit_callbacks):
    FieldPolicy.objects.create(field="logo")
    with django_capture_on_commit_callbacks(execute=True):
        client.post(at("profile_logo", with_logo), {"logo": png("blue", (60, 30))})
    page = Page(client.get(at("profile_logo", with_logo)))
    assert [image["width"] for image in page.all("img", class_="logo")] == ["60", "40"]
    assert [picture(client, image["src"])[0] for image in page.all("img", class_="logo")] == [200, 200]
    wished = with_logo.changes.get().new["file"]
    Member.objects.filter(pk=with_logo.pk).update(shown=["logo"])
    assert client.get(reverse("members:logo", args=[wished])).status_code == 404


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"MZ"])
def test_what_is_no_picture_is_refused_in_words(client, member, amal, content):
    file = SimpleUploadedFile("logo.png", content, "image/png")
    told = Page(client.post(at("profile_logo", member), {"logo": file}))
    assert told.one("input", name="logo")["aria-invalid"] == "true"
    assert told.one("ul", class_="errorlist").words
    assert live(member)["logo"] is None


# --- what the directory shows -------------------------------------------------------------------------------------


def test_amal_chooses_field_by_field_and_sees_what_the_public_will_see(client, member, amal):
    page = Page(client.get(at("my_directory", member)))
    assert "info@ruaaberta.example" not in page.words
    answer = client.post(
        at("my_directory", member), fields(page) | {"shown": ["email", "description"], "open_data": "on"}, follow=True
    )
    member.refresh_from_db()
    assert (member.in_directory, member.shown, member.open_data) == (True, ["description", "email"], True)
    words = Page(answer).one("div", class_="preview").words
    assert words == (
        "Rua Aberta Country of representationPortugal TypeHuman rights Mail addressinfo@ruaaberta.example "
        "PortuguêsAcolhemos. EnglishWe welcome."
    )


def test_out_of_the_directory_is_out_of_its_lists(client, member, amal):
    Member.objects.filter(pk=member.pk).update(open_data=True)
    page = fields(Page(client.get(at("my_directory", member))))
    del page["in_directory"]
    answer = client.post(at("my_directory", member), page, follow=True)
    member.refresh_from_db()
    assert (member.in_directory, member.open_data) == (False, False)
    assert "Nothing: you are not in the directory." in Page(answer).words


def test_two_colleagues_who_choose_at_once_both_keep_theirs(client, member, amal):
    page = fields(Page(client.get(at("my_directory", member))))
    client.post(at("my_directory", member), page | {"shown": ["telephone"]})
    client.post(at("my_directory", member), page | {"shown": ["website"]})
    member.refresh_from_db()
    assert member.shown == ["telephone", "website"]
    assert json.loads(page["as_read"])["telephone"] is False


def test_a_person_has_no_choice_and_reads_why(client, amal):
    maria = make_member("Maria Lopes", kind=Kind.PERSON)
    make_contact(maria)
    page = Page(client.get(at("my_directory", maria)))
    assert "Individual members are never listed" in page.words
    assert not page.all("input", name="in_directory")
    client.post(at("my_directory", maria), {"in_directory": "on"})
    assert not Member.objects.get(pk=maria.pk).in_directory


# --- who ----------------------------------------------------------------------------------------------------------

PAGES = [("profile",), ("profile_logo",), ("profile_description", "pt"), ("my_directory",), ("own_logo", "x.png")]


@pytest.mark.parametrize("page", PAGES)
def test_who_does_not_look_after_this_profile_gets_404(client, member, page):
    name, *more = page
    people = [
        make_contact(member, "tesouro@example.org", "treasurer"),
        make_contact(make_member("Casa Azul"), "boris@example.org"),
    ]
    assert client.get(at(name, member, *more)).status_code == 404
    for person in people:
        client.force_login(person.user)
        assert client.get(at(name, member, *more)).status_code == 404
        assert client.post(at(name, member, *more), {"city": "Porto"}).status_code == 404
    assert live(member)["city"] == "Lisboa"


def test_every_page_is_there_in_every_language(client, member, amal, settings):
    for language, _name in settings.LANGUAGES:
        with override(language):
            for name, *more in PAGES[:4]:
                assert client.get(at(name, member, *more)).status_code == 200


def test_what_is_wrong_with_the_website_is_said_once_and_the_page_says_that_something_is(client, member, amal):
    address = at("profile", member)
    page = Page(client.get(address))
    sent = {
        "as_read": page.one("input", name="as_read")["value"],
        "name": "Rua Aberta",
        "website": "javascript:alert(1)",
    }
    page = Page(client.post(address, sent))
    assert [tag.words for tag in page.all("ul", class_="errorlist") if "URL" in tag.words] == ["Enter a valid URL."]
    assert page.one("p", role="status").words == "Something still needs another look: the places are marked."
    assert page.one("input", name="website")["value"] == "javascript:alert(1)"
