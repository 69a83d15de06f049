"""The members' part on the first page of the desk: what waits for the secretariat, and the ways to the pages that are
no list of rows; and on a member's page: the ways to what belongs to it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from members import leaving, payments, profile_fields, waiting
from members.admin import circulars, fee_pages, profiles, register_pages, reports
from members.admin import leaving as notices
from members.admin.applications import VIEW as APPLICATIONS
from members.models import Application, FieldReport, Member, ProfileChange
from picum.accounts.models import User

WAITING = ProfileChange.State.WAITING


@dataclass(frozen=True)
class Way:
    """A link; `number`: how many wait there, where something can."""

    words: str
    address: str
    number: int | None = None


def _applications() -> int:
    return waiting.counts()[waiting.Whom.SECRETARIAT]


def _changes() -> int:
    return ProfileChange.objects.filter(state=WAITING).count()


def _reports() -> int:
    return FieldReport.objects.filter(state=FieldReport.State.SENT).count()


def _notices() -> int:
    return leaving.notices(on=timezone.localdate()).count()


# Words, the name of the page and what it is narrowed by, who may open it, and how many wait there.
WAITS: list[tuple[str | Promise, str, dict[str, str], tuple[str, ...], Callable[[], int]]] = [
    (gettext_lazy("Applications"), "application_changelist", {"whom": "secretariat"}, (APPLICATIONS,), _applications),
    (ProfileChange._meta.verbose_name_plural, "profilechange_changelist", {}, profiles.LOOK, _changes),
    (gettext_lazy("Field reports"), "fieldreport_changelist", {"state": "sent"}, reports.READ, _reports),
    (gettext_lazy("Payments"), "payment_changelist", {}, (fee_pages.PAY,), lambda: payments.waiting().count()),
    (gettext_lazy("Notices to leave"), "notices", {}, notices.LOOK, _notices),
]
PAGES = [
    (gettext_lazy("What is lacking"), "gaps", register_pages.VIEW),
    (gettext_lazy("Arrears"), "fee_arrears", fee_pages.READ),
    (gettext_lazy("Letters"), "circulars", (circulars.MAIL,)),
    (gettext_lazy("Register"), "register", register_pages.VIEW),
    (gettext_lazy("Statistics"), "statistics", register_pages.VIEW),
]


def what_waits(user: User) -> list[Way]:
    """What this person can look at. One query for each kind."""
    return [
        Way(capfirst(words), _address(name, **asked), number())
        for words, name, asked, rights, number in WAITS
        if _may(user, rights)
    ]


def pages(user: User) -> list[Way]:
    """Pages of the members' part that this person may open, and that the list of all rows does not have."""
    return [Way(str(words), _address(name)) for words, name, rights in PAGES if _may(user, rights)]


def about(member: Member, user: User) -> list[Way]:
    """What belongs to a member and stands on other pages: three queries at most."""
    found = []
    if _may(user, fee_pages.READ):
        found.append(Way(_("Fees"), reverse("admin:members_fee_member", args=[member.pk])))
    if _may(user, (APPLICATIONS,)):
        words = capfirst(Application._meta.verbose_name)
        for number in Application.objects.filter(member=member).values_list("pk", flat=True):
            found.append(Way(words, reverse("admin:members_application_change", args=[number])))
    if _may(user, reports.READ) and (number := FieldReport.objects.filter(member=member).count()):
        found.append(Way(_("Field reports"), _address("fieldreport_changelist", q=member.name, state="all"), number))
    if _may(user, profiles.LOOK):
        found += [_change(asked) for asked in ProfileChange.objects.filter(member=member, state=WAITING).order_by("pk")]
    return found


def _change(asked: ProfileChange) -> Way:
    field = profile_fields.label(profile_fields.key_of(asked.field, asked.language), get_language() or "en")
    words = f"{capfirst(WAITING.label)}: {field}"
    return Way(words, reverse("admin:members_profilechange_change", args=[asked.pk]))


def _may(user: User, rights: tuple[str, ...]) -> bool:
    return any(map(user.has_perm, rights))


def _address(name: str, **asked: str) -> str:
    address = reverse(f"admin:members_{name}")
    return f"{address}?{urlencode(asked)}" if asked else address
