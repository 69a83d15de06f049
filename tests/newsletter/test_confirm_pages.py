"""Boris opens the link of the first mail: the page shows what he chose, and only its button subscribes him."""

import datetime
import uuid

import pytest
from django.conf import settings
from django.utils import timezone

from newsletter import subscriptions, wordings
from newsletter.models import Consent, SignUp, Subscriber, Suppression, SystemMail
from picum import links
from picum.addresses import address_key
from tests.newsletter.factories import make_issue
from tests.newsletter.visitors import NOON, Visitor

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]
VALID = datetime.timedelta(hours=72)


@pytest.fixture
def boris():
    with Visitor() as visitor:
        yield visitor


@pytest.fixture
def sign_up():
    return SignUp.objects.create(
        address="boris@example.org",
        address_key=address_key("boris@example.org"),
        languages="pt de",
        areas="monitoring advocacy",
        how=Consent.How.FORM,
        wording=wordings.current("pt"),
        created_at=NOON,
        mailed_at=NOON,
    )


def address_of(sign_up, language="en"):
    token = links.sign_until(sign_up.handle, purpose="confirm", until=NOON + VALID)
    return f"/{language}/newsletter/sign-up/confirm/{token}/"


def presses(visitor, **others):
    """The one button of the page, or another."""
    button = others or {visitor.page.one("button")["name"]: visitor.page.one("button")["value"]}
    return visitor.sends(without="address", **button)


def rows():
    """All that confirming could change."""
    models = (Subscriber, SignUp, Suppression, Consent, SystemMail)
    return [list(model.objects.order_by("pk").values()) for model in models]


def readers():
    return list(Subscriber.objects.values_list("address", "languages", "areas", "state"))


HIM = ("boris@example.org", "pt de", "monitoring advocacy", "subscribed")


@pytest.mark.parametrize("method", ["get", "head", "options", "put"])
def test_looking_at_the_page_changes_nothing(boris, sign_up, method):
    before = rows()
    getattr(boris.client, method)(address_of(sign_up))
    getattr(boris.client, method)(address_of(sign_up) + "?confirm=yes&renew=yes")
    assert rows() == before


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "One-Click"}, {"renew": "yes"}])
def test_a_post_that_is_not_the_button_changes_nothing(boris, sign_up, body):
    before = rows()
    assert boris.client.post(address_of(sign_up), body).status_code == 200
    assert rows() == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_what_he_chose_and_a_button(boris, sign_up, language):
    page = boris.opens(address_of(sign_up, language))
    assert page.one("html")["lang"] == language
    assert (page.one("form")["method"], page.one("form")["action"]) == ("post", None)
    assert page.one("button")["name"] == "confirm"
    assert [(tag["lang"], tag.words) for tag in page.all("span") if tag["lang"] in ("pt", "de")] == [
        ("pt", "Português"),
        ("de", "Deutsch"),
    ]
    switch = {tag["hreflang"]: tag["href"] for tag in page.all("a") if tag["hreflang"]}
    assert switch == {code: address_of(sign_up, code) for code in LANGUAGES}
    boris.opens(address_of(sign_up))
    assert boris.page.all("dd")[1].words == "Monitoring and reporting · Advocacy"


def test_who_chose_no_areas_is_not_asked_about_them(boris, sign_up):
    SignUp.objects.update(areas="")
    assert [tag.words for tag in boris.opens(address_of(sign_up)).all("dd")] == ["Português, Deutsch"]


def test_the_page_shows_no_more_of_the_address_than_its_owner_needs(boris, sign_up):
    body = boris.opens(address_of(sign_up)).response.content.decode()
    assert "b…@e…" in body
    assert not [word for word in ("boris", "example.org", str(sign_up.handle), sign_up.handle.hex) if word in body]


def test_the_button_subscribes_him(boris, sign_up):
    make_issue("next").editions.update(published_at=NOON)
    boris.opens(address_of(sign_up))
    page = presses(boris)
    assert (page.response.status_code, page.one("h1").words) == (200, "You are subscribed")
    assert readers() == [HIM]
    (reader,) = Subscriber.objects.all()
    own = f"/en/newsletter/preferences/{subscriptions.token_for(reader)}/"
    feeds = {f"/en/newsletter/feed/{area}/" for area in ("monitoring", "advocacy")}
    assert {own, "/en/newsletter/", "/en/newsletter/next/"} | feeds <= set(page.links())
    assert len([link for link in page.links() if "/feed/" in link]) == 2
    assert [tag.words for tag in page.all("dd")] == ["Português, Deutsch", "Monitoring and reporting · Advocacy"]
    assert not boris.page.response.cookies


def test_pressing_twice_is_answered_alike_and_changes_nothing_more(boris, sign_up):
    boris.opens(address_of(sign_up))
    first, looked = presses(boris), boris.path
    before = rows()
    second = boris.client.post(looked, {"confirm": "yes"})
    assert (second.status_code, second.content) == (200, first.response.content)
    assert rows() == before


def test_the_page_says_when_its_link_has_been_used(boris, sign_up):
    boris.opens(address_of(sign_up))
    presses(boris)
    page = boris.opens(address_of(sign_up))
    assert (page.response.status_code, page.one("h1").words) == (200, "This link has done its work")
    assert page.all("form") == []
    assert {"/en/newsletter/sign-up/", "/en/newsletter/link/"} <= set(page.links())


def test_a_used_link_brings_nobody_back_who_has_left_since(boris, sign_up):
    boris.opens(address_of(sign_up))
    presses(boris)
    subscriptions.unsubscribe(Subscriber.objects.get(), how="page")
    before = rows()
    page = boris.client.post(address_of(sign_up), {"confirm": "yes"})
    assert "This link has done its work" in page.content.decode()
    assert rows() == before


def test_it_is_valid_for_72_hours(boris, sign_up):
    boris.opens(address_of(sign_up))
    boris.clock.move_to(NOON + VALID)
    assert boris.opens(address_of(sign_up)).one("button")["name"] == "confirm"
    boris.clock.shift(1)
    assert boris.opens(address_of(sign_up)).one("h1").words == "This link has expired"


def test_a_button_pressed_too_late_offers_a_new_mail(boris, sign_up):
    boris.opens(address_of(sign_up))
    before = rows()
    boris.clock.move_to(NOON + VALID)
    page = presses(boris)
    assert (page.response.status_code, page.one("h1").words) == (200, "This link has expired")
    assert rows() == before


def test_an_expired_link_brings_a_new_mail_by_its_button(boris, sign_up):
    boris.opens(address_of(sign_up))
    boris.clock.move_to(NOON + VALID * 1.5)
    boris.opens(address_of(sign_up))
    assert [tag["name"] for tag in boris.page.all("button")] == ["renew"]
    presses(boris)
    mails = SystemMail.objects.values_list("kind", "address", "language", "sign_up")
    assert list(mails) == [("sign-up", "boris@example.org", "pt", sign_up.pk)]
    assert readers() == []


def answer(response):
    return (response.status_code, sorted(response.items()), response.content)


def test_an_expired_link_does_not_tell_whether_the_address_is_known(boris, sign_up):
    path = address_of(sign_up)
    boris.clock.move_to(NOON + VALID * 1.5)
    seen = []
    for change in (
        lambda: None,
        lambda: SignUp.objects.update(confirmed_at=timezone.now()),
        lambda: (SystemMail.objects.all().delete(), SignUp.objects.all().delete()),
    ):
        change()
        seen.append((answer(boris.client.get(path)), answer(boris.client.post(path, {"renew": "yes"}))))
    assert seen == [seen[0]] * 3
    assert b"b\xe2\x80\xa6@" not in seen[0][0][2]
    assert SystemMail.objects.count() == 0


def test_a_link_whose_sign_up_has_vanished_is_an_expired_one(boris, sign_up):
    boris.opens(address_of(sign_up))
    SignUp.objects.all().delete()
    assert presses(boris).one("h1").words == "This link has expired"
    assert boris.opens(address_of(sign_up)).one("h1").words == "This link has expired"
    assert presses(boris).one("h1").words == "Please look into your mailbox"
    assert readers() == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_false_link_gets_404_and_a_sentence_and_changes_nothing(boris, sign_up, method):
    genuine = address_of(sign_up).split("/")[-2]
    false = [
        "nonsense",
        genuine[:-1],
        genuine[:-1] + ("A" if genuine[-1] != "A" else "B"),
        links.sign(sign_up.handle, purpose="confirm"),
        links.sign(sign_up.handle, purpose="reader"),
        links.sign_until(sign_up.handle, purpose="data", until=NOON + VALID),
        str(sign_up.handle),
        "é" * 10,
    ]
    before = rows()
    for token in false:
        response = getattr(boris.client, method)(f"/en/newsletter/sign-up/confirm/{token}/", {"confirm": "yes"})
        assert response.status_code == 404
        assert "open it once more from our mail" in response.content.decode()
    assert rows() == before


def test_the_link_outlives_a_change_of_keys(boris, sign_up, settings):
    path = address_of(sign_up)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of fifty characters " * 2
    boris.opens(path)
    presses(boris)
    assert readers() == [HIM]


@pytest.mark.parametrize("later", [False, True], ids=["in time", "too late"])
@pytest.mark.parametrize("button", [{}, {"confirm": "yes"}, {"renew": "yes"}], ids=["looking", "confirm", "renew"])
@pytest.mark.parametrize("genuine", [True, False], ids=["genuine", "false"])
def test_no_cache_keeps_the_page_and_no_other_site_learns_its_address(boris, sign_up, genuine, button, later):
    path = address_of(sign_up) if genuine else "/en/newsletter/sign-up/confirm/nonsense/"
    boris.clock.shift(VALID * 1.5 if later else VALID / 2)
    response = boris.client.post(path, button) if button else boris.client.get(path)
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.parametrize("areas", ["monitoring", "monitoring advocacy awareness"])
def test_the_page_asks_the_database_three_times(boris, sign_up, areas, django_assert_num_queries):
    SignUp.objects.update(areas=areas)
    with django_assert_num_queries(3):  # the sign-up, areas and their names
        boris.opens(address_of(sign_up))


def test_a_link_of_nobody_is_an_expired_one(boris):
    token = links.sign_until(uuid.uuid4(), purpose="confirm", until=NOON + VALID)
    assert boris.opens(f"/en/newsletter/sign-up/confirm/{token}/").one("h1").words == "This link has expired"
