"""What the script of the translator's page asks for while somebody types, and the frame that shows the mail."""

import dataclasses

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_POST, require_safe

from newsletter import mails, rendering
from newsletter.admin import texts as desk_texts
from newsletter.admin.preview import framed
from newsletter.admin.translate_aids import Aids
from newsletter.admin.translate_sheet import sheet_for
from newsletter.admin.translate_typed import Unreadable, compared, seen, sent, typed
from newsletter.models import Issue, Item, Text
from newsletter.translation import access, drafting, texts
from picum import richtext


@require_POST
def keep(request: HttpRequest, pk: int, language: str, what: str) -> HttpResponse:
    """Keeps what is typed. JSON in: the fields, and the numbers that the page has seen. JSON out: `working`, the number
    of what is kept now; `number` of the stored words; `source`, its revision. 409 when another window kept, or stored,
    other words: `theirs`, and as `html` both beside each other."""
    thing = _thing_for(request, pk, language, what)
    try:
        data = sent(request)
    except Unreadable:
        return HttpResponseBadRequest()
    text, source = texts.find_with_source(thing, language)
    numbers = {"number": text.number, "source": source.number if source else 0}
    try:
        working = drafting.keep(text, typed(text, data), seen=seen(data), by=request.user, now=timezone.now())
    except texts.Conflict as why:
        context = {"conflict": compared(text, typed(text, data), why.theirs), "language": language}
        html = render_to_string("newsletter/admin/_translate_conflict.html", context, request)
        return JsonResponse({"theirs": why.theirs, "working": why.number, "html": html, **numbers}, status=409)
    except texts.NotPossible as why:
        return HttpResponseBadRequest(str(why))
    return JsonResponse({"working": working, **numbers})


@require_POST
def aid(request: HttpRequest, pk: int, language: str, what: str) -> HttpResponse:
    """What to look at in the words as they are typed, as html. Changes nothing; POST, for it sends them."""
    thing = _thing_for(request, pk, language, what)
    try:
        data = sent(request)
    except Unreadable:
        return HttpResponseBadRequest()
    text = texts.glimpse(thing, language)
    aids = Aids(sheet_for(request, text.issue, text, what), typed(text, data))
    return HttpResponse(render_to_string("newsletter/admin/_translate_warnings.html", {"aids": aids}, request))


def _thing_for(request: HttpRequest, pk: int, language: str, what: str) -> Item | Issue:
    """What an address names, without the rest of its issue: while somebody types this is asked for every second. 404
    for whoever may not write in the language. One query, beside those of the person."""
    if language not in access.languages_of(request.user):
        raise Http404
    issues = Issue.objects.newsletters().filter(pk=pk)
    if what == desk_texts.AROUND:
        return get_object_or_404(issues)
    number = int(what) if what.isascii() and what.isdecimal() and len(what) < 10 else 0
    return get_object_or_404(Item.objects.select_related("issue"), pk=number, issue__in=issues)


@require_safe
def preview(request: HttpRequest, pk: int, language: str, what: str) -> HttpResponse:
    """The words that are kept as they will look in the mail, for a frame that is locked up by its own policy."""
    issue = desk_texts.readable_issue(request, pk)
    text = desk_texts.text_for(request, issue, what, language)
    words = text.working or drafting.stored(text)
    thing = desk_texts.thing_for(issue, what)
    return framed(HttpResponse(_item(thing, text, words) if isinstance(thing, Item) else _around(thing, text, words)))


def _item(item: Item, text: Text, words: texts.Words) -> str:
    with override(text.language):
        title = words["title"] or _("No title yet")
        entry = rendering.entry(item, text.language, title=title, text=words["text"])
    return rendering.render_entry(entry, text.language)


def _around(issue: Issue, text: Text, words: texts.Words) -> str:
    """The mail without its items."""
    composition = dataclasses.replace(
        rendering.compose(issue, text.language),
        subject=words["subject"],
        masthead=words["masthead"],
        message=richtext.safe(words["message"]),
        donation=richtext.safe(words["donation"]),
        blocks=[],
    )
    return rendering.render_mail(composition, token=mails.TOKEN).html
