"""What programs for translators make of our files. The samples were opened, translated and written by the programs
themselves (docs/translation-files.md names their versions); in them the items are called item-901 to item-903."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from newsletter.models import Text
from newsletter.translation import texts
from newsletter.translation.exchange import importing
from picum.accounts.models import User
from tests.newsletter.factories import make_item, make_texts
from tests.newsletter.translation.files import an_issue, brought_in, ines, proposed, store, written

pytestmark = pytest.mark.django_db
SAMPLES = Path(__file__).parent / "samples"
BOAT = (
    "<p>A boat with 40 % of the children sank near <strong>Λέσβος</strong>. <strong>Two</strong> people "
    '<a href="https://x.example/?a=1&amp;b=2">died, <em>said</em> “Il Faro”</a>.<br>Nobody came: 5 &lt; 6 &amp; '
    '"quotes" &amp;amp; &lt;b&gt;.</p><ul><li>First point</li></ul>'
)
REPORT = '<p>The report is out. It counts {} cases in Łódź. Read it <a href="https://r.example/">here</a>.</p>'
RELATORIO = '<p>O relatório saiu. Conta 400 casos em Łódź. Leia-o <a href="https://r.example/">aqui</a>.</p>'
BARCO = (
    '<p>[…] <a href="https://x.example/?a=1&amp;b=2">Morreram, <em>disse</em> «Il Faro»</a>, <strong>duas</strong> '
    'pessoas.<br>Ninguém veio: 5 &lt; 6 &amp; "aspas" &amp;amp; &lt;b&gt;.</p><ul><li>{}</li></ul>'
)


def an_issue_for_volunteers():
    """Something missing, with marks of all kinds; something outdated; something approved; a sentence that stands in two
    items and is translated in one."""
    person = ines()
    issue = an_issue(en=("Boat", BOAT))
    make_texts(issue, "en", subject="May: “Nobody is illegal” & more")
    report = make_item(issue, en=("A report", REPORT.format(400)))
    store(report, "pt", "Um relatório", RELATORIO, by=person)
    store(report, "en", "A report", REPORT.format(412), by=person)
    law = make_item(issue, en=("A law", "<p>First point</p>"))
    store(law, "pt", "Uma lei", "<p>Primeiro ponto</p>", by=person, state=Text.State.APPROVED)
    return issue


def named(content: str, issue, *, back: bool = False) -> str:
    """A sample's items by the keys that they have in this database, or the other way round; all at once, as a key may
    be the beginning of another's number."""
    keys = {f"item-{number}": f"item-{item.pk}" for number, item in enumerate(issue.items.order_by("pk"), 901)}
    if back:
        keys = {here: there for there, here in keys.items()}
    return re.sub(r"item-\d+", lambda found: keys.get(found[0], found[0]), content)


def sample(name: str, issue) -> importing.File:
    return importing.read(named((SAMPLES / name).read_text(encoding="utf-8"), issue).encode(), "pt")


def verdicts(issue, file) -> dict[str, str]:
    """What becomes of each sentence, by the name that it has in the samples."""
    proposals, strangers = proposed(issue, file)
    every = [*(one for proposal in proposals for one in proposal.verdicts), *strangers]
    return {named(f"{one.returned.name}:{one.returned.key}", issue, back=True): one.kind.value for one in every}


TRANSLATED = {
    "around:subject.0.0": "take",
    "item-901:title.0.0": "empty",
    "item-901:text.0.0": "damaged",  # the translator lost the bold mark
    "item-901:text.0.1": "take",
    "item-901:text.0.2": "take",
    "item-901:text.1.0": "empty",
    "item-902:title.0.0": "same",
    "item-902:text.0.0": "take",
    "item-902:text.0.1": "still-right",
    "item-902:text.0.2": "same",
    "item-903:title.0.0": "same",
    "item-903:text.0.0": "same",
}
# OmegaT says a sentence that stands in two items in the same words in both; and it offers the file's header for
# translation, into which somebody has typed.
OMEGAT = TRANSLATED | {"item-901:text.1.0": "take"}
EVERY = ["omegat-3.6.po", "poedit-3.2.po", "poedit-3.2.xlf", "weblate-5.14.po", "weblate-5.14.xlf"]


@pytest.mark.parametrize("name", EVERY)
def test_what_a_program_wrote_is_understood(name):
    issue = an_issue_for_volunteers()
    assert verdicts(issue, sample(name, issue)) == (OMEGAT if name.startswith("omegat") else TRANSLATED)


@pytest.mark.parametrize("name", EVERY)
def test_words_letters_and_marks_come_back_whole(name):
    issue = an_issue_for_volunteers()
    outcomes = brought_in(issue, sample(name, issue), User.objects.get())
    assert [what for what, _why in outcomes] == ["stored", "kept", "stored"]
    boat, report, _law = issue.items.order_by("pk")
    assert issue.translations.get(language_code="pt").subject == 'Maio: "Ninguém é ilegal" & mais'
    assert Text.objects.get(item=boat, language="pt").working == {
        "title": "",
        "text": BARCO.format("Primeiro ponto" if name.startswith("omegat") else "[…]"),
    }
    assert texts.stored_words(report, "pt")["text"] == RELATORIO.replace("relatório saiu", "relatório já saiu")
    assert not texts.is_outdated(texts.find(report, "pt"), texts.find(report, "en"))


def test_omegats_own_filter_for_xliff_sees_what_is_translated_already_and_leaves_the_rest_alone():
    issue = an_issue_for_volunteers()
    said = verdicts(issue, sample("omegat-3.6.xlf", issue))
    assert {key: kind for key, kind in said.items() if kind not in ("same", "empty")} == {
        "item-902:text.0.1": "take",
        "item-902:text.0.2": "take",
    }


# --- what they asked for ----------------------------------------------------------------------------------------------


def test_an_outdated_sentence_is_in_the_state_that_poedit_and_weblate_show_as_unfinished():
    assert '<target state="needs-adaptation">Conta 400 casos em Łódź.</target>' in written(an_issue_for_volunteers())


def test_nothing_but_its_place_says_what_a_sentence_is():
    """Weblate takes `resname` for the identity, and drops the second sentence of the same words under the same one."""
    assert "resname" not in written(an_issue_for_volunteers())


def test_a_percentage_is_not_taken_for_a_programs_format():
    content = written(an_issue_for_volunteers(), "po")
    assert [line for line in content.splitlines() if line.startswith("#,")] == ["#, fuzzy"]


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="gettext is not installed")
@pytest.mark.parametrize("name", ["omegat-3.6.po", "poedit-3.2.po", "weblate-5.14.po"])
def test_gettext_is_content_with_it_too(name):
    checked = subprocess.run(
        ["msgfmt", "--check-format", "-o", "/dev/null", SAMPLES / name], capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")
