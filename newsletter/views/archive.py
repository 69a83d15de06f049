"""The newsletter's public pages: the archive."""

from html import unescape

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.text import Truncator
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from newsletter import archive as published
from newsletter import rendering, translating
from newsletter.models import Issue
from picum import alternates
from picum.areas.models import Area

DESCRIPTION = 160  # characters that a search engine shows


@require_safe
def archive(request: HttpRequest) -> HttpResponse:
    """All issues by year, in the language of the page; those that are there in other languages only, apart; the
    feeds."""
    years = published.years(get_language(), on=timezone.now())
    areas = Area.objects.prefetch_related("translations")
    page = alternates.public_page("newsletter:archive")
    return render(request, "newsletter/archive.html", {"years": years, "areas": areas, **page})


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
