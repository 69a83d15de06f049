"""People in the roles that the migrations make."""

from importlib import import_module
from types import SimpleNamespace

from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

from newsletter.models import Translator
from picum.accounts.models import User

MIGRATIONS = ["newsletter.migrations.0012_roles", "members.migrations.0002_secretariat"]


def make_roles() -> None:
    """The groups, as after all migrations: a test may run without, and one before it may have emptied the tables."""
    for name in MIGRATIONS:
        import_module(name).make(apps, SimpleNamespace(connection=connection))


def somebody_of(*roles: str, email: str, languages: str = "") -> User:
    """Staff in these roles; who translates, into these languages."""
    make_roles()
    person = User.objects.create_user(email, "secret", name=email.partition("@")[0].title(), is_staff=True)
    person.groups.set(Group.objects.filter(name__in=roles))
    if languages:
        Translator.objects.create(user=person, languages=languages)
    return person


def ines() -> User:
    """Translates into Portuguese."""
    return somebody_of("Translators", email="ines@example.org", languages="pt")


def boris() -> User:
    """An editor."""
    return somebody_of("Editors", email="boris@example.org")


def dora() -> User:
    """A publisher."""
    return somebody_of("Publishers", email="dora@example.org")


def rui() -> User:
    """Looks after the readers."""
    return somebody_of("Readers' desk", email="rui@example.org")
