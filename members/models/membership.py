"""When members belonged, in which category, and who decided that: the register that the law asks for.

Belgian Code of companies and associations, article 9:3: dates of admission, resignation and exclusion, and who decided.
"""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.models.categories import Category
from members.models.member import Member
from members.querysets import MembershipQuerySet


class DecidedBy(models.TextChoices):
    """The body that decided."""

    ASSEMBLY = "assembly", _("General Assembly")
    BOARD = "board", _("board")
    SECRETARIAT = "secretariat", _("secretariat")
    MEMBER = "member", _("the member itself")
    UNKNOWN = "unknown", _("not known")


class Membership(models.Model):
    """A period in which a member belonged, in one category. `members.register` alone writes it: opens, ends, or strikes
    out, and never overwrites. A change of category ends one period and opens the next, with the same `joined_on`."""

    class Ended(models.TextChoices):
        WITHDRAWN = "withdrawn", pgettext_lazy("a membership", "withdrawn")
        TERMINATED = "terminated", _("terminated")
        CATEGORY = "category", _("another category")
        DISSOLVED = "dissolved", _("dissolved or deceased")

    member = models.ForeignKey(Member, models.PROTECT, related_name="memberships", verbose_name=_("member"))
    category = models.ForeignKey(Category, models.PROTECT, related_name="memberships", verbose_name=_("category"))
    joined_on = models.DateField(_("joined"), help_text=_("The day of the first admission."))
    from_on = models.DateField(_("from"))
    until_on = models.DateField(_("until"), null=True, blank=True, help_text=_("The last day."))
    decided_by = models.CharField(_("admitted by"), max_length=11, choices=DecidedBy.choices)
    decided_on = models.DateField(_("decided on"), null=True, blank=True)
    ended_why = models.CharField(_("ended because"), max_length=10, choices=Ended.choices, blank=True, default="")
    ended_by = models.CharField(_("ended by"), max_length=11, choices=DecidedBy.choices, blank=True, default="")
    # The day of the decision or of the member's notice; the membership may go on until the end of the year.
    ended_on = models.DateField(_("end decided on"), null=True, blank=True)
    words = models.CharField(_("note"), max_length=300, blank=True, default="")
    # An entry by mistake stays, struck out.
    struck_at = models.DateTimeField(_("struck out"), null=True, blank=True)
    struck_why = models.CharField(_("struck out because"), max_length=300, blank=True, default="")
    created_at = models.DateTimeField(_("entered"), default=timezone.now)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["member", "from_on", "pk"]
        indexes = [models.Index(fields=["from_on", "until_on"], name="membership_dates")]
        constraints = [
            models.UniqueConstraint(
                fields=["member"],
                condition=Q(until_on__isnull=True, struck_at__isnull=True),
                name="one_open_membership_per_member",
            ),
            models.CheckConstraint(
                condition=Q(until_on__isnull=True) | Q(until_on__gte=F("from_on")),
                name="membership_ends_after_it_began",
            ),
            models.CheckConstraint(condition=Q(joined_on__lte=F("from_on")), name="joined_first"),
            models.CheckConstraint(
                condition=Q(until_on__isnull=True, ended_why="") | (Q(until_on__isnull=False) & ~Q(ended_why="")),
                name="ended_iff_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(struck_at__isnull=True, struck_why="") | (Q(struck_at__isnull=False) & ~Q(struck_why="")),
                name="struck_iff_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.from_on}–{self.until_on or ''}"
