"""What somebody has to write: the texts that they have, in all issues. Reads only."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When

from newsletter.models import Edition, Issue, Item, Text
from newsletter.translation import access, board, texts
from newsletter.translation.board import Stage
from picum.accounts.models import User

RECENT = 3


@dataclass(frozen=True)
class Duty:
    """A text that waits for its words. `title` is the item's, see `board.titled`; without an item it stands for
    the words around the items."""

    issue: Issue
    item: Item | None
    title: str
    title_language: str
    language: str
    stage: Stage
    due_on: datetime.date | None
    is_late: bool


def of(user: User, *, on: datetime.date) -> list[Duty]:
    """The soonest due first, those without a day last. Not those of editions whose words are settled, nor in languages
    that they do not write any more. Three queries, and those of `access.languages_of`."""
    found = [_duty(text, on) for text in _texts(user, access.languages_of(user))]
    found = [duty for duty in found if duty.stage in board.TO_DO]
    return sorted(found, key=lambda duty: (duty.due_on is None, duty.due_on or on))


def open_issues() -> list[Issue]:
    """The newest issues of which an edition can still be written, the newest first. One query."""
    return list(Issue.objects.newsletters().filter(Exists(_unsettled(issue=OuterRef("pk"))))[:RECENT])


def to_approve() -> list[tuple[Issue, int]]:
    """Issues of which an edition can still be written, the newest first, with how many of their texts are in review, as
    the board has it. Two queries."""
    original_or_up_to_date = (
        Q(source_number=None) | Q(source_significant=None) | Q(source_number__gte=F("source_significant"))
    )
    waiting = (
        _beside_their_source(Text.objects.filter(state=Text.State.REVIEW, working__isnull=True))
        .filter(original_or_up_to_date, Exists(_unsettled(issue=OuterRef("issue"))))
        .order_by()
    )
    counts = dict(waiting.values_list("issue").annotate(count=Count("pk")))
    return [(issue, counts[issue.pk]) for issue in Issue.objects.newsletters().filter(pk__in=counts)]


def _texts(user: User, languages: Iterable[str]) -> Iterable[Text]:
    mine = Text.objects.filter(assignee=user, language__in=languages)
    return (
        _beside_their_source(mine)
        .filter(Exists(_unsettled(issue=OuterRef("issue"), language=OuterRef("language"))))
        .filter(Q(state=Text.State.DRAFT) | Q(working__isnull=False) | Q(source_number__lt=F("source_significant")))
        .select_related("issue", "item")
        .prefetch_related("item__translations", "issue__translations")
        .order_by("-issue__period", "pk")
    )


def _beside_their_source(rows: QuerySet) -> QuerySet:
    """Each with `source_significant`, the revision of its original that changed the meaning last."""
    of_item = Text.objects.filter(item=OuterRef("item"), language=OuterRef("item__original_language"))
    of_issue = Text.objects.filter(issue=OuterRef("issue"), item=None, language=texts.AROUND)
    significant = Case(
        When(item=None, then=Subquery(of_issue.values("significant"))), default=Subquery(of_item.values("significant"))
    )
    return rows.annotate(source_significant=significant)


def _unsettled(**of):
    return Edition.objects.filter(frozen_at=None, **of)


def _duty(text: Text, on: datetime.date) -> Duty:
    thing, original = texts.thing_of(text), texts.source_language(text)
    source = Text(language=original, significant=text.source_significant or 0)
    says = board.says_something(thing, text.language)
    title, title_language = board.titled(thing, original)
    stage = board.stage_of(text, says_something=says, outdated=texts.is_outdated(text, source))
    return Duty(
        issue=text.issue,
        item=text.item,
        title=title,
        title_language=title_language,
        language=text.language,
        stage=stage,
        due_on=text.due_on,
        is_late=board.is_late(stage, text.due_on, on=on),
    )
