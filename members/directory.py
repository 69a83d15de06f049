"""The public directory, read side: who is found by which filters, by country, with counts; where pins stand on the map.

Everything is reckoned from what the public may see (`members.public`), so that no filter, count or search tells what a
member does not show: who hides its work is not found by its areas.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from urllib.parse import urlencode

from members import geography, public
from members.public import PublicMember, Terms
from picum import localising

LONGEST = 100  # characters of a filter; whoever sends more is no visitor
# The words of hundreds of members take longer than all else; what they come to depends on nothing but themselves.
_plain = lru_cache(maxsize=4096)(localising.plain)

VALUES: dict[str, Callable[[PublicMember], Iterable[str]]] = {
    "country": lambda member: [member.country],
    "type": lambda member: [member.type] if member.type else [],
    "area": lambda member: member.areas,
    "right": lambda member: member.rights,
}


@dataclass(frozen=True)
class Choice:
    """What a visitor looks for: a value of each filter, "" for any, and words."""

    country: str = ""
    type: str = ""
    area: str = ""
    right: str = ""
    q: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Choice":
        """From the query of an address. A value that there is not finds nothing."""
        told = {one.name: asked.get(one.name, "").strip()[:LONGEST] for one in fields(cls)}
        return cls(**told | {"country": told["country"].upper()})

    @property
    def made(self) -> dict[str, str]:
        """The filters in use."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name))}

    @property
    def query(self) -> str:
        """Its part of an address: "?country=PT&q=casa", or ""."""
        return f"?{urlencode(self.made)}" if self.made else ""

    def but(self, **values: str) -> "Choice":
        return replace(self, **values)


@dataclass(frozen=True, slots=True)
class Option:
    """A value of a filter, and how many members it leaves beside the other filters; `query` is the address of that."""

    value: str
    name: str
    number: int
    chosen: bool
    query: str


@dataclass(frozen=True, slots=True)
class Country:
    """A country's members, by name."""

    code: str
    name: str
    members: list[PublicMember]


@dataclass(frozen=True, slots=True)
class Directory:
    """What a choice comes to. `countries` are in the order of their names in the language; so are the options of the
    filter "country", those of the others in their own order."""

    choice: Choice
    language: str
    terms: Terms
    countries: list[Country]
    number: int
    options: dict[str, list[Option]]

    @property
    def members(self) -> list[PublicMember]:
        return [member for country in self.countries for member in country.members]

    def named(self, name: str) -> str:
        """What a visitor calls the value they chose of a filter."""
        value = getattr(self.choice, name)
        return next((option.name for option in self.options.get(name, ()) if option.chosen), value)


def look(choice: Choice, language: str, *, on: datetime.date, texts: bool = False) -> Directory:
    """The directory on a day, as a visitor who reads a language finds it. Three queries; four to search in
    descriptions, or with them (`texts`)."""
    everybody = public.listed(on=on, languages=[language] if texts or choice.q else ())
    terms = public.terms(language)
    fails = _tests(choice, language)
    failed = [(member, {name for name, fail in fails.items() if fail(member)}) for member in everybody]
    found = [member for member, why in failed if not why]
    options = {
        # What the other filters leave.
        name: _options(name, [member for member, why in failed if why <= {name}], choice, terms, language)
        for name in VALUES
    }
    return Directory(choice, language, terms, _by_country(found, language), len(found), options)


def _tests(choice: Choice, language: str) -> dict[str, Callable[[PublicMember], bool]]:
    """By filter, what tells that a member is not looked for."""
    tests: dict[str, Callable[[PublicMember], bool]] = {
        name: lambda member, name=name, value=value: value not in VALUES[name](member)
        for name, value in choice.made.items()
        if name in VALUES
    }
    if words := localising.plain(choice.q).split():
        tests["q"] = lambda member: not _has(member, words, language)
    return tests


def _has(member: PublicMember, words: Iterable[str], language: str) -> bool:
    """Whether all words are found in what is shown of a member: in any case, with accents or without."""
    country = localising.country_name(member.country, language)
    told = "\n".join(map(_plain, (member.name, member.acronym, member.city, country, *member.texts.values())))
    return all(word in told for word in words)


def _options(name: str, members: Iterable[PublicMember], choice: Choice, terms: Terms, language: str) -> list[Option]:
    """The values of a filter that some of these members have, and the one that is chosen, whatever it is."""
    numbers = Counter(value for member in members for value in VALUES[name](member))
    chosen = getattr(choice, name)
    if name == "country":
        names = _countries({*numbers, chosen} - {""}, language)
    else:
        known: dict[str, str] = getattr(terms, f"{name}s")
        names = {key: known[key] for key in known if key in numbers or key == chosen}
        names |= {chosen: chosen} if chosen and chosen not in known else {}
    return [
        Option(value, words, numbers[value], value == chosen, choice.but(**{name: value}).query)
        for value, words in names.items()
    ]


def _countries(codes: Iterable[str], language: str) -> dict[str, str]:
    """Names of countries by their codes, in alphabetical order."""
    names = {localising.country_name(code, language): code for code in sorted(codes)}
    return {names[name]: name for name in localising.in_order(names)}


def _by_country(members: Iterable[PublicMember], language: str) -> list[Country]:
    found: dict[str, list[PublicMember]] = {}
    for member in sorted(members, key=lambda member: (localising.plain(member.name), member.name, member.slug)):
        found.setdefault(member.country, []).append(member)
    return [Country(code, name, found[code]) for code, name in _countries(found, language).items()]


# --- the map ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Marked:
    """A pin, and what it stands for."""

    pin: geography.Pin
    country: Option


@dataclass(frozen=True, slots=True)
class Drawing:
    """A map with the countries of a directory: their shapes, the one that is chosen, all other land as one path."""

    view: geography.View
    marks: list[Marked]
    ours: list[geography.Shape]
    chosen: list[geography.Shape]
    others: str


def drawings(directory: Directory) -> list[Drawing]:
    """The maps that show where the members are that the other filters leave: Europe, and beyond if there are any."""
    countries = {option.value: option for option in directory.options["country"] if option.number}
    found = []
    for drawn in geography.maps(countries):
        ours = [shape for shape in drawn.view.shapes if shape.code in countries]
        others = "".join(shape.d for shape in drawn.view.shapes if shape.code not in countries)
        chosen = [shape for shape in ours if countries[shape.code].chosen]
        marks = [Marked(pin, countries[pin.code]) for pin in drawn.pins]
        found.append(Drawing(drawn.view, marks, [shape for shape in ours if shape not in chosen], chosen, others))
    return found
