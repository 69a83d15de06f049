"""Who may open a page of the desk, and what all of them carry."""

from collections.abc import Callable
from functools import wraps

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from newsletter import translating
from newsletter.models import Edition, Issue
from newsletter.translation import access

READ = ("newsletter.view_issue", "newsletter.change_issue", "newsletter.send_issue")
EDIT = ("newsletter.change_issue",)
SEND = ("newsletter.send_issue",)


def require(request: HttpRequest, permissions: tuple[str, ...]) -> None:
    """One of these permissions, or 403."""
    if not any(request.user.has_perm(permission) for permission in permissions):
        raise PermissionDenied


def issue_for(request: HttpRequest, pk: int, permissions: tuple[str, ...] = READ, *, contents: bool = True) -> Issue:
    """The issue, with all its contents if wanted; 403 without one of the permissions, 404 if there is none."""
    require(request, permissions)
    return get_object_or_404(Issue.objects.with_contents() if contents else Issue, pk=pk)


def edition_for(request: HttpRequest, pk: int, language: str, permissions: tuple[str, ...]) -> Edition:
    """An issue's edition in a language, its issue with all its contents; 403 or 404."""
    return edition_of(issue_for(request, pk, permissions), language)


def preview_for(request: HttpRequest, pk: int, language: str) -> Edition:
    """An edition to be looked at: for whoever reads issues, and for translators in their own languages; 403 or 404."""
    require(request, (*READ, access.TRANSLATE))
    if language not in previewed(request):
        raise Http404
    return edition_of(get_object_or_404(Issue.objects.newsletters().with_contents(), pk=pk), language)


def previewed(request: HttpRequest) -> list[str]:
    """The languages of which somebody may see the preview, in the order of the masthead."""
    if any(request.user.has_perm(permission) for permission in READ):
        return translating.LANGUAGES
    return access.languages_of(request.user)


def edition_of(issue: Issue, language: str) -> Edition:
    for edition in issue.editions.all():
        if edition.language == language:
            return edition
    raise Http404


def step(way: str) -> int:
    """The step of a button: -1 for "up", 1 for "down"; anything else is 404."""
    try:
        return {"up": -1, "down": 1}[way]
    except KeyError:
        raise Http404 from None


def button(view: Callable) -> Callable:
    """For the views of buttons: POST alone is a press. Who comes by GET, as after signing in anew, is told so (405)."""

    @wraps(view)
    def pressed(request: HttpRequest, pk: int, language: str) -> HttpResponse:
        if request.method == "POST":
            return view(request, pk, language)
        edition = edition_for(request, pk, language, READ)
        answer = page(request, "not_pressed.html", _("Nothing was changed"), issue=edition.issue)
        answer.status_code, answer.headers["Allow"] = 405, "POST"
        return answer

    return pressed


def page(request: HttpRequest, template: str, title: str, **context) -> HttpResponse:
    """A page of ours in the frame of the desk."""
    shared = admin.site.each_context(request) | {"title": title, "opts": Issue._meta}
    return render(request, f"newsletter/admin/{template}", shared | context)
