"""Which kinds of membership and of organisations there are: data, for who votes and who pays has changed before."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from parler.models import TranslatableModel, TranslatedFields


class Kind(models.TextChoices):
    """What a member is."""

    ORGANISATION = "organisation", _("organisation")
    PERSON = "person", _("person")


class Category(TranslatableModel):
    """A category of membership, known by its key."""

    class FeeRule(models.TextChoices):
        LAST_YEAR = "last-year", _("what the member paid last year, to begin with the amount below")
        FIXED = "fixed", _("the amount below, for everybody")
        NONE = "none", _("no fee")

    key = models.SlugField(_("key"), unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    for_whom = models.CharField(_("for"), max_length=12, choices=Kind.choices)
    has_vote = models.BooleanField(_("votes in the General Assembly"), default=False)
    fee_rule = models.CharField(_("fee"), max_length=9, choices=FeeRule.choices, default=FeeRule.LAST_YEAR)
    fee = models.DecimalField(_("amount (euro)"), max_digits=8, decimal_places=2, default=0)
    is_open = models.BooleanField(_("open for applications"), default=True)
    translations = TranslatedFields(
        name=models.CharField(_("name"), max_length=100),
        explanation=models.TextField(_("explanation for applicants"), blank=True),
    )

    class Meta:
        verbose_name = _("membership category")
        verbose_name_plural = _("membership categories")
        ordering = ["position", "pk"]
        constraints = [models.CheckConstraint(condition=models.Q(fee__gte=0), name="category_fee_is_not_negative")]

    def __str__(self) -> str:
        return self.safe_translation_getter("name", any_language=True) or self.key


class OrganisationType(TranslatableModel):
    """What an organisation is in the first place: human rights, a trade union …; known by its key."""

    key = models.SlugField(_("key"), unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    translations = TranslatedFields(name=models.CharField(_("name"), max_length=100))

    class Meta:
        verbose_name = _("type of organisation")
        verbose_name_plural = _("types of organisations")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.safe_translation_getter("name", any_language=True) or self.key


class CodeOfConduct(TranslatableModel):
    """A version of what every member signs. Once somebody has signed it, its words stay as they are."""

    version = models.CharField(_("version"), max_length=20, unique=True)
    in_force_from = models.DateField(_("in force from"))
    translations = TranslatedFields(text=models.TextField(_("text")))

    class Meta:
        verbose_name = _("code of conduct")
        verbose_name_plural = _("codes of conduct")
        ordering = ["-in_force_from", "-pk"]

    def __str__(self) -> str:
        return self.version


class FieldPolicy(models.Model):
    """Whether what a member changes in a field of its profile waits for the secretariat. No row: it goes live."""

    field = models.CharField(_("field"), max_length=30, unique=True)
    needs_approval = models.BooleanField(_("waits for approval"), default=True)

    class Meta:
        verbose_name = _("field of the profile")
        verbose_name_plural = _("fields of the profile")
        ordering = ["field"]

    def __str__(self) -> str:
        return self.field


class Document(TranslatableModel):
    """A paper for members only: minutes, statutes, handbooks."""

    position = models.PositiveSmallIntegerField(_("position"), default=0)
    language = models.CharField(_("language of the file"), max_length=2, choices=settings.LANGUAGES, default="en")
    file = models.CharField(max_length=100, editable=False)  # its name on `members.shelf`
    name = models.CharField(_("name"), max_length=150, editable=False)  # what readers find among their downloads
    content_type = models.CharField(max_length=50, editable=False)
    size = models.PositiveIntegerField(_("size"), editable=False)  # bytes
    published_on = models.DateField(_("published on"))
    translations = TranslatedFields(title=models.CharField(_("title"), max_length=200))

    class Meta:
        verbose_name = _("document for members")
        verbose_name_plural = _("documents for members")
        ordering = ["position", "-published_on", "pk"]

    def __str__(self) -> str:
        return self.safe_translation_getter("title", any_language=True) or f"#{self.pk}"
