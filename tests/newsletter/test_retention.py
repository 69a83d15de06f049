"""What is kept how long, and that each job says what it did."""

import datetime
import io
from collections import Counter
from functools import partial

import pytest
import time_machine
from celery import current_app
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone as django_timezone

from newsletter import erasing, outbox, retention, subscriptions, tasks, tracking, upkeep, wordings
from newsletter.models import (
    AudienceCount,
    Consent,
    Delivery,
    DeliveryEvent,
    Edition,
    Issue,
    IssueTotal,
    Move,
    RawEvent,
    SignUp,
    Subscriber,
    Suppression,
    SystemMail,
)
from newsletter.reporting import report
from picum.accounts.models import Rate
from picum.addresses import address_key
from tests.html import Page
from tests.newsletter.asked import asks, confirms
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import NOW, event, sent_issue
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db
DAY, SECOND = datetime.timedelta(days=1), datetime.timedelta(seconds=1)
State = Delivery.State


def make_sign_up(address: str, *, age: datetime.timedelta, confirmed: datetime.timedelta | None = None) -> SignUp:
    """One that is so old; `confirmed` so long ago."""
    return SignUp.objects.create(
        address=address,
        address_key=address_key(address),
        languages="en",
        how=Consent.How.FORM,
        wording=wordings.current("en"),
        created_at=NOW - age,
        confirmed_at=None if confirmed is None else NOW - confirmed,
    )


def make_mail(state: str, *, age: datetime.timedelta, kind=SystemMail.Kind.LINK, **fields) -> SystemMail:
    """A mail that has been in a state for so long."""
    ended = state in (SystemMail.State.SENT, SystemMail.State.DROPPED)
    return SystemMail.objects.create(
        kind=kind,
        address="" if ended else "amal@example.org",
        address_key=address_key("amal@example.org"),
        language="en",
        state=state,
        created_at=NOW - age,
        changed_at=NOW - age,
        **fields,
    )


# --- readers who have left -------------------------------------------------------------------------------------------


def test_of_who_left_ninety_days_ago_the_fingerprint_stays_and_keeps_imports_out(tmp_path):
    amal, boris, carla_left = (make_subscriber(f"{name}@example.org") for name in ("amal", "boris", "carla"))
    lifted, stays = make_subscriber("lifted@example.org"), make_subscriber("stays@example.org")
    Suppression.objects.create(address_key=boris.address_key, reason="bounced")
    with time_machine.travel(NOW - 90 * DAY - SECOND, tick=False):
        subscriptions.unsubscribe_many([amal, boris, lifted], how="page")
    Suppression.objects.filter(address_key=lifted.address_key).delete()
    with time_machine.travel(NOW - 90 * DAY + SECOND, tick=False):
        subscriptions.unsubscribe(carla_left, how="one-click")

    assert retention.expire_readers(now=NOW) == {"readers": 3}
    assert retention.expire_readers(now=NOW) == {"readers": 0}
    assert list(Subscriber.objects.order_by("pk")) == [carla_left, stays]
    stopped = dict(Suppression.objects.values_list("address_key", "reason"))
    assert stopped == dict.fromkeys([one.address_key for one in (amal, boris, lifted, carla_left)], "unsubscribed")
    assert [line.kind for line in Consent.objects.filter(address_key=amal.address_key)] == ["withdrawn"]
    path = tmp_path / "list.csv"
    path.write_text("email,languages\namal@example.org,en\nboris@example.org,en\n")
    call_command("import_subscribers", str(path), source="an old list", stdout=io.StringIO())
    assert Subscriber.objects.count() == 2


def test_who_came_back_is_nobody_who_has_left():
    amal = make_subscriber("amal@example.org")
    with time_machine.travel(NOW - 91 * DAY, tick=False):
        subscriptions.unsubscribe(amal, how="page")
    asks("amal@example.org", now=NOW - DAY)
    confirms("amal@example.org", now=NOW - DAY)
    assert retention.expire_readers(now=NOW) == {"readers": 0}


def test_the_old_links_of_who_left_long_ago_still_answer(client):
    amal = make_subscriber("amal@example.org")
    token = subscriptions.token_for(amal)
    with time_machine.travel(NOW - 91 * DAY, tick=False):
        subscriptions.unsubscribe(amal, how="page")
    retention.expire_readers(now=NOW)
    for method in (client.get, client.post):
        assert method(reverse("newsletter:leave", args=[token])).status_code == 200


# --- sign-ups --------------------------------------------------------------------------------------------------------


def test_a_sign_up_that_nobody_confirmed_vanishes_after_seven_days_with_its_mails():
    amal = make_sign_up("amal@example.org", age=7 * DAY + SECOND)
    boris = make_sign_up("boris@example.org", age=7 * DAY - SECOND)
    mails = [
        make_mail("held", age=7 * DAY + SECOND, kind="sign-up", sign_up=amal),
        make_mail("waiting", age=7 * DAY - SECOND, kind="sign-up", sign_up=boris),
    ]
    assert +retention.expire_sign_ups(now=NOW) == {"sign_ups": 1, "unconfirmed": 1}
    assert list(SignUp.objects.all()) == [boris]
    assert list(SystemMail.objects.all()) == mails[1:]
    assert +retention.expire_sign_ups(now=NOW) == {}


def test_a_confirmed_sign_up_stays_seven_days_more():
    make_sign_up("amal@example.org", age=9 * DAY, confirmed=7 * DAY + SECOND)
    carla = make_sign_up("carla@example.org", age=9 * DAY, confirmed=7 * DAY - SECOND)
    assert +retention.expire_sign_ups(now=NOW) == {"sign_ups": 1}
    assert list(SignUp.objects.all()) == [carla]


def test_a_change_of_address_that_was_not_confirmed_vanishes_too():
    for name, age in (("amal", 7 * DAY + SECOND), ("boris", 7 * DAY - SECOND)):
        reader = make_subscriber(f"{name}@example.org")
        address = f"{name}@example.net"
        move = Move.objects.create(
            subscriber=reader, address=address, address_key=address_key(address), created_at=NOW - age
        )
        make_mail("waiting", age=age, kind="move-new", move=move)
    assert +retention.expire_sign_ups(now=NOW) == {"moves": 1}
    assert list(Move.objects.values_list("address", flat=True)) == ["boris@example.net"]
    assert SystemMail.objects.count() == 1


def test_many_rows_go_in_small_transactions(monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(5):
        make_sign_up(f"reader{number}@example.org", age=8 * DAY)
    assert retention.expire_sign_ups(now=NOW)["sign_ups"] == 5
    assert not SignUp.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_erases_an_old_sign_up_while_it_expires_waits_in_no_circle(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    for number in range(20):
        key = address_key(address := f"amal{number}@example.org")
        for _time in range(8):
            asks(address, now=NOW - 8 * DAY)
        erase = partial(erasing.erase, key, how="page", now=NOW)
        expire = partial(retention.expire_sign_ups, now=NOW)
        told = at_once(erase, expire, partial(outbox.dispatch, now=NOW - 8 * DAY))
        assert [what for what in told if isinstance(what, Exception)] == []
        assert not SignUp.objects.exists()
        assert not SystemMail.objects.exists()


def test_system_mails_stay_thirty_days_after_their_end_and_held_links_seven_days():
    make_mail("sent", age=30 * DAY + SECOND)
    make_mail("dropped", age=30 * DAY + SECOND)
    make_mail("held", age=7 * DAY + SECOND)
    stay = [make_mail("sent", age=30 * DAY - SECOND), make_mail("held", age=7 * DAY - SECOND)]
    late = make_mail("sent", age=31 * DAY)  # asked for long ago, sent the other day
    SystemMail.objects.filter(pk=late.pk).update(changed_at=NOW - DAY)
    Rate.objects.create(scope="link", key=address_key("amal@example.org"), at=NOW - 31 * DAY)
    Rate.objects.create(scope="link", key=address_key("amal@example.org"), at=NOW - DAY)
    assert +retention.expire_system_mails(now=NOW) == {"mails": 2, "held": 1, "rates": 1}
    assert list(SystemMail.objects.order_by("pk")) == [*stay, late]
    assert Rate.objects.count() == 1


# --- providers' posts ------------------------------------------------------------------------------------------------


def test_a_post_that_waits_for_a_worker_is_told_of_and_not_lost():
    shared = {"source": "brevo", "body": b"{}", "size": 2, "received_at": NOW - 15 * DAY}
    RawEvent.objects.create(digest=address_key("one"), **shared)
    RawEvent.objects.create(digest=address_key("two"), processed_at=NOW - 15 * DAY, **shared)
    RawEvent.objects.create(digest=address_key("three"), processed_at=NOW - DAY, **shared)
    assert +retention.expire_raw_events(now=NOW) == {"posts": 1, "waiting": 1}
    assert RawEvent.objects.count() == 2


# --- deliveries ------------------------------------------------------------------------------------------------------


@pytest.fixture
def issue() -> Issue:
    """Went out to four readers: two got it, one mailbox does not exist, of one letter nobody knows."""
    readers = [make_subscriber(f"{name}@example.org") for name in ("amal", "boris", "carla", "daan")]
    rows = sent_issue(*readers)
    tracking.apply([event(rows[0], "delivered"), event(rows[2], "hard", code="5.1.1")], now=NOW)
    Delivery.objects.filter(pk=rows[3].pk).update(state=State.UNKNOWN)
    issue = rows[0].issue
    issue.editions.filter(language="en").update(state="sent", finished_at=NOW)
    return issue


def later(days: float) -> datetime.datetime:
    return NOW + datetime.timedelta(days=days)


def tally(days: float, **more) -> Counter:
    return +retention.tally_deliveries(now=later(days), **more)


def test_ninety_days_after_its_end_an_issue_is_only_numbers(issue):
    assert tally(90) == {}
    assert (Delivery.objects.count(), DeliveryEvent.objects.count()) == (4, 2)
    assert tally(90.01) == {"issues": 1, "deliveries": 4}
    assert (Delivery.objects.count(), DeliveryEvent.objects.count()) == (0, 0)
    total = IssueTotal.objects.get()
    counts = (total.readers, total.accepted, total.failed, total.skipped, total.unknown, total.bounced)
    assert (total.language, counts, total.reasons) == ("en", (4, 2, 1, 0, 1, 1), {"hard-bounce": 1})
    issue.refresh_from_db()
    assert issue.tallied_at == total.counted_at == later(90.01)
    assert tally(91) == {}


def test_who_left_or_was_stopped_stays_stopped(issue):
    tally(91)
    assert list(Suppression.objects.values_list("address_key", flat=True)) == [address_key("carla@example.org")]


def test_the_last_edition_counts(issue):
    issue.editions.filter(language="de").update(state="cancelled", frozen_at=NOW, finished_at=later(10))
    assert tally(95) == {}
    assert tally(101) == {"issues": 1, "deliveries": 4}


@pytest.mark.parametrize("state", ["scheduled", "held", "sending", "paused"])
def test_an_edition_that_is_not_done_keeps_the_whole_issue_and_is_named(issue, state):
    issue.editions.filter(language="de").update(state=state, send_at=NOW, frozen_at=NOW)
    assert tally(200) == {"kept": 1}
    assert Delivery.objects.count() == 4
    assert [str(edition.language) for edition in retention.overdue(now=later(200))] == ["de"]
    words = upkeep.tally_deliveries(now=later(200)).words
    assert words.endswith(f" november keeps its deliveries until its de edition is done: it is “{state}”.")


def test_a_language_that_never_came_keeps_nothing(issue):
    issue.editions.filter(language="de").update(state="draft")
    assert tally(91) == {"issues": 1, "deliveries": 4}


def test_a_letter_that_is_open_keeps_the_issue(issue):
    Delivery.objects.filter(state=State.UNKNOWN).update(state=State.QUEUED)
    assert tally(91) == {"kept": 1}
    assert Issue.objects.get(pk=issue.pk).tallied_at is None


def test_killed_between_the_totals_and_the_deleting_it_goes_on(issue, monkeypatch):
    def dies(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_delete_some_deliveries", dies)
        with pytest.raises(KeyboardInterrupt):
            retention.tally_deliveries(now=later(91))
    assert Delivery.objects.count() == 4
    counted = IssueTotal.objects.values().get()
    assert tally(92) == {"deliveries": 4}
    assert IssueTotal.objects.values().get() == counted


def test_when_time_is_up_it_stops_after_a_batch_and_says_that_there_is_more(issue, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    assert tally(91, seconds=1e-9) == {"issues": 1, "deliveries": 3, "left": 1}
    counted = IssueTotal.objects.values().get()
    assert tally(91) == {"deliveries": 1}
    assert IssueTotal.objects.values().get() == counted


def test_report_and_progress_answer_as_before_and_say_from_what(issue):
    before = report(issue)
    desk = at_the_desk(carla())
    seen = desk.get(page("issue_progress", issue.pk)).context["total"]
    tally(91)
    issue.refresh_from_db()
    after = report(issue)
    told = {"unknown": [], "seconds": 0, "tallied": later(91).isoformat()}
    assert after == before | told
    assert (after["balanced"], after["states"]) == (True, {"accepted": 2, "failed": 1, "unknown": 1})
    answer = desk.get(page("issue_progress", issue.pk))
    assert answer.context["total"] == seen
    words = Page(answer).words
    assert "the deliveries were deleted, these are their totals." in words
    assert "Look at them" not in words
    assert "nothing of it can be sent again." in Page(desk.get(page("issue_unknowns", issue.pk))).words
    out = io.StringIO()
    call_command("delivery_report", issue.slug, stdout=out)
    assert f"Its deliveries were deleted at {later(91).isoformat()}; these are their totals." in out.getvalue()


def test_ninety_days_are_enough_to_give_up_a_mailbox_that_is_full_for_three_monthly_issues():
    """The third of three issues in a row comes two months after the first, whose deliveries are still there."""
    amal, boris = make_subscriber("amal@example.org"), make_subscriber("boris@example.org")
    for number in range(3):
        at = later(30.5 * number)
        row, _other = sent_issue(amal, boris, slug=f"issue-{number}", at=at, edition_state="sent")
        Edition.objects.filter(pk=row.edition_id).update(finished_at=at)
        retention.tally_deliveries(now=at)
        tracking.apply([event(row, "soft", happened_at=at, key=str(number))], now=at)
    assert list(Suppression.objects.values_list("address_key", flat=True)) == [amal.address_key]


# --- commands and beat -----------------------------------------------------------------------------------------------


def run(name: str, *arguments: str, at: datetime.datetime = NOW) -> str:
    out = io.StringIO()
    with time_machine.travel(at, tick=False):
        call_command(name, *arguments, stdout=out)
    return out.getvalue().strip()


def test_each_command_says_what_it_did(issue):
    make_sign_up("erik@example.org", age=8 * DAY)
    make_mail("sent", age=31 * DAY)
    RawEvent.objects.create(
        source="brevo", body=b"", size=0, digest=address_key("x"), received_at=NOW, processed_at=NOW - 15 * DAY
    )
    assert run("expire_sign_ups") == "Deleted 1 sign-up (1 of them was never confirmed) and 0 changes of address."
    assert run("expire_readers") == "Deleted 0 readers who had left ninety days ago."
    assert run("expire_system_mails") == (
        "Deleted 1 system mail that had ended, 0 that nobody had let go, and 0 counts of the limits."
    )
    assert run("expire_raw_events") == "Deleted 1 post of a provider."
    assert run("expire_imports") == (
        "Deleted 0 reports of imports and 0 uploads; gave up 0 imports with which nobody had gone on."
    )
    assert run("count_figures") == "Counted 1 issue; nothing new of 0."
    assert run("tally_deliveries", at=later(91)) == "1 issue became totals; 4 deliveries were deleted."
    assert run("count_readers") == "Counted the readers of 1 day, 2026-11-02 to 2026-11-02."
    assert run("count_readers") == "The readers of every day until yesterday have been counted already."


def test_days_of_the_past_are_reckoned_with_a_warning():
    words = run("count_readers", "--since", "2026-10-31")
    assert words.startswith(
        "Counted the readers of 3 days, 2026-10-31 to 2026-11-02. But for yesterday they are reckoned"
    )
    reckoned = AudienceCount.objects.filter(language="en").order_by("day").values_list("day", "reckoned")
    assert [(day.isoformat(), flag) for day, flag in reckoned] == [
        ("2026-10-31", True),
        ("2026-11-01", True),
        ("2026-11-02", False),
    ]
    with pytest.raises(CommandError, match="“yesterday” is not a day such as 2024-01-31"):
        run("count_readers", "--since", "yesterday")


def test_sessions_that_have_ended_go():
    at_the_desk(carla())
    with time_machine.travel(django_timezone.now() + DAY, tick=False):
        tasks.keep_up("expire_sessions")
    assert not Session.objects.exists()


def test_everything_is_on_the_beat():
    entries = [entry for entry in django_settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == "newsletter.upkeep"]
    assert sorted(deed for entry in entries for deed in entry["args"]) == sorted(upkeep.DEEDS)
    assert all(entry["schedule"] <= 3600 for entry in entries)


def test_the_task_logs_what_it_did_and_is_silent_when_there_was_nothing(issue, caplog):
    caplog.set_level("INFO", "newsletter.tasks")
    with time_machine.travel(later(91), tick=False):
        tasks.keep_up("tally_deliveries")
        tasks.keep_up("tally_deliveries")
        tasks.keep_up("sweep_the_floor")
    assert [record.getMessage() for record in caplog.records if record.name == "newsletter.tasks"] == [
        "1 issue became totals; 4 deliveries were deleted.",
        "There is no upkeep called sweep_the_floor.",
    ]


def test_the_task_rings_for_what_is_left(issue, monkeypatch):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: rung.append((name, *args)))
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "SECONDS", 1e-9)
    with time_machine.travel(later(91), tick=False):
        tasks.keep_up("tally_deliveries")
        assert rung == [("newsletter.upkeep", "tally_deliveries")]
        tasks.keep_up("tally_deliveries")
    assert len(rung) == 1
    assert not Delivery.objects.exists()
