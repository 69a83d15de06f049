"""What staff write down about a deed, for the trail: it outlives the people whom it concerns."""

import re

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

LEAST = 10  # characters of a note that must be there: "asked" is none
_ADDRESS = re.compile(r"[^\s@]@[^\s@]")


class NoteForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Why, for the audit trail. No address and no name: it stays when people are forgotten."),
    )

    def clean_note(self) -> str:
        note = " ".join(self.cleaned_data["note"].split())
        if _ADDRESS.search(note):
            raise forms.ValidationError(_("Leave the address out: the note stays when the reader is forgotten."))
        if self.fields["note"].required and len(note) < LEAST:
            raise forms.ValidationError(_("Say why in at least %d characters.") % LEAST)
        return note


class ReasonForm(NoteForm):
    """A deed that needs a note."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["note"].required = True
