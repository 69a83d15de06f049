"""Members who agreed stand in lists that anybody may download: for programs and for spreadsheets."""

import csv
import io
import json

import pytest
from django.conf import settings

from members.models import Member, Shown
from tests.html import Page
from tests.members.factories import make_member

pytestmark = pytest.mark.django_db
OPEN = list(Shown)


@pytest.fixture
def rua():
    return make_member(
        acronym="RA",
        type="health",
        level="local",
        areas=["advocacy", "capacity-building"],
        rights=["health-care"],
        description={"pt": "Acompanhamos.", "en": "We stand by."},
        street="Rua das Flores 12",
        postcode="1200-195",
        city="Lisboa",
        email="office@example.org",
        telephone="+351 21 555 01 23",
        website="https://example.org",
        shown=OPEN,
        open_data=True,
    )


def told(client, query="", language="en") -> list[dict]:
    return json.loads(client.get(f"/{language}/members/list.json{query}").content)["members"]


def rows(client, query="", language="en") -> list[dict]:
    text = client.get(f"/{language}/members/list.csv{query}").content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=text[len('"page"')]))


def test_programs_get_all_that_a_member_shows(client, rua):
    response = client.get("/en/members/list.json")
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content) == {
        "language": "en",
        "members": [
            {
                "page": f"{settings.SITE_URL}/en/members/rua-aberta/",
                "name": "Rua Aberta",
                "acronym": "RA",
                "country": {"key": "PT", "name": "Portugal"},
                "type": {"key": "health", "name": "Health"},
                "level": {"key": "local", "name": "local"},
                "areas": [
                    {"key": "capacity-building", "name": "Capacity building"},
                    {"key": "advocacy", "name": "Advocacy"},
                ],
                "rights": [{"key": "health-care", "name": "health care"}],
                "address": {"street": "Rua das Flores 12", "postcode": "1200-195", "city": "Lisboa"},
                "email": "office@example.org",
                "telephone": "+351 21 555 01 23",
                "website": "https://example.org",
                "description": {"text": "We stand by.", "language": "en"},
            }
        ],
    }


def test_what_is_not_shown_is_empty_and_stays_in_its_place(client, rua):
    shape = told(client)[0]
    Member.objects.update(shown=[], type=None)
    bare = told(client)[0]
    assert list(bare) == list(shape)
    assert {name: value for name, value in bare.items() if value} == {
        "page": f"{settings.SITE_URL}/en/members/rua-aberta/",
        "name": "Rua Aberta",
        "acronym": "RA",
        "country": {"key": "PT", "name": "Portugal"},
        "address": {"street": "", "postcode": "", "city": ""},
        "description": {"text": "", "language": ""},
    }


def test_spreadsheets_get_the_same_in_words_of_the_language(client, rua):
    Member.objects.update(level="")
    response = client.get("/de/members/list.csv")
    assert response.content.startswith(b"\xef\xbb\xbf")
    assert response["Content-Disposition"] == 'attachment; filename="picum-members-de.csv"'
    assert rows(client, language="de") == [
        {
            "page": f"{settings.SITE_URL}/de/members/rua-aberta/",
            "name": "Rua Aberta",
            "acronym": "RA",
            "country_code": "PT",
            "country": "Portugal",
            "type": "Gesundheit",
            "level": "",
            "areas": "Capacity building; Interessenvertretung",
            "rights": "Gesundheitsversorgung",
            "street": "Rua das Flores 12",
            "postcode": "1200-195",
            "city": "Lisboa",
            "email": "office@example.org",
            "telephone": "'+351 21 555 01 23",
            "website": "https://example.org",
            "description": "Acompanhamos.",
            "description_language": "pt",
        }
    ]


@pytest.mark.parametrize("hostile", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "'=1", "＝1"])
def test_no_cell_runs_in_a_spreadsheet(client, hostile):
    make_member(hostile, slug="hostile", city=hostile, description={"en": hostile}, shown=OPEN, open_data=True)
    (row,) = rows(client)
    assert [row[column] for column in ("name", "city", "description")] == [f"'{hostile}"] * 3


def test_lines_within_a_cell_do_not_break_the_table(client):
    make_member(description={"en": 'One\r\n"two";\tthree'}, shown=OPEN, open_data=True)
    assert [row["description"] for row in rows(client)] == ['One "two"; three']


@pytest.mark.parametrize(
    ("query", "names"), [("", ["Ärzte", "Rua Aberta"]), ("?country=PT", ["Rua Aberta"]), ("?q=arzte", ["Ärzte"])]
)
def test_the_same_filters_choose_among_those_who_agreed(client, rua, query, names):
    make_member("Ärzte", country="AT", open_data=True)
    make_member("Quiet", country="PT")
    assert [one["name"] for one in told(client, query)] == names
    assert [row["name"] for row in rows(client, query)] == names


def test_the_directory_leads_to_the_lists_of_what_was_chosen(client, rua):
    make_member("Quiet", country="PT")
    page = Page(client.get("/en/members/?country=PT"))
    assert "To download, for the 1 member that agreed to it:" in page.words
    for name in ("csv", "json"):
        assert page.one("a", href=f"/en/members/list.{name}?country=PT")


@pytest.mark.parametrize("name", ["csv", "json"])
def test_anybody_may_read_it_from_any_site_and_has_to_ask_each_time(client, rua, name):
    path = f"/en/members/list.{name}"
    response = client.get(path)
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"] == "public, no-cache"
    assert not response.cookies
    again = client.get(path, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Member.objects.update(shown=[])
    assert client.get(path, headers={"If-None-Match": response["ETag"]}).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.parametrize("number", [1, 3])
def test_a_list_asks_the_database_four_times(client, django_assert_num_queries, number):
    for count in range(number):
        make_member(f"Casa {count}", areas=["advocacy"], description="Texto", shown=OPEN, open_data=True)
    for name in ("csv", "json"):
        with django_assert_num_queries(4):
            client.get(f"/en/members/list.{name}")
