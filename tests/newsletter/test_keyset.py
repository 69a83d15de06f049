"""Lists of any length: each page goes on where the one before ended, whatever comes or goes meanwhile."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from newsletter.models import Subscriber
from newsletter.querysets import Alphabetically
from picum import keyset
from picum.accounts.models import AuditEntry
from picum.keyset import Cursor, Newest
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
PLACES = [None, Newest(), Alphabetically()]


@pytest.fixture
def seven():
    """Addresses whose order is neither that of their numbers nor that of their capitals."""
    for name in ["gina", "Amal", "fatima", "boris", "Eva", "carla", "dana"]:
        make_subscriber(f"{name}@example.org")


def read(place, cursor=None, size=3) -> keyset.Page:
    return keyset.read(Subscriber.objects.all(), place, cursor or Cursor(), size=size)


def names(page: keyset.Page) -> str:
    return " ".join(row.address.partition("@")[0] for row in page.rows)


@pytest.mark.parametrize(
    ("place", "pages"),
    [
        (None, ["dana carla Eva", "boris fatima Amal", "gina"]),
        (Newest(), ["dana carla Eva", "boris fatima Amal", "gina"]),
        (Alphabetically(), ["Amal boris carla", "dana Eva fatima", "gina"]),
    ],
)
def test_all_rows_come_once_in_their_order_there_and_back(seven, place, pages):
    page, seen = read(place), []
    while True:
        seen.append(names(page))
        if page.after is None:
            break
        page = read(place, Cursor(page.after))
    assert seen == pages
    back = [names(page)]
    while page.before is not None:
        page = read(place, Cursor(page.before, backwards=True))
        back.append(names(page))
    assert back == pages[::-1]


@pytest.mark.parametrize("place", PLACES)
def test_the_first_page_has_nothing_before_it_and_the_last_one_nothing_after(seven, place):
    assert (read(place).before, read(place, size=7).after, read(place, size=6).after is None) == (None, None, False)


@pytest.mark.parametrize("place", PLACES)
def test_who_comes_or_goes_meanwhile_shifts_nothing(seven, place):
    first = read(place)
    Subscriber.objects.filter(pk=first.rows[0].pk).delete()
    make_subscriber("aaron@example.org")
    expected = {None: "boris fatima Amal", Newest: "boris fatima Amal", Alphabetically: "dana Eva fatima"}
    assert names(read(place, Cursor(first.after))) == expected[type(place) if place else None]


def test_a_page_after_somebody_who_was_erased_meanwhile_is_the_first_where_their_place_went_with_them(seven):
    after = read(Alphabetically()).after
    Subscriber.objects.filter(pk=after).delete()
    assert names(read(Alphabetically(), Cursor(after))) == "Amal boris dana"


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("place", [None, Newest()])
def test_a_page_with_nothing_left_on_it_is_the_first(seven, place, backwards):
    number = 10**6 if backwards else 0
    assert names(read(place, Cursor(number, backwards))) == "dana carla Eva"


@pytest.mark.parametrize("place", [None, Newest()])
def test_going_back_never_ends_on_a_short_page(seven, place):
    second = Subscriber.objects.order_by("-pk")[1]
    assert names(read(place, Cursor(second.pk, backwards=True))) == "dana carla Eva"


@pytest.mark.parametrize(
    ("query", "cursor"),
    [
        ({}, Cursor()),
        ({"after": "12"}, Cursor(12)),
        ({"before": "12"}, Cursor(12, backwards=True)),
        ({"after": "12", "before": "9"}, Cursor(12)),
        ({"after": "x", "before": "9"}, Cursor(9, backwards=True)),
        *(({"after": text}, Cursor()) for text in ["", "-1", "1.5", "٣", "²", "9" * 19, "9" * 5000, "1e3", " 1"]),
    ],
)
def test_a_cursor_that_makes_no_sense_is_the_beginning(query, cursor):
    assert Cursor.read(query) == cursor


@rules(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=25))
def test_whatever_stands_in_the_address_a_list_can_be_read(seven, text):
    for place in PLACES:
        assert read(place, Cursor.read({"after": text})).rows


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_the_values_of_a_field_are_leapt_through(most, django_assert_num_queries):
    for action in ["b", "a", "c", "b", "b"]:
        AuditEntry.objects.create(action=action)
    with django_assert_num_queries(1):
        assert keyset.values(AuditEntry, "action", most=most) == ["a", "b", "c"][:most]


def test_a_field_of_an_empty_table_has_no_values():
    assert keyset.values(AuditEntry, "action") == []
