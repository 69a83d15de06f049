"""The stop list at the desk: found by whoever has the address, and lifted only where the law lets us."""

import datetime

import pytest

from newsletter import suppressing
from newsletter.models import Suppression
from picum.accounts.models import AuditEntry
from picum.addresses import address_key
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said, staff
from tests.newsletter.factories import make_subscriber

pytestmark = pytest.mark.django_db
NOON = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)
Reason = Suppression.Reason
WHY = "Their provider says that the mailbox is back."


@pytest.fixture
def desk():
    return at_the_desk(carla())


def stop(address="gone@example.org", reason=Reason.BOUNCED) -> Suppression:
    return Suppression.objects.create(address_key=address_key(address), reason=reason, created_at=NOON)


def listed(desk, query="") -> list[str]:
    html = Page(desk.get(page("suppression_changelist") + query))
    return [cell.words for cell in html.all("td", class_="field-reason")]


# --- finding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["gone@example.org", " Gone@EXAMPLE.org ", "key"])
def test_an_entry_is_found_by_the_whole_address_or_by_its_fingerprint(desk, typed):
    found = stop()
    stop("other@example.org", Reason.STAFF)
    typed = str(found.address_key) if typed == "key" else typed
    assert listed(desk, f"?q={typed}") == ["does not exist"]


def test_an_address_with_letters_of_ours_in_its_domain_is_found_in_both_its_forms(desk):
    stop("info@müller.example")
    assert listed(desk, "?q=info@müller.example") == listed(desk, "?q=info@xn--mller-kva.example") == ["does not exist"]


@pytest.mark.parametrize("typed", ["gone", "gone@", "a@localhost"])
def test_half_an_address_finds_nothing_and_says_why(desk, typed):
    stop()
    html = Page(desk.get(page("suppression_changelist") + f"?q={typed}"))
    assert html.all("td", class_="field-reason") == []
    assert html.one("p", class_="desk-note").words


def test_the_list_is_narrowed_by_reason(desk):
    for number, reason in enumerate(Reason.values):
        stop(f"reader{number}@example.org", reason)
    assert {value: listed(desk, f"?reason__exact={value}") for value in [*Reason.values, "x"]} == {
        **{value: [label] for value, label in Reason.choices},
        "x": [label for _value, label in reversed(Reason.choices)],
    }


def test_who_may_see_readers_sees_whose_entry_it_is(desk):
    reader = make_subscriber("gone@example.org")
    found, dana = stop(), at_the_desk(staff("view_suppression"))
    for address in [page("suppression_changelist"), page("suppression_change", found.pk)]:
        assert page("subscriber_change", reader.pk) in Page(desk.get(address)).links()
        answer = dana.get(address)
        assert answer.status_code == 200
        assert b"gone@example.org" not in answer.content


def test_an_entry_that_is_no_reader_s_says_so_in_no_language(desk):
    assert "Reader: –" in Page(desk.get(page("suppression_change", stop("gone@example.org").pk))).words


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_takes_the_same_queries_for_one_entry_and_three(desk, rows, django_assert_num_queries):
    for number in range(rows):
        make_subscriber(f"reader{number}@example.org")
        stop(f"reader{number}@example.org")
    with django_assert_num_queries(4):  # session, person, entries, readers
        desk.get(page("suppression_changelist"))


# --- lifting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", [Reason.BOUNCED, Reason.STAFF])
def test_lifting_needs_a_note_and_leaves_it_in_the_trail(desk, reason):
    found = stop(reason=reason)
    address = page("suppression_lift", found.pk)
    assert address in Page(desk.get(page("suppression_change", found.pk))).links()
    for note in ["", "   too \n few  ", "They wrote from gone@example.org again."]:
        assert desk.post(address, {"note": note}).context["form"].errors["note"]
    assert Suppression.objects.count() == 1
    answer = desk.post(address, {"note": WHY}, follow=True)
    assert said(answer) == ["The entry was lifted: mail may go to the address again."]
    assert Suppression.objects.count() == 0
    line = AuditEntry.objects.get()
    told = {"reason": reason.value, "key": found.address_key.hex, "note": WHY}
    assert (line.action, line.actor_label, line.data) == ("suppression.lift", "Carla", told)


@pytest.mark.parametrize("reason", [Reason.UNSUBSCRIBED, Reason.COMPLAINED, Reason.ERASED])
def test_who_left_complained_or_was_erased_comes_back_by_their_own_confirmation_alone(desk, reason):
    found = stop(reason=reason)
    address = page("suppression_lift", found.pk)
    shown = Page(desk.get(page("suppression_change", found.pk)))
    assert address not in shown.links()
    for html in [shown, Page(desk.get(address))]:
        assert "the law leaves it to them alone to give it again" in html.words
    assert Page(desk.get(address)).all("textarea") == []
    answer = desk.post(address, {"note": WHY}, follow=True)
    assert said(answer) == ["Only the person themselves can take this back, by signing up and confirming it."]
    assert (Suppression.objects.count(), AuditEntry.objects.count()) == (1, 0)


def test_an_entry_that_became_graver_meanwhile_is_not_lifted(desk):
    found = stop()
    Suppression.objects.filter(pk=found.pk).update(reason=Reason.COMPLAINED)
    with pytest.raises(suppressing.NotLifted, match="changed meanwhile"):
        suppressing.lift(found, by=None, note=WHY)
    assert (Suppression.objects.count(), AuditEntry.objects.count()) == (1, 0)


# --- adding -----------------------------------------------------------------------------------------------------------


def test_staff_stop_an_address_with_a_note(desk):
    note = "A trap for senders of spam."
    answer = desk.post(page("suppression_add"), {"address": " Trap@Example.org", "note": note}, follow=True)
    assert said(answer) == ["No mail goes to this address any more."]
    assert list(Suppression.objects.values_list("address_key", "reason")) == [
        (address_key("trap@example.org"), "staff")
    ]
    line = AuditEntry.objects.get()
    assert (line.action, line.data) == ("suppression.add", {"key": address_key("trap@example.org").hex, "note": note})


@pytest.mark.parametrize("field", ["address", "note"])
def test_nothing_is_stopped_without_a_whole_address_and_a_note(desk, field):
    typed = {"address": "trap@example.org", "note": "A trap for senders of spam."} | {field: "x"}
    assert list(desk.post(page("suppression_add"), typed).context["form"].errors) == [field]
    assert Suppression.objects.count() == 0


def test_what_is_on_the_list_already_stays_as_it_is(desk):
    stop(reason=Reason.UNSUBSCRIBED)
    answer = desk.post(page("suppression_add"), {"address": "gone@example.org", "note": WHY}, follow=True)
    assert said(answer) == ["The address is on the stop list already; its entry stays as it is."]
    assert list(Suppression.objects.values_list("reason", "created_at")) == [("unsubscribed", NOON)]
    assert AuditEntry.objects.count() == 0


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rights", "codes"),
    [
        ([], [403, 403, 403, 403]),
        (["view_subscriber"], [403, 403, 403, 403]),
        (["view_suppression"], [200, 403, 403, 403]),
        (["view_suppression", "add_suppression"], [200, 403, 200, 403]),
        (["view_suppression", "delete_suppression"], [200, 200, 403, 403]),
    ],
)
def test_looking_adding_and_lifting_are_three_rights(rights, codes):
    found, desk = stop(), at_the_desk(staff(*rights))
    pages = [page("suppression_changelist"), page("suppression_lift", found.pk), page("suppression_add")]
    assert [desk.get(address).status_code for address in pages] == codes[:3]
    posted = [desk.post(address, {"note": WHY, "address": "x@example.org"}).status_code for address in pages[1:]]
    assert posted == [302 if code == 200 else code for code in codes[1:3]]
    assert desk.post(page("suppression_delete", found.pk), {"post": "yes"}).status_code == 403
    assert desk.post(page("suppression_change", found.pk), {"reason": "staff"}).status_code == 403


def test_looking_changes_nothing(desk):
    found = stop()
    for address in [page("suppression_lift", found.pk), page("suppression_add")]:
        assert desk.get(address).status_code == 200
    assert (Suppression.objects.count(), AuditEntry.objects.count()) == (1, 0)
