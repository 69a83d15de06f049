"""Everybody may read what has been published: the list, each issue and each item, at an address that stays."""

import datetime

import pytest
from django.conf import settings
from django.utils import timezone

from newsletter.models import Issue
from picum.areas.models import Area, Right
from tests.html import Page
from tests.newsletter.factories import make_issue, make_item, make_subscriber, make_texts

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _name in settings.LANGUAGES]


def publish(issue, *languages, at=None):
    issue.editions.filter(language__in=languages or LANGUAGES).update(published_at=at or timezone.now())
    return issue


def month(number, year=2026, **fields):
    return make_issue(f"{year}-{number:02}", period=datetime.date(year, number, 1), **fields)


def address_of(item, language="en"):
    return f"/{language}/newsletter/items/{item.pk}/"


# --- the list -----------------------------------------------------------------------------------------------------


def test_the_list_shows_issues_by_year_newest_first_with_their_subjects(client):
    for issue in (month(11, 2025), month(12, 2025), month(1), month(10)):
        publish(issue)
    make_texts(Issue.objects.get(slug="2026-10"), "de", subject="Acht Rechte")
    page = Page(client.get("/de/newsletter/"))
    years = [(section.words) for section in page.all("section", class_="year")]
    assert years == ["2026 Oktober 2026 Acht Rechte Januar 2026", "2025 Dezember 2025 November 2025"]
    assert [link for link in page.links() if "/newsletter/20" in link] == [
        f"/de/newsletter/{slug}/" for slug in ("2026-10", "2026-01", "2025-12", "2025-11")
    ]


def test_an_issue_that_is_not_there_in_a_language_is_listed_with_those_in_which_it_is(client):
    publish(month(9))
    publish(month(10), "it", "de")
    page = Page(client.get("/pt/newsletter/"))
    here, elsewhere = page.all("ul", class_="issues")
    assert here.words == "Setembro de 2026"
    assert elsewhere.words == "Outubro de 2026 Deutsch · Italiano"
    links = [(tag["href"], tag["lang"], tag["hreflang"]) for tag in page.all("a") if "2026-10" in tag["href"]]
    assert links == [
        ("/de/newsletter/2026-10/", "de", "de"),
        ("/it/newsletter/2026-10/", "it", "it"),
    ]
    assert [client.get(path).status_code for path, *_rest in links] == [200, 200]


def test_what_is_not_published_or_not_yet_is_on_no_list(client):
    month(8)
    publish(month(9), at=timezone.now() + datetime.timedelta(minutes=1))
    page = Page(client.get("/en/newsletter/"))
    assert page.words.partition(" Feeds ")[0] == (
        "Newsletter News from all over Europe about the rights of undocumented migrants. Every issue stays at its "
        "address, in every language in which it has appeared. No issue has been published yet."
    )


@pytest.mark.parametrize("issues", [1, 3])
def test_the_list_asks_the_database_five_times(client, django_assert_num_queries, issues):
    for number in range(1, issues + 1):
        publish(month(number, items=number), *LANGUAGES[number:])
    with django_assert_num_queries(5):
        client.get("/en/newsletter/")


# --- an issue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_issue_stands_at_its_address_in_each_language(client, language):
    issue = publish(month(10, items=2))
    make_texts(issue, language, subject="S & S", masthead="A masthead", donation="<p>Give</p>")
    page = Page(client.get(f"/{language}/newsletter/2026-10/"))
    label = issue.label(language)
    assert page.one("h1").words == label[0].upper() + label[1:]
    assert label in page.one("title").words
    assert page.one("meta", name="description")["content"] == "A masthead"
    assert [tag.words for tag in page.all("h3")] == [f"Item 1 ({language})", f"Item 2 ({language})"]
    for words in ("S & S", "A masthead", "Give"):
        assert words in page.words


def test_sections_are_numbered_as_shown_and_named_in_the_index(client):
    issue = month(10)
    make_item(issue, "events", en="An event")
    make_item(issue, "borders", en="A border")
    make_item(issue, "borders", en="Another border")
    publish(issue)
    page = Page(client.get("/en/newsletter/2026-10/"))
    assert [tag.words for tag in page.all("section", class_="block")] == [
        "1. Borders A border Text of A border. Another border Text of Another border.",
        "2. Upcoming Events An event Text of An event.",
    ]
    index = page.one("nav", class_="index")
    assert index.words == "In this issue Borders (2) Upcoming Events (1)"
    targets = [link.removeprefix("#") for link in page.links() if link.startswith("#") and link != "#content"]
    assert targets == [tag["id"] for tag in page.all("h2") if tag["id"] in ("borders", "events")]


def test_an_item_shows_its_place_its_kind_and_its_sources(client):
    issue = month(10)
    source = {
        "outlet": "Il Faro",
        "title": "Titolo",
        "date": datetime.date(2026, 9, 14),
        "precision": "month",
        "url": "https://example.org/faro?a=1&b=2",
        "page": "4",
        "language": "it",
    }
    item = make_item(issue, en="A title", countries=["MT", "IT"], kind="report", sources=[source])
    publish(issue)
    for path in ("/en/newsletter/2026-10/", address_of(item)):
        page = Page(client.get(path))
        assert page.one("p", class_="place").words == "ITALY, MALTA / REPORT"
        link = page.one("a", href="https://example.org/faro?a=1&b=2")
        assert (link["lang"], link.words) == ("it", "Il Faro, ‘Titolo’")
        assert page.one("div", class_="sources").words == (
            "Source: Il Faro, ‘Titolo’, September 2026, p. 4 (in Italian)"
        )


def test_an_item_that_is_not_translated_is_shown_in_another_language_and_marked(client):
    issue = month(10)
    item = make_item(issue, es=("Un título", "<p>Un texto.</p>"))
    publish(issue)
    for path, heading in (("/pt/newsletter/2026-10/", "h3"), (address_of(item, "pt"), "h1")):
        page = Page(client.get(path))
        assert "espanhol" in page.one("p", class_="mark").words
        title = page.all("a", lang="es")[-1] if heading == "h3" else page.one("h1")
        assert (title["lang"], title.words) == ("es", "Un título")
        text = page.one("div", class_="rich", lang="es")
        assert text.words == "Un texto."
    english = Page(client.get("/es/newsletter/2026-10/"))
    assert english.all("p", class_="mark") == []
    assert english.all("div", lang="es") == []


def test_an_issue_that_leaves_untranslated_items_out_has_no_page_for_them_either(client):
    issue = month(10, fallback=Issue.Fallback.OMIT)
    both, spanish = make_item(issue, es="Ambos", pt="Ambos"), make_item(issue, es="Solo en español")
    publish(issue)
    page = Page(client.get("/pt/newsletter/2026-10/"))
    assert [tag.words for tag in page.all("h3")] == ["Ambos"]
    assert client.get(address_of(spanish, "pt")).status_code == 404
    assert client.get(address_of(both, "pt")).status_code == 200
    page = Page(client.get(address_of(spanish, "es")))
    assert [tag["hreflang"] for tag in page.all("link", rel="alternate")] == ["es", "x-default"]
    assert page.all("nav", class_="languages") == []


def test_the_language_switch_offers_published_editions_only(client):
    issue = publish(month(10, items=1), "de", "fr")
    issue.editions.filter(language="nl").update(published_at=timezone.now() + datetime.timedelta(hours=1))
    for path in ("/{}/newsletter/2026-10/", address_of(issue.items.get(), "{}")):
        page = Page(client.get(path.format("de")))
        assert page.one("nav", class_="languages").words == "Deutsch Français"
        assert {tag["hreflang"]: tag["href"] for tag in page.all("link", rel="alternate")} == {
            "de": settings.SITE_URL + path.format("de"),
            "fr": settings.SITE_URL + path.format("fr"),
            "x-default": settings.SITE_URL + path.format("de"),
        }
        assert page.one("link", rel="canonical")["href"] == settings.SITE_URL + path.format("de")


def test_english_serves_readers_of_any_other_language(client):
    publish(month(10))
    page = Page(client.get("/it/newsletter/2026-10/"))
    assert page.one("link", rel="alternate", hreflang="x-default")["href"].endswith("/en/newsletter/2026-10/")


@pytest.mark.parametrize("path", ["/nl/newsletter/2026-10/", "/nl/newsletter/items/{}/"])
def test_what_is_not_published_in_a_language_is_not_found_there(client, path):
    issue = publish(month(10, items=1), "de")
    path = path.format(issue.items.get().pk)
    assert client.get(path).status_code == 404
    assert client.get(path.replace("/nl/", "/de/")).status_code == 200
    publish(issue, "nl", at=timezone.now() + datetime.timedelta(seconds=30))
    assert client.get(path).status_code == 404
    publish(issue, "nl")
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/en/newsletter/nix/", "/en/newsletter/items/1/", "/en/newsletter/items/99999999999999999999999/"]
)
def test_what_does_not_exist_is_not_found(client, path):
    publish(month(10))
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("items", [1, 3])
def test_an_issue_asks_the_database_as_often_for_three_items_as_for_one(client, django_assert_num_queries, items):
    issue = publish(month(10))
    for _number in range(items):
        make_item(issue, bodies=["frontex", "ohchr"], countries=["IT"], sources=[{"outlet": "A"}, {"outlet": "B"}])
    for item in issue.items.all():
        item.areas.set(Area.objects.all())
        item.rights.set(Right.objects.all())
    with django_assert_num_queries(13):
        assert Page(client.get("/en/newsletter/2026-10/")).all("h3")


@pytest.mark.parametrize("items", [1, 3])
def test_an_item_asks_the_database_as_often_among_three_as_alone(client, django_assert_num_queries, items):
    issue = publish(month(10, items=items))
    for item in issue.items.all():
        item.areas.set(Area.objects.all())
        item.rights.set(Right.objects.all())
    with django_assert_num_queries(13):
        client.get(address_of(issue.items.first()))


def test_what_is_not_published_costs_one_question(client, django_assert_num_queries):
    issue = month(10, items=3)
    for path in ("/en/newsletter/2026-10/", address_of(issue.items.first())):
        with django_assert_num_queries(1):
            client.get(path)


# --- an item ------------------------------------------------------------------------------------------------------


def test_an_item_names_its_issue_its_section_its_neighbours_and_what_it_is_about(client):
    issue = publish(month(10))
    first, second, third = (make_item(issue, "borders", en=f"No {number}", de=f"Nr. {number}") for number in (1, 2, 3))
    second.areas.set(Area.objects.filter(key="advocacy"))
    second.rights.set(Right.objects.filter(key__in=["shelter", "legal-aid"]))
    page = Page(client.get(address_of(second, "de")))
    assert page.one("h1").words == "Nr. 2"
    assert page.one("title").words.startswith("Nr. 2 – ")
    assert page.one("meta", name="description")["content"] == "Text of Nr. 2."
    assert page.one("ol", class_="trail").words == "Newsletter Oktober 2026 1. Grenzen"
    assert {"/de/newsletter/", "/de/newsletter/2026-10/", "/de/newsletter/2026-10/#borders"} <= set(page.links())
    assert page.one("a", rel="prev")["href"] == address_of(first, "de")
    assert page.one("a", rel="next")["href"] == address_of(third, "de")
    facts = page.one("dl").words
    assert "Interessenvertretung" in facts
    assert "Unterkunft · Rechtsbeistand" in facts


def test_what_search_engines_show_of_an_item_is_its_words_and_not_its_html(client):
    issue = publish(month(10))
    item = make_item(issue, en=("A title", "<p>Work &amp; <em>rights</em>: 5 &lt; 6.</p>"))
    page = Page(client.get(address_of(item)))
    assert page.one("meta", name="description")["content"] == "Work & rights: 5 < 6."


def test_the_first_item_has_nothing_before_it_and_the_last_nothing_after(client):
    issue = publish(month(10, items=2))
    first, last = issue.items.all()
    page = Page(client.get(address_of(first)))
    assert (page.all("a", rel="prev"), page.one("a", rel="next")["href"]) == ([], address_of(last))
    page = Page(client.get(address_of(last)))
    assert (page.one("a", rel="prev")["href"], page.all("a", rel="next")) == (address_of(first), [])


def test_an_item_says_in_which_languages_it_can_be_read(client):
    issue = publish(month(10), "en", "es", "pt")
    item = make_item(issue, en="In English", es="En español", nl="In het Nederlands")
    page = Page(client.get(address_of(item, "en")))
    assert page.one("dd").words == "English · Español"
    assert page.one("nav", class_="languages").words == "English Español Português"
    assert [tag["hreflang"] for tag in page.all("link", rel="alternate")] == ["en", "es", "x-default"]
    # Its page in Portuguese shows the English text, and says where that is at home.
    page = Page(client.get(address_of(item, "pt")))
    assert page.one("dd").words == "English · Español"
    assert page.one("link", rel="canonical")["href"] == settings.SITE_URL + address_of(item, "en")
    assert [tag["hreflang"] for tag in page.all("link", rel="alternate")] == ["x-default"]


def test_hostile_words_are_only_words(client):
    issue = month(10)
    item = make_item(issue, en=("<script>alert(1)</script>", "<p>ok<script>alert(2)</script></p>"))
    make_texts(issue, "en", subject="<b>bold</b>", masthead='"><script>')
    publish(issue)
    for path in ("/en/newsletter/2026-10/", address_of(item), "/en/newsletter/", "/en/"):
        body = client.get(path).content.decode()
        assert "<script>" not in body
        assert "<b>" not in body


def test_no_reader_and_no_token_is_on_any_page_of_the_archive(client):
    reader = make_subscriber("amal@example.org", name="Amal Haddad")
    issue = publish(month(10, items=1))
    for path in ("/en/", "/en/newsletter/", "/en/newsletter/2026-10/", address_of(issue.items.get())):
        body = client.get(path).content.decode()
        assert not [word for word in ("amal", "Amal", reader.handle.hex, "/leave/", "/preferences/") if word in body]
