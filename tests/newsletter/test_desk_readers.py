import pytest
from django.contrib.admin.models import LogEntry

from newsletter.models import Subscriber, Suppression
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    return at_the_desk(carla())


def found(desk, query: str) -> list[str]:
    html = Page(desk.get(page("subscriber_changelist") + query))
    return sorted(link.words for link in html.all("a") if "@" in link.words)


def test_readers_are_found_by_how_their_address_begins_by_state_and_by_language(desk):
    make_subscriber("fatima@example.org", "pt es")
    make_subscriber("fatou@example.org", "fr")
    make_subscriber("kofi.fatima@example.org", "en", state="unsubscribed")
    assert found(desk, "?q=fat") == ["fatima@example.org", "fatou@example.org"]
    assert found(desk, "?language=pt") == ["fatima@example.org"]
    assert found(desk, "?state__exact=unsubscribed") == ["kofi.fatima@example.org"]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_the_same_queries_for_one_reader_and_three(desk, rows, django_assert_num_queries):
    for number in range(rows):
        make_subscriber(f"reader{number}@example.org")
    with django_assert_num_queries(4):
        desk.get(page("subscriber_changelist"))


def test_the_order_of_languages_is_changed_and_the_trail_does_not_keep_the_address(desk):
    reader = make_subscriber("fatima@example.org", "en")
    desk.post(page("subscriber_change", reader.pk), {"languages": "PT, es", "name": "Fátima"})
    reader.refresh_from_db()
    assert (reader.languages, reader.name, reader.address) == ("pt es", "Fátima", "fatima@example.org")
    line = AuditEntry.objects.get()
    assert (line.action, line.data, line.object_label) == ("subscriber.change", {"reader": reader.pk}, "")
    assert LogEntry.objects.count() == 0  # Django's own history would copy the address


@pytest.mark.parametrize("typed", ["pt pt", "pt xx", "  ", "portuguese"])
def test_an_order_of_languages_that_makes_no_sense_is_refused_in_words(desk, typed):
    reader = make_subscriber(languages="en")
    answer = desk.post(page("subscriber_change", reader.pk), {"languages": typed, "name": ""})
    reader.refresh_from_db()
    assert (answer.status_code, reader.languages) == (200, "en")
    assert answer.context["errors"]


def test_readers_who_wrote_to_us_are_unsubscribed_and_stay_so(desk):
    gone, stays = make_subscriber("gone@example.org"), make_subscriber("stays@example.org")
    data = {"action": "unsubscribe", "_selected_action": [gone.pk]}
    assert said(desk.post(page("subscriber_changelist"), data, follow=True)) == ["1 reader was unsubscribed."]
    assert dict(Subscriber.objects.values_list("pk", "state")) == {gone.pk: "unsubscribed", stays.pk: "subscribed"}
    assert list(Suppression.objects.values_list("address_key", flat=True)) == [gone.address_key]
    assert AuditEntry.objects.get().data == {"reader": gone.pk}


def test_nobody_is_added_or_deleted_by_hand(desk):
    reader = make_subscriber()
    assert desk.get(page("subscriber_add")).status_code == 403
    assert desk.post(page("subscriber_delete", reader.pk), {"post": "yes"}).status_code == 403


def test_the_stop_list_is_read_only(desk):
    stop = Suppression.objects.create(address_key=make_subscriber().address_key, reason="bounced")
    assert "does not exist" in Page(desk.get(page("suppression_changelist"))).words
    assert desk.get(page("suppression_add")).status_code == 403
    assert desk.post(page("suppression_change", stop.pk), {"reason": "staff"}).status_code == 403
    assert desk.post(page("suppression_delete", stop.pk), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("language", ["xx", "p", "", "²"])
def test_a_first_language_that_we_do_not_have_filters_nothing(desk, language):
    make_subscriber("fatima@example.org", "pt es")
    assert found(desk, f"?language={language}") == ["fatima@example.org"]
