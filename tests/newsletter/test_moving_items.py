"""Items go from one issue to another, as long as neither has gone out."""

import datetime

import pytest
from django.utils import timezone

from newsletter import transfers
from newsletter.models import Issue, Item, Text
from newsletter.translation import finding
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said, staff
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def here():
    return make_issue("2026-10", languages=["en"])


@pytest.fixture
def there():
    issue = make_issue("2026-11", languages=["en"], period=datetime.date(2026, 11, 1))
    make_item(issue, "borders", en="There before")
    return issue


def standing(issue) -> list[tuple[str, str]]:
    return [(item.section.key, str(item)) for item in issue.items.order_by(*Item._meta.ordering)]


def press(client, *items, to, **data):
    return post(client, {"items": [item.pk for item in items], "to": to.pk} | data)


def post(client, data):
    return client.post(page("item_transfer"), data, follow=True)


# --- what happens ---------------------------------------------------------------------------------------------------


def test_items_go_to_the_end_of_their_sections_in_their_order_with_all_that_is_written(here, there):
    first, second = make_item(here, "borders", en="A", de="Ein A"), make_item(here, "borders", en="B")
    third = make_item(here, "detention", en="C")
    finding.find_all(here, state="approved", now=NOW)
    moved = transfers.transfer([third.pk, second.pk, first.pk], to=there.pk, by=carla())
    assert len(moved) == 3
    assert standing(there) == [
        ("borders", "There before"),
        ("borders", "A"),
        ("borders", "B"),
        ("detention", "C"),
    ]
    rows = Text.objects.filter(item=first)
    assert {(row.language, row.issue, row.state, row.number) for row in rows} == {
        ("en", there, "approved", 1),
        ("de", there, "approved", 1),
    }
    assert Text.objects.get(item=None, language="en").issue == here
    entries = AuditEntry.objects.order_by("pk")
    assert [(entry.action, entry.object_label, entry.data) for entry in entries] == [
        ("item.transfer", title, {"left": "2026-10", "to": "2026-11"}) for title in "ABC"
    ]


def test_what_is_there_already_stays_in_its_place(here, there):
    staying = there.items.get()
    make_item(there, "borders", en="After it")
    assert transfers.transfer([staying.pk, 99999], to=there.pk, by=carla()) == []
    assert standing(there) == [("borders", "There before"), ("borders", "After it")]
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("moment", ["frozen_at", "published_at"])
def test_nothing_goes_into_an_issue_that_went_out(here, there, moment):
    item = make_item(here, en="A")
    there.editions.filter(language="en").update(**{moment: NOW})
    with pytest.raises(transfers.NotPossible):
        transfers.transfer([item.pk], to=there.pk, by=carla())
    item.refresh_from_db()
    assert item.issue == here


@pytest.mark.parametrize("moment", ["frozen_at", "published_at"])
def test_nothing_leaves_an_issue_that_went_out_nor_anything_chosen_with_it(here, there, moment):
    gone = make_issue("2026-09", languages=["en"], period=datetime.date(2026, 9, 1))
    item, read = make_item(here, en="A"), make_item(gone, en="Read by all")
    gone.editions.filter(language="pt").update(**{moment: NOW})
    with pytest.raises(transfers.NotPossible):
        transfers.transfer([item.pk, read.pk], to=there.pk, by=carla())
    assert [one.issue for one in Item.objects.filter(pk__in=[item.pk, read.pk]).order_by("pk")] == [here, gone]
    assert not AuditEntry.objects.exists()


def test_nothing_goes_into_a_circular(here):
    circular = make_issue("circular", kind=Issue.Kind.CIRCULAR, languages=["en"])
    item = make_item(here, en="A")
    with pytest.raises(transfers.NotPossible):
        transfers.transfer([item.pk], to=circular.pk, by=carla())
    assert not circular.items.exists()


# --- at the desk ----------------------------------------------------------------------------------------------------


def test_several_are_moved_from_the_list_after_a_question(here, there):
    desk = at_the_desk(boris())
    items = [make_item(here, "borders", en=title) for title in "AB"]
    data = {"action": "move_to_another_issue", "_selected_action": [item.pk for item in items]}
    asked = desk.post(page("item_changelist"), data)
    html = Page(asked)
    assert [box["value"] for box in html.all("input", name="items")] == [str(item.pk) for item in items]
    assert "A (October 2026)" in html.words
    assert not there.items.filter(pk__in=[item.pk for item in items]).exists()  # it was only asked
    answer = press(desk, *items, to=there)
    assert answer.redirect_chain == [(page("issue_change", there.pk) + "#contents", 302)]
    assert said(answer) == ["2 items went to November 2026."]
    assert standing(there) == [("borders", "There before"), ("borders", "A"), ("borders", "B")]


def test_one_is_moved_from_its_own_page(here, there):
    desk, item = at_the_desk(boris()), make_item(here, en="A")
    html = Page(desk.get(page("item_change", item.pk)))
    select = html.one("select", name="to")
    assert select.words == "November 2026"
    answer = press(desk, item, to=there, stay="1")
    assert answer.redirect_chain == [(page("item_change", item.pk), 302)]
    item.refresh_from_db()
    assert item.issue == there


def test_an_item_that_went_out_is_offered_no_other_issue(here, there):
    item = make_item(here, en="A")
    here.editions.filter(language="en").update(frozen_at=NOW)
    assert not Page(at_the_desk(boris()).get(page("item_change", item.pk))).all("select", name="to")


@pytest.mark.parametrize("data", [{"to": ""}, {"to": "x"}, {"to": "99999"}, {"items": []}, {"items": ["x", "-1"]}])
def test_nonsense_moves_nothing_and_says_so(here, there, data):
    item = make_item(here, en="A")
    answer = post(at_the_desk(boris()), {"items": [item.pk], "to": there.pk} | data)
    assert said(answer) == ["Choose an issue that has not gone out."]
    item.refresh_from_db()
    assert item.issue == here


def test_without_another_issue_the_list_says_what_to_do(here):
    item = make_item(here, en="A")
    here.editions.update(frozen_at=NOW)
    data = {"action": "move_to_another_issue", "_selected_action": [item.pk]}
    answer = at_the_desk(boris()).post(page("item_changelist"), data, follow=True)
    assert said(answer) == ["There is no issue to which items could go: start the next one first."]


@pytest.mark.parametrize("who", [amal, lambda: staff("view_item", "send_issue")])
def test_who_may_not_change_items_moves_none(here, there, who):
    item = make_item(here, en="A")
    assert press(at_the_desk(who()), item, to=there).status_code == 403
    item.refresh_from_db()
    assert item.issue == here


def test_a_link_moves_nothing(here, there):
    item = make_item(here, en="A")
    answer = at_the_desk(carla()).get(page("item_transfer") + f"?items={item.pk}&to={there.pk}")
    assert answer.status_code == 405
    item.refresh_from_db()
    assert item.issue == here


@pytest.mark.parametrize("rows", [1, 3])
def test_the_question_takes_the_same_queries_for_one_item_and_three(here, there, rows, django_assert_num_queries):
    items = [make_item(here, en=f"Item {number}") for number in range(rows)]
    data = {"action": "move_to_another_issue", "_selected_action": [item.pk for item in items]}
    desk = at_the_desk(carla())
    with django_assert_num_queries(11):
        desk.post(page("item_changelist"), data)
