"""The ways between the pages of an issue."""

from django import template
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter import translating
from newsletter.admin import guard
from newsletter.translation import access, texts

register = template.Library()

# The pages that stand for a way besides the one that it leads to.
ALSO = {
    "outdated": "board",
    "problems_of_all": "problems",
    "exchange_confirm": "exchange",
    "unknowns": "progress",
}
PREFIX = "newsletter_issue_"


@register.inclusion_tag("newsletter/admin/_issue_ways.html", takes_context=True)
def issue_ways(context) -> dict[str, object]:
    """The pages of the issue that this person may open, in the language of this page if it has one; the page itself is
    marked. Nothing without an issue. Asks nothing beside permissions: a page in a language was opened by who may."""
    issue, request = context.get("issue"), context["request"]
    if issue is None or not issue.pk or request.resolver_match is None:
        return {}
    match = request.resolver_match
    here = (match.url_name or "").removeprefix(PREFIX)
    ways = _ways(request.user, issue.pk, match.kwargs.get("language", ""))
    return {"ways": [(name, address, label, ALSO.get(here, here) == name) for name, address, label in ways]}


def _ways(user, pk: int, language: str):
    def to(name: str, *more: str) -> str:
        return reverse(f"admin:{PREFIX}{name}", args=[pk, *more])

    edits = any(user.has_perm(permission) for permission in guard.EDIT)
    sends = any(user.has_perm(permission) for permission in guard.SEND)
    reads = any(user.has_perm(permission) for permission in guard.READ)
    everywhere = any(user.has_perm(permission) for permission in access.ALL)
    writes = everywhere or user.has_perm(access.TRANSLATE)
    # Who reads all languages and translates one came here perhaps in another.
    own = language if everywhere or not reads else ""
    spoken = get_language() or ""
    preview = language or (spoken if spoken in translating.LANGUAGES else translating.LANGUAGES[0])
    if reads:
        yield "change", to("change"), _("Issue")
    if writes or sends:
        yield "board", to("board"), _("Board")
    if reads or (writes and own):
        yield "preview", to("preview", preview), _("Preview")
    if writes or sends:
        shown = language if sends else own
        yield "problems", to("problems", shown) if shown else to("problems_of_all"), _("Problems")
    if writes and (own or everywhere):
        # Nothing much is translated into English.
        files = own or (preview if preview != texts.AROUND else translating.LANGUAGES[1])
        yield "exchange", to("exchange", files), _("Files")
    if edits or sends:
        yield "trial", to("trial"), _("Test mails")
    if sends:
        yield "send", to("send"), _("Send")
    if reads:
        yield "progress", to("progress"), _("Progress")
        yield "figures", to("figures"), _("Figures")
