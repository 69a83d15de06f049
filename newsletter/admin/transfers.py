"""Items go to another issue: from the list, several at once, or from the page of one."""

from collections.abc import Sequence

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from newsletter import transfers
from newsletter.admin import guard
from newsletter.models import Issue, Item

CHANGE = ("newsletter.change_item",)
MOST = 200  # items at once


class TransferForm(forms.Form):
    """`stay`: the person comes from the page of the one item."""

    items = forms.TypedMultipleChoiceField(coerce=int, widget=forms.MultipleHiddenInput)
    to = forms.TypedChoiceField(label=gettext_lazy("To the issue"), coerce=int)

    def __init__(self, *args, numbers: Sequence[int], **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["items"].choices = [(str(number), str(number)) for number in numbers]
        language = get_language() or "en"
        self.fields["to"].choices = [(issue.pk, issue.label(language)) for issue in transfers.open_issues()]


def possible(issue: Issue) -> list[tuple[int, str]]:
    """Issues to which an item of this one can go: number and label. One query."""
    language = get_language() or "en"
    found = [(other.pk, other.label(language)) for other in transfers.open_issues()]
    here = [number for number, _label in found if number == issue.pk]
    return [(number, label) for number, label in found if number != issue.pk] if here else []


def ask(request: HttpRequest, numbers: Sequence[int]) -> HttpResponse | None:
    """To which issue? None, with a message, when there is no answer."""
    form = TransferForm(numbers=numbers, initial={"items": numbers})
    if not form.fields["to"].choices or len(numbers) > MOST:
        none = _("There is no issue to which items could go: start the next one first.")
        many = _("Choose at most %d items at once.") % MOST
        messages.error(request, many if len(numbers) > MOST else none)
        return None
    items = Item.objects.filter(pk__in=numbers).select_related("issue").prefetch_related("translations")
    return guard.page(request, "transfer.html", _("Move to another issue"), form=form, items=items, opts=Item._meta)


@require_POST
def press(request: HttpRequest) -> HttpResponse:
    """All of them go, or none does."""
    guard.require(request, CHANGE)
    posted = request.POST.getlist("items")[:MOST]
    numbers = [int(number) for number in posted if number.isdecimal() and len(number) < 10]
    form = TransferForm(request.POST, numbers=numbers)
    if not numbers or not form.is_valid():
        messages.error(request, _("Choose an issue that has not gone out."))
        return _back(request, numbers)
    to = form.cleaned_data["to"]
    try:
        moved = transfers.transfer(numbers, to=to, by=request.user)
    except transfers.NotPossible as why:
        messages.error(request, str(why))
        return _back(request, numbers)
    words = ngettext("%(count)d item went to %(issue)s.", "%(count)d items went to %(issue)s.", len(moved))
    label = dict(form.fields["to"].choices)[to]
    messages.success(request, words % {"count": len(moved), "issue": label})
    if "stay" in request.POST:
        return _back(request, numbers)
    return HttpResponseRedirect(reverse("admin:newsletter_issue_change", args=[to]) + "#contents")


def _back(request: HttpRequest, numbers: Sequence[int]) -> HttpResponseRedirect:
    if "stay" in request.POST and len(numbers) == 1:
        return HttpResponseRedirect(reverse("admin:newsletter_item_change", args=numbers))
    return HttpResponseRedirect(reverse("admin:newsletter_item_changelist"))
