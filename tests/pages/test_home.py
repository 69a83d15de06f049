"""The way in: `/` finds the visitor's language, and the home page says who PICUM is."""

import datetime

import pytest
from django.conf import settings
from django.utils import timezone

from picum.areas.models import Area, Right
from tests.html import Page
from tests.newsletter.factories import make_issue, make_texts

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]


@pytest.mark.parametrize(
    ("accepted", "address"),
    [
        ("pt", "/pt/"),
        ("fr-BE,fr;q=0.9,nl;q=0.8", "/fr/"),
        ("pl,de;q=0.5", "/de/"),
        ("pl", "/en/"),
        ("", "/en/"),
    ],
)
def test_the_bare_address_leads_to_the_visitors_language_for_now(client, accepted, address):
    response = client.get("/", headers={"Accept-Language": accepted})
    assert (response.status_code, response["Location"]) == (302, address)
    assert "Accept-Language" in response["Vary"]
    assert not response.cookies


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_home_page_shows_the_areas_and_the_rights_in_each_language(client, language):
    page = Page(client.get(f"/{language}/"))
    names = lambda model: [row.translations.get(language_code=language).name for row in model.objects.all()]  # noqa: E731
    shown = [tag.words for tag in page.all("li")]
    assert page.one("html")["lang"] == language
    assert [tag.words for tag in page.all("h3")] == names(Area)
    assert len(names(Area)) == 5
    assert [words for words in shown if words in names(Right)] == names(Right)
    assert len(names(Right)) == 8


def test_the_home_page_shows_the_newest_issue_published_in_its_language(client):
    march = make_issue("march", period=datetime.date(2026, 3, 1))
    april = make_issue("april", period=datetime.date(2026, 4, 1))
    make_issue("may", period=datetime.date(2026, 5, 1))
    make_texts(march, "pt", subject="Em Portugal")
    now = timezone.now()
    march.editions.update(published_at=now)
    april.editions.filter(language="en").update(published_at=now)
    april.editions.filter(language="de").update(published_at=now + datetime.timedelta(hours=1))
    newest = {code: Page(client.get(f"/{code}/")).one("p", class_="card-title").words for code in ("en", "de", "pt")}
    assert newest == {"en": "April 2026", "de": "März 2026", "pt": "Março de 2026"}
    assert "Em Portugal" in Page(client.get("/pt/")).words


def test_before_the_first_issue_the_home_page_names_none(client):
    make_issue("next")
    page = Page(client.get("/en/"))
    assert page.all("section", class_="card") == []
    assert "October" not in page.words


@pytest.mark.parametrize("issues", [1, 3])
def test_the_home_page_asks_the_database_seven_times(client, django_assert_num_queries, issues):
    for number in range(issues):
        make_issue(f"issue-{number}").editions.update(published_at=timezone.now())
    with django_assert_num_queries(7):
        client.get("/en/")


def test_the_home_page_names_its_other_languages_and_for_all_the_rest_the_bare_address(client):
    page = Page(client.get("/de/"))
    alternates = {tag["hreflang"]: tag["href"] for tag in page.all("link", rel="alternate") if tag["hreflang"]}
    assert alternates == {code: f"{settings.SITE_URL}/{code}/" for code in LANGUAGES} | {
        "x-default": f"{settings.SITE_URL}/"
    }
    assert page.one("link", rel="canonical")["href"] == f"{settings.SITE_URL}/de/"
