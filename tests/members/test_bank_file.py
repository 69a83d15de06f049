"""A bank's statement: looked at first, then taken; matched by the communication, and nothing twice."""

import datetime
from decimal import Decimal
from io import BytesIO

import pytest

from members import bank, camt, fees, structured
from members.bank import AlreadyTaken, Fate
from members.models import BankFile, Fee, Payment
from picum.accounts.models import AuditEntry
from tests.members.factories import make_member, make_user
from tests.members.purse import JANUARY, make_fee, paid, with_paid
from tests.members.statements import OURS, entry, file, transfer

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 1, 20)


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True)


@pytest.fixture
def fee():
    return make_fee(make_member())


def fates(statement: BytesIO) -> list[tuple[str, Fee | None]]:
    return [(line.fate, line.fee) for line in bank.check(statement).lines]


def take(statement: BytesIO, by) -> bank.Report:
    return bank.take(statement, name="january.xml", by=by, now=JANUARY)[1]


def read(*entries: str, **fields) -> list[camt.Entry]:
    return camt.read(file(*entries, **fields), iban=OURS).entries


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["02", "04", "08"])
def test_each_version_of_the_format_tells_the_same(version):
    digits = structured.make(2026000001)
    (found,) = read(
        entry("100.50", words=f"Fee 2026|{structured.written(digits)}", bank_ref="A1", version=version), version=version
    )
    assert found == camt.Entry(
        amount=Decimal("100.50"),
        currency="EUR",
        booked_on=DAY,
        payer="R. ABERTA",
        words=f"Fee 2026 {structured.written(digits)}",
        communications=(digits,),
        reference="20260120/A1",
    )


def test_the_structured_field_goes_before_what_the_payer_wrote():
    one, other = structured.make(2026000001), structured.make(2026000002)
    assert [
        each.communications
        for each in read(
            entry(ref=one, words=structured.written(other)),
            entry(words=structured.written(other), more=f"<AddtlNtryInf>{one}</AddtlNtryInf>"),
            entry(more=f"<AddtlNtryInf>REF. {one}</AddtlNtryInf>"),
            entry(end_to_end=one),
            entry(words=f"{one} {other}"),
        )
    ] == [(one,), (other,), (one,), (one,), (one, other)]


def test_a_communication_that_the_bank_broke_in_two_is_put_together():
    digits = structured.make(2026000001)
    assert read(entry(words=f"membership +++{digits[:3]}/{digits[3:7]}/|{digits[7:]}+++"))[0].communications == (
        digits,
    )


def test_only_what_came_in_and_is_booked_counts():
    statement = camt.read(
        file(
            entry("1", direction="DBIT"),
            entry("2", status="PDNG"),
            entry("3", reversal="true"),  # our own payment that came back
            entry("4", direction="DBIT", reversal="true"),  # somebody's payment that went back
            entry("5", reversal="false"),
            entry("0"),
        ),
        iban=OURS,
    )
    assert [each.amount for each in statement.entries] == [Decimal(5)]
    assert [each.amount for each in statement.returned] == [Decimal(4)]


@pytest.mark.parametrize("version", ["02", "08"])
def test_of_one_entry_for_several_transfers_each_is_told(version):
    parts = transfer("60.00", words="one", version=version) + transfer("40.00", words="two", version=version)
    found = read(entry("100.00", details=parts, bank_ref="B1", version=version), version=version)
    assert [(each.amount, each.words, each.reference) for each in found] == [
        (Decimal(60), "one", "20260120/B1"),
        (Decimal(40), "two", "20260120/B1#2"),
    ]


@pytest.mark.parametrize(
    "parts", [transfer("60.00") + transfer("50.00"), transfer(words="one") + transfer(words="two")]
)
def test_an_entry_whose_parts_do_not_add_up_stays_one(parts):
    assert [each.amount for each in read(entry("100.00", details=parts))] == [Decimal(100)]


def test_where_the_bank_gives_no_reference_one_is_made_that_is_the_same_every_time():
    twins = [entry(words="fee"), entry(words="fee"), entry(words="fee", day="2026-01-21"), entry(words="other")]
    references = [each.reference for each in read(*twins)]
    assert len(set(references)) == 4
    assert references == [each.reference for each in read(*twins, number="2")]
    assert references[1] == f"{references[0]}#2"


# --- what becomes of it -----------------------------------------------------------------------------------------------


def test_an_entry_finds_its_fee_and_it_is_said_how_far_it_goes():
    paying = [make_fee(make_member(f"Member {number}")) for number in range(4)]
    paid(paying[3])
    amounts = ["100.00", "30.00", "100.01", "5.00"]
    lines = [entry(amount, ref=fee.communication) for amount, fee in zip(amounts, paying, strict=True)]
    expected = zip([Fate.FULL, Fate.PART, Fate.OVER, Fate.OVER], paying, strict=True)
    assert fates(file(*lines)) == list(expected)


def test_two_payments_for_one_fee_in_one_file_are_told_apart(fee):
    lines = [entry(amount, ref=fee.communication) for amount in ("60.00", "40.00", "10.00")]
    assert [fate for fate, _fee in fates(file(*lines))] == [Fate.PART, Fate.FULL, Fate.OVER]


def test_what_names_no_fee_of_ours_or_two_waits(fee):
    other = make_fee(fee.member, 2025)
    lines = [
        entry(words="membership fee"),
        entry(ref=structured.make(2019000077)),
        entry(words=f"{fee.communication} {other.communication}"),
    ]
    assert fates(file(*lines)) == [(Fate.WAITING, None)] * 3


def test_other_currencies_and_sums_too_large_are_shown_and_not_taken(fee, carla):
    lines = [
        entry("100.00", currency="GBP", ref=fee.communication),
        entry("10000000.00", ref=fee.communication),
        entry("1.001", ref=fee.communication),
    ]
    assert fates(file(*lines)) == [(Fate.ELSE, None)] * 3
    take(file(*lines), carla)
    assert not Payment.objects.exists()


def test_looking_changes_nothing(fee):
    report = bank.check(file(entry(ref=fee.communication), entry("7.50")))
    assert report.counts == [(Fate.FULL, 1, Decimal(100)), (Fate.WAITING, 1, Decimal("7.50"))]
    assert report.new == 2
    assert not Payment.objects.exists()
    assert not BankFile.objects.exists()


def test_taking_enters_what_was_shown(fee, carla):
    report = take(file(entry(ref=fee.communication, bank_ref="A1"), entry("7.50", words="gift", bank_ref="A2")), carla)
    assert report.new == 2
    rows = Payment.objects.order_by("pk").values_list("fee", "amount", "how", "payer", "communication", "reference")
    assert list(rows) == [
        (fee.pk, Decimal(100), "bank-file", "R. ABERTA", fee.communication, "20260120/A1"),
        (None, Decimal("7.50"), "bank-file", "R. ABERTA", "gift", "20260120/A2"),
    ]
    assert fees.standing(with_paid(fee), on=DAY) == fees.Standing.PAID
    entered = AuditEntry.objects.get(action="bank_file.take")
    assert (entered.actor, entered.action, entered.data) == (carla, "bank_file.take", {"full": 1, "waiting": 1})


def test_the_same_file_is_taken_once(fee, carla):
    statement = file(entry(ref=fee.communication))
    take(statement, carla)
    report = bank.check(statement)
    assert (report.before, report.new) == (BankFile.objects.get(), 0)
    with pytest.raises(AlreadyTaken):
        take(statement, carla)
    assert Payment.objects.count() == 1


def test_of_files_that_overlap_each_entry_is_taken_once(fee, carla):
    twins = [entry("10.00"), entry("10.00")]
    take(file(entry("40.00", ref=fee.communication), *twins), carla)
    report = take(file(entry("40.00", ref=fee.communication), *twins, entry("9.00"), number="2"), carla)
    assert [line.fate for line in report.lines] == [Fate.SEEN, Fate.SEEN, Fate.SEEN, Fate.WAITING]
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [9, 10, 10, 40]


def test_who_takes_the_same_file_in_the_same_moment_is_told(fee, carla, monkeypatch):
    statement = file(entry(ref=fee.communication))
    seen = bank.check(statement)
    take(statement, carla)
    monkeypatch.setattr(bank, "check", lambda _file: seen)  # what the slower one had read before
    with pytest.raises(AlreadyTaken):
        take(statement, carla)
    assert Payment.objects.count() == 1


def test_one_entry_of_two_files_in_the_same_moment_is_no_harm(fee, carla, monkeypatch):
    one, other = file(entry(ref=fee.communication)), file(entry(ref=fee.communication), number="2")
    seen = bank.check(other)
    take(one, carla)
    monkeypatch.setattr(bank, "check", lambda _file: seen)
    with pytest.raises(camt.Unreadable, match="try again"):
        take(other, carla)
    assert (Payment.objects.count(), BankFile.objects.count()) == (1, 1)


def test_a_statement_of_another_account_is_refused():
    with pytest.raises(camt.Unreadable, match="another account"):
        bank.check(file(entry(), iban="BE71096123456769"))


def test_without_an_account_of_ours_no_statement_is_read(settings):
    settings.MEMBERS_IBAN = ""
    with pytest.raises(camt.Unreadable, match="No account"):
        bank.check(file(entry()))


@pytest.mark.parametrize("number", [1, 3])
def test_a_file_is_looked_at_in_three_queries(number, django_assert_num_queries):
    lines = [entry(ref=make_fee(make_member(f"Member {each}")).communication) for each in range(number)]
    with django_assert_num_queries(3):
        report = bank.check(file(*lines))
        assert [str(line.fee.member) for line in report.lines] == [f"Member {each}" for each in range(number)]
