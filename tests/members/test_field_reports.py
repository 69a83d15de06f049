"""A member writes what it sees, the desk takes it into an issue or says why not: each move by one function."""

import datetime
import uuid

import pytest
from django.db import IntegrityError, transaction

from members import reports
from members.access import Seat, seat_for
from members.models import FieldReport, Kind, ReportEntry
from members.reports import MOVES, IllegalMove, State
from newsletter.contributions import NotPossible
from newsletter.models import Edition, Item
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.members.factories import Role, make_contact, make_member, make_user
from tests.members.reporting import NOW, TEXT, TITLE, TOLD, make_report, october
from tests.newsletter.test_archive import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True, permissions=["members.change_fieldreport"], language="fr")


@pytest.fixture
def amal():
    """Amal does communications for Rua Aberta; Rita is its member contact."""
    member = make_member("Rua Aberta", acronym="RAB", city="Lisboa")
    make_contact(member, "rita@example.org", Role.CONTACT, language="en")
    return make_contact(member, "amal@example.org", Role.COMMUNICATIONS)


def seat(contact) -> Seat:
    return seat_for(contact.user, contact.member.handle, "reports")


def letters() -> list[tuple]:
    return list(Letter.objects.order_by("pk").values_list("kind", "address", "language"))


def to_member(kind: str) -> list[tuple]:
    return [(kind, "rita@example.org", "en"), (kind, "amal@example.org", "pt")]


def take(report, carla, issue=None, **words) -> int:
    issue = issue or october()
    words = {"title": report.title, "text": report.text} | words
    return reports.take(report, issue=issue.pk, section="health-care", by=carla, now=NOW, **words)


# --- sending --------------------------------------------------------------------------------------------------------


def test_what_a_member_sends_is_kept_as_it_was_told_and_the_desk_learns_of_it(amal, carla):
    report = reports.send(seat(amal), TOLD, now=NOW)
    stored = FieldReport.objects.get()
    assert stored == report
    assert (stored.member, stored.contact, stored.author_label) == (amal.member, amal, "Amal")
    assert (stored.language, stored.title, stored.text, stored.state) == ("pt", TITLE, TEXT, "sent")
    assert [country.code for country in stored.countries] == ["ES", "PT"]
    assert [area.key for area in stored.areas.all()] == ["monitoring"]
    assert [right.key for right in stored.rights.all()] == ["education"]
    assert (stored.may_publish, stored.anonymous, stored.embargo_until) == (True, False, None)
    entry = stored.entries.get()
    assert (entry.state, entry.from_member, entry.by_label, entry.may_publish) == ("sent", True, "Amal", True)
    assert letters() == [("members.report_new", "carla@example.org", "fr")]


def test_a_form_sent_twice_is_one_report(amal, carla):
    handle = uuid.uuid4()
    first = reports.send(seat(amal), TOLD, handle=handle, now=NOW)
    assert reports.send(seat(amal), TOLD, handle=handle, now=NOW) == first
    assert (FieldReport.objects.count(), ReportEntry.objects.count(), Letter.objects.count()) == (1, 1, 1)


def test_the_handle_of_another_members_report_leads_to_nothing_of_theirs(amal):
    boris = make_contact(make_member("Casa do Mar"), "boris@example.org")
    theirs = reports.send(seat(boris), TOLD, now=NOW)
    mine = reports.send(seat(amal), TOLD, handle=theirs.handle, now=NOW)
    assert (mine.member, mine.handle == theirs.handle) == (amal.member, False)


def test_a_person_who_is_a_member_sends_reports_too(carla):
    nadia = make_contact(make_member("Nadia Bensalem", kind=Kind.PERSON), "nadia@example.org")
    report = reports.send(seat(nadia), TOLD, now=NOW)
    assert report.member == nadia.member
    take(report, carla)
    assert Item.objects.get(countries__contains="ES").sources.get().outlet == "Nadia Bensalem"


# --- moves ----------------------------------------------------------------------------------------------------------

DEEDS = {
    "answer": lambda one, amal, carla: reports.answer(one, "Em Lisboa.", contact=amal, now=NOW),
    "withdraw": lambda one, amal, carla: reports.withdraw(one, contact=amal, now=NOW),
    "ask": lambda one, amal, carla: reports.ask(one, "Where?", by=carla, now=NOW),
    "decline": lambda one, amal, carla: reports.decline(one, "Too old.", by=carla, now=NOW),
    "take": lambda one, amal, carla: take(one, carla),
}
LEGAL = {
    ("answer", "asked"): "sent",
    ("withdraw", "sent"): "withdrawn",
    ("withdraw", "asked"): "withdrawn",
    ("ask", "sent"): "asked",
    ("decline", "sent"): "declined",
    ("decline", "asked"): "declined",
    ("take", "sent"): "taken",
    ("take", "asked"): "taken",
}
WORDS = {"answer": "Em Lisboa.", "ask": "Where?", "decline": "Too old."}
LETTERS = {
    "answer": [("members.report_answered", "carla@example.org", "fr")],
    "ask": to_member("members.report_asked"),
    "decline": to_member("members.report_declined"),
    "take": to_member("members.report_taken"),
}
BEFORE = [state for state in State.values if state != State.TAKEN]
ILLEGAL = [(deed, state) for deed in DEEDS for state in BEFORE if (deed, state) not in LEGAL]


@pytest.mark.parametrize(("deed", "before"), LEGAL)
def test_a_legal_move_sets_the_state_writes_it_down_and_tells_who_is_concerned(deed, before, amal, carla):
    report = make_report(amal.member, contact=amal, state=before, state_since=NOW - datetime.timedelta(days=9))
    DEEDS[deed](report, amal, carla)
    after = LEGAL[deed, before]
    assert report.state == after
    report.refresh_from_db()
    assert (report.state, report.state_since) == (after, NOW)
    entry, by_member = report.entries.get(), deed in {"answer", "withdraw"}
    assert (entry.state, entry.words, entry.at) == (after, WORDS.get(deed, ""), NOW)
    assert (entry.from_member, entry.by_label, entry.by) == (
        (True, "Amal", None) if by_member else (False, "Carla", carla)
    )
    trail = AuditEntry.objects.filter(object_type="members.fieldreport").values_list("action", "actor", "data__before")
    assert list(trail) == ([] if by_member else [(f"report.{after}", carla.pk, before)])
    assert sorted(letters()) == sorted(LETTERS.get(deed, []))


@pytest.mark.parametrize(("deed", "before"), ILLEGAL)
def test_an_illegal_move_changes_nothing_and_says_so(deed, before, amal, carla):
    report = make_report(amal.member, contact=amal, state=before)
    with pytest.raises(IllegalMove) as refused:
        DEEDS[deed](report, amal, carla)
    assert str(refused.value).startswith(f"The report “{TITLE}” is now “{State(before).label}”; it cannot become")
    report.refresh_from_db()
    assert report.state == before
    assert (report.entries.count(), letters(), AuditEntry.objects.exclude(action="membership.admit").count()) == (
        0,
        [],
        0,
    )
    assert not Item.objects.filter(countries__contains="PT").exists()


@pytest.mark.parametrize("deed", DEEDS)
def test_who_saw_an_earlier_state_is_told_and_does_not_win(deed, amal, carla):
    before = "asked" if deed == "answer" else "sent"
    seen = make_report(amal.member, contact=amal, state=before)
    FieldReport.objects.update(state="declined")
    with pytest.raises(IllegalMove, match="is now “not taken”"):
        DEEDS[deed](seen, amal, carla)
    assert (FieldReport.objects.get().state, seen.state, letters()) == ("declined", "declined", [])
    assert not Item.objects.filter(countries__contains="PT").exists()


def test_the_table_knows_each_state_and_the_last_ones_lead_nowhere():
    assert set(MOVES) == set(State)
    legal = {(before, to) for (_deed, before), to in LEGAL.items()} | {("taken", "withdrawn")}
    assert {(before, to) for before, goals in MOVES.items() for to in goals} == legal


def test_an_author_who_has_left_and_the_contact_of_another_member_get_no_letter(amal, carla):
    make_contact(make_member("Casa do Mar"), "boris@example.org")
    amal.left_on = NOW.date()
    amal.save(update_fields=["left_on"])
    reports.ask(make_report(amal.member, contact=amal), "Where?", by=carla, now=NOW)
    assert letters() == [("members.report_asked", "rita@example.org", "en")]


def test_only_staff_who_may_triage_and_are_here_get_letters_about_reports(amal):
    change = ["members.change_fieldreport"]
    make_user("tariq@example.org", staff=True, permissions=["members.view_fieldreport"])
    make_user("gone@example.org", staff=True, permissions=change, is_active=False)
    make_user("boris@example.org", permissions=change)
    make_user("carla@example.org", staff=True, permissions=change)
    make_user("root@example.org", staff=True, is_superuser=True)
    reports.send(seat(amal), TOLD, now=NOW)
    assert [address for _kind, address, _language in letters()] == ["carla@example.org", "root@example.org"]


# --- consent --------------------------------------------------------------------------------------------------------


def test_what_may_not_be_published_is_not_taken_until_the_member_agrees(amal, carla):
    report = make_report(amal.member, contact=amal, may_publish=False)
    with pytest.raises(NotPossible, match="has not agreed"):
        take(report, carla, issue := october())
    assert (FieldReport.objects.get().state, issue.items.count(), letters()) == ("sent", 1, [])
    reports.consent(report, given=True, contact=amal, now=NOW)
    reports.consent(report, given=True, contact=amal, now=NOW)
    assert list(report.entries.values_list("may_publish", "from_member", "state")) == [(True, True, "")]
    assert letters() == [("members.report_answered", "carla@example.org", "fr")]
    take(report, carla, issue)
    assert (FieldReport.objects.get().state, issue.items.count()) == ("taken", 2)


def test_consent_that_was_taken_back_meanwhile_counts(amal, carla):
    seen = make_report(amal.member, contact=amal)
    reports.consent(FieldReport.objects.get(), given=False, contact=amal, now=NOW)
    with pytest.raises(NotPossible, match="has not agreed"):
        take(seen, carla)


def test_about_what_is_decided_consent_changes_nothing(amal, carla):
    report = make_report(amal.member, contact=amal)
    take(report, carla)
    with pytest.raises(IllegalMove, match="is now “taken into an issue”"):
        reports.consent(report, given=False, contact=amal, now=NOW)
    assert FieldReport.objects.get().may_publish


def test_the_database_takes_nothing_without_consent(amal):
    with pytest.raises(IntegrityError, match="taken_with_consent"), transaction.atomic():
        make_report(amal.member, state="taken", item_number=1, may_publish=False)


# --- naming neither place nor person --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Uma escola recusou.", []),
        ("A RUA ABERTA viu isto.", ["Rua Aberta"]),
        ("Amal viu isto em lisboa.", ["Lisboa", "Amal"]),
        ("Na RAB dizem que sim.", ["RAB"]),
        ("Um rabo, uma amalgama e o lisboeta.", []),
        ("Em Portugal e na Espanha.", ["Espanha", "Portugal"]),
    ],
)
def test_words_that_name_what_must_not_be_named_are_found(words, named, amal, carla):
    report = make_report(amal.member, contact=amal, anonymous=True, countries=["ES"], text=words)
    assert reports.named_in(report, words) == named
    if named:
        with pytest.raises(NotPossible) as refused:
            take(report, carla)
        assert str(refused.value).endswith(f"{', '.join(named)}.")
        assert FieldReport.objects.get().state == "sent"
    else:
        take(report, carla)
    report.anonymous = False
    assert reports.named_in(report, words) == []


# --- what became of it ----------------------------------------------------------------------------------------------


def test_what_was_taken_and_not_published_can_be_taken_back_and_leaves_the_issue(amal, carla):
    report, issue = make_report(amal.member, contact=amal), october()
    number = take(report, carla, issue)
    Letter.objects.all().delete()
    reports.withdraw(report, contact=amal, now=NOW)
    stored = FieldReport.objects.get()
    assert (stored.state, stored.item_number, Item.objects.filter(pk=number).exists()) == ("withdrawn", None, False)
    assert letters() == [("members.report_withdrawn", "carla@example.org", "fr")]


@pytest.mark.parametrize("field", ["frozen_at", "published_at"])
def test_what_went_out_cannot_be_taken_back_by_a_button(field, amal, carla):
    report, issue = make_report(amal.member, contact=amal), october()
    number = take(report, carla, issue)
    Edition.objects.filter(issue=issue, language="pt").update(**{field: NOW})
    with pytest.raises(NotPossible, match="Please write to us"):
        reports.withdraw(report, contact=amal, now=NOW)
    assert (report.state, FieldReport.objects.get().state, Item.objects.filter(pk=number).exists()) == (
        "taken",
        "taken",
        True,
    )


def test_the_member_is_told_once_that_the_report_is_published(amal, carla):
    report, issue = make_report(amal.member, contact=amal), october()
    take(report, carla, issue)
    make_report(amal.member, contact=amal)
    Letter.objects.all().delete()
    assert reports.tell_published_reports(now=NOW) == 0
    publish(issue, "pt", at=NOW)
    assert reports.tell_published_reports(now=NOW) == 1
    assert reports.tell_published_reports(now=NOW) == 0
    assert letters() == to_member("members.report_published")
    assert FieldReport.objects.get(pk=report.pk).appeared_at == NOW


def test_history_stays_when_its_people_go(amal, carla):
    report = make_report(amal.member, contact=amal)
    reports.answer(_asked(report, carla), "Sim.", contact=amal, now=NOW)
    amal.delete()
    carla.delete()
    report.refresh_from_db()
    assert (report.contact, report.author_label) == (None, "Amal")
    assert list(report.entries.values_list("by_label", flat=True)) == ["Carla", "Amal"]


def _asked(report, carla):
    reports.ask(report, "Verdade?", by=carla, now=NOW)
    return report
