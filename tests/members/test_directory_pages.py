"""Each organisation has a page of its own: in the language of the reader, as far as it has written in that."""

import datetime
import json

import pytest
from django.conf import settings
from django.utils import timezone

from members import register
from members.models import FieldReport, Kind, Shown
from tests.html import Page
from tests.members.factories import make_member
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db
OPEN = list(Shown)
LANGUAGES = [code for code, _name in settings.LANGUAGES]


def opened(client, language="en", slug="rua-aberta"):
    return Page(client.get(f"/{language}/members/{slug}/"))


def facts(page) -> dict[str, str]:
    names = [tag.words for tag in page.all("dt")]
    return dict(zip(names, [tag.words for tag in page.all("dd")], strict=True))


def linked(page) -> dict:
    """What search engines read."""
    return json.loads(page.one("script", type="application/ld+json").words)


def report(member, item, **fields) -> FieldReport:
    told = {"language": "pt", "title": "t", "text": "t", "may_publish": True, "state": "taken", "item_number": item.pk}
    return FieldReport.objects.create(member=member, **told | fields)


# --- what stands there -----------------------------------------------------------------------------------------------


def test_a_page_tells_what_the_organisation_shows(client):
    make_member(
        acronym="RA",
        type="health",
        level="local",
        areas=["advocacy", "capacity-building"],
        rights=["health-care"],
        description={"en": "We stand beside people.\n\nEvery day."},
        street="Rua das Flores 12",
        postcode="1200-195",
        city="Lisboa",
        email="office@example.org",
        telephone="+351 21 555 01 23",
        website="https://www.example.org/x",
        shown=OPEN,
    )
    page = opened(client)
    assert page.one("h1").words == "Rua Aberta RA"
    assert page.one("title").words == "Rua Aberta – Members · PICUM"
    assert page.one("meta", name="description")["content"] == "We stand beside people. Every day."
    assert page.one("div", class_="rich").words == "We stand beside people. Every day."
    assert facts(page) == {
        "Country": "Portugal",
        "Type": "Health",
        "Level": "local",
        "Activity areas": "Capacity building Advocacy",
        "Rights": "health care",
        "Website": "example.org",
        "Mail address": "office@example.org",
        "Telephone": "+351 21 555 01 23",
        "Postal address": "Rua das Flores 12 1200-195 Lisboa Portugal",
    }
    for href in ("https://www.example.org/x", "mailto:office@example.org", "tel:+351215550123"):
        assert page.one("a", href=href)
    assert page.one("a", href="/en/members/?right=health-care").words == "health care"


def test_a_page_of_who_shows_nothing_has_name_country_and_type(client):
    make_member(description="Texto.", city="Lisboa", website="https://example.org", level="local", shown=[])
    page = opened(client)
    assert facts(page) == {"Country": "Portugal", "Type": "Human rights"}
    assert page.one("meta", name="description")["content"] == "Rua Aberta (Portugal), a member of PICUM."
    assert linked(page)["address"] == {"@type": "PostalAddress", "addressCountry": "PT"}


def test_an_address_that_is_none_of_the_web_is_no_link(client):
    make_member(website="javascript:alert(1)", shown=OPEN)
    page = opened(client)
    assert "Website" not in facts(page)
    assert "javascript" not in page.response.content.decode()


def test_the_logo_stands_there_without_words_of_its_own(client):
    make_member(logo="abc.png", logo_width=300, logo_height=100, shown=[Shown.LOGO])
    page = opened(client)
    image = page.one("img", class_="logo")
    assert (image["src"], image["width"], image["height"], image["alt"]) == (
        "/en/members/logo/abc.png",
        "300",
        "100",
        "",
    )
    assert linked(page)["logo"] == f"{settings.SITE_URL}/en/members/logo/abc.png"


@pytest.mark.parametrize("slug", ["hidden", "left", "not-yet", "boris-person", "nobody"])
def test_who_is_not_in_the_directory_is_not_found_and_all_alike(client, slug):
    make_member("Hidden", in_directory=False)
    make_member("Not yet", joined=None)
    make_member("Boris Person", kind=Kind.PERSON)
    left = make_member("Left").memberships.get()
    yesterday = timezone.localdate() - datetime.timedelta(days=1)
    register.end(left, until_on=yesterday, why="withdrawn", ended_by="member", ended_on=yesterday, by=None)
    response = client.get(f"/en/members/{slug}/")
    assert response.status_code == 404
    assert all(name not in response.content.decode() for name in ("Hidden", "Left", "Boris"))


@pytest.mark.parametrize("path", ["/pt/members/", "/pt/members/rua-aberta/"])
def test_a_page_of_the_directory_is_a_whole_that_runs_nothing_and_fetches_nothing_from_elsewhere(client, path):
    make_member(description="Texto.", logo="abc.png", logo_width=9, logo_height=9, shown=OPEN)
    page = Page(client.get(path))
    assert page.one("html")["lang"] == page.response["Content-Language"] == "pt"
    assert [len(page.all(tag)) for tag in ("h1", "header", "main", "footer", "address")] == [1] * 5
    assert {tag["type"] for tag in page.all("script")} <= {"application/ld+json"}
    assert page.all("style") == []
    assert [name for tag in page.tags for name in tag.attributes if name == "style" or name.startswith("on")] == []
    fetched = [tag["href"] for tag in page.all("link") if tag["rel"] in ("stylesheet", "icon")]
    assert all(url.startswith("/") for url in [*fetched, *(tag["src"] for tag in page.tags if tag["src"])])
    assert not page.response.cookies
    assert client.post(path).status_code == 405


# --- languages -------------------------------------------------------------------------------------------------------


def test_a_description_that_is_not_there_in_a_language_is_its_own_one_and_says_so(client):
    make_member(description={"pt": "Acompanhamos.", "en": "We stand by."}, shown=OPEN)
    page = opened(client, "de")
    assert page.one("p", class_="mark").words == "Noch nicht übersetzt – auf Portugiesisch"
    assert page.one("div", class_="rich", lang="pt").words == "Acompanhamos."
    for language in ("pt", "en"):
        page = opened(client, language)
        assert page.all("p", class_="mark") == []
        assert page.one("div", class_="rich")["lang"] is None


def test_a_description_without_its_own_language_is_any(client):
    make_member(description={"fr": "Nous sommes là.", "pt": " "}, shown=OPEN)
    assert opened(client).one("div", class_="rich", lang="fr").words == "Nous sommes là."


def test_other_languages_are_named_only_where_the_description_truly_is_in_them(client):
    make_member(description={"pt": "Acompanhamos.", "en": "We stand by.", "fr": ""}, shown=OPEN)
    address = settings.SITE_URL + "/{}/members/rua-aberta/"
    for language in ("pt", "en"):
        page = opened(client, language)
        assert page.one("link", rel="canonical")["href"] == address.format(language)
        assert [tag["hreflang"] for tag in page.all("link", rel="alternate")] == ["en", "pt", "x-default"]
    page = opened(client, "de")
    assert page.one("link", rel="canonical")["href"] == address.format("pt")
    assert [tag["hreflang"] for tag in page.all("link", rel="alternate")] == ["x-default"]
    (switch,) = (tag for tag in page.all("nav") if tag["class"] == "languages")
    assert len(switch.words.split()) == 7


def test_a_page_without_a_description_is_there_in_every_language(client):
    make_member(description={"pt": "Acompanhamos."}, shown=[])
    page = opened(client, "de")
    assert page.one("link", rel="canonical")["href"] == f"{settings.SITE_URL}/de/members/rua-aberta/"
    assert [tag["hreflang"] for tag in page.all("link", rel="alternate")] == [*LANGUAGES, "x-default"]


# --- what search engines read ----------------------------------------------------------------------------------------


def test_search_engines_read_an_organisation(client):
    make_member(
        acronym="RA",
        areas=["advocacy"],
        description={"en": "We <b>stand</b> & </script><script>alert(1)</script>"},
        website="https://example.org",
        email="office@example.org",
        shown=[Shown.DESCRIPTION, Shown.WORK, Shown.WEBSITE],
    )
    page = opened(client)
    assert linked(page) == {
        "@context": "https://schema.org",
        "@type": "NGO",
        "name": "Rua Aberta",
        "alternateName": "RA",
        "description": "We <b>stand</b> & </script><script>alert(1)</script>",
        "url": "https://example.org",
        "mainEntityOfPage": f"{settings.SITE_URL}/en/members/rua-aberta/",
        "address": {"@type": "PostalAddress", "addressCountry": "PT"},
        "knowsAbout": ["Advocacy"],
        "memberOf": {"@type": "NGO", "name": "PICUM"},
    }
    assert len(page.all("script")) == 1
    assert page.all("b") == []


# --- its items in the newsletter -------------------------------------------------------------------------------------


def test_items_that_came_from_it_are_listed_newest_first_in_the_language_or_another(client):
    member, other = make_member(), make_member("Other")
    older, newer = (make_issue(f"2026-{month:02}", period=datetime.date(2026, month, 1)) for month in (9, 10))
    first, second = make_item(older, pt="Em português"), make_item(newer, en="In English", pt="Também")
    now = timezone.now()
    older.editions.update(published_at=now - datetime.timedelta(days=30))
    newer.editions.update(published_at=now)
    for item in (first, second):
        report(member, item)
    report(other, make_item(newer, en="Of another"))
    section = opened(client).one("section", class_="reported")
    assert section.words == "In the newsletter October 2026 In English September 2026 Em português"
    page = opened(client)
    assert page.one("a", href=f"/en/newsletter/items/{first.pk}/")["lang"] == "pt"
    assert page.one("a", href=f"/en/newsletter/items/{second.pk}/")["lang"] is None


@pytest.mark.parametrize(
    ("fields", "published"),
    [
        ({"anonymous": True}, True),
        ({"state": "sent", "item_number": None}, True),
        ({"state": "withdrawn"}, True),
        ({}, False),
    ],
)
def test_an_item_that_must_not_be_named_with_it_or_is_not_out_is_not_listed(client, fields, published):
    issue = make_issue()
    item = make_item(issue, en="Nobody must know")
    if published:
        issue.editions.update(published_at=timezone.now())
    report(make_member(), item, **fields)
    page = opened(client)
    assert page.all("section", class_="reported") == []
    assert "Nobody must know" not in page.response.content.decode()
    assert item.get_absolute_url() not in page.links()


# --- quick -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
def test_a_page_asks_the_database_eight_times(client, django_assert_num_queries, number):
    member = make_member(areas=["advocacy"], description={"pt": "A", "en": "B"}, shown=OPEN)
    issue = make_issue()
    issue.editions.update(published_at=timezone.now())
    for count in range(number):
        report(member, make_item(issue, en=f"Item {count}"))
        make_member(f"Another {count}", areas=["advocacy"], shown=OPEN)
    with django_assert_num_queries(8):
        client.get("/en/members/rua-aberta/")


def test_five_hundred_members_cost_no_more_questions(client, django_assert_max_num_queries):
    crowd()
    for path in ("/en/members/", "/en/members/?q=texto&area=advocacy", "/en/members/casa-7/", "/en/members/list.json"):
        with django_assert_max_num_queries(9):
            assert client.get(path).status_code == 200


def crowd() -> None:
    """500 members of one kind, made at once."""
    from members.models import Category, Member, Membership

    day = datetime.date(2020, 5, 30)
    members = Member.objects.bulk_create(
        Member(name=f"Casa {number}", slug=f"casa-{number}", country=["PT", "DE", "US"][number % 3], in_directory=True)
        for number in range(500)
    )
    category = Category.objects.get(key="affiliated")
    Membership.objects.bulk_create(
        Membership(member=member, category=category, joined_on=day, from_on=day, decided_by="assembly")
        for member in members
    )
