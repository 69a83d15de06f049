"""What comes back in a file: taken over, or refused with the reason; nothing is overwritten unknowingly."""

import datetime

import pytest

from newsletter.models import ItemTranslation, Revision, Text
from newsletter.translation import texts
from newsletter.translation.exchange import importing
from picum.accounts.models import AuditEntry, User
from tests.newsletter.factories import contents, make_item, make_texts
from tests.newsletter.translation.files import (
    NOW,
    PORTUGUESE,
    TEXT,
    an_issue,
    brought_in,
    ines,
    kinds,
    proposed,
    read,
    returned,
    store,
    written,
)

pytestmark = pytest.mark.django_db
LATER = NOW + datetime.timedelta(hours=1)
ALL = {
    "title_0_0": "Barco",
    "text_0_0": "Um barco afundou.",
    "text_0_1": "⟦1⟧Duas⟦/1⟧ pessoas ⟦2⟧morreram⟦/2⟧.",
    "text_0_2": "⟦3/⟧Ninguém veio.",
    "text_1_0": "Um <2>",
}
ENGLISH = TEXT.replace("Two", "Three")


def rui() -> User:
    return User.objects.create_user("rui@example.org", name="Rui")


def stored(item, language="pt"):
    row = ItemTranslation.objects.filter(master=item, language_code=language).first()
    return {"title": row.title, "text": row.text} if row else None


def text_of(item, language="pt") -> Text:
    return Text.objects.get(item=item, language=language)


def refusals(issue, file) -> list[tuple[str, str]]:
    """What was refused, and why."""
    proposals, strangers = proposed(issue, file)
    every = [*(one for proposal in proposals for one in proposal.verdicts), *strangers]
    return [(one.returned.key, one.why) for one in every if one.is_refused]


# --- what is whole ----------------------------------------------------------------------------------------------------


def test_a_whole_translation_becomes_what_readers_get_and_is_in_review():
    issue, person = an_issue(), ines()
    assert brought_in(issue, returned(issue, **ALL), person) == [("stored", "")]
    item = issue.items.get()
    assert stored(item) == {"title": "Barco", "text": PORTUGUESE}
    text = text_of(item)
    assert (text.state, text.number, text.source_number, text.is_machine, text.working) == ("review", 1, 1, False, None)
    assert (text.revisions.get().how, text.revisions.get().by_label) == (Revision.How.FILE, "Ines")


def test_it_is_audited_in_numbers():
    issue, person = an_issue(), ines()
    brought_in(issue, returned(issue, **ALL), person)
    entry = AuditEntry.objects.get(action="text.import")
    assert (entry.actor, entry.data) == (person, {"language": "pt", "stored": 1, "kept": 0, "refused": 0})


def test_the_same_file_once_more_changes_nothing():
    issue, person = an_issue(), ines()
    file = returned(issue, **ALL)
    brought_in(issue, file, person)
    assert set(kinds(issue, file).values()) == {"same"}


def test_one_sentence_is_replaced_and_the_others_stay():
    issue = an_issue(pt=("Barco", PORTUGUESE))
    assert brought_in(issue, returned(issue, text_0_0="Um navio afundou."), ines()) == [("stored", "")]
    assert stored(issue.items.get()) == {"title": "Barco", "text": PORTUGUESE.replace("Um barco", "Um navio")}


def test_the_words_around_the_items_come_in_too():
    issue = an_issue()
    make_texts(issue, "en", subject="May", masthead="", message="<p>Hello.</p>", donation="")
    brought_in(issue, returned(issue, subject_0_0="Maio", message_0_0="Olá."), ines())
    row = issue.translations.get(language_code="pt")
    assert (row.subject, row.masthead, row.message) == ("Maio", "", "<p>Olá.</p>")


# --- what is not whole ------------------------------------------------------------------------------------------------


def test_half_a_translation_is_kept_and_no_reader_gets_it():
    issue = an_issue()
    assert brought_in(issue, returned(issue, text_0_0="Um barco afundou."), ines()) == [("kept", "")]
    text = text_of(issue.items.get())
    assert stored(issue.items.get()) is None
    assert text.working == {
        "title": "",
        "text": "<p>Um barco afundou. […] […]</p><ul><li>[…]</li></ul>",
    }


def test_the_other_half_comes_in_later():
    issue, person = an_issue(), ines()
    brought_in(issue, returned(issue, text_0_0=ALL["text_0_0"], text_1_0=ALL["text_1_0"]), person)
    rest = {key: words for key, words in ALL.items() if key not in ("text_0_0", "text_1_0")}
    assert brought_in(issue, returned(issue, **rest), person) == [("stored", "")]
    assert stored(issue.items.get())["text"] == PORTUGUESE


def test_what_the_file_calls_unfinished_is_kept():
    issue = an_issue()
    content = written(issue, "po")
    for words in ["Barco", "Um.", "<g1>D</g1> <g2>m</g2>.", "<x3/>N.", "Um"]:
        place = content.index('msgstr ""', content.index("msgctxt"))
        content = content[:place] + f'msgstr "{words}"' + content[place + 9 :]
    content = content.replace("#. Boat (en)\n#. title", "#. Boat (en)\n#, fuzzy")
    assert brought_in(issue, read(content, "po"), ines()) == [("kept", "")]
    assert text_of(issue.items.get()).working["title"] == "Barco"


def test_a_program_that_never_touches_our_states_does_not_stand_in_the_way():
    issue, person = an_issue(pt=("Barco", PORTUGUESE)), ines()
    item = issue.items.get()
    store(item, "pt", "Barco", PORTUGUESE, by=person)
    store(item, "en", "Boat", ENGLISH, by=person, now=LATER)
    file = returned(issue, text_0_1="⟦1⟧Três⟦/1⟧ pessoas ⟦2⟧morreram⟦/2⟧.")  # its state stays "needs review"
    assert brought_in(issue, file, person) == [("stored", "")]
    assert text_of(item).source_number == 2


# --- the source has changed -------------------------------------------------------------------------------------------


def test_a_sentence_whose_source_changed_is_refused_with_the_difference():
    issue, person = an_issue(), ines()
    file = returned(issue, **ALL)
    store(issue.items.get(), "en", "Boat", ENGLISH, by=person)
    proposals, _strangers = proposed(issue, file)
    [verdict] = [one for one in proposals[0].verdicts if one.is_refused]
    assert (verdict.kind, verdict.returned.key, verdict.words) == ("stale", "text.0.1", "Duas pessoas morreram.")
    assert [(one.kind, one.words) for one in verdict.difference] == [
        ("gone", "Two"),
        ("new", "Three"),
        ("same", " people died."),
    ]
    assert brought_in(issue, file, person) == [("kept", "")]
    assert "[…]" in text_of(issue.items.get()).working["text"]
    assert stored(issue.items.get()) is None


def test_a_sentence_that_moved_is_found_again():
    issue, person = an_issue(), ines()
    file = returned(issue, **ALL)
    moved = "<p>It was May.</p>" + stored(issue.items.get(), "en")["text"]
    store(issue.items.get(), "en", "Boat", moved, by=person)
    assert set(kinds(issue, file).values()) == {"take"}
    brought_in(issue, file, person)
    assert text_of(issue.items.get()).working["text"] == "<p>[…]</p>" + PORTUGUESE


def test_what_is_still_outdated_after_the_file_is_still_called_so():
    issue, person = an_issue(pt=("Barco", PORTUGUESE)), ines()
    item = issue.items.get()
    store(item, "pt", "Barco", PORTUGUESE, by=person)
    store(item, "en", "Boat", ENGLISH, by=person, now=LATER)
    brought_in(issue, returned(issue, title_0_0="Navio"), person)
    text = text_of(item)
    assert (stored(item)["title"], text.source_number) == ("Navio", 1)
    assert texts.is_outdated(text, texts.find(item, "en"))


@pytest.mark.parametrize("kind", ["xliff", "po"])
def test_who_says_that_it_is_still_right_is_believed(kind):
    issue, person = an_issue(pt=("Barco", PORTUGUESE)), ines()
    item = issue.items.get()
    store(item, "pt", "Barco", PORTUGUESE, by=person)
    store(item, "en", "Boat", ENGLISH, by=person, now=LATER)
    said = written(issue, kind)
    assert set(kinds(issue, read(said, kind)).values()) == {"same"}
    said = said.replace("#, fuzzy\n", "").replace('<target state="needs-adaptation">', '<target state="final">')
    assert kinds(issue, read(said, kind))["text.0.1"] == "still-right"
    assert brought_in(issue, read(said, kind), person) == [("stored", "")]
    assert (text_of(item).source_number, text_of(item).number) == (2, 1)
    assert not texts.is_outdated(text_of(item), texts.find(item, "en"))


# --- the translation has changed --------------------------------------------------------------------------------------


def test_what_changed_here_and_there_is_refused_and_both_are_shown():
    issue = an_issue(pt=("Barco", PORTUGUESE))
    file = returned(issue, text_0_0="Um navio afundou.", title_0_0="Naufrágio")
    store(issue.items.get(), "pt", "Barco", PORTUGUESE.replace("Um barco", "Uma barca"), by=rui(), now=LATER)
    assert kinds(issue, file) == {
        "title.0.0": "take",
        "text.0.0": "meanwhile",
        "text.0.1": "same",
        "text.0.2": "same",
        "text.1.0": "same",
    }
    proposals, _strangers = proposed(issue, file)
    [verdict] = [one for one in proposals[0].verdicts if one.is_refused]
    assert (verdict.unit.here, verdict.words) == ("Uma barca afundou.", "Um navio afundou.")
    brought_in(issue, file, ines(), now=LATER)
    assert stored(issue.items.get()) == {"title": "Naufrágio", "text": PORTUGUESE.replace("Um barco", "Uma barca")}


def test_what_only_we_changed_stays():
    issue = an_issue(pt=("Barco", PORTUGUESE))
    file = returned(issue)
    store(issue.items.get(), "pt", "Naufrágio", PORTUGUESE, by=rui())
    assert set(kinds(issue, file).values()) == {"same"}


def test_words_that_somebody_is_typing_are_not_overwritten():
    issue, person = an_issue(), rui()
    file = returned(issue, **ALL)
    text = texts.find(issue.items.get(), "pt")
    texts.keep(text, {"title": "Naufrágio", "text": ""}, seen=0, source_seen=1, by=person, now=NOW)
    assert kinds(issue, file)["title.0.0"] == "meanwhile"


def test_a_translation_that_came_meanwhile_in_another_shape_is_not_overwritten():
    issue = an_issue()
    file = returned(issue, **ALL)
    store(issue.items.get(), "pt", "Barco", "<p>Afundou.</p><p>Ninguém.</p><p>Nada.</p>", by=rui())
    assert {key for key, kind in kinds(issue, file).items() if kind == "meanwhile"} == {
        "text.0.0", "text.0.1", "text.0.2", "text.1.0"
    }  # fmt: skip


def test_who_confirms_what_has_changed_since_is_told_and_nothing_is_stored():
    issue, person = an_issue(), ines()
    proposals, _strangers = proposed(issue, returned(issue, **ALL))
    wishes = [importing.wish(one) for one in proposals]
    store(issue.items.get(), "pt", "Naufrágio", "<p>Afundou.</p>", by=rui())
    [outcome] = importing.apply(contents(issue), "pt", wishes, by=person, now=NOW)
    assert (outcome.what, outcome.why) == (
        "refused",
        "Somebody has changed it since you looked. Upload the file once more.",
    )
    assert stored(issue.items.get()) == {"title": "Naufrágio", "text": "<p>Afundou.</p>"}


def test_a_source_that_changed_since_the_look_refuses_it_too():
    issue, person = an_issue(), ines()
    proposals, _strangers = proposed(issue, returned(issue, **ALL))
    wishes = [importing.wish(one) for one in proposals]
    store(issue.items.get(), "en", "Boat", ENGLISH, by=rui())
    assert [one.what for one in importing.apply(contents(issue), "pt", wishes, by=person, now=NOW)] == ["refused"]
    assert stored(issue.items.get()) is None


def test_without_a_fingerprint_nothing_that_stands_here_is_overwritten():
    issue = an_issue(pt=("Barco", PORTUGUESE))
    item = issue.items.get()
    content = written(issue).replace("extradata=", "resname2=").replace("<target state", "<target x")
    content = content.replace(">Barco<", ">Navio<")
    assert kinds(issue, read(content))["title.0.0"] == "meanwhile"
    assert stored(item)["title"] == "Barco"


# --- what cannot be taken ---------------------------------------------------------------------------------------------


def test_damaged_marks_are_named_and_the_rest_is_kept():
    issue = an_issue()
    file = returned(issue, **ALL | {"text_0_1": "⟦1⟧Duas⟦/1⟧ pessoas morreram."})
    assert refusals(issue, file) == [
        ("text.0.1", "These marks are missing, or stand where they do not belong: <g2> </g2>")
    ]
    assert brought_in(issue, file, ines()) == [("kept", "")]
    assert stored(issue.items.get()) is None


def test_of_what_is_divided_in_another_way_a_part_is_refused():
    issue = an_issue(pt=("Barco", "<p>Afundou.</p>"))
    file = returned(issue, title_0_0="Navio", text_0_0="Um barco afundou.")
    assert {key: kind for key, kind in kinds(issue, file).items() if kind != "empty"} == {
        "title.0.0": "take",
        "text.0.0": "in-part",
    }
    brought_in(issue, file, ines())
    assert stored(issue.items.get()) == {"title": "Navio", "text": "<p>Afundou.</p>"}


def test_and_the_whole_of_it_is_taken():
    issue = an_issue(pt=("Barco", "<p>Afundou.</p>"))
    brought_in(issue, returned(issue, **ALL), ines())
    assert stored(issue.items.get())["text"] == PORTUGUESE


def test_sentences_of_another_issue_are_refused():
    issue = an_issue()
    file = returned(issue, **ALL)
    issue.items.get().delete()
    make_item(issue, en="Another")
    assert {why for _key, why in refusals(issue, file)} == {"It does not belong to this issue."}


def test_a_sentence_that_stands_twice_is_taken_once():
    issue = an_issue()
    file = returned(issue, **ALL)
    again = importing.File(file.language, [*file.sentences, file.sentences[0]])
    proposals, _strangers = proposed(issue, again)
    assert [one.kind for one in proposals[0].verdicts if one.returned.key == "title.0.0"] == ["take", "damaged"]


def test_a_title_that_is_too_long_is_told_and_the_others_come_in():
    issue, person = an_issue(), ines()
    other = make_item(issue, en=("Law", "<p>A law.</p>"))
    content = written(issue)
    file = read(content)
    said = {f"item-{other.pk}": {"title.0.0": "Lei", "text.0.0": "Uma lei."}}
    first = {key.replace("_", "."): words for key, words in ALL.items()} | {"title.0.0": "a" * 201}
    sentences = [
        importing.Returned(one.name, one.key, one.source, (said.get(one.name) or first)[one.key], one.was)
        for one in file.sentences
    ]
    assert brought_in(issue, importing.File("pt", sentences), person) == [
        ("refused", "“aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa …” is longer than 200 characters."),
        ("stored", ""),
    ]


def test_markup_typed_into_a_sentence_stays_letters():
    issue = an_issue()
    brought_in(issue, returned(issue, **ALL | {"text_0_0": "<script>alert(1)</script>"}), ines())
    assert stored(issue.items.get())["text"].startswith("<p>&lt;script&gt;alert(1)&lt;/script&gt;")
