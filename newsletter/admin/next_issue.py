"""The page on which the next issue is started: what it takes from the last one is shown before it does."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from newsletter import compose, next_issue, translating
from newsletter.admin import guard
from newsletter.admin.forms import in_our_time
from newsletter.models import Issue, Item
from newsletter.rendering import language_name

ADD = ("newsletter.add_issue",)


class NextForm(forms.Form):
    """`after`: the issue that was shown; when another one is the last by now, the person looks again."""

    after = forms.IntegerField(widget=forms.HiddenInput)
    period = forms.DateField(
        label=gettext_lazy("Period"),
        help_text=gettext_lazy("Any day of the month or quarter that the issue is named after."),
        validators=[in_our_time],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    items = forms.MultipleChoiceField(required=False)

    def __init__(self, *args, last: Issue, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["items"].choices = [(str(item.pk), str(item.pk)) for item in last.items.all()]

    @property
    def chosen(self) -> set[int]:
        return {int(number) for number in self.cleaned_data["items"]}


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest):
    """GET shows what is taken over, POST starts the issue; once, however often it is pressed."""
    guard.require(request, ADD)
    last = next_issue.last_issue()
    if last is None:
        return HttpResponseRedirect(reverse("admin:newsletter_issue_add"))
    again = next_issue.coming_again(last)
    form = NextForm(request.POST or None, last=last, initial=_suggested(last, again))
    if request.method == "POST":
        if other := _pressed_before(request, last):
            return other
        if form.is_valid() and (answer := _started(request, form, last)):
            return answer
    spoken = get_language() or "en"
    chosen = set(form["items"].value() or [])
    return guard.page(
        request,
        "next_issue.html",
        _("Start the next issue"),
        issue=last,
        form=form,
        standing=[(language_name(one.language, spoken), one) for one in next_issue.standing_texts(last)],
        lines=[_line(item, str(item.pk) in chosen, spoken) for item in last.items.all()],
    )


def _suggested(last: Issue, again: set[int]) -> dict[str, object]:
    period = next_issue.period_after(last.period_kind, last.period)
    return {"after": last.pk, "period": period, "items": [str(number) for number in again]}


def _pressed_before(request: HttpRequest, last: Issue):
    """Another issue is the last one by now: mostly this one, started by the first of two clicks."""
    if request.POST.get("after") == str(last.pk):
        return None
    messages.info(request, _("This issue was started already: %s.") % last)
    return _to(last)


def _started(request: HttpRequest, form: NextForm, last: Issue):
    try:
        issue = next_issue.start_next(last, period=form.cleaned_data["period"], by=request.user, items=form.chosen)
    except next_issue.AlreadyStarted as why:
        messages.info(request, _("This issue was started already: %s.") % why.issue)
        return _to(why.issue)
    except compose.TakenSlug as why:
        form.add_error("period", str(why))
        return None
    words = ngettext(
        "%(issue)s was started with the standing texts and %(count)d item of %(last)s. "
        "Now write its subject and message.",
        "%(issue)s was started with the standing texts and %(count)d items of %(last)s. "
        "Now write its subject and message.",
        len(form.chosen),
    )
    messages.success(request, words % {"issue": issue, "count": len(form.chosen), "last": last})
    return _to(issue)


def _to(issue: Issue) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:newsletter_issue_change", args=[issue.pk]))


def _line(item: Item, chosen: bool, spoken: str) -> dict[str, object]:
    """An item to be ticked, in the words of the person's language or the next that there is."""
    language = translating.shown_in(item, spoken, ())
    written = translating.texts(item)
    return {
        "item": item,
        "chosen": chosen,
        "heading": str(item.section),
        "language": language or spoken,
        "title": written[language].title if language else str(item),
        "languages": " ".join(code.upper() for code in translating.LANGUAGES if code in written),
    }
