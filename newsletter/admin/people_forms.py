"""What the pages about the desk's people ask."""

from django import forms
from django.conf import settings
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from newsletter import translating
from newsletter.rendering import language_name
from newsletter.translation.access import ALL, TRANSLATE
from picum.addresses import InvalidAddress, reachable

# The names of the roles are data; here they are said to the catalogues.
ROLES = [
    gettext_noop("Translators"),
    gettext_noop("Editors"),
    gettext_noop("Publishers"),
    gettext_noop("Readers' desk"),
    gettext_noop("Secretariat"),
]


class Roles(forms.ModelMultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, group: Group) -> str:
        return _(group.name) if group.name in ROLES else group.name


class LanguagesForm(forms.Form):
    """Into which languages somebody translates."""

    use_required_attribute = False

    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Translates into"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Please choose at least one language.")},
    )

    def __init__(self, *args, spoken: str, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["languages"].choices = [(code, language_name(code, spoken)) for code in translating.LANGUAGES]


class InviteForm(LanguagesForm):
    """Whom to invite, and to what. `groups`: those that may be given."""

    address = forms.CharField(
        label=gettext_lazy("Mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=150)
    language = forms.ChoiceField(
        label=gettext_lazy("Language of the mail"),
        choices=settings.LANGUAGES,
        help_text=gettext_lazy("The desk speaks it too; they can change that when they come."),
    )
    roles = Roles(queryset=Group.objects.none(), label=gettext_lazy("Roles"))
    field_order = ["address", "name", "language", "roles", "languages"]

    def __init__(self, *args, groups, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["roles"].queryset = groups.prefetch_related("permissions__content_type")
        self.fields["languages"].required = False
        self.fields["languages"].help_text = _("Whoever edits may write in all of them.")

    def clean_address(self) -> str:
        try:
            return reachable(self.cleaned_data["address"])
        except InvalidAddress as why:
            raise forms.ValidationError(str(why)) from why

    def clean(self):
        values = super().clean()
        if "roles" in values and not values.get("languages") and _translates_only(values["roles"]):
            self.add_error("languages", _("Please choose at least one language."))
        return values

    @property
    def about(self) -> dict[str, str]:
        """For the invitation: the languages, where they matter."""
        chosen = self.cleaned_data["languages"]
        return {"languages": " ".join(chosen)} if chosen and _translates_only(self.cleaned_data["roles"]) else {}


def _translates_only(groups) -> bool:
    rights = {f"{one.content_type.app_label}.{one.codename}" for group in groups for one in group.permissions.all()}
    return TRANSLATE in rights and not rights & set(ALL)
