"""Circulars: a letter to chosen people, readers or not, through the engine that sends the newsletter. A DOOR for
members/: nothing here knows who they are.

A circular is an `Issue` of its own kind that no archive shows, with an edition for each language in which it was
written, one rendition each, and one delivery for each address, all made here in one transaction, frozen from the start.
From there on it is claimed, intended, sent, reconciled, paused and counted like every edition. Whoever left the
newsletter gets it all the same: they are written to as somebody's contact. Every other stop holds.
"""

import datetime
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter import enqueue
from newsletter.models import Delivery, Edition, Issue, Recipient, Rendition
from newsletter.translating import LANGUAGES
from picum import localising, mail
from picum.accounts import audit
from picum.accounts.models import User
from picum.addresses import address_key, normalise
from picum.doorbell import ring_on_commit

State = Edition.State
BATCH = 500  # rows of a statement
_PARAGRAPHS = re.compile(r"\s*\n\s*\n\s*")


class NotSent(Exception):
    """The circular cannot be sent; the message says to the person what is missing. Nothing was queued."""


@dataclass(frozen=True)
class Words:
    """What is written in one language: plain text, with an empty line between paragraphs."""

    subject: str
    text: str


@dataclass(frozen=True)
class Progress:
    """How far a circular is: deliveries by state (`Delivery.State`), in all and those that nobody works at any more."""

    number: int
    label: str
    subject: str
    sent_at: datetime.datetime
    total: int
    states: Mapping[str, int]

    @property
    def accepted(self) -> int:
        return self.states.get(Delivery.State.ACCEPTED, 0)

    @property
    def open(self) -> int:
        return sum(self.states.get(state, 0) for state in [*Delivery.DUE, *Delivery.IN_HAND])


@transaction.atomic
def send(
    words: Mapping[str, Words], to: Iterable[tuple[str, str]], *, why: str | Promise, by: User, now: datetime.datetime
) -> int:
    """Queue a circular to (address, language) pairs and ring for the workers on commit; its number.

    An address gets it once, whatever it is called in the list; in its language if it was written in that, else in
    English, else in the first language it was written in. `why`, in words, stands at the foot of the mail: as what
    people get it; a lazy text is translated. Audited with the number of addresses. Raises NotSent.
    """
    written = [code for code in LANGUAGES if code in words and words[code].subject.strip() and words[code].text.strip()]
    if not written:
        raise NotSent(_("Write a subject and a text in at least one language."))
    chosen = _chosen(to, written)
    if not chosen:
        raise NotSent(_("Nobody was chosen."))
    issue = _issue(words, written, now)
    editions = {code: _edition(issue, code, words[code], why, now) for code in dict.fromkeys(chosen.values())}
    _queue(issue, editions, chosen, now)
    audit.record("circular.send", by=by, on=issue, number=len(chosen), languages=sorted(editions))
    for edition, _rendition in editions.values():
        ring_on_commit("newsletter.send_edition", edition.pk, times=enqueue.hands(edition))
    return issue.pk


def preview(words: Words, language: str, *, why: str | Promise) -> mail.Built:
    """Subject, html and text as they will be sent."""
    return _built(words, language, why)


def progress(numbers: Iterable[int] | None = None) -> list[Progress]:
    """How far circulars are, the newest first; all of them, or those of these numbers. Three queries."""
    issues = Issue.objects.filter(kind=Issue.Kind.CIRCULAR).order_by("-pk").prefetch_related("translations")
    issues = list(issues if numbers is None else issues.filter(pk__in=numbers))
    counted: dict[int, dict[str, int]] = {issue.pk: {} for issue in issues}
    rows = Delivery.objects.filter(issue__in=issues).order_by().values_list("issue", "state").annotate(Count("pk"))
    for number, state, count in rows:
        counted[number][state] = count
    return [
        Progress(
            number=issue.pk,
            label=str(issue),
            subject=issue.safe_translation_getter("subject", any_language=True) or "",
            sent_at=issue.created_at,
            total=sum(counted[issue.pk].values()),
            states=counted[issue.pk],
        )
        for issue in issues
    ]


def _chosen(to: Iterable[tuple[str, str]], written: Sequence[str]) -> dict[str, str]:
    """Normalised address → the language in which it gets the circular; each mailbox once."""
    otherwise = "en" if "en" in written else written[0]
    found: dict[object, tuple[str, str]] = {}
    for address, language in to:
        address = normalise(address)
        found.setdefault(address_key(address), (address, language if language in written else otherwise))
    return dict(found.values())


def _issue(words: Mapping[str, Words], written: Sequence[str], now: datetime.datetime) -> Issue:
    issue = Issue.objects.create(
        kind=Issue.Kind.CIRCULAR,
        slug=f"circular-{secrets.token_hex(6)}",
        period_kind=Issue.Period.DATE,
        period=localising.local_day(now),
        created_at=now,
    )
    for code in written:
        issue.translations.create(language_code=code, subject=words[code].subject.strip()[:150])
    return issue


def _edition(
    issue: Issue, language: str, words: Words, why: str | Promise, now: datetime.datetime
) -> tuple[Edition, Rendition]:
    """An edition that is being sent from the moment on at which it is there."""
    edition = Edition.objects.create(
        issue=issue,
        language=language,
        state=State.SENDING,
        send_at=now,
        frozen_at=now,
        latest_at=enqueue.latest_hour(now),
    )
    built = _built(words, language, why)
    rendition = Rendition.objects.create(
        edition=edition,
        marker=secrets.token_hex(16),  # stands nowhere: nothing in a circular is personal
        subject=built.subject,
        html=built.html,
        text=built.text,
    )
    return edition, rendition


def _built(words: Words, language: str, why: str | Promise) -> mail.Built:
    with override(language):
        return _rendered(words, language, str(why))


def _rendered(words: Words, language: str, why: str) -> mail.Built:
    context = {
        "subject": " ".join(words.subject.split())[:150],
        "words": words.text.strip(),
        "paragraphs": _PARAGRAPHS.split(words.text.strip()),
        "why": why,
        "language": language,
        "direction": localising.direction(language),
        "network": mail.NETWORK,
    }
    html = render_to_string("newsletter/mail/circular.html", context)
    text = render_to_string("newsletter/mail/circular.txt", context)
    return mail.Built(context["subject"], mail.inlined(html), mail.tidied(text))


def _queue(
    issue: Issue,
    editions: Mapping[str, tuple[Edition, Rendition]],
    chosen: Mapping[str, str],
    now: datetime.datetime,
) -> None:
    """A recipient and a delivery for each address, and what the report must add up to."""
    people = [Recipient(issue=issue, address=address, address_key=address_key(address)) for address in chosen]
    Recipient.objects.bulk_create(people, batch_size=BATCH)
    deliveries = []
    for person in people:
        edition, rendition = editions[chosen[person.address]]
        deliveries.append(
            Delivery(
                issue=issue,
                edition=edition,
                rendition=rendition,
                recipient=person,
                address_key=person.address_key,
                due_at=now,
                changed_at=now,
            )
        )
    Delivery.objects.bulk_create(deliveries, batch_size=BATCH)
    for edition, _rendition in editions.values():
        edition.frozen_count = sum(1 for delivery in deliveries if delivery.edition_id == edition.pk)
        edition.save(update_fields=["frozen_count"])
