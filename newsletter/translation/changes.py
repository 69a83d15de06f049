"""What changed between two states of a text: sentence by sentence, and word by word within one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from newsletter.translation import segments
from newsletter.translation.segments import Segment

_HREF = re.compile(r'href="([^"]*)"')
MOST = 1_000_000  # pairs that are compared: a thousand sentences with a thousand
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Piece:
    """Some words of one side or of both: "same", "gone" or "new"."""

    kind: str
    words: str


@dataclass(frozen=True)
class Change:
    """One sentence then and now, without marks; "" on the side on which it is not. `keys` names its places (see
    `segments.Segment.key`) now, for what is gone, none; `was` is the sentence then, with its links."""

    before: str
    now: str
    keys: tuple[str, ...] = ()
    was: Segment | None = field(default=None, compare=False, repr=False)

    @property
    def pieces(self) -> list[Piece]:
        """Both in one line, to be shown as struck out and inserted."""
        return between(self.before, self.now)


def changed(before: Mapping[str, str], now: Mapping[str, str], language: str) -> list[Change]:
    """The sentences that differ, in their order; [] when only blanks or markup do. A link that leads elsewhere is a
    difference too."""
    old, new = segments.cut(before, language), segments.cut(now, language)
    found = []
    for kind, a, b, c, d in _opcodes(_meant(old), _meant(new)):
        if kind == "equal":
            continue
        gone, come = old[a:b], new[c:d]
        for number in range(max(len(gone), len(come))):
            then = gone[number] if number < len(gone) else None
            here = come[number] if number < len(come) else None
            shown = _with_links if then and here and then.plain == here.plain else _plain
            found.append(Change(shown(then), shown(here), (here.key,) if here else (), then))
    return found


def meaning(words: Mapping[str, str], language: str) -> list[tuple[str, ...]]:
    """What is compared: two states of a text between which nothing `changed` have the same."""
    return _meant(segments.cut(words, language))


def between(before: str, now: str) -> list[Piece]:
    """Word by word."""
    old, new = _WORDS.findall(before), _WORDS.findall(now)
    pieces = []
    for kind, a, b, c, d in _opcodes(old, new):
        if kind == "equal":
            pieces.append(Piece("same", "".join(old[a:b])))
            continue
        if a < b:
            pieces.append(Piece("gone", "".join(old[a:b])))
        if c < d:
            pieces.append(Piece("new", "".join(new[c:d])))
    return pieces


def _opcodes(old: Sequence, new: Sequence) -> list[tuple[str, int, int, int, int]]:
    """As of `SequenceMatcher`. What is so long that it would keep everybody waiting is replaced as a whole."""
    if len(old) * len(new) > MOST:
        return [("equal" if old == new else "replace", 0, len(old), 0, len(new))]
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _meant(cut: Sequence[Segment]) -> list[tuple[str, ...]]:
    return [_said(segment) for segment in cut]


def _said(segment: Segment) -> tuple[str, ...]:
    return (segment.key.partition(".")[0], segment.plain, *(tag for tag in segment.tags.values() if "href" in tag))


def _plain(segment: Segment | None) -> str:
    return segment.plain if segment else ""


def _with_links(segment: Segment) -> str:
    """Where only a link differs, the links are what must be seen."""
    return " ".join([segment.plain, *(f"<{_HREF.search(tag)[1]}>" for tag in segment.tags.values() if "href" in tag)])
