"""Mails that single people asked for: who gets which, and how often. What servers say: test_outbox_wire."""

import datetime
from collections import Counter

import pytest
from django.core import mail as django_mail
from django.db import connection
from django.utils import timezone

from newsletter import outbox
from newsletter.models import Move, SignUp, SystemMail
from picum.accounts import limits
from picum.accounts.models import AuditEntry, Rate
from tests.newsletter.asked import (
    DAY,
    HOUR,
    NOW,
    asks,
    asks_for_link,
    confirms,
    ends,
    everybody,
    opened,
    own_links,
    sent,
)
from tests.newsletter.desk import carla
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
MINUTE = datetime.timedelta(minutes=1)


def subjects() -> dict[str, str]:
    return {message.to[0]: message.subject for message in django_mail.outbox}


def pages(message) -> list[str]:
    return [opened(link)[0] for link in own_links(message.body)]


def import_asks(*addresses: str, now=NOW) -> None:
    """An import without proof of consent asks each of them."""
    for address in addresses:
        asks(address, how="import", source="fair.csv", now=now)
    SystemMail.objects.update(released=True)


# --- who gets which mail ----------------------------------------------------------------------------------------------


def test_who_asks_to_subscribe_is_asked_back_unless_they_read_already_or_staff_stopped_them(mailoutbox):
    for address in everybody().values():
        asks(address)
    assert sent() == {("sent", ""): 4, ("dropped", "stopped"): 1}
    confirm, already = (
        "Please confirm: do you want the newsletter of PICUM?",
        "You receive the newsletter of PICUM already",
    )
    assert subjects() == {
        "new@example.org": confirm,
        "left@example.org": confirm,
        "bounced@example.org": confirm,
        "reads@example.org": already,
    }


def test_the_link_of_a_confirmation_works_for_72_hours_and_names_the_sign_up(mailoutbox):
    asks()
    sent(now=NOW + HOUR)
    (link,) = own_links(mailoutbox[0].body)
    sign_up = SignUp.objects.get()
    almost = NOW + HOUR + datetime.timedelta(hours=72)
    assert opened(link, now=almost) == ("confirm", sign_up.handle)
    assert abs(sign_up.mailed_at - NOW - HOUR) < MINUTE
    with pytest.raises(Exception, match=r"^$") as expired:
        opened(link, now=almost + MINUTE)
    assert type(expired.value).__name__ == "Expired"


def test_a_link_does_not_outlive_its_sign_up(mailoutbox):
    asks()
    sent(now=NOW + 6 * DAY)
    (link,) = own_links(mailoutbox[0].body)
    assert opened(link, now=NOW + 7 * DAY)
    with pytest.raises(Exception, match=r"^$"):
        opened(link, now=NOW + 7 * DAY + MINUTE)


def test_who_reads_already_gets_their_own_links_at_the_address_that_we_know(mailoutbox):
    reader = make_subscriber("amal@example.org", "pt de")
    asks("AMAL@example.org", ("de",))
    asks_for_link("Amal@example.org", language="fr")
    sent()
    link, already = mailoutbox
    assert (already.to, link.to) == (["amal@example.org"], ["amal@example.org"])
    assert [opened(link) for link in own_links(already.body)] == [
        ("preferences", reader.handle),
        ("leave", reader.handle),
    ]
    assert [opened(page) for page in own_links(link.body)] == [
        ("preferences", reader.handle),
        ("leave", reader.handle),
        ("data", reader.handle),
    ]
    # In the language in which it was asked for only if it is one of theirs.
    assert (already.extra_headers["Content-Language"], link.extra_headers["Content-Language"]) == ("de", "pt")


def test_who_asks_for_links_gets_them_only_if_we_know_the_address(mailoutbox):
    for address in everybody().values():
        asks_for_link(address)
    assert sent() == {("sent", ""): 3, ("dropped", "unknown"): 1, ("dropped", "stopped"): 1}
    found = {message.to[0]: pages(message) for message in mailoutbox}
    assert found == {
        "reads@example.org": ["preferences", "leave", "data"],
        "bounced@example.org": ["preferences", "leave", "data"],
        "left@example.org": ["data"],
    }


def test_a_change_of_address_is_asked_at_both(mailoutbox):
    move = Move.objects.create(
        subscriber=make_subscriber("amal@example.org", "es"), address="amal@example.net", address_key="0" * 32,
        created_at=NOW,
    )  # fmt: skip
    for kind, address in (("move-old", "amal@example.org"), ("move-new", "amal@example.net")):
        outbox.put(kind, address, language="es", move=move, now=NOW)
    sent()
    links = {message.to[0]: [opened(link) for link in own_links(message.body)] for message in mailoutbox}
    assert links == {"amal@example.org": [("move", move.old_handle)], "amal@example.net": [("move", move.new_handle)]}
    assert not any("example.net" in message.body for message in mailoutbox)


def test_what_has_been_settled_meanwhile_is_not_sent(mailoutbox):
    asks("late@example.org", now=NOW - 8 * DAY)
    asks()
    confirms()
    move = Move.objects.create(
        subscriber=make_subscriber("reads@example.org"),
        address="b@example.org",
        address_key="0" * 32,
        created_at=NOW - 3 * DAY,
    )
    outbox.put("move-new", "b@example.org", language="en", move=move, now=NOW)
    assert sent() == {("dropped", "late"): 2, ("dropped", "done"): 1}
    assert mailoutbox == []


def test_an_address_that_the_relay_could_not_write_is_given_up(mailoutbox):
    make_subscriber("zoë@example.org")
    outbox.put("link", "zoë@example.org", language="en", now=NOW)
    assert sent() == {("dropped", "refused"): 1}


# --- how often ----------------------------------------------------------------------------------------------------


def test_an_address_gets_one_confirmation_a_day_and_three_in_thirty_days(mailoutbox):
    got = []
    for day in (0, 0.9, 1.1, 2.2, 3.3, 29.9, 30.1, 30.9, 31.2, 32.1, 32.3):
        asks(now=NOW + day * DAY)
        if sent(now=NOW + day * DAY) == {("sent", ""): 1}:
            got.append(day)
    assert got == [0, 1.1, 2.2, 30.1, 31.2, 32.3]
    assert ends() == {("sign-up", "sent", ""): 6, ("sign-up", "dropped", "address"): 5}


def test_a_mailbox_gets_one_confirmation_a_day_however_its_address_is_varied(mailoutbox):
    for address in ("amal@example.org", "AMAL@example.org", "amal+1@example.org", "am.al+2@EXAMPLE.org"):
        asks(address)
    asks("amalia@example.org")
    assert sent() == {("sent", ""): 2, ("dropped", "address"): 3}


def test_the_count_outlives_the_sign_up_and_holds_for_readers_too(mailoutbox):
    asks()
    sent()
    SignUp.objects.all().delete()
    make_subscriber()
    asks("AMAL@example.org", now=NOW + HOUR)
    assert sent(now=NOW + HOUR) == {("dropped", "address"): 1}


def test_an_address_gets_three_links_a_day(mailoutbox):
    make_subscriber()
    for _time in range(5):
        asks_for_link()
    assert sent() == {("sent", ""): 3, ("dropped", "address"): 2}
    asks_for_link(now=NOW + DAY + MINUTE)
    assert sent(now=NOW + DAY + MINUTE) == {("sent", ""): 1}


def test_what_is_not_mailed_is_not_counted():
    asks_for_link("nobody@example.org")
    sent()
    assert not Rate.objects.exists()


def test_mails_to_one_domain_are_held_after_fifty_an_hour_and_others_go_on(mailoutbox, monkeypatch):
    monkeypatch.setattr(limits, "DOMAIN", limits.Limit(2, HOUR))
    for number in range(3):
        asks(f"reader{number}@BÜCHER.example")
    asks("amal@example.org")
    assert sent() == {("sent", ""): 3, ("held", "domain"): 1}
    (held,) = outbox.held_counts()
    assert (held.why, held.count, held.since) == ("domain", 1, NOW)
    asks("later@bücher.example", now=NOW + HOUR + MINUTE)
    assert sent(now=NOW + HOUR + MINUTE) == {("sent", ""): 1}
    assert [held.count for held in outbox.held_counts()] == [1]  # it waits for a person


def test_mails_are_held_after_so_many_in_all(mailoutbox, monkeypatch):
    monkeypatch.setattr(limits, "OVERALL", limits.Limit(2, HOUR))
    for number in range(4):
        asks(f"reader@domain{number}.example", now=NOW + number * MINUTE)
    assert sent(now=NOW + 4 * MINUTE) == {("sent", ""): 2, ("held", "overall"): 2}
    assert [(held.why, held.count, held.since) for held in outbox.held_counts()] == [("overall", 2, NOW)]


@pytest.fixture
def held(monkeypatch, mailoutbox):
    """Three mails that the brake holds back, two of them to one address."""
    monkeypatch.setattr(limits, "OVERALL", limits.Limit(1, HOUR))
    asks("first@example.net")
    sent()
    mailoutbox.clear()
    for address in ("amal@example.org", "amal@example.org", "boris@example.org"):
        asks(address)
    assert sent() == {("held", "overall"): 3}
    return SystemMail.objects.filter(state="held")


def test_staff_let_mails_through_the_brake_but_an_address_gets_no_more_than_its_share(held, mailoutbox):
    person = carla()
    assert outbox.release(held, by=person, now=NOW + DAY) == 3
    assert sent(now=NOW + DAY) == {("sent", ""): 2, ("dropped", "address"): 1}
    assert sorted(subjects()) == ["amal@example.org", "boris@example.org"]
    assert outbox.held_counts() == []
    line = AuditEntry.objects.get()
    assert (line.action, line.actor, line.data) == ("system_mail.release", person, {"count": 3})
    assert outbox.release(held, by=person, now=NOW + DAY) == 0


def test_what_staff_let_through_uses_up_nobody_else_s_allowance(held, mailoutbox):
    before = Counter(Rate.objects.values_list("scope", flat=True))
    outbox.release(held, by=carla(), now=NOW)
    sent()
    assert Counter(Rate.objects.values_list("scope", flat=True)) == before + Counter(confirmation=2)


def test_staff_discard_what_is_held_and_its_addresses_are_forgotten(held, mailoutbox):
    person = carla()
    asks("carla@example.org")  # waits, is not held
    assert outbox.discard(held, by=person) == 3
    assert ends() == {
        ("sign-up", "sent", ""): 1,
        ("sign-up", "dropped", "discarded"): 3,
        ("sign-up", "waiting", ""): 1,
    }
    assert set(SystemMail.objects.filter(state="dropped").values_list("address", flat=True)) == {""}
    assert AuditEntry.objects.get().data == {"count": 3}


def test_what_nobody_decides_about_for_a_week_is_given_up(held):
    outbox.tidy(now=NOW + 7 * DAY)
    assert len(outbox.held_counts()) == 1
    outbox.tidy(now=NOW + 7 * DAY + MINUTE)
    assert ends() == {("sign-up", "sent", ""): 1, ("sign-up", "dropped", "late"): 3}


def test_an_import_is_not_held_but_leaves_each_address_its_share(mailoutbox, monkeypatch):
    monkeypatch.setattr(limits, "DOMAIN", limits.Limit(1, HOUR))
    import_asks("amal@example.org", "boris@example.org", "amal@example.org")
    asks("carla@example.org")
    assert sent() == {("sent", ""): 3, ("dropped", "address"): 1}


def test_who_waits_for_a_mail_goes_before_an_import(mailoutbox):
    import_asks("boris@example.org", now=NOW - HOUR)
    asks("amal@example.org", now=NOW)
    sent()
    assert list(subjects()) == ["amal@example.org", "boris@example.org"]


def test_an_import_keeps_to_the_pace_of_all_sending(mailoutbox, settings):
    settings.SENDING_RATE = 20
    import_asks("amal@example.org", "boris@example.org", "carla@example.org")
    began = timezone.now()
    assert sent() == {("sent", ""): 3}
    assert timezone.now() - began > datetime.timedelta(seconds=2 / 20)


def test_what_finds_no_moment_soon_comes_again_without_losing_a_try(mailoutbox, settings):
    settings.SENDING_RATE = 0.01
    import_asks("amal@example.org", "boris@example.org")
    assert sent() == {("sent", ""): 1, ("waiting", "pace"): 1}
    waiting = SystemMail.objects.get(state="waiting")
    assert waiting.attempts == 0
    assert sent(now=NOW + HOUR) == {("sent", ""): 1}


@pytest.mark.parametrize(("number", "queries"), [(1, 17), (3, 41)])
def test_each_mail_costs_the_same_few_queries(mailoutbox, django_assert_num_queries, number, queries):
    for reader in range(number):
        asks(f"reader{reader}@example.org")
    turns = number + 1 if connection.vendor == "postgresql" else 0  # its lock
    with django_assert_num_queries(queries + turns):
        assert sent() == {("sent", ""): number}
