"""The small rich text of items: bold, italic, links, lists. Sanitised on every save and again on output.

Forms are not the only door (imports, tasks, the shell), so the field cleans in `pre_save`.
"""

from urllib.parse import urlsplit

import nh3
from django.utils.safestring import SafeString, mark_safe
from django_prose_editor.fields import ProseEditorField

SCHEMES = {"https", "http", "mailto"}
TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li"}
EXTENSIONS = {
    "Bold": True,
    "Italic": True,
    "Link": {"protocols": sorted(SCHEMES)},
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "HardBreak": True,
    "History": True,
}


def _attribute(tag: str, name: str, value: str) -> str | None:
    # nh3 lets relative addresses pass; in a mail they lead nowhere.
    return value if urlsplit(value.strip()).scheme.lower() in SCHEMES else None


_cleaner = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags={"script", "style", "title", "textarea", "iframe", "svg", "math"},
    attributes={"a": {"href"}},
    attribute_filter=_attribute,
    url_schemes=SCHEMES,
    link_rel=None,
)


def clean(html: str) -> str:
    """Only the tags of TAGS, only links to the web and to mail addresses; an empty paragraph alone becomes ""."""
    cleaned = _cleaner.clean(html or "").strip()
    return "" if cleaned in {"<p></p>", "<p><br></p>"} else cleaned


def safe(html: str) -> SafeString:
    """Cleaned, for templates."""
    return mark_safe(clean(html))  # noqa: S308  # this is the sanitiser


class RichTextField(ProseEditorField):
    """Stored as text, edited with the prose editor, cleaned by this module."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, extensions=EXTENSIONS, sanitize=clean, **kwargs)

    def pre_save(self, model_instance, add):
        value = clean(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value
