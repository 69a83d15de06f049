"""The search of the desk: who may use it, what it shows, and what one takes away."""

import csv
import datetime
import io

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.translation import override

from newsletter import search_export, search_index
from newsletter.models import Edition, SearchEntry, Translator
from picum import csvfile
from picum.areas.models import Right
from tests.newsletter.desk import amal, at_the_desk, boris, page, said, staff
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db
SEARCH = "item_search"


def translator():
    person = staff("translate_text")
    Translator.objects.create(user=person, languages="pt")
    return person


def asked(person=None, name=SEARCH, **query):
    return at_the_desk(person or boris()).get(page(name), query)


def found(response) -> list[str]:
    return ["".join(piece.words for piece in row.title) for row in response.context["rows"]]


def court(**fields):
    """Two items, one of them of a court."""
    issue = make_issue("2026-05", languages=["en"], period=datetime.date(2026, 5, 1))
    item = make_item(issue, "borders", en=("A court decides", "<p>It was <em>late</em>.</p>"), **fields)
    make_item(issue, "health-care", en="A city", de="Eine Stadt")
    search_index.fill()
    return item


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [SEARCH, "item_search_export", "item_search_titles"])
def test_who_neither_edits_nor_translates_nor_sends_finds_nothing_here(name):
    court()
    assert asked(amal(), name, q="court", all="on").status_code == 404


@pytest.mark.parametrize("right", ["view_item", "change_item", "send_issue", "approve_text"])
def test_who_edits_or_sends_may_search(right):
    court()
    assert found(asked(staff(right), q="court")) == ["A court decides"]


def test_translators_search_all_languages_and_find_no_links_to_the_form():
    item = court()
    response = asked(translator(), q="court")
    assert found(response) == ["A court decides"]
    assert page("item_change", item.pk) not in response.content.decode()
    assert page("item_change", item.pk) in asked(boris(), q="court").content.decode()


def test_a_translator_without_languages_is_a_stranger():
    assert asked(staff("translate_text"), q="court").status_code == 404


def test_reading_changes_nothing_and_nothing_is_posted():
    court()
    before = list(SearchEntry.objects.values())
    client = at_the_desk(boris())
    assert [client.post(page(name)).status_code for name in (SEARCH, "item_search_export")] == [405, 405]
    assert list(SearchEntry.objects.values()) == before


def test_the_way_there_is_on_every_page_of_the_desk():
    assert page(SEARCH) in at_the_desk(translator()).get(page(SEARCH)).content.decode()
    assert page(SEARCH) in at_the_desk(boris()).get(page("item_changelist")).content.decode()


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_the_words_are_marked_and_whatever_an_editor_typed_stays_words():
    issue = make_issue(languages=["en"])
    make_item(issue, en=("<script>alert(1)</script> a court", "<p>&lt;img src=x onerror=court&gt; it</p>"))
    search_index.fill()
    html = asked(q='court "<script>"').content.decode()
    assert "&lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt; a <mark>court</mark>" in html
    assert "&lt;img src=x onerror=<mark>court</mark>&gt; it" in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert 'value="court &quot;&lt;script&gt;&quot;"' in html


def test_a_row_says_where_it_stands_and_what_there_is():
    item = court(countries=["MT"], kind="report")
    Edition.objects.filter(issue=item.issue, language="en").update(published_at=timezone.now())
    (row,) = asked(q="courts").context["rows"]
    assert (row.place, row.issue, row.languages, row.published, row.language) == (
        "MALTA", "May 2026", ["en"], True, "en",
    )  # fmt: skip
    assert row.page.endswith(f"/en/newsletter/items/{item.pk}/")


def test_without_a_question_all_are_listed_in_a_language_in_which_they_are_written():
    court()
    response = asked(language="de")
    assert found(response) == ["A court decides", "Eine Stadt"]
    assert [row.language for row in response.context["rows"]] == ["en", "de"]


def test_filters_stay_in_the_address_and_nonsense_asks_for_nothing():
    court()
    response = asked(q="a", section="borders", year="2026", order="newest", page="7")
    assert found(response) == ["A court decides"]
    assert response.context["address"] == "q=a&section=borders&year=2026&order=newest"
    nonsense = asked(
        staff("view_item"), q="a", section="x", year="' OR 1", language="xx", issue="-", page="-3", order="zz"
    )
    assert (nonsense.status_code, sorted(found(nonsense))) == (200, ["A city", "A court decides"])


def test_a_question_that_nothing_answers_is_told_so():
    court()
    html = asked(q="harbour").content.decode()
    assert "Nothing was found." in html
    assert "0 items" in html


def test_more_than_a_page_comes_in_pages():
    issue = make_issue(languages=["en"], items=27)
    search_index.fill()
    response = asked(q="item", issue=issue.slug, page="2")
    assert (len(response.context["rows"]), response.context["total"]) == (2, 27)
    assert "?q=item&amp;issue=next&amp;page=1" in response.content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_as_many_queries_whatever_is_found(django_assert_num_queries, rows):
    issue = make_issue(languages=["en"])
    for number in range(rows):
        make_item(issue, en=f"Item {number}", bodies=["frontex"], countries=["IT"])
    search_index.fill()
    client = at_the_desk(boris())
    client.get(page(SEARCH), {"q": "item"})
    with django_assert_num_queries(20):
        assert len(found(client.get(page(SEARCH), {"q": "item"}))) == rows


# --- files -----------------------------------------------------------------------------------------------------------


def text_of(response) -> str:
    return b"".join(response.streaming_content).decode()


def exported(person=None, **query) -> str:
    return text_of(asked(person, "item_search_export", **query))


def whole():
    """An item with all that an item may have, and one with words that are no markup and no formula."""
    item = court(
        countries=["MT"], bodies=["frontex"], areas=["advocacy"], kind="report",
        sources=[
            {"outlet": "Il Faro", "title": "Porto aperto", "url": "https://example.org/a_(b)", "language": "it",
             "date": datetime.date(2026, 5, 3), "page": "4"},
            {"outlet": "=cmd|' /C calc'!A0"},
        ],
    )  # fmt: skip
    item.rights.set(Right.objects.filter(key="health-care"))
    Edition.objects.filter(issue=item.issue, language="en").update(published_at=timezone.now())
    other = make_issue("2026-06", languages=["en"], period=datetime.date(2026, 6, 1))
    html = '<p># No <strong>heading </strong>&lt;b&gt; <a href="https://example.org">a*b</a></p><ul><li>one</li></ul>'
    make_item(other, "borders", en=("=1+1 [court](x)", html))
    search_index.fill()
    return item


def test_csv_says_all_of_an_item_and_is_no_formula():
    item = whole()
    text = exported(q="court", all="on", **{"as": "csv"})
    rows = list(csv.reader(io.StringIO(text.removeprefix(csvfile.MARK))))
    assert text.startswith(csvfile.MARK)
    assert rows == [
        ["Issue", "Month", "Section", "Place", "Kind", "Title", "Text", "Language", "Areas", "Rights", "Sources",
         "Address"],
        ["May 2026", "2026-05", "Borders", "MALTA, FRONTEX", "Report", "A court decides", "It was late.", "en",
         "Advocacy", "health care",
         "Il Faro, ‘Porto aperto’, 3 May 2026, p. 4 (in Italian) https://example.org/a_(b); =cmd|' /C calc'!A0",
         f"{settings.SITE_URL}/en/newsletter/items/{item.pk}/"],
        ["June 2026", "2026-06", "Borders", "", "", "'=1+1 [court](x)",
         "# No heading <b> a*b <https://example.org> - one", "en", "", "", "", ""],
    ]  # fmt: skip


def test_markdown_has_headings_text_sources_and_the_address_and_no_markup_of_others():
    item = whole()
    assert exported(q="court", all="on", **{"as": "markdown"}) == (
        "# court\n"
        "\n## Borders\n"
        "\n### MALTA, FRONTEX / A court decides\n"
        "\n*May 2026 · Report*\n"
        "\nIt was *late*.\n"
        "\n- [Il Faro, ‘Porto aperto’](<https://example.org/a_(b)>), 3 May 2026, p. 4 (in Italian)\n"
        "- \\=cmd\\|' /C calc'!A0\n"
        f"\n[In the archive](<{settings.SITE_URL}/en/newsletter/items/{item.pk}/>)\n"
        "\n### \\=1+1 \\[court\\](x)\n"
        "\n*June 2026*\n"
        "\n\\# No **heading** \\<b\\> [a\\*b](<https://example.org>)\n"
        "\n-   one\n"
    )


def test_by_area_an_item_stands_under_its_first_and_those_without_come_last():
    issue = make_issue(languages=["en"])
    for name, areas in (("None", []), ("Both", ["advocacy", "capacity-building"]), ("One", ["advocacy"])):
        make_item(issue, en=name, areas=areas)
    lines = exported(all="on", by="area", **{"as": "markdown"}).splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# Items", "## Capacity building", "### Both", "## Advocacy", "### One", "## Without an area", "### None",
    ]  # fmt: skip


def test_the_file_is_in_the_language_that_was_asked_in_and_says_where_it_is_not():
    court()
    text = exported(all="on", language="de", **{"as": "markdown"})
    with override("de"):
        month = make_issue("x", period=datetime.date(2026, 5, 1)).label("de")
    assert "## Grenzen\n\n### A court decides" in text
    assert "### Eine Stadt" in text
    assert month in text
    assert "Englisch" in text


def test_only_those_with_a_tick_are_taken_and_only_of_what_was_found():
    item = court()
    client = at_the_desk(boris())
    address = page("item_search_export")
    other = item.issue.items.exclude(pk=item.pk).get()
    one = client.get(address, {"q": "court", "item": [item.pk, other.pk, "x", "9" * 30], "as": "markdown"})
    assert "A city" not in text_of(one)


def test_without_a_tick_there_is_no_file(monkeypatch):
    court()
    client = at_the_desk(boris())
    answer = client.get(page("item_search_export"), {"q": "court", "as": "csv"}, follow=True)
    assert answer.redirect_chain == [(f"{page(SEARCH)}?q=court", 302)]
    assert said(answer) == ["Choose the items for the file first, or all that were found."]


def test_a_file_has_an_end(monkeypatch):
    monkeypatch.setattr(search_export, "MOST", 1)
    court()
    client = at_the_desk(boris())
    assert 'name="all"' not in client.get(page(SEARCH), {"q": "a"}).content.decode()
    answer = client.get(page("item_search_export"), {"q": "a", "all": "on", "as": "csv"}, follow=True)
    assert said(answer) == ["A file holds 1 items at most: narrow the search, by a year for example."]


@pytest.mark.parametrize("kind", ["csv", "markdown"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_file_costs_as_many_queries_whatever_is_in_it(django_assert_num_queries, rows, kind):
    issue = make_issue(languages=["en"])
    for number in range(rows):
        make_item(issue, en=f"Item {number}", bodies=["frontex"], areas=["advocacy"], sources=[{"outlet": "A"}])
    selection = search_export.Selection([item.pk for item in issue.items.all()], "en", "section", timezone.now())
    pieces = (
        search_export.csv(selection, delimiter=",")
        if kind == "csv"
        else search_export.markdown(selection, title="Items")
    )
    with django_assert_num_queries(12):
        assert "".join(pieces).count("Item ") == rows * 2


# --- picking ---------------------------------------------------------------------------------------------------------


def test_titles_are_found_while_they_are_typed():
    item = court(countries=["MT"])
    assert asked(translator(), "item_search_titles", q="decid").json() == {
        "items": [
            {
                "number": item.pk,
                "title": "A court decides",
                "language": "en",
                "place": "MALTA",
                "issue": "May 2026",
                "published": False,
            }
        ]
    }
    assert asked(name="item_search_titles", q=" ").json() == {"items": []}
