"""One fee: another amount, waived, asked for; how it is with it."""

import datetime
from decimal import Decimal

import pytest

from members import fees
from members.fees import NotPossible, Standing
from members.models import Fee
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.members.factories import make_contact, make_member, make_user
from tests.members.purse import JANUARY, Role, make_fee, paid, with_paid, with_treasurer

pytestmark = pytest.mark.django_db
DAY = datetime.date
ON = DAY(2026, 1, 20)


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True)


def trail() -> list[tuple[str, dict]]:
    return list(AuditEntry.objects.filter(action__startswith="fee.").order_by("pk").values_list("action", "data"))


def letters() -> list[tuple[str, str, bool]]:
    found = Letter.objects.order_by("pk")
    return [(letter.address, letter.language, letter.about["in_copy"]) for letter in found]


def test_the_amount_can_be_changed_until_the_debit_note_goes_out(carla):
    fee = make_fee(with_treasurer(make_member()))
    fees.set_amount(fee, Decimal("50.50"), by=carla)
    fees.set_amount(fee, Decimal(60), by=carla)
    fees.note(fee, by=carla, now=JANUARY)
    with pytest.raises(NotPossible):
        fees.set_amount(fee, Decimal(70), by=carla)
    assert Fee.objects.get().amount == Decimal(60)
    assert trail() == [
        ("fee.amount", {"year": 2026, "before": "100.00", "after": "50.50"}),
        ("fee.amount", {"year": 2026, "before": "50.50", "after": "60"}),
        ("fee.note", {"year": 2026, "amount": "60"}),
    ]


@pytest.mark.parametrize("amount", ["-0.01", "1000000"])
def test_what_is_no_amount_is_refused(carla, amount):
    fee = make_fee(make_member())
    with pytest.raises(NotPossible):
        fees.set_amount(fee, Decimal(amount), by=carla)
    assert Fee.objects.get().amount == Decimal(100)


def test_the_debit_note_goes_to_the_treasurer_with_the_contact_in_copy(carla):
    member = with_treasurer(make_member())
    make_contact(member, "nora@example.org", Role.NEWSLETTER)
    make_contact(member, "left@example.org", Role.TREASURER, left_on=DAY(2025, 1, 1))
    fee = make_fee(member)
    fees.note(fee, by=carla, now=JANUARY)
    fee.refresh_from_db()
    assert (fee.noted_on, fee.due_on) == (DAY(2026, 1, 12), DAY(2026, 2, 11))
    assert letters() == [("tomas@example.org", "de", False), ("amal@example.org", "pt", True)]


def test_without_a_treasurer_it_goes_to_the_contact_and_to_one_who_is_both_once(carla):
    member, other = make_member("Rua Aberta"), make_member("Dach e.V.")
    make_contact(member, "amal@example.org", Role.CONTACT)
    make_contact(other, "boris@example.org", Role.CONTACT, Role.TREASURER)
    for one in (member, other):
        fees.note(make_fee(one), by=carla, now=JANUARY)
    assert letters() == [("amal@example.org", "pt", False), ("boris@example.org", "pt", False)]


def test_it_goes_once(carla):
    fee = make_fee(with_treasurer(make_member()))
    fees.note(fee, by=carla, now=JANUARY)
    with pytest.raises(NotPossible):
        fees.note(fee, by=carla, now=JANUARY + datetime.timedelta(days=3))
    assert len(letters()) == 2
    assert Fee.objects.get().noted_on == DAY(2026, 1, 12)


def test_nothing_is_asked_for_a_fee_of_nothing_or_one_that_is_waived_or_paid(carla):
    free = make_fee(with_treasurer(make_member("Rua Aberta")), amount="0")
    waived = make_fee(with_treasurer(make_member("Dach e.V.")))
    fees.waive(waived, why="A hard year.", by=carla, now=JANUARY)
    early = make_fee(with_treasurer(make_member("Casa do Mar")))
    paid(early)
    for fee in (free, waived, early):
        with pytest.raises(NotPossible):
            fees.note(fee, by=carla, now=JANUARY)
    assert letters() == []


def test_without_anybody_to_write_to_the_note_waits(carla):
    fee = make_fee(make_member())
    with pytest.raises(NotPossible, match="Rua Aberta has neither a treasurer nor a member contact"):
        fees.note(fee, by=carla, now=JANUARY)
    assert Fee.objects.get().noted_on is None


def test_without_an_account_no_debit_note_goes_out(carla, settings):
    settings.MEMBERS_IBAN = ""
    fee = make_fee(with_treasurer(make_member()))
    with pytest.raises(NotPossible, match="no account"):
        fees.note(fee, by=carla, now=JANUARY)
    assert (Fee.objects.get().noted_on, letters()) == (None, [])


def test_a_fee_is_waived_once_and_with_a_reason(carla):
    fee = make_fee(make_member())
    with pytest.raises(NotPossible):
        fees.waive(fee, why=" ", by=carla, now=JANUARY)
    fees.waive(fee, why="A hard year.", by=carla, now=JANUARY)
    with pytest.raises(NotPossible):
        fees.waive(fee, why="Again.", by=carla, now=JANUARY)
    fee.refresh_from_db()
    assert (fee.waived_on, fee.waived_why) == (DAY(2026, 1, 12), "A hard year.")
    assert trail() == [("fee.waive", {"year": 2026})]


def test_how_it_is_with_a_fee(carla):
    fee = make_fee(with_treasurer(make_member()))
    seen = [fees.standing(with_paid(fee), on=ON)]
    fees.note(fee, by=carla, now=JANUARY)
    seen += [fees.standing(with_paid(fee), on=fee.due_on), fees.standing(with_paid(fee), on=DAY(2026, 2, 12))]
    paid(fee, "40")
    seen.append(fees.standing(with_paid(fee), on=ON))
    paid(fee, "60")
    seen.append(fees.standing(with_paid(fee), on=ON))
    paid(fee, "0.01")
    seen.append(fees.standing(with_paid(fee), on=ON))
    assert seen == [Standing.NOT_ASKED, Standing.OPEN, Standing.LATE, Standing.PART, Standing.PAID, Standing.OVER]
    assert fees.surplus(with_paid(fee)) == Decimal("0.01")


def test_the_rest_is_waived_of_what_was_paid_in_part(carla):
    fee = make_fee(make_member())
    paid(fee, "40")
    fees.waive(fee, why="A hard year.", by=carla, now=JANUARY)
    assert (fees.standing(with_paid(fee), on=ON), fees.surplus(with_paid(fee))) == (Standing.WAIVED, 0)
    paid(fee, "60")  # they pay all the same
    assert fees.standing(with_paid(fee), on=ON) == Standing.PAID


def test_nothing_is_waived_where_nothing_is_open(carla):
    free, whole = make_fee(make_member(), amount="0"), make_fee(make_member("Dach e.V."))
    paid(whole)
    for fee in (free, whole):
        with pytest.raises(NotPossible, match="Nothing of this fee is open"):
            fees.waive(fee, why="A hard year.", by=carla, now=JANUARY)
    assert [fees.standing(with_paid(fee), on=ON) for fee in (free, whole)] == [Standing.NOTHING, Standing.PAID]


@pytest.mark.parametrize("parts", [["0.10", "0.70"], ["33.33", "33.33", "33.34"], ["0.01"] * 7])
def test_cents_add_up(parts):
    fee = make_fee(make_member(), amount=str(sum(map(Decimal, parts))))
    for part in parts:
        paid(fee, part)
    assert with_paid(fee).open_amount == 0
    assert not Fee.objects.owed().exists()


def test_the_number_of_the_note_is_in_its_communication():
    fee = make_fee(make_member())
    assert fees.number_of(fee) == f"2026-{fee.member_id:06}"
    assert fee.communication.startswith(fees.number_of(fee).replace("-", ""))
