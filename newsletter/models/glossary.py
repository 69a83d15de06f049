"""The words of the house: what to say, and what better not."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Term(models.Model):
    """A word or a phrase in one language. Those of one `concept` mean the same in different languages; of a concept,
    the preferred ones are offered to translators, and instead of those to avoid."""

    class Kind(models.TextChoices):
        PREFERRED = "preferred", _("preferred")
        ALLOWED = "allowed", _("allowed")
        AVOID = "avoid", _("to avoid")

    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    words = models.CharField(_("word or phrase"), max_length=100)
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices, default=Kind.PREFERRED)
    concept = models.SlugField(
        _("concept"), blank=True, help_text=_("The same key in all languages, such as “asylum”.")
    )
    why = models.CharField(_("why"), max_length=300, blank=True)
    instead = models.CharField(_("better"), max_length=200, blank=True)
    exact = models.BooleanField(
        _("only just so"),
        default=False,
        help_text=_(
            "Not its plural, its feminine and its other endings: “illegals” is to be avoided, “illegal” is not."
        ),
    )

    class Meta:
        verbose_name = _("term")
        verbose_name_plural = _("terms of the glossary")
        ordering = ["language", "words"]
        constraints = [models.UniqueConstraint(fields=["language", "words"], name="one_term_per_language_and_words")]

    def __str__(self) -> str:
        return self.words
