"""What the register and the directory sort by: short lists of the secretariat's own."""

from django.contrib import admin
from django.utils.translation import gettext_lazy

from members.models import Category, OrganisationType
from picum.accounts.desk import DeskAdmin


class KeyedAdmin(DeskAdmin):
    """Known by a key that is given once."""

    list_per_page = 100
    actions = None

    def get_readonly_fields(self, request, obj=None):
        return ["key"] if obj else []


@admin.register(Category)
class CategoryAdmin(KeyedAdmin):
    list_display = ["__str__", "for_whom", "has_vote", "fee_rule", "fee", "is_open", "languages"]

    def get_fieldsets(self, request, obj=None):
        return [
            (None, {"fields": ["name", "explanation"]}),
            (
                gettext_lazy("In all languages"),
                {"fields": ["key", "position", "for_whom", "has_vote", "fee_rule", "fee", "is_open"]},
            ),
        ]


@admin.register(OrganisationType)
class OrganisationTypeAdmin(KeyedAdmin):
    list_display = ["__str__", "key", "position", "languages"]

    def get_fieldsets(self, request, obj=None):
        return [(None, {"fields": ["name"]}), (gettext_lazy("In all languages"), {"fields": ["key", "position"]})]
