"""What people write us who want to read the newsletter, or want their personal link."""

import datetime
from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy as _

from newsletter import wordings
from newsletter.addresses import InvalidAddress, normalise
from newsletter.translating import LANGUAGES
from picum import alternates

CHOICES = ["first", "second", "third"]
QUICKEST = datetime.timedelta(seconds=2)
LONGEST = datetime.timedelta(days=1)
NOW = datetime.timedelta(0)


def stamp(now: datetime.datetime) -> str:
    """When a form was shown, in milliseconds, signed: how long somebody took to fill it in, without a cookie."""
    return _signer().sign(str(int(now.timestamp() * 1000)))


def age(stamped: str, *, now: datetime.datetime) -> datetime.timedelta | None:
    """How long ago this stamp was made; None when it is none of ours."""
    try:
        shown_at = int(_signer().unsign(stamped))
    except (signing.BadSignature, ValueError):
        return None
    return datetime.timedelta(milliseconds=now.timestamp() * 1000 - shown_at)


def _signer() -> signing.Signer:
    return signing.Signer(salt="picum.form shown")


class AddressForm(forms.Form):
    """A mail address, and two things that tell people from programs: a field that no person sees, and a time.

    The form is shown again, with everything that was typed, when it was filled in more quickly than a person can, or
    came with a stamp that is not ours or is older than a day.
    """

    address = forms.CharField(error_messages={"required": _("Please write your mail address here.")})
    # Nobody sees it: see templates/_partials/sign_up_guard.html.
    subject = forms.CharField(required=False)
    stamp = forms.CharField(required=False)

    def __init__(self, data=None, *, now: datetime.datetime):
        super().__init__(data)
        self.now = now

    @property
    def is_trapped(self) -> bool:
        """A program filled in what no person sees."""
        return bool(self.data.get("subject"))

    @property
    def stamp_to_show(self) -> str:
        """The one that came, as long as it is good: whoever corrects a letter need not wait again. One of the future is
        not: the clock was set back, and would have to come there first."""
        stamped = self.data.get("stamp", "")
        shown = age(stamped, now=self.now)
        return stamped if shown is not None and NOW <= shown < LONGEST else stamp(self.now)

    def clean_address(self) -> str:
        try:
            return normalise(self.cleaned_data["address"])
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, object]:
        shown = age(self.data.get("stamp", ""), now=self.now)
        if shown is None or not QUICKEST <= shown < LONGEST:
            self.add_error(
                None, _("Please press the button once more: we could not see yet that a person filled in this form.")
            )
        return super().clean()


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
