"""Applications on the desk: the queue of what waits for whom, and a page to read each of them."""

from django.contrib import admin
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from members import assemblies, shelf, steps, waiting
from members.admin import application_deeds, frame
from members.forms.choosing import Lists
from members.models import Application, Category, Paper
from picum import localising
from picum.accounts.lists import Choice, ListAdmin, ReadOnly

VIEW = "members.view_application"
State = Application.State
ALL = "all"


# --- what the list may be narrowed by -------------------------------------------------------------------------------


class WhomFilter(Choice):
    title = gettext_lazy("waits for")
    parameter_name = "whom"

    def lookups(self, request, model_admin):
        return waiting.Whom.choices

    def queryset(self, request, queryset):
        return queryset.filter(waiting.WAITS[self.value()]) if self.value() else queryset


class StateFilter(Choice):
    """Without a choice: those about which nothing final was said."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [*((state, state.label) for state in State if state != State.DRAFT), (ALL, gettext_lazy("all"))]

    def queryset(self, request, queryset):
        if self.value() == ALL:
            return queryset
        return super().queryset(request, queryset) if self.value() else queryset.open()

    def choices(self, changelist):
        open_ones, *others = super().choices(changelist)
        return [open_ones | {"display": _("open")}, *others]


class CountryFilter(Choice):
    title = gettext_lazy("country")
    parameter_name = "country"

    def lookups(self, request, model_admin):
        codes = waiting.handed_in().order_by().values_list("country", flat=True).distinct()
        named = {localising.country_name(code, get_language() or "en"): code for code in codes}
        return [(named[name], name) for name in localising.in_order(named)]


class CategoryFilter(Choice):
    title = gettext_lazy("category")
    parameter_name = "category__key"

    def lookups(self, request, model_admin):
        return [(category.key, str(category)) for category in Category.objects.prefetch_related("translations")]


# --- the queue ------------------------------------------------------------------------------------------------------


@admin.register(Application)
class ApplicationAdmin(ReadOnly, ListAdmin):
    """To be read; what is done about an application stands in `members.admin.application_deeds`."""

    list_display = ["title", "land", "waits_for", "stand", "in_category", "submitted"]
    list_filter = [WhomFilter, StateFilter, CountryFilter, CategoryFilter]
    search_fields = ["name"]
    search_help_text = gettext_lazy("Part of the name")
    sortable_by = ()
    actions = None
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    change_list_template = "members/admin/applications.html"

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(VIEW)

    def get_queryset(self, request):
        queue = waiting.with_waits(waiting.handed_in())
        return queue.select_related("category").prefetch_related("category__translations")

    def get_ordering(self, request):
        return ["waiting_since", "pk"]

    def get_urls(self):
        def page(view, route: str, name: str):
            return path(route, self.admin_site.admin_view(view), name=f"members_{name}")

        return [
            page(download, "<int:pk>/papers/<uuid:handle>/", "application_paper"),
            page(application_deeds.page, "<int:pk>/deed/<slug:name>/", "application_deed"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        counts = waiting.counts()
        queue = [(whom, counts[whom], whom == request.GET.get("whom")) for whom in waiting.Whom]
        context = {"title": _("Applications"), "queue": queue, "assembly": assemblies.next_one()}
        if context["assembly"]:
            context["assembly_day"] = localising.day(context["assembly"].date, get_language() or "en")
        return super().changelist_view(request, context | (extra_context or {}))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        return read(request, object_id)

    @admin.display(description=gettext_lazy("name"))
    def title(self, application):
        return str(application)

    @admin.display(description=gettext_lazy("country"))
    def land(self, application):
        return localising.country_name(application.country, get_language() or "en")

    @admin.display(description=gettext_lazy("waits for"))
    def waits_for(self, application):
        return format_html_join("", '<span class="desk-wait-for">{}</span>', ((line,) for line in told(application)))

    @admin.display(description=gettext_lazy("state"))
    def stand(self, application):
        return application.get_state_display()

    @admin.display(description=gettext_lazy("category"))
    def in_category(self, application):
        return application.category or "–"

    @admin.display(description=gettext_lazy("submitted"))
    def submitted(self, application):
        return localising.day(localising.local_day(application.submitted_at), get_language() or "en")


def told(application: Application) -> list[str]:
    """For whom it waits, and how long: "secretariat: 12 days"."""
    today = timezone.localdate()
    return [f"{_who(wait)}: {_days(wait.days(today))}" for wait in waiting.waits(application)]


def _who(wait: waiting.Wait) -> str:
    if wait.whom != waiting.Whom.REFEREES:
        return str(wait.whom.label)
    return ngettext("%(number)d of %(of)d referees", "%(number)d of %(of)d referees", wait.number) % {
        "number": wait.number,
        "of": wait.of,
    }


def _days(number: int) -> str:
    return ngettext("%(number)d day", "%(number)d days", number) % {"number": number} if number else _("today")


# --- one of them ----------------------------------------------------------------------------------------------------


@require_safe
def read(request: HttpRequest, object_id: str) -> HttpResponse:
    """All that is known about an application, laid out to be read, and what this person may do about it."""
    frame.require(request, VIEW)
    rows = waiting.with_waits(waiting.handed_in()).select_related("category", "code", "assembly", "member")
    rows = rows.prefetch_related("category__translations", "papers", "referees", "entries")
    application = get_object_or_404(rows, pk=_number(object_id))
    return frame.page(
        request,
        "application.html",
        str(application),
        model=Application,
        application=application,
        waits=told(application),
        answers=_answers(application),
        deeds=application_deeds.for_person(request.user, application),
    )


def _answers(application: Application) -> list[tuple[str, list[tuple[str, list[tuple[str, str]]]]]]:
    """Each step's title with what was answered there, as (heading, questions and answers); what nobody asked in that
    step, such as referees, who have rows of their own, is left out."""
    lists = Lists.on(timezone.localdate())
    found = []
    for place in steps.places(application, lists):
        groups = [(heading, lines) for heading, lines in steps.told(place.form) if any(answer for _q, answer in lines)]
        if groups:
            found.append((place.title, groups))
    return found


def _number(object_id: str) -> int:
    if not (object_id.isascii() and object_id.isdecimal() and len(object_id) < 19):  # longer is no number of a row
        raise Http404
    return int(object_id)


@require_safe
def download(request: HttpRequest, pk: int, handle: str) -> FileResponse:
    """A paper of an application, as a file to keep; no browser shows it."""
    frame.require(request, VIEW)
    paper = get_object_or_404(Paper, application__in=waiting.handed_in(), application=pk, handle=handle)
    return shelf.serve(paper.file, name=paper.name, content_type=paper.content_type)
