"""What a member's people send us about their profile."""

from django import forms
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from members import profile_fields
from members.forms.choosing import MailField, WebField, countries, own_languages
from members.forms.languages import WorkingLanguagesField
from members.models import Level, Member, OrganisationType
from members.profile_fields import Value, Values, fingerprint
from members.uploads import LogoField
from picum import localising
from picum.accounts import meanwhile
from picum.areas.models import Area, Right

LONGEST = 2000  # letters of a description
# What browsers and password managers fill in by themselves (WCAG 1.3.5).
AUTOCOMPLETE = {
    "name": "organization",
    "street": "street-address",
    "postcode": "postal-code",
    "city": "address-level2",
    "website": "url",
    "email": "email",
    "telephone": "tel",
}


class ComparedForm(forms.Form):
    """Fields of a profile, with the fingerprints of what the person has seen; `members.profiles.change` compares.

    `stored`: each field as the member wants it now, by its key in the profile.
    """

    def __init__(self, data: QueryDict | None = None, *, stored: Values):
        names = [name for name in self.base_fields if self.key(name) in stored]
        super().__init__(data, initial={name: stored[self.key(name)] for name in names})
        self._found = meanwhile.read(self.data.get(meanwhile.AS_READ)) if self.is_bound else None
        if self._found is None:
            self._found = {key: fingerprint(value) for key, value in stored.items()}

    def key(self, name: str) -> str:
        """The key in the profile of what is called so in the form."""
        return name

    @property
    def as_read(self) -> dict[str, str]:
        """The fingerprints of the fields that are in this form."""
        keys = {self.key(name) for name in self.fields}
        return {key: print_ for key, print_ in self._found.items() if key in keys and isinstance(print_, str)}

    @property
    def as_read_to_show(self) -> str:
        return meanwhile.written(self.as_read)

    @property
    def values(self) -> dict[str, Value]:
        """What was sent, by key of the profile."""
        return {self.key(name): value for name, value in self.cleaned_data.items()}

    def tell_conflict(self, stored: Values) -> None:
        """Others changed these fields meanwhile: say so, and show what they wrote. Sent once more, this form's words
        replace it."""
        names = {self.key(name): name for name in self.fields}
        for key, value in stored.items():
            words = profile_fields.in_words(key, value, get_language()) or _("nothing")
            self.add_error(names[key], format_html("{} {}", _("Stored now:"), words))
            self._found[key] = fingerprint(value)
        self.add_error(None, meanwhile.sentence())


class FactsForm(ComparedForm):
    """All of a profile but descriptions and logo. A field that is none of such a member's is left out."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    acronym = forms.CharField(label=gettext_lazy("Acronym"), max_length=30, required=False)
    country = forms.ChoiceField(label=gettext_lazy("Country of representation"))
    registration_number = forms.CharField(label=gettext_lazy("Registration number"), max_length=60, required=False)
    street = forms.CharField(label=gettext_lazy("Street and number"), max_length=200, required=False)
    postcode = forms.CharField(label=gettext_lazy("Postcode"), max_length=20, required=False)
    city = forms.CharField(label=gettext_lazy("Town"), max_length=100, required=False)
    website = WebField(label=gettext_lazy("Website"), required=False)
    email = MailField(label=gettext_lazy("Mail address"), max_length=254, required=False)
    telephone = forms.CharField(label=gettext_lazy("Telephone"), max_length=40, required=False)
    type = forms.ChoiceField(label=gettext_lazy("Type of organisation"), required=False)
    level = forms.ChoiceField(label=gettext_lazy("How far your work reaches"), required=False)
    areas = forms.MultipleChoiceField(
        label=gettext_lazy("Activity areas"), required=False, widget=forms.CheckboxSelectMultiple
    )
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("Rights you work on"), required=False, widget=forms.CheckboxSelectMultiple
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of correspondence"),
        choices=own_languages,
        help_text=gettext_lazy("In which we write to your organisation."),
    )
    languages = WorkingLanguagesField(label=gettext_lazy("Working languages"), required=False)
    original_language = forms.ChoiceField(
        label=gettext_lazy("Language of your own description"),
        choices=own_languages,
        help_text=gettext_lazy("Descriptions in other languages count as translations of it."),
    )

    def __init__(self, data: QueryDict | None = None, *, member: Member, stored: Values):
        super().__init__(data, stored=stored)
        own = profile_fields.fields_of(member)
        for name in [name for name in self.fields if name not in own]:
            del self.fields[name]
        for name, field in self.fields.items():
            field.widget.attrs |= (
                {"autocomplete": AUTOCOMPLETE.get(name, "off")} if not hasattr(field, "choices") else {}
            )
        if "acronym" not in own:  # a person
            self.fields["name"].widget.attrs["autocomplete"] = "name"
            self.fields["language"].help_text = gettext_lazy("In which we write to you.")
        self._offer(own)

    def _offer(self, own: tuple[str, ...]) -> None:
        """What can be chosen, in the language of the page. Four queries."""
        self.fields["country"].choices = _countries(self.initial["country"])
        self.fields["areas"].choices = _named(Area.objects.all())
        self.fields["rights"].choices = _named(Right.objects.all())
        if "type" in own:
            self.fields["type"].choices = [("", "–"), *_named(OrganisationType.objects.all())]
            self.fields["level"].choices = [("", "–"), *Level.choices]

    def clean_areas(self) -> list[str]:
        return sorted(self.cleaned_data["areas"])

    def clean_rights(self) -> list[str]:
        return sorted(self.cleaned_data["rights"])


class DescriptionForm(ComparedForm):
    """A description in one language."""

    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        help_text=gettext_lazy("What you do, for whom and where; at most 2,000 letters. Plain text."),
        widget=forms.Textarea(attrs={"rows": 10, "maxlength": LONGEST}),
    )

    def __init__(self, data: QueryDict | None = None, *, text_language: str, stored: Values):
        self.text_language = text_language
        super().__init__(data, stored=stored)
        self.fields["description"].widget.attrs |= {"lang": text_language, "spellcheck": "true"}

    def key(self, name: str) -> str:
        return profile_fields.key_of(name, self.text_language)

    def clean_description(self) -> str:
        text = self.cleaned_data["description"].replace("\r\n", "\n")
        if len(text) > LONGEST:  # as the browser counts: an end of line is one letter
            raise forms.ValidationError(_("This is too long: at most %d letters, please.") % LONGEST)
        return text


class LogoForm(forms.Form):
    """A new logo."""

    logo = LogoField(label=gettext_lazy("Logo"))


def _countries(chosen: str) -> list[tuple[str, str]]:
    """All countries; and the one that is chosen, even if there is no such country any more."""
    language = get_language()
    known = countries(language)
    if chosen in dict(known):
        return known
    return [(chosen, localising.country_name(chosen, language)), *known]


def _named(rows) -> list[tuple[str, str]]:
    """Rows that have a key and a name in each language."""
    return [(row.key, str(row)) for row in rows.prefetch_related("translations")]
