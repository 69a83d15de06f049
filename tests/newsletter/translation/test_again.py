"""An original that says again what it said before: translations of just these words are right again."""

import datetime

import pytest

from newsletter.models import Text
from newsletter.translation import drafting, history, texts
from newsletter.translation.drafting import Seen
from tests.newsletter.desk import boris, carla
from tests.newsletter.translation.test_board import NOW, an_issue, an_item, written

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
FIRST = {"title": "People", "text": "<p>There are 58. Nobody came.</p>"}
TYPO = {"title": "People", "text": "<p>There are 58. Nobody  came!</p>"}
SECOND = {"title": "People", "text": "<p>There are 63. Nobody came.</p>"}
THIRD = {"title": "People", "text": "<p>There are 99. Nobody came.</p>"}


@pytest.fixture
def item():
    """German says the first words."""
    item = an_item(an_issue(), en=(FIRST["title"], FIRST["text"]))
    written(item, "de", state="approved")
    return item


def say(item, words, *, days=1, minor=False, by=None) -> Text:
    return texts.store(
        texts.find(item, "en"), words, state="draft", how="form", by=by, now=NOW + days * DAY, minor=minor
    )


def outdated(item) -> list[str]:
    source = texts.find(item, "en")
    return sorted(text.language for text in item.texts.all() if texts.is_outdated(text, source))


def test_who_said_the_words_that_are_restored_is_as_before_and_who_said_the_others_is_outdated(item):
    say(item, SECOND)
    written(item, "pt", state="approved")
    assert outdated(item) == ["de"]
    history.restore(texts.find(item, "en"), 1, by=carla(), now=NOW + 2 * DAY)
    german, portuguese = (item.texts.get(language=code) for code in ("de", "pt"))
    assert outdated(item) == ["pt"]
    assert [(text.state, text.source_number) for text in (german, portuguese)] == [("approved", 3), ("approved", 2)]


def test_by_whatever_door_the_words_come_back(item):
    say(item, SECOND)
    say(item, {"title": "People", "text": "<p>There are <strong>58</strong>. Nobody came.</p>"}, days=2)
    assert outdated(item) == []


def test_in_one_sitting_too_where_nobody_saw_the_words_between(item):
    person = carla()
    say(item, SECOND, by=person)
    assert say(item, FIRST, by=person).number == 2
    assert outdated(item) == []


def test_other_words_bring_nothing_back(item):
    say(item, SECOND)
    say(item, THIRD, days=2)
    assert outdated(item) == ["de"]


@pytest.mark.parametrize("words", [FIRST, TYPO], ids=["before it", "after it"])
def test_a_minor_change_means_what_it_was_made_of(item, words):
    say(item, TYPO, minor=True)
    written(item, "pt", state="approved")
    say(item, SECOND, days=2)
    assert outdated(item) == ["de", "pt"]
    say(item, words, days=3)
    assert outdated(item) == []


def test_a_minor_restoring_leaves_the_others_as_they_are_and_brings_back_its_own(item):
    say(item, SECOND)
    written(item, "pt", state="approved")
    say(item, FIRST, days=2, minor=True)
    assert outdated(item) == []


def test_who_is_typing_or_has_a_machines_draft_of_these_words_says_them_again(item):
    text = texts.find(item, "pt")
    texts.keep(text, {"title": "P", "text": ""}, seen=0, source_seen=1, by=boris(), now=NOW)
    Text.objects.filter(pk=text.pk).update(machine={"title": "X", "text": "<p>x</p>"}, machine_source=1)
    say(item, SECOND)
    say(item, FIRST, days=2)
    text.refresh_from_db()
    assert (text.working_source, text.machine_source, text.source_number) == (3, 3, None)


def test_a_page_that_was_opened_before_both_changes_is_finished_as_right(item):
    texts.find(item, "pt")
    say(item, SECOND)
    say(item, FIRST, days=2)
    words, seen = {"title": "Pessoas", "text": "<p>São 58. Ninguém veio.</p>"}, Seen(working=0, number=0, source=1)
    text = drafting.finish(texts.find(item, "pt"), words, approves=False, seen=seen, by=carla(), now=NOW + 2 * DAY)
    assert (text.source_number, outdated(item)) == (3, [])


def test_a_page_that_was_opened_between_them_is_outdated(item):
    say(item, SECOND)
    say(item, FIRST, days=2)
    words, seen = {"title": "Pessoas", "text": "<p>São 63. Ninguém veio.</p>"}, Seen(working=0, number=0, source=2)
    text = drafting.finish(texts.find(item, "pt"), words, approves=False, seen=seen, by=carla(), now=NOW + 2 * DAY)
    assert (text.source_number, outdated(item)) == (2, ["pt"])


def test_another_item_is_not_touched(item):
    other = an_item(item.issue, en=(FIRST["title"], FIRST["text"]))
    written(other, "de", state="approved")
    say(item, SECOND)
    say(other, SECOND)
    say(item, FIRST, days=2)
    assert (outdated(item), outdated(other)) == ([], ["de"])


@pytest.mark.parametrize("rows", [1, 3])
def test_storing_takes_the_same_queries_for_one_translation_and_three(item, rows, django_assert_num_queries):
    for language in ("pt", "es")[: rows - 1]:
        written(item, language, state="approved")
    say(item, SECOND)
    source = texts.find(item, "en")
    with django_assert_num_queries(28):
        texts.store(source, FIRST, state="draft", how="form", by=None, now=NOW + 2 * DAY)
    assert outdated(item) == []
