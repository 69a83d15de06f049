"""What the search looks through."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models.content import Item


class SearchEntry(models.Model):
    """An item's words in one language as the search compares them, in their order and with blanks around each.
    `newsletter.search` alone writes here, and can make it all anew at any time."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="search_entries")
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    title = models.TextField()  # stems
    words = models.TextField()  # stems, of the title too, and of its places and sources
    plain = models.TextField()  # the same, whole, without accents and capitals: for words that are typed half

    class Meta:
        verbose_name = _("search entry")
        verbose_name_plural = _("search entries")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["language", "item"], name="one_entry_per_language_and_item")]

    def __str__(self) -> str:
        return f"{self.item_id} ({self.language})"
