"""A text in which sentences are missing is kept, and is not done: by no door."""

import pytest

from newsletter.models import Item
from newsletter.translation import texts
from tests.html import Page
from tests.newsletter.desk import at_the_desk, carla, page, said
from tests.newsletter.factories import make_issue, make_item
from tests.newsletter.test_minor import save
from tests.newsletter.translation.files import an_issue, brought_in, proposed, returned
from tests.newsletter.translation.sheets import (
    BARCO,
    address,
    an_item,
    ines,
    press,
    seen,
    send,
    stored,
    text_of,
)

pytestmark = pytest.mark.django_db
WHOLE = {"title_0_0": "Barco", "text_0_0": "Um barco afundou.", "text_0_2": "⟦3/⟧Ninguém veio.", "text_1_0": "Um <2>"}
GAPS = {"title": "Duas pessoas morrem", "text": "<p>Um barco com 12 pessoas afundou. […]</p>"}
REFUSED = "A sentence is still missing where […] stands: write it first. Your words are kept."


@pytest.fixture
def item():
    return an_item()


def with_gaps(item) -> None:
    """Stored by the item's form, which takes whatever is there."""
    text = texts.find(item, "pt")
    item.translations.update_or_create(language_code="pt", defaults=GAPS)
    texts.noticed(Item.objects.get(pk=item.pk), "pt", by=None, how="form", now=text.changed_at)


@pytest.mark.parametrize(("who", "deed"), [(ines, "finish"), (carla, "finish"), (carla, "approve")])
def test_a_text_with_gaps_is_not_done_and_its_words_are_kept(item, who, deed):
    answer = press(at_the_desk(who()), item, deed, GAPS)
    shown = Page(answer)
    assert shown.one("p", id="gap_text", role="alert").words == REFUSED
    field, title = shown.one("textarea", id="words_text"), shown.one("textarea", id="words_title")
    assert (field["aria-invalid"], field["aria-describedby"], field.words) == ("true", "gap_text", GAPS["text"])
    assert (title["aria-invalid"], shown.all("p", id="gap_title")) == (None, [])
    assert (text_of(item).working, text_of(item).number, stored(item)["title"]) == (GAPS, 0, "")
    assert shown.one("input", name="working")["value"] == "1"


def test_it_can_be_kept_for_later_and_done_once_the_sentence_is_there(item):
    desk = at_the_desk(ines())
    assert press(desk, item, "keep", GAPS).status_code == 200
    assert send(desk, item, {**GAPS, "title": "Duas"}).status_code == 200
    assert text_of(item).working == {**GAPS, "title": "Duas"}
    press(desk, item, "finish")
    assert (text_of(item).state, stored(item)) == ("review", BARCO)


def test_another_window_is_told_of_before_gaps_are(item):
    desk = at_the_desk(ines())
    send(desk, item, {"title": "Duas", "text": ""})
    assert press(desk, item, "finish", GAPS, working=0).status_code == 409
    assert text_of(item).working == {"title": "Duas", "text": ""}


def test_a_quotation_may_leave_out_what_its_source_leaves_out():
    one = an_item(en=("“We […] shall see”", "<p>“We […] shall see.” Nobody came.</p>"))
    words = {"title": "“Vamos […] ver”", "text": "<p>“Vamos […] ver.” Ninguém veio.</p>"}
    press(at_the_desk(ines()), one, "finish", words)
    assert stored(one) == words
    more = {**words, "text": words["text"].replace("Ninguém veio.", "[…]")}
    assert Page(press(at_the_desk(carla()), one, "finish", more)).one("p", id="gap_text").words == REFUSED


def test_an_original_leaves_out_what_it_likes(item):
    words = {"title": "Two die", "text": "<p>“We […] shall see.”</p>"}
    texts.find(item, "en")
    press(at_the_desk(carla()), item, "approve", words, language="en")
    assert (text_of(item, "en").state, stored(item, "en")) == ("approved", words)


def test_nobody_approves_gaps_on_the_board(item):
    with_gaps(item)
    data = {"deed": "approve", "cell": f"{item.pk}:pt:1"}
    answer = at_the_desk(carla()).post(page("issue_board_move", item.issue_id), data, follow=True)
    assert "A sentence is still missing where […] stands: write it first." in " ".join(said(answer))
    assert text_of(item).state == "draft"


def test_nor_in_the_form_of_the_item_which_is_saved_and_says_that_first():
    issue = make_issue(languages=["en", "pt"])
    one = make_item(issue, original="en", en=("Two people die", "<p>A boat sank. Nobody came.</p>"))
    answer = save(at_the_desk(carla()), one, "pt", title=GAPS["title"], text=GAPS["text"], button="_approve")
    told = said(answer)
    assert "was changed successfully" in told[0]
    refusal = "It was saved, and not approved: A sentence is still missing where […] stands: write it first."
    assert (told[-1], text_of(one).state, stored(one)) == (refusal, "draft", GAPS)


def test_the_numbers_of_the_page_go_on_from_what_was_kept(item):
    desk = at_the_desk(ines())
    press(desk, item, "finish", GAPS)
    assert seen(item)["working"] == 1
    press(desk, item, "finish", BARCO, working=1)
    assert stored(item) == BARCO
    assert desk.get(address(item)).status_code == 200


# --- files ------------------------------------------------------------------------------------------------------------


def outcome(issue, **targets) -> tuple[bool, list[tuple[str, str]]]:
    """What a person is shown before, will it be unfinished? And what comes of it."""
    file = returned(issue, **targets)
    (proposal,), _strangers = proposed(issue, file)
    return proposal.is_unfinished, brought_in(issue, file, ines())


@pytest.mark.parametrize("said", ["[…]", "⟦1⟧Duas⟦/1⟧ pessoas ⟦2⟧morreram⟦/2⟧ […]."])
def test_a_file_that_brings_gaps_of_its_own_is_kept(said):
    if "⟦" not in said:
        said = f"⟦1⟧⟦/1⟧⟦2⟧⟦/2⟧{said}"
    issue = an_issue()
    assert outcome(issue, **WHOLE, text_0_1=said) == (True, [("kept", "")])
    assert stored(issue.items.get()) == {"title": "", "text": ""}


def test_a_file_that_leaves_gaps_where_they_were_is_kept():
    """The paragraph here is divided in another way than its source, and stays as it is."""
    issue = an_issue(pt=("Barco", "<p>Um barco […] afundou.</p><ul><li>Um</li></ul>"))
    assert outcome(issue, text_1_0="Um <2>") == (True, [("kept", "")])
    assert "Um barco […] afundou." in text_of(issue.items.get()).working["text"]


def test_a_file_that_fills_them_is_done():
    issue = an_issue(pt=("Barco", "<p>Um barco afundou. […] <br>Ninguém veio.</p><ul><li>Um</li></ul>"))
    filled = outcome(issue, text_0_1="⟦1⟧Duas⟦/1⟧ pessoas ⟦2⟧morreram⟦/2⟧.")
    assert filled == (False, [("stored", "")])
    assert "[…]" not in stored(issue.items.get())["text"]


def test_a_file_may_leave_out_what_the_original_leaves_out():
    issue = an_issue(en=("Boat", "<p>“We […] shall see.”</p>"))
    assert outcome(issue, title_0_0="Barco", text_0_0="“Vamos […] ver.”") == (False, [("stored", "")])
