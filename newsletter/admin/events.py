"""What came back after sending: to be read, never to be changed. Addresses only for who may see readers."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from newsletter.hook_views import VIEWS
from newsletter.models import DeliveryEvent, RawEvent
from picum.accounts.lists import Choice, KeysetAdmin, ReadOnly

SOURCES = [(name, name) for name in ["smtp", "dsn", *VIEWS]]


class KindFilter(Choice):
    title = _("what")
    parameter_name = "kind__exact"
    narrows = False  # its index is that of the brakes

    def lookups(self, request, model_admin):
        return DeliveryEvent.Kind.choices


class SourceFilter(Choice):
    title = _("said by")
    parameter_name = "source"

    def lookups(self, request, model_admin):
        return SOURCES


class PostSourceFilter(SourceFilter):
    narrows = False  # posts live for days


class ReadingFilter(Choice):
    narrows = False
    title = _("reading")
    parameter_name = "reading"

    def lookups(self, request, model_admin):
        return [("unreadable", _("cannot be read")), ("waiting", _("waiting"))]

    def queryset(self, request, queryset):
        match self.value():
            case "unreadable":
                return queryset.unreadable()
            case "waiting":
                return queryset.waiting()
        return queryset


class LatestAdmin(ReadOnly, KeysetAdmin):
    """What came in, the newest first."""

    list_display_links = ["received_at"]  # the whole row on a page of its own: words may be long, screens are narrow

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Without the row's name, which says nothing to people."""
        return super().changeform_view(request, object_id, form_url, {"subtitle": None} | (extra_context or {}))


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(LatestAdmin):
    list_filter = [KindFilter, SourceFilter]

    def get_list_display(self, request):
        return ["received_at", "kind", "edition", *self._who(request), "source", "code", "detail"]

    def get_fields(self, request, obj=None):
        return ["received_at", "happened_at", "kind", "edition", *self._who(request), "source", "code", "detail"]

    def get_readonly_fields(self, request, obj=None):
        return ["edition", *self._who(request)]

    def _who(self, request) -> list[str]:
        return ["reader"] if request.user.has_perm("newsletter.view_subscriber") else []

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("delivery__edition__issue", "delivery__subscriber")

    @admin.display(description=_("edition"))
    def edition(self, event):
        return f"{event.delivery.edition.issue.slug} ({event.delivery.edition.language})"

    @admin.display(description=_("reader"))
    def reader(self, event):
        return event.delivery.subscriber or _("erased")


@admin.register(RawEvent)
class RawEventAdmin(LatestAdmin):
    """What nobody could read says here why. Bodies are not shown: they hold addresses."""

    list_display = ["received_at", "source", "size", "processed_at", "error"]
    list_filter = [ReadingFilter, PostSourceFilter]
    fields = ["received_at", "source", "size", "processed_at", "error"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("body")
