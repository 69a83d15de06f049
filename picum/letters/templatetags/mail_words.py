"""What the templates of the mail need: addresses of pages, and plain text."""

from django import template

from picum import links, plaintext

register = template.Library()


@register.simple_tag(takes_context=True)
def page(context, name: str, *args) -> str:
    """The absolute address of a page in the edition's language: `{% page "newsletter:leave" token %}`."""
    return links.page(name, *args, language=context["language"])


@register.filter
def plain(html: str) -> str:
    """Rich text as wrapped plain text."""
    return plaintext.plain(html)


@register.filter
def wrapped(text: str, indent: str = "") -> str:
    """A plain paragraph as lines of at most 72 characters; as `{% filter wrapped %}` too."""
    return plaintext.wrapped(text, indent)


@register.filter
def underlined(text: str, character: str) -> str:
    """A heading of the text part, wrapped, over a line of `character` as long as its longest line."""
    heading = plaintext.wrapped(text)
    return heading + "\n" + character * max(map(len, heading.split("\n")))


@register.filter
def right_to_left(text: str) -> str:
    """Set apart by Unicode's isolates (UAX 9), because plain text knows no `dir`."""
    return f"\u2067{text}\u2069"
