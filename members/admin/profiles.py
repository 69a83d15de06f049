"""Changes to profiles that wait for the secretariat, and the choice of the fields that wait."""

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from members import differences, profile_fields, profiles
from members.admin import frame
from members.models import FieldPolicy, ProfileChange
from members.views.logos import private_logo
from picum import localising
from picum.accounts.lists import Choice, ListAdmin, ReadOnly

DECIDE = "members.change_profilechange"
LOOK = (DECIDE, "members.view_profilechange")
POLICY = "members.change_fieldpolicy"


class WaitingFilter(Choice):
    """What waits, unless something else is asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [("decided", gettext_lazy("decided"))]

    def choices(self, changelist):
        first, *others = super().choices(changelist)
        return [first | {"display": ProfileChange.State.WAITING.label}, *others]

    def queryset(self, request, queryset):
        waiting = {"state": ProfileChange.State.WAITING}
        return queryset.exclude(**waiting).order_by("-pk") if self.value() else queryset.filter(**waiting)


@admin.register(ProfileChange)
class ProfileChangeAdmin(ReadOnly, ListAdmin):
    """The longest waiting first."""

    list_display = ["member", "what", "at", "by_label", "state"]
    list_filter = [WaitingFilter]
    list_select_related = ["member"]
    list_per_page = 100
    ordering = ["at", "pk"]
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER

    def get_urls(self):
        view = self.admin_site.admin_view(logo)
        return [path("<int:pk>/logo/<str:name>", view, name="members_profilechange_logo"), *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        return decide(request, object_id)

    @admin.display(description=gettext_lazy("field"))
    def what(self, asked):
        return profile_fields.label(_key(asked), get_language() or "en")


class DecideForm(forms.Form):
    """A word to the member; without one nothing is declined. `seen`: the live value beside which staff saw it."""

    word = forms.CharField(
        label=gettext_lazy("A word to the member"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Needed to decline. It is mailed to whoever asked, and to the member contact."),
    )
    seen = forms.CharField(widget=forms.HiddenInput, required=False)


def decide(request: HttpRequest, pk: str) -> HttpResponse:
    """GET shows the difference to what is live now; POST approves or declines it."""
    frame.require(request, *LOOK)
    asked = _change(pk)
    form = DecideForm(request.POST if request.method == "POST" else None)
    if form.is_bound:
        frame.require(request, DECIDE)
        if form.is_valid() and _decided(request, asked, form):
            return HttpResponseRedirect(reverse("admin:members_profilechange_changelist"))
    key, language = _key(asked), get_language() or "en"
    live = profile_fields.read(asked.member)[key]
    words = {name: profile_fields.in_words(key, value, language) for name, value in _values(asked, live).items()}
    return frame.page(
        request,
        "profile_change.html",
        profile_fields.label(key, language),
        model=ProfileChange,
        status=400 if form.errors else 200,
        asked=asked,
        since=localising.moment(timezone.localtime(asked.at), language),
        pieces=differences.between(words["live"], words["new"]),
        moved_from=words["old"] if profile_fields.fingerprint(live) != profile_fields.fingerprint(asked.old) else None,
        logos=[(name, value["file"]) for name, value in _values(asked, live).items() if isinstance(value, dict)],
        text_language=asked.language,
        form=form,
        seen=profile_fields.fingerprint(live),
        may_decide=request.user.has_perm(DECIDE) and asked.state == ProfileChange.State.WAITING,
    )


def _decided(request: HttpRequest, asked: ProfileChange, form: DecideForm) -> bool:
    deed, now = {"by": request.user, "now": timezone.now()}, form.cleaned_data
    try:
        if "approve" in request.POST:
            profiles.approve(asked, seen=now["seen"], **deed)
            messages.success(request, _("Approved: it is live, and the member gets a mail."))
        elif "decline" in request.POST:
            profiles.decline(asked, word=now["word"], **deed)
            messages.success(request, _("Declined; the member gets a mail with your word."))
    except profiles.NotPossible as why:
        form.add_error("word", str(why))
        asked.refresh_from_db()
    return not form.errors


def _change(pk: str) -> ProfileChange:
    if not pk.isdecimal():
        raise Http404
    return get_object_or_404(ProfileChange.objects.select_related("member__type"), pk=pk)


def _key(asked: ProfileChange) -> str:
    return profile_fields.key_of(asked.field, asked.language)


def _values(asked: ProfileChange, live: profile_fields.Value) -> dict[str, profile_fields.Value]:
    return {"old": asked.old, "live": live, "new": asked.new}


def logo(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """A logo that is live or wished."""
    frame.require(request, *LOOK)
    asked = _change(str(pk))
    wished = asked.new["file"] if asked.field == "logo" and asked.new else ""
    if asked.field != "logo" or name not in {asked.member.logo, wished}:
        raise Http404
    return private_logo(request, name)


# --- which fields wait --------------------------------------------------------------------------------------------


class PolicyForm(forms.Form):
    fields_that_wait = forms.MultipleChoiceField(
        label=gettext_lazy("These wait until the secretariat has looked at them"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("All others are live as soon as a member saves them."),
    )

    def __init__(self, data=None):
        super().__init__(data, initial={"fields_that_wait": sorted(profiles.fields_that_wait())})
        language = get_language() or "en"
        self.fields["fields_that_wait"].choices = [
            (name, profile_fields.label(name, language)) for name in profile_fields.FIELDS
        ]


@admin.register(FieldPolicy)
class FieldPolicyAdmin(ReadOnly, ListAdmin):
    """One page with a box for each field."""

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm(POLICY)

    def changelist_view(self, request, extra_context=None):
        frame.require(request, POLICY)
        form = PolicyForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            profiles.choose_fields_that_wait(form.cleaned_data["fields_that_wait"], by=request.user)
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(request.path)
        return frame.page(request, "field_policies.html", _("Fields that wait"), model=FieldPolicy, form=form)
