"""A page as tests look at it: its tags with their attributes, and the words between them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "input", "img", "hr", "base", "source"}


@dataclass
class Tag:
    name: str
    attributes: dict[str, str | None]
    words: str = ""

    def __getitem__(self, name: str) -> str | None:
        return self.attributes.get(name)


@dataclass
class Page(HTMLParser):
    """`Page(response)`; words are joined by single spaces."""

    response: object
    tags: list[Tag] = field(default_factory=list)

    def __post_init__(self):
        super().__init__(convert_charrefs=True)
        self.open: list[Tag] = []
        self.feed(self.response.content.decode())
        self.close()
        for tag in self.tags:
            tag.words = " ".join(tag.words.split())

    def handle_starttag(self, name, attributes):
        self.tags.append(tag := Tag(name, dict(attributes)))
        if name not in VOID:
            self.open.append(tag)

    def handle_endtag(self, name):
        closed = self.open.pop()
        assert closed.name == name, f"<{closed.name}> is closed by </{name}>"

    def handle_data(self, data):
        for tag in self.open:
            tag.words += data

    def all(self, name: str, /, **attributes: str) -> list[Tag]:
        """Tags of a name with these attributes; `class_` asks for one class among others, `_` stands for `-`."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            tag
            for tag in self.tags
            if tag.name == name
            and all(
                value in (tag[key] or "").split() if key == "class" else tag[key] == value
                for key, value in wanted.items()
            )
        ]

    def one(self, name: str, /, **attributes: str) -> Tag:
        (tag,) = self.all(name, **attributes)
        return tag

    @property
    def words(self) -> str:
        return self.one("main").words

    def links(self) -> list[str]:
        return [tag["href"] for tag in self.all("a")]
