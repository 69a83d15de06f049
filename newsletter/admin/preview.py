"""An edition as a reader would get it, through the very code that sends."""

from urllib.parse import urlencode

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import mails, rendering, translating
from newsletter.admin import guard

WIDTHS = ("desktop", "phone")
# The mail's own style sheet and pictures, and nothing else: no script, no form, no way out of the frame.
FRAME = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"


def order_of(data, language: str) -> list[str]:
    """The order of languages that was chosen: the edition's own, then each `then` that is a language of ours."""
    chosen = [code for code in data.getlist("then") if code in translating.LANGUAGES]
    return list(dict.fromkeys([language, *chosen]))


@require_safe
def show(request, pk: int, language: str):
    """The page around the frame: which reader, how wide, html or text, and how large the mail is."""
    edition = guard.edition_for(request, pk, language, guard.READ)
    order = order_of(request.GET, language)
    words = _words(edition, order)
    part = "text" if request.GET.get("part") == "text" else "html"
    spoken = get_language() or "en"
    frame = reverse(f"admin:newsletter_issue_preview_{part}", args=[pk, language])
    return guard.page(
        request,
        "preview.html",
        _("Preview: %s") % edition.issue,
        issue=edition.issue,
        edition=edition,
        words=words,
        part=part,
        width=request.GET.get("width") if request.GET.get("width") in WIDTHS else "desktop",
        frame=f"{frame}?{urlencode([('then', code) for code in order[1:]])}".rstrip("?"),
        order=order,
        languages=[(code, rendering.language_name(code, spoken)) for code in translating.LANGUAGES],
        kilobytes=_kilobytes(words),
        may_test=any(request.user.has_perm(name) for name in guard.EDIT + guard.SEND),
    )


@require_safe
def html(request, pk: int, language: str) -> HttpResponse:
    """The html part alone, for the frame: locked up by its own policy even when it is opened by itself."""
    edition = guard.edition_for(request, pk, language, guard.READ)
    return _framed(HttpResponse(_words(edition, order_of(request.GET, language)).html))


@require_safe
def text(request, pk: int, language: str) -> HttpResponse:
    """The text part alone."""
    edition = guard.edition_for(request, pk, language, guard.READ)
    words = _words(edition, order_of(request.GET, language))
    return _framed(HttpResponse(words.text, content_type="text/plain; charset=utf-8"))


def _words(edition, order: list[str]) -> rendering.Words:
    return rendering.render_mail(rendering.compose(edition.issue, edition.language, order), token=mails.TOKEN)


def _framed(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = FRAME
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _kilobytes(words: rendering.Words) -> dict[str, float]:
    return {
        "html": round(words.size / 1024, 1),
        "text": round(len(words.text.encode()) / 1024, 1),
        "aim": rendering.SIZE_AIM // 1024,
        "warns": rendering.SIZE_WARNS // 1024,
        "refused": rendering.SIZE_REFUSED // 1024,
    }
