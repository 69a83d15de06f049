"""What an editor should know before an edition goes out: one page per edition, and one for all of them."""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from newsletter import link_checks, problems, sender_domain, translating
from newsletter.admin import guard
from newsletter.admin.texts import AROUND, readable_issue
from newsletter.models import Issue
from newsletter.problems import Group, Kind, Place, Problem
from newsletter.rendering import language_name
from newsletter.translation import access
from picum import localising
from picum.accounts import audit
from picum.accounts.models import User

FEW, GLANCE = 8, 3  # places that are shown at once


@dataclass(frozen=True)
class Spot:
    """A place as the page shows it: what it is called, where the desk puts it right ("" where this person may not),
    what is wrong there, and the address outside that it is about."""

    title: str
    language: str  # of the title
    address: str
    note: str
    url: str


@dataclass(frozen=True)
class Line:
    """A problem with its places."""

    problem: Problem
    spots: list[Spot]

    @property
    def first(self) -> list[Spot]:
        return self.spots[:FEW]

    @property
    def glance(self) -> list[Spot]:
        """For the send page, which has seven languages to show; links are long."""
        return [] if self.problem.group == Group.LINKS else self.spots[:GLANCE]

    @property
    def unseen(self) -> int:
        """How many places are not in the glance."""
        return len(self.spots) - len(self.glance)

    @property
    def others(self) -> list[Spot]:
        return self.spots[FEW:]


@dataclass(frozen=True)
class Part:
    """What is wrong in one respect; without lines, nothing."""

    key: str
    title: str
    lines: list[Line]


@dataclass(frozen=True)
class Row:
    """An edition in the overview."""

    language: str
    name: str
    edition: object
    blocking: int
    notes: int


@require_safe
def overview(request: HttpRequest, pk: int) -> HttpResponse:
    issue = readable_issue(request, pk)
    spoken, languages = get_language() or "en", _languages(request.user)
    found = problems.of(issue, languages)
    editions = {edition.language: edition for edition in issue.editions.all()}
    rows = [
        Row(
            language=code,
            name=language_name(code, spoken),
            edition=editions[code],
            blocking=sum(problem.blocking for problem in found[code]),
            notes=sum(not problem.blocking for problem in found[code]),
        )
        for code in languages
        if code in editions
    ]
    title = _("Problems: %s") % issue
    return guard.page(request, "problems.html", title, issue=issue, rows=rows, sender=_sender(issue, request.user))


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """GET shows; a POST has the links and the sender's domain checked anew, in the background."""
    issue = readable_issue(request, pk)
    languages = _languages(request.user)
    if language not in languages:
        raise Http404
    edition = guard.edition_of(issue, language)
    if request.method == "POST":
        return _check(request, issue, language)
    spoken = get_language() or "en"
    found = lines(issue, problems.of(issue, [language])[language], request.user)
    links = link_checks.known(link_checks.bare(link.url) for link in link_checks.links_of_edition(issue, language))
    moments = [check.checked_at for check in links.values() if check.checked_at]
    name = language_name(language, spoken)
    blocking, notes = ([line for line in found if line.problem.blocking is stops] for stops in (True, False))
    sender = _sender(issue, request.user)
    return guard.page(
        request,
        "problems_of_edition.html",
        _("Problems of the %(language)s edition: %(issue)s") % {"language": name, "issue": issue},
        issue=issue,
        edition=edition,
        name=name,
        languages=[(code, language_name(code, spoken)) for code in languages],
        blocking=blocking,
        notes=len(notes) + len(sender.get("lines", [])),
        parts=_parts(notes),
        links_checked_at=_moment(max(moments, default=None)),
        sender=sender,
        may_send=request.user.has_perm("newsletter.send_issue"),
    )


def _check(request: HttpRequest, issue: Issue, language: str) -> HttpResponse:
    now = timezone.now()
    due = link_checks.ask(issue, now=now, older_than=link_checks.AT_ONCE)
    due += sender_domain.ask(now=now, older_than=sender_domain.AT_ONCE)
    audit.record("issue.check", by=request.user, on=issue)
    if due:
        messages.success(request, _("It is being checked. Load this page again in a minute or two."))
    else:
        messages.info(request, _("Everything was checked a few minutes ago."))
    return HttpResponseRedirect(reverse("admin:newsletter_issue_problems", args=[issue.pk, language]))


def lines(issue: Issue, found: Iterable[Problem], user: User) -> list[Line]:
    """Problems with the addresses of pages on which this person can put them right."""
    languages = access.languages_of(user)
    edits = user.has_perm("newsletter.change_item"), user.has_perm("newsletter.change_issue")
    return [Line(problem, [_spot(issue, place, languages, *edits) for place in problem.places]) for problem in found]


def _spot(issue: Issue, place: Place, languages: Collection[str], edits_items: bool, edits_issues: bool) -> Spot:
    title, language = _title(place)
    address = ""
    if place.kind == Kind.PREVIEW:
        if edits_issues:
            address = reverse("admin:newsletter_issue_preview", args=[issue.pk, place.language])
    elif place.kind == Kind.ISSUE:
        if edits_issues:
            address = _form("newsletter_issue_change", issue.pk, place.language)
    elif place.kind == Kind.ITEM:
        if edits_items and place.item:
            address = _form("newsletter_item_change", place.item.pk, place.language)
    elif place.language in languages:
        what = place.item.pk if place.item else AROUND
        address = reverse("admin:newsletter_issue_translate", args=[issue.pk, place.language, what])
    return Spot(title, language, address, place.note, place.url)


def _title(place: Place) -> tuple[str, str]:
    """What a place is called, and in which language; "" for the one of the desk."""
    if place.item:
        said = translating.texts(place.item)
        shown = next((code for code in (place.language, place.item.original_language, *said) if code in said), "")
        return (said[shown].title, shown) if shown else (_("Item %d") % place.item.pk, "")
    return {
        Kind.PREVIEW: _("Preview"),
        Kind.ISSUE: _("The page of the issue"),
    }.get(place.kind, _("The words around the items")), ""


def _form(name: str, pk: int, language: str) -> str:
    return f"{reverse(f'admin:{name}', args=[pk])}?{urlencode({'language': language})}"


def _languages(user: User) -> list[str]:
    """Whose problems somebody may see: translators, of their languages; who sends, of all."""
    if user.has_perm("newsletter.send_issue"):
        return translating.LANGUAGES
    return access.languages_of(user)


def _parts(found: list[Line]) -> list[Part]:
    titles = {
        Group.CONTENTS: _("Contents"),
        Group.WORDS: _("Translations and words"),
        Group.MAIL: _("The mail itself"),
        Group.LINKS: _("Links"),
    }
    return [
        Part(group, title, [line for line in found if line.problem.group == group]) for group, title in titles.items()
    ]


def _moment(at: datetime.datetime | None) -> str:
    return localising.moment(timezone.localtime(at), get_language() or "en") if at else ""


def _sender(issue: Issue, user: User) -> dict[str, object]:
    """The part about the sender: what is wrong, and what the name servers say. Empty for volunteers, who could put
    nothing of it right."""
    if not (user.has_perm("newsletter.change_issue") or user.has_perm("newsletter.send_issue")):
        return {}
    known = sender_domain.known()
    return {
        "lines": lines(issue, problems.of_sender(), user),
        "domains": [(checked, _moment(checked.at)) for checked in known.values() if checked.facts],
        "selectors": settings.NEWSLETTER_DKIM_SELECTORS,
    }
