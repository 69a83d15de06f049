"""Gettext's PO, written and read through Babel, for Poedit and whatever else speaks nothing but PO.

`msgctxt` is "item-12:text.0.1@3:5f2dab12c0de": thing, sentence, revision of the source, and the fingerprint of our
words at the time, because programs keep it whatever they do to comments. Marks become <1>…</1> for a pair and <2/> for
a line break. "Fuzzy" means: needs work.
"""

import datetime
import io
import re
from collections.abc import Iterable

from babel.messages import Catalog
from babel.messages.pofile import PoFileError, PoFileParser, write_po
from django.conf import settings
from django.utils.translation import gettext as _

from newsletter.models import Issue
from newsletter.translation.exchange.units import File, Returned, Sheet, Unreadable, tidy
from newsletter.translation.exchange.xliff import SIZE, notes_of
from newsletter.translation.segments import MARK

_CONTEXT = re.compile(r"([a-z0-9-]+):([a-z]+(?:\.\d+)+)@\d+:([0-9a-f]{12}|-)")
_TAG = re.compile(r"<(/?)(\d+)(/?)>")
# What an editor typed and looks like a tag of ours gets one more "amp;", and so does what looks like that.
_TYPED = re.compile(r"(<|&(?:amp;)*lt;)(?=/?\d+/?>)")
_WAS_TYPED = re.compile(r"&(?:amp;)*lt;(?=/?\d+/?>)")


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
            catalog.add(
                _tagged(unit.segment.words),
                _tagged(unit.target),
                context=f"{sheet.name}:{unit.key}@{sheet.source.number}:{unit.fingerprint}",
                flags=["fuzzy"] if unit.is_outdated and unit.target else [],
                auto_comments=[f"{tidy(sheet.title)} ({sheet.source.language})", *map(tidy, notes_of(sheet, unit))],
            )
    file = io.BytesIO()
    write_po(file, catalog, width=None)
    return file.getvalue().decode()


class _Read(Catalog):
    """What a file's header says of plurals is not believed: "nplurals=999999999" would fill the memory."""

    num_plurals = 6  # Arabic has the most


def read(content: bytes) -> File:
    """The sentences of a catalogue. Raises Unreadable."""
    if len(content) > SIZE:
        raise Unreadable(_("The file is larger than %d MB.") % (SIZE / 1e6))
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


def _tagged(words: str) -> str:
    escaped = _TYPED.sub(lambda typed: "&lt;" if typed[0] == "<" else f"&amp;{typed[0][1:]}", tidy(words))
    return MARK.sub(lambda mark: f"<{mark[1]}{mark[2]}{mark[3]}>", escaped)


def _marked(words: str) -> str:
    marked = _TAG.sub(lambda tag: f"⟦{tag[1]}{tag[2]}{tag[3]}⟧", words)
    return tidy(_WAS_TYPED.sub(lambda typed: "<" if typed[0] == "&lt;" else f"&{typed[0][5:]}", marked))
