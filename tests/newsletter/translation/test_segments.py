"""Words cut into sentences and put together again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.translation import changes, segments, sentences
from newsletter.translation.segments import Damaged, Segment
from picum import richtext

WORDS = {
    "title": "Two people die at sea",
    "text": "<p>On 14 May Mr. Smith said “no.” He <strong>left. Then</strong> came back. "
    'See <a href="https://x.example/z?a=1&amp;b=2">the report</a>.<br>Next line &amp; more.</p>'
    "<ul><li>One</li><li><p>Two. Three</p></li></ul>",
}


def test_sentences_blocks_and_marks():
    assert [(one.key, one.words) for one in segments.cut(WORDS, "en")] == [
        ("title.0.0", "Two people die at sea"),
        ("text.0.0", "On 14 May Mr. Smith said “no.”"),
        ("text.0.1", "He ⟦1⟧left. Then⟦/1⟧ came back."),
        ("text.0.2", "See ⟦2⟧the report⟦/2⟧."),
        ("text.0.3", "⟦3/⟧Next line & more."),
        ("text.1.0", "One"),
        ("text.2.0", "Two."),
        ("text.2.1", "Three"),
    ]


def test_words_from_a_database_that_orders_their_fields_itself_are_cut_in_the_order_of_reading():
    assert segments.cut(dict(reversed(WORDS.items())), "en") == segments.cut(WORDS, "en")
    assert changes.changed(dict(reversed(WORDS.items())), WORDS, "en") == []


def test_its_own_words_put_together_are_the_text_again():
    own = {one.key: one.words for one in segments.cut(WORDS, "en")}
    assert segments.put_together(WORDS, "en", own) == {name: richtext.clean(value) for name, value in WORDS.items()}


def test_marks_move_with_the_words_and_letters_stay_letters():
    said = segments.put_together(
        {"text": '<p>See <a href="https://x.example/">it</a>.</p>'}, "en", {"text.0.0": "⟦1⟧Das⟦/1⟧ <b>& so."}
    )
    assert said == {"text": '<p><a href="https://x.example/">Das</a> &lt;b&gt;&amp; so.</p>'}


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("no mark", "⟦1⟧"),
        ("⟦1⟧open", "⟦/1⟧"),
        ("⟦/1⟧x⟦1⟧", "⟦/1⟧"),
        ("⟦1⟧a⟦/1⟧⟦1⟧b⟦/1⟧", "⟦1⟧"),
        ("⟦1⟧a⟦/1⟧⟦7/⟧", "⟦7/⟧"),
    ],
)
def test_a_mark_that_is_lost_or_strange_is_named(target, told):
    with pytest.raises(Damaged, match=told):
        segments.check(Segment("text.0.0", "⟦1⟧it⟦/1⟧ is", {"1": "<em>"}), target)


@pytest.mark.parametrize(
    ("language", "line", "number"),
    [
        ("de", "Am 14. Mai starb z. B. niemand. Das ist gut.", 2),
        ("de", "Nach Abs. 3 BGB gilt das. Nr. 5 auch.", 2),
        ("en", "The U.N. Committee met. Dr. J. Smith spoke.", 2),
        ("fr", "M. Dupont (cf. p. 3) est là. « Bien ! » Il part.", 3),
        ("es", "¿Qué pasa? ¡Nada! La Sra. López calla.", 3),
        ("it", "Il dott. Rossi, art. 3, dice no. Punto.", 2),
        ("pt", "O Sr. Silva chegou. A Exma. Sra. Costa não.", 2),
        ("nl", "Dat geldt bijv. Voor jou. En d.w.z. Voor mij.", 2),
        ("en", "It cost 3.5 million … and more. So what", 2),
    ],
)
def test_where_a_sentence_ends(language, line, number):
    assert len(sentences.split(line, language)) == number


@given(st.text(alphabet="Ab. !?…“”⟦1⟧/\n\u00a0é", max_size=60))
def test_no_letter_is_lost_between_sentences(line):
    assert "".join("".join(sentences.split(line, "en")).split()) == "".join(line.split())


@given(st.text(alphabet="ab <>/pemstrongliu&;.A⟦⟧1", max_size=80))
def test_any_rich_text_put_together_says_the_same(html):
    clean = richtext.clean(html)
    own = {one.key: one.words for one in segments.cut({"text": clean}, "en")}
    again = segments.put_together({"text": clean}, "en", own)["text"]
    plain = [one.plain for one in segments.cut({"text": again}, "en")]
    assert plain == [one.plain for one in segments.cut({"text": clean}, "en")]


def test_pairs_go_sentence_by_sentence_where_they_can():
    found = segments.pairs(
        {"title": "Two", "text": "<p>One. Two.</p><p>Three.</p>"}, "en",
        {"title": "Zwei", "text": "<p>Eins. Zwei.</p><p>Drei. Vier.</p>"}, "de",
    )  # fmt: skip
    assert [(one.words, other) for one, other in found] == [
        ("Two", "Zwei"), ("One.", "Eins."), ("Two.", "Zwei."), ("Three.", "Drei. Vier."),
    ]  # fmt: skip


def test_what_changed_is_told_by_sentence_and_by_word():
    now = WORDS | {"title": "Three people die at sea", "text": WORDS["text"].replace("/z?", "/q?").replace("Two. ", "")}
    found = changes.changed(WORDS, now, "en")
    assert [(one.before, one.now) for one in found] == [
        ("Two people die at sea", "Three people die at sea"),
        (
            "See the report. <https://x.example/z?a=1&amp;b=2>",
            "See the report. <https://x.example/q?a=1&amp;b=2>",
        ),
        ("Two.", ""),
    ]
    assert [(one.kind, one.words) for one in found[0].pieces] == [
        ("gone", "Two"), ("new", "Three"), ("same", " people die at sea"),
    ]  # fmt: skip


def test_blanks_and_markup_alone_are_no_change():
    assert changes.changed({"text": "<p>One  two.</p>"}, {"text": "<p>One <em>two</em>.</p>"}, "en") == []
