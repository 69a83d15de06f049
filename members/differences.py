"""What is different between two texts, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s*\S+\s*")
LONG = 60  # letters; shorter ones are told as a whole, "Lisboa → Porto"


@dataclass(frozen=True)
class Piece:
    """Words that stay, go or come: `how` is "same", "gone" or "new"."""

    how: str
    words: str


def between(old: str, new: str) -> list[Piece]:
    """The pieces of which both are made, in order. Short texts: all of the old one, then all of the new one."""
    if max(len(old), len(new)) <= LONG:
        return [Piece(how, words) for how, words in (("gone", old), ("new", new)) if words]
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    pieces = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(before[i1:i2])))
            continue
        gone, came = "".join(before[i1:i2]), "".join(after[j1:j2])
        pieces += [Piece(how, words) for how, words in (("gone", gone), ("new", came)) if words]
    return pieces
