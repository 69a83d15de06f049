"""Names, dates and quotation marks as each language writes them (CLDR, by Babel). Asks nothing of the database."""

import datetime
import math
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent
from django.utils import timezone

# Babel's plain "en" and "pt" are American and Brazilian; our readers write "14 May 2026" and "Polónia".
_REGIONAL = {"en": "en_GB", "pt": "pt_PT"}
_QUOTES = {"de": "„“", "es": "«»", "fr": ("«\u00a0", "\u00a0»"), "it": "«»", "pt": "«»"}
# The signs of Latin, Greek, Cyrillic, Hebrew and Arabic that go with a letter, and letters that do not come apart.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f]+")
_LETTERS = {"æ": "ae", "ð": "d", "đ": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "þ": "th"}
_LETTER = re.compile(f"[{''.join(_LETTERS)}]")
_RIGHT_TO_LEFT = {"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}


@lru_cache
def locale(language: str) -> Locale:
    """The Babel locale of one of the languages of the site."""
    return Locale.parse(_REGIONAL.get(language, language))


def day(date: datetime.date, language: str) -> str:
    """ "14 May 2026", "14. Mai 2026"."""
    words = format_date(date, "long", locale=locale(language))
    # French counts the first of a month as an ordinal, and CLDR does not know it.
    return words.replace("1 ", "1er ", 1) if language == "fr" and date.day == 1 else words


def short_day(date: datetime.date, language: str) -> str:
    """ "14 May 2026", "14.05.2026": for tables."""
    return format_date(date, "medium", locale=locale(language))


@lru_cache(maxsize=2048)  # boards ask for hundreds
def near_day(date: datetime.date, language: str) -> str:
    """ "14 May", "14. Mai": where the year goes without saying."""
    words = format_skeleton("MMMd", date, locale=locale(language))
    return words.replace("1 ", "1er ", 1) if language == "fr" and date.day == 1 else words


def local_day(moment: datetime.datetime) -> datetime.date:
    """The day on which a moment falls for people here: in TIME_ZONE, whoever asks."""
    return timezone.localdate(moment, timezone.get_default_timezone())


def moment(when: datetime.datetime, language: str) -> str:
    """ "14 May 2026, 09:30": the clock of `when`'s own time zone, 24 hours everywhere."""
    return f"{day(when.date(), language)}, {when:%H:%M}"


def deadline(when: datetime.datetime, language: str) -> str:
    """ "14 May 2026, 09:30 CEST": by the clock of TIME_ZONE, whoever asks, and saying so."""
    local = timezone.localtime(when, timezone.get_default_timezone())
    return f"{moment(local, language)} {local:%Z}"


@lru_cache(maxsize=2048)  # lists of issues ask for all of ten years
def month(date: datetime.date, language: str) -> str:
    """ "May 2026", "mayo de 2026"."""
    return format_skeleton("yMMMM", date, locale=locale(language))


def quarter(date: datetime.date, language: str) -> str:
    """ "2nd quarter 2026", "2.º trimestre de 2026"."""
    return format_skeleton("yQQQQ", date, locale=locale(language))


def short_period(date: datetime.date, kind: str, language: str) -> str:
    """For the edge of a plot: "Sept 2026", "Q3 2026" or "1 Sept 2026", by a kind of `Issue.Period`."""
    skeleton = {"quarter": "yQQQ", "date": "yMMMd"}.get(kind, "yMMM")
    return format_skeleton(skeleton, date, locale=locale(language))


def number(value: float, language: str) -> str:
    """ "3,912", "3.912", "3 912"; decimals only where there are some."""
    return format_decimal(value, locale=locale(language))


def money(amount: Decimal, language: str) -> str:
    """Euro with cents, so that columns stand in line: "€1,250.00", "1.250,00 €"."""
    return format_currency(amount, "EUR", locale=locale(language))


def percent(value: float, language: str) -> str:
    """ "98.9%", "98,9 %", for 98.94. Near 0 and 100 as exact as is needed to tell it from them: "0.03%", "99.996%"."""
    rest = min(value, 100 - value)
    digits = "0" * (max(2, -math.floor(math.log10(rest))) if 0 < rest < 1 else 1) if rest else "#"
    return _percent(value, digits, language)


def round_percent(value: float, language: str) -> str:
    """A round number, for an axis: "0.5%", "10%"."""
    return _percent(value, "######", language)


def _percent(value: float, digits: str, language: str) -> str:
    pattern = locale(language).percent_formats[None].pattern.replace("#,##0", f"#,##0.{digits}")
    return format_percent(value / 100, pattern, locale=locale(language))


def language_name(code: str, language: str) -> str:
    """What a language is called in another: ("pt", "de") → "Portugiesisch"; the code itself when unknown."""
    return locale(language).languages.get(code, code)


@lru_cache(maxsize=2048)  # Babel looks it up anew each time, and lists ask for hundreds
def country_name(code: str, language: str) -> str:
    """What a country is called in a language: ("PL", "pt") → "Polónia"; the code itself when unknown."""
    return locale(language).territories.get(code, code)


def direction(language: str) -> str:
    """ "ltr" or "rtl": of any language with a code of two letters, not of the site's alone."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"


def quoted(words: str, language: str) -> str:
    """Words in the quotation marks of a language: ‘words’, „words“, «words»."""
    opening, closing = _QUOTES.get(language, "‘’")
    return f"{opening}{words}{closing}"


def in_order(names: Iterable[str]) -> list[str]:
    """Names in alphabetical order, accents aside, so that Österreich does not follow Zypern."""
    return sorted(names, key=lambda name: (plain(name), name))


def plain(words: str) -> str:
    """Words without accents and capitals, for finding and sorting: "Łódź" → "lodz"."""
    if words.isascii():
        return words.lower()
    letters = _MARKS.sub("", unicodedata.normalize("NFKD", words.casefold()))
    return _LETTER.sub(lambda found: _LETTERS[found[0]], letters)  # str.translate takes ten times as long
