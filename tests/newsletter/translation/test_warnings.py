"""What looks wrong in a translation is told, and little of what is right."""

import pytest
from django.utils.translation import override

from newsletter.models import Term
from newsletter.translating import LANGUAGES
from newsletter.translation import first_terms, names, numbers, warnings
from newsletter.translation.glossary import Glossary
from newsletter.translation.warnings import Known
from picum.pages.demo import content
from tests.newsletter.factories import make_issue, make_item

KNOWN = Known(Glossary(first_terms.terms()), {"en": ["European Commission", "Council of Europe"]})
FIELDS = ("title", "text")


def kinds(source: str, target: str, languages: str, known: Known = KNOWN) -> list[tuple[str, str]]:
    """Of two rich texts, in languages such as "en pt"."""
    found = warnings.of({"text": source}, {"text": target}, *languages.split(), known=known)
    return [(one.kind, one.words) for one in found]


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "words", "there"),
    [
        ("en", "1,846 enquiries, 2.5 million, 14 May 2026 at 2.30 pm", {1846, 2, 5, 14, 2026, 30}),
        ("de", "1.846 Anfragen, 2,5 Mio., am 14.05.2026 um 14:30", {1846, 2, 5, 14, 2026, 30}),
        ("fr", "1 846 demandes, 1\u202f846, 1\u00a0846, le 1er mars, 14h30", {1846, 1, 14, 30}),
        ("es", "1846 consultas, 2 mil, 12.500 €", {1846, 2000, 12500}),
        ("it", "20mila persone, il 1° marzo", {20000, 1}),
        ("pt", "artigo 162.º, 12 500 euros, 09:00", {162, 12500, 9}),
        ("nl", "in de jaren 90, 2024-25, € 1.250,50", {2024, 2025, 1250, 50}),
        ("en", "In 2019 100 people, the 1990s", {2019, 100}),
    ],
)
def test_numbers_are_read_as_each_language_writes_them(language, words, there):
    assert set(numbers.of(words, language)) == there


@pytest.mark.parametrize(
    ("source", "target", "languages"),
    [
        ("On 14 May 1,846 people came.", "A 14 de maio vieram 1846 pessoas.", "en pt"),
        ("On 14 May 2026 at 2 pm", "Am 14.05.2026 um 14:00 Uhr", "en de"),
        ("12.5% of 1,200,000", "12,5 % de 1 200 000", "en fr"),
        ("On 1 March", "Il 1° marzo", "en it"),
        ("On 1 March", "Le 1er mars", "en fr"),
        ("3 people and 20 children", "Drie mensen en twintig kinderen", "en nl"),
        ("zwölf Vereine", "12 asociaciones", "de es"),
        ("the 21st century", "le XXIe siècle", "en fr"),
        ("2.000 personas", "2 mil pessoas", "es pt"),
        ("in the 1990s", "in den 1990er Jahren", "en de"),
        ("ten o’clock, 10:00", "om 10.00 uur", "en nl"),
    ],
)
def test_the_same_number_in_another_dress_is_no_warning(source, target, languages):
    assert kinds(f"<p>{source}</p>", f"<p>{target}</p>", languages) == []


@pytest.mark.parametrize(
    ("source", "target", "languages", "told"),
    [
        ("On 14 May 1,846 people came.", "A 15 de maio vieram 1846 pessoas.", "en pt", ["14", "15"]),
        ("1,846 people", "1864 personas", "en es", ["1,846", "1864"]),
        ("1.846 Menschen", "1,846 people and 52 more", "de en", ["52"]),
        ("In 2025", "En 2026", "es fr", ["2025", "2026"]),
        ("Article 111", "Artikel 11", "en nl", ["111", "11"]),
        ("2.5 million", "2,4 milioni", "en it", ["5", "4"]),
        ("1,846 people", "1,846 Menschen", "en de", ["1,846", "1", "846"]),  # which says 1.8 in German
    ],
)
def test_a_number_that_differs_is_told(source, target, languages, told):
    assert kinds(f"<p>{source}</p>", f"<p>{target}</p>", languages) == [("number", number) for number in told]


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "languages"),
    [
        ("In July the lawyer Nayra Belmonte wrote.", "Im Juli schrieb die Anwältin Nayra Belmonte.", "en de"),
        ("It happened in London and Lisbon.", "Aconteceu em Londres e Lisboa.", "en pt"),
        ("It happened in Munich, Cologne and Seville.", "Ocurrió en Múnich, Colonia y Sevilla.", "en es"),
        ("Women from Morocco and Germany", "Mujeres marroquíes y alemanas", "en es"),
        ("They live in Poland.", "Sie leben in den polnischen Wäldern.", "en de"),
        ("A note of the Ministry of Labour and the Red Cross", "Una nota del ministero e della croce rossa", "en it"),
        ("The letter is about the Criminal Code and about European Commission plans.", "La carta trata del código "
         "penal y de los planes de la Comisión.", "en es"),
        ("Forms in French, Ukrainian and Arabic, each Tuesday in October", "Formulários em francês, ucraniano e "
         "árabe, às terças-feiras de outubro", "en pt"),
        ("The EU, the UN and UNHCR say so, as FRONTEX does.", "La UE, la ONU y ACNUR lo dicen, como Frontex.", "en es"),
        ("The IOM and the OSCE", "L’OIM et l’OSZE", "en fr"),
        ("Says Frontex’s director", "Frontex’ Direktorin", "en de"),
        ("Die Polizei und das Ministerium in Sachsen", "The police and the ministry", "de en"),
        ("El Tribunal Supremo y la Ley de Extranjería", "Der Oberste Gerichtshof und das Ausländergesetz", "es de"),
        ("THE WHOLE TITLE IS IN CAPITALS", "O título inteiro", "en pt"),
        ("A guide called Know Your Rights At Work In Europe", "Um guia", "en pt"),
    ],
)  # fmt: skip
def test_names_that_are_there_in_their_own_form_are_no_warning(source, target, languages):
    assert kinds(f"<p>{source}</p>", f"<p>{target}</p>", languages) == []


@pytest.mark.parametrize(
    ("source", "target", "languages", "told"),
    [
        ("In July the lawyer Nayra Belmonte wrote.", "Em julho a advogada escreveu.", "en pt", ["Nayra Belmonte"]),
        ("The lawyer Nayra Belmonte wrote.", "Schrieb die Anwältin Nayra Belmonde.", "en de", ["Belmonte"]),
        ("It happened in London.", "Aconteceu em Paris.", "en pt", ["London"]),
        ("They live in Poland.", "Vivono in Ungheria.", "en it", ["Poland"]),
        ("The letter of ECRE and FRONTEX", "A carta da ECRE", "en pt", ["FRONTEX"]),
        ("Según la abogada Nayra Belmonte", "Selon l’avocate", "es fr", ["Nayra Belmonte"]),
        ("Selon l’avocate Solène Harcouët", "Segundo a advogada", "fr pt", ["Solène Harcouët"]),
        ("Secondo l’avvocato Tommaso Plazzer", "Volgens de advocaat", "it nl", ["Tommaso Plazzer"]),
        ("Segundo a advogada Graça Vilarinho", "Laut der Anwältin", "pt de", ["Graça Vilarinho"]),
        ("Volgens Noor Verhaelst is het zo.", "Así lo dice ella.", "nl es", ["Noor Verhaelst"]),
        # From German, where each noun has a capital, the other way round.
        ("Das sagt die Anwältin Nayra Belmonte.", "So says the lawyer Naira Belmonte.", "de en", ["Naira"]),
        ("Das schreibt ECRE.", "So it says.", "de en", ["ECRE"]),
    ],
)
def test_a_name_that_is_lost_or_misspelt_is_told(source, target, languages, told):
    assert kinds(f"<p>{source}</p>", f"<p>{target}</p>", languages) == [("name", name) for name in told]


# --- links, shape, words ----------------------------------------------------------------------------------------------


def test_a_link_that_differs_is_told_and_the_same_page_in_another_language_is_none():
    link = '<p>Read <a href="https://example.org/{}/report">it</a>.</p>'.format
    assert kinds(link("en"), link("de"), "en de") == []
    assert kinds(link("en"), link("a"), "en de") == [
        ("link", "https://example.org/en/report"),
        ("link", "https://example.org/a/report"),
    ]
    assert kinds(link("en"), "<p>Lies.</p>", "en de") == [("link", "https://example.org/en/report")]


def test_paragraphs_a_field_without_words_and_half_a_text_are_told():
    long = "<p>" + "many words " * 30 + "</p>"
    source = {"title": "A title", "text": "<p>One.</p><p>Two.</p>", "masthead": long}
    target = {"title": "", "text": "<p>Um.</p>", "masthead": "<p>muitas palavras</p>"}
    found = warnings.of(source, target, "en", "pt", known=KNOWN)
    assert [(one.kind, one.field) for one in found] == [
        ("missing", "title"),
        ("paragraphs", "text"),
        ("short", "masthead"),
    ]
    assert found[1].text == "The source has 2 paragraphs or lines, this text has 1."


def test_what_was_copied_and_what_was_left_for_later_is_told():
    source = "<p>The association has trained many people of the village.</p><p>Ask Me First.</p>"
    target = "<p>The association has trained many people of the village.</p><p>Ask Me First. TODO [?]</p>"
    assert kinds(source, target, "en pt") == [
        ("same", "The association has trained many people of the village."),
        ("placeholder", "TODO"),
        ("placeholder", "[?]"),
    ]
    assert kinds("<p>Hay de todo.</p>", "<p>Hay de todo.</p>", "es es") == []
    assert kinds("<p>Fill in ____ here.</p>", "<p>Preencha ____ aqui.</p>", "en pt") == []  # as in the source


def test_a_word_to_be_avoided_is_told_with_what_is_better():
    found = warnings.of({"title": "A man"}, {"title": "Um imigrante ilegal"}, "en", "pt", known=KNOWN)
    assert [(one.kind, one.field, one.words) for one in found] == [("avoid", "title", "imigrante ilegal")]
    assert found[0].text == (
        "‘imigrante ilegal’ is to be avoided. Better: pessoas indocumentadas, pessoa em situação irregular."
    )
    with override("de"):
        assert "imigrante ilegal" in warnings.of({}, {"title": "Um imigrante ilegal"}, "pt", "pt", known=KNOWN)[0].text


def test_in_a_quotation_it_is_told_otherwise():
    (found,) = warnings.of({"title": "x"}, {"title": "Falou de «imigrantes ilegais»"}, "en", "pt", known=KNOWN)
    assert (found.kind, found.words) == ("quoted", "imigrantes ilegais")
    assert "quotation" in found.text


def test_a_text_that_is_not_begun_lacks_nothing_but_a_source():
    words = {"title": "14 people in London", "text": "<p>See <a href='https://example.org'>it</a>.</p>"}
    empty = {"title": "", "text": ""}
    assert warnings.of(words, empty, "en", "pt", known=KNOWN) == []
    assert [one.kind for one in warnings.of(words, empty, "en", "pt", [], known=KNOWN)] == ["source"]


@pytest.mark.django_db
@pytest.mark.parametrize("number", [1, 3])
def test_a_text_takes_two_queries_and_many_take_none_more(number, django_assert_num_queries):
    issue = make_issue(languages=["en"])
    items = [make_item(issue, en="A man", pt="Um ilegal", sources=[{"outlet": "x"}]) for _ in range(number)]
    sources = [list(item.sources.all()) for item in items]
    with django_assert_num_queries(2):
        assert [one.kind for one in warnings.of({"title": "A man"}, {"title": "Um ilegal"}, "en", "pt")] == ["avoid"]
    with django_assert_num_queries(2):
        known = Known.read(LANGUAGES)
        found = [warnings.of({"title": "x"}, {"title": "Um ilegal"}, "en", "pt", one, known=known) for one in sources]
    assert [[one.kind for one in text] for text in found] == [["avoid"]] * number
    Term.objects.all().delete()
    assert warnings.of({"title": "A man"}, {"title": "Um ilegal"}, "en", "pt") == []


@pytest.mark.django_db
def test_institutions_are_known_by_their_names():
    words = {"title": "This was said of Council of Europe matters"}
    assert warnings.of(words, {"title": "Dito do Conselho"}, "en", "pt") == []


# --- what is right ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_translations_of_the_demo_give_hardly_any_false_alarm(language):
    """Thirty items, written by people, into one language from the one in which each was written."""
    known, told = Known.read(LANGUAGES), []
    for data in content.read_pool():
        source, target = ({name: data[code][name] for name in FIELDS} for code in (data["original"], language))
        told += [(one.kind, one.words) for one in warnings.of(source, target, data["original"], language, known=known)]
    # In Italian the islands are "greche": the sea is really not there.
    assert told == ([("name", "Aegean")] if language == "it" else [])


def test_what_is_not_a_name():
    assert names.lacking(["Das ist ein Haus."], "de", ["Isto é."], "pt") == []
    assert names.lacking(["‘Many people ask,’ she says. They: Nobody."], "en", ["Isto."], "pt") == []
