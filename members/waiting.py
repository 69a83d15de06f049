"""What waits for whom, and since when: the secretariat's queue of applications. Reads only."""

import datetime
from dataclasses import dataclass

from django.db import models
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from members.models import Application, Referee
from picum import localising

State = Application.State


class Whom(models.TextChoices):
    """Who has the next word. An application may wait for several."""

    SECRETARIAT = "secretariat", _("secretariat")
    APPLICANT = "applicant", _("applicant")
    REFEREES = "referees", pgettext_lazy("of an applicant", "referees")
    BOARD = "board", _("board")
    ASSEMBLY = "assembly", _("General Assembly")


LOOKED_AT = [State.SUBMITTED, State.ASKED]  # as long as what referees say makes a difference
_SILENT = Q(referees__asked_at__isnull=False, referees__answered_at__isnull=True)
# Whether an application waits for somebody.
WAITS: dict[str, Q] = {
    Whom.SECRETARIAT: Q(state=State.SUBMITTED, complete_at__isnull=True),
    Whom.APPLICANT: Q(state=State.ASKED),
    Whom.REFEREES: Q(
        Exists(Referee.objects.filter(application=OuterRef("pk"), asked_at__isnull=False, answered_at__isnull=True)),
        state__in=LOOKED_AT,
    ),
    Whom.BOARD: Q(state=State.SUBMITTED, complete_at__isnull=False),
    Whom.ASSEMBLY: Q(state__in=[State.RECOMMENDED, State.DEFERRED]),
}


@dataclass(frozen=True)
class Wait:
    """An application waits for somebody since a moment. `of`: of how many referees, where some have answered."""

    whom: Whom
    since: datetime.datetime
    number: int = 1
    of: int = 1

    def days(self, today: datetime.date) -> int:
        return (today - localising.local_day(self.since)).days


def handed_in() -> QuerySet[Application]:
    """All that the desk may know of: a draft is its author's own, and so is one that was withdrawn as a draft."""
    return Application.objects.filter(submitted_at__isnull=False)


def with_waits(applications: QuerySet[Application]) -> QuerySet[Application]:
    """Each with what `waits` asks, those that have waited longest first."""
    return applications.annotate(
        waiting_since=Coalesce("complete_at", "state_since"),
        referees_asked=Count("referees", filter=Q(referees__asked_at__isnull=False)),
        referees_silent=Count("referees", filter=_SILENT),
        referees_since=Min("referees__asked_at", filter=_SILENT),
    ).order_by("waiting_since", "pk")


def waits(application: Application) -> list[Wait]:
    """For whom one of `with_waits` waits; nobody when something final was said."""
    found = []
    match application.state:
        case State.SUBMITTED:
            found.append(Wait(Whom.BOARD if application.complete_at else Whom.SECRETARIAT, application.waiting_since))
        case State.ASKED:
            found.append(Wait(Whom.APPLICANT, application.waiting_since))
        case State.RECOMMENDED | State.DEFERRED:
            found.append(Wait(Whom.ASSEMBLY, application.waiting_since))
    if application.state in LOOKED_AT and application.referees_silent:
        number, of = application.referees_silent, application.referees_asked
        found.append(Wait(Whom.REFEREES, application.referees_since, number, of))
    return found


def counts() -> dict[Whom, int]:
    """How many applications wait for whom. One query."""
    asked = {whom: Count("pk", filter=condition) for whom, condition in WAITS.items()}
    return {Whom(whom): number for whom, number in handed_in().aggregate(**asked).items()}
