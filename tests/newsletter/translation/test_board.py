"""The board: how far every text is, what is left to do, and who will read what."""

import datetime

import pytest

from newsletter.models import Edition, Issue, Remark, Revision, Text, Translator
from newsletter.translation import board, mine, texts
from newsletter.translation.board import Stage
from picum.accounts.models import User
from tests.newsletter.desk import boris, staff
from tests.newsletter.factories import LANGUAGES, contents, make_issue, make_item, make_subscriber, make_texts

pytestmark = pytest.mark.django_db
TODAY = datetime.date(2026, 11, 10)
YESTERDAY = TODAY - datetime.timedelta(days=1)
NOW = datetime.datetime(2026, 11, 10, 9, tzinfo=datetime.UTC)
BOAT = "<p>A boat sank. Nobody came to help. The court will decide.</p>"


def ines(languages="pt") -> User:
    """A volunteer."""
    person = staff("translate_text")
    person.name = "Ines"
    person.save()
    Translator.objects.create(user=person, languages=languages)
    return person


def an_issue(**fields) -> Issue:
    issue = make_issue(languages=[], **fields)
    make_texts(issue, "en", subject="October")
    texts.find(issue, "en")
    return issue


def an_item(issue, **words):
    item = make_item(issue, **(words or {"en": ("Two people die", BOAT)}))
    texts.find(item, item.original_language)
    return item


def written(thing, language, *, by=None, state="review", now=NOW, **words):
    words = words or {"title": f"Title ({language})", "text": f"<p>Text ({language}).</p>"}
    return texts.store(texts.find(thing, language), words, state=state, how=Revision.How.PAGE, by=by, now=now)


def assigned(thing, language, to, due_on=None, by=None):
    text = texts.find(thing, language)
    texts.assign([text], to=to, due_on=due_on, by=to)
    return text


def seen(issue, user=None, on=TODAY) -> board.Board:
    return board.of(contents(issue), user or boris(), on=on)


def stages(shown: board.Board, number: int) -> dict[str, str]:
    return {language: str(cell.stage) for language, cell in shown.rows[number].cells.items()}


# --- cells -------------------------------------------------------------------------------------------------------


def test_every_stage_is_told_by_what_readers_would_get_and_who_still_types():
    issue, person = an_issue(), boris()
    item = an_item(issue, en=("Two people die", BOAT), es="Found as it is")
    written(item, "de", state="approved")
    written(item, "nl", state="review")
    written(item, "fr", state="draft")
    texts.keep(texts.find(item, "it"), {"title": "Due", "text": ""}, seen=0, source_seen=1, by=person, now=NOW)
    expected = dict(zip(LANGUAGES, ["draft", "approved", "review", "draft", "draft", "draft", "missing"], strict=True))
    assert stages(seen(issue, person), 1) == expected


def test_what_is_typed_anew_is_a_draft_although_readers_have_approved_words():
    issue, person = an_issue(), boris()
    item = an_item(issue)
    text = written(item, "de", state="approved")
    texts.keep(text, {"title": "Zwei", "text": ""}, seen=1, source_seen=1, by=person, now=NOW)
    assert seen(issue, person).rows[1].cells["de"].stage == Stage.DRAFT


def test_what_was_reviewed_or_approved_is_outdated_once_the_meaning_of_the_original_changes():
    issue, person = an_issue(), boris()
    item = an_item(issue)
    for language, state in {"de": "approved", "nl": "review", "fr": "draft"}.items():
        written(item, language, state=state)
    written(item, "en", state="approved", title="Three people die", text=BOAT.replace("sank", "sank at night"))
    shown = seen(issue, person)
    assert stages(shown, 1) == {
        "en": "approved", "de": "outdated", "nl": "outdated", "es": "missing", "fr": "draft", "it": "missing",
        "pt": "missing",
    }  # fmt: skip
    cells = shown.rows[1].cells
    assert {code: [change.now for change in cells[code].changes] for code in ("en", "de", "fr", "it")} == {
        "en": [],
        "de": ["Three people die", "A boat sank at night."],
        "fr": ["Three people die", "A boat sank at night."],
        "it": [],
    }


def test_the_rows_are_the_words_around_the_items_then_the_items_in_their_order():
    issue = an_issue()
    make_item(issue, "health-care", en="Doctors", position=2)
    make_item(issue, "borders", es="Una valla", en="A fence")
    make_item(issue, "health-care", en="Nurses", position=1)
    rows = seen(issue).rows
    assert [(row.item and row.item.pk is not None, row.title, row.source.language) for row in rows] == [
        (None, "", "en"),
        (True, "Una valla", "es"),
        (True, "Nurses", "en"),
        (True, "Doctors", "en"),
    ]


def test_an_item_whose_original_is_not_written_yet_is_called_as_in_another_language():
    issue, person = an_issue(), ines("pt")
    item = make_item(issue, de="Ein Zaun", original="pt")
    assigned(item, "pt", person, TODAY)
    assert [(row.title, row.title_language) for row in seen(issue).rows] == [("", "en"), ("Ein Zaun", "de")]
    assert [(duty.title, duty.title_language) for duty in mine.of(person, on=TODAY)] == [("Ein Zaun", "de")]


def test_the_words_around_are_missing_where_not_one_of_them_is_written():
    issue = an_issue()
    make_texts(issue, "de", subject="", masthead="  ", message="")
    make_texts(issue, "nl", subject="", masthead="Elke maand")
    shown = stages(seen(issue), 0)
    assert (shown["en"], shown["de"], shown["nl"], shown["pt"]) == ("draft", "missing", "draft", "missing")


def test_a_cell_says_who_has_it_until_when_and_what_there_is_beside():
    issue, person = an_issue(), ines()
    item = an_item(issue)
    text = assigned(item, "pt", person, YESTERDAY)
    Text.objects.filter(pk=text.pk).update(machine={"title": "Dois", "text": ""})
    Remark.objects.create(text=text, words="Which court?")
    settled = written(item, "de")
    Remark.objects.create(text=settled, words="Good.", settled_at=NOW)
    cells = seen(issue).rows[1].cells
    told = {
        code: (cell.assignee, cell.due_on, cell.is_late, cell.is_machine, cell.has_remarks)
        for code, cell in cells.items()
        if code in ("pt", "de")
    }
    assert told == {"pt": (person, YESTERDAY, True, True, True), "de": (None, None, False, False, False)}


@pytest.mark.parametrize(
    ("state", "due_on", "late"),
    [
        (None, YESTERDAY, True),
        (None, TODAY, False),
        (None, None, False),
        ("draft", YESTERDAY, True),
        ("review", YESTERDAY, False),
        ("approved", YESTERDAY, False),
    ],
)
def test_late_is_what_is_due_and_still_to_be_written(state, due_on, late):
    issue, person = an_issue(), ines()
    item = an_item(issue)
    if state:
        written(item, "pt", state=state)
    assigned(item, "pt", person, due_on)
    assert seen(issue).rows[1].cells["pt"].is_late is late


def test_words_left_are_those_of_the_original_that_nobody_has_said_yet():
    issue, person = an_issue(), boris()
    item = an_item(issue)  # 3 words of title, 11 of text
    written(item, "de", state="approved")
    written(item, "nl", state="draft")
    texts.keep(
        texts.find(item, "it"), {"title": "Due", "text": "<p>Un <em>barco</em></p>"}, seen=0, source_seen=1, by=person,
        now=NOW,
    )  # fmt: skip
    cells = seen(issue, person).rows[1].cells
    assert {code: cell.words_left for code, cell in cells.items()} == {
        "en": 0, "de": 0, "nl": 0, "es": 14, "fr": 14, "it": 11, "pt": 14,
    }  # fmt: skip
    written(item, "en", title="Two people die", text=BOAT.replace("sank", "sank at night"))
    cells = seen(issue, person).rows[1].cells
    assert (cells["de"].words_left, cells["nl"].words_left, cells["pt"].words_left) == (5, 5, 16)


def test_a_column_sums_its_cells():
    issue = an_issue()
    for _number in range(3):
        item = an_item(issue)
    written(item, "de", state="approved")
    columns = {column.language: column for column in seen(issue).columns}
    assert (columns["de"].counts, columns["de"].words_left) == ({"approved": 1, "missing": 3}, 1 + 2 * 14)
    assert columns["en"].counts == {"draft": 4}


# --- who may see what ----------------------------------------------------------------------------------------------


def test_a_volunteer_sees_the_original_and_the_languages_of_hers():
    issue = an_issue()
    item = an_item(issue, es="Dos personas", de="Zwei Menschen")
    assigned(item, "de", boris())
    shown = seen(issue, ines("pt nl"))
    assert ([column.language for column in shown.columns], shown.writable) == (["nl", "pt"], ["nl", "pt"])
    assert [set(row.cells) for row in shown.rows] == [{"nl", "pt"}] * 2
    assert (shown.rows[1].source.language, shown.rows[1].source.stage) == ("es", "draft")


def test_who_only_sends_sees_all_languages_and_writes_in_none():
    shown = seen(an_issue(), staff("send_issue"))
    assert ([column.language for column in shown.columns], shown.writable) == (LANGUAGES, [])


# --- who will read what ----------------------------------------------------------------------------------------------


def readers(**orders) -> None:
    """`readers(pt_es=2)`: two readers whose order is Portuguese, Spanish."""
    for order, count in orders.items():
        for number in range(count):
            make_subscriber(f"{order}{number}@example.org", order.replace("_", " "))


def told(issue) -> dict[str, tuple]:
    """By language with readers: those who wait, those who would get it, items in other languages, and left out."""
    found = {}
    for column in seen(issue, User.objects.filter(is_staff=True).first() or boris()).columns:
        one = column.reading
        if one.waiting or one.readers:
            found[column.language] = (one.waiting, one.readers, one.gaps, one.left_out)
    return found


def test_who_gets_every_item_in_their_language_and_who_sees_others():
    issue = an_issue()
    make_item(issue, en="One", pt="Um")
    make_item(issue, en="Two", es="Dos")
    make_item(issue, es="Tres")
    readers(en=3, pt=2, pt_es=1, de_fr=4)
    assert told(issue) == {"en": (3, 3, 1, 0), "pt": (3, 3, 2, 0), "de": (4, 4, 3, 0)}


def test_an_item_that_nobody_has_written_is_left_out_for_everybody():
    issue = an_issue()
    make_item(issue, en="One", pt="Um")
    make_item(issue, en=("", ""), original="en")
    readers(en=1, pt=1)
    assert told(issue) == {"en": (1, 1, 0, 1), "pt": (1, 1, 0, 1)}


def test_where_the_editors_leave_out_nobody_sees_another_language():
    issue = an_issue(fallback=Issue.Fallback.OMIT)
    make_item(issue, en="One", pt="Um")
    make_item(issue, en="Two")
    readers(en=1, pt_en=2)
    assert told(issue) == {"en": (1, 1, 0, 0), "pt": (2, 2, 0, 1)}


def test_readers_who_do_not_wait_for_a_language_read_their_next_one():
    issue = an_issue()
    make_item(issue, en="One", pt="Um")
    issue.editions.filter(language="pt").update(readers_wait=False)
    readers(pt_es=2, pt=1, es=1)
    # Who names no other language waits all the same.
    assert told(issue) == {"es": (3, 3, 1, 0), "pt": (1, 0, 0, 0)}


def test_who_has_the_issue_already_waits_no_longer():
    issue = an_issue()
    make_item(issue, en="One", pt="Um")
    readers(en=2, pt=1)
    make_subscriber("gone@example.org", "pt", state="unsubscribed")
    issue.editions.filter(language="en").update(state=Edition.State.SENT, frozen_at=NOW - datetime.timedelta(days=400))
    assert told(issue)["pt"] == (1, 1, 0, 0)


# --- what is mine ----------------------------------------------------------------------------------------------------


def duties(person, on=TODAY) -> list[tuple]:
    return [(one.title, one.language, str(one.stage), one.due_on, one.is_late) for one in mine.of(person, on=on)]


def test_my_texts_are_those_that_wait_for_my_words_the_soonest_due_first():
    issue, person, rui = an_issue(), ines("pt es"), User.objects.create_user("rui@example.org")
    names = ["Later", "Soon", "Some day", "Done", "In review", "Changed"]
    items = {name: an_item(issue, en=(name, BOAT)) for name in names}
    days = {"Later": TODAY + datetime.timedelta(days=9), "Soon": YESTERDAY, "Done": TODAY, "Changed": TODAY}
    for name, item in items.items():
        assigned(item, "pt", person, days.get(name))
    assigned(items["Soon"], "es", rui, YESTERDAY)
    assigned(items["Soon"], "de", person, YESTERDAY)  # she does not write German any more
    written(items["Done"], "pt", state="approved")
    written(items["In review"], "pt")
    written(items["Changed"], "pt", state="approved")
    written(items["Changed"], "en", title="Changed", text="<p>Three boats sank.</p>")
    assert duties(person) == [
        ("Soon", "pt", "missing", YESTERDAY, True),
        ("Changed", "pt", "outdated", TODAY, False),
        ("Later", "pt", "missing", days["Later"], False),
        ("Some day", "pt", "missing", None, False),
    ]


def test_the_words_around_the_items_may_be_mine_and_outdated_too():
    issue, person = an_issue(), ines()
    written(issue, "pt", state="approved", subject="Outubro")
    assigned(issue, "pt", person, TODAY)
    assert duties(person) == []
    written(issue, "en", subject="November")
    assert duties(person) == [("", "pt", "outdated", TODAY, False)]


def test_an_edition_whose_words_are_settled_needs_none_of_mine():
    issue, person = an_issue(), ines()
    assigned(an_item(issue), "pt", person)
    assert (len(duties(person)), mine.open_issues()) == (1, [issue])
    issue.editions.filter(language="pt").update(frozen_at=NOW)
    assert (duties(person), mine.open_issues()) == ([], [issue])
    issue.editions.update(frozen_at=NOW)
    assert mine.open_issues() == []


# --- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("languages", [1, 3])
def test_the_queries_are_the_same_for_any_number(django_assert_num_queries, items, languages):
    issue, person = an_issue(), ines("pt")
    for _number in range(items):
        item = an_item(issue)
        for language in LANGUAGES[-languages:]:
            written(item, language, state="approved")
            assigned(item, language, person)
            Remark.objects.create(text=texts.find(item, language), words="?")
        make_subscriber(f"reader{item.pk}@example.org", " ".join(LANGUAGES[-languages:]))
        written(item, "en", title="Three", text=BOAT)
    shown = contents(issue)
    editor = User.objects.get(pk=boris().pk)
    with django_assert_num_queries(5):  # two of permissions, texts, revisions, readers
        found = board.of(shown, editor, on=TODAY)
    assert sum(column.counts[Stage.OUTDATED] for column in found.columns) == items * languages
    person = User.objects.get(pk=person.pk)
    with django_assert_num_queries(6):  # two of permissions, languages, texts, words of items and of issues
        assert len(mine.of(person, on=TODAY)) == items
