"""What waits for a member's people to do: their overview shows it. Reads only."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from members import conduct, confirming, fees
from members.access import Seat
from members.models import Fee, FieldReport, ProfileChange, Signature


@dataclass
class Matters:
    """What is open for one person at one member; only what they may see and do there."""

    fees: list[Fee] = field(default_factory=list)  # asked for and not paid, each with `open_amount` and `is_late`
    reports: list[FieldReport] = field(default_factory=list)  # with a question of the secretariat's
    is_unsigned: bool = False  # the code of conduct that counts today
    is_unconfirmed: bool = False  # nobody has looked at the profile for a year
    waiting: int = 0  # changes of the profile that the secretariat has not looked at yet


def of(seats: Iterable[Seat], *, on: datetime.date) -> list[tuple[Seat, Matters]]:
    """Each place of a person with what is open there. Seven queries at most, however many places there are."""
    found = [(seat, Matters()) for seat in seats]
    _add_fees(_who_may("fees", found), on)
    _add_reports(_who_may("reports", found))
    _add_code(_who_may("conduct", found), on)
    _add_profile(_who_may("profile", found), on)
    return found


def _who_may(deed: str, found: list[tuple[Seat, Matters]]) -> dict[int, Matters]:
    return {seat.member.pk: matters for seat, matters in found if seat.may(deed)}


def _add_fees(places: dict[int, Matters], on: datetime.date) -> None:
    owed = Fee.objects.owed().filter(member__in=places, noted_on__isnull=False, year__in=fees.years(on))
    for fee in owed.order_by("year"):
        fee.is_late = fee.due_on < on
        places[fee.member_id].fees.append(fee)


def _add_reports(places: dict[int, Matters]) -> None:
    asked = FieldReport.objects.filter(member__in=places, state=FieldReport.State.ASKED)
    for report in asked.select_related("member").defer("text").order_by("state_since", "pk"):
        places[report.member_id].reports.append(report)


def _add_code(places: dict[int, Matters], on: datetime.date) -> None:
    code = conduct.in_force(on=on) if places else None
    if code is None:
        return
    signed = set(Signature.objects.filter(code=code, member__in=places).values_list("member", flat=True))
    for member, matters in places.items():
        matters.is_unsigned = member not in signed


def _add_profile(places: dict[int, Matters], on: datetime.date) -> None:
    overdue = set(confirming.overdue(on=on).filter(pk__in=places).values_list("pk", flat=True))
    waiting: dict[int, int] = defaultdict(int)
    asked = ProfileChange.objects.filter(member__in=places, state=ProfileChange.State.WAITING)
    for member in asked.values_list("member", flat=True):
        waiting[member] += 1
    for member, matters in places.items():
        matters.is_unconfirmed, matters.waiting = member in overdue, waiting[member]
