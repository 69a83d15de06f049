"""The glossary at the desk: a list to be searched and edited, and lists out and in."""

import json
import tempfile
from pathlib import Path

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from newsletter.admin import guard
from newsletter.models import Term
from newsletter.translation import avoiding, glossary_lists, stems
from newsletter.translation.glossary_lists import COLUMNS, Row, Verdict
from picum import csvfile
from picum.accounts.desk import AuditedAdmin
from picum.accounts.lists import Choice
from picum.csvfile import Unreadable

LARGEST = 2_000_000  # octets
_SALT = "newsletter.glossary list"  # what was judged is what is taken over


class TermForm(forms.ModelForm):
    class Meta:
        help_texts = {"instead": gettext_lazy("Empty: the preferred words of the concept.")}

    def clean(self):
        """One line of words in each field; see `glossary_lists.in_one_line`."""
        values = super().clean()
        for name in ("words", "why", "instead"):
            if name in values:
                values[name] = glossary_lists.in_one_line(values[name])
        if values.get("words") and not stems.of(values["words"], values.get("language") or ""):
            self.add_error("words", _("There is no word in this."))
        return values


class ConceptFilter(Choice):
    """Concepts that have a term."""

    title = gettext_lazy("concept")
    parameter_name = "concept"

    def lookups(self, request, model_admin):
        concepts = Term.objects.exclude(concept="").order_by("concept").values_list("concept", flat=True).distinct()
        return [(concept, concept) for concept in concepts]


@admin.register(Term)
class TermAdmin(AuditedAdmin):
    form = TermForm
    change_list_template = "newsletter/admin/glossary.html"
    list_display = ["said", "language", "kind", "concept", "better", "reason"]
    list_filter = ["language", "kind", ConceptFilter]
    list_per_page = 100
    show_full_result_count = False
    search_fields = ["words", "concept", "instead", "why"]
    ordering = ["language", "concept", "-kind", "words"]
    save_as = True  # the next language of a concept
    fieldsets = [
        (None, {"fields": ["language", "words", "kind", "concept"]}),
        (gettext_lazy("To be avoided"), {"fields": ["why", "instead", "exact"]}),
    ]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        avoiding.glossary_changed()

    def delete_model(self, request, obj):
        super().delete_model(request, obj)
        avoiding.glossary_changed()

    def delete_queryset(self, request, queryset):
        super().delete_queryset(request, queryset)
        avoiding.glossary_changed()

    @admin.display(description=gettext_lazy("word or phrase"), ordering="words")
    def said(self, term):
        return _in_its_language(term, term.words)

    @admin.display(description=gettext_lazy("better"))
    def better(self, term):
        return _in_its_language(term, term.instead)

    @admin.display(description=gettext_lazy("why"))
    def reason(self, term):
        return _in_its_language(term, term.why)

    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(import_list), name="newsletter_glossary_import"),
            path("export/", wrap(export), name="newsletter_glossary_export"),
            *super().get_urls(),
        ]


def _in_its_language(term: Term, words: str) -> str:
    """For screen readers, WCAG 3.1.2."""
    return format_html('<span lang="{}">{}</span>', term.language, words) if words else ""


# --- lists ----------------------------------------------------------------------------------------------------------


class ListForm(forms.Form):
    """`cleaned_data["file"]` are the rows and the headers that nobody understands."""

    file = forms.FileField(
        label=gettext_lazy("The list"),
        help_text=gettext_lazy("CSV or XLSX, 2 MB at most. The first line names the columns."),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.txt"}),
    )

    def clean_file(self) -> tuple[list[Row], list[str]]:
        file: UploadedFile = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(_("The file is larger than 2 MB."))
        with tempfile.NamedTemporaryFile(suffix=".list") as copy:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
            try:
                rows, unknown = glossary_lists.read(Path(copy.name))
            except Unreadable as why:
                raise forms.ValidationError(str(why)) from None
        if not rows:
            raise forms.ValidationError(_("There is no row in this list."))
        return rows, unknown


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The whole glossary as CSV."""
    guard.require(request, ("newsletter.view_term", "newsletter.change_term"))
    name = f"glossary-{timezone.localdate().isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    text = glossary_lists.export(csvfile.delimiter())
    return HttpResponse(text, content_type="text/csv; charset=utf-8", headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: HttpRequest) -> HttpResponse:
    """A file is read and judged; the page that tells it carries the rows, signed, and its button takes them over. The
    server keeps nothing of a list that nobody takes over."""
    if not request.user.has_perms(["newsletter.add_term", "newsletter.change_term"]):
        raise PermissionDenied
    if request.method == "POST" and "rows" in request.POST:
        return _taken(request)
    form = ListForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {"form": form, "columns": COLUMNS}
    if request.method == "POST" and form.is_valid():
        rows, unknown = form.cleaned_data["file"]
        verdicts = glossary_lists.dry_run(rows)
        takes = any(verdict.outcome in ("new", "changed") for verdict in verdicts)
        context |= _told(verdicts) | {"unknown": unknown, "rows": _packed(rows), "takes": takes}
    answer = _page(request, **context)
    answer.status_code = 400 if form.is_bound and form.errors else 200
    return answer


def _taken(request: HttpRequest) -> HttpResponse:
    try:
        rows = _unpacked(request.POST["rows"])
    except signing.BadSignature:
        messages.error(request, _("The list has not come back whole. Please choose the file once more."))
        return HttpResponseRedirect(reverse("admin:newsletter_glossary_import"))
    return _page(request, **_told(glossary_lists.take(rows, by=request.user)), taken=True)


def _page(request: HttpRequest, **context) -> HttpResponse:
    return guard.page(request, "glossary_import.html", _("Import terms"), opts=Term._meta, **context)


def _told(verdicts: list[Verdict]) -> dict[str, object]:
    labels = {"new": _("new"), "changed": _("changed"), "same": _("as it is already"), "refused": _("refused")}
    counts = glossary_lists.counts(verdicts)
    return {
        "counts": [(label, counts[key]) for key, label in labels.items()],
        "lines": [(verdict, labels[verdict.outcome]) for verdict in verdicts],
    }


def _packed(rows: list[Row]) -> str:
    words = json.dumps([[row.line, dict(row.cells)] for row in rows], ensure_ascii=False)
    return signing.dumps(words, salt=_SALT, compress=True)


def _unpacked(packed: str) -> list[Row]:
    return [Row(line, cells) for line, cells in json.loads(signing.loads(packed, salt=_SALT, max_age=86_400))]
