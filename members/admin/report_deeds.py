"""What staff do about a field report: ask back, take it into an issue, decline it with a word. Each deed has a page
that asks, and calls the function that everybody calls."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, override, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from members import reports
from members.admin import frame
from members.models import FieldReport
from newsletter import contributions
from picum import alternates, localising
from picum.accounts.models import User

State = FieldReport.State
TRIAGE = "members.change_fieldreport"
ITEMS = ("newsletter.add_item", "newsletter.change_item")  # who takes a report makes an item
METHODS = ["GET", "HEAD", "POST"]


def for_person(user: User, report: FieldReport) -> list[tuple[str, Promise]]:
    """What somebody may do about it now: (address, words of the button)."""
    if not user.has_perm(TRIAGE):
        return []
    may = {
        "ask": State.ASKED in reports.MOVES[report.state],
        "take": State.TAKEN in reports.MOVES[report.state] and user.has_perms(ITEMS),
        "decline": State.DECLINED in reports.MOVES[report.state],
    }
    return [(reverse(f"admin:members_report_{name}", args=[report.pk]), BUTTONS[name]) for name in may if may[name]]


BUTTONS = {
    "ask": gettext_lazy("Ask back"),
    "take": gettext_lazy("Take into an issue"),
    "decline": pgettext_lazy("a report", "Decline"),
}


# --- forms ----------------------------------------------------------------------------------------------------------


class WordsForm(forms.Form):
    """Carries the state that the person saw: if it is another one by now, the deed is refused."""

    state = forms.ChoiceField(choices=State.choices, widget=forms.HiddenInput)
    words = forms.CharField(
        label=gettext_lazy("Words"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6, "cols": 60})
    )


class TakeForm(forms.Form):
    """Where the report goes, and in which words."""

    state = forms.ChoiceField(choices=State.choices, widget=forms.HiddenInput)
    issue = forms.TypedChoiceField(label=gettext_lazy("Issue"), coerce=int)
    section = forms.ChoiceField(label=gettext_lazy("Section"))
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=6000,
        help_text=gettext_lazy("In the language of the report, with an empty line between paragraphs."),
        widget=forms.Textarea(attrs={"rows": 12, "cols": 80, "spellcheck": "true"}),
    )

    def __init__(self, *args, report: FieldReport, **kwargs):
        known = {"state": report.state, "title": report.title, "text": report.text}
        super().__init__(*args, initial=known, **kwargs)
        language = get_language() or "en"
        self.fields["issue"].choices = [
            (issue.number, _in_words(issue)) for issue in contributions.open_issues(language)
        ]
        self.fields["section"].choices = [("", "–"), *contributions.sections()]
        for name in ("title", "text"):
            self.fields[name].widget.attrs["lang"] = report.language


def _in_words(issue: contributions.OpenIssue) -> str:
    """ "May 2026 (went out in Deutsch, English)"."""
    if not issue.gone:
        return issue.label
    names = ", ".join(alternates.own_name(code) for code in issue.gone)
    return _("%(issue)s (went out in %(languages)s)") % {"issue": issue.label, "languages": names}


# --- pages ----------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(METHODS)
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """A question to the member; where consent is missing, the words ask for it."""
    report = _report(request, pk)
    explanation = _("Author and member contact get your question by mail, and answer on the page of the report.")
    return _with_words(request, report, "ask", explanation, reports.ask, _("The question is on its way."))


@never_cache
@require_http_methods(METHODS)
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """It is not taken, and the member learns why."""
    report = _report(request, pk)
    explanation = _("Author and member contact get your words by mail. Please say why, in their language.")
    return _with_words(request, report, "decline", explanation, reports.decline, _("The report is declined."))


@never_cache
@require_http_methods(METHODS)
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Where to, in which words, and how that will look. A POST without "look" takes it."""
    report = _report(request, pk)
    for permission in ITEMS:
        frame.require(request, permission)
    form = TakeForm(request.POST if request.method == "POST" else None, report=report)
    looks = request.method != "POST" or "look" in request.POST
    if not looks and form.is_valid() and _taken(request, report, form):
        return _to_page(pk)
    words = {name: form[name].value() or "" for name in ("title", "text")}
    return frame.page(
        request,
        "report_take.html",
        BUTTONS["take"],
        model=FieldReport,
        report=report,
        form=form,
        preview=contributions.preview(reports.contribution(report, **words)),
        named=reports.named_in(report, f"{words['title']}\n{words['text']}"),
        embargo=localising.day(report.embargo_until, get_language() or "en") if report.embargo_until else "",
        address_of_asking=reverse("admin:members_report_ask", args=[pk]),
    )


def _report(request: HttpRequest, pk: int) -> FieldReport:
    """The report, for who may triage."""
    frame.require(request, TRIAGE)
    return get_object_or_404(FieldReport.objects.select_related("member", "contact"), pk=pk)


def _with_words(request: HttpRequest, report: FieldReport, name: str, explanation: str, deed, done: str):
    """GET asks for words; POST does it."""
    initial = {"state": report.state, "words": _asking_for_consent(report) if name == "ask" else ""}
    form = WordsForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        report.state = form.cleaned_data["state"]
        try:
            deed(report, form.cleaned_data["words"], by=request.user, now=timezone.now())
        except reports.IllegalMove as why:
            messages.error(request, str(why))
        else:
            messages.success(request, done)
        return _to_page(report.pk)
    return frame.page(
        request,
        "report_deed.html",
        BUTTONS[name],
        model=FieldReport,
        report=report,
        form=form,
        explanation=explanation,
        is_final=name == "decline",
    )


def _asking_for_consent(report: FieldReport) -> str:
    """In the language in which its author reads us; "" where there is consent."""
    if report.may_publish:
        return ""
    with override(report.contact.language if report.contact else report.language):
        return _(
            "We would like to take your report into the newsletter, but you have not agreed yet that it is published. "
            "If you agree, please say so on the page of the report."
        )


def _taken(request: HttpRequest, report: FieldReport, form: TakeForm) -> bool:
    """Take it; what forbids that becomes an error of the form."""
    data = dict(form.cleaned_data)
    report.state = data.pop("state")
    try:
        reports.take(report, **data, by=request.user, now=timezone.now())
    except (reports.IllegalMove, contributions.NotPossible) as why:
        form.add_error(None, str(why))
        return False
    messages.success(request, _("The report is an item of the issue now. Author and member contact get a mail."))
    return True


def _to_page(pk: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:members_fieldreport_change", args=[pk]))
