"""The Belgian structured communication (OGM/VCS): twelve digits that say what a payment is for.

Ten digits and their remainder by 97, where 97 stands for 0; written +++123/4567/89012+++. Febelfin's rules for it are
those of the banks' own fields; people type it into free text as well, and banks pass that on with or without its signs.
The creditor reference of ISO 11649 ("RF18…") is another thing, and so is a Belgian account's number, which has the same
check.
"""

import re

_PARTS = re.compile(r"[0-9]+|[^0-9]+")
# Between the digits of one communication: what people and banks put there, and no more of it than they do.
_BETWEEN = re.compile(r"[\s+*/.\-]{1,3}")
_SOMETHING_ELSE = re.compile(r"\b(?:BE[0-9]{2}(?: ?[0-9]{4}){3}|RF[0-9]{2}(?: ?[0-9]{4})*[0-9]*)", re.IGNORECASE)
LENGTH = 12
LONGEST = 2_000  # characters of free text that are looked at; a transfer carries 140


def make(number: int) -> str:
    """The twelve digits for a number of up to ten. Raises ValueError for any other."""
    if not 0 <= number < 10**10:
        raise ValueError(f"{number} has more than ten digits, or is negative.")
    return f"{number:010}{number % 97 or 97:02}"


def is_right(digits: str) -> bool:
    """Whether these are twelve digits, of which the last two are the check of the others."""
    return len(digits) == LENGTH and digits.isascii() and digits.isdigit() and make(int(digits[:10])) == digits


def written(digits: str) -> str:
    """As it is printed and typed: "123456789002" → "+++123/4567/89002+++"."""
    return f"+++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++"


def found(text: str) -> list[str]:
    """All communications in a text, each once, as digits: with or without their signs, cut into any groups.

    One in 97 numbers of twelve digits is taken for one by chance: whoever asks looks whether we gave it out.
    """
    parts = _PARTS.findall(_SOMETHING_ELSE.sub("|", text[:LONGEST]))
    starts = [place for place, part in enumerate(parts) if part.isdigit()]
    communications = (_from(parts, place) for place in starts)
    return list(dict.fromkeys(digits for digits in communications if is_right(digits)))


def _from(parts: list[str], place: int) -> str:
    """The digits from a group on, up to the group with the twelfth; more or fewer than twelve when it is none."""
    digits = parts[place]
    while len(digits) < LENGTH and place + 2 < len(parts) and _BETWEEN.fullmatch(parts[place + 1]):
        place += 2
        digits += parts[place]
    return digits
