"""Field reports on the desk: what waits, and a page to read each of them."""

from django.contrib import admin
from django.db.models import Case, F, IntegerField, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from members import reports
from members.admin import frame, report_deeds
from members.models import FieldReport
from newsletter import contributions
from picum import alternates, localising
from picum.accounts.lists import Choice, ListAdmin, ReadOnly
from picum.areas.models import Area

READ = ("members.view_fieldreport", "members.change_fieldreport")
State = FieldReport.State
ALL = "all"


# --- what the list may be narrowed by -------------------------------------------------------------------------------


class StateFilter(Choice):
    """Without a choice: those that wait for the desk or for the member."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [*State.choices, (ALL, gettext_lazy("all"))]

    def queryset(self, request, queryset):
        if self.value() == ALL:
            return queryset
        return super().queryset(request, queryset) if self.value() else queryset.filter(state__in=reports.OPEN)

    def choices(self, changelist):
        waiting, *others = super().choices(changelist)
        return [waiting | {"display": _("waiting")}, *others]


class CountryFilter(Choice):
    """The countries that reports are about."""

    title = gettext_lazy("country")
    parameter_name = "country"

    def lookups(self, request, model_admin):
        told = FieldReport.objects.exclude(countries="").order_by().values_list("countries", flat=True).distinct()
        language = get_language() or "en"
        names = {localising.country_name(code, language): code for codes in told for code in str(codes).split(",")}
        return [(names[name], name) for name in localising.in_order(names)]

    def queryset(self, request, queryset):
        # Codes of two letters with commas between: none is part of another.
        return queryset.filter(countries__contains=self.value()) if self.value() else queryset


class AreaFilter(Choice):
    title = gettext_lazy("activity area")
    parameter_name = "areas__key"

    def lookups(self, request, model_admin):
        return [(area.key, str(area)) for area in Area.objects.prefetch_related("translations")]


class LanguageFilter(Choice):
    title = gettext_lazy("language")
    parameter_name = "language"

    def lookups(self, request, model_admin):
        return [(code, alternates.own_name(code)) for code in alternates.LANGUAGES]


# --- the list -------------------------------------------------------------------------------------------------------


@admin.register(FieldReport)
class FieldReportAdmin(ReadOnly, ListAdmin):
    """To be read; what is done about a report stands in `members.admin.report_deeds`."""

    list_display = ["title", "who", "places", "written_in", "stand", "since"]
    list_filter = [StateFilter, CountryFilter, AreaFilter, LanguageFilter]
    search_fields = ["title", "member__name"]
    search_help_text = gettext_lazy("Part of the title or of the member's name")
    sortable_by = ()
    actions = None
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    def has_view_permission(self, request, obj=None):
        return any(request.user.has_perm(permission) for permission in READ)

    def get_queryset(self, request):
        return in_order(FieldReport.objects.select_related("member").defer("text"))

    def get_ordering(self, request):
        return ["rank", "waits_since", "-state_since", "-pk"]

    def get_urls(self):
        def page(view, route: str):
            return path(f"<int:pk>/{route}/", self.admin_site.admin_view(view), name=f"members_report_{route}")

        return [
            page(report_deeds.ask, "ask"),
            page(report_deeds.take, "take"),
            page(report_deeds.decline, "decline"),
            *super().get_urls(),
        ]

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": _("Field reports")} | (extra_context or {}))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        return read(request, object_id)

    @admin.display(description=gettext_lazy("member"))
    def who(self, report):
        return report.member

    @admin.display(description=gettext_lazy("countries"))
    def places(self, report):
        return ", ".join(_places(report)) or "–"

    @admin.display(description=gettext_lazy("language"))
    def written_in(self, report):
        return localising.language_name(report.language, get_language() or "en")

    @admin.display(description=gettext_lazy("state"))
    def stand(self, report):
        return report.get_state_display()

    @admin.display(description=gettext_lazy("since"))
    def since(self, report):
        return localising.day(localising.local_day(report.state_since), get_language() or "en")


def in_order(rows: QuerySet[FieldReport]) -> QuerySet[FieldReport]:
    """With `rank` and `waits_since`: what waits for the desk comes first, then what waits for a member, each with the
    longest wait before; then the rest, the last decision first."""
    ranks = [When(state=state, then=Value(rank)) for rank, state in enumerate(reports.OPEN)]
    waits = Case(When(state__in=reports.OPEN, then=F("state_since")), default=None)
    return rows.annotate(rank=Case(*ranks, default=Value(9), output_field=IntegerField()), waits_since=waits)


def _places(report: FieldReport) -> list[str]:
    language = get_language() or "en"
    return localising.in_order(localising.country_name(country.code, language) for country in report.countries)


# --- one of them ----------------------------------------------------------------------------------------------------


@never_cache
@require_safe
def read(request: HttpRequest, object_id: str) -> HttpResponse:
    """A report with all that was said about it, what became of it, and what this person may do."""
    frame.require(request, *READ)
    if not (object_id.isascii() and object_id.isdecimal() and len(object_id) < 19):  # longer is no number of a row
        raise Http404
    rows = FieldReport.objects.select_related("member", "contact")
    rows = rows.prefetch_related("areas__translations", "rights__translations", "entries")
    report = get_object_or_404(rows, pk=object_id)
    language = get_language() or "en"
    taken = [report.item_number] if report.item_number else []
    return frame.page(
        request,
        "report.html",
        str(report),
        model=FieldReport,
        report=report,
        places=_places(report),
        written_in=localising.language_name(report.language, language),
        embargo=localising.day(report.embargo_until, language) if report.embargo_until else "",
        fate=contributions.became(taken, language, on=timezone.now()).get(report.item_number),
        item_page=contributions.desk_page(report.item_number) if taken else "",
        is_open=report.state in reports.OPEN,
        deeds=report_deeds.for_person(request.user, report),
    )
