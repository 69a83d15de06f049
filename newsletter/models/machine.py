"""A machine's first drafts, asked for."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter.models.content import Issue
from newsletter.reasons import ReasonField


class MachineRun(models.Model):
    """Somebody asked for a machine's drafts of what an issue lacks in a language: the last time they did. What is done
    stands in the texts themselves. `newsletter.translation.machine` alone writes here."""

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="machine_runs", verbose_name=_("issue"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    reason = ReasonField(_("why it stopped"), blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("drafts by a machine")
        verbose_name_plural = _("drafts by a machine")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["issue", "language"], name="one_machine_run_per_issue_and_language")
        ]

    def __str__(self) -> str:
        return f"{self.issue} ({self.language})"
