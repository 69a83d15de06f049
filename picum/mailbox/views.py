"""The pages of the mail box. For everybody who reaches this machine: it belongs to trying out, never to production.

What a mail contains is a stranger's: its html is shown in a frame of its own, without scripts, forms, cookies,
and without fetching anything from another host.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import get_language_info, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST, require_safe

from picum.mailbox import reading, store

PAGE = 50  # mails
SHOWN = 300_000  # characters of text or source; the rest is for the download
TABS = {
    "phone": gettext_lazy("Phone"),
    "desktop": gettext_lazy("Desktop"),
    "text": gettext_lazy("Text"),
    "headers": gettext_lazy("Headers"),
    "source": gettext_lazy("Source"),
}
# Links may open outside the frame (a confirmation has to work); everything else that a page can do, this one cannot.
_SANDBOX = ("allow-popups", "allow-popups-to-escape-sandbox")
_MAIL_POLICY = {
    "sandbox": [*_SANDBOX],
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
}

View = Callable[..., HttpResponse]


def of_this_machine(view: View) -> View:
    """The view gets the open box as its second argument; 404 unless `MAILBOX_ENABLED` is True."""

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.MAILBOX_ENABLED is not True:
            raise Http404
        with store.opened(settings.MAILBOX_PATH) as opened:
            return view(request, opened, *args, **kwargs)

    return guarded


@of_this_machine
@require_safe
def box(request: HttpRequest, opened: sqlite3.Connection) -> HttpResponse:
    """The mails, newest first, `PAGE` at a time: `?before=<id>` turns the page."""
    wanted, before = _wanted(request), _number(request, "before")
    mails = store.page(opened, wanted, before=before, limit=PAGE + 1)
    shown = mails[:PAGE]
    context = {
        "mails": shown,
        "wanted": wanted,
        "query": _query(wanted),
        "languages": _languages(opened, wanted),
        "first_page": not before,
        # Nothing came after this one, in no language: what is newer than that is new to the reader.
        "newest": max((mail.id for mail in store.page(opened, limit=1)), default=0),
        "older": shown[-1].id if len(mails) > PAGE else None,
        "total": _total(store.count(opened, wanted)),
        "per_page": PAGE,
    }
    return render(request, "mailbox/box.html", context)


@of_this_machine
@require_safe
def latest(request: HttpRequest, opened: sqlite3.Connection) -> JsonResponse:
    """What came meanwhile, for the script of the list, with the list's filter.

    `after`: the newest id that is on the page; `since`: the newest when it was opened. Answers {"newest": int,
    "rows": html of at most `PAGE` rows, "notice": "3 new mails" or "", "count": int, "total": "12 mails"}.
    """
    wanted, after, since = _wanted(request), _number(request, "after"), _number(request, "since")
    mails = store.page(opened, wanted, after=after, limit=PAGE)
    rows = {"mails": mails, "query": _query(wanted), "fresh": True}
    new, count = store.count(opened, wanted, after=since), store.count(opened, wanted)
    notice = ngettext("%(count)d new mail", "%(count)d new mails", new) % {"count": new}
    return JsonResponse(
        {
            "newest": mails[0].id if mails else after,
            "rows": render_to_string("mailbox/_rows.html", rows, request) if mails else "",
            "notice": notice if new else "",
            "count": count,
            "total": _total(count),
        }
    )


@of_this_machine
@require_safe
@csp_replace({"frame-src": [SELF]})
def message(request: HttpRequest, opened: sqlite3.Connection, number: int, tab: str = "") -> HttpResponse:
    """One mail under one of `TABS`; without a name, on a phone if it has html and as text if not."""
    mail, raw = _mail(opened, number)
    if tab and tab not in TABS:
        raise Http404
    tab = tab or ("text" if reading.body(raw, "html") is None else "phone")
    wanted = _wanted(request)
    newer, older = store.neighbours(opened, number, wanted)
    fields = reading.headers(raw)
    context = {
        "mail": mail,
        "from": reading.header(fields, "From"),
        "tabs": TABS,
        "tab": tab,
        "query": _query(wanted),
        "newer": newer,
        "older": older,
        "sandbox": " ".join(_SANDBOX),
        **_content(raw, tab, fields),
    }
    return render(request, "mailbox/message.html", context)


@xframe_options_sameorigin
@csp(_MAIL_POLICY)
@of_this_machine
@require_safe
def html(request: HttpRequest, opened: sqlite3.Connection, number: int) -> HttpResponse:
    """The mail's html as a page, for the frame or for a tab of its own."""
    text = reading.body(_mail(opened, number)[1], "html")
    if text is None:
        raise Http404
    response = HttpResponse(reading.with_links_outside(text))
    # By the HTML standard a sandboxed page must not ask to be isolated from its opener (Chromium does not mind).
    response["Cross-Origin-Opener-Policy"] = "unsafe-none"
    return response


@of_this_machine
@require_safe
def eml(request: HttpRequest, opened: sqlite3.Connection, number: int) -> HttpResponse:
    """The mail as it came, to open in a mail program."""
    headers = {"Content-Disposition": f'attachment; filename="mail-{number}.eml"'}
    return HttpResponse(_mail(opened, number)[1], content_type="message/rfc822", headers=headers)


@of_this_machine
@require_POST
def empty(request: HttpRequest, opened: sqlite3.Connection) -> HttpResponse:
    store.empty(opened)
    return redirect("mailbox:box")


def _wanted(request: HttpRequest) -> store.Filter:
    return store.Filter(request.GET.get("language", "")[:40].lower(), request.GET.get("words", "")[:200].strip())


def _query(wanted: store.Filter) -> str:
    """The filter as it stands in addresses, without the question mark; empty if there is none."""
    return urlencode({name: value for name, value in asdict(wanted).items() if value})


def _number(request: HttpRequest, name: str) -> int:
    """A mail's id from the address; whatever is not one counts as 0."""
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _mail(opened: sqlite3.Connection, number: int) -> tuple[store.Mail, bytes]:
    """The mail's line and the mail itself, or 404; the box may drop it at any moment."""
    mail = store.mail(opened, number) if number < 2**63 else None
    raw = store.raw(opened, number) if mail else None
    if raw is None:
        raise Http404(_("This mail is no longer in the box."))
    return mail, raw


def _languages(opened: sqlite3.Connection, wanted: store.Filter) -> list[tuple[str, str]]:
    """Tag and label ("German (12)") of each language in the box, and of the wanted one."""
    found = store.languages(opened)
    if wanted.language:
        found.setdefault(wanted.language.removeprefix(store.NO_LANGUAGE), 0)
    return [(tag or store.NO_LANGUAGE, f"{_language(tag)} ({found[tag]})") for tag in sorted(found, key=_language)]


def _language(tag: str) -> str:
    try:
        return get_language_info(tag)["name_translated"] if tag else _("no language named")
    except KeyError:
        return tag


def _total(count: int) -> str:
    return ngettext("%(count)d mail", "%(count)d mails", count) % {"count": count}


def _content(raw: bytes, tab: str, fields: list[tuple[str, str]]) -> dict[str, Any]:
    """What the tab shows: `has_html`, or `headers`, or `text` (None if the mail has none) and whether it was `cut`."""
    if tab in ("phone", "desktop"):
        return {"has_html": reading.body(raw, "html") is not None}
    if tab == "headers":
        return {"headers": fields}
    text = reading.body(raw, "plain") if tab == "text" else reading.source(raw)
    return {"text": text and text[:SHOWN], "cut": text is not None and len(text) > SHOWN}
