"""By what a page or a mail could watch its reader: whatever it would fetch from elsewhere, and links of their own."""

import re
from collections.abc import Collection
from types import SimpleNamespace
from urllib.parse import urljoin, urlsplit

from django.conf import settings

from picum import links
from tests.html import Page, Tag

# Attributes that make a program fetch, or post to, an address by itself or at a press.
FETCHED = {
    "action", "archive", "background", "cite", "classid", "codebase", "data", "dynsrc", "formaction", "icon",
    "imagesrcset", "longdesc", "lowsrc", "manifest", "ping", "poster", "profile", "src", "srcset", "usemap",
    "xlink:href",
}  # fmt: skip
PICTURES = {"img", "picture", "image", "feimage", "video", "audio", "track", "source", "object", "embed", "applet"}
FRAMES = {"iframe", "frame", "frameset", "portal", "base"}
IN_STYLES = re.compile(r"url\s*\(|@import|image-set\s*\(|src\s*\(", re.IGNORECASE)
TOKEN = re.compile(r"(?<![\w-])(?:[\w-]{22}|[\w-]{27})\.[\w-]{43}(?![\w-])", re.ASCII)
# A reader's own pages, and for what the token in their address is signed.
OWN = {
    "leave": "reader", "preferences": "reader", "undo": "undo", "move": "move", "data": "data",
    "sign-up/confirm": "confirm", "apply": "application", "referee": "referee",
}  # fmt: skip
OWN_PAGE = re.compile(rf"/[a-z]{{2}}/(?:newsletter/)?({'|'.join(OWN)})/([\w-]+\.[^/\"'\s<>]+)")
LOGO = re.compile(r"/[a-z]{2}/members/logo/[0-9a-f]{32}\.png")  # ours, and the same for everybody
SHARED = re.compile(
    r"(?:/[a-z]{2}/members/[\w.]*)?\?(?:(?:country|type|area|right|q)=[\w-]*&?)*(?:#\w+)?"
)  # a way to narrow a list
RECEIPTS = {"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to", "generate-delivery-report"}


def in_page(html: str, *, named: Collection[str] = (), mail: bool = False) -> list[str]:
    """What is wrong with a page, or with the html of a mail, which may fetch nothing at all. `named`: the addresses
    elsewhere that editors have written; they may stand in <a href> as they are, and nowhere else."""
    page = Page(SimpleNamespace(content=html.encode()))
    return [fault for tag in page.tags for fault in _of(tag, set(named), mail)] + in_links(html)


def in_links(text: str, *, whose: Collection[object] | None = None) -> list[str]:
    """Tokens elsewhere than in the address of a reader's own page; with `whose`, those of anybody else's handles."""
    faults, rest = [], text
    for page, token in OWN_PAGE.findall(text):
        rest = rest.replace(token, "")
        if whose is not None and (handle := _handle(token, OWN[page])) not in whose:
            faults.append(f"a link of somebody else: {page} {handle}")
    return faults + [f"a token by itself: {token}" for token in TOKEN.findall(rest)]


def in_headers(headers: Collection[tuple[str, str]]) -> list[str]:
    """What is wrong with the headers of an answer or a mail."""
    faults = [f"{name}: {value}" for name, value in headers if name.lower() in {"set-cookie", "refresh", *RECEIPTS}]
    for name, value in headers:
        faults += [f"{name} names {url}" for url in re.findall(r"[a-z]+://[^\s>;,\"]+", value) if is_elsewhere(url)]
    return faults


def is_elsewhere(url: str) -> bool:
    """Whether an address leads to another host than ours."""
    here = settings.SITE_URL
    return urlsplit(urljoin(f"{here}/", url.strip())).netloc not in {urlsplit(here).netloc, ""}


def _of(tag: Tag, named: set[str], mail: bool) -> list[str]:
    said = f"<{tag.name} {' '.join(f'{name}={value!r}' for name, value in tag.attributes.items())}>"
    if tag.name == "img" and not mail and LOGO.fullmatch(tag["src"] or "") and not tag["srcset"]:
        return []
    if tag.name in PICTURES | FRAMES:
        return [f"never: {said}"]
    return [f"{fault}: {said}" for fault in _faults(tag, named, mail)]


def _faults(tag: Tag, named: set[str], mail: bool) -> list[str]:
    href, faults = tag["href"], []
    fetched = [value for name, value in tag.attributes.items() if name in FETCHED and value]
    if tag.name in {"link", "use"} and href and not _is_only_said(tag):
        fetched.append(href)
    if any(is_elsewhere(url) for url in fetched):
        faults.append("asks elsewhere")
    if fetched and mail:
        faults.append("a mail asks")
    is_data = tag["type"] == "application/ld+json"  # for search engines; a browser runs nothing of it
    if tag.name == "script" and (mail or not (tag["src"] or is_data)):
        faults.append("a script in the page")
    if any(name.startswith("on") for name in tag.attributes):
        faults.append("a script in an attribute")
    if IN_STYLES.search(tag["style"] or "") or (tag.name == "style" and IN_STYLES.search(tag.words)):
        faults.append("a style that asks")
    if tag.name == "meta" and (tag["http-equiv"] or "").lower() == "refresh":
        faults.append("goes on by itself")
    if tag.name in {"a", "area"} and href:
        faults += _of_link(href, named)
    return faults


def _is_only_said(tag: Tag) -> bool:
    """Addresses in the head that programs read and do not fetch."""
    return tag["rel"] in {"canonical", "alternate"} and not is_elsewhere(tag["href"])


def _of_link(href: str, named: set[str]) -> list[str]:
    """Editors' links lead straight to where they say, and ours carry nothing but what they are the address of."""
    parts = urlsplit(href)
    if parts.scheme in {"mailto", "tel"}:
        return []
    if parts.scheme not in {"", "http", "https"}:
        return ["a link that is none"]
    if is_elsewhere(href):
        return [] if href in named else ["a link that nobody wrote"]
    return ["a link with more than an address"] if parts.query and not SHARED.fullmatch(href) else []


def _handle(token: str, purpose: str) -> object:
    from django.utils import timezone

    try:
        if purpose in {"reader", "application", "referee"}:
            return links.unsign(token, purpose=purpose)
        return links.unsign_until(token, purpose=purpose, now=timezone.now())
    except links.Expired as expired:
        return expired.handle
    except links.BadToken:
        return None
