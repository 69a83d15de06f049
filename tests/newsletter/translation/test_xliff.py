"""XLIFF 1.2: what we write is what the standard says, and comes back as it went; a stranger's file does no harm."""

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.models import Issue, Item, Term, Text
from newsletter.translation import segments
from newsletter.translation.exchange import units, xliff
from newsletter.translation.exchange.units import Sheet, Unit, Unreadable
from newsletter.translation.segments import Segment
from tests.newsletter.factories import contents, make_item, make_texts
from tests.newsletter.translation.files import (
    NOW,
    PORTUGUESE,
    TEXT,
    an_issue,
    ines,
    kinds,
    read,
    sheets,
    store,
    written,
)

pytestmark = pytest.mark.django_db
SCHEMAS = Path(__file__).parent / "schemas"
NS = {"x": xliff.NAMESPACE}


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    xml = {"http://www.w3.org/XML/1998/namespace": str(SCHEMAS / "xml.xsd")}
    return xmlschema.XMLSchema(str(SCHEMAS / "xliff-core-1.2-strict.xsd"), locations=xml, allow="local")


def a_full_issue():
    """Something missing, something translated, something approved, something outdated, and markup of all kinds."""
    person = ines()
    issue = an_issue(pt=("Barco", PORTUGUESE))
    make_texts(issue, "en", subject="May", masthead="One. “Two” & <three>?", message="<p>Hi <em>all</em>.<br>Yes.</p>")
    approved = make_item(issue, en=("Law", "<p>A law.</p>"))
    store(approved, "pt", "Lei", "<p>Uma lei.</p>", by=person, state=Text.State.APPROVED)
    outdated = make_item(issue, en=("Report", "<p>A report. It is out.</p>"))
    store(outdated, "pt", "Relatório", "<p>Um relatório. Já saiu.</p>", by=person)
    store(outdated, "en", "Report", "<p>A report. It is very late.</p>", by=person)
    make_item(issue, es=("Frontera", "<ol><li>Uno</li><li><p>Dos</p></li></ol>"), pt=("Fronteira", "<p>Só um.</p>"))
    make_item(issue, original="pt", pt="Written in Portuguese")
    Term.objects.create(language="en", words="law", concept="law")
    Term.objects.create(language="pt", words="lei", concept="law")
    return issue


def test_what_we_write_is_what_the_standard_says(schema):
    schema.validate(written(a_full_issue()))


def test_the_schema_would_notice(schema):
    broken = written(an_issue()).replace('datatype="html"', 'datatype="prose"')
    assert not schema.is_valid(broken)


def test_a_file_says_what_it_is_made_of():
    issue = an_issue(pt=("Barco", PORTUGUESE))
    root = ElementTree.fromstring(written(issue))  # noqa: S314  # our own
    file = root.find("x:file", NS)
    item = Item.objects.get()
    assert {name: file.get(name) for name in ("original", "source-language", "target-language", "product-version")} == {
        "original": f"next/item-{item.pk}",
        "source-language": "en",
        "target-language": "pt",
        "product-version": "1",
    }
    unit = file.findall(".//x:trans-unit", NS)[2]
    assert (unit.get("id"), unit.get("approved")) == (f"item-{item.pk}:text.0.1", "no")
    source = ElementTree.tostring(unit.find("x:source", NS), encoding="unicode").partition(">")[2]
    assert source.replace("ns0:", "").replace(' xmlns:ns0="urn:oasis:names:tc:xliff:document:1.2"', "").strip() == (
        '<g id="1" ctype="bold">Two</g> people <g id="2" ctype="link">died</g>.</source>'
    )


def test_states_and_hints_say_how_far_a_sentence_is():
    root = ElementTree.fromstring(written(a_full_issue()))  # noqa: S314  # our own
    told = {}
    for unit in root.iterfind(".//x:trans-unit", NS):
        target = unit.find("x:target", NS)
        told["".join(unit.find("x:source", NS).itertext())] = (
            unit.get("approved"),
            target.get("state") if target is not None else None,
            [note.text for note in unit.findall("x:note", NS)][2:],
        )
    assert told["May"] == ("no", None, [])
    assert told["Boat"] == ("no", "translated", [])
    assert told["A law."] == ("yes", "final", ["Glossary: law → lei"])
    assert told["A report."] == ("no", "translated", [])
    assert told["It is very late."] == (
        "no", "needs-adaptation", ["The original has changed since this was translated."]
    )  # fmt: skip
    assert told["Uno"] == ("no", None, ["The translation is divided in another way; it is: Só um."])
    assert "Written in Portuguese" not in told


@pytest.mark.parametrize("items", [1, 3])
def test_a_file_takes_the_same_number_of_queries(items, django_assert_num_queries):
    person, issue = ines(), an_issue()
    for number in range(items):
        item = make_item(issue, en=(f"Report {number}", "<p>A report.</p>"))
        store(item, "pt", "Relatório", "<p>Um relatório.</p>", by=person)
        store(item, "en", f"Report {number}", "<p>Another report.</p>", by=person)
    there = contents(issue)
    units.make_known(there, "pt")
    with django_assert_num_queries(3):  # texts, glossary, what the sources were
        units.sheets(there, "pt")


def test_what_was_not_touched_changes_nothing():
    issue = a_full_issue()
    assert set(kinds(issue, read(written(issue))).values()) == {"same", "empty"}


def test_a_translation_with_links_in_another_order_keeps_its_links():
    issue = an_issue(
        en=("Two links", '<p><a href="https://a.example/">A</a> and <a href="https://b.example/">B</a>.</p>'),
        pt=("Dois", '<p><a href="https://b.example/">B</a> e <a href="https://a.example/">A</a>.</p>'),
    )
    assert read(written(issue)).sentences[1].target == "⟦2⟧B⟦/2⟧ e ⟦1⟧A⟦/1⟧."
    [sheet] = sheets(issue)
    words = units.rebuilt(sheet, {"text.0.0": "⟦2⟧Be⟦/2⟧ e ⟦1⟧A⟦/1⟧."})
    assert words["text"] == '<p><a href="https://b.example/">Be</a> e <a href="https://a.example/">A</a>.</p>'


def test_a_translation_with_other_markup_goes_out_without_and_stays_as_it_is():
    issue = an_issue(
        en=("One", "<p>A <strong>boat</strong>. It sank.</p>"), pt=("Um", "<p>Um <em>barco</em>. Foi.</p>")
    )
    assert [one.target for one in read(written(issue)).sentences] == ["Um", "Um barco.", "Foi."]
    assert set(kinds(issue, read(written(issue))).values()) == {"same"}
    [sheet] = sheets(issue)
    assert units.rebuilt(sheet, {"text.0.1": "Afundou."})["text"] == "<p>Um <em>barco</em>. Afundou.</p>"


# --- what programs do to a file ---------------------------------------------------------------------------------------


def test_a_translators_remarks_and_tags_as_text_are_understood():
    issue = an_issue()
    content = written(issue)
    after = "died</g>.</source>"
    for target in (
        '<target><mrk mtype="seg" mid="1"><g id="1">Duas</g> <g id="2">mortas</g>.</mrk></target>',
        '<target>&lt;g id="1" ctype="bold"&gt;Duas&lt;/g&gt; &lt;g id="2"&gt;mortas&lt;/g&gt;.</target>',
    ):
        file = read(content.replace(after, after + target))
        assert [one.target for one in file.sentences if one.target] == ["⟦1⟧Duas⟦/1⟧ ⟦2⟧mortas⟦/2⟧."]


def test_a_tag_of_another_program_damages_one_sentence_and_is_named():
    content = written(an_issue()).replace("</source>", "</source><target><ph id='9'/>x</target>", 1)
    assert [(one.key, one.fault) for one in read(content).sentences if one.fault] == [("title.0.0", "<ph>")]


def test_an_utf16_file_is_read():
    content = written(an_issue()).replace("UTF-8", "UTF-16").encode("utf-16")
    assert len(read(content).sentences) == 5


# --- what a stranger may write ----------------------------------------------------------------------------------------

LAUGHS = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "{}">]><xliff version="1.2">&b;</xliff>'.format(
    "&a;" * 1000
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xliff version="1.2">&a;</xliff>'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (LAUGHS, "damaged"),
        (OUTSIDE, "damaged"),
        ("<xliff version='1.2'><file></xliff>", "damaged"),
        ("", "damaged"),
        ("\0\0", "damaged"),
        ("<?xml version='1.0' encoding='zip'?><xliff version='1.2'/>", "damaged"),
        ("<html/>", "no XLIFF"),
        ("<xliff version='2.0'/>", "XLIFF 2.0"),
        ("<xliff version='1.2'>" + "<a>" * 50 + "</a>" * 50 + "</xliff>", "too many tags"),
        ("<xliff version='1.2'>" + "<a/>" * 200_001 + "</xliff>", "too many tags"),
        ("<xliff version='1.2'>" + " " * 5_000_001 + "</xliff>", "larger than 5 MB"),
        ("<xliff version='1.2'><file target-language='pt'/><file target-language='es'/></xliff>", "more than one"),
    ],
    ids=["laughs", "outside", "torn", "empty", "nothing", "charset", "html", "two", "deep", "wide", "large", "mixed"],
)
def test_a_hostile_or_broken_file_is_refused_at_once(content, told):
    start = time.monotonic()
    with pytest.raises(Unreadable, match=told):
        xliff.read(content.encode())
    assert time.monotonic() - start < 3


# --- in general -------------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
tags = st.sampled_from(["<strong>", "<em>", '<a href="https://x.example/">', "<br>"])


@st.composite
def marked(draw) -> Segment:
    """A sentence with some marks, one after the other, and whatever letters there are."""
    found, said = {}, segments._guarded(draw(words))
    for number, tag in enumerate(draw(st.lists(tags, max_size=3)), 1):
        found[str(number)] = tag
        inside = "/⟧" if tag == "<br>" else f"⟧{segments._guarded(draw(words))}⟦/{number}⟧"
        said += f"⟦{number}{inside}{segments._guarded(draw(words))}"
    return Segment("text.0.0", said, found)


def sheet_of(segment: Segment, target: Segment) -> Sheet:
    item = Item(pk=1, original_language="en")
    text, source = Text(item=item, language="pt"), Text(item=item, language="en", number=3)
    return Sheet("item-1", "Boat", item, text, source, {}, {}, None, [Unit(segment, (target,) if target.words else ())])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(segment=marked())
def test_every_sentence_comes_back_as_it_went(segment):
    sheet = sheet_of(segment, segment)
    [back] = xliff.read(xliff.write(Issue(slug="x"), "pt", [sheet], now=NOW).encode()).sentences
    assert (back.source, back.target) == (units.tidy(segment.words), units.tidy(sheet.units[0].target))
    assert back.was == sheet.units[0].fingerprint


def test_the_words_of_the_tests_say_what_is_tested():
    assert segments.cut({"text": TEXT}, "en")[1].words == "⟦1⟧Two⟦/1⟧ people ⟦2⟧died⟦/2⟧."
