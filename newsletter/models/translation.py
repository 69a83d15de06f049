"""How far the words are: who works on a text, what it was before, what people say about it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from newsletter.models.content import Issue, Item


class Text(models.Model):
    """One thing's words in one language, and how far they are: an item's, or, with `item` empty, the words around the
    items of an issue.

    What readers get is parler's row, and nothing else. What somebody is typing stands in `working` until they say
    that it is finished, so that half a sentence is never mailed. `newsletter.translation.texts` alone writes here, but
    for `avoided`, which `avoiding` counts again when the glossary changes.
    """

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("text", "draft")
        REVIEW = "review", pgettext_lazy("text", "in review")
        APPROVED = "approved", pgettext_lazy("text", "approved")

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="texts", verbose_name=_("issue"))
    item = models.ForeignKey(Item, models.CASCADE, null=True, related_name="texts", verbose_name=_("item"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    # Who has it, and until when.
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("who has it")
    )
    due_on = models.DateField(_("due"), null=True)
    # Number of the last revision, 0 before the first; and of the last one that changed the meaning.
    number = models.PositiveIntegerField(default=0)
    significant = models.PositiveIntegerField(default=0)
    # Revision of the text in the original language that this one says; None for that text itself.
    source_number = models.PositiveIntegerField(null=True)
    # Its words are a machine's that nobody has touched.
    is_machine = models.BooleanField(default=False)
    # A machine's draft that no person has taken over: never among the words that readers get.
    machine = models.JSONField(null=True)
    machine_source = models.PositiveIntegerField(null=True)  # the revision of the source that it says
    # What is being typed, by field; each keeping counts one up, so that two windows notice each other.
    working = models.JSONField(null=True)
    working_number = models.PositiveIntegerField(default=0)
    working_source = models.PositiveIntegerField(null=True)
    working_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    working_at = models.DateTimeField(null=True)
    # How many words of the glossary that are to be avoided readers would get.
    avoided = models.PositiveIntegerField(default=0, db_default=0)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("text")
        verbose_name_plural = _("texts")
        permissions = [
            ("translate_text", _("Can translate into the languages of theirs")),
            ("approve_text", _("Can approve texts")),
        ]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["item", "language"], name="one_text_per_item_and_language"),
            models.UniqueConstraint(
                fields=["issue", "language"], condition=Q(item=None), name="one_text_around_per_issue_and_language"
            ),
            models.CheckConstraint(condition=Q(significant__lte=F("number")), name="significant_is_a_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.item or self.issue} ({self.language})"


class Revision(models.Model):
    """A text's words as they were stored once, by field. Only ever added to, but for those that one person stores in
    one sitting."""

    class How(models.TextChoices):
        FORM = "form", _("in the form")
        PAGE = "page", _("on the translator's page")
        FILE = "file", _("from a file")
        MACHINE = "machine", _("by a machine")
        RESTORED = "restored", _("an earlier version, restored")
        COPIED = "copied", _("copied from another issue")
        CONTRIBUTED = "contributed", _("handed in by a member")
        FOUND = "found", _("there already")

    text = models.ForeignKey(Text, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    words = models.JSONField()
    how = models.CharField(_("how"), max_length=11, choices=How.choices)
    minor = models.BooleanField(_("minor"), default=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_label = models.CharField(_("who"), max_length=150, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        default_permissions = ()
        ordering = ["text", "-number"]
        constraints = [models.UniqueConstraint(fields=["text", "number"], name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.text_id}: {self.number}"


class Remark(models.Model):
    """What a translator and an editor say to each other about a text; `settled_at`: nothing is left to do."""

    text = models.ForeignKey(Text, models.CASCADE, related_name="remarks")
    words = models.TextField(_("remark"), max_length=2000)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_label = models.CharField(_("who"), max_length=150, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("remark")
        verbose_name_plural = _("remarks")
        default_permissions = ()
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.text_id}: {self.at}"


class Translator(models.Model):
    """The languages into which somebody translates who may not edit all of them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="translator")
    languages = models.CharField(_("languages"), max_length=20)  # "pt es"

    class Meta:
        verbose_name = _("translator")
        verbose_name_plural = _("translators")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user} ({self.languages})"
