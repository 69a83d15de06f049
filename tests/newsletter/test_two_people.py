"""Where sending takes two people: who makes an edition ready, or changes it after that, does not send it."""

import datetime

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from newsletter import compose, enqueue, transfers, two_people
from newsletter.models import Edition, Revision
from newsletter.translation import texts
from picum.accounts.models import User
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import contents, make_issue, make_texts
from tests.newsletter.roles import boris, dora

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
S = Edition.State


@pytest.fixture(autouse=True)
def clock(settings):
    settings.SENDING_NEEDS_TWO = True
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def made_ready(*languages, by):
    issue = make_issue(items=1)
    for language in languages:
        make_texts(issue, language, subject=f"Subject ({language})")
        compose.declare_ready(contents(issue).editions.get(language=language), by=by)
    return issue


def states(issue) -> dict[str, str]:
    return dict(issue.editions.exclude(state=S.DRAFT).values_list("language", "state"))


def sending(issue, languages, by, **fields) -> str:
    """Why not; nothing when it went."""
    try:
        enqueue.send(issue, languages, by=by, **fields)
    except enqueue.NotReady as why:
        return str(why)
    return ""


def rewrite(issue, by, language="en", at=NOON):
    text = texts.find(issue, language)
    words = texts.stored_words(issue, language) | {"masthead": f"Another masthead at {at}"}
    texts.store(text, words, state="draft", how=Revision.How.FORM, by=by, now=at)


def test_who_made_it_ready_cannot_send_it_and_somebody_else_can():
    issue, second = made_ready("en", by=(first := carla())), dora()
    words = "Sending takes two people: Carla made this edition ready, and somebody else must send it."
    assert sending(issue, ["en"], first) == words
    assert states(issue) == {"en": "ready"}
    assert sending(issue, ["en"], second) == ""
    assert states(issue) == {"en": "scheduled"}


def test_one_of_two_languages_that_cannot_be_sent_stops_both():
    first, second = carla(), dora()
    issue = made_ready("en", by=first)
    make_texts(issue, "de", subject="Betreff")
    compose.declare_ready(contents(issue).editions.get(language="de"), by=second)
    assert sending(issue, ["en", "de"], second) != ""
    assert states(issue) == {"en": "ready", "de": "ready"}
    assert sending(issue, ["en"], second) == ""


def test_one_person_is_enough_where_nobody_says_otherwise(settings):
    settings.SENDING_NEEDS_TWO = False
    issue = made_ready("en", by=(first := carla()))
    assert sending(issue, ["en"], first) == ""


def test_a_machine_does_not_send_by_itself():
    issue = made_ready("en", by=carla())
    assert sending(issue, ["en"], None) == "Sending takes two people here, and nobody is named who sends."


def test_an_edition_of_which_nobody_knows_who_made_it_ready_is_made_ready_once_more():
    issue, second = made_ready("en", by=(first := carla())), dora()
    issue.editions.update(ready_by=None)
    assert sending(issue, ["en"], second).startswith("Nobody knows who made this edition ready.")
    edition = contents(issue).editions.get(language="en")
    compose.declare_ready(compose.back_to_draft(edition, by=first), by=first)
    assert sending(issue, ["en"], second) == ""


# --- words that change -----------------------------------------------------------------------------------------------


def test_who_changed_the_words_after_it_was_ready_cannot_send_them(clock):
    issue, editor, second = made_ready("en", by=(first := carla())), boris(), dora()
    editor.user_permissions.set(Permission.objects.filter(codename="send_issue"))
    rewrite(issue, by=editor, at=NOON + HOUR)
    editor = User.objects.get(pk=editor.pk)
    words = "Sending takes two people: Boris changed its words after it was ready, and somebody else must send it."
    assert sending(issue, ["en"], editor) == words
    assert sending(issue, ["en"], first) != ""
    assert sending(issue, ["en"], second) == ""


def test_what_was_written_before_and_in_other_languages_does_not_matter(clock):
    issue, editor = made_ready("de", by=carla()), boris()
    rewrite(issue, by=editor, at=NOON - HOUR, language="de")
    rewrite(issue, by=editor, at=NOON + HOUR, language="en")
    assert sending(issue, ["de"], editor) == ""


def test_words_that_change_after_it_was_scheduled_wait_for_a_second_look(clock):
    issue, second = made_ready("en", "de", by=(first := carla())), dora()
    assert sending(issue, ["en", "de"], second, at=NOON + 2 * HOUR) == ""
    rewrite(issue, by=first, at=NOON + HOUR)
    clock.move_to(NOON + 2 * HOUR)
    enqueue.freeze_due(issue.pk)
    assert states(issue) == {"en": "ready", "de": "sending"}
    words = "Its words were changed after it was scheduled. Sending takes two people: please look at it once more."
    assert issue.editions.get(language="en").reason == words
    assert sending(issue, ["en"], second) == ""
    enqueue.freeze_due(issue.pk)
    assert states(issue) == {"en": "sending", "de": "sending"}


def test_without_the_rule_words_may_change_until_the_last_moment(clock, settings):
    settings.SENDING_NEEDS_TWO = False
    issue = made_ready("en", by=(first := carla()))
    sending(issue, ["en"], first, at=NOON + 2 * HOUR)
    rewrite(issue, by=first, at=NOON + HOUR)
    clock.move_to(NOON + 2 * HOUR)
    enqueue.freeze_due(issue.pk)
    assert states(issue) == {"en": "sending"}


def test_what_is_held_is_released_by_a_second_person_only(clock):
    issue, second = made_ready("en", by=(first := carla())), dora()
    sending(issue, ["en"], second, at=NOON + HOUR)
    clock.move_to(NOON + 9 * HOUR)
    enqueue.freeze_due(issue.pk)
    assert states(issue) == {"en": "held"}
    edition = issue.editions.get(language="en")
    with pytest.raises(enqueue.NotReady, match="Carla made this edition ready"):
        enqueue.release(edition, by=first)
    enqueue.release(edition, by=second)
    assert states(issue) == {"en": "scheduled"}


# --- at the desk, and on the command line ----------------------------------------------------------------------------


def test_the_desk_says_so_and_offers_no_way_around():
    first, second = carla(), dora()
    issue = made_ready("en", by=first)
    html = Page(at_the_desk(first).get(page("issue_send", issue.pk)))
    assert "Sending takes two people: Carla made this edition ready" in html.words
    assert html.all("input", name="languages") == []
    posted = {"languages": ["en"], "when": "now", "confirmed": "1"}
    at_the_desk(first).post(page("issue_send", issue.pk), posted)
    assert states(issue) == {"en": "ready"}
    html = Page(at_the_desk(second).get(page("issue_send", issue.pk)))
    assert [box["value"] for box in html.all("input", name="languages")] == ["en"]
    assert "Sending takes two people" not in html.words


def test_the_button_that_makes_ready_remembers_who_pressed_it():
    issue = make_issue(items=1)
    make_texts(issue, "de", subject="Betreff")
    desk = at_the_desk(editor := boris())
    answer = desk.post(page("issue_ready", issue.pk, "de"), follow=True)
    assert said(answer) == ["The German edition is ready to be sent."]
    edition = issue.editions.get(language="de")
    assert (edition.ready_by, edition.ready_at) == (editor, NOON)


def test_the_command_names_who_sends(capsys):
    issue, _second = made_ready("en", by=carla()), dora()
    with pytest.raises(CommandError, match="nobody is named who sends"):
        call_command("send_issue", issue.slug)
    with pytest.raises(CommandError, match="Carla made this edition ready"):
        call_command("send_issue", issue.slug, by="carla@example.org")
    boris()
    for address in ("boris@example.org", "nobody@example.org"):
        with pytest.raises(CommandError, match="Nobody with this address may send issues"):
            call_command("send_issue", issue.slug, by=address)
    assert states(issue) == {"en": "ready"}
    call_command("send_issue", issue.slug, by="dora@example.org")
    assert states(issue) == {"en": "scheduled"}


@pytest.mark.parametrize("languages", [["en"], ["en", "de", "nl"]])
def test_it_costs_two_queries_for_any_number_of_languages(languages, django_assert_num_queries):
    issue = made_ready(*languages, by=carla())
    editions, second = list(issue.editions.filter(state=S.READY)), dora()
    with django_assert_num_queries(2):
        assert two_people.refusals(editions, by=second) == {}


def test_nothing_moves_in_from_another_issue_after_somebody_looked_at_the_edition():
    issue, second = made_ready("en", by=carla()), dora()
    item = make_issue("later", items=1).items.get()
    with pytest.raises(transfers.NotPossible, match="ready"):
        transfers.transfer([item.pk], to=issue.pk, by=second)
    compose.back_to_draft(contents(issue).editions.get(language="en"), by=second)
    assert transfers.transfer([item.pk], to=issue.pk, by=second) == [item]


def test_where_one_person_is_enough_items_move_in_as_long_as_nothing_went_out(settings):
    settings.SENDING_NEEDS_TWO = False
    issue = made_ready("en", by=(first := carla()))
    item = make_issue("later", items=1).items.get()
    assert transfers.transfer([item.pk], to=issue.pk, by=first) == [item]
