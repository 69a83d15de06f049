"""A provider's words as the database may keep them: printable, short, and naming no reader."""

import re
from collections.abc import Sequence
from dataclasses import replace

from newsletter.mime import Letter
from newsletter.transports import Outcome

MOST_CHARACTERS = 2000  # characters that are looked at: the search for addresses grows with them
_PIECE = r"[^\s<>\"'(),;:\[\]{}|=]"
_CUT_PIECE = re.compile(f"{_PIECE}*")
_ADDRESS = re.compile(f"{_PIECE}{{1,128}}(?:@|%40)[^\\s<>\"'(),;:\\[\\]{{}}|]{{1,255}}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")  # JSON may have them, PostgreSQL takes none


def scrubbed(outcome: Outcome, letters: Sequence[Letter]) -> Outcome:
    """Without addresses and readers' tokens, on one line, at most 300 characters."""
    detail = beginning(" ".join(_UNPRINTABLE.sub(" ", outcome.detail).split()))
    for letter in letters:
        for secret in (letter.address, letter.token):
            detail = detail.replace(secret, "…")
    detail = _ADDRESS.sub("…", detail)
    outcome = replace(outcome, detail=detail[:300])
    for letter in letters:  # of a batch the words may name any
        outcome = outcome.hiding(letter.address)
    return outcome


def beginning(text: str) -> str:
    """Its beginning. Where it is cut the last piece goes too: half an address would not be known for one."""
    if len(text) <= MOST_CHARACTERS:
        return text
    kept = text[:MOST_CHARACTERS]
    return kept[: -_CUT_PIECE.match(kept[::-1]).end() or None]
