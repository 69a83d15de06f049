"""A mailbox that the relay calls gone while we speak to it is not written to again."""

import pytest

from newsletter import enqueue, reporting, sending
from newsletter.models import DeliveryEvent, Edition, Suppression
from picum.addresses import address_key
from tests.newsletter.crowd import crowd
from tests.newsletter.factories import make_issue

pytestmark = pytest.mark.django_db(transaction=True)


def send_to_three(relay, answer: str) -> dict[str, str]:
    """An issue to three readers, of whom the relay refuses the first; state by address."""
    relay.script = lambda step, argument: answer if step == "RCPT" and "reader0@" in argument else None
    issue = make_issue(items=1, state=Edition.State.READY)
    crowd(3)
    enqueue.send(issue, ["en"], by=None)
    (edition,) = enqueue.freeze_due(issue.pk)
    sending.send_edition(edition.pk)
    assert reporting.report(issue)["balanced"]
    return dict(edition.deliveries.values_list("subscriber__address", "state"))


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user here", "550 5.2.1 disabled", "550 No such user here"])
def test_it_goes_on_the_stop_list_at_once(relay, answer):
    states = send_to_three(relay, answer)
    assert states == {
        "reader0@example.org": "failed",
        "reader1@example.org": "accepted",
        "reader2@example.org": "accepted",
    }
    stopped = Suppression.objects.get()
    assert (stopped.address_key, stopped.reason) == (address_key("reader0@example.org"), "bounced")
    event = DeliveryEvent.objects.get()
    assert (event.kind, event.source, event.delivery.why) == ("hard", "smtp", "hard-bounce")
    assert "@" not in event.detail


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.7.1 you are on our block list",
        "550 blocked using spamhaus",
        "552 5.2.2 mailbox full",
        "554 5.1.8 sender?",
    ],
)
def test_what_is_not_said_of_the_mailbox_stops_nobody(relay, answer):
    assert send_to_three(relay, answer)["reader0@example.org"] == "failed"
    assert not Suppression.objects.exists()
    assert not DeliveryEvent.objects.exists()
