"""How somebody becomes a member: an application, what was said about it, and the assembly that decides."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.models.categories import Category, CodeOfConduct, Kind
from members.models.member import Member
from members.querysets import ApplicationQuerySet


class Assembly(models.Model):
    """A General Assembly, at which the members admit others."""

    date = models.DateField(_("date"), unique=True)
    place = models.CharField(_("place"), max_length=150, blank=True, default="")
    closed_at = models.DateTimeField(_("decisions recorded"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("General Assembly")
        verbose_name_plural = _("General Assemblies")
        ordering = ["-date"]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d}"


class Application(models.Model):
    """An application for membership. `members.applications` alone changes its state.

    `answers` are what the steps of the form asked, by the names of their fields, as cleaned. A draft has gaps, and
    holds what is not valid yet as it was typed.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("being filled in")
        SUBMITTED = "submitted", _("submitted")
        ASKED = "asked", _("more information asked")
        RECOMMENDED = "recommended", _("recommended by the board, awaiting the General Assembly")
        DECLINED = "declined", _("declined")
        ADMITTED = "admitted", _("admitted")
        REFUSED = "refused", _("refused by the General Assembly")
        DEFERRED = "deferred", _("deferred")
        WITHDRAWN = "withdrawn", _("withdrawn")

    FINAL = [State.DECLINED, State.ADMITTED, State.REFUSED, State.WITHDRAWN]

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.ORGANISATION)
    category = models.ForeignKey(
        Category, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("category")
    )
    state = models.CharField(_("state"), max_length=11, choices=State.choices, default=State.DRAFT)
    state_since = models.DateTimeField(_("since"), default=timezone.now)
    # Who fills it in: the link goes there.
    email = models.EmailField(_("mail address"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    answers = models.JSONField(_("answers"), default=dict, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True, default="")  # for lists: from the answers
    country = models.CharField(_("country"), max_length=2, blank=True, default="")
    code = models.ForeignKey(
        CodeOfConduct, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("code of conduct")
    )
    code_signed_by = models.CharField(_("signed by"), max_length=150, blank=True, default="")
    code_signed_at = models.DateTimeField(_("signed"), null=True, blank=True)
    created_at = models.DateTimeField(_("begun"), default=timezone.now)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)
    # A draft that nobody goes on with is about to be deleted, and its author was told.
    reminded_at = models.DateTimeField(null=True, blank=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    # The secretariat found nothing missing: it is the board's turn.
    complete_at = models.DateTimeField(_("complete"), null=True, blank=True)
    assembly = models.ForeignKey(
        Assembly, models.PROTECT, null=True, blank=True, related_name="applications", verbose_name=_("General Assembly")
    )
    member = models.OneToOneField(
        Member, models.PROTECT, null=True, blank=True, related_name="application", verbose_name=_("member")
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "state_since"], name="application_waiting")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"]) | Q(submitted_at__isnull=False),
                name="beyond_draft_was_submitted",
            ),
            models.CheckConstraint(
                condition=Q(state="submitted") | Q(complete_at__isnull=True), name="complete_while_submitted"
            ),
            models.CheckConstraint(
                condition=Q(state="admitted", member__isnull=False) | (~Q(state="admitted") & Q(member__isnull=True)),
                name="admitted_iff_a_member",
            ),
        ]
        permissions = [
            ("assess_application", _("Can ask applicants and record the board's view")),
            ("decide_application", _("Can record the decisions of the General Assembly")),
        ]

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"


class ApplicationEntry(models.Model):
    """What happened to an application: a move, a question, an answer, a note. Only ever added to."""

    class Kind(models.TextChoices):
        MOVE = "move", _("move")
        QUESTION = "question", _("question to the applicant")
        ANSWER = "answer", _("answer of the applicant")
        NOTE = "note", _("note of the secretariat")

    application = models.ForeignKey(Application, models.CASCADE, related_name="entries")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=11, choices=Application.State.choices, blank=True, default="")
    words = models.TextField(_("words"), blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    by_label = models.CharField(_("who"), max_length=150, blank=True, default="")
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("entry on an application")
        verbose_name_plural = _("entries on applications")
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind}"


class Referee(models.Model):
    """Somebody who is asked by mail whether they stand up for an applicant."""

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="referees")
    name = models.CharField(_("name"), max_length=150)
    organisation = models.CharField(_("organisation"), max_length=200, blank=True, default="")
    email = models.EmailField(_("mail address"))
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="en")
    asked_at = models.DateTimeField(_("asked"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    supports = models.BooleanField(_("supports the application"), null=True, blank=True)
    words = models.TextField(_("words"), blank=True, default="")

    class Meta:
        verbose_name = pgettext_lazy("of an applicant", "referee")
        verbose_name_plural = pgettext_lazy("of an applicant", "referees")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, supports__isnull=True)
                | Q(answered_at__isnull=False, supports__isnull=False),
                name="answered_iff_an_answer",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Paper(models.Model):
    """A file that came with an application: checked, stored where no address leads, shown to staff alone."""

    class Kind(models.TextChoices):
        STATUTES = "statutes", _("statutes")
        ACCOUNTS = "accounts", _("accounts")
        OTHER = "other", _("another paper")

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.CASCADE, related_name="papers")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    name = models.CharField(_("name"), max_length=150)  # as it was called; never a name on the disk
    file = models.CharField(max_length=100, editable=False)  # its name on `members.shelf`
    content_type = models.CharField(max_length=50, editable=False)
    size = models.PositiveIntegerField(_("size"), editable=False)  # bytes
    uploaded_at = models.DateTimeField(_("uploaded"), default=timezone.now)

    class Meta:
        verbose_name = _("paper")
        verbose_name_plural = _("papers")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name
