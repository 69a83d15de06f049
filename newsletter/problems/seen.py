"""A mail as programs read it: its headings, pictures and passages, each with where it stands."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
UNSHOWN = {"head", "script", "style", "title"}


@dataclass(frozen=True)
class Element:
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
        self._open: list[tuple[Element, str]] = []
        self.feed(self.html)
        self.close()
        self.headings = [(level, " ".join(words.split())) for level, words in self.headings]

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        if name == "html":
            self.language = known.get("lang") or ""
        if name == "img":
            self.images.append(known)
        if name in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self.headings.append((int(name[1]), ""))
        if name not in VOID:
            element = Element(name, tuple((known.get("class") or "").split()), known.get("style") or "")
            around = self._open[-1][1] if self._open else ""
            self._open.append((element, known.get("lang") or around))

    def handle_endtag(self, name: str) -> None:
        if any(element.name == name for element, _language in self._open):
            while self._open.pop()[0].name != name:
                pass

    def handle_data(self, data: str) -> None:
        path = tuple(element for element, _language in self._open)
        names = {element.name for element in path}
        if "style" in names:
            self.sheet += data
        if not data.strip() or names & UNSHOWN:
            return
        if self.headings and names & {f"h{level}" for level in range(1, 7)}:
            level, words = self.headings[-1]
            self.headings[-1] = (level, words + data)
        self.passages.append(Passage(" ".join(data.split()), self._open[-1][1] if self._open else "", path))
