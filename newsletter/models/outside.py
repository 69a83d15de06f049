"""What was seen outside: where the links of issues lead, and what the world is told of the sender's domain."""

import hashlib

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

URL_LENGTH = 2000  # a longer address is not asked


class LinkCheck(models.Model):
    """One web address, and what came of asking it last. `newsletter.link_checks` alone writes here.

    Addresses that no issue has any more are forgotten after a while.
    """

    class State(models.TextChoices):
        UNKNOWN = "unknown", _("not checked yet")
        OK = "ok", _("works")
        BROKEN = "broken", _("broken")
        REFUSED = "refused", _("could not be checked")
        PRIVATE = "private", _("not on the public web")

    url = models.CharField(_("web address"), max_length=URL_LENGTH)
    url_key = models.CharField(max_length=64, unique=True)  # addresses are too long for an index
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.UNKNOWN)
    status = models.PositiveSmallIntegerField(_("answer"), null=True)  # of HTTP, where there was one
    note = models.CharField(max_length=12, blank=True)  # why: a key of `newsletter.outside.Note`
    checked_at = models.DateTimeField(_("checked"), null=True)
    # When it is to be asked next; None: nobody wants to know.
    due_at = models.DateTimeField(null=True, default=timezone.now, db_index=True)
    # A worker is asking until then.
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("checked link")
        verbose_name_plural = _("checked links")
        default_permissions = ()

    def __str__(self) -> str:
        return self.url

    @staticmethod
    def key_of(url: str) -> str:
        return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()


class SenderCheck(models.Model):
    """What the name servers said of a domain that we send from. `newsletter.sender_domain` alone writes here."""

    domain = models.CharField(_("domain"), max_length=253, unique=True)
    # `newsletter.sender_domain.Facts`, as it was found; None before the first answer.
    facts = models.JSONField(null=True)
    checked_at = models.DateTimeField(_("checked"), null=True)
    due_at = models.DateTimeField(null=True, default=timezone.now)

    class Meta:
        verbose_name = _("checked sender domain")
        verbose_name_plural = _("checked sender domains")
        default_permissions = ()

    def __str__(self) -> str:
        return self.domain
