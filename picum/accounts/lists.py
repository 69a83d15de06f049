"""Lists of the desk: those that take only what can be meant, and those of any length."""

from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.db.models import QuerySet
from django.http import HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from picum import keyset
from picum.keyset import AFTER, BEFORE


class ListAdmin(admin.ModelAdmin):
    """A list that takes a filter nobody can have meant as Django takes a filter it does not know."""

    def changelist_view(self, request, extra_context=None):
        # PostgreSQL cannot even be asked for a text with a NUL in it.
        if any("\0" in value for _name, values in request.GET.lists() for value in values):
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)


class Choice(admin.SimpleListFilter):
    """A filter by one of the values that it offers; any other filters nothing. `parameter_name` is what it asks of the
    row, unless `queryset` knows better."""

    def value(self) -> str | None:
        value = super().value()
        return value if value in dict(self.lookup_choices) else None

    def queryset(self, request, queryset):
        return queryset if self.value() is None else queryset.filter(**{self.parameter_name: self.value()})

    @property
    def narrows(self) -> bool:
        """Whether the list is to be read by the index of this filter, which ends with `keyset.Newest`."""
        return self.value() is not None


class KeysetChangeList(ChangeList):
    """A page of a list of any length; see `picum.keyset`. Nothing is counted."""

    page: keyset.Page
    beginning_label: str | Promise = gettext_lazy("Newest")
    note = ""  # what is to be said about this page

    def get_queryset(self, request, exclude_parameters=None):
        # A page belongs to one choice of filters: no other link keeps it.
        for name in (AFTER, BEFORE):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        # Django would take any field of the row: slow in a long list, and a way to spell out what is not shown.
        if set(self.get_filters_params()) - {one.parameter_name for one in self.list_filter}:
            raise IncorrectLookupParameters
        rows = super().get_queryset(request, exclude_parameters)
        return self.searched(rows, text) if (text := self.query.strip()) else rows

    def searched(self, rows: QuerySet, text: str) -> QuerySet:
        """Those that somebody means who typed this."""
        return rows

    def get_ordering(self, request, queryset):
        return ["-pk"]  # what reads the page sets another where it must

    def get_results(self, request):
        self.page = self.read_page(keyset.Cursor.read(request.GET))
        self.result_list = self.page.rows
        self.result_count = self.full_result_count = len(self.page.rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = bool(self.page.rows)

    def read_page(self, cursor: keyset.Cursor) -> keyset.Page:
        return keyset.read(self.queryset, self.place(), cursor, size=self.list_per_page)

    def place(self) -> keyset.Place | None:
        return keyset.Newest() if any(spec.narrows for spec in self.filter_specs) else None

    @property
    def beginning(self) -> str:
        return self.get_query_string()

    @property
    def page_before(self) -> str:
        return self.get_query_string({BEFORE: self.page.before}) if self.page.before is not None else ""

    @property
    def page_after(self) -> str:
        return self.get_query_string({AFTER: self.page.after}) if self.page.after is not None else ""


class ChosenForm(ActionForm):
    """What is to be done with the rows chosen on the page: a list that nobody counts has no "all of them"."""

    def clean_select_across(self) -> bool:
        return False


class KeysetAdmin(ListAdmin):
    """A list of any length, in a fixed number of queries. All its filters are of class `Choice`."""

    action_form = ChosenForm
    change_list_template = "admin/long_list.html"
    list_per_page = 50
    search_fields = []
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ()

    def get_changelist(self, request, **kwargs):
        return KeysetChangeList

    def get_search_results(self, request, queryset, search_term):
        return queryset, False  # the change list searches: what is found has its own order


class ReadOnly:
    """Evidence: to be read, by those who may view it."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
