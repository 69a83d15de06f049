"""The words of the house: offered where the source has them, told where they are better not said."""

import pytest

from newsletter.models import Term
from newsletter.translation import first_terms, glossary
from newsletter.translation.avoided import avoided_in
from newsletter.translation.glossary import Glossary

HOUSE = Glossary(first_terms.terms())


def avoided(words: str, language: str) -> list[tuple[str, bool]]:
    return [(found.words, found.is_quoted) for found in HOUSE.avoided({"text": f"<p>{words}</p>"}, language)]


@pytest.mark.parametrize(
    ("language", "sentence", "found"),
    [
        ("en", "Police stopped 30 illegal migrants at the port.", "illegal migrants"),
        ("en", "The Illegal immigrant’s children go to school.", "Illegal immigrant’s"),
        ("en", "They speak of illegals, not of people.", "illegals"),
        ("en", "The law punishes illegal entry.", "illegal entry"),
        ("en", "Floods of migrants, said nobody.", "Floods of migrants"),
        ("de", "Die Polizei hielt illegale Migrant*innen an.", "illegale Migrant*innen"),
        ("de", "Sie sprach von illegalen MigrantInnen.", "illegalen MigrantInnen"),
        ("de", "Unter den illegalen Einwanderern waren Kinder.", "illegalen Einwanderern"),
        ("de", "Das Lager für Illegale wird geschlossen.", "Illegale"),
        ("de", "Illegale in Europa haben Rechte.", "Illegale"),
        ("de", "Wegen illegaler Einreise wurde sie verurteilt.", "illegaler Einreise"),
        ("de", "Von Flüchtlingsströmen ist die Rede.", "Flüchtlingsströmen"),
        ("nl", "De politie hield illegale migranten aan.", "illegale migranten"),
        ("nl", "Er wonen illegalen in de stad.", "illegalen"),
        ("nl", "De strijd tegen de illegale immigratie.", "illegale immigratie"),
        ("es", "La policía detuvo a dos inmigrantes ilegales.", "inmigrantes ilegales"),
        ("es", "Se juzga la entrada ilegal de una mujer.", "entrada ilegal"),
        ("es", "Hablan de los ilegales.", "los ilegales"),
        ("fr", "La police a arrêté des clandestines.", "clandestines"),
        ("fr", "La lutte contre l’immigration clandestine.", "immigration clandestine"),
        ("fr", "Des migrant·e·s illégaux vivent ici.", "migrant·e·s illégaux"),
        ("fr", "Elle est poursuivie pour entrée illégale.", "entrée illégale"),
        ("it", "La polizia ha fermato due clandestine.", "clandestine"),
        ("it", "Il contrasto all’immigrazione illegale.", "immigrazione illegale"),
        ("it", "Vivono qui immigratə illegali.", "immigratə illegali"),
        ("pt", "A polícia deteve imigrantes ilegais.", "imigrantes ilegais"),
        ("pt", "Combate à imigração ilegal.", "imigração ilegal"),
        ("pt", "As imigrantes clandestinas têm direitos.", "imigrantes clandestinas"),
    ],
)
def test_words_to_be_avoided_are_found_in_all_their_forms(language, sentence, found):
    assert avoided(sentence, language) == [(found, False)]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "The illegal detention of a child was condemned; the decision was taken illegally."),
        ("en", "Irregular entry is no crime, and undocumented migrants have rights."),
        ("de", "Illegale Abschiebungen sind verboten, und illegale Inhaftierung auch."),
        ("de", "Die Behörde handelte illegal; der illegale Bescheid wurde aufgehoben."),
        ("nl", "De illegale detentie van een kind, en een illegale uitzetting."),
        ("es", "La detención ilegal de una niña; el tribunal la declaró ilegal."),
        ("fr", "La détention illégale d’un enfant ; des expulsions illégales."),
        ("it", "La detenzione illegale di un bambino; respingimenti illegali."),
        ("pt", "A detenção ilegal de uma criança; expulsões ilegais."),
        ("pt", "O tráfico e o auxílio à imigração ilegal são crimes diferentes."),  # allowed, and longer
    ],
)
def test_what_is_illegal_and_no_person_may_be_called_so(language, sentence):
    assert avoided(sentence, language) == []


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "‘They don’t want illegal migrants here,’ he said."),
        ("en", "He spoke of “illegal migrants” in parliament."),
        ("en", "The UK’s Illegal Migration Act was changed."),
        ("de", "Der Minister sagte: „Wir wollen keine illegalen Migranten. Sie sollen gehen.“"),
        ("nl", "‘Er zijn te veel illegale migranten’, zei hij."),
        ("es", "«Hay demasiados inmigrantes ilegales», dijo."),
        ("fr", "Il a parlé de « clandestins »."),
        ("it", "Ha parlato di «clandestini»."),
        ("pt", "Falou de «imigrantes ilegais»."),
    ],
)
def test_quotations_and_titles_of_laws_are_told_as_such(language, sentence):
    assert [is_quoted for _words, is_quoted in avoided(sentence, language)] == [True]


def test_an_apostrophe_and_the_end_of_a_quotation_are_not_confused():
    assert avoided("‘It’s over,’ she said of illegal migrants; the workers’ union doesn’t.", "en") == [
        ("illegal migrants", False)
    ]


def test_it_says_where_it_is_and_what_would_be_better():
    (found,) = HOUSE.avoided(
        {"title": "Cinq", "text": "<p>Un.</p><p>Ils sont <em>trois</em>. L’immigration <em>illégale</em> !</p>"}, "fr"
    )
    assert (found.field, found.sentence, found.words) == ("text", "L’immigration illégale !", "immigration illégale")
    assert found.sentence[found.start : found.end] == found.words
    assert (found.term.words, found.better) == ("immigration illégale", "migration irrégulière")


def test_what_stands_better_with_the_term_comes_before_its_concept():
    terms = [
        Term(language="en", words="maid", kind="avoid", concept="domestic", instead="domestic worker"),
        Term(language="en", words="housekeeper", kind="preferred", concept="domestic"),
        Term(language="en", words="alien", kind="avoid"),
    ]
    found = Glossary(terms).avoided({"title": "Maids and aliens"}, "en")
    assert [(one.words, one.better) for one in found] == [("Maids", "domestic worker"), ("aliens", "")]


@pytest.mark.parametrize(
    ("source", "language", "sentence", "marked"),
    [
        ("en", "pt", "Undocumented migrants seek regularisation.", [
            ("Undocumented migrants", ["pessoas indocumentadas", "pessoa em situação irregular"]),
            ("regularisation", ["regularização"]),
        ]),
        ("es", "de", "Los permisos de residencia de las mujeres indocumentadas", [
            ("permisos de residencia", ["Aufenthaltserlaubnis", "Aufenthaltstitel"]),
            ("mujeres indocumentadas", ["undokumentierte Frauen"]),
        ]),
        ("de", "fr", "Menschen ohne Papiere in Abschiebehaft", [
            ("Menschen ohne Papiere", ["sans-papiers", "personne sans papiers"]),
            ("Abschiebehaft", ["rétention administrative"]),
        ]),
        ("it", "en", "I respingimenti di minori non accompagnati", [
            ("respingimenti", ["pushback"]),
            ("minori non accompagnati", ["unaccompanied child", "unaccompanied children"]),
        ]),
        # What is to be avoided is translated as it should be.
        ("fr", "nl", "Une clandestine a demandé l’aide juridique", [
            ("clandestine", ["mensen zonder papieren", "ongedocumenteerde migrant"]),
            ("aide juridique", ["rechtsbijstand"]),
        ]),
        ("nl", "it", "Gezinshereniging zonder verblijfsvergunningen", [
            ("Gezinshereniging", ["ricongiungimento familiare"]),
            ("verblijfsvergunningen", ["permesso di soggiorno"]),
        ]),
        ("pt", "es", "Trabalhadoras domésticas e cuidados de saúde", [
            ("Trabalhadoras domésticas", ["trabajadora del hogar", "personas trabajadoras del hogar"]),
            ("cuidados de saúde", ["atención sanitaria"]),
        ]),
    ],
)  # fmt: skip
def test_the_source_is_marked_with_what_the_house_says(source, language, sentence, marked):
    hits = HOUSE.marked({"title": sentence}, source, language)
    assert [(hit.words, hit.offered[: len(words[1])]) for hit, words in zip(hits, marked, strict=True)] == marked


def test_a_term_that_the_other_language_lacks_is_not_marked():
    terms = [
        Term(language="en", words="pushback", concept="pushback"),
        Term(language="pt", words="reenvio", concept="pushback", kind="avoid"),
        Term(language="en", words="shelter"),  # of no concept
    ]
    assert Glossary(terms).marked({"title": "Pushbacks and shelter"}, "en", "pt") == []


def test_of_two_terms_that_overlap_the_longer_one_counts():
    terms = [
        Term(language="en", words="illegal migrant", kind="avoid"),
        Term(language="en", words="illegal migrant smuggling", kind="allowed"),
    ]
    words = {"title": "Illegal migrant smuggling and illegal migrants"}
    assert [found.words for found in Glossary(terms).avoided(words, "en")] == ["illegal migrants"]


@pytest.mark.django_db
def test_a_fresh_database_has_the_words_of_the_house_and_what_was_taken_out_stays_out():
    assert Term.objects.count() == len(first_terms.terms()) > 500
    Term.objects.filter(language="en").delete()
    first_terms.seed(using="default")
    assert not Term.objects.filter(language="en").exists()


def test_each_term_of_the_file_stands_there_once_and_those_to_be_avoided_say_why():
    terms = first_terms.terms()
    assert len({(term.language, term.words) for term in terms}) == len(terms)
    for term in terms:
        term.clean_fields()
    lacking = [term for term in terms if term.kind == "avoid" and not (term.why and (term.instead or term.concept))]
    assert lacking == []


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 3])
def test_many_texts_are_looked_through_in_one_query(number, django_assert_num_queries):
    pairs = [({"title": "Illegal migrants"}, "en"), ({"title": "Menschen"}, "de"), ({"title": ""}, "pt")] * number
    with django_assert_num_queries(1):
        found = avoided_in(pairs)
    assert [[one.said for one in text] for text in found] == [["Illegal migrants"], [], []] * number


@pytest.mark.django_db
def test_one_text_takes_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert [one.words for one in glossary.avoided({"title": "Os ilegais"}, "pt")] == ["Os ilegais"]
    with django_assert_num_queries(1):
        assert [hit.concept for hit in glossary.marked({"title": "A deportation"}, "en", "pt")] == ["deportation"]
