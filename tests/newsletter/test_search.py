"""Items are found by what they say: each word in any of its forms, a phrase as it stands, and not what is left out."""

import datetime
from io import StringIO

import pytest
from celery import current_app
from django.core.management import call_command
from django.utils import timezone

from newsletter import search, search_index, search_shown, upkeep
from newsletter.models import Body, Edition, Issue, ItemTranslation, Revision, SearchEntry, Text
from newsletter.search import Narrowing, Term
from newsletter.translation import texts
from picum.accounts.models import User
from tests.newsletter.desk import at_the_desk, carla, page
from tests.newsletter.factories import make_issue, make_item

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def bells(monkeypatch) -> list:
    """What the broker was asked for."""
    rung = []
    monkeypatch.setattr(current_app, "send_task", lambda task, args=(), **_how: rung.append((task, *args)))
    return rung


WORDS = {
    "en": ("The ministry stops deportations", "<p>Two undocumented workers were paid their wages.</p>"),
    "de": ("Das Ministerium stoppt Abschiebungen", "<p>Zwei undokumentierte Arbeiterinnen bekamen Löhne.</p>"),
    "nl": ("Het ministerie stopt uitzettingen", "<p>Twee mensen zonder papieren kregen hun lonen.</p>"),
    "es": ("El ministerio suspende las deportaciones", "<p>Dos trabajadoras indocumentadas cobraron.</p>"),
    "fr": ("Le ministère suspend les expulsions", "<p>Deux travailleuses sans papiers ont été payées.</p>"),
    "it": ("Il ministero sospende le espulsioni", "<p>Due lavoratrici prive di documenti sono state pagate.</p>"),
    "pt": ("O ministério suspende as deportações", "<p>Duas trabalhadoras indocumentadas receberam.</p>"),
}


def known(*items):
    search_index.fill()
    return items[0] if len(items) == 1 else items


def found(question, language="en", order=search.NEWEST, on=NOW, **narrowing) -> list[str]:
    """The titles, in English."""
    items = search.items(question, language, Narrowing(**narrowing), order=order, on=on)
    return [str(item) for item in items.prefetch_related("translations")]


def titles(*names, **fields):
    issue = make_issue(languages=["en"])
    return known(*(make_item(issue, en=name, **fields) for name in names))


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "questions"),
    [
        ("en", ["deportation", "ministries worker", "Undocumented WAGE", "stopping"]),
        ("de", ["Abschiebung", "Lohn", "arbeiterin", "Arbeiter undokumentiert", "lohne"]),
        ("nl", ["uitzetting", "loon", "mens papier"]),
        ("es", ["deportacion", "deportación", "trabajador indocumentado", "suspender"]),
        ("fr", ["ministere", "expulsion", "travailleuse payé", "travailleuses papier"]),
        ("it", ["espulsione", "lavoratrice documento", "ministeri"]),
        ("pt", ["deportacao", "deportação", "trabalhador indocumentado", "ministerio"]),
    ],
)
def test_every_form_of_a_word_is_found_with_and_without_accents(language, questions):
    issue = make_issue(languages=["en"])
    known(make_item(issue, **WORDS), make_item(issue, **{"en": "Another item", language: "Altro"}))
    for question in questions:
        assert found(question, language) == ["The ministry stops deportations"], question


def test_all_words_must_occur():
    titles("A court and a city", "A court", "A city")
    assert found("city court") == ["A court and a city"]
    assert found("city court harbour") == []


def test_a_phrase_is_found_as_it_stands():
    titles("The city court of Ghent", "A court in the city")
    assert found("“city court”") == ["The city court of Ghent"]
    assert found('"city court of"') == ["The city court of Ghent"]
    assert found('"court city"') == []
    assert sorted(found("city court")) == ["A court in the city", "The city court of Ghent"]


def test_a_phrase_does_not_go_from_the_title_into_the_text():
    make_item(make_issue(languages=["en"]), en=("A ruling", "<p>of the court</p><p>today</p>"))
    search_index.fill()
    assert found('"ruling of"') == [] == found('"court today"')
    assert found('"of the court"') == ["A ruling"]


def test_what_is_left_out_is_not_found():
    titles("A court in Ghent", "A court in Bruges")
    assert found("court -ghent") == ["A court in Bruges"]
    assert found('court -"in ghent"') == ["A court in Bruges"]
    assert found("-ghent") == ["A court in Bruges"]
    assert found("court -") == found("court")


def test_the_last_word_may_be_typed_half_and_no_other():
    titles("Deportations to Kabul")
    assert found("deportatio") == found("kabul deportatio") == found("Dé") == ["Deportations to Kabul"]
    assert found("deportatio kabul") == [] == found("deportatio ")
    assert found('"deportations to kab') == ["Deportations to Kabul"]
    assert found('"deportatio"') == [] == found('"kabul deport') == found("kabul -deportatio x")
    assert found("eportations") == []


@pytest.mark.parametrize("question", ["", "   ", "-", '""', "%", "_", "' OR 1=1 --", "…", "|"])
def test_a_question_without_words_asks_for_nothing_or_for_all(question):
    titles("A court", "A city")
    assert found(question) in (["A court", "A city"], [])


@pytest.mark.parametrize("question", ["co%t", "c_urt", "c\\ourt"])
def test_signs_of_the_database_are_letters_like_others(question):
    titles("A court")
    assert found(question) == []


def test_a_question_of_any_length_is_cut():
    titles("A court")
    assert search.parsed("court " * 500, "en") == [Term(" court ")] * search.MOST
    assert found("court " * 500) == ["A court"]


def test_sources_and_places_are_found_too():
    titles("An item", sources=[{"outlet": "Il Faro", "title": "Porto aperto"}], countries=["MT"], bodies=["frontex"])
    for question in ("faro", '"porto aperto"', "malta", "frontex"):
        assert found(question) == ["An item"], question
    assert found('"aperto malta"') == []


def test_only_the_language_that_is_asked_in_is_looked_through():
    known(make_item(make_issue(languages=["en"]), en="A court", de="Ein Gericht"))
    assert (found("gericht", "de"), found("gericht", "en"), found("court", "de")) == (["A court"], [], [])


# --- order and narrowing --------------------------------------------------------------------------------------------


def test_the_best_have_it_in_their_title_and_of_those_the_newest_comes_first():
    old, new = (make_issue(slug, languages=["en"], period=datetime.date(year, 1, 1)) for slug, year in
                (("old", 2019), ("new", 2024)))  # fmt: skip
    make_item(new, en=("In the text", "<p>A court.</p>"))
    make_item(old, en="Old court")
    make_item(new, en="New court")
    search_index.fill()
    assert found("court", order=search.BEST) == ["New court", "Old court", "In the text"]
    assert found("court", order=search.NEWEST) == ["In the text", "New court", "Old court"]


@pytest.mark.parametrize(
    "narrowing",
    [
        {"section": "borders"}, {"area": "advocacy"}, {"right": "health-care"}, {"country": "MT"}, {"body": "frontex"},
        {"kind": "report"}, {"year": 2019}, {"issue": "old"},
    ],
)  # fmt: skip
def test_each_narrowing_leaves_what_fits(narrowing):
    old = make_issue("old", languages=["en"], period=datetime.date(2019, 1, 1))
    fitting = make_item(
        old, "borders", en="Fits", areas=["advocacy"], countries=["IT", "MT"], bodies=["frontex"], kind="report"
    )
    fitting.rights.set(type(fitting).rights.rel.model.objects.filter(key="health-care"))
    make_item(make_issue(languages=["en"]), en="Fits not", areas=["capacity-building"], countries=["IT"])
    search_index.fill()
    assert found("fits", **narrowing) == found("", **narrowing) == ["Fits"]


def test_published_is_what_readers_of_the_language_can_read():
    issue = make_issue(languages=["en"])
    make_item(issue, en="Out", de="Da")
    early = make_item(issue, en="Too early")
    type(early).objects.filter(pk=early.pk).update(not_before=datetime.date(2999, 1, 1))
    Edition.objects.filter(issue=issue, language="en").update(published_at=NOW)
    search_index.fill()
    assert (found("", published=True), found("", published=False)) == (["Out"], ["Too early"])
    assert (found("", "de", published=True), found("", "de", published=False)) == ([], ["Out", "Too early"])


def test_a_circular_is_not_found():
    known(make_item(make_issue(languages=["en"], kind=Issue.Kind.CIRCULAR), en="To the members"))
    assert found("members") == found("") == []


def test_a_search_is_one_query_whatever_is_asked(django_assert_num_queries):
    titles("A court", "A court in Ghent", "Another court")
    with django_assert_num_queries(1):
        assert len(list(search.items('court -x "a court"', "en", Narrowing(area=""), on=NOW))) == 2


# --- keeping it current ---------------------------------------------------------------------------------------------


def test_words_that_are_stored_are_found_at_once():
    item = make_item(make_issue(languages=["en"]), en="A court")
    words = {"title": "Ein Gericht", "text": "<p>In Gent.</p>"}
    texts.store(texts.find(item, "de"), words, state=Text.State.DRAFT, how=Revision.How.PAGE, by=None, now=NOW)
    assert (found("gerichte", "de"), found("gent", "de")) == (["A court"], ["A court"])


def test_what_is_said_no_more_is_found_no_more():
    item = make_item(make_issue(languages=["en"]), en="A court", de="Ein Gericht")
    search_index.index(item)
    ItemTranslation.objects.filter(master=item, language_code="de").delete()
    item.translations.filter(language_code="en").update(title="A city")
    search_index.index(item)
    assert list(SearchEntry.objects.values_list("language", "title")) == [("en", " a citi ")]


def test_filling_reads_only_what_is_not_known_and_anew_all(monkeypatch):
    monkeypatch.setattr(search_index, "BATCH", 2)
    issue = make_issue(languages=["en"])
    for number in range(5):
        make_item(issue, en=f"Item {number}", de=f"Ding {number}")
    assert search_index.fill(seconds=0) == (2, True)
    assert upkeep.index_items(now=NOW).words == "Made 3 items known to the search."
    assert (search_index.fill(), SearchEntry.objects.count()) == ((0, False), 10)
    ItemTranslation.objects.filter(title="Ding 3").update(title="Sache")
    assert (search_index.fill(), found("sache", "de")) == ((0, False), [])
    out = StringIO()
    call_command("index_items", "--anew", stdout=out)
    assert (out.getvalue(), found("sache", "de")) == ("Read all items anew: 5.\n", ["Item 3"])


def renamed(body, name: str):
    """As an editor does in the form."""
    fields = {"name": name, "language": "en"}
    return at_the_desk(carla()).post(page("body_change", body.pk) + "?language=en", fields)


def test_an_institution_is_found_by_its_new_name_and_no_more_by_its_old_one(django_capture_on_commit_callbacks, bells):
    issue = make_issue(languages=["en"])
    known(make_item(issue, en="A boat", bodies=["frontex"]), make_item(issue, en="A truck"))
    with django_capture_on_commit_callbacks(execute=True):
        assert renamed(Body.objects.get(key="frontex"), "Coast Guard").status_code == 302
    assert (found("truck"), bells) == (["A truck"], [("newsletter.upkeep", "index_items")])
    assert upkeep.index_items(now=NOW).words == "Made 1 item known to the search."
    assert (found('"coast guard"'), found("frontex")) == (["A boat"], [])


def test_a_name_that_stays_or_that_no_item_has_asks_for_nothing(django_capture_on_commit_callbacks, bells):
    body = Body.objects.get(key="frontex")
    with django_capture_on_commit_callbacks(execute=True):
        renamed(body, "Coast Guard")
        known(make_item(make_issue(languages=["en"]), en="A boat", bodies=["frontex"]))
        User.objects.all().delete()
        renamed(body, "Coast Guard")
    assert (found("boat"), bells) == (["A boat"], [])


def test_a_word_without_end_is_kept_and_found_by_its_beginning():
    known(make_item(make_issue(languages=["en"]), en=("A word", f"<p>A{'b' * 5000}</p>")))
    assert found("A" + "b" * 60) == ["A word"]


@pytest.mark.parametrize("word", ["كتابﹰ", "م ﹼ ن", "ﷺ", "ͺ", "'\\'"])
def test_a_letter_that_is_a_blank_without_its_accent_is_no_hindrance(word):
    issue = make_issue(languages=["en"])
    item = make_item(issue, en=(f"Boat {word}", f"<p>{word} {word}</p>"), sources=[{"outlet": word, "title": word}])
    search_index.index(item)
    assert found("boat") == [f"Boat {word}".strip()]
    assert found(word)[:1] in ([], [f"Boat {word}".strip()])


@pytest.mark.parametrize("rows", [1, 3])
def test_several_items_cost_as_many_queries_as_one(django_assert_num_queries, rows):
    issue = make_issue(languages=["en"])
    items = [make_item(issue, en=f"Item {number}", bodies=["frontex"]) for number in range(rows)]
    with django_assert_num_queries(8):
        search_index.write([item.pk for item in items])
    assert SearchEntry.objects.count() == rows


# --- what is shown --------------------------------------------------------------------------------------------------


def shown(pieces) -> str:
    return "".join(f"[{piece.words}]" if piece.hit else piece.words for piece in pieces)


def test_the_words_asked_for_are_shown_as_they_stand():
    terms = search.parsed('"undokumentierte migrantin" -gericht abschieb', "de")
    words = "Undokumentierte Migrant*innen: die Abschiebung & das Gericht"
    assert shown(search_shown.pieces(words, "de", terms)) == (
        "[Undokumentierte] [Migrant*innen]: die [Abschiebung] & das Gericht"
    )


def test_a_passage_is_around_the_first_word_that_was_asked_for():
    html = "<p>" + " ".join(f"w{number}" for number in range(100)) + "</p><p>A <em>court</em> &lt;b&gt;.</p>"
    assert shown(search_shown.passage(html, "en", search.parsed("courts", "en"))) == (
        "… " + " ".join(f"w{number}" for number in range(89, 100)) + " A [court] <b>."
    )
    begins = shown(search_shown.passage(html, "en", []))
    assert begins == " ".join(f"w{number}" for number in range(45)) + " …"
