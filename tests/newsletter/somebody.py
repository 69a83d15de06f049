"""Readers of whom everything is held that can be held of a reader."""

from newsletter import consents, wordings
from newsletter.consents import Entry, How, Kind
from newsletter.models import Delivery, DeliveryEvent, Move, SignUp, Subscriber, SystemMail
from picum.accounts import audit
from picum.accounts.limits import count_mail
from picum.addresses import address_key
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import NOW, sent_issue


def all_about(*people: tuple[str, str]) -> list[Subscriber]:
    """Readers with these addresses and names. They have signed up again and want to move; two issues were sent to
    them, of which one came back; mails wait, staff have done something."""
    readers = [_live(address, name) for address, name in people]
    sent = sent_issue(*readers, slug="october") + sent_issue(*readers, slug="november", state="failed")
    for delivery in sent:
        address = delivery.subscriber.address
        why = "hard-bounce" if delivery.state == "failed" else ""
        Delivery.objects.filter(pk=delivery.pk).update(why=why, detail=f"550 no {address} here", changed_at=NOW)
        fields = {"source": "dsn", "happened_at": NOW, "received_at": NOW, "key": f"{delivery.pk:032}"}
        DeliveryEvent.objects.create(
            delivery=delivery, kind="soft", code="4.2.2", detail=f"{address} is full", **fields
        )
    return readers


def _live(address: str, name: str) -> Subscriber:
    reader = make_subscriber(
        address,
        "pt es en",
        name=name,
        areas="monitoring advocacy",
        source=f"list with {name}",
        created_at=NOW,
        subscribed_at=NOW,
    )
    address, key, words = reader.address, reader.address_key, wordings.current("pt")
    times = {"created_at": NOW}
    sign_up = SignUp.objects.create(
        address=address,
        address_key=key,
        languages="pt",
        areas="advocacy",
        name=name,
        how="form",
        source="congress",
        wording=words,
        **times,
    )
    times |= {"changed_at": NOW}
    mail = {"address": address, "address_key": key, "language": "pt"} | times
    SystemMail.objects.create(kind="sign-up", sign_up=sign_up, **mail)
    SystemMail.objects.create(kind="link", state="held", why="domain", **mail)
    SystemMail.objects.create(kind="link", state="sent", **mail | {"address": ""})
    new = f"new.{address}"
    move = Move.objects.create(subscriber=reader, address=new, address_key=address_key(new), created_at=NOW)
    SystemMail.objects.create(kind="move-old", move=move, **mail)
    SystemMail.objects.create(kind="move-new", move=move, **mail | {"address": new, "address_key": address_key(new)})
    consents.append([Entry(Kind.GIVEN, How.FORM, key, words)], now=NOW)
    count_mail(key, "link", domain="example.org", now=NOW)
    audit.record("subscriber.change", by=None, on=reader)
    audit.record("subscriber.unsubscribe", by=None, reader=reader.pk, note="They wrote us a letter.")
    return reader
