"""An edition goes out: each reader once, in their language, and the ledger tells what happened."""

import datetime
import threading

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from newsletter import enqueue, ledger, lifecycle, reporting, sending
from newsletter.models import Delivery, Edition, Rendition, Subscriber, Suppression
from newsletter.reconcile import reconcile
from picum import links
from picum.chaos.relay import ACCEPT_THEN_DROP, DROP, Relay
from tests.conftest import point_at
from tests.newsletter.factories import make_issue, make_item, make_subscriber

READY = Edition.State.READY
pytestmark = pytest.mark.django_db


def go(issue, languages=("en", "de", "nl", "es", "fr", "it", "pt"), **options):
    """Send and let the workers work until nothing is due."""
    enqueue.send(issue, languages, by=None, **options)
    reconcile()
    work(issue)


def work(issue):
    for edition in issue.editions.filter(state=Edition.State.SENDING):
        sending.send_edition(edition.pk)


def states(issue):
    return reporting.report(issue)["states"]


def test_each_reader_gets_the_edition_in_the_first_of_their_languages(relay):
    issue = make_issue(items=2, state=READY)
    make_subscriber("amal@example.org", "de en")
    make_subscriber("boris@example.org", "en")
    make_subscriber("carla@example.org", "pt es en")

    go(issue)

    got = {mail.recipient: mail.message["Content-Language"] for mail in relay.received}
    assert got == {"amal@example.org": "de", "boris@example.org": "en", "carla@example.org": "pt"}
    assert states(issue) == {"accepted": 3}
    assert set(issue.editions.values_list("state", flat=True)) == {Edition.State.SENT}


def test_the_token_in_each_mail_is_the_reader_s_own_and_no_marker_is_left(relay):
    issue = make_issue(items=1, state=READY)
    amal, boris = make_subscriber("amal@example.org"), make_subscriber("boris@example.org")

    go(issue)

    marker = Rendition.objects.get(edition__language="en").marker
    tokens = {reader.address: links.sign(reader.handle, purpose="reader") for reader in (amal, boris)}
    for mail in relay.received:
        text = mail.data.decode()
        assert marker not in text
        assert tokens[mail.recipient] in text
        assert not any(token in text for address, token in tokens.items() if address != mail.recipient)


def test_readers_of_a_language_that_is_not_ready_wait_and_get_it_when_it_is(relay):
    issue = make_issue(items=1, state=READY)
    issue.editions.filter(language="pt").update(state=Edition.State.DRAFT)
    make_subscriber("amal@example.org", "pt en")
    make_subscriber("boris@example.org", "en pt")

    go(issue, ["en"])
    assert relay.recipients() == ["boris@example.org"]

    issue.editions.filter(language="pt").update(state=READY)
    go(issue, ["pt"])
    assert [(mail.recipient, mail.message["Content-Language"]) for mail in relay.received] == [
        ("boris@example.org", "en"),
        ("amal@example.org", "pt"),
    ]


def test_do_not_wait_for_portuguese_gives_its_readers_the_next_language_and_never_a_second_copy(relay):
    issue = make_issue(items=1, state=READY)
    issue.editions.filter(language="pt").update(state=Edition.State.DRAFT)
    make_subscriber("amal@example.org", "pt es en")

    go(issue, ["en", "es"], given_up=["pt"])
    assert [mail.message["Content-Language"] for mail in relay.received] == ["es"]

    issue.editions.filter(language="pt").update(state=READY)
    make_subscriber("nuno@example.org", "pt")
    go(issue, ["pt"])
    assert [(mail.recipient, mail.message["Content-Language"]) for mail in relay.received] == [
        ("amal@example.org", "es"),
        ("nuno@example.org", "pt"),
    ]


def test_giving_up_a_language_after_the_others_went_out_serves_those_who_waited(relay):
    issue = make_issue(items=1, state=READY)
    issue.editions.filter(language__in=["pt", "it"]).update(state=Edition.State.DRAFT)
    make_subscriber("amal@example.org", "pt en")
    make_subscriber("boris@example.org", "en")
    go(issue, ["en"])
    make_subscriber("late@example.org", "en")  # subscribed after English was frozen: not a reader of this issue

    issue.editions.filter(language="it").update(state=READY)
    go(issue, ["it"], given_up=["pt"])

    assert sorted(relay.recipients()) == ["amal@example.org", "boris@example.org"]
    assert issue.editions.get(language="en").state == Edition.State.SENT


def test_a_late_language_can_be_given_up_when_everything_else_went_out(relay):
    issue = make_issue(items=1, state=READY)
    issue.editions.filter(language="pt").update(state=Edition.State.DRAFT)
    make_subscriber("amal@example.org", "pt en")
    make_subscriber("nuno@example.org", "pt")
    make_subscriber("boris@example.org", "en")
    go(issue, ["en"])

    assert enqueue.give_up(issue, ["pt"], by=None) == 1
    work(issue)

    assert sorted(relay.recipients()) == ["amal@example.org", "boris@example.org"]  # nuno reads nothing else
    assert issue.editions.get(language="en").state == Edition.State.SENT
    assert enqueue.give_up(issue, ["pt"], by=None) == 0


def test_items_missing_in_a_language_are_filled_along_each_reader_s_own_order(relay):
    issue = make_issue(state=READY)
    make_item(issue, pt="Um", es="Uno", en="One", fr="Un")
    make_item(issue, es="Dos", en="Two", fr="Deux")
    make_subscriber("amal@example.org", "pt es")
    make_subscriber("boris@example.org", "pt fr")
    make_subscriber("carla@example.org", "pt")

    go(issue)

    bodies = {mail.recipient: mail.message.get_body(("plain",)).get_content() for mail in relay.received}
    assert {address: [word for word in ("Dos", "Two", "Deux") if word in body] for address, body in bodies.items()} == {
        "amal@example.org": ["Dos"],
        "boris@example.org": ["Deux"],
        "carla@example.org": ["Two"],
    }


def test_a_second_send_of_the_same_editions_is_refused_and_sends_nothing(relay):
    issue = make_issue(items=1, state=READY)
    make_subscriber()
    go(issue)

    with pytest.raises(lifecycle.IllegalMove):
        go(issue)
    reconcile()
    work(issue)
    assert len(relay.received) == 1


def test_suppressed_and_unsubscribed_readers_get_nothing(relay):
    issue = make_issue(items=1, state=READY)
    make_subscriber("amal@example.org")
    make_subscriber("boris@example.org", state="unsubscribed")
    stopped = make_subscriber("dora@example.org")
    Suppression.objects.create(address_key=stopped.address_key, reason="complained")

    go(issue)

    assert relay.recipients() == ["amal@example.org"]
    assert states(issue) == {"accepted": 1}


@pytest.mark.parametrize("how", ["unsubscribed", "suppressed", "erased"])
def test_a_reader_who_leaves_after_freezing_is_skipped(relay, how):
    issue = make_issue(items=1, state=READY)
    amal, boris = make_subscriber("amal@example.org"), make_subscriber("boris@example.org")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)

    if how == "unsubscribed":
        amal.state = "unsubscribed"
        amal.save(update_fields=["state"])
    elif how == "suppressed":
        Suppression.objects.create(address_key=amal.address_key, reason="bounced")
    else:
        amal.delete()
    work(issue)

    assert relay.recipients() == [boris.address]
    assert states(issue) == {"accepted": 1, "skipped": 1}
    assert Delivery.objects.get(state="skipped").why == how
    assert reporting.report(issue)["balanced"]


@pytest.mark.django_db(transaction=True)
def test_a_reader_who_leaves_while_the_mail_is_on_its_way_to_the_dot_gets_nothing(settings):
    issue = make_issue(items=1, state=READY)
    amal = make_subscriber("amal@example.org")
    make_subscriber("boris@example.org")
    settings.SENDING_CONNECTIONS = 1

    def leave(step, argument):
        """Amal leaves when the relay has just agreed to take her mail."""
        if step == "DATA" and not left:
            left.append(amal)
            thread = threading.Thread(target=unsubscribe)
            thread.start()
            thread.join()

    def unsubscribe():
        Subscriber.objects.filter(pk=amal.pk).update(state="unsubscribed")
        connection.close()

    left: list[Subscriber] = []
    with Relay(leave) as relay:
        point_at(settings, relay)
        go(issue)
        assert relay.recipients() == ["boris@example.org"]
    assert states(issue) == {"accepted": 1, "skipped": 1}


def test_an_edit_after_freezing_changes_nothing_that_goes_out(relay):
    issue = make_issue(state=READY)
    item = make_item(issue, en="As it was")
    make_subscriber()
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)

    item.translations.update(title="As it is now")
    work(issue)

    (mail,) = relay.received
    assert "As it was" in mail.data.decode()
    assert "As it is now" not in mail.data.decode()


def test_a_schedule_waits_for_its_time(relay):
    issue = make_issue(items=1, state=READY)
    make_subscriber()
    later = timezone.now() + datetime.timedelta(hours=3)
    enqueue.send(issue, ["en"], by=None, at=later)
    reconcile()
    work(issue)
    assert relay.received == []

    with time_machine.travel(later):
        reconcile()
        work(issue)
    assert len(relay.received) == 1


def test_an_edition_that_was_spoilt_after_scheduling_stays_here_and_says_why(relay):
    issue = make_issue(items=1, state=READY)
    make_subscriber("amal@example.org", "en")
    make_subscriber("boris@example.org", "de")
    later = timezone.now() + datetime.timedelta(hours=3)
    enqueue.send(issue, ["en", "de"], by=None, at=later)
    issue.translations.filter(language_code="en").update(subject="")

    with time_machine.travel(later):
        reconcile()
        work(issue)

    assert relay.recipients() == ["boris@example.org"]
    english = issue.editions.get(language="en")
    assert (english.state, english.send_at) == (READY, None)
    assert english.reason == "The subject of the mail is missing in English."


def test_pause_stops_resume_goes_on_and_cancel_skips_the_rest(relay):
    issue = make_issue(items=1, state=READY)
    for number in range(5):
        make_subscriber(f"reader{number}@example.org")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    edition = issue.editions.get(language="en")

    enqueue.pause(edition, by=None, reason="a typo")
    sending.send_edition(edition.pk)
    assert relay.received == []

    enqueue.resume(edition, by=None)
    edition.refresh_from_db()
    enqueue.cancel(edition, by=None)
    sending.send_edition(edition.pk)
    assert relay.received == []
    assert states(issue) == {"skipped": 5}


def test_a_recipient_refused_for_good_fails_and_one_refused_for_now_is_deferred(settings):
    issue = make_issue(items=1, state=READY)
    for name in ("amal", "gone", "full"):
        make_subscriber(f"{name}@example.org")

    def script(step, argument):
        if step == "RCPT" and "gone" in argument:
            return "550 5.1.1 no such user"
        if step == "RCPT" and "full" in argument:
            return "452 4.2.2 mailbox full"
        return None

    with Relay(script) as relay:
        point_at(settings, relay)
        go(issue)
        assert relay.recipients() == ["amal@example.org"]
    assert states(issue) == {"accepted": 1, "deferred": 1, "failed": 1}
    assert Delivery.objects.get(state="failed").why == "hard-bounce"
    deferred = Delivery.objects.get(state="deferred")
    assert deferred.due_at > timezone.now() + datetime.timedelta(minutes=4)


def test_a_policy_refusal_at_the_dot_pauses_the_edition_and_suppresses_nobody(settings):
    issue = make_issue(items=1, state=READY)
    for number in range(3):
        make_subscriber(f"reader{number}@example.org")
    settings.SENDING_CONNECTIONS = 1
    with Relay(lambda step, _argument: "554 5.7.1 looks like spam" if step == "dot" else None) as relay:
        point_at(settings, relay)
        go(issue)
    edition = issue.editions.get(language="en")
    assert edition.state == Edition.State.PAUSED
    assert "looks like spam" in edition.reason
    assert states(issue) == {"failed": 1, "queued": 2}
    assert not Suppression.objects.exists()


def test_no_answer_after_the_dot_is_unknown_and_never_resent_by_itself(settings):
    issue = make_issue(items=1, state=READY)
    make_subscriber()
    with Relay(lambda step, _argument: ACCEPT_THEN_DROP if step == "dot" else None) as relay:
        point_at(settings, relay)
        go(issue)
        reconcile(now=timezone.now() + datetime.timedelta(days=1))
        work(issue)
        assert len(relay.received) == 1
    report = reporting.report(issue)
    assert report["states"] == {"unknown": 1}
    assert len(report["unknown"]) == 1


def test_a_connection_that_breaks_before_the_dot_puts_the_letter_back(settings):
    issue = make_issue(items=1, state=READY)
    make_subscriber()
    broken = iter([DROP])
    with Relay(lambda step, _argument: next(broken, None) if step == "DATA" else None) as relay:
        point_at(settings, relay)
        go(issue)
        assert states(issue) == {"queued": 1}
        edition = issue.editions.get(language="en")
        assert edition.resume_at is not None
        Edition.objects.update(resume_at=None)
        Delivery.objects.update(due_at=timezone.now())
        work(issue)
        assert len(relay.received) == 1
    assert states(issue) == {"accepted": 1}


def test_an_unreachable_relay_loses_nothing_and_says_so_on_the_edition(settings):
    issue = make_issue(items=1, state=READY)
    make_subscriber()
    with Relay() as relay:
        point_at(settings, relay)
    go(issue)
    edition = issue.editions.get(language="en")
    assert states(issue) == {"queued": 1}
    assert edition.state == Edition.State.SENDING
    assert "no connection to 127.0.0.1" in edition.last_error
    assert edition.resume_at is not None


def test_a_dead_worker_s_rows_are_queued_again_unless_they_were_on_the_wire():
    issue = make_issue(items=1, state=READY)
    for number in range(3):
        make_subscriber(f"reader{number}@example.org")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    edition, now = issue.editions.get(language="en"), timezone.now()
    claims = ledger.claim(edition.pk, worker="dead", limit=2, lease=datetime.timedelta(seconds=60), now=now)
    ledger.intend([(claims[0].delivery_id, claims[0].attempt)], worker="dead", now=now)

    later = now + datetime.timedelta(seconds=61)
    assert ledger.reclaim(now=later) == {"queued": 1, "unknown": 1}
    assert states(issue) == {"queued": 2, "unknown": 1}

    # the worker was only asleep: its word on what it had on the wire still counts, its other claim does not
    accepted = ledger.Entry(claims[0].delivery_id, claims[0].attempt, "accepted")
    ledger.record([accepted], worker="dead", now=later)
    assert ledger.intend([(claims[1].delivery_id, claims[1].attempt)], worker="dead", now=later) == set()
    assert states(issue) == {"accepted": 1, "queued": 2}


def test_two_claims_never_take_the_same_row():
    issue = make_issue(items=1, state=READY)
    for number in range(10):
        make_subscriber(f"reader{number}@example.org")
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    edition = issue.editions.get(language="en")
    lease, now = datetime.timedelta(seconds=60), timezone.now()
    first = ledger.claim(edition.pk, worker="a", limit=6, lease=lease, now=now)
    second = ledger.claim(edition.pk, worker="b", limit=6, lease=lease, now=now)
    assert len(first) == 6
    assert len(second) == 4
    assert {c.delivery_id for c in first}.isdisjoint({c.delivery_id for c in second})


def test_the_word_of_a_worker_that_lost_its_claim_does_not_touch_the_next_one_s():
    issue = make_issue(items=1, state=READY)
    make_subscriber()
    enqueue.send(issue, ["en"], by=None)
    enqueue.freeze_due(issue.pk)
    edition, now, lease = issue.editions.get(language="en"), timezone.now(), datetime.timedelta(seconds=60)
    (slow,) = ledger.claim(edition.pk, worker="slow", limit=1, lease=lease, now=now)
    later = now + datetime.timedelta(seconds=61)
    ledger.reclaim(now=later)
    (quick,) = ledger.claim(edition.pk, worker="quick", limit=1, lease=lease, now=later)
    assert (quick.delivery_id, quick.attempt) == (slow.delivery_id, slow.attempt)

    ledger.record([ledger.Entry(slow.delivery_id, slow.attempt, "failed", "hard-bounce")], worker="slow", now=later)

    assert Delivery.objects.values_list("state", "worker", "why").get() == ("claimed", "quick", "")
