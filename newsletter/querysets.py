"""Querysets whose methods are words."""

import datetime

from django.db import models
from django.db.models import Value
from django.db.models.functions import Left, Lower, StrIndex, Substr
from parler.managers import TranslatableQuerySet

from picum.keyset import Place

UNKNOWN_FOR = datetime.timedelta(hours=24)  # so long a provider may take to tell what became of a mail


class IssueQuerySet(TranslatableQuerySet):
    def newsletters(self):
        """Without circulars, which are nobody's but their recipients'."""
        return self.filter(kind="newsletter")

    def ready(self):
        """Newsletters of which an edition can be sent."""
        return self.newsletters().filter(editions__state="ready").distinct()

    def with_words(self):
        """What there is to translate, in 6 queries, whatever the size: without what stands beside the words."""
        items = self.model._meta.get_field("items").related_model.objects.select_related("section")
        items = items.prefetch_related("translations", "section__translations").order_by(*items.model._meta.ordering)
        return self.prefetch_related("translations", "editions", models.Prefetch("items", queryset=items))

    def with_contents(self, *, on: datetime.date | None = None):
        """All that composing needs, in a fixed number of queries: 13, whatever the size. With `on`, items that must
        not appear before a later day are left out: for everything that readers see."""
        item = self.model._meta.get_field("items").related_model
        rows = item.objects.all() if on is None else item.objects.open(on=on)
        items = rows.select_related("section").prefetch_related(
            _with_marks(item), "section__translations", "bodies__translations", "areas__translations",
            "rights__translations", "sources",
        )  # fmt: skip
        return self.prefetch_related(
            "translations",
            "editions",
            models.Prefetch("items", queryset=items.order_by(*item._meta.ordering)),
        )


def _with_marks(item: type[models.Model]) -> models.Prefetch:
    """An item's words in its languages, each with `is_machine`: are they a machine's that nobody has touched?"""
    words, text = (item._meta.get_field(name).related_model for name in ("translations", "texts"))
    machines = text.objects.filter(
        item=models.OuterRef("master_id"), language=models.OuterRef("language_code"), is_machine=True
    )
    return models.Prefetch("translations", queryset=words.objects.annotate(is_machine=models.Exists(machines)))


class ItemQuerySet(TranslatableQuerySet):
    def open(self, *, on: datetime.date):
        """Those that readers may see on a day."""
        return self.filter(models.Q(not_before=None) | models.Q(not_before__lte=on))


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


class Alphabetically(Place):
    """Addresses as a telephone book has them, whatever their letters' case and the database's own idea of an alphabet:
    what begins alike stands together, so that one index finds it and keeps it in order."""

    template = "LOWER(%(expressions)s)"
    output_field = models.CharField()

    def __init__(self, expression="address", **extra):
        super().__init__(expression, **extra)

    def as_postgresql(self, compiler, connection, **extra):
        return self.as_sql(compiler, connection, template='(LOWER(%(expressions)s) COLLATE "C")', **extra)


# What is asked of readers, as their indexes have it.
FIRST_LANGUAGE = Left("languages", 2)
DOMAIN = Substr(Lower("address"), StrIndex("address", Value("@")) + 1)
_LAST = "\U0010ffff"  # comes after all that may follow in an address


class SubscriberQuerySet(models.QuerySet):
    def subscribed(self):
        return self.filter(state="subscribed")

    def preferring(self, language):
        """Those whose first choice it is."""
        return self.alias(first_language=FIRST_LANGUAGE).filter(first_language=language)

    def interested_in(self, area):
        """Those who named the area, known by its key."""
        return self.filter(areas__contains=area)

    def paused(self, *, on):
        """Those who get no mail on a day, by their own wish."""
        return self.filter(paused_until__gt=on)

    def at_domain(self, domain):
        """Those whose address ends with "@" and this, in small letters."""
        return self.alias(domain=DOMAIN).filter(domain=domain)

    def beginning_with(self, text):
        """Those whose address begins so, in letters of any case."""
        begins, ends = Alphabetically(Value(text)), Alphabetically(Value(text + _LAST))
        return self.alias(letters=Alphabetically()).filter(letters__gte=begins, letters__lt=ends)


class ConsentQuerySet(models.QuerySet):
    """Lines are added by `newsletter.consents` and never touched again."""

    def update(self, **fields):
        raise TypeError("The consent ledger is only ever added to.")

    def delete(self):
        raise TypeError("The consent ledger is only ever added to.")


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
