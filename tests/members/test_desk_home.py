"""The first page of the desk and a member's page: what waits, and the ways to it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from members.models import FieldReport, Payment, ProfileChange
from tests.html import Page
from tests.members.factories import make_application, make_member, make_user

pytestmark = pytest.mark.django_db
RIGHTS = [
    "view_member", "change_member", "view_application", "view_fee", "add_payment", "view_profilechange",
    "view_fieldreport", "mail_member",
]  # fmt: skip


@pytest.fixture
def carla(client):
    person = make_user("carla@example.org", staff=True, permissions=[f"members.{right}" for right in RIGHTS])
    client.force_login(person)
    return person


@pytest.fixture
def member():
    """With something of everything that waits."""
    member = make_member()
    make_application()
    ProfileChange.objects.create(member=member, field="name", old="Rua Aberta", new="Rua Larga")
    FieldReport.objects.create(member=member, language="pt", title="Fila à porta", text="…")
    Payment.objects.create(how="entered", amount=10, received_on=timezone.localdate())
    return member


def test_the_first_page_tells_the_secretariat_what_waits(carla, member, client):
    page = Page(client.get(reverse("admin:index")))
    words = page.one("nav", class_="desk-queue").words
    assert words.startswith(
        "Members: what waits 1 Applications 1 Changes to profiles 1 Field reports 1 Payments 0 Notices to leave"
    )
    names = ["gaps", "fee_arrears", "circulars", "register", "statistics"]
    assert {reverse(f"admin:members_{name}") for name in names} <= set(page.links())
    for link in page.links():
        if link and link.startswith("/en/desk/members/"):
            assert client.get(link).status_code == 200, link


def test_a_trainee_without_a_right_of_the_members_part_sees_none_of_it(member, client):
    client.force_login(make_user("tariq@example.org", staff=True))
    assert Page(client.get(reverse("admin:index"))).all("nav", class_="desk-queue") == []


def test_the_page_of_a_member_leads_to_all_that_belongs_to_it(carla, member, client):
    application = make_application(state="admitted", member=member)
    page = Page(client.get(reverse("admin:members_member_change", args=[member.pk])))
    tools = page.one("ul", class_="object-tools").words
    for words in ("Fees", "Application", "Field reports (1)", "Waiting for approval: Name", "Contacts"):
        assert words in tools, words
    ways = [
        reverse("admin:members_fee_member", args=[member.pk]),
        reverse("admin:members_application_change", args=[application.pk]),
        reverse("admin:members_profilechange_change", args=[member.changes.get().pk]),
    ]
    assert set(ways) <= set(page.links())


def test_a_member_that_belongs_is_not_offered_to_be_admitted_again(carla, client):
    for joined, offered in ((None, True), (timezone.localdate(), False)):
        member = make_member(f"Since {joined}", joined=joined)
        page = Page(client.get(reverse("admin:members_member_change", args=[member.pk])))
        assert (reverse("admin:members_member_admit", args=[member.pk]) in page.links()) == offered
