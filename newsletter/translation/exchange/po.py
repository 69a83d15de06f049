"""Gettext's PO, written and read through Babel, for Poedit and whatever else speaks nothing but PO.

`msgctxt` is "item-12:text.0.1@3:5f2dab12c0de": thing, sentence, revision of the source, and the fingerprint of our
words at the time, because programs keep it whatever they do to comments. Marks become <g1>…</g1> for a pair and <x2/>
for a line break: OmegaT guards what looks so, and Weblate compares it. "Fuzzy" means: needs work.
"""

import datetime
import io
import re
from collections.abc import Iterable, Iterator

from babel.messages import Catalog
from babel.messages.pofile import PoFileError, PoFileParser, write_po
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from newsletter.models import Issue
from newsletter.translation.exchange.units import File, Returned, Sheet, Unit, Unreadable, check_number, tidy
from newsletter.translation.exchange.xliff import SIZE, notes_of
from newsletter.translation.segments import MARK, Segment

_CONTEXT = re.compile(r"([a-z0-9-]+):([a-z]+(?:\.\d+)+)@\d+:([0-9a-f]{12}|-)")
_TAG = re.compile(r"<(/?)[gx](\d+)(/?)>")
_MESSAGE = re.compile(rb"^[ \t]*(?:#~[ \t]*)?msgid\b", re.MULTILINE)
# What an editor typed and looks like a tag of ours gets one more "amp;", and so does what looks like that.
_TYPED = re.compile(r"(<|&(?:amp;)*lt;)(?=/?[gx]\d+/?>)")
_WAS_TYPED = re.compile(r"&(?:amp;)*lt;(?=/?[gx]\d+/?>)")

_CALLED = {
    "strong": gettext_lazy("bold"),
    "em": gettext_lazy("italic"),
    "a": gettext_lazy("link"),
    "br": gettext_lazy("line break"),
}


def write(issue: Issue, language: str, sheets: Iterable[Sheet], *, now: datetime.datetime) -> str:
    """The catalogue. Notes are in the language active now."""
    catalog = Catalog(
        language,
        project=f"PICUM {issue.slug}",
        version="1",
        creation_date=now,
        revision_date=now,
        fuzzy=False,
        msgid_bugs_address=settings.SITE_URL,
        last_translator="PICUM",
        language_team=language,
    )
    catalog.header_comment = "#"
    for sheet in sheets:
        for unit in sheet.units:
            _add(catalog, sheet, unit)
    file = io.BytesIO()
    write_po(file, catalog, width=None)
    return file.getvalue().decode()


def _add(catalog: Catalog, sheet: Sheet, unit: Unit) -> None:
    message = catalog.add(
        tagged(unit.segment.words),
        tagged(unit.target),
        context=f"{sheet.name}:{unit.key}@{sheet.source.number}:{unit.fingerprint}",
        auto_comments=[*map(tidy, notes_of(sheet, unit)), *_legend(unit.segment)],
    )
    # Nothing else: Babel takes "40 % of" for a program's format, and Poedit would call "40 % der" an error.
    message.flags = {"fuzzy"} if unit.is_outdated and unit.target else set()


class _Read(Catalog):
    """What a file's header says of plurals is not believed: "nplurals=999999999" would fill the memory."""

    num_plurals = 6  # Arabic has the most


def read(content: bytes) -> File:
    """The sentences of a catalogue. Raises Unreadable."""
    if len(content) > SIZE:
        raise Unreadable(_("The file is larger than %d MB.") % (SIZE / 1e6))
    check_number(sum(1 for _message in _MESSAGE.finditer(content)) - 1)  # the header is none
    try:
        # Decoded here: a header may name any charset.
        catalog = _Read()
        parser = PoFileParser(catalog, abort_invalid=True, ignore_obsolete=True)
        parser.parse(io.StringIO(content.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise Unreadable(_("The file is not in UTF-8. Save it as UTF-8.")) from None
    except (PoFileError, ValueError, LookupError, TypeError, AttributeError):
        raise Unreadable(_("This file is damaged, or is no PO file.")) from None
    sentences = [_returned(message) for message in catalog if message.id and isinstance(message.id, str)]
    if not sentences:
        raise Unreadable(_("This file is damaged, or is no PO file."))
    return File(str(catalog.locale_identifier or "").replace("_", "-").lower().partition("-")[0], sentences)


def _returned(message) -> Returned:
    context = _CONTEXT.fullmatch(message.context or "")
    name, key, was = context.groups() if context else ("", tidy(message.context or "")[:60], None)
    target = message.string if isinstance(message.string, str) else ""
    return Returned(name, key, _marked(message.id), _marked(target), was, message.fuzzy)


def _legend(segment: Segment) -> Iterator[str]:
    """What its marks stand for: XLIFF has a place for that, PO has not."""
    names = {number: tag.strip("<>").split()[0] for number, tag in segment.tags.items()}
    told = [f"{tagged(mark[0])} {_CALLED[names[mark[2]]]}" for mark in MARK.finditer(segment.words) if not mark[1]]
    if told:
        yield _("Marks: %(marks)s") % {"marks": ", ".join(told)}


def tagged(words: str) -> str:
    """Marks as translators see them: "<g1>"."""
    escaped = _TYPED.sub(lambda typed: "&lt;" if typed[0] == "<" else f"&amp;{typed[0][1:]}", tidy(words))
    return MARK.sub(lambda mark: f"<{mark[1]}{'x' if mark[3] else 'g'}{mark[2]}{mark[3]}>", escaped)


def _marked(words: str) -> str:
    marked = _TAG.sub(lambda tag: f"⟦{tag[1]}{tag[2]}{tag[3]}⟧", words)
    return tidy(_WAS_TYPED.sub(lambda typed: "<" if typed[0] == "&lt;" else f"&{typed[0][5:]}", marked))
