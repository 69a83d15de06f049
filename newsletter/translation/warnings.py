"""What looks wrong in a text: words to be avoided, a number, a name or a link that differs, a missing source.

Warnings help people look twice; nothing is ever refused because of them.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from newsletter.models import Body, Source
from newsletter.translation import names, numbers, segments
from newsletter.translation.changes import Change
from newsletter.translation.glossary import Found, Glossary
from newsletter.translation.segments import Segment
from picum.localising import plain, quoted

Words = Mapping[str, str]
# Left by somebody who meant to come back.
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|XXX+|TBC|TBD|TKTK|(?i:lorem ipsum))\b|\?\?\?+|\[\s*(?:\?+|_+|\.\.\.|…)\s*\]|_{3,}"
)
_HREF = re.compile(r'href="([^"]*)"')
# Translations are up to a third longer or shorter; half is not a matter of the language any more.
SHORT = 0.5
LONG_ENOUGH = 200  # characters of a source that is compared by length
SENTENCE = 6  # words of a sentence that is no title and no name


@dataclass(frozen=True)
class Warning:
    """`kind`: "avoid", "quoted" (a word to be avoided that others said), "number", "name", "link", "source", "missing"
    (a field), "paragraphs", "short", "same" (not translated), "placeholder". `text` is a sentence for people, in the
    language then active; `words` are those it is about, as they stand in `field` ("" where it is about no words)."""

    kind: str
    text: str
    field: str
    words: str = ""


@dataclass(frozen=True)
class Difference:
    """A number or a link ("number", "link") that the source has and the text lacks (`is_lost`), or the other way round.
    It is told in the language that is active when it is asked, so that it may be kept for all."""

    kind: str
    words: str
    is_lost: bool
    field: str = field(compare=False)

    @property
    def text(self) -> str:
        if self.kind == "link":
            lost, strange = (
                _("The link to %s is in the source and not in this text."),
                _("The link to %s is in this text and not in the source."),
            )
        else:
            lost, strange = (
                _("%s is in the source and not in this text."),
                _("%s is in this text and not in the source."),
            )
        return (lost if self.is_lost else strange) % self.words


@dataclass(frozen=True)
class Known:
    """What the warnings want of the database, read once for as many texts as wanted."""

    glossary: Glossary
    bodies: Mapping[str, list[str]]  # names of the institutions by language

    @classmethod
    def read(cls, languages: Iterable[str]) -> "Known":
        """Two queries."""
        bodies: dict[str, list[str]] = {}
        rows = Body.translations.rel.related_model.objects.values_list("language_code", "name")
        for language, name in rows.filter(language_code__in=set(languages)):
            bodies.setdefault(language, []).append(name)
        return cls(Glossary.read(languages), bodies)


def of(
    source_words: Words,
    target_words: Words,
    source_language: str,
    language: str,
    sources: Iterable[Source] | None = None,
    *,
    known: Known | None = None,
) -> list[Warning]:
    """All warnings for a text, by field. `sources`: the item's; None where nothing is to be said of them. A text in its
    original language is its own source; one that is not begun has no warnings but for its sources.

    Two queries, or none with `known`.
    """
    known = known or Known.read({source_language, language})
    missing = [_no_source()] if sources is not None and not list(sources) else []
    if not any(value.strip() for value in target_words.values()):
        return missing
    found = _avoided(known.glossary.avoided(target_words, language))
    if language == source_language:
        return found + _placeholders({}, target_words, language) + missing
    source, target = segments.cut(source_words, source_language), segments.cut(target_words, language)
    found += _shape(source_words, target_words)
    found += _same(source, target)
    found += _warned(_numbers(source, target, source_language, language))
    found += _names(source, target, source_language, language, known)
    found += _warned(_links(source, target, source_language, language))
    return found + _placeholders(source_words, target_words, language) + missing


def differing(source_words: Words, target_words: Words, source_language: str, language: str) -> list[Difference]:
    """The numbers and links in which a text is not like its source; a pure function of the four. A text that is not
    begun differs in nothing."""
    target = segments.cut(target_words, language)
    return _differing(segments.cut(source_words, source_language), target, source_language, language)


def differing_since(
    changes: Iterable[Change], source_words: Words, target_words: Words, source_language: str, language: str
) -> list[Difference]:
    """Those of them that came with changes of the source, which says `source_words` now."""
    source, target = segments.cut(source_words, source_language), segments.cut(target_words, language)
    changes = list(changes)
    new = {key for change in changes for key in change.keys}
    then = [segment for segment in source if segment.key not in new] + [one.was for one in changes if one.was]
    before = _differing(then, target, source_language, language)
    return [one for one in _differing(source, target, source_language, language) if one not in before]


def _differing(source: list[Segment], target: list[Segment], source_language: str, language: str) -> list[Difference]:
    if not source or not target:
        return []
    return [
        *_numbers(source, target, source_language, language),
        *_links(source, target, source_language, language),
    ]


def _warned(found: Iterable[Difference]) -> list[Warning]:
    return [Warning(one.kind, one.text, one.field, one.words) for one in found]


# --- words ----------------------------------------------------------------------------------------------------------


def _avoided(found: Iterable[Found]) -> list[Warning]:
    return [Warning("quoted" if one.is_quoted else "avoid", _told(one), one.field, one.words) for one in found]


def _told(found: Found) -> str:
    words = _in_quotes(found.words)
    if found.is_quoted:
        return _("%(words)s is to be avoided. It stands in a quotation or a title, where it may be right.") % {
            "words": words
        }
    if found.better:
        return _("%(words)s is to be avoided. Better: %(better)s.") % {"words": words, "better": found.better}
    return _("%(words)s is to be avoided.") % {"words": words}


def _placeholders(source_words: Words, target_words: Words, language: str) -> list[Warning]:
    there = {found[0].casefold() for value in source_words.values() for found in _PLACEHOLDER.finditer(value)}
    return [
        Warning("placeholder", _("%s looks like something still to be done.") % _in_quotes(found[0]), name, found[0])
        for name, value in segments.in_order(target_words)
        for found in _PLACEHOLDER.finditer(" ".join(segment.plain for segment in segments.cut({name: value}, language)))
        if found[0].casefold() not in there
    ]


def _same(source: list[Segment], target: list[Segment]) -> list[Warning]:
    """Sentences that were copied and not translated."""
    there = {segment.plain for segment in source if _is_a_sentence(segment.plain)}
    return [
        Warning("same", _("This sentence is not translated: %s") % segment.plain, _field(segment), segment.plain)
        for segment in target
        if segment.plain in there
    ]


def _is_a_sentence(words: str) -> bool:
    return sum(word[0].islower() for word in words.split()) >= SENTENCE


# --- what must be the same ------------------------------------------------------------------------------------------


def _numbers(source: list[Segment], target: list[Segment], source_language: str, language: str) -> list[Difference]:
    there, here = _whole(source), _whole(target)
    lost = numbers.lacking(there, source_language, here, language)
    strange = numbers.lacking(here, language, there, source_language)
    at_theirs, at_ours = _Places(source), _Places(target)
    return [
        *(Difference("number", number, True, at_theirs.field(number)) for number in lost),
        *(Difference("number", number, False, at_ours.field(number)) for number in strange),
    ]


def _names(
    source: list[Segment], target: list[Segment], source_language: str, language: str, known: Known
) -> list[Warning]:
    """From German, where each noun has a capital, names are compared the other way round; see `names`."""
    there, here = [segment.plain for segment in source], [segment.plain for segment in target]
    lost = names.lacking(there, source_language, here, language, known=known.bodies.get(source_language, ()))
    at_theirs, at_ours = _Places(source), _Places(target)
    found = [
        Warning("name", _("%s is in the source and not in this text.") % _in_quotes(name), at_theirs.field(name), name)
        for name in lost
    ]
    if source_language != "de":
        return found
    strange = names.lacking(here, language, there, source_language, known=known.bodies.get(language, ()))
    return found + [
        Warning("name", _("%s is in this text and not in the source.") % _in_quotes(name), at_ours.field(name), name)
        for name in strange
    ]


def _links(source: list[Segment], target: list[Segment], source_language: str, language: str) -> list[Difference]:
    there, here = _hrefs(source, source_language), _hrefs(target, language)
    return [
        *(Difference("link", href, True, name) for key, (href, name) in there.items() if key not in here),
        *(Difference("link", href, False, name) for key, (href, name) in here.items() if key not in there),
    ]


def _hrefs(cut: list[Segment], language: str) -> dict[str, tuple[str, str]]:
    """Links and the fields they stand in, by what makes them the same: a page may have a twin in each language."""
    found = {}
    for segment in cut:
        for tag in segment.tags.values():
            for href in _HREF.findall(tag):
                parts = urlsplit(href.replace("&amp;", "&"))
                path = "/".join("*" if part.lower() == language else part for part in parts.path.rstrip("/").split("/"))
                found.setdefault(f"{parts.netloc.lower()}{path}?{parts.query}", (href, _field(segment)))
    return found


# --- what is missing --------------------------------------------------------------------------------------------------


def _no_source() -> Warning:
    return Warning("source", _("The item names no source."), "sources")


def _shape(source_words: Words, target_words: Words) -> list[Warning]:
    """A field without words, paragraphs that are not as many, a text that is far too short."""
    found = []
    for name, value in segments.in_order(source_words):
        here = target_words.get(name, "")
        theirs, ours = _paragraphs(name, value), _paragraphs(name, here)
        if theirs and not ours:
            found.append(Warning("missing", _("This field has words in the source and none in this text."), name))
        elif theirs != ours:
            found.append(Warning("paragraphs", _not_as_many(theirs, ours), name))
        elif len(value) >= LONG_ENOUGH and len(here) < SHORT * len(value):
            found.append(Warning("short", _("This text is less than half as long as the source."), name))
    return found


def _not_as_many(theirs: int, ours: int) -> str:
    source = ngettext("The source has %d paragraph or line", "The source has %d paragraphs or lines", theirs) % theirs
    return _("%(source)s, this text has %(number)d.") % {"source": source, "number": ours}


def _paragraphs(name: str, value: str) -> int:
    return sum(bool(block.segments) for block in segments.blocks(name, value, "en"))


def _field(segment: Segment) -> str:
    return segment.key.partition(".")[0]


def _whole(cut: list[Segment]) -> str:
    return "\n".join(segment.plain for segment in cut)


class _Places:
    """Where words stand in a text."""

    def __init__(self, cut: list[Segment]):
        self._cut = cut

    @cached_property
    def _fields(self) -> dict[str, str]:
        """Their words, folded: letters and accents of a long text are not looked at once for each warning."""
        fields: dict[str, list[str]] = {}
        for segment in self._cut:
            fields.setdefault(_field(segment), []).append(segment.plain)
        return {name: plain("\n".join(sentences)) for name, sentences in fields.items()}

    def field(self, words: str) -> str:
        """The first field in which they stand."""
        wanted = plain(words)
        return next((name for name, said in self._fields.items() if wanted in said), "")


def _in_quotes(words: str) -> str:
    return quoted(words, get_language() or "en")
