"""What the person who sends decides: which languages, who waits, and when."""

import datetime

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from newsletter import enqueue, problems
from newsletter.models import Edition, Issue
from newsletter.rendering import language_name
from picum import localising

NOW, LATER = "now", "later"
WAIT, GIVE_UP = "wait", "give-up"
FIRST_YEAR, LAST_YEAR = 2000, 2100
SENDABLE, UNFINISHED = Edition.State.READY, Edition.State.DRAFT


def in_our_time(day: datetime.date) -> None:
    """A slip of the pen is caught here; the first and the last year of the calendar have no day before or after."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        words = _("Choose a day between the years %(first)d and %(last)d.")
        raise forms.ValidationError(words % {"first": FIRST_YEAR, "last": LAST_YEAR})


class SendForm(forms.Form):
    """Bound to an issue's state at the moment: only what is ready can be chosen.

    `blocked`: languages whose edition is ready but has a problem that forbids sending. `chosen`, `given_up` and `at`
    (aware, None for now) are there once the form is valid.
    """

    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=[(NOW, gettext_lazy("Now")), (LATER, gettext_lazy("At a set time"))],
        initial=NOW,
        widget=forms.RadioSelect,
    )
    date = forms.DateField(
        label=gettext_lazy("Day"),
        required=False,
        validators=[in_our_time],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    time = forms.TimeField(
        label=gettext_lazy("Time"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )

    def __init__(self, *args, issue: Issue, blocked: set[str], **kwargs):
        super().__init__(*args, **kwargs)
        spoken = get_language() or "en"
        editions = list(issue.editions.all())
        ready = [edition.language for edition in editions if edition.state == SENDABLE]
        sendable = [code for code in ready if code not in blocked]
        self.issue = issue
        self.at: datetime.datetime | None = None
        self.fields["languages"] = forms.MultipleChoiceField(
            label=_("Languages to send"),
            choices=[(code, language_name(code, spoken)) for code in sendable],
            initial=sendable,
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "required": _("Choose at least one language."),
                "invalid_choice": _("One of the languages cannot be sent any more: its edition changed meanwhile."),
            },
        )
        self.late = [
            edition.language
            for edition in editions
            if edition.state == UNFINISHED or (edition.state == SENDABLE and edition.language in blocked)
        ]
        waits = {edition.language: edition.readers_wait for edition in editions}
        for code in self.late:
            name = language_name(code, spoken)
            self.fields[f"wait_{code}"] = forms.ChoiceField(
                label=_("Readers of %s") % name,
                choices=[(WAIT, _("readers wait for %s") % name), (GIVE_UP, _("do not wait for %s") % name)],
                initial=WAIT if waits[code] else GIVE_UP,
                widget=forms.RadioSelect,
            )

    def clean(self):
        values = super().clean()
        if values.get("when") == LATER:
            self.at = self._moment(values.get("date"), values.get("time"))
        if not self.errors:
            self._check_days(values["languages"])
        return values

    def _check_days(self, languages: list[str]) -> None:
        """Nothing goes out before the day of an item that must not appear earlier."""
        at = self.at or timezone.now()
        for code in languages:
            for problem in problems.too_early(self.issue, code, at=at):
                spoken = language_name(code, get_language() or "en")
                self.add_error("date" if self.at else "when", f"{spoken}: {problem.text}")

    def _moment(self, date: datetime.date | None, time: datetime.time | None) -> datetime.datetime | None:
        if date is None or time is None:
            if not self.errors:
                self.add_error("date", _("A set time needs both a day and a time."))
            return None
        zone = timezone.get_current_timezone()
        moment = datetime.datetime.combine(date, time, tzinfo=zone)
        # A local time that does not exist comes back from UTC as another one.
        if moment.astimezone(datetime.UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
            words = _("On that day the clocks go forward: %(time)s does not exist in %(zone)s. Choose another time.")
            self.add_error("time", words % {"time": f"{time:%H:%M}", "zone": zone_name()})
            return None
        if moment <= timezone.now():
            moment = moment.replace(fold=1)  # when the clocks go back, the same hour comes once more
        if moment <= timezone.now():
            self.add_error("date", _("That moment has passed already (it is %s now).") % now_in_words())
        if moment > timezone.now() + enqueue.FARTHEST:
            self.add_error("date", _("The time to send lies more than a year ahead."))
        return moment

    @property
    def comes_twice(self) -> bool:
        """Whether the clocks go back over the moment chosen, so that it is there twice; `at` is the next one."""
        return self.at is not None and self.at.replace(fold=0).utcoffset() != self.at.replace(fold=1).utcoffset()

    @property
    def chosen(self) -> list[str]:
        return self.cleaned_data["languages"]

    @property
    def given_up(self) -> list[str]:
        return [code for code in self.late if self.cleaned_data[f"wait_{code}"] == GIVE_UP]


def zone_name() -> str:
    """The time zone in which the desk speaks, by its name: "Europe/Brussels"."""
    return str(timezone.get_current_timezone())


def now_in_words() -> str:
    return localising.moment(timezone.localtime(), get_language() or "en")
