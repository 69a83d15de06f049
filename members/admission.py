"""A member made of an application's answers: its profile, its signature, its people. For `members.applications`."""

import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from members import people
from members.models import (
    Application,
    Category,
    ContactRole,
    Kind,
    Level,
    Member,
    OrganisationType,
    Shown,
    Signature,
)
from members.register import NotPossible
from members.slugs import free_slug
from picum import localising
from picum.accounts.models import User
from picum.addresses import address_key
from picum.areas.models import Area, Right
from picum.letters import post

Role = ContactRole.Role
WELCOME = "members.welcome"
# Answers that go into the member's field of the same name as they are.
_SAME = (
    "acronym",
    "registration_number",
    "street",
    "postcode",
    "city",
    "website",
    "email",
    "telephone",
)


def check_category(application: Application, category: Category | None) -> None:
    """Raises NotPossible when there is no category, or it is for others."""
    if category is None:
        raise NotPossible(_("Please choose a category for %(name)s first.") % {"name": application})
    if category.for_whom != application.kind:
        raise NotPossible(_("The category “%s” is not for such a member.") % category)


def make_member(application: Application, *, on: datetime.date) -> Member:
    """The member, with what it answered and nothing else: the directory shows it, and of it, only what it agreed to.
    Nobody is told; the register is not touched."""
    answers, listed = application.answers, _agreed_to_be_listed(application)
    member = Member.objects.create(
        kind=application.kind,
        slug=free_slug(application.name),
        name=application.name,
        country=application.country,
        type=OrganisationType.objects.filter(key=answers.get("type") or "").first(),
        level=_one_of(Level.values, answers.get("level")),
        language=_language(application),
        languages=_codes(answers.get("languages")),
        original_language=application.language,
        in_directory=listed,
        shown=[what for what in Shown.values if what in answers.get("shown", [])] if listed else [],
        open_data=listed and bool(answers.get("open_data")),
        confirmed_on=localising.local_day(application.submitted_at),
        **{name: answers.get(name) or "" for name in _SAME},
    )
    member.translations.create(language_code=application.language, description=answers.get("description") or "")
    member.areas.set(Area.objects.filter(key__in=answers.get("areas") or []))
    member.rights.set(Right.objects.filter(key__in=answers.get("rights") or []))
    if application.code_id:
        signed_on = localising.local_day(application.code_signed_at or application.submitted_at)
        Signature.objects.create(
            member=member, code_id=application.code_id, signed_on=signed_on, by=application.code_signed_by
        )
    return member


def add_people(application: Application, member: Member, *, by: User, now: datetime.datetime) -> None:
    """The member contact, who gets the letter of welcome, and the treasurer, who may be the same person and is invited
    otherwise."""
    answers = application.answers
    email = answers.get("contact_email") or application.email
    treasurer = answers.get("treasurer_email") or ""
    is_one = bool(treasurer) and address_key(treasurer) == address_key(email)
    common = {"language": member.language, "by": by, "now": now}
    contact = people.add(
        member,
        name=answers.get("contact_name") or application.name,
        email=email,
        roles=[Role.CONTACT, Role.TREASURER] if is_one else [Role.CONTACT],
        position=answers.get("contact_position") or "",
        telephone=answers.get("contact_telephone") or "",
        letter=WELCOME,
        **common,
    )
    if contact.invited_at is None:  # the mailbox had many invitations today; a welcome it gets all the same
        post.put(WELCOME, to=contact.email, language=contact.language, now=now, contact=contact.pk)
    if treasurer and not is_one:
        name = answers.get("treasurer_name") or treasurer.partition("@")[0]
        people.add(member, name=name, email=treasurer, roles=[Role.TREASURER], **common)


def _agreed_to_be_listed(application: Application) -> bool:
    return application.kind == Kind.ORGANISATION and application.answers.get("in_directory") is True


def _language(application: Application) -> str:
    """Of correspondence, as answered."""
    return _one_of(dict(settings.LANGUAGES), application.answers.get("language")) or application.language


def _codes(value: object) -> str:
    """Languages as the member keeps them: "pt es ar"."""
    return " ".join(value) if isinstance(value, list) else value or ""


def _one_of(values: object, value: object) -> str:
    return value if value in values else ""
