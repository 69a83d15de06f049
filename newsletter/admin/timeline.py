"""What happened with one reader, the newest first: what they agreed to, what was sent, what came back, and what staff
did about it."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from newsletter.in_words import DEEDS, HAPPENED, WHY
from newsletter.models import Consent, Delivery, DeliveryEvent, Subscriber, Suppression, Wording
from picum.accounts.models import AuditEntry

SHOWN = 100
_REASONS = WHY | HAPPENED


@dataclass(frozen=True)
class Entry:
    """One line. `kind` is "consent", "delivery", "event", "stop" or "deed"; `wording` the words that were agreed to."""

    at: datetime.datetime
    kind: str
    what: str | Promise
    details: str = ""
    url: str = ""
    wording: Wording | None = None


@dataclass(frozen=True)
class Timeline:
    """`older`: the value of "before" for what came earlier, "" when that is all."""

    entries: list[Entry]
    older: str
    begins_now: bool


def of(reader: Subscriber, *, before: datetime.datetime | None) -> Timeline:
    """About a hundred lines, of before a moment if one is given. Five queries.

    Lines of one moment are never torn apart: what is older begins with an earlier one.
    """
    sources = (_consents(reader), _deliveries(reader), _events(reader), _stop(reader), _deeds(reader))
    lines = chain.from_iterable(map(made, _latest(rows, name, before)) for rows, name, made in sources)
    found = sorted(lines, key=lambda entry: entry.at, reverse=True)
    if len(found) <= SHOWN:
        return Timeline(found, "", before is None)
    edge = found[SHOWN - 1].at
    return Timeline([entry for entry in found if entry.at >= edge], edge.isoformat(), before is None)


def moment(text: str) -> datetime.datetime | None:
    """What an address names as "before"; None when it makes no sense."""
    try:
        found = parse_datetime(text)
        return found.astimezone(datetime.UTC) if found and timezone.is_aware(found) else None
    except (ValueError, OverflowError):  # the first and the last day of the calendar are others in UTC
        return None


# --- where the lines come from: rows, the name of their moment, and how one of them is put ----------------------------

Source = tuple[QuerySet, str, Callable[[Any], Entry]]


def _latest(rows: QuerySet, name: str, before: datetime.datetime | None) -> QuerySet:
    if before:
        rows = rows.filter(**{f"{name}__lt": before})
    return rows.order_by(f"-{name}", "-pk")[: SHOWN + 1]


def _consents(reader: Subscriber) -> Source:
    def entry(line: Consent) -> Entry:
        details = " · ".join(filter(None, [line.get_how_display(), line.detail]))
        return Entry(line.at, "consent", line.get_kind_display(), details, wording=line.wording)

    return Consent.objects.filter(address_key=reader.address_key).select_related("wording"), "at", entry


def _deliveries(reader: Subscriber) -> Source:
    def entry(delivery: Delivery) -> Entry:
        edition = delivery.edition
        words = _("issue %(issue)s (%(language)s): %(state)s")
        told = {"issue": edition.issue.slug, "language": edition.language, "state": delivery.get_state_display()}
        details = [str(_REASONS.get(delivery.why, delivery.why)), delivery.detail]
        url = reverse("admin:newsletter_issue_progress", args=[edition.issue_id])
        return Entry(delivery.changed_at, "delivery", words % told, " ".join(filter(None, details)), url)

    rows = Delivery.objects.filter(subscriber=reader).select_related("edition__issue")
    return rows, "changed_at", entry


def _events(reader: Subscriber) -> Source:
    def entry(event: DeliveryEvent) -> Entry:
        told = {"issue": event.delivery.edition.issue.slug, "what": event.get_kind_display()}
        details = " · ".join(filter(None, [event.source, event.code, event.detail]))
        return Entry(event.happened_at, "event", _("word of issue %(issue)s: %(what)s") % told, details)

    rows = DeliveryEvent.objects.filter(delivery__subscriber=reader)
    return rows.select_related("delivery__edition__issue"), "happened_at", entry


def _stop(reader: Subscriber) -> Source:
    def entry(stop: Suppression) -> Entry:
        return Entry(stop.created_at, "stop", _("on the stop list: %s") % stop.get_reason_display())

    return Suppression.objects.filter(address_key=reader.address_key), "created_at", entry


def _deeds(reader: Subscriber) -> Source:
    def entry(deed: AuditEntry) -> Entry:
        details = " · ".join(filter(None, [deed.actor_label, str(deed.data.get("note", ""))]))
        return Entry(deed.at, "deed", DEEDS.get(deed.action, deed.action), details)

    is_named = Q(data__reader=reader.pk) | Q(object_type="newsletter.subscriber", object_id=str(reader.pk))
    return AuditEntry.objects.filter(is_named), "at", entry
