"""An issue and a reader's languages become words: one path for preview, archive, test mail and sending.

`compose` settles what is shown (numbering, fallbacks, places, dates, all in the reader's language) as plain data;
the templates of the mail and of the archive only lay it out. `render_mail` makes subject, html and text of it.
"""

from newsletter.localising import language_name
from newsletter.rendering.composition import Block, Composition, Entry, SourceLine, compose
from newsletter.rendering.mail import SIZE_AIM, SIZE_REFUSED, SIZE_WARNS, Words, render_mail

__all__ = [
    "SIZE_AIM",
    "SIZE_REFUSED",
    "SIZE_WARNS",
    "Block",
    "Composition",
    "Entry",
    "SourceLine",
    "Words",
    "compose",
    "language_name",
    "render_mail",
]
