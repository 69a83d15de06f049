"""What a provider's event, or a bounce, does: to the delivery, to the reader, to the edition.

Every source ends here, whatever its order: an event that is known already does nothing, the worst news about a letter
wins, and nothing that was done is undone by a later event. So the same events in any order come to the same end.
"""

import datetime
import hashlib
import hmac
import logging
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.utils.translation import gettext as _

from newsletter import brakes, consents, softness, subscriptions
from newsletter.mime import delivery_token
from newsletter.models import Delivery, DeliveryEvent, Edition, Suppression
from newsletter.reasons import told
from picum.addresses import InvalidAddress, address_key, normalise

log = logging.getLogger(__name__)
Kind, State, Reason = DeliveryEvent.Kind, Delivery.State, Suppression.Reason

GROUP = 500  # events that share their statements
LONGEST = 2000  # characters of a source's words that are looked at
ARRIVED = {Kind.DELIVERED, Kind.COMPLAINED, Kind.UNSUBSCRIBED}
# What a letter that did not arrive is called in the ledger; a later entry is worse news.
FAILED = {Kind.SOFT: "soft-bounce", Kind.POLICY: "policy", Kind.REJECTED: "rejected", Kind.HARD: "hard-bounce"}
RANK = {why: rank for rank, why in enumerate(FAILED.values(), 1)}
# A provider that did not even try, because of what it knows of the address from earlier: `Event.code` of "rejected".
KNOWN_TO_PROVIDER = {"bounced": Reason.BOUNCED, "invalid": Reason.BOUNCED, "complained": Reason.COMPLAINED}
# So many refusals by policy among the latest events of an edition are no accident of one mailbox.
POLICY_MOST, POLICY_AMONG = 5, 20
_TOKEN = re.compile(r"([1-9][0-9]{0,17})-[0-9a-f]{20}", re.ASCII)
_ADDRESS = re.compile(r"[^\s<>\"'(),;:\[\]{}|=]{1,128}(?:@|%40)[^\s<>\"'(),;:\[\]{}|]{1,255}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one letter, in words common to all sources.

    `kind` is one of DeliveryEvent.Kind; `token` what `mime.delivery_token` made; `address` whom the source names;
    `source` a provider's name as in EMAIL_URL, or "dsn"; `key` the source's own number of this event, "" where it
    gives none; `code` an enhanced status code (RFC 3463) or the source's word (for "rejected": see
    KNOWN_TO_PROVIDER); `detail` what it says to people, in which `apply` hides addresses.
    """

    kind: str
    token: str
    address: str
    happened_at: datetime.datetime
    source: str
    key: str
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the events came to, and what whoever called `note` has still to do about it.

    `counts`: as of `apply`. `withdrawn`: lines for the consent ledger, to be appended as the last thing of the
    transaction. `news`: editions of which something new was heard, and what kind of news (edition's number, kind), for
    `brake`.
    """

    counts: Counter = field(default_factory=Counter)
    withdrawn: list[consents.Entry] = field(default_factory=list)
    news: set[tuple[int, str]] = field(default_factory=set)

    def __add__(self, other: "Heard") -> "Heard":
        return Heard(self.counts + other.counts, self.withdrawn + other.withdrawn, self.news | other.news)


@dataclass(frozen=True, slots=True)
class _Letter:
    """What an event is about."""

    pk: int
    address_key: uuid.UUID
    state: str
    edition_id: int
    subscriber_id: int | None


def read_token(token: str) -> int | None:
    """The delivery that a token names; None when it is not one of ours."""
    found = _TOKEN.fullmatch(token)
    if not found:
        return None
    number = int(found[1])
    return number if hmac.compare_digest(delivery_token(number), token) else None


def apply(events: Sequence[Event], *, now: datetime.datetime) -> Counter:
    """Record the events and do what they ask for; how many were new, by kind, and "repeated" and "foreign".

    Foreign events carry no delivery of ours, or another address than the delivery's: they are not even recorded.
    Each group is one transaction, and its editions are looked at after it. Readers may go on the stop list or be
    unsubscribed, deliveries change their state, and an edition that is being sent may be paused; the consent ledger
    learns who withdrew. Nobody is told.
    """
    counts: Counter = Counter()
    for group in _groups(events):
        with transaction.atomic():
            heard = note(group, now=now)
            consents.append(heard.withdrawn, now=now)
        brake(heard.news)
        counts += heard.counts
    return counts


def note(events: Sequence[Event], *, now: datetime.datetime) -> Heard:
    """As `apply`, within the caller's transaction, and but for what `Heard` leaves to be done."""
    named, new = _named(events), []
    known = 0
    for group in _groups(named):
        ours = _ours(group)
        known += len(ours)
        new += _record(ours, now)
    counts = Counter(event.kind for event, _letter in new)
    counts["repeated"] = known - len(new)
    counts["foreign"] = len(events) - known
    withdrawn = _act(new, now) if new else []
    if events:
        log.info("Events: %s.", ", ".join(f"{number} {what}" for what, number in sorted((+counts).items())))
    return Heard(+counts, withdrawn, {(letter.edition_id, event.kind) for event, letter in new})


def _act(new: Sequence[tuple[Event, _Letter]], now: datetime.datetime) -> list[consents.Entry]:
    """Readers, deliveries and stop list, in the order in which everybody locks them (`newsletter.subscriptions`)."""
    leaving = {letter.subscriber_id for event, letter in new if event.kind == Kind.UNSUBSCRIBED} - {None}
    known, left = subscriptions.end(leaving, how="provider", now=now) if leaving else ([], [])
    _settle(new, now)
    complained = _suppress(new, {reader.address_key for reader in known}, now)
    return [subscriptions.withdrawn(reader.address_key, how="provider") for reader in left] + [
        subscriptions.withdrawn(key, how="complaint") for key in complained
    ]


def _groups(everything: Sequence) -> Iterator[Sequence]:
    return (everything[start : start + GROUP] for start in range(0, len(everything), GROUP))


# --- whose is it -----------------------------------------------------------------------------------------------------


def _named(events: Iterable[Event]) -> list[tuple[int, Event]]:
    """The events that name a delivery, in the order of the deliveries: workers that meet in the same rows take them in
    one order, and so never wait for one another in a circle."""
    named = [(number, event) for event in events if (number := read_token(event.token))]
    return sorted(named, key=lambda pair: (pair[0], pair[1].kind, pair[1].key))


def _ours(named: Sequence[tuple[int, Event]]) -> list[tuple[Event, _Letter]]:
    """Those whose delivery is there and goes to the event's address."""
    rows = Delivery.objects.filter(pk__in={number for number, _event in named}).values_list(
        "pk", "address_key", "state", "edition_id", "subscriber_id"
    )
    letters = {row[0]: _Letter(*row) for row in rows}
    return [
        (event, letters[number])
        for number, event in named
        if number in letters and _is_to(event.address, letters[number].address_key)
    ]


def _is_to(address: str, key: uuid.UUID) -> bool:
    try:
        # Most sources name it as we wrote it.
        return address_key(address) == key or address_key(normalise(address)) == key
    except (InvalidAddress, UnicodeError):
        return False


def _key(event: Event, letter: _Letter) -> uuid.UUID:
    """The same for the same event and for no other; without a number of its own, by its moment and what it asks for."""
    own = event.key or event.happened_at.astimezone(datetime.UTC).isoformat()
    if not event.key and event.code in KNOWN_TO_PROVIDER:
        own += f"|{event.code}"
    text = f"{event.source}|{letter.pk}|{event.kind}|{own}"
    return uuid.UUID(bytes=hashlib.sha256(text.encode("utf-8", "replace")).digest()[:16])


def _record(pairs: Sequence[tuple[Event, _Letter]], now: datetime.datetime) -> list[tuple[Event, _Letter]]:
    """Insert the events; return those that were not there before."""
    by_key = {_key(event, letter): (event, letter) for event, letter in pairs}
    if not by_key:
        return []
    at, uuid_field = connection.ops.adapt_datetimefield_value, DeliveryEvent._meta.get_field("key")
    received, parameters = at(now), []
    for key, (event, letter) in by_key.items():
        parameters += [letter.pk, event.kind, event.source[:20], _plain(event.code)[:20], _scrubbed(event)]
        parameters += [at(event.happened_at), received, uuid_field.get_db_prep_value(key, connection)]
    values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(by_key))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {_table(DeliveryEvent)}
                   (delivery_id, kind, source, code, detail, happened_at, received_at, key)
            VALUES {values} ON CONFLICT (key) DO NOTHING RETURNING key
            """,
            parameters,
        )
        return [by_key[uuid.UUID(str(row[0]))] for row in cursor.fetchall()]


# --- the delivery ----------------------------------------------------------------------------------------------------


def _settle(new: Sequence[tuple[Event, _Letter]], now: datetime.datetime) -> None:
    """The ledger learns what became of the letters.

    A letter in hand is settled too: a provider may be quicker than its own answer, and the sender's word finds the
    row no longer in its hands. Not so a skipped one, which nobody sent.
    """
    settled = [State.ACCEPTED, State.FAILED, State.SKIPPED]
    arrived = {letter.pk for event, letter in new if event.kind in ARRIVED and letter.state not in settled}
    failed: dict[int, tuple[str, str]] = {}
    for event, letter in new:
        if why := FAILED.get(event.kind):
            before = failed.get(letter.pk)
            if before is None or RANK[before[0]] < RANK[why]:
                failed[letter.pk] = why, _scrubbed(event)
    _lock(sorted({*arrived, *failed}))
    for group in _groups(sorted(arrived)):
        Delivery.objects.filter(pk__in=group).exclude(state__in=settled).update(
            state=State.ACCEPTED, why="", detail="", lease_until=None, changed_at=now
        )
    for some in _groups(sorted(failed)):
        _fail({pk: failed[pk] for pk in some}, now)


def _lock(pks: Sequence[int]) -> None:
    """Take the rows in the order of their numbers, as the ledger does: an UPDATE takes them in an order of its own.
    SQLite has one writer at a time."""
    if connection.features.has_select_for_update:
        for group in _groups(pks):
            rows = Delivery.objects.filter(pk__in=group).order_by("pk").values_list("pk", flat=True)
            list(rows.select_for_update(no_key=True))


def _fail(failed: dict[int, tuple[str, str]], now: datetime.datetime) -> None:
    """Call the deliveries failed, unless they are for a worse reason, or for one of the sender's own."""
    values = ", ".join(["(%s, %s, %s, %s)"] * len(failed))
    known = " ".join(f"WHEN '{why}' THEN {rank}" for why, rank in RANK.items())
    parameters = [value for pk, (why, detail) in failed.items() for value in (pk, why, detail, RANK[why])]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH v (id, why, detail, bad) AS (VALUES {values})
            UPDATE {_table(Delivery)} AS d
            SET state = 'failed', why = v.why, detail = v.detail, lease_until = NULL, changed_at = %s
            FROM v WHERE d.id = v.id AND d.state <> 'skipped'
                     AND (d.state <> 'failed' OR CASE d.why {known} ELSE 99 END < v.bad)
            """,
            [*parameters, connection.ops.adapt_datetimefield_value(now)],
        )


# --- the reader ------------------------------------------------------------------------------------------------------


def _suppress(
    new: Sequence[tuple[Event, _Letter]], left: Iterable[uuid.UUID], now: datetime.datetime
) -> list[uuid.UUID]:
    """Whom not to mail any more: mailboxes that do not exist, who complained, who `left`. Returns who complained, and
    was not on the stop list for that or a graver reason."""
    reasons: dict[uuid.UUID, str] = {}
    for event, letter in new:
        reason = _reason(event)
        if reason and reasons.get(letter.address_key) != Reason.COMPLAINED:
            reasons[letter.address_key] = reason
    # Any letter that did not arrive may make three in a row of two that are known already.
    tried = {letter.subscriber_id for event, letter in new if event.kind in FAILED and letter.subscriber_id}
    for group in _groups(sorted(tried)):
        for key in softness.given_up(group):
            reasons.setdefault(key, Reason.BOUNCED)
    for key in left:
        reasons.setdefault(key, Reason.UNSUBSCRIBED)
    stopped = [key for some in _groups(sorted(reasons.items())) for key in _stop(some, now)]
    return [key for key in stopped if reasons[key] == Reason.COMPLAINED]


def _stop(reasons: Sequence[tuple[uuid.UUID, str]], now: datetime.datetime) -> list[uuid.UUID]:
    """Put address keys on the stop list, unless they are there for a graver reason; those that this call put there."""
    field = Suppression._meta.get_field("address_key")
    created = connection.ops.adapt_datetimefield_value(now)
    rows = [(field.get_db_prep_value(key, connection), reason, created) for key, reason in reasons]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {_table(Suppression)} AS s (address_key, reason, created_at)
            VALUES {", ".join(["(%s, %s, %s)"] * len(rows))}
            ON CONFLICT (address_key) DO UPDATE SET reason = excluded.reason
            WHERE s.reason = 'unsubscribed' OR (s.reason = 'bounced' AND excluded.reason = 'complained')
            RETURNING address_key
            """,
            [value for row in rows for value in row],
        )
        return [uuid.UUID(str(row[0])) for row in cursor.fetchall()]


def _reason(event: Event) -> str | None:
    if event.kind == Kind.REJECTED:
        return KNOWN_TO_PROVIDER.get(event.code)
    return {Kind.HARD: Reason.BOUNCED, Kind.COMPLAINED: Reason.COMPLAINED}.get(event.kind)


# --- the edition -----------------------------------------------------------------------------------------------------


def _unwelcome() -> str:
    return _("The mailbox providers of several readers refused the mail for its content or its sender.")


def brake(heard: set[tuple[int, str]]) -> None:
    """Pause what is being sent and goes wrong. Good news never stops anything.

    To be called when the events are committed: a pause takes the edition's row, which no worker shall hold while it
    waits for deliveries.
    """
    for edition_id in sorted({edition_id for edition_id, kind in heard if kind == Kind.POLICY}):
        if _is_unwelcome(edition_id):
            brakes.stop(edition_id, reason=told(_unwelcome))
    for edition_id in sorted({edition_id for edition_id, kind in heard if kind != Kind.DELIVERED}):
        brakes.check_breakers(edition_id)


def _is_unwelcome(edition_id: int) -> bool:
    """Whether, of the edition's latest letters heard of, several were refused by policy. Only letters that left since
    a person last let it go on count: the earlier ones they have seen.

    Read from the refusals, which are few: what was said of this edition may lie behind a million other events.
    """
    edition = Edition.objects.filter(pk=edition_id, state=Edition.State.SENDING).first()
    if edition is None:
        return False
    since = edition.resumed_at or edition.frozen_at
    refusals = DeliveryEvent.objects.filter(kind=Kind.POLICY)
    older = refusals.filter(received_at__lt=since).order_by("-pk").values_list("pk", flat=True).first()
    counted = DeliveryEvent.objects.filter(delivery__edition=edition, delivery__due_at__gte=since).order_by("-pk")
    lately = counted.filter(kind=Kind.POLICY, pk__gt=older or 0).values_list("delivery_id", "pk")[:POLICY_AMONG]
    latest: dict[int, int] = {}
    for delivery, pk in lately:
        latest.setdefault(delivery, pk)
    if len(latest) < POLICY_MOST:
        return False
    first = list(latest.values())[POLICY_MOST - 1]
    return len(counted.filter(pk__gte=first).values_list("pk")[: POLICY_AMONG + 1]) <= POLICY_AMONG


# --- words -----------------------------------------------------------------------------------------------------------


def _scrubbed(event: Event) -> str:
    """What the source said, on one line of at most 300 characters, without any address; nor the part of the
    reader's own that would tell who it is."""
    text = _ADDRESS.sub("…", _plain(_beginning(event.detail)))
    local = event.address.rpartition("@")[0]
    if len(local) > 2 and local.casefold() in text.casefold():
        text = re.sub(re.escape(local), "…", text, flags=re.IGNORECASE)
    return " ".join(text.split())[:300]


def _beginning(text: str) -> str:
    """No more than LONGEST characters, and no word by halves: it may be an address."""
    return text if len(text) <= LONGEST else " ".join(text[:LONGEST].split()[:-1])


def _plain(text: str) -> str:
    """Without characters that a database refuses."""
    return _UNPRINTABLE.sub(" ", text)


def _table(model) -> str:
    return model._meta.db_table
