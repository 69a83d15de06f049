"""Who can sign in to the demo, and how."""

import datetime
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, Permission

from members import invitations, people
from members.models import Member
from newsletter.translation import volunteers
from picum.accounts.models import User
from picum.pages.demo.organisations import read

FILE = "demo-password"
# What the secretariat of a small network works with.
# Who makes the newsletter with them: address, name, group, languages of who translates, and in words.
ROLES = [
    ("mira@example.org", "Mira Kovač", "Editors", "", "trainee who edits the newsletter, at the desk"),
    ("paul@example.org", "Paul Lambert", "Publishers", "", "sends the newsletter, at the desk"),
    ("rui@example.org", "Rui Tavares", "Translators", "pt", "volunteer in Lisbon who translates, at the desk"),
    ("greta@example.org", "Greta Lindqvist", "Translators", "de nl", "volunteer who translates, at the desk"),
]
APPS = ["members", "newsletter", "areas", "pages"]


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in, and what they are there."""

    user: User
    words: str


def password() -> str:
    """One for all of them: drawn once, for the demo may stand where others reach it, and kept in a file that only this
    user may read."""
    if not kept_password():
        _path().touch(mode=0o600)
        _path().write_text(secrets.token_urlsafe(9), encoding="utf-8")
    return kept_password()


def kept_password() -> str:
    """The password of the demo that was made here; "" when none was."""
    return _path().read_text(encoding="utf-8") if _path().exists() else ""


def _path() -> Path:
    return settings.VAR_DIR / FILE


def of_staff(*, hashed: str) -> list[Account]:
    """The secretariat, and a trainee who may come to the desk and do nothing there."""
    carla = _of_staff("carla@example.org", "Carla Vermeulen-Sá", hashed)
    carla.user_permissions.set(Permission.objects.filter(content_type__app_label__in=APPS))
    carla.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    tariq = _of_staff("tariq@example.org", "Tariq Benhaddou", hashed)
    return [
        Account(carla, "secretariat, at the desk"),
        *(_in_a_role(*one, hashed=hashed) for one in ROLES),
        Account(tariq, "trainee without rights, at the desk"),
    ]


def _in_a_role(email: str, name: str, group: str, languages: str, words: str, *, hashed: str) -> Account:
    user = _of_staff(email, name, hashed)
    user.groups.set([Group.objects.get(name=group)])
    if languages:
        volunteers.into_languages(user, languages.split(), by=None)
    return Account(user, words)


def _of_staff(email: str, name: str, hashed: str) -> User:
    fields = {"name": name, "password": hashed, "is_staff": True}
    return User.objects.update_or_create(email=email, defaults=fields)[0]


def of_members(members: dict[str, Member], *, hashed: str, by: User, now: datetime.datetime) -> list[Account]:
    """People of two organisations, invited and come as everybody comes, but for the password, which they get here."""
    accounts = []
    for one in read("people")["accounts"]:
        about = {field: one[field] for field in ("name", "email", "roles", "language", "position")}
        contact = people.add(members[one["member"]], by=by, now=now, **about)
        user = invitations.accept(contact, language=one["language"], now=now)
        User.objects.filter(pk=user.pk).update(password=hashed)
        accounts.append(Account(user, one["words"]))
    return accounts
