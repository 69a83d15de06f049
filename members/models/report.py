"""What members see where they are, and write for the newsletter."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from members.models.member import Member
from members.models.people import Contact
from members.querysets import FieldReportQuerySet


class FieldReport(models.Model):
    """A member's report, in its own language. `members.reports` alone changes its state."""

    class State(models.TextChoices):
        SENT = "sent", _("received")
        ASKED = "asked", _("a question is open")
        TAKEN = "taken", _("taken into an issue")
        DECLINED = "declined", _("not taken")
        WITHDRAWN = "withdrawn", _("withdrawn")

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, models.PROTECT, related_name="reports", verbose_name=_("member"))
    contact = models.ForeignKey(
        Contact, models.SET_NULL, null=True, blank=True, related_name="reports", verbose_name=_("author")
    )
    author_label = models.CharField(_("author"), max_length=150, blank=True, default="")
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    title = models.CharField(_("title"), max_length=200)
    text = models.TextField(_("what you see"), max_length=6000)
    countries = CountryField(_("countries"), multiple=True, blank=True)
    areas = models.ManyToManyField("areas.Area", blank=True, verbose_name=_("activity areas"))
    rights = models.ManyToManyField("areas.Right", blank=True, verbose_name=_("rights"))
    may_publish = models.BooleanField(_("may be published"), default=False)
    embargo_until = models.DateField(_("not before"), null=True, blank=True)
    anonymous = models.BooleanField(_("name neither place nor person"), default=False)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.SENT)
    state_since = models.DateTimeField(_("since"), default=timezone.now)
    # The number of the newsletter's item: what became of it is asked through `newsletter.contributions`.
    item_number = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    # When it was seen that readers find the item, and the member was told.
    appeared_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("sent"), default=timezone.now)

    objects = FieldReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("field report")
        verbose_name_plural = _("field reports")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "state_since"], name="report_waiting")]
        constraints = [
            models.CheckConstraint(condition=~Q(state="taken") | Q(may_publish=True), name="taken_with_consent"),
            models.CheckConstraint(
                condition=Q(state="taken", item_number__isnull=False) | ~Q(state="taken"), name="taken_as_an_item"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ReportEntry(models.Model):
    """What was said about a report, between the desk and the member. Only ever added to."""

    report = models.ForeignKey(FieldReport, models.CASCADE, related_name="entries")
    state = models.CharField(_("state"), max_length=9, choices=FieldReport.State.choices, blank=True, default="")
    words = models.TextField(_("words"), blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    by_label = models.CharField(_("who"), max_length=150, blank=True, default="")
    from_member = models.BooleanField(default=False)
    # What the member said here about publishing; None: nothing.
    may_publish = models.BooleanField(_("may be published"), null=True, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("word on a field report")
        verbose_name_plural = _("words on field reports")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.report_id} {self.at}"
