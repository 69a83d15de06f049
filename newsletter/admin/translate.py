"""The translator's page: the source, one's own words beside it, and what becomes of them. All of it works as plain
forms; the scripts of the page save the way there and back."""

import json

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from js_asset import Media

from newsletter.admin import guard, settled
from newsletter.admin import texts as desk_texts
from newsletter.admin.translate_aids import Aids
from newsletter.admin.translate_sheet import Sheet, WordsForm, address, machine_draft, reference_of, sheet_for, title_of
from newsletter.admin.translate_typed import compared, seen, typed
from newsletter.models import Issue, Item, Text
from newsletter.translation import access, board, drafting, sentences, texts
from newsletter.translation.refusals import HasGaps
from picum.accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, pk: int, language: str, what: str) -> HttpResponse:
    """GET shows the text, POST is one of the DEEDS."""
    issue = desk_texts.readable_issue(request, pk)
    text = desk_texts.text_for(request, issue, what, language)
    if request.method != "POST":
        return _page(request, sheet_for(request, issue, text, what))
    deed = DEEDS.get(request.POST.get("deed", ""))
    if deed is None:
        raise Http404
    text = texts.find(desk_texts.thing_for(issue, what), language)
    try:
        onward = deed(request, issue, text, what)
    except texts.Conflict as why:
        return _page(request, sheet_for(request, issue, text, what), mine=typed(text, request.POST), conflict=why)
    except HasGaps as why:
        return _page(request, sheet_for(request, issue, text, what), gaps=why)
    except texts.NotPossible as why:
        return _page(request, sheet_for(request, issue, text, what), mine=typed(text, request.POST), error=str(why))
    if onward is None:
        return HttpResponseRedirect(reverse("admin:newsletter_issue_board", args=[pk]))
    return HttpResponseRedirect(address(issue, language, onward, reference_of(request)))


def _page(request: HttpRequest, sheet: Sheet, *, mine=None, conflict=None, error="", gaps=None) -> HttpResponse:
    """`mine`: what was typed and not taken, because of the `conflict` or the `error`; `gaps` was kept, and not done."""
    words = sheet.words if mine is None else mine
    form, aids = WordsForm(sheet.text, words, gaps.fields if gaps else ()), Aids(sheet, words)
    for name, shape in aids.shapes.items():
        form.fields[name].widget.attrs["data-shape"] = json.dumps(shape)
    sides = aids.sides if sheet.shown != sheet.language else {}
    context = {
        "abbreviations": sorted(sentences.ABBREVIATIONS[sheet.language]),
        "aids": aids,
        "conflict": conflict and compared(sheet.text, mine, conflict.theirs),
        "theirs": json.dumps(conflict.theirs) if conflict else "",
        "error": error,
        "gaps": gaps,
        "form": form,
        "unkept": mine is not None,
        "issue": sheet.issue,
        # The prose editor's import map is an inline script: it starts only with the page's nonce.
        "media": Media.from_media(form.media, nonce=str(request.csp_nonce)),
        # One that is behind is taken by way of the desk, which then shows what changed since.
        "draft": json.dumps(sheet.text.machine) if sheet.text.machine and not sheet.draft_is_behind else "",
        "machine": [(form[name].label, value) for name, value in machine_draft(sheet.text).items() if value],
        "remarks": sheet.text.remarks.order_by("at", "pk") if sheet.text.pk else [],
        "settled": settled.names(sheet.issue),
        "rows": [{"field": field, "side": sides.get(field.name)} for field in form],
        "sheet": sheet,
        "thing_title": title_of(sheet.issue, sheet.what, sheet.language),
    }
    answer = guard.page(request, "translate.html", _title(sheet), **context)
    answer.status_code = 409 if conflict else 200
    return answer


def _title(sheet: Sheet) -> str:
    if sheet.is_source:
        return _("Original text (%(language)s)") % {"language": sheet.name_of(sheet.language)}
    return _("Translate into %(language)s") % {"language": sheet.name_of(sheet.language)}


# --- what buttons do: each returns what to go on with, None: the board ---------------------------------------------


def _save(request: HttpRequest, issue: Issue, text: Text, what: str) -> str:
    drafting.keep(text, typed(text, request.POST), seen=seen(request.POST), by=request.user, now=timezone.now())
    messages.success(request, _("Your words are kept. No reader sees them before they are done."))
    return what


def _finish(request: HttpRequest, issue: Issue, text: Text, what: str) -> str | None:
    return _done(request, issue, text, what, approves=False)


def _approve(request: HttpRequest, issue: Issue, text: Text, what: str) -> str | None:
    if not access.may_approve(request.user):
        raise Http404
    return _done(request, issue, text, what, approves=True)


def _done(request: HttpRequest, issue: Issue, text: Text, what: str, *, approves: bool) -> str | None:
    """On to the next text of this language that still wants something."""
    words, now = typed(text, request.POST), timezone.now()
    told = {"seen": seen(request.POST), "by": request.user, "now": now}
    try:
        text = drafting.finish(text, words, approves=approves, **told)
    except HasGaps:
        drafting.keep(text, words, **told)
        raise
    title = title_of(desk_texts.readable_issue(request, issue.pk), what, text.language)[0] or _("Around the items")
    said = _("“%s” is approved.") if text.state == Text.State.APPROVED else _("“%s” is done: an editor looks at it.")
    messages.success(request, said % title)
    onward = next_unfinished(request, issue.pk, text.language, what)
    if onward is None:
        messages.info(request, _("That was the last one: nothing is left to do in this language."))
    return onward


def _still_right(request: HttpRequest, issue: Issue, text: Text, what: str) -> str:
    source = seen(request.POST).source
    if source is None:
        raise Http404
    if text.state == Text.State.APPROVED and not access.may_approve(request.user):
        raise texts.NotPossible(_("It was approved: open it and hand it in again."))
    texts.still_right(text, by=request.user, source_seen=source)
    messages.success(request, _("The translation says the text as it is now: it is no longer outdated."))
    return what


def _discard(request: HttpRequest, issue: Issue, text: Text, what: str) -> str:
    texts.discard(text)
    messages.success(request, _("What was typed and not finished is dropped."))
    return what


def _take_draft(request: HttpRequest, issue: Issue, text: Text, what: str) -> str:
    drafting.take_draft(text, seen=seen(request.POST), by=request.user, now=timezone.now())
    messages.success(request, _("The machine’s words are in the text. Please read them with care."))
    return what


def _send_back(request: HttpRequest, issue: Issue, text: Text, what: str) -> str:
    if not access.may_approve(request.user):
        raise Http404
    texts.send_back(text, by=request.user, now=timezone.now())
    messages.success(request, _("The text is a draft again. A remark below says what is to be done."))
    return what


DEEDS = {
    "keep": _save,
    "finish": _finish,
    "approve": _approve,
    "still_right": _still_right,
    "discard": _discard,
    "take_draft": _take_draft,
    "send_back": _send_back,
}


# --- onward ---------------------------------------------------------------------------------------------------------


def next_unfinished(request: HttpRequest, pk: int, language: str, what: str) -> str | None:
    """The text that comes next in the issue, then from its beginning, and wants something of this person: words that
    nobody else has, or, of an editor, approval."""
    user: User = request.user
    rows = board.of(desk_texts.readable_issue(request, pk), user, on=timezone.localdate()).rows
    wanted = [*board.TO_DO, board.Stage.REVIEW] if access.may_approve(user) else board.TO_DO
    order = [(_what(row.item), row.cells[language]) for row in rows]
    at = next(place for place, (one, _cell) in enumerate(order) if one == what)
    for one, cell in order[at + 1 :] + order[:at]:
        has = cell.assignee is None or cell.assignee == user or cell.stage == board.Stage.REVIEW
        if cell.stage in wanted and has and not cell.is_source:
            return one
    return None


def _what(item: Item | None) -> str:
    return str(item.pk) if item else desk_texts.AROUND
