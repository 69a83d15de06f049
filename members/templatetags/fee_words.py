"""Amounts and days as people of the active language write them."""

import datetime
from decimal import Decimal

from django import template
from django.utils.translation import get_language

from picum import localising

register = template.Library()


@register.filter
def money(amount: Decimal) -> str:
    """ "€1,250.00", "1.250,00 €"."""
    return localising.money(amount, get_language() or "en")


@register.filter
def day(date: datetime.date) -> str:
    """ "30 November 2026"."""
    return localising.day(date, get_language() or "en")
