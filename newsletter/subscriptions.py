"""What readers do to their own subscription. THE DOOR to readers for everything outside this app.

Log lines name a reader by number only: an address on this list can endanger the person behind it.

Whoever locks rows of several kinds takes them in this order, and several of one kind in theirs, so that nobody waits
in a circle: sign-ups (by number), editions, readers (by number), a reader's wish to move, deliveries (by number), the
stop list (by key), and the consent ledger as the very last (`newsletter.consents.append`).
"""

import datetime
import logging
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from newsletter import consents, signing_up, wordings
from newsletter.models import Consent, Move, SignUp, Subscriber, Suppression, Wording
from newsletter.translating import LANGUAGES
from picum import links, localising
from picum.areas.models import Area

logger = logging.getLogger(__name__)
UNDO = datetime.timedelta(hours=1)  # so long a reader may take back that they left
GROUP = 500  # readers that share a statement
LONGEST_PAUSE = datetime.timedelta(days=365)
How, Kind, State = Consent.How, Consent.Kind, Subscriber.State
OWN = {How.ONE_CLICK, How.PAGE, How.MAIL}  # the roads by which readers leave themselves


class UnknownLanguages(ValueError):
    """Not an order of languages: empty, a double, or a language the newsletter does not have. Says which."""


class UnknownAreas(ValueError):
    """Not areas of the network. Says which."""


class NoSuchPause(ValueError):
    """Not a day until which a reader can pause. Says which days are."""


def token_for(subscriber: Subscriber) -> str:
    """The token of a reader's links; see `reader_for`."""
    return links.sign(subscriber.handle, purpose="reader")


def reader_for(token: str) -> Subscriber | None:
    """Whose link this is; None when the reader has been erased meanwhile. Raises `links.BadToken` when the token
    is not ours. It never expires: people leave by the link of a mail that is years old."""
    return Subscriber.objects.filter(handle=links.unsign(token, purpose="reader")).first()


def masked(whose: Subscriber | SignUp | Move) -> str:
    """Enough of the address for its owner to know it, and for nobody else: "a…@e…"."""
    local, _at, domain = whose.address.rpartition("@")
    return f"{local[:1]}…@{domain[:1]}…"


class Words(NamedTuple):
    """What somebody agrees to, and the digest by which a form says which text it showed."""

    text: str
    digest: str


def words_of_consent(language: str) -> Words:
    """Today's words, in a language, for a form of another part. Asks nothing of the database."""
    return Words(wordings.text(language), wordings.digest(language))


def wish(address: str, *, languages: Sequence[str], source: str, digest: str, now: datetime.datetime) -> None:
    """Somebody of a member, or of an applicant, ticked that they want the newsletter, beside the words of `digest`.

    Double opt-in as for everybody (`signing_up.request`): a mail asks the address, and nobody reads before it says
    yes. Rows are added, and none is locked: any transaction of the caller's will do. Raises `InvalidAddress`, and
    Wording.DoesNotExist for words that were never shown.
    """
    if not Wording.objects.filter(digest=digest).exists():
        wordings.record()
    signing_up.request(
        address,
        languages=languages,
        how=How.MEMBER,
        source=source,
        wording=Wording.objects.get(digest=digest),
        network="",
        now=now,
    )


def bounced(keys: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these addresses, known by their keys, do not exist any more as far as the newsletter knows."""
    stops = Suppression.objects.filter(address_key__in=keys, reason=Suppression.Reason.BOUNCED)
    return set(stops.values_list("address_key", flat=True))


# --- leaving, and coming back at once ---------------------------------------------------------------------------------


def unsubscribe(subscriber: Subscriber, *, how: str) -> bool:
    """The reader leaves, at once: sending looks at the state again just before each mail.

    Their key goes on the stop list, so that no later import brings the address back, and the consent ledger learns
    that they withdrew. `how` says by which road ("one-click", "page", "mail", "staff" …) and is logged; "unreadable" is
    a one click whose body nobody can read. Repeating it changes nothing; True if this call made the change, which the
    object in hand then shows. Nobody is told. In a larger transaction, this is its last step.
    """
    left = unsubscribe_many([subscriber], how=how)
    if left:
        subscriber.state, subscriber.unsubscribed_at = left[0].state, left[0].unsubscribed_at
    return bool(left)


@transaction.atomic
def unsubscribe_many(readers: Iterable[Subscriber], *, how: str) -> list[Subscriber]:
    """As `unsubscribe`, for many in one go; those whom this call made leave, freshly read, by their numbers."""
    now = timezone.now()
    known, left = end({reader.pk for reader in readers}, how=how, now=now)
    if known:
        _stop([reader.address_key for reader in known], now)
        consents.append([withdrawn(reader.address_key, how=how) for reader in left], now=now)
    return left


def end(pks: Collection[int], *, how: str, now: datetime.datetime) -> tuple[list[Subscriber], list[Subscriber]]:
    """The first step of leaving: the readers of these numbers that there are, locked, and those whom this call made
    leave. The caller is in a transaction, and goes on with the stop list and the ledger."""
    known: list[Subscriber] = []
    for some in _groups(sorted(pks)):
        known += Subscriber.objects.filter(pk__in=some).order_by("pk").select_for_update(no_key=True)
    left = [reader for reader in known if reader.state != State.UNSUBSCRIBED]
    for some in _groups([reader.pk for reader in left]):
        Subscriber.objects.filter(pk__in=some).update(state=State.UNSUBSCRIBED, unsubscribed_at=now)
    for reader in left:
        reader.state, reader.unsubscribed_at = State.UNSUBSCRIBED, now
        logger.info("Reader %s left the newsletter: %s.", reader.pk, how)
    return known, left


def _groups(everything: Sequence) -> Iterator[Sequence]:
    return (everything[start : start + GROUP] for start in range(0, len(everything), GROUP))


def withdrawn(address_key: uuid.UUID, *, how: str) -> consents.Entry:
    """The ledger's line of leaving by a road."""
    return consents.Entry(Kind.WITHDRAWN, How.ONE_CLICK if how == "unreadable" else How(how), address_key)


def _stop(keys: Iterable[uuid.UUID], now: datetime.datetime) -> None:
    """A key that is there already stays as it is: "does not exist" must not become "unsubscribed"."""
    reason = Suppression.Reason.UNSUBSCRIBED
    stops = [Suppression(address_key=key, reason=reason, created_at=now) for key in sorted(keys)]
    Suppression.objects.bulk_create(stops, ignore_conflicts=True, batch_size=GROUP)


def undo_token_for(subscriber: Subscriber, *, now: datetime.datetime) -> str:
    """The token of a reader who has left, valid for an hour from then; the same however often it is asked for. "" when
    it is too late."""
    until = subscriber.unsubscribed_at and subscriber.unsubscribed_at + UNDO
    return links.sign_until(subscriber.handle, purpose="undo", until=until) if until and now <= until else ""


@transaction.atomic
def undo(subscriber: Subscriber, *, now: datetime.datetime) -> bool:
    """Take back a leaving of the last hour: everything is as it was, also for mail that is still queued.

    Off the stop list goes what this leaving put there, and nothing else; the ledger gets a new line of consent, in the
    wording that the reader agreed to last. False, and nothing has changed, when it is too late, when somebody else
    ended the subscription, or when the address is stopped for another reason; repeating it changes nothing.
    """
    reader = Subscriber.objects.select_for_update(no_key=True).filter(pk=subscriber.pk).first()
    if reader is None or reader.state == State.SUBSCRIBED:
        subscriber.state = reader.state if reader else subscriber.state
        return reader is not None
    last = Consent.objects.filter(address_key=reader.address_key).order_by("-number").first()
    if reader.unsubscribed_at is None or now > reader.unsubscribed_at + UNDO or last is None or last.how not in OWN:
        return False
    made_by_leaving = (Suppression.Reason.UNSUBSCRIBED, reader.unsubscribed_at)
    stops = Suppression.objects.select_for_update().filter(address_key=reader.address_key)
    if [stop for stop in stops if (stop.reason, stop.created_at) != made_by_leaving]:
        return False
    Subscriber.objects.filter(pk=reader.pk).update(state=State.SUBSCRIBED, unsubscribed_at=None)
    Suppression.objects.filter(pk__in=[stop.pk for stop in stops]).delete()
    subscriber.state, subscriber.unsubscribed_at = State.SUBSCRIBED, None
    logger.info("Reader %s stays: the leaving was undone.", reader.pk)
    given = consents.Entry(Kind.GIVEN, How.UNDO, reader.address_key, agreed_to(reader.address_key))
    consents.append([given], now=now)
    return True


def agreed_to(address_key: uuid.UUID) -> Wording | None:
    """The newest words that the address agreed to; None when nobody knows them, as after an old import."""
    given = Consent.objects.filter(address_key=address_key, kind=Kind.GIVEN, wording__isnull=False)
    line = given.select_related("wording").order_by("-number").first()
    return line.wording if line else None


# --- what they choose -------------------------------------------------------------------------------------------------


def change_languages(subscriber: Subscriber, languages: Sequence[str]) -> Subscriber:
    """Set the order of languages, first choice first. Raises UnknownLanguages. Issues that are frozen keep theirs."""
    unknown = [code for code in languages if code not in LANGUAGES]
    if unknown:
        raise UnknownLanguages(
            _("“%(codes)s” is not among the languages of the newsletter (%(known)s).")
            % {"codes": " ".join(unknown), "known": " ".join(LANGUAGES)}
        )
    if not languages:
        raise UnknownLanguages(_("At least one language is needed."))
    if len(set(languages)) < len(languages):
        raise UnknownLanguages(_("A language can be chosen only once."))
    return _change(subscriber, languages=" ".join(languages))


def change_areas(subscriber: Subscriber, keys: Collection[str]) -> Subscriber:
    """Set the areas that interest the reader most, known by their keys; none is fine. Raises UnknownAreas."""
    return _change(subscriber, areas=" ".join(in_order(keys)))


def in_order(areas: Collection[str]) -> list[str]:
    """Keys of areas in the areas' own order, as a reader's are stored. Raises UnknownAreas."""
    known = list(Area.objects.values_list("key", flat=True)) if areas else []
    if unknown := [key for key in areas if key not in known]:
        raise UnknownAreas(_("“%(keys)s” is not among the areas.") % {"keys": " ".join(unknown)[:100]})
    return [key for key in known if key in areas]


def choose_late(subscriber: Subscriber, late: str) -> Subscriber:
    """What the reader wants when their first language is late: one of Subscriber.Late, else ValueError."""
    return _change(subscriber, late=Subscriber.Late(late))


def pause(subscriber: Subscriber, *, until: datetime.date, today: datetime.date) -> Subscriber:
    """No newsletter before a day, tomorrow at the earliest and in a year at the latest. Raises NoSuchPause."""
    first, last = days_of_pause(today)
    if not first <= until <= last:
        days = [localising.day(date, get_language() or "en") for date in (first, last)]
        raise NoSuchPause(_("Choose a day from %(first)s to %(last)s.") % {"first": days[0], "last": days[1]})
    return _change(subscriber, paused_until=until)


def days_of_pause(today: datetime.date) -> tuple[datetime.date, datetime.date]:
    """The first and the last day until which a reader can pause."""
    return today + datetime.timedelta(days=1), today + LONGEST_PAUSE


def end_pause(subscriber: Subscriber, *, today: datetime.date) -> Subscriber:
    """The next issue comes again. The day stays written, as it does when a pause ends by itself: what went out before
    it is not made up for when another language of the same issue follows."""
    return _change(subscriber, paused_until=today) if subscriber.is_paused(on=today) else subscriber


def _change(subscriber: Subscriber, **fields: object) -> Subscriber:
    Subscriber.objects.filter(pk=subscriber.pk).update(**fields)
    for name, value in fields.items():
        setattr(subscriber, name, value)
    return subscriber
