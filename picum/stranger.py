"""Forms that strangers fill in: what tells people from programs, without cookie and without script."""

import datetime

from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

from picum.addresses import InvalidAddress, normalise

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
