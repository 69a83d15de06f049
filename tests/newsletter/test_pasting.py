"""What word processors put on the clipboard, where no browser made it plain before: nothing but what is allowed is
stored. What the editor makes of it is told by tests/browser/test_pasting.py."""

import re
from pathlib import Path

import pytest

from picum import richtext

PASTED = Path(__file__).resolve().parent.parent / "pasted"
PROGRAMS = sorted(path.stem for path in PASTED.glob("*.html"))
STYLES = (
    "mso-",
    "Calibri",
    "Table Normal",
    "StartFragment",
    "WordDocument",
    "Normal 0",
    "JUNK a title",
    "JUNK deleted",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_but_what_is_allowed_is_left(program):
    stored = richtext.clean((PASTED / f"{program}.html").read_text(encoding="utf-8"))
    assert set(re.findall(r"</?([a-z0-9:]+)", stored)) <= richtext.TAGS
    assert set(re.findall(r"<[a-z]+ ([a-z-]+)=", stored)) == {"href"}
    assert "A boat off Lampedusa" in stored
    assert not [junk for junk in STYLES if junk in stored]
    assert "file:" not in stored


def test_bold_and_italic_of_word_are_those_of_ours():
    assert richtext.clean("<P><B STYLE='mso-bidi-font-weight:normal'>Two</B> <i>of</i> them</P>") == (
        "<p><strong>Two</strong> <em>of</em> them</p>"
    )


def test_what_google_wraps_around_all_is_not_bold():
    pasted = '<b style="font-weight:normal;" id="docs-internal-guid-1"><p>Not <strong>all</strong> of it</p></b>'
    assert richtext.clean(pasted) == "<p>Not <strong>all</strong> of it</p>"


@pytest.mark.parametrize("tag", ["<br>", "<body>", "<img>", "<blockquote>", "<bdo>", "<ins>"])
def test_tags_that_begin_alike_are_not_taken_for_bold(tag):
    assert "strong" not in richtext.clean(f"{tag}words")
    assert "em" not in richtext.clean(f"{tag}words")


@pytest.mark.parametrize("address", ["file:///C:/secret.docx", "#_ftn1", "javascript:alert(1)", "/en/", ""])
def test_of_links_that_lead_nowhere_the_words_are_kept(address):
    assert richtext.clean(f'<p>Read <a href="{address}">the <em>draft</em></a>.</p>') == (
        "<p>Read the <em>draft</em>.</p>"
    )


def test_words_that_were_deleted_are_not_pasted():
    assert richtext.clean("<p>Two<del> or three</del> people<ins> died</ins>.</p>") == "<p>Two people died.</p>"


def test_cleaning_twice_is_cleaning_once():
    for program in PROGRAMS:
        once = richtext.clean((PASTED / f"{program}.html").read_text(encoding="utf-8"))
        assert richtext.clean(once) == once
