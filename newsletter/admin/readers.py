"""Readers and the stop list. Addresses are sensitive: found one by one, never copied into the trail of deeds."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from newsletter import subscriptions
from newsletter.admin.base import ListAdmin, ReadOnlyAdmin
from newsletter.models import Subscriber, Suppression
from newsletter.translating import LANGUAGES
from picum.accounts import audit


class ReaderForm(forms.ModelForm):
    """The order of languages as codes: "pt es en"."""

    class Meta:
        model = Subscriber
        fields = ["name", "languages"]
        help_texts = {"languages": gettext_lazy("First choice first, such as: pt es en")}

    def clean_languages(self) -> str:
        codes = self.cleaned_data["languages"].lower().replace(",", " ").split()
        if not codes or len(set(codes)) < len(codes) or set(codes) - set(LANGUAGES):
            known = " ".join(LANGUAGES)
            raise forms.ValidationError(_("Write each language once; we have: %s.") % known)
        return " ".join(codes)


class LanguageFilter(admin.SimpleListFilter):
    title = gettext_lazy("first language")
    parameter_name = "language"

    def lookups(self, request, model_admin):
        return settings.LANGUAGES

    def queryset(self, request, queryset):
        return queryset.filter(languages__startswith=self.value()) if self.value() in LANGUAGES else queryset


@admin.register(Subscriber)
class SubscriberAdmin(ListAdmin):
    form = ReaderForm
    list_display = ["address", "languages", "state", "subscribed_at", "source"]
    list_filter = ["state", LanguageFilter]
    list_per_page = 50
    search_fields = ["^address"]
    show_full_result_count = False
    actions = ["unsubscribe"]
    readonly_fields = ["address", "state", "source", "created_at", "subscribed_at", "unsubscribed_at"]
    fields = ["address", "state", "languages", "name", "source", "created_at", "subscribed_at", "unsubscribed_at"]

    def has_add_permission(self, request):
        return False  # readers sign up, or are imported with the proof that they wanted it

    def has_delete_permission(self, request, obj=None):
        return False  # erasing is more than deleting a row

    def save_model(self, request, obj, form, change):
        obj.save(update_fields=["name"])
        subscriptions.change_languages(obj, obj.languages.split())

    def log_change(self, request, obj, message):
        """Only in our own trail, and by number: it is kept when the address must be forgotten."""
        audit.record("subscriber.change", by=request.user, reader=obj.pk)

    @admin.action(description=gettext_lazy("Unsubscribe the chosen readers"), permissions=["change"])
    def unsubscribe(self, request, queryset):
        left = [reader for reader in queryset if subscriptions.unsubscribe(reader, how="staff")]
        for reader in left:
            audit.record("subscriber.unsubscribe", by=request.user, reader=reader.pk)
        words = ngettext("%d reader was unsubscribed.", "%d readers were unsubscribed.", len(left))
        self.message_user(request, words % len(left), messages.SUCCESS)


@admin.register(Suppression)
class SuppressionAdmin(ReadOnlyAdmin):
    """The addresses themselves are not kept."""

    list_display = ["created_at", "reason", "address_key"]
    list_filter = ["reason"]
    show_full_result_count = False
