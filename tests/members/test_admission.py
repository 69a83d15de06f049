"""The General Assembly admits: of the answers of an application becomes a member, once, with its people."""

import datetime
import threading
from datetime import UTC

import pytest
from django.db import connection

from members import applications, people, register
from members.models import Application, Category, Contact, Kind, Member, Membership, OrganisationType
from picum.accounts.models import AuditEntry
from picum.letters.models import Letter
from tests.members.factories import ANSWERS, make_application, make_code, make_member, make_user

DAY = datetime.date(2026, 5, 30)
NOW = datetime.datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def affiliated() -> Category:
    return Category.objects.get(key="affiliated")


def admitted(application: Application, **options) -> Member:
    carla = make_user("carla@example.org", staff=True)
    options = {"category": affiliated(), "by": carla, "on": DAY, "now": NOW} | options
    return applications.admit(application, **options).member


def letters() -> list[tuple[str, str]]:
    return list(Letter.objects.order_by("pk").values_list("kind", "address"))


def test_a_member_is_made_of_its_answers():
    member = admitted(make_application(state="recommended"))
    member = Member.objects.get(pk=member.pk)
    fields = ["acronym", "registration_number", "street", "postcode", "city", "website", "email", "telephone", "level"]
    assert {name: getattr(member, name) for name in fields} == {name: ANSWERS[name] for name in fields}
    assert (member.name, member.slug, member.country.code, member.kind) == (
        "Casa do Mar",
        "casa-do-mar",
        "PT",
        "organisation",
    )
    assert member.type == OrganisationType.objects.get(key="migrants-rights")
    assert (member.language, member.languages, member.original_language) == ("pt", "pt ar", "pt")
    assert [area.key for area in member.areas.all()] == ["advocacy"]
    assert [right.key for right in member.rights.all()] == ["health-care", "legal-aid"]
    assert list(member.translations.values_list("language_code", "description")) == [
        ("pt", "Apoiamos pessoas sem documentos.")
    ]
    assert member.confirmed_on == datetime.date(2026, 3, 2)


def test_the_register_tells_who_admitted_it_and_when():
    application = make_application(state="recommended")
    member = admitted(application)
    row = Membership.objects.get()
    assert (row.member, row.category, row.joined_on, row.from_on, row.until_on) == (
        member,
        affiliated(),
        DAY,
        DAY,
        None,
    )
    assert (row.decided_by, row.decided_on) == ("assembly", DAY)
    application.refresh_from_db()
    assert (application.state, application.member, application.category) == ("admitted", member, affiliated())
    trail = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(trail) == ["membership.admit", "application.admitted", "contact.add", "contact.add"]


def test_the_contact_is_welcomed_and_the_treasurer_invited():
    member = admitted(make_application(state="recommended"))
    rows = {
        contact.email: (contact.name, contact.position, contact.telephone, contact.language, contact.invited_at)
        for contact in member.contacts.all()
    }
    assert rows == {
        "joana@casadomar.example": ("Joana Mar", "Coordenadora", "+351 21 000 00 01", "pt", NOW),
        "tiago@casadomar.example": ("Tiago Conta", "", "", "pt", NOW),
    }
    roles = {contact.email: [role.role for role in contact.roles.all()] for contact in member.contacts.all()}
    assert roles == {"joana@casadomar.example": ["contact"], "tiago@casadomar.example": ["treasurer"]}
    assert letters() == [
        ("members.welcome", "joana@casadomar.example"),
        ("members.invited", "tiago@casadomar.example"),
    ]


@pytest.mark.parametrize("treasurer", ["joana@casadomar.example", "Joana@CasadoMar.example"])
def test_one_person_may_be_contact_and_treasurer(treasurer):
    member = admitted(make_application(state="recommended", answers={"treasurer_email": treasurer}))
    contact = member.contacts.get()
    assert {role.role for role in contact.roles.all()} == {"contact", "treasurer"}
    assert letters() == [("members.welcome", "joana@casadomar.example")]


def test_a_mailbox_with_many_invitations_gets_its_welcome_all_the_same():
    carla = make_user("carla@example.org", staff=True)
    for number in range(10):
        other = make_member(f"Other {number}")
        people.add(
            other,
            name="Joana",
            email="joana@casadomar.example",
            roles=["contact"],
            language="pt",
            by=carla,
            now=NOW,
        )
    member = admitted(make_application(state="recommended"))
    assert member.contacts.get(email="joana@casadomar.example").invited_at is None
    assert Letter.objects.filter(kind="members.welcome").count() == 1


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, (True, ["website", "work"], False)),
        ({"open_data": True}, (True, ["website", "work"], True)),
        ({"in_directory": False, "open_data": True}, (False, [], False)),
        ({"in_directory": None}, (False, [], False)),
        ({"in_directory": "no"}, (False, [], False)),
        ({"shown": []}, (True, [], False)),
        ({"shown": ["website", "passport"]}, (True, ["website"], False)),
    ],
)
def test_the_directory_shows_what_was_agreed_to_and_nothing_else(answers, told):
    member = admitted(make_application(state="recommended", answers=answers))
    assert (member.in_directory, sorted(member.shown), member.open_data) == told


def test_a_person_is_never_listed_whatever_was_answered():
    application = make_application("Ana Sol", state="recommended", kind=Kind.PERSON, answers={"treasurer_email": ""})
    member = admitted(application, category=Category.objects.get(key="ordinary"))
    assert (member.kind, member.in_directory, member.open_data, member.shown) == ("person", False, False, [])
    assert [contact.email for contact in member.contacts.all()] == ["joana@casadomar.example"]


def test_the_code_of_conduct_was_signed_with_the_application():
    signed = {"code": make_code(), "code_signed_by": "Joana Mar", "code_signed_at": NOW - datetime.timedelta(days=90)}
    member = admitted(make_application(state="recommended", **signed))
    signature = member.signatures.get()
    assert (signature.code.version, signature.by, signature.signed_on) == (
        "2026",
        "Joana Mar",
        datetime.date(2026, 3, 3),
    )


def test_two_of_one_name_have_addresses_of_their_own():
    assert admitted(make_application(state="recommended")).slug == "casa-do-mar"
    assert admitted(make_application(state="recommended", email="x@example.org")).slug == "casa-do-mar-2"
    assert admitted(make_application("Ελπίδα", country="GR", state="recommended")).slug == "member"


def test_an_application_with_nothing_but_a_name_makes_a_member_too():
    application = make_application(state="recommended")
    Application.objects.update(answers={})
    application.refresh_from_db()
    member = admitted(application)
    assert (member.name, member.in_directory, member.type) == ("Casa do Mar", False, None)
    assert [contact.email for contact in member.contacts.all()] == ["joana@casadomar.example"]


@pytest.mark.parametrize("category", [None, "ordinary"])
def test_without_a_fitting_category_nothing_is_made(category):
    application = make_application(state="recommended")
    with pytest.raises(register.NotPossible):
        admitted(application, category=category and Category.objects.get(key=category))
    assert (Member.objects.count(), Contact.objects.count(), letters()) == (0, 0, [])
    assert Application.objects.get().state == "recommended"


def test_the_category_of_the_application_is_the_one_unless_another_is_given():
    admitted(make_application(state="recommended", category=affiliated()), category=None)
    assert Membership.objects.get().category == affiliated()


def test_what_fails_late_leaves_nothing_behind():
    application = make_application(state="recommended", answers={"contact_email": "not an address"})
    with pytest.raises(ValueError, match="not a mail address"):
        admitted(application)
    assert (Member.objects.count(), Membership.objects.count(), Contact.objects.count(), letters()) == (0, 0, 0, [])
    assert Application.objects.get().state == "recommended"


@pytest.mark.django_db(transaction=True)
def test_two_who_press_at_once_admit_once():
    application = make_application(state="recommended", category=affiliated())
    carla = make_user("carla@example.org", staff=True)
    start, told = threading.Barrier(2), []

    def press() -> None:
        mine = Application.objects.get(pk=application.pk)
        start.wait(10)
        try:
            applications.admit(mine, by=carla, on=DAY, now=NOW)
            told.append("admitted")
        except applications.IllegalMove as why:
            told.append(str(why))
        finally:
            connection.close()

    threads = [threading.Thread(target=press, daemon=True) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    refusal = "The application of Casa do Mar is now “admitted”; it cannot become “admitted”."
    assert sorted(told) == [refusal, "admitted"]
    assert (Member.objects.count(), Membership.objects.count(), Contact.objects.count()) == (1, 1, 2)
    assert letters() == [
        ("members.welcome", "joana@casadomar.example"),
        ("members.invited", "tiago@casadomar.example"),
    ]
