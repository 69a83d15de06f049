"""What is wrong with the mail itself, as it would go out now: its size, its parts, its marks for those who cannot see.

The templates are ours, so most of it guards those who change them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from newsletter import rendering
from newsletter.kept import Kept, digest
from newsletter.problems import colours
from newsletter.problems.problem import Group, Kind, Place, Problem
from newsletter.problems.seen import Seen
from picum import links

TOKEN = "preview"  # noqa: S105  # stands in for a reader's
# Markup in a text part; an address in angle brackets is none (RFC 3986, appendix C).
_MARKUP = re.compile(r"</?[a-z][a-z0-9]*(\s[^<>]*)?/?>|&(?:amp|lt|gt|quot|nbsp|#\d+);", re.IGNORECASE)


def forbidding(composition: rendering.Composition, words: rendering.Words) -> list[Problem]:
    """What must not go out."""
    language = composition.language
    found = []
    if words.size > rendering.SIZE_REFUSED:
        numbers = {"size": round(words.size / 1024), "limit": rendering.SIZE_REFUSED // 1024}
        text = _("The mail's size is %(size)d KB: mail programs cut off what is above %(limit)d KB.") % numbers
        found.append(_problem(text, language, blocking=True))
    if not words.text.strip():
        found.append(
            _problem(
                _("The mail is empty for readers whose program shows words without any layout."),
                language,
                blocking=True,
            )
        )
    leave = links.page("newsletter:leave", TOKEN, language=language)
    if f'href="{leave}"' not in words.html:
        found.append(_problem(_("The mail has no link to unsubscribe."), language, blocking=True))
    if leave not in words.text:
        found.append(
            _problem(
                _("The mail has no link to unsubscribe where it is shown without layout."), language, blocking=True
            )
        )
    return found


@dataclass(frozen=True)
class Look:
    """What catches the eye in the html of a mail, in nobody's words yet."""

    language: str  # that it says it is in
    pictures: tuple[str, ...]  # addresses of those without words
    first_headings: int  # how many of the first level
    too_deep: tuple[str, ...]  # the headings before which a level is left out
    passages: frozenset[tuple[str, str]]  # of those that were asked for: words, language
    faint: tuple[colours.Faint, ...]
    strange: str  # a colour or a selector that cannot be judged

    @classmethod
    def at(cls, html: str, asked: frozenset[str]) -> "Look":
        seen = Seen(html)
        faint, strange = (), ""
        try:
            faint = tuple(colours.faint(seen))
        except colours.Strange as found:
            strange = str(found)
        return cls(
            language=seen.language,
            pictures=tuple(image.get("src") or "?" for image in seen.images if image.get("alt") is None),
            first_headings=sum(level == 1 for level, _words in seen.headings),
            too_deep=tuple(_too_deep(seen)),
            passages=frozenset((one.words, one.language) for one in seen.passages if one.words in asked),
            faint=faint,
            strange=strange,
        )


_looks: Kept[Look] = Kept(128)  # eighteen issues in seven languages


def noteworthy(composition: rendering.Composition, words: rendering.Words) -> list[Problem]:
    """What may go out, but had better not."""
    asked = frozenset(_in_one_line(entry.title) for entry in composition.entries if entry.is_fallback)
    look = _looks.of(digest(words.html, sorted(asked)), lambda: Look.at(words.html, asked))
    notes = [*_size(words), *_text(words), *_pictures(look), *_headings(look), *_languages(composition, look)]
    return [_problem(note, composition.language) for note in [*notes, *_colours(look)]]


def _size(words: rendering.Words) -> list[str]:
    if not rendering.SIZE_WARNS < words.size <= rendering.SIZE_REFUSED:
        return []
    numbers = {"size": round(words.size / 1024), "limit": rendering.SIZE_REFUSED // 1024}
    return [
        _("The mail's size is %(size)d KB: mail programs cut off what is above %(limit)d KB, and it comes near.")
        % numbers
    ]


def _text(words: rendering.Words) -> list[str]:
    left_over = _MARKUP.search(words.text)
    return (
        [
            _("Where the mail is shown without layout, signs of the layout stand among its words: “%s”.")
            % left_over[0][:40]
        ]
        if left_over
        else []
    )


def _pictures(look: Look) -> list[str]:
    return [_("A picture has no words for those who cannot see it: %s") % source for source in look.pictures]


def _too_deep(seen: Seen) -> Iterator[str]:
    before = 0
    for level, words in seen.headings:
        if level > before + 1:
            yield words
        before = level


def _headings(look: Look) -> list[str]:
    notes = [_("A level of headings is left out before “%s”.") % words for words in look.too_deep]
    if look.first_headings == 1:
        return notes
    return [_("The mail has %d main headings; it should have exactly one.") % look.first_headings, *notes]


def _languages(composition: rendering.Composition, look: Look) -> list[str]:
    notes = []
    if look.language != composition.language:
        notes.append(_("The mail does not say in which language it is."))
    for entry in composition.entries:
        if entry.is_fallback and (_in_one_line(entry.title), entry.language) not in look.passages:
            notes.append(_("“%s” is in another language, and the mail does not say so.") % entry.title)
    return notes


def _in_one_line(words: str) -> str:
    return " ".join(words.split())


def _colours(look: Look) -> list[str]:
    if look.strange:
        return [_("The contrast of the mail cannot be judged: “%s” is not known.") % look.strange]
    words = {
        colours.LIGHT: _(
            "“%(words)s” is hard to read on a light screen: its contrast is %(ratio)s, not at least %(least)s."
        ),
        colours.DARK: _(
            "“%(words)s” is hard to read on a dark screen: its contrast is %(ratio)s, not at least %(least)s."
        ),
    }
    least = number_format(colours.LEAST, 1)
    return [
        words[one.scheme] % {"words": one.words[:60], "ratio": number_format(one.ratio, 1), "least": least}
        for one in look.faint
    ]


def _problem(text: str, language: str, *, blocking: bool = False) -> Problem:
    return Problem(text, blocking, (Place(Kind.PREVIEW, language),), Group.MAIL)
