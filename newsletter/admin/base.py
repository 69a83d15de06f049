"""What all pages of the desk share: translated forms that keep their language, and the audit trail."""

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import models
from django.forms import Media as PlainMedia
from django.utils.translation import gettext_lazy as _
from js_asset import Media
from parler.admin import TranslatableAdmin
from parler.forms import TranslatableModelForm
from parler.utils.views import TabsList

from newsletter.richtext import EXTENSIONS, RichTextField
from newsletter.translating import LANGUAGES
from picum.accounts import audit

DATE_INPUT = {"widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}


class DeskForm(TranslatableModelForm):
    """Translated fields carry the language of their tab: for the spell checker, for screen readers (WCAG 3.1.2)."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in self._translated_fields:
            self.fields[name].widget.attrs |= {"lang": self.language_code, "spellcheck": "true"}


class AuditedAdmin(admin.ModelAdmin):
    """What Django writes into its own history goes into the audit trail too."""

    def log_addition(self, request, obj, message):
        audit.record(f"{self.opts.model_name}.add", by=request.user, on=obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request, obj, message):
        audit.record(f"{self.opts.model_name}.change", by=request.user, on=obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request, queryset):
        for obj in queryset:
            audit.record(f"{self.opts.model_name}.delete", by=request.user, on=obj)
        return super().log_deletions(request, queryset)


class DeskAdmin(AuditedAdmin, TranslatableAdmin):
    """An admin of something translated."""

    form = DeskForm
    formfield_overrides = {models.DateField: DATE_INPUT}

    @property
    def media(self):
        return super().media + PlainMedia(js=["desk/editor.js", "desk/unsaved.js"])

    def _language(self, request, obj=None):
        """The tab; parler takes any word from the address, and would save texts under it."""
        code = super()._language(request, obj)
        return code if code in LANGUAGES else LANGUAGES[0]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("translations")

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, RichTextField):
            kwargs["config"] = {"extensions": EXTENSIONS | {"NoSpellCheck": False}}
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_words(self, translation) -> bool:
        """Does this row of translated fields say anything? A tab shows it."""
        return True

    def get_language_tabs(self, request, obj, available_languages, css_class=None):
        """Parler's tabs, in which "available" means that there is something to read."""
        tabs = super().get_language_tabs(request, obj, available_languages, css_class)
        rows = obj.translations.all() if obj else []
        written = {row.language_code for row in rows if self.has_words(row)}
        told = TabsList(
            [
                (url, name, code, "empty" if status == "available" and code not in written else status)
                for url, name, code, status in tabs
            ]
        )
        told.css_class, told.allow_deletion = tabs.css_class, tabs.allow_deletion
        told.current_is_translated = tabs.current_is_translated
        told.current_has_words = self.get_form_language(request, obj) in written
        return told

    def _patch_redirect(self, request, obj, redirect):
        """Django keeps the tab's language in the address by itself; parler would add it once more."""
        if "language=" in redirect.get("Location", ""):
            return redirect
        return super()._patch_redirect(request, obj, redirect)

    def render_change_form(self, request, context, *args, **kwargs):
        # The prose editor's import map is an inline script: it starts only with the page's nonce.
        context["media"] = Media.from_media(context["media"], nonce=str(request.csp_nonce))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("languages"))
    def languages(self, obj):
        """The codes of the languages in which there is something to read."""
        written = {row.language_code for row in obj.translations.all() if self.has_words(row)}
        return " ".join(code.upper() for code, _name in settings.LANGUAGES if code in written) or "–"
