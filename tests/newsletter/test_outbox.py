"""Mails that single people asked for: who gets which, how often, and what happens if the mail server does not want."""

import datetime
import logging
import socket
from collections import Counter
from smtplib import SMTPServerDisconnected

import pytest
import requests
from anymail.exceptions import (
    AnymailAPIError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from django.core import mail as django_mail
from django.db import connection
from django.utils import timezone

from newsletter import limits, outbox, tasks
from newsletter.models import Move, Rate, SignUp, Suppression, SystemMail
from newsletter.reconcile import reconcile
from picum.accounts.models import AuditEntry
from picum.chaos.relay import ACCEPT_THEN_DROP, DROP, Relay
from tests.conftest import point_at
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
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db
State, Reason = SystemMail.State, Suppression.Reason
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


# --- over a real connection ------------------------------------------------------------------------------------------


@pytest.fixture
def smtp(settings):
    settings.EMAIL_BACKEND = "picum.smtp.EmailBackend"  # pytest-django puts a box in its place


@pytest.fixture
def server(smtp, relay):
    return relay


def answers(relay, **replies: str) -> None:
    """The relay says this at these steps."""
    relay.script = lambda step, argument: replies.get(step)


def test_a_mail_arrives_with_the_headers_of_a_mail_to_one_person(server, settings):
    settings.NEWSLETTER_REPLY_TO = "desk@picum.example"
    asks("Amal@bücher.example", ("nl",))
    assert sent() == {("sent", ""): 1}
    (mail,) = server.received
    assert (mail.sender, mail.recipient) == ("newsletter@picum.example", "Amal@xn--bcher-kva.example")
    message = mail.message
    assert sorted(message.keys()) == [
        "Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Reply-To",
        "Subject", "To", "X-Auto-Response-Suppress",
    ]  # fmt: skip
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (message["Content-Language"], message["Reply-To"]) == ("nl", "desk@picum.example")
    assert message["To"] == "Amal@xn--bcher-kva.example"
    assert message["From"].addresses[0].addr_spec == "newsletter@picum.example"
    assert message["From"].addresses[0].display_name
    assert message["Message-ID"].endswith("@picum.example>")
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []


def test_many_mails_share_a_connection(server):
    for name in ("amal", "boris", "carla"):
        asks(f"{name}@example.org")
    sent()
    assert len(server.received) == 3
    assert server.connections == 1


def test_a_relay_that_is_away_costs_no_mail_a_try_and_is_tried_again(smtp, settings):
    asks()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", taken.getsockname()[1]
        for _time in range(9):
            assert sent() == {}
    assert SystemMail.objects.values_list("state", "attempts", "why").get() == ("waiting", 0, "")
    with Relay() as server:
        point_at(settings, server)
        assert sent() == {("sent", ""): 1}


@pytest.mark.parametrize(
    "replies", [{"MAIL": "451 4.3.0 no"}, {"MAIL": "530 5.7.0 log in first"}, {"RCPT": "421 4.3.2 bye"}]
)
def test_a_relay_that_takes_nothing_costs_no_mail_a_try(server, replies):
    asks("amal@example.org")
    asks("boris@example.org")
    answers(server, **replies)
    assert sent() == {("waiting", "relay"): 1}  # the other one is not tried at all
    assert set(SystemMail.objects.values_list("attempts", flat=True)) == {0}
    server.script = lambda step, argument: None
    assert sent(now=NOW + 2 * MINUTE) == {("sent", ""): 2}  # its place among the limits was not taken twice


@pytest.mark.parametrize(
    ("step", "reply"), [("RCPT", "550 5.1.1 no such user"), ("dot", "554 5.6.0 no"), ("RCPT", "550")]
)
def test_an_address_that_is_refused_for_ever_is_given_up(server, step, reply):
    asks()
    answers(server, **{step: reply})
    assert sent() == {("dropped", "refused"): 1}
    assert SystemMail.objects.get().address == ""
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("step", "reply"),
    [("RCPT", "450 4.2.0 greylisted"), ("dot", "451 4.3.0 no"), ("RCPT", "554 5.7.1 relay access denied")],
)
def test_what_is_not_taken_now_is_tried_five_times_ever_more_slowly(server, step, reply):
    asks()
    answers(server, **{step: reply})
    now, waits = NOW, []
    while sent(now=now) == {("waiting", "later"): 1}:
        due_at = SystemMail.objects.get().due_at
        waits.append(round((due_at - now) / MINUTE))
        now = due_at
    assert waits == [5, 10, 20, 40]
    assert ends() == {("sign-up", "dropped", "tries"): 1}


@pytest.mark.parametrize("action", [DROP, ACCEPT_THEN_DROP])
def test_a_connection_that_breaks_in_the_middle_costs_a_try_and_ends_the_round(server, action):
    asks("amal@example.org")
    asks("boris@example.org")
    answers(server, dot=action)
    assert sent() == {("waiting", "later"): 1}
    server.script = lambda step, argument: None
    assert sent(now=NOW + 6 * MINUTE) == {("sent", ""): 2}
    mails = [mail.message["Message-ID"] for mail in server.received]
    assert len(mails) == 2 + (action == ACCEPT_THEN_DROP)  # at least once …
    assert len(set(mails)) == 2  # … and it is known to be the same


def test_a_worker_killed_between_sending_and_writing_it_down_leaves_a_mail_that_is_sent_again(mailoutbox):
    asks()
    taken = outbox._take(NOW)  # and here it is killed, perhaps after it handed the mail over
    taken.build().send()
    assert sent() == {}
    outbox.tidy(now=NOW + outbox.LEASE)
    assert sent(now=NOW + outbox.LEASE) == {}
    outbox.tidy(now=NOW + 2 * outbox.LEASE)
    assert sent(now=NOW + 2 * outbox.LEASE) == {("sent", ""): 1}
    assert len({message.extra_headers["Message-ID"] for message in mailoutbox}) == 1


def test_a_mail_at_which_workers_die_again_and_again_is_given_up(mailoutbox):
    asks()
    now = NOW
    for _time in range(outbox.MAX_TRIES):
        assert outbox._take(now).build
        now += 2 * outbox.LEASE
        outbox.tidy(now=now)
    assert sent(now=now) == {("dropped", "tries"): 1}


def test_a_worker_that_was_given_up_does_not_overwrite_what_another_does():
    asks()
    slow = outbox._take(NOW)
    later = NOW + 2 * outbox.LEASE
    outbox.tidy(now=later)
    quick = outbox._take(later)
    assert outbox._move(slow.mail, State.DROPPED, "tries", now=later) == ("gone", "")
    assert outbox._move(quick.mail, State.SENT, now=later) == ("sent", "")
    assert SystemMail.objects.get().state == State.SENT


def test_it_stops_when_the_worker_is_asked_to_and_rings_for_another(mailoutbox, bells):
    for name in ("amal", "boris"):
        asks(f"{name}@example.org")
    stops = iter([False, True])
    assert dict(outbox.dispatch(now=NOW, until=lambda: next(stops))) == {("sent", ""): 1}
    assert SystemMail.objects.filter(state="waiting").count() == 1
    assert bells == ["newsletter.send_system_mail"]
    sent()
    assert len(bells) == 1


def test_refusals_are_logged_without_the_address(server, caplog):
    caplog.set_level(logging.DEBUG)
    asks("amal.haddad@example.org")
    answers(server, RCPT="550 5.1.1 amal.haddad@example.org is unknown")
    sent()
    assert "SMTPRecipientsRefused" in caplog.text
    assert "haddad" not in caplog.text


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (AnymailRecipientsRefused(), "refused"),
        (AnymailInvalidAddress(), "refused"),
        (AnymailAPIError(status_code=422), "refused"),
        (AnymailAPIError(status_code=401), "away"),
        (AnymailAPIError(status_code=429), "away"),
        (AnymailAPIError(status_code=500), "broken"),
        (AnymailRequestsAPIError(), "broken"),
        (requests.ConnectionError(), "broken"),
        (SMTPServerDisconnected(), "broken"),
        (TimeoutError(), "broken"),
        (ValueError("Invalid address"), "refused"),
    ],
)
def test_what_a_provider_says_is_understood(error, answer):
    assert outbox._answer(error).value == answer


# --- workers ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_an_address_one_mail(smtp, relay, settings):
    for _time in range(3):
        asks("amal@example.org")
        asks("boris@example.org")
    ends = at_once(*[sent] * 3)
    assert sum(map(Counter, ends), Counter()) == {("sent", ""): 2, ("dropped", "address"): 4}
    assert sorted(relay.recipients()) == ["amal@example.org", "boris@example.org"]


def test_the_task_sends_what_is_due(mailoutbox):
    asks(now=timezone.now())
    tasks.send_system_mail()
    assert list(subjects()) == ["amal@example.org"]


def test_the_reconciler_rings_for_what_is_due_and_frees_what_a_dead_worker_held(bells):
    asks(now=timezone.now())
    reconcile()
    assert bells == ["newsletter.send_system_mail"]
    SystemMail.objects.update(state="claimed", lease_until=timezone.now() - MINUTE)
    reconcile()
    assert bells == ["newsletter.send_system_mail"] * 2
    SystemMail.objects.update(state="sent")
    reconcile()
    assert len(bells) == 2


@pytest.fixture
def bells(monkeypatch) -> list[str]:
    """The names of the tasks that are asked for."""
    from celery import current_app

    rung: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: rung.append(name))
    return rung
