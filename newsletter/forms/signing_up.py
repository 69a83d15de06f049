"""What people write us who want to read the newsletter, or want their personal link."""

import datetime
from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from newsletter import wordings
from newsletter.translating import LANGUAGES
from picum import alternates
from picum.stranger import AddressForm

CHOICES = ["first", "second", "third"]


class SignUpForm(AddressForm):
    """An address, up to three languages in order of preference, areas, and the consent text that was read.

    `cleaned_data["languages"]` is the order of languages, each once; the page's language when none came.
    `cleaned_data["areas"]` are keys in the order of the areas.
    """

    first = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
    second = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
    third = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
    areas = forms.MultipleChoiceField(required=False)
    wording = forms.CharField(required=False)

    def __init__(self, data=None, *, language: str, areas: Sequence[str] = (), now: datetime.datetime):
        super().__init__(data, now=now)
        self.language = language
        self.fields["areas"].choices = [(key, key) for key in areas]

    @property
    def wording_to_show(self) -> str:
        return wordings.digest(self.language)

    @property
    def consent(self) -> str:
        return wordings.text(self.language)

    @property
    def choices(self) -> list[dict[str, object]]:
        """The three selects as they are to be shown; "" is none."""
        languages = [(code, alternates.own_name(code)) for code in LANGUAGES]
        labels = [_("First choice"), _("Second choice"), _("Third choice")]
        values = [self.data.get(name, "") for name in CHOICES]
        values[0] = values[0] or self.language
        return [
            {"name": name, "label": label, "value": value, "languages": languages}
            for name, label, value in zip(CHOICES, labels, values, strict=True)
        ]

    @property
    def language_errors(self) -> list[str]:
        return [error for name in CHOICES for error in self[name].errors]

    def clean_areas(self) -> list[str]:
        return [key for key, _name in self.fields["areas"].choices if key in self.cleaned_data["areas"]]

    def clean(self) -> dict[str, object]:
        data = super().clean()
        data["languages"] = list(dict.fromkeys(filter(None, (data.get(name) for name in CHOICES)))) or [self.language]
        if self.data.get("wording") != wordings.digest(self.language):
            self.add_error(
                None, _("The words that you agree to have changed since you opened this page: please read them again.")
            )
        return data
