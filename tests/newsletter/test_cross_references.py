"""Links from one item to an earlier one: found by search, in the language of the text."""

import datetime

import pytest
from django.utils import timezone

from newsletter import references, search_index
from newsletter.models import Translator
from newsletter.translation import texts
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, staff
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db

NOW = timezone.now()
SITE = "https://news.example.org"


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


@pytest.fixture
def earlier():
    """An item of September, which went out in English and German, and has no Portuguese."""
    issue = make_issue("2026-09", period=datetime.date(2026, 9, 1))
    item = make_item(issue, en=("A boat sank", "<p>Off Lampedusa.</p>"), de=("Ein Boot sank", "<p>Vor Lampedusa.</p>"))
    issue.editions.filter(language__in=["en", "de"]).update(published_at=NOW - datetime.timedelta(days=1))
    search_index.index(item)
    return item


def asked(client, words, language="de"):
    answer = client.get(page("item_references"), {"q": words, "language": language})
    return answer.json()["items"]


def at(item, language) -> str:
    return f"{SITE}/{language}/newsletter/items/{item.pk}/"


# --- the search -----------------------------------------------------------------------------------------------------


def test_an_item_is_found_with_its_address_in_the_language_of_the_text(earlier):
    assert asked(at_the_desk(boris()), "Boot Lampedusa") == [
        {
            "number": earlier.pk,
            "title": "Ein Boot sank",
            "language": "de",
            "issue": "September 2026",
            "address": at(earlier, "de"),
        }
    ]


def test_what_has_not_appeared_in_the_language_is_found_in_english_and_read_there(earlier):
    (found,) = asked(at_the_desk(boris()), "boat", "pt")
    assert (found["title"], found["language"], found["address"]) == ("A boat sank", "en", at(earlier, "en"))


def test_each_item_is_found_once(earlier):
    assert [one["number"] for one in asked(at_the_desk(boris()), "Lampedusa")] == [earlier.pk]


def test_what_has_not_appeared_at_all_is_not_found(earlier):
    waiting = make_item(make_issue("next"), de=("Ein anderes Boot", "<p>Vor Lampedusa.</p>"))
    search_index.index(waiting)
    early = make_item(earlier.issue, de=("Noch ein Boot", "<p>Vor Lampedusa.</p>"))
    early.not_before = timezone.localdate() + datetime.timedelta(days=3)
    early.save()
    search_index.index(early)
    assert [one["number"] for one in asked(at_the_desk(boris()), "Lampedusa")] == [earlier.pk]


@pytest.mark.parametrize("words", ["", " ", "\0", '"', "-", "nothing says this"])
def test_nothing_is_found_by_nothing(earlier, words):
    assert asked(at_the_desk(boris()), words) == []


@pytest.mark.parametrize("language", ["", "xx", "DE"])
def test_another_language_is_404(earlier, language):
    answer = at_the_desk(boris()).get(page("item_references"), {"q": "boat", "language": language})
    assert answer.status_code == 404


def test_translators_may_search_and_strangers_may_not(earlier):
    ines = staff("translate_text")
    Translator.objects.create(user=ines, languages="pt")
    assert len(asked(at_the_desk(ines), "boat", "pt")) == 1
    assert at_the_desk(amal()).get(page("item_references"), {"q": "boat", "language": "pt"}).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_search_takes_the_same_queries_for_one_item_and_three(earlier, rows, django_assert_num_queries):
    for _number in range(rows - 1):
        search_index.index(make_item(earlier.issue, de=("Ein Boot", "<p>Vor Lampedusa.</p>")))
    desk = at_the_desk(carla())
    with django_assert_num_queries(7):
        assert len(asked(desk, "Boot")) == rows


def test_the_form_brings_what_the_search_needs(earlier):
    desk = at_the_desk(boris())
    shown = Page(desk.get(page("item_change", earlier.pk) + "?language=pt"))
    template = shown.one("template", id="reference-search")
    assert (template["data-language"], template["data-url"]) == ("pt", page("item_references"))
    adding = Page(desk.get(page("item_add") + "?language=it"))
    assert adding.one("template", id="reference-search")["data-language"] == "it"


# --- in other languages ---------------------------------------------------------------------------------------------


def test_a_link_leads_to_the_page_in_the_language_of_the_text(earlier):
    html = f'<p>See <a href="{at(earlier, "en")}">this</a> and <a href="https://example.org">that</a>.</p>'
    assert references.in_language(html, "de") == html.replace(at(earlier, "en"), at(earlier, "de"))


def test_where_an_item_has_not_appeared_in_the_language_the_link_leads_to_another(earlier):
    html = f'<p><a href="{at(earlier, "de")}">Aqui</a></p>'
    assert references.in_language(html, "pt") == html.replace("/de/", "/en/")


def test_links_to_what_has_not_appeared_and_to_others_stay_as_they_are(earlier):
    waiting = make_item(make_issue("next"), en="Waiting")
    links = [at(waiting, "en"), f"{SITE}/en/newsletter/items/999999/", "https://other.example.org/en/newsletter/items/1/",
             f"{SITE}/en/newsletter/items/{earlier.pk}/more/", f"{SITE}/en/newsletter/items/{'9' * 30}/"]  # fmt: skip
    html = "".join(f'<p><a href="{link}">x</a></p>' for link in links)
    assert references.in_language(html, "de") == html


def test_a_text_without_such_links_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert references.in_language('<p><a href="https://example.org">x</a></p>', "de")


def test_a_finished_translation_has_the_links_of_its_own_language(earlier):
    item = make_item(make_issue("next"), en=("See", f'<p>See <a href="{at(earlier, "en")}">this</a>.</p>'))
    words = {"title": "Siehe", "text": f'<p>Siehe <a href="{at(earlier, "en")}">hier</a>.</p>'}
    texts.store(texts.find(item, "de"), words, state="review", how="page", by=None, now=NOW)
    assert item.translations.get(language_code="de").text == f'<p>Siehe <a href="{at(earlier, "de")}">hier</a>.</p>'
    assert item.translations.get(language_code="en").text.count(at(earlier, "en")) == 1
