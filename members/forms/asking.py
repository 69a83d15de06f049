"""What applicants write beside the steps of the form, and what referees write."""

import datetime
from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.models import Category
from members.uploads import PaperField
from picum.stranger import AddressForm


class StartForm(AddressForm):
    """An address, and what one would like to become: a category that is open."""

    category = forms.ChoiceField(
        label=_("What would you like to become?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose one.")},
    )

    def __init__(self, data=None, *, categories: Sequence[Category], now: datetime.datetime):
        super().__init__(data, now=now)
        self.categories = {category.key: category for category in categories}
        self.fields["category"].choices = [(key, str(category)) for key, category in self.categories.items()]

    def clean_category(self) -> Category:
        return self.categories[self.cleaned_data["category"]]


class AnswerForm(forms.Form):
    """What an applicant answers to a question of the secretariat, perhaps with a paper."""

    words = forms.CharField(label=_("Your answer"), max_length=6000, widget=forms.Textarea)
    paper = PaperField(label=_("A paper that goes with it"), required=False)


class RefereeForm(forms.Form):
    """What a referee says."""

    supports = forms.TypedChoiceField(
        label=_("Do you support this application?"),
        choices=[("yes", pgettext_lazy("support", "Yes")), ("no", pgettext_lazy("support", "No"))],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": _("Please choose one.")},
    )
    words = forms.CharField(
        label=_("How do you know them, and what do you think of their work?"),
        max_length=4000,
        widget=forms.Textarea,
        required=False,
    )
