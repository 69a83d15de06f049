"""A database of a size that few newsletters have, for the lists of the desk. Made by PostgreSQL itself, in a minute.

What makes such lists slow is that rows are not spread evenly: here the oldest third came by one import, whose addresses
bounce and leave more than others; one small source reads Portuguese and nothing else; areas are a thing of late.
"""

import contextlib
import datetime
from collections.abc import Iterator

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from newsletter import wordings
from newsletter.models import (
    Consent,
    DeliveryEvent,
    Edition,
    Issue,
    Rendition,
    Subscriber,
    Suppression,
    SystemMail,
)
from newsletter.models.audience import AREAS
from newsletter.translating import LANGUAGES
from picum.accounts.models import AuditEntry, User
from picum.addresses import address_key, normalise

FIRST = datetime.datetime(2016, 1, 1, tzinfo=datetime.UTC)
KNOWN = "Maria.Known@organisation7.example"
WORDS = {
    "before": ["anna", "ben", "carla", "d", "emma", "fatou", "george", "hana", "info", "jo", "kofi", "lea", "maria",
               "noor", "office", "p", "quentin", "rosa", "sam", "team"],
    "after": ["abate", "bauer", "costa", "diallo", "evans", "fischer", "garcia", "haddad", "ito", "jansen"],
    "orders": ["en", "fr en", "es en", "en", "de en", "it en", "nl en", "en", "de", "es fr en", "nl fr en", "fr", "en",
               "en", "pt es en", "en", "en es", "fr", "es", "en de"],
    "areas": [*AREAS, f"{AREAS[0]} {AREAS[2]}", f"{AREAS[2]} {AREAS[3]} {AREAS[4]}"],
    "cities": ["Brussels", "Vienna", "Madrid", "Rome", "Dublin"],
}  # fmt: skip
# Whole numbers that look like dice and are the same each time.
_DICE = "abs(hashint8(n + {})::bigint)"

_READERS = f"""
INSERT INTO newsletter_subscriber (address, address_key, handle, languages, areas, late, paused_until, name, state,
                                   source, created_at, subscribed_at, unsubscribed_at)
SELECT address, md5('key' || n)::uuid, md5('handle' || n)::uuid, languages,
       CASE WHEN n > %(share)s * 0.4 AND a %% 100 < 25 THEN (%(areas)s)[1 + b %% 7] ELSE '' END,
       CASE WHEN a %% 50 = 0 THEN 'fallback' ELSE 'wait' END,
       CASE WHEN c %% 250 = 0 THEN %(today)s::date + (b %% 200)::int - 30 END,
       CASE WHEN c %% 3 = 0 THEN 'Reader ' || n ELSE '' END,
       state, source, at, at, CASE WHEN state = 'unsubscribed' THEN at + interval '200 days' END
FROM (
    SELECT dice.*,
           (%(before)s)[1 + c %% 20] || '.' || (%(after)s)[1 + b %% 10] || n || '@' ||
               CASE WHEN a %% 100 < 35 THEN 'gmail.com' WHEN a %% 100 < 45 THEN 'hotmail.com'
                    WHEN a %% 100 < 50 THEN 'web.de' ELSE 'organisation' || b %% 20000 || '.org' END AS address,
           CASE WHEN source = 'partner in Lisbon' THEN 'pt en' ELSE (%(orders)s)[1 + b %% 20] END AS languages,
           CASE WHEN c %% 100 < CASE WHEN n < %(share)s * 0.3 THEN 25 ELSE 6 END THEN 'unsubscribed'
                ELSE 'subscribed' END AS state
    FROM (
        SELECT n, {_DICE.format(1)} AS a, {_DICE.format(77)} AS b, {_DICE.format(999)} AS c,
               %(first)s::timestamptz + n * (interval '3900 days' / %(share)s) AS at,
               CASE WHEN n <= %(share)s * 0.3 THEN 'import 2019'
                    WHEN n <= %(share)s * 0.55 THEN 'members in ' || (%(cities)s)[1 + n * 20 / %(share)s %% 5]
                    WHEN n BETWEEN %(share)s * 0.6 AND %(share)s * 0.62 THEN 'partner in Lisbon'
                    WHEN n %% 10000 < 20 THEN 'conference ' || n / 100000
                    WHEN {_DICE.format(5)} %% 10 < 3 THEN 'embed' ELSE 'form' END AS source
        FROM generate_series(1, %(share)s) AS n
    ) AS dice
) AS made
"""  # noqa: S608  # our own dice
_STOPPED = """
INSERT INTO newsletter_suppression (address_key, reason, created_at)
SELECT address_key, CASE WHEN state = 'subscribed' THEN 'bounced' WHEN id %% 300 = 0 THEN 'complained'
                         ELSE 'unsubscribed' END, coalesce(unsubscribed_at, created_at + interval '300 days') AS at
FROM newsletter_subscriber
WHERE state = 'unsubscribed' OR abs(hashint8(id)::bigint) %% 100 < CASE WHEN id <= %(share)s * 0.3 THEN 8 ELSE 1 END
UNION ALL
SELECT md5('gone' || n)::uuid, CASE WHEN n %% 20 = 0 THEN 'staff' WHEN n %% 2 = 0 THEN 'erased' ELSE 'bounced' END,
       %(first)s::timestamptz + n * (interval '3900 days' / (%(share)s / 80))
FROM generate_series(1, %(share)s / 80) AS n
ORDER BY at
"""
_CONSENTS = """
INSERT INTO newsletter_consent (number, address_key, kind, how, wording_id, detail, at, previous, digest)
SELECT row_number() OVER (ORDER BY at, kind DESC), address_key, kind, how, wording_id, '', at, md5(address_key::text),
       md5(kind || address_key::text)
FROM (
    SELECT address_key, 'requested' AS kind, how, %(wording)s::bigint AS wording_id, created_at AS at
    FROM (SELECT *, CASE source WHEN 'form' THEN 'form' WHEN 'embed' THEN 'embed' ELSE 'import' END AS how
          FROM newsletter_subscriber) AS reader WHERE how <> 'import'
    UNION ALL
    SELECT address_key, 'given', CASE source WHEN 'form' THEN 'form' WHEN 'embed' THEN 'embed' ELSE 'import' END,
           CASE WHEN source IN ('form', 'embed') THEN %(wording)s::bigint END, created_at + interval '1 hour'
    FROM newsletter_subscriber
    UNION ALL
    SELECT address_key, 'withdrawn', (ARRAY['one-click', 'page', 'mail', 'staff'])[1 + id %% 4], NULL, unsubscribed_at
    FROM newsletter_subscriber WHERE state = 'unsubscribed'
    UNION ALL
    SELECT address_key, 'erased', 'page', NULL, created_at FROM newsletter_suppression WHERE reason = 'erased'
) AS line
"""
_SENT = """
INSERT INTO newsletter_delivery (issue_id, edition_id, rendition_id, subscriber_id, address_key, state, why, detail,
                                 attempts, due_at, worker, changed_at)
SELECT %(issue)s, %(edition)s, %(rendition)s, id, address_key, 'accepted', '', '', 1, %(now)s, '', %(now)s
FROM newsletter_subscriber WHERE state = 'subscribed'
"""
_EVENTS = """
INSERT INTO newsletter_deliveryevent (delivery_id, kind, source, code, detail, happened_at, received_at, key)
SELECT id, CASE WHEN id %% 5000 = 0 THEN 'complained' WHEN id %% 40 = 0 THEN 'hard' WHEN id %% 25 = 0 THEN 'soft'
                ELSE 'delivered' END,
       CASE WHEN id < %(share)s * 0.03 THEN 'mailjet' WHEN id %% 200 = 0 THEN 'dsn' ELSE 'brevo' END,
       '', '', %(now)s, %(now)s, md5(id::text)::uuid
FROM newsletter_delivery
"""
_DEEDS = """
INSERT INTO accounts_auditentry (at, actor_id, actor_label, action, object_type, object_id, object_label, data)
SELECT %(first)s::timestamptz + n * (interval '3900 days' / %(share)s), CASE WHEN n %% 7 > 0 THEN %(actor)s::bigint END,
       CASE WHEN n %% 7 > 0 THEN 'Carla' ELSE '' END,
       CASE WHEN n < %(share)s * 0.2 THEN 'issue.start'
            ELSE (ARRAY['subscriber.change', 'subscriber.unsubscribe', 'item.change', 'edition.ready'])[1 + n %% 4] END,
       '', '', '', CASE WHEN n %% 4 < 2 THEN jsonb_build_object('reader', n) ELSE '{}' END
FROM generate_series(1, %(share)s) AS n
"""
_SIGN_UPS = """
INSERT INTO newsletter_signup (handle, address, address_key, languages, areas, name, how, source, wording_id,
                               created_at, mailed_at, confirmed_at)
SELECT md5('up' || n)::uuid, 'asked' || n || '@example.org', md5('up' || n)::uuid, 'en', '', '',
       CASE WHEN n %% 3 = 0 THEN 'import' WHEN n %% 50 = 0 THEN 'staff' ELSE 'form' END, '', %(wording)s,
       %(now)s::timestamptz - n * interval '5 seconds', NULL,
       CASE WHEN n > %(share)s / 20 AND n %% 2 = 0 THEN %(now)s::timestamptz END
FROM generate_series(1, %(share)s / 10) AS n
"""
_MAILS = """
INSERT INTO newsletter_systemmail (kind, address, address_key, language, sign_up_id, state, why, released, attempts,
                                   due_at, created_at, changed_at)
SELECT CASE WHEN id %% 10 = 0 THEN 'link' ELSE 'sign-up' END, CASE WHEN id %% 4 = 0 THEN '' ELSE address END,
       address_key, 'en', CASE WHEN id %% 10 > 0 THEN id END,
       CASE WHEN id %% 4 = 0 THEN 'sent' WHEN id %% 1000 = 1 THEN 'waiting' ELSE 'held' END,
       CASE WHEN id %% 4 = 0 OR id %% 1000 = 1 THEN '' WHEN id %% 3 = 0 THEN 'overall' ELSE 'domain' END,
       false, 0, created_at, created_at, created_at
FROM newsletter_signup
"""


def make(number: int) -> None:
    """So many readers, and of everything else what belongs to them."""
    now = timezone.now()
    carla = User.objects.create_superuser("carla@example.org", "secret", name="Carla")
    terms = {
        "share": number,
        "first": FIRST,
        "now": now,
        "today": now.date(),
        "actor": carla.pk,
        "wording": wordings.current("en").pk,
        **_edition(now),
        **WORDS,
    }
    tables = [Subscriber, Suppression, Consent, DeliveryEvent, AuditEntry, SystemMail]
    with _without_indexes(*tables), connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        for statement in (_READERS, _STOPPED, _CONSENTS, _SENT, _EVENTS, _DEEDS, _SIGN_UPS, _MAILS):
            cursor.execute(statement, terms)
    address = normalise(KNOWN)
    known = Subscriber.objects.order_by("pk")[number // 2]
    Subscriber.objects.filter(pk=known.pk).update(address=address, address_key=address_key(address))


@contextlib.contextmanager
def _without_indexes(*models: type[Model]) -> Iterator[None]:
    """To make them of all rows at the end takes a fraction of the time."""
    indexes = [(model, index) for model in models for index in model._meta.indexes]
    with connection.schema_editor(atomic=False) as editor:
        for model, index in indexes:
            editor.remove_index(model, index)
    yield
    with connection.schema_editor(atomic=False) as editor:
        for model, index in indexes:
            editor.add_index(model, index)


def _edition(now: datetime.datetime) -> dict[str, int]:
    issue = Issue.objects.language("en").create(slug="measured", period=now.date(), finalised_on=now.date())
    Edition.objects.bulk_create(Edition(issue=issue, language=code) for code in LANGUAGES)
    edition = issue.editions.get(language="en")
    Edition.objects.filter(pk=edition.pk).update(state=Edition.State.SENT, frozen_at=now)
    rendition = Rendition.objects.create(edition=edition, marker="m" * 32, subject="s", html="h", text="t")
    return {"issue": issue.pk, "edition": edition.pk, "rendition": rendition.pk}
