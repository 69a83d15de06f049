"""Field reports: what a member's people have sent, a new one, and what became of each."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from members import reports
from members.access import Seat, seated
from members.forms.reports import AnswerForm, ConsentForm, ReportForm
from members.models import FieldReport, Kind
from members.views.page import day, page
from newsletter import contributions
from picum import localising
from picum.localising import local_day

FORM = ["GET", "HEAD", "POST"]


@seated("reports")
@require_safe
def overview(request: HttpRequest, seat: Seat) -> HttpResponse:
    """All that the member has sent, the newest first, with what became of it."""
    rows = list(seat.member.reports.order_by("-created_at", "-pk"))
    fates = _fates(rows)
    told = [(row, day(local_day(row.created_at)), fates.get(row.item_number)) for row in rows]
    return page(request, seat, "reports", "reports", reports=told)


@seated("reports")
@require_http_methods(FORM)
def new(request: HttpRequest, seat: Seat) -> HttpResponse:
    """A new report."""
    form = ReportForm(request.POST if request.method == "POST" else None, seat=seat)
    if form.is_bound and form.is_valid():
        report = reports.send(seat, form.told, handle=form.cleaned_data["handle"], now=timezone.now())
        messages.success(request, _("Thank you: we have your report. You see here what becomes of it."))
        return redirect("members:report", seat.member.handle, report.handle)
    return page(request, seat, "reports", "report_new", form=form)


@seated("reports")
@require_http_methods(FORM)
def report(request: HttpRequest, seat: Seat, report: UUID) -> HttpResponse:
    """One report: its words, what was said about it, what became of it. A POST answers what we asked."""
    found = _own(seat, report)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid() and _answered(request, seat, found, form):
        return redirect("members:report", seat.member.handle, found.handle)
    language = get_language()
    context = {
        "report": found,
        "sent_on": day(local_day(found.created_at)),
        "embargo": day(found.embargo_until),
        "written_in": localising.language_name(found.language, language),
        "places": localising.in_order(localising.country_name(one.code, language) for one in found.countries),
        "tags": [*found.areas.prefetch_related("translations"), *found.rights.prefetch_related("translations")],
        "entries": [(entry, day(local_day(entry.at))) for entry in found.entries.all()],
        "fate": _fates([found]).get(found.item_number),
        "is_open": found.state in reports.OPEN,
        "is_person": seat.member.kind == Kind.PERSON,
        "form": form if found.state == FieldReport.State.ASKED or form.errors else None,
    }
    return page(request, seat, "reports", "report", **context)


@seated("reports")
@require_POST
def consent(request: HttpRequest, seat: Seat, report: UUID) -> HttpResponse:
    """It may be published, or may not any more."""
    found, form = _own(seat, report), ConsentForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data["may_publish"]
        try:
            reports.consent(found, given=given, contact=seat.contact, now=timezone.now())
        except reports.IllegalMove as why:
            messages.error(request, str(why))
        else:
            words = _("Thank you: the newsletter may publish this report.")
            messages.success(request, words if given else _("We will not publish this report."))
    return redirect("members:report", seat.member.handle, found.handle)


@seated("reports")
@require_http_methods(FORM)
def withdraw(request: HttpRequest, seat: Seat, report: UUID) -> HttpResponse:
    """What taking it back means; a POST does it."""
    found = _own(seat, report)
    if request.method != "POST":
        fate = _fates([found]).get(found.item_number)
        may = FieldReport.State.WITHDRAWN in reports.MOVES[found.state] and not (fate and fate.path)
        return page(request, seat, "reports", "report_withdraw", report=found, fate=fate, may=may)
    try:
        reports.withdraw(found, contact=seat.contact, now=timezone.now())
    except (reports.IllegalMove, contributions.NotPossible) as why:
        messages.error(request, str(why))
    else:
        messages.success(request, _("You have taken the report back. We will not publish it."))
    return redirect("members:report", seat.member.handle, found.handle)


def _own(seat: Seat, handle: UUID) -> FieldReport:
    return get_object_or_404(seat.member.reports, handle=handle)


def _answered(request: HttpRequest, seat: Seat, found: FieldReport, form: AnswerForm) -> bool:
    try:
        reports.answer(found, form.cleaned_data["words"], contact=seat.contact, now=timezone.now())
    except reports.IllegalMove as why:
        form.add_error(None, str(why))
        return False
    messages.success(request, _("Thank you for your answer."))
    return True


def _fates(rows: list[FieldReport]) -> dict[int, contributions.Fate]:
    numbers = [row.item_number for row in rows if row.state == FieldReport.State.TAKEN]
    return contributions.became(numbers, get_language(), on=timezone.now())
