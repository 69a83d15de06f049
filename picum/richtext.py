"""The small rich text of items: bold, italic, links, lists. Sanitised on every save and again on output.

Forms are not the only door (imports, tasks, the shell), so the field cleans in `pre_save`.
"""

import re
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
    clean_content_tags={"script", "style", "title", "textarea", "iframe", "svg", "math", "xml", "del"},
    attributes={"a": {"href"}},
    attribute_filter=_attribute,
    url_schemes=SCHEMES,
    link_rel=None,
)


# Word processors write <b> and <i>. Google's wraps all that it copies in a <b> that is not bold.
_BOLD = re.compile(r"<(/?)([bi])((?:\s[^>]*)?)>", re.IGNORECASE)
_NAMES = {"b": "strong", "i": "em"}
_LEADS_NOWHERE = re.compile(r"<a>(.*?)</a>", re.DOTALL)


def clean(html: str) -> str:
    """Only the tags of TAGS, with <b> and <i> as <strong> and <em>; only links to the web and to mail addresses, of
    others the words; an empty paragraph alone becomes ""."""
    cleaned = _LEADS_NOWHERE.sub(r"\1", _cleaner.clean(_BOLD.sub(_named, html or ""))).strip()
    return "" if cleaned in {"<p></p>", "<p><br></p>"} else cleaned


def _named(tag: re.Match) -> str:
    is_plain = re.search(r"(?<!-)font-weight:\s*(?:normal|400)\b", tag[3])
    return "" if is_plain else f"<{tag[1]}{_NAMES[tag[2].lower()]}>"


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
