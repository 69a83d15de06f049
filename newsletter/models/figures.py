"""Numbers that outlive the rows they were counted from: about many readers, never about one."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models.content import Issue


class AudienceCount(models.Model):
    """How many got the newsletter at the end of a day, by first language: they were subscribed, and not on the stop
    list. Written by `newsletter.figures`.

    `reckoned`: not counted then, but later, from the dates of those who are still known.
    """

    day = models.DateField(_("day"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    number = models.PositiveIntegerField(_("readers"))
    reckoned = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("count of readers")
        verbose_name_plural = _("readers over time")
        ordering = ["day", "language"]
        constraints = [models.UniqueConstraint(fields=["day", "language"], name="one_count_per_day_and_language")]

    def __str__(self) -> str:
        return f"{self.day} {self.language} {self.number}"


class IssueTotal(models.Model):
    """What became of an issue in one language. Kept up to date by `newsletter.figures` while the deliveries are there;
    all that is left when they are not (`Issue.tallied_at`)."""

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="totals")
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    readers = models.PositiveIntegerField(_("readers"), default=0)
    # Each reader is in one of these four, or still waiting.
    accepted = models.PositiveIntegerField(_("accepted"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    unknown = models.PositiveIntegerField(_("unknown"), default=0)
    # Among the readers, by what came back.
    bounced = models.PositiveIntegerField(_("address does not exist"), default=0)
    complained = models.PositiveIntegerField(_("complained"), default=0)
    unsubscribed = models.PositiveIntegerField(_("left after it"), default=0)
    # Failed and skipped deliveries by `Delivery.why`: {"hard-bounce": 12, "unsubscribed": 3}.
    reasons = models.JSONField(default=dict)
    counted_at = models.DateTimeField(_("counted"))

    class Meta:
        ordering = ["issue", "language"]
        constraints = [models.UniqueConstraint(fields=["issue", "language"], name="one_total_per_issue_and_language")]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.language}"
