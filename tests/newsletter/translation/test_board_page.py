"""The board at the desk: who may open it, what it shows, and what its buttons do."""

import datetime

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from newsletter.models import Remark, Text, Translator
from newsletter.translation import texts
from picum.accounts.models import AuditEntry, User
from tests.html import Page
from tests.newsletter.desk import amal, at_the_desk, boris, carla, page, said, staff
from tests.newsletter.factories import LANGUAGES, make_issue, make_subscriber
from tests.newsletter.translation.test_board import BOAT, an_issue, an_item, assigned, ines, written

pytestmark = pytest.mark.django_db


def today() -> datetime.date:
    return timezone.localdate()


def person(name: str, *rights: str) -> User:
    found = User.objects.create_user(f"{name.lower()}@example.org", name=name, is_staff=True)
    found.user_permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="newsletter"))
    return found


def rui(languages="pt", name="Rui") -> User:
    """Another volunteer."""
    volunteer = person(name, "translate_text")
    Translator.objects.create(user=volunteer, languages=languages)
    return volunteer


def editor() -> User:
    """Eva edits, and approves."""
    return person("Eva", "view_issue", "change_issue", "change_item", "approve_text")


def shown(client, issue, **asked) -> Page:
    answer = client.get(page("issue_board", issue.pk), asked)
    assert answer.status_code == 200
    return Page(answer)


def lines(html: Page) -> dict[str, list[str]]:
    """What stands in the cells of each line, by its title; an original's column first, where there is one."""
    found: dict[str, list[str]] = {}
    for tag in html.tags:
        if tag.name == "th" and "board-title" in (tag["class"] or ""):
            mine = found.setdefault(tag.words, [])
        elif tag.name == "td" and (tag["class"] or "").startswith(("board-cell", "board-original")):
            mine.append(tag.words)
    return found


def press(client, issue, deed, *picked, **fields):
    return client.post(page("issue_board_move", issue.pk), {"deed": deed, "cell": picked} | fields, follow=True)


def ticked(text: Text, seen: int | None = None) -> str:
    """The cell's value as it is now, or as somebody has seen it."""
    return f"{text.item_id or 'around'}:{text.language}:{text.number if seen is None else seen}"


def states(item) -> dict[str, str]:
    return dict(item.texts.values_list("language", "state"))


def now(text: Text) -> Text:
    return Text.objects.get(pk=text.pk)


# --- who may open it ------------------------------------------------------------------------------------------------


def test_a_visitor_is_asked_to_sign_in_and_who_writes_in_no_language_finds_nothing(client):
    issue = an_issue()
    addresses = [page("issue_board", issue.pk), page("issue_outdated", issue.pk)]
    assert {client.get(address).status_code for address in addresses} == {302}
    assert client.post(page("issue_board_move", issue.pk), {"deed": "approve"}).status_code == 302
    for person in (amal(), ines("")):
        desk = at_the_desk(person)
        assert {desk.get(address).status_code for address in addresses} == {404}
        assert desk.post(page("issue_board_move", issue.pk), {"deed": "approve"}).status_code == 404


def test_looking_changes_nothing_and_a_button_is_not_pressed_by_looking():
    issue = an_issue()
    an_item(issue)
    desk = at_the_desk(carla())
    before = list(Text.objects.values())
    shown(desk, issue)
    desk.get(page("issue_outdated", issue.pk))
    assert desk.get(page("issue_board_move", issue.pk), {"deed": "approve"}).status_code == 405
    assert list(Text.objects.values()) == before


def test_a_volunteer_sees_the_originals_and_her_own_languages_alone():
    issue, person, other = an_issue(), ines("pt"), rui("de")
    item = an_item(issue, en=("Two people die", BOAT), de="Zwei Menschen sterben")
    written(item, "nl", title="Twee mensen", text="<p>Een boot.</p>")
    assigned(item, "de", other)
    make_subscriber("reader@example.org", "de")
    html = shown(at_the_desk(person), issue)
    assert lines(html) == {
        "The words around the items": ["English draft", "missing 1 word"],
        "Two people die": ["English draft", "missing 14 words"],
    }
    assert {"Rui", "German", "Dutch", "Twee"} & set(html.words.split()) == set()
    assert html.all("input", name="cell") == html.all("button", name="deed") == []


def test_a_volunteer_can_follow_every_link_of_her_board():
    issue, person = an_issue(), ines("pt")
    item = an_item(issue)
    written(item, "pt", state="review")
    written(item, "en", title="Three people die", text=BOAT)
    desk = at_the_desk(person)
    html = shown(desk, issue)
    links = {link.partition("#")[0] for link in html.links() if link.startswith("/en/desk/") and "logout" not in link}
    assert {link: desk.get(link).status_code for link in links} == dict.fromkeys(links, 200)
    assert page("issue_translate", issue.pk, "pt", item.pk) in links


def test_who_only_sends_sees_everything_and_opens_nothing():
    issue = an_issue()
    item = an_item(issue)
    html = shown(at_the_desk(staff("send_issue")), issue)
    assert lines(html)["Two people die"] == ["draft original", *["missing 14 words"] * 6]
    assert page("issue_translate", issue.pk, "pt", item.pk) not in html.links()


# --- what it shows --------------------------------------------------------------------------------------------------


def test_a_cell_says_its_state_who_has_it_until_when_and_what_is_left():
    issue, person = an_issue(), ines("pt it")
    item = an_item(issue)
    written(item, "de", state="approved")
    assigned(item, "pt", person, today() - datetime.timedelta(days=1))
    Text.objects.filter(language="pt").update(machine={"title": "Dois", "text": ""})
    text = assigned(item, "it", person, today())
    Remark.objects.create(text=text, words="Which court?")
    written(item, "en", title="Three people die", text=BOAT)
    told = lines(shown(at_the_desk(editor()), issue))["Three people die see what changed: Three people die"]
    assert told == [
        "in review original",
        "outdated 1 sentence changed 3 words",
        "missing 14 words",
        "missing 14 words",
        "missing 14 words",
        f"missing Ines until {_day(today())} 14 words remarks",
        f"missing Ines late: {_day(today() - datetime.timedelta(days=1))} 14 words machine draft",
    ]


def test_words_of_people_are_words_and_nothing_else():
    issue = an_issue()
    item = an_item(issue, en=("<b>Two</b>", BOAT))
    assigned(item, "pt", rui("pt", name="<i>Rui</i> & Co"))
    html = shown(at_the_desk(editor()), issue)
    assert "<i>Rui</i> & Co" in lines(html)["<b>Two</b>"][-1]
    assert html.all("i") == []


def _day(date: datetime.date) -> str:
    return f"{date.day} {date:%b}"


def test_the_head_sums_up_each_language():
    issue = an_issue()
    written(an_item(issue), "de", state="approved")
    for number in range(2):
        make_subscriber(f"reader{number}@example.org", "de")
    html = shown(at_the_desk(boris()), issue)
    sums = {tag["data-label"]: tag.words for tag in html.all("td") if not tag["class"]}
    assert sums["German"].startswith("1 approved, 1 missing 1 word left 2 readers wait")
    assert sums["Portuguese"].startswith("2 missing 15 words left 0 readers wait")
    assert "2 readers get every item in their language." in html.words
    assert [tag.words for tag in html.all("tr")][-1] == "German 2 – –"


def test_the_table_is_one_for_screen_readers():
    issue = an_issue()
    an_item(issue)
    html = shown(at_the_desk(editor()), issue)
    assert html.all("caption")[0].words == "How far each text is in each language"
    assert {tag["scope"] for tag in html.all("th")} == {"col", "row", "rowgroup"}
    known = {tag["id"] for tag in html.tags}
    named = [tag["aria-labelledby"].split() for tag in html.all("input", name="cell")]
    assert len(named) == 2 * 7
    assert {name for names in named for name in names} <= known


# --- filters --------------------------------------------------------------------------------------------------------


def the_filtered(asked) -> dict[str, list[str]]:
    issue, person = an_issue(), editor()
    late, mine, other, done = (an_item(issue, en=name) for name in ("Late", "Mine", "Other", "Done"))
    assigned(late, "de", carla(), today() - datetime.timedelta(days=1))
    assigned(mine, "pt", person)
    written(other, "pt", state="approved")
    written(other, "en", title="Other", text="<p>New.</p>")
    written(done, "nl", state="review")
    found = lines(shown(at_the_desk(person), issue, **asked))
    return {title.partition(" ")[0]: [cell for cell in row if cell] for title, row in found.items()}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"mine": "1"}, {"Mine": 1}),
        ({"late": "1"}, {"Late": 1}),
        ({"outdated": "1"}, {"Other": 1}),
        # The new original waits for somebody to look at it.
        ({"review": "1"}, {"Other": 1, "Done": 1}),
        ({"review": "1", "outdated": "1"}, {"Other": 2, "Done": 1}),
        ({"review": "1", "mine": "1"}, {}),
        ({"mine": "1", "late": "1"}, {}),
        ({"late": "1", "language": "de"}, {"Late": 2}),
        ({"late": "1", "language": "pt"}, {}),
        ({"language": "pt"}, {"The": 2, "Late": 2, "Mine": 2, "Other": 2, "Done": 2}),
        ({"language": "xx"}, {"The": 7, "Late": 7, "Mine": 7, "Other": 7, "Done": 7}),
    ],
)
def test_filters_leave_the_cells_that_are_all_that_was_asked_for(asked, expected):
    assert {title: len(row) for title, row in the_filtered(asked).items()} == expected


def test_a_language_that_is_not_hers_is_no_filter_for_a_volunteer():
    issue = an_issue()
    an_item(issue, en="News", de="Nachricht")
    assert lines(shown(at_the_desk(ines("pt")), issue, language="de"))["News"] == ["English draft", "missing 4 words"]


def test_a_button_leads_back_to_the_text_that_was_ticked_last():
    issue = an_issue()
    item = an_item(issue, en="News")
    desk, picked = at_the_desk(editor()), ["around:de:0", f"{item.pk}:pt:0"]
    answer = desk.post(page("issue_board_move", issue.pk), {"deed": "approve", "cell": picked, "late": "1"})
    assert answer.url == page("issue_board", issue.pk) + f"?late=1#cell-{item.pk}-pt"
    assert shown(desk, issue).one("td", id=f"cell-{item.pk}-pt")["data-label"] == "Portuguese"
    # All of a language are handed out, whatever else the form says.
    fields = {"deed": "assign", "which": "missing:pt", "to": "nobody", "cell": '"><b>:pt:1'}
    assert desk.post(page("issue_board_move", issue.pk), fields).url == page("issue_board", issue.pk)


def test_a_button_leads_back_to_what_was_filtered():
    issue = an_issue()
    answer = at_the_desk(editor()).post(
        page("issue_board_move", issue.pk), {"deed": "approve", "mine": "1", "language": "pt", "next": "//evil.example"}
    )
    assert answer.url == page("issue_board", issue.pk) + "?mine=1&language=pt"


# --- approving and sending back -------------------------------------------------------------------------------------


def test_what_can_be_approved_is_and_of_the_rest_it_is_told_why():
    issue, person = an_issue(), editor()
    one, two = an_item(issue, en="One"), an_item(issue, en="Two")
    fine, done = written(one, "de"), written(one, "nl", state="approved")
    typed, changed = written(one, "it"), written(two, "de")
    texts.keep(
        typed, {"title": "U", "text": ""}, seen=typed.working_number, source_seen=1, by=person, now=timezone.now()
    )
    written(two, "en", title="Two", text="<p>New.</p>")
    missing = texts.find(two, "pt")
    answer = press(
        at_the_desk(person), issue, "approve", *[ticked(text) for text in (fine, done, typed, changed, missing)]
    )
    assert said(answer) == [
        "1 text was approved.",
        "Dutch “One”: It is approved already.",
        "Italian “One”: Somebody is still writing this text: finish it, or drop what was typed.",
        "German “Two”: The original has changed since: look at what changed first.",
        "Portuguese “Two”: There are no words yet.",
    ]
    assert [now(text).state for text in (fine, done, typed, changed, missing)] == [
        "approved", "approved", "review", "review", "draft",
    ]  # fmt: skip
    assert (now(fine).approved_by, AuditEntry.objects.filter(action="text.approve").count()) == (person, 1)


def test_many_that_cannot_be_moved_are_one_sentence():
    issue = an_issue()
    items = [an_item(issue, en=f"Item {number}") for number in range(5)]
    answer = press(at_the_desk(editor()), issue, "approve", *[f"{item.pk}:pt:0" for item in items])
    assert said(answer) == [
        "Portuguese “Item 0”, Portuguese “Item 1”, Portuguese “Item 2” and 2 more: There are no words yet."
    ]
    assert not Text.objects.filter(language="pt").exists()


def test_words_that_nobody_knows_yet_can_be_approved():
    issue = an_issue()
    item = an_item(issue, en="One", de="Eins")
    press(at_the_desk(editor()), issue, "approve", f"{item.pk}:de:0")
    assert states(item) == {"en": "draft", "de": "approved"}


def test_words_that_somebody_stored_meanwhile_are_not_approved_unseen():
    issue, person = an_issue(), editor()
    text = written(an_item(issue, en="One"), "de")
    written(text.item, "de", title="Eins", text="<p>Neu.</p>", now=timezone.now())
    answer = press(at_the_desk(person), issue, "approve", ticked(text, seen=1))
    assert now(text).number == 2
    assert (said(answer), now(text).state) == (
        ["German “One”: Somebody else, or you in another window, changed this text meanwhile."], "review"
    )  # fmt: skip


def test_sending_back_makes_drafts_of_what_was_handed_in():
    issue, person = an_issue(), editor()
    item = an_item(issue, en="One")
    review, draft = written(item, "de", state="approved"), written(item, "nl", state="draft")
    answer = press(at_the_desk(person), issue, "send_back", ticked(review), ticked(draft))
    assert said(answer) == ["1 text is a draft again.", "Dutch “One”: It is a draft already."]
    assert now(review).state == "draft"


def test_without_a_tick_nothing_happens_and_that_is_said():
    issue = an_issue()
    assert said(press(at_the_desk(editor()), issue, "approve")) == ["Tick at least one text."]


@pytest.mark.parametrize("deed", ["approve", "send_back", "assign"])
def test_only_who_may_approve_does_so(deed):
    issue = an_issue()
    item = an_item(issue, en="One")
    text = written(item, "pt")
    for person in (ines("pt"), boris()):
        fields = {"which": "chosen", "to": str(person.pk), "due_on": ""}
        answer = press(at_the_desk(person), issue, deed, ticked(text), **fields)
        assert answer.status_code == 403
    assert (now(text).state, now(text).assignee) == ("review", None)


@pytest.mark.parametrize("value", ["", "x", "0:pt:1", "around:xx:1", "around:pt:", "around:pt:1:2", "9999999:pt:1"])
def test_a_cell_that_there_is_not_is_404(value):
    issue = an_issue()
    assert press(at_the_desk(editor()), issue, "approve", value).status_code == 404


def test_a_cell_of_another_issue_or_a_deed_that_there_is_not_is_404():
    issue, other = an_issue(), make_issue("other")
    item = an_item(other, en="One")
    desk = at_the_desk(editor())
    assert press(desk, issue, "approve", f"{item.pk}:en:1").status_code == 404
    assert press(desk, issue, "delete").status_code == 404
    assert states(item) == {"en": "draft"}


# --- still right ----------------------------------------------------------------------------------------------------


@pytest.fixture
def changed():
    """An item whose original says something else now: German approved, Portuguese in review."""
    item = an_item(an_issue())
    written(item, "de", state="approved")
    written(item, "pt", title="Duas pessoas", text="<p>Um barco.</p>")
    written(item, "en", title="Two people die", text=BOAT.replace("sank", "went down"))
    return item


def test_what_changed_stands_beside_the_translation(changed):
    html = Page(at_the_desk(editor()).get(page("issue_outdated", changed.issue_id)))
    assert [tag.words for tag in html.all("span", class_="difference")] == ["A boat Before: sankAfter: went down."]
    assert [tag.words for tag in html.all("summary")] == ["German", "Portuguese"]
    assert "Um barco." in html.words
    buttons = [tag.words for tag in html.all("button", class_="button") if "right" in tag.words]
    assert buttons == ["Still right: German", "Still right: Portuguese", "Still right in all 2 languages"]
    alone = Page(
        at_the_desk(User.objects.get(name="Eva")).get(page("issue_outdated", changed.issue_id) + "?language=pt")
    )
    assert [tag.words for tag in alone.all("summary")] == ["Portuguese"]


def test_one_click_makes_it_right_again_as_it_was_before(changed):
    german, portuguese = changed.texts.get(language="de"), changed.texts.get(language="pt")
    answer = press(
        at_the_desk(editor()), changed.issue, "still_right", ticked(german, 2), ticked(portuguese, 2), stay="1"
    )
    place = f"#text-{changed.pk}"  # who works with the keys goes on where they were
    assert answer.redirect_chain == [(page("issue_outdated", changed.issue_id) + place, 302)]
    assert said(answer) == ["Still right: German, Portuguese."]
    told = [(now(text).state, now(text).source_number) for text in (german, portuguese)]
    assert told == [("approved", 2), ("review", 2)]


def test_who_looked_at_an_older_change_is_asked_to_look_again(changed):
    text = changed.texts.get(language="de")
    written(changed, "en", title="Three people die", text=BOAT, now=timezone.now())
    answer = press(at_the_desk(editor()), changed.issue, "still_right", ticked(text, 2))
    assert said(answer) == [
        "German “Three people die”: The original was changed once more meanwhile: please look again."
    ]
    assert now(text).source_number == 1


def test_a_volunteer_says_so_of_her_language_but_approves_nothing(changed):
    desk, issue = at_the_desk(ines("pt de")), changed.issue
    german, portuguese = changed.texts.get(language="de"), changed.texts.get(language="pt")
    html = Page(desk.get(page("issue_outdated", issue.pk)))
    assert [tag.words for tag in html.all("button", name="cell")] == ["Still right: Portuguese"]
    answer = press(desk, issue, "still_right", ticked(german, 2), ticked(portuguese, 2))
    assert said(answer) == [
        "Still right: Portuguese.", "German “Two people die”: It was approved: open it and hand it in again."
    ]  # fmt: skip
    assert (now(german).source_number, now(portuguese).source_number) == (1, 2)


def test_a_volunteer_says_nothing_of_other_languages(changed):
    text = changed.texts.get(language="pt")
    desk = at_the_desk(ines("nl"))
    assert press(desk, changed.issue, "still_right", ticked(text, 2)).status_code == 404
    assert "Um barco." not in Page(desk.get(page("issue_outdated", changed.issue_id))).words
    assert now(text).source_number == 1


# --- handing out ----------------------------------------------------------------------------------------------------


def given(thing) -> dict[str, tuple]:
    rows = thing.texts.exclude(assignee=None, due_on=None)
    return {text.language: (str(text.assignee or ""), text.due_on) for text in rows.select_related("assignee")}


def test_all_that_is_missing_in_a_language_goes_to_one_person_until_a_day():
    issue, person, friday = an_issue(), rui("pt"), today() + datetime.timedelta(days=4)
    one, two = an_item(issue, en="One"), an_item(issue, en="Two", pt="Dois")
    fields = {"which": "missing:pt", "to": str(person.pk), "due_on": friday.isoformat()}
    answer = press(at_the_desk(carla()), issue, "assign", **fields)
    assert said(answer) == ["2 texts were handed out."]
    assert [given(thing) for thing in (one, two)] == [{"pt": ("Rui", friday)}, {}]
    around = Text.objects.get(issue=issue, item=None, language="pt")
    assert (around.assignee, around.number, around.state) == (person, 0, "draft")


def test_what_is_left_empty_stays_as_it_is():
    issue, person, friday = an_issue(), rui("pt"), today() + datetime.timedelta(days=4)
    item = an_item(issue, en="One")
    text = assigned(item, "pt", person, today())
    desk = at_the_desk(carla())
    press(desk, issue, "assign", ticked(text), which="chosen", to="", due_on=friday.isoformat())
    assert given(item) == {"pt": ("Rui", friday)}
    press(desk, issue, "assign", ticked(text), which="chosen", to="nobody", due_on="")
    assert given(item) == {"pt": ("", friday)}


def test_nobody_gets_a_language_that_they_do_not_write():
    issue, person = an_issue(), rui("pt")
    item = an_item(issue, en="One")
    picked = [f"{item.pk}:pt:0", f"{item.pk}:de:0"]
    answer = press(at_the_desk(carla()), issue, "assign", *picked, which="chosen", to=str(person.pk), due_on="")
    assert said(answer) == ["1 text was handed out.", "German “One”: Rui does not write in this language."]
    assert given(item) == {"pt": ("Rui", None)}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"to": "", "due_on": ""}, "Say who has the texts from now on, or until when."),
        ({"to": "", "due_on": "2020-01-01"}, "That day is over."),
        ({"to": "", "due_on": "soon"}, "Enter a valid date."),
    ],
)
def test_what_cannot_be_meant_is_said(fields, sentence):
    issue = an_issue()
    item = an_item(issue, en="One")
    answer = press(at_the_desk(carla()), issue, "assign", f"{item.pk}:pt:0", which="chosen", **fields)
    assert (said(answer), given(item)) == ([sentence], {})


def test_texts_go_only_to_people_who_write():
    issue, outsider = an_issue(), amal()
    ines("pt"), rui("")
    gone = User.objects.create_user("gone@example.org", name="Gone", is_active=False, is_superuser=True, is_staff=True)
    item = an_item(issue, en="One")
    desk = at_the_desk(carla())
    options = [tag.words for tag in shown(desk, issue).all("option") if "(" in tag.words]
    assert options == ["Carla (en de nl es fr it pt)", "Ines (pt)"]
    for person in (outsider, gone):
        press(desk, issue, "assign", f"{item.pk}:pt:0", which="chosen", to=str(person.pk), due_on="")
    assert given(item) == {}


# --- the ways to it -------------------------------------------------------------------------------------------------


def test_the_issue_and_the_list_of_issues_lead_to_the_board():
    issue = an_issue()
    desk = at_the_desk(boris())
    board = page("issue_board", issue.pk)
    for address in (page("issue_change", issue.pk), page("issue_changelist")):
        assert board in Page(desk.get(address)).links()


def test_a_volunteers_home_is_what_waits_for_her():
    issue, person = an_issue(), ines("pt")
    assigned(an_item(issue), "pt", person, today() - datetime.timedelta(days=1))
    assigned(issue, "pt", person)
    assigned(an_item(issue, en="Not hers"), "pt", rui("pt"))
    html = Page(at_the_desk(person).get("/en/desk/"))
    assert [tag.words for tag in html.all("li") if "Portuguese" in tag.words] == [
        f"Two people die late: {_day(today() - datetime.timedelta(days=1))} · Portuguese · missing · October 2026",
        "The words around the items Portuguese · missing · October 2026",
    ]
    assert page("issue_board", issue.pk) in html.links()
    assert "Recent actions" not in html.words
    assert "permission" not in html.words


def test_an_editors_home_says_how_many_texts_are_to_be_approved_as_many_as_the_board_shows():
    issue, gone = an_issue(), make_issue("gone", period=datetime.date(2026, 9, 1))
    item, other = an_item(issue, en="One"), an_item(issue, en="Two")
    written(item, "de"), written(item, "nl"), written(item, "pt", state="approved"), written(other, "it")
    written(issue, "fr", subject="Octobre")
    written(issue, "it", state="draft", subject="Ottobre")
    typed, outdated = texts.find(item, "nl"), texts.find(other, "it")
    texts.keep(
        typed, {"title": "N", "text": ""}, seen=typed.working_number, source_seen=1, by=carla(), now=timezone.now()
    )
    written(other, "en", state="approved", title="Two", text="<p>New.</p>")
    assert outdated.state == "review"
    written(an_item(gone), "de")
    gone.editions.update(frozen_at=timezone.now())
    desk = at_the_desk(editor())
    links = {tag["href"]: tag.words for tag in Page(desk.get("/en/desk/")).all("a") if "review" in (tag["href"] or "")}
    board = page("issue_board", issue.pk) + "?review=1"
    assert links == {board: "October 2026: 2 texts"}
    cells = [cell for row in lines(Page(desk.get(board))).values() for cell in row if cell]
    assert cells == ["in review"] * 2


def test_who_approves_nothing_is_not_told_what_is_to_be_approved():
    written(an_item(an_issue()), "pt")
    assert "To approve" not in Page(at_the_desk(ines("pt")).get("/en/desk/")).words
    assert "To approve: October 2026: 1 text" in Page(at_the_desk(carla()).get("/en/desk/")).words


def test_a_home_without_texts_of_ones_own():
    an_issue()
    assert "Nothing waits for your words." in Page(at_the_desk(ines("pt")).get("/en/desk/")).words
    assert not Page(at_the_desk(amal()).get("/en/desk/")).all("section", id="my-texts")


# --- what it costs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("languages", [1, 3])
def test_the_pages_cost_the_same_whatever_the_size(django_assert_num_queries, items, languages):
    issue = an_issue()
    desk = at_the_desk(carla())
    for number in range(items):
        item = an_item(issue)
        for language in LANGUAGES[-languages:]:
            written(item, language, state="approved")
            assigned(item, language, rui(language, f"{language}{number}"))
        written(item, "en", title=f"Three {number}", text=BOAT)
        make_subscriber(f"reader{number}@example.org", "pt en")
    with django_assert_num_queries(14):
        assert len(lines(shown(desk, issue))) == items + 1
    with django_assert_num_queries(11):
        desk.get(page("issue_outdated", issue.pk))
    helper = at_the_desk(User.objects.get(email="pt0@example.org"))
    Text.objects.update(assignee=User.objects.get(email="pt0@example.org"))
    with django_assert_num_queries(10):
        helper.get("/en/desk/")
