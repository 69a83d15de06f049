"""What all pages of the desk share: translated forms that keep their language, and the audit trail."""

import datetime
import re
from collections.abc import Collection, Iterable

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db import models, transaction
from django.forms import Media as PlainMedia
from django.http import Http404
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django_prose_editor.fields import ProseEditorFormField
from js_asset import Media
from parler.admin import TranslatableAdmin
from parler.forms import TranslatableModelForm
from parler.utils.views import TabsList

from picum import localising, richtext
from picum.accounts import audit, meanwhile
from picum.accounts.lists import ListAdmin, ReadOnly
from picum.alternates import LANGUAGES
from picum.richtext import EXTENSIONS, RichTextField

DATE_INPUT = {"widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}


class DeskForm(TranslatableModelForm):
    """Translated fields carry the language of their tab: for the spell checker, for screen readers (WCAG 3.1.2).

    Two people may have the same thing open; see `picum.accounts.meanwhile`. `kept`: the fields that only others
    changed, which stay as they are stored. `asked`: fields that are about one saving, and stored nowhere.
    """

    asked: Collection[str] = ()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.kept: set[str] = set()
        self._as_found = (meanwhile.read(self.data.get(meanwhile.AS_READ)) if self.is_bound else None) or {}
        for name in self._translated_fields:
            self.fields[name].widget.attrs |= {"lang": self.language_code, "spellcheck": "true"}

    @property
    def as_read(self) -> str:
        """For the hidden field: the state that this person has seen."""
        stored = [name for name in self.fields if name not in self.asked]
        return meanwhile.written({name: self._as_found.get(name) or self._stored(name) for name in stored})

    @property
    def changed_data(self):
        return [name for name in super().changed_data if name not in self.kept and name not in self.asked]

    def clean(self):
        values = super().clean()
        conflicts = []
        for name in [name for name in self.fields if name in values and name in self._as_found]:
            found, stored, mine = self._as_found[name], self._stored(name), self._print(name, values[name])
            if stored == found:
                continue
            if mine == found:
                self.kept.add(name)
                values[name] = self._stored_value(name)
            elif mine != stored:
                conflicts.append(name)
        for name in conflicts:
            self._as_found[name] = self._stored(name)
            self.add_error(name, format_html("{} {}", _("Stored now:"), self._stored_in_words(name)))
        if conflicts:
            self.add_error(None, meanwhile.sentence())
        return values

    def _print(self, name: str, value: object) -> str:
        # The editor and the cleaner write the same text in different ways.
        if isinstance(self.fields[name], ProseEditorFormField):
            value = re.sub(r">\s+<", "><", richtext.clean(str(value or "")))
        return meanwhile.fingerprint(value)

    def _stored(self, name: str) -> str:
        return self._print(name, self.initial.get(name))

    def _stored_value(self, name: str) -> object:
        """As the form would have cleaned it; the instance is not filled from the form yet."""
        if isinstance(self.fields[name], forms.ModelChoiceField) and not isinstance(self.initial.get(name), list):
            return getattr(self.instance, name)
        return self.initial.get(name, "")

    def _stored_in_words(self, name: str) -> str:
        value, field = self.initial.get(name), self.fields[name]
        if isinstance(field, ProseEditorFormField) and value:
            return format_html('<div class="desk-stored" lang="{}">{}</div>', self.language_code, richtext.safe(value))
        if hasattr(field, "choices"):
            several = isinstance(value, Iterable) and not isinstance(value, str)
            codes = {str(getattr(one, "pk", one)) for one in (value if several else [value])}
            value = ", ".join(str(label) for code, label in field.choices if code and str(code) in codes)
        elif isinstance(value, datetime.date):
            value = localising.day(value, get_language() or "en")
        return str(value or _("nothing"))


class ReadOnlyAdmin(ReadOnly, ListAdmin):
    """Evidence in a short list."""


class AuditedAdmin(ListAdmin):
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
        return super().media + PlainMedia(js=["desk/editor.js", "desk/paste.js", "desk/unsaved.js"])

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

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        if request.method != "POST" or object_id is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        # Two who save at once stand in line here, so that the second compares with what the first has stored.
        with transaction.atomic():
            if found := self.get_object(request, unquote(object_id)):
                self.model.objects.select_for_update().get(pk=found.pk)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_translation(self, request, object_id, language_code):
        if language_code not in LANGUAGES:
            raise Http404
        return super().delete_translation(request, object_id, language_code)

    def _patch_redirect(self, request, obj, redirect):
        """Django keeps the tab's language in the address by itself; parler would add it once more."""
        if "language=" in redirect.get("Location", ""):
            return redirect
        return super()._patch_redirect(request, obj, redirect)

    def render_change_form(self, request, context, *args, **kwargs):
        # The prose editor's import map is an inline script: it starts only with the page's nonce.
        context["media"] = Media.from_media(context["media"], nonce=str(request.csp_nonce))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("languages"))
    def languages(self, obj):
        """The codes of the languages in which there is something to read."""
        written = {row.language_code for row in obj.translations.all() if self.has_words(row)}
        return " ".join(code.upper() for code, _name in settings.LANGUAGES if code in written) or "–"
