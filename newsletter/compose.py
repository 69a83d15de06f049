"""Putting an issue together: start it, order its items, and declare its editions ready."""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter import lifecycle, link_checks, problems, translating
from newsletter.models import Edition, Issue, Item, Section
from picum.accounts import audit
from picum.accounts.models import User


class Blocked(Exception):
    """The edition has problems that must be solved first; the message says which."""


class TakenSlug(ValueError):
    """An issue cannot have this address; the message says why."""


# --- issues -------------------------------------------------------------------------------------------------------


def start_issue(
    *,
    period: datetime.date,
    period_kind: str = Issue.Period.MONTH,
    slug: str = "",
    finalised_on: datetime.date | None = None,
    fallback: str = Issue.Fallback.MARK,
    by: User | None = None,
) -> Issue:
    """A new, empty issue with an edition in each of the seven languages, in one transaction; leaves an audit line.

    Without a slug the issue is named after its period: "2026-05", "2026-q2" or "2026-05-14". Raises TakenSlug.
    """
    check_slug(slug)
    with transaction.atomic():
        issue = Issue.objects.create(
            slug=slug or free_slug(period_kind, period),
            period_kind=period_kind,
            period=period,
            finalised_on=finalised_on,
            fallback=fallback,
        )
        ensure_editions(issue)
        audit.record("issue.start", by=by, on=issue, slug=issue.slug)
    return issue


def ensure_editions(issue: Issue) -> None:
    """Give the issue an edition in every language; those it has are left alone."""
    Edition.objects.bulk_create(
        [Edition(issue=issue, language=language) for language in translating.LANGUAGES],
        ignore_conflicts=True,
    )


# What follows "newsletter/" in the addresses of other pages: newsletter/urls.py.
OURS = {"data", "feed", "items", "leave", "link", "move", "preferences", "sign-up", "undo"}


def check_slug(slug: str) -> None:
    """Raises TakenSlug for an address under which another page of ours is, or begins."""
    if slug in OURS:
        raise TakenSlug(_("“%s” is an address of other pages of the newsletter; choose another one.") % slug)


def slug_for(period_kind: str, period: datetime.date) -> str:
    """The address that a period suggests: "2026-05", "2026-q2", "2026-05-14"."""
    if period_kind == Issue.Period.QUARTER:
        return f"{period.year}-q{(period.month + 2) // 3}"
    if period_kind == Issue.Period.DATE:
        return period.isoformat()
    return f"{period:%Y-%m}"


def free_slug(period_kind: str, period: datetime.date) -> str:
    """`slug_for`, with "-2", "-3" … behind it when another issue has that address already."""
    wanted = slug_for(period_kind, period)
    taken = set(Issue.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    candidate, number = wanted, 2
    while candidate in taken:
        candidate, number = f"{wanted}-{number}", number + 1
    return candidate


# --- order ----------------------------------------------------------------------------------------------------------


def move_item(item: Item, *, by: int) -> bool:
    """One step up (-1) or down (+1), over the edge of its section into the neighbouring one, whether empty or not.

    Returns False when the item already stands at that end of the issue. Holds the issue's row, so that two editors
    do not mix up the order.
    """
    with transaction.atomic():
        Issue.objects.select_for_update().get(pk=item.issue_id)
        item.refresh_from_db(fields=["section", "position"])
        mine = _in_order(item.issue_id, item.section_id)
        at = mine.index(item)
        if 0 <= at + by < len(mine):
            mine.insert(at + by, mine.pop(at))
            _renumber(mine)
        else:
            sections = list(Section.objects.order_by(*Section._meta.ordering).values_list("pk", flat=True))
            to = sections.index(item.section_id) + by
            if not 0 <= to < len(sections):
                return False
            theirs = _in_order(item.issue_id, sections[to])
            item.section_id = sections[to]
            item.save(update_fields=["section"])
            mine.remove(item)
            theirs.insert(len(theirs) if by < 0 else 0, item)
            _renumber(mine)
            _renumber(theirs)
        item.refresh_from_db(fields=["section", "position"])
    return True


def place_last(item: Item) -> None:
    """Put a new item, or one that changed its section, at the end of the section."""
    others = Item.objects.filter(issue=item.issue_id, section=item.section_id).exclude(pk=item.pk)
    item.position = (others.aggregate(last=Max("position"))["last"] or 0) + 1
    item.save(update_fields=["position"])


def move_section(section: Section, *, by: int) -> bool:
    """One step up (-1) or down (+1) in the order of all issues that are not frozen. False at either end."""
    with transaction.atomic():
        sections = list(Section.objects.select_for_update().order_by(*Section._meta.ordering))
        at = sections.index(section)
        if not 0 <= at + by < len(sections):
            return False
        sections.insert(at + by, sections.pop(at))
        _renumber(sections)
    return True


@dataclass(frozen=True)
class Standing:
    """Where an item stands: the ids of the items before and after it in the issue, its number within its section."""

    before: int | None
    after: int | None
    number: int
    of: int


def standing(item: Item) -> Standing:
    """One query."""
    rows = Item.objects.filter(issue=item.issue_id).order_by(*Item._meta.ordering).values_list("pk", "section")
    order = [pk for pk, _section in rows]
    mine = dict(rows)[item.pk]  # as stored: the item may carry what a form could not save
    beside = [pk for pk, section in rows if section == mine]
    at = order.index(item.pk)
    return Standing(
        before=order[at - 1] if at else None,
        after=order[at + 1] if at + 1 < len(order) else None,
        number=beside.index(item.pk) + 1,
        of=len(beside),
    )


def _in_order(issue_id: int, section_id: int) -> list[Item]:
    return list(Item.objects.filter(issue=issue_id, section=section_id).order_by("position", "pk"))


def _renumber(rows: list) -> None:
    """Positions 1, 2, 3 …; only those that changed are written."""
    moved = [(row, number) for number, row in enumerate(rows, 1) if row.position != number]
    for row, number in moved:
        row.position = number
    if moved:
        type(moved[0][0]).objects.bulk_update([row for row, _number in moved], ["position"])


# --- ready or not ---------------------------------------------------------------------------------------------------


def declare_ready(edition: Edition, *, by: User | None) -> Edition:
    """From draft to ready, unless a problem forbids it; who did it is remembered (`newsletter.two_people`). Raises
    Blocked or `lifecycle.IllegalMove`."""
    if found := problems.forbidding(edition):
        raise Blocked(" ".join(problem.text for problem in found))
    seen = {"ready_by": by, "ready_at": timezone.now(), "let_go_at": None}
    lifecycle.move(edition, Edition.State.READY, by=by, of={Edition.State.DRAFT}, **seen)
    link_checks.ask(edition.issue, now=timezone.now(), older_than=link_checks.BEFORE_SENDING)
    return edition


def back_to_draft(edition: Edition, *, by: User | None) -> Edition:
    """From ready to draft. Raises `lifecycle.IllegalMove`."""
    return lifecycle.move(edition, Edition.State.DRAFT, by=by)
