"""Numbers in a text, as each language writes them, made comparable: "1,846", "1.846" and "1 846" are one number.

Years, days, hours and the pieces of decimals ("2.5", "2,5") count one by one, so that "14:30", "14.30" and "14h30" are
the same. Which number stands where is not looked at, nor how often: what is wanted is the one that got lost.
"""

import re
from functools import lru_cache

from babel.dates import get_month_names

from picum import localising
from picum.localising import plain

_BLANK = "[\u00a0\u202f\u2009 ]"
_THOUSANDS = {"en": rf"(?:,|{_BLANK}|['’])"}
_THOUSANDS_ELSEWHERE = rf"(?:\.|{_BLANK}|['’])"
_AFTERNOON = re.compile(r"\b(\d{1,2})(?:[.:](\d\d))?\s*([ap])\.?m\b", re.IGNORECASE)
_RANGE = re.compile(r"\b((?:19|20)\d\d)\s*[-–/]\s*(\d\d)(?!\d)")
# A decade is a word: "the 1990s", "die 1990er", "los años 90", "jaren 90".
_DECADE = re.compile(
    r"\b(?:\d\d)?\d0(?:['’]?s\b|er\b)|\b(?:años|anni|années|anos|jaren)\s+['’]?(?:19|20)?\d0\b", re.IGNORECASE
)
_THOUSAND = re.compile(r"\b(\d+)\s*(?:mil\b|mila\b)", re.IGNORECASE)  # es, pt "2 mil"; it "20mila"
_DIGITS = re.compile(r"\d+")
# What is often said in words.
_IN_WORDS = {
    "en": "one|first,two|second,three|third,four|fourth,five|fifth,six|sixth,seven|seventh,eight|eighth,nine|ninth,"
    "ten|tenth,eleven|eleventh,twelve|twelfth|dozen",
    "de": "ein|erst,zwei|zweit,drei|dritt,vier,fünf,sechs,sieben|siebt,acht,neun,zehn,elf,zwölf|dutzend",
    "nl": "een|één|eerste,twee|tweede,drie|derde,vier,vijf,zes,zeven,acht,negen,tien,elf,twaalf|dozijn",
    "es": "un|primer,dos|segund,tres|tercer,cuatro|cuart,cinco|quint,seis|sext,siete|séptim,ocho|octav,nueve|noven,"
    "diez|décim,once,doce",
    "fr": "un|premi,deux|second,trois|troisi,quatr,cinq,six|sixi,sept,huit,neuf|neuvi,dix,onz,douz",
    "it": "un|prim,due|second,tre|terz,quattr|quart,cinque|quint,sei|sest,sette|settim,otto|ottav,nove|non,dieci|decim,"
    "undici,dodici",
    "pt": "um|uma|primeir,dois|duas|segund,três|terceir,quatro|quart,cinco|quint,seis|sext,sete|sétim,oito|oitav,"
    "nove|non,dez|décim,onze,doze",
}
_TENS = {
    "en": "twenty,thirty,forty,fifty,sixty,seventy,eighty,ninety,hundred,thousand",
    "de": "zwanzig,dreißig,vierzig,fünfzig,sechzig,siebzig,achtzig,neunzig,hundert,tausend",
    "nl": "twintig,dertig,veertig,vijftig,zestig,zeventig,tachtig,negentig,honderd,duizend",
    "es": "veinte|veintena,treinta,cuarenta,cincuenta,sesenta,setenta,ochenta,noventa,cien,mil",
    "fr": "vingt,trent,quarant,cinquant,soixant,soixante-dix,quatre-vingt,quatre-vingt-dix,cent,mille",
    "it": "venti|ventin,trent,quarant,cinquant,sessant,settant,ottant,novant,cent,mill",
    "pt": "vinte,trinta,quarenta,cinquenta,sessenta,setenta,oitenta,noventa,cem|cento,mil",
}


def of(words: str, language: str) -> dict[int, str]:
    """The numbers written in digits, each with how it is written first."""
    words = _DECADE.sub(" ", words)
    if language == "en":
        words = _AFTERNOON.sub(_in_24_hours, words)
    words = _RANGE.sub(lambda found: f"{found[1]} {found[1][:2]}{found[2]}", words)
    found: dict[int, str] = {}
    for number in _grouped(language).finditer(words):
        written = number[0]
        thousand = _THOUSAND.match(words, number.start()) if language in ("es", "it", "pt") else None
        found.setdefault(int("".join(_DIGITS.findall(written))) * (1000 if thousand else 1), written)
    found.pop(0, None)  # "14:00" is "14 Uhr"
    return found


def lacking(there: str, language: str, here: str, other: str) -> list[str]:
    """The numbers of one text, as written there, that another one in another language has neither in digits nor in
    another usual way: in words, as a month's name, as a Roman numeral."""
    ours, folded = of(here, other), plain(here)
    missing = [(number, written) for number, written in of(there, language).items() if number not in ours]
    return [written for number, written in missing if not _said(number, here, folded, other)]


def _said(number: int, words: str, folded: str, language: str) -> bool:
    if any(re.search(rf"\b{re.escape(form)}", folded) for form in _forms(number, language)):
        return True
    return number < 40 and re.search(rf"\b{_roman(number)}(?:e|er|ème|\.)?\b", words) is not None


@lru_cache
def _forms(number: int, language: str) -> tuple[str, ...]:
    """How the words begin that say a number: the number itself, and, of a month's, the month."""
    said = dict(enumerate(_IN_WORDS[language].split(","), 1))
    said |= dict(zip([*range(20, 110, 10), 1000], _TENS[language].split(","), strict=True))
    forms = said.get(number, "").split("|") if number in said else []
    if number <= 12:
        forms.append(get_month_names("wide", locale=localising.locale(language))[number])
    return tuple(plain(form) for form in forms)


def _roman(number: int) -> str:
    return "X" * (number // 10) + ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"][number % 10]


@lru_cache
def _grouped(language: str) -> re.Pattern:
    """A number with its thousands together; a blank groups only where it cannot be read otherwise."""
    return re.compile(rf"(?<!\d)\d{{1,3}}(?:{_THOUSANDS.get(language, _THOUSANDS_ELSEWHERE)}\d{{3}}(?!\d))+|\d+")


def _in_24_hours(time: re.Match) -> str:
    hour = int(time[1]) % 12 + (12 if time[3].lower() == "p" else 0)
    return f"{hour}:{time[2] or '00'}"
