"""Amal signs up: at the page, at the foot of any other page, in a frame on another site; and asks for her own link."""

import datetime
import logging
import uuid

import pytest
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone

from newsletter import wordings
from newsletter.models import SignUp, SystemMail, Wording
from picum import links
from picum.accounts import limits
from picum.accounts.models import Rate
from picum.areas.models import Area
from picum.logs import WithoutTokens
from picum.network import network_of
from picum.stranger import stamp
from tests.html import Page
from tests.newsletter.factories import make_issue, make_subscriber
from tests.newsletter.visitors import NOON, Visitor

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]
SIGN_UP, EMBED, LINK = (f"/en/newsletter/{page}/" for page in ("sign-up", "sign-up/embed", "link"))
AGAIN = "Please look again"
ONCE_MORE = "Please press the button once more: we could not see yet that a person filled in this form."


@pytest.fixture
def amal():
    with Visitor() as visitor:
        yield visitor


def asked() -> list[tuple[str, ...]]:
    """What is waiting for its addresses: address, languages, areas, how."""
    return list(SignUp.objects.order_by("pk").values_list("address", "languages", "areas", "how"))


def rows() -> list[object]:
    return [list(model.objects.values()) for model in (SignUp, SystemMail, Rate)]


def is_done(page: Page) -> bool:
    """The page that says so takes the place of the form, and is read out."""
    return (page.response.status_code, page.all("form"), len(page.all("p", role="status"))) == (200, [], 1)


def faults(page: Page) -> list[str]:
    """The sentences that say what is wrong, if the page says so in its title too."""
    assert page.response.status_code in (200, 429)
    assert page.one("title").words.startswith(AGAIN)
    return [tag.words for tag in page.all("p", class_="wrong") + page.all("p", class_="error")]


# --- the page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_writes_nothing_but_an_address_asks_for_the_language_of_the_page(amal, language):
    page = amal.opens(f"/{language}/newsletter/sign-up/")
    assert wordings.text(language) in page.words
    assert [tag["value"] for tag in page.all("input", name="areas")] == [area.key for area in Area.objects.all()]
    assert [tag["lang"] for tag in page.all("option")][:7] == LANGUAGES
    assert is_done(amal.sends(address=" Amal@Example.org "))
    assert asked() == [("Amal@example.org", language, "", "form")]


def test_what_is_chosen_waits_until_its_address_confirms_it(amal):
    amal.opens("/de/newsletter/sign-up/")
    amal.sends(address="amal@example.org", first="pt", second="de", third="en", areas=["global-actors", "monitoring"])
    (sign_up,) = SignUp.objects.all()
    assert asked() == [("amal@example.org", "pt de en", "monitoring global-actors", "form")]
    assert (sign_up.wording.language, sign_up.wording.text) == ("de", wordings.text("de"))
    assert (sign_up.name, sign_up.source, sign_up.created_at) == ("", "", timezone.now())
    (mail,) = SystemMail.objects.all()
    assert (mail.kind, mail.address, mail.language, mail.sign_up) == ("sign-up", "amal@example.org", "pt", sign_up)


@pytest.mark.parametrize(
    ("chosen", "order"),
    [
        (("en", "", ""), "en"),
        (("en", "", "de"), "en de"),
        (("fr", "fr", "de"), "fr de"),
        (("fr", "de", "fr"), "fr de"),
        (("it", "it", "it"), "it"),
        (("", "", ""), "nl"),
        (("", "es", ""), "es"),
    ],
)
def test_a_language_chosen_twice_counts_once(amal, chosen, order):
    amal.opens("/nl/newsletter/sign-up/")
    amal.sends(address="amal@example.org", **dict(zip(("first", "second", "third"), chosen, strict=True)))
    assert asked() == [("amal@example.org", order, "", "form")]


def test_the_page_asks_the_database_twice(amal, django_assert_num_queries):
    with django_assert_num_queries(2):  # the areas and their names
        amal.opens(SIGN_UP)


@pytest.mark.parametrize("path", [SIGN_UP, EMBED, LINK])
def test_looking_at_a_form_asks_for_nothing(amal, path):
    before = rows()
    stamped = stamp(timezone.now() - datetime.timedelta(seconds=10))
    query = {"address": "amal@example.org", "stamp": stamped, "wording": wordings.digest("en")}
    for method in ("get", "head", "options"):
        assert getattr(amal.client, method)(path, query).status_code in (200, 405)
    for method in ("put", "delete", "patch"):
        assert getattr(amal.client, method)(path, query).status_code == 405
    assert rows() == before


@pytest.mark.parametrize("path", [SIGN_UP, EMBED, LINK])
def test_a_form_needs_neither_cookie_nor_script_and_nobody_learns_of_it(amal, path):
    for page in (amal.opens(path), amal.sends(address="amal@@example.org"), amal.sends(address="amal@example.org")):
        response = page.response
        assert not response.cookies
        assert "Cookie" not in response.get("Vary", "")
        assert response["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response["Cache-Control"]
        assert page.all("script") == page.all("img") == page.all("style") == []
        assert not [tag for tag in page.tags if tag["name"] == "csrfmiddlewaretoken" or tag["style"] is not None]
    assert is_done(page)


def test_pages_to_be_found_name_themselves_in_all_languages(amal):
    for path in (SIGN_UP, LINK):
        page = amal.opens(path)
        assert page.one("link", rel="canonical")["href"] == settings.SITE_URL + path
        assert [tag["hreflang"] for tag in page.all("link", rel="alternate")] == [*LANGUAGES, "x-default"]
        assert page.one("meta", name="description")["content"]


# --- what is wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "Please write your mail address here."),
        ("<b>amal", "“<b>amal” is not a mail address: there is no @ in it."),
        ("a\rmal@example.org", "The address contains a character that does not belong there."),
        ("ämal@example.org", "with such letters before the @."),
    ],
)
@pytest.mark.parametrize("path", [SIGN_UP, EMBED, LINK])
def test_what_is_wrong_with_an_address_is_said_at_its_field(amal, path, address, sentence):
    amal.opens(path)
    page = amal.sends(address=address)
    field = page.one("input", type="email")
    (fault,) = faults(page)
    assert fault.endswith(sentence)
    assert page.one("p", class_="error")["id"] == field["aria-describedby"]
    assert (field["aria-invalid"], "autofocus" in field.attributes) == ("true", True)
    assert field["value"] == address
    assert page.one("label", for_=field["id"]).words == "Your mail address"
    assert (page.response.get("Location"), rows()) == (None, [[], [], []])


def test_everything_else_stays_as_it_was_filled_in(amal):
    amal.opens(SIGN_UP)
    amal.sends(address="amal", first="pt", second="de", areas=["advocacy", "monitoring"])
    kept = amal.filled_in()
    assert [kept[name] for name in ("address", "first", "second", "third")] == [["amal"], ["pt"], ["de"], [""]]
    assert kept["areas"] == ["monitoring", "advocacy"]
    # Nobody waits again who corrects a letter.
    assert is_done(amal.sends(after=0.5, address="amal@example.org"))
    assert asked() == [("amal@example.org", "pt de", "monitoring advocacy", "form")]


@pytest.mark.parametrize("field", ["first", "second", "third", "areas"])
def test_what_no_form_offers_is_refused(amal, field):
    amal.opens(SIGN_UP)
    page = amal.sends(address="amal@example.org", **{field: "xx"})
    assert faults(page) == ["Select a valid choice. xx is not one of the available choices."]
    assert asked() == []


@pytest.mark.parametrize("path", [SIGN_UP, EMBED])
def test_who_saw_other_words_of_consent_is_shown_those_of_today(amal, path):
    of_yesterday = Wording.objects.create(
        language="en", number=2, text="Anything goes.", digest="f" * 64, first_used_at=NOON
    )
    for changed in ({"wording": of_yesterday.digest}, {"wording": wordings.digest("de")}, {"without": "wording"}):
        amal.opens(path)
        page = amal.sends(address="amal@example.org", **changed)
        assert faults(page) == [
            "The words that you agree to have changed since you opened this page: please read them again."
        ]
        assert wordings.text("en") in page.words
        assert amal.filled_in()["address"] == ["amal@example.org"]
        assert asked() == []
    assert is_done(amal.sends())
    assert [sign_up.wording.text for sign_up in SignUp.objects.all()] == [wordings.text("en")]


# --- people and programs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [SIGN_UP, EMBED, LINK])
def test_a_program_that_fills_in_what_nobody_sees_is_thanked_and_forgotten(amal, path):
    amal.opens(path)
    trapped = amal.sends(address="amal@example.org", subject="Buy").response
    assert rows() == [[], [], []]
    amal.opens(path)
    genuine = amal.sends(address="amal@example.org").response
    assert SystemMail.objects.count() == 1
    assert (trapped.status_code, trapped.content) == (genuine.status_code, genuine.content)


@pytest.mark.parametrize("path", [SIGN_UP, EMBED, LINK])
def test_no_person_comes_upon_the_field_that_nobody_sees(amal, path):
    page = amal.opens(path)
    field = page.one("input", name="subject")
    assert (field["tabindex"], field["autocomplete"], field["value"]) == ("-1", "off", None)
    assert page.one("div", class_="unseen").attributes["aria-hidden"] == "true"


@pytest.mark.parametrize(
    ("path", "after", "enough"),
    [
        (SIGN_UP, 0, False),
        (SIGN_UP, 1.999, False),
        (SIGN_UP, 2, True),
        (SIGN_UP, 86_399, True),
        (SIGN_UP, 86_400, False),
        (EMBED, 1.999, False),
        (LINK, 1.999, False),
        (SIGN_UP, -3600, False),  # the clock was set back
    ],
)
def test_a_person_takes_two_seconds_and_no_day(amal, path, after, enough):
    amal.opens(path)
    page = amal.sends(after=after, address="amal@example.org")
    assert is_done(page) is enough
    assert SystemMail.objects.count() == enough
    if not enough:
        assert faults(page) == [ONCE_MORE]
        assert "autofocus" in page.one("p", class_="wrong").attributes
        assert is_done(amal.sends(after=2))


@pytest.mark.parametrize(
    "changed",
    [
        lambda genuine: "",
        lambda genuine: "é",
        lambda genuine: "1:x",
        lambda genuine: genuine[:-1],
        lambda genuine: "9" + genuine,
        lambda genuine: links.sign(uuid.UUID(int=1), purpose="reader"),
        lambda genuine: signing.Signer(salt="picum.reader", sep=".").sign(genuine.partition(":")[0]),
        lambda genuine: signing.Signer().sign(genuine.partition(":")[0]),
    ],
    ids=["none", "letter", "short", "cut", "lengthened", "a token", "signed as a token", "signed for anything"],
)
def test_a_stamp_that_is_not_ours_counts_for_nothing(amal, changed):
    amal.opens(SIGN_UP)
    genuine = amal.page.one("input", name="stamp")["value"]
    assert faults(amal.sends(address="amal@example.org", stamp=changed(genuine))) == [ONCE_MORE]
    assert faults(amal.sends(without="stamp")) == [ONCE_MORE]
    assert asked() == []
    assert is_done(amal.sends())


def test_a_form_outlives_a_change_of_keys(amal, settings):
    amal.opens(SIGN_UP)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key of fifty characters " * 2
    assert is_done(amal.sends(address="amal@example.org"))


@pytest.mark.parametrize("path", [SIGN_UP, EMBED, LINK])
def test_a_network_that_sends_too_many_is_told_so_and_keeps_what_it_wrote(amal, path):
    with transaction.atomic():
        for _colleague in range(limits.POSTS[0].most - 1):
            limits.count_post("192.0.2.0/24", now=NOON)
    amal.opens(path)
    assert is_done(amal.sends(address="amal@example.org"))
    before = rows()
    with Visitor("192.0.2.200") as her_neighbour:
        her_neighbour.opens(path)
        page = her_neighbour.sends(address="neighbour@example.org")
        assert page.response.status_code == 429
        assert faults(page) == ["Too many forms came from your network in a short time. Please try again in an hour."]
        assert her_neighbour.filled_in()["address"] == ["neighbour@example.org"]
    assert rows() == before
    with Visitor("192.0.3.1") as carla:
        carla.opens(path)
        assert is_done(carla.sends(address="carla@example.org"))


@pytest.mark.parametrize(
    ("ip", "forwarded", "network"),
    [
        ("203.0.113.77", None, "203.0.113.0/24"),
        ("203.0.113.77", "198.51.100.1", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1::/48"),
        ("::1", None, "::/48"),
        ("fe80::1%eth0", None, "fe80::/48"),
        ("::ffff:203.0.113.77", None, "203.0.113.0/24"),
        ("", None, ""),
        ("a socket", None, ""),
    ],
)
def test_a_network_is_told_by_the_connection(rf, ip, forwarded, network):
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert network_of(rf.get("/", REMOTE_ADDR=ip, headers=headers)) == network


@pytest.mark.parametrize(
    ("forwarded", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("192.0.2.1, 203.0.113.77", "203.0.113.0/24"),
        ("192.0.2.1,203.0.113.77:50123", "203.0.113.0/24"),
        ("192.0.2.1, 2001:db8:1:2::3", "2001:db8:1::/48"),
        ("[2001:db8:1:2::3]:50123", "2001:db8:1::/48"),
        ("[2001:db8:1:2::3]", "2001:db8:1::/48"),
        ("203.0.113.77, unknown", ""),
        ("", "10.0.0.0/24"),
    ],
)
def test_behind_a_proxy_it_is_told_by_what_the_proxy_wrote_last(rf, settings, forwarded, network):
    settings.BEHIND_PROXY = True
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.2", headers={"X-Forwarded-For": forwarded})
    assert network_of(request) == network


def test_no_log_tells_who_asked_or_from_where(amal, caplog):
    caplog.set_level(logging.DEBUG)
    for path in (SIGN_UP, EMBED, LINK):
        for address in ("amal@example.org", "amal@@example.org"):
            amal.opens(path)
            amal.sends(address=address, first="pt")
    assert not [word for word in ("amal", "example.org", "192.0.2") if word in caplog.text]


@pytest.mark.parametrize(
    "page", ["sign-up/confirm", "leave", "undo", "preferences", "move", "data", "a-page-of-tomorrow"]
)
def test_no_log_holds_the_token_of_a_link(page):
    lasting = links.sign(uuid.uuid4(), purpose="reader")
    passing = links.sign_until(uuid.uuid4(), purpose="confirm", until=timezone.now())
    cut_short = [] if page == "a-page-of-tomorrow" else [passing[:40]]
    for token in (lasting, passing, *cut_short):
        for rest in ("", "/", "/json/", "?a=b"):
            path = f"/de/newsletter/{page}/{token}{rest}"
            record = logging.LogRecord("x", 30, "", 0, 'Not Found: %s "%s"', (path, f"https://x{path}"), None)
            assert WithoutTokens().filter(record)
            cleaned = f"/de/newsletter/{page}/…{rest}"
            assert record.getMessage() == f'Not Found: {cleaned} "https://x{cleaned}"'


# --- at the foot of the other pages ---------------------------------------------------------------------------------


@pytest.fixture
def pages():
    issue = make_issue("next", items=1)
    issue.editions.update(published_at=NOON)
    return ["", "newsletter/", "newsletter/next/", f"newsletter/items/{issue.items.get().pk}/", "nix/"]


@pytest.mark.parametrize("language", ["en", "de", "pt"])
def test_every_page_has_a_small_form_in_its_language(amal, pages, language):
    for number, page in enumerate(pages):
        amal.opens(f"/{language}/{page}")
        assert wordings.text(language) in amal.page.one("footer").words
        assert [tag["type"] for tag in amal.page.all("input")] == ["email", "hidden", "hidden", "text"]
        amal.sends(address=f"amal{number}@example.org")
        assert amal.path == f"/{language}/newsletter/sign-up/"
    assert asked() == [(f"amal{number}@example.org", language, "", "form") for number in range(len(pages))]


def test_the_small_form_costs_no_question_to_the_database(amal, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert amal.opens("/en/nix/").all("form")


def test_what_is_wrong_with_the_small_form_is_said_on_the_large_one(amal):
    amal.opens("/de/newsletter/")
    page = amal.sends(address="amal")
    assert amal.path == "/de/newsletter/sign-up/"
    assert [tag["name"] for tag in page.all("select")] == ["first", "second", "third"]
    assert (amal.filled_in()["address"], amal.filled_in()["first"]) == (["amal"], ["de"])
    assert is_done(amal.sends(address="amal@example.org"))
    assert asked() == [("amal@example.org", "de", "", "form")]


def test_readers_own_pages_and_those_with_a_form_have_no_second_one(amal):
    token = links.sign(make_subscriber().handle, purpose="reader")
    for path, forms in ((SIGN_UP, 1), (LINK, 1), (f"/en/newsletter/leave/{token}/", 1), (f"{SIGN_UP}confirm/x/", 0)):
        page = amal.opens(path)
        assert (path, len(page.all("form"))) == (path, forms)
        assert page.all("section", class_="footer-sign-up") == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_way_to_the_page_stands_in_every_header(amal, language):
    path = f"/{language}/newsletter/sign-up/"
    assert path in amal.opens(f"/{language}/").links()
    assert amal.page.one("a", class_="subscribe")["aria-current"] is None
    assert amal.opens(path).one("a", class_="subscribe")["aria-current"] == "page"
    (elsewhere,) = (tag for tag in amal.page.all("a") if tag["href"] == f"/{language}/newsletter/")
    assert elsewhere["aria-current"] is None


# --- on other sites -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "de"])
def test_another_site_may_show_the_form_in_a_frame(amal, language):
    for page in (amal.opens(f"/{language}/newsletter/sign-up/embed/"), amal.sends(address="amal@example.org")):
        assert page.one("html")["lang"] == language
        assert "X-Frame-Options" not in page.response
        policy = page.response["Content-Security-Policy"].split("; ")
        assert {"frame-ancestors *", "default-src 'none'", "form-action 'self'"} <= set(policy)
        assert page.all("header") == page.all("footer") == []
        assert page.one("meta", name="robots")["content"] == "noindex"
    assert asked() == [("amal@example.org", language, "", "embed")]


def test_links_leave_the_frame_and_the_form_stays_in_it(amal):
    page = amal.opens(EMBED)
    assert [(tag["href"], tag["target"]) for tag in page.all("a")] == [(SIGN_UP, "_top"), ("/en/privacy/", "_top")]
    assert (page.one("form")["action"], page.one("form")["target"]) == (None, None)
    assert [(tag["href"], tag["target"]) for tag in amal.sends(address="amal@example.org").all("a")] == [(EMBED, None)]


def test_no_other_page_can_be_framed(amal):
    for path in (SIGN_UP, LINK, "/en/", f"{SIGN_UP}confirm/x/"):
        response = amal.opens(path).response
        assert response["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"]


def test_the_lines_to_copy_show_the_form_in_the_language_of_the_page(amal):
    amal.opens("/de/newsletter/sign-up/")
    lines = amal.page.one("textarea").words
    page = Page(type("Lines", (), {"content": lines.encode()}))
    frame = page.one("iframe")
    assert frame["src"] == f"{settings.SITE_URL}/de/newsletter/sign-up/embed/"
    assert frame["title"].endswith("PICUM")
    assert frame["referrerpolicy"] == "no-referrer"
    assert [tag.name for tag in page.tags] == ["iframe"]


# --- the personal link ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "de", "pt"])
def test_a_reader_asks_for_her_link_in_the_language_of_the_page(amal, language):
    amal.opens(f"/{language}/newsletter/link/")
    amal.sends(address="Amal@Example.org")
    mails = SystemMail.objects.values_list("kind", "address", "language", "sign_up")
    assert list(mails) == [("link", "Amal@example.org", language, None)]
    assert asked() == []


def test_the_pages_lead_to_one_another(amal):
    assert LINK in amal.opens(SIGN_UP).links()
    assert SIGN_UP in amal.opens(LINK).links()
    assert LINK in amal.sends(address="amal@example.org").links()
