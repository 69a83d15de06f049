"""Every address of the members' part × who asks for it.

What is somebody's own is 404 for everybody else, and so is what their role does not cover. The desk leads visitors to
its sign-in, and says 403 to staff without the right. A new address must be added here: the last tests see to it.
"""

import datetime
import re
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLResolver
from django.utils import timezone

from members import shelf
from members.models import (
    Application,
    Assembly,
    BankFile,
    Category,
    Contact,
    Document,
    FieldPolicy,
    FieldReport,
    Member,
    OrganisationType,
    Paper,
    Payment,
    ProfileChange,
    Referee,
)
from picum import links
from picum.accounts.models import User
from tests.members.factories import Role, make_code, make_contact, make_member, make_user
from tests.members.purse import make_fee, paid

pytestmark = pytest.mark.django_db
NOW = timezone.now()
OUTSIDERS = [
    "visitor",
    "stranger",  # signed in, acts for nobody
    "boris",  # acts for another member
    "former",  # acted for this one
    "tariq",  # a trainee, staff without a right in the members' part
    "carla",  # the secretariat: every right of the members' part, and no seat at a member
]
ROLES = {"amal": Role.CONTACT, "tomas": Role.TREASURER, "ines": Role.COMMUNICATIONS, "nuno": Role.NEWSLETTER}
ALL = set(ROLES)
# Below /my/<member>/: whom of the member's people it opens for.
MINE = {
    "fees": {"amal", "tomas"},
    "fee_note": {"amal", "tomas"},
    "fee_receipt": {"amal", "tomas"},
    "profile": {"amal", "ines"},
    "profile_logo": {"amal", "ines"},
    "profile_description": {"amal", "ines"},
    "confirm": {"amal", "ines"},
    "own_logo": {"amal", "ines"},
    "my_directory": {"amal", "ines"},
    "conduct": {"amal"},
    "documents": ALL,
    "document": ALL,
    "leave": {"amal"},
    "reports": {"amal", "ines", "nuno"},
    "report_new": {"amal", "ines", "nuno"},
    "report": {"amal", "ines", "nuno"},
    "report_consent": {"amal", "ines", "nuno"},
    "report_withdraw": {"amal", "ines", "nuno"},
    "people": {"amal"},
    "person": {"amal"},
    "person_remove": {"amal"},
    "person_invite": {"amal"},
}
# Open to everybody, or to whoever has the link: tested where they are.
OPEN = {"directory", "list_csv", "list_json", "member", "logo", "apply", "my", "account", "invitation"}
BY_LINK = {
    "application", "application_send", "application_withdraw", "application_paper", "application_remove_paper",
    "application_step", "referee",
}  # fmt: skip
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture
def lisbon() -> Member:
    """A member with somebody in every role, and one thing of every kind."""
    member = make_member("Rua Aberta", in_directory=True, shown=["logo"], logo=shelf.keep(b"logo", "image/png"))
    for who, role in ROLES.items():
        make_contact(member, f"{who}@example.org", role)
    make_contact(member, "invited@example.org", Role.CONTACT, user=False, invited_at=NOW - datetime.timedelta(days=1))
    make_contact(member, "former@example.org", Role.CONTACT, left_on=NOW.date())
    make_contact(make_member("Most", country="PL"), "boris@example.org", Role.CONTACT)
    make_code()
    paid(make_fee(member, noted=NOW))
    report = {"title": "What we see", "text": "Text", "language": "pt", "author_label": "Amal"}
    FieldReport.objects.create(member=member, contact=member.contacts.first(), **report)
    Document.objects.create(file=shelf.keep(PDF, "application/pdf"), published_on=NOW.date(), **_of_a_paper(Document))
    return member


def _of_a_paper(model) -> dict[str, object]:
    """What a row says of its file, as far as it does."""
    told = {"content_type": "application/pdf", "size": len(PDF), "name": "statutes.pdf"}
    names = {field.name for field in model._meta.fields}
    return {name: value for name, value in told.items() if name in names}


@pytest.fixture
def people(lisbon) -> dict[str, Client]:
    """Everybody, each with a browser of their own, signed in but for the visitor."""
    make_user("stranger@example.org")
    make_user("tariq@example.org", staff=True)
    rights = Permission.objects.filter(content_type__app_label="members").values_list("codename", flat=True)
    make_user("carla@example.org", staff=True, permissions=[f"members.{right}" for right in rights])
    clients = {}
    for who in [*OUTSIDERS, *ROLES]:
        clients[who] = Client()
        if who != "visitor":
            clients[who].force_login(User.objects.get(email=f"{who}@example.org"))
    return clients


def statuses(client: Client, address: str) -> tuple[int, int]:
    """Of GET and POST; whatever they change is taken back."""
    with transaction.atomic():
        answers = client.get(address), client.post(address)
        transaction.set_rollback(True)
    for answer in answers:
        for close in answer._resource_closers:  # of a file; `close()` would end the test's connection too
            close()
    return answers[0].status_code, answers[1].status_code


def address(name: str, member: Member) -> str:
    own = {
        "year": 2026,
        "language": "pt",
        "name": member.logo,
        "pk": Document.objects.values_list("pk", flat=True).first(),
        "report": FieldReport.objects.values_list("handle", flat=True).first(),
        "person": Contact.objects.get(email="invited@example.org").handle,
    }
    wanted = {"handle": member.handle} | {key: own[key] for key in _arguments(f"members:{name}") - {"handle"}}
    return reverse(f"members:{name}", kwargs=wanted)


# --- what members do themselves --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MINE)
def test_what_is_a_member_s_own_is_there_for_those_whose_role_covers_it_and_for_nobody_else(name, people, lisbon):
    opens = set()
    for who, client in people.items():
        found = statuses(client, address(name, lisbon))
        if set(found) <= {404, 405}:
            assert 404 in found, who
        else:
            opens.add(who)
            assert found[0] in {200, 302, 405}, who
    assert opens == MINE[name]


@pytest.mark.parametrize("name", MINE)
def test_a_member_that_does_not_exist_looks_like_one_that_is_somebody_else_s(name, people, lisbon):
    theirs = address(name, lisbon)
    nowhere = theirs.replace(str(lisbon.handle), str(uuid.uuid4()))
    for who in OUTSIDERS:
        mine, none = people[who].get(theirs), people[who].get(nowhere)
        assert mine.status_code == none.status_code, who
        if mine.status_code == 404:
            same = mine.content.decode().replace(str(lisbon.handle), "…").replace(nowhere.split("/")[3], "…")
            other = none.content.decode().replace(nowhere.split("/")[3], "…")
            assert _without_nonce(same) == _without_nonce(other), who


def _without_nonce(page: str) -> str:
    """The page without what differs each time: tokens against forgery, and the stamp of when it was shown."""
    return "\n".join(line for line in page.splitlines() if not re.search(r"nonce|csrf|name=\"stamp\"", line))


@pytest.mark.parametrize("name", ["report", "report_consent", "report_withdraw", "person", "person_remove"])
def test_what_belongs_to_another_member_is_not_reached_through_one_s_own(name, people, lisbon):
    most = Member.objects.get(name="Most")
    crossed = address(name, lisbon).replace(str(lisbon.handle), str(most.handle))
    found = statuses(people["boris"], crossed)
    assert (set(found) <= {404, 405}, 404 in found) == (True, True)


# --- by link ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["reader", "sign-in", "invitation", "application", "referee"])
def test_a_link_opens_nothing_but_what_it_was_made_for(purpose):
    application = Application.objects.create(email="ana@example.org", language="pt")
    referee = Referee.objects.create(application=application, name="Rui", email="rui@example.org")
    for name, handle, right in (
        ("application", application.handle, "application"),
        ("referee", referee.handle, "referee"),
        ("invitation", application.handle, ""),
    ):
        token = links.sign(handle, purpose=purpose)
        found = Client().get(reverse(f"members:{name}", args=[token])).status_code
        assert (found == 200) == (purpose == right), (name, purpose)


# What the desk offers nobody: evidence is read-only, what has a way of its own has no other, and a member of the
# register is not deleted. Taking a report into an issue needs a right of the newsletter's too.
NEVER = [
    *(
        f"admin:members_{kind}_{deed}"
        for kind in ("application", "bankfile", "fee", "fieldpolicy", "fieldreport", "payment", "profilechange")
        for deed in ("add", "delete")
    ),
    "admin:members_member_delete",
    "admin:members_report_take",
]
# There is no such report of a bank file, and no logo in the change.
ELSEWHERE = {"admin:members_bank_report": (404, 404), "admin:members_profilechange_logo": (404, 404)}


# --- the desk --------------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(lisbon) -> dict[str, int]:
    """The number of a row of each kind, for addresses of the desk."""
    application = Application.objects.create(
        email="ana@example.org", language="pt", state="submitted", submitted_at=NOW, name="Casa", country="PT"
    )
    paper = Paper.objects.create(
        application=application, kind="statutes", file=shelf.keep(PDF, "application/pdf"), **_of_a_paper(Paper)
    )
    change = {"field": "name", "old": "Rua Aberta", "new": "Rua Muito Aberta"}
    made = {
        "application": application,
        "assembly": Assembly.objects.create(date=NOW.date()),
        "bankfile": BankFile.objects.create(name="x.xml", digest="0" * 64),
        "category": Category.objects.first(),
        "codeofconduct": make_code("2027"),
        "document": Document.objects.first(),
        "fee": make_fee(Member.objects.get(name="Most"), 2027, noted=NOW),
        "fieldpolicy": FieldPolicy.objects.first(),
        "fieldreport": FieldReport.objects.first(),
        "member": lisbon,
        "organisationtype": OrganisationType.objects.first(),
        "payment": Payment.objects.create(how="entered", amount=10, received_on=NOW.date()),
        "profilechange": ProfileChange.objects.create(member=lisbon, **change),
    }
    return {name: row.pk for name, row in made.items()} | {"paper": paper.handle}


def desk_address(name: str, route: str, rows: dict, lisbon: Member) -> str:
    """An address of the desk with the numbers of real rows in it."""
    kind = route.partition("desk/members/")[2].partition("/")[0]
    number = lisbon.memberships.values_list("pk", flat=True).first()
    contact = Contact.objects.get(email="invited@example.org").pk
    known = {
        "pk": lisbon.pk if name == "admin:members_fee_member" else rows[kind],
        "object_id": rows[kind],
        "number": contact if name.startswith("admin:members_contact_") else number,
        "handle": rows["paper"],
        "way": "up",
        "token": "x",
        "name": "ask" if kind == "application" else "x.png",
    }
    wanted = _arguments(name)
    return reverse(name, kwargs={key: known[key] for key in wanted})


@pytest.mark.parametrize("who", ["visitor", "amal", "stranger"])
def test_the_desk_is_not_there_for_members_and_visitors(who, people, lisbon, rows):
    for name, route in _desk():
        found = people[who].get(desk_address(name, route, rows, lisbon))
        assert (found.status_code, found.url.partition("?")[0]) == (302, "/en/desk/login/"), name


def test_a_trainee_without_rights_sees_and_does_nothing_of_it(people, lisbon, rows):
    for name, route in _desk():
        found = statuses(people["tariq"], desk_address(name, route, rows, lisbon))
        assert set(found) <= {403, 405}, (name, found)
        assert 403 in found, name


def test_the_secretariat_opens_every_page_of_it(people, lisbon, rows):
    closed = {}
    for name, route in _desk():
        found = statuses(people["carla"], desk_address(name, route, rows, lisbon))
        if not ({200, 302, 400} & set(found)):
            closed[name] = found
    assert closed == dict.fromkeys(NEVER, (403, 403)) | ELSEWHERE


# --- nothing is left out ---------------------------------------------------------------------------------------------


def test_every_address_of_members_is_in_this_table():
    names = {name.removeprefix("members:") for name, _route in _routes() if name.startswith("members:")}
    assert names == MINE.keys() | OPEN | BY_LINK


def _desk() -> list[tuple[str, str]]:
    found = [(name, route) for name, route in _routes() if name.startswith("admin:members_")]
    return [(name, route) for name, route in found if not name.endswith("delete_translation")]


def _routes(resolver=None, route="", space="") -> Iterator[tuple[str, str]]:
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            inner = f"{space}{one.namespace}:" if one.namespace else space
            yield from _routes(one, route + str(one.pattern), inner)
        else:
            yield f"{space}{one.name or ''}", route + str(one.pattern)


def _arguments(name: str) -> set[str]:
    route = next(route for found, route in _routes() if found == name)
    return set(re.findall(r"<\w+:(\w+)>", route))
