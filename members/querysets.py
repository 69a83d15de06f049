"""Querysets whose methods are words. Days come in as arguments."""

import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Coalesce, Round
from parler.managers import TranslatableQuerySet

_MONEY = models.DecimalField(max_digits=9, decimal_places=2)


class MembershipQuerySet(models.QuerySet):
    def standing(self):
        """Without those that were entered by mistake."""
        return self.filter(struck_at__isnull=True)

    def current(self, *, on: datetime.date):
        """Those in force on a day, first and last day included."""
        return self.standing().filter(Q(until_on__isnull=True) | Q(until_on__gte=on), from_on__lte=on)


class MemberQuerySet(TranslatableQuerySet):
    def current(self, *, on: datetime.date):
        """Members that belong on a day."""
        membership = self.model._meta.get_field("memberships").related_model
        return self.filter(Exists(membership.objects.current(on=on).filter(member=OuterRef("pk"))))

    def listed(self, *, on: datetime.date):
        """Members that the public directory shows on a day."""
        return self.current(on=on).filter(in_directory=True)

    def with_role(self, role: str):
        """Members that have somebody in a role now; see `ContactRole.Role`."""
        return self.filter(Exists(_in_role(self.model, role)))

    def without_role(self, role: str):
        """Members that have nobody in a role now."""
        return self.filter(~Exists(_in_role(self.model, role)))


def _in_role(member_model, role: str):
    contact = member_model._meta.get_field("contacts").related_model
    return contact.objects.active().with_role(role).filter(member=OuterRef("pk"))


class ContactQuerySet(models.QuerySet):
    def active(self):
        """Those who have not left."""
        return self.filter(left_on__isnull=True)

    def with_role(self, role: str):
        """Those in a role; see `ContactRole.Role`."""
        return self.filter(roles__role=role)


class ApplicationQuerySet(models.QuerySet):
    def open(self):
        """Submitted, and nothing final has been said."""
        return self.exclude(state__in=["draft", *self.model.FINAL])

    def waiting(self):
        """What waits for somebody, the longest first."""
        return self.open().order_by("state_since", "pk")


class FeeQuerySet(models.QuerySet):
    def with_paid(self):
        """Each fee with `paid` and `open_amount`, in euro: 0 where it was waived, never below."""
        # SQLite adds in floating point: 0.10 and 0.70 are not 0.80 before they are rounded.
        paid = Coalesce(Round(Sum("payments__amount"), 2), Decimal(0), output_field=_MONEY)
        owed = models.Case(
            models.When(Q(waived_on__isnull=False) | Q(amount__lte=F("paid")), then=Decimal(0)),
            default=Round(F("amount") - F("paid"), 2),
            output_field=_MONEY,
        )
        return self.annotate(paid=paid).annotate(open_amount=owed)

    def owed(self):
        """Those of which something is open."""
        return self.with_paid().filter(open_amount__gt=0)


class FieldReportQuerySet(models.QuerySet):
    def waiting(self):
        """What the desk has not decided, the oldest first."""
        return self.filter(state__in=["sent", "asked"]).order_by("created_at", "pk")
