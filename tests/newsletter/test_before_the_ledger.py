"""The readers of a site that was there before the consent ledger: none is lost, none comes back, and it knows them."""

import datetime
import hashlib
import hmac
import uuid
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from newsletter import consents, importing
from newsletter.lists import Row
from newsletter.models import Consent, Subscriber, Suppression
from picum.addresses import address_key
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
MIGRATION = import_module("newsletter.migrations.0004_before_the_ledger")
MAY, JUNE = (datetime.datetime(2026, month, 3, 12, tzinfo=datetime.UTC) for month in (5, 6))


def carry_over():
    apps = MigrationLoader(connection).project_state(("newsletter", "0003_readers")).apps
    MIGRATION.carry_over(apps, SimpleNamespace(connection=connection))


def lines() -> list[tuple]:
    rows = Consent.objects.order_by("number")
    return list(rows.values_list("number", "address_key", "kind", "how", "detail", "at"))


def test_the_ledger_gets_what_is_known_of_each_reader_in_the_order_of_time():
    amal = make_subscriber("amal@example.org", source="members.csv", subscribed_at=JUNE)
    boris = make_subscriber("boris@example.org", source="carla@example.org.csv", subscribed_at=MAY)
    Subscriber.objects.filter(pk=boris.pk).update(state="unsubscribed", unsubscribed_at=JUNE + datetime.timedelta(1))
    carry_over()
    assert lines() == [
        (1, boris.address_key, "given", "import", "", MAY),
        (2, amal.address_key, "given", "import", "members.csv", JUNE),
        (3, boris.address_key, "withdrawn", "import", MIGRATION.UNTOLD, JUNE + datetime.timedelta(1)),
    ]
    assert not list(consents.verify())


def test_what_the_ledger_knows_it_is_not_told_again_and_new_lines_follow(monkeypatch):
    monkeypatch.setattr(MIGRATION, "BATCH", 2)
    amal = make_subscriber("amal@example.org")
    consents.append([consents.Entry("given", "form", amal.address_key)], now=JUNE)
    others = [make_subscriber(f"reader{number}@example.org", subscribed_at=MAY) for number in range(3)]
    for _time in range(2):
        carry_over()
        assert [line[1] for line in lines()] == [reader.address_key for reader in [amal, *others]]
    assert not list(consents.verify())


def test_who_was_never_asked_to_confirm_is_not_kept_for_ever():
    with connection.cursor() as cursor:
        make_subscriber("amal@example.org")
        cursor.execute("UPDATE newsletter_subscriber SET state = 'pending', subscribed_at = NULL")
    carry_over()
    assert not Subscriber.objects.exists()
    assert not Consent.objects.exists()


def old_key(address):
    digest = hmac.digest(settings.ADDRESS_KEY.encode(), address.casefold().encode(), hashlib.sha256)
    return uuid.UUID(bytes=digest[:16])


def test_an_address_whose_key_has_changed_is_known_by_the_new_one():
    address = "amal@straße.example.org"
    amal = make_subscriber(address)
    left = {"address_key": old_key(address), "state": "unsubscribed", "unsubscribed_at": JUNE}
    Subscriber.objects.filter(pk=amal.pk).update(**left)
    Suppression.objects.create(address_key=old_key(address), reason="unsubscribed")
    carry_over()
    assert set(Subscriber.objects.values_list("address_key", flat=True)) == {address_key(address)}
    assert set(Suppression.objects.values_list("address_key", flat=True)) == {address_key(address)}
    Subscriber.objects.all().delete()  # ninety days after they left
    assert importing.import_rows([Row(1, address, "de", "")], source="again").refused == 1
