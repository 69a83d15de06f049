"""Who will read what: how many readers an edition has, and how much of it they get in its own language. Counts only."""

import datetime
from collections.abc import Sequence, Set
from dataclasses import dataclass

from newsletter import outlook, translating
from newsletter.models import Edition, Issue


@dataclass(frozen=True)
class Reading:
    """An edition, if every edition that readers wait for went out with the words of this moment.

    `waiting`: readers who have not got the issue and wait for this language. `readers`: those who would get it in this
    language, as it is or because they do not wait for another. Of its items `gaps` would be shown in another language,
    and `left_out` not at all.
    """

    language: str
    waiting: int
    readers: int
    gaps: int
    left_out: int

    @property
    def is_whole(self) -> bool:
        """Does everybody get every item in this language?"""
        return not (self.gaps or self.left_out)


def of(issue: Issue, *, at: datetime.datetime) -> dict[str, Reading]:
    """By language. One query when the issue came with its contents."""
    audience = outlook.groups(issue, at=at)
    open_ones = [edition for edition in issue.editions.all() if not edition.frozen_at]
    given_up = {edition.language for edition in open_ones if not edition.readers_wait}
    going = {edition.language for edition in open_ones if edition.state != Edition.State.CANCELLED} - given_up
    waiting = outlook.outlook(audience, chosen=(), given_up=given_up).waiting
    readers = outlook.outlook(audience, chosen=going, given_up=given_up).now
    written = [translating.texts(item).keys() for item in issue.items.all()]
    omits = issue.fallback == Issue.Fallback.OMIT
    return {
        language: _reading(language, written, waiting=waiting[language], readers=readers[language], omits=omits)
        for language in translating.LANGUAGES
    }


def _reading(language: str, written: Sequence[Set[str]], *, waiting: int, readers: int, omits: bool) -> Reading:
    """`written`: the languages of each item. In which other one a gap is filled depends on the reader, how many there
    are does not: see `translating.contents`, which this counts seven times at the price of one."""
    lacking = [languages for languages in written if language not in languages]
    gaps = 0 if omits else sum(bool(languages) for languages in lacking)
    return Reading(language, waiting=waiting, readers=readers, gaps=gaps, left_out=len(lacking) - gaps)
