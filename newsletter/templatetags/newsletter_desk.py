"""What the templates of the desk need."""

from django import template
from django.utils.formats import number_format

register = template.Library()


@register.filter
def grouped(number: int) -> str:
    """A whole number as people of the active language write it: 3912 → "3,912", "3.912", "3 912"."""
    return number_format(number, decimal_pos=0, force_grouping=True)
