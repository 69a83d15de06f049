"""What somebody typed or uploaded to be a nuisance takes no longer than other words."""

import time

import pytest

from newsletter.translation import changes, names, segments, sentences
from newsletter.translation.exchange import po
from newsletter.translation.exchange.units import Unreadable

LONG = 40_000  # characters


@pytest.fixture(autouse=True)
def patience():
    began = time.process_time()
    yield
    assert time.process_time() - began < 5  # a tenth of that, mostly; what grows with the square takes minutes


@pytest.mark.parametrize("words", [".", "A.", "A. ", "a. ", ".)", "».", "⟦1⟧a. ", ".⟦/1⟧", ". "])
def test_a_row_of_stops_is_cut_at_once(words):
    line = words * (LONG // len(words))
    assert "".join("".join(sentences.split(line, "en")).split()) == "".join(line.split())


def test_many_tags_in_many_sentences_are_cut_at_once():
    found = segments.cut({"text": "<p>" + "<em>A boat.</em> " * (LONG // 17) + "</p>"}, "en")
    assert {(one.plain, *one.tags.values()) for one in found} == {("A boat.", "<em>")}


def test_two_long_texts_without_an_end_are_compared_at_once():
    before, now = "a " * (LONG // 2), "a b " * (LONG // 4)
    assert [piece.kind for piece in changes.between(before, now)] == ["gone", "new"]
    assert [piece.kind for piece in changes.between("a boat", "a ship")] == ["same", "gone", "new"]


def test_one_name_again_and_again_is_looked_for_once():
    line, other = "we visited Zibrow yesterday and " * (LONG // 32), "ontem visitámos Lakmen e " * (LONG // 25)
    assert names.lacking([line], "en", [other], "pt") == ["Zibrow"]


def test_a_file_that_claims_a_thousand_million_plurals_fills_no_memory():
    header = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=999999999; plural=0;\\n"\n\n'
    with pytest.raises(Unreadable):
        po.read((header + 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\n').encode())
