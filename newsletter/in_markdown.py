"""The rich text of picum/richtext.py as Markdown (CommonMark), and words in which nothing is markup."""

import re
from html.parser import HTMLParser

from picum import richtext

_SIGNS = re.compile(r"([\\`*_\[\]<>&|~#])")
# At the beginning of a line these begin a list, a heading or a rule.
_LINE = re.compile(r"(?m)^([ \t]*)(?:([-+=:])|(\d{1,9})([.)]))")
_BLANKS = re.compile(r"[ \t\r\n]+")


def plain(words: str) -> str:
    """One line of words, as they are."""
    return _at_the_start(_signs(_BLANKS.sub(" ", words).strip()))


def rich(html: str) -> str:
    """Paragraphs and lists, with a blank line between; bold, italic and links within. No blank line at the end."""
    walk = _Walk()
    walk.feed(richtext.clean(html))
    walk.close()
    walk.end_block()
    return "".join(walk.found).strip("\n")


def link(words: str, url: str) -> str:
    """A link with these words, which are markdown already."""
    address = re.sub(r"[<>\\\s]", lambda sign: f"%{ord(sign[0]):02X}", url)
    return f"[{words}](<{address}>)"


def _signs(words: str) -> str:
    return _SIGNS.sub(r"\\\1", words)


def _at_the_start(words: str) -> str:
    return _LINE.sub(_escaped, words)


def _escaped(begins: re.Match) -> str:
    blanks, sign, number, stop = begins.groups()
    return f"{blanks}\\{sign}" if sign else f"{blanks}{number}\\{stop}"


class _Walk(HTMLParser):
    """Knows the tags of `richtext.TAGS`."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.lists: list[int | None] = []  # per open list the number of its last item; None: bullets
        self.inside: list[tuple[str, str, list[str]]] = [("", "", [])]  # open inline tags: name, address, words
        self.bullet = ""
        self.in_list = False  # what was collected last

    def handle_starttag(self, tag, attrs):
        if tag in {"strong", "em", "a"}:
            self.inside.append((tag, dict(attrs).get("href") or "", []))
        elif tag == "br":
            self.inside[-1][2].append("\\\n")
        else:
            self.end_block()
        if tag in {"ul", "ol"}:
            self.lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            self.bullet = self._bullet()

    def handle_endtag(self, tag):
        if tag in {"strong", "em", "a"} and self.inside[-1][0] == tag:
            self._close_inline()
        elif tag in {"ul", "ol"} and self.lists:
            self.end_block()
            self.lists.pop()
        elif tag in {"p", "li"}:
            self.end_block()

    def handle_data(self, data):
        self.inside[-1][2].append(_signs(_BLANKS.sub(" ", data)))

    def end_block(self):
        """What was collected is a paragraph, or a piece of a list."""
        while len(self.inside) > 1:
            self._close_inline()
        words = "".join(self.inside[0][2]).strip()
        self.inside = [("", "", [])]
        if not words:
            return
        hanging = "    " * len(self.lists)
        first = hanging[:-4] + self.bullet if self.bullet else hanging
        lines = [_at_the_start(line.strip()) for line in words.split("\n")]
        between = "\n" if self.bullet and self.in_list else "\n\n"
        self.found.append((between if self.found else "") + first + f"\n{hanging}".join(lines))
        self.bullet, self.in_list = "", bool(self.lists)

    def _bullet(self) -> str:
        if not self.lists or self.lists[-1] is None:
            return "-   "
        self.lists[-1] += 1
        return f"{self.lists[-1]}.".ljust(4)

    def _close_inline(self):
        tag, address, parts = self.inside.pop()
        words = "".join(parts)
        said = words.strip()
        if said and tag == "a":
            said = link(said, address) if address else said
        elif said:
            sign = "**" if tag == "strong" else "*"
            said = f"{sign}{said}{sign}"
        # Blanks belong outside: "**bold **" is not bold.
        before, after = words[: len(words) - len(words.lstrip())], words[len(words.rstrip()) :]
        self.inside[-1][2].append(f"{before}{said}{after}" if said else words)
