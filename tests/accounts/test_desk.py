"""People at the desk: who gave whom which rights stands in the trail."""

import pytest
from django.urls import reverse

from picum.accounts.models import AuditEntry, User
from tests.newsletter.desk import amal, at_the_desk, carla

pytestmark = pytest.mark.django_db


def trail() -> list[tuple]:
    fields = ("action", "actor_label", "object_label", "data")
    return list(AuditEntry.objects.order_by("pk").values_list(*fields))


def test_adding_changing_and_deleting_a_person_leaves_a_line_each():
    client = at_the_desk(carla())
    words = {"email": "Dora@example.org", "language": "nl", "usable_password": "true"}
    client.post(
        reverse("admin:accounts_user_add"), words | {"password1": "long-enough-1", "password2": "long-enough-1"}
    )
    dora = User.objects.get(email="dora@example.org")
    change = {"email": dora.email, "language": "nl", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    client.post(reverse("admin:accounts_user_change", args=[dora.pk]), change)
    client.post(reverse("admin:accounts_user_delete", args=[dora.pk]), {"post": "yes"})
    rights = {"active": True, "staff": True, "superuser": True, "groups": [], "permissions": []}
    assert trail() == [
        ("user.add", "Carla", "dora@example.org", {}),
        ("user.change", "Carla", "dora@example.org", rights),
        ("user.delete", "Carla", "dora@example.org", {}),
    ]


def test_a_new_password_for_somebody_else_leaves_a_line_without_the_password():
    person = amal()
    address = reverse("admin:auth_user_password_change", args=[person.pk])
    words = {"usable_password": "true", "password1": "long-enough-1", "password2": "long-enough-1"}
    assert at_the_desk(carla()).post(address, words).status_code == 302
    assert [line[:3] for line in trail()] == [("user.change", "Carla", "amal@example.org")]
    assert "long-enough-1" not in str(trail())


def test_who_signs_in_without_a_way_back_lands_at_the_desk(client):
    carla()
    answer = client.post(
        reverse("admin:login"), {"username": "carla@example.org", "password": "secret", "next": "//elsewhere.example/"}
    )
    assert (answer.status_code, answer.url) == (302, reverse("admin:index"))
