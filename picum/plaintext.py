"""The rich text of richtext.py as plain text: wrapped, lists with bullets, links as `words <address>`."""

import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser

WIDTH = 72
_SPACES = re.compile(r"[ \t\r\n]+")  # a no-break space is not one of them


@dataclass
class _Paragraph:
    indent: str
    bullet: str = ""
    words: str = ""

    def lines(self) -> str:
        hanging = self.indent + " " * len(self.bullet)
        first = self.indent + self.bullet
        wrapped = []
        for line in self.words.strip().split("\n"):
            wrapped += textwrap.wrap(
                line.strip(),
                WIDTH,
                initial_indent=hanging if wrapped else first,
                subsequent_indent=hanging,
                break_long_words=False,  # an address stays whole
                break_on_hyphens=False,
            )
        return "\n".join(wrapped)


class _Walk(HTMLParser):
    """Collects paragraphs. Knows the tags of `richtext.TAGS`; of any other it keeps the words."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.paragraphs = [_Paragraph("")]
        self.lists: list[int | None] = []  # per open list the number of its last item; None: bullets
        self.link: tuple[str, _Paragraph, int] | None = None  # address, and where its words begin

    @property
    def here(self) -> _Paragraph:
        return self.paragraphs[-1]

    def handle_starttag(self, tag, attrs):
        if tag == "p" and self.here.words.strip():
            self.paragraphs.append(_Paragraph(self._indent()))
        elif tag == "br":
            self.here.words += "\n"
        elif tag in {"ul", "ol"}:
            self.lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self._start_item()
        elif tag == "a":
            href = (dict(attrs).get("href") or "").strip().replace(" ", "%20").removeprefix("mailto:")
            self.link = (href, self.here, len(self.here.words)) if href else None

    def handle_endtag(self, tag):
        if tag == "a":
            self._end_link()
        elif tag in {"ul", "ol"} and self.lists:
            self.lists.pop()
            self.paragraphs.append(_Paragraph(self._indent()))

    def handle_data(self, data):
        self.here.words += _SPACES.sub(" ", data)

    def _indent(self) -> str:
        return "  " * len(self.lists)

    def _start_item(self):
        bullet = "- "
        if self.lists and self.lists[-1] is not None:
            self.lists[-1] += 1
            bullet = f"{self.lists[-1]}. "
        self.paragraphs.append(_Paragraph("  " * (len(self.lists) - 1), bullet))

    def _end_link(self):
        if self.link is None:
            return
        (href, paragraph, start), self.link = self.link, None
        words = paragraph.words[start:].strip()
        if self.here is paragraph and href.rstrip("/") in {words.rstrip("/"), *_with_scheme(words)}:
            paragraph.words = paragraph.words[:start] + href
        else:
            self.here.words = f"{self.here.words.rstrip()} <{href}>"


def _with_scheme(words: str) -> set[str]:
    return {f"{scheme}://{words.rstrip('/')}" for scheme in ("https", "http")}


@lru_cache(maxsize=512)  # half of a mail's time, and the renditions of an edition differ in a line or two
def plain(html: str) -> str:
    """Rich text as lines of at most 72 characters; only an address may be longer."""
    walk = _Walk()
    walk.feed(html)
    walk.close()
    text, last = "", None
    for paragraph in walk.paragraphs:
        if lines := paragraph.lines():
            tight = last is not None and last.bullet and paragraph.bullet
            text += ("\n" if tight else "\n\n" if last else "") + lines
            last = paragraph
    return text


def wrapped(text: str, indent: str = "") -> str:
    """A plain paragraph as lines of at most 72 characters, the second and later ones indented."""
    return textwrap.fill(text.strip(), WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
