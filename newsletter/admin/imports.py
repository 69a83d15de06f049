"""Bringing in a list of readers: upload, say which column is what, look at what would happen, confirm, watch."""

from collections.abc import Callable
from functools import wraps

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from newsletter import import_jobs, lists
from newsletter.admin import guard
from newsletter.admin.uploads import LIMIT, ListUploadHandler
from newsletter.import_jobs import AT_WORK, ENDED, Moved
from newsletter.models import ImportJob, Subscriber
from picum.localising import language_name

IMPORT = ("newsletter.import_subscriber",)
LAST = 20
SHOWN = 12  # columns of the list, in which nobody gets lost
State = ImportJob.State
PHASES: dict[str, str | Promise] = {
    State.CHECKING: gettext_lazy("The list is being checked. Nothing is changed by that."),
    State.CHECKED: gettext_lazy("The list has been checked, and nothing has been changed yet."),
    State.RUNNING: gettext_lazy("The list is being imported. You may leave this page; it goes on."),
    State.DONE: gettext_lazy("The list has been imported."),
    State.FAILED: gettext_lazy("The import failed."),
    State.CANCELLED: gettext_lazy("The import was cancelled."),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("List"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text=gettext_lazy("CSV or XLSX, 100 MB at most. Of a spreadsheet, the first sheet that can be seen."),
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.fault:
            raise forms.ValidationError(import_jobs.not_written(file.fault))
        if file.is_too_large:
            raise forms.ValidationError(_("The file is larger than %d MB. Divide it.") % (LIMIT / 1e6))
        return file


class ColumnsForm(forms.Form):
    """What the list is. `columns` and the rest are for `import_jobs.check`."""

    email = forms.TypedChoiceField(label=gettext_lazy("Address"), coerce=int)
    languages = forms.TypedChoiceField(label=gettext_lazy("Languages"), coerce=int, required=False, empty_value=None)
    name = forms.TypedChoiceField(label=gettext_lazy("Name"), coerce=int, required=False, empty_value=None)
    language = forms.ChoiceField(
        label=gettext_lazy("Language of rows that name none"),
        required=False,
        help_text=gettext_lazy("Without one, such rows are refused."),
    )
    source = forms.CharField(
        label=gettext_lazy("Where the addresses come from"),
        max_length=100,
        help_text=gettext_lazy("Such as: conference in Lisbon, 2026. It stays with each reader, and in the ledger."),
    )
    with_proof = forms.BooleanField(
        label=gettext_lazy("There is proof of consent"),
        required=False,
        help_text=gettext_lazy(
            "For each address we can show who agreed to get this newsletter, to which words and when. Without proof, "
            "everybody gets a mail, and is subscribed only by confirming it."
        ),
    )

    def __init__(self, *args, sample: lists.Sample, **kwargs):
        super().__init__(*args, **kwargs)
        columns = list(enumerate(headings(sample)))
        self.fields["email"].choices = columns
        for name in ("languages", "name"):
            self.fields[name].choices = [("", _("none")), *columns]
        known = [(code, language_name(code, get_language() or "en")) for code, _name in settings.LANGUAGES]
        self.fields["language"].choices = [("", "–"), *known]

    def clean_source(self) -> str:
        source = self.cleaned_data["source"]
        if "@" in source:
            raise forms.ValidationError(_("Leave the address out: the source stays when readers are forgotten."))
        return source

    def clean(self):
        values = super().clean()
        chosen = [values[name] for name in lists.NAMES if values.get(name) is not None]
        if len(set(chosen)) < len(chosen):
            raise forms.ValidationError(_("One column was chosen for two things."))
        if values.get("languages") is None and not values.get("language"):
            self.add_error("language", _("If no column names the languages, choose one for everybody."))
        return values

    @property
    def settings(self) -> dict[str, object]:
        values = self.cleaned_data
        columns = {name: values[name] for name in lists.NAMES if values[name] is not None}
        return {"columns": columns} | {name: values[name] for name in ("source", "language", "with_proof")}


def headings(sample: lists.Sample) -> list[str]:
    return [name[:60] or _("Column %d") % number for number, name in enumerate(sample.names, 1)]


# --- the pages ----------------------------------------------------------------------------------------------------


@csrf_exempt  # until the upload handler is in its place: checking the token reads the whole request
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """GET shows the form and the last imports; POST takes a list."""
    guard.require(request, IMPORT)
    request.upload_handlers = [ListUploadHandler(request)]
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_bound and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            job = import_jobs.receive(file.handle, name=file.name, by=request.user)
            return HttpResponseRedirect(_page(job, "columns"))
        except lists.Unreadable as error:
            form.add_error("file", str(error))
    for file in request.FILES.values():
        file.delete()
    jobs = ImportJob.objects.select_related("by")[:LAST]
    return guard.page(request, "import.html", _("Import readers"), opts=Subscriber._meta, form=form, jobs=jobs)


def _for_a_job(view: Callable) -> Callable:
    """Who may import, and a job that there is; 403 or 404."""

    @wraps(view)
    def found(request: HttpRequest, pk: int) -> HttpResponse:
        guard.require(request, IMPORT)
        return view(request, get_object_or_404(ImportJob.objects.select_related("by"), pk=pk))

    return found


@require_http_methods(["GET", "HEAD", "POST"])
@_for_a_job
def columns(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """GET shows how the list begins and asks what is what; POST has it checked."""
    if job.state not in (State.UPLOADED, State.CHECKED):
        return HttpResponseRedirect(_page(job))
    try:
        sample = lists.sample(import_jobs.upload_of(job.handle))
    except lists.Unreadable:
        messages.error(request, _("The uploaded file is not there any more. Upload it again."))
        return HttpResponseRedirect(reverse("admin:newsletter_import"))
    form = ColumnsForm(request.POST or None, sample=sample, initial=_initial(job, sample))
    if form.is_bound and form.is_valid():
        try:
            import_jobs.check(job, by=request.user, **form.settings)
        except Moved:
            _tell_moved(request)
        return HttpResponseRedirect(_page(job))
    names = headings(sample)[:SHOWN]
    rows = [[*cells, *[""] * len(names)][: len(names)] for cells in sample.rows]
    context = {"job": job, "form": form, "names": names, "rows": rows, "more": len(sample.names) - len(names)}
    return guard.page(request, "import_columns.html", job.file_name, opts=Subscriber._meta, **context)


def _initial(job: ImportJob, sample: lists.Sample) -> dict[str, object]:
    if job.columns:
        return {**job.columns, "source": job.source, "language": job.language, "with_proof": job.with_proof}
    return {**sample.columns, "source": job.file_name.rpartition(".")[0][:100]}


@require_safe
@_for_a_job
def show(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """How far it is, and what comes next."""
    if job.state == State.UPLOADED:
        return HttpResponseRedirect(_page(job, "columns"))
    return guard.page(request, "import_job.html", job.file_name, opts=Subscriber._meta, **_now(job))


@require_safe
@_for_a_job
def now(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """The same without the frame, for the script."""
    return render(request, "newsletter/admin/_import_job.html", _now(job))


def _now(job: ImportJob) -> dict[str, object]:
    counts = [
        ("added", _("new readers")) if job.with_proof else ("asked", _("get a mail that asks them to confirm")),
        ("already_there", _("there already, or asked before")),
        ("refused", _("refused")),
    ]
    total = job.lines if job.lines >= job.position else 0  # a sheet may say that it has fewer rows than it has
    return {
        "job": job,
        "phase": PHASES.get(job.state, ""),
        "counts": [(words, getattr(job, name)) for name, words in counts],
        "new": job.added + job.asked,
        "at_work": job.state in AT_WORK,
        "final": job.state not in AT_WORK,
        "ended": job.state in ENDED,
        "total": total,
        "percent": job.position * 100 // total if total else 0,
        "has_report": job.state not in AT_WORK and import_jobs.report_of(job).is_file(),
        "stamp": import_jobs.stamp(job),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@_for_a_job
def start(request: HttpRequest, job: ImportJob) -> HttpResponse:
    """POST imports it as it was checked; who comes by GET, as after signing in anew, sees the button again."""
    if request.method == "POST":
        try:
            import_jobs.start(job, seen=request.POST.get("seen", ""), by=request.user)
        except Moved:
            _tell_moved(request)
    return HttpResponseRedirect(_page(job))


@require_http_methods(["GET", "HEAD", "POST"])
@_for_a_job
def cancel(request: HttpRequest, job: ImportJob) -> HttpResponse:
    if request.method == "POST":
        try:
            import_jobs.cancel(job, by=request.user)
        except Moved:
            _tell_moved(request)
    return HttpResponseRedirect(_page(job))


@require_safe
@_for_a_job
def report(request: HttpRequest, job: ImportJob) -> FileResponse:
    """What became of each line, without a word of the list."""
    if job.state in AT_WORK:
        raise Http404
    try:
        file = import_jobs.report_of(job).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    name = _("import-%(number)d-report.csv") % {"number": job.pk}
    return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


def urls(wrap: Callable) -> list:
    """For the pages of readers; `wrap` is `AdminSite.admin_view`."""
    of_a_job = [("", show, "job"), ("now/", now, "now"), ("columns/", columns, "columns"), ("start/", start, "start"),
                ("cancel/", cancel, "cancel"), ("report/", report, "report")]  # fmt: skip
    return [path("import/", wrap(upload), name="newsletter_import")] + [
        path(f"import/<int:pk>/{route}", wrap(view), name=f"newsletter_import_{name}") for route, view, name in of_a_job
    ]


def _page(job: ImportJob, name: str = "job") -> str:
    return reverse(f"admin:newsletter_import_{name}", args=[job.pk])


def _tell_moved(request: HttpRequest) -> None:
    messages.warning(request, _("Somebody was quicker: the import has changed since you saw it. Look again."))
