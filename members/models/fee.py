"""What members owe for a calendar year, what they were asked, and what they paid. Amounts in euro."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from members.models.categories import Category
from members.models.member import Member
from members.querysets import FeeQuerySet


class Fee(models.Model):
    """A member's fee of a calendar year. 0 is a fee too: nothing is asked for it. `members.fees` alone writes it."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="fees", verbose_name=_("member"))
    category = models.ForeignKey(Category, models.PROTECT, related_name="+", verbose_name=_("category"))
    year = models.PositiveSmallIntegerField(_("year"))
    amount = models.DecimalField(_("amount"), max_digits=8, decimal_places=2)
    # Belgian structured communication: twelve digits, the last two the check; see `members.structured`.
    communication = models.CharField(_("communication"), max_length=12, unique=True, editable=False)
    # When the debit note went out, and when it is due.
    noted_on = models.DateField(_("debit note of"), null=True, blank=True, editable=False)
    due_on = models.DateField(_("due on"), null=True, blank=True, editable=False)
    waived_on = models.DateField(_("waived on"), null=True, blank=True, editable=False)
    waived_why = models.CharField(_("waived because"), max_length=200, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = FeeQuerySet.as_manager()

    class Meta:
        verbose_name = _("fee")
        verbose_name_plural = _("fees")
        ordering = ["-year", "member__name"]
        constraints = [
            models.UniqueConstraint(fields=["member", "year"], name="one_fee_per_member_and_year"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="fee_is_not_negative"),
            models.CheckConstraint(
                condition=Q(noted_on__isnull=True, due_on__isnull=True)
                | Q(noted_on__isnull=False, due_on__isnull=False),
                name="noted_iff_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.year}"


class BankFile(models.Model):
    """A statement of account (CAMT.053) that was read. Only what came in is kept of it, as payments."""

    name = models.CharField(_("file"), max_length=150)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # SHA-256: the same file is read once
    read_at = models.DateTimeField(_("read"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))

    class Meta:
        verbose_name = _("bank file")
        verbose_name_plural = _("bank files")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Payment(models.Model):
    """Money that came in. Without a fee it waits for somebody who knows what it is for."""

    class How(models.TextChoices):
        BANK_FILE = "bank-file", _("from a bank file")
        ENTERED = "entered", _("entered by staff")

    fee = models.ForeignKey(Fee, models.PROTECT, null=True, blank=True, related_name="payments", verbose_name=_("fee"))
    how = models.CharField(_("how"), max_length=9, choices=How.choices)
    amount = models.DecimalField(_("amount"), max_digits=9, decimal_places=2)
    received_on = models.DateField(_("received on"))
    payer = models.CharField(_("payer"), max_length=140, blank=True, default="")
    communication = models.CharField(_("communication"), max_length=280, blank=True, default="")
    # The bank's own reference: an entry is taken once, however many files it stands in.
    reference = models.CharField(_("reference of the bank"), max_length=80, blank=True, default="")
    bank_file = models.ForeignKey(BankFile, models.PROTECT, null=True, blank=True, related_name="payments")
    set_aside_why = models.CharField(_("not a fee, because"), max_length=200, blank=True, default="")
    entered_at = models.DateTimeField(_("entered"), default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-received_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_is_positive"),
            models.UniqueConstraint(fields=["reference"], condition=~Q(reference=""), name="one_payment_per_reference"),
            models.CheckConstraint(condition=Q(fee__isnull=True) | Q(set_aside_why=""), name="a_fee_or_set_aside"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.received_on}"


class Reminder(models.Model):
    """A member was reminded of a fee: the first time, the second, the last. Each once."""

    fee = models.ForeignKey(Fee, models.CASCADE, related_name="reminders", verbose_name=_("fee"))
    number = models.PositiveSmallIntegerField(_("number"))
    sent_on = models.DateField(_("sent on"))

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ["fee", "number"]
        constraints = [models.UniqueConstraint(fields=["fee", "number"], name="each_reminder_once")]

    def __str__(self) -> str:
        return f"{self.fee_id} {self.number}"
