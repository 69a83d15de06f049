"""A letter as a whole: in its language, readable without pictures, with links of our own alone."""

import re
from types import SimpleNamespace

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from tests.html import Page


def faults(message: EmailMultiAlternatives, language: str) -> list[str]:
    """What is wrong with a letter of ours in this language."""
    ((html, kind),) = message.alternatives
    text, page = message.body, Page(SimpleNamespace(content=html.encode()))
    shown = [tag["href"] for tag in page.all("a")]
    written = re.findall(r"<(https?://[^>]+)>", text)
    checks = {
        "not html": kind == "text/html",
        "language": message.extra_headers["Content-Language"] == page.one("html")["lang"] == language,
        "subject": message.subject == message.subject.strip() == page.one("title").words != "",
        "heading": page.one("h1").words in " ".join(text.split()),
        "other links in the text than in the html": shown == written,
        "a link to elsewhere": all(link.startswith(f"{settings.SITE_URL}/{language}/") for link in shown),
        "an address that is no link": set(re.findall(r"https?://[^\s\"'<>]+", html + text)) == set(shown),
        "loads, runs or watches": not [
            tag for tag in page.tags if tag.name in {"img", "link", "script", "form", "svg"}
        ],
        "a style from elsewhere": "url(" not in html and "@import" not in html,
        "a table that is not only layout": {tag["role"] for tag in page.all("table")} == {"presentation"},
        "left of a template": not re.search(r"{{|{%|%\(|None", html + text + message.subject),
        "long lines": max(len(line) for line in text.split("\n") if not line.startswith("<")) <= 72,
        "too long for a relay": max(len(line.encode()) for line in html.split("\n")) < 998,
        "answered by robots": message.extra_headers["Auto-Submitted"] == "auto-generated",
    }
    return [fault for fault, is_well in checks.items() if not is_well]
