"""People who left a member are let go after a time; the register and the accounts stay."""

import datetime

import pytest
from django.utils import timezone

from members import people
from members.former_people import LEFT, expire_contacts
from members.models import Contact, FieldReport
from picum.accounts import audit
from picum.accounts.models import AuditEntry, User
from tests.members.factories import make_contact, make_member

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LONG_AGO = (NOW - LEFT - datetime.timedelta(days=2)).date()


def old(user: User) -> User:
    User.objects.filter(pk=user.pk).update(joined_at=NOW - LEFT - datetime.timedelta(days=30))
    return user


def test_who_left_long_ago_is_let_go_with_account_and_name():
    member = make_member()
    amal = make_contact(member, "amal@example.org", left_on=LONG_AGO)
    make_contact(member, "boris@example.org", left_on=NOW.date())
    make_contact(member, "carla@example.org")
    FieldReport.objects.create(member=member, contact=amal, author_label="Amal", language="pt", title="t", text="t")
    audit.record("report.send", by=old(amal.user), on=member)
    assert expire_contacts(now=NOW) == 1
    assert list(Contact.objects.values_list("email", flat=True)) == ["boris@example.org", "carla@example.org"]
    assert not User.objects.filter(email="amal@example.org").exists()
    assert AuditEntry.objects.filter(action="report.send").values_list("actor", "actor_label").get() == (None, "")
    assert FieldReport.objects.get().contact is None


def test_who_acted_for_a_member_that_left_long_ago_is_let_go_too():
    gone, staying, lately = make_member(), make_member("Most"), make_member("Dach")
    for member, until_on in ((gone, LONG_AGO), (lately, NOW.date())):
        member.memberships.update(until_on=until_on, ended_why="withdrawn", ended_by="member", ended_on=until_on)
    for number, member in enumerate((gone, staying, lately, make_member("Kommt", joined=None))):
        make_contact(member, f"amal{number}@example.org")
    assert expire_contacts(now=NOW) == 1
    assert not Contact.objects.filter(member=gone).exists()


def test_no_name_is_left_where_somebody_changed_their_own_account_or_wrote_a_report():
    member = make_member()
    amal = make_contact(member, "amal@example.org", left_on=LONG_AGO)
    dora = make_contact(member, "dora@example.org")
    people.introduce(old(amal.user), name="Amal", language="pt")
    audit.record("user.password", by=amal.user, on=amal.user)
    words = {"language": "pt", "title": "t", "text": "t", "member": member}
    report = FieldReport.objects.create(contact=amal, author_label="Amal", **words)
    for name in ("Amal", "Dora"):
        report.entries.create(from_member=True, by_label=name)
    FieldReport.objects.create(contact=dora, author_label="Dora", **words)
    expire_contacts(now=NOW)
    trail = AuditEntry.objects.filter(action__startswith="user.")
    assert set(trail.values_list("action", "actor_label", "object_label")) == {
        ("user.introduce", "", ""),
        ("user.password", "", ""),
    }
    assert list(FieldReport.objects.order_by("pk").values_list("author_label", flat=True)) == ["", "Dora"]
    assert list(report.entries.order_by("pk").values_list("by_label", flat=True)) == ["", "Dora"]


@pytest.mark.parametrize("why", ["another seat", "staff", "used"])
def test_an_account_that_is_needed_stays(why):
    amal = make_contact(make_member(), "amal@example.org", left_on=LONG_AGO)
    user = old(amal.user)
    if why == "another seat":
        make_contact(make_member("Most"), "amal@example.org")
    elif why == "staff":
        User.objects.filter(pk=user.pk).update(is_staff=True)
    else:
        User.objects.filter(pk=user.pk).update(last_login=NOW)
    expire_contacts(now=NOW)
    assert User.objects.filter(pk=user.pk).exists()
