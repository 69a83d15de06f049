"""What a member's people find open on their overview."""

import datetime
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from members.models import Category, Fee, FieldReport, ProfileChange, Signature
from tests.html import Page
from tests.members.factories import Role, make_code, make_contact, make_member

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
MATTERS = [
    "Fee {year}: €150.00 to pay It was due on {day}.",
    "We have a question about your field report: Fila à porta",
    "The code of conduct in force is not signed yet. Read and sign it",
    "1 change of the profile waits for approval.",
]


def asked_for(member, amount: int, *, due: datetime.date, number: int = 1) -> Fee:
    return Fee.objects.create(
        member=member,
        category=Category.objects.get(key="affiliated"),
        year=due.year,
        amount=Decimal(amount),
        communication=f"{due.year}{number:06}00",
        noted_on=due - 30 * DAY,
        due_on=due,
    )


def busy(name: str = "Rua Aberta", number: int = 1):
    """A member with something of everything open."""
    member = make_member(name, confirmed_on=timezone.localdate())
    asked_for(member, 150, due=timezone.localdate() - DAY, number=number)
    FieldReport.objects.create(member=member, language="pt", title="Fila à porta", text="…", state="asked")
    ProfileChange.objects.create(member=member, field="name", old=name, new="Rua Larga")
    return member


@pytest.fixture
def code():
    return make_code(day=timezone.localdate() - DAY)


def test_amal_sees_all_that_is_open_with_the_way_to_each(code, client):
    amal = make_contact(busy())
    client.force_login(amal.user)
    page = Page(client.get(reverse("members:my")))
    yesterday = timezone.localdate() - DAY
    day = f"{yesterday.day} {yesterday:%B %Y}"
    expected = " ".join(MATTERS).format(year=yesterday.year, day=day)
    assert page.one("ul", class_="open-matters").words == expected
    handle = amal.member.handle
    report = amal.member.reports.get()
    ways = {
        reverse("members:fees", args=[handle]) + f"#fee-{yesterday.year}",
        reverse("members:report", args=[handle, report.handle]),
        reverse("members:conduct", args=[handle]),
        reverse("members:profile", args=[handle]),
    }
    assert ways <= set(page.links())


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        (Role.TREASURER, [True, False, False, False]),
        (Role.COMMUNICATIONS, [False, True, False, True]),
        (Role.NEWSLETTER, [False, True, False, False]),
    ],
)
def test_who_has_a_role_sees_what_is_theirs(role, seen, code, client):
    client.force_login(make_contact(busy(), "tomas@example.org", role).user)
    words = Page(client.get(reverse("members:my"))).words
    told = ["to pay", "We have a question", "not signed yet", "waits for approval"]
    assert [part in words for part in told] == seen


def test_where_nothing_is_open_nothing_is_shown(code, client):
    member = make_member(confirmed_on=timezone.localdate())
    Signature.objects.create(member=member, code=code, signed_on=timezone.localdate(), by="Amal")
    client.force_login(make_contact(member).user)
    assert Page(client.get(reverse("members:my"))).all("ul", class_="open-matters") == []


def test_a_fee_that_nobody_asked_for_yet_or_of_long_ago_is_no_hint(code, client):
    member = busy()
    Fee.objects.update(noted_on=None, due_on=None)
    today = timezone.localdate()
    asked_for(member, 90, due=today.replace(year=today.year - 4, day=1), number=2)
    client.force_login(make_contact(member).user)
    assert "to pay" not in Page(client.get(reverse("members:my"))).words


@pytest.mark.parametrize("number", [1, 3])
def test_three_members_take_as_many_queries_as_one(number, code, client, django_assert_num_queries):
    for at in range(number):
        amal = make_contact(busy(f"Rua {at}", at + 1))
    client.force_login(amal.user)
    with django_assert_num_queries(11):
        page = client.get(reverse("members:my"))
    assert len(Page(page).all("ul", class_="open-matters")) == number
