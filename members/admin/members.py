"""Members on the desk: what they are, who acts for them, and their lines in the register."""

import datetime

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, Prefetch, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from members import census, register
from members.admin import circulars, contacts, frame, home, leaving, lists, register_pages
from members.forms.languages import WorkingLanguagesField
from members.models import Category, Contact, DecidedBy, Kind, Member, Membership, OrganisationType, Shown
from members.slugs import free_slug
from picum import localising
from picum.accounts.desk import DATE_INPUT, DeskAdmin, DeskForm
from picum.accounts.lists import Choice

CHANGE = "members.change_member"


# --- what the list may be narrowed by ---------------------------------------------------------------------------------


class BelongsFilter(Choice):
    title = gettext_lazy("belongs")
    parameter_name = "belongs"

    def lookups(self, request, model_admin):
        return [("now", gettext_lazy("now")), ("no", gettext_lazy("not, or not any more"))]

    def queryset(self, request, queryset):
        current = Member.objects.current(on=timezone.localdate()).values("pk")
        match self.value():
            case "now":
                return queryset.filter(pk__in=current)
            case "no":
                return queryset.exclude(pk__in=current)
        return queryset


class CountryFilter(Choice):
    title = gettext_lazy("country")
    parameter_name = "country"

    def lookups(self, request, model_admin):
        codes = Member.objects.order_by().values_list("country", flat=True).distinct()
        named = {localising.country_name(code, get_language() or "en"): code for code in codes}
        return [(named[name], name) for name in localising.in_order(named)]


class CategoryFilter(Choice):
    title = gettext_lazy("category")
    parameter_name = "category"

    def lookups(self, request, model_admin):
        return [(category.key, str(category)) for category in Category.objects.prefetch_related("translations")]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        now = Membership.objects.current(on=timezone.localdate()).filter(category__key=self.value())
        return queryset.filter(pk__in=now.values("member"))


class LacksFilter(Choice):
    """The gaps, one by one; see `members.census.gaps`."""

    title = gettext_lazy("lacks")
    parameter_name = "lacks"

    def lookups(self, request, model_admin):
        return register_pages.GAPS.items()

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        found = next(gap for gap in census.gaps(today=timezone.localdate()) if gap.key == self.value())
        return queryset.filter(pk__in=[member.pk for member in found.members])


# --- a member ---------------------------------------------------------------------------------------------------------


class MemberForm(DeskForm):
    """Without an address the member gets one made from its name."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False

    def clean(self):
        values = super().clean()
        if "slug" in self.fields and not values.get("slug"):
            values["slug"] = free_slug(values.get("name", ""), besides=self.instance.pk)
        if values.get("kind") == Kind.PERSON and (values.get("in_directory") or values.get("open_data")):
            self.add_error("in_directory", _("People are never listed in the directory."))
        elif values.get("open_data") and not values.get("in_directory"):
            self.add_error("open_data", _("Only what is in the directory can be in its lists."))
        return values


@admin.register(Member)
class MemberAdmin(DeskAdmin):
    form = MemberForm
    list_display = ["name", "acronym", "land", "category", "since", "in_directory"]
    list_filter = [BelongsFilter, CategoryFilter, CountryFilter, LacksFilter]
    search_fields = ["name", "acronym", "city", "contacts__name", "contacts__email"]
    list_per_page = 100
    actions = None
    filter_horizontal = []

    def get_queryset(self, request):
        today = timezone.localdate()
        now = Membership.objects.current(on=today).filter(member=OuterRef("pk"))
        standing = Membership.objects.standing().select_related("category")
        return (
            super()
            .get_queryset(request)
            .annotate(joined=Subquery(now.values("joined_on")[:1]), category_now=Subquery(now.values("category")[:1]))
            .prefetch_related(
                Prefetch("memberships", standing.prefetch_related("category__translations"), to_attr="in_the_register")
            )
        )

    def get_urls(self):
        def page(view, route: str, name: str):
            return path(route, self.admin_site.admin_view(view), name=f"members_{name}")

        return [
            page(register_pages.register, "register/", "register"),
            page(register_pages.register_csv, "register/csv/", "register_csv"),
            page(register_pages.register_as_pdf, "register/pdf/", "register_pdf"),
            page(register_pages.statistics, "statistics/", "statistics"),
            page(register_pages.gaps, "gaps/", "gaps"),
            *circulars.urls(self.admin_site),
            *contacts.urls(self.admin_site),
            *leaving.urls(self.admin_site),
            *lists.urls(self.admin_site),
            page(admit, "<int:pk>/admit/", "member_admit"),
            page(end, "<int:pk>/end/<int:number>/", "membership_end"),
            page(category, "<int:pk>/category/<int:number>/", "membership_category"),
            page(strike, "<int:pk>/strike/<int:number>/", "membership_strike"),
            *super().get_urls(),
        ]

    @admin.display(description=gettext_lazy("country"), ordering="country")
    def land(self, member):
        return localising.country_name(member.country.code, get_language() or "en")

    @admin.display(description=gettext_lazy("category"))
    def category(self, member):
        return next(
            (str(row.category) for row in member.in_the_register if row.category_id == member.category_now), "–"
        )

    @admin.display(description=gettext_lazy("joined"), ordering="joined")
    def since(self, member):
        return member.joined or "–"

    def has_words(self, translation) -> bool:
        return bool(translation.description.strip())

    def has_delete_permission(self, request, obj=None):
        """Whoever was once in the register stays there."""
        return super().has_delete_permission(request, obj) and not (obj and obj.memberships.exists())

    def get_fieldsets(self, request, obj=None):
        return [
            (None, {"fields": ["kind", "name", "acronym", "slug", "type", "level", "areas", "rights"]}),
            (_("Description: each language on its own tab"), {"fields": ["description", "original_language"]}),
            (
                _("How to reach it"),
                {
                    "fields": [
                        "country", "street", "postcode", "city", "registration_number", "website", "email",
                        "telephone", "language", "languages",
                    ]
                },
            ),
            (_("What the public may see"), {"fields": ["in_directory", "shown", "open_data"]}),
        ]  # fmt: skip

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "shown":
            return forms.MultipleChoiceField(
                label=capfirst(db_field.verbose_name),
                choices=Shown.choices,
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )
        if db_field.name == "languages":
            return WorkingLanguagesField(label=capfirst(db_field.verbose_name), required=False)
        if db_field.name in {"areas", "rights"}:
            kwargs["widget"] = forms.CheckboxSelectMultiple
            kwargs["queryset"] = db_field.related_model.objects.prefetch_related("translations")
        if db_field.name == "website":
            kwargs["assume_scheme"] = "https"
        if db_field.name == "type":
            kwargs["queryset"] = OrganisationType.objects.prefetch_related("translations")
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        context = {"parts": _parts(request, object_id)} if object_id and request.method == "GET" else {}
        return super().changeform_view(request, object_id, form_url, context | (extra_context or {}))


def _parts(request: HttpRequest, object_id: str) -> dict[str, object]:
    """What stands around a member's form, with its people and the register below: ten queries at most."""
    member = Member.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
    if member is None:
        return {}
    rows = Membership.objects.filter(member=member).select_related("category")
    memberships = list(rows.prefetch_related("category__translations"))
    bouncing = census.bouncing_contacts(member)
    contacts = Contact.objects.active().filter(member=member).select_related("user").prefetch_related("roles")
    return {
        "about": home.about(member, request.user),
        "memberships": memberships,
        "contacts": [(contact, contact.pk in bouncing) for contact in contacts],
        "may_change": request.user.has_perm(CHANGE),
        "goes_on": any(not row.struck_at and row.until_on is None for row in memberships),
    }


# --- what is written into the register -------------------------------------------------------------------------------


class _Day(forms.DateField):
    def __init__(self, **kwargs):
        super().__init__(widget=DATE_INPUT["widget"], **kwargs)


class AdmitForm(forms.Form):
    category = forms.ModelChoiceField(Category.objects.none(), label=gettext_lazy("Category"))
    from_on = _Day(label=gettext_lazy("From"))
    joined_on = _Day(
        label=gettext_lazy("Joined"),
        required=False,
        help_text=gettext_lazy("Only if the first admission was earlier than that."),
    )
    decided_by = forms.ChoiceField(label=gettext_lazy("Who decided"), choices=DecidedBy.choices)
    decided_on = _Day(label=gettext_lazy("Decided on"), required=False)

    def __init__(self, *args, member: Member, **kwargs):
        super().__init__(*args, **kwargs)
        fitting = Category.objects.filter(for_whom=member.kind).prefetch_related("translations")
        self.fields["category"].queryset = fitting

    def clean(self):
        values = super().clean()
        joined, first = values.get("joined_on"), values.get("from_on")
        if joined and first and joined > first:
            self.add_error("joined_on", _("Nobody joins after the membership has begun."))
        return values


class EndForm(forms.Form):
    why = forms.ChoiceField(
        label=gettext_lazy("Why"),
        choices=[(why, why.label) for why in Membership.Ended if why != Membership.Ended.CATEGORY],
    )
    until_on = _Day(label=gettext_lazy("Last day"), help_text=gettext_lazy("It may lie ahead."))
    ended_by = forms.ChoiceField(label=gettext_lazy("Who decided"), choices=DecidedBy.choices)
    ended_on = _Day(label=gettext_lazy("Day of the decision or of the notice"))
    words = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False)


class CategoryForm(forms.Form):
    category = forms.ModelChoiceField(Category.objects.none(), label=gettext_lazy("New category"))
    from_on = _Day(label=gettext_lazy("From"))
    decided_by = forms.ChoiceField(label=gettext_lazy("Who decided"), choices=DecidedBy.choices)

    def __init__(self, *args, membership: Membership, **kwargs):
        super().__init__(*args, **kwargs)
        others = Category.objects.filter(for_whom=membership.member.kind).exclude(pk=membership.category_id)
        self.fields["category"].queryset = others.prefetch_related("translations")


class StrikeForm(forms.Form):
    why = forms.CharField(label=gettext_lazy("Why it is struck out"), max_length=300)


def admit(request: HttpRequest, pk: int) -> HttpResponse:
    """A new line in the register."""
    frame.require(request, CHANGE)
    member = get_object_or_404(Member, pk=pk)
    form = AdmitForm(request.POST or None, member=member, initial={"from_on": timezone.localdate()})

    def deed(values):
        register.admit(member, by=request.user, **values)

    return _deed(request, member, form, deed, _("Admit"), _("A membership begins; the register gets a new line."))


def end(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A membership ends, now or at the end of the year."""
    membership = _membership(request, pk, number)
    today = timezone.localdate()
    form = EndForm(request.POST or None, initial={"until_on": datetime.date(today.year, 12, 31), "ended_on": today})

    def deed(values):
        register.end(membership, by=request.user, **values)

    words = _("The line stays in the register with its last day. It cannot be changed afterwards, only struck out.")
    return _deed(request, membership.member, form, deed, _("End the membership"), words)


def category(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The member goes on in another category."""
    membership = _membership(request, pk, number)
    form = CategoryForm(request.POST or None, membership=membership, initial={"from_on": timezone.localdate()})

    def deed(values):
        register.change_category(membership, by=request.user, **values)

    words = _("One line of the register ends and the next begins; the day of joining stays.")
    return _deed(request, membership.member, form, deed, _("Change the category"), words)


def strike(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """A line was a mistake."""
    membership = _membership(request, pk, number)
    form = StrikeForm(request.POST or None)

    def deed(values):
        register.strike(membership, by=request.user, now=timezone.now(), **values)

    words = _("The line stays in the register, struck out, with the reason; it counts no more.")
    return _deed(request, membership.member, form, deed, _("Strike out"), words)


def _membership(request: HttpRequest, pk: int, number: int) -> Membership:
    frame.require(request, CHANGE)
    return get_object_or_404(Membership.objects.select_related("member", "category"), pk=number, member=pk)


def _deed(request: HttpRequest, member: Member, form: forms.Form, deed, title: str, explanation: str) -> HttpResponse:
    """The form, the form again with what is wrong in it, or back to the member when it is done."""
    back = reverse("admin:members_member_change", args=[member.pk])
    if request.method == "POST" and form.is_valid():
        try:
            deed(form.cleaned_data)
        except register.NotPossible as why:
            form.add_error(None, str(why))
        else:
            messages.success(request, _("The register has been changed."))
            return HttpResponseRedirect(f"{back}#register")
    context = {"form": form, "member": member, "explanation": explanation, "button": title, "back": back}
    return frame.page(request, "deed.html", title, model=Member, status=400 if form.errors else 200, **context)
