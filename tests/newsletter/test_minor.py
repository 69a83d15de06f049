"""What saving a form means for the translations: outdated by sentence, unless the editor ticks "minor"."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from newsletter.models import Issue, Item, Revision, Text
from newsletter.translation import texts
from picum.accounts.models import AuditEntry
from tests.html import Page
from tests.newsletter.desk import EDITING, at_the_desk, boris, carla, page, said, staff
from tests.newsletter.factories import make_issue, make_item, make_texts
from tests.newsletter.test_desk_item import form_of

pytestmark = pytest.mark.django_db

BEFORE = "<p>A boat sank. Two people died.</p>"
AFTER = "<p>A boat sank. Three people died.</p>"
TICK = "Minor change: translations stay as they are"


@pytest.fixture
def desk():
    return at_the_desk(carla())


@pytest.fixture
def item():
    words = {"en": ("A boat", BEFORE), "de": ("Ein Boot", "<p>Ein Boot sank.</p>"), "pt": ("Um barco", "<p>Sim.</p>")}
    item = make_item(make_issue(), **words)
    for language in words:
        texts.find(item, language)
    return item


def save(desk, item, language, *, text, title="A boat", button="_continue", **changes):
    data = form_of(item, title=title, text=text, **{button: "1"}, **changes)
    return desk.post(page("item_change", item.pk) + f"?language={language}", data, follow=True)


def state_of(item) -> dict[str, tuple]:
    """Number, significant and source number of the texts of an item."""
    rows = Text.objects.filter(item=item).order_by("language")
    return {row.language: (row.number, row.significant, row.source_number) for row in rows}


def outdated(item) -> list[str]:
    source = texts.glimpse(item, item.original_language)
    return sorted(row.language for row in Text.objects.filter(item=item) if texts.is_outdated(row, source))


# --- the source -----------------------------------------------------------------------------------------------------


def test_a_changed_source_outdates_its_translations_and_the_person_is_told_by_which_sentence(desk, item):
    answer = save(desk, item, "en", text=AFTER)
    assert state_of(item) == {"de": (1, 1, 1), "en": (2, 2, None), "pt": (1, 1, 1)}
    assert outdated(item) == ["de", "pt"]
    told = " ".join(said(answer))
    assert "2 translations are outdated now (German, Portuguese): 1 sentence changed." in told
    assert f'href="{page("issue_board", item.issue_id)}"' in told
    assert "<del>" in told
    assert "Three" in told
    assert "A boat sank" not in told
    revision = Revision.objects.get(text__language="en", number=2)
    assert (revision.how, revision.minor, revision.by_label, revision.words) == (
        "form",
        False,
        "Carla",
        {"title": "A boat", "text": AFTER},
    )


def test_a_minor_change_leaves_the_translations_as_they_are(desk, item):
    answer = save(desk, item, "en", text=AFTER, minor="on")
    assert state_of(item) == {"de": (1, 1, 1), "en": (2, 1, None), "pt": (1, 1, 1)}
    assert outdated(item) == []
    assert "Saved as a minor change: the translations stay as they are." in said(answer)
    assert Revision.objects.get(text__language="en", number=2).minor


def test_bold_letters_and_blanks_outdate_nothing(desk, item):
    save(desk, item, "en", text="<p>A <strong>boat</strong>  sank.\n Two people died.</p>")
    assert (state_of(item)["en"], outdated(item)) == ((2, 1, None), [])


def test_saving_something_else_than_words_leaves_all_texts_alone(desk, item):
    save(desk, item, "en", text=AFTER)
    before = state_of(item)
    answer = save(desk, item, "de", title="Ein Boot", text="<p>Ein Boot sank.</p>", kind="report")
    assert Item.objects.get().kind == "report"
    assert (state_of(item), outdated(item)) == (before, ["de", "pt"])
    assert not any("outdated" in words for words in said(answer))


def test_words_that_nobody_knew_of_are_known_before_others_take_their_place(desk):
    item = make_item(make_issue(), en=("A boat", BEFORE), de=("Ein Boot", "<p>Ein Boot sank.</p>"))
    assert not Text.objects.exists()
    save(desk, item, "en", text=AFTER)
    assert (state_of(item), outdated(item)) == ({"de": (1, 1, 1), "en": (2, 2, None)}, ["de"])


def test_who_is_typing_a_translation_is_named(desk, item):
    texts.keep(texts.find(item, "pt"), {"title": "U"}, seen=0, source_seen=1, by=boris(), now=timezone.now())
    assert (
        "Somebody is working on these translations just now: Portuguese."
        in Page(desk.get(page("item_change", item.pk))).words
    )
    answer = save(desk, item, "en", text=AFTER)
    assert any("Somebody is working on these translations just now: Portuguese." in words for words in said(answer))
    assert texts.glimpse(item, "pt").working == {"title": "U", "text": ""}


def test_the_tick_is_offered_on_the_original_alone_and_only_when_there_is_a_translation(desk, item):
    assert TICK in Page(desk.get(page("item_change", item.pk) + "?language=en")).words
    assert TICK not in Page(desk.get(page("item_change", item.pk) + "?language=de")).words
    assert TICK in Page(desk.get(page("issue_change", item.issue_id) + "?language=en")).words
    lonely = make_item(item.issue, en="Alone")
    assert TICK not in Page(desk.get(page("item_change", lonely.pk))).words
    assert TICK not in Page(desk.get(page("item_add"))).words


# --- a translation --------------------------------------------------------------------------------------------------


def test_a_slip_of_the_pen_in_an_outdated_translation_does_not_hide_that_it_is_outdated(desk, item):
    save(desk, item, "en", text=AFTER)
    html = Page(desk.get(page("item_change", item.pk) + "?language=de"))
    assert "The original (English) changed after this was written" in html.words
    assert "It now says all that the original says" in html.words
    save(desk, item, "de", title="Ein Boot!", text="<p>Ein Boot sank.</p>")
    assert (state_of(item)["de"], outdated(item)) == ((2, 2, 1), ["de", "pt"])


def test_the_tick_says_that_a_translation_has_caught_up(desk, item):
    save(desk, item, "en", text=AFTER)
    save(desk, item, "de", title="Ein Boot", text="<p>Drei Tote.</p>", caught_up="on", source_seen="2")
    assert (state_of(item)["de"], outdated(item)) == ((2, 2, 2), ["pt"])


def test_it_has_caught_up_with_what_the_person_saw_and_with_nothing_later(desk, item):
    save(desk, item, "en", text=AFTER)
    save(desk, item, "pt", title="Um barco", text="<p>Três.</p>", caught_up="on", source_seen="2")
    save(desk, item, "en", text="<p>A boat sank. Four people died.</p>")
    save(desk, item, "de", title="Ein Boot", text="<p>Drei Tote.</p>", caught_up="on", source_seen="2")
    assert (state_of(item)["de"], outdated(item)) == ((2, 2, 2), ["de", "pt"])


@pytest.mark.parametrize("nonsense", ["", "-1", "x", "9" * 30, "77", "²"])
def test_nonsense_about_what_was_seen_counts_as_the_present(desk, item, nonsense):
    save(desk, item, "de", title="Boot", text="<p>Neu.</p>", source_seen=nonsense)
    assert state_of(item)["de"] == (2, 2, 1)


def test_a_new_translation_says_the_source_as_it_was_seen(desk, item):
    save(desk, item, "en", text=AFTER)
    save(desk, item, "es", title="Un barco", text="<p>Tres.</p>", source_seen="1")
    assert (state_of(item)["es"], outdated(item)) == ((1, 1, 1), ["de", "es", "pt"])


def test_who_may_not_approve_puts_an_approved_text_back_into_review(item):
    approve(item, "de")
    save(at_the_desk(boris()), item, "de", title="Ein Boot", text="<p>Neu.</p>")
    text = texts.glimpse(item, "de")
    assert (text.state, text.approved_by, text.approved_at) == ("review", None, None)


def test_who_may_approve_keeps_it_approved(desk, item):
    approve(item, "de")
    save(desk, item, "de", title="Ein Boot", text="<p>Neu.</p>")
    assert texts.glimpse(item, "de").state == "approved"


def approve(item, language):
    texts.approve(texts.find(item, language), by=staff(*EDITING, "approve_text"), now=timezone.now())
    AuditEntry.objects.all().delete()


# --- approving ------------------------------------------------------------------------------------------------------


def test_save_and_approve_does_both_and_leads_back_to_the_issue(desk, item):
    answer = save(desk, item, "de", title="Ein Boot", text="<p>Neu.</p>", button="_approve")
    assert answer.redirect_chain == [(page("issue_change", item.issue_id) + f"#item-{item.pk}", 302)]
    assert texts.glimpse(item, "de").state == "approved"
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {"item.change", "text.approve"}


def test_the_button_is_for_those_who_may_and_does_nothing_for_others(desk, item):
    address = page("item_change", item.pk)
    assert Page(desk.get(address)).all("input", name="_approve")
    other = at_the_desk(boris())
    assert not Page(other.get(address)).all("input", name="_approve")
    save(other, item, "de", title="Ein Boot", text="<p>Neu.</p>", button="_approve")
    assert texts.glimpse(item, "de").state == "draft"


def test_the_return_key_saves_and_never_approves(desk, item):
    """Browsers press the first button of a form."""
    for address in (page("item_change", item.pk), page("issue_change", item.issue_id)):
        buttons = [box["name"] for box in Page(desk.get(address)).all("input", type="submit")]
        assert buttons.index("_approve") > 0
        assert buttons[0] in ("_save", "_next")


def test_what_somebody_is_still_typing_is_saved_over_and_not_approved(desk, item):
    texts.keep(texts.find(item, "de"), {"title": "E"}, seen=0, source_seen=1, by=boris(), now=timezone.now())
    answer = save(desk, item, "de", title="Ein Boot", text="<p>Neu.</p>", button="_approve")
    assert any(words.startswith("It was saved, and not approved:") for words in said(answer))
    text = texts.glimpse(item, "de")
    assert (text.state, text.working["title"], text.number) == ("draft", "E", 2)


def test_no_words_are_not_approved(desk):
    item = make_item(make_issue(), en="A")
    item.translations.all().delete()
    assert desk.get(page("item_change", item.pk)).status_code == 200
    assert not Text.objects.exists()


# --- another original -----------------------------------------------------------------------------------------------


def test_with_another_original_what_was_up_to_date_says_the_new_one(desk, item):
    save(desk, item, "en", text=AFTER)
    save(desk, item, "de", title="Ein Boot", text="<p>Drei.</p>", caught_up="on", source_seen="2")
    answer = save(desk, item, "en", text=AFTER, original_language="de")
    item.refresh_from_db()
    assert state_of(item) == {"de": (2, 2, None), "en": (2, 2, 2), "pt": (1, 1, 0)}
    assert outdated(item) == ["pt"]
    assert not any("outdated" in words for words in said(answer))
    save(desk, item, "de", title="Ein Boot", text="<p>Vier.</p>", original_language="de")
    assert outdated(item) == ["en", "pt"]


def test_with_an_original_that_was_behind_all_others_are_outdated(desk, item):
    save(desk, item, "en", text=AFTER)
    save(desk, item, "de", title="Ein Boot", text="<p>Ein Boot sank.</p>", original_language="de")
    item.refresh_from_db()
    assert (state_of(item)["de"], outdated(item)) == ((1, 1, None), ["en", "pt"])


def test_an_original_that_is_not_written_yet_outdates_nothing(desk, item):
    save(desk, item, "en", text=BEFORE, original_language="it")
    item.refresh_from_db()
    assert outdated(item) == []
    assert {code: row[2] for code, row in state_of(item).items()} == {"de": None, "en": None, "pt": None, "it": None}


def test_the_original_may_change_together_with_its_words(desk, item):
    save(desk, item, "de", title="Ein Boot", text="<p>Alles neu.</p>", original_language="de")
    item.refresh_from_db()
    assert (state_of(item)["de"], outdated(item)) == ((2, 2, None), ["en", "pt"])


# --- other doors ----------------------------------------------------------------------------------------------------


def test_a_new_item_is_a_text_at_once(desk, item):
    data = form_of(item, title="Nuevo", text="<p>Sí.</p>", original_language="es", issue=item.issue_id, _save="1")
    desk.post(page("item_add") + "?language=es", data)
    text = Text.objects.get(item__translations__title="Nuevo")
    assert (text.language, text.number, text.state, text.source_number, text.issue) == (
        "es",
        1,
        "draft",
        None,
        item.issue,
    )


def test_a_translation_that_is_deleted_leaves_a_text_without_words(desk, item):
    approve(item, "de")
    desk.post(f"/en/desk/newsletter/item/{item.pk}/change/delete-translation/de/", {"post": "yes"})
    text = texts.glimpse(item, "de")
    assert (text.state, text.number, texts.stored_words(Item.objects.get(), "de")) == (
        "draft",
        2,
        {"title": "", "text": ""},
    )


def test_asking_whether_to_delete_a_translation_changes_nothing(desk, item):
    approve(item, "de")
    desk.get(f"/en/desk/newsletter/item/{item.pk}/change/delete-translation/de/")
    assert (texts.glimpse(item, "de").state, texts.glimpse(item, "de").number) == ("approved", 1)


def test_the_words_around_the_items_are_known_too(desk):
    issue = make_issue(languages=["en", "de"])
    make_texts(issue, "en", masthead="Masthead (en)", donation="<p>Give.</p>")
    data = {"period_kind": "month", "period": "2026-10-01", "slug": "next", "fallback": "mark", "_approve": "1"}
    data |= {"subject": "", "masthead": "A new one.", "message": "<p>Message (en)</p>", "donation": "<p>Give.</p>"}
    answer = desk.post(page("issue_change", issue.pk) + "?language=en", data, follow=True)
    assert answer.redirect_chain == [(page("issue_change", issue.pk) + "?language=en", 302)]
    rows = Text.objects.filter(issue=issue, item=None)
    assert {row.language: (row.number, row.source_number, row.state) for row in rows} == {
        "en": (2, None, "approved"),
        "de": (1, 1, "draft"),
    }
    assert any("1 translation is outdated now (German): 1 sentence changed." in words for words in said(answer))
    assert Issue.objects.get().translations.get(language_code="en").masthead == "A new one."


@pytest.mark.parametrize("rows", [1, 3])
def test_an_outdated_tab_takes_the_same_queries_whatever_else_is_outdated(desk, rows, django_assert_num_queries):
    words = dict.fromkeys(["de", "pt", "es"][:rows], ("T", BEFORE))
    item = make_item(make_issue(), en=("A boat", BEFORE), **words)
    save(desk, item, "en", text=AFTER)
    ContentType.objects.get_for_model(Item)
    with django_assert_num_queries(28):
        desk.get(page("item_change", item.pk) + "?language=de")
