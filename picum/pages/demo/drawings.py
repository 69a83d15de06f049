"""Pictures and papers for the demo, drawn when it is made: no file of somebody else is shipped with it."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from members.papers import CleanPaper, clean_paper

COLOURS = ["#1d4e89", "#8a1c3b", "#1b6b50", "#b4530a", "#5b3a8c", "#20606b", "#7a5c00", "#9c2f6f"]
PALE = ["#f4b942", "#e8e3d5", "#a7d3c5", "#f2a48c"]
SIZE, PEN = 320, 44


def logo(number: int) -> io.BytesIO:
    """A simple sign as a PNG: doors, bridges, rings; another one for each number."""
    dark, pale = COLOURS[number % len(COLOURS)], PALE[number % len(PALE)]
    picture = Image.new("RGB", (SIZE, SIZE), "white")
    draw = ImageDraw.Draw(picture)
    (_door, _bridge, _rings, _sun)[number % 4](draw, dark, pale)
    file = io.BytesIO()
    picture.save(file, "PNG")
    file.seek(0)
    return file


def _door(draw: ImageDraw.ImageDraw, dark: str, pale: str) -> None:
    draw.rectangle((40, 20, 280, 300), fill=dark)
    draw.polygon([(90, 60), (220, 100), (220, 300), (90, 300)], fill=pale)
    draw.ellipse((190, 185, 210, 205), fill=dark)


def _bridge(draw: ImageDraw.ImageDraw, dark: str, pale: str) -> None:
    draw.ellipse((210, 30, 290, 110), fill=pale)
    draw.arc((10, 110, 310, 410), 180, 360, fill=dark, width=PEN)
    draw.rectangle((0, 100, 320, 128), fill=dark)


def _rings(draw: ImageDraw.ImageDraw, dark: str, pale: str) -> None:
    draw.ellipse((110, 90, 300, 280), outline=pale, width=PEN)
    draw.ellipse((20, 40, 210, 230), outline=dark, width=PEN)


def _sun(draw: ImageDraw.ImageDraw, dark: str, pale: str) -> None:
    draw.pieslice((50, 60, 270, 280), 180, 360, fill=pale)
    for line in range(3):
        draw.rectangle((20, 185 + 40 * line, 300, 205 + 40 * line), fill=dark)


def paper(name: str, title: str, paragraphs: list[str]) -> CleanPaper:
    """A small PDF of one page, checked as if somebody had sent it."""
    file = io.BytesIO()
    sheet = Canvas(file, pagesize=A4, invariant=True)
    sheet.setTitle(title)
    sheet.setFont("Helvetica-Bold", 18)
    sheet.drawString(70, 760, title)
    sheet.setFont("Helvetica", 11)
    line = 725
    for paragraph in paragraphs:
        for words in simpleSplit(paragraph, "Helvetica", 11, 455):
            sheet.drawString(70, line, words)
            line -= 16
        line -= 8
    sheet.save()
    return clean_paper(SimpleUploadedFile(name, file.getvalue(), "application/pdf"))
