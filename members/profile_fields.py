"""What a profile is made of: each field by its key; how it is read, written, and told in words.

Values are plain JSON, as `ProfileChange` keeps them: a text or a code, a list of keys, and for the logo
{"file", "width", "height"} or None. A text that there is in several languages has a key for each: "description:pt".
"""

from collections.abc import Mapping

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from members.models import Kind, Level, Member, OrganisationType
from picum import localising
from picum.accounts import meanwhile
from picum.alternates import LANGUAGES
from picum.areas.models import Area, Right

Value = str | list[str] | dict[str, str | int] | None
Values = Mapping[str, Value]

ADDRESS = ("street", "postcode", "city")
REACH = ("website", "email", "telephone")
# In the order of the page.
FIELDS = (
    *("name", "acronym", "country", "registration_number", *ADDRESS, *REACH),
    *("type", "level", "areas", "rights", "language", "languages", "original_language"),
    *("description", "logo"),
)
# Individual members are in no directory: what would only stand there is not asked of them.
OF_PEOPLE = ("name", "country", *ADDRESS, *REACH, "areas", "rights", "language", "languages")
_LISTS: dict[str, type[Model]] = {"areas": Area, "rights": Right}


class Gone(Exception):
    """The value names something that there is not any more, such as a type of organisation."""


def fields_of(member: Member) -> tuple[str, ...]:
    """The fields of a member's profile: of an organisation, or of a person."""
    return OF_PEOPLE if member.kind == Kind.PERSON else FIELDS


def keys_of(member: Member) -> set[str]:
    """The same, with a key for each language of a description."""
    fields = set(fields_of(member))
    if "description" in fields:
        fields |= {f"description:{language}" for language in LANGUAGES}
    return fields - {"description"}


def key_of(field: str, language: str) -> str:
    return f"{field}:{language}" if language else field


def apart(key: str) -> tuple[str, str]:
    """The field of a key and its language: ("description", "pt"), ("name", "")."""
    field, _colon, language = key.partition(":")
    return field, language


def label(key: str, language: str) -> str:
    """What the page calls a field, in a language that is active: "Name", "Description (Portuguese)"."""
    field, text_language = apart(key)
    model = Member._parler_meta.root_model if field == "description" else Member
    words = str(model._meta.get_field(field).verbose_name)
    words = words[:1].upper() + words[1:]
    return f"{words} ({localising.language_name(text_language, language)})" if text_language else words


# --- reading and writing ------------------------------------------------------------------------------------------


def read(member: Member) -> dict[str, Value]:
    """Every field of a profile as it is now. Four queries, fewer where the member came with them."""
    texts = {row.language_code: row.description for row in member.translations.all()}
    values: dict[str, Value] = {
        "country": str(member.country.code or ""),
        "type": member.type.key if member.type else "",
        "areas": sorted(area.key for area in member.areas.all()),
        "rights": sorted(right.key for right in member.rights.all()),
        "logo": {"file": member.logo, "width": member.logo_width, "height": member.logo_height}
        if member.logo
        else None,
    }
    values |= {f"description:{language}": texts.get(language, "") for language in LANGUAGES}
    return {key: values[key] if key in values else getattr(member, key) for key in keys_of(member)}


def write(member: Member, key: str, value: Value) -> None:
    """One field, as `read` would give it, and nothing else. Raises Gone."""
    field, language = apart(key)
    if field == "description":
        member.translations.update_or_create(language_code=language, defaults={"description": value})
    elif field in _LISTS:
        getattr(member, field).set(_named(_LISTS[field].objects.all(), value))
    elif field == "type":
        member.type = _named(OrganisationType.objects.all(), [value])[0] if value else None
        member.save(update_fields=["type"])
    elif field == "logo":
        logo = value or {"file": "", "width": 0, "height": 0}
        member.logo, member.logo_width, member.logo_height = logo["file"], logo["width"], logo["height"]
        member.save(update_fields=["logo", "logo_width", "logo_height"])
    else:
        setattr(member, field, value)
        member.save(update_fields=[field])


def _named(rows: QuerySet, keys: list[str]) -> list[Model]:
    found = list(rows.filter(key__in=keys))
    if len(found) != len(set(keys)):
        raise Gone
    return found


# --- telling ------------------------------------------------------------------------------------------------------


def fingerprint(value: Value) -> str:
    """The same for the same value; see `picum.accounts.meanwhile`."""
    return meanwhile.fingerprint(value["file"] if isinstance(value, dict) else value)


def in_words(key: str, value: Value, language: str) -> str:
    """A value as a person reads it, in a language that is active; "" is nothing. One query for what has names."""
    field, _language = apart(key)
    if not value:
        return ""
    match field:
        case "country":
            return localising.country_name(value, language)
        case "level":
            return str(Level(value).label) if value in Level.values else value
        case "language" | "original_language":
            return localising.language_name(value, language)
        case "languages":
            return ", ".join(localising.in_order(localising.language_name(code, language) for code in value.split()))
        case "type":
            return _names(OrganisationType.objects.all(), [value])
        case "areas" | "rights":
            return _names(_LISTS[field].objects.all(), value)
        case "logo":
            return _("a picture of %(width)d × %(height)d pixels") % value
    return value


def _names(rows: QuerySet, keys: list[str]) -> str:
    return ", ".join(str(row) for row in rows.filter(key__in=keys).prefetch_related("translations"))
