"""The items of a mail, each laid out once for as long as nothing in it changes.

The desk renders seven mails to judge them, and from one look to the next one item changed; the renditions of an edition
differ in a few. The templates of an item are given its entry without the item itself, and nothing else: so what is kept
cannot hang on more than what it is known by.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from django.template import Context, Template
from django.template.loader import get_template
from django.utils.safestring import SafeString
from django.utils.translation import override

from newsletter.rendering.composition import Block, Composition, Entry
from picum import links

KEPT = 1024  # 60 items in seven languages are 420, of some 8 KB each


@dataclass(frozen=True)
class Laid:
    """An item as both parts of a mail have it; the html is not inlined yet."""

    html: SafeString
    text: SafeString


def laid_out(composition: Composition) -> list[tuple[Block, list[Laid]]]:
    """The blocks of a mail, each with its items."""
    templates = _templates()
    return [
        (block, [_entry(one, composition.language, templates) for one in block.entries]) for block in composition.blocks
    ]


def entry_laid_out(entry: Entry, language: str) -> Laid:
    """One item as the mail of an edition in this language has it."""
    return _entry(entry, language, _templates())


def _templates() -> tuple[Template, Template]:
    """Those of the html and of the text: others as soon as a developer changed one, or what they include."""
    html, text = (get_template(f"newsletter/mail/_entry.{kind}").template for kind in ("html", "txt"))
    return html, text


def _entry(entry: Entry, language: str, templates: tuple[Template, Template]) -> Laid:
    address = links.page("newsletter:item", entry.item.pk, language=language)
    return _laid_out(replace(entry, item=None), address, language, templates)


@lru_cache(maxsize=KEPT)
def _laid_out(entry: Entry, address: str, language: str, templates: tuple[Template, Template]) -> Laid:
    context = {"address": address, "entry": entry, "language": language}
    with override(language):
        html, text = (template.render(Context(context)) for template in templates)
    return Laid(html, text)
