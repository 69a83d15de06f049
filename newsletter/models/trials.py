"""Groups of people of ours who get test mails."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TrialGroup(models.Model):
    """People who look at an issue before it goes out. They are no readers: nothing else is ever mailed to them."""

    name = models.CharField(_("name"), max_length=80, unique=True)

    class Meta:
        verbose_name = _("test group")
        verbose_name_plural = _("test groups")
        default_permissions = ()
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TrialAddress(models.Model):
    """Where a group's test mails go; in one language, or with `language` empty in every one that has words."""

    group = models.ForeignKey(TrialGroup, models.CASCADE, related_name="addresses")
    email = models.EmailField(_("mail address"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["group", "email"], name="one_trial_address_per_group")]

    def __str__(self) -> str:
        return f"{self.group_id}: {self.pk}"
