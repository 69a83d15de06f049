"""The next issue begins with what stays the same every month: the standing texts, and items that come again."""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from newsletter import compose, search_index, translating
from newsletter.models import Issue, Item, Revision, Source, Text
from newsletter.translation import texts
from newsletter.translation.changes import changed
from picum.accounts import audit
from picum.accounts.models import User

STANDING = ("masthead", "donation")


class AlreadyStarted(Exception):
    """There is an `issue` of that period, as after a double click or by a colleague."""

    def __init__(self, issue: Issue):
        super().__init__(_("There is an issue of that period already."))
        self.issue = issue


@dataclass(frozen=True)
class StandingText:
    """What the next issue takes over in a language, and how far it is."""

    language: str
    words: Mapping[str, str]  # of STANDING
    text: Text
    is_outdated: bool  # says something else than the standing text in English


def period_after(kind: str, day: datetime.date) -> datetime.date:
    """The first day of the month or quarter after that of a day; for issues named after a day, the same day of the
    next month, or its last."""
    if kind == Issue.Period.QUARTER:
        return _month_after(day.replace(month=(day.month + 2) // 3 * 3, day=1))
    if kind == Issue.Period.MONTH:
        return _month_after(day)
    first = _month_after(day)
    last = _month_after(first) - datetime.timedelta(days=1)
    return min(first + datetime.timedelta(days=day.day - 1), last)


def last_issue() -> Issue | None:
    """The issue of the latest period, with all its contents."""
    return Issue.objects.newsletters().with_contents().order_by("-period", "-pk").first()


def standing_texts(issue: Issue) -> list[StandingText]:
    """In the order of the masthead; languages without any are left out. Two queries at most, when the issue came with
    its translations."""
    known = {text.language: text for text in Text.objects.filter(issue=issue, item=None)}
    source = known.get(texts.AROUND)
    # What the English said, by number: asked for only when something may be outdated.
    behind = {text.source_number for text in known.values() if texts.is_outdated(text, source)}
    then = dict(source.revisions.filter(number__in=behind).values_list("number", "words")) if behind else {}
    now = _standing(texts.stored_words(issue, texts.AROUND))
    found = []
    for language in translating.LANGUAGES:
        words = _standing(texts.stored_words(issue, language))
        if not texts.says_something(words):
            continue
        text = known.get(language) or Text(issue=issue, language=language)
        outdated = texts.is_outdated(text, source) and bool(
            changed(_standing(then.get(text.source_number, {})), now, texts.AROUND)
        )
        found.append(StandingText(language, words, text, outdated))
    return found


def coming_again(issue: Issue) -> set[int]:
    """Numbers of the items that somebody took over into the issue when it was started: they stand in every issue until
    somebody takes out the tick. News never does by itself, whatever its title. One query."""
    first = Revision.objects.filter(number=1, how=Revision.How.COPIED, text__item__issue=issue)
    return set(first.filter(text__language=F("text__item__original_language")).values_list("text__item", flat=True))


@transaction.atomic
def start_next(
    after: Issue, *, period: datetime.date, by: User, now: datetime.datetime | None = None, items: Collection[int] = ()
) -> Issue:
    """A new issue after another, of its kind of period and its choice about what is not translated: with its masthead
    and donation box in all languages, as far as they are, and with copies of those `items` of it that come again.
    Subject and message are left to be written. Audited. Nobody is told. Raises AlreadyStarted, and `compose.TakenSlug`.
    """
    now = now or timezone.now()
    Issue.objects.select_for_update().get(pk=after.pk)  # who presses twice waits here
    after = Issue.objects.with_contents().get(pk=after.pk)
    if there := _of_period(after.period_kind, period):
        raise AlreadyStarted(there)
    issue = compose.start_issue(period=period, period_kind=after.period_kind, fallback=after.fallback, by=by)
    for one in sorted(standing_texts(after), key=lambda one: one.language != texts.AROUND):
        _copy(one.text, dict(one.words), issue, by=by, now=now, is_outdated=one.is_outdated)
    chosen = [item for item in after.items.all() if item.pk in items]
    with search_index.once():
        for item in chosen:
            _copy_item(item, issue, by=by, now=now)
    audit.record("issue.continue", by=by, on=issue, after=after.slug, items=len(chosen))
    return issue


def _of_period(kind: str, period: datetime.date) -> Issue | None:
    same = Issue.objects.newsletters().filter(period_kind=kind, period__year=period.year)
    wanted = compose.slug_for(kind, period)
    return next((issue for issue in same if compose.slug_for(kind, issue.period) == wanted), None)


def _copy_item(item: Item, issue: Issue, *, by: User, now: datetime.datetime) -> None:
    copy = Item.objects.create(
        issue=issue,
        section=item.section,
        countries=[country.code for country in item.countries],
        kind=item.kind,
        original_language=item.original_language,
        not_before=item.not_before,
    )
    compose.place_last(copy)
    for name in ("bodies", "areas", "rights"):
        getattr(copy, name).set(getattr(item, name).all())
    shown = [field.name for field in Source._meta.concrete_fields if field.name not in ("id", "item")]
    Source.objects.bulk_create(
        Source(item=copy, **{name: getattr(source, name) for name in shown}) for source in item.sources.all()
    )
    known = {text.language: text for text in Text.objects.filter(item=item)}
    source = known.get(item.original_language)
    written = translating.texts(item)
    for language in sorted(written, key=lambda code: code != item.original_language):
        text = known.get(language) or Text(issue=item.issue, item=item, language=language)
        words = texts.stored_words(item, language)
        _copy(text, words, copy, by=by, now=now, is_outdated=texts.is_outdated(text, source))


def _copy(
    text: Text, words: dict[str, str], to: Issue | Item, *, by: User, now: datetime.datetime, is_outdated: bool
) -> None:
    """As far as the text was, so far is its copy; 0 is a revision before the first, so that it stays outdated."""
    texts.store(
        texts.find(to, text.language),
        words,
        state=text.state,
        how=Revision.How.COPIED,
        by=by,
        now=now,
        source_seen=0 if is_outdated else None,
        is_machine=text.is_machine,
    )


def _standing(words: Mapping[str, str]) -> dict[str, str]:
    return {name: words.get(name, "") for name in STANDING}


def _month_after(day: datetime.date) -> datetime.date:
    return (day.replace(day=1) + datetime.timedelta(days=32)).replace(day=1)
