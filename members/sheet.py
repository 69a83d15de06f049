"""A sheet of A4 with the network's head, for papers about fees: words, facts and tables, one below the other.

Every face that is used is embedded, so that names in Polish, Greek or Turkish print everywhere.
"""

from functools import lru_cache
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph
from segno import QRCode

from picum.mail import NETWORK

FONTS = Path(__file__).with_name("fonts")
PLAIN, BOLD = "DejaVuSansCondensed", "DejaVuSansCondensed-Bold"
INK, QUIET, ACCENT, LINE, SOFT = map(HexColor, ("#1b1f2a", "#4c5564", "#0b5f5c", "#c4ccca", "#f1f5f4"))
WIDTH, HEIGHT = A4
LEFT, RIGHT, TOP, BOTTOM = 25 * mm, WIDTH - 20 * mm, HEIGHT - 20 * mm, 20 * mm
PAD = 6 * mm  # within a box


@lru_cache
def fonts() -> None:
    """Make PLAIN and BOLD known. Reading a face takes a tenth of a second: once per process, where papers are made."""
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))


def _style(size: float, *, font: str = PLAIN, color: HexColor = INK, right: bool = False) -> ParagraphStyle:
    # Long words, of which addresses and names are full, are cut rather than printed over the edge.
    return ParagraphStyle(
        "",
        fontName=font,
        fontSize=size,
        leading=size * 1.4,
        textColor=color,
        alignment=TA_RIGHT if right else 0,
        splitLongWords=1,
    )


def _height(text: str, style: ParagraphStyle, width: float) -> float:
    return Paragraph(escape(text), style).wrap(width, HEIGHT)[1]


class Sheet:
    """`y` is where the next thing begins, counted from below; a new page when there is no room."""

    def __init__(self, *, title: str, language: str):
        fonts()
        self.file, self.title = BytesIO(), title
        self.canvas = Canvas(self.file, pagesize=A4, lang=language, pageCompression=1, initialFontName=PLAIN)
        self.canvas.setTitle(title)
        self.canvas.setAuthor(NETWORK)
        self.canvas.setSubject(title)
        self.canvas.setCreator(NETWORK)
        self.y = TOP
        self._head()

    def done(self) -> bytes:
        """The PDF."""
        self._foot()
        self.canvas.save()
        return self.file.getvalue()

    def space(self, height: float) -> None:
        self.y -= height

    def need(self, height: float) -> None:
        """A new page when less room than this is left."""
        if self.y - height < BOTTOM:
            self._foot()
            self.canvas.showPage()
            self.y = TOP

    def words(
        self,
        text: str,
        *,
        size: float = 10,
        bold: bool = False,
        color: HexColor = INK,
        x: float = LEFT,
        width: float = RIGHT - LEFT,
        right: bool = False,
    ) -> None:
        """A paragraph of plain text, as many lines as it takes."""
        style = _style(size, font=BOLD if bold else PLAIN, color=color, right=right)
        paragraph = Paragraph(escape(text), style)
        _width, height = paragraph.wrap(width, HEIGHT)
        self.need(height)
        paragraph.drawOn(self.canvas, x, self.y - height)
        self.y -= height

    def beside(self, *columns: list[tuple[str, str]]) -> None:
        """Facts in columns side by side, each a list of what it is and what it says."""
        top, low = self.y, self.y
        width = (RIGHT - LEFT) / len(columns)
        for number, facts in enumerate(columns):
            self.y = top
            self.facts(facts, x=LEFT + number * width, width=width - 4 * mm)
            low = min(low, self.y)
        self.y = low

    def facts(self, facts: list[tuple[str, str]], *, x: float = LEFT, width: float = RIGHT - LEFT) -> None:
        for name, value in facts:
            self.words(name, size=8, color=QUIET, x=x, width=width)
            self.words(value, size=10.5, bold=True, x=x, width=width)
            self.space(1.5 * mm)

    def rule(self, *, color: HexColor = LINE, width: float = 0.6) -> None:
        self.canvas.setStrokeColor(color)
        self.canvas.setLineWidth(width)
        self.canvas.line(LEFT, self.y, RIGHT, self.y)

    def row(self, words: str, amount: str, *, bold: bool = False, color: HexColor = INK, size: float = 10) -> None:
        """A line of an account: what for, and how much, with a rule below."""
        self.need(10 * mm)
        self.space(2 * mm)
        top = self.y
        self.words(words, bold=bold, color=color, size=size, width=RIGHT - LEFT - 38 * mm)
        low, self.y = self.y, top
        self.words(amount, bold=bold, color=color, size=size, x=RIGHT - 38 * mm, width=38 * mm, right=True)
        self.y = min(low, self.y) - 2 * mm
        self.rule()

    def box(self, facts: list[tuple[str, str]], qr: QRCode, caption: str) -> None:
        """How to pay, on a ground of its own: facts on the left, the code on the right."""
        side = 42 * mm
        width = RIGHT - LEFT - side - 3 * PAD
        code = side + 1.5 * mm + _height(caption, _style(8), side)
        height = max(code, self._height(facts, width)) + 2 * PAD
        self.need(height)
        top = self.y
        self.canvas.setFillColor(SOFT)
        self.canvas.roundRect(LEFT, top - height, RIGHT - LEFT, height, 2.5 * mm, stroke=0, fill=1)
        self.y = top - PAD
        self.facts(facts, x=LEFT + PAD, width=width)
        self._code(qr, x=RIGHT - PAD - side, top=top - PAD, side=side)
        self.y = top - PAD - side - 1.5 * mm
        self.words(caption, size=8, color=QUIET, x=RIGHT - PAD - side, width=side)
        self.y = top - height

    def _height(self, facts: list[tuple[str, str]], width: float) -> float:
        height = len(facts) * 1.5 * mm
        for name, value in facts:
            height += _height(name, _style(8), width) + _height(value, _style(10.5, font=BOLD), width)
        return height

    def _code(self, qr: QRCode, *, x: float, top: float, side: float) -> None:
        """The modules as rectangles, with the four empty ones around them that scanners want."""
        size, border = qr.symbol_size(border=0)[0], 4
        module = side / (size + 2 * border)
        self.canvas.setFillColor(white)
        self.canvas.roundRect(x, top - side, side, side, 1 * mm, stroke=0, fill=1)
        path = self.canvas.beginPath()
        for line, row in enumerate(qr.matrix):
            for column, dark in enumerate(row):
                if dark:
                    left, low = x + (column + border) * module, top - (line + border + 1) * module
                    path.rect(left, low, module, module)
        self.canvas.setFillColor(INK)
        self.canvas.drawPath(path, stroke=0, fill=1)

    def _head(self) -> None:
        self.canvas.setFillColor(ACCENT)
        self.canvas.rect(0, HEIGHT - 6 * mm, WIDTH, 6 * mm, stroke=0, fill=1)
        top = self.y
        self.words(NETWORK, size=22, bold=True, color=ACCENT, width=60 * mm)
        self.y = top - 1 * mm
        for line in _imprint():
            self.words(line, size=8, color=QUIET, x=RIGHT - 110 * mm, width=110 * mm, right=True)
        self.y = top - 13 * mm  # in every language the same, so that the address stands in an envelope's window

    def _foot(self) -> None:
        self.canvas.setFillColor(QUIET)
        self.canvas.setFont(PLAIN, 7.5)
        self.canvas.drawString(LEFT, 13 * mm, f"{NETWORK} · {self.title}")
        self.canvas.drawRightString(RIGHT, 13 * mm, str(self.canvas.getPageNumber()))


def _imprint() -> list[str]:
    """Who we are and where: as at the foot of our mails."""
    street = f"Rue du Congrès/Congresstraat 37-41, {_('post box 5')}"
    return [
        _("Platform for International Cooperation on Undocumented Migrants"),
        f"{street}, 1000 {_('Brussels')}, {_('Belgium')}",
    ]
