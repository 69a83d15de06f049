"""The public archive, read side: which issues are published, where, and what stands before and after an item."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Prefetch, Subquery
from django.http import Http404

from newsletter import translating
from newsletter.models import Edition, Issue
from newsletter.rendering import Block, Composition, Entry
from picum import alternates, localising

Subjects = Issue._parler_meta.root_model


@dataclass(frozen=True)
class Row:
    """An issue in a list. `subject` is "" where the issue has none in the language of the list."""

    issue: Issue
    label: str
    subject: str
    languages: list[str]  # of its published editions

    @property
    def pages(self) -> list[alternates.Version]:
        return alternates.versions("newsletter:edition", self.issue.slug, languages=self.languages)


@dataclass(frozen=True)
class Year:
    """A year's issues, newest first: those in the language of the list, and those in other languages only."""

    number: int
    here: list[Row] = field(default_factory=list)
    elsewhere: list[Row] = field(default_factory=list)


def years(language: str, *, on: datetime.datetime) -> list[Year]:
    """All published issues, newest year first. Three queries."""
    found: dict[int, Year] = {}
    for row in _rows(_published(language, on=on), language):
        year = found.setdefault(row.issue.period.year, Year(row.issue.period.year))
        (year.here if language in row.languages else year.elsewhere).append(row)
    return list(found.values())


def newest(language: str, *, on: datetime.datetime) -> Row | None:
    """The newest issue published in this language. Three queries."""
    issues = _published(language, on=on).filter(_in(language, on=on))
    return next(iter(_rows(issues[:1], language)), None)


def latest(language: str, *, on: datetime.datetime, number: int) -> list[Issue]:
    """The issues that were published last in this language, with their contents and the moment of that in
    `published_at`; newest first. 13 queries at most."""
    mine = Edition.objects.published(on=on).filter(issue=OuterRef("pk"), language=language)
    issues = Issue.objects.with_contents(on=localising.local_day(on))
    issues = issues.annotate(published_at=Subquery(mine.values("published_at")))
    return list(issues.filter(published_at__isnull=False).order_by("-published_at", "-pk")[:number])


def issue_or_404(language: str, *, on: datetime.datetime, **lookup) -> Issue:
    """The issue with its contents, if it is published in this language. One query when it is not."""
    issue = Issue.objects.with_contents(on=localising.local_day(on)).filter(_in(language, on=on), **lookup).first()
    if issue is None:
        raise Http404
    return issue


def published_languages(issue: Issue, *, on: datetime.datetime) -> list[str]:
    """Languages of the published editions, in the order of the masthead. Reads the prefetched editions."""
    published = {row.language for row in issue.editions.all() if row.published_at and row.published_at <= on}
    return [code for code in translating.LANGUAGES if code in published]


@dataclass(frozen=True)
class Place:
    """An item within its issue."""

    block: Block
    entry: Entry
    previous: Entry | None
    following: Entry | None


def place_or_404(composition: Composition, pk: int) -> Place:
    """Where the item stands in the edition; 404 where the edition leaves it out."""
    shown = [(block, entry) for block in composition.blocks for entry in block.entries]
    for number, (block, entry) in enumerate(shown):
        if entry.item.pk == pk:
            previous = shown[number - 1][1] if number else None
            following = shown[number + 1][1] if number + 1 < len(shown) else None
            return Place(block, entry, previous, following)
    raise Http404


def _in(language: str, *, on: datetime.datetime):
    return Exists(Edition.objects.published(on=on).filter(issue=OuterRef("pk"), language=language))


def _published(language: str, *, on: datetime.datetime):
    """Published issues, with their published editions and the subject in one language."""
    editions = Edition.objects.published(on=on)
    subjects = Subjects.objects.filter(language_code=language)  # whole: parler cannot defer a field
    return Issue.objects.filter(pk__in=editions.values("issue")).prefetch_related(
        Prefetch("editions", queryset=editions), Prefetch("translations", queryset=subjects)
    )


def _rows(issues: Iterable[Issue], language: str) -> Iterable[Row]:
    for issue in issues:
        published = {edition.language for edition in issue.editions.all()}
        yield Row(
            issue=issue,
            label=issue.label(language),
            subject=next((row.subject for row in issue.translations.all()), ""),
            languages=[code for code in translating.LANGUAGES if code in published],
        )
