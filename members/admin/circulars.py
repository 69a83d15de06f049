"""Letters to the contacts of chosen members: written, looked at, sent, and how far they are."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from members import circulars
from members.admin import frame
from members.admin.register_pages import GAPS
from members.models import Category, ContactRole, Member, OrganisationType
from newsletter.circulars import NotSent, Words, preview, progress
from picum import alternates, localising
from picum.areas.models import Area, Right

MAIL = "members.mail_member"
CHOICES = ("roles", "categories", "countries", "types", "areas", "rights")
LONGEST = 20_000  # characters


def urls(admin_site) -> list:
    """For `MemberAdmin.get_urls`."""
    pages = ((overview, "circulars/", "circulars"), (write, "circulars/write/", "circular_write"))
    return [path(route, admin_site.admin_view(view), name=f"members_{name}") for view, route, name in pages]


class CircularForm(forms.Form):
    """Whom, and what in each language: `subject_pt`, `text_pt`. A language with one of both is not whole."""

    roles = forms.MultipleChoiceField(label=gettext_lazy("Roles"), choices=ContactRole.Role.choices)
    categories = forms.MultipleChoiceField(label=gettext_lazy("Categories"), required=False)
    types = forms.MultipleChoiceField(label=gettext_lazy("Types"), required=False)
    areas = forms.MultipleChoiceField(label=gettext_lazy("Activity areas"), required=False)
    rights = forms.MultipleChoiceField(label=gettext_lazy("Rights"), required=False)
    countries = forms.MultipleChoiceField(label=gettext_lazy("Countries"), required=False)
    lacks = forms.ChoiceField(label=gettext_lazy("Only members with"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, model in (("categories", Category), ("types", OrganisationType), ("areas", Area), ("rights", Right)):
            self._offer(name, [(row.key, str(row)) for row in model.objects.prefetch_related("translations")])
        self._offer("countries", _countries())
        self._offer("roles", ContactRole.Role.choices)
        self.fields["lacks"].choices = [("", _("everything, or nothing, lacking")), *GAPS.items()]
        for code, _name in settings.LANGUAGES:
            attributes = {"lang": code, "spellcheck": "true"}
            self.fields[f"subject_{code}"] = forms.CharField(
                label=_("Subject"), max_length=150, required=False, widget=forms.TextInput(attrs=attributes)
            )
            self.fields[f"text_{code}"] = forms.CharField(
                label=_("Text"),
                max_length=LONGEST,
                required=False,
                widget=forms.Textarea(attrs=attributes | {"rows": 10}),
            )

    def _offer(self, name: str, choices: list) -> None:
        self.fields[name].widget = forms.CheckboxSelectMultiple()
        self.fields[name].choices = choices

    def clean(self):
        values = super().clean()
        for code in self.words_by_language(values, halves=True):
            for part in ("subject", "text"):
                if not values.get(f"{part}_{code}"):
                    self.add_error(f"{part}_{code}", _("A language needs both, a subject and a text."))
        if not self.words_by_language(values) and not self.errors:
            self.add_error(None, _("Write a subject and a text in at least one language."))
        return values

    @staticmethod
    def words_by_language(values: dict, *, halves: bool = False) -> dict[str, Words]:
        """What is written, by language; `halves`: what is not whole instead."""
        found = {code: Words(values.get(f"subject_{code}", ""), values.get(f"text_{code}", "")) for code in _codes()}
        told = {code: (bool(words.subject), bool(words.text)) for code, words in found.items()}
        return {
            code: words for code, words in found.items() if told[code] == (True, True) or (halves and any(told[code]))
        }

    @property
    def selection(self) -> circulars.Selection:
        chosen = {name: tuple(self.cleaned_data[name]) for name in CHOICES}
        return circulars.Selection(**chosen, lacks=self.cleaned_data["lacks"])

    @property
    def words(self) -> dict[str, Words]:
        return self.words_by_language(self.cleaned_data)

    @property
    def whom(self) -> list:
        return [self[name] for name in ("roles", "categories", "types", "areas", "rights", "countries")]

    @property
    def languages(self) -> list[tuple[str, str, object, object, bool]]:
        """Code, name, the two fields, and whether there is something in them or wrong with them."""
        return [
            (
                code,
                alternates.own_name(code),
                self[f"subject_{code}"],
                self[f"text_{code}"],
                any(self[f"{part}_{code}"].value() or self[f"{part}_{code}"].errors for part in ("subject", "text")),
            )
            for code in _codes()
        ]


def _codes() -> list[str]:
    return [code for code, _name in settings.LANGUAGES]


def _countries() -> list[tuple[str, str]]:
    codes = Member.objects.current(on=timezone.localdate()).order_by().values_list("country", flat=True).distinct()
    named = {localising.country_name(code, get_language() or "en"): code for code in codes}
    return [(named[name], name) for name in localising.in_order(named)]


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What was sent, and how far it is."""
    frame.require(request, MAIL)
    context = {"circulars": progress(), "may_watch": request.user.has_perm("newsletter.view_issue")}
    return frame.page(request, "circulars.html", _("Letters to the members’ contacts"), model=Member, **context)


def write(request: HttpRequest) -> HttpResponse:
    """The form; then how many it concerns, with the mail as it will look; then it is sent. Nothing that was typed is
    lost on the way: it travels with the page."""
    frame.require(request, MAIL)
    asked = request.POST if request.method == "POST" else None
    form = CircularForm(asked, initial={"roles": [ContactRole.Role.CONTACT]})
    context: dict[str, object] = {"form": form}
    if asked is not None and form.is_valid() and "back" not in asked:
        if "send" in asked and (answer := _sent(request, form)):
            return answer
        context |= _looked_at(form)
    status = 400 if asked is not None and not form.is_valid() else 200
    return frame.page(request, "circular_write.html", _("Write to the members"), model=Member, status=status, **context)


def _sent(request: HttpRequest, form: CircularForm) -> HttpResponse | None:
    try:
        circulars.send(form.selection, form.words, by=request.user, now=timezone.now())
    except NotSent as why:
        form.add_error(None, str(why))
        return None
    messages.success(request, _("The letter is on its way."))
    return HttpResponseRedirect(reverse("admin:members_circulars"))


def _looked_at(form: CircularForm) -> dict[str, object]:
    audience = circulars.audience(form.selection, today=timezone.localdate())
    words = form.words
    otherwise = "en" if "en" in words else next(iter(words))
    lacking = sum(number for code, number in audience.languages.items() if code not in words)
    sentence = ngettext("%(number)d person gets this letter.", "%(number)d people get this letter.", audience.people)
    return {
        "audience": audience,
        "sentence": sentence % {"number": audience.people},
        "previews": [
            (code, alternates.own_name(code), audience.languages.get(code, 0), preview(one, code, why=circulars.WHY))
            for code, one in words.items()
        ],
        "lacking": lacking,
        "otherwise": alternates.own_name(otherwise),
    }
