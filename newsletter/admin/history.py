"""The earlier versions of a text: what differs, and back to one of them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from newsletter.admin import guard, settled, words
from newsletter.admin.texts import readable_issue, text_for, thing_for
from newsletter.models import Issue, Item, Revision, Text
from newsletter.rendering import language_name
from newsletter.translation import history, texts
from newsletter.translation.segments import RICH
from picum import richtext
from picum.localising import in_order


@require_safe
def show(request: HttpRequest, pk: int, language: str, what: str):
    """All versions, newest first, and what differs between the two that are chosen: the last two at first."""
    issue = readable_issue(request, pk)
    text = text_for(request, issue, what, language)
    versions = history.versions(text)
    earlier, later = _chosen(request, versions)
    name = language_name(language, get_language() or "en")
    thing = thing_for(issue, what)
    return guard.page(
        request,
        "text_history.html",
        _("Earlier versions, %(language)s: %(thing)s") % {"language": name, "thing": _named(thing)},
        issue=issue,
        text=text,
        what=what,
        versions=versions,
        earlier=earlier,
        later=later,
        changes=history.between(text, earlier, later) if earlier else [],
        whole=_whole(thing, later) if later else [],
        asks_minor=texts.is_source(text),
        settled=settled.names(issue),
        form_of_item=isinstance(thing, Item) and request.user.has_perm("newsletter.view_item"),
    )


@require_POST
def restore(request: HttpRequest, pk: int, language: str, what: str):
    issue = readable_issue(request, pk)
    text = text_for(request, issue, what, language)
    number, seen = _number(request.POST.get("number")), _number(request.POST.get("seen"))
    if text.pk and number:
        minor = texts.is_source(text) and "minor" in request.POST
        before = _rows(text)
        try:
            text = history.restore(text, number, by=request.user, now=timezone.now(), seen=seen, minor=minor)
        except (texts.Conflict, texts.NotPossible) as why:
            messages.error(request, str(why))
        else:
            messages.success(request, _("Version %d is what readers get again.") % number)
            words.tell(request, text, before, minor=minor)
            _tell_what_is_right_again(request, text, before)
            if texts.is_outdated(text, _rows(text).get(texts.source_language(text))):
                messages.warning(request, _("It was made of an earlier version of the original: it is outdated."))
    return HttpResponseRedirect(f"{reverse('admin:newsletter_issue_text_history', args=[pk, language, what])}#versions")


def _rows(text: Text) -> dict[str, Text]:
    """The same thing in all its languages. One query."""
    return {one.language: one for one in Text.objects.filter(issue=text.issue_id, item=text.item_id)}


def _tell_what_is_right_again(request: HttpRequest, source: Text, before: dict[str, Text]) -> None:
    if not texts.is_source(source):
        return
    then = before[source.language]
    names = in_order(
        language_name(code, get_language() or "en")
        for code, text in _rows(source).items()
        if code in before and texts.is_outdated(before[code], then) and not texts.is_outdated(text, source)
    )
    if names:
        told = ngettext(
            "%(count)d translation is not outdated any more (%(languages)s).",
            "%(count)d translations are not outdated any more (%(languages)s).",
            len(names),
        )
        messages.info(request, told % {"count": len(names), "languages": ", ".join(names)})


def _chosen(request: HttpRequest, versions: list[Revision]) -> tuple[Revision | None, Revision | None]:
    """The earlier and the later one to be compared; the earlier is None when there is only one."""
    if not versions:
        return None, None
    by_number = {version.number: version for version in versions}
    later = by_number.get(_number(request.GET.get("to")), versions[0])
    before = next((version for version in versions if version.number < later.number), None)
    earlier = by_number.get(_number(request.GET.get("from")), before)
    if earlier is not None and earlier.number > later.number:
        earlier, later = later, earlier
    return earlier, later


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and len(value) < 9 else None


def _named(thing: Issue | Item) -> str:
    return str(thing) if isinstance(thing, Item) else _("the words around the items")


def _whole(thing: Issue | Item, version: Revision) -> list[tuple[str, str]]:
    """Label and words of every field that says something."""
    labels = thing.translations.model._meta.get_field
    return [
        (labels(name).verbose_name, richtext.safe(value) if name in RICH else value)
        for name in texts.FIELDS[type(thing)]
        if (value := version.words.get(name, ""))
    ]
