"""What somebody typed or uploaded to be a nuisance takes no longer than other words."""

import time
from random import Random

import pytest

from newsletter.models import Text
from newsletter.translation import changes, names, segments, sentences, warnings
from newsletter.translation.exchange import importing, po, units
from newsletter.translation.exchange.units import Unreadable
from newsletter.translation.glossary import Glossary

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


@pytest.mark.parametrize("misspelt", [False, True], ids=["others", "nearly"])
def test_thousands_of_invented_names_are_looked_for_at_once(misspelt):
    """In the source, with as many others in the translation, or with one of two slightly misspelt."""
    random = Random(1)

    def name(sounds: str) -> str:
        return "".join(random.choice(sounds) + random.choice("aeiou") for _sound in range(4)).capitalize()

    runs = [(name("dgklrtvz"), name("dgklrtvz")) for _run in range(50_000 // 36)]
    others = [(one, f"{two[:-1]}x") if misspelt else (name("bmn"), name("bmn")) for one, two in runs]
    there = "<p>" + "".join(f"we visited {one} {two} here and. " for one, two in runs) + "</p>"
    here = "<p>" + "".join(f"ontem vimos {one} {two} e mais. " for one, two in others) + "</p>"
    assert len(there) > 45_000
    known = warnings.Known(Glossary([]), {})
    found = warnings.of({"text": there}, {"text": here}, "en", "pt", known=known)
    assert 0 < len([one for one in found if one.kind == "name"]) <= names.MOST


def test_thousands_of_numbers_and_acronyms_are_compared_at_once():
    known = warnings.Known(Glossary([]), {})
    for first, second in [(10_000, 20_000), (30_000, 40_000)]:
        there, here = (" ".join(map(str, range(start, start + 8_000))) for start in (first, second))
        assert len(warnings.of({"text": there}, {"text": here}, "en", "pt", known=known)) == 16_000
    letters = "BCDFGHJKLMNPQRST"
    there, here = (" e ".join(f"{a}{b}{c}" for a in letters for b in letters for c in last) for last in ("BCDFGH", "K"))
    assert len(names.lacking([there], "en", [here], "pt")) <= names.MOST


@pytest.mark.parametrize("kind", ["xliff", "po"])
def test_a_file_with_more_sentences_than_any_issue_is_refused_before_it_is_read(kind):
    if kind == "xliff":
        unit = '<trans-unit id="item-1:text.0.{}"><source>A</source><target>B</target></trans-unit>'
        body = "".join(unit.format(number) for number in range(45_000))
        content = (
            f'<xliff version="1.2"><file original="a/item-1" target-language="pt"><body>{body}</body></file></xliff>'
        )
    else:
        message = 'msgctxt "item-1:text.0.{}@1:-"\nmsgid "A"\nmsgstr "B"\n\n'
        content = "".join(message.format(number) for number in range(45_000))
    began = time.process_time()
    with pytest.raises(Unreadable, match="The file has more than 5000 sentences, and no issue has so many"):
        importing.read(content.encode(), "pt")
    assert time.process_time() - began < 1


def test_five_thousand_sentences_for_one_item_are_compared_at_once():
    sheet = units.Sheet("item-1", "", None, Text(language="pt"), Text(language="en", number=1), {}, {}, None)
    for number in range(20):
        sheet.units.append(units.Unit(segments.Segment(f"text.0.{number}", f"A {number}")))
    sentences = [units.Returned("item-1", f"text.0.{number}", f"A {number}", "B", "-") for number in range(5_000)]
    (proposal,), _strangers = importing.propose([sheet], units.File("pt", sentences))
    assert (len(proposal.taken), proposal.refused) == (20, 4_980)


def test_a_file_that_claims_a_thousand_million_plurals_fills_no_memory():
    header = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=999999999; plural=0;\\n"\n\n'
    with pytest.raises(Unreadable):
        po.read((header + 'msgid "a"\nmsgid_plural "b"\nmsgstr[0] "c"\n').encode())
