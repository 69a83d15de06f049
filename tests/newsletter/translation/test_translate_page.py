"""The translator's page: what it shows, what its buttons do, and who may open it."""

import datetime

import pytest
from django.utils import timezone

from newsletter.models import Item, Revision, Term, Text
from newsletter.translation import learning, texts
from picum.accounts.models import AuditEntry, User
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said
from tests.newsletter.factories import make_issue, make_texts
from tests.newsletter.translation.sheets import (
    BARCO,
    BOAT,
    address,
    an_item,
    ines,
    press,
    send,
    stored,
    text_of,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAY = datetime.timedelta(days=1)
BARCA = {"title": "Dos personas mueren", "text": "<p>Un barco con 12 personas se hundió.</p>"}


@pytest.fixture
def item():
    return an_item()


@pytest.fixture
def desk():
    return at_the_desk(ines())


def write(item, language, words, *, state="approved", at=NOW, **fields):
    words = dict(zip(("title", "text"), words, strict=True)) if isinstance(words, tuple) else words
    text = texts.find(Item.objects.get(pk=item.pk), language)
    return texts.store(text, words, state=state, how=Revision.How.PAGE, by=None, now=at, **fields)


def outdate(item):
    """The original says something else since."""
    write(item, "en", (BOAT[0], "<p>A boat with 13 people sank. Nobody <strong>came</strong> to help.</p>"), at=NOW)


def sheet(desk, item, language="pt", query=""):
    answer = desk.get(address(item, language) + query)
    assert answer.status_code == 200
    return Page(answer)


# --- what it shows ----------------------------------------------------------------------------------------------------


def test_the_source_stands_beside_the_fields_each_in_its_language(desk, item):
    shown = sheet(desk, item)
    assert [(one["lang"], one.words) for one in shown.all("div", class_="translate-words")] == [
        ("en", "Two people die"),
        ("en", "A boat with 12 people sank. Nobody came to help."),
    ]
    title, text = shown.one("textarea", id="words_title"), shown.one("textarea", id="words_text")
    assert [(one["lang"], one["spellcheck"], one["name"]) for one in (title, text)] == [
        ("pt", "true", "title"),
        ("pt", "true", "text"),
    ]
    assert title["maxlength"] == "200"
    assert {one["for"] for one in shown.all("label")} >= {"words_title", "words_text"}


def test_looking_makes_nothing(desk, item):
    sheet(desk, item)
    desk.get(address(item, name="translate_preview"))
    assert (Text.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_what_was_typed_and_not_finished_is_there_again(desk, item):
    send(desk, item, {"title": "Duas", "text": ""})
    shown = sheet(desk, item)
    assert shown.one("textarea", id="words_title").words == "Duas"
    assert shown.one("span", class_="desk-state").words == "draft"


def test_an_approved_translation_may_stand_on_the_left_and_no_other(desk, item):
    write(item, "es", BARCA)
    write(item, "fr", ("Deux morts", "<p>Un bateau.</p>"), state="review")
    shown = sheet(desk, item, query="?from=es")
    assert [one["value"] for one in shown.all("option")] == ["en", "es"]
    assert {one["lang"] for one in shown.all("div", class_="translate-words")} == {"es"}
    for other in ("fr", "pt", "xx"):
        left = sheet(desk, item, query=f"?from={other}").all("div", class_="translate-words")
        assert {one["lang"] for one in left} == {"en"}


def test_the_language_on_the_left_is_kept_from_text_to_text(desk, item):
    write(item, "es", BARCA)
    after = an_item(item.issue)
    shown = sheet(desk, item, query="?from=es")
    assert [one["href"] for one in shown.all("a", rel="next")] == [address(after) + "?from=es"]
    done = desk.post(address(item) + "?from=es", {"deed": "finish", **BARCO, "source": 1})
    assert done["Location"] == address(after) + "?from=es"
    left = sheet(desk, after, query="?from=es").all("div", class_="translate-words")
    assert {one["lang"] for one in left} == {"en"}, "there is no Spanish, so the original stands there"


def test_the_words_around_the_items_have_their_own_fields(desk):
    issue = make_issue(languages=[])
    make_texts(issue, "en", subject="October", masthead="News", message="<p>Dear all</p>")
    shown = Page(desk.get(page("issue_translate", issue.pk, "pt", "around")))
    names = [one["name"] for one in [*shown.all("input"), *shown.all("textarea")] if "data-words" in one.attributes]
    assert sorted(names) == ["donation", "masthead", "message", "subject"]


def test_terms_of_the_glossary_are_marked_in_the_source_with_what_to_say(desk):
    for language, words in [("en", "sea bridge"), ("pt", "ponte do mar")]:
        Term.objects.create(language=language, words=words, concept="sea-bridge")
    one = an_item(en=("Sea bridge & <work>", "<p>Many a sea bridge <em>works</em>.</p>"))
    shown = sheet(desk, one)
    marked = [(mark.words, mark["title"]) for mark in shown.all("mark") if mark["title"]]
    assert marked == [("Sea bridge", "ponte do mar"), ("sea bridge", "ponte do mar")]
    assert [one["data-insert"] for one in shown.all("button", class_="translate-offer")] == ["ponte do mar"]
    assert shown.all("div", class_="translate-words")[0].words == "Sea bridge & <work>"


def test_what_to_look_at_follows_the_typed_words(desk, item):
    wrong = {"title": "Duas pessoas", "text": "<p>Um barco com 21 pessoas afundou. Ninguém veio ajudar.</p>"}
    answer = send(desk, item, wrong, name="translate_aid")
    words = answer.content.decode()
    assert (answer.status_code, "12" in words, "21" in words) == (200, True, True)
    assert Text.objects.count() == 0
    good = send(desk, item, BARCO, name="translate_aid").content.decode()
    assert ("12" in good, "desk-problems" in good) == (False, False)


def test_a_sentence_that_was_translated_before_is_offered_with_its_issue_and_fits_its_field(desk, item):
    older = an_item(make_issue("older", languages=[], period=datetime.date(2025, 3, 1)))
    text = "<p>Um barco com 12 pessoas afundou. Ninguém <strong>veio</strong> ajudar.</p>"
    write(older, "pt", {"title": "Duas pessoas morrem", "text": text})
    learning.learn()
    shown = sheet(desk, item)
    assert [(one["data-field"], one["data-insert"]) for one in shown.all("button") if one["data-field"]] == [
        ("title", "Duas pessoas morrem"),
        ("text", "Um barco com 12 pessoas afundou."),
        ("text", "Ninguém <strong>veio</strong> ajudar."),
    ]
    assert [one["data-key"] for one in shown.all("button") if one["data-key"]] == ["title.0.0", "text.0.0", "text.0.1"]
    assert [shown.one("textarea", id=f"words_{name}")["data-shape"] for name in ("title", "text")] == ["[1]", "[2]"]
    memory = shown.one("ol", class_="translate-memory").words
    assert [words in memory for words in ("the same sentence", "March 2025", "Duas pessoas morrem")] == [True] * 3


def test_what_this_very_text_says_is_not_offered_to_itself(desk, item):
    write(item, "pt", BARCO)
    learning.learn()
    assert sheet(desk, item).all("ol", class_="translate-memory") == []


def test_the_frame_shows_the_kept_words_as_the_mail_will(desk, item):
    send(desk, item, BARCO)
    answer = desk.get(address(item, name="translate_preview"))
    html = answer.content.decode()
    assert [words in html for words in ("Duas pessoas morrem", "Um barco com 12", "Il Faro", "Fonte")] == [True] * 4
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_the_frame_of_the_words_around_has_no_items(desk, item):
    send(desk, item, BARCO)
    data = {"deed": "keep", "subject": "Outubro", "masthead": "Notícias", "message": "<p>Caros</p>"}
    desk.post(address(item, what="around"), data)
    html = desk.get(address(item, name="translate_preview", what="around")).content.decode()
    assert [words in html for words in ("Caros", "Notícias", "Duas pessoas", "A boat")] == [True, True, False, False]


# --- done -------------------------------------------------------------------------------------------------------------


def test_done_is_in_review_and_leads_to_the_next_text_that_is_not_finished(desk, item):
    second, third = an_item(item.issue), an_item(item.issue)
    write(second, "pt", BARCO, state="review")
    answer = press(desk, item, "finish", follow=False)
    assert (answer.status_code, answer["Location"]) == (302, address(third))
    text = text_of(item)
    assert (text.state, text.number, text.source_number, text.working) == ("review", 1, 1, None)
    assert stored(item) == BARCO
    assert text.revisions.get().how == "page"
    assert said(press(desk, third, "finish"))[:1] == ["“Duas pessoas morrem” is done: an editor looks at it."]


def test_after_the_last_one_the_board_follows(desk, item):
    make_texts(item.issue, "pt", subject="Outubro")
    press(desk, item, "finish")
    data = {"deed": "finish", "subject": "Outubro", "working": 0, "number": 0, "source": 0}
    desk.post(address(item, what="around"), data)
    answer = press(desk, item, "finish", follow=False)
    assert answer["Location"] == page("issue_board", item.issue_id)


def test_what_somebody_else_has_is_skipped(desk, item):
    second, third = an_item(item.issue), an_item(item.issue)
    rui = User.objects.create_user("rui@example.org")
    texts.assign([texts.find(second, "pt")], to=rui, due_on=None, by=rui)
    assert press(desk, item, "finish", follow=False)["Location"] == address(third)


def test_an_editor_approves_at_once_and_the_trail_knows(item):
    person = carla()
    press(at_the_desk(person), item, "approve")
    text = text_of(item)
    assert (text.state, text.approved_by, text.number) == ("approved", person, 1)
    assert [(entry.action, entry.actor) for entry in AuditEntry.objects.all()] == [("text.approve", person)]


def test_who_may_not_approve_has_no_button_for_it_and_no_way(desk, item):
    assert "approve" not in [one["value"] for one in sheet(desk, item).all("button")]
    assert [press(desk, item, deed).status_code for deed in ("approve", "send_back", "exec", "")] == [404] * 4
    assert stored(item) == {"title": "", "text": ""}


def test_an_item_without_a_title_is_not_done_and_the_words_stay_in_the_form(desk, item):
    answer = press(desk, item, "finish", {"title": "", "text": "<p>Um barco.</p>"})
    shown = Page(answer)
    assert shown.one("p", role="alert").words == "An item needs both a title and a text."
    assert shown.one("textarea", id="words_text").words == "<p>Um barco.</p>"
    assert (stored(item), text_of(item).number) == ({"title": "", "text": ""}, 0)


def test_a_window_that_is_behind_shows_both_and_the_second_press_replaces_knowingly(desk, item):
    press(desk, item, "finish")
    other = {"title": "Dois mortos", "text": BARCO["text"]}
    answer = press(desk, item, "finish", other, working=0, number=0)
    shown = Page(answer)
    assert answer.status_code == 409
    both = [one.words for one in shown.all("div", class_="translate-words") if one["lang"] == "pt"]
    assert both == ["Duas pessoas morrem", "Dois mortos"]
    assert shown.one("textarea", id="words_title").words == "Dois mortos"
    assert stored(item) == BARCO
    numbers = {one["name"]: one["value"] for one in shown.all("input", type="hidden")}
    again = press(desk, item, "finish", other, working=numbers["working"], number=numbers["number"])
    assert (again.status_code, stored(item)) == (200, other)


def test_words_that_another_window_keeps_are_not_finished_away(desk, item):
    send(desk, item, {"title": "Duas", "text": "<p>Muito texto novo.</p>"})
    assert press(desk, item, "finish", working=0).status_code == 409
    assert text_of(item).working["text"] == "<p>Muito texto novo.</p>"


def test_handing_on_an_approved_text_as_it_stands_keeps_it_approved(desk, item):
    write(item, "pt", BARCO)
    press(desk, item, "finish")
    assert text_of(item).state == "approved"
    press(desk, item, "finish", {**BARCO, "title": "Outro título"})
    assert text_of(item).state == "review"


def test_an_editor_sends_back(item):
    write(item, "pt", BARCO, state="review")
    desk = at_the_desk(carla())
    press(desk, item, "send_back")
    assert (text_of(item).state, stored(item)) == ("draft", BARCO)


def test_without_scripts_words_are_kept_and_dropped_by_buttons(desk, item):
    press(desk, item, "keep", {"title": "Duas", "text": ""})
    assert text_of(item).working == {"title": "Duas", "text": ""}
    press(desk, item, "discard", {"title": "Duas", "text": ""})
    assert (text_of(item).working, stored(item)["title"]) == (None, "")


# --- outdated ---------------------------------------------------------------------------------------------------------


def test_what_changed_in_the_original_is_shown_by_sentence(desk, item):
    write(item, "pt", BARCO)
    assert "What changed in the original" not in sheet(desk, item).words
    outdate(item)
    shown = sheet(desk, item)
    changed = shown.one("section", class_="translate-changed")
    assert "A boat with" in changed.words
    assert "Nobody came" not in changed.words
    assert ([one.words for one in shown.all("del")], [one.words for one in shown.all("ins")]) == (
        ["Before: 12"],
        ["After: 13"],
    )
    assert shown.one("span", class_="desk-state").words == "outdated"


@pytest.mark.parametrize(("who", "state"), [(ines, "review"), (carla, "approved")])
def test_still_right_ends_it_and_changes_no_word(item, who, state):
    write(item, "pt", BARCO, state=state)
    outdate(item)
    press(at_the_desk(who()), item, "still_right")
    text = text_of(item)
    assert (text.state, text.source_number, text.number, stored(item)) == (state, 2, 1, BARCO)
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["text.still_right"]


def test_who_may_not_approve_cannot_say_that_something_approved_is_still_right(desk, item):
    write(item, "pt", BARCO)
    outdate(item)
    assert not [one for one in sheet(desk, item).all("button") if one["value"] == "still_right"]
    press(desk, item, "still_right")
    assert (text_of(item).state, text_of(item).source_number) == ("approved", 1)


@pytest.mark.parametrize("deed", ["finish", "still_right"])
def test_nobody_has_seen_a_revision_of_the_original_that_is_not_there_yet(desk, item, deed):
    write(item, "pt", BARCO, state="review")
    outdate(item)
    press(desk, item, deed, source=999_999_999)
    write(item, "en", ("Nobody dies", "<p>All is well.</p>"))
    assert texts.is_outdated(text_of(item), texts.source_of(text_of(item)))
    assert text_of(item).source_number < 3


def test_what_is_far_too_long_is_not_kept_and_nothing_breaks(desk, item):
    answer = send(desk, item, {"title": "Duas", "text": "." * 50_001})
    assert (answer.status_code, Text.objects.filter(item=item, working__isnull=False).count()) == (400, 0)
    page = press(desk, item, "finish", {"title": "Duas", "text": "." * 50_001})
    assert "A text has 50000 characters at most." in Page(page).words


def test_a_change_made_while_the_page_was_open_is_not_taken_as_seen(desk, item):
    write(item, "pt", BARCO)
    outdate(item)
    press(desk, item, "finish", {**BARCO, "title": "Outro"}, source=1)
    text = text_of(item)
    assert (text.source_number, texts.is_outdated(text, texts.source_of(text))) == (1, True)


def test_a_draft_that_was_begun_before_the_change_is_told_of_it(desk, item):
    send(desk, item, {"title": "Duas", "text": ""})
    send(desk, item, {"title": "Duas pessoas", "text": ""}, source=1)
    outdate(item)
    shown = sheet(desk, item)
    assert [one.words for one in shown.all("ins")] == ["After: 13"]
    source = shown.one("input", name="source")
    assert (source["value"], source["data-behind"]) == ("2", "1")


# --- a machine's draft ------------------------------------------------------------------------------------------------


def test_a_machines_draft_is_offered_taken_over_and_marked_until_somebody_touches_it(desk, item):
    text = texts.find(item, "pt")
    Text.objects.filter(pk=text.pk).update(machine=BARCO)
    assert "A machine drafted this" in sheet(desk, item).words
    assert stored(item)["title"] == ""
    shown = Page(press(desk, item, "take_draft", {"title": "", "text": ""}))
    assert "A machine wrote these words" in shown.words
    assert (text_of(item).working, stored(item)["title"]) == (BARCO, "")
    press(desk, item, "finish")
    assert text_of(item).is_machine is True
    press(desk, item, "finish", {**BARCO, "title": "Duas pessoas morreram"})
    assert text_of(item).is_machine is False


def test_a_draft_of_an_older_original_shows_what_changed_since_once_it_is_taken(desk, item):
    text = texts.find(item, "pt")
    texts.find(item, "en")
    Text.objects.filter(pk=text.pk).update(machine=BARCO, machine_source=1)
    fresh = [one["data-draft"] is None for one in sheet(desk, item).all("button", value="take_draft")]
    outdate(item)
    shown = sheet(desk, item)
    assert (fresh, [one["data-draft"] for one in shown.all("button", value="take_draft")]) == ([False], [None])
    assert "The original was changed after that" in shown.words
    taken = Page(press(desk, item, "take_draft", {"title": "", "text": ""}))
    assert [one.words for one in taken.all("ins")] == ["After: 13"]
    assert text_of(item).working_source == 1


def test_without_a_draft_there_is_none_to_take(desk, item):
    assert Page(press(desk, item, "take_draft")).one("p", role="alert").words == "There is no draft by a machine."


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["translate", "translate_preview"])
@pytest.mark.parametrize(
    ("person", "language", "code"),
    [
        (ines, "pt", 200),
        (ines, "es", 404),
        (ines, "en", 404),
        (boris, "es", 200),
        (amal, "pt", 404),
        (boris, "xx", 404),
    ],
)
def test_only_ones_own_languages_open(item, person, language, code, name):
    assert at_the_desk(person()).get(address(item, language, name)).status_code == code


def test_a_stranger_is_led_to_the_login(client, item):
    assert client.get(address(item))["Location"].startswith("/en/desk/login/")


def test_the_original_can_be_written_here_too(item):
    shown = sheet(at_the_desk(boris()), item, "en")
    assert shown.one("textarea", id="words_title").words == "Two people die"
    assert shown.all("div", class_="translate-words") == []


@pytest.mark.parametrize("items", [1, 3])
def test_the_page_takes_the_same_queries_for_one_item_and_three(items, django_assert_num_queries):
    person, one = ines(), an_item()
    for _number in range(items - 1):
        an_item(one.issue)
    write(one, "pt", BARCO)
    outdate(one)
    desk = at_the_desk(person)
    with django_assert_num_queries(26):
        assert desk.get(address(one)).status_code == 200


@pytest.mark.parametrize("moment", ["frozen_at", "published_at"])
def test_what_went_out_only_editors_change(item, moment):
    write(item, "pt", BARCO, at=NOW - DAY)
    item.issue.editions.filter(language="pt").update(**{moment: NOW})
    other = {"title": "Outro", "text": "<p>Outro texto.</p>"}
    desk = at_the_desk(ines())
    assert "This edition went out." in Page(press(desk, item, "finish", other)).words
    desk.post(address(item, name="text_restore"), {"number": 1, "seen": 1})
    assert (stored(item), text_of(item).number) == (BARCO, 1)
    press(at_the_desk(carla()), item, "finish", other)
    assert stored(item) == other


def test_a_late_language_is_translated_while_others_went_out(desk, item):
    item.issue.editions.filter(language="en").update(frozen_at=NOW, published_at=NOW)
    press(desk, item, "finish")
    assert stored(item) == BARCO
