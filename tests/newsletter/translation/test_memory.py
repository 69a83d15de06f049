"""What was translated before is offered again, with its issue and date: the same sentence, and one nearly the same."""

import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from django.utils.translation import override

from newsletter import upkeep
from newsletter.models import Edition, Issue, Learned, Revision, Sentence, SentenceBand, SentencePair, Text
from newsletter.translation import learning, memory, segments, texts
from picum.accounts.models import User
from picum.celery import app
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db
NOW = timezone.now()
SAID = "A court in Bari ordered the city to open its shelters to everybody."
DEUTSCH = "Ein Gericht in Bari wies die Stadt an, ihre Unterkünfte für alle zu öffnen."


def ines() -> User:
    return User.objects.get_or_create(email="ines@example.org", defaults={"name": "Ines"})[0]


def issue(slug="2026-05", month=5, **fields) -> Issue:
    return make_issue(
        slug, languages=["en"], period=datetime.date(2026, month, 1), finalised_on=datetime.date(2026, month, 28),
        **fields,
    )  # fmt: skip


def translated(source=SAID, target=DEUTSCH, *, inside=None, title=("Shelters open", "Unterkünfte offen"), **fields):
    """An item in English, and its approved German text, by the road that people take."""
    item = make_item(inside or issue(), en=(title[0], f"<p>{source}</p>"))
    return item, approved(item, title[1], f"<p>{target}</p>", **fields)


def approved(item, title, text, *, language="de", now=NOW) -> Text:
    words = {"title": title, "text": text}
    stored = texts.store(
        texts.find(item, language), words, state=Text.State.REVIEW, how=Revision.How.PAGE, by=ines(), now=now
    )
    return texts.approve(stored, by=ines(), now=now)


def wanted(text: str) -> list[segments.Segment]:
    return segments.cut({"text": f"<p>{text}</p>"}, "en")


def offered(text: str, language="de", **fields) -> list[memory.Offer]:
    """What is offered for the one sentence of a text."""
    return memory.offers(wanted(text), "en", language, **fields).get("text.0.0", [])


def in_short(offers) -> list[tuple[str, int]]:
    return [(offer.words, offer.score) for offer in offers]


# --- offering -------------------------------------------------------------------------------------------------------


def test_the_same_sentence_is_offered_with_its_issue_its_date_and_its_item():
    translated()
    learning.learn()
    assert offered(SAID) == [
        memory.Offer(
            source=SAID,
            words=DEUTSCH,
            score=100,
            pieces=[memory.changes.Piece("same", SAID)],
            issue="May 2026",
            on=datetime.date(2026, 5, 28),
            title="Unterkünfte offen",
        )
    ]
    with override("fr"):
        assert offered(SAID)[0].issue == "mai 2026"


def test_capitals_accents_and_stops_do_not_make_another_sentence():
    translated()
    learning.learn()
    assert in_short(offered("a court in Bári ordered the city to open its shelters to everybody!")) == [(DEUTSCH, 99)]


def test_a_sentence_nearly_the_same_comes_with_what_is_different():
    translated()
    learning.learn()
    (offer,) = offered("A court in Lecce ordered the city to open its shelters to everybody.")
    assert (offer.words, offer.score) == (DEUTSCH, 92)
    assert [(piece.kind, piece.words) for piece in offer.pieces if piece.kind != "same"] == [
        ("gone", "Bari"),
        ("new", "Lecce"),
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "A court in Lecce forbade the mayor to close any shelters of the region.",
        "Two people died on a coast-guard vessel.",
        "…",
    ],
)
def test_another_sentence_is_not_offered(sentence):
    translated()
    learning.learn()
    assert offered(sentence) == []


def test_another_language_is_not_offered_nor_taken_for_the_source():
    translated()
    learning.learn()
    assert offered(SAID, "fr") == []
    assert memory.offers(wanted(SAID), "nl", "de") == {}


def test_the_best_come_first_then_the_newest_and_no_words_twice():
    for month, target in ((3, "Erstens."), (6, "Zweitens."), (4, "Drittens."), (5, "Erstens.")):
        translated(target=target, inside=issue(f"2026-0{month}", month))
    translated("A court in Lecce ordered the city to open its shelters to everybody.", "Fast.", inside=issue("x", 9))
    learning.learn()
    assert in_short(offered(SAID)) == [("Zweitens.", 100), ("Erstens.", 100), ("Drittens.", 100)]
    assert in_short(offered(SAID, most=4))[3] == ("Fast.", 92)


def test_a_text_is_not_offered_to_itself_where_that_is_said():
    _item, text = translated()
    learning.learn()
    assert (in_short(offered(SAID)), offered(SAID, but=text.pk)) == ([(DEUTSCH, 100)], [])


@pytest.mark.parametrize("sentences", [1, 3])
def test_all_sentences_of_a_text_cost_five_queries(django_assert_num_queries, sentences):
    said = [f"{SAID[:-1]} of {word}." for word in ("Milan", "Trieste", "Palermo")][:sentences]
    translated(" ".join(said), " ".join(f"Satz {number} hier." for number in range(sentences)))
    learning.learn()
    with django_assert_num_queries(5):
        found = memory.offers(wanted(" ".join(said)), "en", "de")
    assert [found[f"text.0.{number}"][0].words for number in range(sentences)] == [
        f"Satz {number} hier." for number in range(sentences)
    ]


def test_what_the_memory_does_not_know_costs_two_queries(django_assert_num_queries):
    with django_assert_num_queries(2):
        assert offered(SAID) == []


# --- marks ------------------------------------------------------------------------------------------------------------

LINK, OTHER = '<a href="https://example.org/a">', '<a href="https://example.org/b">'


def test_marks_are_those_of_the_sentence_that_it_is_offered_for():
    translated(
        f"The <strong>court</strong> published its {LINK}ruling</a>.",
        f"Das {LINK}Urteil</a> veröffentlichte das <strong>Gericht</strong>.",
    )
    learning.learn()
    (segment,) = wanted(f"The <strong>court</strong> published its {OTHER}ruling</a>.")
    (offer,) = memory.offers([segment], "en", "de")["text.0.0"]
    assert offer.words == "Das ⟦2⟧Urteil⟦/2⟧ veröffentlichte das ⟦1⟧Gericht⟦/1⟧."
    assert segments.restored(segment, offer.words) == (
        f"Das {OTHER}Urteil</a> veröffentlichte das <strong>Gericht</strong>."
    )


def test_marks_are_counted_from_where_the_sentence_stands():
    translated(f"Read {LINK}this</a>.", f"Lesen Sie {LINK}das</a>.")
    learning.learn()
    segment = wanted(f"A <em>first</em> sentence. Read {LINK}this</a>.")[1]
    assert memory.offers([segment], "en", "de")["text.0.1"][0].words == "Lesen Sie ⟦2⟧das⟦/2⟧."


@pytest.mark.parametrize("sentence", ["Read this.", f"<em>Read</em> {LINK}this</a>.", "Read this.<br>"])
def test_marks_that_do_not_fit_are_left_out(sentence):
    translated(f"Read {LINK}this</a>.", f"Lesen Sie {LINK}das</a>.")
    learning.learn()
    assert in_short(offered(sentence)) == [("Lesen Sie das.", 100)]


# --- learning ---------------------------------------------------------------------------------------------------------


def test_a_draft_is_not_learned_until_it_is_approved():
    item, text = translated()
    texts.send_back(text, by=ines(), now=NOW)
    assert (learning.learn()["texts"], offered(SAID)) == (0, [])
    approved(item, "Unterkünfte offen", f"<p>{DEUTSCH}</p>")
    assert (learning.learn()["texts"], in_short(offered(SAID))) == (1, [(DEUTSCH, 100)])


def test_what_went_out_is_learned_though_nobody_approved_it():
    item, text = translated()
    texts.send_back(text, by=ines(), now=NOW)
    Edition.objects.filter(issue=item.issue, language="de").update(frozen_at=NOW)
    learning.learn()
    assert in_short(offered(SAID)) == [(DEUTSCH, 100)]


def test_what_is_sent_back_is_forgotten():
    _item, text = translated()
    learning.learn()
    texts.send_back(text, by=ines(), now=NOW)
    assert learning.learn()["forgotten"] == 3  # the text, and the sentences of its title and its body
    assert (offered(SAID), Sentence.objects.count(), SentenceBand.objects.count()) == ([], 0, 0)


def test_other_words_replace_those_that_were_learned_in_the_same_sitting_too():
    item, text = translated()
    learning.learn()
    again = approved(item, "Unterkünfte offen", "<p>Besser gesagt.</p>", now=NOW + datetime.timedelta(minutes=1))
    assert again.number == text.number
    learning.learn()
    assert in_short(offered(SAID)) == [("Besser gesagt.", 100)]


def test_a_translation_is_learned_of_the_source_that_it_was_made_of():
    item, _text = translated()
    texts.store(
        texts.find(item, "en"), {"title": "Shelters open", "text": "<p>Nobody has to sleep in the street.</p>"},
        state=Text.State.APPROVED, how=Revision.How.FORM, by=None, now=NOW,
    )  # fmt: skip
    learning.learn()
    assert in_short(offered(SAID)) == [(DEUTSCH, 100)]
    assert offered("Nobody has to sleep in the street.") == []


def test_a_translation_that_was_found_still_right_is_learned_of_the_new_source():
    item, text = translated()
    learning.learn()
    source = texts.store(
        texts.find(item, "en"), {"title": "Shelters open", "text": "<p>The shelters of Bari must open.</p>"},
        state=Text.State.APPROVED, how=Revision.How.FORM, by=None, now=NOW,
    )  # fmt: skip
    texts.still_right(text, by=ines(), source_seen=source.number)
    learning.learn()
    assert (offered(SAID), in_short(offered("The shelters of Bari must open."))) == ([], [(DEUTSCH, 100)])


def test_words_around_the_items_are_learned_and_of_each_sentence_the_newest_alone():
    for month in range(1, 9):
        made = issue(f"2026-0{month}", month)
        for language, words in (("en", "Forward this mail."), ("de", f"Bitte weiterleiten ({month}).")):
            made.translations.filter(language_code=language).delete()
            made.translations.create(language_code=language, subject="", masthead=words)
            texts.noticed(made, language, by=None, how=Revision.How.FORM, now=NOW, state=Text.State.APPROVED)
    learning.learn()
    found = memory.offers(segments.cut({"masthead": "Forward this mail."}, "en"), "en", "de", most=9)
    assert [(one.words, one.title) for one in found["masthead.0.0"]] == [
        (f"Bitte weiterleiten ({month}).", "") for month in (8, 7, 6, 5, 4)
    ]
    assert SentencePair.objects.count() == learning.KEPT


def test_a_circular_is_nobody_elses():
    item, _text = translated(inside=issue(kind=Issue.Kind.CIRCULAR))
    assert (learning.learn()["texts"], item.issue.kind) == (0, "circular")


def test_with_its_item_a_sentence_goes_too():
    kept, _text = translated()
    gone, _text = translated("Names and places.", "Namen und Orte.", inside=kept.issue, title=("A", "B"))
    learning.learn()
    gone.delete()
    assert offered("Names and places.") == []
    learning.learn()
    assert sorted(Sentence.objects.values_list("words", flat=True)) == [SAID, "Shelters open"]


def test_learning_again_changes_nothing():
    translated()
    assert dict(learning.learn()) == {"texts": 1, "sentences": 2, "forgotten": 0}
    before = list(SentencePair.objects.order_by("pk").values())
    assert dict(learning.learn()) == {"forgotten": 0}
    assert list(SentencePair.objects.order_by("pk").values()) == before


def test_it_learns_in_batches_and_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(learning, "BATCH", 2)
    inside = issue()
    for number in range(5):
        translated(f"Sentence number {number}.", f"Satz {number}.", inside=inside, title=(f"T{number}", f"D{number}"))
    assert (learning.learn(seconds=0)["left"], Learned.objects.count()) == (1, 2)
    report = upkeep.learn_translations(now=NOW, seconds=60)
    assert (report.words, report.left) == ("Learned 3 translations, with 6 new sentences.", False)


def test_a_batch_costs_as_many_queries_whatever_is_in_it(django_assert_num_queries):
    inside = issue()
    for rows in (1, 3):
        for number in range(rows):
            words = f"{rows} and {number}."
            translated(f"Of {words}", f"Von {words}", inside=inside, title=(f"T {words}", f"D {words}"))
        # Two savepoints among them, a look whether there is more, and the forgetting.
        with django_assert_num_queries(19):
            assert learning.learn()["texts"] == rows


def test_the_command_learns_all():
    translated()
    out = StringIO()
    call_command("learn_translations", stdout=out)
    assert (out.getvalue(), in_short(offered(SAID))) == (
        "Learned 1 translation, with 2 new sentences.\n",
        [(DEUTSCH, 100)],
    )


@pytest.mark.django_db(transaction=True)
def test_approving_and_sending_back_ring_the_bell_once_each(monkeypatch):
    sent = []
    monkeypatch.setattr(app, "send_task", lambda name, args=(), **_options: sent.append((name, *args)))
    with transaction.atomic():
        _item, text = translated()
    assert sent == [("newsletter.upkeep", "learn_translations")]
    texts.send_back(text, by=ines(), now=NOW)
    assert sent == [("newsletter.upkeep", "learn_translations")] * 2


# --- finding ----------------------------------------------------------------------------------------------------------


def test_bands_are_the_same_for_ever():
    """Sentences that are stored would not be found any more."""
    assert memory.bands_of("Two people die off the coast", "en")[:2] == [7795766709827067014, 4463960335746329390]


def test_the_order_and_the_number_of_words_do_not_decide_which_bands():
    assert memory.bands_of("one two three one", "en") == memory.bands_of("three, Two one!", "en")
    assert set(memory.bands_of("one two three", "en")).isdisjoint(memory.bands_of("one two three", "de"))
    assert memory.bands_of("…", "en") == []


def test_of_sentences_made_from_one_pattern_some_are_enough_and_the_same_is_found_always(monkeypatch):
    monkeypatch.setattr(learning, "FULL", 2)
    inside = issue()
    for word in ("one", "two", "three", "four"):
        translated(f"The court of {word} decides today.", f"Satz {word}.", inside=inside, title=(word, word))
    learning.learn()
    numbers = list(SentenceBand.objects.values_list("number", flat=True))
    assert max(numbers.count(number) for number in numbers) == 2
    assert in_short(offered("The court of four decides today."))[0] == ("Satz four.", 100)
