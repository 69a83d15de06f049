"""The people of a member, and what they do there."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.models.member import Member
from members.querysets import ContactQuerySet


class Contact(models.Model):
    """Somebody who acts for a member. Invited by mail; `user` is there once they have signed in."""

    handle = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    member = models.ForeignKey(Member, models.CASCADE, related_name="contacts", verbose_name=_("member"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="contacts", editable=False
    )
    name = models.CharField(_("name"), max_length=150)
    email = models.EmailField(_("mail address"))
    # The keyed hash of the address, under which letters and the stop list know it.
    address_key = models.UUIDField(db_index=True, editable=False)
    telephone = models.CharField(_("telephone"), max_length=40, blank=True, default="")
    position = models.CharField(pgettext_lazy("job", "position"), max_length=100, blank=True, default="")
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="en")
    invited_at = models.DateTimeField(_("invited"), null=True, blank=True, editable=False)
    left_on = models.DateField(_("left on"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["member", "address_key"], condition=Q(left_on__isnull=True), name="one_contact_per_address"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ContactRole(models.Model):
    """What a contact does for the member: decides what they may do here."""

    class Role(models.TextChoices):
        CONTACT = "contact", _("member contact")
        TREASURER = "treasurer", _("treasurer")
        COMMUNICATIONS = "communications", _("communications")
        NEWSLETTER = "newsletter", _("newsletter")

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="roles", verbose_name=_("contact"))
    role = models.CharField(_("role"), max_length=14, choices=Role.choices)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["contact", "role"], name="one_role_once")]

    def __str__(self) -> str:
        return self.get_role_display()
