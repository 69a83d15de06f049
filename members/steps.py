"""The steps of an application: which there are, what is done, and what was answered, in words."""

import datetime
from dataclasses import dataclass

from django.forms import BooleanField, BoundField
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from members.forms import applying
from members.forms.applying import StepForm
from members.forms.choosing import Lists
from members.models import Application, Kind


@dataclass(frozen=True)
class Step:
    """A page of the form; `key` is its address."""

    key: str
    title: str
    form: type[StepForm]
    for_people: bool = True
    title_for_people: str = ""

    def title_for(self, application: Application) -> str:
        return self.title_for_people if self.title_for_people and application.kind == Kind.PERSON else self.title

    def opened(self, application: Application, lists: Lists) -> StepForm:
        """Its form with what the application holds, and what is wrong with that; without faults when nobody has been
        here."""
        held = self.form(application=application, lists=lists).answered()
        return self.form(held, application=application, lists=lists)


STEPS = [
    Step("about", _("Your organisation"), applying.About, title_for_people=_("About you")),
    Step("address", _("Address"), applying.Address),
    Step("work", _("Your work"), applying.Work),
    Step("people", _("People"), applying.People, for_people=False),
    Step("reasons", _("Why you want to join, and who knows you"), applying.Reasons),
    Step("papers", _("Papers"), applying.Papers, for_people=False),
    Step("choices", _("Directory and newsletter"), applying.Choices, title_for_people=_("Newsletter")),
    Step("code", _("Code of conduct and your data"), applying.Code),
]


@dataclass(frozen=True)
class Place:
    """A step of an application, and how far it is."""

    number: int
    step: Step
    title: str
    form: StepForm

    @property
    def is_begun(self) -> bool:
        return self.form.is_bound

    @property
    def is_done(self) -> bool:
        return self.form.is_valid()


def of(application: Application) -> list[Step]:
    """The steps that such an applicant has."""
    return [step for step in STEPS if step.for_people or application.kind != Kind.PERSON]


def places(application: Application, lists: Lists) -> list[Place]:
    """Every step, with its form."""
    return [
        Place(number, step, step.title_for(application), step.opened(application, lists))
        for number, step in enumerate(of(application), start=1)
    ]


def missing(application: Application, *, today: datetime.date) -> list[Step]:
    """The steps that are not complete; none: the application can be sent."""
    return [place.step for place in places(application, Lists.on(today)) if not place.is_done]


# --- in words -----------------------------------------------------------------------------------------------------

# Where the question itself is too long for a list of answers.
_SHORT = {"newsletter": _("Newsletter"), "signed_by": _("Signed by"), "privacy": _("Read how data are treated")}


def told(form: StepForm) -> list[tuple[str, list[tuple[str, str]]]]:
    """What was answered, in the language of the page: headings ("": none), and under each, questions and answers; ""
    where nothing was answered."""
    return [
        (heading, [(str(_SHORT.get(field.name, field.label)), in_words(field)) for field in fields])
        for heading, fields in form.grouped
        if not isinstance(form, applying.Papers)
    ]


def in_words(field: BoundField) -> str:
    """An answer as people read it."""
    value = field.value()
    if isinstance(field.field, BooleanField):
        return pgettext("answer", "yes") if value else pgettext("answer", "no")
    if choices := getattr(field.field, "choices", None):
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(str(name) for key, name in choices if key and key in chosen)
    return str(value or "")
