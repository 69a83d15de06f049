"""How pages of the desk find the text that an address names."""

from django.http import Http404, HttpRequest

from newsletter.models import Issue, Item, Text
from newsletter.translation import access, texts

AROUND = "around"  # in addresses, instead of an item's number: the words around the items


def readable_issue(request: HttpRequest, pk: int, *, words_alone: bool = False) -> Issue:
    """The issue with all its contents, or with their words alone, for whoever may write in at least one language, or
    send; 404 for others."""
    may = access.languages_of(request.user) or request.user.has_perm("newsletter.send_issue")
    issues = Issue.objects.newsletters()
    issues = issues.with_words() if words_alone else issues.with_contents()
    issue = issues.filter(pk=pk).first() if may else None
    if issue is None:
        raise Http404
    return issue


def text_for(request: HttpRequest, issue: Issue, what: str, language: str) -> Text:
    """The text of an item's number, or of AROUND, in a language in which the person may write; 404 for others.
    Nothing is made: it may have no key yet (`texts.find` makes it, in a POST)."""
    if language not in access.languages_of(request.user):
        raise Http404
    return texts.glimpse(thing_for(issue, what), language)


def thing_for(issue: Issue, what: str) -> Item | Issue:
    if what == AROUND:
        return issue
    for item in issue.items.all():
        if str(item.pk) == what:
            return item
    raise Http404
