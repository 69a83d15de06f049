"""What readers agreed to, in which words, and when they withdrew: written once, never changed."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.querysets import ConsentQuerySet
from picum.keyset import Newest


class Wording(models.Model):
    """A consent text exactly as it was shown, once per language and version. Written by `newsletter.wordings`."""

    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    number = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("text"))
    # SHA-256 of language and text, in hex: what the forms carry, so that what was shown is what is recorded.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    first_used_at = models.DateTimeField(_("first used"))

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        ordering = ["language", "-number"]
        constraints = [models.UniqueConstraint(fields=["language", "number"], name="one_text_per_language_and_version")]

    def __str__(self) -> str:
        return f"{self.language} {self.number}"


class Consent(models.Model):
    """One line of the consent ledger. `newsletter.consents` alone writes it, and nobody ever changes it.

    It knows the address by its keyed hash only, so that it can stay, as the proof it is, when the reader is erased.
    Each line carries the hash of the one before: see `newsletter.consents.verify`.
    """

    class Kind(models.TextChoices):
        REQUESTED = "requested", _("asked to subscribe")
        GIVEN = "given", _("consented")
        WITHDRAWN = "withdrawn", _("withdrew")
        ERASED = "erased", _("was erased")

    class How(models.TextChoices):
        FORM = "form", _("form on this site")
        EMBED = "embed", _("form on another site")
        IMPORT = "import", _("import")
        STAFF = "staff", _("staff")
        MEMBER = "member", _("a member's contact")
        MOVE = "move", _("change of address")
        UNDO = "undo", _("undone at once")
        ONE_CLICK = "one-click", _("button of the mail program")
        PAGE = "page", _("page of this site")
        MAIL = "mail", _("mail")
        PROVIDER = "provider", _("word of the mail provider")
        COMPLAINT = "complaint", _("complaint")

    number = models.PositiveBigIntegerField(_("number"), unique=True)
    address_key = models.UUIDField(db_index=True, editable=False)
    kind = models.CharField(_("what"), max_length=10, choices=Kind.choices)
    how = models.CharField(_("how"), max_length=10, choices=How.choices)
    # A text is never deleted, so nobody looks for its lines.
    wording = models.ForeignKey(
        Wording, models.PROTECT, null=True, db_index=False, related_name="+", verbose_name=_("consent text")
    )
    # Never an address or a name: the name of an import, say.
    detail = models.CharField(_("details"), max_length=200, blank=True, default="")
    at = models.DateTimeField(_("when"))
    previous = models.CharField(max_length=64, editable=False)
    digest = models.CharField(max_length=64, editable=False)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consent ledger")
        ordering = ["-number"]
        indexes = [
            # Who left, and when: for the numbers of an issue.
            models.Index(fields=["at"], name="consent_left", condition=models.Q(kind__in=["withdrawn", "erased"])),
            # For the desk's list, narrowed by either or both.
            models.Index("kind", Newest(), name="consent_by_kind"),
            models.Index("how", Newest(), name="consent_by_how"),
            models.Index("kind", "how", Newest(), name="consent_by_both"),
        ]
        constraints = [models.UniqueConstraint(fields=["digest"], name="one_consent_per_digest")]

    def __str__(self) -> str:
        return f"{self.number} {self.get_kind_display()}"

    def save(self, *args, **kwargs):
        raise TypeError("The consent ledger is only ever added to, by newsletter.consents.")

    def delete(self, *args, **kwargs):
        raise TypeError("The consent ledger is only ever added to.")
