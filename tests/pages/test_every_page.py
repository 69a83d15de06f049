"""What holds for every public page: languages, landmarks, nothing from elsewhere, nobody watched."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from newsletter.subscriptions import token_for
from tests.html import Page
from tests.newsletter.factories import make_issue, make_item, make_subscriber

pytestmark = pytest.mark.django_db
PAGES = ["home", "privacy", "archive", "edition", "item", "leave", "preferences", "bad link", "no such page"]
READERS = {"leave", "preferences", "bad link"}


@pytest.fixture
def address():
    """The path of each page, by its name here and its language."""
    issue = make_issue("next", items=2)
    make_item(
        issue,
        pt="Só em português",
        sources=[{"outlet": "Il Faro", "title": "Titolo", "url": "https://example.org/x", "language": "it"}],
    )
    issue.editions.update(published_at=timezone.now())
    token = token_for(make_subscriber())
    pages = {
        "home": ["pages:home"],
        "privacy": ["pages:privacy"],
        "archive": ["newsletter:archive"],
        "edition": ["newsletter:edition", "next"],
        "item": ["newsletter:item", issue.items.last().pk],
        "leave": ["newsletter:leave", token],
        "preferences": ["newsletter:preferences", token],
        "bad link": ["newsletter:leave", "nonsense"],
    }

    def find(name, language="en"):
        if name == "no such page":
            return f"/{language}/nix/"
        with override(language):
            return reverse(pages[name][0], args=pages[name][1:])

    return find


@pytest.mark.parametrize("language", ["en", "de", "pt"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_a_whole_in_one_language(client, address, name, language):
    page = Page(client.get(address(name, language)))
    assert page.one("html")["lang"] == language
    assert page.response["Content-Language"] == language
    assert [len(page.all(tag)) for tag in ("title", "h1", "header", "main", "footer", "address")] == [1] * 6
    assert "PICUM" in page.one("title").words
    first = next(tag for tag in page.tags if tag.name == "a")
    assert first["href"] == "#" + page.one("main")["id"]
    assert "Congresstraat 37-41" in page.one("address").words
    assert "+32 (0)2 274 14 39" in page.one("address").words


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_nothing_inline_and_fetches_nothing_from_elsewhere(client, address, name):
    page = Page(client.get(address(name)))
    fetched = [tag["href"] for tag in page.all("link") if tag["rel"] in ("stylesheet", "icon")]
    fetched += [tag["src"] for tag in page.tags if tag["src"]]
    assert len(fetched) >= 2
    assert [url for url in fetched if urlsplit(url).netloc] == []
    assert page.all("style") == []
    assert [tag for tag in page.all("script") if not tag["src"]] == []
    assert [name for tag in page.tags for name in tag.attributes if name == "style" or name.startswith("on")] == []
    policy = page.response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", PAGES)
def test_a_page_sets_no_cookie_and_does_not_depend_on_one(client, address, name):
    response = client.get(address(name))
    assert not response.cookies
    assert "Set-Cookie" not in response
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.parametrize("name", sorted(set(PAGES) - READERS - {"no such page"}))
def test_the_language_switch_leads_to_pages_that_exist_and_say_their_language(client, address, name):
    page = Page(client.get(address(name)))
    (switch,) = (tag for tag in page.all("nav") if tag["class"] == "languages")
    links = [tag for tag in page.all("a") if tag["hreflang"]][: len(settings.LANGUAGES)]
    assert switch.words == "English Deutsch Nederlands Español Français Italiano Português"
    assert [tag["hreflang"] for tag in links] == [tag["lang"] for tag in links] == [c for c, _n in settings.LANGUAGES]
    assert [tag["hreflang"] for tag in links if tag["aria-current"]] == ["en"]
    for tag in links:
        other = client.get(tag["href"])
        assert (other.status_code, other["Content-Language"]) == (200, tag["hreflang"])


@pytest.mark.parametrize("name", PAGES)
def test_only_readers_own_pages_carry_a_token(client, address, name):
    token = urlsplit(address("leave")).path.split("/")[-2]
    assert re.fullmatch(r"[\w.-]{66}", token)
    assert (token in client.get(address(name)).content.decode()) == (name in {"leave", "preferences"})


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_either_to_be_found_or_says_that_it_is_not(client, address, name):
    page = Page(client.get(address(name)))
    canonical = [tag["href"] for tag in page.all("link", rel="canonical")]
    noindex = [tag["content"] for tag in page.all("meta", name="robots")]
    if name in READERS | {"no such page"}:
        assert (canonical, page.all("link", rel="alternate"), noindex) == ([], [], ["noindex"])
    else:
        assert noindex == []
        assert len(canonical) == 1
        assert page.one("meta", name="description")["content"]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_a_page_takes_no_other_method(client, address, name, method):
    status = getattr(client, method)(address(name)).status_code
    assert status == (404 if name == "no such page" else 405)
