"""What a member's people send us from the smaller pages: what the directory shows, the code of conduct, a notice."""

from collections.abc import Mapping

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from members import visibility
from members.models import Shown
from picum.accounts import meanwhile


class VisibilityForm(forms.Form):
    """The choices of `members.visibility`; `as_read` says how they were when the page was made."""

    in_directory = forms.BooleanField(
        label=_("Show us in the public directory"),
        required=False,
        help_text=_("With name, acronym, country and type; everybody can find you there."),
    )
    shown = forms.MultipleChoiceField(
        label=_("Beside that, the directory shows"),
        choices=Shown.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    open_data = forms.BooleanField(
        label=_("Our entry may be in the lists to download (CSV, JSON)"),
        required=False,
        help_text=_(
            "Anybody may take these lists along and use them. They hold what the directory shows of you, and nothing "
            "more. Who has downloaded one keeps it, whatever you choose later."
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, stored: Mapping[str, bool]):
        shown = [what for what in Shown.values if stored[what]]
        super().__init__(data, initial={**stored, "shown": shown})
        found = meanwhile.read(self.data.get(meanwhile.AS_READ)) if self.is_bound else None
        self.as_read = {name: bool(found[name]) for name in visibility.CHOICES if found and name in found}
        self.as_read_to_show = meanwhile.written(stored)

    @property
    def wanted(self) -> dict[str, bool]:
        data = self.cleaned_data
        choices = {what: what in data["shown"] for what in Shown.values}
        return {**choices, "in_directory": data["in_directory"], "open_data": data["open_data"]}


class SignatureForm(forms.Form):
    """Who signs a version of the code of conduct, and which one they have read."""

    code = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))


class NoticeForm(forms.Form):
    """A notice to leave: a reason, if the member wants to give one. `sure` comes with the second button."""

    why = forms.CharField(
        label=_("Why do you leave?"),
        max_length=300,
        required=False,
        help_text=_("It helps us. The secretariat reads it, and it stays with the entry in the register."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    sure = forms.BooleanField(required=False)
