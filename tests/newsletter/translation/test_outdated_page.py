"""Many outdated translations at once: page by page, and always told how many there are in all."""

import pytest

from newsletter.admin import board_outdated
from newsletter.models import Item, Text
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.translation.test_board import BOAT, an_issue, an_item, ines, written

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_a_page(monkeypatch):
    monkeypatch.setattr(board_outdated, "PAGE", 2)


@pytest.fixture
def desk():
    return at_the_desk(carla())


def changed(number: int, *languages) -> list:
    """So many items whose originals say something else now than their translations."""
    issue, items = an_issue(), []
    for count in range(1, number + 1):
        item = an_item(issue, en=(f"News {count}", BOAT))
        for language in languages or ("de", "pt"):
            written(item, language, state="approved")
        written(item, "en", title=f"News {count}", text=BOAT.replace("sank", "went down"))
        items.append(item)
    return items


def shown(desk, issue, **asked) -> Page:
    return Page(desk.get(page("issue_outdated", issue.pk), asked))


def titles(html) -> list[str]:
    return [tag.words for tag in html.all("h2") if tag.words.startswith("News")]


def test_a_page_shows_some_originals_with_all_their_translations_and_says_how_many_there_are(desk):
    issue = changed(5)[0].issue
    html = shown(desk, issue)
    assert titles(html) == ["News 1", "News 2"]
    assert "10 translations are outdated. On this page: those of the originals 1 to 2 of 5." in html.words
    assert [tag.words for tag in html.all("summary") if "German" in tag.words] == ["German"] * 2
    assert "Page 1 of 3" in html.words
    assert [tag["href"] for tag in html.all("a", rel="next")] == ["?page=2"]
    assert html.all("a", rel="prev") == []
    last = shown(desk, issue, page="3")
    assert titles(last) == ["News 5"]
    assert [tag["href"] for tag in last.all("a", rel="prev")] == ["?page=2"]


def test_what_fits_on_a_page_has_no_pages(desk):
    html = shown(desk, changed(2)[0].issue)
    assert "4 translations are outdated." in html.words
    assert "Page 1" not in html.words


def test_the_pages_of_one_language_are_its_own(desk):
    first, *_others = items = changed(3)
    Text.objects.filter(item=first, language="pt").update(source_number=2)
    issue = items[0].issue
    html = shown(desk, issue, language="pt")
    assert titles(html) == ["News 2", "News 3"]
    assert "2 translations are outdated." in html.words
    html = shown(desk, issue, language="de", page="2")
    assert titles(html) == ["News 3"]
    assert [tag["href"] for tag in html.all("a", rel="prev")] == ["?language=de&page=1"]


def test_a_button_leads_back_to_its_page_and_says_so_only_of_what_was_shown(desk):
    items = changed(5, "de", "pt")
    issue, third = items[0].issue, items[2]
    html = shown(desk, issue, page="2")
    form = {tag["name"]: tag["value"] for tag in html.all("input", type="hidden") if tag["name"] in {"stay", "page"}}
    cells = [tag["value"] for tag in html.all("input", name="cell") if tag["value"].startswith(f"{third.pk}:")]
    assert len(cells) == 2
    answer = desk.post(page("issue_board_move", issue.pk), {"deed": "still_right", "cell": cells, **form}, follow=True)
    assert answer.redirect_chain == [(f"{page('issue_outdated', issue.pk)}?page=2#text-{third.pk}", 302)]
    assert said(answer) == ["Still right: German, Portuguese."]
    assert titles(Page(answer)) == ["News 4", "News 5"]
    assert Text.objects.filter(issue=issue, language__in=("de", "pt"), source_number=2).count() == 2


def test_a_page_that_there_is_not_any_more_is_the_last_one(desk):
    items = changed(3, "de")
    issue = items[0].issue
    cell = f"{items[2].pk}:de:2"
    fields = {"deed": "still_right", "cell": cell, "stay": "1", "page": "2", "language": "de"}
    answer = desk.post(page("issue_board_move", issue.pk), fields, follow=True)
    assert answer.redirect_chain == [(f"{page('issue_outdated', issue.pk)}?language=de&page=2#text-{items[2].pk}", 302)]
    assert titles(Page(answer)) == ["News 1", "News 2"]
    assert titles(shown(desk, issue, page="nonsense")) == ["News 1", "News 2"]


def test_a_volunteer_counts_her_own_languages_alone():
    issue = changed(3)[0].issue
    html = shown(at_the_desk(ines("pt")), issue)
    assert "3 translations are outdated. On this page: those of the originals 1 to 2 of 3." in html.words


@pytest.mark.parametrize("number", [1, 5])
def test_the_page_takes_the_same_queries_for_one_original_and_five(desk, number, django_assert_num_queries):
    issue = changed(number)[0].issue
    with django_assert_num_queries(11):
        shown(desk, issue)


# --- numbers and links ------------------------------------------------------------------------------------------------


def corrected(before: str, now: str, **translations) -> Item:
    """An item whose original was corrected after these translations of it were made."""
    item = an_item(an_issue(), en=("People", f"<p>{before}</p>"))
    for language, words in translations.items():
        written(item, language, state="approved", title="T", text=f"<p>{words}</p>")
    written(item, "en", title="People", text=f"<p>{now}</p>")
    return item


def buttons(html) -> list[tuple[str, bool]]:
    """What they say, and whether they are secondary."""
    found = [tag for tag in html.all("button") if "right" in tag.words]
    return [(tag.words, "desk-second" in tag["class"].split()) for tag in found]


def told(html) -> list[str]:
    return [tag.words for tag in html.all("div", class_="board-differs")]


def test_a_number_that_the_original_corrected_is_told_beside_the_button_of_those_that_lack_it(desk):
    same = {"de": "Es sind 58.", "pt": "São 63.", "nl": "Het zijn er 63.", "fr": "58 personnes."}
    item = corrected("There are 58.", "There are 63.", **same)
    html = shown(desk, item.issue)
    lost, strange = "63 is in the source and not in this text.", "58 is in this text and not in the source."
    assert told(html) == [f"{lost}{strange}"] * 2
    assert buttons(html) == [
        ("Still right: German", True),
        ("Still right: Dutch", False),
        ("Still right: French", True),
        ("Still right: Portuguese", False),
        ("Still right in the other 2 languages", False),
    ]
    assert {tag["value"] for tag in html.all("input", name="cell")} == {f"{item.pk}:{code}:2" for code in ("nl", "pt")}


def test_where_only_one_is_left_there_is_no_button_for_all(desk):
    html = shown(desk, corrected("There are 58.", "There are 63.", de="Es sind 58.", pt="São 63.").issue)
    assert buttons(html) == [("Still right: German", True), ("Still right: Portuguese", False)]


def test_a_link_that_the_original_corrected_is_told_although_its_sentence_changed_too(desk):
    link = '<a href="https://example.org/{}">{}</a>'.format
    html = shown(desk, corrected(f"See {link('a', 'it')}.", f"Read {link('b', 'all')}.", de=link("a", "Dort")).issue)
    assert told(html) == [
        "The link to https://example.org/b is in the source and not in this text."
        "The link to https://example.org/a is in this text and not in the source."
    ]


@pytest.mark.parametrize("now", ["There were 58 people in 12 boats.", "There were people in 12 boats, 58."])
def test_what_differed_before_the_change_speaks_against_nothing(desk, now):
    html = shown(desk, corrected("There are 58 people in 12 boats.", now, de="In 12 Booten", pt="Em 12 barcos").issue)
    assert told(html) == []
    assert ("Still right in all 2 languages", False) in buttons(html)


def test_what_differs_may_be_called_right_all_the_same(desk):
    item = corrected("There are 58.", "There are 63.", de="Es sind 58.")
    cell = f"{item.pk}:de:2"
    answer = desk.post(
        page("issue_board_move", item.issue_id), {"deed": "still_right", "cell": cell, "stay": "1"}, follow=True
    )
    assert said(answer) == ["Still right: German."]


def test_texts_of_several_things_are_named_with_their_titles(desk):
    first, second = changed(2, "de")
    cells = [f"{item.pk}:de:2" for item in (first, second)]
    answer = desk.post(page("issue_board_move", first.issue_id), {"deed": "still_right", "cell": cells}, follow=True)
    assert said(answer) == ["Still right: German “News 1”, German “News 2”."]
