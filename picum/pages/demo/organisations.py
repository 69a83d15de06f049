"""The demo's members: organisations and people, as invented in the TOML files beside this one, and their years."""

import datetime
import random
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db.models import Model
from django.utils.text import slugify

from members import register, shelf
from members.images import clean_logo
from members.models import Category, DecidedBy, Kind, Member, Membership, OrganisationType, Shown
from members.slugs import free_slug
from picum.accounts.models import User
from picum.areas.models import Area, Right
from picum.pages.demo.drawings import logo
from picum.pages.demo.timeline import assembly_day, done_on, last_assembly

HERE = Path(__file__).parent
# How many of a hundred joined in which year, the last one first.
JOINING = (8, 6, 5, 7, 3, 6, 8, 4, 5, 7, 3, 2, 4, 3, 2, 4, 5, 3, 2, 3, 4, 6)
FULL = 200  # as many belong when all that is invented is made
_LATIN = str.maketrans({"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "ı": "i", "ħ": "h", "ß": "ss", "æ": "ae", "’": "-"})
_MORE_TONGUES = ["ar", "fr", "en", "es", "fa", "tr", "uk", "so", "ti", "zh", "ur", "pt", "ro", "bn"]
Ended = Membership.Ended


@dataclass
class Invented:
    """A member that is made: the row, and what the files say beside."""

    member: Member
    kind: str
    people: str  # whose names its contacts have
    texts: dict[str, str]


@cache
def read(name: str) -> dict:
    """One of the TOML files."""
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))


def latin(text: str) -> str:
    """For addresses: "Łąka i Prawo" becomes "laka-i-prawo"; "" where nothing of it is left."""
    return slugify(text.translate(_LATIN))


def make(number: int, *, dice: random.Random, today: datetime.date) -> list[Invented]:
    """Rows, descriptions, areas and rights, written in a handful of statements: as many members as belong to `number`,
    and those who have left. Nobody belongs yet."""
    share = min(1, number / FULL)
    types = {row.key: row for row in OrganisationType.objects.all()}
    some = _some(_organisations(), share, dice)
    told = [_organisation(*row, types=types, dice=dice, today=today) for row in some]
    told += [_person(*row, dice=dice, today=today) for row in _some(_individuals(), share, dice)]
    Member.objects.bulk_create(one.member for one in told)
    text = Member._parler_meta.root_model
    text.objects.bulk_create(
        text(master=one.member, language_code=code, description=words)
        for one in told
        for code, words in one.texts.items()
    )
    for model, name in ((Area, "areas"), (Right, "rights")):
        _give(told, model, name, dice)
    return told


def _some(rows: list[tuple], share: float, dice: random.Random) -> list[tuple]:
    """In any order, but those first without whom there is no demo; two at least."""
    first = read("organisations")["stories"]["first"]
    order = sorted(dice.sample(rows, len(rows)), key=lambda row: row[1][0] not in first)
    return order[: max(len(first), round(len(rows) * share))]


def _organisations() -> list[tuple]:
    return [(country, row) for country in read("organisations")["countries"] for row in country["organisations"]]


def _individuals() -> list[tuple]:
    return [(code, row) for code, rows in read("people")["individuals"].items() for row in rows]


def _organisation(
    country: dict, row: list[str], *, types: dict[str, OrganisationType], dice: random.Random, today: datetime.date
) -> Invented:
    name, acronym, city, type_key, level = row
    stories, texts = read("organisations")["stories"], read("descriptions").get(name, {})
    host = f"{_stem(name, acronym)}.example.org"
    language = _language(country["tongues"], city)
    in_directory = name not in stories["hidden"]
    member = Member(
        slug=free_slug(_stem(name, acronym)),
        name=name,
        acronym=acronym,
        country=country["code"],
        registration_number=f"{country['code']} {_digits('### ###', dice)}" if dice.random() < 0.7 else "",
        street=_street(country, city, dice),
        postcode=_digits(country["postcode"], dice),
        city=city,
        website=f"https://{host}" if dice.random() < 0.9 else "",
        email=f"info@{host}",
        telephone=_digits(country["telephone"], dice),
        type=types[type_key],
        level=level,
        language=language,
        languages=" ".join(sorted({*country["tongues"], *dice.sample(_MORE_TONGUES, dice.randint(1, 3))})),
        original_language=next(iter(texts), language),
        in_directory=in_directory,
        shown=Shown.values if name in stories["first"] else _shown(dice),
        open_data=in_directory and dice.random() < 0.5,
        **_confirmed(dice, today),
    )
    if name in stories["drawn"]:
        picture = clean_logo(logo(stories["drawn"].index(name)))
        member.logo = shelf.keep(picture.content, "image/png")
        member.logo_width, member.logo_height = picture.width, picture.height
    return Invented(member, Kind.ORGANISATION, country["people"], texts)


def _person(code: str, row: list[str], *, dice: random.Random, today: datetime.date) -> Invented:
    name, city = row
    country = next(one for one in read("organisations")["countries"] if one["code"] == code)
    member = Member(
        kind=Kind.PERSON,
        slug=free_slug(latin(name)),
        name=name,
        country=code,
        street=_street(country, city, dice),
        postcode=_digits(country["postcode"], dice),
        city=city,
        email=f"{latin(name)}@example.net",
        language=_language(country["tongues"], city),
        **_confirmed(dice, today),
    )
    return Invented(member, Kind.PERSON, country["people"], {})


def _stem(name: str, acronym: str) -> str:
    return latin(name) or latin(acronym)


def _language(tongues: Iterable[str], city: str) -> str:
    """Of correspondence. Two countries write in more than one."""
    there = {"Antwerpen": "nl", "Gent": "nl", "Mechelen": "nl", "Leuven": "nl", "Genève": "fr", "Lausanne": "fr"}
    there |= {"Fribourg": "fr", "Bellinzona": "it"}
    known = [code for code in tongues if code in dict(settings.LANGUAGES)]
    return there.get(city) or next(iter(known), "en")


def _street(country: dict, city: str, dice: random.Random) -> str:
    named = country.get("streets_in", {}).get(_language(country["tongues"], city), country["streets"])
    return _digits(dice.choice(named), dice)


def _digits(pattern: str, dice: random.Random) -> str:
    """Each # a digit. A house number does not begin with 0."""
    out = ""
    for letter in pattern:
        begins = not out or not out[-1].isalnum()
        out += str(dice.randint(1 if begins else 0, 9)) if letter == "#" else letter
    return out


def _shown(dice: random.Random) -> list[str]:
    """A third hides where it is and its telephone; nearly everybody shows the rest."""
    private = {Shown.ADDRESS, Shown.TELEPHONE} if dice.random() < 0.35 else set()
    return [what.value for what in Shown if what not in private and dice.random() < 0.94]


def _confirmed(dice: random.Random, today: datetime.date) -> dict[str, object]:
    """Most said within the year that their profile is right; others were reminded."""
    if dice.random() < 0.88:
        return {"confirmed_on": today - datetime.timedelta(days=dice.randint(3, 350))}
    return {
        "confirmed_on": today - datetime.timedelta(days=dice.randint(380, 800)),
        "reminded_on": today - datetime.timedelta(days=dice.randint(5, 45)),
        "reminders": dice.randint(1, 3),
    }


def _give(told: list[Invented], model: type[Model], name: str, dice: random.Random) -> None:
    """Areas, and rights: what goes with its type, and some more."""
    keys = dict(model.objects.values_list("key", "pk"))
    work, through = read("organisations")["work"], getattr(Member, name).through
    column = f"{model._meta.model_name}_id"
    rows = []
    for one in told:
        type_key = one.member.type.key if one.member.type else ""
        sure = [key for key in work.get(type_key, []) if key in keys]
        chosen = {*sure, *dice.sample(sorted(keys), dice.randint(1, 3))}
        rows += [through(member_id=one.member.pk, **{column: keys[key]}) for key in sorted(chosen)]
    through.objects.bulk_create(rows)


# --- their years ------------------------------------------------------------------------------------------------------


def admit_all(told: list[Invented], *, by: User, dice: random.Random, today: datetime.date) -> None:
    """Every June some are admitted, through the register; later some go, as the stories tell."""
    stories, latest = read("organisations")["stories"], last_assembly(today).year
    observer = _observer()
    categories = {row.for_whom: row for row in Category.objects.filter(key__in=["ordinary", "affiliated"])}
    joining: dict[int, list[Invented]] = {}
    for one in told:
        joining.setdefault(_joined(one.member.name, latest, dice), []).append(one)
    for year in sorted(joining):
        day = assembly_day(year)
        with done_on(day):
            for one in joining[year]:
                category = observer if one.member.name in stories["observers"] else categories[one.kind]
                _admit(one.member, category, day, by=by)
    members = {one.member.name: one.member for one in told}
    _ends(members, latest, by=by)
    _turns(members, categories[Kind.ORGANISATION], latest, by=by)


def _joined(name: str, latest: int, dice: random.Random) -> int:
    """The year. Many were there from the beginning, the last assembly admitted some, and whoever left was there long
    enough."""
    stories = read("organisations")["stories"]
    if name in stories["observers"]:
        return latest - 6
    if name in {*stories["first"], *stories["withdrawn"], *stories["terminated"], *stories["dissolved"]}:
        return latest - dice.randint(12, 16)
    if name == stories["came_back"]:
        return latest - 15
    return latest - dice.choices(range(len(JOINING)), JOINING)[0]


def _admit(member: Member, category: Category, day: datetime.date, *, by: User, **more) -> Membership:
    about = {"decided_by": DecidedBy.ASSEMBLY, "decided_on": day, "by": by}
    return register.admit(member, category, from_on=day, **about, **more)


def _ends(members: dict[str, Member], latest: int, *, by: User) -> None:
    """They withdraw to the end of a year, the assembly excludes, or there is nobody left."""
    stories = read("organisations")["stories"]
    for ago, name in enumerate(stories["withdrawn"]):
        _end(members.get(name), datetime.date(latest - 1 - ago % 8, 12, 31), Ended.WITHDRAWN, DecidedBy.MEMBER, by=by)
    for ago, name in enumerate(stories["terminated"]):
        _end(members.get(name), assembly_day(latest - 3 * ago), Ended.TERMINATED, DecidedBy.ASSEMBLY, by=by)
    for ago, name in enumerate(stories["dissolved"], 1):
        _end(members.get(name), datetime.date(latest - 3 * ago, 9, 30), Ended.DISSOLVED, DecidedBy.BOARD, by=by)


def _end(member: Member | None, day: datetime.date, why: str, ended_by: str, *, by: User) -> None:
    if member is None:  # a smaller demo
        return
    said_on = day - datetime.timedelta(days=70) if why == Ended.WITHDRAWN else day
    with done_on(said_on):
        running = member.memberships.get(until_on=None)
        register.end(running, until_on=day, why=why, ended_by=ended_by, ended_on=said_on, by=by)


def _turns(members: dict[str, Member], category: Category, latest: int, *, by: User) -> None:
    """Somebody comes back after years, somebody changes its category, and an entry was a mistake."""
    stories = read("organisations")["stories"]
    if back := members.get(stories["came_back"]):
        _end(back, datetime.date(latest - 9, 12, 31), Ended.WITHDRAWN, DecidedBy.MEMBER, by=by)
        with done_on(assembly_day(latest - 4)) as moment:
            first = back.memberships.get().joined_on
            wrong = _admit(back, category, moment.date(), by=by, joined_on=moment.date())
            register.strike(wrong, why="First joined earlier: see the entry before.", by=by, now=moment)
            _admit(back, category, moment.date(), by=by, joined_on=first)
    if other := members.get(stories["no_observer_any_more"]):
        with done_on(assembly_day(latest - 2)) as moment:
            running = other.memberships.get(until_on=None)
            register.change_category(running, category, from_on=moment.date(), decided_by=DecidedBy.ASSEMBLY, by=by)


def _observer() -> Category:
    """A category beside the two that a fresh site has: without vote and fee, and not open."""
    fields = {"for_whom": Kind.ORGANISATION, "position": 9, "fee_rule": Category.FeeRule.NONE, "is_open": False}
    category, is_new = Category.objects.get_or_create(key="observer", defaults=fields)
    if is_new:
        for code, name in read("organisations")["observer"].items():
            category.translations.create(language_code=code, name=name)
    return category
