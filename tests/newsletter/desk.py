"""People at the desk, and their browsers. `carla` may do everything, `boris` edits but does not send, `amal` works
here and has no rights in the newsletter."""

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from picum.accounts.models import User

EDITING = ["view_issue", "change_issue", "add_issue", "view_item", "change_item", "add_item", "view_section",
           "change_section", "view_source", "change_source", "add_source", "delete_source"]  # fmt: skip


def carla() -> User:
    return User.objects.create_superuser("carla@example.org", "secret", name="Carla")


def boris() -> User:
    return _staff("boris@example.org", EDITING)


def amal() -> User:
    return _staff("amal@example.org", [])


def staff(*rights: str) -> User:
    """Dana works here and has these rights, by their codenames."""
    return _staff("dana@example.org", list(rights))


def at_the_desk(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(name: str, *args) -> str:
    """The address of a page of the desk in English: `page("issue_send", issue.pk)`."""
    with override("en"):
        return reverse(f"admin:newsletter_{name}", args=args)


def said(response) -> list[str]:
    """What the desk told the person on the page that followed."""
    return [str(message) for message in response.context["messages"]]


def _staff(email: str, permissions: list[str]) -> User:
    person = User.objects.create_user(email, "secret", is_staff=True)
    person.user_permissions.set(
        Permission.objects.filter(codename__in=permissions, content_type__app_label="newsletter")
    )
    return person
