import pytest

from newsletter import rendering
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import LANGUAGES, contents, make_issue, make_item

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def issue():
    issue = make_issue(items=1)
    make_item(issue, en="English only", es="Inglés y español")
    return issue


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_preview_is_what_the_sending_code_renders(desk, issue, language):
    words = rendering.render_mail(rendering.compose(contents(issue), language, [language]), token="preview")
    assert desk.get(page("issue_preview_html", issue.pk, language)).content.decode() == words.html
    answer = desk.get(page("issue_preview_text", issue.pk, language))
    assert (answer.content.decode(), answer["Content-Type"]) == (words.text, "text/plain; charset=utf-8")


def test_a_readers_order_of_languages_decides_what_fills_a_gap(desk, issue):
    address = page("issue_preview_text", issue.pk, "pt")
    assert "English only" in desk.get(address).content.decode()
    spanish = desk.get(address + "?then=es&then=en").content.decode()
    assert "Inglés y español" in spanish
    assert "English only" not in spanish


def test_nonsense_in_the_address_is_ignored(desk, issue):
    answer = desk.get(page("issue_preview", issue.pk, "pt") + "?then=xx&then=pt&then=es&width=huge&part=exe")
    assert (answer.context["order"], answer.context["width"], answer.context["part"]) == (
        ["pt", "es"],
        "desktop",
        "html",
    )


def test_the_frame_is_locked_up_and_only_our_own_pages_may_show_it(desk, issue):
    answer = desk.get(page("issue_preview_html", issue.pk, "en"))
    assert answer["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
    )
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    frame = Page(desk.get(page("issue_preview", issue.pk, "en") + "?then=fr&width=phone")).one("iframe")
    assert frame["sandbox"] is None  # the bare attribute: nothing is allowed
    assert "sandbox" in frame.attributes
    assert frame["src"] == page("issue_preview_html", issue.pk, "en") + "?then=fr"
    assert "desk-frame--phone" in frame["class"]


def test_the_size_is_told_against_the_limits(desk, issue):
    html = Page(desk.get(page("issue_preview", issue.pk, "en")))
    words = rendering.render_mail(rendering.compose(contents(issue), "en"), token="preview")
    meter = html.one("meter")
    assert (meter["low"], meter["high"], meter["max"]) == ("60", "90", "100")
    assert float(meter["value"]) == round(words.size / 1024, 1)
    assert f"html {round(words.size / 1024, 1)} KB" in html.words


def test_no_reader_can_be_harmed_by_the_links_of_a_preview(client, desk, issue):
    text = desk.get(page("issue_preview_text", issue.pk, "en")).content.decode()
    links = [word for word in text.split() if "/preview/" in word]
    assert len(links) == 2
    for link in links:
        path = "/" + link.strip("<>").split("/", 3)[3]
        assert client.get(path).status_code == 404
