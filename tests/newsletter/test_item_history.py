"""The earlier versions of a text: what differs, and back to one of them."""

import datetime

import pytest
from django.utils import timezone

from newsletter.models import Item, Revision, Text, Translator
from newsletter.translation import history, texts
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said, staff
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = datetime.timedelta(days=1)
FIRST = {"title": "A boat", "text": "<p>A boat sank. Two people died.</p>"}
SECOND = {"title": "A boat", "text": "<p>A boat sank. Three people died.</p>"}
THIRD = {"title": "A ship", "text": "<p>A boat sank. Three people died.</p>"}


@pytest.fixture
def item():
    item = make_item(make_issue(), en=(FIRST["title"], FIRST["text"]))
    write(item, "en", FIRST, at=NOW - 9 * DAY)
    return item


def write(item, language, words, *, at, by=None, state="draft", **fields):
    fields = {"how": Revision.How.PAGE, "now": at} | fields
    return texts.store(texts.find(item, language), words, state=state, by=by, **fields)


def address(item, language="en", name="text_history"):
    return page(f"issue_{name}", item.issue_id, language, item.pk)


def restore(client, item, number, language="en", **data):
    return client.post(address(item, language, "text_restore"), {"number": number, **data}, follow=True)


def words_of(item, language="en"):
    return texts.stored_words(Item.objects.get(pk=item.pk), language)


def ines():
    """She translates into Portuguese, and does nothing else."""
    person = staff("translate_text")
    Translator.objects.create(user=person, languages="pt")
    return person


# --- looking --------------------------------------------------------------------------------------------------------


def test_versions_are_shown_newest_first_with_who_when_how_and_whether_minor(item):
    write(item, "en", SECOND, at=NOW - DAY, by=carla(), how="form")
    write(item, "en", THIRD, at=NOW, by=boris(), how="form", minor=True)
    desk = at_the_desk(staff("change_item"))
    html = Page(desk.get(address(item)))
    rows = [row.words for row in html.all("tr")[1:]]
    assert [row.split()[0] for row in rows] == ["3", "2", "1"]
    assert "boris@example.org in the form · minor change" in rows[0]
    assert "Carla in the form" in rows[1]
    assert "there already" in rows[2]


def test_the_last_two_are_compared_by_sentence_and_word(item):
    write(item, "en", SECOND, at=NOW - DAY)
    write(item, "en", THIRD, at=NOW)
    desk = at_the_desk(carla())
    html = Page(desk.get(address(item)))
    assert ([tag.words for tag in html.all("del")], [tag.words for tag in html.all("ins")]) == (
        ["Before: boat"],
        ["After: ship"],
    )
    html = Page(desk.get(address(item) + "?from=3&to=1"))  # whichever is the earlier comes first
    assert [tag.words for tag in html.all("del")] == ["Before: boat", "Before: Two"]
    assert "What differs between version 1 and version 3" in html.words


@pytest.mark.parametrize("nonsense", ["?from=x&to=9", "?from=99999999999999999999", "?to=-1", "?from=²"])
def test_nonsense_in_the_address_is_the_last_two(item, nonsense):
    write(item, "en", SECOND, at=NOW)
    html = Page(at_the_desk(carla()).get(address(item) + nonsense))
    assert "What differs between version 1 and version 2" in html.words


def test_a_language_without_words_has_no_versions_and_looking_makes_none(item):
    html = Page(at_the_desk(carla()).get(address(item, "pt")))
    assert "Nothing has been written here yet." in html.words
    assert not Text.objects.filter(language="pt").exists()


def test_the_words_around_the_items_have_a_history_too(item):
    texts.find(item.issue, "de")
    html = Page(at_the_desk(carla()).get(page("issue_text_history", item.issue_id, "de", "around")))
    assert "Masthead (de)" in html.words


def test_a_translator_sees_the_languages_of_hers_and_a_stranger_none(item):
    write(item, "pt", FIRST, at=NOW)
    hers, strangers = at_the_desk(ines()), at_the_desk(amal())
    assert (hers.get(address(item, "pt")).status_code, hers.get(address(item, "de")).status_code) == (200, 404)
    assert strangers.get(address(item, "pt")).status_code == 404
    assert restore(hers, item, 1, "en").status_code == 404
    assert restore(strangers, item, 1, "pt").status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_the_same_queries_for_one_version_and_three(item, rows, django_assert_num_queries):
    for number, words in enumerate([SECOND, THIRD][: rows - 1]):
        write(item, "en", words, at=NOW + number * DAY)
    desk = at_the_desk(carla())
    with django_assert_num_queries(14):
        desk.get(address(item))


# --- restoring ------------------------------------------------------------------------------------------------------


def test_an_earlier_version_is_what_readers_get_again_and_nothing_is_lost(item):
    write(item, "en", SECOND, at=NOW)
    answer = restore(at_the_desk(carla()), item, 1, seen=2)
    assert words_of(item) == FIRST
    revisions = Revision.objects.filter(text__item=item, text__language="en")
    assert [(one.number, one.how, one.words) for one in revisions] == [
        (3, "restored", FIRST),
        (2, "page", SECOND),
        (1, "found", FIRST),
    ]
    assert "Version 1 is what readers get again." in Page(answer).one("body").words
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_label, entry.data) == ("text.restore", "Carla", {"version": 1})


@pytest.mark.parametrize(("minor", "outdated"), [({}, True), ({"minor": "1"}, False)])
def test_restoring_the_original_outdates_its_translations_unless_it_is_minor(item, minor, outdated):
    write(item, "en", SECOND, at=NOW)
    write(item, "pt", FIRST, at=NOW)
    restore(at_the_desk(carla()), item, 1, seen=2, **minor)
    assert texts.is_outdated(texts.glimpse(item, "pt"), texts.glimpse(item, "en")) is outdated


def test_it_is_said_which_translations_the_restoring_outdates_and_which_it_makes_right_again(item):
    write(item, "de", FIRST, at=NOW - 8 * DAY, state="approved")
    write(item, "en", SECOND, at=NOW - DAY)
    write(item, "pt", SECOND, at=NOW, state="approved")
    answer = restore(at_the_desk(carla()), item, 1, seen=2)
    told = said(answer)
    assert told[0] == "Version 1 is what readers get again."
    assert "1 translation is outdated now (Portuguese): 1 sentence changed." in told[1]
    assert told[2:] == ["1 translation is not outdated any more (German)."]
    # Where the message is put, and gets the focus.
    assert answer.redirect_chain == [(f"{address(item)}#versions", 302)]
    assert "Version" in Page(answer).one("section", id="versions").words


def test_a_minor_restoring_says_so_and_a_restored_translation_that_it_is_outdated(item):
    write(item, "en", SECOND, at=NOW - DAY)
    write(item, "pt", FIRST, at=NOW - DAY)
    desk = at_the_desk(carla())
    assert said(restore(desk, item, 1, seen=2, minor="1"))[1:] == [
        "Saved as a minor change: the translations stay as they are."
    ]
    write(item, "en", THIRD, at=NOW)
    write(item, "pt", SECOND, at=NOW)
    assert said(restore(desk, item, 1, "pt", seen=2))[1:] == [
        "It was made of an earlier version of the original: it is outdated."
    ]


def test_the_tick_for_a_minor_change_stands_before_the_buttons_it_belongs_to(item):
    write(item, "en", SECOND, at=NOW)
    html = at_the_desk(carla()).get(address(item)).content.decode()
    assert html.index('name="minor"') < html.index("<table") < html.index('name="number"')
    assert "Without the tick" in html


def test_a_restored_translation_says_what_the_original_said_then(item):
    write(item, "pt", FIRST, at=NOW - 8 * DAY)
    write(item, "en", SECOND, at=NOW - DAY)
    write(item, "pt", SECOND, at=NOW)
    assert texts.glimpse(item, "pt").source_number == 2
    restore(at_the_desk(carla()), item, 1, "pt", seen=2)
    text = texts.glimpse(item, "pt")
    assert (words_of(item, "pt"), text.source_number) == (FIRST, 1)
    assert texts.is_outdated(text, texts.glimpse(item, "en"))


def test_what_was_approved_is_looked_at_again_when_a_translator_restores(item):
    write(item, "pt", FIRST, at=NOW - DAY)
    write(item, "pt", SECOND, at=NOW, state="approved", by=carla())
    restore(at_the_desk(ines()), item, 1, "pt", seen=2)
    assert (texts.glimpse(item, "pt").state, words_of(item, "pt")) == ("review", FIRST)


def test_what_somebody_wrote_meanwhile_is_not_replaced(item):
    write(item, "en", SECOND, at=NOW)
    desk = at_the_desk(carla())
    write(item, "en", THIRD, at=NOW + DAY)
    answer = restore(desk, item, 1, seen=2)
    assert words_of(item) == THIRD
    assert "changed this text meanwhile" in Page(answer).one("body").words


def test_what_somebody_is_typing_is_not_thrown_away(item):
    write(item, "pt", FIRST, at=NOW - DAY)
    write(item, "pt", SECOND, at=NOW)
    texts.keep(texts.find(item, "pt"), {"title": "Um"}, seen=2, source_seen=1, by=boris(), now=NOW)
    answer = restore(at_the_desk(carla()), item, 1, "pt", seen=2)
    text = texts.glimpse(item, "pt")
    assert (words_of(item, "pt"), text.working["title"]) == (SECOND, "Um")
    assert "Somebody is still writing this text" in Page(answer).one("body").words


@pytest.mark.parametrize("number", ["", "0", "7", "x", "-1", "²"])
def test_a_version_that_is_not_there_changes_nothing(item, number):
    restore(at_the_desk(carla()), item, number, seen=1)
    assert (words_of(item), Revision.objects.count()) == (FIRST, 1)


def test_restoring_is_a_press_and_nothing_that_a_link_does(item):
    write(item, "en", SECOND, at=NOW)
    answer = at_the_desk(carla()).get(address(item, name="text_restore") + "?number=1")
    assert (answer.status_code, words_of(item)) == (405, SECOND)


def test_the_difference_of_two_versions_is_by_sentence(item):
    write(item, "en", SECOND, at=NOW)
    later, earlier = history.versions(texts.glimpse(item, "en"))
    assert [(one.before, one.now) for one in history.between(texts.glimpse(item, "en"), earlier, later)] == [
        ("Two people died.", "Three people died.")
    ]


@pytest.mark.parametrize("number", [1, 2])
def test_a_machines_words_stay_marked_as_such_when_they_are_restored(item, number):
    by_machine = {"how": Revision.How.MACHINE, "is_machine": True}
    write(item, "pt", {"title": "BARCO", "text": "<p>UM BARCO.</p>"}, at=NOW - 8 * DAY, **by_machine)
    if number == 2:
        write(item, "pt", {"title": "Barco", "text": "<p>Um barco.</p>"}, at=NOW - 7 * DAY)
    restore(at_the_desk(ines()), item, 1, "pt", seen=number)
    assert Text.objects.get(item=item, language="pt").is_machine
