"""Putting an issue together: start it, order its items, and see what is wrong with an edition before it goes out."""

import datetime
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from newsletter import lifecycle, rendering, translating
from newsletter.models import Edition, Issue, Item, Section
from picum import localising
from picum.accounts import audit
from picum.accounts.models import User


@dataclass(frozen=True)
class Problem:
    """What an editor should know before sending. `blocking`: the edition must not go out like this."""

    text: str
    blocking: bool = False
    items: tuple[Item, ...] = ()


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


# --- before sending ---------------------------------------------------------------------------------------------------


def declare_ready(edition: Edition, *, by: User | None) -> Edition:
    """From draft to ready, unless a problem forbids it. Raises Blocked or `lifecycle.IllegalMove`."""
    blocking = [problem.text for problem in problems(edition) if problem.blocking]
    if blocking:
        raise Blocked(" ".join(blocking))
    return lifecycle.move(edition, Edition.State.READY, by=by, of={Edition.State.DRAFT})


def back_to_draft(edition: Edition, *, by: User | None) -> Edition:
    """From ready to draft. Raises `lifecycle.IllegalMove`."""
    return lifecycle.move(edition, Edition.State.DRAFT, by=by)


def problems(edition: Edition, *, at: datetime.datetime | None = None) -> list[Problem]:
    """What is wrong with an edition, blocking problems first, in the words of the active language; with `at`, what is
    wrong with sending it at that moment. An item that must not appear yet blocks the sending alone: an edition may well
    be ready, and scheduled for a day when the item may appear.

    Nothing is queried when `edition.issue` comes from `Issue.objects.with_contents()`.
    """
    issue, language = edition.issue, edition.language
    composition = rendering.compose(issue, language)
    found = [
        *_subject(composition),
        *_items(issue, language, composition),
        *too_early(issue, language, at=at),
        *_around(issue, language),
        *_size(composition),
    ]
    return sorted(found, key=lambda problem: not problem.blocking)


def _subject(composition: rendering.Composition) -> list[Problem]:
    if composition.subject.strip():
        return []
    return [Problem(_("The subject of the mail is missing in %s.") % _in_words(composition.language), True)]


def _items(issue: Issue, language: str, composition: rendering.Composition) -> list[Problem]:
    missing = translating.missing(issue, language)
    nowhere = [item for item in missing if not translating.texts(item)]
    elsewhere = tuple(item for item in missing if item not in nowhere)
    found = []
    if not composition.entries:
        found.append(Problem(_("There is no item to show."), True))
    if elsewhere and issue.fallback == Issue.Fallback.MARK:
        text = ngettext(
            "%(count)d item is not written in %(language)s: readers see it in their next language, marked as such.",
            "%(count)d items are not written in %(language)s: readers see them in their next language, marked as such.",
            len(elsewhere),
        )
        found.append(Problem(_count(text, elsewhere, language), items=elsewhere))
    elif elsewhere:
        text = ngettext(
            "%(count)d item is not written in %(language)s: it is left out.",
            "%(count)d items are not written in %(language)s: they are left out.",
            len(elsewhere),
        )
        found.append(Problem(_count(text, elsewhere, language), items=elsewhere))
    if nowhere:
        text = ngettext(
            "%(count)d item has no text in any language: it is left out.",
            "%(count)d items have no text in any language: they are left out.",
            len(nowhere),
        )
        found.append(Problem(_count(text, nowhere, language), items=tuple(nowhere)))
    return found


def too_early(issue: Issue, language: str, *, at: datetime.datetime | None = None) -> list[Problem]:
    """The problem of items that must not appear yet, if there is one: for a sending at `at` it blocks."""
    day = localising.local_day(at or timezone.now())
    shown = translating.contents(issue, language, ()).items
    items = tuple(item for item, _code in shown if item.not_before and item.not_before > day)
    if not items:
        return []
    first = localising.day(max(item.not_before for item in items), get_language() or "en")
    text = ngettext(
        "%(count)d item must not appear yet: this edition can go out on %(day)s at the earliest.",
        "%(count)d items must not appear yet: this edition can go out on %(day)s at the earliest.",
        len(items),
    )
    return [Problem(text % {"count": len(items), "day": first}, blocking=at is not None, items=items)]


def _around(issue: Issue, language: str) -> list[Problem]:
    """Texts around the items that another language has and this one lacks."""
    texts = {row.language_code: row for row in issue.translations.all()}
    own = texts.get(language)
    warnings = {
        "masthead": _("The masthead is missing in %s, though another language has one."),
        "message": _("The message from the editor is missing in %s, though another language has one."),
        "donation": _("The donation box is missing in %s, though another language has one."),
    }
    return [
        Problem(warning % _in_words(language))
        for field, warning in warnings.items()
        if not getattr(own, field, "").strip() and any(getattr(row, field).strip() for row in texts.values())
    ]


def _size(composition: rendering.Composition) -> list[Problem]:
    size = rendering.render_mail(composition, token="preview").size  # noqa: S106  # stands in for a reader's
    if size <= rendering.SIZE_WARNS:
        return []
    numbers = {"size": round(size / 1024), "limit": rendering.SIZE_REFUSED // 1024}
    if size > rendering.SIZE_REFUSED:
        text = _("The mail has %(size)d KB; above %(limit)d KB mail programs cut it off.")
        return [Problem(text % numbers, True)]
    return [Problem(_("The mail has %(size)d KB and comes near the limit of %(limit)d KB.") % numbers)]


def _count(text: str, items, language: str) -> str:
    return text % {"count": len(items), "language": _in_words(language)}


def _in_words(language: str) -> str:
    return rendering.language_name(language, get_language() or "en")
