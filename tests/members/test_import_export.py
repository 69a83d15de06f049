"""Lists of members, in and out: looked at before they are taken over, told row by row, and read again as written."""

import datetime
import zipfile
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from members import columns, exporting, importing
from members.models import Contact, Kind, Member, Membership
from picum.accounts.models import AuditEntry
from picum.csvfile import Unreadable
from picum.letters.models import Letter
from tests.members.factories import Role, make_contact, make_member, make_user

pytestmark = pytest.mark.django_db
DAY = datetime.date
TODAY = DAY(2026, 11, 22)
LIST = """name;country;type;areas;category;joined;contact_name;contact_email;treasurer_email
Rua Aberta;Portugal;Human rights;advocacy monitoring;affiliated;30/05/2019;Amal;amal@example.org;amal@example.org
Most;Polen;legal-aid;;affiliated;2020-06-01;;ola@example.org;
Nobody knows;Atlantis;;;;;;;
;Italien;;;;;;;
"""


def rows(text: str, tmp_path) -> tuple[list, list]:
    path = tmp_path / "members.csv"
    path.write_text(text, encoding="utf-8")
    return importing.read(path)


def outcomes(verdicts) -> list[tuple]:
    return [(verdict.line, verdict.outcome) for verdict in verdicts]


@pytest.fixture
def carla():
    return make_user(
        "carla@example.org",
        staff=True,
        permissions=[f"members.{name}_member" for name in ("view", "change", "import", "export")],
    )


def test_a_list_becomes_members_with_their_register_and_their_people(tmp_path, carla):
    found, unknown = rows(LIST, tmp_path)
    verdicts = importing.take(found, by=carla, today=TODAY)
    assert (outcomes(verdicts), unknown) == ([(2, "new"), (3, "new"), (4, "refused"), (5, "refused")], [])
    lisbon = Member.objects.get(name="Rua Aberta")
    assert (lisbon.country.code, lisbon.type.key, lisbon.slug, lisbon.in_directory) == (
        "PT",
        "human-rights",
        "rua-aberta",
        False,
    )
    assert {area.key for area in lisbon.areas.all()} == {"advocacy", "monitoring"}
    membership = lisbon.memberships.get()
    assert (membership.category.key, membership.joined_on, membership.until_on) == (
        "affiliated",
        DAY(2019, 5, 30),
        None,
    )
    amal = lisbon.contacts.get()
    assert {role.role for role in amal.roles.all()} == {Role.CONTACT, Role.TREASURER}
    assert Member.objects.get(name="Most").country.code == "PL"
    assert not Letter.objects.exists()  # nobody is written to
    assert AuditEntry.objects.get(action="member.import").data == {"new": 2, "changed": 0, "refused": 2}


def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path):
    found, _unknown = rows(LIST, tmp_path)
    verdicts = importing.dry_run(found, today=TODAY)
    assert outcomes(verdicts) == [(2, "new"), (3, "new"), (4, "refused"), (5, "refused")]
    assert [words for verdict in verdicts[2:] for words in verdict.words] == [
        "country: “Atlantis” is not a country",
        "a name and a country are needed",
    ]
    assert (Member.objects.count(), Contact.objects.count(), AuditEntry.objects.count()) == (0, 0, 0)


def test_who_is_known_is_completed_and_the_register_is_left_alone(tmp_path, carla):
    member = make_member("Rua Aberta", country="PT", joined=DAY(2018, 1, 1), city="Lisboa")
    text = "name,country,city,website,category,joined\nrua aberta,PT,,ruaaberta.example,affiliated,2020-01-01\n"
    found, _unknown = rows(text, tmp_path)
    (verdict,) = importing.take(found, by=carla, today=TODAY)
    assert (verdict.outcome, verdict.words) == ("changed", ["Name", "Website"])
    member.refresh_from_db()
    assert (member.city, member.website) == ("Lisboa", "https://ruaaberta.example")
    assert member.memberships.get().joined_on == DAY(2018, 1, 1)
    (again,) = importing.take(found, by=carla, today=TODAY)
    assert again.outcome == "same"


def test_an_old_list_does_not_show_what_a_member_has_hidden_since(tmp_path, carla):
    make_member("Rua Aberta", country="PT", in_directory=False)
    found, _unknown = rows("name,country,in_directory,shown\nRua Aberta,PT,yes,telephone\n", tmp_path)
    (verdict,) = importing.take(found, by=carla, today=TODAY)
    assert (verdict.outcome, Member.objects.get().in_directory, Member.objects.get().shown) == ("same", False, [])


def test_a_member_that_stands_in_the_list_twice_is_taken_once(tmp_path):
    found, _unknown = rows("name,country\nMost,PL\nMOST,Poland\n", tmp_path)
    verdicts = importing.dry_run(found, today=TODAY)
    assert outcomes(verdicts) == [(2, "new"), (3, "refused")]
    assert verdicts[1].words == ["this member stands in line 2 already"]


@pytest.mark.parametrize("cell", ["2026-05-30", "30/05/2026", "30.05.2026", "46172"])
def test_days_are_read_as_people_and_spreadsheets_write_them(cell):
    assert columns.day(cell) == DAY(2026, 5, 30)


@pytest.mark.parametrize("cell", ["yesterday", "31.02.2026", "2026", ""])
def test_what_is_no_day_is_refused(cell):
    with pytest.raises(columns.NotUnderstood):
        columns.day(cell)


@pytest.mark.parametrize("name", ["Deutschland", "Germania", "allemagne", "DE", "Duitsland", "Alemanha"])
def test_a_country_is_known_in_all_languages(name, tmp_path):
    found, _unknown = rows(f"name,country\nMost,{name}\n", tmp_path)
    importing.take(found, by=None, today=TODAY)
    assert Member.objects.get().country.code == "DE"


def test_a_former_member_comes_with_its_end(tmp_path):
    text = "name,country,category,joined,until,ended\nMost,PL,affiliated,2015-01-01,2020-12-31,terminated\n"
    importing.take(rows(text, tmp_path)[0], by=None, today=TODAY)
    membership = Membership.objects.get()
    assert (membership.until_on, membership.ended_why) == (DAY(2020, 12, 31), "terminated")


def test_a_file_without_the_columns_is_refused_as_a_whole(tmp_path):
    with pytest.raises(Unreadable, match="country"):
        rows("name,town\nMost,Kraków\n", tmp_path)


def test_what_was_exported_is_read_again_as_it_was(tmp_path, carla):
    lisbon = make_member(
        "=Rua “Aberta”; Lda",
        areas=["advocacy"],
        rights=["health-care"],
        description="Linha um\nlinha dois",
        shown=["logo", "work"],
        website="https://ruaaberta.example/",
        street="Rua A, 1",
    )
    make_contact(lisbon, "amal@example.org", Role.CONTACT, Role.TREASURER)
    make_member("Nuno Lopes", kind=Kind.PERSON, country="BE")
    text = "".join(exporting.export(Member.objects.all(), reason="test", by=carla))
    path = tmp_path / "export.csv"
    path.write_text(text, encoding="utf-8")
    found, unknown = importing.read(path)
    assert unknown == []
    verdicts = importing.take(found, by=carla, today=TODAY)
    told = {verdict.name: (verdict.outcome, verdict.words) for verdict in verdicts}
    # A cell of a list has one line.
    assert told == {lisbon.name: ("changed", ["Description"]), "Nuno Lopes": ("same", [])}
    assert AuditEntry.objects.filter(action="member.export").get().data == {"reason": "test", "number": 2}


@pytest.mark.parametrize("number", [1, 3])
def test_an_export_reads_a_page_in_a_fixed_number_of_queries(number, carla, django_assert_num_queries):
    for at in range(number):
        make_contact(make_member(f"Member {at}"), f"a{at}@example.org")
    with django_assert_num_queries(11):
        "".join(exporting.export(Member.objects.all(), reason="test", by=carla))


# --- on the desk -----------------------------------------------------------------------------------------------------


def upload(client, text: str):
    file = SimpleUploadedFile("list.csv", text.encode())
    return client.post(reverse("admin:members_import"), {"file": file})


def test_the_desk_shows_row_by_row_what_would_happen_and_then_does_it(client, carla):
    client.force_login(carla)
    page = upload(client, LIST)
    words = page.content.decode()
    assert ("Rua Aberta" in words, "is not a country" in words, Member.objects.count()) == (True, True, 0)
    done = client.post(reverse("admin:members_import"), {"rows": page.context["rows"]})
    assert "The list has been taken over." in done.content.decode()
    assert Member.objects.count() == 2


def test_rows_that_were_tampered_with_are_not_taken(client, carla):
    client.force_login(carla)
    page = upload(client, LIST)
    answer = client.post(reverse("admin:members_import"), {"rows": "x" + page.context["rows"]})
    assert (answer.status_code, Member.objects.count()) == (302, 0)


def test_a_file_that_is_no_list_gets_one_sentence(client, carla):
    client.force_login(carla)
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")
    answer = client.post(reverse("admin:members_import"), {"file": SimpleUploadedFile("x.xlsx", file.getvalue())})
    assert answer.status_code == 400
    assert "This file is no list that can be read." in answer.content.decode()


def test_an_export_wants_a_reason(client, carla):
    client.force_login(carla)
    make_member()
    assert "attachment" not in client.post(reverse("admin:members_export"), {"reason": ""}).headers.get(
        "Content-Disposition", ""
    )
    answer = client.post(reverse("admin:members_export"), {"reason": "auditors"})
    assert b"Rua Aberta" in b"".join(answer.streaming_content)


@pytest.mark.parametrize("name", ["import", "export"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_lists_are_for_those_who_may(client, name, method):
    client.force_login(make_user("tariq@example.org", staff=True, permissions=["members.view_member"]))
    assert getattr(client, method)(reverse(f"admin:members_{name}")).status_code == 403
