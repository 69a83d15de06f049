"""What the secretariat gives all members to read: documents, and the code of conduct."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from members import conduct, documents, shelf
from members.admin import frame
from members.models import CodeOfConduct, Document, Signature
from members.uploads import PaperField
from picum.accounts import audit
from picum.accounts.desk import DeskAdmin, DeskForm

CHANGE = "members.change_document"
LOOK = (CHANGE, "members.view_document")
STEPS = {"up": -1, "down": 1}


class DocumentForm(DeskForm):
    paper = PaperField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("PDF, or a scan as JPEG or PNG. Everybody who acts for a member can take it."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "paper" in self.fields:
            self.fields["paper"].required = not self.instance.file

    def _print(self, name: str, value: object) -> str:
        """A file that somebody sends is never the one that is stored."""
        return "" if name == "paper" else super()._print(name, value)


@admin.register(Document)
class DocumentAdmin(DeskAdmin):
    """The order is changed by buttons in the list; a new document comes first."""

    form = DocumentForm
    list_display = ["__str__", "order", "language", "published_on", "languages"]
    list_per_page = 200
    sortable_by = ()  # the buttons speak of the one order there is
    actions = None

    def get_fieldsets(self, request, obj=None):
        shared = ["language", "published_on", "paper"]
        return [
            (None, {"fields": ["title"]}),
            (_("In all languages"), {"fields": ["file_now", *shared] if obj else shared}),
        ]

    def get_readonly_fields(self, request, obj=None):
        return ["file_now"]

    def get_list_display(self, request):
        columns = super().get_list_display(request)
        return columns if request.user.has_perm(CHANGE) else [name for name in columns if name != "order"]

    def get_urls(self):
        def page(view, route: str, name: str):
            return path(route, self.admin_site.admin_view(view), name=f"members_document_{name}")

        return [
            page(move, "<int:pk>/move/<str:way>/", "move"),
            page(download, "<int:pk>/file/", "file"),
            *super().get_urls(),
        ]

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except shelf.NotKept as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request, obj, form, change):
        if paper := form.cleaned_data.get("paper"):
            documents.put_in(obj, paper)
        super().save_model(request, obj, form, change)

    def delete_model(self, request, obj):
        documents.take_out(obj)

    @admin.display(description=gettext_lazy("order"))
    def order(self, document):
        # The list is a form already; a button may send it elsewhere.
        return format_html(
            '<span class="desk-order">{}{}</span>',
            _button(document, "up", "↑", _("Move “%s” up")),
            _button(document, "down", "↓", _("Move “%s” down")),
        )

    @admin.display(description=gettext_lazy("stored now"))
    def file_now(self, document):
        address = reverse("admin:members_document_file", args=[document.pk])
        return format_html('<a href="{}" download>{}</a>', address, document.name)


def _button(document: Document, way: str, sign: str, label: str):
    return format_html(
        '<button class="desk-step" formaction="{}" id="document-{}-{}" aria-label="{}">{}</button>',
        reverse("admin:members_document_move", args=[document.pk, way]),
        document.pk,
        way,
        label % document,
        sign,
    )


@require_POST
def move(request: HttpRequest, pk: int, way: str) -> HttpResponse:
    """One step up or down in the order of the documents."""
    frame.require(request, CHANGE)
    document = get_object_or_404(Document, pk=pk)
    if way not in STEPS:
        raise Http404
    with transaction.atomic():
        if documents.move(document, step=STEPS[way]):
            audit.record("document.move", by=request.user, on=document, step=STEPS[way])
    return HttpResponseRedirect(reverse("admin:members_document_changelist") + f"#document-{pk}-{way}")


@require_safe
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The file, whether it is published or not."""
    frame.require(request, *LOOK)
    document = get_object_or_404(Document, pk=pk)
    return shelf.serve(document.file, name=document.name, content_type=document.content_type)


@admin.register(CodeOfConduct)
class CodeOfConductAdmin(DeskAdmin):
    """Versions of the code. Once somebody has signed one, its words and its day stay; languages that are missing can
    still be added."""

    list_display = ["version", "in_force_from", "signatures", "languages"]
    actions = None

    def get_fieldsets(self, request, obj=None):
        return [
            (None, {"fields": ["text"]}),
            (_("In all languages"), {"fields": ["version", "in_force_from"]}),
        ]

    def get_readonly_fields(self, request, obj=None):
        if obj is None or not conduct.is_signed(obj):
            return []
        written = {row.language_code for row in obj.translations.all() if row.text.strip()}
        is_written = self.get_form_language(request, obj) in written
        return ["version", "in_force_from", *(["text"] if is_written else [])]

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and not (obj and conduct.is_signed(obj))

    def delete_translation(self, request, object_id, language_code):
        code = get_object_or_404(CodeOfConduct, pk=object_id)
        if conduct.is_signed(code):
            raise PermissionDenied
        return super().delete_translation(request, object_id, language_code)

    def has_words(self, translation) -> bool:
        return bool(translation.text.strip())

    def get_queryset(self, request):
        signed = Signature.objects.filter(code=OuterRef("pk")).order_by().values("code").annotate(number=Count("pk"))
        return super().get_queryset(request).annotate(number=Coalesce(Subquery(signed.values("number")), 0))

    @admin.display(description=gettext_lazy("signatures"))
    def signatures(self, code):
        return code.number
