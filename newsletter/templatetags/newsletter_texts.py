"""What the desk shows of texts and of who has them."""

import datetime

from django import template
from django.utils import timezone
from django.utils.translation import get_language

from newsletter.admin.texts import AROUND
from newsletter.models import Issue
from newsletter.rendering import language_name
from newsletter.translation import access, mine
from picum import localising

register = template.Library()
AT_ONCE = 20  # of one's texts on the home page; the boards have them all


@register.filter
def near_day(date: datetime.date) -> str:
    """ "14 May", "14. Mai" in the active language."""
    return localising.near_day(date, get_language() or "en")


@register.filter
def in_language(code: str) -> str:
    """What a language is called in the active one."""
    return language_name(code, get_language() or "en")


@register.inclusion_tag("newsletter/admin/_to_send.html", takes_context=True)
def to_send(context) -> dict[str, object]:
    """The issues that wait for this person to send them; nothing for who does not send. One query, beside those of the
    permissions."""
    user = context["request"].user
    return {"issues": Issue.objects.ready() if user.has_perm("newsletter.send_issue") else []}


@register.inclusion_tag("newsletter/admin/_my_texts.html", takes_context=True)
def my_texts(context) -> dict[str, object]:
    """What this person has to write and to approve, and the boards of the issues that are being written; nothing for
    who writes in no language. Four queries, six for who approves, beside those of the permissions."""
    user = context["request"].user
    if not access.languages_of(user):
        return {}
    duties = mine.of(user, on=timezone.localdate())
    return {
        "writes": True,
        "duties": duties[:AT_ONCE],
        "more": max(0, len(duties) - AT_ONCE),
        "to_approve": mine.to_approve() if access.may_approve(user) else [],
        "issues": mine.open_issues(),
        "around": AROUND,
        "LANGUAGE_CODE": context.get("LANGUAGE_CODE"),
    }
