"""Querysets whose methods are words."""

import datetime

from django.db import models
from parler.managers import TranslatableQuerySet

UNKNOWN_FOR = datetime.timedelta(hours=24)  # so long a provider may take to tell what became of a mail


class IssueQuerySet(TranslatableQuerySet):
    def with_contents(self):
        """All that composing needs, in a fixed number of queries: 13, whatever the size."""
        item = self.model._meta.get_field("items").related_model
        items = item.objects.select_related("section").prefetch_related(
            "translations", "section__translations", "bodies__translations", "areas__translations",
            "rights__translations", "sources",
        )  # fmt: skip
        return self.prefetch_related(
            "translations",
            "editions",
            models.Prefetch("items", queryset=items.order_by(*item._meta.ordering)),
        )


class EditionQuerySet(models.QuerySet):
    def published(self, *, on):
        """What the public archive shows at a moment."""
        return self.filter(published_at__lte=on)

    def going(self, *, at):
        """Editions that are being sent and whose latest hour has not passed."""
        return self.filter(models.Q(latest_at=None) | models.Q(latest_at__gt=at), state="sending")

    def frozen(self):
        """Editions whose words and readers are settled."""
        return self.filter(frozen_at__isnull=False)


class SubscriberQuerySet(models.QuerySet):
    def subscribed(self):
        return self.filter(state="subscribed")


class DeliveryQuerySet(models.QuerySet):
    def due(self, *, at):
        return self.filter(state__in=["queued", "deferred"], due_at__lte=at)

    def unfinished(self):
        return self.filter(state__in=["queued", "deferred", "claimed", "attempting"])

    def unknown(self):
        """Those of which nobody knows whether they arrived."""
        return self.filter(state="unknown")

    def resendable(self, *, at):
        """Unknown for a day, in an edition that was not cancelled: staff may send them again."""
        return self.unknown().filter(changed_at__lte=at - UNKNOWN_FOR).exclude(edition__state="cancelled")


class RawEventQuerySet(models.QuerySet):
    def waiting(self):
        """Posts that no worker has read yet."""
        return self.filter(processed_at__isnull=True)

    def unreadable(self):
        return self.exclude(error="")
