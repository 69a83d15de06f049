"""The mails that single people asked for: confirmations and personal links. The row is the queue.

Sent at least once: a worker that is killed between handing a mail over and writing that down leaves a row that is
taken up again, and the person gets the same mail twice, with one Message-ID. The other way round, somebody who waits
for a confirmation would wait for ever.

What a mail says, and whether there is one at all, is decided here and not where it was asked for: what people see who
ask about an address is the same for every address. Log lines name rows by their number, never an address.
"""

import datetime
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.db.models import Count, Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from newsletter import mails, pacing
from newsletter.models import Move, SignUp, Subscriber, Suppression, SystemMail
from picum.accounts import audit, limits
from picum.accounts.models import User
from picum.addresses import address_key, mailbox_key
from picum.doorbell import ring, ring_on_commit
from picum.wire import Answer, Wire

log = logging.getLogger(__name__)
Kind, State = SystemMail.Kind, SystemMail.State

OPEN = [State.WAITING, State.HELD, State.CLAIMED]
KEPT = datetime.timedelta(days=7)  # so long a sign-up lives, and a mail for anything
LEASE = datetime.timedelta(minutes=3)  # longer than a mail server may take for all its answers
MAX_TRIES = 5
FIRST_WAIT = datetime.timedelta(minutes=5)  # then twice as long each time
BREATH = datetime.timedelta(minutes=1)  # before a mail server is tried again
SLICE_SECONDS = 25  # a task ends well within a worker's soft shutdown and rings for the next
# Which share of `limits` a mail is counted in. A new address has not asked us for anything, as far as we know.
SHARE = {Kind.SIGN_UP: "confirmation", Kind.MOVE_NEW: "confirmation", Kind.LINK: "link", Kind.MOVE_OLD: "link"}


class Why(models.TextChoices):
    """What `SystemMail.why` says of a mail that was not sent, or not yet."""

    DOMAIN = "domain", _("too many mails to one domain within an hour")
    OVERALL = "overall", _("too many mails within an hour")
    LATER = "later", _("the mail server asked us to come again later")
    RELAY = "relay", _("the mail server did not take mail")
    PACE = "pace", _("waits for the pace of sending")
    ADDRESS = "address", _("the address has had its share of mails")
    UNKNOWN = "unknown", _("nothing is known about the address")
    STOPPED = "stopped", _("staff put the address on the stop list")
    DONE = "done", _("confirmed in the meantime")
    LATE = "late", _("too late for it")
    REFUSED = "refused", _("the mail server refused the address")
    TRIES = "tries", _("given up after %(number)d tries") % {"number": MAX_TRIES}
    DISCARDED = "discarded", _("discarded by staff")


@dataclass(frozen=True)
class Held:
    """What the brake holds back for one reason, "domain" or "overall"; `since` is the moment of the oldest."""

    why: str
    count: int
    since: datetime.datetime


def put(
    kind: str,
    address: str,
    *,
    language: str,
    now: datetime.datetime,
    sign_up: SignUp | None = None,
    move: Move | None = None,
) -> SystemMail:
    """Queue a mail to a normalised address and ring for a worker on commit. One INSERT, whatever the address."""
    mail = SystemMail.objects.create(
        kind=kind,
        address=address,
        address_key=address_key(address),
        language=language,
        sign_up=sign_up,
        move=move,
        due_at=now,
        created_at=now,
        changed_at=now,
    )
    ring_on_commit("newsletter.send_system_mail")
    return mail


def ring_for_due(*, now: datetime.datetime) -> None:
    """Ask for a worker when a mail is due: the bell may not have been heard, or a mail server was away."""
    if _due(now).exists():
        ring("newsletter.send_system_mail", expires=settings.SENDING_RECONCILE_SECONDS)


def dispatch(*, now: datetime.datetime, until: Callable[[], bool] = lambda: False) -> Counter:
    """Send what is due, over one connection, for some seconds or until `until` says that it is enough. How many mails
    met which end, a state and why: {("sent", ""): 3, ("dropped", "address"): 1}.

    Safe to call at any time, from any number of processes; rings for the next when its time is over. A mail server that
    cannot be reached costs no mail a try, and is tried again by the reconciler.
    """
    clock, ends = _Clock(now), Counter()
    if not _due(now).exists():
        return ends
    with Wire() as wire:
        while wire.is_well and clock.seconds < SLICE_SECONDS and not until() and (taken := _take(clock.now)):
            ends[_hand_over(taken, wire, clock) if taken.build else taken.end] += 1
    if wire.is_well:
        ring_for_due(now=clock.now)
    if ends:
        told = (f"{number} {' '.join(filter(None, end))}" for end, number in ends.items())
        log.info("System mails: %s.", ", ".join(told))
    return ends


def tidy(*, now: datetime.datetime) -> None:
    """What a killed worker held is due again; what was held back until nobody can want it any more is given up."""
    lost = SystemMail.objects.filter(state=State.CLAIMED, lease_until__lt=now)
    lost.update(state=State.WAITING, lease_until=None, due_at=now, changed_at=now)
    too_old = SystemMail.objects.filter(state=State.HELD, created_at__lt=now - KEPT)
    too_old.update(state=State.DROPPED, why=Why.LATE, address="", changed_at=now)


def held_counts() -> list[Held]:
    """What waits for a person's decision, by reason. One query."""
    rows = SystemMail.objects.filter(state=State.HELD).order_by("why").values("why")
    return [Held(**row) for row in rows.annotate(count=Count("*"), since=Min("created_at"))]


@transaction.atomic
def release(held: QuerySet[SystemMail], *, by: User, now: datetime.datetime | None = None) -> int:
    """Let mails through the brake, as far as they are still held; how many. An address that had its share meanwhile
    gets no more all the same. Leaves an audit line."""
    now = now or timezone.now()
    freed = {"state": State.WAITING, "why": "", "released": True, "due_at": now, "changed_at": now}
    count = held.filter(state=State.HELD).update(**freed)
    audit.record("system_mail.release", by=by, count=count)
    ring_on_commit("newsletter.send_system_mail")
    return count


@transaction.atomic
def discard(held: QuerySet[SystemMail], *, by: User, now: datetime.datetime | None = None) -> int:
    """Give up mails that are still held, and forget their addresses; how many. Leaves an audit line."""
    dropped = {"state": State.DROPPED, "why": Why.DISCARDED, "address": "", "changed_at": now or timezone.now()}
    count = held.filter(state=State.HELD).update(**dropped)
    audit.record("system_mail.discard", by=by, count=count)
    return count


# --- what is due, and whether it goes ---------------------------------------------------------------------------------


class _Clock:
    """The moment that was handed in, and how long ago that was."""

    def __init__(self, now: datetime.datetime):
        self._now, self._started = now, time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def now(self) -> datetime.datetime:
        return self._now + datetime.timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class _Taken:
    """A mail in our hands, to be built and sent; or, without `build`, one that has met its end."""

    mail: SystemMail
    end: tuple[str, str]
    build: Callable[[], EmailMessage] | None = None


def _due(now: datetime.datetime) -> QuerySet[SystemMail]:
    """The newest first: somebody sits and waits for it; ten thousand of an import do not stand in the way."""
    return SystemMail.objects.filter(state=State.WAITING, due_at__lte=now).order_by("-due_at")


@transaction.atomic
def _take(now: datetime.datetime) -> _Taken | None:
    """Decide about the next mail that is due, one worker at a time. None when there is none."""
    limits.take_turn()
    mail = _due(now).select_related("sign_up", "move__subscriber").first()
    if mail is None:
        return None
    build = _meant(mail, now)
    if isinstance(build, str):
        return _Taken(mail, _move(mail, State.DROPPED, build, now=now))
    # A mail that was in hand before was counted then.
    if not (mail.attempts or mail.why) and (refusal := _refusal(mail, now)):
        return _Taken(mail, _move(mail, *refusal, now=now))
    if mail.attempts >= MAX_TRIES:  # each time the worker was killed
        return _Taken(mail, _move(mail, State.DROPPED, Why.TRIES, now=now))
    if mail.kind == Kind.SIGN_UP:
        SignUp.objects.filter(pk=mail.sign_up_id).update(mailed_at=now)
    end = _move(mail, State.CLAIMED, now=now, lease_until=now + LEASE, attempts=mail.attempts + 1)
    return _Taken(mail, end, build if mail.state == State.CLAIMED else None)


def _meant(mail: SystemMail, now: datetime.datetime) -> Callable[[], EmailMessage] | str:
    """How the mail is built, or why there is none to build."""
    reason = Suppression.objects.filter(address_key=mail.address_key).values_list("reason", flat=True).first()
    if reason == Suppression.Reason.STAFF:
        return Why.STOPPED
    if mail.created_at < now - KEPT:
        return Why.LATE
    if not mail.address.rpartition("@")[0].isascii():  # see `addresses.reachable`
        return Why.REFUSED
    if mail.kind in {Kind.MOVE_OLD, Kind.MOVE_NEW}:
        build = mails.move_old if mail.kind == Kind.MOVE_OLD else mails.move_new
        is_late = now >= mail.move.created_at + mails.VALID
        return (
            Why.LATE if is_late else partial(build, mail.move, number=mail.pk, to=mail.address, language=mail.language)
        )
    reader = Subscriber.objects.filter(address_key=mail.address_key).first()
    if mail.kind == Kind.LINK:
        return partial(mails.link, reader, number=mail.pk, language=mail.language, now=now) if reader else Why.UNKNOWN
    if mail.sign_up.confirmed_at:
        return Why.DONE
    # Somebody on the stop list gets no newsletter, whatever their row says: to them it is a new beginning.
    if reader and reader.state == Subscriber.State.SUBSCRIBED and not reason:
        return partial(mails.already, reader, number=mail.pk, language=mail.language)
    until = min(now + mails.VALID, mail.sign_up.created_at + KEPT)
    return partial(mails.confirm, mail.sign_up, number=mail.pk, until=until) if now < until else Why.LATE


def _refusal(mail: SystemMail, now: datetime.datetime) -> tuple[str, str] | None:
    """The state in which the limits put a mail, and why; None, and the mail is counted, when it may leave."""
    share, domain, mailbox = SHARE[mail.kind], pacing.domain_of(mail.address), mailbox_key(mail.address)
    if limits.has_had_its_share(mailbox, share, now=now):
        return State.DROPPED, Why.ADDRESS
    if not mail.released and (brake := limits.brake(domain, now=now)):
        return State.HELD, brake
    limits.count_mail(mailbox, share, domain=None if mail.released else domain, now=now)
    return None


def _move(mail: SystemMail, state: str, why: str = "", *, now: datetime.datetime, **fields) -> tuple[str, str]:
    """From where we found the mail, and only from there, to another state. A mail that has met its end forgets its
    address, but for the object in hand. Returns the state and why; "gone" when somebody was quicker."""
    fields |= {"state": state, "why": why, "changed_at": now}
    last = {"address": ""} if state in {State.SENT, State.DROPPED} else {}
    ours = SystemMail.objects.filter(pk=mail.pk, state=mail.state, lease_until=mail.lease_until)
    if not ours.update(**fields, **last):
        return "gone", ""
    for name, value in fields.items():
        setattr(mail, name, value)
    return str(state), str(why)


# --- handing over -----------------------------------------------------------------------------------------------------


def _hand_over(taken: _Taken, wire: Wire, clock: _Clock) -> tuple[str, str]:
    """Send a mail that is in our hands. Its state afterwards, and why."""
    mail = taken.mail
    if mail.released and (wait := _pace(mail, clock.now)):
        return _back(mail, Why.PACE, wait, clock.now)
    match wire.send(taken.build(), mail.pk):
        case Answer.TAKEN:
            return _move(mail, State.SENT, now=clock.now)
        case Answer.REFUSED:
            return _move(mail, State.DROPPED, Why.REFUSED, now=clock.now)
        case Answer.AWAY:
            return _back(mail, Why.RELAY, BREATH, clock.now)
        case _ if mail.attempts >= MAX_TRIES:
            return _move(mail, State.DROPPED, Why.TRIES, now=clock.now)
    due_at = clock.now + FIRST_WAIT * 2 ** (mail.attempts - 1)
    return _move(mail, State.WAITING, Why.LATER, now=clock.now, due_at=due_at, lease_until=None)


def _back(mail: SystemMail, why: str, wait: datetime.timedelta, now: datetime.datetime) -> tuple[str, str]:
    """To the queue again; it was not this mail's fault and costs it no try."""
    return _move(mail, State.WAITING, why, now=now, due_at=now + wait, lease_until=None, attempts=mail.attempts - 1)


def _pace(mail: SystemMail, now: datetime.datetime) -> datetime.timedelta | None:
    """Mails of an import, which nobody sits and waits for, keep to the pace of all sending. Waits for this mail's
    moment, or says when to ask again."""
    (seconds,) = pacing.moments([mail.address], transport=settings.NEWSLETTER_TRANSPORT, now=now)
    if seconds > pacing.HORIZON:
        return datetime.timedelta(seconds=seconds)
    time.sleep(seconds)
    return None
