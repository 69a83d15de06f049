"""The newsletter's public pages: the archive, and the two pages that a reader reaches by their own link."""

from collections.abc import Callable
from functools import wraps
from html import unescape

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from newsletter import archive as published
from newsletter import rendering, subscriptions, translating
from newsletter.forms import LanguagesForm
from newsletter.models import Issue, Subscriber
from picum import alternates, links

DESCRIPTION = 160  # characters that a search engine shows


@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    """All issues by year, in the language of the page; those that are there in other languages only, apart."""
    years = published.years(get_language(), on=timezone.now())
    page = alternates.public_page("newsletter:archive")
    return render(request, "newsletter/archive.html", {"years": years, **page})


@require_safe
def edition(request: HttpRequest, slug: str) -> HttpResponse:
    """An issue in the language of the page, at its permanent address."""
    language, now = get_language(), timezone.now()
    issue = published.issue_or_404(language, on=now, slug=slug)
    composition = rendering.compose(issue, language)
    languages = published.published_languages(issue, on=now)
    summary = composition.masthead or " · ".join(block.heading for block in composition.blocks)
    context = {"composition": composition, "description": _short(summary)}
    context |= alternates.public_page("newsletter:edition", slug, languages=languages)
    return render(request, "newsletter/edition.html", context)


@require_safe
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """An item at its permanent address; in another language, marked, where it is not translated."""
    language, now = get_language(), timezone.now()
    issue = published.issue_or_404(language, on=now, items__id=pk)
    place = published.place_or_404(composition := rendering.compose(issue, language), pk)
    written_in = set(translating.texts(place.entry.item))
    languages = published.published_languages(issue, on=now)
    if issue.fallback == Issue.Fallback.OMIT:
        languages = [code for code in languages if code in written_in]
    page = alternates.public_page("newsletter:item", pk, languages=languages, written_in=written_in)
    context = {"composition": composition, "place": place, "description": _short(_words(place.entry.text))}
    context["written_in"] = [version for version in page["switch"] if version.code in written_in]
    return render(request, "newsletter/item.html", context | page)


def _words(html: str) -> str:
    """Rich text as plain text: the template escapes it again."""
    return unescape(strip_tags(html))


def _short(text: str) -> str:
    return Truncator(" ".join(text.split())).chars(DESCRIPTION)


def for_one_reader(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view gets the reader of the token, or None when they were erased; 404 in words for a false token.

    No CSRF protection: the token in the address is what authorises, there is no cookie that another site could
    ride on, and a mail program that posts for its user (RFC 8058) could not bring one. The answers are kept by no
    cache, by no search engine, and the address by no other site.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        try:
            response = view(request, token, subscriptions.reader_for(token))
        except links.BadToken:
            response = render(request, "newsletter/bad_link.html", status=404)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


@for_one_reader
def leave(request: HttpRequest, token: str, reader: Subscriber | None) -> HttpResponse:
    """GET shows one button; POST, from that button or from the mail program, ends the subscription at once.

    POST answers 200 without redirect, also when repeated and when the reader was erased (RFC 8058).
    """
    context = {"switch": alternates.versions("newsletter:leave", token), "token": token}
    if request.method == "POST":
        if reader:
            subscriptions.unsubscribe(reader, how=_how(request))
        return render(request, "newsletter/goodbye.html", context)
    if reader is None or reader.state == Subscriber.State.UNSUBSCRIBED:
        return render(request, "newsletter/not_subscribed.html", context)
    return render(request, "newsletter/leave.html", {**context, "masked": subscriptions.masked(reader)})


def _how(request: HttpRequest) -> str:
    """By which road somebody leaves. A body that cannot be read is no reason to keep them."""
    try:
        return "one-click" if "List-Unsubscribe" in request.POST else "page"
    except (BadRequest, MultiPartParserError, SuspiciousOperation, OSError):
        return "unreadable"


@for_one_reader
def preferences(request: HttpRequest, token: str, reader: Subscriber | None) -> HttpResponse:
    """The reader's languages and their order. Each button saves; the answer is the page itself."""
    context = {"switch": alternates.versions("newsletter:preferences", token), "token": token}
    if reader is None or reader.state == Subscriber.State.UNSUBSCRIBED:
        return render(request, "newsletter/not_subscribed.html", context)
    form = LanguagesForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        subscriptions.change_languages(reader, form.cleaned_data["order"])
    chosen = [(code, alternates.own_name(code)) for code in reader.languages.split()]
    context["form"], context["chosen"] = form, chosen
    context["others"] = [
        pair for code in translating.LANGUAGES if (pair := (code, alternates.own_name(code))) not in chosen
    ]
    return render(request, "newsletter/preferences.html", context)
