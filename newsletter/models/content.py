"""What is written: issues, their sections and items, and where an item was read."""

import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField
from parler.fields import TranslationsForeignKey
from parler.models import TranslatableModel, TranslatedFields, TranslatedFieldsModel

from newsletter.querysets import IssueQuerySet, ItemQuerySet
from picum import localising
from picum.richtext import RichTextField


class Precision(models.TextChoices):
    """How much of a date is known."""

    DAY = "day", _("day")
    MONTH = "month", _("month")
    YEAR = "year", _("year")


class Issue(TranslatableModel):
    """One number of the newsletter, in all its languages; or a circular to chosen people (`newsletter.circulars`), sent
    by the same engine and shown in no archive and no list of issues."""

    class Kind(models.TextChoices):
        NEWSLETTER = "newsletter", _("newsletter")
        CIRCULAR = "circular", _("circular")

    class Period(models.TextChoices):
        MONTH = "month", _("month")
        QUARTER = "quarter", _("quarter")
        DATE = "date", _("date")

    class Fallback(models.TextChoices):
        MARK = "mark", _("show it in the reader's next language, marked as such")
        OMIT = "omit", _("leave it out")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.NEWSLETTER, editable=False)
    slug = models.SlugField(_("address"), unique=True, help_text=_("Part of the public address; keep it for ever."))
    period_kind = models.CharField(_("label"), max_length=7, choices=Period.choices, default=Period.MONTH)
    period = models.DateField(
        _("period"), help_text=_("Any day of the month or quarter that the issue is named after.")
    )
    finalised_on = models.DateField(
        _("finalised on"), null=True, blank=True, help_text=_("The day on which the contents were closed.")
    )
    fallback = models.CharField(
        _("an item that is not translated"), max_length=4, choices=Fallback.choices, default=Fallback.MARK
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # When its deliveries became totals (`IssueTotal`): who got it is forgotten, so nothing of it is sent again.
    tallied_at = models.DateTimeField(null=True, blank=True, editable=False)
    translations = TranslatedFields(
        subject=models.CharField(_("subject of the mail"), max_length=150, blank=True),
        masthead=models.TextField(_("masthead"), blank=True, help_text=_("One sentence under the title.")),
        message=RichTextField(_("message from the editor"), blank=True),
        donation=RichTextField(_("donation box"), blank=True),
    )
    objects = IssueQuerySet.as_manager()

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        ordering = ["-period", "-pk"]
        permissions = [("send_issue", _("Can send issues to the readers"))]

    def __str__(self) -> str:
        label = self.label(get_language() or "en")
        return _("Circular, %s") % label if self.kind == self.Kind.CIRCULAR else label

    def label(self, language: str) -> str:
        """The period in words of a language: "May 2026", "2nd quarter 2026", "14 May 2026"."""
        if not isinstance(self.period, datetime.date):
            return self.slug
        if self.period_kind == self.Period.QUARTER:
            return localising.quarter(self.period, language)
        if self.period_kind == self.Period.DATE:
            return localising.day(self.period, language)
        return localising.month(self.period, language)


class Section(TranslatableModel):
    """A heading under which items stand; stored once per language, numbered as shown, left out when empty."""

    key = models.SlugField(_("key"), unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0, editable=False)
    translations = TranslatedFields(heading=models.CharField(_("heading"), max_length=100))

    class Meta:
        verbose_name = _("section")
        verbose_name_plural = _("sections")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.safe_translation_getter("heading", any_language=True) or self.key


class Body(TranslatableModel):
    """An institution that an item is about: FRONTEX, OHCHR, the European Commission."""

    key = models.SlugField(_("key"), unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0, editable=False)
    translations = TranslatedFields(name=models.CharField(_("name"), max_length=100))

    class Meta:
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.safe_translation_getter("name", any_language=True) or self.key


class Item(TranslatableModel):
    """One piece of news: a paragraph, its place or body, its sources."""

    class Kind(models.TextChoices):
        ARTICLE = "article", pgettext_lazy("kind of item", "Article")
        CALL = "call", pgettext_lazy("kind of item", "Call")
        CAMPAIGN = "campaign", pgettext_lazy("kind of item", "Campaign")
        CONFERENCE = "conference", pgettext_lazy("kind of item", "Conference")
        COURT_RULING = "court-ruling", pgettext_lazy("kind of item", "Court ruling")
        EVENT = "event", pgettext_lazy("kind of item", "Event")
        GUIDE = "guide", pgettext_lazy("kind of item", "Guide")
        REPORT = "report", pgettext_lazy("kind of item", "Report")
        STATEMENT = "statement", pgettext_lazy("kind of item", "Statement")
        STUDY = "study", pgettext_lazy("kind of item", "Study")
        TRAINING = "training", pgettext_lazy("kind of item", "Training")
        VIDEO = "video", pgettext_lazy("kind of item", "Video")

    issue = models.ForeignKey(Issue, models.PROTECT, related_name="items", verbose_name=_("issue"))
    section = models.ForeignKey(Section, models.PROTECT, related_name="items", verbose_name=_("section"))
    position = models.PositiveSmallIntegerField(_("position"), default=0, editable=False)
    countries = CountryField(_("countries"), multiple=True, blank=True)
    bodies = models.ManyToManyField(Body, blank=True, verbose_name=_("institutions"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices, blank=True)
    areas = models.ManyToManyField("areas.Area", blank=True, verbose_name=_("activity areas"))
    rights = models.ManyToManyField("areas.Right", blank=True, verbose_name=_("rights"))
    original_language = models.CharField(_("original language"), max_length=2, choices=settings.LANGUAGES, default="en")
    # Asked for by whoever handed it in: until then the archive leaves it out, and no edition goes out that has it.
    not_before = models.DateField(
        _("not before"), null=True, blank=True, help_text=_("No reader may see the item before this day.")
    )
    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["section__position", "position", "pk"]
        indexes = [models.Index(fields=["issue", "section", "position"], name="item_order")]

    def __str__(self) -> str:
        return self.safe_translation_getter("title", any_language=True) or f"#{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("newsletter:item", args=[self.pk])


class ItemTranslation(TranslatedFieldsModel):
    """An item's words in one language. No row: not translated."""

    master = TranslationsForeignKey(Item, models.CASCADE, related_name="translations", null=True)
    title = models.CharField(_("title"), max_length=200)
    text = RichTextField(_("text"))

    class Meta:
        unique_together = [("language_code", "master")]
        verbose_name = _("translation")
        verbose_name_plural = _("translations")


class Source(models.Model):
    """Where an item was read. Nearly all of it is optional: editors write down what they know."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="sources", verbose_name=_("item"))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    outlet = models.CharField(_("outlet"), max_length=150, blank=True)
    title = models.CharField(_("title"), max_length=250, blank=True)
    date = models.DateField(_("date"), null=True, blank=True)
    precision = models.CharField(_("known to the"), max_length=5, choices=Precision.choices, default=Precision.DAY)
    url = models.URLField(_("web address"), max_length=500, blank=True)
    page = models.CharField(_("page"), max_length=30, blank=True)
    language = models.CharField(_("language"), max_length=2, blank=True, help_text=_("Two letters, such as pl or ar."))

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(outlet="", title="", url=""),
                name="source_names_something",
                violation_error_message=_("A source needs an outlet, a title or a web address."),
            )
        ]

    def __str__(self) -> str:
        return self.outlet or self.title or self.url
