"""Test groups, and test mails of an issue to one of them in all languages at once."""

from django import forms
from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from newsletter import translating, trials
from newsletter.admin import guard
from newsletter.models import Issue, TrialGroup
from newsletter.rendering import language_name
from picum.accounts.desk import ReadOnlyAdmin
from picum.addresses import InvalidAddress, reachable

USE = guard.EDIT + guard.SEND


class GroupForm(forms.Form):
    """A name, and addresses line by line, each with a language of its own or without: "ana@example.org pt"."""

    use_required_attribute = False

    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    addresses = forms.CharField(
        label=gettext_lazy("Mail addresses"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "autocapitalize": "none"}),
        help_text=gettext_lazy(
            "One on each line, 20 at most; all languages go to it, or one that stands behind it: ana@example.org pt"
        ),
    )

    def clean_addresses(self) -> list[tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for number, line in enumerate(self.cleaned_data["addresses"].splitlines(), 1):
            if line.strip():
                address, language = self._line(number, line.split())
                found[address.lower()] = (address, language)
        return list(found.values())

    def _line(self, number: int, words: list[str]) -> tuple[str, str]:
        language = words[1].lower() if len(words) == 2 else ""
        if len(words) > 2 or (language and language not in translating.LANGUAGES):
            said = _("Line %(number)d: an address, and perhaps one of these languages behind it: %(languages)s.")
            raise forms.ValidationError(said % {"number": number, "languages": " ".join(translating.LANGUAGES)})
        try:
            return reachable(words[0]), language
        except InvalidAddress as why:
            raise forms.ValidationError(_("Line %(number)d: %(why)s") % {"number": number, "why": why}) from why


class TrialForm(forms.Form):
    """To whom, and in which languages: all of them, unless somebody says otherwise."""

    group = forms.ModelChoiceField(TrialGroup.objects.all(), label=gettext_lazy("Group"), empty_label=None)
    languages = forms.MultipleChoiceField(label=gettext_lazy("Languages"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args, written: list[str], **kwargs):
        super().__init__(*args, **kwargs)
        spoken = get_language() or "en"
        self.fields["languages"].choices = [(code, language_name(code, spoken)) for code in written]
        self.fields["languages"].initial = written


# --- groups ----------------------------------------------------------------------------------------------------------


@require_safe
def groups(request: HttpRequest) -> HttpResponse:
    guard.require(request, USE)
    shown = TrialGroup.objects.annotate(number=Count("addresses"))
    may_edit = any(request.user.has_perm(permission) for permission in guard.EDIT)
    return _page(request, "trial_groups.html", _("Test groups"), groups=shown, may_edit=may_edit)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    guard.require(request, guard.EDIT)
    return _form(request, TrialGroup(), _("A new test group"))


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    guard.require(request, guard.EDIT)
    group = get_object_or_404(TrialGroup, pk=pk)
    return _form(request, group, group.name)


@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks."""
    guard.require(request, guard.EDIT)
    group = get_object_or_404(TrialGroup, pk=pk)
    if request.method != "POST":
        return _page(request, "trial_group_remove.html", _("Delete the group %s?") % group, group=group)
    trials.remove(group, by=request.user)
    messages.success(request, _("The group %s is deleted.") % group.name)
    return HttpResponseRedirect(reverse("admin:newsletter_trialgroup_changelist"))


def _form(request: HttpRequest, group: TrialGroup, title: str) -> HttpResponse:
    lines = [f"{one.email} {one.language}".strip() for one in group.addresses.all()] if group.pk else []
    form = GroupForm(request.POST or None, initial={"name": group.name, "addresses": "\n".join(lines)})
    if form.is_valid():
        try:
            trials.keep(group, **form.cleaned_data, by=request.user)
        except trials.NotPossible as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, _("The group %s is stored.") % group.name)
            return HttpResponseRedirect(reverse("admin:newsletter_trialgroup_changelist"))
    return _page(request, "trial_group.html", title, form=form, group=group)


# --- sending ---------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, pk: int) -> HttpResponse:
    """GET asks to whom, and tells what became of the last ones; POST queues the mails."""
    guard.require(request, USE)
    issue = get_object_or_404(Issue.objects.newsletters().with_contents(), pk=pk)
    form = TrialForm(request.POST or None, written=trials.languages_of(issue))
    if form.is_valid():
        group, languages = form.cleaned_data["group"], form.cleaned_data["languages"]
        try:
            number = trials.send(issue, group, languages=languages, by=request.user, now=timezone.now())
        except trials.NotPossible as why:
            form.add_error(None, str(why))
        else:
            words = ngettext("%d test mail is on its way.", "%d test mails are on their way.", number)
            messages.success(request, words % number)
            return HttpResponseRedirect(reverse("admin:newsletter_issue_trial", args=[pk]))
    return guard.page(
        request,
        "trial.html",
        _("Test mails: %s") % issue,
        issue=issue,
        form=form,
        outcomes=trials.outcomes(issue, now=timezone.now()),
        may_edit=any(request.user.has_perm(permission) for permission in guard.EDIT),
    )


def _page(request: HttpRequest, template: str, title: str, **context) -> HttpResponse:
    shared = admin.site.each_context(request) | {"title": title, "opts": TrialGroup._meta}
    return render(request, f"newsletter/admin/{template}", shared | context)


@admin.register(TrialGroup)
class TrialGroupAdmin(ReadOnlyAdmin):
    """The list, and what is done from it."""

    def has_view_permission(self, request, obj=None):
        return any(request.user.has_perm(permission) for permission in USE)

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def get_urls(self):
        own = [
            ("", groups, "changelist"),
            ("add/", add, "add"),
            ("<int:pk>/", change, "change"),
            ("<int:pk>/delete/", remove, "delete"),
        ]
        return [
            path(route, self.admin_site.admin_view(view), name=f"newsletter_trialgroup_{name}")
            for route, view, name in own
        ]
