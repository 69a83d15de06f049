"""Names that stand in one text and not in its translation: people, organisations, places, acronyms.

Few false alarms matter more than finding all. What is taken for a name is a word with a capital in the middle of a
sentence, without an article or the like before it: "the Criminal Code" and "el Ministerio del Interior" are translated
and not copied, "the lawyer Nayra Belmonte" is a person. In German every noun has a capital and nothing is learnt from
it: from German, the names of the translation are looked for in the source instead; a name that was mistyped or invented
shows there as well.

A name counts as found where the other text has it as it is, with another ending ("Marokkos"), in a form of its own
("London", "Londres"), or as the translation of a country, a city, a language or an institution that we know.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache
from itertools import islice

from babel.dates import get_day_names, get_month_names

from picum import localising
from picum.localising import plain

Run = list[str]  # words with capitals that follow one another: "Nayra Belmonte Ojeda"
_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_ACRONYM = re.compile(r"\b[A-ZÀ-Þ][A-ZÀ-Þ0-9]*[A-ZÀ-Þ](?:[-/][A-ZÀ-Þ]{2,})*\b")
# What stands before a name that is translated.
_ARTICLES = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the a an this that these its their our his her every each all any some of for and",
        "nl": "de het een deze dit die dat het haar zijn hun ons onze elke ieder van der den en",
        "es": "el la los las un una del al lo su sus este esta cada de y e",
        "fr": "le la les l un une du des au aux d ce cet cette son sa ses leur leurs de et",
        "it": "il lo la i gli le l un uno una del dello della dei degli delle dell al allo alla ai agli alle all dal "
        "dalla dall nel nella nell sul sulla sull suo sua ogni di d e ed",
        "pt": "o a os as um uma do da dos das no na nos nas ao aos à às pelo pela num numa seu sua cada de e",
    }.items()
}
# Acronyms of three letters and more that each language has its own for, or spells out; nobody loses sight of these.
_USUAL = """
    ONU UNO USA EEUU EUA NGO ONG NRO OSC MEP UNHCR ACNUR HCR OHCHR ACNUDH HCDH OIM IOM ILO OIT IAO BIT WHO OMS WGO
    CJEU ECJ TJUE CJUE CGUE ECHR CEDH TEDH CEDU EASO EUAA AUEA OSCE OSZE OVSE OCSE VAT IVA TVA BTW AIDS SIDA HIV VIH
    NATO OTAN PDF SMS COVID LGBT GDPR RGPD DSGVO AVG
"""
# Words that have a capital where an office or a law is meant, and are translated.
_OFFICES = {
    code: frozenset(words.split())
    for code, words in {
        "en": "act agency article assembly association board charter code commission commissioner committee conference "
        "constitution convention council court day decree department directive directorate director forum fund "
        "government high home house institute internet law minister ministry national newsletter office parliament "
        "police president programme protocol regulation report republic right section senate state states street "
        "supreme treaty tribunal union united university",
        "nl": "artikel bureau commissie commissaris dienst directie gemeente gerecht gerechtshof gezondheid grondwet "
        "hoge hof internet kamer koninklijk ministerie minister nieuwsbrief parlement raad recht rechtbank regering "
        "richtlijn staat staten unie universiteit verdrag verenigde verordening wet wetboek werk",
        "es": "agencia alto artículo asamblea ayuntamiento boletín carta código comisaría comisario comisión comité "
        "congreso consejo constitución convenio corte defensor derecho directiva estado estados fiscalía fondo "
        "gobierno instituto internet ley ministerio ministra ministro nacional naciones oficina parlamento "
        "presidente presidenta real reglamento senado supremo tratado tribunal unidas unión universidad",
        "fr": "agence alliance assemblée article charte code comité commissariat commission conseil constitution "
        "convention cour cours défenseur défenseure directive état états fonds gouvernement haut haute hôtel "
        "institut internet loi maison ministère ministre nations office parlement préfecture président présidente "
        "règlement république sénat traité tribunal union unies université",
        "it": "agenzia alto articolo assemblea camera carta codice comitato commissario commissione comune conferenza "
        "consiglio convenzione corte costituzione direttiva fondo garante governo internet istituto legge ministero "
        "ministra ministro nazionale nazioni paese paesi parlamento prefettura presidente questura regione "
        "regolamento repubblica senato stati stato suprema trattato tribunale ufficio unione unite università",
        "pt": "agência alto artigo assembleia boletim câmara carta código comissão comissário comité comissariado "
        "conselho constituição convenção direção diretiva estado estados fundo governo instituto internet lei "
        "ministério ministra ministro nacional nações parlamento país presidente provedor provedora regulamento "
        "república senado supremo tratado tribunal unidas união universidade",
    }.items()
}
# Names that are looked for in one text, and words that one of them is compared with: ten times what the longest item
# has. Whoever pastes a telephone book is answered at once, too.
MOST, NEAR = 300, 20
_OPENS = re.compile(r"[.:;!?…«„“‘\"»–—(¿¡\[/]")


def lacking(
    there: Iterable[str], language: str, here: Iterable[str], other: str, *, known: Iterable[str] = ()
) -> list[str]:
    """Names in the sentences `there` that those `here`, in another language, lack. `known`: names that have their own
    translations, such as institutions; they are not looked for."""
    sentences, found = list(there), _Text(" ".join(here), other)
    missing = [name for name in _acronyms(sentences) if not found.has_acronym(name)]
    if language != "de":
        usual = _not_looked_for(language) | {plain(word) for name in known for word in _WORD.findall(name)}
        for run in _runs(sentences, language):
            missing += _places_missing(run, language, found)
            missing += _missing([word for word in run if not _is_usual(plain(word), usual, language)], found)
    return list(dict.fromkeys(missing))


def _missing(run: Run, found: "_Text") -> list[str]:
    """Who is called by two names is the same person by one of them; but then the other one has to be spelled so."""
    there = [found.has(word) for word in run]
    if any(there):
        return [word for word, is_there in zip(run, there, strict=True) if not is_there and found.misspells(word)]
    return [] if not run or any(found.has_like(word) for word in run) else [" ".join(run)]


# --- what is a name -------------------------------------------------------------------------------------------------


def _acronyms(sentences: list[str]) -> list[str]:
    """FRONTEX, ECRE; none of a sentence all in capitals."""
    there = [name for one in sentences if not one.isupper() for name in _ACRONYM.findall(one)]
    usual = set(_USUAL.split())
    return [name for name in dict.fromkeys(there) if len(name) > 2 and name not in usual][:MOST]


def _runs(sentences: list[str], language: str) -> list[Run]:
    found = (tuple(run) for one in sentences if not _is_headline(one) for run in _runs_of(one, language))
    return [list(run) for run in islice(dict.fromkeys(found), MOST)]


def _runs_of(sentence: str, language: str) -> list[Run]:
    """Without the words that would have a capital anyway, and without what follows an article."""
    runs: list[Run] = []
    run: Run | None = None  # while words with capitals go on
    before, last = "", 0
    for word in _WORD.finditer(sentence):
        between, last = sentence[last : word.start()], word.end()
        if not word[0][0].isupper() or word[0].isupper():
            run = None
        elif run is not None and between.isspace():
            run.append(_without_s(word[0], language))
        elif not before or _OPENS.search(between):
            run = []
            runs.append(run)
        else:
            run = [_without_s(word[0], language)]
            if plain(before) not in _ARTICLES.get(language, ()):
                runs.append(run)
        before = word[0]
    return [run for run in runs if run]


def _without_s(word: str, language: str) -> str:
    return re.sub(r"[’']s?$", "", word) if language in ("en", "nl") else word


def _is_headline(sentence: str) -> bool:
    """Titles In Which Every Word Has a Capital say nothing about names."""
    long_ones = [word for word in _WORD.findall(sentence) if len(word) > 3]
    return len(long_ones) > 4 and sum(word[0].isupper() for word in long_ones) > 0.6 * len(long_ones)


# --- what everybody knows ---------------------------------------------------------------------------------------------


@lru_cache
def _not_looked_for(language: str) -> frozenset[str]:
    """Languages, months, weekdays, offices, countries and big cities: each language has its own word for them."""
    known = localising.locale(language)
    names = [*known.languages.values(), *get_month_names(locale=known).values(), *get_day_names(locale=known).values()]
    names += [*_places(language).values(), *_OFFICES.get(language, ())]
    return frozenset(plain(word) for name in names for word in _WORD.findall(name) if len(word) > 2)


@lru_cache
def _beginnings(language: str) -> frozenset[str]:
    """Of the names of countries and languages: "Moroccan" and "Marokkaanse" are no names of their own."""
    known = localising.locale(language)
    names = [plain(name) for name in [*known.territories.values(), *known.languages.values()]]
    return frozenset(name[:4] for name in names if len(name) > 4)


def _is_usual(word: str, usual: frozenset[str], language: str) -> bool:
    if all(part in usual for part in word.split("-")):
        return True
    return language in ("en", "nl") and len(word) > 4 and word[:4] in _beginnings(language)


@lru_cache
def _places(language: str) -> dict[str, str]:
    """Countries and the big cities of the time zones (CLDR), by their keys."""
    known = localising.locale(language)
    countries = {code: name for code, name in known.territories.items() if len(code) == 2 and code.isalpha()}
    cities = {zone: zone.rpartition("/")[2].replace("_", " ") for zone in localising.locale("en").time_zones}
    return countries | cities | {zone: names["city"] for zone, names in known.time_zones.items() if "city" in names}


@lru_cache
def _keys_of_places(language: str) -> dict[str, str]:
    return {plain(name): key for key, name in _places(language).items() if name.isalpha()}


def _places_missing(run: Run, language: str, found: "_Text") -> list[str]:
    """Countries and cities of one word in both languages; "polnischen" says Poland as well."""
    missing = []
    for word in run:
        key = _keys_of_places(language).get(plain(word))
        name = _places(found.language).get(key or "", "")
        if name.isalpha() and not any(found.has_like(one) for one in (word, name)):
            missing.append(word)
    return missing


# --- is it there ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Text:
    words: str
    language: str

    @cached_property
    def folded(self) -> str:
        return plain(self.words)

    @cached_property
    def _all(self) -> list[str]:
        return list(dict.fromkeys(_WORD.findall(self.words)))

    @cached_property
    def _acronyms(self) -> list[str]:
        return list(dict.fromkeys(_ACRONYM.findall(self.words)))[:MOST]

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        return frozenset(plain(word)[:4] for word in self._all)

    @cached_property
    def _sounds(self) -> frozenset[tuple[bool, str]]:
        """How the words sound, each with whether it has a capital: of one that has, less must be alike."""
        return frozenset((cap, _bones(word)[: 2 if cap else 3]) for word in self._all for cap in [word[0].isupper()])

    @cached_property
    def _by_ends(self) -> dict[str, list[str]]:
        """Words with a capital by their first and by their last two letters: a slip leaves one of them as it was."""
        found: dict[str, list[str]] = defaultdict(list)
        for word in (plain(word) for word in self._all if word[0].isupper()):
            for end in (f"{word[:2]}-", f"-{word[-2:]}"):
                found[end].append(word)
        return found

    def has(self, name: str) -> bool:
        """As it is, or with an ending."""
        return plain(name) in self.folded

    def has_like(self, name: str) -> bool:
        """In a form of its own: "Andalusian" and "andaluz" begin alike; "Munich" and "München" sound alike."""
        letters, bones = plain(name)[:4], _bones(name)
        if self.has(name) or (len(letters) == 4 and letters in self._beginnings):
            return True
        return len(bones) > 1 and not self._sounds.isdisjoint({(True, bones[:2]), (False, bones[:3])})

    def misspells(self, name: str) -> bool:
        """Is there a word that is nearly it, but not quite?"""
        letters = plain(name)
        near = [word for end in (f"{letters[:2]}-", f"-{letters[-2:]}") for word in self._by_ends.get(end, [])[:NEAR]]
        return len(name) > 4 and any(
            SequenceMatcher(None, letters, word).ratio() >= 0.8 for word in near if abs(len(word) - len(letters)) < 3
        )

    def has_acronym(self, name: str) -> bool:
        """As it is ("Frontex" too), or its letters in another order or nearly: IOM, OIM; OSCE, OSZE."""
        if re.search(rf"\b{re.escape(plain(name))}", self.folded):
            return True
        return any(_alike(name, other) for other in self._acronyms)


def _alike(name: str, other: str) -> bool:
    if abs(len(name) - len(other)) > 1:
        return False
    return sum(min(name.count(letter), other.count(letter)) for letter in set(name)) * 2 > len(name)


@lru_cache(maxsize=10_000)
def _bones(word: str) -> str:
    """The consonants that one hears, and an "a" for a vowel before them: "Warsaw" → "vrsv", "Estrasburgo" → "strsbrk",
    "England" and "Angleterre" → "ankl…"."""
    sounds = re.sub("^e(?=s[^aeiou])", "", plain(word)).translate(str.maketrans("wcqgzyx", "vkkksis"))
    sounds = re.sub(r"^[aeiou]+", "a", sounds.replace("ph", "f").replace("h", ""))
    return sounds[:1] + re.sub(r"[aeiou]|(.)(?=\1)", "", sounds[1:])
