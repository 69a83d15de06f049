"""What is done every hour, by the beat or by hand, and what it says that it did.

Each deed may be done at any time, any number of times at once. A sentence names no reader.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.sessions.backends.db import SessionStore

from newsletter import figures, import_jobs, link_checks, retention, search_index, sender_domain
from newsletter.translation import avoiding, learning
from picum.accounts import inviting


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, in words. `matters`: worth a line in the log; `left`: it wants to go on at once."""

    words: str
    matters: bool = True
    left: bool = False


def expire_sign_ups(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = retention.expire_sign_ups(now=now)
    unconfirmed = _counted(done["unconfirmed"], "of them was never confirmed", "of them were never confirmed")
    moves = _counted(done["moves"], "change of address", "changes of address")
    words = f"Deleted {_counted(done['sign_ups'], 'sign-up', 'sign-ups')} ({unconfirmed}) and {moves}."
    return Report(words, matters=done.total() > 0)


def expire_readers(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = retention.expire_readers(now=now)
    words = f"Deleted {_counted(done['readers'], 'reader who had', 'readers who had')} left ninety days ago."
    return Report(words, matters=done.total() > 0)


def expire_system_mails(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = retention.expire_system_mails(now=now)
    mails = _counted(done["mails"], "system mail that had ended", "system mails that had ended")
    words = f"Deleted {mails}, {done['held']} that nobody had let go, and {_counted(done['rates'], 'count', 'counts')}"
    return Report(f"{words} of the limits.", matters=done.total() > 0)


def expire_raw_events(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = retention.expire_raw_events(now=now)
    words = f"Deleted {_counted(done['posts'], 'post of a provider', 'posts of providers')}."
    if done["waiting"]:
        words += f" As old, but not read yet, and so kept: {done['waiting']}. Is a worker at work?"
    return Report(words, matters=done.total() > 0)


def expire_imports(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = import_jobs.tidy(now=now)
    words = (
        f"Deleted {_counted(done['reports'], 'report', 'reports')} of imports and "
        f"{_counted(done['uploads'], 'upload', 'uploads')}; gave up {_counted(done['left'], 'import', 'imports')} with "
        "which nobody had gone on."
    )
    return Report(words, matters=done.total() > 0)


def expire_sessions(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    """By hand: Django's `clearsessions`."""
    SessionStore.clear_expired()
    return Report("Deleted the sessions of staff that had ended.", matters=False)


def expire_invitations(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    """There is no command for it."""
    done = inviting.forget(now=now)
    return Report(f"Forgot {_counted(done, 'invitation', 'invitations')} to the desk.", matters=done > 0)


def tally_deliveries(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = retention.tally_deliveries(now=now, seconds=seconds)
    issues = _counted(done["issues"], "issue became totals", "issues became totals")
    words = f"{issues}; {_counted(done['deliveries'], 'delivery was deleted', 'deliveries were deleted')}."
    if done["left"]:
        return Report(f"{words} Time was up: there are more to delete.", left=True)
    for edition in retention.overdue(now=now):
        slug, language = edition.issue.slug, edition.language
        words += f" {slug} keeps its deliveries until its {language} edition is done: it is “{edition.state}”."
    return Report(words, matters=done.total() > 0)


def count_figures(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = figures.refresh(now=now)
    words = f"Counted {_counted(done['counted'], 'issue', 'issues')}; nothing new of {done['quiet']}."
    return Report(words, matters=False)


def count_readers(
    *, now: datetime.datetime, seconds: float | None = None, since: datetime.date | None = None
) -> Report:
    days = figures.count_days(now=now, since=since)
    if not days:
        return Report("The readers of every day until yesterday have been counted already.", matters=False)
    words = f"Counted the readers of {_counted(len(days), 'day', 'days')}, {days[0]} to {days[-1]}."
    if len(days) > 1:
        words += (
            " But for yesterday they are reckoned from the dates of those who are known now: readers who were erased "
            "or left long ago are lacking, who came back counts from then only, and everybody in today's first "
            "language."
        )
    return Report(words)


def learn_translations(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    done = learning.learn(seconds=seconds)
    texts = _counted(done["texts"], "translation", "translations")
    words = f"Learned {texts}, with {_counted(done['sentences'], 'new sentence', 'new sentences')}."
    if done["left"]:
        return Report(f"{words} Time was up: there are more to learn.", left=True)
    return Report(words, matters=done.total() > 0)


def count_avoided(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    """There is no command for it."""
    done = avoiding.count_again()
    return Report(f"Counted the words to be avoided anew in {_counted(done, 'text', 'texts')}.", matters=done > 0)


def index_items(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    number, left = search_index.fill(seconds=seconds)
    words = f"Made {_counted(number, 'item', 'items')} known to the search."
    return Report(f"{words} Time was up: there are more." if left else words, matters=number > 0, left=left)


def look_outside(*, now: datetime.datetime, seconds: float | None = None) -> Report:
    """Only rings: whoever waits for a strange site is another task."""
    asked, forgotten = link_checks.look_after(now=now)
    sender_domain.ask(now=now, older_than=sender_domain.NOW_AND_THEN)
    words = f"{_counted(asked, 'link is', 'links are')} to be checked; forgot {_counted(forgotten, 'link', 'links')}."
    return Report(words, matters=asked + forgotten > 0)


# The beat's entries carry these names; see picum/settings.py.
DEEDS: dict[str, Callable[..., Report]] = {
    deed.__name__: deed
    for deed in (
        expire_sign_ups,
        expire_readers,
        expire_system_mails,
        expire_raw_events,
        expire_imports,
        expire_sessions,
        expire_invitations,
        tally_deliveries,
        count_figures,
        count_readers,
        look_outside,
        learn_translations,
        count_avoided,
        index_items,
    )
}


def _counted(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"
