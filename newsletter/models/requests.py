"""What people who write us an address ask for, until they have confirmed it, and the mails that they get for it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from newsletter.models.audience import Subscriber
from newsletter.models.consent import Consent, Wording
from picum.keyset import Newest


class SignUp(models.Model):
    """A wish to subscribe that its address has not confirmed yet. Nothing about a reader changes before that.

    Made for every address alike, also one that reads already or is refused: what mail it gets, if any, is decided
    later, by `newsletter.outbox`. It vanishes after seven days.
    """

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    address = models.CharField(_("address"), max_length=254)
    address_key = models.UUIDField(db_index=True, editable=False)
    languages = models.CharField(_("languages"), max_length=20)
    areas = models.CharField(_("areas"), max_length=100, blank=True, default="")
    name = models.CharField(_("name"), max_length=150, blank=True, default="")
    how = models.CharField(_("how"), max_length=10, choices=Consent.How.choices)
    source = models.CharField(pgettext_lazy("of an address", "source"), max_length=100, blank=True, default="")
    wording = models.ForeignKey(Wording, models.PROTECT, related_name="+", verbose_name=_("consent text"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, db_index=True)
    # The link of the newest mail is valid for 72 hours from here.
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-up")
        verbose_name_plural = _("sign-ups")
        ordering = ["-pk"]
        indexes = [models.Index("how", Newest(), name="sign_up_by_how")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def language(self) -> str:
        return self.languages.split()[0]


class Move(models.Model):
    """A reader's wish to be mailed at another address; both addresses must confirm it."""

    subscriber = models.OneToOneField(Subscriber, models.CASCADE, related_name="move")
    address = models.CharField(_("new address"), max_length=254)
    address_key = models.UUIDField(editable=False)
    # One for each of the two mails.
    old_handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    new_handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    old_confirmed_at = models.DateTimeField(null=True, blank=True)
    new_confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return str(self.pk)


class SystemMail(models.Model):
    """A mail that somebody asked for: the row is the queue. `newsletter.outbox` alone moves it; sent at least once."""

    class Kind(models.TextChoices):
        SIGN_UP = "sign-up", _("confirmation")
        LINK = "link", _("personal link")
        MOVE_OLD = "move-old", _("change of address, to the old one")
        MOVE_NEW = "move-new", _("change of address, to the new one")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        HELD = "held", _("held back")
        CLAIMED = "claimed", _("in hand")
        SENT = "sent", pgettext_lazy("a mail", "sent")
        DROPPED = "dropped", _("not sent")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    # Emptied as soon as it is not needed any more.
    address = models.CharField(_("address"), max_length=254, blank=True)
    address_key = models.UUIDField(db_index=True, editable=False)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES)
    sign_up = models.ForeignKey(SignUp, models.CASCADE, null=True, blank=True, related_name="mails")
    move = models.ForeignKey(Move, models.CASCADE, null=True, blank=True, related_name="mails")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    why = models.CharField(_("why"), max_length=20, blank=True, default="")
    # A person let it through the brake.
    released = models.BooleanField(_("released"), default=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, db_index=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("system mail")
        verbose_name_plural = _("system mails")
        ordering = ["-pk"]
        permissions = [("release_systemmail", "Can release system mails that are held back")]
        indexes = [
            models.Index(fields=["state", "due_at"], name="system_mail_due"),
            # For the desk: its list by state, and the note that mails are held back, on each page that shows it.
            models.Index("state", Newest(), "kind", name="system_mail_by_state"),
            models.Index(fields=["why", "created_at"], name="system_mail_held", condition=Q(state="held")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(lease_until__isnull=False), name="claimed_mail_has_a_lease"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["waiting", "held", "claimed"]) | ~Q(address=""),
                name="mail_to_be_sent_has_an_address",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
