"""What amal sees when she has signed in, and what she says of herself."""

import pytest

from members.models import ContactRole
from tests.html import Page
from tests.members.factories import make_contact, make_member

pytestmark = pytest.mark.django_db
Role = ContactRole.Role


@pytest.fixture
def amal():
    return make_contact(make_member())


@pytest.fixture
def browser(amal, client):
    client.force_login(amal.user)
    return client


def test_amal_says_what_she_is_called_and_in_which_language_we_write_to_her(browser, amal):
    other = make_contact(make_member("Outra Rua"), "amal@example.org")
    answer = browser.post("/en/my/account/", {"name": " Amal  Nasser ", "language": "fr"})
    assert answer.url == "/fr/my/account/"
    for contact in (amal, other):
        contact.refresh_from_db()
        assert (contact.name, contact.language) == ("Amal Nasser", "fr")
    amal.user.refresh_from_db()
    assert (amal.user.name, amal.user.language) == ("Amal Nasser", "fr")


def test_the_overview_shows_a_part_for_each_seat_with_its_roles(browser, amal):
    make_contact(make_member("Outra Rua"), "amal@example.org", Role.TREASURER)
    answer = Page(browser.get("/en/my/"))
    assert [tag.words for tag in answer.all("h2", class_="card-title")] == ["Outra Rua", "Rua Aberta"]
    assert "Your roles: treasurer" in answer.one("main").words


@pytest.mark.parametrize("address", ["/en/my/", "/en/my/account/"])
def test_who_is_not_signed_in_is_led_to_the_door_and_back(client, address):
    answer = client.get(address)
    assert answer.url.partition("?")[0] == "/en/sign-in/"
    assert Page(client.get(answer.url)).one("input", name="next")["value"] == address
