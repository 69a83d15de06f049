"""Mails to single people whom we know: the row is the queue."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from picum.keyset import Newest


class Letter(models.Model):
    """A mail that will go, or went, to somebody. `picum.letters.post` alone moves it; sent at least once.

    `kind` names who builds it and `about` what it is about: ids and other primitive values, no words of people. What it
    says is decided when it is sent, so that it tells what is true then.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CLAIMED = "claimed", _("in hand")
        SENT = "sent", pgettext_lazy("a mail", "sent")
        DROPPED = "dropped", _("not sent")

    kind = models.CharField(_("kind"), max_length=40)
    # Emptied as soon as it is not needed any more.
    address = models.CharField(_("address"), max_length=254, blank=True)
    # What stays of it, so that one can ask how often an address was written to, or whether it refused.
    address_key = models.UUIDField(editable=False)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    about = models.JSONField(_("about"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    why = models.CharField(_("why"), max_length=20, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, db_index=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state", "due_at"], name="letter_due"),
            models.Index("state", Newest(), "kind", name="letter_by_state"),
            models.Index(fields=["address_key", "state", "why"], name="letter_to"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(lease_until__isnull=False), name="claimed_letter_has_a_lease"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["waiting", "claimed"]) | ~Q(address=""), name="letter_to_be_sent_has_an_address"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
