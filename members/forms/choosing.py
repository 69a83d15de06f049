"""What forms of the members' part share: lists to choose from in the page's language, and fields for names and mail
addresses."""

import datetime
from dataclasses import dataclass
from functools import lru_cache

from django import forms
from django.conf import settings
from django.core.validators import URLValidator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django_countries import countries as known_countries

from members import conduct
from members.models import CodeOfConduct, OrganisationType
from newsletter import subscriptions
from picum import alternates, localising
from picum.addresses import InvalidAddress, reachable
from picum.areas.models import Area, Right


@dataclass(frozen=True)
class Lists:
    """What is chosen from, as (key, name); the code of conduct in force, if there is one; the words of consent to the
    newsletter. All in the language of the page."""

    types: list[tuple[str, str]]
    areas: list[tuple[str, str]]
    rights: list[tuple[str, str]]
    code: CodeOfConduct | None
    newsletter: subscriptions.Words

    @classmethod
    def on(cls, day: datetime.date) -> "Lists":
        """As they are on a day. Eight queries."""
        types, areas, rights = (
            [(row.key, str(row)) for row in model.objects.prefetch_related("translations")]
            for model in (OrganisationType, Area, Right)
        )
        code = conduct.in_force(on=day)
        return cls(types, areas, rights, code, subscriptions.words_of_consent(get_language()))


@lru_cache(maxsize=8)
def countries(language: str) -> list[tuple[str, str]]:
    """All countries, in the alphabetical order of a language."""
    codes = {localising.country_name(code, language): code for code in known_countries.countries}
    return [(codes[name], name) for name in localising.in_order(codes)]


def own_languages() -> list[tuple[str, str]]:
    """The languages of the site, as they call themselves."""
    return [(code, alternates.own_name(code)) for code, _name in settings.LANGUAGES]


class MailField(forms.CharField):
    """An address to which we can write, in the one form in which addresses are stored."""

    widget = forms.EmailInput(attrs={"autocapitalize": "none", "spellcheck": "false"})

    def clean(self, value: object) -> str:
        value = super().clean(value)
        try:
            return reachable(value) if value else ""
        except InvalidAddress as error:
            raise forms.ValidationError(str(error), code="address") from None


class NameField(forms.CharField):
    """A name that strangers may get by mail: one line, and no web address, which is what would make abuse pay."""

    def clean(self, value: object) -> str:
        value = " ".join(super().clean(value).split())
        if "://" in value or "www." in value.casefold():
            raise forms.ValidationError(_("Please write a name here, without a web address."), code="address")
        return value


class WebField(forms.URLField):
    """An address in the web, of pages alone; without http:// or https:// it gets the latter."""

    default_validators = [URLValidator(["http", "https"])]

    def __init__(self, **options):
        super().__init__(**{"assume_scheme": "https", "max_length": 300} | options)
