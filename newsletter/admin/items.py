"""Items: one piece of news in its languages, with its sources, and its place in the issue."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db import models, transaction
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from newsletter import compose, search_index, translating
from newsletter.admin import guard, panels, references, search, settled, transfers
from newsletter.admin.words import APPROVE, WordsAdmin
from newsletter.models import Item, ItemTranslation, Section, Source
from newsletter.rendering import language_name
from picum.accounts import audit, meanwhile
from picum.accounts.desk import DATE_INPUT


class SourceFormSet(meanwhile.RowsFormSet):
    shown = ["outlet", "title", "url", "page", "date", "language"]


class SourceInline(admin.StackedInline):
    model = Source
    formset = SourceFormSet
    extra = 0
    formfield_overrides = {
        models.DateField: DATE_INPUT,
        models.URLField: {"widget": forms.URLInput(attrs={"class": "vURLField"}), "assume_scheme": "https"},
    }
    fields = [("outlet", "title"), ("url", "page"), ("date", "precision", "language", "position")]
    verbose_name, verbose_name_plural = gettext_lazy("source"), gettext_lazy("sources")


class SectionFilter(admin.SimpleListFilter):
    title = gettext_lazy("section")
    parameter_name = "section"

    def lookups(self, request, model_admin):
        return [(str(row.pk), str(row)) for row in Section.objects.prefetch_related("translations")]

    def queryset(self, request, queryset):
        known = {code for code, _name in self.lookup_choices}
        return queryset.filter(section=self.value()) if self.value() in known else queryset


@admin.register(Item)
class ItemAdmin(WordsAdmin):
    list_display = ["__str__", "issue", "section", "languages"]
    list_filter = [SectionFilter, "kind", "original_language"]
    list_select_related = ["issue", "section"]
    list_per_page = 50
    search_fields = ["translations__title"]
    show_full_result_count = False
    inlines = [SourceInline]
    actions = ["move_to_another_issue", "delete_selected"]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("section__translations")

    def has_words(self, translation) -> bool:
        return bool(translation.title.strip() and translation.text.strip())

    def has_delete_permission(self, request, obj=None):
        """What went out keeps its public address."""
        item = obj.master if isinstance(obj, ItemTranslation) else obj
        allowed = super().has_delete_permission(request, obj)
        return allowed and not (isinstance(item, Item) and item.issue.editions.frozen().exists())

    @admin.action(description=delete_selected.short_description, permissions=["delete"])
    def delete_selected(self, request, queryset):
        """Django's own, but for what is kept: it would only speak of a permission that is missing."""
        if queryset.filter(issue__editions__frozen_at__isnull=False).exists():
            words = _("Items of issues that went out are kept, so nothing was deleted. Choose only others.")
            self.message_user(request, words, messages.ERROR)
            return None
        return delete_selected(self, request, queryset)

    @admin.action(description=gettext_lazy("Move to another issue"), permissions=["change"])
    def move_to_another_issue(self, request, queryset):
        """The page that asks to which."""
        return transfers.ask(request, list(queryset.values_list("pk", flat=True)))

    # --- the form -----------------------------------------------------------------------------------------------

    def get_fieldsets(self, request, obj=None):
        language = language_name(self.get_form_language(request, obj), get_language() or "en")
        words = self.words_fields(request, obj, ["title", "text"])
        return [
            (_("The words: %(language)s") % {"language": language}, {"fields": words}),
            (_("Where it stands"), {"fields": ["issue", "section", "kind", "original_language", "not_before"]}),
            (_("Where it happens"), {"fields": ["countries", "bodies"]}),
            (_("What it is about"), {"fields": ["areas", "rights"]}),
        ]

    def get_readonly_fields(self, request, obj=None):
        return ["issue"] if obj else []

    def get_changeform_initial_data(self, request):
        language = {"original_language": self._language(request)}
        return language | super().get_changeform_initial_data(request)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "countries":
            kwargs["widget"] = FilteredSelectMultiple(db_field.verbose_name, is_stacked=False)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "section":
            for deed in ("add", "change", "delete", "view"):
                setattr(field.widget, f"can_{deed}_related", False)
        return field

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        kwargs["queryset"] = db_field.remote_field.model.objects.prefetch_related("translations")
        kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "section":
            kwargs["queryset"] = Section.objects.prefetch_related("translations")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change or "section" in form.changed_data:
            compose.place_last(obj)

    def save_formset(self, request, form, formset, change):
        """Sources without a number go to the end."""
        super().save_formset(request, form, formset, change)
        last = max((source.position for source in form.instance.sources.all()), default=0)
        for number, source in enumerate(form.instance.sources.filter(position=0), last + 1):
            source.position = number
            source.save(update_fields=["position"])

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        search_index.index(form.instance)
        settled.tell(request, form.instance.issue, form, formsets)

    def delete_model_translation(self, request, translation):
        super().delete_model_translation(request, translation)
        search_index.index(translation.master)

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj:
            language = self._language(request)
            shown = translating.shown_in(obj, language, [get_language() or "en"])
            context |= {
                "subtitle": translating.texts(obj)[shown].title if shown else str(obj),
                "standing": compose.standing(obj),
                "heading": obj.section,
                "marks": panels.marks(obj, get_language() or "en"),
                "tab": language,
                "settled": settled.names(obj.issue),
                "other_issues": transfers.possible(obj.issue) if self.has_change_permission(request, obj) else [],
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def get_view_on_site_url(self, obj=None):
        """Only what is published has a page."""
        published = obj and obj.issue.editions.published(on=timezone.now()).exists()
        return super().get_view_on_site_url(obj) if published else None

    # --- where one goes after saving ----------------------------------------------------------------------------

    def response_add(self, request, obj, post_url_continue=None):
        return self._onwards(request, obj, super().response_add(request, obj, post_url_continue))

    def response_change(self, request, obj):
        return self._onwards(request, obj, super().response_change(request, obj))

    def _onwards(self, request, item, response):
        """Saving leads back to the item's line in its issue, "Save and next item" to the next one in the same tab."""
        language = self.get_form_language(request, item)
        back = reverse("admin:newsletter_issue_change", args=[item.issue_id]) + f"#item-{item.pk}"
        if "_next" in request.POST:
            after = compose.standing(item).after
            if after is None:
                self.message_user(request, _("That was the last item of the issue."))
                return HttpResponseRedirect(back)
            return HttpResponseRedirect(reverse("admin:newsletter_item_change", args=[after]) + f"?language={language}")
        return HttpResponseRedirect(back) if {"_save", APPROVE} & request.POST.keys() else response

    def get_urls(self):
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/move/<str:way>/", wrap(move), name="newsletter_item_move"),
            path("transfer/", wrap(transfers.press), name="newsletter_item_transfer"),
            path("references/", wrap(references.find), name="newsletter_item_references"),
        ]
        return [*own, *search.urls(wrap), *super().get_urls()]


@require_POST
def move(request, pk: int, way: str):
    """One step up or down in the issue; back to the button that was pressed."""
    guard.require(request, ("newsletter.change_item",))
    item = get_object_or_404(Item, pk=pk)
    step = guard.step(way)
    with transaction.atomic():
        if compose.move_item(item, by=step):
            audit.record("item.move", by=request.user, on=item, step=step)
    if "stay" in request.POST:
        return HttpResponseRedirect(reverse("admin:newsletter_item_change", args=[pk]))
    issue = reverse("admin:newsletter_issue_change", args=[item.issue_id])
    return HttpResponseRedirect(f"{issue}#item-{pk}-{way}")
