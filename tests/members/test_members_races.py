"""Two at once: members' people, staff and workers get in each other's way, and everything is done once."""

import datetime
from collections import Counter
from decimal import Decimal
from functools import partial

import pytest

from members import applications, bank, fees, invitations, leaving, payments, people, profiles
from members.applying import expire_drafts, remind_drafts, remind_referees
from members.confirming import remind_to_confirm
from members.former_people import expire_contacts
from members.models import (
    Application,
    BankFile,
    Category,
    Contact,
    Fee,
    Member,
    Membership,
    Payment,
    ProfileChange,
    Reminder,
)
from members.reminding import remind_of_fees
from picum.accounts import limits, signing_in
from picum.accounts.models import AuditEntry, Rate, SignInLink, User
from picum.addresses import address_key
from picum.chaos.relay import Relay
from picum.letters import post
from picum.letters.models import Letter
from tests.conftest import point_at
from tests.members.factories import make_application, make_contact, make_member, make_user
from tests.members.purse import JANUARY, Role, make_fee, with_treasurer
from tests.members.statements import entry, file
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.datetime(2026, 5, 4, 10, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True)


def affiliated() -> Category:
    return Category.objects.get(key="affiliated")


def kinds(told: list[object]) -> Counter:
    """How many of those who did it at once came to what: an error by its kind, anything else as "done"."""
    return Counter(type(one).__name__ if isinstance(one, Exception) else "done" for one in told)


def letters() -> Counter:
    return Counter(Letter.objects.values_list("kind", "address"))


# --- the desk -------------------------------------------------------------------------------------------------------


def test_of_two_who_admit_an_applicant_one_does_and_the_other_is_told(carla):
    for number in range(3):
        one = make_application(f"Casa {number}", state="recommended", answers=_own_people(number))
        rows = [Application.objects.get(pk=one.pk) for _ in range(2)]
        admit = {"by": carla, "on": NOW.date(), "now": NOW, "category": affiliated()}
        assert kinds(at_once(*[partial(applications.admit, row, **admit) for row in rows])) == {
            "done": 1,
            "IllegalMove": 1,
        }
    assert (Member.objects.count(), Membership.objects.count(), Contact.objects.count()) == (3, 3, 6)
    assert set(letters().values()) == {1}


def _own_people(number: int) -> dict[str, str]:
    return {f"{who}_email": f"{who}{number}@example.org" for who in ("contact", "treasurer")}


def test_an_applicant_is_admitted_or_withdraws_and_never_both(carla):
    for number in range(3):
        one = make_application(f"Casa {number}", state="recommended", answers=_own_people(number))
        other = Application.objects.get(pk=one.pk)
        admit = {"by": carla, "on": NOW.date(), "now": NOW, "category": affiliated()}
        told = at_once(partial(applications.admit, one, **admit), partial(applications.withdraw, other, now=NOW))
        assert kinds(told) == {"done": 1, "IllegalMove": 1}
        row = Application.objects.get(pk=one.pk)
        assert (row.state == "admitted") == (row.member is not None)
    assert Member.objects.count() == Application.objects.filter(state="admitted").count()


def test_of_two_who_approve_a_change_one_does_and_the_letter_goes_once(carla):
    member = make_member()
    amal = make_contact(member)
    profiles.change(member, {"name": "Rua Nova"}, by=amal.user, now=NOW)
    rows = [ProfileChange.objects.get() for _ in range(2)]
    told = at_once(*[partial(profiles.approve, row, by=carla, now=NOW) for row in rows])
    assert kinds(told) == {"done": 1, "NotPossible": 1}
    assert Member.objects.get().name == "Rua Nova"
    assert letters() == {("members.profile_decided", "amal@example.org"): 1}


def test_a_change_is_approved_or_declined_or_replaced_and_never_two_of_them(carla):
    member = make_member()
    amal = make_contact(member)
    for number in range(3):
        profiles.change(member, {"name": f"Rua {number}"}, by=amal.user, now=NOW)
        row = ProfileChange.objects.get(state="waiting")
        other = ProfileChange.objects.get(pk=row.pk)
        told = at_once(
            partial(profiles.approve, row, by=carla, now=NOW),
            partial(profiles.decline, other, by=carla, now=NOW, word="No."),
            partial(profiles.change, member, {"city": f"Porto {number}"}, by=amal.user, now=NOW),
        )
        assert kinds(told) == {"done": 2, "NotPossible": 1}
        row.refresh_from_db()
        member.refresh_from_db()
        assert (row.state == "approved", member.city) == (member.name == f"Rua {number}", f"Porto {number}")


def test_notice_is_given_once_and_taken_back_once(carla):
    amal = make_contact(make_member())
    row = Membership.objects.get()
    told = at_once(*[partial(leaving.give_notice, Membership.objects.get(), by=amal.user, now=NOW)] * 2)
    assert kinds(told) == {"done": 1, "NotPossible": 1}
    told = at_once(*[lambda: leaving.take_back(Membership.objects.get(pk=row.pk), by=carla, now=NOW)] * 2)
    assert kinds(told) == {"done": 1, "NotPossible": 1}
    assert Membership.objects.standing().count() == 1


# --- money ----------------------------------------------------------------------------------------------------------


def test_two_yearly_runs_enter_everybody_once_and_each_says_what_it_did(carla):
    for number in range(20):
        make_member(f"Casa {number}")
    told = at_once(*[partial(fees.run, 2026, by=carla, now=NOW)] * 2)
    first = (20, sum(fee.amount for fee in Fee.objects.all()))
    assert sorted(told) == [(0, Decimal(0)), first]
    assert AuditEntry.objects.filter(action="fees.run").count() == 1


def test_of_two_who_take_a_bank_file_one_does_and_the_other_is_told(carla):
    fee = make_fee(make_member())
    statement = [entry("60.00", ref=fee.communication, bank_ref="A1"), entry("5.00", bank_ref="A2")]
    told = at_once(*[lambda: bank.take(file(*statement), name="january.xml", by=carla, now=NOW)] * 3)
    assert kinds(told) == {"done": 1, "AlreadyTaken": 2}
    assert (BankFile.objects.count(), Payment.objects.count()) == (1, 2)


def test_an_entry_that_stands_in_two_files_taken_at_once_is_one_payment(carla):
    make_fee(make_member())
    told = at_once(
        *[partial(_take, entry("60.00", bank_ref="A1"), number=str(number), by=carla) for number in range(2)],
    )
    assert kinds(told)["done"] >= 1
    assert Payment.objects.get().reference


def _take(*entries: str, number: str, by: User) -> object:
    return bank.take(file(*entries, number=number), name="x.xml", by=by, now=NOW)


def test_of_two_who_send_a_debit_note_one_does(carla):
    fee = make_fee(with_treasurer(make_member()))
    told = at_once(*[lambda: fees.note(Fee.objects.get(pk=fee.pk), by=carla, now=NOW)] * 2)
    assert kinds(told) == {"done": 1, "NotPossible": 1}
    assert letters() == {
        ("members.debit_note", "amal@example.org"): 1,
        ("members.debit_note", "tomas@example.org"): 1,
    }


def test_a_waiting_payment_is_matched_once_and_divided_into_no_more_than_it_was(carla):
    lisbon, porto = make_fee(make_member()), make_fee(make_member("Porta"))
    bank.take(file(entry("60.00", bank_ref="A1")), name="x.xml", by=carla, now=NOW)
    told = at_once(*[partial(payments.match, Payment.objects.get(), fee, by=carla) for fee in (lisbon, porto)])
    assert kinds(told) == {"done": 1, "NotPossible": 1}
    row = Payment.objects.get()
    other = porto if row.fee_id == lisbon.pk else lisbon
    told = at_once(*[lambda: payments.divide(Payment.objects.get(pk=row.pk), other, amount=Decimal(40), by=carla)] * 2)
    assert kinds(told) == {"done": 1, "NotPossible": 1}
    assert sorted(Payment.objects.values_list("amount", flat=True)) == [20, 40]


# --- the beat -------------------------------------------------------------------------------------------------------


def test_two_beats_remind_of_a_fee_once():
    fee = make_fee(with_treasurer(make_member()), noted=JANUARY)
    Letter.objects.all().delete()
    later = JANUARY + 45 * DAY
    assert sorted(at_once(*[partial(remind_of_fees, now=later)] * 3)) == [0, 0, 1]
    assert Reminder.objects.get().fee == fee
    assert set(letters().values()) == {1}


def test_two_beats_ask_once_for_a_confirmation_and_once_for_a_referee():
    make_contact(make_member())
    one = make_application()
    one.referees.create(name="Rosa", email="rosa@example.org", asked_at=NOW - 11 * DAY)
    make_application("Draft", state="draft", created_at=NOW - 60 * DAY, changed_at=NOW - 55 * DAY)
    for deed in (remind_to_confirm, remind_referees, remind_drafts):
        assert sorted(at_once(*[partial(deed, now=NOW)] * 3)) == [0, 0, 1], deed
    assert set(letters().values()) == {1}


def test_two_beats_let_go_of_the_same_rows_without_a_fault():
    for number in range(10):
        make_application(f"Draft {number}", state="draft", created_at=NOW - 90 * DAY, changed_at=NOW - 90 * DAY)
        gone = make_contact(make_member(f"Casa {number}"), f"gone{number}@example.org")
        Contact.objects.filter(pk=gone.pk).update(left_on=(NOW - 500 * DAY).date())
    User.objects.update(joined_at=NOW - 900 * DAY)
    told = at_once(*[partial(expire_drafts, now=NOW)] * 3, *[partial(expire_contacts, now=NOW)] * 3)
    assert kinds(told) == {"done": 6}, told
    assert sum(told[:3]) == 10
    assert not Application.objects.exists()
    assert not Contact.objects.exists()
    assert not User.objects.exists()


# --- coming in ------------------------------------------------------------------------------------------------------


def test_an_invitation_that_is_accepted_twice_at_once_makes_one_account():
    contact = make_contact(make_member(), user=False, invited_at=NOW)
    told = at_once(*[lambda: invitations.accept(Contact.objects.get(), language="pt", now=NOW)] * 3)
    assert kinds(told) == {"done": 1, "NotPossible": 2}
    contact.refresh_from_db()
    assert contact.user == User.objects.get()


def test_one_person_accepts_two_invitations_at_once_with_one_account():
    for name in ("Rua Aberta", "Porta"):
        make_contact(make_member(name), user=False, invited_at=NOW)
    told = at_once(*[partial(invitations.accept, row, language="pt", now=NOW) for row in Contact.objects.all()])
    assert kinds(told) == {"done": 2}
    assert set(Contact.objects.values_list("user", flat=True)) == {User.objects.get().pk}


def test_a_link_that_is_opened_twice_at_once_signs_in_once():
    amal = make_user()
    link = SignInLink.objects.create(user=amal, handle="12345678123456781234567812345678", asked_at=NOW)
    assert sorted(at_once(*[partial(signing_in.use_link, link)] * 3)) == [False, False, True]


def test_who_signs_in_twice_at_once_from_a_new_network_gets_in_the_next_time_too():
    amal = make_user()
    come = {"network": "192.0.2.0/24", "now": NOW}
    at_once(*[partial(limits.guessed_right, [], address_key(amal.email), **come)] * 4)
    assert Rate.objects.filter(scope="familiar").count() == 1
    assert signing_in.by_password(amal.email, "correct horse battery", **come) == amal


def test_the_last_two_contacts_do_not_remove_each_other():
    member = make_member()
    amal, tomas = make_contact(member), make_contact(member, "tomas@example.org", Role.CONTACT)
    told = at_once(
        partial(people.remove, Contact.objects.get(pk=amal.pk), by=tomas.user, now=NOW),
        partial(people.remove, Contact.objects.get(pk=tomas.pk), by=amal.user, now=NOW),
    )
    assert kinds(told) == {"done": 1, "NotPossible": 1}
    assert Contact.objects.active().count() == 1


# --- letters --------------------------------------------------------------------------------------------------------


def test_three_workers_send_each_letter_once(settings):
    contact = make_contact(make_member())
    for number in range(40):
        post.put("members.confirm_profile", to=f"p{number}@example.org", language="pt", now=NOW, contact=contact.pk)
    settings.EMAIL_BACKEND = "picum.smtp.EmailBackend"  # pytest-django puts a box in its place
    with Relay(delay=0.005) as relay:
        point_at(settings, relay)
        told = at_once(*[partial(post.dispatch, now=NOW)] * 3)
    ends = sum(told, Counter())
    assert set(ends) == {("sent", "")}, ends
    assert Counter(relay.recipients()) == dict.fromkeys((f"p{number}@example.org" for number in range(40)), 1)
