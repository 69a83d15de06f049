"""What was said before: sentences of approved texts with their translations, to be offered again."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.models.translation import Text


class Sentence(models.Model):
    """A sentence that was translated, as it was written first, without marks. `key` is that of its words whatever their
    case, accents and punctuation. `newsletter.translation.learning` alone writes here and below."""

    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    key = models.CharField(max_length=32)
    words = models.TextField(_("sentence"))

    class Meta:
        verbose_name = _("sentence")
        verbose_name_plural = _("sentences")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["language", "key"], name="one_sentence_per_language_and_key")]

    def __str__(self) -> str:
        return self.words


class SentenceBand(models.Model):
    """By what sentences that are nearly the same are found: they share one of these numbers, others hardly ever."""

    sentence = models.ForeignKey(Sentence, models.CASCADE, related_name="bands")
    number = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        # The number first: it is what one looks for, and the index alone answers.
        constraints = [models.UniqueConstraint(fields=["number", "sentence"], name="one_row_per_band_and_sentence")]

    def __str__(self) -> str:
        return f"{self.sentence_id}: {self.number}"


class SentencePair(models.Model):
    """What a text says for a sentence of its source. The words have marks, numbered as in the source sentence: "⟦1⟧"
    is its first tag. It goes with its text, and so with its item."""

    sentence = models.ForeignKey(Sentence, models.CASCADE, related_name="pairs")
    text = models.ForeignKey(Text, models.CASCADE, related_name="pairs")
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)  # the text's
    words = models.TextField(_("translation"))
    on = models.DateField(_("date"))  # on which the issue was closed, or else the text approved

    class Meta:
        verbose_name = _("translated sentence")
        verbose_name_plural = _("translated sentences")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["sentence", "text"], name="one_pair_per_sentence_and_text")]

    def __str__(self) -> str:
        return self.words


class Learned(models.Model):
    """The sentences of a text are among those above: as it was changed last, of a revision of its source."""

    text = models.OneToOneField(Text, models.CASCADE, primary_key=True, related_name="learned")
    # The text's own; its number stays the same while one person sits over it.
    changed_at = models.DateTimeField()
    source_number = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.text_id}: {self.changed_at}"
