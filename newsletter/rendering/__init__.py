"""An issue and a reader's languages become words: one path for preview, archive, test mail and sending.

`compose` settles what is shown (numbering, fallbacks, places, dates, all in the reader's language) as plain data;
the templates of the mail and of the archive only lay it out. `render_mail` makes subject, html and text of it.
"""

from newsletter.rendering.composition import (
    Block,
    Composition,
    Entry,
    SourceLine,
    compose,
    entry,
    place,
    source_line,
)
from newsletter.rendering.mail import (
    NETWORK,
    SIZE_AIM,
    SIZE_REFUSED,
    SIZE_WARNS,
    Frame,
    Words,
    render_entry,
    render_frame,
    render_mail,
)
from picum.localising import language_name

__all__ = [
    "NETWORK",
    "SIZE_AIM",
    "SIZE_REFUSED",
    "SIZE_WARNS",
    "Block",
    "Composition",
    "Entry",
    "Frame",
    "SourceLine",
    "Words",
    "compose",
    "entry",
    "language_name",
    "place",
    "render_entry",
    "render_frame",
    "render_mail",
    "source_line",
]
