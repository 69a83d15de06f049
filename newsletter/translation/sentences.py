"""Where a sentence ends, in the seven languages; never inside of markup."""

import re

# What ends with a full stop and is no end. In small letters, without the last stop.
_ANYWHERE = (
    "art al approx bzw ca cf cfr co dir dr dra ed etc ex fig hr ing int jr kap max mgr min mme mr mrs ms "
    "nr no núm num op p pp par pag pág prof resp sr sra st str tel vgl vol vs"
)
_OF = {
    "en": "e.g i.e jan feb mar apr jun jul aug sep sept oct nov dec para paras sec u.s u.n",
    "de": "z.b d.h u.a o.ä i.d.r abs bd bzgl d.j evtl ggf inkl lt max nr o.g s s.o s.u sog u.u usw vgl v.a z.t zzgl",
    "nl": "bijv bv d.w.z m.b.t n.a.v nl o.a t.a.v t.o.v",
    "es": "p.ej ee.uu ee uu pág párr ud uds s",
    "fr": "c.-à-d p.ex m mm env cf",
    "it": "p.es ecc sig sig.ra dott dott.ssa lett",
    "pt": "p.ex dr dra sr sra exmo exma n.º n",
}
ABBREVIATIONS = {code: frozenset(f"{_ANYWHERE} {words}".split()) for code, words in _OF.items()}
# Words of their own as well: only before a number are they abbreviations.
_NUMBERED = frozenset({"dec", "int", "mar", "max", "min", "no", "par"})
# Nothing is given back, and a row of stops is looked at once: a line of dots takes no longer than other lines.
_ENDS = re.compile(r"((?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?:⟦/\d+⟧)*+[\"'”’»)\]]*+)(\s++|(?=⟦\d+/⟧))")
_BEFORE_A_WORD = re.compile(r"(?:⟦/?\d+/?⟧|[ \"'“”„‘’«»(\[¿¡–—-])*+")
_LAST_WORD = re.compile(r"([^\s(⟧«“„\"']+)$")
LONGEST = 80  # letters of a word that may be an abbreviation
_MARK = re.compile(r"⟦(/?)\d+(/?)⟧")


def split(words: str, language: str) -> list[str]:
    """The sentences of a line of words, trimmed; together they are the line again, but for the blanks between them."""
    found, start, depth, at = [], 0, 0, 0
    for end in _ENDS.finditer(words):
        depth, at = depth + _depth(words[at : end.end(1)]), end.end(1)
        if depth <= 0 and _is_end(words, max(start, end.start() - LONGEST), end, language):
            found.append(words[start : end.end(1)])
            start, depth, at = end.end(), 0, end.end()
    return [sentence.strip() for sentence in [*found, words[start:]] if sentence.strip()]


def _is_end(words: str, start: int, end: re.Match, language: str) -> bool:
    """`start`: of what is looked at before the stops."""
    follows = _BEFORE_A_WORD.match(words, end.end()).end()
    begins = words[follows : follows + 1]
    if not begins or begins.islower():
        return False
    if end[1] != ".":  # a question, an ellipsis, the end of a quotation
        return True
    word = _LAST_WORD.search(words[start : end.start()])
    last = word[1].lower().strip(".") if word else ""
    if last in _NUMBERED:
        return not begins.isdigit()
    if last in ABBREVIATIONS.get(language, ABBREVIATIONS["en"]):
        return False
    if len(last) == 1 and last.isalpha():  # J. Smith
        return False
    # "14. Mai", "3. Kapitel": a number with a stop is an ordinal where they are written so.
    return not (last.isdigit() and len(last) < 3 and language == "de")


def _depth(words: str) -> int:
    return sum(-1 if closing else 1 for closing, single in _MARK.findall(words) if not single)
