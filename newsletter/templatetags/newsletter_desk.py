"""What the templates of the desk need."""

import datetime

from django import template
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import get_language

from picum import localising

register = template.Library()


@register.filter
def grouped(number: int) -> str:
    """A whole number as people of the active language write it: 3912 → "3,912", "3.912", "3 912"."""
    return number_format(number, decimal_pos=0, force_grouping=True)


@register.filter
def day(date: datetime.date) -> str:
    """ "30 November 2026" in the active language."""
    return localising.day(date, get_language() or "en")


@register.filter
def moment(when: datetime.datetime) -> str:
    """A moment on the desk's clock, and which clock that is: "30 November 2026, 09:00 (Europe/Brussels)"."""
    language = get_language() or "en"
    return f"{localising.moment(timezone.localtime(when), language)} ({timezone.get_current_timezone_name()})"
