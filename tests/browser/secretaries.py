"""Two people of the secretariat, and the lists of readers that they bring."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext, override, pgettext

from tests.browser.hands import Keys, Mouse
from tests.browser.program import Run
from tests.browser.visitor import Visitor
from tests.newsletter import lists

LINES = 100_000  # so long that the bar can be watched
KNOWN, STOPPED = "{known}", "{stopped}"  # a reader there is, and an address on the stop list


@dataclass
class Secretary:
    """Somebody of the secretariat with a list. `rows` are its first lines, each with what is to become of it; the rest
    of the list is `filler`, and `reader` the one of them whom we follow: address, languages and name."""

    login: str
    language: str
    hands: type
    width: int
    file: str
    columns: dict[str, str]  # which column is what, by the label of the field
    with_proof: bool
    numbers: list[str]
    rows: list[tuple[list[str], list[str]]]
    filler: tuple[list[str], list[str]]
    reader: tuple[str, str, str]
    report: str
    visitor: Visitor | None = None
    seen: dict = field(default_factory=dict)

    @property
    def tab(self):
        return self.visitor.tab

    @property
    def source(self) -> str:
        return self.file.rpartition(".")[0]

    @property
    def stopped(self) -> str:
        """Who asked this person for never getting a mail again."""
        return f"stopped.{self.language}@posteo.example.org"

    @property
    def delimiter(self) -> str:
        """What a spreadsheet in this language takes for the end of a cell."""
        return "," if self.language == "en" else ";"

    @property
    def hand(self) -> Mouse | Keys:
        return self.hands(self.tab)

    def words(self, text: str, sense: str = "") -> str:
        """As the desk says it in this person's language; `sense` is the context of a word that has several."""
        with override(self.language):
            return pgettext(sense, text) if sense else gettext(text)

    def button(self, text: str):
        return self.tab.locator("main").get_by_role("button", name=self.words(text), exact=True)

    def link(self, text: str):
        return self.tab.get_by_role("link", name=self.words(text), exact=True)

    def label(self, text: str):
        return self.tab.get_by_label(re.compile(rf"^\s*{re.escape(self.words(text))}:?\s*$", re.IGNORECASE))

    def goes_by(self, element) -> None:
        """To the page where a link or a button leads."""
        with self.tab.expect_navigation():
            self.hand.press(element)

    def looks_at(self, heading: str) -> None:
        """The page is there, in this person's language, and has no fault, neither on a screen nor on a phone."""
        self.tab.get_by_role("heading", level=1, name=heading, exact=True).wait_for()
        assert self.tab.locator("html").get_attribute("lang") == self.language
        for width in (1600 - self.width, self.width):
            self.tab.set_viewport_size({"width": width, "height": 800})
            self.visitor.looks()


PEOPLE = [
    Secretary(
        "greta@picum.example", "de", Mouse, 320, "Tagung Köln 2026.csv",
        {"Address": "Kontakt für Rückfragen", "Languages": "Liest", "Name": "Wer"}, True,
        ["99.995", "1", "4"],
        [
            (["Jürgen Groß – 5 €", "Juergen.Gross@Posteo.example.org", "Deutsch"], ["hinzugefügt", ""]),
            (["=SUMME(A1:A9)", "+zofie@posteo.example.org", "Französisch, de"], ["hinzugefügt", ""]),
            (["", "juergen.gross@POSTEO.example.org", "de"],
             ["abgelehnt", "die Adresse steht weiter oben schon in der Datei"]),
            (["", KNOWN, "de"], ["schon vorhanden", ""]),
            (["", STOPPED, "de"], ["abgelehnt", "die Adresse steht auf der Sperrliste"]),
            (["Žofie", "zofie bei posteo", "fr"], ["abgelehnt", "an diese Adresse ließe sich keine E-Mail schicken"]),
            (["", "lang@posteo.example.org", "Klingonisch"],
             ["abgelehnt", "eine Sprache gehört nicht zu en, de, nl, es, fr, it, pt"]),
        ],
        (["", "leser{line}@verein.example.org", "de"], ["hinzugefügt", ""]),
        ("+zofie@posteo.example.org", "fr de", "=SUMME(A1:A9)"),
        "bericht",
    ),
    Secretary(
        "ellen@picum.example", "en", Keys, 1280, "Fair in Porto.xlsx",
        {"Address": "Reach", "Languages": "Reads", "Name": "Who"}, False,
        ["2", "1", "99,997"],
        [
            (["@Chiara", "+chiara@posteo.example.org", "Italian; en"], ["asked to confirm", ""]),
            (["João <&> Inês", "joao@posteo.example.org", "pt"], ["asked to confirm", ""]),
            (["", "Joao@posteo.example.org", "pt"], ["refused", "the address is further up in the file already"]),
            (["", KNOWN, "en"], ["already there", ""]),
            (["", STOPPED, "en"], ["refused", "the address is on the stop list"]),
            (["", "a@localhost", "en"], ["refused", "it is not an address to which a mail could be sent"]),
        ],
        (["", "joao@posteo.example.org", "pt"], ["refused", "the address is further up in the file already"]),
        ("+chiara@posteo.example.org", "it en", "@Chiara"),
        "report",
    ),
]  # fmt: skip


def the_list_of(person: Secretary, run: Run, folder: Path) -> Path:
    """As a spreadsheet program writes it: in German with semicolons in Windows-1252, or as XLSX."""
    (known,) = run.rows("SELECT address FROM newsletter_subscriber WHERE source = 'demo' LIMIT 1")[0]
    told = {KNOWN: known, STOPPED: person.stopped}
    order = [person.columns[name] for name in ("Name", "Address", "Languages")]
    rows = [order, *([told.get(cell, cell) for cell in cells] for cells, _fate in person.rows)]
    filler = person.filler[0]
    rows += [[cell.format(line=line) for cell in filler] for line in range(len(rows) + 1, LINES + 2)]
    path = folder / person.file
    if path.suffix == ".xlsx":
        return lists.spreadsheet(path, lists.rows(*rows))
    path.write_bytes("".join(f"{';'.join(cells)}\r\n" for cells in rows).encode("cp1252"))
    return path


def fates_of(person: Secretary) -> list[list[str]]:
    """What is to become of each line."""
    fates = [fate for _cells, fate in person.rows]
    fates += [person.filler[1]] * (LINES - len(fates))
    return [[str(line), *fate] for line, fate in enumerate(fates, 2)]
