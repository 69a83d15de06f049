"""Work that staff order and that goes on in the background."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from newsletter.reasons import ReasonField


class ImportJob(models.Model):
    """A list of readers that staff have uploaded. `newsletter.import_jobs` alone moves it.

    Its two files, the upload and the report, lie in VAR_DIR/imports under its handle; the upload, which holds
    addresses, is deleted when the job has ended.
    """

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("uploaded")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        RUNNING = "running", _("being imported")
        DONE = "done", _("imported")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    file_name = models.CharField(_("file"), max_length=200)
    # Which column is what: {"email": 0, "languages": 2, "name": 1}; empty until a person has said so.
    columns = models.JSONField(default=dict)
    source = models.CharField(pgettext_lazy("of an address", "source"), max_length=100, blank=True)
    # For rows that name no language.
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, blank=True)
    with_proof = models.BooleanField(
        _("there is proof of consent"),
        default=False,
        help_text=_("Without it, everybody gets a mail and is subscribed only by confirming it."),
    )
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.UPLOADED)
    # Lines done, written with the readers they made, in one transaction: from here it goes on after a crash.
    position = models.PositiveIntegerField(_("lines done"), default=0)
    lines = models.PositiveIntegerField(_("lines"), default=0)
    added = models.PositiveIntegerField(_("added"), default=0)
    asked = models.PositiveIntegerField(_("asked to confirm"), default=0)
    already_there = models.PositiveIntegerField(_("already there"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    reason = ReasonField(_("why it failed"), blank=True)
    worker = models.CharField(max_length=32, blank=True, default="")
    # How many workers in a row have had it where it stands: some list may kill each of them.
    tries = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state__in=["done", "failed", "cancelled"]) | Q(ended_at__isnull=False),
                name="ended_import_has_a_date",
            )
        ]

    def __str__(self) -> str:
        return self.file_name
