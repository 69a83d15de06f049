"""A word is found in all its forms: plural, feminine, everybody's; with accents or without."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.translating import LANGUAGES
from newsletter.translation import stems

# Forms of one word each.
FORMS = {
    "en": ["migrant migrants migrant’s", "entry entries", "illegal illegally", "country countries", "policy policies"],
    "de": [
        "Migrant Migranten Migrantin Migrantinnen Migrant*innen Migrant:innen MigrantInnen Migrant/-innen",
        "illegal illegale illegalen illegaler illegales",
        "Flüchtling Flüchtlinge Flüchtlingen Flüchtlings Fluechtlinge",
        "Arzt Ärzte Ärztin Ärzt*innen",
        "Abschiebung Abschiebungen",
        "undokumentierte undokumentierten undokumentierte*r",
        "Haftzentrum Haftzentren",
        "Straße Strassen",
    ],
    "nl": [
        "illegaal illegale illegalen",
        "kind kinderen",
        "mens mensen",
        "grens grenzen",
        "ongedocumenteerd ongedocumenteerde ongedocumenteerden",
        "uitzetting uitzettingen",
        "vluchteling vluchtelingen vluchteling’s",
    ],
    "es": [
        "indocumentado indocumentada indocumentados indocumentadas indocumentad@s indocumentadxs indocumentados/as",
        "irregular irregulares",
        "mujer mujeres",
        "expulsión expulsiones expulsion",
        "migrante migrantes",
        "detención detenciones detencion",
        "juez jueces",
    ],
    "fr": [
        "migrant migrants migrante migrantes migrant·e·s migrant.e.s migrant-e-s migrant(e)s migrant·es",
        "illégal illégaux illégale illégales illegal",
        "étranger étrangers étrangère étrangères étranger·ère·s etrangere",
        "irrégulier irrégulière irrégulières irreguliere",
        "immigré immigrée immigrés immigrées",
        "journal journaux",
    ],
    "it": [
        "clandestino clandestina clandestini clandestine clandestinə clandestin* clandestini/e",
        "irregolare irregolari",
        "migrante migranti",
        "frontiera frontiere",
        "lavoratore lavoratori lavoratori/trici",
        "privo priva privi prive",
    ],
    "pt": [
        "indocumentado indocumentada indocumentados indocumentadas indocumentad@s indocumentados/as",
        "ilegal ilegais",
        "expulsão expulsões expulsao",
        "imigrante imigrantes imigrante(s)",
        "migratório migratória migratórias",
        "homem homens",
        "papel papéis",
        "trabalhador trabalhadora trabalhadores trabalhadores/as",
    ],
}
APART = {
    "en": "legal illegal migrant document undocumented",
    "de": "Grenze Grab Kind Kirche Migrant Miete beginnen",
    "nl": "kind kunst mens mening land",
    "es": "mujer mujeriego sala salario frontera frente",
    "fr": "sans sens pays paix droit doigt",
    "it": "sala salario prima privo lavoro",
    "pt": "mais mal pai pais papel par",
}


@pytest.mark.parametrize(("language", "forms"), [(code, forms) for code, all_ in FORMS.items() for forms in all_])
def test_the_forms_of_a_word_have_one_stem(language, forms):
    assert {word: stems.of(word, language) for word in forms.split()} == dict.fromkeys(
        forms.split(), stems.of(forms.split()[0], language)
    )
    assert len(stems.of(forms, language)) == len(forms.split())


@pytest.mark.parametrize(("language", "words"), APART.items())
def test_words_that_mean_something_else_stay_apart(language, words):
    found = stems.of(words, language)
    assert len(set(found)) == len(words.split()), found


def test_words_keep_their_order_and_their_places():
    words = "L’entrée des sans-papiers, en 2026 : 3 étranger·ère·s."
    found = stems.tokens(words, "fr")
    assert [words[one.start : one.end] for one in found] == (
        ["L", "entrée", "des", "sans", "papiers", "en", "2026", "3", "étranger·ère·s"]
    )
    assert [one.stem for one in found] == stems.of(words, "fr")


@pytest.mark.parametrize(
    ("language", "words", "number"),
    [
        ("de", "Deutschland/in der EU", 4),
        ("es", "y/o", 1),
        ("fr", "Donnez-les. Est-elle là ?", 5),
        ("it", "e/o di", 2),
        ("nl", "auto’s", 1),
    ],
)
def test_what_only_looks_like_an_ending(language, words, number):
    assert len(stems.of(words, language)) == number


def test_a_language_without_rules_has_its_words_without_accents():
    assert stems.of("Łódź nad Wisłą", "pl") == ["lodz", "nad", "wisla"]


@given(st.text(max_size=60), st.sampled_from(LANGUAGES))
def test_any_text_has_words_in_their_places(words, language):
    found = stems.tokens(words, language)
    assert all(0 <= one.start < one.end <= len(words) for one in found)
    assert all(one.end <= two.start for one, two in pairwise(found))
