"""The search of the desk: who may use it, what it shows, and what one takes away."""

import csv
import datetime
import io

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.translation import override

from newsletter import search_export, search_index
from newsletter.admin import search as desk
from newsletter.admin.search_question import SearchForm
from newsletter.models import Body, Edition, SearchEntry, Section, Translator
from picum import csvfile
from picum.accounts.models import User
from picum.areas.models import Right
from tests.html import Page
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


def test_translators_find_no_links_to_the_form():
    item = court()
    response = asked(translator(), q="court")
    assert found(response) == ["A court decides"]
    assert page("item_change", item.pk) not in response.content.decode()
    assert page("item_change", item.pk) in asked(boris(), q="court").content.decode()


def german(*, out: str = "", not_before=None, original="en", **words):
    """An item with words in several languages, nothing of it published but an edition."""
    item = make_item(
        make_issue(languages=["en"]), original=original, **{"en": "A boat", "de": "Ein Boot", "pt": "Um barco"} | words
    )
    type(item).objects.filter(pk=item.pk).update(not_before=not_before)
    Edition.objects.filter(issue=item.issue, language=out).update(published_at=timezone.now())
    search_index.fill()
    return item


def seen_by(person) -> dict[str, list[str]]:
    """What is found by words of each language."""
    words = {"en": "boat", "de": "boot", "pt": "barco"}
    return {language: found(asked(person, q=word, language=language)) for language, word in words.items()}


def test_translators_find_originals_and_their_own_languages_before_an_issue_is_out():
    german()
    assert seen_by(translator()) == {"en": ["A boat"], "de": [], "pt": ["Um barco"]}
    assert seen_by(boris()) == {"en": ["A boat"], "de": ["Ein Boot"], "pt": ["Um barco"]}


def test_translators_find_what_is_out_in_other_languages():
    german(out="de")
    assert seen_by(translator()) == {"en": ["A boat"], "de": ["Ein Boot"], "pt": ["Um barco"]}


def test_what_must_not_be_out_yet_is_not_out_for_translators():
    german(out="de", not_before=datetime.date(2999, 1, 1))
    assert seen_by(translator())["de"] == []


def test_translators_find_nothing_unpublished_of_an_issue_without_their_language():
    item = german()
    Edition.objects.filter(issue=item.issue, language="pt").delete()
    person = translator()
    assert seen_by(person) == {"en": [], "de": [], "pt": []}
    assert found(asked(person)) == []


def test_translators_are_shown_only_words_that_they_may_read():
    """Without a question everything is listed, and what has no words in the language in those of another."""
    item = german()
    person = translator()
    row = asked(person, language="de").context["rows"][0]
    assert (row.language, row.languages) == ("en", ["en", "pt"])
    item.translations.filter(language_code="pt").delete()
    assert [row.language for row in asked(person, language="pt").context["rows"]] == ["en"]
    text = exported(person, all="on", language="de", **{"as": "markdown"})
    assert ("A boat" in text, "Ein Boot" in text) == (True, False)


def test_translators_are_shown_what_an_edition_that_is_out_borrows():
    item = german(out="fr", original="de", countries=["MT"])
    Edition.objects.filter(issue=item.issue, language="pt").delete()
    person = translator()
    assert [row.language for row in asked(person, language="fr").context["rows"]] == ["en"]
    assert "MALT" in exported(person, all="on", language="fr", **{"as": "csv"})
    type(item.issue).objects.filter(pk=item.issue_id).update(fallback="omit")
    assert asked(person, language="fr").context["rows"] == []
    assert "MALT" not in exported(person, all="on", language="fr", **{"as": "csv"})


def test_a_translator_s_pick_list_has_nothing_of_others():
    german()
    person = translator()
    assert asked(person, "item_search_titles", q="boot", language="de").json() == {"items": []}
    assert len(asked(person, "item_search_titles", q="barco", language="pt").json()["items"]) == 1


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


def test_the_lists_to_choose_from_are_in_the_language_of_the_desk_and_in_order():
    body = Body.objects.create(key="nameless", position=99)
    body.translations.all().delete()
    with override("de"):
        form = SearchForm({})
        assert form.fields["section"].choices[1:] == [
            (row.key, str(row)) for row in Section.objects.prefetch_related("translations")
        ]
        assert form.fields["right"].choices[1:] == [(row.key, str(row)) for row in Right.objects.all()]
        assert form.fields["body"].choices[-1] == ("nameless", "nameless")


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
    back = Page(response).one("button", name="page")
    assert (back["value"], back["formaction"]) == ("1", page(SEARCH))
    assert sent(response) == {"q": "item", "issue": issue.slug, "language": "en"}


def sent(response) -> dict[str, str]:
    """What each button of the list sends along, beside the ticks."""
    hidden = {field["name"]: field["value"] for field in Page(response).all("input", type="hidden")}
    return {name: value for name, value in hidden.items() if name != "csrfmiddlewaretoken"}


def ticked(response) -> list[str]:
    return [box["value"] for box in Page(response).all("input", name="item") if "checked" in box.attributes]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_costs_as_many_queries_whatever_is_found(django_assert_num_queries, rows):
    issue = make_issue(languages=["en"])
    for number in range(rows):
        make_item(issue, en=f"Item {number}", bodies=["frontex"], countries=["IT"])
    search_index.fill()
    client = at_the_desk(boris())
    client.get(page(SEARCH), {"q": "item"})
    with django_assert_num_queries(16):
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


def test_ticks_outlast_the_turning_of_pages_and_go_into_the_file():
    issue = make_issue(languages=["en"], items=60)
    search_index.fill()
    pks = [str(pk) for pk in asked(order="newest").context["page"].paginator.object_list]
    first, second, third = pks[0], pks[30], pks[55]
    client = at_the_desk(User.objects.get(email="boris@example.org"))
    two = client.get(page(SEARCH), {"page": "2", "item": [first]})
    assert (ticked(two), sent(two)["kept"]) == ([], first)
    assert "1 item on another page has a tick too." in two.content.decode()
    three = client.get(page(SEARCH), {"page": "3", "item": [second, third], "kept": first})
    assert (ticked(three), sent(three)["kept"]) == ([third], f"{first}.{second}")
    back = client.get(page(SEARCH), {"page": "1", "item": [third], "kept": f"{first}.{second}"})
    assert (ticked(back), sent(back)["kept"]) == ([first], f"{second}.{third}")
    query = {"kept": f"{second}.{third}", "as": "csv"}  # the first has lost its tick
    rows = list(csv.reader(io.StringIO(text_of(client.get(page("item_search_export"), query)))))
    assert [row[5] for row in rows[1:]] == [str(issue.items.get(pk=pk)) for pk in (second, third)]


@pytest.mark.parametrize("kept", ["x", "..", "9" * 30, "-1", "0.1e9", "\0"])
def test_ticks_that_make_no_sense_are_none(kept):
    court()
    response = asked(kept=kept)
    assert (response.status_code, ticked(response), "kept" in sent(response)) == (200, [], False)


def test_too_many_ticks_are_told(monkeypatch):
    monkeypatch.setattr(desk, "TICKS", 2)
    make_issue(languages=["en"], items=30)
    search_index.fill()
    pks = [str(pk) for pk in asked(order="newest").context["page"].paginator.object_list]
    client = at_the_desk(User.objects.get(email="boris@example.org"))
    response = client.get(page(SEARCH), {"page": "2", "item": pks[:3]})
    assert sent(response)["kept"] == ".".join(pks[:2])
    assert said(response) == ["2 items can have a tick: the rest has lost its own. Take these away first."]


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
