"""Everybody finds members: by country, by what they work on, by words, on the map; addresses can be passed on."""

import datetime

import pytest
from django.conf import settings
from django.utils import timezone

from members import register
from members.models import Kind, OrganisationType, Shown
from tests.html import Page
from tests.members.factories import make_member

pytestmark = pytest.mark.django_db
OPEN = list(Shown)


@pytest.fixture
def five():
    """Organisations that show what they work on; the last one does not."""
    make_member("Casa", country="PT", areas=["advocacy"], rights=["health-care"], type="health", shown=OPEN)
    make_member("Ärzte", country="AT", areas=["advocacy"], rights=["shelter"], type="health", shown=OPEN)
    make_member("Zufluchtsort", country="DE", rights=["shelter"], shown=OPEN)
    make_member("Łąka", country="PL", areas=["advocacy", "capacity-building"], shown=OPEN)
    make_member("Quietly", country="PT", areas=["advocacy"], rights=["shelter"], type="health", shown=[])


def looked(client, query="", language="en"):
    return Page(client.get(f"/{language}/members/{query}"))


def found(page) -> list[str]:
    """Names of the members on the list, in its order."""
    return [tag.words for tag in page.all("a") if (tag["href"] or "").endswith("/") and _slug(tag["href"])]


def _slug(path: str) -> str:
    return path.partition("/members/")[2].rstrip("/")


def countries(page) -> list[str]:
    return [tag.words for tag in page.all("h3")]


def options(page, name) -> list[str]:
    """What a filter offers besides nothing."""
    start = page.tags.index(page.one("select", name=name))
    rest = page.tags[start + 1 :]
    return [tag.words for tag in rest[: next((n for n, tag in enumerate(rest) if tag.name != "option"), None)]][1:]


def pins(page) -> list[str]:
    """What the pins of the map say."""
    return [tag.words for tag in page.all("title")][1:]


# --- the list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "order"),
    [
        ("en", ["Austria", "Germany", "Poland", "Portugal"]),
        ("de", ["Deutschland", "Österreich", "Polen", "Portugal"]),
        ("pt", ["Alemanha", "Áustria", "Polónia", "Portugal"]),
        ("fr", ["Allemagne", "Autriche", "Pologne", "Portugal"]),
    ],
)
def test_members_stand_by_country_in_the_order_of_each_language(client, five, language, order):
    page = looked(client, language=language)
    assert [words.partition(" ")[0] for words in countries(page)] == order
    assert options(page, "country") == [f"{name} ({2 if name == 'Portugal' else 1})" for name in order]


def test_within_a_country_they_stand_by_name_accents_aside(client):
    for name in ("Zebra", "Öffnen", "Orte", "ábaco", "Łódka", "Meer"):
        make_member(name, country="DE")
    assert found(looked(client)) == ["ábaco", "Łódka", "Meer", "Öffnen", "Orte", "Zebra"]


def test_a_member_stands_there_with_its_acronym_its_town_and_its_type(client):
    make_member("Casa", acronym="CDV", city="Lisboa", type="health", shown=[Shown.ADDRESS])
    assert looked(client).one("ul", class_="members").words == "Casa (CDV) Lisboa · Health"


def test_who_does_not_belong_or_does_not_want_to_stand_there_does_not(client):
    today = timezone.localdate()
    make_member("Listed")
    make_member("Hidden", in_directory=False)
    make_member("Not yet", joined=None)
    make_member("Tomorrow", joined=today + datetime.timedelta(days=1))
    make_member("Boris Person", kind=Kind.PERSON)
    left = make_member("Left").memberships.get()
    yesterday = today - datetime.timedelta(days=1)
    register.end(left, until_on=yesterday, why="withdrawn", ended_by="member", ended_on=yesterday, by=None)
    page = looked(client)
    assert found(page) == ["Listed"]
    assert page.one("h2", id="found").words == "1 member"
    assert pins(page) == ["Portugal: 1 member"]


def test_an_empty_directory_says_so(client):
    page = looked(client)
    assert "No member is in the directory yet." in page.words
    assert pins(page) == []


@pytest.mark.parametrize("members", [1, 3])
def test_the_list_asks_the_database_three_times(client, django_assert_num_queries, members):
    for number in range(members):
        make_member(
            f"Casa {number}", areas=["advocacy"], rights=["shelter"], shown=OPEN, country=["PT", "DE", "US"][number]
        )
    with django_assert_num_queries(3):
        client.get("/en/members/")
    with django_assert_num_queries(4):
        client.get("/en/members/?q=casa&area=advocacy")


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "members"),
    [
        ("?country=PT", ["Casa", "Quietly"]),
        ("?country=pt", ["Casa", "Quietly"]),
        ("?type=health", ["Ärzte", "Casa", "Quietly"]),
        ("?area=advocacy", ["Ärzte", "Łąka", "Casa"]),
        ("?right=shelter", ["Ärzte", "Zufluchtsort"]),
        ("?area=advocacy&right=shelter", ["Ärzte"]),
        ("?country=PT&area=capacity-building", []),
        ("?country=XX", []),
        ("?area=nix", []),
        ("?type=%3Cscript%3E", []),
        ("?nix=1", ["Ärzte", "Zufluchtsort", "Łąka", "Casa", "Quietly"]),
    ],
)
def test_filters_leave_those_that_fit_all_of_them(client, five, query, members):
    response = client.get(f"/en/members/{query}")
    assert response.status_code == 200
    assert found(Page(response)) == members


def test_a_filter_counts_what_the_others_leave(client, five):
    page = looked(client, "?area=advocacy")
    assert options(page, "country") == ["Austria (1)", "Poland (1)", "Portugal (1)"]
    assert options(page, "right") == ["health care (1)", "shelter (1)"]
    assert options(page, "type") == ["Human rights (1)", "Health (2)"]
    assert options(page, "area") == ["Capacity building (1)", "Advocacy (3)"]
    assert [tag["value"] for tag in page.all("option") if "selected" in tag.attributes] == ["advocacy"]
    assert pins(page) == ["Austria: 1 member", "Poland: 1 member", "Portugal: 1 member"]


def test_nothing_found_says_so_and_leads_back(client, five):
    page = looked(client, "?country=PT&right=shelter&q=nix")
    assert "No member in the directory fits all of this. Show all members" in page.words
    assert page.one("h2", id="found").words == "0 members"
    chosen = page.one("ul", class_="chosen")
    assert chosen.words == (
        "Take away the filter: Portugal × Take away the filter: shelter × Take away the filter: nix × Show all members"
    )
    links = [link for link in page.links() if link.endswith("#found") and "right" not in link]
    assert "/en/members/?country=PT&q=nix#found" in links


def test_a_type_without_a_name_in_the_language_has_another(client):
    odd = OrganisationType.objects.create(key="odd", position=90)
    odd.translations.create(language_code="fr", name="Autrement")
    make_member("Casa", type="odd")
    assert options(looked(client, language="de"), "type") == ["Autrement (1)"]


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "finds"),
    [
        ("orhan", True),
        ("ÖRHAN", True),
        ("%C3%96rhan", True),
        ("derne", True),
        ("lodz", True),
        ("OD", True),
        ("saude", True),
        ("gesundheit", True),
        ("poland", True),
        ("orhan+saude", True),
        ("orhan+nix", False),
        ("sante", False),  # a description in French, which the visitor does not read
    ],
)
def test_words_are_found_whatever_their_accents_and_capitals(client, words, finds):
    texts = {"pt": "Direito à SAÚDE.", "de": "Recht auf Gesundheit.", "fr": "La santé."}
    make_member("Örhan Derneği", acronym="ÖD", city="Łódź", country="PL", description=texts, shown=OPEN)
    make_member("Anything else", country="DE")
    language = "de" if words == "gesundheit" else "en"
    assert found(looked(client, f"?q={words}", language)) == (["Örhan Derneği (ÖD)"] if finds else [])


def test_what_was_typed_stands_there_again_and_runs_nothing(client):
    page = looked(client, "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert page.one("input", name="q")["value"] == '"><script>alert(1)</script>'
    assert page.all("script") == []


def test_a_thousand_characters_are_cut(client):
    assert len(looked(client, f"?q={'a' * 1000}").one("input", name="q")["value"]) == 100


# --- addresses -------------------------------------------------------------------------------------------------------


def test_fields_that_were_left_empty_are_taken_out_of_the_address(client, five):
    response = client.get("/en/members/?q=&country=PT&type=&area=+&right=")
    assert (response.status_code, response["Location"]) == (302, "/en/members/?country=PT")
    assert client.get("/en/members/?q=")["Location"] == "/en/members/"


def test_the_same_choice_is_there_in_other_languages(client, five):
    page = looked(client, "?country=PT&q=casa")
    links = [tag["href"] for tag in page.all("a") if tag["hreflang"]]
    assert links == [f"/{code}/members/?country=PT&q=casa" for code, _name in settings.LANGUAGES]
    assert found(Page(client.get(links[-1]))) == ["Casa"]


@pytest.mark.parametrize(
    ("query", "robots"),
    [
        ("", []),
        ("?country=PT", []),
        ("?country=PT&area=advocacy", ["noindex, follow"]),
        ("?q=casa", ["noindex, follow"]),
    ],
)
def test_search_engines_are_led_to_the_whole_list(client, five, query, robots):
    page = looked(client, query)
    assert page.one("link", rel="canonical")["href"] == f"{settings.SITE_URL}/en/members/"
    assert [tag["content"] for tag in page.all("meta", name="robots")] == robots
    assert len(page.all("link", rel="alternate")) == (0 if query else 8)
    assert page.one("meta", name="description")["content"]


def test_the_title_names_what_was_chosen(client, five):
    title = looked(client, "?country=PT&area=advocacy").all("title")[0].words
    assert title == "Portugal, Advocacy – Members · PICUM"


def test_the_list_sets_no_cookie_and_depends_on_none(client, five):
    response = client.get("/en/members/?country=PT")
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


def test_the_main_navigation_leads_there(client, five):
    (nav,) = (tag for tag in looked(client).all("nav") if tag["class"] == "main-nav")
    assert "Members" in nav.words
    assert looked(client).one("a", aria_current="page", href="/en/members/").words == "Members"


# --- the map ---------------------------------------------------------------------------------------------------------


def test_every_country_with_members_is_a_link_on_the_map_that_says_what_it_leads_to(client, five):
    page = looked(client, "?area=advocacy")
    assert pins(page) == ["Austria: 1 member", "Poland: 1 member", "Portugal: 1 member"]
    links = [tag["href"] for tag in page.all("a") if (tag["href"] or "").startswith("/en/members/?country=")]
    assert links == [f"/en/members/?country={code}&area=advocacy#found" for code in ("AT", "PL", "PT")]
    chosen = looked(client, "?country=PT")
    assert [tag.words for tag in chosen.all("a", aria_current="true")] == ["English", "Portugal: 2 members2"]


def test_the_world_is_drawn_only_if_somebody_is_there(client, five):
    assert [tag.words for tag in looked(client).all("figcaption")] == ["Europe"]
    make_member("Far", country="US")
    page = looked(client)
    assert [tag.words for tag in page.all("figcaption")] == ["Europe", "Beyond Europe"]
    assert pins(page)[-1] == "United States: 1 member"


def test_a_country_that_no_map_knows_is_on_the_list(client):
    make_member("Nowhere", country="ZZ")
    page = looked(client)
    assert found(page) == ["Nowhere"]
    assert pins(page) == []


def test_the_map_can_be_passed_by(client, five):
    page = looked(client)
    assert page.one("a", class_="leap")["href"] == "#found"
    assert page.one("h2", id="found")["tabindex"] == "-1"
    assert [tag["aria-hidden"] for tag in page.all("svg", class_="map-land")] == ["true"]
