"""Readers. Addresses are sensitive: found one by one, never copied into the trail of deeds."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext_lazy
from django.utils.translation import gettext as _

from newsletter import in_words, subscriptions
from newsletter.admin import exports, guard, imports, reader_pages, stopped, timeline
from newsletter.models import Subscriber, Suppression
from newsletter.querysets import Alphabetically
from newsletter.translating import LANGUAGES
from picum import keyset, localising
from picum.accounts import audit
from picum.accounts.lists import Choice, KeysetAdmin, KeysetChangeList
from picum.addresses import InvalidAddress, address_key, normalise
from picum.areas.models import Area


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


# --- what the list may be narrowed by ---------------------------------------------------------------------------------


class StateFilter(Choice):
    title = gettext_lazy("state")
    parameter_name = "state__exact"

    def lookups(self, request, model_admin):
        return Subscriber.State.choices

    @property
    def narrows(self):
        return self.value() == Subscriber.State.UNSUBSCRIBED  # the others are most


class LanguageFilter(Choice):
    title = gettext_lazy("first language")
    parameter_name = "language"

    def lookups(self, request, model_admin):
        return settings.LANGUAGES

    def queryset(self, request, queryset):
        return queryset.preferring(self.value()) if self.value() else queryset


class AreaFilter(Choice):
    title = gettext_lazy("area")
    parameter_name = "area"

    def lookups(self, request, model_admin):
        return [(area.key, str(area)) for area in Area.objects.prefetch_related("translations")]

    def queryset(self, request, queryset):
        return queryset.interested_in(self.value()) if self.value() else queryset


class SourceFilter(Choice):
    title = pgettext_lazy("of an address", "source")
    parameter_name = "source"

    def lookups(self, request, model_admin):
        return [(source, in_words.source(source)) for source in keyset.values(Subscriber, "source") if source]

    def value(self):
        return self.used_parameters.get(self.parameter_name) or None  # there may be more than the list offers


class BounceFilter(Choice):
    """What came back: the change list reads the stop list then."""

    title = gettext_lazy("what came back")
    parameter_name = "bounce"
    narrows = False

    def lookups(self, request, model_admin):
        reasons = [Suppression.Reason.BOUNCED, Suppression.Reason.COMPLAINED]
        return [(reason.value, reason.label) for reason in reasons]

    def queryset(self, request, queryset):
        return queryset


class PausedFilter(Choice):
    title = gettext_lazy("pause")
    parameter_name = "paused"

    def lookups(self, request, model_admin):
        return [("now", gettext_lazy("paused now"))]

    def queryset(self, request, queryset):
        return queryset.paused(on=timezone.localdate()) if self.value() else queryset


class ReadersChangeList(KeysetChangeList):
    by_address = False  # found by how their address begins

    def searched(self, rows, text):
        """A whole address, the beginning of one, or "@" and a domain."""
        if text.startswith("@"):
            return rows.at_domain(_domain(text))
        try:
            whole = rows.filter(address_key=address_key(normalise(text)))
        except InvalidAddress:
            whole = rows.none()
        if whole.exists():
            return whole
        self.by_address, self.beginning_label = True, _("First page")
        return rows.beginning_with(text)

    def place(self):
        if self.by_address:
            return Alphabetically()
        return keyset.Newest() if self.query.strip().startswith("@") else super().place()

    def read_page(self, cursor):
        reason = next((spec.value() for spec in self.filter_specs if isinstance(spec, BounceFilter)), None)
        if reason and not self.query.strip():
            return self._stopped(reason, cursor)
        if reason:  # what is searched for has its own order
            keys = Suppression.objects.filter(reason=reason).values("address_key")
            self.queryset = self.queryset.filter(address_key__in=keys)
        return super().read_page(cursor)

    def _stopped(self, reason: str, cursor: keyset.Cursor) -> keyset.Page:
        page, since = stopped.read(self.queryset, reason, cursor, size=self.list_per_page)
        if since:
            day = localising.day(localising.local_day(since), get_language() or "en")
            self.note = _("Looked through so far: the entries of the stop list since %s.") % day
        return page


def _domain(text: str) -> str:
    """What stands after the "@", as addresses are stored."""
    try:
        return normalise(f"x{text}").rpartition("@")[2]
    except InvalidAddress:
        return text[1:].lower()


# --- the list and its pages -------------------------------------------------------------------------------------------


@admin.register(Subscriber)
class SubscriberAdmin(KeysetAdmin):
    form = ReaderForm
    actions = ["unsubscribe"]
    change_list_template = "admin/newsletter/subscriber/change_list.html"
    fields = [
        *("address", "state", "languages", "name", "areas_in_words", "late", "paused_until", "came_from"),
        *("created_at", "subscribed_at", "unsubscribed_at"),
    ]
    list_display = ["address", "languages", "state", "subscribed_at", "came_from"]
    list_filter = [StateFilter, LanguageFilter, AreaFilter, SourceFilter, BounceFilter, PausedFilter]
    readonly_fields = [name for name in fields if name not in {"languages", "name"}]
    search_fields = ["address"]
    search_help_text = gettext_lazy("A whole address, the beginning of one, or @ and a domain.")

    def get_changelist(self, request, **kwargs):
        return ReadersChangeList

    def get_urls(self):
        pages = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"newsletter_subscriber_{name}")
            for name, view in reader_pages.DEEDS.items()
        ]
        wrap = self.admin_site.admin_view
        return [*pages, *imports.urls(wrap), *exports.urls(wrap), *super().get_urls()]

    def has_delete_permission(self, request, obj=None):
        return False  # erasing is more than deleting a row

    def add_view(self, request, form_url="", extra_context=None):
        """Readers sign up, or are imported with the proof that they wanted it; staff can only ask them."""
        return reader_pages.add(request)

    def render_change_form(self, request, context, *args, **kwargs):
        reader = context["original"]
        shown = timeline.of(reader, before=timeline.moment(request.GET.get("before", "")))
        context |= {"timeline": shown, "deeds": reader_pages.deeds_for(request.user, reader)}
        context["may_see_issues"] = any(map(request.user.has_perm, guard.READ))
        context["show_save_and_add_another"] = False  # nobody is added here
        return super().render_change_form(request, context, *args, **kwargs)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        return super().formfield_for_dbfield(db_field, request, show_hidden_initial=True, **kwargs)

    def save_model(self, request, obj, form, change):
        """What this person changed: the rest may be the reader's own choice since the page was opened."""
        if "name" in form.changed_data:
            obj.save(update_fields=["name"])
        if "languages" in form.changed_data:
            subscriptions.change_languages(obj, obj.languages.split())

    def log_change(self, request, obj, message):
        """Only in our own trail, and by number: it is kept when the address must be forgotten."""
        audit.record("subscriber.change", by=request.user, reader=obj.pk)

    @admin.display(description=gettext_lazy("areas"))
    def areas_in_words(self, reader):
        keys = reader.areas.split()
        areas = Area.objects.filter(key__in=keys).prefetch_related("translations") if keys else []
        return ", ".join(map(str, areas)) or "–"

    @admin.display(description=pgettext_lazy("of an address", "source"))
    def came_from(self, reader):
        return in_words.source(reader.source) or "–"

    @admin.action(description=gettext_lazy("Unsubscribe the chosen readers"), permissions=["change"])
    def unsubscribe(self, request, queryset):
        with transaction.atomic():
            for reader in (chosen := list(queryset.subscribed())):
                audit.record("subscriber.unsubscribe", by=request.user, reader=reader.pk)
            left = subscriptions.unsubscribe_many(chosen, how="staff")
        words = ngettext("%d reader was unsubscribed.", "%d readers were unsubscribed.", len(left))
        self.message_user(request, words % len(left), messages.SUCCESS)
