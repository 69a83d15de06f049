"""The page on which an issue is sent: what is ready, what is wrong, who gets what; then once more in words."""

from collections import Counter
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from newsletter import enqueue, lifecycle, problems, translating, two_people
from newsletter.admin import guard
from newsletter.admin import problems as desk_problems
from newsletter.admin.forms import SENDABLE, UNFINISHED, SendForm, now_in_words, zone_name
from newsletter.models import Edition, Issue
from newsletter.outlook import Group, Outlook, groups, instead, outlook
from newsletter.problems import Problem
from newsletter.rendering import language_name
from picum import localising


@dataclass(frozen=True)
class Row:
    """A language on the send page."""

    edition: Edition
    name: str
    lines: list[desk_problems.Line]
    blocked: bool  # by a problem of its own, or by one of all editions
    readers: int  # who would get it in this language now
    waiting: int  # who would wait for it
    instead: str  # what they would get if they did not wait, in words

    @property
    def sendable(self) -> bool:
        return self.edition.state == SENDABLE and not self.blocked


@require_http_methods(["GET", "HEAD", "POST"])
def send(request, pk: int):
    """GET shows; a POST asks once more in words; a POST with "confirmed" sends."""
    issue = guard.issue_for(request, pk, guard.SEND)
    to_come = [edition.language for edition in issue.editions.all() if edition.state in {SENDABLE, UNFINISHED}]
    found = _with_refusals(request, issue, problems.of(issue, to_come))
    blocked = {code for code, rows in found.items() if issue.tallied_at or any(row.blocking for row in rows)}
    form = SendForm(request.POST or None, issue=issue, blocked=blocked)
    if request.POST.get("give_up") in translating.LANGUAGES:
        return _give_up(request, issue)
    if request.method != "POST" or "change" in request.POST:
        return _show(request, issue, form, found)
    if not form.is_valid():
        if _gone(issue, request.POST.getlist("languages")):
            messages.info(request, _("These editions are on their way already."))
            return _to_progress(issue)
        return _show(request, issue, form, found)
    if "confirmed" not in request.POST:
        return _confirm(request, issue, form, found)
    try:
        enqueue.send(issue, form.chosen, by=request.user, at=form.at, given_up=form.given_up)
    except (enqueue.NotReady, lifecycle.IllegalMove) as why:
        messages.error(request, str(why))
        return _to_progress(issue)
    messages.success(request, _said(form))
    return _to_progress(issue)


def _with_refusals(request, issue: Issue, found: dict[str, list[Problem]]) -> dict[str, list[Problem]]:
    """Where sending takes two people: why this person cannot be the one who sends an edition."""
    ready = {edition.pk: edition.language for edition in issue.editions.all() if edition.state == SENDABLE}
    editions = [edition for edition in issue.editions.all() if edition.pk in ready]
    refused = {ready[pk]: why for pk, why in two_people.refusals(editions, by=request.user).items()}
    return found | {code: [Problem(why, blocking=True), *found.get(code, [])] for code, why in refused.items()}


def _give_up(request, issue: Issue):
    """Others went out; the readers of one late language shall not wait any longer."""
    try:
        readers = enqueue.give_up(issue, [request.POST["give_up"]], by=request.user)
    except enqueue.NotReady as why:
        messages.error(request, str(why))
        return _to_progress(issue)
    words = ngettext(
        "%s reader gets the issue in their next language.", "%s readers get the issue in their next language.", readers
    )
    messages.success(request, words % number_format(readers, force_grouping=True))
    return _to_progress(issue)


def _show(request, issue: Issue, form: SendForm, found: dict[str, list[Problem]]):
    chosen, given_up = _as_shown(form)
    audience = groups(issue, at=timezone.now())
    expected = outlook(audience, chosen=chosen, given_up=given_up)
    shared, own = problems.together(found)
    blocked = {code for code, rows in found.items() if any(problem.blocking for problem in rows)}
    rows = [
        Row(
            edition=edition,
            name=language_name(edition.language, get_language() or "en"),
            lines=desk_problems.lines(issue, own.get(edition.language, []), request.user),
            blocked=edition.language in blocked,
            **_readers(edition.language, audience, expected, chosen, given_up),
        )
        for edition in issue.editions.all()
    ]
    return guard.page(
        request,
        "send.html",
        _("Send: %s") % issue,
        issue=issue,
        form=form,
        rows=[(row, _fields(form, row.edition.language)) for row in rows],
        tallied=enqueue.tallied(issue),
        can_send=issue.tallied_at is None and any(row.sendable for row in rows),
        went_out=issue.tallied_at is None and any(row.edition.frozen_at for row in rows),
        in_all=expected.now.total(),
        zone=zone_name(),
        clock=now_in_words(),
        shared=desk_problems.lines(issue, [*problems.of_sender(), *shared], request.user),
    )


def _readers(
    code: str, audience: list[Group], expected: Outlook, chosen: list[str], given_up: list[str]
) -> dict[str, object]:
    alternatives = instead(audience, code, chosen=chosen, given_up=given_up)
    return {
        "readers": expected.now[code],
        "waiting": alternatives.total(),
        "instead": _alternatives(alternatives, get_language() or "en"),
    }


def _alternatives(counted: Counter, spoken: str) -> str:
    """As in "300 would get Spanish, 12 would get nothing now"."""
    parts = [
        ngettext("%(count)s would get %(language)s", "%(count)s would get %(language)s", number)
        % {"count": number_format(number, force_grouping=True), "language": language_name(code, spoken)}
        for code, number in sorted(counted.items(), key=lambda pair: (-pair[1], _masthead(pair[0])))
        if code
    ]
    if counted[""]:
        words = ngettext("%s would get nothing now", "%s would get nothing now", counted[""])
        parts.append(words % number_format(counted[""], force_grouping=True))
    return ", ".join(parts)


def _fields(form: SendForm, code: str) -> dict[str, object]:
    """The fields of a language: its box among the languages to send, or the choice whether its readers wait."""
    box = next((box for box in form["languages"] if str(box.data["value"]) == code), None)
    return {"box": box, "wait": form[f"wait_{code}"] if code in form.late else None}


def _as_shown(form: SendForm) -> tuple[list[str], list[str]]:
    """The languages chosen and given up as the form shows them, valid or not."""
    possible = {code for code, _name in form.fields["languages"].choices}
    chosen = [code for code in form["languages"].value() or [] if code in possible]
    return chosen, [code for code in form.late if form[f"wait_{code}"].value() == "give-up"]


def _confirm(request, issue: Issue, form: SendForm, found: dict[str, list[Problem]]):
    """The last look: the whole decision in words, the form carried along unseen."""
    audience = groups(issue, at=form.at or timezone.now())
    expected = outlook(audience, chosen=form.chosen, given_up=form.given_up)
    spoken = get_language() or "en"
    lines = [
        (language_name(code, spoken), expected.now[code], code in form.chosen)
        for code in sorted(expected.now.keys() | set(form.chosen), key=_masthead)
    ]
    waits = [
        (language_name(code, spoken), expected.waiting[code])
        for code in sorted(expected.waiting.keys() - set(form.given_up), key=_masthead)
    ]
    return guard.page(
        request,
        "confirm.html",
        _("Send %s?") % issue,
        issue=issue,
        form=form,
        sentence=_sentence(expected.now.total(), len(form.chosen), form),
        twice=_which_of_two(form),
        lines=lines,
        waits=waits,
        without=sum(expected.waiting[code] for code in form.given_up),
        given_up=[language_name(code, spoken) for code in form.given_up],
        warnings=_warnings({code: found[code] for code in sorted(form.chosen, key=_masthead)}),
    )


def _warnings(found: dict[str, list[Problem]]) -> list[tuple[str, str]]:
    """Whose they are, and what they say; those of all editions first, and once."""
    spoken = get_language() or "en"
    shared, own = problems.together(found)
    return [
        *((_("All languages"), problem.text) for problem in shared),
        *((language_name(code, spoken), problem.text) for code, theirs in own.items() for problem in theirs),
    ]


def _sentence(readers: int, languages: int, form: SendForm) -> str:
    """As in "3,912 readers get the issue now in 7 languages."."""
    counted = ngettext("%s reader gets the issue", "%s readers get the issue", readers)
    spread = ngettext("in %d language", "in %d languages", languages) % languages
    words = {"readers": counted % number_format(readers, force_grouping=True), "languages": spread}
    if form.at is None:
        return _("%(readers)s now %(languages)s.") % words
    return _("%(readers)s on %(moment)s %(languages)s.") % (words | {"moment": _moment(form)})


def _moment(form: SendForm) -> str:
    when = timezone.localtime(form.at)
    return f"{localising.moment(when, get_language() or 'en')} ({zone_name()}, {when:%Z})"


def _which_of_two(form: SendForm) -> str:
    """A note where the clock alone does not say when."""
    if not form.comes_twice:
        return ""
    if form.at.fold:
        words = _("The clocks go back: it was %(time)s once, and the issue goes out the second time (%(clock)s).")
    else:
        words = _("The clocks go back: %(time)s comes twice, and the issue goes out the first time (%(clock)s).")
    return words % {"time": f"{form.at:%H:%M}", "clock": f"{form.at:%Z}"}


def _said(form: SendForm) -> str:
    if form.at is None:
        return _("The issue is on its way.")
    return _("The issue goes out on %s.") % _moment(form)


def _gone(issue: Issue, languages: list[str]) -> bool:
    """Is everything that was asked for under way? Then the same button was pressed twice."""
    state = {edition.language: edition.state for edition in issue.editions.all()}
    here = {SENDABLE, UNFINISHED, Edition.State.HELD, None}
    return bool(languages) and all(state.get(code) not in here for code in languages)


def _masthead(code: str) -> int:
    return translating.LANGUAGES.index(code) if code else len(translating.LANGUAGES)


def _to_progress(issue: Issue):
    return HttpResponseRedirect(reverse("admin:newsletter_issue_progress", args=[issue.pk]))
