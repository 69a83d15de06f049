from django.conf import settings
from django.contrib import admin
from parler.admin import TranslatableAdmin

from picum.areas.models import Area, Right


class FixedKeyAdmin(TranslatableAdmin):
    """The texts may be edited; what there is, is fixed."""

    list_display = ["__str__", "key", "language_column"]
    readonly_fields = ["key"]

    def _language(self, request, obj=None):
        """The tab; parler takes any word from the address, and would save texts under it."""
        code = super()._language(request, obj)
        return code if code in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("translations")

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


admin.site.register(Area, FixedKeyAdmin)
admin.site.register(Right, FixedKeyAdmin)
