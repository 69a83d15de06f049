"""The five activity areas and the eight rights that run through everything, known by their fixed keys."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from parler.models import TranslatableModel, TranslatedFields


class Area(TranslatableModel):
    key = models.SlugField(_("key"), unique=True, editable=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0, editable=False)
    translations = TranslatedFields(
        name=models.CharField(_("name"), max_length=100),
        description=models.TextField(_("description"), blank=True),
    )

    class Meta:
        verbose_name = _("activity area")
        verbose_name_plural = _("activity areas")
        ordering = ["position"]

    def __str__(self) -> str:
        return self.safe_translation_getter("name", any_language=True) or self.key


class Right(TranslatableModel):
    key = models.SlugField(_("key"), unique=True, editable=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0, editable=False)
    translations = TranslatedFields(name=models.CharField(_("name"), max_length=100))

    class Meta:
        verbose_name = _("right")
        verbose_name_plural = _("rights")
        ordering = ["position"]

    def __str__(self) -> str:
        return self.safe_translation_getter("name", any_language=True) or self.key
