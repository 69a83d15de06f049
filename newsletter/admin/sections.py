"""Headings and institutions: short lists, known by a key that is given once."""

from django.contrib import admin
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from newsletter import compose, search_index
from newsletter.admin import guard
from newsletter.models import Body, Item, Section
from picum.accounts import audit
from picum.accounts.desk import DeskAdmin


class KeyedAdmin(DeskAdmin):
    list_display = ["__str__", "key", "languages"]
    list_per_page = 200

    def get_readonly_fields(self, request, obj=None):
        return ["key"] if obj else []


@admin.register(Section)
class SectionAdmin(KeyedAdmin):
    """The order is changed by buttons in the list."""

    list_display = ["__str__", "order", "key", "languages", "used"]
    sortable_by = []  # the buttons speak of the one order there is
    actions = None

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(used_by=Count("items"))

    def get_urls(self):
        view = self.admin_site.admin_view(move)
        return [path("<int:pk>/move/<str:way>/", view, name="newsletter_section_move"), *super().get_urls()]

    def get_list_display(self, request):
        columns = super().get_list_display(request)
        if self.has_change_permission(request):
            return columns
        return [column for column in columns if column != "order"]

    @admin.display(description=gettext_lazy("items"))
    def used(self, section):
        return section.used_by

    @admin.display(description=gettext_lazy("order"))
    def order(self, section):
        # The list is a form already; a button may send it elsewhere.
        return format_html(
            '<span class="desk-order">{}{}</span>',
            _button(section, "up", "↑", _("Move “%s” up")),
            _button(section, "down", "↓", _("Move “%s” down")),
        )


def _button(section: Section, way: str, sign: str, label: str):
    return format_html(
        '<button class="desk-step" formaction="{}" id="section-{}-{}" aria-label="{}">{}</button>',
        reverse("admin:newsletter_section_move", args=[section.pk, way]),
        section.pk,
        way,
        label % section,
        sign,
    )


@require_POST
def move(request, pk: int, way: str):
    """One step up or down in the order of the sections."""
    guard.require(request, ("newsletter.change_section",))
    section = get_object_or_404(Section, pk=pk)
    step = guard.step(way)
    with transaction.atomic():
        if compose.move_section(section, by=step):
            audit.record("section.move", by=request.user, on=section, step=step)
    return HttpResponseRedirect(reverse("admin:newsletter_section_changelist") + f"#section-{pk}-{way}")


@admin.register(Body)
class BodyAdmin(KeyedAdmin):
    search_fields = ["key", "translations__name"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if change and "name" in form.changed_data:
            search_index.forget(obj)

    def delete_model_translation(self, request, translation):
        super().delete_model_translation(request, translation)
        search_index.forget(translation.master)

    def get_deleted_objects(self, objs, request):
        """An institution that items name is protected by them, like a section by its items: they would lose it."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        naming = Item.objects.filter(bodies__in=objs).distinct().prefetch_related("translations")
        links = [
            format_html('<a href="{}">{}</a>', reverse("admin:newsletter_item_change", args=[item.pk]), item)
            for item in naming
        ]
        return deleted, counts, lacking, [*protected, *links]
