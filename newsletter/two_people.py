"""Where SENDING_NEEDS_TWO is set, nobody sends alone: whoever made an edition ready, or changed its words after that,
cannot be the one who lets it go; and words that changed after somebody let it go wait for a second look.

"Words" are those of the edition's own language, of the items and around them. Order, sources and settings are not
looked at: docs/roles.md says so.
"""

from collections.abc import Iterable

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from newsletter.models import Edition, Revision, Text
from picum.accounts.models import User


def refusals(editions: Iterable[Edition], *, by: User | None) -> dict[int, str]:
    """Why `by` cannot be the one who lets these editions go, in a sentence for each that they cannot. Two queries for
    any number of editions, and none where one person is enough."""
    if not settings.SENDING_NEEDS_TWO:
        return {}
    editions = list(editions)
    if by is None:
        words = _("Sending takes two people here, and nobody is named who sends.")
        return {edition.pk: words for edition in editions}
    readied = User.objects.in_bulk({edition.ready_by_id for edition in editions if edition.ready_by_id})
    changed = _who_changed(editions)
    found = {edition.pk: _refusal(edition, by, readied, changed.get(edition.pk, set())) for edition in editions}
    return {pk: words for pk, words in found.items() if words}


def _refusal(edition: Edition, by: User, readied: dict[int, User], changed: set[int]) -> str:
    if edition.ready_by_id is None:
        return _("Nobody knows who made this edition ready. Set it back to draft, and make it ready once more.")
    if edition.ready_by_id == by.pk:
        words = _("Sending takes two people: %s made this edition ready, and somebody else must send it.")
        return words % readied[by.pk]
    if by.pk in changed:
        return (
            _("Sending takes two people: %s changed its words after it was ready, and somebody else must send it.") % by
        )
    return ""


def _who_changed(editions: Iterable[Edition]) -> dict[int, set[int]]:
    """By edition: who has changed its words since it was made ready. One query."""
    concerned = Q(pk=None)
    since = {}
    for edition in editions:
        if edition.ready_at:
            since[edition.issue_id, edition.language] = edition
            concerned |= Q(text__issue=edition.issue_id, text__language=edition.language, at__gt=edition.ready_at)
    found: dict[int, set[int]] = {}
    rows = Revision.objects.filter(concerned).order_by().values_list("text__issue", "text__language", "by").distinct()
    for issue, language, person in rows:
        found.setdefault(since[issue, language].pk, set()).add(person)
    return found


def has_been_looked_at(issue: int) -> bool:
    """Whether somebody made an edition of an issue ready, so that words from elsewhere would come in unseen."""
    looked_at = {Edition.State.READY, Edition.State.SCHEDULED, Edition.State.HELD}
    return settings.SENDING_NEEDS_TWO and Edition.objects.filter(issue=issue, state__in=looked_at).exists()


def unseen(edition: Edition) -> str:
    """Why a scheduled edition has to be looked at once more, in words; "" if its words are those that somebody let go.
    One query, and none where one person is enough."""
    if not settings.SENDING_NEEDS_TWO:
        return ""
    texts = Text.objects.filter(issue=edition.issue_id, language=edition.language)
    if edition.let_go_at and not texts.filter(changed_at__gt=edition.let_go_at, number__gt=0).exists():
        return ""
    return _("Its words were changed after it was scheduled. Sending takes two people: please look at it once more.")
