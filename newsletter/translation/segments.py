"""Words cut into sentences for translating, and put together again, with the markup out of harm's way.

A segment's words are plain text in which marks stand for inline tags: "⟦1⟧bold⟦/1⟧" for a pair, "⟦2/⟧" for a line
break. Blocks (paragraphs, list items) and sentences keep the source's order; who translates moves marks along with
the words, and may neither add nor lose one.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape

from newsletter.translation import sentences
from picum import richtext

RICH = ("text", "message", "donation")  # fields with markup; all others are one plain line
# As people read them. Words that come from a database have their fields in any order.
_ORDER = ("title", "text", "subject", "masthead", "message", "donation")
_TAG = re.compile(r"<(/?)([a-z]+)([^>]*)>")
_INLINE = {"strong", "em", "a"}
MARK = re.compile(r"⟦(/?)(\d+)(/?)⟧")
# Stands for a sentence that nobody has translated yet, in a text of which others are.
GAP = "[…]"
_LEFT_OUT = re.compile(r"…|\.{3}|\. \. \.")


class Damaged(ValueError):
    """A translated segment lacks a mark of its source, has one too many, or they overlap; the message names them."""


@dataclass(frozen=True)
class Segment:
    """One sentence of a field. `key` is its place: "title.0.0", "text.2.1" (field, block, sentence)."""

    key: str
    words: str
    # By number: the opening tag of a pair as it was ('<a href="https://…">'), or "<br>".
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def plain(self) -> str:
        """Without marks."""
        return without_marks(self.words)


@dataclass(frozen=True)
class Block:
    """A paragraph, or what stands directly in a list item: the tags around it, and its sentences."""

    before: str
    segments: list[Segment]
    after: str


def cut(words: Mapping[str, str], language: str) -> list[Segment]:
    """All segments of a text's words, field by field in their order."""
    return [
        segment
        for name, value in in_order(words)
        for block in blocks(name, value, language)
        for segment in block.segments
    ]


def blocks(name: str, value: str, language: str) -> list[Block]:
    """The blocks of one field. A field without words has none."""
    if name not in RICH:
        line = " ".join(value.split())
        return [Block("", _segments(f"{name}.0", [_guarded(line)], {}, language), "")] if line else []
    found: list[Block] = []
    for before, inside, after in _rich_blocks(richtext.clean(value)):
        marked, tags = _marked(inside)
        cut_up = _segments(f"{name}.{len(found)}", [marked], tags, language)
        found.append(Block(before, cut_up, after))
    return found


def put_together(source: Mapping[str, str], language: str, targets: Mapping[str, str]) -> dict[str, str]:
    """The source's words with its segments replaced by `targets`, by key; those without one are left out, and so is a
    block of which nothing is left. Raises Damaged."""
    return {name: _field(name, value, language, targets) for name, value in source.items()}


def restored(segment: Segment, target: str) -> str:
    """A translated segment as rich text. Raises Damaged."""
    check(segment, target)
    return _unmarked(target, segment.tags)


def check(segment: Segment, target: str) -> None:
    """Raises Damaged unless the target has just the marks of its source, properly nested."""
    wanted, found = sorted(MARK.findall(segment.words)), sorted(MARK.findall(target))
    lost = [_shown(mark) for mark in wanted if mark not in found]
    strange = [_shown(mark) for mark in found if mark not in wanted]
    if lost or strange or len(wanted) != len(found):
        raise Damaged(" ".join([*lost, *strange]) or " ".join(map(_shown, found)))
    open_ones: list[str] = []
    for closing, number, single in MARK.findall(target):
        if single:
            continue
        if not closing:
            open_ones.append(number)
        elif not open_ones or open_ones.pop() != number:
            raise Damaged(_shown((closing, number, single)))


def without_marks(words: str) -> str:
    """As a person reads it."""
    return " ".join(MARK.sub(lambda mark: " " if mark[3] else "", words).split())


def pairs(
    source: Mapping[str, str], source_language: str, target: Mapping[str, str], language: str
) -> list[tuple[Segment, str]]:
    """What says what: each source sentence with the words (marked by the target's own tags) that stand in its place.
    Where a block has another number of sentences than its source it is paired as a whole; where the blocks differ in
    number, nothing of that field is paired."""
    found: list[tuple[Segment, str]] = []
    for name, value in in_order(source):
        theirs = blocks(name, value, source_language)
        ours = blocks(name, target.get(name, ""), language)
        if len(theirs) != len(ours):
            continue
        for block, other in zip(theirs, ours, strict=True):
            if len(block.segments) == len(other.segments):
                found += [(one, two.words) for one, two in zip(block.segments, other.segments, strict=True)]
            elif len(block.segments) == 1:
                found.append((block.segments[0], " ".join(segment.words for segment in other.segments)))
    return found


def fields_with_gaps(source: Mapping[str, str], words: Mapping[str, str]) -> list[str]:
    """Where a translation has GAP more often than its source leaves something out. Where there is no source, nothing
    can be missing."""
    return [name for name, value in in_order(words) if source.get(name) and value.count(GAP) > left_out(source[name])]


def left_out(words: str) -> int:
    """How often a text quotes somebody and leaves something out, or trails off: "[…]", "(...)", "…"."""
    return len(_LEFT_OUT.findall(words))


def in_order(words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The fields of a text and their values, as people read them."""
    return sorted(words.items(), key=lambda field: _ORDER.index(field[0]) if field[0] in _ORDER else len(_ORDER))


# --- cutting --------------------------------------------------------------------------------------------------------


def _rich_blocks(html: str) -> Iterable[tuple[str, str, str]]:
    """Structure before, inline inside, structure after; text outside of any block is a block of its own."""
    before, inside = "", ""
    for part in re.split(r"(<[^>]*>)", html):
        tag = _TAG.fullmatch(part)
        if tag and tag[2] not in _INLINE and tag[2] != "br":
            if inside.strip():
                yield before, inside.strip(), ""
                before = ""
            before, inside = before + part, ""
        elif part.strip() or inside:
            inside += part
    if inside.strip():
        yield before, inside.strip(), ""
    elif before:
        yield before, "", ""


def _marked(inside: str) -> tuple[str, dict[str, str]]:
    """Inline tags as marks, entities as letters."""
    tags: dict[str, str] = {}
    open_ones: list[str] = []
    words = ""
    for part in re.split(r"(<[^>]*>)", inside):
        tag = _TAG.fullmatch(part)
        if not tag:
            words += _guarded(unescape(part))
        elif tag[2] == "br":
            tags[str(len(tags) + 1)] = "<br>"
            words += f"⟦{len(tags)}/⟧"
        elif tag[1]:
            words += f"⟦/{open_ones.pop()}⟧" if open_ones else ""
        else:
            tags[str(len(tags) + 1)] = part
            open_ones.append(str(len(tags)))
            words += f"⟦{len(tags)}⟧"
    return re.sub(r"[ \t\r\n]+", " ", words).strip(), tags


def _guarded(text: str) -> str:
    """Brackets of ours that an editor typed would look like marks."""
    return text.replace("⟦", "[[").replace("⟧", "]]")


def _segments(key: str, marked: list[str], tags: Mapping[str, str], language: str) -> list[Segment]:
    found = []
    for words in marked:
        for sentence in sentences.split(words, language):
            mine = sorted({number for _closing, number, _single in MARK.findall(sentence)}, key=int)
            found.append(Segment(f"{key}.{len(found)}", sentence, {n: tags[n] for n in mine if n in tags}))
    return found


# --- putting together -------------------------------------------------------------------------------------------------


def _field(name: str, value: str, language: str, targets: Mapping[str, str]) -> str:
    parts = []
    for block in blocks(name, value, language):
        said = [(segment, targets[segment.key].strip()) for segment in block.segments if targets.get(segment.key)]
        if name in RICH:
            parts.append(block.before + " ".join(restored(segment, words) for segment, words in said) + block.after)
        else:
            parts.append(" ".join(words for _segment, words in said))
    html = "".join(parts).replace(" <br>", "<br>")
    return richtext.clean(html) if name in RICH else " ".join(parts).strip()


def _unmarked(words: str, tags: Mapping[str, str]) -> str:
    html, last = "", 0
    for mark in MARK.finditer(words):
        html += escape(words[last : mark.start()], quote=False)
        tag = tags[mark[2]]
        html += f"</{_TAG.fullmatch(tag)[2]}>" if mark[1] else tag
        last = mark.end()
    return html + escape(words[last:], quote=False)


def _shown(mark: tuple[str, str, str]) -> str:
    return "⟦{}{}{}⟧".format(*mark)
