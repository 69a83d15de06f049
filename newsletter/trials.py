"""Test mails of an issue to a named group of ours, in every language that has words, at once.

They go as letters do (`picum.letters.post`): queued here, built and sent by a worker. Nothing in them is a reader's:
the way out of the list that every mail has stands in them too, and opens nothing.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from newsletter import mails, translating
from newsletter.models import Edition, Issue, Suppression, TrialAddress, TrialGroup
from picum.accounts import audit, limits
from picum.accounts.models import User
from picum.addresses import wire_address
from picum.letters import post
from picum.letters.models import Letter

KIND = "newsletter.trial"
MOST = 20  # addresses in a group
AN_HOUR = 300  # mails of all groups together: two full groups in all languages
HOUR = datetime.timedelta(hours=1)
BREATH = datetime.timedelta(minutes=2)  # whoever pressed the button twice sends once
SHOWN = datetime.timedelta(days=7)


class NotPossible(ValueError):
    """Nothing is sent, or stored; the message says why to the person."""


@dataclass(frozen=True)
class Outcome:
    """What became of a group's test mails of an issue in the last days."""

    group: str
    at: datetime.datetime
    sent: int
    waiting: int
    dropped: int


# --- groups ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def keep(group: TrialGroup, *, name: str, addresses: Sequence[tuple[str, str]], by: User) -> TrialGroup:
    """The group is called so and has these addresses, each with a language or "", from now on: MOST at most, in their
    one form. Audited, without the addresses. Raises NotPossible."""
    if not addresses:
        raise NotPossible(_("Please write at least one mail address."))
    if len(addresses) > MOST:
        raise NotPossible(_("A group has %d addresses at most.") % MOST)
    name = " ".join(name.split())
    if TrialGroup.objects.filter(name=name).exclude(pk=group.pk).exists():
        raise NotPossible(_("There is a group of this name already."))
    group.name = name
    group.save()
    group.addresses.all().delete()
    TrialAddress.objects.bulk_create(
        TrialAddress(group=group, email=email, language=language) for email, language in addresses
    )
    audit.record("trial_group.keep", by=by, on=group, addresses=len(addresses))
    return group


@transaction.atomic
def remove(group: TrialGroup, *, by: User) -> None:
    """Audited."""
    audit.record("trial_group.remove", by=by, on=group)
    group.delete()


# --- sending ---------------------------------------------------------------------------------------------------------


def languages_of(issue: Issue) -> list[str]:
    """Languages in which something is written, in the order of the masthead. Wants `Issue.objects.with_contents()`."""
    written = {row.language_code for row in issue.translations.all() if row.subject.strip()}
    for item in issue.items.all():
        written |= translating.texts(item).keys()
    return [code for code in translating.LANGUAGES if code in written]


@transaction.atomic
def send(issue: Issue, group: TrialGroup, *, languages: Iterable[str], by: User, now: datetime.datetime) -> int:
    """Queue a test mail for each address of the group and each of these languages that has words and that the address
    wants. How many. Audited, without the addresses. Raises NotPossible, and then nothing is queued.

    Wants `Issue.objects.with_contents()`.
    """
    wanted = set(languages)
    written = [code for code in languages_of(issue) if code in wanted]
    pairs = [
        (one.email, code) for code in written for one in group.addresses.all()[:MOST] if one.language in {"", code}
    ]
    if not pairs:
        raise NotPossible(_("There is nothing to send: no language with words has an address in this group."))
    limits.take_turn()
    lately = Letter.objects.filter(kind=KIND)
    if lately.filter(created_at__gt=now - BREATH, about__issue=issue.pk, about__group=group.pk).exists():
        raise NotPossible(_("Test mails to this group are on their way already; more can go in two minutes."))
    if lately.filter(created_at__gt=now - HOUR).count() + len(pairs) > AN_HOUR:
        raise NotPossible(_("No more than %d test mails leave in an hour. Please try again later.") % AN_HOUR)
    editions = {edition.language: edition.pk for edition in issue.editions.all()}
    for email, code in pairs:
        about = {"issue": issue.pk, "group": group.pk, "edition": editions[code]}
        post.put(KIND, to=email, language=code, now=now, **about)
    audit.record("issue.trial", by=by, on=issue, group=group.name, languages=written, number=len(pairs))
    return len(pairs)


@post.builds(KIND)
def build(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
    """The edition as it is when the letter goes. None when it is gone, has no words any more, or the address may not
    be mailed."""
    edition = Edition.objects.filter(pk=letter.about["edition"]).first()
    stopped = Suppression.objects.filter(address_key=letter.address_key).exists()
    if edition is None or stopped or not TrialGroup.objects.filter(pk=letter.about["group"]).exists():
        return None
    edition.issue = Issue.objects.with_contents().get(pk=edition.issue_id)
    if edition.language not in languages_of(edition.issue):
        return None
    message = mails.build_test(edition, to=wire_address(letter.address), names_language=True)
    message.extra_headers["Message-ID"] = post.message_id(letter)
    return message


def outcomes(issue: Issue, *, now: datetime.datetime) -> list[Outcome]:
    """By sending, the newest first: of the last days. Two queries."""
    rows = _letters(issue, now).values("about__group", "created_at", "state").annotate(count=Count("pk"))
    counted: dict[tuple[datetime.datetime, int], Counter] = {}
    for row in rows:
        counted.setdefault((row["created_at"], row["about__group"]), Counter())[row["state"]] = row["count"]
    names = dict(TrialGroup.objects.values_list("pk", "name"))
    state = Letter.State
    return [
        Outcome(
            group=names.get(group, "–"),
            at=at,
            sent=found[state.SENT],
            waiting=found[state.WAITING] + found[state.CLAIMED],
            dropped=found[state.DROPPED],
        )
        for (at, group), found in sorted(counted.items(), reverse=True)
    ]


def _letters(issue: Issue, now: datetime.datetime) -> QuerySet[Letter]:
    return Letter.objects.filter(kind=KIND, created_at__gt=now - SHOWN, about__issue=issue.pk).order_by()
