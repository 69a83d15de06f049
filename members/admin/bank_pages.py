"""Statements of account on the desk: upload one, look at what would become of it, take it."""

from typing import BinaryIO

from django.contrib import messages
from django.core import signing
from django.core.files.base import File
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from members import bank, shelf
from members.admin import frame
from members.admin.fee_forms import BankFileForm
from members.admin.fee_pages import PAY, get_or_post, page
from members.bank import AlreadyTaken, Fate, Report
from members.camt import Unreadable
from members.models import BankFile

LAST = 20
SALT, AGE = "members.bank-file", 12 * 60 * 60  # a file that nobody takes is a leftover; see `members.shelf`
SHOWN = 500  # lines of a report that a page shows of each kind


@never_cache
@get_or_post
def upload(request: HttpRequest) -> HttpResponse:
    """GET shows the form and the last files; POST keeps a file until somebody has looked at it."""
    frame.require(request, PAY)
    form = BankFileForm(request.POST, request.FILES) if request.method == "POST" else BankFileForm()
    if form.is_bound and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            bank.check(file.file)
            return HttpResponseRedirect(reverse("admin:members_bank_report", args=[_kept(file)]))
        except Unreadable as why:
            form.add_error("file", str(why))
    files = BankFile.objects.select_related("by")[:LAST]
    return page(request, "bank.html", _("Bank file"), form=form, files=files)


@never_cache
@get_or_post
def report(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows what would become of each entry; POST enters them."""
    frame.require(request, PAY)
    try:
        kept = signing.loads(token, salt=SALT, max_age=AGE)
    except signing.BadSignature:
        raise Http404 from None
    try:
        with shelf.Shelf().open(kept["file"]) as file:
            if request.method == "POST":
                return _taken(request, file, **kept)
            return _shown(request, bank.check(file), kept["name"])
    except FileNotFoundError:
        messages.error(request, _("The file is not kept here any more. Please upload it again."))
    except Unreadable as why:  # no account any more, or a colleague was a moment quicker
        messages.error(request, str(why))
    return HttpResponseRedirect(reverse("admin:members_bankfile_changelist"))


def _kept(file: File) -> str:
    """The file lies on the shelf, under a name that its address alone tells."""
    file.seek(0)
    return signing.dumps({"file": shelf.Shelf().save(get_random_string(32), file), "name": file.name[:150]}, salt=SALT)


def _shown(request: HttpRequest, found: Report, name: str) -> HttpResponse:
    by_fate = {fate: [line for line in found.lines if line.fate == fate] for fate in Fate}
    groups = [(fate, lines[:SHOWN], len(lines) - SHOWN) for fate, lines in by_fate.items() if lines]
    return page(request, "bank_report.html", name, report=found, groups=groups)


def _taken(request: HttpRequest, opened: BinaryIO, *, file: str, name: str) -> HttpResponseRedirect:
    try:
        _row, found = bank.take(opened, name=name, by=request.user, now=timezone.now())
    except AlreadyTaken as why:
        messages.error(request, str(why))
        return HttpResponseRedirect(reverse("admin:members_bankfile_changelist"))
    shelf.discard(file)
    words = ngettext("%(number)d payment was entered.", "%(number)d payments were entered.", found.new)
    messages.success(request, words % {"number": found.new})
    return HttpResponseRedirect(reverse("admin:members_payment_changelist"))
