"""General Assemblies on the desk: their dates, the list of applications (to print, as CSV), and their decisions."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from members import applications, assemblies
from members.admin import frame
from members.admin.application_deeds import ASSESS, DECIDE, VIEW
from members.admin.decision_forms import DecisionForms
from members.models import Application, Assembly
from picum import csvfile, localising
from picum.accounts import audit
from picum.accounts.desk import DATE_INPUT, AuditedAdmin

State = Application.State


@admin.register(Assembly)
class AssemblyAdmin(AuditedAdmin):
    list_display = ["date", "place", "closed_at", "paper"]
    fields = ["date", "place", "closed_at"]
    readonly_fields = ["closed_at"]
    actions = None
    change_form_template = "members/admin/assembly_form.html"

    def get_urls(self):
        def page(view, route: str, name: str):
            return path(route, self.admin_site.admin_view(view), name=f"members_assembly_{name}")

        return [
            page(show, "<int:pk>/list/", "list"),
            page(download, "<int:pk>/list.csv", "csv"),
            page(bring_back, "<int:pk>/deferred/", "deferred"),
            page(decide, "<int:pk>/decisions/", "decisions"),
            *super().get_urls(),
        ]

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "date":
            kwargs |= DATE_INPUT
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request, obj=None):
        """What decided about somebody stays."""
        return super().has_delete_permission(request, obj) and not (obj and obj.applications.exists())

    @admin.display(description=gettext_lazy("list"))
    def paper(self, assembly):
        url = reverse("admin:members_assembly_list", args=[assembly.pk])
        return format_html('<a href="{}">{}</a>', url, _("Applications"))


def _page(request: HttpRequest, template: str, title: str, assembly: Assembly, **context: object) -> HttpResponse:
    day = localising.day(assembly.date, get_language() or "en")
    return frame.page(request, template, title, model=Assembly, assembly=assembly, day=day, **context)


# --- the list ---------------------------------------------------------------------------------------------------------


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The list for the assembly, to read on a screen or to print."""
    frame.require(request, VIEW)
    assembly = get_object_or_404(Assembly, pk=pk)
    lands = assemblies.by_country(assembly, get_language() or "en")
    states = [entry.application.state for land in lands for entry in land.entries]
    return _page(
        request,
        "assembly_list.html",
        _("List for the General Assembly"),
        assembly,
        lands=lands,
        total=len(states),
        deferred=states.count(State.DEFERRED) if request.user.has_perm(ASSESS) and not assembly.closed_at else 0,
        may_decide=request.user.has_perm(DECIDE) and not assembly.closed_at,
    )


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The same list for a spreadsheet. Audited: it leaves the house."""
    frame.require(request, VIEW)
    assembly = get_object_or_404(Assembly, pk=pk)
    rows = assemblies.table(assembly, get_language() or "en")
    audit.record("assembly.export", by=request.user, on=assembly, number=len(rows) - 1)
    # Without the mark, Excel takes UTF-8 for something else.
    text = "\ufeff" + csvfile.written(rows, csvfile.delimiter())
    name = f"applications-{assembly.date.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
def bring_back(request: HttpRequest, pk: int) -> HttpResponse:
    """What was deferred comes on the list once more; each applicant gets a mail."""
    frame.require(request, VIEW)
    frame.require(request, ASSESS)
    assembly, number = get_object_or_404(Assembly, pk=pk, closed_at=None), 0
    for application in Application.objects.filter(state=State.DEFERRED):
        try:
            applications.recommend(application, by=request.user, now=timezone.now())
            number += 1
        except applications.IllegalMove as why:
            messages.warning(request, str(why))
    words = ngettext(
        "%(number)d application is on the list once more.", "%(number)d applications are on the list once more.", number
    )
    messages.success(request, words % {"number": number})
    return HttpResponseRedirect(reverse("admin:members_assembly_list", args=[assembly.pk]))


# --- its decisions ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """One form for all: filled in, looked over, recorded. Only the last step writes anything."""
    frame.require(request, VIEW)
    frame.require(request, DECIDE)
    assembly = get_object_or_404(Assembly, pk=pk)
    try:
        assemblies.check_open(assembly, today=timezone.localdate())
    except assemblies.NotNow as why:
        messages.error(request, str(why))
        return HttpResponseRedirect(reverse("admin:members_assembly_list", args=[pk]))
    if request.method != "POST":
        return _form(request, assembly, DecisionForms.fresh())
    forms = DecisionForms.posted(request.POST)
    step = request.POST.get("step")
    if not forms.is_valid() or step == "edit":
        return _form(request, assembly, forms)
    if not forms.decided:
        return _form(request, assembly, forms, nothing=True)
    return _record(request, assembly, forms) if step == "record" else _review(request, assembly, forms)


def _form(request: HttpRequest, assembly: Assembly, forms: DecisionForms, *, nothing: bool = False) -> HttpResponse:
    """`nothing`: no decision was chosen, and that is to be said."""
    title = _("Record the decisions")
    return _page(request, "assembly_decisions.html", title, assembly, forms=forms, nothing=nothing)


def _review(request: HttpRequest, assembly: Assembly, forms: DecisionForms) -> HttpResponse:
    title = _("Look over the decisions")
    return _page(request, "assembly_review.html", title, assembly, forms=forms, groups=forms.by_decision())


def _record(request: HttpRequest, assembly: Assembly, forms: DecisionForms) -> HttpResponse:
    report = assemblies.record(assembly, forms.decided, by=request.user, now=timezone.now())
    for what in filter(report.done.get, assemblies.Decision):
        messages.success(request, _in_words(what, report.done[what]))
    for _application, why in report.failed:
        messages.warning(request, why)
    if assembly.closed_at:
        messages.success(request, _("All decisions of this General Assembly are recorded."))
    return HttpResponseRedirect(reverse("admin:members_assembly_list", args=[assembly.pk]))


def _in_words(what: str, number: int) -> str:
    words = {
        "admit": ngettext("%(number)d applicant was admitted.", "%(number)d applicants were admitted.", number),
        "refuse": ngettext("%(number)d application was refused.", "%(number)d applications were refused.", number),
        "defer": ngettext("%(number)d application was deferred.", "%(number)d applications were deferred.", number),
    }
    return words[what] % {"number": number}
