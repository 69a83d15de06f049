"""Who reads: an address, an order of languages, and nothing more by default."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter.querysets import SubscriberQuerySet


class Subscriber(models.Model):
    """A reader. `languages` is their order of preference, such as "pt es en"."""

    class State(models.TextChoices):
        PENDING = "pending", _("not confirmed yet")
        SUBSCRIBED = "subscribed", _("subscribed")
        UNSUBSCRIBED = "unsubscribed", _("unsubscribed")

    address = models.CharField(_("address"), max_length=254, unique=True)
    # The keyed hash under which the address is known to deliveries and the stop list; see newsletter.addresses.
    address_key = models.UUIDField(unique=True, editable=False)
    # What readers' links carry: says nothing about the address, stays for ever.
    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    languages = models.CharField(_("languages"), max_length=20, default="en")
    name = models.CharField(_("name"), max_length=150, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.PENDING)
    source = models.CharField(_("source"), max_length=100, blank=True, help_text=_("How the address came in."))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    subscribed_at = models.DateTimeField(_("subscribed"), null=True, blank=True, editable=False)
    unsubscribed_at = models.DateTimeField(_("unsubscribed"), null=True, blank=True, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        verbose_name = _("reader")
        verbose_name_plural = _("readers")
        ordering = ["pk"]
        indexes = [models.Index(fields=["state", "languages"], name="subscriber_audience")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(state="subscribed") | models.Q(subscribed_at__isnull=False),
                name="subscribed_has_a_date",
            )
        ]

    def __str__(self) -> str:
        return self.address

    @property
    def language(self) -> str:
        return self.languages.split()[0]


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

    def __str__(self) -> str:
        return self.get_reason_display()
