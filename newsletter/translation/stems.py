"""Words without their endings, so that "migrante", "Migrant*innen" and "migrants" are found as what they are.

Snowball's stemmers do most of it. They want accents in the right places, which people leave out when they search, and
miss some plurals: so accents go first (`picum.localising.plain`), and the plurals below are taken back by rules.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

from picum.localising import plain

_STEMMERS = {
    code: snowballstemmer.stemmer(name)
    for code, name in {
        "en": "english",
        "de": "german",
        "nl": "dutch",
        "es": "spanish",
        "fr": "french",
        "it": "italian",
        "pt": "portuguese",
    }.items()
}
# Endings that name women, or everybody, beside men, as they are written: Migrant*innen, MigrantInnen, migrant·e·s,
# indocumentad@s, trabalhadores/as, imigrante(s), clandestinə.
_EVERYBODY = {
    code: re.compile(pattern)
    for code, pattern in {
        "de": r"(?:(?:[*:_·]|/-)(?:inn?en|in|r|n|e)|\(inn?(?:en)?\)|(?<=r)/in|/innen)(?!\w)",
        "nl": r"[*:_/]-?(?:sters?|innen|in|e)(?!\w)",
        "es": r"(?:[/·]-?|\()(?:oras?|as?|os?|es)\)?s?(?!\w)",
        "fr": r"(?:(?:[·•./*]|\()(?:trices?|rices?|euses?|ères?|ives?|nes?|les?|es?)(?:[·•./]|\))?s?|-e(?:-s)?)(?!\w)",
        "it": r"(?:/-?|\()(?:trici|trice|[aeio])\)?(?!\w)",
        "pt": r"(?:[/·]-?|\()(?:oras?|as?|os?|es|s)\)?s?(?!\w)",
    }.items()
}
_WITHIN = re.compile(r"(?<=[a-zäöüß])In(?:nen)?$")  # MigrantInnen
_TOKEN = re.compile(r"[^\W_]+(?:[@*]s?(?!\w))?")
_SIGNS = {"es": ("@", "o"), "pt": ("@", "o"), "it": ("*@ə", "o")}
_X = re.compile(r"(?<=[dtnrl])x(s?)$")  # indocumentadxs
_POSSESSIVE = re.compile(r"['’]s(?!\w)")
# Plurals and feminines that the stemmers part from their singular; tried on words without accents, the first counts.
_ENDINGS = {
    code: [(re.compile(pattern), instead) for pattern, instead in rules]
    for code, rules in {
        "de": [(r"(?<=\w{4})innen$", ""), (r"(?<=\w{4})in$", ""), (r"zentren$", "zentrum")],
        "nl": [(r"grenzen$", "grens"), (r"kinder(en)?$", "kind")],
        "es": [(r"(?<=\w{3}[rlndsjy])es$", ""), (r"(?<=\w{2})ces$", "z")],
        "fr": [
            (r"(?<=\w{3})eaux$", "eau"),
            (r"(?<=\w{3})aux$", "al"),
            (r"(?<=\w{2})ieres?$", "ier"),
            (r"(?<=\w{3})eres?$", "er"),
            (r"(?<=\w{2})e?es?$", "e"),
            (r"(?<=\w{3}r)s$", ""),
        ],
        "it": [(r"(?<=\w{2})iere$", "iera"), (r"(?<=\w{2}ol)ar[ei]$", "ar"), (r"(?<=\w{2}ili)ar[ei]$", "ar")],
        "pt": [
            (r"(?<=\w)[oa]es$", "ao"),
            (r"(?<=\w{2}t)orias?$", "orio"),
            (r"(?<=\w{2})ais$", "al"),
            (r"(?<=\w{2})eis$", "el"),
            (r"(?<=\w{2})ns$", "m"),
            (r"(?<=\w{3}[rz])es$", ""),
        ],
    }.items()
}
# Words whose last letter is theirs.
_WHOLE = {"nl": re.compile(r"(grens|mens|kans|wens)$"), "it": re.compile(r"(ol|ili)ar$")}


@dataclass(frozen=True)
class Token:
    """A word where it stands: `words[start:end]` as written, and its stem."""

    stem: str
    start: int
    end: int


def of(words: str, language: str) -> list[str]:
    """The stems of words, in their order. A language without rules gets its words without accents and capitals."""
    return [token.stem for token in tokens(words, language)]


def tokens(words: str, language: str) -> list[Token]:
    """The words with their places; what stands between words is none of them."""
    everybody = _EVERYBODY.get(language)
    found: list[Token] = []
    at = 0
    while match := _TOKEN.search(words, at):
        end, word = match.end(), match[0]
        ending = everybody.match(words, end) if everybody and word[-1:].isalpha() else None
        if ending:
            end = ending.end()
        elif language == "de":
            word = _WITHIN.sub("", word)
        if possessive := _POSSESSIVE.match(words, end):
            end = possessive.end() if language in ("en", "nl") else end
        found.append(Token(stem(word, language), match.start(), end))
        at = end
    return found


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    """One word without its ending, accents and capitals: "Migrantinnen" → "migrant"."""
    signs, instead = _SIGNS.get(language, ("", ""))
    if signs:
        word = re.sub(rf"[{signs}](s?)$", rf"{instead}\1", word)
        word = _X.sub(r"o\1", word) if language != "it" else word
    word = plain(word)
    for pattern, ending in _ENDINGS.get(language, ()):
        if pattern.search(word):
            word = pattern.sub(ending, word)
            break
    whole = _WHOLE.get(language)
    if language not in _STEMMERS or (whole and whole.search(word)):
        return word
    return plain(_STEMMERS[language].stemWord(word))
