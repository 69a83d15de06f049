"""The lists to download: members that agreed to stand in them, with what they show in the directory and nothing else.
What the fields mean is told in docs/directory.md; they may become more, and those that are there stay.
"""

import json

from members.directory import Directory
from members.models import Level
from members.public import PublicMember
from picum import csvfile, links, localising

COLUMNS = [
    *("page", "name", "acronym", "country_code", "country", "type", "level", "areas", "rights"),
    *("street", "postcode", "city", "email", "telephone", "website", "description", "description_language"),
]


def members(directory: Directory) -> list[PublicMember]:
    """Those of a directory that may be handed on."""
    return [member for member in directory.members if member.open_data]


def as_json(directory: Directory) -> str:
    """An object with "language" and "members". What is not shown is empty; where a thing has a key, it stands beside
    its name."""
    return json.dumps({"language": directory.language, "members": _told(directory)}, ensure_ascii=False)


def as_csv(directory: Directory) -> str:
    """A table for spreadsheets in the language of the directory: lists in a cell, with semicolons between."""
    rows = ([told[column] for column in COLUMNS] for told in map(_flat, _told(directory)))
    return csvfile.MARK + csvfile.written([COLUMNS, *rows], csvfile.delimiter())


def _told(directory: Directory) -> list[dict]:
    language, terms = directory.language, directory.terms
    # Asked for once: addresses of pages are made slowly, and there are hundreds.
    pages = links.page("members:directory", language=language)
    told = []
    for member in members(directory):
        text, text_language = member.text(language)
        told.append(
            {
                "page": f"{pages}{member.slug}/",
                "name": member.name,
                "acronym": member.acronym,
                "country": {"key": member.country, "name": localising.country_name(member.country, language)},
                "type": _term(member.type, terms.types),
                "level": {"key": member.level, "name": str(Level(member.level).label)} if member.level else None,
                "areas": [_term(key, terms.areas) for key in member.areas],
                "rights": [_term(key, terms.rights) for key in member.rights],
                "address": {"street": member.street, "postcode": member.postcode, "city": member.city},
                "email": member.email,
                "telephone": member.telephone,
                "website": member.website,
                "description": {"text": text, "language": text_language},
            }
        )
    return told


def _term(key: str, names: dict[str, str]) -> dict[str, str] | None:
    return {"key": key, "name": names.get(key, key)} if key else None


def _flat(told: dict) -> dict[str, object]:
    """The same by the names of COLUMNS."""
    names = {field: told[field]["name"] if told[field] else "" for field in ("country", "type", "level")}
    lists = {field: "; ".join(one["name"] for one in told[field]) for field in ("areas", "rights")}
    text = {"description": told["description"]["text"], "description_language": told["description"]["language"]}
    return told | told["address"] | names | lists | text | {"country_code": told["country"]["key"]}
