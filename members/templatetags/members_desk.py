"""What the first page of the desk shows of the members' part."""

from django import template

from members.admin import home

register = template.Library()


@register.inclusion_tag("members/admin/_home.html", takes_context=True)
def members_home(context) -> dict[str, object]:
    """What waits, and the pages; nothing for whom none of it is. One query for each kind that may wait."""
    user = context["request"].user
    return {"waits": home.what_waits(user), "pages": home.pages(user)}
