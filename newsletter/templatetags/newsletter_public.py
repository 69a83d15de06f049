"""What the public pages of the whole site show of the newsletter."""

from django import template
from django.utils import timezone
from django.utils.translation import get_language

from newsletter.forms.signing_up import SignUpForm

register = template.Library()
WITH_A_FORM = {"sign_up", "link"}


@register.inclusion_tag("_partials/sign_up.html", takes_context=True)
def sign_up_form(context) -> dict[str, object]:
    """The small form at the foot of a page. Not where a form of that kind stands already, not on the pages that
    readers reach by their own link, and not where there is no request to tell (500.html). Asks the database nothing.
    """
    request = context.get("request")
    match = request and request.resolver_match
    if not request or (match and (match.url_name in WITH_A_FORM or "token" in match.kwargs)):
        return {}
    return {"form": SignUpForm(language=get_language(), now=timezone.now())}
