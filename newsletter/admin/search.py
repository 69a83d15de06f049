"""Items of all years by their words, for everybody who writes, translates or sends; what is found can be taken away as
a file.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from newsletter import rendering, search, search_export, search_shown, translating
from newsletter.admin import guard
from newsletter.models import Body, Edition, Issue, Item, Section
from newsletter.search import Narrowing, Term
from newsletter.translation import access
from picum import csvfile, links, localising
from picum.areas.models import Area, Right

READ = ("newsletter.view_item", "newsletter.change_item", "newsletter.send_issue")
PAGE = 25
TITLES = 12
ALL = "all"


class SearchForm(forms.Form):
    """The question and what narrows it; all of it stands in the address."""

    q = forms.CharField(
        label=gettext_lazy("Search for"),
        required=False,
        max_length=search.LONGEST,
        widget=forms.TextInput(attrs={"type": "search", "aria-describedby": "syntax"}),
    )
    language = forms.ChoiceField(label=gettext_lazy("In the language"), required=False)
    section = forms.ChoiceField(label=gettext_lazy("Section"), required=False)
    area = forms.ChoiceField(label=gettext_lazy("Activity area"), required=False)
    right = forms.ChoiceField(label=gettext_lazy("Right"), required=False)
    country = forms.ChoiceField(label=gettext_lazy("Country"), required=False)
    body = forms.ChoiceField(label=gettext_lazy("Institution"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    year = forms.ChoiceField(label=gettext_lazy("Year"), required=False)
    issue = forms.ChoiceField(label=gettext_lazy("Issue"), required=False)
    published = forms.ChoiceField(label=gettext_lazy("Published"), required=False)
    order = forms.ChoiceField(label=gettext_lazy("First comes"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        mine = get_language() or "en"
        issues = list(Issue.objects.newsletters().order_by("-period", "-pk"))
        choices = {
            "section": [(row.key, str(row)) for row in Section.objects.prefetch_related("translations")],
            "area": [(row.key, str(row)) for row in Area.objects.prefetch_related("translations")],
            "right": [(row.key, str(row)) for row in Right.objects.prefetch_related("translations")],
            "body": [(row.key, str(row)) for row in Body.objects.prefetch_related("translations")],
            "country": _countries(mine),
            "kind": list(Item.Kind.choices),
            "year": [(str(year), str(year)) for year in dict.fromkeys(issue.period.year for issue in issues)],
            "issue": [(issue.slug, issue.label(mine)) for issue in issues],
            "published": [("yes", _("yes")), ("no", _("not yet"))],
        }
        for name, found in choices.items():
            self.fields[name].choices = [("", _("all")), *found]
        self.fields["language"].choices = [
            (code, localising.language_name(code, mine)) for code, _name in settings.LANGUAGES
        ]
        self.fields["order"].choices = [(search.BEST, _("what fits best")), (search.NEWEST, _("the newest"))]
        self.label_suffix = ""

    @property
    def narrowing_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ("q", "language", "order")]


@dataclass(frozen=True)
class Question:
    """What was asked; whatever an address says that makes no sense asks for nothing."""

    words: str
    language: str
    order: str
    narrowing: Narrowing

    @classmethod
    def of(cls, form: SearchForm) -> "Question":
        form.is_valid()
        said = form.cleaned_data
        published = {"yes": True, "no": False}.get(said.get("published", ""))
        plain = {name: said.get(name, "") for name in
                 ("section", "area", "right", "country", "body", "kind", "issue")}  # fmt: skip
        year = int(said["year"]) if said.get("year") else None
        return cls(
            said.get("q", ""),
            said.get("language") or get_language() or "en",
            said.get("order") or search.BEST,
            Narrowing(**plain, year=year, published=published),
        )

    @property
    def terms(self) -> list[Term]:
        return search.parsed(self.words, self.language)

    def numbers(self) -> list[int]:
        """Of the items that answer it, in their order. One query."""
        found = search.items(self.words, self.language, self.narrowing, order=self.order, on=timezone.now())
        return list(found.values_list("pk", flat=True))


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


def require_reader(request: HttpRequest) -> None:
    """404 for who neither edits, translates nor sends."""
    if not (any(request.user.has_perm(right) for right in READ) or access.languages_of(request.user)):
        raise Http404


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The question, and what answers it: twenty-five items a page. 20 queries at most, whatever is found."""
    require_reader(request)
    form = SearchForm(_asked(request))
    question = Question.of(form)
    numbers = question.numbers()
    page = Paginator(numbers, PAGE).get_page(request.GET.get("page"))
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
        "kept": [(name, value) for name, value in form.data.items() if value and name != "page"],
    }
    return guard.page(request, "search.html", _("Search items"), opts=Item._meta, **context)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The chosen items of a question, or all that answer it, as a file."""
    require_reader(request)
    question = Question.of(SearchForm(_asked(request)))
    chosen = {int(number) for number in request.GET.getlist("item")[:PAGE] if number.isdecimal() and len(number) < 10}
    numbers = question.numbers() if ALL in request.GET else [one for one in question.numbers() if one in chosen]
    if not numbers or len(numbers) > search_export.MOST:
        messages.error(request, _why_not(len(numbers)))
        return HttpResponseRedirect(f"{reverse('admin:newsletter_item_search')}?{_address(request)}")
    by = search_export.AREA if request.GET.get("by") == search_export.AREA else search_export.SECTION
    selection = search_export.Selection(numbers, question.language, by, timezone.now())
    if request.GET.get("as") == "markdown":
        title = question.words.strip() or _("Items")
        return _file(search_export.markdown(selection, title=title), "text/markdown", "md")
    return _file(search_export.csv(selection, delimiter=csvfile.delimiter()), "text/csv", "csv")


@require_safe
def titles(request: HttpRequest) -> JsonResponse:
    """For picking an item by its title: `?q=…&language=de`, the best first. Each: number, title, language (of the
    title), place, issue, published."""
    require_reader(request)
    question = Question.of(SearchForm(_asked(request)))
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
    pks = list(numbers)
    items = Item.objects.filter(pk__in=pks).select_related("issue")
    items = {item.pk: item for item in items.prefetch_related("translations", "bodies__translations")}
    editions = Edition.objects.published(on=timezone.now()).filter(issue__in={one.issue_id for one in items.values()})
    out = set(editions.values_list("issue", "language"))
    return [_found(items[pk], question, out) for pk in pks if pk in items]


def _found(item: Item, question: Question, out: set[tuple[int, str]]) -> Found:
    mine, terms = get_language() or "en", question.terms
    written = translating.texts(item)
    shown = translating.shown_in(item, question.language, [mine]) or ""
    words = written.get(shown)
    # Words of another language than the one asked in are not compared.
    terms = terms if shown == question.language else []
    early = item.not_before and item.not_before > timezone.localdate()
    return Found(
        item=item,
        title=search_shown.pieces(words.title, shown, terms) if words else [search_shown.Piece(f"#{item.pk}")],
        passage=search_shown.passage(words.text, shown, terms) if words else [],
        language=shown,
        place=rendering.place(item, mine),
        issue=item.issue.label(mine),
        languages=[code for code in translating.LANGUAGES if code in written],
        published=(item.issue_id, shown) in out and not early,
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


def _countries(language: str) -> list[tuple[str, str]]:
    """Those in which anything happened."""
    rows = Item.objects.exclude(countries="").order_by().values_list("countries", flat=True).distinct()
    codes = {code for row in rows for code in str(row).split(",") if code}
    names = {localising.country_name(code, language): code for code in codes}
    return [(names[name], name) for name in localising.in_order(names)]


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
