"""Files for volunteers who work elsewhere: an issue in one language as XLIFF or PO, out and in.

What was compared travels signed with the page on which a person confirms it, as lists of members do: nothing of a file
stays on a disk, and what is taken over is what was seen, as long as nobody has changed it meanwhile.
"""

import dataclasses

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from newsletter.admin import guard
from newsletter.admin.texts import readable_issue
from newsletter.models import Issue, Text
from newsletter.rendering import language_name
from newsletter.translation import access, machine, machine_wire
from newsletter.translation.exchange import importing, po, units, xliff
from newsletter.translation.exchange.importing import Wish
from newsletter.translation.exchange.units import Unreadable
from picum.accounts import audit

FORMATS = {"xlf": (xliff, "application/xliff+xml"), "po": (po, "text/x-gettext-translation")}
SALT, AGE = "newsletter.exchange", 86_400
SHOWN = 200  # sentences of other issues that are listed


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("The translated file"),
        widget=forms.FileInput(attrs={"accept": ".xlf,.xliff,.po"}),
        help_text=gettext_lazy("XLIFF 1.2 or PO, 5 MB at most. You see what would change before anything does."),
    )

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if file.size > xliff.SIZE:
            raise forms.ValidationError(_("The file is larger than %d MB.") % (xliff.SIZE / 1e6))
        return file.read()


def issue_for(request: HttpRequest, pk: int, language: str) -> Issue:
    """For whoever may write in the language; 404 for others."""
    if language not in access.languages_of(request.user):
        raise Http404
    return readable_issue(request, pk)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """GET: what there is to take along. POST: what a file would change, and nothing is changed yet."""
    issue = issue_for(request, pk, language)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_bound and form.is_valid():
        try:
            file = importing.read(form.cleaned_data["file"], language)
        except Unreadable as why:
            form.add_error("file", str(why))
        else:
            return _compared(request, issue, language, file)
    return _page(request, issue, language, form)


def _page(request: HttpRequest, issue: Issue, language: str, form: UploadForm) -> HttpResponse:
    standing = machine.standing(issue, language, today=timezone.localdate())
    shown = get_language() or "en"
    every = [unit for sheet in standing.sheets for unit in sheet.units]
    context = {
        "form": form,
        "language": language,
        "name": language_name(language, shown),
        "languages": [(code, language_name(code, shown)) for code in access.languages_of(request.user)],
        "standing": standing,
        "sentences": len(every),
        "open": sum(not unit.here or unit.is_outdated for unit in every),
        "machine": machine_wire.service() if may_ask(request) else None,
        "may_use": access.may_approve(request.user),
    }
    title = _("Files for translators: %(language)s") % {"language": context["name"]}
    return guard.page(request, "exchange.html", title, issue=issue, **context)


def may_ask(request: HttpRequest) -> bool:
    """May they have a machine draft what is missing? It sends words out of the house."""
    return any(request.user.has_perm(permission) for permission in access.ALL)


@require_http_methods(["GET", "HEAD", "POST"])
def download(request: HttpRequest, pk: int, language: str, kind: str) -> HttpResponse:
    """POST gives the file; who comes by GET, as after signing in anew, sees the button again."""
    issue = issue_for(request, pk, language)
    if kind not in FORMATS:
        raise Http404
    if request.method != "POST":
        return _back(issue, language)
    units.make_known(issue, language)
    sheets = [sheet for sheet in units.sheets(issue, language) if "all" in request.POST or sheet.needs_work]
    if not sheets:
        messages.info(request, _("There is nothing to translate."))
        return _back(issue, language)
    written, content_type = FORMATS[kind]
    content = written.write(issue, language, sheets, now=timezone.now())
    audit.record("text.export", by=request.user, on=issue, language=language, format=kind, texts=len(sheets))
    headers = {"Content-Disposition": f'attachment; filename="{issue.slug}-{language}.{kind}"'}
    return HttpResponse(content, content_type=f"{content_type}; charset=utf-8", headers=headers)


def _compared(request: HttpRequest, issue: Issue, language: str, file: units.File) -> HttpResponse:
    units.make_known(issue, language)
    proposals, strangers = importing.propose(units.sheets(issue, language), file)
    wishes = [importing.wish(one) for one in proposals if one.changes_something]
    archive = _archive(request, issue, language)
    done = [one for one in proposals if one.changes_something and not one.is_unfinished and not archive]
    context = {
        "language": language,
        "name": language_name(language, get_language() or "en"),
        "proposals": sorted((one for one in proposals if one.shown), key=lambda one: not one.refused),
        "strangers": strangers[:SHOWN],
        "more_strangers": len(strangers[SHOWN:]),
        "archive": archive,
        "finished": len(done),
        "unfinished": len(wishes) - len(done),
        "refused": sum(one.refused for one in proposals) + len(strangers),
        "packed": _packed(issue, language, wishes) if wishes else "",
    }
    title = _("What the file would change: %(language)s") % {"language": context["name"]}
    return guard.page(request, "exchange_compared.html", title, issue=issue, **context)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """POST takes over what was seen; who comes by GET sees the first page again."""
    issue = issue_for(request, pk, language)
    if request.method != "POST":
        return _back(issue, language)
    try:
        wishes = _unpacked(request.POST.get("packed", ""), issue, language)
    except signing.BadSignature:
        messages.error(request, _("What you confirmed has not come back whole, or is too old. Upload the file again."))
        return _back(issue, language)
    _tell(request, importing.apply(issue, language, wishes, by=request.user, now=timezone.now()))
    if archive := _archive(request, issue, language):
        messages.info(request, archive)
    return _back(issue, language)


def _archive(request: HttpRequest, issue: Issue, language: str) -> str:
    """What is told to who may not change what went out; "" otherwise. One query, for translators."""
    if access.may_store(request.user, Text(issue=issue, language=language)):
        return ""
    return _("This edition went out: your words are kept, and an editor decides what the archive says.")


def _tell(request: HttpRequest, outcomes: list[importing.Outcome]) -> None:
    stored = sum(one.what == "stored" for one in outcomes)
    kept = sum(one.what == "kept" for one in outcomes)
    if stored:
        said = ngettext("%(count)d text is in review now.", "%(count)d texts are in review now.", stored)
        messages.success(request, said % {"count": stored})
    if kept:
        said = ngettext(
            "%(count)d text is not finished yet: it is kept for whoever goes on with it.",
            "%(count)d texts are not finished yet: they are kept for whoever goes on with them.",
            kept,
        )
        messages.success(request, said % {"count": kept})
    for one in outcomes:
        if one.what == "refused":
            messages.error(request, f"{one.sheet.title}: {one.why}")


def _packed(issue: Issue, language: str, wishes: list[Wish]) -> str:
    carried = [issue.pk, language, [dataclasses.astuple(one) for one in wishes]]
    return signing.dumps(carried, salt=SALT, compress=True)


def _unpacked(packed: str, issue: Issue, language: str) -> list[Wish]:
    """Raises BadSignature, also for what was compared with another issue or language."""
    *where, wishes = signing.loads(packed, salt=SALT, max_age=AGE)
    if where != [issue.pk, language]:
        raise signing.BadSignature
    return [Wish(name, tuple(seen), taken, confirmed, open_) for name, seen, taken, confirmed, open_ in wishes]


def _back(issue: Issue, language: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:newsletter_issue_exchange", args=[issue.pk, language]))


# --- a machine's drafts -----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def draft(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """POST has a machine draft what is missing."""
    issue = issue_for(request, pk, language)
    if not may_ask(request) or machine_wire.service() is None:
        raise Http404
    if request.method == "POST":
        if machine.ask(issue, language, by=request.user, now=timezone.now()):
            messages.success(request, _("The machine has been asked. Drafts appear one by one."))
        else:
            messages.info(request, _("The machine is at it already."))
    return _back(issue, language)


@require_http_methods(["GET", "HEAD", "POST"])
def use_drafts(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """POST: the machine's drafts become what readers get, as they are."""
    issue = issue_for(request, pk, language)
    if not access.may_approve(request.user):
        raise Http404
    if request.method == "POST":
        used, refused = machine.use_unreviewed(issue, language, by=request.user, now=timezone.now())
        said = ngettext(
            "%(count)d text is what the machine made of it, and readers are told so.",
            "%(count)d texts are what the machine made of them, and readers are told so.",
            used,
        )
        (messages.success if used else messages.info)(request, said % {"count": used})
        for why in refused:
            messages.error(request, why)
    return _back(issue, language)


# Routes, views and names, for the pages of an issue.
PAGES = [
    ("exchange/<str:language>/", show, "exchange"),
    ("exchange/<str:language>/file/<str:kind>/", download, "exchange_file"),
    ("exchange/<str:language>/confirm/", confirm, "exchange_confirm"),
    ("exchange/<str:language>/draft/", draft, "exchange_draft"),
    ("exchange/<str:language>/use/", use_drafts, "exchange_use"),
]
