"""The public directory: the list with its filters and its map, a page for each organisation, lists to download.

All of it is the same for everybody and sets no cookie.
"""

import datetime
import re
from collections.abc import Callable
from dataclasses import replace
from functools import wraps

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from members import directory as listing
from members import linked_data, open_data, public
from members.directory import Choice, Directory
from members.models import Level
from members.public import PublicMember, Terms
from newsletter import contributions
from picum import alternates, links, localising

NEWEST = 20  # items of the newsletter on a member's page
DESCRIPTION = 160  # characters that a search engine shows
FILTERS = {
    "country": (gettext_lazy("Country"), pgettext_lazy("countries", "all")),
    "type": (gettext_lazy("Type"), pgettext_lazy("types of organisations", "all")),
    "area": (gettext_lazy("Activity area"), pgettext_lazy("activity areas", "all")),
    "right": (pgettext_lazy("of undocumented people", "Right"), pgettext_lazy("rights", "all")),
}


@require_safe
def directory(request: HttpRequest) -> HttpResponse:
    """The members by country, as filters and words choose them. Fields of the form that were left empty are taken out
    of the address, so that it can be passed on."""
    choice = Choice.of(request.GET)
    if {name for name in (*FILTERS, "q") if name in request.GET} != choice.made.keys():
        return redirect(request.path + choice.query)
    found = listing.look(choice, get_language(), on=_today())
    page = alternates.public_page("members:directory")
    page["switch"] = [replace(version, path=version.path + choice.query) for version in page["switch"]]
    context = {
        "directory": found,
        "choice": choice,
        "chosen": [(found.named(name), choice.but(**{name: ""}).query) for name in choice.made],
        "filters": [(name, *FILTERS[name], found.options[name]) for name in FILTERS],
        "drawings": listing.drawings(found),
        "countries": [
            (one.code, one.name, [_line(member, found) for member in one.members]) for one in found.countries
        ],
        "shares": len(open_data.members(found)),
        "description": _("The members of PICUM by country: who they are and what they work on."),
    }
    return render(request, "members/directory.html", context | page)


def _line(member: PublicMember, found: Directory) -> tuple[str, str, str]:
    """Slug, name, and what is told in short. A template is quick with tuples, and there are hundreds."""
    short = " · ".join(filter(None, [member.city, found.terms.types.get(member.type)]))
    return member.slug, member.full_name, short


@require_safe
def member(request: HttpRequest, slug: str) -> HttpResponse:
    """An organisation, if it is in the directory: its description in the language of the page, or in its own."""
    language, now = get_language(), timezone.now()
    found = public.find(slug, on=localising.local_day(now))
    if found is None:
        raise Http404
    text, text_language = found.text(language)
    terms, page = public.terms(language), _alternates(found, text_language)
    logo = reverse("members:logo", args=[found.logo.name]) if found.logo else ""
    context = _facts(found, terms, language) | {
        "member": found,
        "language": language,
        "logo": logo,
        "text": text,
        "text_language": text_language if text_language != language else "",
        "text_language_name": localising.language_name(text_language, language),
        "written_in": [version for version in page["switch"] if version.code in found.texts],
        "items": contributions.published(public.items_of(slug), language, on=now)[:NEWEST],
        "linked_data": linked_data.organisation(
            found, terms, language, page=_address(found, language), logo=links.absolute(logo) if logo else ""
        ),
    }
    summary = " ".join(text.split()) or _("%(name)s (%(country)s), a member of PICUM.") % {
        "name": found.name,
        "country": context["country"],
    }
    context["description"] = Truncator(summary).chars(DESCRIPTION)
    return render(request, "members/member.html", context | page)


def _facts(member: PublicMember, terms: Terms, language: str) -> dict[str, object]:
    """What stands beside the description, in words."""
    return {
        "country": localising.country_name(member.country, language),
        "type": terms.types.get(member.type, member.type),
        "level": Level(member.level).label if member.level else "",
        "areas": [(key, terms.areas.get(key, key)) for key in member.areas],
        "rights": [(key, terms.rights.get(key, key)) for key in member.rights],
        "place": [line for line in (member.street, f"{member.postcode} {member.city}".strip()) if line],
        "number": re.sub(r"[^\d+]", "", member.telephone),
    }


def _address(member: PublicMember, language: str) -> str:
    return links.page("members:member", member.slug, language=language)


def _alternates(member: PublicMember, text_language: str) -> dict[str, object]:
    """A page with a description in another language names the page in that one as the one to be found."""
    page = alternates.public_page("members:member", member.slug, written_in=list(member.texts) or None)
    return page | ({"canonical": _address(member, text_language)} if text_language else {})


def for_programs(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For public data that pages of any site may read. Anybody may keep it, but has to ask each time whether it is
    still so (304): what a member hides is not told by somebody's cache for another hour."""

    @wraps(view)
    def answered(request: HttpRequest) -> HttpResponse:
        choice = Choice.of(request.GET)
        response = view(request, listing.look(choice, get_language(), on=_today(), texts=True))
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return require_safe(cache_control(public=True, no_cache=True)(conditional_page(answered)))


@for_programs
def list_json(request: HttpRequest, found: Directory) -> HttpResponse:
    """Members that agreed, as the filters choose them."""
    return HttpResponse(open_data.as_json(found), content_type="application/json")


@for_programs
def list_csv(request: HttpRequest, found: Directory) -> HttpResponse:
    """The same for spreadsheets."""
    name = f"picum-members-{found.language}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(open_data.as_csv(found), content_type="text/csv; charset=utf-8", headers=headers)


def _today() -> datetime.date:
    return localising.local_day(timezone.now())
