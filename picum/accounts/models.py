"""Who signs in, and what they did."""

import uuid

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.fields.json import KeyTransform
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from picum.keyset import Newest


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str) -> "User":
        return self.get(email=email.lower())

    def of_address(self, address: str) -> "User | None":
        """The account of a normalised address, whatever the case of its letters. Addresses are stored in small letters
        and compared as such: `iexact` asks PostgreSQL for capitals, in which ı is I, and another's domain would do."""
        return self.filter(email=address.lower()).first()

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: the e-mail address is the name."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="en")
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May sign in to the desk."))
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Switch off instead of deleting."))
    joined_at = models.DateTimeField(_("joined"), default=timezone.now, editable=False)

    objects = UserManager()
    USERNAME_FIELD = EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        permissions = [("invite_user", _("Can invite people to the desk"))]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.strip().lower()

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)


class SignInLink(models.Model):
    """The one mailed link that opens an account now. Who asks again, or has used it, is given another handle, and the
    token that carries the handle says how long it works; see `picum.accounts.signing_in`."""

    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    handle = models.UUIDField(unique=True)
    asked_at = models.DateTimeField()
    # The page of ours that the person wanted to see.
    onward = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.user_id} {self.asked_at}"


class DeskInvitation(models.Model):
    """Somebody is invited to work at the desk, in these roles. `picum.accounts.inviting` alone writes here.

    Until they have accepted it they are nobody: no account is made, and one that is there gains nothing.
    """

    handle = models.UUIDField(unique=True, default=uuid.uuid4)
    email = models.EmailField(_("e-mail address"))  # in small letters, as accounts have it
    name = models.CharField(_("name"), max_length=150)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    groups = models.ManyToManyField("auth.Group", related_name="+", verbose_name=_("roles"))
    # What else they get, for whom a role alone does not say it: see `inviting.follows`.
    about = models.JSONField(default=dict)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("invited by"))
    created_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True)  # the last mail decides how long the link works
    taken_back_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("invitation to the desk")
        verbose_name_plural = _("invitations to the desk")
        default_permissions = ()
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["email"],
                condition=models.Q(accepted_at=None, taken_back_at=None),
                name="one_open_desk_invitation_per_address",
            )
        ]

    def __str__(self) -> str:
        return self.name


class AuditEntry(models.Model):
    """One deed of staff. Kept when the person or the thing is gone: labels are copied."""

    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, verbose_name=_("who")
    )
    actor_label = models.CharField(_("who"), max_length=150, blank=True)
    action = models.CharField(_("action"), max_length=60)
    object_type = models.CharField(_("kind of thing"), max_length=60, blank=True)
    object_id = models.CharField(max_length=40, blank=True)
    object_label = models.CharField(_("thing"), max_length=200, blank=True)
    data = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index("actor", Newest(), "action", name="deed_by_actor"),
            models.Index(Newest(), "action", name="deed_by_machine", condition=models.Q(actor=None)),
            models.Index("action", Newest(), "actor", name="deed_by_action"),
            models.Index(fields=["object_type", "object_id"], name="deed_on_thing"),
            # Readers are named by their number in the details, and never by a label: they may want to be forgotten.
            models.Index(KeyTransform("reader", "data"), name="deed_on_reader"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action}"


class Rate(models.Model):
    """Something happened that is limited in number; see `picum.accounts.limits`. `key` is a keyed hash, or nil."""

    scope = models.CharField(max_length=20)
    key = models.UUIDField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["scope", "key", "at"], name="limit_counted"),
            models.Index(fields=["at"], name="limit_old"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.at}"
