"""Lists of what is known by the keyed hash of an address: whoever has the address finds it, and nobody else."""

import uuid

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from newsletter.models import Subscriber
from picum.accounts.lists import KeysetAdmin, KeysetChangeList
from picum.addresses import InvalidAddress, address_key, normalise

SEE_READERS = "newsletter.view_subscriber"


def key_of(text: str) -> uuid.UUID:
    """The key that somebody means: by its address, or as lists show it. Raises InvalidAddress."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return address_key(normalise(text))


class AddressKeyChangeList(KeysetChangeList):
    def searched(self, rows, text):
        try:
            return rows.filter(address_key=key_of(text))
        except InvalidAddress as why:
            self.note = str(why)
            return rows.none()

    def get_results(self, request):
        super().get_results(request)
        if request.user.has_perm(SEE_READERS):
            keys = {row.address_key for row in self.result_list}
            readers = {reader.address_key: reader for reader in Subscriber.objects.filter(address_key__in=keys)}
            for row in self.result_list:
                row.found_reader = readers.get(row.address_key)


class AddressKeyAdmin(KeysetAdmin):
    """A list that is searched by a whole address. `reader` is a column for those who may see readers."""

    search_fields = ["address_key"]
    search_help_text = gettext_lazy("A whole address, or its fingerprint.")

    def get_changelist(self, request, **kwargs):
        return AddressKeyChangeList

    def get_list_display(self, request):
        return self._may_see(request, super().get_list_display(request))

    def get_fields(self, request, obj=None):
        return self._may_see(request, super().get_fields(request, obj))

    def _may_see(self, request, names):
        return names if request.user.has_perm(SEE_READERS) else [name for name in names if name != "reader"]

    @admin.display(description=gettext_lazy("fingerprint of the address"))
    def fingerprint(self, row):
        return row.address_key

    @admin.display(description=gettext_lazy("reader"))
    def reader(self, row):
        """A link to the reader with this address, if there is one; Django has no sign for "none" on the row's page."""
        if hasattr(row, "found_reader"):
            reader = row.found_reader
        else:
            reader = Subscriber.objects.filter(address_key=row.address_key).first()
        if reader is None:
            return "–"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:newsletter_subscriber_change", args=[reader.pk]), reader
        )
