"""What a member's people write for the newsletter, and what they answer."""

import datetime
import uuid

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from members.access import Seat
from members.forms.choosing import countries, own_languages
from members.reports import Told
from picum.areas.models import Area, Right

LONGEST = 6000  # letters of a report
FARTHEST = datetime.timedelta(days=366)


class ReportForm(forms.Form):
    """A new field report. `handle` goes with the page, so that a form sent twice is one report; `told` is there once
    the form is valid."""

    handle = forms.UUIDField(widget=forms.HiddenInput)
    language = forms.ChoiceField(label=gettext_lazy("Language of your report"), choices=own_languages)
    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    text = forms.CharField(
        label=gettext_lazy("What do you see?"),
        help_text=gettext_lazy(
            "What happened, when, to whom, and what it means; at most 6,000 letters, with an empty line between "
            "paragraphs. Please write so that nobody is recognised who could be harmed: no names, no exact addresses, "
            "no details that only one person has."
        ),
        widget=forms.Textarea(attrs={"rows": 12, "maxlength": LONGEST, "spellcheck": "true"}),
    )
    countries = forms.MultipleChoiceField(
        label=gettext_lazy("Countries that it is about"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        template_name="members/my/_countries_field.html",
    )
    areas = forms.MultipleChoiceField(
        label=gettext_lazy("Activity areas"), required=False, widget=forms.CheckboxSelectMultiple
    )
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("Rights that it is about"), required=False, widget=forms.CheckboxSelectMultiple
    )
    anonymous = forms.BooleanField(label=gettext_lazy("Name neither place nor person"), required=False)
    embargo_until = forms.DateField(
        label=gettext_lazy("Not before"),
        required=False,
        help_text=gettext_lazy("If it must not be published before a certain day."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    may_publish = forms.BooleanField(
        label=gettext_lazy("The newsletter may publish this report"),
        required=False,
        help_text=gettext_lazy(
            "Shortened and edited where needed, and translated into the other languages. Without this we read your "
            "report and publish nothing of it; you can agree later."
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, seat: Seat):
        own = seat.member.country.code
        language = seat.contact.language
        super().__init__(data, initial={"handle": uuid.uuid4(), "language": language, "countries": [own]})
        everywhere = countries(get_language())
        # Their own one first, so that nobody has to look for it.
        self.fields["countries"].choices = [one for one in everywhere if one[0] == own] + [
            one for one in everywhere if one[0] != own
        ]
        self.fields["areas"].choices = _named(Area.objects.all())
        self.fields["rights"].choices = _named(Right.objects.all())
        self.fields["embargo_until"].widget.attrs["min"] = timezone.localdate().isoformat()
        hint = _(
            "We leave out “%s”, your name and the countries; as the source stands “A member of the network”. Please "
            "name none of them in the title or the text either."
        )
        self.fields["anonymous"].help_text = hint % seat.member.name
        self.fields["text"].widget.attrs["lang"] = self._text_language(language)
        self.fields["title"].widget.attrs["lang"] = self._text_language(language)

    def _text_language(self, otherwise: str) -> str:
        """In which the text is written, as far as is known: for the spell checker and for screen readers."""
        chosen = self.data.get("language", "") if self.is_bound else ""
        return chosen if chosen in dict(settings.LANGUAGES) else otherwise

    def clean_text(self) -> str:
        text = self.cleaned_data["text"].replace("\r\n", "\n")
        if len(text) > LONGEST:  # as the browser counts: an end of line is one letter
            raise forms.ValidationError(_("This is too long: at most %d letters, please.") % LONGEST)
        return text

    def clean_embargo_until(self) -> datetime.date | None:
        day, today = self.cleaned_data["embargo_until"], timezone.localdate()
        if day and day < today:
            raise forms.ValidationError(_("This day has passed. Leave it empty if there is no such day."))
        if day and day > today + FARTHEST:
            raise forms.ValidationError(_("This day is more than a year ahead."))
        return day

    @property
    def told(self) -> Told:
        return Told(**{name: value for name, value in self.cleaned_data.items() if name != "handle"})


class AnswerForm(forms.Form):
    """What a member answers to a question about its report."""

    words = forms.CharField(
        label=gettext_lazy("Your answer"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6})
    )


class ConsentForm(forms.Form):
    """Whether a report may be published."""

    may_publish = forms.TypedChoiceField(
        choices=[("yes", pgettext_lazy("consent", "Yes")), ("no", pgettext_lazy("consent", "No"))],
        coerce=lambda value: value == "yes",
    )


def _named(rows) -> list[tuple[str, str]]:
    """Rows that have a key and a name in each language."""
    return [(row.key, str(row)) for row in rows.prefetch_related("translations")]
