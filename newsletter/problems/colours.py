"""Can the words of a mail be told from their ground? By the formula of WCAG 2.2 (1.4.3), in the light and in the dark.

A guard for those who change the mail's templates: it knows the colours and selectors that they use, and says so where
it meets others.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from newsletter.problems.seen import Element, Passage, Path, Seen

LEAST = 4.5  # for words of any size: stricter than what WCAG asks of large ones
LIGHT, DARK = "light", "dark"
# What programs show where a mail says nothing: words and ground.
PLAIN = {LIGHT: ("#000000", "#ffffff"), DARK: ("#ffffff", "#121212")}
LINK = {LIGHT: "#0000ee", DARK: "#9e9eff"}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_MEDIA = re.compile(r"@media([^{]*)\{((?:[^{}]*\{[^{}]*\})*[^{}]*)\}")
_COMPOUND = re.compile(r"([a-z][a-z0-9]*|\*)?((?:\.[\w-]+)*)", re.IGNORECASE)
_NAMES = {"white": "#ffffff", "black": "#000000"}
_GROUNDS = ("background", "background-color")


class Strange(ValueError):
    """A colour or a selector that cannot be judged; the message names it."""


@dataclass(frozen=True)
class Faint:
    """Words that are hard to tell from their ground."""

    words: str
    scheme: str
    ratio: float


@dataclass(frozen=True)
class Rule:
    """A rule that stays in the mail's style sheet, for one selector."""

    compounds: tuple[tuple[str, frozenset[str]], ...]  # the last one is the element's own
    values: dict[str, tuple[str, bool]]  # by property: value, whether it is important
    weight: tuple[int, int, int]  # classes, names, place in the sheet


def contrast(one: str, other: str) -> float:
    """Of two colours such as "#0b5f5c": 1 to 21. Raises Strange."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def faint(seen: Seen) -> list[Faint]:
    """Passages that can hardly be read, each way of standing once per scheme. Raises Strange."""
    standing: dict[Path, Passage] = {}
    for passage in seen.passages:
        standing.setdefault(passage.path, passage)
    ratios = _ratios(seen.sheet, tuple(standing))
    return [
        Faint(standing[path].words, scheme, ratio)
        for scheme in (LIGHT, DARK)
        for path, ratio in ratios[scheme].items()
        if ratio < LEAST
    ]


@lru_cache(maxsize=32)  # mails of the same template differ in few ways of standing, or in none
def _ratios(sheet: str, standing: tuple[Path, ...]) -> dict[str, dict[Path, float]]:
    """The contrast of each way in which words stand, unless nobody sees them, by scheme. Raises Strange."""
    shown = [path for path in standing if not any("display:none" in one.style.replace(" ", "") for one in path)]
    ratios: dict[str, dict[Path, float]] = {}
    for scheme in (LIGHT, DARK):
        rules, known = _rules(sheet, scheme), {}
        ratios[scheme] = {path: contrast(*_colours(path, rules, scheme, known)) for path in shown}
    return ratios


def _colours(path: Path, rules: list[Rule], scheme: str, known: dict[Path, tuple[str, str]]) -> tuple[str, str]:
    """Of the words of an element, and of what lies under them. `known`: those found before."""
    if not path:
        return PLAIN[scheme]
    if path not in known:
        element = path[-1]
        words, ground = _colours(path[:-1], rules, scheme, known)
        own = _value(element, path[:-1], rules, ("color",)) or (LINK[scheme] if element.name == "a" else None)
        under = _value(element, path[:-1], rules, _GROUNDS)
        known[path] = (
            words if own in {None, "inherit", "currentcolor"} else own,
            ground if under in {None, "inherit", "transparent", "none"} else under,
        )
    return known[path]


def _value(element: Element, around: Path, rules: list[Rule], names: tuple[str, ...]) -> str | None:
    """What wins of all that is said of an element: the important, its own style, the more special, the last."""
    said: list[tuple[bool, bool, tuple[int, int, int], str]] = []
    for name in names:
        for rule in rules:
            if name in rule.values and _matches(rule, element, around):
                value, important = rule.values[name]
                said.append((important, False, rule.weight, value))
        if name in (own := _declared(element.style)):
            value, important = own[name]
            said.append((important, True, (0, 0, 0), value))
    return max(said)[3] if said else None


def _matches(rule: Rule, element: Element, around: Iterable[Element]) -> bool:
    *before, last = rule.compounds
    if not _fits(last, element):
        return False
    for outer in reversed(list(around)):
        if before and _fits(before[-1], outer):
            before.pop()
    return not before


def _fits(compound: tuple[str, frozenset[str]], element: Element) -> bool:
    name, classes = compound
    return name in {"", "*", element.name} and classes <= set(element.classes)


def _rules(sheet: str, scheme: str) -> list[Rule]:
    """Of all widths: a narrow screen has no colours of its own."""
    found: list[Rule] = []
    places = count()
    for media, inside in _MEDIA.findall(_COMMENT.sub("", sheet)):
        if "prefers-color-scheme" in media and scheme not in media:
            continue
        for selectors, declarations in _RULE.findall(inside):
            values = {name: value for name, value in _declared(declarations).items() if name in {"color", *_GROUNDS}}
            if values:
                found += [_rule(selector, values, next(places)) for selector in selectors.split(",")]
    return found


def _rule(selector: str, values: dict[str, tuple[str, bool]], place: int) -> Rule:
    compounds = []
    for part in selector.split():
        known = _COMPOUND.fullmatch(part)
        if not known:
            raise Strange(selector.strip())
        compounds.append(((known[1] or "").lower(), frozenset(known[2].split(".")) - {""}))
    classes = sum(len(of) for _name, of in compounds)
    return Rule(tuple(compounds), values, (classes, sum(name not in {"", "*"} for name, _of in compounds), place))


def _declared(style: str) -> dict[str, tuple[str, bool]]:
    found = {}
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            bare = value.lower().replace("!important", "").strip()
            found[name.strip().lower()] = (bare, "!important" in value.lower())
    return found


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _parts(colour: str) -> tuple[int, int, int]:
    known = _NAMES.get(colour, colour)
    if re.fullmatch(r"#[0-9a-f]{3}", known):
        known = "#" + "".join(digit * 2 for digit in known[1:])
    if not re.fullmatch(r"#[0-9a-f]{6}", known):
        raise Strange(colour)
    return int(known[1:3], 16), int(known[3:5], 16), int(known[5:7], 16)
