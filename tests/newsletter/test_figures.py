"""What is counted of an issue and of the list; and of whom it is not told."""

import datetime
from types import SimpleNamespace

import pytest
from celery import current_app
from django.db import transaction

from newsletter import consents, enqueue, figures, sending, subscriptions, tracking
from newsletter.consents import Entry, How, Kind
from newsletter.models import AudienceCount, Delivery, Edition, Issue, IssueTotal, Rendition, Subscriber, Suppression
from picum.addresses import address_key
from tests.newsletter.factories import make_issue, make_subscriber
from tests.newsletter.sent import NOW, event, sent_issue

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
State = Delivery.State


@pytest.fixture
def readers() -> list[Subscriber]:
    return [make_subscriber(f"{name}@example.org") for name in ("amal", "boris", "carla", "daan", "elena")]


@pytest.fixture
def rows(readers) -> list[Delivery]:
    """Their deliveries of the issue of November; all arrived."""
    return sent_issue(*readers, edition_state="sent")


def withdraw(reader: Subscriber, how=How.ONE_CLICK, *, after: datetime.timedelta = DAY, kind=Kind.WITHDRAWN) -> None:
    """A line of the ledger, so long after the issue."""
    with transaction.atomic():
        consents.append([Entry(kind, how, reader.address_key)], now=NOW + after)


def english(issue: Issue, *, after: datetime.timedelta = 30 * DAY) -> IssueTotal:
    (total,) = figures.tally(issue, now=NOW + after)
    assert total.language == "en"
    return total


def counts(total: IssueTotal) -> tuple[int, ...]:
    return total.readers, total.accepted, total.failed, total.skipped, total.unknown


# --- an issue --------------------------------------------------------------------------------------------------------


def test_every_reader_is_in_one_of_the_states_or_waiting(rows):
    issue = rows[0].issue
    for row, state, why in [
        (rows[1], State.FAILED, "policy"),
        (rows[2], State.SKIPPED, "unsubscribed"),
        (rows[3], State.UNKNOWN, "no-answer"),
        (rows[4], State.QUEUED, ""),
    ]:
        Delivery.objects.filter(pk=row.pk).update(state=state, why=why)
    total = english(issue)
    assert counts(total) == (5, 1, 1, 1, 1)
    assert total.reasons == {"policy": 1, "unsubscribed": 1}
    assert IssueTotal.objects.get().counted_at == NOW + 30 * DAY


def test_counting_again_replaces_what_was_counted(rows):
    english(rows[0].issue)
    Delivery.objects.filter(pk=rows[0].pk).update(state=State.FAILED, why="refused")
    english(rows[0].issue)
    assert counts(IssueTotal.objects.get()) == (5, 4, 1, 0, 0)


def test_each_language_is_counted_by_itself(rows, readers):
    issue = rows[0].issue
    german = issue.editions.get(language="de")
    Edition.objects.filter(pk=german.pk).update(frozen_at=NOW, state="sent")
    rendition = Rendition.objects.create(edition=german, marker="n" * 32, subject="s", html="h", text="t")
    Delivery.objects.filter(pk=rows[0].pk).update(edition=german, rendition=rendition, state=State.FAILED, why="x")
    withdraw(readers[0])
    totals = {total.language: total for total in figures.tally(issue, now=NOW + DAY)}
    assert (counts(totals["de"]), totals["de"].unsubscribed) == ((1, 0, 1, 0, 0), 1)
    assert (counts(totals["en"]), totals["en"].unsubscribed) == ((4, 4, 0, 0, 0), 0)


def test_a_letter_that_came_back_is_refused_and_counts_once(rows):
    """At the relay, by a bounce, and by a bounce of what a person had skipped meanwhile."""
    Delivery.objects.filter(pk=rows[0].pk).update(state=State.FAILED, why="hard-bounce")
    Delivery.objects.filter(pk=rows[2].pk).update(state=State.SKIPPED, why="cancelled")
    events = [event(row, "hard", key=str(number)) for number, row in enumerate([*rows[:3], rows[1]])]
    tracking.apply(events, now=NOW)
    total = english(rows[0].issue)
    assert (total.bounced, counts(total)) == (3, (5, 2, 2, 1, 0))


def test_who_complained_is_counted_as_that_and_not_as_having_left(rows):
    tracking.apply([event(rows[0], "complained", key="1"), event(rows[0], "complained", key="2")], now=NOW)
    total = english(rows[0].issue)
    assert (total.complained, total.unsubscribed) == (1, 0)


@pytest.mark.parametrize(
    ("after", "counted"),
    [(-DAY, 0), (datetime.timedelta(), 1), (59 * DAY, 1), (60 * DAY, 0)],
)
def test_who_left_within_sixty_days_has_left_after_this_issue(rows, readers, after, counted):
    withdraw(readers[0], after=after)
    assert english(rows[0].issue).unsubscribed == counted


def test_the_next_issue_ends_the_time_of_this_one(rows, readers):
    december = sent_issue(*readers, slug="december", at=NOW + 30 * DAY)
    withdraw(readers[0], after=29 * DAY)
    withdraw(readers[1], after=31 * DAY)
    withdraw(readers[2], after=32 * DAY)
    assert (english(rows[0].issue).unsubscribed, english(december[0].issue).unsubscribed) == (1, 2)


@pytest.mark.parametrize("how", [How.PAGE, How.MAIL, How.PROVIDER, How.STAFF])
def test_by_whatever_road(rows, readers, how):
    withdraw(readers[0], how)
    assert english(rows[0].issue).unsubscribed == 1


def test_who_moved_to_another_address_reads_on(rows, readers):
    withdraw(readers[0], How.MOVE)
    assert english(rows[0].issue).unsubscribed == 0


def test_who_took_it_back_has_not_left_unless_they_left_again(rows, readers):
    for reader in readers[:2]:
        withdraw(reader)
        withdraw(reader, How.UNDO, kind=Kind.GIVEN)
    withdraw(readers[1])
    assert english(rows[0].issue).unsubscribed == 1


def test_who_left_is_counted_through_the_real_door(rows, readers):
    issue = rows[0].issue
    Edition.objects.filter(issue=issue, language="en").update(frozen_at=readers[0].created_at)
    subscriptions.unsubscribe(readers[0], how="page")
    assert english(issue).unsubscribed == 1


def test_an_erased_reader_stays_counted(rows, readers):
    withdraw(readers[0])
    withdraw(readers[0], How.PAGE, kind=Kind.ERASED)
    withdraw(readers[1], How.PAGE, kind=Kind.ERASED)
    Subscriber.objects.filter(pk__in=[readers[0].pk, readers[1].pk]).delete()
    total = english(rows[0].issue)
    assert (total.readers, total.unsubscribed) == (5, 2)


def test_strangers_who_leave_are_nobody_s_business(rows):
    withdraw(SimpleNamespace(address_key=address_key("stranger@example.org")))
    assert english(rows[0].issue).unsubscribed == 0


def test_the_last_word_about_deleted_deliveries_stays(rows):
    issue = rows[0].issue
    english(issue)
    Delivery.objects.all().delete()
    Issue.objects.filter(pk=issue.pk).update(tallied_at=NOW)
    assert figures.tally(issue, now=NOW + 100 * DAY) == []
    assert counts(IssueTotal.objects.get()) == (5, 5, 0, 0, 0)


def test_counting_takes_the_same_number_of_statements_for_any_number(rows, django_assert_num_queries):
    with django_assert_num_queries(11):
        figures.tally(rows[0].issue, now=NOW)
    sent_issue(make_subscriber("farid@example.org"), slug="other")
    with django_assert_num_queries(11):
        figures.tally(rows[0].issue, now=NOW)


# --- when to count ---------------------------------------------------------------------------------------------------


def test_an_issue_is_counted_while_it_moves_and_left_alone_when_it_is_quiet(rows, readers):
    def refreshed(days: float) -> dict[str, int]:
        return +figures.refresh(now=NOW + days * DAY)

    Edition.objects.filter(pk=rows[0].edition_id).update(finished_at=NOW)
    assert refreshed(0) == {"counted": 1}
    assert refreshed(1) == {"counted": 1}  # word may be late
    assert refreshed(5) == {"counted": 1}
    assert refreshed(6) == {"quiet": 1}
    tracking.apply([event(rows[0], "hard")], now=NOW + 7 * DAY)
    assert refreshed(7) == {"counted": 1}
    assert refreshed(10) == {"counted": 1}
    assert refreshed(13) == {"quiet": 1}
    withdraw(readers[1], after=14 * DAY)
    assert refreshed(14) == {"counted": 1}
    assert (IssueTotal.objects.get().bounced, IssueTotal.objects.get().unsubscribed) == (1, 1)
    Edition.objects.filter(pk=rows[0].edition_id).update(state="sending", finished_at=None)
    assert refreshed(40) == {"counted": 1}


def test_what_was_never_sent_and_what_is_over_is_not_counted(rows):
    Issue.objects.update(tallied_at=NOW)
    assert +figures.refresh(now=NOW) == {}
    assert not IssueTotal.objects.exists()


# --- of whom it is told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readers", "told"),
    [
        ({"en": 1000, "de": 300, "pt": 20}, {"", "en", "de", "pt"}),
        ({"en": 1000, "de": 300, "pt": 12, "nl": 9}, {"", "en", "de"}),  # 21 together
        ({"en": 1000, "de": 300, "pt": 19}, {"", "en"}),  # alone it could be worked out from the sum
        ({"en": 1000, "de": 20, "pt": 3, "nl": 2}, {"", "en"}),
        ({"en": 1000, "pt": 3}, {""}),
        ({"en": 12, "pt": 8}, {""}),
        ({"en": 12, "pt": 7}, set()),
        ({"en": 40, "pt": 0}, {"", "en"}),  # nobody is nobody
        ({}, set()),
    ],
)
def test_of_few_readers_it_is_not_told_who_left_or_complained(readers, told):
    totals = [IssueTotal(language=language, readers=number) for language, number in readers.items()]
    assert figures.tellable(totals) == told


def test_an_issue_is_compared_with_the_twelve_before_it():
    for number in range(15):
        period = datetime.date(2025 + number // 12, number % 12 + 1, 1)
        issue = Issue.objects.language("en").create(slug=f"issue-{number}", period=period)
        if number != 3:
            IssueTotal.objects.create(issue=issue, language="en", readers=number, counted_at=NOW)
    assert [one.slug for one in figures.compared(Issue.objects.get(slug="issue-5"))] == [
        f"issue-{number}" for number in (0, 1, 2, 4, 5)
    ]
    thirteen = figures.compared(Issue.objects.get(slug="issue-14"))
    assert [one.slug for one in thirteen] == [f"issue-{number}" for number in (1, 2, *range(4, 15))]
    assert [one.slug for one in figures.compared(Issue.objects.get(slug="issue-3"))][-1] == "issue-3"


# --- the list --------------------------------------------------------------------------------------------------------

MIDNIGHT = datetime.datetime(2026, 11, 2, 23, 0, tzinfo=datetime.UTC)  # in Brussels, at the end of the 2nd
SECOND = datetime.date(2026, 11, 2)


def test_readers_are_counted_at_midnight_of_the_site_by_first_language():
    early, late = MIDNIGHT - datetime.timedelta(seconds=1), MIDNIGHT + datetime.timedelta(seconds=1)
    make_subscriber("amal@example.org", "fr en", subscribed_at=early)
    make_subscriber("boris@example.org", "fr", subscribed_at=late)
    make_subscriber("carla@example.org", "de", subscribed_at=early)
    for name, left in (("daan", early), ("elena", late)):
        fields = {"state": "unsubscribed", "subscribed_at": early - DAY, "unsubscribed_at": left}
        make_subscriber(f"{name}@example.org", "de", **fields)
    stopped = make_subscriber("farid@example.org", "de", subscribed_at=early)
    Suppression.objects.create(address_key=stopped.address_key, reason="bounced", created_at=early)
    counted = figures.count_readers(SECOND, now=late)
    assert counted == {"en": 0, "de": 2, "nl": 0, "es": 0, "fr": 1, "it": 0, "pt": 0}
    assert dict(AudienceCount.objects.values_list("language", "number")) == counted
    assert not AudienceCount.objects.filter(reckoned=True).exists()


def test_a_day_that_was_counted_is_not_reckoned_again():
    amal = make_subscriber("amal@example.org", "fr", subscribed_at=MIDNIGHT - DAY)
    figures.count_readers(SECOND, now=MIDNIGHT)
    amal.delete()
    figures.count_readers(SECOND, now=MIDNIGHT + 5 * DAY)
    assert AudienceCount.objects.get(language="fr").number == 1


def test_days_without_the_beat_are_made_up_for_and_marked():
    assert figures.count_days(now=MIDNIGHT) == [SECOND]
    assert figures.count_days(now=MIDNIGHT + datetime.timedelta(hours=23)) == []
    made_up = figures.count_days(now=MIDNIGHT + 3 * DAY)
    assert made_up == [SECOND + number * DAY for number in (1, 2, 3)]
    marked = AudienceCount.objects.filter(language="en").order_by("day").values_list("reckoned", flat=True)
    assert list(marked) == [False, True, True, False]
    assert figures.count_days(now=MIDNIGHT + 3 * DAY, since=SECOND - DAY) == [SECOND - DAY]


def test_the_last_day_known_of_each_month_is_shown():
    days = ["2024-10-31", "2024-11-29", "2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]
    for day in days:
        AudienceCount.objects.create(day=datetime.date.fromisoformat(day), language="en", number=1)
    shown = [count.day.isoformat() for count in figures.audience(until=SECOND, months=24)]
    assert shown == ["2024-11-29", "2026-10-31", "2026-11-02"]
    assert [count.day.isoformat() for count in figures.audience(until=SECOND, months=0)] == ["2026-11-02"]


def test_an_issue_is_counted_as_soon_as_its_last_edition_is_out(monkeypatch, django_capture_on_commit_callbacks):
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **options: rung.append((name, *args)))
    issue = make_issue(items=1, state="ready")
    for name, language in {"amal": "en", "emil": "de"}.items():
        make_subscriber(f"{name}@example.org", language)
    enqueue.send(issue, ["en", "de"], by=None)
    enqueue.freeze_due(issue.pk)
    Delivery.objects.update(state="accepted")
    for language, told in (("en", []), ("de", [("newsletter.upkeep", "count_figures")])):
        with django_capture_on_commit_callbacks(execute=True):
            assert sending.complete(issue.editions.get(language=language).pk)
        assert rung == told
