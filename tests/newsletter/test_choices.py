"""What readers choose decides what they get: the index of their areas, the next language instead of a late one, nothing
while they pause. And what nobody knows any more, who got it, is not sent again."""

import datetime
from itertools import combinations

import pytest
import time_machine
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from newsletter import enqueue, ledger, sending, subscriptions, translating
from newsletter.models import Delivery, Edition, Issue, Rendition, Route, Subscriber
from newsletter.outlook import groups, outlook
from newsletter.reconcile import reconcile
from newsletter.rendering import compose, render_mail
from newsletter.rendering.mail import _style_sheet
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import LANGUAGES, contents, make_issue, make_item, make_subscriber, make_texts

pytestmark = pytest.mark.django_db
State = Edition.State
NOON = datetime.datetime(2026, 10, 20, 10, 0, tzinfo=datetime.UTC)  # 12:00 in Brussels
DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
AREAS = ["monitoring", "capacity-building", "advocacy", "awareness", "global-actors"]


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def reader(name: str, languages="en", **choices) -> Subscriber:
    return make_subscriber(f"{name}@example.org", languages, subscribed_at=NOON - 9 * DAY, **choices)


def three_sections(**fields) -> Issue:
    """1. Borders, of awareness raising; 2. Health Care, of advocacy; 3. Detention, of advocacy too."""
    issue = make_issue(state=State.READY, **fields)
    for section, area in (("borders", "awareness"), ("health-care", "advocacy"), ("detention", "advocacy")):
        make_item(issue, section, areas=[area], **{code: f"{section} ({code})" for code in LANGUAGES})
    return issue


def late(issue, *languages) -> None:
    issue.editions.filter(language__in=languages).update(state=State.DRAFT)


def freeze(issue, *languages) -> dict[str, str]:
    """Send these editions now; who has a delivery of the issue, and in which language."""
    enqueue.send(issue, languages, by=None)
    enqueue.freeze_due(issue.pk)
    return got(issue)


def got(issue) -> dict[str, str]:
    rows = Delivery.objects.filter(issue=issue).values_list("subscriber__address", "edition__language")
    return {address.partition("@")[0]: language for address, language in rows}


def ready(issue, language) -> None:
    issue.editions.filter(language=language).update(state=State.READY)


def rendition_of(name: str) -> Rendition:
    return Rendition.objects.get(pk=Delivery.objects.get(subscriber__address=f"{name}@example.org").rendition_id)


def index(rendition: Rendition) -> str:
    """The index of the text part, in one line."""
    text = rendition.text.partition("In this issue\n=============\n")[2]
    return " ".join(text.partition("\n1. Borders\n====")[0].split())


# --- areas ------------------------------------------------------------------------------------------------------------


def test_the_index_begins_with_the_sections_of_the_reader_s_areas_and_says_why():
    issue = three_sections()
    reader("amal", areas="advocacy")
    reader("boris")
    freeze(issue, "en")
    amal, boris = rendition_of("amal"), rendition_of("boris")
    assert index(boris) == "1. Borders (1) 2. Health Care (1) 3. Detention and Deportation (1)"
    assert index(amal) == (
        "From the areas you chose: 2. Health Care (1) 3. Detention and Deportation (1) "
        "Also in this issue: 1. Borders (1)"
    )
    assert (amal.variant, boris.variant) == ("first:health-care,detention", "")


def test_the_html_index_keeps_the_numbers_of_the_sections_and_leads_to_them():
    issue = three_sections()
    html = render_mail(compose(contents(issue), "en", areas=["advocacy"]), token="t" * 32).html
    shown = html[html.index("In this issue") : html.index("</table>", html.index("In this issue"))]
    mine, others = ["From the areas you chose", 'value="2"', "#s2", 'value="3"', "#s3"], ["Also in", 'value="1"', "#s1"]
    places = [shown.index(part) for part in mine + others]
    assert places == sorted(places)
    assert shown.count("<h3") == 2


def test_the_order_of_the_news_itself_never_changes():
    issue = three_sections()
    reader("amal", areas="advocacy")
    reader("boris")
    freeze(issue, "en")
    news = [rendition_of(name).text.partition("\n1. Borders\n====")[2] for name in ("amal", "boris")]
    assert news[0] == news[1] != ""
    html = [rendition_of(name).html.partition('<h2 style="')[2].replace("\n", "") for name in ("amal", "boris")]
    assert html[0].partition('id="s1"')[2] == html[1].partition('id="s1"')[2] != ""


def test_where_the_order_is_that_of_the_issue_all_share_one_rendition():
    issue = three_sections()
    reader("amal", areas="awareness")  # stands first anyway
    reader("boris", areas="awareness advocacy")  # everything
    reader("carla", areas="global-actors")  # nothing of it
    reader("dario", areas="no-such-area")
    reader("elena")
    freeze(issue, "en")
    assert list(Rendition.objects.values_list("variant")) == [("",)]
    assert Route.objects.filter(open=True).count() == Delivery.objects.count() == 5
    assert "From the areas you chose" not in Rendition.objects.get().text


def test_areas_that_ask_for_the_same_order_share_a_rendition_too():
    issue = three_sections()
    reader("amal", areas="advocacy")
    reader("boris", areas="advocacy global-actors")
    freeze(issue, "en")
    assert rendition_of("amal") == rendition_of("boris")


def test_there_is_a_rendition_for_each_order_of_the_index_that_some_reader_asks_for():
    issue = make_issue(state=State.READY, languages=["en"])
    for section, area in zip(["borders", "united-nations", "health-care", "labour", "detention"], AREAS, strict=True):
        make_item(issue, section, areas=[area], en=section)
    for number in range(6):
        for chosen in combinations(AREAS, number):
            reader("-".join(["r", *chosen]), areas=" ".join(chosen))
    freeze(issue, "en")
    # Of 32 sets of areas six ask for the order of the issue: none, the first, the first two …
    assert Rendition.objects.count() == 32 - 5
    assert Delivery.objects.count() == 32


def test_gaps_and_areas_make_renditions_together():
    issue = three_sections()
    gap = make_item(issue, "detention", es="Solo", fr="Seul")
    reader("amal", "pt es", areas="advocacy")
    reader("boris", "pt fr", areas="advocacy")
    reader("carla", "pt fr")
    freeze(issue, "pt")
    first = "first:health-care,detention"
    assert {name: rendition_of(name).variant for name in ("amal", "boris", "carla")} == {
        "amal": f"{gap.pk}:es {first}",
        "boris": f"{gap.pk}:fr {first}",
        "carla": f"{gap.pk}:fr",
    }


def test_what_is_left_out_puts_no_section_first():
    issue = three_sections(fallback=Issue.Fallback.OMIT)
    make_item(issue, "detention", areas=["global-actors"], es="Solo")
    shown = translating.contents(contents(issue), "en", ["en"])
    assert (shown.first(["global-actors"]), shown.variant(["global-actors"])) == ([], "")


def test_what_is_frozen_is_what_a_preview_shows():
    issue = three_sections()
    make_item(issue, "detention", es="Solo")
    make_texts(issue, "pt", donation="<p>Obrigado.</p>")
    reader("amal", "pt es", areas="advocacy")
    freeze(issue, "pt")
    frozen = rendition_of("amal")
    composition = compose(contents(issue), "pt", ["pt", "es"], areas=["advocacy"])
    words = render_mail(composition, token=frozen.marker)
    assert (frozen.subject, frozen.html, frozen.text) == (words.subject, words.html, words.text)
    assert frozen.html.count(frozen.marker) == 4
    assert frozen.text.count(frozen.marker) == 2


def test_the_slot_of_the_index_is_filled_and_its_rules_are_the_mail_s():
    words = render_mail(compose(contents(three_sections()), "en", areas=["advocacy"]), token="t" * 32)
    assert "h3.aside" in _style_sheet()
    assert 'class="aside" style="' in words.html[words.html.index("Also in this issue") - 80 :]
    assert words.html.count("Health Care") == words.text.count("Health Care") == 2


def test_composing_for_areas_asks_nothing_of_the_database(django_assert_num_queries):
    whole = contents(three_sections())
    with django_assert_num_queries(0):
        render_mail(compose(whole, "en", ["en"], areas=["advocacy"]), token="t" * 32)


def test_who_comes_to_a_wish_of_their_own_while_the_mails_are_rendered_gets_the_issue():
    issue = three_sections()
    amal = reader("amal")
    reader("boris")

    def meanwhile(execute, sql, params, many, context):
        if f"INSERT INTO {Delivery._meta.db_table} " in sql:
            Subscriber.objects.filter(pk=amal.pk).update(areas="advocacy")
        return execute(sql, params, many, context)

    enqueue.send(issue, ["en"], by=None)
    with connection.execute_wrapper(meanwhile):
        enqueue.freeze_due(issue.pk)
    assert got(issue) == {"amal": "en", "boris": "en"}
    assert rendition_of("amal").variant == "first:health-care,detention"
    assert issue.editions.get(language="en").frozen_count == 2


# --- a late language --------------------------------------------------------------------------------------------------


def test_who_does_not_want_to_wait_gets_the_next_language_at_once_and_never_the_issue_again(relay):
    issue = three_sections()
    late(issue, "pt")
    reader("amal", "pt es en", late="fallback")
    reader("boris", "pt es en")
    reader("carla", "es")
    assert freeze(issue, "en", "es") == {"amal": "es", "carla": "es"}
    work(issue)
    ready(issue, "pt")
    assert freeze(issue, "pt") == {"amal": "es", "carla": "es", "boris": "pt"}
    work(issue)
    assert sorted(relay.recipients()) == ["amal@example.org", "boris@example.org", "carla@example.org"]


def test_who_wants_no_fallback_but_their_only_language_waits_for_it():
    issue = three_sections()
    late(issue, "pt")
    reader("amal", "pt", late="fallback")
    assert freeze(issue, "en") == {}
    ready(issue, "pt")
    assert freeze(issue, "pt") == {"amal": "pt"}


def test_when_the_editors_give_a_language_up_those_who_waited_get_the_next_one():
    issue = three_sections()
    late(issue, "pt", "es")
    reader("amal", "pt es en", late="fallback")
    reader("boris", "pt en")
    reader("carla", "pt es en")
    assert freeze(issue, "en") == {"amal": "en"}
    assert enqueue.give_up(issue, ["pt"], by=None) == 1
    assert got(issue) == {"amal": "en", "boris": "en"}  # carla waits for Spanish


ORDERS = st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=7, unique=True)


@given(order=ORDERS, going=st.sets(st.sampled_from(LANGUAGES)), given_up=st.sets(st.sampled_from(LANGUAGES)))
def test_in_general_who_does_not_wait_is_served_as_soon_as_any_of_their_languages_goes(order, going, given_up):
    state = {"going": going, "given_up": given_up - going}
    waits, falls_back = (translating.route(order, **state, late=late) for late in ("wait", "fallback"))
    assert falls_back == next((language for language in order if language in going), None)
    assert waits in {None, falls_back}


# --- a pause ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("until", "served"), [("2026-10-20", True), ("2026-10-21", False), (None, True)])
def test_who_pauses_gets_nothing_before_that_day(until, served):
    issue = three_sections()
    reader("amal", paused_until=until)
    assert bool(freeze(issue, "en")) is served
    assert issue.editions.get(language="en").frozen_count == served


def test_a_day_begins_at_midnight_in_our_time_zone(clock):
    issue = three_sections()
    reader("amal", paused_until="2026-10-21")
    clock.move_to(NOON.replace(hour=22, minute=30))  # half past twelve in Brussels, on the 21st
    assert freeze(issue, "en") == {"amal": "en"}


def test_pausing_works_at_once_for_mail_that_is_queued(relay):
    issue = three_sections()
    amal = reader("amal")
    reader("boris", paused_until="2026-10-20")
    freeze(issue, "en")
    Subscriber.objects.filter(pk=amal.pk).update(paused_until="2026-10-21")
    work(issue)
    assert relay.recipients() == ["boris@example.org"]
    assert sorted(Delivery.objects.values_list("state", "why")) == [("accepted", ""), ("skipped", "paused")]
    assert issue.editions.get(language="en").state == State.SENT


def test_a_mail_that_waits_past_the_end_of_a_pause_goes_out():
    issue = three_sections()
    amal = reader("amal")
    freeze(issue, "en")
    Subscriber.objects.filter(pk=amal.pk).update(paused_until="2026-10-21")
    edition, midnight = issue.editions.get(language="en"), NOON.replace(hour=22)
    (claim,) = ledger.claim(edition.pk, worker="w", limit=1, lease=9 * HOUR, now=NOON)
    asked = [(claim.delivery_id, claim.attempt)]
    assert ledger.intend(asked, worker="w", now=midnight - datetime.timedelta(seconds=1)) == set()
    assert ledger.intend(asked, worker="w", now=midnight) == {claim.delivery_id}


def test_a_pause_that_ended_brings_back_no_issue_that_went_out_during_it(relay, clock):
    issue = three_sections()
    late(issue, "pt", "fr")
    reader("amal", paused_until="2026-10-22")
    reader("boris", "fr en", paused_until="2026-10-22")
    reader("carla", "pt")
    reader("dario")
    assert freeze(issue, "en") == {"dario": "en"}
    work(issue)
    clock.move_to(NOON + 3 * DAY)
    ready(issue, "pt")
    assert freeze(issue, "pt") == {"dario": "en", "carla": "pt"}
    enqueue.give_up(issue, ["fr"], by=None)
    assert got(issue) == {"dario": "en", "carla": "pt"}


def test_a_pause_that_a_reader_ends_before_its_time_brings_back_nothing_either(relay, clock):
    issue = three_sections()
    late(issue, "pt")
    reader("amal", paused_until="2027-03-01")
    reader("boris")
    assert freeze(issue, "en") == {"boris": "en"}
    work(issue)
    clock.move_to(NOON + 3 * DAY)
    for one in Subscriber.objects.all():
        subscriptions.end_pause(one, today=datetime.date(2026, 10, 23))
    ready(issue, "pt")
    assert freeze(issue, "pt") == {"boris": "en"}
    issue = make_issue("november", items=1, state=State.READY)
    assert freeze(issue, "en") == {"amal": "en", "boris": "en"}
    assert Subscriber.objects.get(address="boris@example.org").paused_until is None


def test_a_late_language_that_is_frozen_after_the_pause_reaches_its_readers(relay, clock):
    issue = three_sections()
    late(issue, "pt")
    reader("amal", "pt en", paused_until="2026-10-22")
    reader("boris", "pt en", paused_until="2026-10-24")
    reader("carla", "pt en", paused_until="2026-10-22", late="fallback")
    reader("dario")
    assert freeze(issue, "en") == {"dario": "en"}
    work(issue)
    clock.move_to(NOON + 3 * DAY)
    ready(issue, "pt")
    assert freeze(issue, "pt") == {"dario": "en", "amal": "pt", "carla": "pt"}


def work(issue) -> None:
    for edition in issue.editions.filter(state=State.SENDING):
        sending.send_edition(edition.pk)


# --- the numbers that a person is promised ----------------------------------------------------------------------------


def crowd_with_wishes() -> Issue:
    issue = three_sections()
    late(issue, "pt")
    reader("amal", "pt en", late="fallback")
    reader("boris", "pt en")
    reader("carla", "en", paused_until="2026-10-22")
    reader("dario", "en", areas="advocacy")
    reader("elena", "pt", late="fallback")
    return issue


def expected(issue, *languages, at=NOON):
    waiting_groups = groups(contents(issue), at=at)
    shown = outlook(waiting_groups, chosen=languages, given_up=[])
    return dict(shown.now), dict(shown.waiting)


def test_the_send_page_counts_as_freezing_does(relay):
    issue = crowd_with_wishes()
    assert expected(issue, "en") == ({"en": 2}, {"pt": 2})
    assert freeze(issue, "en") == {"amal": "en", "dario": "en"}
    work(issue)
    ready(issue, "pt")
    assert expected(issue, "pt") == ({"pt": 2}, {})
    assert freeze(issue, "pt").keys() - {"amal", "dario"} == {"boris", "elena"}


def test_who_pauses_now_but_not_on_the_day_that_is_set_is_counted(clock):
    issue = crowd_with_wishes()
    day = NOON + 2 * DAY
    assert expected(issue, "en", at=day) == ({"en": 3}, {"pt": 2})
    desk = at_the_desk(carla())
    data = {"languages": ["en"], "when": "later", "date": "2026-10-22", "time": "12:00", "wait_pt": "wait"}
    words = Page(desk.post(page("issue_send", issue.pk), data)).words
    assert "3 readers get the issue on 22 October 2026, 12:00" in words
    enqueue.send(issue, ["en"], by=None, at=day)
    clock.move_to(day)
    enqueue.freeze_due(issue.pk)
    assert got(issue).keys() == {"amal", "carla", "dario"}


# --- when nobody knows any more who got it ----------------------------------------------------------------------------

FORGOTTEN = "The list of who got this issue was deleted on 18 January 2027. Nothing of it is sent any more"


@pytest.fixture
def forgotten(clock):
    """An issue that went out in English; its deliveries were turned into totals ninety days later."""
    issue = three_sections()
    late(issue, "pt")
    reader("amal")
    reader("boris", "pt en")
    freeze(issue, "en")
    Delivery.objects.all().delete()
    issue.editions.filter(language="en").update(state=State.SENT, finished_at=NOON)
    clock.move_to(NOON + 90 * DAY)
    Issue.objects.update(tallied_at=NOON + 90 * DAY)
    ready(issue, "pt")
    return Issue.objects.get()


@pytest.mark.parametrize(
    "deed",
    [
        lambda issue: enqueue.send(issue, ["pt"], by=None),
        lambda issue: enqueue.give_up(issue, ["pt"], by=None),
        lambda issue: enqueue.resend_unknown(issue, by=None),
        lambda issue: enqueue.release(held(issue), by=None),
    ],
    ids=["send", "give up", "resend", "release"],
)
def test_nothing_of_it_is_sent_and_the_reason_is_said(forgotten, deed):
    with pytest.raises(enqueue.NotReady, match=FORGOTTEN):
        deed(forgotten)
    assert Delivery.objects.count() == 0
    assert forgotten.editions.get(language="pt").readers_wait


def held(issue) -> Edition:
    issue.editions.filter(language="pt").update(state=State.HELD, send_at=NOON)
    return issue.editions.get(language="pt")


def test_an_edition_that_was_scheduled_before_is_set_back_with_the_reason(forgotten):
    now = NOON + 90 * DAY
    forgotten.editions.filter(language="pt").update(state=State.SCHEDULED, send_at=now)
    reconcile()
    edition = forgotten.editions.get(language="pt")
    assert (edition.state, Delivery.objects.count()) == (State.READY, 0)
    assert edition.reason.startswith(FORGOTTEN)


@pytest.mark.parametrize("state", [State.SENDING, State.PAUSED])
def test_the_reconciler_leaves_it_as_it_is(forgotten, state):
    reconcile()  # the beat was never away
    english = forgotten.editions.filter(language="en")
    english.update(state=state, finished_at=NOON + 90 * DAY)
    before = english.values().get()
    reconcile()
    assert english.values().get() == before


def test_the_send_page_says_so_and_has_no_button(forgotten):
    desk = at_the_desk(carla())
    shown = Page(desk.get(page("issue_send", forgotten.pk)))
    assert FORGOTTEN in shown.words
    assert shown.all("input", name="languages") == shown.all("button", name="give_up") == []
    assert "Go on" not in shown.words
    answer = desk.post(page("issue_send", forgotten.pk), {"give_up": "pt"}, follow=True)
    assert said(answer)[0].startswith(FORGOTTEN)
    # Only among the ways that all pages of the issue have.
    assert Page(answer).links().count(page("issue_send", forgotten.pk)) == 1
