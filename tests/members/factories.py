"""Small makers of real rows. What a test does not name gets a harmless value; nothing here is random."""

import datetime

from django.contrib.auth.models import Permission
from django.utils.text import slugify

from members import register
from members.models import (
    Application,
    Category,
    CodeOfConduct,
    Contact,
    ContactRole,
    DecidedBy,
    Kind,
    Member,
    OrganisationType,
)
from picum.accounts.models import User
from picum.addresses import address_key, normalise
from picum.areas.models import Area, Right

JOINED = datetime.date(2020, 5, 30)
Role = ContactRole.Role


def make_member(
    name="Rua Aberta",
    *,
    country="PT",
    category="affiliated",
    joined=JOINED,
    type="human-rights",
    areas=(),
    rights=(),
    description="",
    language="pt",
    **fields,
) -> Member:
    """An organisation in the directory that joined in 2020; `joined=None`: not admitted. `description` is in its own
    language, or texts by language."""
    fields = {"kind": Kind.ORGANISATION, "in_directory": True, "original_language": language} | fields
    if fields["kind"] == Kind.PERSON:
        fields["in_directory"], category, type = False, "ordinary" if category == "affiliated" else category, None
    member = Member.objects.create(
        name=name,
        slug=fields.pop("slug", slugify(name)),
        country=country,
        language=language,
        type=OrganisationType.objects.get(key=type) if type else None,
        **fields,
    )
    texts = description if isinstance(description, dict) else {language: description}
    for code, text in texts.items():
        member.translations.create(language_code=code, description=text)
    member.areas.set(Area.objects.filter(key__in=areas))
    member.rights.set(Right.objects.filter(key__in=rights))
    if joined:
        register.admit(
            member,
            Category.objects.get(key=category),
            from_on=joined,
            decided_by=DecidedBy.ASSEMBLY,
            decided_on=joined,
            by=None,
        )
    return member


def make_contact(member, email="amal@example.org", *roles, name="", user=True, language="pt", **fields) -> Contact:
    """Somebody of a member, in these roles (member contact, unless said otherwise), who has an account."""
    email = normalise(email)
    contact = Contact.objects.create(
        member=member,
        email=email,
        address_key=address_key(email),
        name=name or email.partition("@")[0].title(),
        language=language,
        user=make_user(email, language=language) if user else None,
        **fields,
    )
    for role in roles or [Role.CONTACT]:
        ContactRole.objects.create(contact=contact, role=role)
    return contact


def make_user(email="amal@example.org", *, staff=False, permissions=(), language="en", **fields) -> User:
    """An account; `permissions` as "members.change_member". The password is "correct horse battery"."""
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(
            email, "correct horse battery", name=email.partition("@")[0].title(), language=language, **fields
        )
    if staff:
        User.objects.filter(pk=user.pk).update(is_staff=True)
        user.is_staff = True
    for permission in permissions:
        app, _dot, codename = permission.partition(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return user


def make_code(version="2026", day=datetime.date(2026, 1, 1)) -> CodeOfConduct:
    code = CodeOfConduct.objects.create(version=version, in_force_from=day)
    code.translations.create(language_code="en", text="We respect the people with whom we work.")
    return code


SUBMITTED = datetime.datetime(2026, 3, 2, 9, 0, tzinfo=datetime.UTC)
ANSWERS = {
    "name": "Casa do Mar",
    "acronym": "CDM",
    "country": "PT",
    "registration_number": "PT 501 234 567",
    "street": "Rua do Porto 5",
    "postcode": "1100-001",
    "city": "Lisboa",
    "website": "https://casadomar.example",
    "email": "info@casadomar.example",
    "telephone": "+351 21 000 00 00",
    "type": "migrants-rights",
    "level": "national",
    "areas": ["advocacy"],
    "rights": ["health-care", "legal-aid"],
    "language": "pt",
    "languages": "pt ar",
    "description": "Apoiamos pessoas sem documentos.",
    "contact_name": "Joana Mar",
    "contact_email": "joana@casadomar.example",
    "contact_position": "Coordenadora",
    "contact_telephone": "+351 21 000 00 01",
    "treasurer_name": "Tiago Conta",
    "treasurer_email": "tiago@casadomar.example",
    "why": "Queremos trabalhar em rede.",
    "in_directory": True,
    "shown": ["website", "work"],
    "open_data": False,
    "newsletter": False,
}


def make_application(name="Casa do Mar", *, state="submitted", country="PT", answers=(), **fields) -> Application:
    """An organisation in Lisbon that applied in Portuguese in March 2026; `answers` are those that differ."""
    fields = {"email": "joana@casadomar.example", "language": "pt", "state_since": SUBMITTED} | fields
    fields = {"submitted_at": None if state == "draft" else SUBMITTED} | fields
    answers = ANSWERS | {"name": name, "country": country} | dict(answers)
    return Application.objects.create(name=name, country=country, state=state, answers=answers, **fields)
