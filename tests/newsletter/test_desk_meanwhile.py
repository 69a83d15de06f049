"""Two people, or two windows of one person, with the same thing open. `carla` is quicker than `boris`."""

import datetime
import json

import pytest
from django.contrib.auth.models import Permission

from newsletter.models import Body, Item, Section
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import at_the_desk, boris, carla, page
from tests.newsletter.factories import make_issue, make_item, make_texts
from tests.newsletter.test_races import at_once

pytestmark = pytest.mark.django_db

SENTENCE = "Somebody else, or you in another window, saved this meanwhile."


def opened(client, address) -> dict[str, object]:
    """What the browser would post if the person changed nothing on the page: the form as it was delivered."""
    return filled(client.get(address))


def filled(answer) -> dict[str, object]:
    form = answer.context["adminform"].form
    data = {bound.html_name: value(bound) for bound in form}
    for inline in answer.context["inline_admin_formsets"]:
        formset = inline.formset
        bounds = [bound for part in [formset.management_form, *formset.forms] for bound in part]
        data |= {bound.html_name: value(bound) for bound in bounds if bound.name != "DELETE"}
    hidden = [tag for tag in Page(answer).all("input", type="hidden") if tag["name"].endswith("as_read")]
    assert hidden
    return data | {tag["name"]: tag["value"] for tag in hidden} | {"_continue": "1"}


def value(bound):
    found = bound.value()
    if isinstance(found, list):
        return [str(getattr(one, "pk", one)) for one in found]
    return found.isoformat() if isinstance(found, datetime.date) else ("" if found is None else str(found))


@pytest.fixture
def item():
    return make_item(
        make_issue(),
        "borders",
        en=("English", "<p>First.</p>\n<p>Second &amp; third.</p>"),
        de=("Deutsch", "<p>Erstens.</p>"),
        countries=["IT"],
        bodies=["frontex"],
        sources=[{"outlet": "Paper", "date": datetime.date(2026, 10, 1)}, {"outlet": "Radio"}],
    )


@pytest.fixture
def quick():
    return at_the_desk(carla())


@pytest.fixture
def slow():
    return at_the_desk(boris())


def everything(item) -> dict[str, object]:
    item = Item.objects.get(pk=item.pk)
    return {
        "section": item.section.key,
        "kind": item.kind,
        "countries": [country.code for country in item.countries],
        "bodies": sorted(item.bodies.values_list("key", flat=True)),
        "words": {row.language_code: (row.title, row.text) for row in item.translations.all()},
        "sources": list(item.sources.values_list("outlet", "page")),
    }


def test_saving_an_old_tab_untouched_changes_nothing_at_all(quick, slow, item):
    address = page("item_change", item.pk) + "?language=en"
    data = opened(slow, address)
    ours = opened(quick, address) | {
        "section": str(Section.objects.get(key="events").pk),
        "kind": "report",
        "countries": ["MT", "LY"],
        "bodies": [str(Body.objects.get(key="ohchr").pk)],
        "title": "Better",
        "text": "<p>Better.</p>",
        "sources-0-page": "7",
    }
    assert quick.post(address, ours).status_code == 302
    stored = everything(item)
    assert (stored["section"], stored["words"]["en"]) == ("events", ("Better", "<p>Better.</p>"))
    assert slow.post(address, data).status_code == 302
    assert everything(item) == stored


def test_a_translation_from_an_old_tab_leaves_the_shared_fields_as_they_are_now(quick, slow, item):
    german = page("item_change", item.pk) + "?language=de"
    data = opened(slow, german)
    english = page("item_change", item.pk) + "?language=en"
    quick.post(english, opened(quick, english) | {"kind": "report", "countries": ["MT"], "sources-1-DELETE": "on"})
    assert slow.post(german, data | {"title": "Besser", "countries": ["IT"]}).status_code == 302
    assert everything(item) == {
        "section": "borders",
        "kind": "report",
        "countries": ["MT"],
        "bodies": ["frontex"],
        "words": {"en": ("English", "<p>First.</p>\n<p>Second &amp; third.</p>"), "de": ("Besser", "<p>Erstens.</p>")},
        "sources": [("Paper", "")],
    }


def test_two_in_one_language_do_not_replace_each_others_words_unknowingly(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address)
    ours = opened(quick, address) | {"title": "Carlas Titel", "text": "<p>Carlas <em>Text</em></p>", "kind": "study"}
    quick.post(address, ours)
    stored = everything(item)

    answer = slow.post(address, data | {"title": "Boris’ Titel", "text": "<p>Boris’ Text</p>"})
    html = Page(answer)
    assert answer.status_code == 200
    assert everything(item) == stored
    assert html.words.count(SENTENCE) == 1
    assert html.one("input", id="id_title")["value"] == "Boris’ Titel"
    assert html.one("textarea", id="id_text").words == "<p>Boris’ Text</p>"
    told = {error.words for error in html.all("ul", class_="errorlist")}
    assert {"Stored now: Carlas Titel", "Stored now: Carlas Text"} < told
    assert html.one("div", class_="desk-stored")["lang"] == "de"

    # Once more, knowingly: his words, and still nobody's shared fields.
    again = filled(answer)
    assert slow.post(address, again).status_code == 302
    assert everything(item) == stored | {"words": stored["words"] | {"de": ("Boris’ Titel", "<p>Boris’ Text</p>")}}


def test_between_two_refusals_somebody_may_save_once_more_and_is_not_lost_either(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address)
    quick.post(address, opened(quick, address) | {"title": "Eins"})
    again = filled(slow.post(address, data | {"title": "Boris"}))
    quick.post(address, opened(quick, address) | {"title": "Zwei"})
    answer = slow.post(address, again)
    assert "Stored now: Zwei" in Page(answer).words
    assert everything(item)["words"]["de"][0] == "Zwei"


def test_the_stored_choice_is_told_by_its_name(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address)
    events, detention = (str(Section.objects.get(key=key).pk) for key in ["events", "detention"])
    shared = {"section": events, "kind": "study", "countries": ["MT", "LY"], "bodies": []}
    quick.post(address, opened(quick, address) | shared)
    bodies = [str(Body.objects.get(key="ohchr").pk)]
    mine = {"section": detention, "kind": "report", "countries": ["ES"], "bodies": bodies}
    words = Page(slow.post(address, data | mine)).words
    for told in ["Stored now: Upcoming Events", "Stored now: Study", "Stored now: Libya, Malta", "Stored now: nothing"]:
        assert told in words
    assert "item 1 of 1" in words  # where it stands is what is stored, too


def test_two_who_wrote_the_same_agree(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address) | {"title": "Gleich"}
    quick.post(address, data)
    assert slow.post(address, data).status_code == 302
    assert AuditEntry.objects.filter(action="item.change").count() == 2


def test_the_first_to_translate_is_not_overwritten_by_the_second(quick, slow, item):
    address = page("item_change", item.pk) + "?language=nl"
    data = opened(slow, address)
    quick.post(address, opened(quick, address) | {"title": "Carla", "text": "<p>Carla</p>"})
    answer = slow.post(address, data | {"title": "Boris", "text": "<p>Boris</p>"})
    assert SENTENCE in Page(answer).words
    assert everything(item)["words"]["nl"] == ("Carla", "<p>Carla</p>")


def test_another_mistake_on_the_page_does_not_forget_what_was_read(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address)
    quick.post(address, opened(quick, address) | {"title": "Carla", "kind": "study"})
    again = filled(slow.post(address, data | {"text": ""}))
    assert slow.post(address, again | {"text": "<p>Boris</p>"}).status_code == 302
    stored = everything(item)
    assert (stored["kind"], stored["words"]["de"]) == ("study", ("Carla", "<p>Boris</p>"))


# --- sources --------------------------------------------------------------------------------------------------------


def test_sources_that_both_changed_are_refused_and_then_saved_knowingly(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address)
    quick.post(address, opened(quick, address) | {"sources-0-page": "7", "sources-1-DELETE": "on"})
    mine = {"sources-0-page": "9", "sources-1-page": "11", "title": "Boris"}
    answer = slow.post(address, data | mine)
    words = Page(answer).words
    assert SENTENCE in words
    assert "Stored now: Paper · 7 · 2026-10-01" in words
    assert everything(item)["sources"] == [("Paper", "7")]
    again = filled(answer)
    assert (again["sources-0-page"], again["sources-1-page"], again["sources-1-id"]) == ("9", "11", "")
    assert slow.post(address, again).status_code == 302
    assert everything(item)["sources"] == [("Paper", "9"), ("Radio", "11")]


def test_a_new_source_is_saved_when_nobody_else_touched_them(slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address) | {"sources-TOTAL_FORMS": "3", "sources-2-outlet": "TV", "sources-2-precision": "day",
                                    "sources-2-position": "0", "sources-2-item": str(item.pk)}  # fmt: skip
    assert slow.post(address, data).status_code == 302
    assert everything(item)["sources"] == [("Paper", ""), ("Radio", ""), ("TV", "")]


def test_a_mistake_in_a_source_keeps_what_was_read_of_them(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address)
    again = filled(slow.post(address, data | {"sources-0-date": "yesterday"}))
    quick.post(address, opened(quick, address) | {"sources-0-page": "7"})
    answer = slow.post(address, again | {"sources-0-date": "2026-10-02"})
    assert SENTENCE in Page(answer).words
    assert item.sources.first().date == datetime.date(2026, 10, 1)


def test_who_may_only_read_the_sources_is_not_stopped_by_who_changes_them(quick, item):
    person = boris()
    person.user_permissions.remove(*person.user_permissions.filter(codename__endswith="_source"))
    person.user_permissions.add(Permission.objects.get(codename="view_source"))
    slow, address = at_the_desk(person), page("item_change", item.pk) + "?language=de"
    shown = {name: text for name, text in opened(slow, address).items() if not name.startswith("sources-0")}
    data = {name: text for name, text in shown.items() if not name.startswith("sources-1")}
    quick.post(address, opened(quick, address) | {"sources-0-page": "7"})
    assert slow.post(address, data | {"title": "Boris"}).status_code == 302
    stored = everything(item)
    assert (stored["words"]["de"][0], stored["sources"]) == ("Boris", [("Paper", "7"), ("Radio", "")])


@pytest.mark.parametrize("nonsense", ["", "x", "[]", "7", "[" * 100_000, "\0"])
def test_a_form_that_does_not_say_what_was_read_counts_as_made_now(slow, item, nonsense):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address) | {"as_read": nonsense, "sources-as_read": nonsense, "kind": "study"}
    assert slow.post(address, data).status_code == 302
    assert everything(item)["kind"] == "study"


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_in_the_same_moment_one_is_told(quick, slow, item):
    address = page("item_change", item.pk) + "?language=de"
    data = opened(slow, address)
    answers = at_once(
        lambda: quick.post(address, data | {"title": "Carla", "kind": "study"}).status_code,
        lambda: slow.post(address, data | {"title": "Boris", "countries": ["ES"]}).status_code,
    )
    assert sorted(answers) == [200, 302]
    stored = everything(item)
    assert (stored["words"]["de"][0], stored["kind"], stored["countries"]) == (
        ("Carla", "study", ["IT"]) if answers[0] == 302 else ("Boris", "", ["ES"])
    )


# --- issues, and the short lists -------------------------------------------------------------------------------------


def test_an_issue_keeps_what_others_changed_and_refuses_what_both_did(quick, slow):
    issue = make_issue()
    make_texts(issue, "de", subject="Alt", message="<p>Alt</p>")
    english, german = (page("issue_change", issue.pk) + f"?language={code}" for code in ["en", "de"])
    data = opened(slow, german)
    quick.post(english, opened(quick, english) | {"period": "2027-01-01", "fallback": "omit"})
    quick.post(german, opened(quick, german) | {"subject": "Carla"})

    answer = slow.post(german, data | {"subject": "Boris", "message": "<p>Neu</p>", "period": "2027-02-01"})
    words = Page(answer).words
    assert words.count(SENTENCE) == 1
    assert "Stored now: Carla" in words
    assert "Stored now: 1 January 2027" in words
    issue.refresh_from_db()
    assert (issue.period, issue.translations.get(language_code="de").message) == (
        datetime.date(2027, 1, 1),
        "<p>Alt</p>",
    )

    assert slow.post(german, filled(answer)).status_code == 302
    issue.refresh_from_db()
    texts = issue.translations.get(language_code="de")
    assert (issue.period, issue.fallback, issue.slug) == (datetime.date(2027, 2, 1), "omit", "next")
    assert (texts.subject, texts.message) == ("Boris", "<p>Neu</p>")


def test_a_heading_is_protected_too(quick, slow):
    section = Section.objects.get(key="borders")
    address = page("section_change", section.pk) + "?language=en"
    data = opened(slow, address)
    quick.post(address, opened(quick, address) | {"heading": "Frontiers"})
    assert "Stored now: Frontiers" in Page(slow.post(address, data | {"heading": "Limits"})).words


def test_the_form_carries_one_fingerprint_for_each_field_and_each_source(slow, item):
    data = opened(slow, page("item_change", item.pk))
    assert set(json.loads(data["as_read"])) == {
        "title", "text", "section", "kind", "original_language", "not_before", "countries", "bodies", "areas",
        "rights",
    }  # fmt: skip
    assert set(json.loads(data["sources-as_read"])) == {str(source.pk) for source in item.sources.all()}
