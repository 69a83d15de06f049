"""The General Assembly: the list of applications that it decides about, and its decisions recorded for many at once."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from members import applications, people, register
from members.applications import IllegalMove
from members.models import Application, ApplicationEntry, Assembly, Category, OrganisationType, Referee
from picum import localising
from picum.accounts import audit
from picum.accounts.models import User
from picum.addresses import InvalidAddress

State = Application.State


class NotNow(Exception):
    """The assembly has not met yet, or all was recorded; the message says so to the person."""


class Decision(models.TextChoices):
    """What the assembly says about an application."""

    ADMIT = "admit", pgettext_lazy("an application", "admit")
    REFUSE = "refuse", pgettext_lazy("an application", "refuse")
    DEFER = "defer", pgettext_lazy("an application", "defer")


# --- the list ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """An application as the assembly's list tells it."""

    application: Application
    type: str
    referees: list[Referee]  # those who have answered
    asked: int  # how many referees there are
    board: str  # what the board said when it recommended it

    @property
    def supporters(self) -> int:
        return sum(referee.supports for referee in self.referees)


@dataclass(frozen=True)
class Land:
    """The applications from one country."""

    name: str
    entries: list[Entry]


def next_one() -> Assembly | None:
    """The assembly whose decisions are to be recorded next."""
    return Assembly.objects.filter(closed_at=None).order_by("date").first()


def applications_for(assembly: Assembly) -> models.QuerySet[Application]:
    """What it decided about and, as long as not all is recorded, what waits: recommended, or deferred by another."""
    chosen = Q(assembly=assembly)
    if assembly.closed_at is None:
        chosen |= Q(state__in=[State.RECOMMENDED, State.DEFERRED])
    return Application.objects.filter(chosen)


def by_country(assembly: Assembly, language: str) -> list[Land]:
    """The list, countries and names in the order of a language. Seven queries."""
    rows = applications_for(assembly).select_related("category")
    rows = rows.prefetch_related("category__translations", "referees", "entries")
    types = {row.key: str(row) for row in OrganisationType.objects.prefetch_related("translations")}
    lands: dict[str, list[Entry]] = {}
    for application in rows:
        name = localising.country_name(application.country, language)
        lands.setdefault(name, []).append(_entry(application, types))
    return [Land(name, _by_name(lands[name])) for name in localising.in_order(lands)]


def _entry(application: Application, types: dict[str, str]) -> Entry:
    referees = list(application.referees.all())
    said = [entry.words for entry in application.entries.all() if _is_recommendation(entry)]
    return Entry(
        application=application,
        type=types.get(application.answers.get("type") or "", ""),
        referees=[referee for referee in referees if referee.answered_at],
        asked=len(referees),
        board=said[-1] if said else "",
    )


def _is_recommendation(entry: ApplicationEntry) -> bool:
    return (entry.kind, entry.state) == (ApplicationEntry.Kind.MOVE, State.RECOMMENDED) and bool(entry.words)


def _by_name(entries: list[Entry]) -> list[Entry]:
    order = localising.in_order({entry.application.name for entry in entries})
    return sorted(entries, key=lambda entry: (order.index(entry.application.name), entry.application.pk))


HEADINGS = [
    gettext_lazy("Number"),
    gettext_lazy("Country"),
    gettext_lazy("Name"),
    gettext_lazy("Acronym"),
    gettext_lazy("Type"),
    gettext_lazy("Category"),
    gettext_lazy("State"),
    gettext_lazy("Why they want to join"),
    gettext_lazy("Referees in favour"),
    gettext_lazy("What the referees say"),
    gettext_lazy("What the board says"),
]


def table(assembly: Assembly, language: str) -> list[list[object]]:
    """The same list as a table with headings, in the language then active."""
    lines = [
        [
            entry.application.pk,
            land.name,
            entry.application.name,
            entry.application.answers.get("acronym") or "",
            entry.type,
            entry.application.category or "",
            entry.application.get_state_display(),
            entry.application.answers.get("why") or "",
            f"{entry.supporters} / {entry.asked}",
            " | ".join(f"{referee.name}: {referee.words}" for referee in entry.referees if referee.words),
            entry.board,
        ]
        for land in by_country(assembly, language)
        for entry in land.entries
    ]
    return [HEADINGS, *lines]


# --- its decisions ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decided:
    """The assembly's decision about an application. `words` go to the applicant, unless it is admitted."""

    application: Application
    what: Decision
    category: Category | None = None
    words: str = ""


@dataclass
class Report:
    """What was recorded, and what was not, with the reason in words."""

    done: Counter
    failed: list[tuple[Application, str]]


def check_open(assembly: Assembly, *, today: datetime.date) -> None:
    """Raises NotNow before the day of the assembly, and when all its decisions are recorded."""
    if assembly.closed_at:
        raise NotNow(_("All decisions of this General Assembly are recorded."))
    if assembly.date > today:
        raise NotNow(_("The General Assembly has not met yet. Its decisions can be recorded from its day on."))


def record(assembly: Assembly, decided: Iterable[Decided], *, by: User, now: datetime.datetime) -> Report:
    """Record what the assembly decided, each application in a transaction of its own: whoever is admitted becomes a
    member from the day of the assembly, and everybody concerned gets a letter. What moved meanwhile is left as it is
    and reported; the rest can be recorded later. When nothing waits for a decision any more, the assembly is closed.
    Audited. Raises NotNow."""
    check_open(assembly, today=localising.local_day(now))
    report = Report(Counter(), [])
    for decision in decided:
        try:
            _record(assembly, decision, by=by, now=now)
        except (IllegalMove, register.NotPossible, people.NotPossible, InvalidAddress) as why:
            report.failed.append((decision.application, str(why)))
        else:
            report.done[decision.what] += 1
    _close(assembly, by=by, now=now)
    return report


def _record(assembly: Assembly, decision: Decided, *, by: User, now: datetime.datetime) -> None:
    common = {"by": by, "now": now, "assembly": assembly}
    match decision.what:
        case Decision.ADMIT:
            applications.admit(decision.application, on=assembly.date, category=decision.category, **common)
        case Decision.REFUSE:
            applications.refuse(decision.application, words=decision.words, **common)
        case Decision.DEFER:
            applications.defer(decision.application, words=decision.words, **common)


def _close(assembly: Assembly, *, by: User, now: datetime.datetime) -> None:
    """All is recorded when something was decided, and nothing is recommended any more."""
    waits = Application.objects.filter(state=State.RECOMMENDED).exists()
    if waits or not assembly.applications.exists():
        return
    if Assembly.objects.filter(pk=assembly.pk, closed_at=None).update(closed_at=now):
        assembly.closed_at = now
        audit.record("assembly.close", by=by, on=assembly)
