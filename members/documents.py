"""Papers for members: kept on the shelf, shown in the order that the secretariat gives them."""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.template.defaultfilters import filesizeformat

from members import shelf
from members.models import Document
from members.papers import CleanPaper
from picum import localising


@dataclass(frozen=True)
class Told:
    """A document as the page tells of it. `title_language` is another than the page's where a title is missing."""

    pk: int
    title: str
    title_language: str
    language: str  # of the file, as a code, and by name
    language_name: str
    published_on: str
    kind: str
    size: str


def told(language: str, *, on: datetime.date) -> list[Told]:
    """Those that are published on a day, for a page in a language. Two queries."""
    rows = Document.objects.filter(published_on__lte=on).prefetch_related("translations")
    return [_told(row, language) for row in rows]


def _told(document: Document, language: str) -> Told:
    titles = {row.language_code: row.title for row in document.translations.all() if row.title.strip()}
    chain = (language, document.language, "en", *titles)
    title_language = next((code for code in chain if code in titles), "")
    return Told(
        pk=document.pk,
        title=titles.get(title_language, document.name),
        title_language=title_language or language,
        language=document.language,
        language_name=localising.language_name(document.language, language),
        published_on=localising.day(document.published_on, language),
        kind="PDF" if document.content_type == "application/pdf" else "JPEG",
        size=filesizeformat(document.size),
    )


def put_in(document: Document, paper: CleanPaper) -> None:
    """The file of a document, or a new one instead: written at once, named by the row that is not saved yet. The old
    one goes when the transaction is through. Raises shelf.NotKept."""
    shelf.discard(document.file)
    document.file = shelf.keep(paper.content, paper.content_type)
    document.name, document.content_type, document.size = paper.name, paper.content_type, paper.size


def take_out(document: Document) -> None:
    """A document, and its file, go for good."""
    shelf.discard(document.file)
    document.delete()


@transaction.atomic
def move(document: Document, *, step: int) -> bool:
    """One place up (-1) or down (1) in the order; False at the end of it. Positions are counted anew, from 1."""
    order = list(Document.objects.select_for_update())
    place = next(number for number, other in enumerate(order) if other.pk == document.pk)
    if not 0 <= place + step < len(order):
        return False
    order[place], order[place + step] = order[place + step], order[place]
    for position, other in enumerate(order, start=1):
        if other.position != position:
            Document.objects.filter(pk=other.pk).update(position=position)
    return True
