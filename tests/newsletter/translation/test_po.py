"""PO: as Poedit and gettext want it, and back again."""

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings

from newsletter.models import Issue
from newsletter.translation.exchange import po, units
from newsletter.translation.exchange.units import Unreadable
from tests.newsletter.translation.files import NOW, PORTUGUESE, an_issue, kinds, read, written
from tests.newsletter.translation.test_xliff import a_full_issue, marked, sheet_of

pytestmark = pytest.mark.django_db


def test_a_sentence_has_its_place_its_revision_and_what_it_is_about():
    issue = an_issue(pt=("Barco", PORTUGUESE))
    item = issue.items.get()
    assert (
        "#. Boat (en)\n#. text\n#. Marks: <g1> bold, <g2> link\n"
        f'msgctxt "item-{item.pk}:text.0.1@1:2958086b9b35"\n'
        'msgid "<g1>Two</g1> people <g2>died</g2>."\n'
        'msgstr "<g1>Duas</g1> pessoas <g2>morreram</g2>."\n'
    ) in written(issue, "po")


def test_what_is_outdated_is_fuzzy():
    fuzzy = [part for part in written(a_full_issue(), "po").split("\n\n") if "#, fuzzy" in part]
    assert ["It is very late." in part for part in fuzzy] == [True]


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="gettext is not installed")
def test_gettext_has_nothing_to_complain_about(tmp_path):
    file = tmp_path / "pt.po"
    file.write_text(written(a_full_issue(), "po"), encoding="utf-8")
    checked = subprocess.run(
        ["msgfmt", "--check", "-o", "/dev/null", file], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_what_was_not_touched_changes_nothing():
    issue = a_full_issue()
    assert set(kinds(issue, read(written(issue, "po"), "po")).values()) == {"same", "empty"}


def test_a_header_of_poedit_and_a_mark_at_the_beginning_are_no_matter():
    content = written(an_issue(), "po").replace(
        '"Language: pt\\n"', '"Language: pt_PT\\n"\n"X-Generator: Poedit 3.4\\n"'
    )
    file = po.read(b"\xef\xbb\xbf" + content.encode())
    assert (file.language, len(file.sentences)) == ("pt", 5)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "damaged"),
        (b"<xliff/>", "damaged"),
        (b'msgid "a', "damaged"),
        (b'msgid "a"\nmsgstr "b"\nmsgfoo "c"\n', "damaged"),
        (b'msgid ""\nmsgstr "Content-Type: text/plain; charset=zip\\n"\n', "damaged"),
        (b'msgid ""\nmsgstr "Plural-Forms: nplurals=__import__(1); plural=n\\n"\nmsgid "a"\nmsgstr ""', "damaged"),
        ('msgid "ä"\nmsgstr ""\n'.encode("latin-1"), "UTF-8"),
        (b"#" * 5_000_001, "larger than 5 MB"),
    ],
    ids=["empty", "xml", "torn", "strange", "charset", "plural", "latin", "large"],
)
def test_a_broken_file_is_refused(content, told, capsys):
    with pytest.raises(Unreadable, match=told):
        po.read(content)
    assert capsys.readouterr().out == ""


def test_a_foreign_catalogue_has_no_sentence_of_ours():
    issue = an_issue()
    content = 'msgid ""\nmsgstr "Language: pt\\n"\n\nmsgctxt "menu"\nmsgid "File"\nmsgstr "Ficheiro"\n'
    assert kinds(issue, read(content, "po")) == {"menu": "unknown"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(segment=marked())
def test_every_sentence_comes_back_as_it_went(segment):
    sheet = sheet_of(segment, segment)
    if not units.tidy(segment.words):
        return
    [back] = po.read(po.write(Issue(slug="x"), "pt", [sheet], now=NOW).encode()).sentences
    assert (back.source, back.target) == (units.tidy(segment.words), units.tidy(sheet.units[0].target))
    assert (back.name, back.key, back.was) == ("item-1", "text.0.0", sheet.units[0].fingerprint)


@pytest.mark.parametrize("typed", ["a <g1> b", "&lt;g1>", "&amp;lt;/g2> <x3/>", "<g1", "&lt;", "<1>"])
def test_what_an_editor_typed_is_no_mark(typed):
    assert po._marked(po.tagged(typed)) == typed
    assert "⟦" not in po._marked(po.tagged(typed))
