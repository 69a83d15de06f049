"""Who gets which words of an issue: a route for every wish that a reader has, a rendition for every way of seeing an
edition, one delivery for each reader. `newsletter.enqueue` calls it with the editions locked, in its transaction."""

import datetime
import secrets
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from django.db import connection
from django.db.models import Count

from newsletter import rendering, translating
from newsletter.models import Delivery, Edition, Issue, Rendition, Route, Subscriber, Suppression
from picum import localising

BATCH = 500  # rows of a statement


class FreezeFailed(Exception):
    """The deliveries do not add up; everything about this freezing was rolled back."""


class Wish(NamedTuple):
    """What of their choices decides on the mail that readers get, as `Subscriber` and `Route` hold it."""

    languages: str
    areas: str
    late: str


def deliver(issue: Issue, *, now: datetime.datetime) -> dict[int, int]:
    """Create what deliveries the frozen editions of an issue still lack; returns how many each edition got by this
    call. Wants `Issue.objects.with_contents()`. Raises FreezeFailed."""
    if issue.kind == Issue.Kind.CIRCULAR:
        raise FreezeFailed("A circular goes to those who were chosen, and to no reader.")
    editions = list(issue.editions.all())
    created: Counter[int] = Counter()
    wishes: set[Wish] = set()
    # Once more for who came to a wish that nobody had, while the others' mails were rendered.
    while new := _wishes() - wishes:
        wishes |= new
        _route(issue, editions, sorted(wishes))
        created.update(_create_deliveries(issue, editions, now=now))
    _count(editions)
    return dict(created)


def _wishes() -> set[Wish]:
    """Of all readers; the index `subscriber_audience` answers."""
    readers = Subscriber.objects.subscribed().order_by()
    return {Wish(*row) for row in readers.values_list(*Wish._fields).distinct()}


def _route(issue: Issue, editions: Sequence[Edition], wishes: Sequence[Wish]) -> None:
    """Renditions for every way in which a reader may see a frozen edition, and which wish gets which.

    What an edition froze once stays: later sendings of other languages use its renditions and add missing ones.
    """
    frozen = [edition for edition in editions if edition.frozen_at]
    going = {edition.language for edition in frozen}
    given_up = {edition.language for edition in editions if edition.language not in going and not edition.readers_wait}
    chosen = {
        wish: translating.route(wish.languages.split(), going=going, given_up=given_up, late=wish.late)
        for wish in wishes
    }
    for edition in frozen:
        known = {Wish(row.languages, row.areas, row.late): row for row in Route.objects.filter(edition=edition)}
        press = _Press(issue, edition)
        routes = [
            Route(edition=edition, **wish._asdict(), rendition=press.rendition(wish), open=language == edition.language)
            for wish, language in chosen.items()
            if edition.language in wish.languages.split() and wish not in known
        ]
        Route.objects.bulk_create(routes, batch_size=BATCH)
        turned = [row for wish, row in known.items() if row.open != (chosen.get(wish) == edition.language)]
        for row in turned:
            row.open = not row.open
        Route.objects.bulk_update(turned, ["open"], batch_size=BATCH)


class _Press:
    """The renditions of an edition, found or made; what several of them share is rendered once."""

    def __init__(self, issue: Issue, edition: Edition):
        self.issue, self.edition = issue, edition
        self.renditions = {row.variant: row for row in edition.renditions.defer("html", "text")}
        self.frames: dict[str, tuple[str, rendering.Frame]] = {}  # by `Contents.gaps`: marker and frame
        self.contents = cache(lambda order: translating.contents(issue, edition.language, order.split()))

    def rendition(self, wish: Wish) -> Rendition:
        contents, areas = self.contents(wish.languages), wish.areas.split()
        variant = contents.variant(areas)
        if variant not in self.renditions:
            marker, frame = self._frame(contents.gaps, wish.languages.split())
            words = frame.words(contents.first(areas))
            self.renditions[variant] = Rendition.objects.create(
                edition=self.edition,
                variant=variant,
                marker=marker,
                subject=words.subject,
                html=words.html,
                text=words.text,
            )
        return self.renditions[variant]

    def _frame(self, gaps: str, languages: Sequence[str]) -> tuple[str, rendering.Frame]:
        if gaps not in self.frames:
            marker = secrets.token_hex(16)
            composition = rendering.compose(self.issue, self.edition.language, languages)
            self.frames[gaps] = marker, rendering.render_frame(composition, token=marker)
        return self.frames[gaps]


def _audience(issue: Issue, editions: Sequence[Edition]) -> tuple[str, list]:
    """FROM and WHERE of the readers who are to get the issue now, and the parameters.

    Who had paused on the day of an edition's freezing does not get that edition later either: local days, since
    that is how people name them, and as parameters, since each database has its own way to make a day of a moment.
    """
    stored = connection.ops.adapt_datefield_value
    days = [(row.pk, stored(localising.local_day(row.frozen_at))) for row in editions if row.frozen_at]
    sql = f"""
        FROM {Subscriber._meta.db_table} s
        JOIN {Route._meta.db_table} r ON r.languages = s.languages AND r.areas = s.areas AND r.late = s.late AND r.open
        JOIN {Edition._meta.db_table} e ON e.id = r.edition_id
        WHERE e.issue_id = %s AND e.state IN ('sending', 'paused', 'sent')
          AND s.state = 'subscribed' AND s.subscribed_at <= e.frozen_at
          AND (s.paused_until IS NULL OR s.paused_until <= CASE e.id {" ".join(["WHEN %s THEN %s"] * len(days))} END)
          AND NOT EXISTS (SELECT 1 FROM {Suppression._meta.db_table} x WHERE x.address_key = s.address_key)
        """
    return sql, [issue.pk, *(value for pair in days for value in pair)]


def _create_deliveries(issue: Issue, editions: Sequence[Edition], *, now: datetime.datetime) -> dict[int, int]:
    """One INSERT … SELECT for all readers of all editions; returns how many each edition got by this call.

    Readers who have a delivery of the issue already are left alone, whatever happened meanwhile to their choices.
    Raises FreezeFailed unless every reader who should have a delivery has one.
    """
    if not any(edition.frozen_at for edition in editions):
        return {}
    deliveries = Delivery._meta.db_table
    before = _per_edition(issue)
    moment = connection.ops.adapt_datetimefield_value(now)
    audience, parameters = _audience(issue, editions)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {deliveries} (issue_id, edition_id, rendition_id, subscriber_id, address_key, state, why,
                                      detail, attempts, due_at, worker, changed_at)
            SELECT e.issue_id, e.id, r.rendition_id, s.id, s.address_key, 'queued', '', '', 0, %s, '', %s
            {audience} ORDER BY s.id ON CONFLICT DO NOTHING
            """,  # in the order of an index, which grows at its end then; a fifth of the time where wishes are many
            [moment, moment, *parameters],
        )
        inserted = cursor.rowcount
        cursor.execute(
            f"""
            SELECT count(*) {audience}
            AND NOT EXISTS (SELECT 1 FROM {deliveries} d WHERE d.issue_id = %s AND d.subscriber_id = s.id)
            AND NOT EXISTS (SELECT 1 FROM {deliveries} d WHERE d.issue_id = %s AND d.address_key = s.address_key)
            """,  # two, not one with OR, which PostgreSQL can only answer by a loop over all rows for each reader
            [*parameters, issue.pk, issue.pk],
        )
        left_out = cursor.fetchone()[0]
    after = _per_edition(issue)
    created = {pk: count - before.get(pk, 0) for pk, count in after.items() if count != before.get(pk, 0)}
    if left_out or sum(created.values()) != inserted:
        raise FreezeFailed(
            f"{inserted} deliveries inserted, {sum(created.values())} found, {left_out} readers left out"
        )
    return created


def _per_edition(issue: Issue) -> dict[int, int]:
    counted = Delivery.objects.filter(issue=issue).values("edition").annotate(n=Count("pk"))
    return {row["edition"]: row["n"] for row in counted}


def _count(editions: Sequence[Edition]) -> None:
    """Write down each frozen edition's number of readers: what the report must add up to."""
    for edition in editions:
        if edition.frozen_at:
            edition.frozen_count = edition.deliveries.count()
            edition.save(update_fields=["frozen_count"])
