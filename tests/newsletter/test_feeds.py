"""Who uses a feed reader follows the newsletter without giving an address: in each language everything, or one area."""

import datetime
import re
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.utils import timezone

from newsletter.feeds import MOST_ENTRIES
from newsletter.models import Issue, ItemTranslation
from picum.areas.models import Area, Right
from tests.html import Page
from tests.newsletter.factories import LANGUAGES, make_issue, make_item
from tests.newsletter.test_archive import publish

pytestmark = pytest.mark.django_db
ATOM, LANG = "{http://www.w3.org/2005/Atom}", "{http://www.w3.org/XML/1998/namespace}lang"
SITE = "https://network.example"
NOW = datetime.datetime(2026, 11, 3, 12, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
# RFC 3339, as RFC 4287 §3.3 wants its dates.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


def read(response) -> ElementTree.Element:
    """The feed, once it is what RFC 4287 §4.1 calls a valid one."""
    assert (response.status_code, response["Content-Type"]) == (200, "application/atom+xml; charset=utf-8")
    feed = ElementTree.fromstring(response.content)  # noqa: S314  # our own
    assert feed.tag == f"{ATOM}feed"
    for element in (feed, *feed.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(ATOM + name)) == 1
        assert element.findtext(f"{ATOM}id").startswith(f"{SITE}/")
        assert MOMENT.fullmatch(element.findtext(f"{ATOM}updated"))
        hrefs = [link.get("href") for link in element.findall(f"{ATOM}link")]
        assert all(href.startswith(f"{SITE}/") for href in hrefs)
        assert len(element.findall(f"{ATOM}link[@rel='alternate']")) == 1
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "PICUM"
    assert [feed.findtext(f"{ATOM}id")] == [link.get("href") for link in feed.findall(f"{ATOM}link[@rel='self']")]
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")]
    assert len(set(ids)) == len(ids)
    return feed


def titles(feed) -> list[str]:
    return [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]


def published(slug="next", *, languages=LANGUAGES, at=NOW, **fields) -> Issue:
    return publish(make_issue(slug, **fields), *languages, at=at)


# --- what is in a feed ------------------------------------------------------------------------------------------------


def test_a_feed_has_the_items_of_the_last_three_issues_newest_first(client):
    for number in range(1, 5):
        issue = published(f"issue-{number}", at=NOW + number * DAY)
        make_item(issue, en=f"First of {number}")
        make_item(issue, en=f"Second of {number}")
    feed = read(client.get("/en/newsletter/feed/"))
    assert titles(feed) == [f"{which} of {number}" for number in (4, 3, 2) for which in ("First", "Second")]
    assert feed.findtext(f"{ATOM}updated") == "2026-11-07T13:00:00+01:00"  # a date in the clock of TIME_ZONE


def test_an_entry_names_place_and_kind_and_leads_to_the_item_s_own_page(client):
    item = make_item(
        published(), areas=["advocacy"], countries=["IT"], kind="report", de=("Boot", "<p>Ein <em>Boot</em>.</p>")
    )
    feed = read(client.get("/de/newsletter/feed/"))
    (entry,) = feed.iter(f"{ATOM}entry")
    page = f"{SITE}/de/newsletter/items/{item.pk}/"
    assert (feed.get(LANG), titles(feed)) == ("de", ["ITALIEN / BERICHT / Boot"])
    assert [entry.findtext(f"{ATOM}id"), entry.find(f"{ATOM}link").get("href")] == [page, page]
    assert client.get(page.removeprefix(SITE)).status_code == 200
    content = entry.find(f"{ATOM}content")
    assert (content.get("type"), " ".join(content.text.split())) == (
        "html",
        '<div class="rich"><p>Ein <em>Boot</em>.</p></div>',
    )
    assert entry.find(f"{ATOM}category").attrib == {"term": "advocacy", "label": "Interessenvertretung"}


def test_what_is_not_translated_says_its_language(client):
    make_item(published(), countries=["IT"], kind="report", es=("Barco", "<p>Un barco.</p>"))
    feed = read(client.get("/de/newsletter/feed/"))
    title, content = feed.find(f"{ATOM}entry/{ATOM}title"), feed.findtext(f"{ATOM}entry/{ATOM}content")
    assert (title.get(LANG), title.text) == ("es", "ITALIA / INFORME / Barco")
    assert '<p class="mark">Noch nicht übersetzt – auf Spanisch</p>' in content
    assert '<div class="rich" lang="es"><p>Un barco.</p></div>' in content


def test_where_the_editors_leave_out_what_is_not_translated_a_feed_does_too(client):
    issue = published(fallback=Issue.Fallback.OMIT)
    make_item(issue, es="Barco")
    make_item(issue, de="Boot")
    assert titles(read(client.get("/de/newsletter/feed/"))) == ["Boot"]


def test_what_is_not_published_in_the_language_is_in_no_feed_of_it(client):
    make_item(published("draft", languages=["en"]), en="English only", de="Deutsch")
    make_item(published("future", at=timezone.now() + DAY), de="Morgen")
    make_item(make_issue("never"), de="Nie")
    feed = read(client.get("/de/newsletter/feed/"))
    assert (titles(feed), feed.findtext(f"{ATOM}updated")) == ([], "2001-01-01T01:00:00+01:00")
    assert titles(read(client.get("/en/newsletter/feed/"))) == ["English only"]


def test_a_feed_does_not_grow_for_ever(client):
    issue = published()
    for number in range(MOST_ENTRIES + 1):
        make_item(issue, en=f"No {number}")
    assert titles(read(client.get("/en/newsletter/feed/"))) == [f"No {number}" for number in range(MOST_ENTRIES)]


def test_an_area_has_a_feed_of_its_own(client):
    issue = published()
    make_item(issue, areas=["advocacy", "awareness"], de="Beides")
    make_item(issue, areas=["awareness"], de="Anderes")
    make_item(issue, de="Keines")
    feed = read(client.get("/de/newsletter/feed/advocacy/"))
    assert (feed.findtext(f"{ATOM}title"), titles(feed)) == ("PICUM-Newsletter: Interessenvertretung", ["Beides"])
    assert feed.findtext(f"{ATOM}id") == f"{SITE}/de/newsletter/feed/advocacy/"
    assert feed.findtext(f"{ATOM}subtitle") == Area.objects.language("de").get(key="advocacy").description


@pytest.mark.parametrize("path", ["/en/newsletter/feed/nothing/", "/xx/newsletter/feed/", "/en/newsletter/feed/0/"])
def test_a_feed_that_there_is_not_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_hostile_words_are_only_words(client):
    words = "]]> & <script>alert(1)</script> \x08\ufffe “x” 'y'"
    item = make_item(
        published(), en=("x", f"<p>{words}</p>"), sources=[{"title": words, "url": "https://a.example/?a&b"}]
    )
    ItemTranslation.objects.filter(master=item).update(title=words)
    feed = read(client.get("/en/newsletter/feed/"))
    assert titles(feed) == ["]]> & <script>alert(1)</script>  “x” 'y'"]
    content = feed.findtext(f"{ATOM}entry/{ATOM}content")
    assert "<script" not in content
    assert '<a href="https://a.example/?a&amp;b">' in content


# --- how it is asked for ----------------------------------------------------------------------------------------------


def test_who_has_it_already_is_told_so(client):
    make_item(published(), en="Boat")
    first = client.get("/en/newsletter/feed/")
    for asked in ({"If-None-Match": first["ETag"]}, {"If-Modified-Since": first["Last-Modified"]}):
        again = client.get("/en/newsletter/feed/", headers=asked)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert first["Last-Modified"] == "Tue, 03 Nov 2026 12:00:00 GMT"


def test_a_corrected_item_is_a_new_answer_though_its_date_stays(client):
    make_item(published(), en="Boat")
    first = client.get("/en/newsletter/feed/")
    ItemTranslation.objects.update(title="Ship")
    again = client.get("/en/newsletter/feed/", headers={"If-None-Match": first["ETag"]})
    assert titles(read(again)) == ["Ship"]


def test_it_is_the_same_for_everybody(client):
    make_item(published(), en="Boat")
    response = client.get("/en/newsletter/feed/", headers={"Host": "127.0.0.1"})
    assert not response.cookies
    assert not response.has_header("Vary")
    assert response["Cache-Control"] == "public, max-age=600"
    text = response.content.decode()
    assert not any(word in text for word in ("127.0.0.1", "/leave/", "/preferences/", "@"))
    assert response.content == client.get("/en/newsletter/feed/").content


@pytest.mark.parametrize("path", ["/en/newsletter/feed/", "/en/newsletter/feed/advocacy/"])
@pytest.mark.parametrize("issues", [1, 3])
def test_it_asks_the_database_as_often_for_three_issues_as_for_one(client, django_assert_num_queries, path, issues):
    for number in range(issues):
        issue = published(f"issue-{number}", at=NOW + number * DAY)
        for title in ["A", "B", "C"][:issues]:
            make_item(issue, areas=["advocacy"], bodies=["frontex"], en=title)
        issue.items.first().rights.set(Right.objects.filter(key="shelter"))
    with django_assert_num_queries(13 + 2 * path.endswith("advocacy/")):
        assert len(titles(read(client.get(path)))) == issues * issues


def test_nothing_can_be_posted_to_it(client):
    assert client.post("/en/newsletter/feed/").status_code == 405


# --- how it is found --------------------------------------------------------------------------------------------------


def test_the_archive_lists_the_feeds_in_its_language(client):
    page = Page(client.get("/de/newsletter/"))
    links = {tag.words: tag["href"] for tag in page.all("a", type="application/atom+xml")}
    areas = {str(area): f"/de/newsletter/feed/{area.key}/" for area in Area.objects.language("de")}
    assert len(areas) == 5
    assert list(links.values()) == ["/de/newsletter/feed/", *areas.values()]
    assert list(links)[1:] == list(areas)
    assert {client.get(href).status_code for href in links.values()} == {200}


@pytest.mark.parametrize("path", ["/fr/", "/fr/newsletter/"])
def test_feed_readers_find_it_by_the_page(client, path):
    (link,) = Page(client.get(path)).all("link", type="application/atom+xml")
    assert (link["rel"], link["href"]) == ("alternate", "/fr/newsletter/feed/")


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_every_language_has_its_own(client, language):
    make_item(published(), **{code: f"Item ({code})" for code in LANGUAGES})
    feed = read(client.get(f"/{language}/newsletter/feed/"))
    assert (feed.get(LANG), titles(feed)) == (language, [f"Item ({language})"])
