import re

import pytest

from newsletter import rendering
from newsletter.models import Translator
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, staff
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


# --- any reader -----------------------------------------------------------------------------------------------------


def test_all_seven_languages_can_be_put_in_order_one_more_choice_at_a_time(desk, issue):
    html = Page(desk.get(page("issue_preview", issue.pk, "pt")))
    assert [select["aria-label"] for select in html.all("select", name="then")] == ["second language", "third language"]
    html = Page(desk.get(page("issue_preview", issue.pk, "pt") + "?then=es&then=en&then=fr"))
    chosen = [option["value"] for option in html.all("option") if "selected" in option.attributes]
    assert (len(html.all("select", name="then")), chosen) == (4, ["es", "en", "fr"])
    everything = "&".join(f"then={code}" for code in ("es", "en", "fr", "it", "nl", "de"))
    html = Page(desk.get(page("issue_preview", issue.pk, "pt") + "?" + everything))
    assert len(html.all("select", name="then")) == 6


def test_the_page_says_what_fills_the_gaps_and_what_is_left_out(desk, issue):
    address = page("issue_preview", issue.pk, "pt")
    assert "Not translated 1 item in Spanish" in Page(desk.get(address + "?then=es")).words
    assert "Not translated 1 item in English" in Page(desk.get(address + "?then=en")).words
    issue.fallback = "omit"
    issue.save()
    html = Page(desk.get(address + "?then=es"))
    assert "Left out 1 item" in html.words
    assert "Not translated" not in html.words


def test_a_readers_areas_come_first_in_the_index(desk, issue):
    make_item(issue, "borders", en="Elsewhere")
    make_item(issue, "events", en="A hearing", areas=["advocacy"])
    answer = desk.get(page("issue_preview_text", issue.pk, "en") + "?area=advocacy")
    assert (
        answer.content.decode()
        == rendering.render_mail(
            rendering.compose(contents(issue), "en", ["en"], areas=["advocacy"]), token="preview"
        ).text
    )
    assert answer.content != desk.get(page("issue_preview_text", issue.pk, "en")).content
    frame = Page(desk.get(page("issue_preview", issue.pk, "en") + "?area=advocacy&area=%00")).one("iframe")
    assert frame["src"].endswith("/html/?area=advocacy")


def test_dark_and_light_are_shown_whatever_the_computer_prefers(desk, issue):
    address = page("issue_preview_html", issue.pk, "en")
    as_sent = desk.get(address).content.decode()
    assert "prefers-color-scheme: dark" in as_sent
    dark, light = (desk.get(f"{address}?scheme={name}").content.decode() for name in ("dark", "light"))
    assert "@media all" in dark
    assert "@media not all" in light
    assert '<meta name="color-scheme" content="dark">' in dark
    for html, name in ((dark, "dark"), (light, "light")):
        assert "prefers-color-scheme" not in html
        assert "light dark" not in html
        assert re.search(f"color-scheme: ?{name}", html)
    assert desk.get(f"{address}?scheme=purple").content.decode() == as_sent


def test_images_are_blocked_by_the_policy_of_the_frame(desk, issue):
    address = page("issue_preview_html", issue.pk, "en")
    answer = desk.get(address + "?images=off")
    assert answer["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'none'; frame-ancestors 'self'"
    )
    assert answer.content == desk.get(address).content


def test_two_languages_stand_beside_each_other_each_with_its_own_facts(desk, issue):
    chosen = "?beside=pt&then=es&scheme=dark&images=off&width=phone"
    html = Page(desk.get(page("issue_preview", issue.pk, "de") + chosen))
    assert [frame["src"] for frame in html.all("iframe")] == [
        page("issue_preview_html", issue.pk, code) + "?then=es&scheme=dark&images=off" for code in ("de", "pt")
    ]
    assert [heading.words for heading in html.all("h2")] == ["German", "Portuguese"]
    assert len(html.all("meter")) == 2
    tab = next(link for link in html.all("a") if link.words == "Dutch")
    assert tab["href"].endswith("/preview/nl/?then=es&scheme=dark&images=off&part=html&width=phone&beside=pt")


@pytest.mark.parametrize("beside", ["de", "xx", ""])
def test_nothing_stands_beside_itself_nor_beside_nonsense(desk, issue, beside):
    assert len(Page(desk.get(page("issue_preview", issue.pk, "de") + f"?beside={beside}")).all("iframe")) == 1


def test_a_translator_sees_beside_hers_only_what_she_may_see(issue):
    ines = staff("translate_text")
    Translator.objects.create(user=ines, languages="pt es")
    address = page("issue_preview", issue.pk, "pt")
    client = at_the_desk(ines)
    assert len(Page(client.get(address + "?beside=es")).all("iframe")) == 2
    assert len(Page(client.get(address + "?beside=de")).all("iframe")) == 1
    assert client.get(page("issue_preview_html", issue.pk, "de")).status_code == 404


@pytest.mark.parametrize("part", ["issue_preview_html", "issue_preview_text"])
def test_a_translator_s_gaps_are_not_filled_with_words_of_her_choice_but_of_her_languages(issue, part):
    make_item(issue, en="In English", de="Auf Deutsch", es="En español")
    ines = staff("translate_text")
    Translator.objects.create(user=ines, languages="pt es")
    client = at_the_desk(ines)
    html = client.get(page(part, issue.pk, "pt") + "?then=de").content.decode()
    assert ("Auf Deutsch" in html, "In English" in html) == (False, True)
    assert "En español" in client.get(page(part, issue.pk, "pt") + "?then=es").content.decode()
    offered = Page(client.get(page("issue_preview", issue.pk, "pt"))).all("option")
    assert "de" not in {option["value"] for option in offered}


@pytest.mark.parametrize("rows", [1, 3])
def test_two_languages_of_three_items_take_the_queries_of_one(desk, rows, django_assert_num_queries):
    issue = make_issue(items=rows)
    with django_assert_num_queries(14):
        desk.get(page("issue_preview", issue.pk, "de") + "?beside=pt&then=es")
