"""What the lists of the desk show beside their rows."""

import datetime

from django import template
from django.utils import timezone
from django.utils.translation import get_language

from newsletter import outbox
from newsletter.admin import sign_ups
from picum import localising

register = template.Library()
TOLD = (*sign_ups.LOOK, "newsletter.view_signup", "newsletter.view_subscriber")


@register.filter
def clock(when: datetime.datetime) -> str:
    """A moment on the desk's clock: "30 November 2026, 09:00"."""
    return localising.moment(timezone.localtime(when), get_language() or "en")


@register.inclusion_tag("newsletter/admin/_brake.html", takes_context=True)
def held_mails(context) -> dict[str, object]:
    """A note that mails wait for somebody to decide; nothing when none do, or when it is none of this person's work.
    One query."""
    may = context["request"].user.has_perm
    held = outbox.held_counts() if any(map(may, TOLD)) else []
    return {
        "held": [(one, sign_ups.in_words(one.why)) for one in held],
        "in_all": sum(one.count for one in held),
        "since": min((one.since for one in held), default=None),
        "may_look": any(map(may, sign_ups.LOOK)),
    }
