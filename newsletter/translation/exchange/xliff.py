"""XLIFF 1.2 (OASIS Standard, 1 February 2008; strict), written and read.

One `<file>` for each thing, its `original` being "2026-10/item-12", its `product-version` the revision of the source;
one `<trans-unit>` for each sentence. Marks become `<g>` for a pair and `<x/>` for a line break. What is needed to see
afterwards whether our words have changed meanwhile stands in `extradata`, which programs leave alone.

A file may come from anybody: no document type (the home of entities) is let in, and size, tags and depth are limited.
"""

import datetime
import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from django.utils.translation import gettext as _

from newsletter.models import Issue
from newsletter.translation import segments
from newsletter.translation.exchange.units import File, Returned, Sheet, Unit, Unreadable, check_number, tidy
from newsletter.translation.segments import MARK, Damaged, Segment

SIZE, TAGS, DEPTH = 5_000_000, 200_000, 40  # octets; an issue of 60 items takes half a million, with 5,000 tags
NAMESPACE = "urn:oasis:names:tc:xliff:document:1.2"
OUTDATED = "needs-adaptation"  # what Poedit and Weblate show as "needs work", which "needs-review-translation" is not
_OPEN = {"new", "needs-translation", "needs-adaptation", "needs-l10n", "needs-review-translation",
         "needs-review-adaptation", "needs-review-l10n"}  # fmt: skip
_KINDS = {"strong": "bold", "em": "italic", "a": "link"}
_LITERAL = re.compile(r'<(/?)(?:g|x)(?:\s+id="(\d+)"[^<>]*?)?\s*(/?)>')


def write(issue: Issue, language: str, sheets: Iterable[Sheet], *, now: datetime.datetime) -> str:
    """The document. Notes are in the language active now."""
    files = "".join(_file(issue, language, sheet, now) for sheet in sheets)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<xliff version="1.2" xmlns="{NAMESPACE}">\n{files}</xliff>\n'


def _file(issue: Issue, language: str, sheet: Sheet, now: datetime.datetime) -> str:
    units = "".join(_unit(sheet, unit) for unit in sheet.units)
    values = {
        "original": f"{issue.slug}/{sheet.name}",
        "source-language": sheet.source.language,
        "target-language": language,
        "datatype": "html",
        "product-name": "PICUM CMS",
        "product-version": str(sheet.source.number),
        "date": now.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    note = f"<header>\n<note>{escape(tidy(sheet.title))}</note>\n</header>"
    return f"<file{_attributes(values)}>\n{note}\n<body>\n{units}</body>\n</file>\n"


def _unit(sheet: Sheet, unit: Unit) -> str:
    state = OUTDATED if unit.is_outdated else "final" if sheet.is_approved else "translated"
    values = {
        # No resname: Weblate takes it for the identity, and "text" stands in every item.
        "id": f"{sheet.name}:{unit.key}",
        "xml:space": "preserve",
        "approved": "yes" if state == "final" and unit.target else "no",
        "extradata": f"{unit.fingerprint} {state}",
    }
    target = f'<target state="{state}">{_inline(unit.segment, unit.target)}</target>\n' if unit.target else ""
    notes = "".join(f"<note>{escape(tidy(words))}</note>\n" for words in notes_of(sheet, unit))
    source = f"<source>{_inline(unit.segment, unit.segment.words)}</source>\n"
    return f"<trans-unit{_attributes(values)}>\n{source}{target}{notes}</trans-unit>\n"


def notes_of(sheet: Sheet, unit: Unit) -> Iterator[str]:
    """What a translator may want to know about a sentence."""
    yield f"{sheet.title} ({sheet.source.language})"
    yield f"{sheet.thing.translations.model._meta.get_field(unit.field).verbose_name}"
    for hint in unit.hints:
        yield _("Glossary: %(hint)s") % {"hint": hint}
    if unit.is_outdated:
        yield _("The original has changed since this was translated.")
    if unit.whole:
        yield _("The translation is divided in another way; it is: %(words)s") % {"words": unit.stands}


def _inline(segment: Segment, words: str) -> str:
    marks = {number: _KINDS.get(re.match(r"<(\w+)", tag)[1], "lb") for number, tag in segment.tags.items()}
    return MARK.sub(
        lambda mark: (
            "</g>"
            if mark[1]
            else f'<{"x" if mark[3] else "g"} id="{mark[2]}" ctype="{marks[mark[2]]}"{"/" if mark[3] else ""}>'
        ),
        escape(tidy(words)),
    )


def _attributes(values: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(tidy(value))}" for name, value in values.items())


# --- reading ----------------------------------------------------------------------------------------------------------


def read(content: bytes) -> File:
    """The sentences of a document. Raises Unreadable."""
    root = _tree(content)
    if _name(root) != "xliff":
        raise Unreadable(_("This is no XLIFF file."))
    if not str(root.get("version", "")).startswith("1."):
        raise Unreadable(_("This is XLIFF %(version)s. Save it as XLIFF 1.2.") % {"version": root.get("version")})
    languages, sentences = set(), []
    for file in _children(root, "file"):
        languages.add(file.get("target-language", "").replace("_", "-").lower().partition("-")[0])
        name = file.get("original", "").rpartition("/")[2]
        sentences += [_returned(name, unit) for unit in file.iter() if _name(unit) == "trans-unit"]
    if len(languages) > 1:
        raise Unreadable(_("The file has more than one language."))
    return File("".join(languages), sentences)


def _returned(name: str, unit: Element) -> Returned:
    source, target = next(_children(unit, "source"), None), next(_children(unit, "target"), None)
    was, _space, state_then = unit.get("extradata", "").partition(" ")
    state = target.get("state", "") if target is not None else ""
    key = unit.get("id", "").rpartition(":")[2]
    try:
        before, words = (tidy(_words(tag)) if tag is not None else "" for tag in (source, target))
    except Damaged as why:
        return Returned(name, key, "", "", was or None, fault=str(why))
    return Returned(
        name, key, before, _with_literal_tags(before, words), was or None, state in _OPEN, state_then in _OPEN
    )


def _words(tag: Element) -> str:
    """What stands in a source or target, with marks. Raises Damaged for tags that we do not write."""
    words = tag.text or ""
    for child in tag:
        name, number = _name(child), child.get("id", "")
        if name == "g" and number.isdecimal():
            words += f"⟦{number}⟧{_words(child)}⟦/{number}⟧"
        elif name == "x" and number.isdecimal():
            words += f"⟦{number}/⟧"
        elif name == "mrk":  # a program's own remarks
            words += _words(child)
        else:
            raise Damaged(f"<{name}>")
        words += child.tail or ""
    return words


def _with_literal_tags(source: str, target: str) -> str:
    """Some programs write a translator's `<g id="1">` as text. Where the source has marks and the target none, that is
    meant."""
    if not MARK.search(source) or MARK.search(target) or "<" not in target:
        return target
    open_ones: list[str] = []

    def mark(tag: re.Match) -> str:
        if tag[1]:
            return f"⟦/{open_ones.pop()}⟧" if open_ones else tag[0]
        if not tag[3]:
            open_ones.append(tag[2] or "")
        return f"⟦{tag[2]}{tag[3]}⟧"

    marked = _LITERAL.sub(mark, target)
    try:
        segments.check(Segment("", source), marked)
    except Damaged:
        return target
    return marked


def _name(tag: Element) -> str:
    return tag.tag.rpartition("}")[2]


def _children(tag: Element, name: str) -> Iterator[Element]:
    return (child for child in tag if _name(child) == name)


def _tree(content: bytes) -> Element:
    if len(content) > SIZE:
        raise Unreadable(_("The file is larger than %d MB.") % (SIZE / 1e6))
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _damaged
    parser.StartElementHandler, parser.EndElementHandler = builder.opened, builder.closed
    parser.CharacterDataHandler = builder.tree.data
    try:
        parser.Parse(content, True)
        return builder.tree.close()
    except (expat.ExpatError, UnicodeError, LookupError, ValueError) as why:
        if isinstance(why, Unreadable):
            raise
        _damaged()


class _Builder:
    def __init__(self):
        self.tree, self.tags, self.sentences, self.depth = TreeBuilder(), 0, 0, 0

    def opened(self, name: str, values: dict[str, str]) -> None:
        self.tags, self.depth = self.tags + 1, self.depth + 1
        if self.tags > TAGS or self.depth > DEPTH:
            raise Unreadable(_("The file has far too many tags to be read."))
        if name.endswith("trans-unit"):
            self.sentences += 1
            check_number(self.sentences)
        self.tree.start(name, values)

    def closed(self, name: str) -> None:
        self.depth -= 1
        self.tree.end(name)


def _damaged(*_args) -> None:
    raise Unreadable(_("This file is damaged, or is no XLIFF file."))
