"""A mail as programs read it: its headings, pictures and passages, each with where it stands."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
UNSHOWN = {"head", "script", "style", "title"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}


class Element(NamedTuple):
    """What the look of an element hangs on."""

    name: str
    classes: tuple[str, ...]
    style: str


Path = tuple[Element, ...]  # from <html> down


@dataclass(frozen=True)
class Passage:
    """Words that a reader sees, between two tags. `language`: of the nearest `lang` around them."""

    words: str
    language: str
    path: Path


class _Open(NamedTuple):
    """An element that is not closed yet, with what is known of all around it."""

    path: Path
    names: frozenset[str]
    language: str


_OUTSIDE = _Open((), frozenset(), "")


@dataclass
class Seen(HTMLParser):
    """`Seen(html)`; whatever stands in comments is for Outlook, and not looked at."""

    html: str
    language: str = ""  # of <html>
    sheet: str = ""
    headings: list[tuple[int, str]] = field(default_factory=list)  # level, words
    images: list[dict[str, str | None]] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)

    def __post_init__(self):
        super().__init__(convert_charrefs=True)
        self._open = [_OUTSIDE]
        self.feed(self.html)
        self.close()
        self.headings = [(level, " ".join(words.split())) for level, words in self.headings]

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        if name == "html":
            self.language = known.get("lang") or ""
        if name == "img":
            self.images.append(known)
        if name in HEADINGS:
            self.headings.append((int(name[1]), ""))
        if name not in VOID:
            around = self._open[-1]
            element = Element(name, tuple((known.get("class") or "").split()), known.get("style") or "")
            names, language = around.names | {name}, known.get("lang") or around.language
            self._open.append(_Open((*around.path, element), names, language))

    def handle_endtag(self, name: str) -> None:
        if name in self._open[-1].names:
            while self._open.pop().path[-1].name != name:
                pass

    def handle_data(self, data: str) -> None:
        here = self._open[-1]
        if "style" in here.names:
            self.sheet += data
        words = " ".join(data.split())
        if not words or here.names & UNSHOWN:
            return
        if self.headings and here.names & HEADINGS:
            level, before = self.headings[-1]
            self.headings[-1] = (level, before + data)
        self.passages.append(Passage(words, here.language, here.path))
