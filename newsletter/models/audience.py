"""Who reads: an address, an order of languages, and nothing more by default."""

import datetime
import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from newsletter.querysets import DOMAIN, FIRST_LANGUAGE, Alphabetically, SubscriberQuerySet
from picum.keyset import Newest

# The five areas, whose keys never change: each has its index below.
AREAS = ("monitoring", "capacity-building", "advocacy", "awareness", "global-actors")


class Subscriber(models.Model):
    """A reader. `languages` is their order of preference, such as "pt es en".

    Whoever has not confirmed yet is no reader but a `SignUp`.
    """

    class State(models.TextChoices):
        SUBSCRIBED = "subscribed", _("subscribed")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")

    class Late(models.TextChoices):
        WAIT = "wait", _("wait for mine")
        FALLBACK = "fallback", _("send me the next language of my order")

    address = models.CharField(_("address"), max_length=254)
    # The keyed hash under which the address is known to deliveries and the stop list; see picum.addresses.
    address_key = models.UUIDField(unique=True, editable=False)
    # What readers' links carry: says nothing about the address, stays for ever.
    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    languages = models.CharField(_("languages"), max_length=20, default="en")
    # Keys of the areas they named, in the order of the areas, such as "monitoring advocacy"; "" is the default.
    areas = models.CharField(_("areas"), max_length=100, blank=True, default="")
    late = models.CharField(_("a late language"), max_length=8, choices=Late.choices, default=Late.WAIT)
    # No mail before this day.
    paused_until = models.DateField(_("paused until"), null=True, blank=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices)
    source = models.CharField(
        pgettext_lazy("of an address", "source"), max_length=100, blank=True, help_text=_("How the address came in.")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    subscribed_at = models.DateTimeField(_("subscribed"), null=True, blank=True, editable=False)
    unsubscribed_at = models.DateTimeField(_("unsubscribed"), null=True, blank=True, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        verbose_name = _("reader")
        verbose_name_plural = _("readers")
        ordering = ["pk"]
        permissions = [
            ("import_subscriber", "Can import readers"),
            ("export_subscriber", "Can export readers"),
        ]
        indexes = [
            models.Index(fields=["state", "languages", "areas", "late"], name="subscriber_audience"),
            # What the desk's list may be narrowed by, each with the order of its pages, and then with what it may be
            # narrowed by besides, so that no row is read in vain. Not the readers who are subscribed: they are most.
            models.Index(FIRST_LANGUAGE, Newest(), "state", "source", name="reader_by_language"),
            models.Index("source", Newest(), "state", FIRST_LANGUAGE, name="reader_by_source"),
            models.Index(DOMAIN, Newest(), "state", FIRST_LANGUAGE, "source", name="reader_by_domain"),
            models.Index(Alphabetically(), "state", FIRST_LANGUAGE, "source", name="reader_by_address"),
            models.Index(
                Newest(), FIRST_LANGUAGE, "source", name="reader_gone", condition=models.Q(state="unsubscribed")
            ),
            models.Index(
                *(Newest(), "state", FIRST_LANGUAGE, "source"),
                name="reader_paused",
                condition=models.Q(paused_until__isnull=False),
            ),
            *(
                models.Index(
                    *(Newest(), "state", FIRST_LANGUAGE, "source"),
                    name=f"reader_area_{number}",
                    condition=models.Q(areas__contains=area),
                )
                for number, area in enumerate(AREAS, 1)
            ),
        ]
        constraints = [
            # And not `unique`: Django would add an index for LIKE that nobody uses.
            models.UniqueConstraint(fields=["address"], name="one_reader_per_address"),
            models.CheckConstraint(
                condition=~models.Q(state="subscribed") | models.Q(subscribed_at__isnull=False),
                name="subscribed_has_a_date",
            ),
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def language(self) -> str:
        return self.languages.split()[0]

    def is_paused(self, *, on: datetime.date) -> bool:
        return self.paused_until is not None and self.paused_until > on


class Suppression(models.Model):
    """An address that must not be mailed, known by its keyed hash alone."""

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")
        BOUNCED = "bounced", _("does not exist")
        COMPLAINED = "complained", _("complained")
        ERASED = "erased", _("erased on request")
        STAFF = "staff", _("entered by staff")

    address_key = models.UUIDField(unique=True, editable=False)
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("suppression")
        verbose_name_plural = _("stop list")
        ordering = ["-created_at"]
        indexes = [models.Index("reason", Newest(), name="stop_by_reason")]

    def __str__(self) -> str:
        return self.get_reason_display()
