"""Who gets which texts, until when: the form below the board."""

import datetime
from collections.abc import Callable

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from newsletter.models import Text
from newsletter.rendering import language_name
from newsletter.translation import access
from newsletter.translation.board import Board, Stage
from picum.accounts.models import User

CHOSEN, NOBODY = "chosen", "nobody"
DATE = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AssignForm(forms.Form):
    """`which`: the chosen cells, or all of a language that are missing or outdated ("missing:pt"). What is left empty
    stays as it is. Three queries."""

    which = forms.ChoiceField(label=gettext_lazy("Which texts"))
    to = forms.ChoiceField(label=gettext_lazy("Who has them"), required=False)
    due_on = forms.DateField(label=gettext_lazy("Until"), required=False, widget=DATE)

    def __init__(self, found: Board, data=None):
        super().__init__(data, auto_id="assign-%s")
        self._writers = {str(user.pk): (user, languages) for user, languages in access.writers().items()}
        self.fields["which"].choices = [(CHOSEN, _("those ticked above")), *_whole_languages(found)]
        people = [(key, f"{user} ({' '.join(codes)})") for key, (user, codes) in self._writers.items()]
        self.fields["to"].choices = [("", _("stays as it is")), (NOBODY, _("nobody")), *people]

    def clean_due_on(self) -> datetime.date | None:
        day = self.cleaned_data["due_on"]
        if day and day < timezone.localdate():
            raise forms.ValidationError(_("That day is over."))
        return day

    def clean(self) -> dict:
        values = super().clean()
        if not self.errors and not values["to"] and not values["due_on"]:
            raise forms.ValidationError(_("Say who has the texts from now on, or until when."))
        return values

    @property
    def all_of(self) -> tuple[str, str] | None:
        """The stage and the language of which all are meant; None: the chosen ones."""
        stage, _colon, language = self.cleaned_data["which"].partition(":")
        return (stage, language) if language else None

    def may_have(self, language: str) -> str:
        """Why the chosen person cannot have texts in a language, "" if they can."""
        user, languages = self._writers.get(self.cleaned_data["to"], (None, [language]))
        return "" if language in languages else _("%s does not write in this language.") % user

    def terms(self, text: Text) -> tuple[User | None, datetime.date | None]:
        """Who has the text from now on, and until when."""
        to = self.cleaned_data["to"]
        person = text.assignee if not to else self._writers.get(to, (None, []))[0]
        return person, self.cleaned_data["due_on"] or text.due_on


def _whole_languages(found: Board) -> list[tuple[str, str]]:
    spoken = get_language() or "en"
    choices = []
    for column in found.columns:
        language = language_name(column.language, spoken)
        for stage, sentence in _SENTENCES.items():
            if count := column.counts[stage]:
                choices.append((f"{stage.value}:{column.language}", sentence(language, count)))
    return choices


def _missing(language: str, count: int) -> str:
    words = ngettext("the %(count)d missing text in %(language)s", "all %(count)d missing texts in %(language)s", count)
    return words % {"count": count, "language": language}


def _outdated(language: str, count: int) -> str:
    words = ngettext(
        "the %(count)d outdated text in %(language)s", "all %(count)d outdated texts in %(language)s", count
    )
    return words % {"count": count, "language": language}


_SENTENCES: dict[Stage, Callable[[str, int], str]] = {Stage.MISSING: _missing, Stage.OUTDATED: _outdated}
