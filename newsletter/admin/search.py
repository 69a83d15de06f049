"""Items of all years by their words, for everybody who writes, translates or sends; what is found can be taken away as
a file. The ticks of other pages travel in the address, with the question.
"""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import rendering, search_export, search_shown, search_sight, translating
from newsletter.admin import guard
from newsletter.admin.search_question import Question, SearchForm
from newsletter.models import Edition, Item
from newsletter.search import Narrowing, Term
from newsletter.translation import access
from picum import csvfile, links, localising

READ = ("newsletter.view_item", "newsletter.send_issue", *access.ALL)
PAGE = 25
TICKS = 200  # as many numbers as an address has room for
TITLES = 12
ALL = "all"


@dataclass(frozen=True)
class Found:
    """An item as the page shows it."""

    item: Item
    title: list[search_shown.Piece]
    passage: list[search_shown.Piece]
    language: str  # of both
    place: str
    issue: str
    languages: list[str]  # in which there are words
    published: bool  # in its language

    @property
    def page(self) -> str:
        """In the archive."""
        return links.page("newsletter:item", self.item.pk, language=self.language)


def seen_by(request: HttpRequest) -> Collection[str] | None:
    """What somebody may find, as `newsletter.search_sight` has it; 404 for who neither edits, translates nor sends."""
    if any(request.user.has_perm(right) for right in READ):
        return None
    if languages := access.languages_of(request.user):
        return languages
    raise Http404


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The question, and what answers it: twenty-five items a page. 16 queries at most, whatever is found."""
    sees = seen_by(request)
    form = SearchForm(_asked(request))
    question = Question.of(form, sees)
    numbers = question.numbers()
    page = Paginator(numbers, PAGE).get_page(request.GET.get("page"))
    ticks = _ticks(request, numbers)
    if len(ticks) > TICKS:
        messages.warning(request, _too_many_ticks())
    here, kept = set(page), ticks[:TICKS]
    elsewhere = [number for number in kept if number not in here]
    context = {
        "form": form,
        "page": page,
        "rows": _rows(page, question),
        "total": len(numbers),
        "count": _counted(len(numbers)),
        "most": search_export.MOST,
        "may_change": request.user.has_perm("newsletter.change_item") or request.user.has_perm("newsletter.view_item"),
        "is_narrowed": question.narrowing != Narrowing(),
        "address": _address(request),
        "asked": [(name, value) for name, value in form.data.items() if value],
        "ticks": here.intersection(kept),
        "kept": ".".join(map(str, elsewhere)),
        "elsewhere": _ticked_elsewhere(len(elsewhere)) if elsewhere else "",
    }
    return guard.page(request, "search.html", _("Search items"), opts=Item._meta, **context)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The chosen items of a question, or all that answer it, as a file."""
    question = Question.of(SearchForm(_asked(request)), seen_by(request))
    found = question.numbers()
    numbers = found if ALL in request.GET else _ticks(request, found)
    if not numbers or len(numbers) > search_export.MOST:
        messages.error(request, _why_not(len(numbers)))
        return HttpResponseRedirect(f"{reverse('admin:newsletter_item_search')}?{_address(request)}")
    by = search_export.AREA if request.GET.get("by") == search_export.AREA else search_export.SECTION
    selection = search_export.Selection(numbers, question.language, by, timezone.now(), question.sees)
    if request.GET.get("as") == "markdown":
        title = question.words.strip() or _("Items")
        return _file(search_export.markdown(selection, title=title), "text/markdown", "md")
    return _file(search_export.csv(selection, delimiter=csvfile.delimiter()), "text/csv", "csv")


@require_safe
def titles(request: HttpRequest) -> JsonResponse:
    """For picking an item by its title: `?q=…&language=de`, the best first. Each: number, title, language (of the
    title), place, issue, published."""
    question = Question.of(SearchForm(_asked(request)), seen_by(request))
    numbers = question.numbers()[:TITLES] if question.terms else []
    found = [
        {
            "number": row.item.pk,
            "title": "".join(piece.words for piece in row.title),
            "language": row.language,
            "place": row.place,
            "issue": row.issue,
            "published": row.published,
        }
        for row in _rows(numbers, question)
    ]
    return JsonResponse({"items": found})


def urls(wrap: Callable) -> list:
    return [
        path("search/", wrap(show), name="newsletter_item_search"),
        path("search/export/", wrap(export), name="newsletter_item_search_export"),
        path("search/titles/", wrap(titles), name="newsletter_item_search_titles"),
    ]


# --- what is found ----------------------------------------------------------------------------------------------------


def _rows(numbers: Page | list[int], question: Question) -> list[Found]:
    """Five queries."""
    pks, now, terms = list(numbers), timezone.now(), question.terms
    items = Item.objects.filter(pk__in=pks).select_related("issue")
    items = {item.pk: item for item in items.prefetch_related("translations", "bodies__translations")}
    editions: dict[int, dict[str, datetime.datetime | None]] = {item.issue_id: {} for item in items.values()}
    rows = Edition.objects.filter(issue__in=editions).values_list("issue", "language", "published_at")
    for issue, language, moment in rows:
        editions[issue][language] = moment
    found = [_found(items[pk], question, terms, editions[items[pk].issue_id], now) for pk in pks if pk in items]
    # An edition that is out leaves out what is not in its language, and so does this page.
    return [row for row in found if row.language or question.sees is None]


def _found(
    item: Item,
    question: Question,
    terms: Collection[Term],
    editions: Mapping[str, datetime.datetime | None],
    now: datetime.datetime,
) -> Found:
    mine = get_language() or "en"
    languages = search_sight.readable(item, question.sees, editions, on=now)
    shown = search_sight.shown_in(item, question.language, [mine], languages)
    words = translating.texts(item).get(shown)
    # Words of another language than the one asked in are not compared.
    terms = terms if shown == question.language else []
    return Found(
        item=item,
        title=search_shown.pieces(words.title, shown, terms) if words else [search_shown.Piece(f"#{item.pk}")],
        passage=search_shown.passage(words.text, shown, terms) if words else [],
        language=shown,
        place=rendering.place(item, mine),
        issue=item.issue.label(mine),
        languages=languages,
        published=search_sight.is_out(item, shown, editions, now),
    )


# --- what is asked ----------------------------------------------------------------------------------------------------


def _asked(request: HttpRequest) -> dict[str, str]:
    """The parameters of the address that belong to the question."""
    return {"language": get_language() or "en"} | {
        name: value for name, value in request.GET.items() if name in SearchForm.base_fields
    }


def _address(request: HttpRequest) -> str:
    """The question, for addresses of other pages of it."""
    asked = request.GET.copy()
    for name in list(asked):
        if name not in SearchForm.base_fields or not asked[name]:
            del asked[name]
    return asked.urlencode()


def _ticks(request: HttpRequest, found: Iterable[int]) -> list[int]:
    """The numbers with a tick, on this page or kept from others, of those that were found; a few more than TICKS at
    most."""
    said = [*request.GET.getlist("item")[:PAGE], *request.GET.get("kept", "").split(".")[: TICKS + 1]]
    ticked = {int(number) for number in said if number.isdecimal() and len(number) < 10}
    return [number for number in found if number in ticked]


def _ticked_elsewhere(number: int) -> str:
    words = ngettext(
        "%(count)s item on another page has a tick too.", "%(count)s items on other pages have a tick too.", number
    )
    return words % {"count": localising.number(number, get_language() or "en")}


def _too_many_ticks() -> str:
    most = localising.number(TICKS, get_language() or "en")
    return _("%(most)s items can have a tick: the rest has lost its own. Take these away first.") % {"most": most}


def _counted(number: int) -> str:
    return ngettext("%(count)s item", "%(count)s items", number) % {
        "count": localising.number(number, get_language() or "en")
    }


def _why_not(number: int) -> str:
    if not number:
        return _("Choose the items for the file first, or all that were found.")
    most = localising.number(search_export.MOST, get_language() or "en")
    return _("A file holds %(most)s items at most: narrow the search, by a year for example.") % {"most": most}


def _file(pieces, content_type: str, ending: str) -> StreamingHttpResponse:
    name = f"items-{timezone.localdate():%Y-%m-%d}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(pieces, content_type=f"{content_type}; charset=utf-8", headers=headers)
