"""The consent ledger at the desk: to be read, and never to be changed."""

import datetime

import pytest
from django.db import transaction

from newsletter import consents, wordings
from newsletter.consents import Entry, How, Kind
from newsletter.models import Consent
from picum.addresses import address_key
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, staff
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)
AMAL, BORIS = address_key("amal@example.org"), address_key("boris@example.org")


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def lines():
    german = wordings.current("de")
    with transaction.atomic():
        consents.append(
            [
                Entry(Kind.REQUESTED, How.FORM, AMAL, german),
                Entry(Kind.GIVEN, How.FORM, AMAL, german),
                Entry(Kind.GIVEN, How.IMPORT, BORIS, detail="Liste 2024"),
                Entry(Kind.WITHDRAWN, How.ONE_CLICK, AMAL),
            ],
            now=NOON,
        )


def listed(desk, query="") -> list[str]:
    html = Page(desk.get(page("consent_changelist") + query))
    return [cell.words for cell in html.all("th", class_="field-number")]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", ["4", "3", "2", "1"]),
        ("?kind=given", ["3", "2"]),
        ("?how=form", ["2", "1"]),
        ("?kind=given&how=form", ["2"]),
        ("?kind=erased", []),
        ("?kind=nonsense&how=", ["4", "3", "2", "1"]),
        ("?q=Amal@EXAMPLE.org", ["4", "2", "1"]),
        (f"?q={BORIS}", ["3"]),
        ("?q=amal@example.org&kind=withdrawn", ["4"]),
        ("?q=nobody@example.org", []),
    ],
)
def test_lines_are_found_by_what_how_and_whose(desk, lines, query, numbers):
    assert listed(desk, query) == numbers


def test_a_line_shows_the_exact_words(desk, lines):
    line = Consent.objects.get(number=2)
    html = Page(desk.get(page("consent_change", line.pk)))
    assert html.one("span", lang="de").words == wordings.text("de")
    assert "de 1" in Page(desk.get(page("consent_changelist"))).words


def test_who_may_not_see_readers_sees_no_address(desk, lines):
    make_subscriber("amal@example.org")
    dana = at_the_desk(staff("view_consent"))
    for address in [page("consent_changelist"), page("consent_change", Consent.objects.get(number=1).pk)]:
        assert "amal@example.org" in Page(desk.get(address)).words
        assert b"amal@example.org" not in dana.get(address).content


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_the_same_queries_for_one_line_and_three(desk, lines, number, django_assert_num_queries):
    query = {1: "?kind=withdrawn", 3: "?q=amal@example.org"}[number]
    with django_assert_num_queries(4):  # session, person, lines with their wordings, readers
        assert len(listed(desk, query)) == number


@pytest.mark.parametrize(("rights", "code"), [([], 403), (["view_subscriber"], 403), (["view_consent"], 200)])
def test_only_who_may_view_the_ledger_gets_there(lines, rights, code):
    dana, line = at_the_desk(staff(*rights)), Consent.objects.get(number=1)
    for address in [page("consent_changelist"), page("consent_change", line.pk)]:
        assert dana.get(address).status_code == code


def test_nobody_changes_it(desk, lines):
    line = Consent.objects.get(number=1)
    assert desk.get(page("consent_add")).status_code == 403
    assert desk.post(page("consent_change", line.pk), {"kind": "given"}).status_code == 403
    assert desk.post(page("consent_delete", line.pk), {"post": "yes"}).status_code == 403
    assert list(consents.verify()) == []
    assert Consent.objects.count() == 4
