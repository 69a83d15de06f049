"""The list of readers: found one by one, narrowed by what is known of them, a page at a time, and never copied."""

import datetime
from urllib.parse import quote

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from newsletter import subscriptions
from newsletter.admin import stopped
from newsletter.admin.readers import SubscriberAdmin
from newsletter.models import Subscriber, Suppression
from newsletter.models.audience import AREAS
from picum.accounts.models import AuditEntry
from picum.areas.models import Area
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def pages_of_two(monkeypatch):
    monkeypatch.setattr(SubscriberAdmin, "list_per_page", 2)


def found(desk, query: str = "") -> list[str]:
    """The names in the addresses that the list shows, in its order."""
    html = Page(desk.get(page("subscriber_changelist") + query))
    return [link.words.partition("@")[0] for link in html.all("a") if "@" in link.words]


def listed(query: str, person) -> list[str]:
    """The same without the page around it, which costs most of the time."""
    request = RequestFactory().get(page("subscriber_changelist") + query)
    request.user = person
    rows = SubscriberAdmin(Subscriber, admin.site).get_changelist_instance(request).result_list
    return [reader.address.partition("@")[0] for reader in rows]


def ways(desk, query: str) -> dict[str, str]:
    """The links to other pages: {"next": "?after=3"}; "" stands for the one to the first."""
    html = Page(desk.get(page("subscriber_changelist") + query))
    pages = [link for link in html.all("a", class_="desk-second") if link["href"].startswith("?")]
    return {link["rel"] or "": link["href"] for link in pages}


# --- searching --------------------------------------------------------------------------------------------------------


@pytest.fixture
def people():
    for address in [
        "fatou@example.org",
        "Fatima@example.org",
        "fatima@example.org.uk",
        "kofi.fatima@example.org",
        "info@müller.example",
    ]:
        make_subscriber(address)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("fatima@example.org", ["Fatima"]),
        (" FATIMA@Example.ORG ", ["Fatima"]),
        ("info@müller.example", ["info"]),
        ("info@xn--mller-kva.example", ["info"]),
        ("fat", ["Fatima", "fatima", "fatou"]),
        ("FATI", ["Fatima", "fatima"]),
        ("fatima@example.or", ["Fatima", "fatima"]),  # an address, though nobody's
        ("@example.org", ["kofi.fatima", "Fatima", "fatou"]),
        ("@EXAMPLE.org.uk", ["fatima"]),
        ("@xn--mller-kva.example", ["info"]),
        ("@müller.example", ["info"]),
        ("@example", []),
        ("atima", []),
        ("%", []),
        ("f%", []),
        ("fat_", []),
        ("@", []),
        ("  ", ["info", "kofi.fatima", "fatima", "Fatima", "fatou"]),
    ],
)
def test_readers_are_found_by_their_address_by_how_it_begins_and_by_its_domain(admin_user, people, typed, names):
    assert listed(f"?q={quote(typed)}", admin_user) == names


def test_what_is_found_by_its_beginning_stands_in_the_order_of_the_alphabet_on_every_page(desk, pages_of_two):
    for name in ["fd", "fA", "Fb", "x", "fc", "fe"]:
        make_subscriber(f"{name}@example.org")
    assert found(desk, "?q=f") == ["fA", "Fb"]
    second = ways(desk, "?q=f")["next"]
    assert found(desk, second) == ["fc", "fd"]
    assert found(desk, ways(desk, second)["next"]) == ["fe"]
    assert found(desk, ways(desk, second)["prev"]) == ["fA", "Fb"]
    assert "First page" in Page(desk.get(page("subscriber_changelist") + second)).words


# --- narrowing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def many():
    """Each differs from amal in one thing."""
    make_subscriber("amal@example.org", "en", source="form")
    make_subscriber("boris@example.org", "pt es", source="form")
    make_subscriber("carla@example.org", "en", source="import 2019")
    make_subscriber("dana@example.org", "en", source="form", state="unsubscribed")
    make_subscriber("eva@example.org", "en", source="form", areas="advocacy global-actors")
    make_subscriber("fatima@example.org", "en", source="form", paused_until="2026-11-04")
    make_subscriber("gina@example.org", "en", source="form", paused_until="2026-11-03")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", "gina fatima eva dana carla boris amal"),
        ("?state__exact=unsubscribed", "dana"),
        ("?state__exact=subscribed", "gina fatima eva carla boris amal"),
        ("?language=pt", "boris"),
        ("?language=es", ""),
        ("?area=advocacy", "eva"),
        ("?area=global-actors", "eva"),
        ("?area=monitoring", ""),
        ("?source=import 2019", "carla"),
        ("?source=nowhere", ""),
        ("?paused=now", "fatima"),
        ("?language=en&source=form", "gina fatima eva dana amal"),
        ("?state__exact=unsubscribed&language=en", "dana"),
        ("?state__exact=subscribed&area=advocacy", "eva"),
        ("?paused=now&source=form&language=en", "fatima"),
        ("?q=e&language=en", "eva"),
        ("?q=@example.org&state__exact=unsubscribed", "dana"),
        # What nobody can have meant narrows nothing.
        ("?language=xx", "gina fatima eva dana carla boris amal"),
        ("?language=p", "gina fatima eva dana carla boris amal"),
        ("?language=²", "gina fatima eva dana carla boris amal"),
        ("?state__exact=pending&area=x&paused=later&bounce=erased&source=", "gina fatima eva dana carla boris amal"),
    ],
)
@time_machine.travel(NOON, tick=False)
def test_the_list_is_narrowed_by_what_is_known(admin_user, many, query, names):
    assert listed(query, admin_user) == names.split()


def test_what_is_searched_for_and_narrowed_is_on_the_page(desk, many):
    assert found(desk, "?q=EVA@example.org&area=advocacy") == found(desk, "?area=advocacy&language=en") == ["eva"]


def test_the_areas_of_the_indexes_are_the_areas_of_the_network():
    assert list(AREAS) == list(Area.objects.values_list("key", flat=True))


def test_areas_and_sources_are_offered_by_name(desk, many):
    html = Page(desk.get(page("subscriber_changelist")))
    offered = {link["href"]: link.words for link in html.all("a")}
    assert offered["?area=capacity-building"] == "Capacity building"
    assert [href for href in offered if href.startswith("?source=")] == ["?source=form", "?source=import+2019"]


def test_a_choice_leads_to_the_first_page_of_what_is_chosen(desk, many, pages_of_two):
    links = Page(desk.get(page("subscriber_changelist") + ways(desk, "")["next"])).links()
    assert "?language=pt" in links
    assert [link for link in links if "language" in link and ("after" in link or "before" in link)] == []


@pytest.mark.parametrize("query", ["", "?language=en", "?q=@example.org"])
def test_pages_lead_on_and_back_and_to_the_newest(desk, many, pages_of_two, query):
    everybody = {"": "gina fatima eva dana carla boris amal"}.get(query, "gina fatima eva dana carla amal")
    everybody = {"?q=@example.org": "gina fatima eva dana carla boris amal"}.get(query, everybody).split()
    seen, at = [], query
    while True:
        seen += found(desk, at)
        if not (further := ways(desk, at).get("next")):
            break
        at = further
    assert seen == everybody
    assert found(desk, ways(desk, at)[""]) == everybody[:2]
    assert found(desk, ways(desk, at)["prev"]) != everybody[:2]
    assert "prev" not in ways(desk, query)


# --- what came back ---------------------------------------------------------------------------------------------------


@pytest.fixture
def bounced(monkeypatch, pages_of_two):
    """Five bounced, in another order than they came; of every other entry the reader is gone. The list is gone through
    by two and four."""
    monkeypatch.setattr(stopped, "ROUNDS", [2, 4])
    readers = {name: make_subscriber(f"{name}@example.org", "pt" if name == "eva" else "en") for name in
               ["amal", "boris", "carla", "dana", "eva", "fatima"]}  # fmt: skip
    for number, name in enumerate(["eva", "boris", "dana", "amal", "carla"]):
        reader = readers[name]
        when = datetime.datetime(2026, 1, 1 + number, 12, tzinfo=datetime.UTC)
        Suppression.objects.create(address_key=reader.address_key, reason="bounced", created_at=when)
        Suppression.objects.create(address_key=f"{number:032}", reason="bounced", created_at=when)
    Suppression.objects.create(address_key=readers["fatima"].address_key, reason="complained")


def test_readers_whose_mail_came_back_stand_in_the_order_in_which_it_did(desk, bounced):
    assert found(desk, "?bounce=complained") == ["fatima"]
    first = ways(desk, "?bounce=bounced")["next"]
    last = ways(desk, first)["next"]
    assert [found(desk, query) for query in ["?bounce=bounced", first, last]] == [
        ["carla", "amal"],
        ["dana", "boris"],
        ["eva"],
    ]
    assert "next" not in ways(desk, last)
    assert found(desk, ways(desk, last)["prev"]) == ["dana", "boris"]
    assert found(desk, ways(desk, ways(desk, last)["prev"])["prev"]) == ["carla", "amal"]
    assert found(desk, ways(desk, last)[""]) == ["carla", "amal"]


def test_a_page_that_would_take_too_long_says_how_far_it_came(desk, bounced):
    query = "?bounce=bounced&language=pt"
    html = Page(desk.get(page("subscriber_changelist") + query))
    assert found(desk, query) == []
    assert html.one("p", class_="desk-note").words == (
        "Looked through so far: the entries of the stop list since 3 January 2026."
    )
    further = ways(desk, query)["next"]
    assert found(desk, further) == ["eva"]
    assert Page(desk.get(page("subscriber_changelist") + further)).all("p", class_="desk-note") == []
    assert found(desk, ways(desk, further)["prev"]) == []
    # Back from eva, six entries are not enough either; and on again she is not lost.
    eva = Suppression.objects.order_by("pk").first()
    back = f"{query}&before={eva.pk}"
    assert found(desk, back) == []
    assert found(desk, ways(desk, back)["next"]) == ["eva"]


def test_among_what_is_searched_for_they_stand_in_its_order(desk, bounced):
    assert found(desk, "?bounce=bounced&q=a") == ["amal"]
    assert found(desk, "?bounce=bounced&q=@example.org") == ["eva", "dana"]
    assert found(desk, "?bounce=complained&q=boris@example.org") == []


def test_an_action_on_readers_whose_mail_came_back_is_about_those_who_were_chosen(desk, bounced):
    amal = Subscriber.objects.get(address="amal@example.org")
    data = {"action": "unsubscribe", "_selected_action": [amal.pk], "index": "0"}
    assert said(desk.post(page("subscriber_changelist") + "?bounce=bounced", data, follow=True)) == [
        "1 reader was unsubscribed."
    ]


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("query", "number"),
    [
        # session, person, areas with their names, sources, rows, what the brake holds
        ("", 7),
        ("?language=en&state__exact=subscribed&area=advocacy", 7),
        ("?after=999999999", 7),
        ("?q=@example.org", 7),
        ("?q=reader0@example.org", 8),  # is there one?
        ("?q=reader", 7),
        ("?bounce=bounced", 9),  # entries, their readers, the rows of a page
    ],
)
def test_the_list_takes_the_same_queries_for_one_reader_and_three(desk, rows, query, number, django_assert_num_queries):
    for at in range(rows):
        reader = make_subscriber(f"reader{at}@example.org", areas="advocacy")
        Suppression.objects.create(address_key=reader.address_key, reason="bounced")
    with django_assert_num_queries(number):
        desk.get(page("subscriber_changelist") + query)


def test_nothing_is_counted_and_nothing_skipped(desk, many):
    with CaptureQueriesContext(connection) as asked:
        desk.get(page("subscriber_changelist") + "?language=en&after=5&_facets=True")
    statements = [query["sql"] for query in asked if "newsletter_subscriber" in query["sql"]]
    assert statements
    assert [sql for sql in statements if "COUNT(" in sql or "OFFSET" in sql or "DISTINCT" in sql] == []


# --- changing ---------------------------------------------------------------------------------------------------------


def test_the_order_of_languages_is_changed_and_the_trail_does_not_keep_the_address(desk):
    reader = make_subscriber("fatima@example.org", "en")
    desk.post(page("subscriber_change", reader.pk), {"languages": "PT, es", "name": "Fátima"})
    reader.refresh_from_db()
    assert (reader.languages, reader.name, reader.address) == ("pt es", "Fátima", "fatima@example.org")
    line = AuditEntry.objects.get()
    assert (line.action, line.data, line.object_label) == ("subscriber.change", {"reader": reader.pk}, "")
    assert LogEntry.objects.count() == 0  # Django's own history would copy the address


def test_what_the_reader_chose_since_the_page_was_opened_stays(desk):
    reader = make_subscriber("fatima@example.org", "en", name="Fatima")
    found = Page(desk.get(page("subscriber_change", reader.pk))).all("input")
    typed = {tag["name"]: tag["value"] for tag in found if tag["name"].endswith(("languages", "name"))}
    subscriptions.change_languages(reader, ["pt", "es"])
    desk.post(page("subscriber_change", reader.pk), typed | {"name": "Fátima"})
    reader.refresh_from_db()
    assert (reader.languages, reader.name) == ("pt es", "Fátima")
    Subscriber.objects.update(name="Fatma")
    desk.post(page("subscriber_change", reader.pk), typed | {"languages": "fr"})
    reader.refresh_from_db()
    assert (reader.languages, reader.name) == ("fr", "Fatma")


@pytest.mark.parametrize("typed", ["pt pt", "pt xx", "  ", "portuguese"])
def test_an_order_of_languages_that_makes_no_sense_is_refused_in_words(desk, typed):
    reader = make_subscriber(languages="en")
    answer = desk.post(page("subscriber_change", reader.pk), {"languages": typed, "name": ""})
    reader.refresh_from_db()
    assert (answer.status_code, reader.languages) == (200, "en")
    assert answer.context["errors"]


def test_readers_who_wrote_to_us_are_unsubscribed_and_stay_so(desk):
    gone, stays = make_subscriber("gone@example.org"), make_subscriber("stays@example.org")
    left = make_subscriber("left@example.org", state="unsubscribed")
    data = {"action": "unsubscribe", "_selected_action": [gone.pk, left.pk]}
    assert said(desk.post(page("subscriber_changelist"), data, follow=True)) == ["1 reader was unsubscribed."]
    assert dict(Subscriber.objects.values_list("pk", "state")) == {
        gone.pk: "unsubscribed",
        stays.pk: "subscribed",
        left.pk: "unsubscribed",
    }
    assert set(Suppression.objects.values_list("address_key", flat=True)) == {gone.address_key}
    assert AuditEntry.objects.get().data == {"reader": gone.pk}


def test_a_list_that_nobody_counts_has_no_button_for_all_of_it(desk):
    gone, stays = make_subscriber("gone@example.org"), make_subscriber("stays@example.org")
    data = {"action": "unsubscribe", "_selected_action": [gone.pk], "select_across": "1", "index": "0"}
    desk.post(page("subscriber_changelist"), data)
    assert dict(Subscriber.objects.values_list("pk", "state")) == {gone.pk: "unsubscribed", stays.pk: "subscribed"}


def test_the_road_of_a_sign_up_is_said_in_words_and_a_list_by_its_name(desk):
    make_subscriber("amal@example.org", source="form")
    make_subscriber("boris@example.org", source="congress 2024")
    rows = [tag.words for tag in Page(desk.get(page("subscriber_changelist"))).all("td", class_="field-came_from")]
    assert rows == ["congress 2024", "form on this site"]
