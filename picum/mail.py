"""The one place where a mail to a single person is built: three templates, text and html, nothing from elsewhere."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from css_inline import CSSInliner
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import override

NETWORK = "PICUM"
# Rules within @media stay where they are: for dark screens and narrow ones.
INLINER = CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False, minify_css=True)
_INDENT = re.compile(r"[ \t]*\n[ \t\n]*")


class Built(NamedTuple):
    """A mail's words."""

    subject: str
    html: str
    text: str


def build(
    name: str,
    *,
    to: str,
    language: str,
    context: Mapping[str, object],
    sender: str = "",
    headers: Mapping[str, str] | None = None,
) -> EmailMultiAlternatives:
    """A mail in a language, not yet sent. "newsletter/confirm" is made of newsletter/mail/confirm.subject.txt, .txt
    and .html, to which `context`, `language` and `subject` are given.

    `to` is an address as SMTP carries it, `sender` DEFAULT_FROM_EMAIL unless said otherwise. Out-of-office notes and
    other robots are asked not to answer (RFC 3834).
    """
    app, _slash, mail = name.partition("/")
    stem = f"{app}/mail/{mail}"
    with override(language):
        context = {**context, "language": language}
        context["subject"] = " ".join(render_to_string(f"{stem}.subject.txt", context).split())
        text = render_to_string(f"{stem}.txt", context)
        html = render_to_string(f"{stem}.html", context)
    common = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": language,
    }
    message = EmailMultiAlternatives(
        subject=context["subject"],
        body=tidied(text),
        from_email=sender or settings.DEFAULT_FROM_EMAIL,
        to=[to],
        headers=common | dict(headers or {}),
    )
    message.attach_alternative(inlined(html), "text/html")
    return message


def inlined(html: str) -> str:
    """A whole mail with its style sheet in its tags."""
    # The inliner puts the @media rules first in the head; the charset must be declared within the first 1024 bytes.
    html = INLINER.inline(unindented(html))
    return html.replace("<head>", '<head><meta charset="utf-8">', 1)


def unindented(html: str) -> str:
    """Without the indents and empty lines of templates: octets that nobody sees."""
    return _INDENT.sub("\n", html)


def tidied(text: str) -> str:
    """No space at the end of a line, at most one empty line together, exactly one newline at the end."""
    lines = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"
