"""A member's people and their fees: what is open and how to pay it, debit notes, receipts."""

import datetime
import uuid
from io import BytesIO

import pytest
import time_machine
from django.urls import reverse
from pypdf import PdfReader

from members import fees
from tests.html import Page
from tests.members.factories import make_contact, make_member, make_user
from tests.members.purse import JANUARY, Role, make_fee, paid, with_treasurer

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def march():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def member():
    return with_treasurer(make_member())


def at(name: str, member, *args) -> str:
    return reverse(f"members:{name}", args=[member.handle, *args])


def signed_in(client, email="tomas@example.org"):
    client.force_login(make_user(email))
    return client


def test_the_treasurer_sees_what_is_open_and_how_to_pay_it(client, member):
    fee = make_fee(member, amount="1250.5", noted=JANUARY)
    page = Page(signed_in(client).get(at("fees", member)))
    digits = fee.communication
    assert [tag.words for tag in page.all("code", class_="copy")] == [
        f"+++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++",
        "BE68 5390 0754 7034",
    ]
    assert "Fee 2026: €1,250.50 to pay It was due on 11 February 2026." in page.words
    (code,) = page.all("svg", class_="qr")
    assert "transfer of €1,250.50, fee 2026" in code.words
    assert at("fee_note", member, 2026) in page.links()


def test_of_a_part_the_rest_is_to_pay_and_a_surplus_is_told(client, member):
    paid(make_fee(member, 2026, noted=JANUARY), "30")
    paid(make_fee(member, 2025, noted=JANUARY), "110")
    words = Page(signed_in(client).get(at("fees", member))).words
    assert "Fee 2026: €70.00 to pay" in words
    assert "€30.00 of €100.00 have been paid." in words
    assert "Paid too much (€10.00)" in words


def test_open_years_are_this_one_and_three_back_and_all_are_listed(client, member):
    for year in (2022, 2023, 2024, 2026):
        make_fee(member, year, noted=JANUARY)
    make_fee(member, 2027)  # entered, and not asked for: the secretariat's own until then
    page = Page(signed_in(client).get(at("fees", member)))
    assert [tag.words.split(":")[0] for tag in page.all("h2")] == ["Fee 2023", "Fee 2024", "Fee 2026", "All years"]
    assert [tag.words for tag in page.all("th", scope="row")] == ["2026", "2024", "2023", "2022"]


def test_a_waived_fee_and_one_of_nothing_are_listed_and_not_asked_for(client, member):
    make_fee(member, 2025, "0")
    fees.waive(make_fee(member), why="Between us.", by=make_user("carla@example.org", staff=True), now=JANUARY)
    page = Page(signed_in(client).get(at("fees", member)))
    assert "Nothing is open. Thank you." in page.words
    assert [tag.words for tag in page.all("td", data_label="State")] == ["Waived", "Nothing to pay"]
    assert "Between us." not in page.words


def test_the_debit_note_and_the_receipt_are_downloads(client, member):
    paid(make_fee(member, noted=JANUARY), "30")
    client = signed_in(client)
    for name, kind, word in [("fee_note", "debit-note", "Nota de débito"), ("fee_receipt", "receipt", "Recibo")]:
        answer = client.get(at(name, member, 2026))
        assert answer["Content-Disposition"] == f'attachment; filename="PICUM-{kind}-2026-{member.pk:06}.pdf"'
        assert "no-store" in answer["Cache-Control"]
        assert word in PdfReader(BytesIO(answer.content)).metadata.title


def test_there_is_no_note_before_it_went_out_and_no_receipt_before_it_is_paid(client, member):
    make_fee(member)
    answers = [
        signed_in(client).get(at(name, member, year)) for name in ("fee_note", "fee_receipt") for year in (2025, 2026)
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_without_an_account_the_page_says_whom_to_ask(client, member, settings):
    make_fee(member, noted=JANUARY)
    settings.MEMBERS_IBAN = ""
    page = Page(signed_in(client).get(at("fees", member)))
    assert "Please ask the secretariat." in page.words
    assert page.all("svg", class_="qr") == []
    assert client.get(at("fee_note", member, 2026)).status_code == 404


@pytest.mark.parametrize("name", ["fees", "fee_note", "fee_receipt"])
def test_only_who_sees_to_the_fees_gets_there(client, member, name):
    paid(make_fee(member, noted=JANUARY), "30")
    make_contact(member, "nora@example.org", Role.NEWSLETTER, Role.COMMUNICATIONS)
    other = make_member("Dach e.V.")
    make_contact(other, "boris@example.org", Role.CONTACT, Role.TREASURER)
    year = [] if name == "fees" else [2026]
    answers = {}
    for email in ("tomas", "amal", "nora", "boris", "stranger"):
        answers[email] = signed_in(client, f"{email}@example.org").get(at(name, member, *year)).status_code
    client.logout()
    answers["nobody"] = client.get(at(name, member, *year)).status_code
    assert answers == {"tomas": 200, "amal": 200, "nora": 404, "boris": 404, "stranger": 404, "nobody": 404}
    assert client.get(reverse(f"members:{name}", args=[uuid.uuid4(), *year])).status_code == 404


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_the_same_queries_for_one_year_and_for_three(client, member, number, django_assert_num_queries):
    for year in range(2027 - number, 2027):
        paid(make_fee(member, year, noted=JANUARY), "30")
    signed_in(client)
    with django_assert_num_queries(6):
        client.get(at("fees", member))


def test_looking_changes_nothing(client, member):
    make_fee(member, noted=JANUARY)
    assert signed_in(client).post(at("fees", member)).status_code == 405
