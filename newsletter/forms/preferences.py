"""What readers send us from the page of their preferences: a form for each of its parts."""

from collections.abc import Sequence

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from newsletter.models import Subscriber
from newsletter.translating import LANGUAGES
from picum.addresses import InvalidAddress, reachable

PRESSES = ["add", "up", "down", "remove"]


class LanguagesForm(forms.Form):
    """An order of languages as the page showed it, and one button that was pressed: "up:es", "add:de" …

    Both come from the page, so that sending the same form twice has the same result as sending it once.
    `cleaned_data["order"]` is the new order.
    """

    languages = forms.MultipleChoiceField(choices=settings.LANGUAGES, required=False)
    press = forms.ChoiceField(choices=[(f"{verb}:{code}",) * 2 for verb in PRESSES for code in LANGUAGES])

    def clean(self) -> dict[str, object]:
        data = super().clean()
        if not self.errors:
            order = list(dict.fromkeys(data["languages"]))
            data["order"] = _pressed(order, *data["press"].split(":"))
            if not data["order"]:
                raise forms.ValidationError(_("At least one language is needed."))
        return data


def _pressed(order: list[str], verb: str, code: str) -> list[str]:
    """The order after the button; unchanged where the button has no meaning (up at the top)."""
    place = order.index(code) if code in order else len(order)
    rest = [other for other in order if other != code]
    match verb:
        case "remove":
            return rest
        case "up" if code in order:
            place = max(place - 1, 0)
        case "down" if code in order:
            place += 1
    if verb != "add" and code not in order:
        return order
    return [*rest[:place], code, *rest[place:]]


class WishesForm(forms.Form):
    """The areas that interest a reader most, by their keys, and what they want of a language that is late."""

    areas = forms.MultipleChoiceField(required=False)
    late = forms.ChoiceField(choices=Subscriber.Late.choices)

    def __init__(self, data=None, *, areas: Sequence[str]):
        super().__init__(data)
        self.fields["areas"].choices = [(key, key) for key in areas]


class PauseForm(forms.Form):
    """A day; which days there are is said by `subscriptions.pause`. Without a calendar in the browser, it may be
    written as the page's language writes dates."""

    until = forms.DateField(
        error_messages={
            "required": _("Choose a day."),
            "invalid": _("This is not a day. Please write it like this: 2027-03-31."),
        }
    )


class MoveForm(forms.Form):
    """Another address of the reader's."""

    address = forms.CharField(
        max_length=1000,  # how long an address may be is said by `addresses`; here only what is worth reading
        error_messages={"required": _("Please write your new mail address here.")},
    )

    def clean_address(self) -> str:
        try:
            return reachable(self.cleaned_data["address"])
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from None


class NoFields(forms.Form):
    """A button alone."""
