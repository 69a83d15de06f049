"""The one writer of texts: what is typed stays out of readers' sight, what is finished leaves a revision."""

import datetime

import pytest
from django.utils import timezone

from newsletter.models import ItemTranslation, Revision, Text
from newsletter.translation import texts
from picum.accounts.models import User
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MINUTE = datetime.timedelta(minutes=1)
HOW = Revision.How


def person(name="ines") -> User:
    return User.objects.create_user(f"{name}@example.org", name=name.capitalize())


def item(**words):
    return make_item(make_issue(languages=["en"]), **(words or {"en": ("Two people die", "<p>A boat sank.</p>")}))


def words_of(item, language):
    row = ItemTranslation.objects.filter(master=item, language_code=language).first()
    return {"title": row.title, "text": row.text} if row else None


def stored(item, language, title, text, *, by, state=Text.State.REVIEW, **fields):
    fields = {"how": HOW.PAGE, "now": NOW} | fields
    return texts.store(texts.find(item, language), {"title": title, "text": text}, state=state, by=by, **fields)


def test_words_that_were_there_before_become_the_first_revision():
    text = texts.find(item(), "en")
    assert (text.number, text.significant, text.source_number, text.state) == (1, 1, None, "draft")
    assert [(one.number, one.how, one.words["title"]) for one in text.revisions.all()] == [
        (1, "found", "Two people die")
    ]


def test_looking_makes_nothing():
    glimpsed = texts.glimpse(item(), "pt")
    assert (glimpsed.pk, glimpsed.language, Text.objects.count()) == (None, "pt", 0)


def test_what_is_typed_is_kept_and_no_reader_sees_it():
    one, ines = item(), person()
    text = texts.find(one, "pt")
    words = {"title": "Duas", "text": ""}
    assert texts.keep(text, words, seen=0, source_seen=1, by=ines, now=NOW) == 1
    assert texts.keep(text, words, seen=0, source_seen=1, by=ines, now=NOW) == 1  # the same once more is no conflict
    text.refresh_from_db()
    assert (text.working, text.working_source, text.working_by, text.number) == (words, 1, ines, 0)
    assert words_of(one, "pt") is None


def test_a_window_that_has_not_seen_what_another_kept_is_told_both():
    text, ines, rui = texts.find(item(), "pt"), person(), person("rui")
    texts.keep(text, {"title": "Duas", "text": ""}, seen=0, source_seen=1, by=ines, now=NOW)
    with pytest.raises(texts.Conflict) as conflict:
        texts.keep(text, {"title": "Dois", "text": ""}, seen=0, source_seen=1, by=rui, now=NOW)
    assert (conflict.value.theirs["title"], conflict.value.number) == ("Duas", 1)
    text.refresh_from_db()
    assert text.working["title"] == "Duas"


def test_what_is_finished_is_what_readers_get_and_a_revision():
    one, ines = item(), person()
    texts.keep(texts.find(one, "pt"), {"title": "Duas", "text": ""}, seen=0, source_seen=1, by=ines, now=NOW)
    text = stored(one, "pt", "Duas  pessoas", "<p>Um <script>x</script>barco.</p>", by=ines)
    assert words_of(one, "pt") == {"title": "Duas pessoas", "text": "<p>Um barco.</p>"}
    assert (text.state, text.number, text.source_number, text.working) == ("review", 1, 1, None)
    assert (text.revisions.get().by_label, text.revisions.get().how) == ("Ines", "page")


def test_an_item_without_a_title_is_not_finished():
    with pytest.raises(texts.NotPossible, match="needs both"):
        stored(item(), "pt", "", "<p>Um barco.</p>", by=person())


def test_a_title_that_is_too_long_is_told():
    with pytest.raises(texts.NotPossible, match="longer than 200"):
        stored(item(), "pt", "a" * 201, "<p>Um barco.</p>", by=person())


def test_who_has_seen_other_words_stores_nothing_unknowingly():
    one, ines, rui = item(), person(), person("rui")
    stored(one, "pt", "Duas", "<p>Um.</p>", by=ines)
    with pytest.raises(texts.Conflict) as conflict:
        stored(one, "pt", "Dois", "<p>Um.</p>", by=rui, seen=0)
    assert conflict.value.theirs == {"title": "Duas", "text": "<p>Um.</p>"}
    assert stored(one, "pt", "Dois", "<p>Um.</p>", by=rui, seen=conflict.value.number).number == 2


def test_what_one_person_stores_in_one_sitting_is_one_revision():
    one, ines = item(), person()
    stored(one, "pt", "Duas", "<p>Um.</p>", by=ines)
    assert stored(one, "pt", "Dois", "<p>Um.</p>", by=ines, now=NOW + MINUTE).number == 1
    assert stored(one, "pt", "Duas", "<p>Um.</p>", by=ines, now=NOW + 20 * MINUTE).number == 2
    assert stored(one, "pt", "Duas", "<p>Um.</p>", by=ines, now=NOW + 40 * MINUTE).number == 2  # nothing new


def test_a_new_source_makes_translations_outdated_and_a_minor_change_does_not():
    one, ines = item(), person()
    stored(one, "pt", "Duas", "<p>Um.</p>", by=ines)
    source = stored(one, "en", "Two people died", "<p>A boat sank.</p>", by=ines, minor=True)
    assert (source.number, source.significant) == (2, 1)
    assert not texts.is_outdated(texts.find(one, "pt"), source)
    source = stored(one, "en", "Three people died", "<p>A boat sank.</p>", by=ines, now=NOW + MINUTE)
    text = texts.find(one, "pt")
    assert texts.is_outdated(text, source)
    change = texts.source_changes(text, source)
    assert [(one.before, one.now, one.keys) for one in change] == [
        ("Two people die", "Three people died", ("title.0.0",))
    ]
    # A later minor change does not make it right again.
    source = stored(one, "en", "Three people died.", "<p>A boat sank.</p>", by=ines, minor=True, now=NOW + MINUTE)
    assert texts.is_outdated(texts.find(one, "pt"), source)


def test_a_revision_that_a_translation_says_is_kept_as_it_was():
    one, ines = item(), person()
    stored(one, "en", "Two people died", "<p>A boat sank.</p>", by=ines)
    stored(one, "pt", "Duas", "<p>Um.</p>", by=ines)
    source = stored(one, "en", "Three people died", "<p>A boat sank.</p>", by=ines, now=NOW + MINUTE)
    assert (source.number, texts.is_outdated(texts.find(one, "pt"), source)) == (3, True)


def test_what_was_translated_from_an_older_source_says_so():
    one, ines = item(), person()
    texts.find(one, "en")
    source = stored(one, "en", "Three people died", "<p>A boat sank.</p>", by=ines)
    text = stored(one, "pt", "Duas", "<p>Um.</p>", by=ines, source_seen=1)
    assert texts.is_outdated(text, source)


def test_it_is_still_right_by_one_click_and_its_state_stays():
    one, ines = item(), person()
    text = stored(one, "pt", "Duas", "<p>Um.</p>", by=ines, state="approved")
    source = stored(one, "en", "Two people are dead", "<p>A boat sank.</p>", by=ines)
    text = texts.still_right(text, by=ines, source_seen=source.number)
    assert (text.state, texts.is_outdated(text, source)) == ("approved", False)


def test_approving_says_who_and_sends_nothing_half_typed():
    one, ines = item(), person()
    text = stored(one, "pt", "Duas", "<p>Um.</p>", by=ines)
    texts.keep(text, {"title": "Dois", "text": ""}, seen=text.working_number, source_seen=1, by=ines, now=NOW)
    with pytest.raises(texts.NotPossible, match="still writing"):
        texts.approve(text, by=ines, now=NOW)
    texts.discard(text)
    text = texts.approve(text, by=ines, now=NOW)
    assert (text.state, text.approved_by, text.approved_at) == ("approved", ines, NOW)
    text = texts.send_back(text, by=ines, now=NOW)
    assert (text.state, text.approved_by, text.approved_at) == ("draft", None, None)


def test_nothing_is_approved_where_nothing_is_written():
    with pytest.raises(texts.NotPossible, match="no words"):
        texts.approve(texts.find(item(), "pt"), by=person(), now=NOW)


def test_another_door_is_noticed():
    one = item()
    texts.find(one, "en")
    ItemTranslation.objects.filter(master=one, language_code="en").update(title="Three people die")
    text = texts.noticed(one, "en", by=None, how=HOW.FORM, now=NOW)
    assert (text.number, text.significant, text.revisions.first().words["title"]) == (2, 2, "Three people die")
