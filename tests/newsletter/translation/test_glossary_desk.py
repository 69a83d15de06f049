"""The glossary at the desk: seen, edited, and worked through in a spreadsheet."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext, override
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from newsletter.models import Term
from newsletter.translating import LANGUAGES
from newsletter.translation import glossary_lists
from picum import csvfile, localising
from picum.accounts.models import AuditEntry
from picum.csvfile import Unreadable
from tests.newsletter.desk import amal, at_the_desk, carla, page, staff

LIST = """language;words;kind;concept;why;instead;exact;colour
pt;imigrante ilegal;avoid;undocumented;Ninguém é ilegal;pessoa indocumentada;;red
PT;Ilegais;avoid;undocumented;;;yes;
Portuguese;=pessoa indocumentada;;undocumented;;;;
xx;word;;;;;;
en;;;;;;;
en;word;perhaps;;;;;
en;word;;not a key;;;;
pt;imigrante ilegal;avoid;;;;;
"""
ALL = ("view_term", "change_term", "add_term", "delete_term")


@pytest.fixture
def _empty(db):
    Term.objects.all().delete()


def rows(text: str, path: Path) -> tuple[list, list]:
    file = path / "glossary.csv"
    file.write_text(text, encoding="utf-8")
    return glossary_lists.read(file)


def outcomes(verdicts) -> list[tuple]:
    return [(one.line, one.name, one.outcome) for one in verdicts]


def stored() -> set[tuple]:
    return set(Term.objects.values_list(*glossary_lists.COLUMNS))


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_empty")
def test_a_list_is_judged_row_by_row_and_nothing_is_changed(tmp_path):
    found, unknown = rows(LIST, tmp_path)
    verdicts = glossary_lists.dry_run(found)
    assert outcomes(verdicts) == [
        (2, "imigrante ilegal", "new"),
        (3, "Ilegais", "new"),
        (4, "=pessoa indocumentada", "new"),
        (5, "word", "refused"),
        (6, "", "refused"),
        (7, "word", "refused"),
        (8, "word", "refused"),
        (9, "imigrante ilegal", "refused"),
    ]
    assert [one.words[0].split(":")[0] for one in verdicts[3:]] == [
        "nobody knows this language",
        "there is no word",
        "this is no kind of term",
        "Concept",
        "this term stands in line 2 already",
    ]
    assert (unknown, stored()) == (["colour"], set())


@pytest.mark.usefixtures("_empty")
def test_a_list_is_taken_over_and_leaves_one_line_in_the_audit_trail(tmp_path):
    found, _unknown = rows(LIST, tmp_path)
    Term.objects.create(language="pt", words="Ilegais", kind="allowed", concept="old", why="Stays.")
    Term.objects.create(language="en", words="other")
    found = [glossary_lists.Row(row.line, {k: v for k, v in row.cells.items() if k != "why"}) for row in found]
    verdicts = glossary_lists.take(found, by=carla())
    assert [(one.outcome, one.words) for one in verdicts[:3]] == [
        ("new", []),
        ("changed", ["Kind", "Concept", "Only just so"]),
        ("new", []),
    ]
    assert stored() == {
        ("pt", "imigrante ilegal", "avoid", "undocumented", "", "pessoa indocumentada", False),
        ("pt", "Ilegais", "avoid", "undocumented", "Stays.", "", True),  # a column that is not there changes nothing
        ("pt", "=pessoa indocumentada", "preferred", "undocumented", "", "", False),
        ("en", "other", "preferred", "", "", "", False),  # what is not in the list stays
    }
    line = AuditEntry.objects.get(action="glossary.import")
    assert (str(line.actor), line.data) == ("Carla", {"new": 2, "changed": 1, "same": 0, "refused": 5})


@pytest.mark.django_db
def test_the_headers_and_the_words_of_the_form_are_understood_in_the_language_of_the_desk(tmp_path):
    with override("en"):
        found, unknown = rows(
            "Language,Word or phrase,Kind,Only just so\nGerman,Illegale Leute,to avoid,no\n", tmp_path
        )
        assert (outcomes(glossary_lists.dry_run(found)), unknown) == ([(2, "Illegale Leute", "new")], [])


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_form_is_understood_in_every_language_of_the_desk(language, tmp_path):
    """And what an export wrote, whoever reads it."""
    Term.objects.all().delete()
    with override(language):
        names = [str(Term._meta.get_field(name).verbose_name) for name in ("language", "words", "kind", "exact")]
        kinds = [(kind.label, kind.value) for kind in Term.Kind] + [(kind.value, kind.value) for kind in Term.Kind]
        spoken = [(localising.language_name(code, language), code) for code in LANGUAGES] + [(c, c) for c in LANGUAGES]
        yes, no = gettext("yes"), gettext("no")
        lines = [[name, f"a {at}", kinds[at % len(kinds)][0], (yes, no, "yes", "")[at % 4]] for at, (name, _code) in
                 enumerate(spoken)]  # fmt: skip
        found, unknown = rows("".join(f"{';'.join(map(str, cells))}\n" for cells in [names, *lines]), tmp_path)
        glossary_lists.take(found, by=carla())
    assert unknown == []
    assert set(Term.objects.values_list("words", "language", "kind", "exact")) == {
        (f"a {at}", code, kinds[at % len(kinds)][1], at % 2 == 0) for at, (_name, code) in enumerate(spoken)
    }


@pytest.mark.usefixtures("_empty")
def test_who_wrote_another_word_is_told_which_are_known(tmp_path):
    found, _unknown = rows("language;words;kind;exact\nxx;a;;\nen;b;forbidden;\nen;c;;perhaps\n", tmp_path)
    assert [one.words for one in glossary_lists.dry_run(found)] == [
        ["nobody knows this language: xx (known are en, de, nl, es, fr, it, pt)"],
        ["this is no kind of term: forbidden (known are preferred, allowed, avoid)"],
        ["this is neither yes nor no: perhaps"],
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [("words;kind\nx;avoid\n", "language"), ("a;b\n1;2\n", "language, words"), ('language;words\nen;"x\n', "Line 2")],
)
def test_a_file_that_is_no_such_list_is_told_in_words(text, why, tmp_path):
    with pytest.raises(Unreadable, match=why):
        rows(text, tmp_path)


@pytest.mark.django_db
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_words_of_the_house_come_back_as_they_went_out(delimiter, tmp_path, django_assert_num_queries):
    before = stored()
    with django_assert_num_queries(1):
        text = glossary_lists.export(delimiter)
    found, unknown = rows(text, tmp_path)
    with django_assert_num_queries(1):
        verdicts = glossary_lists.dry_run(found)
    assert glossary_lists.counts(verdicts) == {"new": 0, "changed": 0, "same": len(before), "refused": 0}
    Term.objects.all().delete()
    glossary_lists.take(found, by=carla())
    assert (stored(), unknown) == (before, [])


words_of_people = st.text(max_size=90).map(glossary_lists.in_one_line)
keys = st.from_regex(r"[a-z0-9_-]{0,20}", fullmatch=True)


class AnyGlossary(TestCase):
    """What editors may store comes back from its own export as the same, whatever it is."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(LANGUAGES),
                words_of_people.filter(bool),
                st.sampled_from(Term.Kind.values),
                keys,
                words_of_people,
                words_of_people,
                st.booleans(),
            ),
            max_size=5,
            unique_by=lambda cells: cells[:2],
        ),
        st.sampled_from(csvfile.DELIMITERS),
    )
    def test_an_export_changes_nothing_when_it_comes_back(self, cells, delimiter):
        Term.objects.all().delete()
        Term.objects.bulk_create(Term(**dict(zip(glossary_lists.COLUMNS, one, strict=True))) for one in cells)
        path = Path(self.enterContext(TemporaryDirectory())) / "glossary.csv"
        path.write_text(glossary_lists.export(delimiter), encoding="utf-8")
        found, _unknown = glossary_lists.read(path)
        assert [one.outcome for one in glossary_lists.dry_run(found)] == ["same"] * len(cells)


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_editor_finds_writes_and_removes_a_term_and_the_audit_trail_knows():
    client = at_the_desk(staff(*ALL))
    term = {
        "language": "pt",
        "words": " ilegal \u2028 aqui ",
        "kind": "avoid",
        "concept": "x",
        "why": "",
        "instead": "",
    }
    assert client.post(page("term_add"), term).status_code == 302
    made = Term.objects.get(language="pt", concept="x")
    assert made.words == "ilegal aqui"
    listed = client.get(page("term_changelist"), {"q": "aqui", "kind": "avoid", "language": "pt"}).content.decode()
    assert '<span lang="pt">ilegal aqui</span>' in listed
    client.post(page("term_change", made.pk), term | {"words": "ilegal", "instead": "pessoa"})
    client.post(page("term_delete", made.pk), {"post": "yes"})
    assert not Term.objects.filter(pk=made.pk).exists()
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "term.add",
        "term.change",
        "term.delete",
    ]


@pytest.mark.django_db
def test_a_term_without_a_word_and_one_that_is_there_are_refused():
    client = at_the_desk(staff(*ALL))
    term = {"language": "en", "kind": "avoid", "concept": "", "why": "", "instead": ""}
    for words, told in [("…", "There is no word in this."), ("illegal entry", "already exists")]:
        answer = client.post(page("term_add"), term | {"words": words})
        assert (answer.status_code, told in answer.content.decode()) == (200, True)


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_whatever_its_length(number, django_assert_num_queries):
    Term.objects.all().delete()
    Term.objects.bulk_create(Term(language="en", words=f"word {at}", concept=f"concept-{at}") for at in range(number))
    client = at_the_desk(staff(*ALL))
    client.get(page("term_changelist"))
    with django_assert_num_queries(7):  # session, person, permissions (2), concepts, count, terms
        answer = client.get(page("term_changelist"))
    assert answer.content.decode().count("concept-") >= number


@pytest.mark.django_db
def test_a_list_is_looked_at_and_then_taken_over_at_the_desk():
    Term.objects.all().delete()
    client = at_the_desk(staff(*ALL))
    answer = client.post(page("glossary_import"), {"file": SimpleUploadedFile("g.csv", LIST.encode())})
    told = answer.content.decode()
    assert "Nothing has been changed yet" in told
    assert "3 new, 0 changed, 0 as it is already, 5 refused" in " ".join(told.split())
    assert "colour" in told
    assert Term.objects.count() == 0
    taken = client.post(page("glossary_import"), {"rows": answer.context["rows"]})
    assert "The list has been taken over." in taken.content.decode()
    assert Term.objects.count() == 3
    answer = client.get(page("glossary_export"))
    assert answer["Content-Disposition"].startswith('attachment; filename="glossary-')
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == '"language","words","kind","concept","why","instead","exact"'
    assert '"pt","\'=pessoa indocumentada","preferred","undocumented","","",""' in lines  # no spreadsheet runs it


@pytest.mark.django_db
def test_a_list_that_was_tampered_with_or_is_none_is_refused():
    client, before = at_the_desk(staff(*ALL)), Term.objects.count()
    answer = client.post(page("glossary_import"), {"rows": "made-up"}, follow=True)
    assert "has not come back whole" in answer.content.decode()
    for content in (b"\x00\x01", b"words\nx\n", b"language,words\n", b"PK\x03\x04 no sheet"):
        answer = client.post(page("glossary_import"), {"file": SimpleUploadedFile("g.csv", content)})
        assert answer.status_code == 400
    assert Term.objects.count() == before


@pytest.mark.django_db
def test_who_may_read_may_not_import_and_others_see_nothing():
    reader = at_the_desk(staff("view_term"))
    assert reader.get(page("glossary_export")).status_code == 200
    assert reader.get(page("glossary_import")).status_code == 403
    assert reader.post(page("glossary_import"), {"rows": "x"}).status_code == 403
    listed = reader.get(page("term_changelist")).content.decode()
    assert page("glossary_export") in listed
    assert page("glossary_import") not in listed
    stranger = at_the_desk(amal())
    for name in ("term_changelist", "glossary_export", "glossary_import"):
        assert stranger.get(page(name)).status_code == 403
    assert page("term_changelist") not in stranger.get("/en/admin/", follow=True).content.decode()
    assert reader.post(page("glossary_export")).status_code == 405
