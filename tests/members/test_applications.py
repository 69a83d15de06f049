"""An application goes from state to state: each move by one function, written down, audited, and only once."""

import datetime
from datetime import UTC

import pytest
from django.db import IntegrityError

from members import applications, register
from members.applications import MOVES, IllegalMove, State
from members.models import Application, ApplicationEntry, Assembly, Category, Kind
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.members.factories import make_application, make_user

pytestmark = pytest.mark.django_db
NOW = datetime.datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
DAY = datetime.date(2026, 5, 30)


@pytest.fixture
def carla():
    return make_user("carla@example.org", staff=True, permissions=["members.assess_application"], language="fr")


def affiliated() -> Category:
    return Category.objects.get(key="affiliated")


DEEDS = {
    "submit": lambda one, carla: applications.submit(one, now=NOW),
    "answer": lambda one, carla: applications.answer(one, "Yes.", now=NOW),
    "withdraw": lambda one, carla: applications.withdraw(one, now=NOW),
    "ask": lambda one, carla: applications.ask(one, "Since when?", by=carla, now=NOW),
    "recommend": lambda one, carla: applications.recommend(one, by=carla, now=NOW, words="Known in Lisbon."),
    "decline": lambda one, carla: applications.decline(one, by=carla, now=NOW, words="Not in Europe."),
    "admit": lambda one, carla: applications.admit(one, by=carla, on=DAY, now=NOW, category=affiliated()),
    "refuse": lambda one, carla: applications.refuse(one, by=carla, now=NOW, words="The vote was no."),
    "defer": lambda one, carla: applications.defer(one, by=carla, now=NOW, words="No time."),
}
LEGAL = {
    ("submit", "draft"): "submitted",
    ("answer", "asked"): "submitted",
    ("withdraw", "draft"): "withdrawn",
    ("withdraw", "submitted"): "withdrawn",
    ("withdraw", "asked"): "withdrawn",
    ("withdraw", "recommended"): "withdrawn",
    ("withdraw", "deferred"): "withdrawn",
    ("ask", "submitted"): "asked",
    ("recommend", "submitted"): "recommended",
    ("recommend", "deferred"): "recommended",
    ("decline", "submitted"): "declined",
    ("decline", "asked"): "declined",
    ("admit", "recommended"): "admitted",
    ("refuse", "recommended"): "refused",
    ("defer", "recommended"): "deferred",
}
# A member is there only with an admitted application; the other states can be made by hand.
BEFORE = [state for state in State.values if state != State.ADMITTED]
ILLEGAL = [(deed, state) for deed in DEEDS for state in BEFORE if (deed, state) not in LEGAL]
SAID = {"ask": "question", "answer": "answer"}
WORDS = {
    "ask": "Since when?",
    "answer": "Yes.",
    "recommend": "Known in Lisbon.",
    "decline": "Not in Europe.",
    "refuse": "The vote was no.",
    "defer": "No time.",
}
LETTERS = {
    "submit": [("members.application_new", "carla@example.org", "fr")],
    "answer": [("members.application_answered", "carla@example.org", "fr")],
    "admit": [
        ("members.welcome", "joana@casadomar.example", "pt"),
        ("members.invited", "tiago@casadomar.example", "pt"),
    ],
} | {
    deed: [(f"members.application_{state}", "joana@casadomar.example", "pt")]
    for deed, state in {
        "withdraw": "withdrawn",
        "ask": "asked",
        "recommend": "recommended",
        "decline": "declined",
        "refuse": "refused",
        "defer": "deferred",
    }.items()
}


def letters() -> list[tuple]:
    return list(Letter.objects.order_by("pk").values_list("kind", "address", "language"))


@pytest.mark.parametrize(("deed", "before"), LEGAL)
def test_a_legal_move_sets_the_state_writes_it_down_and_tells_who_is_concerned(deed, before, carla):
    application = make_application(state=before, state_since=NOW - datetime.timedelta(days=9))
    DEEDS[deed](application, carla)
    after = LEGAL[deed, before]
    assert application.state == after
    application.refresh_from_db()
    assert (application.state, application.state_since) == (after, NOW)
    by_staff = deed not in {"submit", "answer", "withdraw"}
    entry = application.entries.get()
    assert (entry.kind, entry.state, entry.words, entry.at) == (SAID.get(deed, "move"), after, WORDS.get(deed, ""), NOW)
    assert (entry.by, entry.by_label) == ((carla, "Carla") if by_staff else (None, ""))
    trail = AuditEntry.objects.filter(object_type="members.application").values_list("action", "actor", "data__before")
    assert list(trail) == ([(f"application.{after}", carla.pk, before)] if by_staff else [])
    assert letters() == LETTERS[deed]


@pytest.mark.parametrize(("deed", "before"), ILLEGAL)
def test_an_illegal_move_changes_nothing_and_says_so(deed, before, carla):
    application = make_application(state=before)
    with pytest.raises(IllegalMove) as refused:
        DEEDS[deed](application, carla)
    assert str(refused.value).startswith(f"The application of Casa do Mar is now “{State(before).label}”; it cannot")
    application.refresh_from_db()
    assert application.state == before
    assert (application.entries.count(), AuditEntry.objects.count(), letters()) == (0, 0, [])


@pytest.mark.parametrize("deed", DEEDS)
def test_nothing_moves_an_applicant_that_was_admitted(deed, carla):
    application = make_application(state="recommended")
    DEEDS["admit"](application, carla)
    before = (application.entries.count(), AuditEntry.objects.count(), Letter.objects.count())
    with pytest.raises(IllegalMove):
        DEEDS[deed](Application.objects.get(), carla)
    assert (application.entries.count(), AuditEntry.objects.count(), Letter.objects.count()) == before


@pytest.mark.parametrize("deed", ["ask", "recommend", "decline", "withdraw"])
def test_who_saw_an_earlier_state_is_told_and_does_not_win(deed, carla):
    seen = make_application(state="submitted")
    Application.objects.update(state="asked")
    with pytest.raises(IllegalMove, match="is now “more information asked”"):
        DEEDS[deed](seen, carla)
    assert (Application.objects.get().state, seen.state, letters()) == ("asked", "asked", [])


def test_the_table_knows_each_state_and_the_last_ones_lead_nowhere():
    assert set(MOVES) == set(State)
    assert {state for state in State if not MOVES[state]} == set(Application.FINAL)
    assert {(before, to) for before, goals in MOVES.items() for to in goals} == {
        (before, to) for (_deed, before), to in LEGAL.items()
    }


def test_a_move_whose_letter_cannot_be_queued_did_not_happen(carla):
    application = make_application(state="submitted", email="")
    with pytest.raises(IntegrityError, match="letter_to_be_sent_has_an_address"):
        applications.ask(application, "Since when?", by=carla, now=NOW)
    assert Application.objects.get().state == "submitted"
    assert (ApplicationEntry.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_an_application_is_found_complete_once_and_an_answer_opens_that_question_again(carla):
    application = make_application(state="submitted")
    applications.complete(application, by=carla, now=NOW)
    assert Application.objects.get().complete_at == NOW
    with pytest.raises(IllegalMove):
        applications.complete(application, by=carla, now=NOW)
    applications.ask(application, "Since when?", by=carla, now=NOW)
    applications.answer(application, "2004.", now=NOW)
    assert Application.objects.get().complete_at is None
    trail = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(trail) == ["application.complete", "application.asked"]


def test_what_was_answered_by_telephone_need_not_be_waited_for(carla):
    application = make_application(state="submitted")
    applications.ask(application, "Since when?", by=carla, now=NOW)
    applications.complete(application, by=carla, now=NOW)
    stored = Application.objects.get()
    assert (stored.state, stored.complete_at) == ("submitted", NOW)
    with pytest.raises(IllegalMove):
        applications.answer(application, "2004.", now=NOW)
    trail = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(trail) == ["application.asked", "application.submitted", "application.complete"]


def test_a_note_is_for_colleagues_in_any_state(carla):
    application = make_application(state="declined")
    entry = applications.note(application, " They called. ", by=carla, now=NOW)
    assert (entry.kind, entry.state, entry.words, entry.by_label) == ("note", "", "They called.", "Carla")
    assert Application.objects.get().state == "declined"
    assert letters() == []
    line = AuditEntry.objects.get()
    assert (line.action, line.actor, line.data) == ("application.note", carla, {})


def test_the_category_is_set_until_something_final_was_said(carla):
    application = make_application(state="recommended")
    applications.set_category(application, affiliated(), by=carla, now=NOW)
    assert Application.objects.get().category == affiliated()
    assert AuditEntry.objects.get().data == {"category": "affiliated"}
    with pytest.raises(register.NotPossible):
        applications.set_category(application, Category.objects.get(key="ordinary"), by=carla, now=NOW)
    Application.objects.update(state="refused")
    other = Category.objects.create(key="platform", for_whom=Kind.ORGANISATION)
    with pytest.raises(IllegalMove):
        applications.set_category(application, other, by=carla, now=NOW)
    assert Application.objects.get().category == affiliated()


def test_what_was_deferred_comes_before_the_next_assembly(carla):
    assembly = Assembly.objects.create(date=DAY)
    application = make_application(state="recommended")
    applications.defer(application, by=carla, now=NOW, assembly=assembly)
    assert list(assembly.applications.all()) == [application]
    applications.recommend(application, by=carla, now=NOW)
    assert (Application.objects.get().state, Application.objects.get().assembly) == ("recommended", None)


def test_only_staff_who_may_assess_and_are_here_get_letters_about_new_applications():
    assess = ["members.assess_application"]
    make_user("carla@example.org", staff=True, permissions=assess, language="nl")
    make_user("tariq@example.org", staff=True, permissions=["members.view_application"])
    make_user("gone@example.org", staff=True, permissions=assess, is_active=False)
    make_user("amal@example.org", permissions=assess)
    make_user("root@example.org", staff=True, is_superuser=True)
    applications.submit(make_application(state="draft"), now=NOW)
    assert letters() == [
        ("members.application_new", "carla@example.org", "nl"),
        ("members.application_new", "root@example.org", "en"),
    ]
