"""The register of members on paper: A4 across, the head of the table on each page, every name in an embedded face."""

import datetime
from collections.abc import Iterable, Sequence
from io import BytesIO
from xml.sax.saxutils import escape

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, LongTable, PageTemplate, Paragraph, Spacer, TableStyle

from members.models import Membership
from members.sheet import BOLD, INK, LINE, PLAIN, QUIET, SOFT, fonts
from picum import localising
from picum.mail import NETWORK

CONTENT_TYPE = "application/pdf"
_MARGIN = 14 * mm
_WIDTHS = (62, 66, 40, 25, 47, 27)  # millimetres; together 269 less the margins
_CELL = ParagraphStyle("cell", fontName=PLAIN, fontSize=8, leading=10.5, textColor=INK, splitLongWords=1)
_STRONG = ParagraphStyle("strong", parent=_CELL, fontName=BOLD)
_HEAD = ParagraphStyle("head", parent=_CELL, fontName=BOLD, textColor=QUIET)
_TITLE = ParagraphStyle("title", parent=_CELL, fontName=BOLD, fontSize=16, leading=20)


def register(rows: Sequence[Membership], former: Sequence[Membership], *, day: datetime.date) -> bytes:
    """The PDF of `census.on` and, if there are any, of `census.ended_before`, in the active language."""
    fonts()
    language = get_language() or "en"
    title = _("Register of members on %s") % localising.day(day, language)
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=landscape(A4),
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=18 * mm,
        title=title,
        author=NETWORK,
        lang=language,
        initialFontName=PLAIN,
    )
    frame = Frame(document.leftMargin, document.bottomMargin, document.width, document.height, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=lambda canvas, _document: _foot(canvas, title)))
    story = [Paragraph(escape(title), _TITLE), Paragraph(escape(NETWORK), _CELL), Spacer(1, 5 * mm)]
    story.append(_table(rows, language))
    if former:
        story += [Spacer(1, 8 * mm), Paragraph(escape(_("Members who had left")), _TITLE), Spacer(1, 3 * mm)]
        story.append(_table(former, language))
    document.build(story)
    return file.getvalue()


def _table(rows: Iterable[Membership], language: str) -> LongTable:
    head = [_("Name"), _("Address"), _("Category"), _("Joined"), _("Admitted by"), _("Until")]
    lines = [[Paragraph(escape(words), _HEAD) for words in head]]
    for row in rows:
        name, *rest = _cells(row, language)
        lines.append([Paragraph(escape(name), _STRONG), *(Paragraph(escape(words), _CELL) for words in rest)])
    table = LongTable(lines, colWidths=[width * mm for width in _WIDTHS], repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("BACKGROUND", (0, 0), (-1, 0), SOFT),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
            ]
        )
    )
    return table


def _cells(row: Membership, language: str) -> list[str]:
    member = row.member
    place = f"{member.postcode} {member.city}".strip()
    address = ", ".join(filter(None, [member.street, place, localising.country_name(member.country.code, language)]))
    decided = ", ".join(filter(None, [str(row.get_decided_by_display()), _day(row.decided_on, language)]))
    ended = ", ".join(filter(None, [_day(row.until_on, language), str(row.get_ended_why_display())]))
    return [
        f"{member.name} ({member.acronym})" if member.acronym else member.name,
        address,
        f"{row.category} ({_('votes')})" if row.category.has_vote else str(row.category),
        _day(row.joined_on, language),
        decided,
        ended,
    ]


def _day(day: datetime.date | None, language: str) -> str:
    return localising.short_day(day, language) if day else ""


def _foot(canvas: Canvas, title: str) -> None:
    canvas.saveState()
    canvas.setFillColor(QUIET)
    canvas.setFont(PLAIN, 7.5)
    canvas.drawString(_MARGIN, 9 * mm, f"{NETWORK} · {title}")
    canvas.drawRightString(landscape(A4)[0] - _MARGIN, 9 * mm, str(canvas.getPageNumber()))
    canvas.restoreState()
