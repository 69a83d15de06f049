"""Fees on the desk: the list, the yearly run, the notes, payments by hand and by bank file, arrears."""

import datetime
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from members import payments, structured
from members.models import BankFile, Fee, Payment
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.html import Page
from tests.members.factories import make_contact, make_member, make_user
from tests.members.purse import JANUARY, make_fee, paid, with_paid, with_treasurer
from tests.members.statements import document, entry

pytestmark = pytest.mark.django_db
DESK = ["members.view_fee", "members.change_fee", "members.view_payment", "members.add_payment"]
NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)


@pytest.fixture(autouse=True)
def march():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def carla(client):
    person = make_user("carla@example.org", staff=True, permissions=DESK)
    client.force_login(person)
    return person


def at(name: str, *args, **query) -> str:
    return reverse(f"admin:members_{name}", args=args, query=query or None)


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def cells(response, label: str) -> list[str]:
    return [tag.words for tag in Page(response).all("td", data_label=label)]


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "open_"),
    [
        ([], ""),
        (["members.view_fee"], "listing member arrears csv pdf"),
        (["members.change_fee"], "listing run notes member arrears csv pdf amount waive note"),
        (["members.view_payment"], "payments"),
        (["members.add_payment"], "pay payments match aside reopen divide bank"),
    ],
)
def test_each_page_wants_its_right(client, rights, open_):
    client.force_login(make_user("dana@example.org", staff=True, permissions=rights))
    fee = make_fee(with_treasurer(make_member()), noted=JANUARY)
    payment = paid(fee)
    pages = {
        "listing": at("fee_changelist"),
        "run": at("fee_run"),
        "notes": at("fee_notes"),
        "member": at("fee_member", fee.member.pk),
        "arrears": at("fee_arrears"),
        "csv": at("fee_arrears_csv"),
        "pdf": at("fee_pdf", fee.pk),
        "amount": at("fee_amount", fee.pk),
        "waive": at("fee_waive", fee.pk),
        "note": at("fee_note", fee.pk),
        "pay": at("fee_pay", fee.pk),
        "payments": at("payment_changelist"),
        "match": at("payment_match", payment.pk),
        "aside": at("payment_aside", payment.pk),
        "reopen": at("payment_reopen", payment.pk),
        "divide": at("payment_divide", payment.pk),
        "bank": at("bankfile_changelist"),
    }
    answers = {name: client.get(address).status_code for name, address in pages.items()}
    assert answers == {name: 200 if name in open_.split() else 403 for name in pages}


# --- a year ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_shows_a_year_with_its_sums_in_few_queries(carla, client, number, django_assert_num_queries):
    for each in range(number):
        paid(make_fee(make_member(f"Member {each}"), amount="100"), "40")
    with django_assert_num_queries(8):
        answer = client.get(at("fee_changelist"))
    assert cells(answer, "State") == ["partly paid"] * number
    assert cells(answer, "Open") == ["€60.00"] * number + [f"€{60 * number}.00"]


def test_the_list_is_narrowed_by_year_and_by_state(carla, client):
    member, other = make_member("Rua Aberta"), make_member("Dach e.V.")
    make_fee(member, 2025)
    make_fee(member, 2026)
    paid(make_fee(other, 2026))
    shown = {
        query: [tag.words for tag in Page(client.get(at("fee_changelist") + query)).all("th", scope="row")][:-1]
        for query in ("", "?year=2025", "?state=paid", "?year=2026&state=not-asked", "?state=x")
    }
    assert shown == {
        "": ["Dach e.V.", "Rua Aberta"],
        "?year=2025": ["Rua Aberta"],
        "?state=paid": ["Dach e.V."],
        "?year=2026&state=not-asked": ["Rua Aberta"],
        "?state=x": [],
    }
    for year in ("20x6", "020261"):
        assert client.get(at("fee_changelist", year=year)).status_code == 404


# --- the yearly run -------------------------------------------------------------------------------------------------


def test_the_run_shows_what_it_would_do_and_enters_what_was_changed(carla, client):
    one, other, third = make_member("Rua Aberta"), make_member("Dach e.V."), make_member("Left out")
    make_fee(one, 2025, "250")
    answer = client.get(at("fee_run"))
    assert cells(answer, "Last year") == ["–", "–", "€250.00"]
    assert [tag["value"] for tag in Page(answer).all("input", type="number")] == ["100.00", "100.00", "250.00"]
    assert not Fee.objects.filter(year=2026).exists()
    given = {f"amount-{one.pk}": "200", f"amount-{other.pk}": "0", f"amount-{third.pk}": ""}
    answer = client.post(at("fee_run", year=2026), given, follow=True)
    assert said(answer) == ["2 fees were entered."]
    assert sorted(Fee.objects.filter(year=2026).values_list("member__name", "amount")) == [
        ("Dach e.V.", Decimal(0)),
        ("Rua Aberta", Decimal(200)),
    ]


def test_a_wrong_amount_enters_nothing(carla, client):
    one, other = make_member("Rua Aberta"), make_member("Dach e.V.")
    answer = client.post(at("fee_run"), {f"amount-{one.pk}": "100", f"amount-{other.pk}": "-1"})
    assert "Nothing has been entered yet." in Page(answer).words
    assert not Fee.objects.exists()


# --- debit notes ----------------------------------------------------------------------------------------------------


def test_all_debit_notes_of_a_year_go_out_with_one_button(carla, client):
    for name in ("Rua Aberta", "Dach e.V."):
        make_fee(with_treasurer(make_member(name)))
    make_fee(make_member("Nobody there"))
    make_fee(make_member("Free"), amount="0")
    answer = client.get(at("fee_notes"))
    assert "3 debit notes of 2026 over €300.00" in Page(answer).words
    assert not Letter.objects.exists()
    answer = client.post(at("fee_notes"), follow=True)
    assert said(answer) == [
        "2 debit notes go out now.",
        "Nobody there has neither a treasurer nor a member contact.",
    ]
    assert Letter.objects.filter(kind="members.debit_note").count() == 4
    assert Fee.objects.filter(due_on=datetime.date(2026, 4, 1)).count() == 2


def test_without_an_account_the_desk_says_so_and_sends_nothing(carla, client, settings):
    settings.MEMBERS_IBAN = ""
    fee = make_fee(with_treasurer(make_member()))
    for page in (at("fee_changelist"), at("bankfile_changelist"), at("fee_member", fee.member.pk)):
        assert "No account is set up to which fees are paid" in Page(client.get(page)).words
    answer = client.post(at("fee_notes"), follow=True)
    assert [words.split(",")[0] for words in said(answer)] == ["No debit note can be sent"]
    assert not Letter.objects.exists()


# --- a member -------------------------------------------------------------------------------------------------------


def test_a_member_s_page_shows_payments_and_reminders(carla, client):
    fee = make_fee(with_treasurer(make_member()), noted=JANUARY)
    paid(fee, "40")
    fee.reminders.create(number=1, sent_on=datetime.date(2026, 2, 25))
    words = Page(client.get(at("fee_member", fee.member.pk))).words
    for told in [
        "partly paid",
        "€60.00 open",
        "€40.00",
        "Reminder 1 went out on 25 February 2026",
        "due on 11 February",
    ]:
        assert told in words
    answer = client.get(at("fee_change", fee.pk))
    assert answer["Location"] == f"{at('fee_member', fee.member.pk)}#fee-2026"


def test_a_fee_is_changed_asked_for_and_waived(carla, client):
    fee = make_fee(with_treasurer(make_member()))
    told = [said(client.post(at("fee_amount", fee.pk), {"amount": "80"}, follow=True))]
    told.append(said(client.post(at("fee_note", fee.pk), follow=True)))
    told.append(said(client.post(at("fee_amount", fee.pk), {"amount": "70"}, follow=True)))
    told.append(said(client.post(at("fee_waive", fee.pk), {"why": "A hard year."}, follow=True)))
    assert told == [
        ["The amount was changed."],
        ["The debit note goes out now."],
        ["The debit note has gone out with its amount, or the fee was waived."],
        ["The fee was waived."],
    ]
    fee.refresh_from_db()
    assert (fee.amount, fee.noted_on, fee.waived_why) == (Decimal(80), NOON.date(), "A hard year.")


def test_a_payment_is_entered(carla, client):
    fee = make_fee(make_member())
    given = {"amount": "40.50", "received_on": "2026-03-01", "payer": "Rua Aberta", "communication": "in cash"}
    assert said(client.post(at("fee_pay", fee.pk), given, follow=True)) == ["The payment was entered."]
    payment = Payment.objects.get()
    assert (payment.fee, payment.amount, payment.by) == (fee, Decimal("40.50"), carla)
    answer = client.post(at("fee_pay", fee.pk), given | {"received_on": "2026-03-03", "amount": "0"})
    assert [tag.words for tag in Page(answer).all("ul", class_="errorlist")] == [
        "Ensure this value is greater than or equal to 0.01.",
        "This day has not come yet.",
    ]
    assert Payment.objects.count() == 1


# --- payments -------------------------------------------------------------------------------------------------------


def waiting_payment(**fields) -> Payment:
    fields = {"amount": Decimal(100), "payer": "R. ABERTA", "communication": "fee"} | fields
    return Payment.objects.create(how="bank-file", received_on=datetime.date(2026, 2, 20), **fields)


def test_an_unmatched_payment_is_searched_for_and_matched(carla, client):
    member = make_member("Rua Aberta", acronym="RA")
    fee, other = make_fee(member), make_fee(make_member("Dach e.V."))
    make_fee(member, 2025, "80")
    payment = waiting_payment()
    searches = ["", "rua", "rua\0", "RA 2026", "2025", structured.written(other.communication), "nobody"]
    found = {}
    for words in searches:
        answer = client.get(at("payment_match", payment.pk), {"q": words})
        rows = zip([tag.words for tag in Page(answer).all("th", scope="row")], cells(answer, "Year"), strict=True)
        found[words] = list(rows)
    assert found == {
        "": [("Dach e.V.", "2026"), ("Rua Aberta", "2026")],  # open, and of this amount
        "rua": [("Rua Aberta", "2026"), ("Rua Aberta", "2025")],
        "rua\0": [("Rua Aberta", "2026"), ("Rua Aberta", "2025")],
        "RA 2026": [("Rua Aberta", "2026")],
        "2025": [("Rua Aberta", "2025")],
        structured.written(other.communication): [("Dach e.V.", "2026")],
        "nobody": [],
    }
    assert said(client.post(at("payment_match", payment.pk), {"fee": fee.pk}, follow=True)) == [
        "The payment was matched: Rua Aberta, 2026."
    ]
    assert with_paid(fee).open_amount == 0
    assert said(client.post(at("payment_match", payment.pk), {"fee": fee.pk}, follow=True)) == [
        "This payment does not wait any more."
    ]
    for wrong in ("", "x", "0", "99999"):
        assert client.post(at("payment_match", payment.pk), {"fee": wrong}).status_code == 404


def test_what_is_no_fee_is_set_aside_and_may_wait_again(carla, client):
    payment = waiting_payment()
    client.post(at("payment_aside", payment.pk), {"why": ""})
    assert list(payments.waiting()) == [payment]
    client.post(at("payment_aside", payment.pk), {"why": "A donation."})
    assert "no fee: A donation." in Page(client.get(at("payment_changelist"))).words
    client.post(at("payment_reopen", payment.pk))
    assert list(payments.waiting()) == [payment]


def test_a_transfer_for_two_years_is_divided(carla, client):
    member = make_member()
    before, fee = make_fee(member, 2025, "80"), make_fee(member, 2026, "100")
    stranger = make_fee(make_member("Dach e.V."))
    payment = paid(fee, "180")
    assert "paid too much €80.00" in Page(client.get(at("fee_member", member.pk))).words
    client.post(at("payment_divide", payment.pk), {"fee": stranger.pk, "amount": "80"})
    assert Payment.objects.count() == 1
    client.post(at("payment_divide", payment.pk), {"fee": before.pk, "amount": "80"})
    assert [with_paid(each).open_amount for each in (before, fee)] == [0, 0]


# --- bank files -----------------------------------------------------------------------------------------------------


def upload(client, content: bytes, name="march.xml"):
    return client.post(at("bankfile_changelist"), {"file": SimpleUploadedFile(name, content)}, follow=True)


def test_a_bank_file_is_looked_at_and_then_taken(carla, client):
    fee = make_fee(with_treasurer(make_member()), noted=JANUARY)
    content = document(entry(ref=fee.communication, bank_ref="A1"), entry("7.50", words="gift", bank_ref="A2"))
    answer = upload(client, content)
    shown = Page(answer)
    assert "Nothing has been entered yet." in shown.words
    assert cells(answer, "For") == ["Rua Aberta, 2026", "–"]
    assert not Payment.objects.exists()
    (address, _status) = answer.redirect_chain[-1]
    answer = client.post(address, follow=True)
    assert said(answer) == ["2 payments were entered."]
    assert cells(answer, "Communication") == ["gift"]  # it waits for somebody
    assert BankFile.objects.get().name == "march.xml"
    assert with_paid(fee).open_amount == 0
    answer = upload(client, content, "again.xml")
    assert "This very file was taken before, as “march.xml”" in Page(answer).words
    assert Payment.objects.count() == 2


def test_what_is_no_statement_of_our_account_is_refused_in_a_sentence(carla, client):
    for content in (b"nonsense", document(entry(), iban="BE71096123456769")):
        (fault,) = Page(upload(client, content)).all("ul", class_="errorlist")
        assert fault.words
    assert not Payment.objects.exists()


def test_a_large_file_is_read_from_the_disk(carla, client):
    content = document(entry(bank_ref="A1")).replace(b"</Document>", b" " * 3_000_000 + b"</Document>")
    (address, _status) = upload(client, content).redirect_chain[-1]
    assert said(client.post(address, follow=True)) == ["1 payment was entered."]


def test_the_address_of_a_report_cannot_be_made_up(carla, client):
    assert client.get(at("bank_report", "x")).status_code == 404


def test_a_file_that_nobody_took_for_a_day_is_asked_for_again(carla, client, settings):
    (address, _status) = upload(client, document(entry())).redirect_chain[-1]
    for kept in (settings.VAR_DIR / "members").iterdir():
        kept.unlink()
    assert said(client.get(address, follow=True)) == ["The file is not kept here any more. Please upload it again."]


# --- arrears --------------------------------------------------------------------------------------------------------


def test_arrears_of_four_years_on_a_page_and_as_a_list(carla, client):
    member, other = make_member("=Rua Aberta"), make_member("Dach e.V.", country="DE")
    make_contact(member)
    make_contact(other, "boris@example.org")
    for year in (2022, 2024, 2026):
        make_fee(member, year, "10", noted=JANUARY)
    paid(make_fee(other, 2025, noted=JANUARY), "99")
    answer = client.get(at("fee_arrears"))
    assert [cells(answer, str(year)) for year in (2023, 2024, 2025, 2026)] == [
        ["–", "–", "€0.00"],
        ["€10.00", "–", "€10.00"],
        ["–", "€1.00", "€1.00"],
        ["€10.00", "–", "€10.00"],
    ]
    lines = client.get(at("fee_arrears_csv")).content.decode("utf-8-sig").splitlines()
    trail = AuditEntry.objects.filter(action="arrears.export")
    assert trail.values_list("actor", "data").get() == (carla.pk, {"number": 2})
    assert lines == [
        '"Member","Country","2023","2024","2025","2026","Total"',
        '"\'=Rua Aberta","PT","","10.00","","10.00","20.00"',
        '"Dach e.V.","DE","","","1.00","","1.00"',
    ]
