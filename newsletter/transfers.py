"""Items go from one issue to another, as long as neither has gone out."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from newsletter import compose, two_people
from newsletter.models import Edition, Issue, Item, Text
from picum.accounts import audit
from picum.accounts.models import User


class NotPossible(Exception):
    """They stay where they are, all of them; the message says why to the person."""


def open_issues() -> QuerySet[Issue]:
    """Newsletters of which no edition is settled or published, the newest first."""
    gone = Edition.objects.filter(Q(published_at__isnull=False) | Q(frozen_at__isnull=False), issue=OuterRef("pk"))
    return Issue.objects.newsletters().filter(~Exists(gone))


@transaction.atomic
def transfer(items: Collection[int], *, to: int, by: User) -> list[Item]:
    """Items, by their numbers, go to the end of their sections in another issue, in the order that they had, with all
    that is written of them. Those that are there already, or nowhere any more, are left alone. Audited, each. Raises
    NotPossible when the issue, or one from which an item comes, went out. Returns those that went."""
    there = Item.objects.filter(pk__in=items)
    named = {to, *there.values_list("issue", flat=True)}
    # Whoever freezes an edition, or puts items in order, waits here, or we do.
    locked = {issue.pk for issue in Issue.objects.select_for_update().filter(pk__in=named).order_by("pk")}
    rows = there.filter(issue__in=locked).exclude(issue=to).select_related("issue")
    moved = list(rows.order_by("issue__period", "issue", *Item._meta.ordering))
    if not open_issues().filter(pk=to).exists():
        raise NotPossible(_("This issue went out already, or there is none. Choose another one."))
    if moved and two_people.has_been_looked_at(to):
        raise NotPossible(_("An edition of this issue is ready. Set it back to draft first: sending takes two people."))
    staying = {item.issue_id for item in moved} - set(open_issues().values_list("pk", flat=True))
    if staying:
        raise NotPossible(_("Items of issues that went out stay where readers found them, so nothing was moved."))
    for item in moved:
        left = item.issue
        item.issue_id = to
        item.save(update_fields=["issue"])
        compose.place_last(item)
        audit.record("item.transfer", by=by, on=item, left=left.slug, to=item.issue.slug)
    Text.objects.filter(item__in=[item.pk for item in moved]).update(issue=to)
    return moved
