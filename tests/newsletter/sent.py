"""Issues that went out: real rows, as freezing and sending leave them."""

import datetime

from django.utils import timezone

from newsletter.mime import delivery_token
from newsletter.models import Delivery, Edition, Issue, Rendition, Subscriber
from newsletter.tracking import Event
from tests.newsletter.factories import make_issue

NOW = datetime.datetime(2026, 11, 3, 12, 0, tzinfo=datetime.UTC)


def sent_issue(
    *readers: Subscriber, slug="november", at=NOW, state="accepted", edition_state="sending"
) -> list[Delivery]:
    """An issue in English that went out at a moment, with a delivery for each reader, in their order."""
    issue = make_issue(slug, languages=["en"], state=Edition.State.READY)
    edition = issue.editions.get(language="en")
    fields = {"state": edition_state, "frozen_at": at, "frozen_count": len(readers), "latest_at": at}
    Edition.objects.filter(pk=edition.pk).update(**fields)
    rendition = Rendition.objects.create(edition=edition, marker="m" * 32, subject="s", html="h", text="t")
    return [_delivery(issue, edition, rendition, reader, state, at) for reader in readers]


def _delivery(issue: Issue, edition: Edition, rendition: Rendition, reader: Subscriber, state, at) -> Delivery:
    lease = {"lease_until": timezone.now(), "worker": "w"} if state in Delivery.IN_HAND else {}
    return Delivery.objects.create(
        issue=issue,
        edition=edition,
        rendition=rendition,
        subscriber=reader,
        address_key=reader.address_key,
        state=state,
        attempts=1,
        due_at=at,
        **lease,
    )


def event(delivery: Delivery, kind: str, **fields) -> Event:
    """An event about a delivery, as a source tells it."""
    reader = delivery.subscriber
    fields = {
        "token": delivery_token(delivery.pk),
        "address": reader.address if reader else "",
        "happened_at": NOW,
        "source": "brevo",
        "key": "",
    } | fields
    return Event(kind=kind, **fields)
