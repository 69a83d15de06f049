"""What came back, at the desk: for who may see it, without addresses, and never to be changed."""

import pytest
from django.contrib.auth.models import Permission

from newsletter import posts
from newsletter.admin.events import DeliveryEventAdmin
from newsletter.models import DeliveryEvent, RawEvent
from newsletter.tracking import apply
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page
from tests.newsletter.factories import make_subscriber
from tests.newsletter.sent import NOW, event, sent_issue

pytestmark = pytest.mark.django_db
LISTS = ["deliveryevent_changelist", "rawevent_changelist"]


@pytest.fixture
def events():
    """Three events about three readers, and a post that nobody can read."""
    readers = [make_subscriber(f"reader{number}@example.org") for number in range(3)]
    deliveries = sent_issue(*readers, edition_state="sent")
    kinds = ["delivered", "hard", "complained"]
    told = [event(delivery, kind, detail="said it") for delivery, kind in zip(deliveries, kinds, strict=True)]
    apply(told, now=NOW)
    posts.store("nobody", content_type="", headers={}, body=b"reader0@example.org", now=NOW)
    posts.read_waiting()


def watcher():
    """Works here and may see what came back, but not the readers."""
    person = amal()
    wanted = Permission.objects.filter(codename__in=["view_deliveryevent", "view_rawevent"])
    person.user_permissions.add(*wanted)
    return person


def rows(answer) -> list[str]:
    return [" ".join(row.words.split()) for row in Page(answer).all("tr") if row.words.strip()][1:]


def test_the_newest_comes_first_with_edition_and_reader(events):
    told = rows(at_the_desk(carla()).get(page("deliveryevent_changelist")))
    assert len(told) == 3
    for line, words in zip(told, ["complained reader2", "does not exist reader1", "delivered reader0"], strict=True):
        kind, _space, reader = words.rpartition(" ")
        assert kind in line
        assert f"november (en){reader}@example.orgbrevo" in line


def test_who_may_not_see_readers_sees_no_address(events):
    desk = at_the_desk(watcher())
    first = DeliveryEvent.objects.first()
    post = RawEvent.objects.get()
    for address in [*map(page, LISTS), page("deliveryevent_change", first.pk), page("rawevent_change", post.pk)]:
        answer = desk.get(address)
        assert answer.status_code == 200
        assert b"@example.org" not in answer.content.replace(b"amal@example.org", b"")


@pytest.mark.parametrize("name", LISTS)
def test_others_do_not_get_there(name, events):
    assert at_the_desk(boris()).get(page(name)).status_code == 403


def test_nothing_can_be_added_changed_or_deleted(events):
    desk = at_the_desk(carla())
    first = DeliveryEvent.objects.first()
    assert desk.get(page("deliveryevent_add")).status_code == 403
    assert desk.post(page("deliveryevent_change", first.pk), {"kind": "delivered"}).status_code == 403
    assert desk.post(page("deliveryevent_delete", first.pk), {"post": "yes"}).status_code == 403


def test_events_are_found_by_kind_and_source(events):
    desk = at_the_desk(carla())
    for query, count in [("kind__exact=hard", 1), ("source=brevo", 3), ("source=dsn", 0), ("source=x", 3)]:
        assert desk.get(f"{page('deliveryevent_changelist')}?{query}").context["cl"].result_count == count


def test_posts_that_cannot_be_read_are_counted_and_say_why(events):
    desk = at_the_desk(carla())
    answer = desk.get(f"{page('rawevent_changelist')}?reading=unreadable")
    assert answer.context["cl"].result_count == 1
    assert "KeyError" in rows(answer)[0]
    answer = desk.get(f"{page('rawevent_changelist')}?reading=waiting")
    assert answer.context["cl"].result_count == 0


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_the_same_queries_for_one_event_and_three(number, events, django_assert_num_queries):
    DeliveryEvent.objects.filter(pk__in=DeliveryEvent.objects.values("pk")[number:]).delete()
    desk = at_the_desk(carla())
    with django_assert_num_queries(3):
        desk.get(page("deliveryevent_changelist"))


def test_a_table_that_grows_for_ever_is_read_a_page_at_a_time(events, monkeypatch):
    monkeypatch.setattr(DeliveryEventAdmin, "list_per_page", 2)
    desk = at_the_desk(carla())
    first = desk.get(page("deliveryevent_changelist"))
    (older,) = [link["href"] for link in Page(first).all("a", rel="next")]
    assert ["reader2" in line for line in rows(first)] == [True, False]
    assert ["reader0" in line for line in rows(desk.get(page("deliveryevent_changelist") + older))] == [True]
