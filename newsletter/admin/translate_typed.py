"""What somebody typed on the translator's page, as it is sent: in a form, or by the page's script."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest

from newsletter.models import Text
from newsletter.translation import changes, texts
from newsletter.translation.drafting import Seen
from newsletter.translation.segments import RICH
from picum import richtext


class Unreadable(ValueError):
    """What was sent is no object of JSON."""


def sent(request: HttpRequest) -> dict:
    """What the page's script sends. Raises Unreadable."""
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError) as why:
        raise Unreadable from why
    if not isinstance(data, dict):
        raise Unreadable
    return data


def typed(text: Text, data: Mapping[str, object]) -> texts.Words:
    """The fields of a text as somebody sent them, without what no database takes."""
    return {name: _writable(data.get(name)) for name in texts.fields_of(text)}


def _writable(words: object) -> str:
    return words.replace("\0", "").encode(errors="ignore").decode() if isinstance(words, str) else ""


def seen(data: Mapping[str, object]) -> Seen:
    """The numbers of what a page shows; what is no number is 0, and no revision of the source."""
    return Seen(_number(data, "working"), _number(data, "number"), _number(data, "source") or None)


def _number(data: Mapping[str, object], name: str) -> int:
    digits = str(data.get(name, ""))
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else 0


@dataclass(frozen=True)
class Compared:
    """A field of which two people typed different words."""

    label: str
    mine: str
    theirs: str
    is_rich: bool
    changes: list[changes.Change]  # from theirs to mine

    @property
    def mine_html(self) -> str:
        return richtext.safe(self.mine) if self.is_rich else self.mine

    @property
    def theirs_html(self) -> str:
        return richtext.safe(self.theirs) if self.is_rich else self.theirs


def compared(text: Text, mine: texts.Words, theirs: texts.Words) -> list[Compared]:
    mine = texts.cleaned(text, mine)
    model = texts.thing_of(text).translations.model
    return [
        Compared(
            str(model._meta.get_field(name).verbose_name),
            words,
            theirs.get(name, ""),
            name in RICH,
            changes.changed({name: theirs.get(name, "")}, {name: words}, text.language),
        )
        for name, words in mine.items()
        if words != theirs.get(name, "")
    ]
