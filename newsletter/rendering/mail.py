"""The mail of an edition: rendered and inlined once per edition and way of filling its gaps, never per reader; its
index, once more for each order of it that readers' areas ask for."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from textwrap import shorten

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter.rendering.composition import Composition, Entry
from newsletter.rendering.entries import entry_laid_out, laid_out
from picum import localising
from picum.mail import INLINER, NETWORK, inlined, tidied, unindented

# Bytes of the html part. Gmail cuts a mail off at about 102 KB, and with it the footer's way out.
SIZE_AIM, SIZE_WARNS, SIZE_REFUSED = 60 * 1024, 90 * 1024, 100 * 1024
# RFC 5322 allows 998 octets in a line; what is left over is room for tokens longer than their marker.
FOLD_AT = 900


_TAG = re.compile(r'<(?:[^<>"]|"[^"]*")*>')
_QUOTED = re.compile(r'"[^"]*"')
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # in a mail; none of them is ever meant
_BREAKS = re.compile(r"(?: *[\x00-\x1f\x7f-\x9f\u2028\u2029])+ *")


@dataclass(frozen=True)
class Words:
    """A mail's words. The reader's token stands in html and text verbatim wherever a link is personal."""

    subject: str
    html: str
    text: str

    @property
    def size(self) -> int:
        """Of the html part, in bytes of UTF-8. Compare with SIZE_AIM, SIZE_WARNS, SIZE_REFUSED."""
        return len(self.html.encode())

    @property
    def longest_line(self) -> int:
        """Of both parts, in octets. Over 998 only where an editor's link or word is that long: then not 8bit."""
        return max(len(line.encode()) for line in f"{self.html}\n{self.text}".split("\n"))


@dataclass(frozen=True)
class Frame:
    """A mail but for its index, the one thing in which readers of different areas differ. `slot` stands in html and
    text where the index belongs; it is random, so that no editor can have typed it."""

    composition: Composition
    subject: str
    html: str
    text: str
    slot: str

    def words(self, first: Sequence[str] = ()) -> Words:
        """The whole mail, with these sections first in its index."""
        html, text = _index(replace(self.composition, first=list(first)))
        return Words(self.subject, self.html.replace(self.slot, html), tidied(self.text.replace(self.slot, text)))


def render_mail(composition: Composition, *, token: str) -> Words:
    """Subject, html and text. `token`, of [A-Za-z0-9_.-] only, is a reader's own or a marker that sending replaces,
    random so that no editor can have typed it. It is written once per personal link, four times in the html and
    twice in the text, and never escaped or folded."""
    return render_frame(composition, token=token).words(composition.first)


def render_frame(composition: Composition, *, token: str) -> Frame:
    """What takes the time of `render_mail`, for who needs the mail with several orders of its index."""
    slot = secrets.token_hex(16)
    with override(composition.language):
        name = _("%(network)s Newsletter – %(label)s") % {"network": NETWORK, "label": composition.label}
        subject = _BREAKS.sub(" ", composition.subject).strip() or name
        context = {
            "blocks": laid_out(composition),
            "composition": composition,
            "direction": localising.direction(composition.language),
            "index": slot,
            "language": composition.language,
            "name": name,
            "network": NETWORK,
            "preheader": _preheader(composition),
            "subject": subject,
            "token": token,
        }
        html = render_to_string("newsletter/mail/edition.html", context)
        text = render_to_string("newsletter/mail/edition.txt", context)
    html, text = (_FORBIDDEN.sub("", part) for part in (html, text))
    return Frame(composition, subject, _folded(inlined(html)), text, slot)


def render_entry(entry: Entry, language: str) -> str:
    """One item of an edition in this language as its mail shows it: a page of its own, without what stands around."""
    with override(language):
        context = {
            "direction": localising.direction(language),
            "html": entry_laid_out(entry, language).html,
            "language": language,
            "title": entry.title,
        }
        return inlined(render_to_string("newsletter/mail/_entry_alone.html", context))


def _index(composition: Composition) -> tuple[str, str]:
    """The index in html and in text, empty for a mail without items."""
    if not composition.blocks:
        return "", ""
    context = {"composition": composition, "language": composition.language}
    with override(composition.language):
        parts = [render_to_string(f"newsletter/mail/index.{kind}", context) for kind in ("html", "txt")]
    html, text = (_FORBIDDEN.sub("", part) for part in parts)
    return _folded(INLINER.inline_fragment(unindented(html), _style_sheet())).strip(), text


@cache
def _style_sheet() -> str:
    return render_to_string("newsletter/mail/edition.css")


def _preheader(composition: Composition) -> str:
    """The first titles: what a list of mails shows beside the subject."""
    titles = [entry.title for entry in composition.entries if not entry.is_fallback]
    return shorten(" · ".join(titles), 160, placeholder=" …")


def _folded(html: str) -> str:
    """Long lines broken at spaces: of the text and between attributes, never inside an attribute's value."""
    if all(len(line.encode()) <= FOLD_AT for line in html.split("\n")):
        return html
    guarded = _TAG.sub(lambda tag: _QUOTED.sub(lambda value: value[0].replace(" ", "\0"), tag[0]), html)
    return "\n".join(_broken(line) for line in guarded.split("\n")).replace("\0", " ")


def _broken(line: str) -> str:
    if len(line.encode()) <= FOLD_AT:
        return line
    broken, length = [], 0
    for word in line.split(" "):
        octets = len(word.encode())
        if broken and length + 1 + octets <= FOLD_AT:
            broken.append(" ")
            length += 1 + octets
        else:
            broken.append("\n" if broken else "")
            length = octets
        broken.append(word)
    return "".join(broken)
