"""The board tells of words to be avoided: as soon as they are stored, and when the glossary changes."""

import datetime

import pytest
from celery import current_app

from newsletter import upkeep
from newsletter.models import Edition, Term, Text
from newsletter.translation import avoiding, glossary_lists, texts
from newsletter.translation.glossary_lists import Row
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.translation.test_board import NOW, an_issue, an_item, written
from tests.newsletter.translation.test_board_page import editor, lines, shown

pytestmark = pytest.mark.django_db
COUNTED = ("newsletter.upkeep", "count_avoided")


@pytest.fixture(autouse=True)
def rung(monkeypatch) -> list[tuple]:
    """What the broker was asked for."""
    found = []
    monkeypatch.setattr(current_app, "send_task", lambda task, args=(), **_how: found.append((task, *args)))
    return found


@pytest.fixture(autouse=True)
def terms() -> None:
    Term.objects.all().delete()
    avoid("en", "illegal migrant")


def avoid(language: str, words: str) -> Term:
    return Term.objects.create(language=language, words=words, kind="avoid", why="Nobody is illegal.", instead="…")


def numbers(item) -> dict[str, int]:
    return dict(Text.objects.filter(item=item).values_list("language", "avoided"))


def counted() -> str:
    return upkeep.count_avoided(now=NOW).words


def an_item_about(words: str):
    return an_item(an_issue(), en=("A court", f"<p>{words}</p>"))


def test_the_board_says_how_many_as_soon_as_they_are_stored():
    item = an_item_about("Illegal migrants, an illegal migrant, and “illegal migrants” in a quotation.")
    html = shown(at_the_desk(editor()), item.issue)
    assert lines(html)["A court"][0] == "draft original 2 words to avoid"
    written(item, "en", title="A court", text="<p>People.</p>")
    assert "to avoid" not in shown(at_the_desk(carla()), item.issue).words


def test_a_new_term_is_counted_by_a_worker(django_capture_on_commit_callbacks, rung):
    item = an_item_about("An alien, an illegal migrant.")
    assert numbers(item) == {"en": 1}
    fields = {"language": "en", "words": "alien", "kind": "avoid", "why": "Nobody is one.", "instead": "person"}
    with django_capture_on_commit_callbacks(execute=True):
        assert at_the_desk(carla()).post(page("term_add"), fields).status_code == 302
    assert rung.count(COUNTED) == 1
    assert (counted(), numbers(item)) == ("Counted the words to be avoided anew in 1 text.", {"en": 2})
    assert counted() == "Counted the words to be avoided anew in 0 texts."


def test_so_is_one_that_was_deleted(django_capture_on_commit_callbacks, rung):
    item = an_item_about("An illegal migrant.")
    with django_capture_on_commit_callbacks(execute=True):
        at_the_desk(carla()).post(page("term_delete", Term.objects.get().pk), {"post": "yes"})
    assert (rung.count(COUNTED), counted()) == (1, "Counted the words to be avoided anew in 1 text.")
    assert numbers(item) == {"en": 0}


def test_and_a_list_that_was_imported(django_capture_on_commit_callbacks, rung):
    item = an_item_about("An alien, an illegal migrant.")
    cells = {"language": "en", "words": "alien", "kind": "avoid", "why": "Nobody is one.", "instead": "person"}
    with django_capture_on_commit_callbacks(execute=True):
        glossary_lists.take([Row(2, cells)], by=carla())
    assert (rung.count(COUNTED), counted()) == (1, "Counted the words to be avoided anew in 1 text.")
    assert numbers(item) == {"en": 2}


def test_what_went_out_in_all_languages_is_left_as_it_was():
    item = an_item_about("An alien.")
    Edition.objects.filter(issue=item.issue).update(frozen_at=NOW, state="sent")
    avoid("en", "alien")
    assert counted() == "Counted the words to be avoided anew in 0 texts."


def test_words_that_somebody_stores_meanwhile_keep_their_own_number(monkeypatch):
    item = an_item_about("An illegal migrant.")
    Term.objects.all().delete()

    def avoided_in(said):
        avoid("en", "alien")
        later = NOW + datetime.timedelta(hours=1)
        words = {"title": "A court", "text": "<p>An alien.</p>"}
        texts.store(texts.find(item, "en"), words, state="draft", how="page", by=None, now=later)
        return [() for _one in said]

    monkeypatch.setattr(avoiding, "avoided_in", avoided_in)
    assert avoiding.count_again() == 0
    assert numbers(item) == {"en": 1}
