"""Each provider's own words, from its post over HTTP to the delivery and the reader."""

import json

import pytest
from anymail.signals import AnymailTrackingEvent

from newsletter import hooks, posts, provider_events
from newsletter.mime import delivery_token
from newsletter.models import Delivery, DeliveryEvent, RawEvent, Subscriber, Suppression
from tests.newsletter.factories import make_subscriber
from tests.newsletter.provider_posts import (
    BASIC,
    HAPPENED,
    LACKS,
    PROVIDERS,
    TOGETHER,
    WHEN,
    Post,
    Said,
    post,
    settings_for,
    sns,
)
from tests.newsletter.sent import NOW, sent_issue

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid"),
]
# what is said → kind, delivery's state and why, why the reader is stopped
MEANS = {
    "delivered": ("delivered", ("accepted", ""), None),
    "bounced": ("hard", ("failed", "hard-bounce"), "bounced"),
    "soft": ("soft", ("failed", "soft-bounce"), None),
    "complained": ("complained", ("accepted", ""), "complained"),
    "unsubscribed": ("unsubscribed", ("accepted", ""), "unsubscribed"),
    "rejected": ("rejected", ("failed", "rejected"), None),
}
CASES = [(provider, what) for provider in PROVIDERS for what in MEANS if what not in LACKS.get(provider, ())]


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(hooks, "_ring_soon", lambda: None)


@pytest.fixture
def tell(client, settings):
    """Post what a provider says and let the worker read it."""

    def tell(provider: str, given: Post):
        settings.NEWSLETTER_TRANSPORT, settings.EMAIL_PROVIDER = "provider", provider
        settings.ANYMAIL = settings_for(provider)
        url = f"/hooks/{provider}/"
        answer = client.post(url, given.body, content_type=given.content_type, headers=given.headers)
        assert answer.status_code == 200
        return posts.read_waiting()

    return tell


def said(what: str, delivery: Delivery, number: str = "1") -> Said:
    return Said(what, delivery_token(delivery.pk), delivery.subscriber.address, number)


@pytest.mark.parametrize(("provider", "what"), CASES)
def test_what_a_provider_says_reaches_delivery_and_reader(provider, what, tell):
    amal, boris = make_subscriber("Amal@example.org"), make_subscriber("boris@example.org")
    about_amal, about_boris = sent_issue(amal, boris, state="unknown")
    kind, (state, why), reason = MEANS[what]
    if (provider, what) == ("postal", "rejected"):
        reason = "bounced"  # Postal's own list is made of addresses that bounced
    assert tell(provider, post(provider, said(what, about_amal))) == {"posts": 1, kind: 1}
    about_amal.refresh_from_db()
    assert (about_amal.state, about_amal.why) == (state, why)
    told = DeliveryEvent.objects.get()
    assert (told.kind, told.source, told.delivery_id) == (kind, provider, about_amal.pk)
    assert told.happened_at == HAPPENED.replace(microsecond=told.happened_at.microsecond)
    assert "amal" not in (told.detail + about_amal.detail).lower()
    assert list(Suppression.objects.values_list("address_key", "reason")) == (
        [(amal.address_key, reason)] if reason else []
    )
    amal.refresh_from_db()
    left = Subscriber.State.UNSUBSCRIBED
    assert amal.state == (left if what == "unsubscribed" else Subscriber.State.SUBSCRIBED)
    about_boris.refresh_from_db()
    assert about_boris.state == "unknown"
    kept = RawEvent.objects.get()
    assert (bytes(kept.body), kept.error, kept.processed_at is None) == (b"", "", False)


@pytest.mark.parametrize(("provider", "what"), CASES)
def test_said_twice_is_said_once(provider, what, tell):
    (delivery,) = sent_issue(make_subscriber())
    given = post(provider, said(what, delivery))
    tell(provider, given)
    RawEvent.objects.all().delete()  # as if nobody remembered the post itself
    again = tell(provider, given)
    assert (again["repeated"], DeliveryEvent.objects.count()) == (1, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_who_opens_a_mail_is_nobodys_business(provider, tell):
    (delivery,) = sent_issue(make_subscriber())
    assert tell(provider, post(provider, said("opened", delivery))) == {"posts": 1}
    assert not DeliveryEvent.objects.exists()
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize("provider", TOGETHER)
def test_a_post_of_many_events_reaches_each_of_its_readers(provider, tell):
    readers = [make_subscriber(f"reader{number}@example.org") for number in range(4)]
    deliveries = sent_issue(*readers, state="unknown")
    whats = ["delivered", "bounced", "opened", "complained"]
    told = [said(what, delivery, str(delivery.pk)) for what, delivery in zip(whats, deliveries, strict=True)]
    assert tell(provider, post(provider, *told)) == {"posts": 1, "delivered": 1, "hard": 1, "complained": 1}
    states = Delivery.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["accepted", "failed", "unknown", "accepted"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_token_that_is_not_ours_does_nothing(provider, tell):
    (delivery,) = sent_issue(amal := make_subscriber())
    forged = f"{delivery.pk}-{'a' * 20}"
    assert tell(provider, post(provider, Said("bounced", forged, amal.address))) == {"posts": 1, "foreign": 1}
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_token_with_another_address_does_nothing(provider, tell):
    (delivery,) = sent_issue(make_subscriber())
    token = delivery_token(delivery.pk)
    given = post(provider, Said("bounced", token, "boris@example.org"))
    assert tell(provider, given) == {"posts": 1, "foreign": 1}
    assert not Suppression.objects.exists()
    delivery.refresh_from_db()
    assert delivery.state == "accepted"


def test_the_token_is_found_in_the_message_id_too():
    token = delivery_token(17)
    told = AnymailTrackingEvent(
        event_type="delivered", message_id=f"<{token}@news.example.org>", recipient="amal@example.org", metadata=None
    )
    event = provider_events.event_of("brevo", told, received_at=NOW)
    assert (event.token, event.happened_at, event.key) == (token, NOW, "once")


@pytest.mark.parametrize(
    ("kind", "sub_type", "expected"),
    [
        ("Permanent", "General", "hard"),
        ("Permanent", "OnAccountSuppressionList", "rejected"),
        ("Transient", "General", "soft"),
        ("Transient", "ContentRejected", "policy"),
        ("Undetermined", "Undetermined", "soft"),
    ],
)
def test_amazons_kinds_of_bounces(kind, sub_type, expected, tell):
    (delivery,) = sent_issue(amal := make_subscriber())
    header = {"name": "X-Metadata", "value": json.dumps({"delivery": delivery_token(delivery.pk)})}
    bounce = {"bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": [{"emailAddress": amal.address}]}
    tell("amazon-ses", sns({"eventType": "Bounce", "mail": {"headers": [header]}, "bounce": bounce}, number="5"))
    assert DeliveryEvent.objects.get().kind == expected
    # Amazon's own list is made of addresses that bounced.
    assert Suppression.objects.exists() == (expected in {"hard", "rejected"})


def test_amazons_greeting_of_a_new_topic_leaves_nothing(tell):
    greeting = sns("Successfully validated SNS topic for Amazon SES event publishing.", number="3")
    assert tell("amazon-ses", greeting) == {"posts": 1}
    assert not RawEvent.objects.exists()


@pytest.mark.parametrize(
    ("reason", "kind", "code", "stopped"),
    [
        ("suppress-bounce", "rejected", "bounced", "bounced"),
        ("suppress-complaint", "rejected", "complained", "complained"),
        ("suppress-unsubscribe", "rejected", "unsubscribed", None),
        ("espblock", "policy", "", None),
    ],
)
def test_what_mailgun_knows_from_earlier(reason, kind, code, stopped, tell):
    (delivery,) = sent_issue(make_subscriber())
    given = post("mailgun", said("bounced", delivery))
    data = json.loads(given.body)
    data["event-data"]["reason"] = reason
    tell("mailgun", Post(json.dumps(data).encode(), headers=given.headers))
    told = DeliveryEvent.objects.get()
    assert (told.kind, told.code) == (kind, code)
    assert list(Suppression.objects.values_list("reason", flat=True)) == ([stopped] if stopped else [])


def test_a_filters_word_is_not_a_readers_complaint(tell):
    (delivery,) = sent_issue(amal := make_subscriber())
    data = {"RecordType": "Bounce", "Type": "SpamNotification", "Email": amal.address, "BouncedAt": WHEN, "ID": 3}
    data["Metadata"] = {"delivery": delivery_token(delivery.pk)}
    tell("postmark", Post(json.dumps(data).encode(), headers=BASIC))
    assert DeliveryEvent.objects.get().kind == "policy"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("words", "permanent", "expected"),
    [
        ("550 5.1.1 User unknown", None, ("hard", "5.1.1")),
        ("550 5.2.1 mailbox disabled", False, ("hard", "5.2.1")),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound", None, ("hard", "5.1.10")),
        ("553 5.1.8 sender address rejected", True, ("policy", "5.1.8")),
        ("550 5.7.1 Service refused", True, ("policy", "5.7.1")),
        ("554 Message rejected as spam", True, ("policy", "")),
        ("550 5.1.1 unknown, see our policy", True, ("hard", "5.1.1")),
        ("552 5.2.2 mailbox full", True, ("soft", "5.2.2")),
        ("552 5.3.4 message too big", True, ("soft", "5.3.4")),
        ("451 4.7.1 try again", True, ("soft", "4.7.1")),
        ("550 5.4.1 Recipient address rejected: Access denied", True, ("hard", "5.4.1")),
        ("550 5.4.1 Recipient address rejected: Access denied", None, ("soft", "5.4.1")),
        ("550 No such user here", None, ("hard", "")),
        ("550 Requested action not taken: mailbox unavailable", None, ("soft", "")),
        ("", True, ("hard", "")),
        ("", False, ("soft", "")),
        ("", None, ("soft", "")),
        ("from 10.5.1.1: connection refused", None, ("soft", "")),
    ],
)
def test_a_bounce_is_hard_soft_or_policy(words, permanent, expected):
    assert provider_events.verdict(words, permanent=permanent) == expected


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff", b"[[[", b"null", b"[]", b"{}", b'{"event-data": 7}', b'[{"event": "x"}]']
)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_nobody_can_read_is_noted_once_and_never_read_again(provider, body, settings):
    settings.EMAIL_PROVIDER, settings.ANYMAIL = provider, settings_for(provider)
    posts.store(provider, content_type="application/json", headers={}, body=body, now=NOW)
    posts.read_waiting()
    assert posts.read_waiting() == {}
    assert not RawEvent.objects.waiting().exists()
    assert not DeliveryEvent.objects.exists()


def test_why_a_post_cannot_be_read_is_said_without_its_words(settings, caplog):
    settings.EMAIL_PROVIDER, settings.ANYMAIL = "sendgrid", settings_for("sendgrid")
    body = json.dumps([{"email": "amal@example.org", "at": "noon"}]).encode()
    posts.store("sendgrid", content_type="application/json", headers={}, body=body, now=NOW)
    assert posts.read_waiting() == {"posts": 1, "unreadable": 1}
    kept = RawEvent.objects.unreadable().get()
    assert (kept.error, bytes(kept.body)) == ("KeyError: event", body)
    assert "amal" not in caplog.text


@pytest.mark.parametrize("provider", ["mailjet", "sendgrid", "sparkpost"])
def test_one_event_nobody_understands_does_not_take_the_others_with_it(provider, settings):
    first, second = sent_issue(make_subscriber("amal@example.org"), make_subscriber("boris@example.org"))
    given = post(provider, said("bounced", first, "1"), said("complained", second, "2"))
    events = json.loads(given.body)
    settings.ANYMAIL = settings_for(provider)
    posts.store(
        provider,
        content_type="application/json",
        headers={},
        body=json.dumps([events[0], {"who": "knows"}, events[1]]).encode(),
        now=NOW,
    )
    assert posts.read_waiting() == {"posts": 1, "hard": 1, "complained": 1, "unreadable": 1}
    assert bytes(RawEvent.objects.unreadable().get().body)
