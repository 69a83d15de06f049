"""Who belongs: organisations and people, as they are now. When they belonged stands in `Membership`."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField
from parler.models import TranslatableModel, TranslatedFields

from members.models.categories import Kind, OrganisationType
from members.querysets import MemberQuerySet


class Level(models.TextChoices):
    """How far an organisation's work reaches."""

    LOCAL = "local", _("local")
    NATIONAL = "national", _("national")
    EUROPEAN = "european", _("European")


class Shown(models.TextChoices):
    """What a member may let the public directory show beside its name, country and type."""

    LOGO = "logo", _("logo")
    DESCRIPTION = "description", _("description")
    WORK = "work", _("level, areas and rights")
    ADDRESS = "address", _("postal address")
    EMAIL = "email", _("mail address")
    TELEPHONE = "telephone", _("telephone")
    WEBSITE = "website", _("website")


class Member(TranslatableModel):
    """An organisation or a person that belongs, belonged, or has been admitted.

    The public finds it only if `in_directory`, and of it only what `shown` lists. Its own description is the one in
    `original_language`; the others are translations of it.
    """

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.ORGANISATION)
    slug = models.SlugField(_("address"), max_length=80, unique=True, help_text=_("Part of the public address."))
    name = models.CharField(_("name"), max_length=200)
    acronym = models.CharField(_("acronym"), max_length=30, blank=True, default="")
    country = CountryField(_("country of representation"))
    registration_number = models.CharField(_("registration number"), max_length=60, blank=True, default="")
    street = models.CharField(_("street and number"), max_length=200, blank=True, default="")
    postcode = models.CharField(_("postcode"), max_length=20, blank=True, default="")
    city = models.CharField(_("town"), max_length=100, blank=True, default="")
    website = models.URLField(_("website"), max_length=300, blank=True, default="")
    email = models.EmailField(_("mail address"), blank=True, default="")
    telephone = models.CharField(_("telephone"), max_length=40, blank=True, default="")
    type = models.ForeignKey(
        OrganisationType, models.PROTECT, null=True, blank=True, related_name="members", verbose_name=_("type")
    )
    level = models.CharField(_("level"), max_length=8, choices=Level.choices, blank=True, default="")
    areas = models.ManyToManyField("areas.Area", blank=True, verbose_name=_("activity areas"))
    rights = models.ManyToManyField("areas.Right", blank=True, verbose_name=_("rights"))
    # In which it writes and is written to.
    language = models.CharField(_("language of correspondence"), max_length=2, choices=settings.LANGUAGES, default="en")
    # In which it works: codes of two letters, such as "pt es ar"; any language.
    languages = models.CharField(_("working languages"), max_length=100, blank=True, default="")
    original_language = models.CharField(
        _("language of the description"), max_length=2, choices=settings.LANGUAGES, default="en"
    )
    # The file's name on `members.shelf`, another one with every logo; "" is none.
    logo = models.CharField(_("logo"), max_length=100, blank=True, default="", editable=False)
    logo_width = models.PositiveSmallIntegerField(default=0, editable=False)
    logo_height = models.PositiveSmallIntegerField(default=0, editable=False)
    in_directory = models.BooleanField(_("in the public directory"), default=False)
    shown = models.JSONField(_("the directory shows"), default=list, blank=True)
    open_data = models.BooleanField(_("in the lists to download (CSV, JSON)"), default=False)
    confirmed_on = models.DateField(_("profile confirmed on"), null=True, blank=True, editable=False)
    # The last reminder to confirm it, and how many there were since it was confirmed.
    reminded_on = models.DateField(null=True, blank=True, editable=False)
    reminders = models.PositiveSmallIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    translations = TranslatedFields(description=models.TextField(_("description"), max_length=2000, blank=True))

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["country", "name"], name="member_by_country")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="organisation") | Q(in_directory=False, open_data=False), name="people_are_not_listed"
            ),
            models.CheckConstraint(
                condition=Q(in_directory=True) | Q(open_data=False), name="open_data_is_in_the_directory"
            ),
        ]
        permissions = [
            ("import_member", _("Can import members")),
            ("export_member", _("Can export members")),
            ("mail_member", _("Can write to the members' contacts")),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("members:member", args=[self.slug])

    def shows(self, what: str) -> bool:
        """Whether the public may see this of it: one of `Shown`."""
        return self.in_directory and what in self.shown


class Signature(models.Model):
    """A member signed a version of the code of conduct. The name is copied: people go, and their word stays."""

    member = models.ForeignKey(Member, models.CASCADE, related_name="signatures", verbose_name=_("member"))
    code = models.ForeignKey("members.CodeOfConduct", models.PROTECT, related_name="+", verbose_name=_("version"))
    signed_on = models.DateField(_("signed on"))
    by = models.CharField(_("signed by"), max_length=150)

    class Meta:
        verbose_name = _("signature of the code of conduct")
        verbose_name_plural = _("signatures of the code of conduct")
        ordering = ["-signed_on", "-pk"]
        constraints = [models.UniqueConstraint(fields=["member", "code"], name="one_signature_per_member_and_version")]

    def __str__(self) -> str:
        return f"{self.by}, {self.code_id}"


class ProfileChange(models.Model):
    """What a member wants to change of its profile and the secretariat has to approve: one field, old and new.

    Values are as the form cleaned them, in JSON. `language` is set for a description. `members.profiles` moves it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for approval")
        APPROVED = "approved", _("approved")
        DECLINED = "declined", _("declined")
        REPLACED = "replaced", _("replaced by a later one")

    member = models.ForeignKey(Member, models.CASCADE, related_name="changes", verbose_name=_("member"))
    field = models.CharField(_("field"), max_length=30)
    language = models.CharField(_("language"), max_length=2, blank=True, default="")
    old = models.JSONField(_("before"), null=True)
    new = models.JSONField(_("after"), null=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    by_label = models.CharField(_("by"), max_length=150, blank=True, default="")
    at = models.DateTimeField(_("when"), default=timezone.now)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    word = models.CharField(_("a word to the member"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("change to a profile")
        verbose_name_plural = _("changes to profiles")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "field", "language"],
                condition=Q(state="waiting"),
                name="one_waiting_change_per_field",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True)
                | (~Q(state="waiting") & Q(decided_at__isnull=False)),
                name="change_is_decided_iff_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.field}"
