"""Members in and out as files: an import that is looked at before it is done, and an export with a reason."""

import json
import tempfile
from pathlib import Path

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import exporting, importing
from members.admin import frame
from members.columns import COLUMNS
from members.models import Member
from picum import csvfile
from picum.csvfile import Unreadable

IMPORT, EXPORT = "members.import_member", "members.export_member"
LARGEST = 5_000_000  # octets
_SALT = "picum.members' list"  # what was judged is what is taken over


def urls(admin_site) -> list:
    """For `MemberAdmin.get_urls`."""
    return [
        path("import/", admin_site.admin_view(import_list), name="members_import"),
        path("export/", admin_site.admin_view(export), name="members_export"),
    ]


class ListForm(forms.Form):
    """`cleaned_data["file"]` are the rows and the headers that nobody understands."""

    file = forms.FileField(
        label=gettext_lazy("The list"),
        help_text=gettext_lazy("CSV or XLSX, 5 MB at most. The first line names the columns."),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.txt"}),
    )

    def clean_file(self) -> tuple[list[importing.Row], list[str]]:
        file: UploadedFile = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(_("The file is larger than 5 MB."))
        with tempfile.NamedTemporaryFile(suffix=".list") as copy:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
            try:
                rows, unknown = importing.read(Path(copy.name))
            except Unreadable as why:
                raise forms.ValidationError(str(why)) from None
        if not rows:
            raise forms.ValidationError(_("There is no row in this list."))
        return rows, unknown


def import_list(request: HttpRequest) -> HttpResponse:
    """A file is read and judged; the page that tells it carries the rows, signed, and its button takes them over. The
    server keeps nothing of a list that nobody takes over."""
    frame.require(request, IMPORT)
    if request.method == "POST" and "rows" in request.POST:
        return _taken(request)
    form = ListForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {"form": form, "columns": [(name, column.label) for name, column in COLUMNS.items()]}
    if request.method == "POST" and form.is_valid():
        rows, unknown = form.cleaned_data["file"]
        verdicts = importing.dry_run(rows, today=timezone.localdate())
        report = importing.Report(verdicts, unknown)
        context |= _told(report) | {"rows": _packed(rows), "takes": report.count("new") + report.count("changed")}
    status = 400 if form.is_bound and form.errors else 200
    return frame.page(request, "import.html", _("Import members"), model=Member, status=status, **context)


def _taken(request: HttpRequest) -> HttpResponse:
    try:
        rows = _unpacked(request.POST["rows"])
    except signing.BadSignature:
        messages.error(request, _("The list has not come back whole. Please choose the file once more."))
        return HttpResponseRedirect(reverse("admin:members_import"))
    verdicts = importing.take(rows, by=request.user, today=timezone.localdate())
    context = _told(importing.Report(verdicts, [])) | {"taken": True}
    return frame.page(request, "import.html", _("Import members"), model=Member, **context)


def _told(report: importing.Report) -> dict[str, object]:
    labels = {
        "new": _("new"),
        "changed": _("changed"),
        "same": _("as it is already"),
        "refused": _("refused"),
    }
    return {
        "report": report,
        "counts": [(key, label, report.count(key)) for key, label in labels.items()],
        "lines": [(verdict, labels[verdict.outcome]) for verdict in report.verdicts],
    }


def _packed(rows: list[importing.Row]) -> str:
    words = json.dumps([[row.line, dict(row.cells)] for row in rows], ensure_ascii=False)
    return signing.dumps(words, salt=_SALT, compress=True)


def _unpacked(packed: str) -> list[importing.Row]:
    return [importing.Row(line, cells) for line, cells in json.loads(signing.loads(packed, salt=_SALT, max_age=86_400))]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("What for"), max_length=200, help_text=gettext_lazy("It stands in the audit trail.")
    )
    former = forms.BooleanField(label=gettext_lazy("with former members"), required=False)


def export(request: HttpRequest) -> HttpResponse:
    """All members as CSV, for a reason."""
    frame.require(request, EXPORT)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        today = timezone.localdate()
        members = Member.objects.all() if form.cleaned_data["former"] else Member.objects.current(on=today)
        reason = form.cleaned_data["reason"]
        pieces = exporting.export(members, reason=reason, by=request.user, delimiter=csvfile.delimiter())
        response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="members-{today.isoformat()}.csv"'
        return response
    return frame.page(request, "export.html", _("Export members"), model=Member, form=form)
