"""What readers send us."""

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

LANGUAGES = [code for code, _name in settings.LANGUAGES]
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
