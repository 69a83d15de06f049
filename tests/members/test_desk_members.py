"""The secretariat's desk: members, the register, statistics and gaps."""

import datetime
from io import BytesIO

import pytest
from django.urls import reverse
from pypdf import PdfReader

from members import register
from members.models import Category, DecidedBy, Member, Membership
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.members.factories import Role, make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
DAY = datetime.date
SECRETARIAT = ["view_member", "add_member", "change_member", "delete_member", "export_member"]


@pytest.fixture
def carla(client):
    """The secretariat, signed in."""
    person = make_user("carla@example.org", staff=True, permissions=[f"members.{name}" for name in SECRETARIAT])
    client.force_login(person)
    return person


@pytest.fixture
def tariq(client):
    """A trainee without any right in the members' part."""
    person = make_user("tariq@example.org", staff=True)
    client.force_login(person)
    return person


def end_of(member) -> Membership:
    until = DAY(2022, 12, 31)
    membership = member.memberships.get()
    return register.end(
        membership,
        until_on=until,
        why=Membership.Ended.WITHDRAWN,
        ended_by=DecidedBy.MEMBER,
        ended_on=until,
        by=None,
    )


def affiliated() -> int:
    return Category.objects.get(key="affiliated").pk


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_takes_the_same_queries_for_one_and_for_three(carla, client, number, django_assert_num_queries):
    for at in range(number):
        make_member(f"Member {at}")
    with django_assert_num_queries(13):
        page = client.get(reverse("admin:members_member_changelist"))
    assert page.status_code == 200
    assert page.content.decode().count("Affiliated member") == number + 1  # and in the filter


def test_the_list_is_narrowed_by_what_is_lacking(carla, client):
    make_contact(make_member("Whole"), "amal@example.org", Role.CONTACT, Role.TREASURER)
    make_member("Lonely")
    page = client.get(reverse("admin:members_member_changelist"), {"lacks": "treasurer"}).content.decode()
    assert ("Lonely" in page, "Whole" in page) == (True, False)


def test_a_new_member_gets_an_address_of_its_own(carla, client):
    make_member("Rua Aberta")
    values = {
        "kind": "organisation",
        "name": "Rua Aberta",
        "country": "PT",
        "language": "pt",
        "original_language": "pt",
        "shown": ["logo"],
        "in_directory": "on",
    }
    answer = client.post(reverse("admin:members_member_add"), values)
    assert answer.status_code == 302, answer.context["errors"]
    made = Member.objects.latest("pk")
    assert (made.slug, made.shown, made.in_directory) == ("rua-aberta-2", ["logo"], True)
    assert AuditEntry.objects.filter(action="member.add", actor=carla).count() == 1


def test_people_cannot_be_put_into_the_directory(carla, client):
    values = {"kind": "person", "name": "Nuno", "country": "PT", "language": "pt", "original_language": "pt"}
    answer = client.post(reverse("admin:members_member_add"), values | {"in_directory": "on"})
    assert "People are never listed in the directory." in answer.content.decode()
    assert not Member.objects.exists()


def test_who_was_ever_in_the_register_cannot_be_deleted(carla, client):
    member = make_member()
    assert client.post(reverse("admin:members_member_delete", args=[member.pk]), {"post": "yes"}).status_code == 403
    assert Member.objects.filter(pk=member.pk).exists()


def test_a_member_is_admitted_and_its_membership_ends_on_the_desk(carla, client):
    member = make_member(joined=None)
    values = {"category": affiliated(), "from_on": "2026-06-01", "decided_by": "assembly", "decided_on": "2026-05-30"}
    answer = client.post(reverse("admin:members_member_admit", args=[member.pk]), values)
    assert answer.status_code == 302
    membership = member.memberships.get()
    assert (membership.from_on, membership.decided_by) == (DAY(2026, 6, 1), "assembly")
    values = {"why": "withdrawn", "until_on": "2026-12-31", "ended_by": "member", "ended_on": "2026-11-22"}
    client.post(reverse("admin:members_membership_end", args=[member.pk, membership.pk]), values)
    membership.refresh_from_db()
    assert (membership.until_on, membership.ended_why) == (DAY(2026, 12, 31), "withdrawn")
    page = client.get(reverse("admin:members_member_change", args=[member.pk])).content.decode()
    assert "31/12/2026" in page or "Dec. 31, 2026" in page or "12/31/2026" in page


def test_what_the_register_does_not_allow_is_said_at_the_form(carla, client):
    member = make_member(joined=DAY(2020, 5, 30))
    values = {"category": affiliated(), "from_on": "2021-06-01", "decided_by": "board"}
    answer = client.post(reverse("admin:members_member_admit", args=[member.pk]), values)
    assert answer.status_code == 400
    assert "There is a membership already" in answer.content.decode()
    assert member.memberships.count() == 1


def test_the_register_for_a_day_and_as_a_file(carla, client):
    make_member("Alfa", joined=DAY(2018, 6, 1), street="=2+5", city="Lisboa")
    end_of(make_member("Beta", joined=DAY(2019, 6, 1)))
    page = client.get(reverse("admin:members_register"), {"day": "2021-01-01"}).content.decode()
    assert ("Alfa" in page, "Beta" in page, "had 2 members" in page) == (True, True, True)
    page = client.get(reverse("admin:members_register"), {"day": "2023-01-01"}).content.decode()
    assert ("Alfa" in page, "Beta" in page) == (True, False)
    file = client.get(reverse("admin:members_register_csv"), {"day": "2023-01-01", "former": "on"})
    lines = file.content.decode("utf-8-sig").splitlines()
    assert [line.split(",")[0] for line in lines] == ['"Name"', '"Alfa"', '"Beta"']
    assert '"\'=2+5"' in lines[1]
    assert AuditEntry.objects.get(action="register.export").data == {"day": "2023-01-01", "number": 2}


def test_the_register_on_paper_is_a_file_of_as_many_pages_as_it_needs(carla, client):
    for at in range(60):
        make_member(f"Łódź Αθήνα Organisation {at}", street="Rua A & B <1>", city="Lisboa")
    end_of(make_member("Beta", joined=DAY(2019, 6, 1)))
    file = client.get(reverse("admin:members_register_pdf"), {"day": "2024-01-01", "former": "on"})
    assert (file["Content-Type"], file.content[:5]) == ("application/pdf", b"%PDF-")
    read = PdfReader(BytesIO(file.content))
    words = " ".join(page.extract_text() for page in read.pages)
    assert len(read.pages) >= 3
    assert ("Łódź Αθήνα Organisation 59" in words, "Rua A & B <1>" in words, "Beta" in words) == (True, True, True)


def test_a_day_that_is_none_is_not_found(carla, client):
    assert client.get(reverse("admin:members_register"), {"day": "yesterday"}).status_code == 404


def test_ten_years_are_shown_as_plots_and_as_tables(carla, client):
    make_member("Alfa", country="PT")
    page = client.get(reverse("admin:members_statistics")).content.decode()
    assert page.count('<svg class="plot"') == 6
    assert "Portugal" in page


def test_the_gaps_lead_to_the_members(carla, client):
    member = make_member("Lonely")
    page = client.get(reverse("admin:members_gaps")).content.decode()
    assert page.count(reverse("admin:members_member_change", args=[member.pk])) == 3  # contact, treasurer, unconfirmed


@pytest.mark.parametrize("name", ["register", "statistics", "gaps", "register_csv", "register_pdf"])
def test_a_trainee_without_the_right_gets_none_of_it(tariq, client, name):
    assert client.get(reverse(f"admin:members_{name}")).status_code == 403


def test_a_trainee_changes_nothing_in_the_register(tariq, client):
    member = make_member()
    number = member.memberships.get().pk
    for name, args in (
        ("member_admit", [member.pk]),
        ("membership_end", [member.pk, number]),
        ("membership_category", [member.pk, number]),
        ("membership_strike", [member.pk, number]),
    ):
        assert client.post(reverse(f"admin:members_{name}", args=args), {"why": "x"}).status_code == 403
    assert member.memberships.get().struck_at is None


def test_working_languages_are_written_by_name(carla, client):
    member = make_member(languages="pt ti")
    address = reverse("admin:members_member_change", args=[member.pk])
    page = Page(client.get(address))
    assert page.one("input", name="languages")["value"] == "Portuguese, Tigrinya"
    values = {
        "kind": "organisation",
        "name": "Rua Aberta",
        "country": "PT",
        "language": "pt",
        "original_language": "pt",
    }
    seen = {"as_read": page.one("input", name="as_read")["value"]}
    assert client.post(address, values | seen | {"languages": "Arabic, Portuguese"}).status_code == 302
    member.refresh_from_db()
    assert member.languages == "ar pt"
    answer = client.post(address, values | {"languages": "Klingonese"})
    assert "We do not know the language “Klingonese”" in Page(answer).one("ul", class_="errorlist").words
