"""What came back after sending: to be read, never to be changed. Addresses only for who may see readers."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from newsletter.admin.base import ReadOnlyAdmin
from newsletter.hook_views import VIEWS
from newsletter.models import DeliveryEvent, RawEvent

SOURCES = [(name, name) for name in ["smtp", "dsn", *VIEWS]]


class LatestPaginator(Paginator):
    """The newest rows of a table that grows for ever: nobody counts it, nobody turns to its thousandth page."""

    MOST = 5000

    @cached_property
    def count(self) -> int:
        return self.object_list[: self.MOST].count()


class SourceFilter(admin.SimpleListFilter):
    title = _("said by")
    parameter_name = "source"

    def lookups(self, request, model_admin):
        return SOURCES

    def queryset(self, request, queryset):
        return queryset.filter(source=self.value()) if self.value() in dict(SOURCES) else queryset


class ReadingFilter(admin.SimpleListFilter):
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


class LatestAdmin(ReadOnlyAdmin):
    """A list of the newest, in a fixed number of queries."""

    list_display_links = ["received_at"]  # the whole row on a page of its own: words may be long, screens are narrow
    list_per_page = 50
    paginator = LatestPaginator
    ordering = ["-pk"]
    show_full_result_count = False

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Without the row's name, which says nothing to people."""
        return super().changeform_view(request, object_id, form_url, {"subtitle": None} | (extra_context or {}))


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(LatestAdmin):
    list_filter = ["kind", SourceFilter]
    sortable_by = []

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

    @admin.display(description=_("reader"), empty_value=_("erased"))
    def reader(self, event):
        return event.delivery.subscriber


@admin.register(RawEvent)
class RawEventAdmin(LatestAdmin):
    """What nobody could read says here why. Bodies are not shown: they hold addresses."""

    list_display = ["received_at", "source", "size", "processed_at", "error"]
    list_filter = [ReadingFilter, SourceFilter]
    sortable_by = []
    fields = ["received_at", "source", "size", "processed_at", "error"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("body")
