"""The consent ledger: to be read, never to be changed. Addresses only for who may see readers."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from newsletter.admin.keyset import AddressKeyAdmin
from newsletter.models import Consent
from picum.accounts.lists import Choice, ReadOnly


class KindFilter(Choice):
    title = gettext_lazy("what")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        return Consent.Kind.choices


class HowFilter(Choice):
    title = gettext_lazy("how")
    parameter_name = "how"

    def lookups(self, request, model_admin):
        return Consent.How.choices


@admin.register(Consent)
class ConsentAdmin(ReadOnly, AddressKeyAdmin):
    fields = ["number", "at", "kind", "how", "detail", "fingerprint", "reader", "text"]
    readonly_fields = ["fingerprint", "reader", "text"]
    list_display = ["number", "at", "kind", "how", "words", "detail", "reader"]
    list_filter = [KindFilter, HowFilter]

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("wording")

    @admin.display(description=gettext_lazy("consent text"), empty_value="–")
    def words(self, line):
        """Language and version."""
        return line.wording

    @admin.display(description=gettext_lazy("consent text"))
    def text(self, line):
        """The exact words."""
        if line.wording is None:
            return "–"
        return format_html('<span lang="{}">{}</span>', line.wording.language, line.wording.text)
