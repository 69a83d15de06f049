"""What is wrong with the mail itself, as it would go out now: its size, its parts, its marks for those who cannot see.

The templates are ours, so most of it guards those who change them.
"""

import re

from django.utils.translation import gettext as _

from newsletter import rendering
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
        text = _("The mail has %(size)d KB; above %(limit)d KB mail programs cut it off.") % numbers
        found.append(_problem(text, language, blocking=True))
    if not words.text.strip():
        found.append(_problem(_("The text part of the mail is empty."), language, blocking=True))
    leave = links.page("newsletter:leave", TOKEN, language=language)
    if f'href="{leave}"' not in words.html:
        found.append(_problem(_("The html part has no link to unsubscribe."), language, blocking=True))
    if leave not in words.text:
        found.append(_problem(_("The text part has no link to unsubscribe."), language, blocking=True))
    return found


def noteworthy(composition: rendering.Composition, words: rendering.Words) -> list[Problem]:
    """What may go out, but had better not."""
    language, seen = composition.language, Seen(words.html)
    notes = [*_size(words), *_text(words), *_pictures(seen), *_headings(seen), *_languages(composition, seen)]
    return [_problem(note, language) for note in [*notes, *_colours(seen)]]


def _size(words: rendering.Words) -> list[str]:
    if not rendering.SIZE_WARNS < words.size <= rendering.SIZE_REFUSED:
        return []
    numbers = {"size": round(words.size / 1024), "limit": rendering.SIZE_REFUSED // 1024}
    return [_("The mail has %(size)d KB and comes near the limit of %(limit)d KB.") % numbers]


def _text(words: rendering.Words) -> list[str]:
    left_over = _MARKUP.search(words.text)
    return [_("There is markup in the text part: “%s”.") % left_over[0][:40]] if left_over else []


def _pictures(seen: Seen) -> list[str]:
    lacking = [image.get("src") or "?" for image in seen.images if image.get("alt") is None]
    return [_("A picture has no words for those who cannot see it: %s") % source for source in lacking]


def _headings(seen: Seen) -> list[str]:
    notes = []
    first = sum(level == 1 for level, _words in seen.headings)
    if first != 1:
        notes.append(_("The mail has %d headings of the first level; it should have exactly one.") % first)
    before = 0
    for level, words in seen.headings:
        if level > before + 1:
            notes.append(_("A level of headings is left out before “%s”.") % words)
        before = level
    return notes


def _languages(composition: rendering.Composition, seen: Seen) -> list[str]:
    notes = []
    if seen.language != composition.language:
        notes.append(_("The mail does not say in which language it is."))
    spoken = {(passage.words, passage.language) for passage in seen.passages}
    for entry in composition.entries:
        if entry.is_fallback and (" ".join(entry.title.split()), entry.language) not in spoken:
            notes.append(_("“%s” is in another language, and the mail does not say so.") % entry.title)
    return notes


def _colours(seen: Seen) -> list[str]:
    words = {
        colours.LIGHT: _("“%(words)s” is hard to read on a light screen: its contrast is %(ratio).1f, not 4.5."),
        colours.DARK: _("“%(words)s” is hard to read on a dark screen: its contrast is %(ratio).1f, not 4.5."),
    }
    try:
        return [words[one.scheme] % {"words": one.words[:60], "ratio": one.ratio} for one in colours.faint(seen)]
    except colours.Strange as strange:
        return [_("The contrast of the mail cannot be judged: “%s” is not known.") % strange]


def _problem(text: str, language: str, *, blocking: bool = False) -> Problem:
    return Problem(text, blocking, (Place(Kind.PREVIEW, language),), Group.MAIL)
