"""Writing to single people: `put` queues a letter with what it is about, a worker builds and sends it.

Sent at least once: a worker that is killed between handing a mail over and writing that down leaves a row that is
taken up again, and the person gets the same mail twice, with one Message-ID. Log lines name rows by their number.

Who has letters to write says how they are built:

    @post.builds("members.acknowledged")
    def acknowledged(letter: Letter, *, now: datetime.datetime) -> EmailMultiAlternatives | None:
        ...
        return post.written(letter, "members/acknowledged", application=application)

in a module that its AppConfig imports in `ready`.
"""

import datetime
import hashlib
import hmac
import logging
import time
from collections import Counter
from collections.abc import Callable

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection, models, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from picum import localising, mail
from picum.addresses import address_key, wire_address
from picum.doorbell import ring, ring_on_commit
from picum.letters.models import Letter
from picum.wire import Answer, Wire

log = logging.getLogger(__name__)
State = Letter.State
Builder = Callable[..., EmailMultiAlternatives | None]
BUILDERS: dict[str, Builder] = {}

KEPT = datetime.timedelta(days=7)  # a letter that has waited longer is not wanted any more
FORGOTTEN = datetime.timedelta(days=400)  # after it, nobody asks any more whether a letter went
LEASE = datetime.timedelta(minutes=3)  # a mail server may take EMAIL_TIMEOUT for each of its four answers
MAX_TRIES = 5
FIRST_WAIT = datetime.timedelta(minutes=5)  # then twice as long each time
BREATH = datetime.timedelta(minutes=1)  # before a mail server is tried again
SLICE_SECONDS = 25  # a task ends well within a worker's soft shutdown and rings for the next


class Why(models.TextChoices):
    """What `Letter.why` says of a letter that was not sent, or not yet."""

    LATER = "later", _("the mail server asked us to come again later")
    RELAY = "relay", _("the mail server did not take mail")
    MOOT = "moot", _("there was nothing to say any more")
    LATE = "late", _("too late for it")
    REFUSED = "refused", _("the mail server refused the address")
    TRIES = "tries", _("given up after %(number)d tries") % {"number": MAX_TRIES}


def builds(kind: str) -> Callable[[Builder], Builder]:
    """Register who builds letters of a kind: a function of the letter and `now`, that gives the mail, or None when
    there is nothing to say any more."""

    def registered(builder: Builder) -> Builder:
        BUILDERS[kind] = builder
        return builder

    return registered


def put(kind: str, *, to: str, language: str, now: datetime.datetime, **about: int | str | bool) -> Letter:
    """Queue a letter to a normalised address and ring for a worker on commit."""
    if kind not in BUILDERS:
        raise LookupError(f"Nobody builds letters of the kind “{kind}”.")
    letter = Letter.objects.create(
        kind=kind,
        address=to,
        address_key=address_key(to),
        language=language,
        about=about,
        due_at=now,
        created_at=now,
        changed_at=now,
    )
    ring_on_commit("letters.dispatch")
    return letter


def written(letter: Letter, template: str, **context: object) -> EmailMultiAlternatives:
    """The mail of a letter, of the three templates of that name (`picum.mail.build`), in the letter's language."""
    headers = {"Message-ID": message_id(letter)}
    if settings.NEWSLETTER_REPLY_TO:
        headers["Reply-To"] = settings.NEWSLETTER_REPLY_TO
    shared = {"direction": localising.direction(letter.language), "network": mail.NETWORK}
    return mail.build(
        template,
        to=wire_address(letter.address),
        language=letter.language,
        context=shared | context,
        headers=headers,
    )


def message_id(letter: Letter) -> str:
    """A letter that is sent twice is one mail to programs that look for such."""
    mac = hmac.digest(settings.ADDRESS_KEY.encode(), b"letter:%d" % letter.pk, hashlib.sha256)
    return f"<letter.{mac[:16].hex()}@{settings.NEWSLETTER_MAIL_DOMAIN}>"


def ring_for_due(*, now: datetime.datetime) -> None:
    """Ask for a worker when a letter is due: the bell may not have been heard, or a mail server was away."""
    if _due(now).exists():
        ring("letters.dispatch", expires=settings.SENDING_RECONCILE_SECONDS)


def tidy(*, now: datetime.datetime) -> int:
    """What a killed worker held is due again; rows that nobody asks for any more are deleted, as many as it says."""
    lost = Letter.objects.filter(state=State.CLAIMED, lease_until__lt=now)
    lost.update(state=State.WAITING, lease_until=None, due_at=now, changed_at=now)
    ended = Letter.objects.filter(state__in=[State.SENT, State.DROPPED], created_at__lt=now - FORGOTTEN)
    return ended.delete()[0]


def dispatch(*, now: datetime.datetime, until: Callable[[], bool] = lambda: False) -> Counter:
    """Send what is due, over one connection, for some seconds or until `until` says that it is enough. How many letters
    met which end, a state and why: {("sent", ""): 3, ("dropped", "moot"): 1}.

    Safe to call at any time, from any number of processes; rings for the next when its time is over. A mail server that
    cannot be reached costs no letter a try, and is tried again by the beat.
    """
    started, ends = time.monotonic(), Counter()
    if not _due(now).exists():
        return ends

    def clock() -> datetime.datetime:
        return now + datetime.timedelta(seconds=time.monotonic() - started)

    with Wire() as wire:
        while wire.is_well and time.monotonic() - started < SLICE_SECONDS and not until():
            letter = _take(clock())
            if letter is None:
                break
            ends[_hand_over(letter, wire, clock)] += 1
    if wire.is_well:
        ring_for_due(now=clock())
    if ends:
        told = (f"{number} {' '.join(filter(None, end))}" for end, number in ends.items())
        log.info("Letters: %s.", ", ".join(told))
    return ends


def _due(now: datetime.datetime) -> QuerySet[Letter]:
    """The newest first: somebody may sit and wait for it."""
    return Letter.objects.filter(state=State.WAITING, due_at__lte=now).order_by("-due_at", "-pk")


@transaction.atomic
def _take(now: datetime.datetime) -> Letter | None:
    """The next letter that is due, in our hands. None when there is none."""
    free = _due(now).select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
    letter = free.first()
    if letter is not None:
        _move(letter, State.CLAIMED, now=now, lease_until=now + LEASE, attempts=letter.attempts + 1)
    return letter


def _hand_over(letter: Letter, wire: Wire, clock: Callable[[], datetime.datetime]) -> tuple[str, str]:
    """Build and send a letter that is in our hands. Its state afterwards, and why."""
    now = clock()
    if letter.created_at < now - KEPT:
        return _move(letter, State.DROPPED, Why.LATE, now=now)
    if letter.attempts > MAX_TRIES:  # each time the worker was killed
        return _move(letter, State.DROPPED, Why.TRIES, now=now)
    with override(letter.language):
        message = BUILDERS[letter.kind](letter, now=now)
    if message is None:
        return _move(letter, State.DROPPED, Why.MOOT, now=now)
    answer = wire.send(message, letter.pk)
    now = clock()
    match answer:
        case Answer.TAKEN:
            return _move(letter, State.SENT, now=now)
        case Answer.REFUSED:
            return _move(letter, State.DROPPED, Why.REFUSED, now=now)
        case Answer.AWAY:  # it was not this letter's fault and costs it no try
            back = {"due_at": now + BREATH, "lease_until": None, "attempts": letter.attempts - 1}
            return _move(letter, State.WAITING, Why.RELAY, now=now, **back)
        case _ if letter.attempts >= MAX_TRIES:
            return _move(letter, State.DROPPED, Why.TRIES, now=now)
    due_at = now + FIRST_WAIT * 2 ** (letter.attempts - 1)
    return _move(letter, State.WAITING, Why.LATER, now=now, due_at=due_at, lease_until=None)


def _move(letter: Letter, state: str, why: str = "", *, now: datetime.datetime, **fields) -> tuple[str, str]:
    """From where we found the letter, and only from there, to another state. A letter that has met its end forgets its
    address, but for the object in hand. Returns the state and why; "gone" when somebody was quicker."""
    fields |= {"state": state, "why": why, "changed_at": now}
    last = {"address": "", "lease_until": None} if state in {State.SENT, State.DROPPED} else {}
    ours = Letter.objects.filter(pk=letter.pk, state=letter.state, lease_until=letter.lease_until)
    if not ours.update(**fields, **last):
        return "gone", ""
    for name, value in fields.items():
        setattr(letter, name, value)
    return str(state), str(why)
