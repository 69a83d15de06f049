"""Everything together."""

import datetime
from collections.abc import Collection

from newsletter import link_checks, rendering, sender_domain
from newsletter.models import Edition, Issue
from newsletter.problems import contents, mail, outside, sender, words
from newsletter.problems.problem import Problem


def of(issue: Issue, languages: Collection[str], *, at: datetime.datetime | None = None) -> dict[str, list[Problem]]:
    """What is wrong with editions of an issue, by language, blocking problems first, in the words of the active
    language; with `at`, what is wrong with sending them at that moment.

    Four queries, or five where something is outdated, for any number of languages, when the issue comes from
    `Issue.objects.with_contents()`.
    """
    known = words.Known.of(issue, languages)
    shown = {language: link_checks.links_of_edition(issue, language) for language in languages}
    checks = link_checks.known(link_checks.bare(link.url) for links in shown.values() for link in links)
    return {
        language: _sorted(
            [
                *_of_the_mail(issue, language, at=at),
                *words.of(known, language),
                *outside.of(shown[language], checks, language),
            ]
        )
        for language in languages
    }


def forbidding(edition: Edition, *, at: datetime.datetime | None = None) -> list[Problem]:
    """Those of them that block. Nothing is queried when `edition.issue` comes with its contents.

    An item that must not appear yet blocks the sending alone: an edition may well be ready, and scheduled for a day
    when the item may appear.
    """
    composition = rendering.compose(edition.issue, edition.language)
    rendered = rendering.render_mail(composition, token=mail.TOKEN)
    found = [
        *_of_the_contents(edition.issue, composition, at=at),
        *mail.forbidding(composition, rendered),
    ]
    return [problem for problem in found if problem.blocking]


def of_sender() -> list[Problem]:
    """What concerns every edition alike: how far mail services may trust the sender. None blocks. One query."""
    return sender.of(sender_domain.known())


def _of_the_mail(issue: Issue, language: str, *, at: datetime.datetime | None) -> list[Problem]:
    composition = rendering.compose(issue, language)
    rendered = rendering.render_mail(composition, token=mail.TOKEN)
    return [
        *_of_the_contents(issue, composition, at=at),
        *mail.forbidding(composition, rendered),
        *mail.noteworthy(composition, rendered),
    ]


def _of_the_contents(
    issue: Issue, composition: rendering.Composition, *, at: datetime.datetime | None
) -> list[Problem]:
    return [
        *contents.subject(composition),
        *contents.items(issue, composition),
        *contents.gaps(issue, composition.language),
        *contents.too_early(issue, composition.language, at=at),
        *contents.around(issue, composition.language),
    ]


def _sorted(found: list[Problem]) -> list[Problem]:
    return sorted(found, key=lambda problem: not problem.blocking)
