"""The newsletter as Atom feeds (RFC 4287), for who follows it without giving an address: in each language one of
everything, and one for each activity area. The same for everybody: no cookie, no link of anybody's own."""

import datetime
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import http_date
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import archive, rendering
from newsletter.models import Issue
from picum import links
from picum.areas.models import Area

ISSUES, MOST_ENTRIES = 3, 100
KEPT = 600  # seconds for which anybody may keep an answer without asking again
MEDIA_TYPE = "application/atom+xml"
NEVER = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)  # "updated" of a feed in which nothing has appeared yet
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML 1.0 §2.2; whatever was pasted


@dataclass(frozen=True)
class Line:
    """An item in a feed. `title` begins with place and kind, all in the language in which the item is shown."""

    entry: rendering.Entry
    title: str
    address: str
    published_at: datetime.datetime


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """The items of the last issues in the language of the address."""
    return _answer(request, links.page("newsletter:feed", language=get_language()), None)


@require_safe
def area_feed(request: HttpRequest, key: str) -> HttpResponse:
    """Those of one area; 404 for one that there is not."""
    area = get_object_or_404(Area.objects.prefetch_related("translations"), key=key)
    return _answer(request, links.page("newsletter:area_feed", key, language=get_language()), area)


def _answer(request: HttpRequest, address: str, area: Area | None) -> HttpResponse:
    """The feed, or 304 for who has it. Made anew for each question: an item that is corrected keeps its dates, so
    that only the words can tell whether they changed."""
    language = get_language()
    issues = archive.latest(language, on=timezone.now(), number=ISSUES)
    updated = max((issue.published_at for issue in issues), default=NEVER)
    context = {
        "address": address,
        "area": area,
        "language": language,
        "lines": list(islice(_lines(issues, language, area), MOST_ENTRIES)),
        "media_type": MEDIA_TYPE,
        "network": rendering.NETWORK,
        "title": _name(area),
        "updated": updated,
        "web": links.page("newsletter:archive", language=language),
    }
    body = _NO_XML.sub("", render_to_string("newsletter/feed.xml", context)).encode()
    response = HttpResponse(body, content_type=f"{MEDIA_TYPE}; charset=utf-8")
    etag, seconds = f'"{hashlib.sha256(body).hexdigest()[:32]}"', int(updated.timestamp())
    response["ETag"], response["Last-Modified"] = etag, http_date(seconds)
    patch_cache_control(response, public=True, max_age=KEPT)
    return get_conditional_response(request, etag, seconds, response)


def _name(area: Area | None) -> str:
    name = _("%(network)s Newsletter") % {"network": rendering.NETWORK}
    return f"{name}: {area}" if area else name


def _lines(issues: list[Issue], language: str, area: Area | None) -> Iterator[Line]:
    for issue in issues:
        for entry in rendering.compose(issue, language).entries:
            if area is None or area in entry.item.areas.all():
                yield Line(
                    entry=entry,
                    title=_title(entry),
                    address=links.page("newsletter:item", entry.item.pk, language=language),
                    published_at=issue.published_at,
                )


def _title(entry: rendering.Entry) -> str:
    """As in "ITALY / REPORT / Two people die on a coast-guard vessel"."""
    with override(entry.language):
        kind = entry.item.get_kind_display().upper() if entry.item.kind else ""
    return " / ".join(filter(None, [rendering.place(entry.item, entry.language), kind, entry.title]))
